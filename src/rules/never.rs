//! Matchers that nothing can stand: words that exclude each other, and values that a field never has.

use serde_json::Value;

use crate::event::Kind;

use super::catalogue::PRESENCES;
use super::fields::Sort;
use super::implies;
use super::matcher::{Order, Test, Word};

/// The states of a leg, as the view tells them.
const STATES: &[&str] = &["unknown", "ringing", "connected", "held", "outofservice", "ended"];
const DIRECTIONS: &[&str] = &["inbound", "outbound"];

/// How a run ends that leaves a dead letter.
const FATES: &[&str] = &["failed", "unknown", "expired", "abandoned"];

/// The most values of one matcher that are tried.
const TRIED: usize = 1_000_000;

/// All values that a field may have for these kinds, where they are few and known.
pub(super) fn values(path: &str, kinds: &[Kind]) -> Option<Vec<&'static str>> {
    let only = |kind: Kind| !kinds.is_empty() && kinds.iter().all(|one| *one == kind);
    Some(match path {
        "call.direction" => DIRECTIONS.to_vec(),
        "presence.status" | "presence.override" | "presence.was" => PRESENCES.to_vec(),
        "event.kind" if kinds.is_empty() => Kind::ALL.iter().map(|kind| kind.as_str()).collect(),
        "content.breaker.state" if only(Kind::GatewayBreaker) => vec!["open", "closed"],
        "content.dead_letter.fate" if only(Kind::GatewayDeadLetter) => FATES.to_vec(),
        "event.kind" => kinds.iter().map(|kind| kind.as_str()).collect(),
        "call.state" => {
            let state = |kind: &Kind| match kind {
                Kind::CallRinging => Some("ringing"),
                Kind::CallConnected => Some("connected"),
                Kind::CallHeld => Some("held"),
                Kind::CallEnded => Some("ended"),
                _ => None,
            };
            let known: Option<Vec<&str>> = kinds.iter().map(state).collect();
            known.filter(|known| !known.is_empty()).unwrap_or_else(|| STATES.to_vec())
        }
        _ => return None,
    })
}

/// What the wire calls otherwise than the view, for suggestions.
pub(super) fn other_word(path: &str, text: &str) -> Option<&'static str> {
    match (path, &*text.to_ascii_lowercase()) {
        ("call.state", "completed" | "idle" | "finished") => Some("ended"),
        ("call.state", "alerting" | "delivered" | "offered") => Some("ringing"),
        ("call.state", "established" | "answered" | "active") => Some("connected"),
        ("call.state", "onhold" | "on hold" | "hold") => Some("held"),
        ("call.direction", "in" | "incoming") => Some("inbound"),
        ("call.direction", "out" | "outgoing") => Some("outbound"),
        ("presence.status" | "presence.override" | "presence.was", "dnd" | "do not disturb") => Some("DoNotDisturb"),
        _ => None,
    }
}

/// Why no value, and no absence, stands the test; `None` when one may.
pub(super) fn stands(test: &Test, sort: Sort, values: Option<&[&'static str]>) -> Option<String> {
    if test.0.iter().map(implies::size).fold(1, usize::saturating_mul) > TRIED {
        return None;
    }
    if test.0.iter().any(|word| matches!(word, Word::Exists(false))) && test.0.iter().any(implies::asks_for_a_value) {
        return Some("what is missing has no value".to_owned());
    }
    // One word alone was looked at when its values were read.
    if let Some(required) = test.required().filter(|required| !required.is_empty() && test.0.len() > 1)
        && !required.iter().any(|value| test.holds(Some(value), None))
    {
        return Some("its words exclude each other".to_owned());
    }
    for (at, word) in test.0.iter().enumerate() {
        let Word::Not(inner) = word else { continue };
        let others = test.0.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, word)| word.clone());
        if implies::test(&Test(others.collect()), inner) && !inner.0.is_empty() {
            return Some("its words exclude each other".to_owned());
        }
    }
    if let Some(why) = range(test, sort) {
        return Some(why);
    }
    let values = values?;
    let stands = |value: Option<&Value>| test.holds(value, None);
    let some = stands(None) || values.iter().any(|value| stands(Some(&Value::from(*value))));
    (!some).then(|| "no value that it may have fits".to_owned())
}

/// Numbers: the bounds leave none.
fn range(test: &Test, sort: Sort) -> Option<String> {
    let whole = sort == Sort::Number;
    let (mut least, mut most) = (if whole { 0.0 } else { f64::NEG_INFINITY }, f64::INFINITY);
    let (mut above, mut below) = (false, false);
    for word in &test.0 {
        let Word::Compare(order, bounds) = word else { continue };
        // Of several bounds the loosest counts.
        let bounds: Vec<f64> = bounds.iter().map(Value::as_f64).collect::<Option<_>>()?;
        let loosest = |pick: fn(f64, f64) -> f64| bounds.iter().copied().reduce(pick);
        match order {
            Order::Greater | Order::AtLeast => {
                let bound = loosest(f64::min)?;
                let bound = if whole && *order == Order::Greater { bound.floor() + 1.0 } else { bound };
                if bound >= least {
                    above = *order == Order::Greater && !whole;
                    least = bound;
                }
            }
            Order::Less | Order::AtMost => {
                let bound = loosest(f64::max)?;
                let bound = if whole && *order == Order::Less { bound.ceil() - 1.0 } else { bound };
                if bound <= most {
                    below = *order == Order::Less && !whole;
                    most = bound;
                }
            }
        }
    }
    if least > most || (least >= most && (above || below)) {
        let why = if whole { "it is a whole number from 0 on" } else { "no number lies between its bounds" };
        return Some(why.to_owned());
    }
    let fits = |value: &Value| value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0);
    let required = test.required().filter(|required| whole && !required.is_empty())?;
    (!required.iter().any(fits)).then(|| "it is a whole number from 0 on".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compare(order: Order, bounds: &[f64]) -> Word {
        Word::Compare(order, bounds.iter().map(|bound| json!(bound)).collect())
    }

    #[test]
    fn bounds_that_leave_nothing() {
        use Order::{AtLeast, AtMost, Greater, Less};
        for (sort, words, never) in [
            (Sort::Number, vec![compare(Less, &[0.0])], true),
            (Sort::Number, vec![compare(AtMost, &[0.0])], false),
            (Sort::Number, vec![compare(Less, &[0.5])], false),
            (Sort::Number, vec![compare(Greater, &[1.0]), compare(Less, &[2.0])], true),
            (Sort::Open, vec![compare(Greater, &[1.0]), compare(Less, &[2.0])], false),
            (Sort::Open, vec![compare(Greater, &[2.0]), compare(AtMost, &[2.0])], true),
            (Sort::Open, vec![compare(AtLeast, &[2.0]), compare(AtMost, &[2.0])], false),
            (Sort::Open, vec![compare(Less, &[0.0])], false),
            (Sort::Open, vec![compare(Greater, &[9.0, 1.0]), compare(Less, &[3.0])], false),
            (Sort::Number, vec![Word::Equals(vec![json!(-1)])], true),
            (Sort::Number, vec![Word::Equals(vec![json!(-1), json!(0)])], false),
            (Sort::Number, vec![Word::Equals(vec![json!(1.5)])], true),
        ] {
            let test = Test(words);
            assert_eq!(stands(&test, sort, None).is_some(), never, "{test}");
        }
    }
}
