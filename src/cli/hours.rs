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
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    const RULES: &str = r#"
[vars.night]
values = ["auto", "open", "closed"]
[hours.office]
open     = "Mo-Fr 08:30-12:00,13:00-17:00; Dec 31 08:30-12:15; PH off"
override = "night"
holidays = { add = ["2026-12-24 12:00-24:00"], ics = "x.ics" }
[hours.bar]
open     = "Fr,Sa 20:00-02:00"
timezone = "Europe/Berlin"
"#;
    const FILE: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Boxing Day (in lieu)\nDTSTART;VALUE=DATE:20261228\nEND:VEVENT\nEND:VCALENDAR\n";
    const SETTINGS: &str = "[rules]\npath = \"rules\"\n[locale]\ntimezone = \"America/Toronto\"\ncountry = \"CA\"\n";

    fn said(arguments: &[&str]) -> Result<String, (u8, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        for (name, text) in [("switchhook.toml", SETTINGS), ("rules/a.toml", RULES), ("rules/x.ics", FILE)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = folder.path().to_str().unwrap();
        let line = ["hours", "show", "--config", config].into_iter().chain(arguments.iter().copied());
        let Command::Show(args) = Line::try_parse_from(line).map_err(|error| (2, error.to_string()))?.command;
        show(&args)
    }

    const AT: [&str; 2] = ["--at", "2026-12-24 10:00"];

    fn shown(arguments: &[&str]) -> String {
        said(&[&AT, arguments].concat()).unwrap()
    }

    #[test]
    fn a_week() {
        insta::assert_snapshot!(shown(&["office"]), @r#"
        office: open at Thu 2026-12-24 10:00 EST; closes Thu 2026-12-24 12:00 EST
        times are those of America/Toronto
        vars.night does not decide: it is neither open nor closed here
        next changes:
          Thu 2026-12-24 12:00 EST closes
          Tue 2026-12-29 08:30 EST opens
          Tue 2026-12-29 12:00 EST closes
          Tue 2026-12-29 13:00 EST opens
          Tue 2026-12-29 17:00 EST closes

                         0     3     6     9     12    15    18    21    24
          Mon 2026-12-21 ·················███████··████████··············  08:30-12:00 13:00-17:00
          Tue 2026-12-22 ·················███████··████████··············  08:30-12:00 13:00-17:00
          Wed 2026-12-23 ·················███████··████████··············  08:30-12:00 13:00-17:00
        > Thu 2026-12-24 ·················███████························  08:30-12:00  holiday 12:00-24:00: added by hand
          Fri 2026-12-25 ················································  closed  holiday: public holiday of CA
          Sat 2026-12-26 ················································  closed
          Sun 2026-12-27 ················································  closed
        "#);
        insta::assert_snapshot!(shown(&["office", "--week", "2026-12-31"]), @r#"
        office: open at Thu 2026-12-24 10:00 EST; closes Thu 2026-12-24 12:00 EST
        times are those of America/Toronto
        vars.night does not decide: it is neither open nor closed here
        next changes:
          Thu 2026-12-24 12:00 EST closes
          Tue 2026-12-29 08:30 EST opens
          Tue 2026-12-29 12:00 EST closes
          Tue 2026-12-29 13:00 EST opens
          Tue 2026-12-29 17:00 EST closes

                         0     3     6     9     12    15    18    21    24
          Mon 2026-12-28 ················································  closed  holiday: Boxing Day (in lieu)
          Tue 2026-12-29 ·················███████··████████··············  08:30-12:00 13:00-17:00
          Wed 2026-12-30 ·················███████··████████··············  08:30-12:00 13:00-17:00
          Thu 2026-12-31 ·················███████▒·······················  08:30-12:15
          Fri 2027-01-01 ················································  closed  holiday: public holiday of CA
          Sat 2027-01-02 ················································  closed
          Sun 2027-01-03 ················································  closed
        "#);
    }

    #[test]
    fn a_week_over_midnight_in_another_zone() {
        insta::assert_snapshot!(shown(&["bar", "--week", "2026-10-25"]), @r#"
        bar: closed at Thu 2026-12-24 16:00 CET; opens Fri 2026-12-25 20:00 CET
        times are those of Europe/Berlin
        holidays do not matter: `open` does not name PH
        next changes:
          Fri 2026-12-25 20:00 CET opens
          Sat 2026-12-26 02:00 CET closes
          Sat 2026-12-26 20:00 CET opens
          Sun 2026-12-27 02:00 CET closes
          Fri 2027-01-01 20:00 CET opens

                         0     3     6     9     12    15    18    21    24
          Mon 2026-10-19 ················································  closed
          Tue 2026-10-20 ················································  closed
          Wed 2026-10-21 ················································  closed
          Thu 2026-10-22 ················································  closed
          Fri 2026-10-23 ········································████████  20:00-24:00
          Sat 2026-10-24 ████····································████████  00:00-02:00 20:00-24:00
          Sun 2026-10-25 ████············································  00:00-02:00  clocks go back 60 min
        "#);
    }

    #[test]
    fn an_override() {
        insta::assert_snapshot!(shown(&["office", "--var", "night=closed"]).lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
        office: closed at Thu 2026-12-24 10:00 EST, by vars.night = closed; opens Tue 2026-12-29 08:30 EST
        times are those of America/Toronto
        the schedule alone says open; below is the schedule
        next changes:
        "#);
        insta::assert_snapshot!(shown(&["office", "--var", "night=auto"]).lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
        office: open at Thu 2026-12-24 10:00 EST; closes Thu 2026-12-24 12:00 EST
        times are those of America/Toronto
        vars.night does not decide: it is neither open nor closed here
        next changes:
        "#);
    }

    #[test]
    fn a_year() {
        insta::assert_snapshot!(shown(&["office", "--year"]), @r#"
        office: open at Thu 2026-12-24 10:00 EST; closes Thu 2026-12-24 12:00 EST
        times are those of America/Toronto
        vars.night does not decide: it is neither open nor closed here
        next changes:
          Thu 2026-12-24 12:00 EST closes
          Tue 2026-12-29 08:30 EST opens
          Tue 2026-12-29 12:00 EST closes
          Tue 2026-12-29 13:00 EST opens
          Tue 2026-12-29 17:00 EST closes

        the usual week of 2026:
          Mon            ·················███████··████████··············  08:30-12:00 13:00-17:00
          Tue            ·················███████··████████··············  08:30-12:00 13:00-17:00
          Wed            ·················███████··████████··············  08:30-12:00 13:00-17:00
          Thu            ·················███████··████████··············  08:30-12:00 13:00-17:00
          Fri            ·················███████··████████··············  08:30-12:00 13:00-17:00
          Sat            ················································  closed
          Sun            ················································  closed

        days that differ:
          Thu 2026-01-01  closed  public holiday of CA
          Fri 2026-04-03  closed  public holiday of CA
          Mon 2026-05-18  closed  public holiday of CA
          Wed 2026-07-01  closed  public holiday of CA
          Mon 2026-09-07  closed  public holiday of CA
          Wed 2026-09-30  closed  public holiday of CA
          Mon 2026-10-12  closed  public holiday of CA
          Thu 2026-12-24  08:30-12:00  added by hand
          Fri 2026-12-25  closed  public holiday of CA
          Mon 2026-12-28  closed  Boxing Day (in lieu)
          Thu 2026-12-31  08:30-12:15  Dec 31 08:30-12:15
        "#);
    }

    #[test]
    fn all_hours() {
        insta::assert_snapshot!(shown(&[]), @r#"
        bar: closed at Thu 2026-12-24 16:00 CET; opens Fri 2026-12-25 20:00 CET
        office: open at Thu 2026-12-24 10:00 EST; closes Thu 2026-12-24 12:00 EST
        "#);
    }

    #[test]
    fn as_json() {
        let json = |arguments: &[&str]| -> Value { serde_json::from_str(&shown(arguments)).unwrap() };
        let week = json(&["office", "--json", "--var", "night=open"]);
        assert_eq!(week["open"], true);
        assert_eq!(week["override"], "night");
        assert_eq!(week["override_decides"], true);
        assert_eq!(week["week"][3]["open"], json!([["08:30", "12:00"]]));
        assert_eq!(week["week"][3]["holiday"], json!({ "names": ["added by hand"], "times": [["12:00", "24:00"]] }));
        assert_eq!(week["changes"][0], json!({ "at": "2026-12-24T12:00:00-05:00", "open": false }));
        let year = json(&["office", "--year", "2027", "--json"]);
        assert_eq!(year["year"], 2027);
        assert_eq!(year["usual"][6], json!({ "weekday": "Sun", "open": [] }));
        assert_eq!(year["unusual"][0]["first"], "2027-01-01");
        let all = json(&["--json"]);
        assert_eq!(all[0]["hours"], "bar");
        assert_eq!(all[1]["hours"], "office");
    }

    #[test]
    fn what_can_not_be_shown() {
        let refused = |arguments: &[&str]| said(arguments).unwrap_err();
        assert_eq!(refused(&["ofice"]), (2, "no hours are called `ofice`; did you mean `office`?".to_owned()));
        assert_eq!(refused(&["office", "--at", "noon"]).0, 2);
        let var = refused(&["office", "--var", "nihgt=open"]);
        assert_eq!(var, (2, "no hours have `override = \"nihgt\"`; did you mean `night`?".to_owned()));
        assert_eq!(refused(&["office", "--var", "night"]), (2, "`night`: write it as night=closed".to_owned()));
        assert!(refused(&["office", "--week", "tomorrow"]).1.contains("invalid value 'tomorrow'"));
        assert!(refused(&["--week", "2026-12-24"]).1.contains("required"), "a week of what?");
    }
}
