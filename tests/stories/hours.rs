//! Hours are looked at before anybody calls.

use crate::harness::World;

const HOURS: &str = r#"
[vars.night]
values = ["auto", "open", "closed"]
[hours.office]
open     = "Mo-Fr 08:30-17:00; PH off"
timezone = "America/Toronto"
holidays = { country = "CA", ics = "move.ics" }
override = "night"
"#;

const MOVE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:We move\r\nDTSTART;VALUE=DATE:20270310\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn hours_are_drawn_without_secrets() {
    let world = World::new(HOURS).await;
    world.write_settings();
    let beside = "rules/move.ics";
    std::fs::write(world.path(beside), MOVE).unwrap();
    let week = world.cli(&["hours", "show", "office", "--at", "2027-03-10T15:00:00Z"]);
    assert_eq!((week.code, &*week.err), (Some(0), ""), "{week:?}");
    assert!(
        week.out.starts_with("office: closed at Wed 2027-03-10 10:00 EST; opens Thu 2027-03-11 08:30 EST\n"),
        "{week:?}"
    );
    let today = week.out.lines().find(|line| line.starts_with('>')).unwrap();
    assert!(today.contains("Wed 2027-03-10") && today.ends_with("closed  holiday: We move"), "{today}");
    assert!(week.out.contains("clocks go forward 60 min"), "{week:?}");
    assert!(!week.out.contains('\u{1b}'), "without colour");
    let held = world.cli(&["hours", "show", "--var", "night=open", "--at", "2027-03-10T15:00:00Z"]);
    assert!(held.out.starts_with("office: open at Wed 2027-03-10 10:00 EST, by vars.night = open;"), "{held:?}");
    let year = world.cli(&["hours", "show", "office", "--year", "2027", "--json"]);
    let year: serde_json::Value = serde_json::from_str(&year.out).unwrap();
    let moved = year["unusual"].as_array().unwrap().iter().find(|one| one["first"] == "2027-03-10").unwrap();
    assert_eq!(moved["why"], serde_json::json!(["We move"]));
    let unknown = world.cli(&["hours", "show", "ofice"]);
    assert_eq!((unknown.code, &*unknown.out), (Some(2), ""), "{unknown:?}");
    assert!(unknown.err.contains("did you mean `office`?"), "{unknown:?}");
    std::fs::write(world.path(beside), "no calendar").unwrap();
    let broken = world.cli(&["hours", "show", "office"]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.err.contains("move.ics") && broken.err.contains("no iCalendar file"), "{broken:?}");
}

#[tokio::test]
async fn a_running_gateway_tells_its_vars() {
    let world = World::start(&HOURS.replace(", ics = \"move.ics\"", "")).await;
    let noon = "2027-03-09T17:00:00Z";
    let set = world.operate("/api/v1/vars/night", serde_json::json!({ "value": "closed" })).await;
    assert_eq!(set.status, 200, "{}", set.json());
    let shown = world.cli(&["hours", "show", "--at", noon]);
    assert_eq!(
        (shown.code, &*shown.err, &*shown.out),
        (
            Some(0),
            "",
            "office: closed at Tue 2027-03-09 12:00 EST, by vars.night = closed in the running gateway; opens Wed 2027-03-10 08:30 EST\n"
        )
    );
    let given = world.cli(&["hours", "show", "--at", noon, "--var", "night=open"]);
    assert!(given.out.starts_with("office: open at Tue 2027-03-09 12:00 EST, by vars.night = open;"), "{given:?}");
    // What it was set to may be over by then.
    let set = world.operate("/api/v1/vars/night", serde_json::json!({ "value": "closed", "for": "1h" })).await;
    assert_eq!(set.status, 200, "{}", set.json());
    let later = world.cli(&["hours", "show", "--at", "2099-03-10T17:00:00Z"]);
    assert!(later.out.starts_with("office: open at Tue 2099-03-10 13:00 EDT; closes"), "{later:?}");
}
