//! Reading files: calendars, tables and hours first, for rules of any file may name them, then the rules in file order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use crate::event::Kind;
use crate::language::document::{self, Entry, Item, Node, Table};
use crate::language::render::Lines;
use crate::language::{Engine, Report, Source, suggest};
use crate::numbers::Numbers;

use super::calendars::Calendars;
use super::context::{Context, HoursByName, Names};
use super::far::{self, Asks};
use super::gates::{self, Collected};
use super::limit::{self, RuleLimit};
use super::matcher::Group;
use super::rehearsal::{self, Test};
use super::rule::{Gates, Rule, When};
use super::tables::{self, Destination, Sheets};
use super::trigger::Trigger;
use super::vars::{self, Vars};
use super::{World, conditions, layers, opening, steps, trigger};

pub(super) const FILE_KEYS: &[&str] = &["rule", "hours", "calendars", "tables", "vars", "test"];
pub(super) const FILE_KEYS_LATER: &[&str] = &["dialogs"];
/// The keys of a rule.
pub(super) const RULE_KEYS: &[&str] = &[
    "name",
    "on",
    "where",
    "when",
    "while_open",
    "while_closed",
    "for",
    "route",
    "limit",
    "deadline",
    "enabled",
    "dry_run",
    "do",
];

/// A rule, and what the checks across rules want to know of it.
pub(super) struct Draft {
    pub(super) rule: Rule,
    pub(super) source: Source,
    /// Where its name stands.
    pub(super) span: Range<usize>,
    /// Its redirects: place and written-out destination.
    pub(super) redirects: Vec<(Range<usize>, Option<String>)>,
    /// Those of the redirects whose destination is a cell: which one, and from where.
    pub(super) cells: Vec<(usize, Destination)>,
    /// Its replies that are written out.
    pub(super) replies: Vec<(Range<usize>, String)>,
}

/// What rules of any file may name.
#[derive(Default)]
pub(super) struct Named {
    pub(super) hours: HoursByName,
    pub(super) tables: Sheets,
    pub(super) vars: Vars,
}

/// Reads all files together.
pub(super) fn files(
    sources: &[Source],
    world: &World,
    numbers: &Numbers,
    engine: &mut Engine,
    report: &mut Report,
    attached: &mut Vec<Source>,
) -> (Vec<Draft>, Named, Vec<Test>) {
    let mut files: Vec<(&Source, Table<'_>)> =
        sources.iter().filter_map(|source| Some((source, document::parse(source, report)?))).collect();
    layers::overrule(&mut files);
    let none = Named::default();
    let (mut calendars, mut collected, mut named) = (Calendars::default(), Collected::default(), Named::default());
    for (source, file) in &files {
        let Named { hours, tables, vars } = &none;
        let mut context =
            Context { source, engine, report, world, hours, tables, vars, numbers, attached, asks: Asks::NONE };
        top(&mut context, file, &mut calendars, &mut named.vars);
        if let Some(Item::Table(table)) = file.get("tables").map(|entry| &entry.node.value) {
            tables::collect(&mut context, table, &mut named.tables);
        }
    }
    for (source, file) in &files {
        let (hours, tables, vars) = (&none.hours, &named.tables, &named.vars);
        let mut context =
            Context { source, engine, report, world, hours, tables, vars, numbers, attached, asks: Asks::NONE };
        if let Some(Item::Table(table)) = file.get("hours").map(|entry| &entry.node.value) {
            collected.add(&mut context, table, &mut calendars);
        }
    }
    let Collected { hours, overrides } = collected;
    named.hours = hours;
    opening::check(&overrides, &named.vars, report);
    let mut reader = Reader::default();
    reader.drafts.reserve(files.iter().map(|(_, file)| rules(file)).sum());
    let mut known = rehearsal::Known::default();
    for (source, file) in &mut files {
        let Named { hours, tables, vars } = &named;
        let context =
            Context { source, engine, report, world, hours, tables, vars, numbers, attached, asks: Asks::NONE };
        known.file(file);
        reader.file(context, file.remove("rule"));
    }
    let mut tests = Vec::new();
    for (source, file) in &files {
        let Named { hours, tables, vars } = &named;
        let mut context =
            Context { source, engine, report, world, hours, tables, vars, numbers, attached, asks: Asks::NONE };
        tests.extend(rehearsal::read(&mut context, file, &known));
    }
    (reader.drafts, named, tests)
}

/// How many rules a file has.
fn rules(file: &Table<'_>) -> usize {
    match file.get("rule").map(|entry| &entry.node.value) {
        Some(Item::List(rules)) => rules.len(),
        _ => 0,
    }
}

/// The keys of a file, and its calendars.
fn top(context: &mut Context<'_>, file: &Table<'_>, calendars: &mut Calendars, vars: &mut Vars) {
    for entry in &file.entries {
        match (&*entry.key, &entry.node.value) {
            ("rule" | "test", Item::List(_)) | ("hours" | "tables", Item::Table(_)) => {}
            ("rule" | "test", _) => {
                let help = Some(format!("each begins with [[{}]], in two brackets", entry.key));
                context.error("wrong-type", &entry.key_span, format!("`{}` is a list of tables", entry.key), help);
            }
            ("hours" | "calendars" | "tables" | "vars", value) if !matches!(value, Item::Table(_)) => {
                let help = Some(format!("each begins with [{}.NAME]", entry.key));
                context.error("wrong-type", &entry.key_span, format!("`{}` is a table of tables", entry.key), help);
            }
            ("calendars", Item::Table(table)) => {
                for one in &table.entries {
                    let Some(table) = context.table(&one.node, &one.key, "country = \"CA\"") else { continue };
                    if !calendars.add(context, &one.key, table) {
                        gates::twice(context.source, one, "calendars", context.report);
                    }
                }
            }
            ("vars", Item::Table(table)) => vars::collect(context, table, vars),
            (key, _) if FILE_KEYS_LATER.contains(&key) => context.not_supported(&entry.key_span, key),
            _ => context.unknown_key(entry, "a rules file", FILE_KEYS, FILE_KEYS_LATER),
        }
    }
}

/// What a rule asks of an event.
struct Asked {
    trigger: Trigger,
    conditions: Group,
    when: Option<When>,
    gates: Gates,
    limit: Option<RuleLimit>,
}

impl Asked {
    /// Reads it; the kinds and what matchers bind is put into `names`.
    fn read(context: &mut Context<'_>, node: &Node<'_>, table: &Table<'_>, names: &mut Names) -> Self {
        let trigger = table.get("on").map(|entry| trigger::read(context, entry, table.get("for").is_some()));
        let trigger = trigger.unwrap_or_default();
        names.kinds.clone_from(&trigger.kinds);
        for name in trigger.bindings() {
            let span = table.get("on").map_or(node.span.clone(), |entry| entry.node.span.clone());
            conditions::bind(context, names, &name, &span);
        }
        let conditions = table
            .get("where")
            .and_then(|entry| context.table(&entry.node, "where", "where = { call.endpoint = \"3001\" }"))
            .map(|table| conditions::read(context, table, names))
            .unwrap_or_default();
        let when = table.get("when").and_then(|entry| {
            let condition = context.condition(&entry.node, "when", names)?;
            Some(When { condition, shown: Arc::from(entry.node.text().unwrap_or_default()) })
        });
        let mut gate = |key: &str| table.get(key).map(|entry| gates::read(context, entry)).unwrap_or_default();
        let gates = Gates { open: gate("while_open"), closed: gate("while_closed") };
        gates::never(context, table, &gates, &conditions);
        let zone = context.world.locale.timezone.unwrap_or(Tz::UTC);
        let limit = table.get("limit").and_then(|entry| limit::read(context, entry, names, zone));
        Self { trigger, conditions, when, gates, limit }
    }
}

#[derive(Default)]
struct Reader {
    drafts: Vec<Draft>,
    /// File and line of each name.
    names: BTreeMap<String, (Arc<str>, usize)>,
    /// The file of each route.
    routes: BTreeMap<String, Arc<str>>,
}

impl Reader {
    /// Each rule as it is written is dropped once it is read: of many the text takes more room than what it comes to.
    fn file(&mut self, mut context: Context<'_>, rules: Option<Entry<'_>>) {
        let lines = Lines::of(&context.source.text);
        let Some(Item::List(rules)) = rules.map(|entry| entry.node.value) else { return };
        for rule in rules {
            let Some(table) = context.table(&rule, "rule", "[[rule]]") else { continue };
            self.rule(&mut context, &rule, table, &lines);
        }
    }

    fn rule(&mut self, context: &mut Context<'_>, node: &Node<'_>, table: &Table<'_>, lines: &Lines) {
        check_keys(context, node, table);
        let mut names = Names::default();
        context.asks = Asks::NONE;
        let asked = Asked::read(context, node, table, &mut names);
        let mut bool = |key: &str| table.get(key).and_then(|entry| context.bool(&entry.node, key));
        let (enabled, dry_run) = (bool("enabled").unwrap_or(true), bool("dry_run").unwrap_or(false));
        let deadline = table.get("deadline").and_then(|entry| context.duration(&entry.node, "deadline"));
        let wait = wait(context, table, &asked.trigger);
        let (name, span) = self.name(context, node, table, lines);
        let route = table.get("route").and_then(|entry| self.route(context, entry));
        let rule = Rule {
            name,
            hash: hash(context.source, node, table),
            file: context.source.name.clone(),
            line: lines.line(span.start),
            deadline: Duration::ZERO,
            steps: Vec::new(),
            dry_run,
            enabled,
            route,
            asks: Asks::NONE,
            trigger: asked.trigger,
            conditions: asked.conditions,
            when: asked.when,
            gates: asked.gates,
            limit: asked.limit,
            wait,
        };
        let mut draft = Draft {
            source: context.source.clone(),
            redirects: Vec::new(),
            cells: Vec::new(),
            replies: Vec::new(),
            rule,
            span,
        };
        if let Some(entry) = table.get("do") {
            draft.steps(context, entry, &mut names, lines);
        }
        draft.rule.asks = context.asks | far::of_conditions(&draft.rule.conditions, context.vars);
        draft.rule.deadline = deadline.unwrap_or_else(|| default_deadline(&draft.rule));
        self.drafts.push(draft);
    }

    fn name(
        &mut self,
        context: &mut Context<'_>,
        node: &Node<'_>,
        table: &Table<'_>,
        lines: &Lines,
    ) -> (Arc<str>, Range<usize>) {
        let Some(entry) = table.get("name") else { return (Arc::from(""), node.span.clone()) };
        let span = entry.node.span.clone();
        let name = context.text(&entry.node, "name").unwrap_or_default().to_owned();
        let text = entry.node.text().is_some();
        if text && (name.trim().is_empty() || name.len() > 200 || name.contains(char::is_control)) {
            let help = Some("say in a few words what the rule does".to_owned());
            context.error("bad-name", &span, "a rule's name is one line of at most 200 bytes, and not empty", help);
        }
        let here = (context.source.name.clone(), lines.line(span.start));
        if let Some((file, line)) = self.names.get(&name) {
            let help = Some(format!("the other one is in {file}:{line}"));
            context.error("duplicate-name", &span, format!("there are two rules called `{name}`"), help);
        } else {
            self.names.insert(name.clone(), here);
        }
        (name.into(), span)
    }

    fn route(&mut self, context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Arc<str>> {
        let name = context.text(&entry.node, "route")?.to_owned();
        let file = self.routes.entry(name.clone()).or_insert_with(|| context.source.name.clone()).clone();
        if file != context.source.name {
            let help = Some(format!("its other rules stand in {file}; the order of a route is that of one file"));
            context.error(
                "route-in-two-files",
                &entry.node.span,
                format!("the route `{name}` stands in two files"),
                help,
            );
        }
        Some(name.into())
    }
}

impl Draft {
    fn steps(&mut self, context: &mut Context<'_>, entry: &Entry<'_>, names: &mut Names, lines: &Lines) {
        let Item::List(items) = &entry.node.value else {
            let help = Some("write `do = [{ … }]`, or each step in a [[rule.do]]".to_owned());
            return context.error(
                "wrong-type",
                &entry.node.span,
                format!("`do` is a list of steps, not {}", entry.node.sort()),
                help,
            );
        };
        if items.is_empty() {
            context.error("no-action", &entry.node.span, "this rule does nothing", None);
        }
        self.rule.steps.reserve_exact(items.len());
        names.named = items.iter().enumerate().filter_map(|(at, item)| Some((named(item)?, at))).collect();
        for (at, item) in items.iter().enumerate() {
            let Some(table) = context.table(item, "do", "do = [{ redirect = { to = \"4001\" } }]") else { continue };
            names.step = at;
            let read = steps::read(context, table, &item.span, names, lines.line(item.span.start));
            self.rule.steps.extend(read.step);
            self.cells.extend(read.cells.map(|cells| (self.redirects.len(), cells)));
            self.redirects.extend(read.redirect);
            self.replies.extend(read.replies);
        }
        self.redirects.shrink_to_fit();
    }
}

/// The name that a step is given.
fn named(step: &Node<'_>) -> Option<String> {
    let Item::Table(table) = &step.value else { return None };
    Some(table.get("as")?.node.text()?.to_owned())
}

/// Unknown keys, and keys that must be there.
fn check_keys(context: &mut Context<'_>, node: &Node<'_>, table: &Table<'_>) {
    let mut meant = Vec::new();
    for entry in &table.entries {
        if !RULE_KEYS.contains(&&*entry.key) {
            meant.extend(suggest::nearest(&entry.key, RULE_KEYS.iter().copied()));
            context.unknown_key(entry, "a rule", RULE_KEYS, &[]);
        }
    }
    for (key, example) in [("name", "name = \"after hours\""), ("on", "on = \"call.ringing\""), ("do", "do = [{ … }]")]
    {
        if table.get(key).is_none() && !meant.contains(&key) {
            let help = Some(format!("write it such as `{example}`"));
            context.error("missing-key", &node.span, format!("this rule has no `{key}`"), help);
        }
    }
}

/// How long something must have lasted. Only what has a state can last.
fn wait(context: &mut Context<'_>, table: &Table<'_>, trigger: &Trigger) -> Option<Duration> {
    let entry = table.get("for")?;
    let wait = context.duration(&entry.node, "for");
    if trigger.envelope.is_none()
        && let Some(kind) = trigger.kinds.iter().find(|kind| !kind.tells_a_state())
    {
        let help = match kind {
            Kind::CallFinished => "leave `for` out: a call that is over changes no more",
            _ => "`for` is for call.*, chat.* and presence.*: for legs, conversations and people",
        };
        let message = format!("`for` waits whether something changes; {kind} tells of nothing that has a state");
        context.error("for-without-state", &entry.key_span, message, Some(help.to_owned()));
    }
    if trigger.envelope.is_none()
        && !trigger.kinds.is_empty()
        && trigger.kinds.iter().all(|kind| *kind == Kind::CallEnded)
    {
        let message = "a leg that ended changes no more: `for` only puts the rule off".to_owned();
        let help = "what is for the end of a whole call is `on = \"call.finished\"`, without `for`";
        context.warning("for-without-effect", &entry.key_span, message, help);
    }
    wait
}

/// What controls a ringing call is urgent, a chat is less so, the rest can wait.
fn default_deadline(rule: &Rule) -> Duration {
    let chat = |kind: &Kind| kind.family() == "chat";
    Duration::from_secs(match rule {
        rule if rule.is_urgent() => 20,
        rule if rule.trigger.envelope.is_none() && rule.trigger.kinds.iter().any(chat) => 300,
        _ => 3600,
    })
}

/// Over the text of the rule, from its header to the end of its last value.
fn hash(source: &Source, node: &Node<'_>, table: &Table<'_>) -> String {
    let end = furthest(table).max(node.span.end);
    let text = source.text.get(node.span.start..end).unwrap_or_default();
    super::short_hash(Sha256::new().chain_update(text))
}

fn furthest(table: &Table<'_>) -> usize {
    table.entries.iter().map(|entry| entry.node.span.end.max(below(&entry.node))).max().unwrap_or_default()
}

fn below(node: &Node<'_>) -> usize {
    match &node.value {
        Item::Table(table) => furthest(table),
        Item::List(items) => items.iter().map(|item| item.span.end.max(below(item))).max().unwrap_or_default(),
        _ => 0,
    }
}
