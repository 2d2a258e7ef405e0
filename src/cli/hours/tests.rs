//! The pictures of hours, as people see them.

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
