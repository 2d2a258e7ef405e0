//! Reading `[hours.NAME]`, `[calendars.NAME]`, `while_open` and `while_closed`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::hours::{DateSpan, Holidays, Hours};
use crate::language::document::{self, Entry, Item, Table};
use crate::language::{Finding, Report, Source, suggest};

use super::context::{Context, HoursByName};
use super::surprises;

/// The calendars by name.
pub(super) type Calendars = BTreeMap<Arc<str>, Holidays>;

const CALENDAR: &[&str] = &["country", "add", "remove"];
const CALENDAR_LATER: &[&str] = &["ics"];
const HOURS: &[&str] = &["open", "timezone", "holidays"];
const HOURS_LATER: &[&str] = &["override"];

/// Reads one `[calendars.NAME]`, or a calendar inline.
pub(super) fn calendar(context: &mut Context<'_>, table: &Table<'_>) -> Holidays {
    let mut holidays = Holidays { country: context.world.locale.country.clone(), add: Vec::new(), remove: Vec::new() };
    for entry in &table.entries {
        match &*entry.key {
            "country" => holidays.country = country(context, entry),
            "add" => holidays.add = dates(context, entry),
            "remove" => holidays.remove = dates(context, entry),
            _ => context.unknown_key(entry, "a calendar", CALENDAR, CALENDAR_LATER),
        }
    }
    holidays
}

fn country(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<String> {
    let text = context.text(&entry.node, "country")?.to_owned();
    if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let help = Some("two capital letters of ISO 3166, such as \"CA\"".to_owned());
        context.error("country", &entry.node.span, format!("`{text}` is no country code"), help);
        return None;
    }
    Some(text)
}

fn dates(context: &mut Context<'_>, entry: &Entry<'_>) -> Vec<DateSpan> {
    let mut dates = Vec::new();
    for (text, span) in context.texts(&entry.node, &entry.key) {
        match text.parse::<DateSpan>() {
            Ok(date) => dates.push(date),
            Err(error) => {
                let help = "write \"2026-12-24\", \"2026-12-24 12:00-24:00\" or \"2026-12-24 - 2027-01-02\"";
                context.error("date", &span, error.to_string(), Some(help.to_owned()));
            }
        }
    }
    dates
}

/// Reads one `[hours.NAME]`.
pub(super) fn hours(context: &mut Context<'_>, name: &Entry<'_>, calendars: &Calendars) -> Option<Arc<Hours>> {
    let table = context.table(&name.node, &name.key, "open = \"Mo-Fr 09:00-17:00\"")?;
    let (mut open, mut zone, mut holidays) = (None, context.world.locale.timezone, None);
    for entry in &table.entries {
        match &*entry.key {
            "open" => open = Some((entry, context.text(&entry.node, "open").map(str::to_owned))),
            // A wrong zone has been told; what `open` says is looked at all the same.
            "timezone" => zone = Some(timezone(context, entry).unwrap_or(Tz::UTC)),
            "holidays" => holidays = self::holidays(context, entry, calendars),
            _ => context.unknown_key(entry, "hours", HOURS, HOURS_LATER),
        }
    }
    let Some((entry, open)) = open else {
        let help = Some("write it such as `open = \"Mo-Fr 09:00-17:00; PH off\"`".to_owned());
        context.error(
            "missing-key",
            &name.key_span,
            format!("the hours `{}` say nothing of when they are open", name.key),
            help,
        );
        return None;
    };
    let open = open?;
    let default = Holidays { country: context.world.locale.country.clone(), add: Vec::new(), remove: Vec::new() };
    let holidays = holidays.unwrap_or(default);
    match Hours::parse(&open, zone.unwrap_or(Tz::UTC), &holidays) {
        Ok(hours) => {
            warn(context, name, entry, &hours, &holidays, zone);
            Some(Arc::new(hours))
        }
        Err(error) => {
            let span = document::inside(context.source, &entry.node.span, &open, error.offset());
            let help =
                "hours are written as in OpenStreetMap: \"Mo-Fr 09:00-12:00,13:00-17:00; Sa 10:00-14:00; PH off\"";
            context.error("hours", &span, error.to_string(), Some(help.to_owned()));
            None
        }
    }
}

fn warn(
    context: &mut Context<'_>,
    name: &Entry<'_>,
    open: &Entry<'_>,
    hours: &Hours,
    holidays: &Holidays,
    zone: Option<Tz>,
) {
    let (source, span) = (context.source, open.node.span.clone());
    if zone.is_none() {
        let message =
            format!("the hours `{}` name no time zone, and the settings have no [locale]: UTC is taken", name.key);
        let finding = Finding::warning("no-time-zone", source, name.key_span.clone(), message);
        context.report.push(finding.help("add `timezone = \"America/Toronto\"` here, or [locale] to switchhook.toml"));
    }
    let surprises = surprises::find(open.node.text().unwrap_or_default());
    let hidden = if surprises.is_empty() { hours.hidden_rules(context.world.now) } else { Vec::new() };
    for rule in hidden {
        let message = format!("`{rule}` changes nothing: a later part of these hours hides it");
        let help = "a later part replaces an earlier one for the days it names; write the exceptions last";
        context.report.push(Finding::warning("hidden-hours", source, span.clone(), message).help(help));
    }
    for surprise in surprises {
        let at = document::inside(source, &span, open.node.text().unwrap_or_default(), Some(surprise.range));
        context.report.push(Finding::warning("hidden-hours", source, at, surprise.message).help(surprise.help));
    }
    if hours.never_opens(context.world.now) {
        let message = format!("the hours `{}` never open", name.key);
        context.report.push(Finding::warning("never-open", source, span.clone(), message));
    }
    let soon = (context.world.now + chrono::TimeDelta::days(60)).date_naive();
    if let Some(until) = hours.holidays_known_until().filter(|until| *until < soon) {
        let message = format!("the public holidays are known until {until} only");
        let finding = Finding::warning("holidays-end", source, span.clone(), message);
        context.report.push(finding.help("update switchhook, or name the days that follow with `add`"));
    }
    if hours.names_public_holidays() && holidays.country.is_none() && holidays.add.is_empty() {
        let message = "`PH` means the public holidays of a country, and no country is named";
        let finding = Finding::warning("no-country", source, span, message);
        context.report.push(finding.help("add `holidays = { country = \"CA\" }` here, or `country` to [locale]"));
    }
}

fn timezone(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Tz> {
    let text = context.text(&entry.node, "timezone")?.to_owned();
    if let Ok(zone) = text.parse::<Tz>() {
        return Some(zone);
    }
    let help = suggest::did_you_mean(&text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
        .or_else(|| Some("zones are written such as \"America/Toronto\"".to_owned()));
    context.error("timezone", &entry.node.span, format!("there is no time zone `{text}`"), help);
    None
}

fn holidays(context: &mut Context<'_>, entry: &Entry<'_>, calendars: &Calendars) -> Option<Holidays> {
    if let Item::Table(table) = &entry.node.value {
        return Some(calendar(context, table));
    }
    let name = context.text(&entry.node, "holidays")?;
    let found = calendars.get(name).cloned();
    if found.is_none() {
        let help = suggest::did_you_mean(name, calendars.keys().map(|name| &**name))
            .unwrap_or_else(|| format!("write it as [calendars.{name}]"));
        context.error("unknown-calendar", &entry.node.span, format!("no calendar is called `{name}`"), Some(help));
    }
    found
}

/// Reads `while_open` or `while_closed`: names of hours.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>) -> Vec<(Arc<str>, Arc<Hours>)> {
    let mut gates = Vec::new();
    for (name, span) in context.texts(&entry.node, &entry.key) {
        if let Some((name, hours)) = context.hours.get_key_value(&*name) {
            gates.extend(hours.clone().map(|hours| (name.clone(), hours)));
        } else {
            let help = suggest::did_you_mean(&name, context.hours.keys().map(|name| &**name))
                .unwrap_or_else(|| format!("write them as [hours.{name}]"));
            context.error("unknown-hours", &span, format!("no hours are called `{name}`"), Some(help));
        }
    }
    if matches!(&entry.node.value, Item::List(items) if items.is_empty()) {
        context.error("empty-matcher", &entry.node.span, format!("`{}` names no hours", entry.key), None);
    }
    gates
}

/// Two files, or two places, must not give one name to two things.
pub(super) fn twice(source: &Source, entry: &Entry<'_>, what: &str, report: &mut Report) {
    let message = format!("there are two {what} called `{}`", entry.key);
    let finding = Finding::error("duplicate-name", source, entry.key_span.clone(), message);
    report.push(finding.help("give one of them another name"));
}

/// Where hours are collected.
pub(super) fn collect(context: &mut Context<'_>, table: &Table<'_>, calendars: &Calendars, into: &mut HoursByName) {
    for entry in &table.entries {
        if into.contains_key(&*entry.key) {
            twice(context.source, entry, "hours", context.report);
            continue;
        }
        let hours = hours(context, entry, calendars);
        into.insert(Arc::from(&*entry.key), hours);
    }
}
