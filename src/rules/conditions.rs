//! Reading `where`: from nested tables to matchers.
//!
//! A table that is made only of matcher words is a matcher, any other table is a path. A key in quotes is never a word.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Pattern, suggest};

use super::context::{Context, Names};
use super::fields::{self, Sort};
use super::matcher::{Condition, Field, Group, Order, Test, Word};
use super::{implies, never, tables, trigger};

/// The most parts of a path.
const DEEPEST: usize = 100;
pub(super) const WORDS: &[&str] =
    &["regex", "prefix", "suffix", "contains", "not", "exists", "gt", "gte", "lt", "lte", "table"];

/// Reads a group of conditions. The names that its regexes bind are added to `names`.
pub(super) fn read(context: &mut Context<'_>, table: &Table<'_>, names: &mut Names) -> Group {
    let mut reader = Reader { context, names, seen: BTreeSet::new(), binds: true };
    let mut group = Group::default();
    reader.table(table, &[], None, &mut group);
    group.0.shrink_to_fit();
    excluded(context, table, &group);
    group
}

/// `not = { … }` beside matchers that require just that.
fn excluded(context: &mut Context<'_>, table: &Table<'_>, group: &Group) {
    let refused = group.0.iter().any(|condition| {
        let Condition::All(groups) = condition else { return false };
        groups
            .iter()
            .flat_map(|group| &group.0)
            .any(|one| matches!(one, Condition::Not(inner) if !inner.0.is_empty() && implies::group(group, inner)))
    });
    if let Some(entry) = table.get("not").filter(|_| refused) {
        let help = "take it out of one of the two";
        let message = "`not` takes away all that the matchers beside it let pass";
        context.warning("never-matches", &entry.node.span, message.to_owned(), help);
    }
}

struct Reader<'c, 'a, 'n> {
    context: &'c mut Context<'a>,
    names: &'n mut Names,
    seen: BTreeSet<String>,
    /// Captures are bound; not so below `not`.
    binds: bool,
}

impl Reader<'_, '_, '_> {
    fn table(&mut self, table: &Table<'_>, path: &[Arc<str>], from: Option<&Range<usize>>, group: &mut Group) {
        for entry in &table.entries {
            if path.is_empty() && !entry.quoted && matches!(&*entry.key, "any" | "all" | "not") {
                group.0.extend(self.combination(entry));
                continue;
            }
            let keys: Vec<Arc<str>> = match path {
                // `"call.from"` is the same as `call.from`; below `content` a quoted dot is part of the key.
                [] => entry.key.split('.').map(Arc::from).collect(),
                _ => path.iter().cloned().chain([Arc::from(&*entry.key)]).collect(),
            };
            if keys.len() > DEEPEST {
                let message = format!("a path has at most {DEEPEST} parts, this one has {}", keys.len());
                self.context.error("unknown-field", &entry.key_span, message, None);
                continue;
            }
            // `call.from`, when both keys stand side by side.
            let joined = from.filter(|from| from.end + 1 == entry.key_span.start).map(|from| from.start);
            let span = joined.unwrap_or(entry.key_span.start)..entry.key_span.end;
            match &entry.node.value {
                Item::Table(inner) if inner.entries.is_empty() => {
                    let message = format!("`{}` is asked nothing", keys.join("."));
                    let help = Some("is `{ exists = true }` meant?".to_owned());
                    self.context.error("empty-matcher", &entry.node.span, message, help);
                }
                Item::Table(inner) if !is_matcher(inner) => {
                    if !self.mixed(inner, &keys.join(".")) {
                        self.table(inner, &keys, Some(&span), group);
                    }
                }
                _ => group.0.extend(self.field(keys, &span, entry)),
            }
        }
    }

    /// A table of words and of something else: the rest are misspelt words, or fields that must be written in quotes.
    fn mixed(&mut self, table: &Table<'_>, path: &str) -> bool {
        let word = |entry: &&Entry<'_>| !entry.quoted && WORDS.contains(&&*entry.key);
        let Some(one) = table.entries.iter().find(word) else { return false };
        for entry in table.entries.iter().filter(|entry| !word(entry)) {
            let message = format!("`{}` is no matcher word, and `{}` beside it is one", entry.key, one.key);
            let help = suggest::nearest(&entry.key, WORDS.iter().copied()).map_or_else(
                || format!("if `{path}` has a field `{}`, write that in quotes", one.key),
                |near| format!("did you mean `{near}`?"),
            );
            self.context.error("unknown-word", &entry.key_span, message, Some(help));
        }
        true
    }

    /// `any = [{…}]`, `all = [{…}]`, `not = {…}`.
    fn combination(&mut self, entry: &Entry<'_>) -> Option<Condition> {
        let key = &*entry.key;
        let binds = self.binds && key != "not";
        let groups = match &entry.node.value {
            Item::List(items) => items.iter().map(|item| self.group(item, key, binds)).collect::<Vec<_>>(),
            Item::Table(_) if key != "any" => vec![self.group(&entry.node, key, binds)],
            _ => {
                let (example, sort) =
                    (if key == "not" { "not = { … }" } else { "any = [{ … }, { … }]" }, entry.node.sort());
                let help = Some(format!("write it such as `{example}`"));
                self.context.error(
                    "wrong-type",
                    &entry.node.span,
                    format!("`{key}` combines matchers, {sort} is none"),
                    help,
                );
                return None;
            }
        };
        if groups.is_empty() {
            self.context.error("empty-matcher", &entry.node.span, format!("`{key}` is empty"), None);
        }
        let groups: Vec<Group> = groups.into_iter().flatten().collect();
        Some(match key {
            "any" => Condition::Any(groups),
            "all" => Condition::All(groups),
            // None of a list of groups.
            _ => Condition::All(groups.into_iter().map(|group| Group(vec![Condition::Not(group)])).collect()),
        })
    }

    fn group(&mut self, node: &Node<'_>, key: &str, binds: bool) -> Option<Group> {
        let table = self.context.table(node, key, "{ call.from = \"…\" }")?;
        let outer = (std::mem::take(&mut self.seen), std::mem::replace(&mut self.binds, binds));
        let mut group = Group::default();
        self.table(table, &[], None, &mut group);
        (self.seen, self.binds) = outer;
        Some(group)
    }

    fn field(&mut self, keys: Vec<Arc<str>>, span: &Range<usize>, entry: &Entry<'_>) -> Option<Condition> {
        let path = keys.join(".");
        if !self.seen.insert(path.clone()) {
            let help = Some("one matcher holds several words: `{ prefix = \"+1\", not = \"+1613…\" }`".to_owned());
            self.context.error("field-twice", span, format!("`{path}` is named twice"), help);
        }
        let sort = match self.sort(&path, &keys, entry) {
            Ok(sort) => sort,
            Err(trouble) => {
                self.context.error(trouble.code, span, trouble.message, trouble.help);
                // What reads the row that would be bound is not a mistake of its own.
                if let Item::Table(words) = &entry.node.value
                    && let Some(table) = words.get("table")
                {
                    self.names
                        .bindings
                        .extend(self.context.texts(&table.node, "table").into_iter().map(|(name, _)| name));
                }
                return None;
            }
        };
        let before = self.context.report.len();
        let test = self.test(&entry.node, &path, sort);
        let values = never::values(&path, &self.names.kinds);
        // Where a value is wrong, that has been told.
        if self.context.report.len() == before
            && let Some(why) = never::stands(&test, sort, values.as_deref())
        {
            let message = format!("nothing stands this matcher on `{path}`: {why}");
            let help =
                "all words of one matcher must hold; what may be one or the other stands in `any = [{ … }, { … }]`";
            self.context.warning("never-matches", &entry.node.span, message, help);
        }
        Some(Condition::Field(Field::new(path.into(), keys, test)))
    }

    /// What the field holds. A field below a plain value is most likely a misspelt word.
    fn sort(&self, path: &str, keys: &[Arc<str>], entry: &Entry<'_>) -> Result<Sort, fields::Trouble> {
        let last = &*entry.key;
        let owner = path.strip_suffix(last).and_then(|owner| owner.strip_suffix('.'));
        if let (Some(owner), true) = (owner, keys.len() > 2 && !entry.quoted)
            && fields::known(owner, &self.names.kinds).is_some_and(|sort| sort != Sort::Open)
            && let Some(near) = suggest::nearest(last, WORDS.iter().copied())
        {
            let message = format!("`{last}` is no matcher word");
            return Err(fields::Trouble {
                code: "unknown-word",
                message,
                help: Some(format!("did you mean `{near}`?")),
            });
        }
        if matches!(keys, [root] if &**root == "now") || keys.first().is_some_and(|root| &**root == "hours") {
            let message = format!("`{path}` is asked in `when`, not in `where`");
            let help = Some("for hours there are `while_open` and `while_closed`".to_owned());
            return Err(fields::Trouble { code: "unknown-field", message, help });
        }
        if keys.len() == 1 && fields::known(path, &self.names.kinds).is_some() {
            let message = format!("`{path}` is a view, not a field");
            return Err(fields::Trouble {
                code: "unknown-field",
                message,
                help: Some(format!("name one of its fields: `{path}.…`")),
            });
        }
        self.context.field(path, &self.names.kinds)
    }

    fn test(&mut self, node: &Node<'_>, path: &str, sort: Sort) -> Test {
        match &node.value {
            Item::Table(table) => {
                let words = table.entries.iter().filter_map(|entry| self.word(entry, path, sort)).collect();
                Test(words)
            }
            _ => Test(vec![Word::Equals(self.values(node, path, sort))]),
        }
    }

    fn word(&mut self, entry: &Entry<'_>, path: &str, sort: Sort) -> Option<Word> {
        let node = &entry.node;
        Some(match &*entry.key {
            "prefix" => Word::Prefix(self.parts(entry, path, sort)),
            "suffix" => Word::Suffix(self.parts(entry, path, sort)),
            "contains" => Word::Contains(self.parts(entry, path, sort)),
            "regex" => {
                let regexes: Vec<&Node<'_>> =
                    if let Item::List(items) = &node.value { items.iter().collect() } else { vec![node] };
                Word::Regex(regexes.into_iter().filter_map(|node| self.regex(node)).collect())
            }
            "exists" => Word::Exists(self.context.bool(node, "exists")?),
            "gt" => Word::Compare(Order::Greater, self.values(node, path, sort)),
            "gte" => Word::Compare(Order::AtLeast, self.values(node, path, sort)),
            "lt" => Word::Compare(Order::Less, self.values(node, path, sort)),
            "lte" => Word::Compare(Order::AtMost, self.values(node, path, sort)),
            "not" => match &node.value {
                Item::Table(table) if is_matcher(table) => {
                    let binds = std::mem::replace(&mut self.binds, false);
                    let test = self.test(node, path, sort);
                    self.binds = binds;
                    Word::Not(Box::new(test))
                }
                Item::Table(_) => {
                    let help = Some(format!("words are {}", suggest::list(WORDS)));
                    self.context.error("unknown-word", &node.span, "`not` takes a value, a list or a matcher", help);
                    return None;
                }
                _ => Word::NoneOf(self.values(node, path, sort)),
            },
            _ => {
                if sort == Sort::Bool {
                    let message = format!("`{path}` is true or false, no table has a row for it");
                    self.context.error("wrong-type", &node.span, message, None);
                    return None;
                }
                Word::Table(tables::word(self.context, self.names, node, self.binds))
            }
        })
    }

    fn regex(&mut self, node: &Node<'_>) -> Option<Pattern> {
        let text = self.context.text(node, "regex")?.to_owned();
        let regex = trigger::read_regex(self.context, &text, node)?;
        for name in regex.names().iter().filter(|_| self.binds) {
            bind(self.context, self.names, name, &node.span);
        }
        Some(regex)
    }

    fn parts(&mut self, entry: &Entry<'_>, path: &str, sort: Sort) -> Vec<String> {
        if matches!(sort, Sort::Bool | Sort::Number) {
            let is = if sort == Sort::Bool { "true or false" } else { "a number" };
            let message = format!("`{path}` is {is}, it has no {}", entry.key);
            self.context.error("wrong-type", &entry.node.span, message, None);
            return Vec::new();
        }
        let texts = self.context.texts(&entry.node, &entry.key);
        for (text, span) in texts.iter().filter(|_| &*entry.key == "prefix") {
            tables::number(self.context, path, text, span, true);
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    /// One value or a list of values, of the sort that the field holds.
    fn values(&mut self, node: &Node<'_>, path: &str, sort: Sort) -> Vec<Value> {
        match &node.value {
            Item::List(items) if items.is_empty() => {
                self.context.error("empty-matcher", &node.span, "an empty list matches nothing", None);
                Vec::new()
            }
            Item::List(items) => items.iter().filter_map(|item| self.value(item, path, sort)).collect(),
            _ => self.value(node, path, sort).into_iter().collect(),
        }
    }

    fn value(&mut self, node: &Node<'_>, path: &str, sort: Sort) -> Option<Value> {
        let value = match &node.value {
            Item::Text(text) => Value::from(&**text),
            Item::Integer(number) => Value::from(*number),
            Item::Float(number) => Value::from(*number),
            Item::Bool(value) => Value::from(*value),
            Item::Date(_) => {
                let help = self.context.quoted(node);
                self.context.error("wrong-type", &node.span, "times on the wire are text", help);
                return None;
            }
            Item::List(_) | Item::Table(_) => {
                let message =
                    format!("`{path}` is compared with text, numbers, true or false, not with {}", node.sort());
                self.context.error("wrong-type", &node.span, message, None);
                return None;
            }
        };
        let fits = match sort {
            Sort::Open => true,
            Sort::Text => value.is_string(),
            Sort::Bool => value.is_boolean(),
            Sort::Number => value.is_number(),
        };
        if !fits {
            let wanted = match sort {
                Sort::Bool => "true or false",
                Sort::Number => "a number",
                Sort::Text | Sort::Open => "text",
            };
            let help = match (sort, &value) {
                (Sort::Number, Value::String(text)) if text.parse::<i64>().is_ok() => {
                    Some(format!("write {text} without quotes"))
                }
                (Sort::Bool, Value::String(text)) if text == "true" || text == "false" => {
                    Some(format!("write {text} without quotes"))
                }
                (Sort::Text, _) => self.context.quoted(node),
                _ => None,
            };
            let message = format!("`{path}` holds {wanted}; {} never equals it", node.sort());
            self.context.error("wrong-type", &node.span, message, help);
            return None;
        }
        if let Some(text) = value.as_str() {
            self.context.known_value(path, text, &node.span, &self.names.kinds);
            tables::number(self.context, path, text, &node.span, false);
        }
        Some(value)
    }
}

/// Makes a name known to the templates of the rule, unless it would hide something else.
pub(super) fn bind(context: &mut Context<'_>, names: &mut Names, name: &str, span: &Range<usize>) {
    let view = fields::known(name, &[]).is_some() || matches!(name, "now" | "hours" | "vars" | "tables" | "item");
    if view {
        let message = format!("what is bound to `{name}` here would hide the view `{name}`");
        context.error("hidden-name", span, message, Some(format!("call it other, such as `{name}_part`")));
    }
    if !names.bindings.iter().any(|known| known == name) {
        names.bindings.push(name.to_owned());
    }
}

fn is_matcher(table: &Table<'_>) -> bool {
    table.entries.iter().all(|entry| !entry.quoted && WORDS.contains(&&*entry.key))
}
