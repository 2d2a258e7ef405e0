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
        return Some(Sort::Open);
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
