//! Which fields there are: what a path in `where`, `when` or a template may name, by the kinds a rule is for.

use crate::event::Kind;
use crate::event::kind;
use crate::language::suggest;

/// What is wrong with a path.
pub(super) struct Trouble {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Bool,
    Number,
    /// Raw content: whatever came.
    Open,
}

/// Fields that hold a number.
const NUMBERS: &[&str] = &["call.hops", "call.ring_seconds", "call.talk_seconds"];
/// Fields below `content` that hold a number.
const NUMBERS_OF_CONTENT: &[&str] = &["seq", "untold", "failures", "seconds"];
/// Fields that hold true or false.
const BOOLS: &[&str] = &["call.outside", "call.answered", "event.own", "conversation.stream"];
/// Fields that hold lists or whatever came.
const OPEN: &[&str] = &["call.path", "conversation.participants", "hook.body", "hook.query"];

/// The views that every event has.
const COMMON: &[(&str, &[&str])] = &[("event", kind::EVENT), ("account", kind::ACCOUNT)];

/// Says what is wrong with a path, or what sort of value it holds. Without kinds every view may be there.
pub(super) fn check(path: &str, kinds: &[Kind]) -> Result<Sort, Trouble> {
    known(path, kinds).ok_or_else(|| trouble(path, kinds))
}

/// What sort of value a path holds, if there is such a path. What might have been meant is not looked for.
pub(super) fn known(path: &str, kinds: &[Kind]) -> Option<Sort> {
    let (root, field, rest) = parts(path);
    if root == "content" {
        return of_content(path, kinds);
    }
    let (_, fields) = views(kinds).find(|(view, _)| *view == root)?;
    let Some(field) = field else { return Some(Sort::Open) };
    if !fields.contains(&field) {
        return None;
    }
    match rest {
        None => Some(sort(path)),
        Some(_) => (sort(&format!("{root}.{field}")) == Sort::Open).then_some(Sort::Open),
    }
}

/// What a path below `content` holds: whatever came, unless the gateway itself makes all of these kinds and says what is in it.
fn of_content(path: &str, kinds: &[Kind]) -> Option<Sort> {
    let Some(known) = contents(kinds) else { return Some(Sort::Open) };
    let (_, thing, field) = parts(path);
    let Some(thing) = thing else { return Some(Sort::Open) };
    if thing == "timestamp" {
        return field.is_none().then_some(Sort::Number);
    }
    let fields = known.iter().filter(|(name, _)| *name == thing).flat_map(|(_, fields)| *fields).copied();
    let fields: Vec<&str> = fields.collect();
    match field {
        None => (!fields.is_empty()).then_some(Sort::Open),
        Some(field) if fields.contains(&field) && path.split('.').count() == 3 => {
            Some(if NUMBERS_OF_CONTENT.contains(&field) { Sort::Number } else { Sort::Text })
        }
        Some(_) => None,
    }
}

/// What is in the `content` of kinds, if that is known of all of them.
fn contents(kinds: &[Kind]) -> Option<Vec<(&'static str, &'static [&'static str])>> {
    kinds.iter().map(|kind| kind.content()).collect::<Option<Vec<_>>>().filter(|known| !known.is_empty())
}

/// The view, the field, and what stands below it.
fn parts(path: &str) -> (&str, Option<&str>, Option<&str>) {
    let mut parts = path.split('.');
    (parts.next().unwrap_or_default(), parts.next(), parts.next())
}

/// The views that are there for these kinds; of all kinds without any.
fn views(kinds: &[Kind]) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let kinds = if kinds.is_empty() { Kind::ALL } else { kinds };
    COMMON.iter().copied().chain(kinds.iter().flat_map(|kind| kind.views().iter().copied()))
}

/// What is wrong with a path that there is not.
fn trouble(path: &str, kinds: &[Kind]) -> Trouble {
    if let Some(known) = contents(kinds).filter(|_| parts(path).0 == "content") {
        return absent_content(path, &known);
    }
    let (root, field, _) = parts(path);
    let Some((_, fields)) = views(kinds).find(|(view, _)| *view == root) else {
        return absent_view(path, root, if kinds.is_empty() { Kind::ALL } else { kinds });
    };
    if let Some(field) = field.filter(|field| fields.contains(field)) {
        return Trouble {
            code: "unknown-field",
            message: format!(
                "`{root}.{field}` is a plain value: there is nothing below it, so `{path}` does not exist"
            ),
            help: Some("what came on the wire is below `content`".to_owned()),
        };
    }
    let known = names(views(kinds).filter(|(view, _)| *view == root));
    let help = suggest::nearest(path, known.iter().map(String::as_str))
        .map_or_else(|| format!("`{root}` has {}", suggest::list(fields)), |found| format!("did you mean `{found}`?"));
    Trouble { code: "unknown-field", message: format!("there is no field `{path}`"), help: Some(help) }
}

/// What is wrong with a path below a `content` of which it is known what is in it.
fn absent_content(path: &str, known: &[(&str, &[&str])]) -> Trouble {
    let (_, thing, field) = parts(path);
    let (thing, field) = (thing.unwrap_or_default(), field.unwrap_or_default());
    let help = if let Some((_, fields)) = known.iter().find(|(name, _)| *name == thing) {
        suggest::nearest(field, fields.iter().copied()).map_or_else(
            || format!("`content.{thing}` has {}", suggest::list(fields)),
            |found| format!("did you mean `content.{thing}.{found}`?"),
        )
    } else {
        let known: Vec<String> = known.iter().map(|(name, _)| format!("content.{name}")).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        format!("in `content` there is {}", suggest::list(&known))
    };
    Trouble { code: "unknown-field", message: format!("there is no field `{path}`"), help: Some(help) }
}

/// The words of a path that name a field of the kinds, for suggestions.
pub(super) fn names<'a>(views: impl Iterator<Item = (&'a str, &'a [&'a str])>) -> Vec<String> {
    let mut all: Vec<String> =
        views.flat_map(|(view, fields)| fields.iter().map(move |field| format!("{view}.{field}"))).collect();
    all.sort();
    all.dedup();
    all
}

/// A view of the language that other kinds have, or no view at all.
fn absent_view(path: &str, root: &str, kinds: &[Kind]) -> Trouble {
    let mut owners: Vec<&str> = Kind::ALL
        .iter()
        .filter(|kind| kind.views().iter().any(|(view, _)| *view == root))
        .map(|kind| kind.family())
        .collect();
    owners.dedup();
    if !owners.is_empty() {
        let kind = kinds.first().map_or("this kind", |kind| kind.as_str());
        let has: Vec<String> =
            kinds.iter().flat_map(|kind| kind.views()).map(|(view, _)| format!("`{view}.…`")).collect();
        let has = has.first().map_or_else(String::new, |first| format!("{first}, "));
        return Trouble {
            code: "field-never-there",
            message: format!("`{path}` is a field of {}.* events; {kind} never has it", owners.join(".* and ")),
            help: Some(format!("{kind} has {has}`event.…`, `account.…` and the raw `content.…`")),
        };
    }
    let here = names(views(kinds));
    let help = suggest::nearest(path, here.iter().map(String::as_str)).map(|found| format!("did you mean `{found}`?"));
    let help = help.or_else(|| {
        Some("fields have a view in front, such as `call.from`; raw ones begin with `content.`".to_owned())
    });
    Trouble { code: "unknown-field", message: format!("there is no field `{path}`"), help }
}

fn sort(path: &str) -> Sort {
    match path {
        path if BOOLS.contains(&path) => Sort::Bool,
        path if NUMBERS.contains(&path) => Sort::Number,
        path if OPEN.contains(&path) => Sort::Open,
        _ => Sort::Text,
    }
}
