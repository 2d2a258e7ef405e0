//! `switchhook hours`: what hours make of a week or a year, to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::num::ParseIntError;
use std::process::ExitCode;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Value, json};

use super::client::Gateway;
use super::{Config, OfAccount, complain, say};
use crate::daemon;
use crate::hours::moment;
use crate::hours::{Day, Times, Unusual};
use crate::kit::clock::Clock;
use crate::language::suggest;
use crate::rules::{Opening, RuleSet};

/// What there is to do with hours.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Draw a week of hours, tell the next changes and the holidays; without a name, list all hours
    Show(Args),
}

/// Arguments of `hours show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// The name of the hours
    name: Option<String>,
    /// The week of that day, such as 2026-12-24 [default: this week]
    #[arg(long, value_name = "DATE", requires = "name", conflicts_with = "year")]
    week: Option<NaiveDate>,
    /// The days of a year that differ from the usual week, and why [default: this year]
    #[arg(long, value_name = "YEAR", requires = "name", num_args = 0..=1, default_missing_value = "this")]
    year: Option<Which>,
    /// As if it were that time: `2026-12-25 10:00` (in the zone of `[locale]`) or with an offset
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// As if a var had that value: `night=closed` [default: what a running gateway has]
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A year as it is asked for.
#[derive(Clone, Copy, Debug)]
enum Which {
    This,
    Year(i32),
}

impl FromStr for Which {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        if text == "this" { Ok(Self::This) } else { text.parse().map(Self::Year) }
    }
}

/// How many changes are told.
const CHANGES: usize = 5;
/// The width of a day: half an hour each.
const CELLS: u16 = 48;

/// Prints a picture. 1: the rules don't hold together; 2: there are no such hours.
pub(super) fn run(command: &Command) -> ExitCode {
    let Command::Show(args) = command;
    match show(args) {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err((_, text)) if text.is_empty() => ExitCode::from(2),
        Err((code, text)) => {
            complain(&text);
            ExitCode::from(code)
        }
    }
}

fn show(args: &Args) -> Result<String, (u8, String)> {
    // What is wrong with the settings has been said.
    let (desk, account) = args.config.desk_of(&args.account).map_err(|_| (2, String::new()))?;
    let now = Clock::system().now();
    let rules =
        daemon::compile(&account.rules, &desk.world(&account, now)).map_err(|report| (1, report.render(false)))?;
    let at = args.at.as_deref().map(|text| moment::read(text, rules.zone())).transpose().map_err(|why| (2, why))?;
    let at = at.unwrap_or(now);
    let mut vars = in_force(args, &rules, at);
    vars.extend(self::vars(args, &rules).map_err(|why| (2, why))?);
    let look = Look { at, vars };
    let Some(name) = &args.name else { return Ok(look.list(&rules, args.json)) };
    let hours = rules.hours().find(|(known, _)| known == name);
    let Some((name, hours)) = hours else {
        let help = suggest::did_you_mean(name, rules.hours().map(|(name, _)| name).collect::<Vec<_>>());
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        return Err((2, format!("no hours are called `{name}`{help}")));
    };
    let mut told = look.now(name, hours);
    let today = look.at.with_timezone(&hours.schedule().timezone()).date_naive();
    let days = if let Some(year) = args.year {
        let year = if let Which::Year(year) = year { year } else { today.year() };
        year_of(hours, year, &mut told)
    } else {
        week_of(hours, args.week.unwrap_or(today), today, &mut told)
    };
    if args.json {
        return Ok(serde_json::to_string_pretty(&told).unwrap_or_default());
    }
    Ok(format!("{}\n\n{days}", for_people(&told)))
}

/// The value of a var, and whether a running gateway has it.
struct Held {
    value: Value,
    in_gateway: bool,
}

/// The vars of a running gateway that overrule hours and hold at that time.
fn in_force(args: &Args, rules: &RuleSet, at: DateTime<Utc>) -> BTreeMap<String, Held> {
    let wanted: BTreeSet<&str> = rules.hours().filter_map(|(_, hours)| hours.overridden_by()).collect();
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    // What it was set to may be over by then.
    let over = |told: &Value| told["until"].as_i64().is_some_and(|until| until <= at.timestamp_millis());
    let value = |told: &Value| told[if over(told) { "default" } else { "value" }].clone();
    let known = Gateway::vars(&args.config, &args.account).into_iter().filter(|(name, _)| wanted.contains(&**name));
    let held = known.map(|(name, told)| (name, Held { value: value(&told), in_gateway: true }));
    held.filter(|(_, held)| held.value.is_string()).collect()
}

/// The vars that are given; each must overrule some hours.
fn vars(args: &Args, rules: &RuleSet) -> Result<BTreeMap<String, Held>, String> {
    let known: Vec<&str> = rules.hours().filter_map(|(_, hours)| hours.overridden_by()).collect();
    let one = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}`: write it as night=closed"))?;
        if !known.contains(&name) {
            let help = suggest::did_you_mean(name, known.iter().copied());
            let help = help.map_or_else(String::new, |help| format!("; {help}"));
            return Err(format!("no hours have `override = \"{name}\"`{help}"));
        }
        Ok((name.to_owned(), Held { value: Value::from(value), in_gateway: false }))
    };
    args.vars.iter().map(one).collect()
}

/// When it is, and which vars hold.
struct Look {
    at: DateTime<Utc>,
    vars: BTreeMap<String, Held>,
}

impl Look {
    fn now(&self, name: &str, hours: &Opening) -> Value {
        let zone = hours.schedule().timezone();
        let held = hours.overridden_by().and_then(|var| self.vars.get(var));
        let value = held.map(|held| &held.value);
        let decided = hours.decided(value);
        let time = |at: Option<DateTime<chrono_tz::Tz>>| at.map(|at| at.to_rfc3339());
        let changes = hours.schedule().changes(self.at).take(CHANGES);
        let changes = changes.map(|(at, open)| json!({ "at": at.to_rfc3339(), "open": open }));
        json!({
            "hours": name,
            "timezone": zone.name(),
            "at": self.at.with_timezone(&zone).to_rfc3339(),
            "open": hours.is_open(self.at, decided),
            "schedule_open": hours.schedule().is_open(self.at),
            "override": hours.overridden_by(),
            "override_value": value,
            "override_in_gateway": held.is_some_and(|held| held.in_gateway),
            "override_decides": decided.is_some(),
            "next_open": time(hours.next_open(self.at)),
            "next_change": time(hours.next_change(self.at, decided)),
            "changes": changes.collect::<Vec<_>>(),
            "holidays_matter": hours.schedule().names_public_holidays(),
        })
    }

    fn list(&self, rules: &RuleSet, as_json: bool) -> String {
        let told: Vec<Value> = rules.hours().map(|(name, hours)| self.now(name, hours)).collect();
        if as_json {
            return serde_json::to_string_pretty(&told).unwrap_or_default();
        }
        if told.is_empty() {
            return "there are no hours".to_owned();
        }
        told.iter().map(headline).collect::<Vec<_>>().join("\n")
    }
}

/// A moment as people read it.
fn moment(value: &Value, zone: &Value) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    let zone: chrono_tz::Tz = zone.as_str()?.parse().ok()?;
    Some(at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string())
}

fn word(open: &Value) -> &'static str {
    if open == true { "open" } else { "closed" }
}

fn headline(told: &Value) -> String {
    let at = |value: &Value| moment(value, &told["timezone"]).unwrap_or_default();
    let name = told["hours"].as_str().unwrap_or_default();
    let change = match moment(&told["next_change"], &told["timezone"]) {
        Some(next) if told["open"] == true => format!("closes {next}"),
        Some(next) => format!("opens {next}"),
        None => "for as long as can be seen".to_owned(),
    };
    let by = if told["override_decides"] == true { by_var(told) } else { String::new() };
    format!("{name}: {} at {}{by}; {change}", word(&told["open"]), at(&told["at"]))
}

fn by_var(told: &Value) -> String {
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let whose = if told["override_in_gateway"] == true { " in the running gateway" } else { "" };
    format!(", by vars.{} = {}{whose}", text("override"), text("override_value"))
}

fn for_people(told: &Value) -> String {
    let mut lines =
        vec![headline(told), format!("times are those of {}", told["timezone"].as_str().unwrap_or_default())];
    match (told["override"].as_str(), told["override_decides"] == true) {
        (Some(_), true) => {
            lines.push(format!("the schedule alone says {}; below is the schedule", word(&told["schedule_open"])));
        }
        (Some(var), false) => lines.push(format!("vars.{var} does not decide: it is neither open nor closed here")),
        (None, _) => {}
    }
    if told["holidays_matter"] == false {
        lines.push("holidays do not matter: `open` does not name PH".to_owned());
    }
    let changes = told["changes"].as_array().into_iter().flatten();
    let changes: Vec<String> = changes
        .filter_map(|change| {
            let at = moment(&change["at"], &told["timezone"])?;
            Some(format!("  {at} {}", if change["open"] == true { "opens" } else { "closes" }))
        })
        .collect();
    if !changes.is_empty() {
        lines.push("next changes:".to_owned());
        lines.extend(changes);
    }
    lines.join("\n")
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn times(times: &Times) -> String {
    let shown = times.iter().map(|(from, to)| format!("{}-{}", clock(*from), clock(*to))).collect::<Vec<_>>();
    if shown.is_empty() { "closed".to_owned() } else { shown.join(" ") }
}

fn times_json(times: &Times) -> Value {
    times.iter().map(|(from, to)| json!([clock(*from), clock(*to)])).collect()
}

/// A day in 48 cells: full when all of the half hour is open.
fn bar(open: &Times) -> String {
    let cell = |at: u16| {
        let (start, end) = (at * 30, (at + 1) * 30);
        let covered: u16 = open.iter().map(|(from, to)| end.min(*to).saturating_sub(start.max(*from))).sum();
        match covered {
            0 => '·',
            30.. => '█',
            _ => '▒',
        }
    };
    (0..CELLS).map(cell).collect()
}

fn week_of(hours: &Opening, of: NaiveDate, today: NaiveDate, told: &mut Value) -> String {
    let days = hours.schedule().week(of);
    told["week"] = days.iter().map(day_json).collect();
    let scale: Vec<String> = (0..=24).step_by(3).map(|hour| format!("{hour:<6}")).collect();
    let mut lines = vec![format!("{:17}{}", "", scale.concat().trim_end())];
    for day in &days {
        let mark = if day.date == today { '>' } else { ' ' };
        let line = format!("{mark} {} {}  {}", day.date.format("%a %Y-%m-%d"), bar(&day.open), times(&day.open));
        lines.push(line + &remarks(day));
    }
    lines.join("\n")
}

/// What there is to say of a day: the holiday, and that clocks change.
fn remarks(day: &Day) -> String {
    let holiday = day.holiday.as_ref().map_or_else(String::new, |holiday| {
        let when = if holiday.times == [(0, 1440)] { String::new() } else { format!(" {}", times(&holiday.times)) };
        format!("  holiday{when}: {}", holiday.names.join(", "))
    });
    match day.clocks {
        0 => holiday,
        forward @ 1.. => format!("{holiday}  clocks go forward {forward} min"),
        back => format!("{holiday}  clocks go back {} min", -back),
    }
}

fn day_json(day: &Day) -> Value {
    let holiday =
        day.holiday.as_ref().map(|holiday| json!({ "names": holiday.names, "times": times_json(&holiday.times) }));
    json!({
        "date": day.date.to_string(),
        "weekday": day.date.format("%a").to_string(),
        "open": times_json(&day.open),
        "holiday": holiday,
        "clocks_forward_minutes": day.clocks,
    })
}

fn year_of(hours: &Opening, year: i32, told: &mut Value) -> String {
    let found = hours.schedule().year(year);
    told["year"] = year.into();
    told["usual"] = found
        .usual
        .iter()
        .map(|(weekday, open)| json!({ "weekday": weekday.to_string(), "open": times_json(open) }))
        .collect();
    told["unusual"] = found.unusual.iter().map(unusual_json).collect();
    let mut lines = vec![format!("the usual week of {year}:")];
    lines.extend(
        found.usual.iter().map(|(weekday, open)| format!("  {weekday}            {}  {}", bar(open), times(open))),
    );
    lines.push(String::new());
    if found.unusual.is_empty() {
        lines.push("no day differs".to_owned());
    } else {
        lines.push("days that differ:".to_owned());
    }
    for one in &found.unusual {
        let why = if one.why.is_empty() { String::new() } else { format!("  {}", one.why.join(", ")) };
        let last = if one.last == one.first { String::new() } else { format!(" - {}", one.last.format("%a %Y-%m-%d")) };
        lines.push(format!("  {}{last}  {}{why}", one.first.format("%a %Y-%m-%d"), times(&one.open)));
    }
    lines.join("\n")
}

fn unusual_json(one: &Unusual) -> Value {
    json!({
        "first": one.first.to_string(),
        "last": one.last.to_string(),
        "open": times_json(&one.open),
        "why": one.why,
    })
}

#[cfg(test)]
mod tests;
