//! Reading `[hours.NAME]`, `while_open` and `while_closed`.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::hours::{Holidays, Hours};
use crate::language::document::{self, Entry, Item, Table};
use crate::language::{Finding, Report, Source, suggest};

use super::calendars::{self, Calendars};
use super::context::{Context, HoursByName};
use super::matcher::Group;
use super::opening::{Opening, Override};
use super::rule::Gates;
use super::surprises;

pub(super) const HOURS: &[&str] = &["open", "timezone", "holidays", "override"];

/// All hours that were read, and the vars that overrule some of them.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) hours: HoursByName,
    pub(super) overrides: Vec<Override>,
}

/// Reads one `[hours.NAME]`.
fn hours(
    context: &mut Context<'_>,
    name: &Entry<'_>,
    calendars: &mut Calendars,
    overrides: &mut Vec<Override>,
) -> Option<Arc<Opening>> {
    let table = context.table(&name.node, &name.key, "open = \"Mo-Fr 09:00-17:00\"")?;
    let (mut open, mut zone, mut holidays, mut overridden_by) = (None, context.world.locale.timezone, None, None);
    for entry in &table.entries {
        match &*entry.key {
            "open" => open = Some((entry, context.text(&entry.node, "open").map(str::to_owned))),
            // A wrong zone has been told; what `open` says is looked at all the same.
            "timezone" => zone = Some(timezone(context, entry).unwrap_or(Tz::UTC)),
            "holidays" => holidays = Some(calendars.of_hours(context, entry)),
            "override" => overridden_by = self::overridden_by(context, entry, overrides),
            _ => context.unknown_key(entry, "hours", HOURS, &[]),
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
    // A wrong calendar has been told, too.
    let told = holidays == Some(None);
    let usual = || Holidays { country: context.world.locale.country.clone(), ..Holidays::default() };
    let holidays = holidays.map_or_else(|| Arc::new(usual()), Option::unwrap_or_default);
    match Hours::parse(&open, zone.unwrap_or(Tz::UTC), &holidays) {
        Ok(hours) => {
            warn_of_zone(context, name, zone);
            if !told {
                warn(context, name, entry, &hours);
                warn_of_holidays(context, entry, &hours, &holidays);
            }
            Some(Arc::new(Opening { schedule: hours, overridden_by }))
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

fn overridden_by(context: &mut Context<'_>, entry: &Entry<'_>, overrides: &mut Vec<Override>) -> Option<Arc<str>> {
    let var: Arc<str> = context.text(&entry.node, "override")?.into();
    if var.trim().is_empty() {
        let help = Some("name a var of [vars]".to_owned());
        context.error("unknown-var", &entry.node.span, "`override` names no var", help);
        return None;
    }
    overrides.push(Override { var: var.clone(), source: context.source.clone(), span: entry.node.span.clone() });
    Some(var)
}

fn warn_of_zone(context: &mut Context<'_>, name: &Entry<'_>, zone: Option<Tz>) {
    if zone.is_none() {
        let message = format!(
            "the hours `{}` name no time zone, and the settings have no [locale]: UTC is taken until CloudLink's site is known",
            name.key
        );
        let finding = Finding::warning("no-time-zone", context.source, name.key_span.clone(), message);
        context.report.push(finding.help("add `timezone = \"America/Toronto\"` here, or [locale] to switchhook.toml"));
    }
}

fn warn(context: &mut Context<'_>, name: &Entry<'_>, open: &Entry<'_>, hours: &Hours) {
    let (source, span) = (context.source, open.node.span.clone());
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
        let help = "is the year that they name over, or does a later part close all days?";
        context.report.push(Finding::warning("never-open", source, span, message).help(help));
    }
}

/// What there is to say of the holidays that `open` asks for.
fn warn_of_holidays(context: &mut Context<'_>, open: &Entry<'_>, hours: &Hours, holidays: &Holidays) {
    let (source, span) = (context.source, open.node.span.clone());
    let soon = calendars::soon(context);
    if let Some(until) = hours.holidays_known_until().filter(|until| *until < soon) {
        let message = format!("the public holidays are known until {until} only");
        let finding = Finding::warning("holidays-end", source, span.clone(), message);
        context.report.push(finding.help("update switchhook, or name the days that follow with `add`"));
    }
    let named = !holidays.add.is_empty() || !holidays.feeds.is_empty();
    if hours.names_public_holidays() && holidays.country.is_none() && !named {
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

/// Reads `while_open` or `while_closed`: names of hours.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>) -> Vec<(Arc<str>, Arc<Opening>)> {
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

/// Finds hours that a rule wants open and closed at once, or overruled by a var that it wants otherwise.
pub(super) fn never(context: &mut Context<'_>, table: &Table<'_>, gates: &Gates, conditions: &Group) {
    let entry = |key: &str| table.get(key).map(|entry| entry.node.span.clone());
    let (open, closed) = (entry("while_open"), entry("while_closed"));
    if let (Some(span), false) = (&closed, gates.open.is_empty())
        && gates.open.iter().all(|(name, _)| gates.closed.iter().any(|(other, _)| other == name))
    {
        let names: Vec<&str> = gates.open.iter().map(|(name, _)| &**name).collect();
        let message = format!("{} can't be open and closed at once", suggest::list(&names));
        context.warning("never-matches", span, message, "keep one of `while_open` and `while_closed`");
        return;
    }
    // The var decides while it is "open" or "closed".
    let held = |opening: &Opening, word: &str| {
        let path = format!("vars.{}", opening.overridden_by()?);
        let values = conditions.required(&path).filter(|values| !values.is_empty())?;
        values.iter().all(|value| value == word).then_some(path)
    };
    let shut = gates.open.iter().map(|(_, opening)| held(opening, "closed")).collect::<Option<Vec<_>>>();
    let shut = shut.and_then(|paths| paths.into_iter().next()).map(|path| (open, path, "closed", "while_open"));
    let opened = gates.closed.iter().find_map(|(_, opening)| held(opening, "open"));
    let opened = opened.map(|path| (closed, path, "open", "while_closed"));
    for (span, path, word, key) in shut.into_iter().chain(opened) {
        let Some(span) = span else { continue };
        let message = format!("`where` wants `{path}` to be \"{word}\", and then `{key}` never holds");
        context.warning("never-matches", &span, message, "the var overrules these hours: leave one of the two out");
    }
}

/// Two files, or two places, must not give one name to two things.
pub(super) fn twice(source: &Source, entry: &Entry<'_>, what: &str, report: &mut Report) {
    let message = format!("there are two {what} called `{}`", entry.key);
    let finding = Finding::error("duplicate-name", source, entry.key_span.clone(), message);
    report.push(finding.help("give one of them another name"));
}

impl Collected {
    /// Reads the `[hours]` of one file.
    pub(super) fn add(&mut self, context: &mut Context<'_>, table: &Table<'_>, calendars: &mut Calendars) {
        for entry in &table.entries {
            if self.hours.contains_key(&*entry.key) {
                twice(context.source, entry, "hours", context.report);
                continue;
            }
            let hours = hours(context, entry, calendars, &mut self.overrides);
            self.hours.insert(Arc::from(&*entry.key), hours);
        }
    }
}
