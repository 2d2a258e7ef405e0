//! Hours and calendars in rule files: what is found in them, files of holidays, vars that overrule a schedule.

use std::collections::BTreeMap;

use serde_json::Map;

use super::*;
use crate::rules::request::Request;

const BEGIN: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n";
const END: &str = "END:VCALENDAR\r\n";

fn ics(events: &[&str]) -> String {
    let events = events.iter().map(|event| format!("BEGIN:VEVENT\r\nUID:{event}\r\n{event}\r\nEND:VEVENT\r\n"));
    format!("{BEGIN}{}{END}", events.collect::<Vec<_>>().concat())
}

/// The usual world with files beside the rules.
fn with_files(files: &[(&str, String)]) -> World {
    let files: BTreeMap<String, Source> =
        files.iter().map(|(name, text)| ((*name).to_owned(), Source::new(*name, text.as_str()))).collect();
    World { attached: Attached::Given(Arc::new(files)), ..world() }
}

fn found_in(world: &World, text: &str) -> Report {
    match compile(&[Source::new("all.toml", text)], world) {
        Ok(rules) => rules.warnings().clone(),
        Err(report) => report,
    }
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings().iter().map(|finding| finding.code).collect()
}

const RULE: &str =
    "[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhile_closed = \"office\"\ndo = [{ log = { message = \"x\" } }]\n";

/// Whether the office is closed at that moment.
fn closed(rules: &RuleSet, at: &str) -> bool {
    let event = Event { time: at.parse().unwrap(), ..ringing() };
    !rules.plan(&event).runs.is_empty()
}

#[test]
fn a_calendar_of_all_sources() {
    let files = [("office.ics", ics(&["SUMMARY:Move\r\nDTSTART;VALUE=DATE:20270310"]))];
    let world = with_files(&files);
    let text = "[calendars.ontario]\ncountry = \"CA\"\nadd = [\"2026-12-24 12:00-24:00\"]\nremove = [\"2026-09-30\"]\nics = [\"office.ics\"]\n\
        [hours.office]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\nholidays = \"ontario\"\n";
    let rules = compile(&[Source::new("all.toml", format!("{text}{RULE}"))], &world).unwrap();
    assert!(rules.warnings().is_empty(), "{}", rules.warnings());
    assert_eq!(rules.attached(), [Arc::<str>::from("office.ics")]);
    for (at, wanted) in [
        ("2026-12-25T15:00:00Z", true),
        ("2026-09-30T15:00:00Z", false),
        ("2026-12-24T16:59:00Z", false),
        ("2026-12-24T17:00:00Z", true),
        ("2027-03-10T15:00:00Z", true),
        ("2027-03-11T15:00:00Z", false),
    ] {
        assert_eq!(closed(&rules, at), wanted, "{at}");
    }
    // A change of the file is a change of the rules.
    let other = with_files(&[("office.ics", ics(&["SUMMARY:Move\r\nDTSTART;VALUE=DATE:20270311"]))]);
    let other = compile(&[Source::new("all.toml", format!("{text}{RULE}"))], &other).unwrap();
    assert_ne!(rules.hash(), other.hash());
    assert!(closed(&other, "2027-03-11T15:00:00Z"));
}

#[test]
fn holidays_inline_and_left_out() {
    let inline = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\nholidays = { country = \"DE\" }\n";
    let usual = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\n";
    let without = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00\"\n";
    // 3 October 2025 is a Friday and one of Germany, 1 July 2026 a Wednesday and one of Canada.
    for (text, of_germany, of_canada) in [(inline, true, false), (usual, false, true), (without, false, false)] {
        let rules = rules(&format!("{text}{RULE}"));
        assert!(rules.warnings().is_empty(), "{}", rules.warnings());
        assert_eq!(closed(&rules, "2025-10-03T15:00:00Z"), of_germany, "{text}");
        assert_eq!(closed(&rules, "2026-07-01T15:00:00Z"), of_canada, "{text}");
    }
}

#[test]
fn a_country_without_known_holidays() {
    let nowhere = World { locale: Locale { country: Some("AQ".to_owned()), ..world().locale }, ..world() };
    let office = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\n";
    assert_eq!(codes(&found_in(&nowhere, office)), ["hours"]);
    let named = format!("{office}holidays = {{ add = [\"2027-03-10\"] }}\n");
    assert!(found_in(&nowhere, &named).is_empty(), "the days that are named are all there are");
    let without = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00\"\n";
    assert!(found_in(&nowhere, without).is_empty());
}

#[test]
fn one_mistake_of_a_calendar_is_told_once() {
    let text = "[calendars.c]\ncountry = \"ca\"\n[hours.a]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\nholidays = \"c\"\n\
        [hours.b]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\nholidays = \"c\"\n";
    insta::assert_snapshot!(found(text), @r#"
    country

      × `ca` is no country code
       ╭─[all.toml:2:11]
     2 │ country = "ca"
       ·           ────
       ╰────
      help: write "CA"
    "#);
}

#[test]
fn dates_that_are_none() {
    let text = "[calendars.c]\nadd = [\"24.12.2026\", \"2026-02-30\", \"2026-12-24 12:00-25:00\", 5]\nremove = [\"2027-01-02 - 2026-12-24\"]\n";
    insta::assert_snapshot!(found(text), @r#"
    date

      × `24.12.2026` is no date: write 2026-12-24 or 2026-12-24 - 2027-01-02, each with or without 12:00-24:00
       ╭─[all.toml:2:8]
     2 │ add = ["24.12.2026", "2026-02-30", "2026-12-24 12:00-25:00", 5]
       ·        ────────────
       ╰────
      help: write "2026-12-24", "2026-12-24 12:00-24:00" or "2026-12-24 - 2027-01-02"
    date

      × there is no day 2026-02-30
       ╭─[all.toml:2:22]
     2 │ add = ["24.12.2026", "2026-02-30", "2026-12-24 12:00-25:00", 5]
       ·                      ────────────
       ╰────
      help: write "2026-12-24", "2026-12-24 12:00-24:00" or "2026-12-24 - 2027-01-02"
    date

      × there is no time 25:00: times are 00:00 to 24:00
       ╭─[all.toml:2:36]
     2 │ add = ["24.12.2026", "2026-02-30", "2026-12-24 12:00-25:00", 5]
       ·                                    ────────────────────────
       ╰────
      help: write "2026-12-24", "2026-12-24 12:00-24:00" or "2026-12-24 - 2027-01-02"
    wrong-type

      × `add` takes text, not a number
       ╭─[all.toml:2:62]
     2 │ add = ["24.12.2026", "2026-02-30", "2026-12-24 12:00-25:00", 5]
       ·                                                              ─
       ╰────
      help: write it in quotes: "5"
    date

      × 2027-01-02 is not before 2026-12-24
       ╭─[all.toml:3:11]
     3 │ remove = ["2027-01-02 - 2026-12-24"]
       ·           ─────────────────────────
       ╰────
      help: write "2026-12-24", "2026-12-24 12:00-24:00" or "2026-12-24 - 2027-01-02"
    "#);
}

#[test]
fn a_country_that_nobody_knows() {
    let report = found("[calendars.c]\ncountry = \"ZZ\"\n");
    assert_eq!(codes(&report), ["country"]);
    let shown = report.to_string();
    assert!(shown.contains("no public holidays are known of `ZZ`") && shown.contains("known are AD "), "{shown}");
    insta::assert_snapshot!(found("[calendars.c]\ncountry = \"Canada\"\n"), @r#"
    country

      × `Canada` is no country code
       ╭─[all.toml:2:11]
     2 │ country = "Canada"
       ·           ────────
       ╰────
      help: two capital letters of ISO 3166, such as "CA"
    "#);
}

#[test]
fn a_day_that_is_added_and_removed() {
    let text = "[calendars.c]\nadd = [\"2026-12-24 - 2027-01-02\"]\nremove = [\"2026-12-28 - 2027-01-10\"]\n";
    insta::assert_snapshot!(found(text), @r#"
    add-and-remove

      ⚠ 2026-12-28 is removed and, by `2026-12-24 - 2027-01-02`, added: it stays a holiday
       ╭─[all.toml:3:11]
     3 │ remove = ["2026-12-28 - 2027-01-10"]
       ·           ─────────────────────────
       ╰────
      help: keep it in one of the two
    "#);
    let part = "[calendars.c]\nadd = [\"2026-07-01 14:00-24:00\"]\nremove = [\"2026-07-01\"]\n";
    assert!(found(part).is_empty(), "a holiday on which one works until two");
}

#[test]
fn calendar_files_that_can_not_be_used() {
    let world = with_files(&[("page.ics", "<html>\r\n".to_owned())]);
    let text = "[calendars.c]\nics = [\"page.ics\", \"none.ics\"]\n[hours.a]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\nholidays = \"c\"\n";
    insta::assert_snapshot!(found_in(&world, text), @r#"
    ics

      × `page.ics` can't be used: it is no iCalendar file: `<html>` is not understood
       ╭─[all.toml:2:8]
     2 │ ics = ["page.ics", "none.ics"]
       ·        ──────────
       ╰────
      help: take an .ics file (RFC 5545) such as calendar programs export
    unreadable-file

      × `none.ics`: there is no such file
       ╭─[all.toml:2:20]
     2 │ ics = ["page.ics", "none.ics"]
       ·                    ──────────
       ╰────
      help: its path is relative to the file that names it
    "#);
}

#[test]
fn calendar_files_that_are_doubtful_or_soon_over() {
    let doubtful = ics(&["SUMMARY:Bell\r\nDTSTART:20270910T120000Z", "DTSTART;VALUE=DATE:20270910"]);
    let world = with_files(&[
        ("old.ics", ics(&["DTSTART;VALUE=DATE:20261225"])),
        ("older.ics", ics(&["DTSTART;VALUE=DATE:19991225"])),
        ("doubtful.ics", doubtful),
    ]);
    let text = "[calendars.c]\nics = [\"old.ics\", \"older.ics\", \"doubtful.ics\"]\n";
    insta::assert_snapshot!(found_in(&world, text), @r#"
    holidays-end

      ⚠ the last holiday in `old.ics` is 2026-12-25
       ╭─[all.toml:2:8]
     2 │ ics = ["old.ics", "older.ics", "doubtful.ics"]
       ·        ─────────
       ╰────
      help: get a newer file: later holidays would pass for plain days
    holidays-end

      ⚠ `older.ics` has no holiday of these years
       ╭─[all.toml:2:19]
     2 │ ics = ["old.ics", "older.ics", "doubtful.ics"]
       ·                   ───────────
       ╰────
      help: get a newer file: later holidays would pass for plain days
    ics

      ⚠ in `doubtful.ics` `Bell` begins at a time and has no end
       ╭─[all.toml:2:32]
     2 │ ics = ["old.ics", "older.ics", "doubtful.ics"]
       ·                                ──────────────
       ╰────
      help: correct the file, or name the day with `add`
    "#);
    // 60 days after 7 December 2026 is 5 February 2027.
    for (last, fine) in [("20270204", false), ("20270205", true)] {
        let world = with_files(&[("x.ics", ics(&[&format!("DTSTART;VALUE=DATE:{last}")]))]);
        assert_eq!(found_in(&world, "[calendars.c]\nics = \"x.ics\"\n").is_empty(), fine, "{last}");
    }
}

#[test]
fn holidays_of_a_country_that_are_soon_over() {
    let late = World { now: "2076-11-28T12:00:00Z".parse().unwrap(), ..world() };
    insta::assert_snapshot!(found_in(&late, "[hours.a]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\n"), @r#"
    holidays-end

      ⚠ the public holidays are known until 2076-12-25 only
       ╭─[all.toml:2:8]
     2 │ open = "Mo-Fr 08:30-17:00; PH off"
       ·        ───────────────────────────
       ╰────
      help: update switchhook, or name the days that follow with `add`
    "#);
}

#[test]
fn holidays_that_hide_and_hours_that_never_open() {
    insta::assert_snapshot!(found("[hours.a]\nopen = \"PH off; Mo-Fr 09:00-17:00\"\n"), @r#"
    hidden-hours

      ⚠ `Mo-Fr 09:00-17:00` also holds on holidays: it comes after `PH off` and replaces it
       ╭─[all.toml:2:17]
     2 │ open = "PH off; Mo-Fr 09:00-17:00"
       ·                 ─────────────────
       ╰────
      help: write the part with `PH` last
    "#);
    insta::assert_snapshot!(found("[hours.a]\nopen = \"2020 Mo-Fr 09:00-17:00\"\n"), @r#"
    never-open

      ⚠ the hours `a` never open
       ╭─[all.toml:2:8]
     2 │ open = "2020 Mo-Fr 09:00-17:00"
       ·        ────────────────────────
       ╰────
      help: is the year that they name over, or does a later part close all days?
    "#);
    insta::assert_snapshot!(found("[hours.a]\nopen = \"PH 10:00-12:00\"\nholidays = { country = \"CA\" , add = [\"2026-02-31\"] }\n"), @r#"
    date

      × there is no day 2026-02-31
       ╭─[all.toml:3:38]
     3 │ holidays = { country = "CA" , add = ["2026-02-31"] }
       ·                                      ────────────
       ╰────
      help: write "2026-12-24", "2026-12-24 12:00-24:00" or "2026-12-24 - 2027-01-02"
    "#);
}

#[test]
fn hours_without_a_country() {
    let nowhere = World { locale: Locale { country: None, ..world().locale }, ..world() };
    insta::assert_snapshot!(found_in(&nowhere, "[hours.a]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\n"), @r#"
    no-country

      ⚠ `PH` means the public holidays of a country, and no country is named
       ╭─[all.toml:2:8]
     2 │ open = "Mo-Fr 08:30-17:00; PH off"
       ·        ───────────────────────────
       ╰────
      help: add `holidays = { country = "CA" }` here, or `country` to [locale]
    "#);
}

#[test]
fn hours_of_the_wrong_form() {
    insta::assert_snapshot!(found("[hours.a]\nopen = \"Mo-Fr 9am-5pm\"\noverride = 5\noveride = \"x\"\n"), @r#"
    hours

      × these are no opening hours in OpenStreetMap's notation: `9am-5pm`: times are 00:00 to 24:00
       ╭─[all.toml:2:15]
     2 │ open = "Mo-Fr 9am-5pm"
       ·               ───────
       ╰────
      help: hours are written as in OpenStreetMap: "Mo-Fr 09:00-12:00,13:00-17:00; Sa 10:00-14:00; PH off"
    wrong-type

      × `override` takes text, not a number
       ╭─[all.toml:3:12]
     3 │ override = 5
       ·            ─
       ╰────
      help: write it in quotes: "5"
    unknown-key

      × hours has no key `overide`
       ╭─[all.toml:4:1]
     4 │ overide = "x"
       · ───────
       ╰────
      help: did you mean `override`?
    "#);
    insta::assert_snapshot!(found("[hours.a]\nopen = \"Mo-Fr 09:00-17:00\"\noverride = \"\"\n"), @r#"
    unknown-var

      × `override` names no var
       ╭─[all.toml:3:12]
     3 │ override = ""
       ·            ──
       ╰────
      help: name a var of [vars]
    "#);
}

#[test]
fn calendar_files_are_bounded_in_number() {
    let world = with_files(&[("x.ics", ics(&["DTSTART;VALUE=DATE:20270910"]))]);
    let names = |count| vec!["\"x.ics\""; count].join(", ");
    assert!(found_in(&world, &format!("[calendars.c]\nics = [{}]\n", names(100))).is_empty());
    let report = found_in(&world, &format!("[calendars.c]\nics = [{}]\n", names(101)));
    assert_eq!(codes(&report), ["ics"]);
}

const OVERRIDDEN: &str = "[vars.night]\nvalues = [\"auto\", \"open\", \"closed\"]\n[hours.office]\nopen = \"Mo-Fr 08:30-17:00\"\noverride = \"night\"\n[hours.plain]\nopen = \"Mo-Fr 08:30-17:00\"\n";

#[test]
fn an_override_is_a_var_that_can_be_open_and_closed() {
    let told = |vars: &str| {
        let report = found(&format!("[hours.a]\nopen = \"Mo-Fr 08:30-17:00\"\noverride = \"night\"\n{vars}"));
        report
            .findings()
            .iter()
            .map(|finding| format!("{}: {}", finding.code, finding.message))
            .collect::<Vec<_>>()
            .concat()
    };
    assert_eq!(told("[vars.night]\nvalues = [\"auto\", \"open\", \"closed\"]\n"), "");
    assert_eq!(told("[vars.night]\ndefault = \"auto\"\n"), "", "it can be anything");
    assert_eq!(told("[vars.nights]\ndefault = \"auto\"\n"), "unknown-var: no var is called `night`");
    let lacking = told("[vars.night]\nvalues = [\"on\", \"closed\"]\n");
    assert_eq!(lacking, "override-values: `night` can never be `open`: its values do not list it");
    insta::assert_snapshot!(found("[hours.a]\nopen = \"Mo-Fr 08:30-17:00\"\noverride = \"nihgt\"\n[vars.night]\ndefault = \"auto\"\n"), @r#"
    unknown-var

      × no var is called `nihgt`
       ╭─[all.toml:3:12]
     3 │ override = "nihgt"
       ·            ───────
       ╰────
      help: did you mean `night`?
    "#);
}

/// A call of Monday 7 December 2026 at that hour in Toronto, while `night` has that value.
fn call(hour: u32, night: Value) -> Event {
    let mut event = ringing();
    event.time = format!("2026-12-07T{hour:02}:00:00-05:00").parse().unwrap();
    event.fields["vars"] = json!({ "night": night });
    event
}

#[test]
fn a_var_overrules_the_schedule() {
    let gate = |gate: &str| {
        rules(&format!(
            "{OVERRIDDEN}[[rule]]\nname = \"r\"\non = \"call.ringing\"\n{gate}\ndo = [{{ log = {{ message = \"x\" }} }}]\n"
        ))
    };
    let (open, closed) = (gate("while_open = \"office\""), gate("while_closed = \"office\""));
    let expression = gate("when = \"hours.office.open\"");
    let plain = gate("while_open = \"plain\"");
    let acts = |rules: &RuleSet, event: &Event| !rules.plan(event).runs.is_empty();
    for (hour, night, wanted) in [
        (10, json!("auto"), true),
        (20, json!("auto"), false),
        (10, json!("closed"), false),
        (20, json!("closed"), false),
        (10, json!("open"), true),
        (20, json!("open"), true),
        // Any other value leaves it to the schedule.
        (10, json!(null), true),
        (10, json!("Closed"), true),
        (10, json!(false), true),
        (20, json!(true), false),
        (10, json!(["closed"]), true),
    ] {
        let event = call(hour, night.clone());
        assert_eq!(acts(&open, &event), wanted, "{hour} {night}");
        assert_eq!(acts(&closed, &event), !wanted, "{hour} {night}");
        assert_eq!(acts(&expression, &event), wanted, "{hour} {night}");
        assert_eq!(acts(&plain, &event), hour == 10, "no override");
    }
    assert!(acts(&open, &ringing()), "without any vars it is the schedule");
}

#[test]
fn what_decided_is_told() {
    let told = |gate: &str, event: &Event| {
        let rules = rules(&format!("{OVERRIDDEN}{}", RULE.replace("while_closed = \"office\"", gate)));
        match rules.explain(event).remove(0).finding {
            Finding::Failed(failure) => format!("{}: {} / {}", failure.path, failure.wanted, failure.got),
            other => format!("{other:?}"),
        }
    };
    let by = told("while_open = [\"plain\", \"office\"]", &call(20, json!("closed")));
    assert_eq!(by, "while_open: plain or office open / closed at Mon 2026-12-07 20:00 EST, by vars.night");
    let by = told("while_closed = \"office\"", &call(20, json!("open")));
    assert_eq!(by, "while_closed: office closed / office open at Mon 2026-12-07 20:00 EST, by vars.night");
    let by = told("while_open = \"office\"", &call(20, json!("auto")));
    assert_eq!(by, "while_open: office open / closed at Mon 2026-12-07 20:00 EST");
}

#[test]
fn templates_see_the_override() {
    let text = format!(
        "{OVERRIDDEN}[[rule]]\nname = \"r\"\non = \"call.ringing\"\n[[rule.do]]\nlog = {{ message = \"{{{{ hours.office.open }}}} {{{{ hours.office.next_open | date('%a %H:%M') }}}} {{{{ hours.office.next_change | date('%a %H:%M') }}}}\" }}\n"
    );
    let rules = rules(&text);
    let said = |hour, night: &str| {
        let event = call(hour, json!(night));
        let scope = Scope::new(&rules, &event, &Map::new(), &Map::new(), event.time);
        let Ok(Some(Request::Log { message, .. })) = rules.rules()[0].steps[0].render(&scope) else { panic!() };
        message
    };
    assert_eq!(said(10, "auto"), "true Tue 08:30 Mon 17:00");
    assert_eq!(said(10, "closed"), "false Tue 08:30 Tue 08:30");
    assert_eq!(said(20, "closed"), "false Tue 08:30 Tue 08:30");
    assert_eq!(said(10, "open"), "true Tue 08:30 Mon 17:00");
    assert_eq!(said(20, "open"), "true Tue 08:30 Tue 17:00");
}

#[test]
fn replies_speak_their_language() {
    let text = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00; PH off\"\n[[rule]]\nname = \"r\"\non = \"chat.message\"\n\
        do = [{ reply = { text = { fr = \"Nous ouvrons {{ hours.office.next_open | date('%A %H:%M') }}.\", en = \"x\" } } }]\n";
    let rules = rules(text);
    let event = Event { time: "2026-12-08T20:00:00-05:00".parse().unwrap(), ..message() };
    let scope = Scope::new(&rules, &event, &Map::new(), &Map::new(), event.time);
    let asked = rules.rules()[0].steps[0].render(&scope).unwrap();
    let said = serde_json::to_value(asked).unwrap().to_string();
    assert!(said.contains("Nous ouvrons mercredi 08:30."), "{said}");
}
