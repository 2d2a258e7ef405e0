//! Rules that a later one of the same hours has hidden: `PH off; Mo-Fr 09:00-17:00` is open on public holidays.

use std::ops::Range;

use chrono::NaiveDate;
use opening_hours::{OpeningHours, RuleKind};

/// How many days are looked at: two years have every holiday, season and week.
const DAYS: usize = 2 * 366;

/// The rules, as they are printed, that change nothing: those that open and never show, and those that close what is
/// open all the same. Rules that name a year are left alone, for they may be over.
pub(super) fn hidden(rules: &OpeningHours, from: NaiveDate) -> Vec<String> {
    let expression = rules.get_expression();
    let days = || from.iter_days().take(DAYS);
    let is_hidden = |index: usize| {
        let without = with_rules(rules, &|other| other != index, None)?;
        if days().any(|day| open(rules, day) != open(&without, day)) {
            return Some(false);
        }
        let alone = with_rules(rules, &|other| other == index, Some(RuleKind::Open))?;
        let kind = expression.rules.get(index)?.kind;
        let ignored = || days().any(|day| overlap(&open(rules, day), &open(&alone, day)));
        Some(kind == RuleKind::Open || kind == RuleKind::Closed && ignored())
    };
    let printed = expression.rules.iter().enumerate().map(|(index, rule)| (index, rule.to_string()));
    printed
        .filter(|(index, text)| !names_a_year(text) && is_hidden(*index).unwrap_or(false))
        .map(|(_, text)| text)
        .collect()
}

/// The rules, as they are printed, without which a day would be another.
pub(super) fn deciding(rules: &OpeningHours, day: NaiveDate) -> Vec<String> {
    let expression = rules.get_expression();
    let printed = expression.rules.iter().enumerate().map(|(index, rule)| (index, rule.to_string()));
    let decides = |index: usize| {
        // Without the only rule there is nothing to compare with.
        let without = with_rules(rules, &|other| other != index, None);
        without.is_none_or(|without| open(rules, day) != open(&without, day))
    };
    printed.filter(|(index, _)| decides(*index)).map(|(_, text)| text).collect()
}

/// The same hours with some of the rules.
fn with_rules(rules: &OpeningHours, kept: &dyn Fn(usize) -> bool, kind: Option<RuleKind>) -> Option<OpeningHours> {
    let mut changed = (*rules.get_expression()).clone();
    let mut index = 0..;
    changed.rules.retain(|_| index.next().is_some_and(kept));
    if let Some(kind) = kind {
        changed.rules.iter_mut().for_each(|rule| rule.kind = kind);
    }
    let changed: OpeningHours = changed.to_string().parse().ok()?;
    Some(changed.with_context(rules.get_context().clone()))
}

/// The minutes of a day that are open.
fn open(rules: &OpeningHours, day: NaiveDate) -> Vec<Range<u16>> {
    let parts = rules.schedule_at(day).into_iter().filter(|part| part.kind == RuleKind::Open);
    parts.map(|part| part.range.start.mins_from_midnight()..part.range.end.mins_from_midnight()).collect()
}

fn overlap(some: &[Range<u16>], others: &[Range<u16>]) -> bool {
    some.iter().any(|one| others.iter().any(|other| one.start < other.end && other.start < one.end))
}

fn names_a_year(rule: &str) -> bool {
    rule.as_bytes().windows(4).any(|digits| digits.iter().all(u8::is_ascii_digit))
}
