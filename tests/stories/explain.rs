//! `switchhook explain`: what the rules make of an event, through the front door, without acting.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PROGRAM, command};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with settings, rules, and the events of a story.
struct Folder(TempDir);

impl Folder {
    /// One of the fourteen jobs, with its tables.
    fn job(name: &str) -> Self {
        let jobs = root().join("tests/fixtures/jobs");
        let folder = Self::new(&std::fs::read_to_string(jobs.join(name)).unwrap());
        for file in std::fs::read_dir(jobs).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "csv") {
                std::fs::copy(&file, folder.0.path().join(file.file_name().unwrap())).unwrap();
            }
        }
        folder
    }

    fn new(rules: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = std::fs::read_to_string(root().join("tests/fixtures/jobs/settings.toml")).unwrap();
        let settings = settings.replace("path = \"01-after-hours.toml\"", "path = \"rules.toml\"");
        std::fs::write(folder.path().join("switchhook.toml"), settings).unwrap();
        std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn says(&self, arguments: &[&str]) -> command::Said {
        let path = self.0.path().to_str().unwrap();
        command::run(PROGRAM, &[&["explain"], arguments, &["--config", path]].concat()).unwrap()
    }

    fn shows(&self, arguments: &[&str]) -> String {
        let said = self.says(arguments);
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
        said.out
    }

    /// The same from `from` on: the views are the same in all stories.
    fn shows_from(&self, from: &str, arguments: &[&str]) -> String {
        let text = self.shows(arguments);
        text[text.find(from).unwrap_or_else(|| panic!("no {from} in {text}"))..].to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.shows(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn refuses(&self, arguments: &[&str]) -> String {
        let said = self.says(arguments);
        assert_eq!((said.code, &*said.out), (Some(2), ""), "{said:?}");
        said.err.trim_end().to_owned()
    }
}

const NOON: [&str; 2] = ["--at", "2026-12-07 10:00"];

fn call<'a>(extension: &'a str, from: &'a str, at: &'a str) -> [&'a str; 6] {
    ["--call", extension, "--from", from, "--at", at]
}

fn publication(id: &str, endpoint: &str, state: &str, at: &str) -> Value {
    let time = chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp_millis();
    let path = format!("/2017-09-01/endpoints/{endpoint}/calls/77");
    json!({
        "publicationId": id, "topic": "platform-api-media", "method": "PUT", "subject": path,
        "content": { "endpointId": endpoint, "state": state, "direction": "inbound", "from": "+16135550142",
                     "to": endpoint, "timestamp": time, "_links": { "self": path } },
    })
}

#[test]
fn a_card_and_what_the_crm_returns() {
    let folder = Folder::job("07-screen-pop.toml");
    insta::assert_snapshot!(folder.shows(&call("3001", "(613) 555-0142", "2026-12-07 10:00")), @r#"
    call.ringing at Mon 2026-12-07 10:00:00 EST
      call.id = call-1
      call.endpoint = 3001
      call.user = u-1
      call.from = +16135550142
      call.from_raw = (613) 555-0142
      call.to = 3001
      call.to_raw = 3001
      call.state = ringing
      call.cause = newCall
      call.direction = inbound
      call.link = /2017-09-01/endpoints/3001/calls/call-1
      call.outside = true

    rules:
    + caller card: matches

    would be done:
      caller card
        1  { http = { get = "/contacts?phone=%2B16135550142", credential = "crm" } } as contact
        2  { pop = { to = ["anna", "bob"], title = "+16135550142" } }
    later steps are shown as if contact had returned nothing (--given contact=JSON)
    "#);
    let given =
        ["--given", r#"contact={"body":{"name":"Ada","company":"Example Ltd","url":"https://crm.example.com/7"}}"#];
    insta::assert_snapshot!(folder.shows_from("would be", &[&call("3001", "+16135550142", "2026-12-07 10:00")[..], &given].concat()), @r#"
    would be done:
      caller card
        1  { http = { get = "/contacts?phone=%2B16135550142", credential = "crm" } } as contact
        2  { pop = { to = ["anna", "bob"], title = "Ada", text = "Example Ltd", url = "https://crm.example.com/7" } }
    "#);
    let down = ["--given", r#"contact={"error":"timeout"}"#];
    insta::assert_snapshot!(folder.shows_from("would be", &[&call("3001", "+16135550142", "2026-12-07 10:00")[..], &down].concat()), @r#"
    would be done:
      caller card
        1  { http = { get = "/contacts?phone=%2B16135550142", credential = "crm" } } as contact: fails, it is given so; the next step comes all the same
        2  { pop = { to = ["anna", "bob"], title = "+16135550142" } }
    "#);
    let inside = folder.shows_from("rules:", &call("3001", "2002", "2026-12-07 10:00"));
    insta::assert_snapshot!(inside, @r#"
    rules:
    - caller card: call.outside wants true, has false

    nothing would be done: the one rule for call.ringing, "caller card", does not match: call.outside wants true, has false
    "#);
}

#[test]
fn a_withheld_caller_is_outside() {
    let told = Folder::job("07-screen-pop.toml").json(&["--call", "3001", "--at", "2026-12-07 10:00"]);
    assert_eq!((&told["views"]["call"]["from"], &told["views"]["call"]["outside"]), (&Value::Null, &json!(true)));
    assert_eq!(told["rules"][0]["verdict"], "matched");
    // A card without a caller has no title, and is shown all the same.
    assert_eq!(told["acts"][1]["asks"]["pop"]["to"], json!(["anna", "bob"]));
}

#[test]
fn at_christmas_and_in_the_hour_that_comes_twice() {
    let folder = Folder::job("01-after-hours.toml");
    let christmas = folder.shows_from("hours:", &call("2001", "+16135550142", "2026-12-25 10:00"));
    insta::assert_snapshot!(christmas, @r#"
    hours:
      holiday: open, a holiday (public holiday of CA), until Sat 2026-12-26 00:00 EST
      lunch: closed, a holiday (public holiday of CA), until Mon 2026-12-28 12:00 EST
      office: closed, a holiday (public holiday of CA), until Mon 2026-12-28 08:30 EST

    rules:
    + holiday: matches, with ext = {"extension":"2001","night":"4001","lunch":"4011","holiday":"4021"}
    - lunch: while_open wants lunch open, has closed at Fri 2026-12-25 10:00 EST
    - after hours: matches, but holiday acts in its place

    would be done:
      holiday
        1  { redirect = { to = "4021" } }
    "#);
    // Clocks go back at 02:00: 01:30 is there twice, and in spring 02:30 is not there at all.
    let night = folder.shows_from("hours:", &call("2001", "+16135550142", "2026-11-01T01:30:00-05:00"));
    insta::assert_snapshot!(night, @r#"
    hours:
      holiday: closed, until Thu 2026-12-24 12:00 EST
      lunch: closed, until Mon 2026-11-02 12:00 EST
      office: closed, until Mon 2026-11-02 08:30 EST

    rules:
    - holiday: while_open wants holiday open, has closed at Sun 2026-11-01 01:30 EST
    - lunch: while_open wants lunch open, has closed at Sun 2026-11-01 01:30 EST
    + after hours: matches, with ext = {"extension":"2001","night":"4001","lunch":"4011","holiday":"4021"}

    would be done:
      after hours
        1  { redirect = { to = "4001" } }
    "#);
    let spring = folder.says(&call("2001", "+16135550142", "2026-03-08 02:30"));
    assert_eq!((spring.code, &*spring.err), (Some(0), ""), "{spring:?}");
    assert!(spring.out.starts_with("call.ringing at Sun 2026-03-08 03:00:00 EDT\n"), "{spring:?}");
}

#[test]
fn a_var_decides() {
    let folder = Folder::job("05-night-bell.toml");
    let of = |vars: &[&str]| folder.shows_from("  vars.", &[&["--call", "2001"], &NOON[..], vars].concat());
    insta::assert_snapshot!(of(&["--var", "night=closed"]), @r#"
      vars.night = closed

    hours:
      office: closed by vars.night = closed, until that is changed; the schedule says open

    rules:
    + closed: matches
      2 rules are for other events (--all lists them)

    would be done:
      closed
        1  { redirect = { to = "4001" } }
    "#);
    insta::assert_snapshot!(of(&[]), @r#"
      vars.night = auto

    hours:
      office: open by `Mo-Fr 08:30-17:00`, until Mon 2026-12-07 17:00 EST

    rules:
    - closed: while_closed wants office closed, has office open at Mon 2026-12-07 10:00 EST
      2 rules are for other events (--all lists them)

    nothing would be done: the one rule for call.ringing, "closed", does not match: while_closed wants office closed, has office open at Mon 2026-12-07 10:00 EST
    "#);
    assert_eq!(
        folder.refuses(&["--call", "2001", "--var", "nihgt=closed"]),
        "no var is called `nihgt`; did you mean `night`?"
    );
    assert_eq!(
        folder.refuses(&["--call", "2001", "--var", "night=clsed"]),
        "`night` is never `clsed`; did you mean `closed`?"
    );
    assert_eq!(folder.refuses(&["--call", "2001", "--var", "night"]), "`night`: write it as night=closed");
    let button = ["--hook", "night", "--body", r#"{"mode":"closed"}"#];
    insta::assert_snapshot!(folder.shows(&[&button[..], &NOON].concat()), @r#"
    hook at Mon 2026-12-07 10:00:00 EST
      hook.name = night
      hook.body = {"mode":"closed"}
      vars.night = auto

    rules:
    + night bell by button: matches
      2 rules are for other events (--all lists them)

    would be done:
      night bell by button
        1  { set = { night = "closed", until = "2026-12-08T13:00:00+00:00" } }
    "#);
    assert_eq!(folder.refuses(&["--hook", "nihgt"]), "no rule is for a hook `nihgt`; did you mean `night`?");
    assert!(folder.refuses(&["--hook", "night", "--body", "{"]).starts_with("--body is no JSON"));
}

#[test]
fn a_rule_that_waits_is_shown_as_if_it_lasted() {
    let folder = Folder::job("03-overflow.toml");
    insta::assert_snapshot!(folder.shows_from("rules:", &call("2001", "+16135550142", "2026-12-07 10:00")), @r#"
    rules:
    - no answer: voicemail: call.hops wants >= 1, has 0
    + no answer: next: begins to wait, acts when its `for` is over at 10:00:12

    nothing would be done at once: "no answer: next" waits until its `for` is over

    at Mon 2026-12-07 10:00:12 EST, if it lasts:
      no answer: next
        1  { redirect = { to = "2002" } }
    "#);
    // What was answered meanwhile is not waited for any more; each event is told in the light of those before.
    let events = json!([
        publication("a", "2001", "ringing", "2026-12-07T15:00:00Z"),
        publication("b", "2001", "connected", "2026-12-07T15:00:05Z"),
        publication("a", "2001", "ringing", "2026-12-07T15:00:00Z"),
    ]);
    let told = folder.json(&[&folder.write("three.json", &events.to_string())]);
    let kinds: Vec<&Value> = told.as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["call.ringing", "call.connected", "call.ringing"]);
    assert_eq!(told[0]["later"][0]["acts"][0]["asks"]["redirect"]["to"], "2002");
    assert_eq!(told[0]["later"][0]["time"], "2026-12-07T15:00:12+00:00");
    assert_eq!((&told[1]["later"], &told[1]["acts"]), (&json!([]), &json!([])));
    assert_eq!(
        told[2]["nothing"],
        "nothing would be done: its publicationId was seen before: it is not acted on again"
    );
}

const STEPS: &str = r#"
[[rule]]
name = "all"
on = "call.ringing"
limit = { per = "call.from", max = 3, within = "10m" }
[[rule.do]]
http = { get = "/list", credential = "crm" }
as = "found"
[[rule.do]]
each = "found.body"
http = { put = "/notes/{{ item }}", credential = "crm" }
[[rule.do]]
if = "call.from == '+1'"
log = { message = "one" }
[[rule.do]]
redirect = { to = "+16135550199" }
[[rule]]
name = "other"
on = "call.ringing"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "shown only"
on = "call.ringing"
dry_run = true
do = [{ log = { message = "{{ call.from }}" } }]
[[rule]]
name = "hourly"
on = { every = "1h" }
do = [{ log = { message = "tick" } }]
[[rule]]
name = "message"
on = "chat.message"
do = [{ reply = { text = "no" } }]
"#;

#[test]
fn steps_are_shown_one_by_one() {
    let folder = Folder::new(STEPS);
    let at = call("2001", "+16135550142", "2026-12-07 10:00");
    insta::assert_snapshot!(folder.shows_from("rules:", &at), @r#"
    rules:
    + all: matches; its limit, at most 3 within 10m for each call.from, is taken to be unused
    - other: matches, but all acts in its place
    + shown only: matches; it is a dry run
      2 rules are for other events (--all lists them)

    would be done:
      all
        1  { http = { get = "/list", credential = "crm" } } as found
        2  http: not done, there is no item to do it for
        3  log: not done, its condition does not hold
        4  { redirect = { to = "+16135550199" } }, dials 916135550199
      shown only
        1  { log = { message = "+16135550142", level = "info" } }: not done, dry run
    later steps are shown as if found had returned nothing (--given found=JSON)
    "#);
    let list = ["--given", r#"found={"body":["a","b"]}"#, "--all"];
    insta::assert_snapshot!(folder.shows_from("rules:", &[&at[..], &list].concat()), @r#"
    rules:
    + all: matches; its limit, at most 3 within 10m for each call.from, is taken to be unused
    - other: matches, but all acts in its place
    + shown only: matches; it is a dry run
    - hourly: on wants every = "1h", has call.ringing
    - message: on wants chat.message, has call.ringing

    would be done:
      all
        1  { http = { get = "/list", credential = "crm" } } as found
        2  { http = { put = "/notes/a", credential = "crm" } }
        2  { http = { put = "/notes/b", credential = "crm" } }
        3  log: not done, its condition does not hold
        4  { redirect = { to = "+16135550199" } }, dials 916135550199
      shown only
        1  { log = { message = "+16135550142", level = "info" } }: not done, dry run
    "#);
    let told = folder.json(&[&at[..], &list].concat());
    assert_eq!(told["acts"][1]["item"], 1);
    assert_eq!(told["acts"][4]["dials"], "916135550199");
    assert_eq!(told["acts"][4]["asks"]["redirect"]["to"], "+16135550199");
    insta::assert_snapshot!(folder.shows_from("rules:", &[&["--timer", "hourly"], &NOON[..]].concat()), @r#"
    rules:
    + hourly: matches
      4 rules are for other events (--all lists them)

    would be done:
      hourly
        1  { log = { message = "tick", level = "info" } }
    "#);
    assert_eq!(
        folder.refuses(&["--timer", "hourli"]),
        "no rule with `every` or `cron` is called `hourli`; did you mean `hourly`?"
    );
    assert_eq!(
        folder.refuses(&["--call", "2001", "--given", "fund={}"]),
        "no step of a rule is named `fund`; did you mean `found`?"
    );
    assert!(folder.refuses(&["--call", "2001", "--given", "found=7"]).contains("is an object"));
}

#[test]
fn events_of_every_shape() {
    let folder = Folder::new(STEPS);
    let unknown = json!({ "publicationId": "u", "topic": "platform-api-new", "method": "PUT", "subject": "/novelties/1", "content": { "a": 1 } });
    let unknown = folder.shows(&[&[&*folder.write("unknown.json", &unknown.to_string())], &NOON[..]].concat());
    insta::assert_snapshot!(unknown, @r#"
    publication at Mon 2026-12-07 10:00:00 EST
      event.topic = platform-api-new
      event.method = PUT
      event.subject = /novelties/1

    rules:
      5 rules are for other events (--all lists them)

    nothing would be done: no rule is for publication
    "#);
    let inner = publication("x", "2001", "held", "2026-12-07T15:00:00Z");
    for envelope in [json!({ "publication": inner }), json!({ "publications": [inner] }), json!([inner])] {
        let told = folder.json(&[&folder.write("envelope.json", &envelope.to_string())]);
        assert_eq!(
            (&told["kind"], &told["time"]),
            (&json!("call.held"), &json!("2026-12-07T15:00:00+00:00")),
            "{envelope}"
        );
        assert_eq!(told["nothing"], "nothing would be done: no rule is for call.held");
    }
    for (text, why) in
        [("{\"topic\": ", "the body is no JSON"), ("7", "no JSON"), ("[7]", "the body is no publication")]
    {
        let refused = folder.refuses(&[&folder.write("broken.json", text)]);
        assert!(refused.starts_with("can't use the event: ") && refused.contains(why), "{refused}");
    }
    assert!(folder.refuses(&["nowhere.json"]).starts_with("can't read nowhere.json: "));
    assert!(folder.refuses(&[]).contains("required"));
    assert!(folder.refuses(&["a.json", "--call", "2001"]).contains("cannot be used with"));
    assert!(folder.refuses(&["--call", "2001", "--at", "noon"]).contains("noon"));
}

#[test]
fn an_event_comes_by_stdin() {
    let folder = Folder::new(STEPS);
    let path = folder.0.path().to_str().unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["explain", "-", "--json", "--config", path])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let event = publication("x", "2001", "ringing", "2026-12-07T15:00:00Z");
    child.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &told["kind"]), (Some(0), &json!("call.ringing")));
}

#[test]
fn what_follows_from_an_event_is_told_with_it() {
    let folder = Folder::job("09-missed-call.toml");
    let events = json!([
        publication("a", "2001", "ringing", "2026-12-07T15:00:00Z"),
        publication("b", "2001", "ended", "2026-12-07T15:00:30Z"),
    ]);
    let told = folder.json(&[&folder.write("missed.json", &events.to_string())]);
    let finished = &told[1]["follows"][0];
    assert_eq!((&finished["kind"], &finished["views"]["call"]["ring_seconds"]), (&json!("call.finished"), &json!(30)));
    assert_eq!(finished["rules"][0]["verdict"], "matched");
    assert_eq!(
        (&told[0]["follows"], &told[1]["nothing"]),
        (&json!([]), &json!("nothing would be done: no rule is for call.ended"))
    );
    // Nobody knows whose phone it is, so there is nobody to tell.
    assert_eq!(finished["nothing"], "nothing would be done: send of \"missed call\" fails, since to is missing");
}

const GREETING: &str = r#"
[vars.greeted]
per    = "message.conversation"
values = ["no", "yes"]
default = "no"
[[rule]]
name  = "greet"
on    = "chat.message"
where = { vars.greeted = "no" }
do    = [{ reply = { text = "hello" } }, { set = { greeted = "yes", for = "24h" } }]
"#;

#[test]
fn a_var_of_each_conversation_holds_for_the_one_at_hand() {
    let folder = Folder::new(GREETING);
    let message = json!({
        "publicationId": "m", "topic": "platform-api-conversations", "method": "POST",
        "subject": "/conversations/c-1/messages/m-1",
        "content": { "conversationId": "c-1", "createdBy": "u-9", "messageId": "m-1", "body": "hi", "contentType": "text/plain" },
    });
    let file = folder.write("message.json", &message.to_string());
    let greets = folder.shows_from("rules:", &[&[&*file], &NOON[..]].concat());
    insta::assert_snapshot!(greets, @r#"
    rules:
    + greet: matches

    would be done:
      greet
        1  { reply = { text = "hello" } }
        2  { set = { greeted = "yes", for = "86400000ms" } }
    "#);
    let knows = folder.shows_from("rules:", &[&[&*file, "--var", "greeted=yes"], &NOON[..]].concat());
    insta::assert_snapshot!(knows, @r#"
    rules:
    - greet: vars.greeted wants "no", has "yes"

    nothing would be done: the one rule for chat.message, "greet", does not match: vars.greeted wants "no", has "yes"
    "#);
    // What the first message set holds for the second one.
    let mut second = message.clone();
    second["publicationId"] = json!("n");
    let both = folder.write("both.json", &json!([message, second]).to_string());
    let told = folder.json(&[&[&*both], &NOON[..]].concat());
    assert_eq!((&told[0]["rules"][0]["verdict"], &told[1]["rules"][0]["got"]), (&json!("matched"), &json!("\"yes\"")));
}

#[test]
fn a_daemon_that_only_records_is_told_of() {
    let folder = Folder::new(STEPS);
    let settings = folder.0.path().join("switchhook.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(settings, text.replace("path = \"rules.toml\"", "dry_run = true\npath = \"rules.toml\"")).unwrap();
    let shown = folder.shows_from("would", &call("2001", "+16135550142", "2026-12-07 10:00"));
    assert!(shown.starts_with("would be done, were `[rules] dry_run` not on:\n"), "{shown}");
}
