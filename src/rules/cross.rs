//! Checks across rules: redirects that go round, two rules that take hold of one call, a bot that answers itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::language::{Finding, Report};
use crate::tables::{Match, Sheet, Table};

use super::exclusive::{Pairs, never_together};
use super::implies;
use super::matcher::Condition;
use super::read::Draft;
use super::rule::Rule;
use super::shadow;
use super::tables::Sheets;

/// The most steps that comparing pairs may take, each pair one at least: what bounds the time for a very large rule set.
const PAIRS: usize = 2_000_000;
/// With how many earlier rules one rule is compared.
const EARLIER: usize = 1_000;
/// The longest chain of redirects that is followed.
const CHAIN: usize = 16;

/// Adds what is wrong between rules.
pub(super) fn check(drafts: &[Draft], sheets: &Sheets, report: &mut Report) {
    let acting: Vec<&Draft> = drafts.iter().filter(|draft| draft.rule.enabled && !draft.rule.name.is_empty()).collect();
    own_endpoint(&acting, report);
    loops(&acting, sheets, report);
    conflicts(&acting, report);
    own_messages(&acting, report);
    shadow::check(&acting, report);
}

/// The texts of which a rule requires a field to be one.
fn required<'a>(rule: &'a Rule, path: &str) -> Vec<&'a str> {
    rule.conditions
        .0
        .iter()
        .find_map(|condition| match condition {
            Condition::Field(field) if &*field.path == path => field.test.required(),
            _ => None,
        })
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Rows that are followed at most, of all tables together.
const ROWS: usize = 300_000;

fn own_endpoint(drafts: &[&Draft], report: &mut Report) {
    for draft in drafts {
        let endpoints = required(&draft.rule, "call.endpoint");
        for (span, to) in &draft.redirects {
            let Some(to) = to.as_deref().filter(|to| endpoints.contains(to) || has_row(&draft.rule, to)) else {
                continue;
            };
            let message = format!("a call to {to} would be redirected to {to}, where it already rings");
            let finding = Finding::error("redirect-to-self", &draft.source, span.clone(), message);
            report.push(finding.help("redirect it to another number, or take this one out of `where`"));
        }
    }
}

/// The tables, by their name, one of which has to have a row for the endpoint.
fn endpoint_tables(rule: &Rule) -> &[(Arc<str>, Arc<Table>)] {
    let tables = rule.conditions.0.iter().find_map(|condition| match condition {
        Condition::Field(field) if &*field.path == "call.endpoint" => field.test.tables(),
        _ => None,
    });
    tables.unwrap_or_default()
}

/// Whether a table says that the rule is for this endpoint.
fn has_row(rule: &Rule, endpoint: &str) -> bool {
    endpoint_tables(rule).iter().any(|(_, table)| table.find(endpoint).is_some())
}

/// A redirect whose ends are written out, in the rule or in a table: from, to, and the rule.
#[derive(Clone, Copy)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    rule: usize,
    redirect: usize,
    /// The table that has it.
    sheet: Option<&'a Sheet>,
}

fn edges<'a>(drafts: &[&'a Draft], sheets: &'a Sheets, report: &mut Report) -> Vec<Edge<'a>> {
    let mut edges: Vec<Edge<'_>> = Vec::new();
    let mut rows = ROWS;
    // Who asks how often a call was redirected already has thought of loops.
    let thought_of = |rule: &Rule| {
        rule.conditions.0.iter().any(|one| matches!(one, Condition::Field(field) if &*field.path == "call.hops"))
    };
    for (rule, draft) in drafts.iter().enumerate().filter(|(_, draft)| !thought_of(&draft.rule)) {
        for (redirect, (_, to)) in draft.redirects.iter().enumerate() {
            let Some(to) = to.as_deref() else { continue };
            let froms = required(&draft.rule, "call.endpoint").into_iter().filter(|from| *from != to);
            edges.extend(froms.map(|from| Edge { from, to, rule, redirect, sheet: None }));
        }
        for (name, _) in endpoint_tables(&draft.rule) {
            let Some(Some(sheet)) = sheets.get(name) else { continue };
            if sheet.table.matching() != Match::Exact || sheet.table.len() > rows {
                continue;
            }
            rows -= sheet.table.len();
            of_table(rule, draft, name, sheet, &mut edges, report);
        }
    }
    edges
}

/// What a rule does with the rows of a table that has the endpoints.
fn of_table<'a>(
    rule: usize,
    draft: &'a Draft,
    name: &str,
    sheet: &'a Sheet,
    edges: &mut Vec<Edge<'a>>,
    report: &mut Report,
) {
    let edge = |from, to, redirect| Edge { from, to, rule, redirect, sheet: Some(sheet) };
    for (redirect, (_, to)) in draft.redirects.iter().enumerate() {
        let Some(to) = to.as_deref() else { continue };
        edges.extend(sheet.table.rows().filter(|row| row.key() != to).map(|row| edge(row.key(), to, redirect)));
    }
    for (redirect, destination) in draft.cells.iter().filter(|(_, cells)| cells.table() == Some(name)) {
        for row in sheet.table.rows() {
            let Some((to, column)) = destination.in_row(&row) else { continue };
            if to != row.key() {
                edges.push(edge(row.key(), to, *redirect));
            } else if let Some(column) = column {
                let message =
                    format!("`{}` would redirect a call to {to} to {to}, where it already rings", draft.rule.name);
                let finding = Finding::error("redirect-to-self", &sheet.source, sheet.span(&row, column), message);
                report.push(finding.help("write another number here, or take the row out"));
            }
        }
    }
}

/// Only edges on the way from a loop to a loop: what has no way on, or no way there, is taken away until nothing is.
fn around<'a>(mut edges: Vec<Edge<'a>>) -> Vec<Edge<'a>> {
    for turned in [false, true] {
        let ends = |edge: &Edge<'a>| if turned { (edge.to, edge.from) } else { (edge.from, edge.to) };
        let mut ways: HashMap<&str, usize> = HashMap::new();
        let mut into: HashMap<&str, Vec<&str>> = HashMap::new();
        for edge in &edges {
            let (from, to) = ends(edge);
            *ways.entry(from).or_default() += 1;
            into.entry(to).or_default().push(from);
        }
        let mut dead: Vec<&str> = into.keys().copied().filter(|to| !ways.contains_key(to)).collect();
        while let Some(end) = dead.pop() {
            for from in into.remove(end).unwrap_or_default() {
                if let Some(left) = ways.get_mut(from) {
                    *left -= 1;
                    if *left == 0 {
                        ways.remove(from);
                        dead.push(from);
                    }
                }
            }
        }
        edges.retain(|edge| {
            let (from, to) = ends(edge);
            ways.contains_key(from) && ways.contains_key(to)
        });
    }
    edges
}

fn loops(drafts: &[&Draft], sheets: &Sheets, report: &mut Report) {
    let edges = around(edges(drafts, sheets, report));
    let mut by_from: HashMap<&str, Vec<Edge<'_>>> = HashMap::new();
    for edge in &edges {
        by_from.entry(edge.from).or_default().push(*edge);
    }
    let mut told: HashSet<(Vec<usize>, &str)> = HashSet::new();
    let mut budget = PAIRS;
    for edge in &edges {
        let Some(chain) = round(*edge, &by_from, drafts, &mut budget) else { continue };
        let mut rules: Vec<usize> = chain.iter().map(|edge| edge.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        // Of the same rules one loop is told, of the same tables each.
        let of_table = chain.iter().any(|edge| edge.sheet.is_some());
        let first = chain.iter().map(|edge| edge.from).min().filter(|_| of_table).unwrap_or_default();
        if told.len() > 100 || !told.insert((rules, first)) {
            continue;
        }
        // Told where the last rule of the file closes the loop.
        let Some(at) = (0..chain.len()).max_by_key(|at| chain[*at].rule) else { continue };
        let ordered: Vec<Edge<'_>> = chain[at + 1..].iter().chain(&chain[..=at]).copied().collect();
        report.push(told_loop(&ordered, drafts));
    }
}

fn told_loop(chain: &[Edge<'_>], drafts: &[&Draft]) -> Finding {
    let first = chain.first().map_or("", |edge| edge.from);
    let path: Vec<&str> = chain.iter().map(|edge| edge.from).chain([first]).collect();
    let last = chain.last().copied();
    let unique = |names: Vec<String>| {
        let mut once: Vec<String> = Vec::new();
        for name in names {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        once
    };
    let names = unique(chain.iter().map(|edge| format!("`{}`", drafts[edge.rule].rule.name)).collect());
    let files = unique(chain.iter().filter_map(|edge| Some(edge.sheet?.source.name.to_string())).collect());
    let files = if files.is_empty() { String::new() } else { format!(", with rows of {}", files.join(", ")) };
    let message = format!("these redirects go round in a loop: {}", path.join(" → "));
    let draft = drafts[last.map_or(0, |edge| edge.rule)];
    let span =
        last.and_then(|edge| draft.redirects.get(edge.redirect)).map_or(draft.span.clone(), |(span, _)| span.clone());
    Finding::warning("redirect-loop", &draft.source, span, message).label("closes the loop").help(
        match names.as_slice() {
            [name] => format!("the rule is {name}{files}; let one way lead out of the loop"),
            names => format!("the rules are {}{files}; let one of them lead out of the loop", names.join(", ")),
        },
    )
}

/// The shortest way back to where an edge begins, over rules that can act one after the other.
fn round<'a>(
    start: Edge<'a>,
    by_from: &HashMap<&str, Vec<Edge<'a>>>,
    drafts: &[&Draft],
    budget: &mut usize,
) -> Option<Vec<Edge<'a>>> {
    let mut before: BTreeMap<&str, Edge<'a>> = BTreeMap::from([(start.to, start)]);
    let mut front = vec![start.to];
    for _ in 0..CHAIN {
        let mut next = Vec::new();
        for at in front {
            for edge in by_from.get(at).into_iter().flatten() {
                *budget = budget.checked_sub(1)?;
                if before.contains_key(edge.to) || never_together(&drafts[start.rule].rule, &drafts[edge.rule].rule) {
                    continue;
                }
                before.insert(edge.to, *edge);
                next.push(edge.to);
            }
        }
        if before.contains_key(start.from) {
            break;
        }
        front = next;
    }
    let mut chain = vec![*before.get(start.from)?];
    while let Some(edge) = chain.last().filter(|edge| edge.from != start.from) {
        chain.push(*before.get(edge.from)?);
        if chain.len() > CHAIN + 2 {
            return None;
        }
    }
    chain.reverse();
    Some(chain)
}

/// Two rules that would take hold of one call. What `when` says can't be compared, so such rules are passed over.
fn conflicts(drafts: &[&Draft], report: &mut Report) {
    let mut pairs = Pairs::within(PAIRS);
    let holding: Vec<&Draft> = drafts
        .iter()
        .copied()
        .filter(|draft| draft.rule.controls_call() && draft.rule.when.is_none() && !draft.rule.dry_run)
        .collect();
    let mut seen: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, draft) in holding.iter().enumerate() {
        let endpoints = required(&draft.rule, "call.endpoint");
        let mut earlier: Vec<usize> = if endpoints.is_empty() {
            (0..at.min(EARLIER)).collect()
        } else {
            let same = endpoints.iter().filter_map(|one| seen.get(one)).flatten();
            same.chain(&open).copied().take(EARLIER).collect()
        };
        earlier.sort_unstable();
        for other in earlier {
            let other = holding[other];
            // Lists of values are compared each with each.
            let work = 1 + alternatives(&draft.rule).saturating_mul(alternatives(&other.rule)) / 64;
            if !pairs.takes(work) {
                return;
            }
            let one_route = draft.rule.route.is_some() && draft.rule.route == other.rule.route;
            // What waits has its own moment.
            let moments = draft.rule.wait != other.rule.wait;
            if one_route || moments || pairs.exclusive(&other.rule, &draft.rule) != Some(false) {
                continue;
            }
            report.push(conflict(other, draft));
            break;
        }
        if endpoints.is_empty() {
            open.push(at);
        }
        for one in endpoints {
            seen.entry(one).or_default().push(at);
        }
    }
}

/// The most values that a rule compares one field with.
fn alternatives(rule: &Rule) -> usize {
    let lists = rule.conditions.0.iter().filter_map(|condition| match condition {
        Condition::Field(field) => Some(field.test.0.iter().map(implies::size).sum()),
        _ => None,
    });
    lists.max().unwrap_or_default()
}

fn conflict(first: &Draft, second: &Draft) -> Finding {
    let (a, b) = (&first.rule, &second.rule);
    let message =
        format!("`{}` and `{}` can both match one call, and only one rule may take hold of it", a.name, b.name);
    let help = format!(
        "`{}` ({}:{}) would win. Make their `where` differ, or give both the same `route` if the order is meant",
        a.name, a.file, a.line
    );
    Finding::warning("two-rules-one-call", &second.source, second.span.clone(), message)
        .label("never acts then")
        .help(help)
}

/// A bot whose answer asks itself. Rules that look at who wrote are passed over.
fn own_messages(drafts: &[&Draft], report: &mut Report) {
    for draft in drafts {
        let fields = draft.rule.conditions.0.iter().filter_map(|condition| match condition {
            Condition::Field(field) => Some(field),
            _ => None,
        });
        let (mut bodies, mut guarded) = (Vec::new(), draft.rule.when.is_some());
        for field in fields {
            match &*field.path {
                "message.body" => bodies.push(&field.test),
                "message.sender" | "message.tag" => guarded = true,
                _ => {}
            }
        }
        if guarded || bodies.is_empty() {
            continue;
        }
        for (span, text) in &draft.replies {
            let text = Value::from(text.as_str());
            if bodies.iter().all(|test| test.holds(Some(&text), None)) {
                let message = format!("the rule `{}` would answer its own message", draft.rule.name);
                let finding = Finding::warning("answers-itself", &draft.source, span.clone(), message)
                    .label("this text matches the rule's own `where`");
                report.push(
                    finding.help("answer with other words, or match more narrowly, such as with regex = '^hello$'"),
                );
            }
        }
    }
}
