//! Reading `[calendars.NAME]`, and calendars that stand inline: whose holidays, which days are corrected, which files.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::hours::{self, DateSpan, Feed, Holidays};
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Finding, suggest};

use super::context::Context;

pub(super) const KEYS: &[&str] = &["country", "add", "remove", "ics"];
/// How many days ahead holidays should be known.
const AHEAD: Days = Days::new(60);
/// The most calendar files of a rule set.
const MAX_FILES: usize = 100;

/// The calendars by name, and the files that were read for them.
#[derive(Default)]
pub(super) struct Calendars {
    /// `None` for those with mistakes, which have been told.
    named: BTreeMap<Arc<str>, Option<Arc<Holidays>>>,
    feeds: BTreeMap<Arc<str>, Option<Arc<Feed>>>,
    asked: usize,
}

/// The day from which on it is time to look for new data.
pub(super) fn soon(context: &Context<'_>) -> NaiveDate {
    let today = context.world.now.date_naive();
    today.checked_add_days(AHEAD).unwrap_or(today)
}

impl Calendars {
    /// Reads one `[calendars.NAME]`; false when there is one of that name.
    pub(super) fn add(&mut self, context: &mut Context<'_>, name: &str, table: &Table<'_>) -> bool {
        let calendar = self.read(context, table);
        self.named.insert(name.into(), calendar).is_none()
    }

    /// Reads `holidays` of hours: the name of a calendar, or its table. `None` when there is a mistake.
    pub(super) fn of_hours(&mut self, context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Arc<Holidays>> {
        if let Item::Table(table) = &entry.node.value {
            return self.read(context, table);
        }
        let name = context.text(&entry.node, "holidays")?;
        if let Some(found) = self.named.get(name) {
            return found.clone();
        }
        let help = suggest::did_you_mean(name, self.named.keys().map(|name| &**name))
            .unwrap_or_else(|| format!("write it as [calendars.{name}]"));
        context.error("unknown-calendar", &entry.node.span, format!("no calendar is called `{name}`"), Some(help));
        None
    }

    /// Reads one calendar.
    fn read(&mut self, context: &mut Context<'_>, table: &Table<'_>) -> Option<Arc<Holidays>> {
        let mut holidays = Holidays::default();
        let (mut own_country, mut flawed) = (false, false);
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for entry in &table.entries {
            match &*entry.key {
                "country" => {
                    own_country = true;
                    holidays.country = country(context, entry);
                    flawed |= holidays.country.is_none();
                }
                "add" => flawed |= !dates(context, entry, &mut add),
                "remove" => flawed |= !dates(context, entry, &mut remove),
                "ics" => flawed |= !self.files(context, entry, &mut holidays.feeds),
                _ => {
                    context.unknown_key(entry, "a calendar", KEYS, &[]);
                    flawed = true;
                }
            }
        }
        no_effect(context, &add, &remove);
        let added: Vec<DateSpan> = add.into_iter().map(|(span, _)| span).collect();
        let (removed, places): (Vec<DateSpan>, Vec<_>) = remove.into_iter().unzip();
        (holidays.add, holidays.remove) = (added, removed);
        if !own_country {
            let named = !holidays.add.is_empty() || !holidays.feeds.is_empty();
            // Who names the days needs no country that they are known of.
            let usual = context.world.locale.country.clone();
            holidays.country = usual.filter(|code| !named || hours::knows_country(code));
        }
        if !flawed {
            for at in holidays.removed_for_nothing(context.world.locale.timezone.unwrap_or(Tz::UTC)) {
                let span = &holidays.remove[at];
                if holidays.add.iter().all(|added| added.hides(span).is_none()) {
                    let message = format!("{span} is no holiday: there is nothing to remove");
                    let help = "look at the date; `switchhook hours show --year` lists the holidays";
                    context.warning("nothing-removed", &places[at], message, help);
                }
            }
        }
        (!flawed).then(|| Arc::new(holidays))
    }

    /// Reads the calendar files that are named; false when one can't be used.
    fn files(&mut self, context: &mut Context<'_>, entry: &Entry<'_>, into: &mut Vec<Arc<Feed>>) -> bool {
        let one = std::slice::from_ref(&entry.node);
        let nodes = if let Item::List(nodes) = &entry.node.value { nodes } else { one };
        let before = into.len();
        into.extend(nodes.iter().filter_map(|node| self.file(context, node)));
        into.len() - before == nodes.len()
    }

    fn file(&mut self, context: &mut Context<'_>, node: &Node<'_>) -> Option<Arc<Feed>> {
        self.asked += 1;
        if self.asked > MAX_FILES {
            let help = Some("put the events of several files into one".to_owned());
            context.error("ics", &node.span, format!("calendar files are named more than {MAX_FILES} times"), help);
            return None;
        }
        let source = context.attach(node, "ics")?;
        if let Some(known) = self.feeds.get(&source.name) {
            return known.clone();
        }
        let name = node.text().unwrap_or_default();
        let feed = match Feed::read(&source.text, context.world.now) {
            Ok(feed) => {
                doubts(context, node, name, &feed);
                Some(Arc::new(feed))
            }
            Err(error) => {
                let help = Some("take an .ics file (RFC 5545) such as calendar programs export".to_owned());
                context.error("ics", &node.span, format!("`{name}` can't be used: {error}"), help);
                None
            }
        };
        self.feeds.insert(source.name, feed.clone());
        feed
    }
}

fn doubts(context: &mut Context<'_>, node: &Node<'_>, name: &str, feed: &Feed) {
    for doubt in feed.doubts() {
        let finding = Finding::warning("ics", context.source, node.span.clone(), format!("in `{name}` {doubt}"));
        context.report.push(finding.help("correct the file, or name the day with `add`"));
    }
    let message = match feed.ends() {
        Some(last) if last >= soon(context) => return,
        Some(last) => format!("the last holiday in `{name}` is {last}"),
        None => format!("`{name}` has no holiday of these years"),
    };
    let finding = Finding::warning("holidays-end", context.source, node.span.clone(), message);
    context.report.push(finding.help("get a newer file: later holidays would pass for plain days"));
}

fn country(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<String> {
    let text = context.text(&entry.node, "country")?.to_owned();
    let capitals = text.to_ascii_uppercase();
    if hours::knows_country(&text) {
        return Some(text);
    }
    let form = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (message, help) = if form && text != capitals {
        (format!("`{text}` is no country code"), format!("write \"{capitals}\""))
    } else if form {
        let known = hours::known_countries().join(" ");
        let message = format!("no public holidays are known of `{text}`");
        (message, format!("leave `country` out and name the days with `add` or `ics`; known are {known}"))
    } else {
        let message = format!("`{}` is no country code", super::context::short(&text));
        (message, "two capital letters of ISO 3166, such as \"CA\"".to_owned())
    };
    context.error("country", &entry.node.span, message, Some(help));
    None
}

type Dates = Vec<(DateSpan, std::ops::Range<usize>)>;

/// Reads days; false when one of them is none.
fn dates(context: &mut Context<'_>, entry: &Entry<'_>, into: &mut Dates) -> bool {
    let texts = context.texts(&entry.node, &entry.key);
    let items = if let Item::List(items) = &entry.node.value { items.len() } else { 1 };
    let mut fine = texts.len() == items;
    for (text, span) in texts {
        match text.parse::<DateSpan>() {
            Ok(date) => into.push((date, span)),
            Err(error) => {
                let help = "write \"2026-12-24\", \"2026-12-24 12:00-24:00\" or \"2026-12-24 - 2027-01-02\"";
                context.error("date", &span, error.to_string(), Some(help.to_owned()));
                fine = false;
            }
        }
    }
    fine
}

/// What is added wins over what is removed: of one day, the removal says nothing.
fn no_effect(context: &mut Context<'_>, add: &Dates, remove: &Dates) {
    // A calendar of more is a program's, and nobody reads the findings.
    for (removed, span) in remove.iter().take(1_000) {
        let Some((day, by)) = add.iter().take(1_000).find_map(|(added, _)| Some((added.hides(removed)?, added))) else {
            continue;
        };
        let message = format!("{day} is removed and, by `{by}`, added: it stays a holiday");
        let finding = Finding::warning("add-and-remove", context.source, span.clone(), message);
        context.report.push(finding.help("keep it in one of the two"));
    }
}
