//! `switchhook test`: the tests beside the rules, through the front door.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PROGRAM, command};

const SETTINGS: &str = "tests/fixtures/jobs/settings.toml";

/// Jobs of the language that can't be played yet, and what they wait for.
const WAITING: &[(&str, &str)] = &[("10-front-desk.toml", "dialogs")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with settings and one file of rules.
struct Folder(TempDir);

impl Folder {
    fn new(rules: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = std::fs::read_to_string(root().join(SETTINGS)).unwrap();
        let settings: String =
            settings.lines().filter(|line| !line.starts_with("dial")).flat_map(|line| [line, "\n"]).collect();
        let settings = settings.replace("path = \"01-after-hours.toml\"", "path = \"rules.toml\"");
        std::fs::write(folder.path().join("switchhook.toml"), settings).unwrap();
        std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn says(&self, arguments: &[&str]) -> command::Said {
        let path = self.path();
        let mut said = command::run(PROGRAM, &[arguments, &["--config", path.to_str().unwrap()]].concat()).unwrap();
        for text in [&mut said.out, &mut said.err] {
            *text = text.replace(&format!("{}/", path.display()), "");
        }
        said
    }
}

const RULES: &str = r#"[hours.office]
open = "Mo-Fr 08:30-17:00; PH off"
[[rule]]
name         = "queue closed"
on           = "call.ringing"
where        = { call.endpoint = "3001" }
while_closed = "office"
do           = [{ redirect = { to = "4001" } }]
[[rule]]
name  = "card"
on    = "call.ringing"
where = { call.endpoint = "3001", call.outside = true }
[[rule.do]]
http = { post = "/cards", credential = "crm", json = { from = "{{ call.from }}" } }
[[rule]]
name = "never"
on   = "call.ended"
do   = [{ log = { message = "x" } }]

[[test]]
name   = "at night"
at     = "2026-12-07T22:00"
event  = { kind = "call.ringing", endpoint = "3001", from = "+16135550199" }
expect = [{ redirect = { to = "4001" } }, { http = { json = { from = "+16135550199" } } }]
[[test]]
name = "a colleague, at noon and at night"
[[test.step]]
at     = "2026-12-07T12:00"
event  = { kind = "call.ringing", endpoint = "3001", from = "2002" }
expect = []
[[test.step]]
at     = "2026-12-07T22:00"
event  = { kind = "call.ringing" }
expect = [{ redirect = { to = "4002" } }]
[[test]]
name = "time passes"
[[test.step]]
at    = "2026-12-07T12:00"
event = { kind = "chat.message" }
[[test.step]]
after  = "12s"
expect = [{ redirect = { to = "4002" } }]
[[test]]
name = "answered twice"
[[test.step]]
event = { kind = "call.connected" }
[[test.step]]
event = { kind = "call.connected" }
"#;

/// What was logged in the place of what was expected is shown, though logs are not counted otherwise.
#[test]
fn a_log_that_was_not_expected_so_is_shown() {
    let rules = r#"[[rule]]
name = "told"
on   = "call.ringing"
do   = [{ log = { message = "rings at {{ call.endpoint }}", level = "warn" } }, { redirect = { to = "4001" } }]

[[test]]
name   = "another log"
at     = "2026-12-07T12:00"
event  = { kind = "call.ringing", endpoint = "3001", from = "2002" }
expect = [{ log = { message = "rings at 3002" } }, { redirect = { to = "4001" } }]
"#;
    let said = Folder::new(rules).says(&["test"]);
    assert_eq!((said.code, &*said.err), (Some(1), ""), "{said:?}");
    insta::assert_snapshot!(said.out, @r#"
    FAILED  another log
      rules.toml:7, Mon 2026-12-07 12:00:00 EST
      - expected, + done
        - { log = { message = "rings at 3002" } }
        + { log = { message = "rings at 3001", level = "warn" } }  by told
          { redirect = { to = "4001" } }
      call.ringing:
        told: matches

    1 test(s), 0 passed, 1 failed
    "#);
}

#[test]
fn failures_say_what_was_expected_and_why_each_rule_did_or_did_not_match() {
    let said = Folder::new(RULES).says(&["test", "--coverage"]);
    assert_eq!((said.code, &*said.err), (Some(1), ""), "{said:?}");
    insta::assert_snapshot!(said.out, @r#"
    ok      at night
    FAILED  a colleague, at noon and at night
      rules.toml:26, step 2 at rules.toml:31, Mon 2026-12-07 22:00:00 EST
      - expected, + done
        - { redirect = { to = "4002" } }
        + { redirect = { to = "4001" } }  by queue closed
      call.ringing:
        queue closed: matches
        card: no, call.outside wants true, has false

    FAILED  time passes
      rules.toml:36, step 2 at rules.toml:40, Mon 2026-12-07 12:00:12 EST
      - expected, + done
        - { redirect = { to = "4002" } }
      nothing happened: no timer was due and the step has no event

    FAILED  answered twice
      rules.toml:44, step 2 at rules.toml:47, Mon 2026-01-05 10:00:00 EST
      the event is call.updated here, not call.connected: it was in that state already
      call.updated: no rule is for it

    4 test(s), 1 passed, 3 failed
    2 of 3 rule(s) are fired by a test (66 %)
    never fired:
      rules.toml:16  never
    "#);
}

#[test]
fn tools_are_told_the_same() {
    let folder = Folder::new(RULES);
    let said = folder.says(&["test", "--json", "--coverage"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &told["passed"], &told["failed"]), (Some(1), &json!(1), &json!(3)));
    assert_eq!(told["tests"][0]["ok"], true);
    let failure = &told["tests"][1]["failure"];
    assert_eq!((&failure["step"], &failure["line"]), (&json!(2), &json!(31)));
    let differences = json!([
        { "expected": "{ redirect = { to = \"4002\" } }" },
        { "done": "{ redirect = { to = \"4001\" } }", "rule": "queue closed" },
    ]);
    assert_eq!(failure["differences"], differences);
    let verdict = &failure["events"][0]["verdicts"][1];
    let wanted = json!({ "rule": "card", "finding": { "failed": { "path": "call.outside", "wanted": "true", "got": "false" } } });
    assert_eq!(*verdict, wanted);
    let never: Vec<_> = told["coverage"]["never"].as_array().unwrap().iter().map(|rule| &rule["rule"]).collect();
    assert_eq!((&told["coverage"]["percent"], never), (&json!(66), vec![&json!("never")]));
}

#[test]
fn exit_codes_and_the_filter() {
    let folder = Folder::new(RULES);
    let one = folder.says(&["test", "night"]);
    assert_eq!(one.code, Some(1));
    assert!(one.out.contains("2 test(s), 1 passed, 1 failed"), "{one:?}");
    let passes = folder.says(&["test", "at night"]);
    assert_eq!((passes.code, passes.out.lines().last()), (Some(1), Some("2 test(s), 1 passed, 1 failed")));
    let by_file = folder.says(&["test", "rules.toml"]);
    assert!(by_file.out.contains("4 test(s)"), "{by_file:?}");
    let none = folder.says(&["test", "midnight"]);
    assert_eq!((none.code, &*none.out), (Some(2), ""), "{none:?}");
    let broken = Folder::new("[[test]]\nname = \"t\"\nevnt = {}\n").says(&["test"]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.out.contains("unknown-key"), "{broken:?}");
    let empty = Folder::new("").says(&["test"]);
    assert_eq!((empty.code, &*empty.out), (Some(0), "there are no tests\n"));
    std::fs::write(folder.path().join("switchhook.toml"), "[serve]\n").unwrap();
    assert_eq!(folder.says(&["test"]).code, Some(2));
}

#[test]
fn a_thousand_tests_are_played() {
    let mut rules = RULES.split("[[test]]").next().unwrap().to_owned();
    for number in 0..1000 {
        write!(
            rules,
            "[[test]]\nname = \"{number}\"\nat = \"2026-12-07T22:00\"\nexpect = [{{ redirect = {{ to = \"4001\" }} }}]\n\
             event = {{ kind = \"call.ringing\", endpoint = \"3001\", from = \"{}\" }}\n",
            1000 + number
        )
        .unwrap();
    }
    let said = Folder::new(&rules).says(&["test"]);
    assert_eq!((said.code, said.out.lines().last()), (Some(0), Some("1000 tests, all passed")), "{said:?}");
}

#[test]
fn the_examples_rules_pass_their_tests_and_have_one_each() {
    let config = root().join("config");
    let said = command::run(PROGRAM, &["test", "--coverage", "--config", config.to_str().unwrap()]).unwrap();
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("(100 %)"), "{said:?}");
}

/// The jobs are the measure of the language: as they stand, nothing is found in them and their tests pass.
#[test]
fn jobs_work_as_they_stand() {
    let folder = TempDir::new().unwrap();
    let mut jobs = Vec::new();
    for file in std::fs::read_dir(root().join("tests/fixtures/jobs")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::copy(&file, folder.path().join(&name)).unwrap();
        jobs.extend(Some(name).filter(|name| name.starts_with(|c: char| c.is_ascii_digit())));
    }
    jobs.sort();
    assert_eq!(jobs.len(), 14);
    let settings = std::fs::read_to_string(folder.path().join("settings.toml")).unwrap();
    let mut wrong = Vec::new();
    for job in &jobs {
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, settings.replace("01-after-hours.toml", job)).unwrap();
        let path = path.to_str().unwrap();
        let [check, test] = ["check", "test"].map(|word| command::run(PROGRAM, &[word, "--config", path]).unwrap());
        let works = check.code == Some(0) && test.code == Some(0);
        match WAITING.iter().find(|(name, _)| name == job) {
            None if !works => wrong.push(format!("{job}\n{}\n{}", check.all(), test.all())),
            Some((_, what)) if works => wrong.push(format!("{job} works: it waits no more for {what}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
