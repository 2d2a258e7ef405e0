//! Every action: what it asks for, what it may be given, what it returns.

use serde_json::Map;

use super::*;
use crate::rules::catalogue::{ACTIONS, Needs, Spec};
use crate::rules::request::{Lasts, Request};

fn message_in(language: &str) -> Event {
    let mut event = message();
    event.fields["message"]["language"] = json!(language);
    event
}

fn user() -> Event {
    event(Kind::UserCreated, json!({ "user": { "id": "u-9", "name": "Ada", "extension": "2009" }, "content": {} }))
}

fn presence() -> Event {
    event(Kind::PresenceChanged, json!({ "presence": { "principal": "u-3", "status": "Busy" }, "content": {} }))
}

fn render_all(event: &Event, steps: &str) -> Vec<Result<Option<Request>, RenderError>> {
    let rules =
        rules(&format!("[vars.night]\n[vars.b]\n[[rule]]\nname = \"r\"\non = \"{}\"\ndo = [{steps}]\n", event.kind));
    let scope = Scope::new(&rules, event, &Map::new(), &Map::new(), event.time);
    rules.rules()[0].steps.iter().map(|step| step.render(&scope)).collect()
}

fn render(event: &Event, step: &str) -> Result<Request, RenderError> {
    render_all(event, &format!("{{ {step} }}")).remove(0).map(Option::unwrap)
}

#[test]
fn every_action_is_rendered() {
    let (call, chat, user, presence) = (ringing(), message(), user(), presence());
    let link = "/2017-09-01/calls/7";
    let table: &[(&Event, &str, Value)] = &[
        (&call, r#"redirect = { to = "4001" }"#, json!({ "to": "4001", "call": link })),
        (&call, r#"blind_transfer = { to = " {{ call.from }}" }"#, json!({ "to": "+16135550142", "call": link })),
        (&call, r#"consult = { to = "4001", call = "/calls/8" }"#, json!({ "to": "4001", "call": "/calls/8" })),
        (&call, r#"supervised_transfer = { other = "9" }"#, json!({ "other": "9", "call": link })),
        (&call, r"join = {}", json!({ "call": link })),
        (&call, r"answer = true", json!({ "call": link })),
        (&call, r"end = {}", json!({ "call": link })),
        (&call, r"hold = {}", json!({ "call": link })),
        (&call, r"retrieve = {}", json!({ "call": link })),
        (&call, r"pause_recording = {}", json!({ "call": link })),
        (&call, r"resume_recording = {}", json!({ "call": link })),
        (&call, r#"dtmf = { digits = "1,2#" }"#, json!({ "digits": "1,2#", "call": link })),
        (
            &call,
            r#"tag_recording = { tag = { of = "{{ call.from }}" } }"#,
            json!({ "tag": { "of": "+16135550142" }, "call": link }),
        ),
        (
            &call,
            r#"make = { to = "{{ call.from }}", timeout = "30s" }"#,
            json!({ "from": "3001", "to": "+16135550142", "timeout": 30_000 }),
        ),
        (&call, r"do_not_disturb = { on = true }", json!({ "endpoint": "3001", "on": true })),
        (&user, r#"message_waiting = { on = "{{ user.name == 'Ada' }}" }"#, json!({ "endpoint": "2009", "on": true })),
        (
            &call,
            r#"availability = { endpoint = "2002", status = "away" }"#,
            json!({ "endpoint": "2002", "status": "away" }),
        ),
        (&chat, r#"reply = { text = "{{ message.body }}!" }"#, json!({ "text": "hello!", "conversation": "c-1" })),
        (
            &chat,
            r#"reply = { html = "<b>{{ '<i>' }}</b>", conversation = "c-2" }"#,
            json!({ "html": "<b>&lt;i&gt;</b>", "conversation": "c-2" }),
        ),
        (
            &chat,
            r#"reply = { card = { title = "{{ message.body }}" } }"#,
            json!({ "card": { "title": "hello" }, "conversation": "c-1" }),
        ),
        (&call, r#"send = { to = "u-1", text = "x" }"#, json!({ "to": "u-1", "text": "x" })),
        (
            &call,
            r#"send = { to = "ada@example.com", text = "x" }"#,
            json!({ "to": "ada@example.com", "to_is": "user", "text": "x" }),
        ),
        (
            &chat,
            r#"send = { to = "{{ message.conversation }}", text = "x" }"#,
            json!({ "to": "c-1", "to_is": "conversation", "text": "x" }),
        ),
        (
            &chat,
            r#"send = { to = "{{ message.sender }}", html = "x" }"#,
            json!({ "to": "u-1", "to_is": "user", "html": "x" }),
        ),
        (
            &chat,
            r#"send = { to = { conversation = "c-7" }, text = "x" }"#,
            json!({ "to": "c-7", "to_is": "conversation", "text": "x" }),
        ),
        (&chat, r#"react = { emoji = "👍" }"#, json!({ "emoji": "👍", "message": "m-1", "conversation": "c-1" })),
        (&chat, r"typing = { on = false }", json!({ "on": false, "conversation": "c-1" })),
        (
            &chat,
            r#"mark_read = { until = "2026-12-07T10:00:00-05:00" }"#,
            json!({ "conversation": "c-1", "until": "2026-12-07T15:00:00+00:00" }),
        ),
        (
            &chat,
            r#"edit_message = { text = "x", message = "m-2" }"#,
            json!({ "text": "x", "message": "m-2", "conversation": "c-1" }),
        ),
        (&chat, r"delete_message = {}", json!({ "message": "m-1", "conversation": "c-1" })),
        (
            &chat,
            r#"attach = { url = "https://x/{{ message.body }}?a=b", name = "a.pdf" }"#,
            json!({ "url": "https://x/hello?a=b", "name": "a.pdf", "conversation": "c-1" }),
        ),
        (&chat, r#"attach = { file = "a.pdf" }"#, json!({ "file": "a.pdf", "conversation": "c-1" })),
        (
            &call,
            r#"create_conversation = { participants = ["u-1", "{{ call.user }}", "u-2"], stream = true }"#,
            json!({ "participants": ["u-1", "u-2"], "stream": true }),
        ),
        (&chat, r#"add_participant = { user = "u-1" }"#, json!({ "user": "u-1", "conversation": "c-1" })),
        (&chat, r#"remove_participant = { user = "u-1" }"#, json!({ "user": "u-1", "conversation": "c-1" })),
        (&presence, r#"set_presence = { status = "Available" }"#, json!({ "of": "u-3", "status": "Available" })),
        (
            &call,
            r#"publish = { topic = "App-Cards", subject = "/cards/{{ call.endpoint }}", content = { a = "{{ call.user }}" } }"#,
            json!({ "topic": "App-Cards", "subject": "/cards/3001", "content": { "a": null } }),
        ),
        (&user, r"welcome = {}", json!({ "user": "u-9" })),
        (&user, r#"add_to_group = { group = "All staff" }"#, json!({ "user": "u-9", "group": "All staff" })),
        (
            &user,
            r#"remove_from_group = { user = "u-1", group = "All staff" }"#,
            json!({ "user": "u-1", "group": "All staff" }),
        ),
        (
            &call,
            r#"create_conference = { name = "Weekly", access_code_length = 6, expires = "18:00" }"#,
            json!({ "name": "Weekly", "access_code_length": 6, "expires": "2026-12-07T23:00:00+00:00" }),
        ),
        (
            &call,
            r#"invite = { conference = "7", users = "{{ ['a', 'b'] }}" }"#,
            json!({ "conference": "7", "users": ["a", "b"] }),
        ),
        (&call, r#"end_conference = { conference = "7" }"#, json!({ "conference": "7" })),
        (
            &call,
            r#"record_conference = { conference = "7", action = "pause" }"#,
            json!({ "conference": "7", "action": "pause" }),
        ),
        (&call, r#"lookup = { group = "Sales" }"#, json!({ "group": "Sales" })),
        (
            &call,
            r#"http = { put = "https://x/", body = "{{ call.id }}", headers = { X-A = "b" } }"#,
            json!({ "put": "https://x/", "body": "7", "headers": { "X-A": "b" } }),
        ),
        (
            &call,
            r#"pop = { title = "{{ call.from_name or call.from }}", url = "{{ call.user }}" }"#,
            json!({ "to": "3001", "title": "+16135550142", "call": link }),
        ),
        (
            &call,
            r#"pop = { to = ["anna", "bob"], title = "{{ call.user }}", once = true, url = "https://x/{{ 'a b' }}" }"#,
            json!({ "to": ["anna", "bob"], "once": true, "url": "https://x/a%20b", "call": link }),
        ),
        (&call, r#"log_call = { credential = "crm" }"#, json!({ "credential": "crm", "call": call.fields["call"] })),
        (
            &call,
            r#"set = { night = "closed", b = "{{ call.user }}", until = "08:00" }"#,
            json!({ "night": "closed", "b": "", "until": "2026-12-08T13:00:00+00:00" }),
        ),
        (
            &call,
            r#"cloudlink = { get = "/users/{{ 'a/b' }}/x", api = "media", paginate = true }"#,
            json!({ "get": "/users/a%2Fb/x", "api": "media", "paginate": true }),
        ),
        (
            &call,
            r#"cloudlink = { post = "{{ call.link }}", api = "media", json = { action = "end" } }"#,
            json!({ "post": link, "api": "media", "json": { "action": "end" }, "paginate": false }),
        ),
        (&call, r#"log = { message = "{{ call.user }}", level = "warn" }"#, json!({ "message": "", "level": "warn" })),
    ];
    for (event, step, wanted) in table {
        let request = render(event, step).unwrap_or_else(|error| panic!("{step}: {error}"));
        assert_eq!(request.action(), step.split(' ').next().unwrap(), "{step}");
        assert_eq!(&Value::Object(request.arguments()), wanted, "{step}");
        let written = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&written).unwrap(), request, "{written}");
    }
    let covered = |spec: &&Spec| !table.iter().any(|(_, step, _)| step.starts_with(&format!("{} ", spec.name)));
    let left: Vec<&str> = ACTIONS.iter().filter(covered).map(|spec| spec.name).collect();
    assert_eq!(left, ["dialog"], "each action has a line here; a dialog can't be written yet");
}

#[test]
fn what_comes_out_missing_fails_before_anything_is_sent() {
    let (call, chat) = (ringing(), message());
    let nowhere = event(Kind::CallRinging, json!({ "call": {}, "content": {} }));
    let table = [
        (&call, r#"blind_transfer = { to = "{{ call.user }}" }"#, "to"),
        (&nowhere, r"answer = {}", "the call"),
        (&nowhere, r"do_not_disturb = { on = true }", "the endpoint"),
        (&nowhere, r#"pop = { title = "x" }"#, "to"),
        (&nowhere, r#"set_presence = { status = "Busy" }"#, "of"),
        (&call, r#"do_not_disturb = { on = "{{ call.user }}" }"#, "on"),
        (&call, r#"send = { to = "{{ call.user }}", text = "x" }"#, "to"),
        (&chat, r#"reply = { text = "{{ content.x }}" }"#, "text"),
        (&call, r#"lookup = { user = "{{ call.user }}" }"#, "user"),
        (&call, r#"create_conversation = { participants = ["{{ call.user }}"] }"#, "participants"),
        (&call, r#"set = { night = "x", until = "{{ content.x }}" }"#, "until"),
    ];
    for (event, step, what) in table {
        assert_eq!(render(event, step), Err(RenderError::Missing { what }), "{step}");
    }
}

#[test]
fn what_can_not_be_used_fails_before_anything_is_sent() {
    let mut call = ringing();
    call.fields["content"] = json!({
        "lines": "a\nb", "long": "x".repeat(2000), "text": "true", "word": "asleep", "number": 200, "path": "users",
        "dots": "..", "secret": "file:///etc/passwd",
    });
    for step in [
        r#"blind_transfer = { to = "{{ content.lines }}" }"#,
        r#"blind_transfer = { to = "{{ content.long }}" }"#,
        r#"do_not_disturb = { on = "{{ content.text }}" }"#,
        r#"availability = { status = "{{ content.word }}" }"#,
        r#"create_conference = { name = "x", access_code_length = "{{ content.number }}" }"#,
        r#"dtmf = { digits = "{{ content.word }}" }"#,
        r#"cloudlink = { get = "{{ content.path }}", api = "admin" }"#,
        r#"cloudlink = { get = "/users/{{ content.dots }}/x", api = "admin" }"#,
        r#"pop = { title = "x", url = "{{ content.secret }}" }"#,
        r#"set = { night = "x", until = "{{ content.word }}" }"#,
    ] {
        let error = render(&call, step).unwrap_err();
        assert!(matches!(error, RenderError::Bad { .. }), "{step}: {error:?}");
        assert_eq!(error.word(), "refused");
    }
}

#[test]
fn a_text_is_that_of_the_language() {
    let step = r#"reply = { text = { en = "Hello", fr = "Bonjour", fr-CA = "Allô", pt = "{{ message.body }}" } }"#;
    let table = [
        ("fr", "Bonjour"),
        ("fr-CA", "Allô"),
        ("fr_ca", "Allô"),
        ("fr-BE", "Bonjour"),
        ("EN-us", "Hello"),
        ("pt-BR", "hello"),
        ("de", "Hello"),
        ("", "Hello"),
        ("-", "Hello"),
    ];
    for (language, wanted) in table {
        let request = render(&message_in(language), step).unwrap();
        assert_eq!(request.arguments()["text"], *wanted, "{language}");
    }
    assert_eq!(render(&message(), step).unwrap().arguments()["text"], "Hello");
    let regional = r#"reply = { text = { en-GB = "Hullo", en = "Hello" } }"#;
    assert_eq!(render(&message_in("en-AU"), regional).unwrap().arguments()["text"], "Hullo");
}

#[test]
fn a_var_is_set_until_the_next_time_that_comes() {
    let lasts = |more: &str| match render(&ringing(), &format!("set = {{ night = \"closed\"{more} }}")) {
        Ok(Request::Set(setting)) => setting.lasts,
        other => panic!("{other:?}"),
    };
    let at = |text: &str| Lasts::Until(text.parse::<DateTime<Utc>>().unwrap().timestamp_millis());
    assert_eq!(lasts(""), Lasts::Declared);
    assert_eq!(lasts(", for = \"2h\""), Lasts::For(7_200_000));
    assert_eq!(lasts(", until = \"10:01\""), at("2026-12-07T15:01:00Z"));
    assert_eq!(lasts(", until = \"{{ '9:00' }}\""), at("2026-12-08T14:00:00Z"));
    assert_eq!(lasts(", until = \"2027-01-01T00:00:00Z\""), at("2027-01-01T00:00:00Z"));
}

#[test]
fn items_are_those_of_the_list() {
    let items = |each: &str, results: Value| {
        let text = format!(
            "[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{{ lookup = {{ users = \"all\" }}, as = \"people\" }}, {{ each = \"{each}\", log = {{ message = \"{{{{ item.id }}}}\" }} }}]\n"
        );
        let rules = rules(&text);
        let scope = Scope::new(&rules, &ringing(), &Map::new(), results.as_object().unwrap(), ringing().time);
        let step = rules.rules()[0].steps[1].clone();
        let items = step.items(&scope)?.unwrap();
        items
            .iter()
            .map(|item| step.render(&scope.of_item(item)).map(|request| request.unwrap()))
            .collect::<Result<Vec<_>, _>>()
    };
    let messages = |found: Result<Vec<Request>, RenderError>| -> Vec<Value> {
        found.unwrap().iter().map(|request| request.arguments()["message"].clone()).collect()
    };
    let people = json!({ "people": [{ "id": "a" }, { "id": "b" }, {}] });
    assert_eq!(messages(items("people", people.clone())), ["a", "b", ""]);
    assert_eq!(messages(items("people | selectattr('id') | list", people)), ["a", "b"]);
    assert!(messages(items("people", json!({ "people": { "ok": false, "error": "timeout" } }))).is_empty());
    assert!(messages(items("content.nothing", json!({}))).is_empty());
    assert!(matches!(items("call.from", json!({})), Err(RenderError::Bad { what: "each", .. })));
    let many: Vec<Value> = (0..=MOST_ITEMS).map(Value::from).collect();
    assert!(matches!(items("people", json!({ "people": many })), Err(RenderError::Bad { what: "each", .. })));
}

#[test]
fn what_stands_beside_an_action_is_kept() {
    let text = "[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{ answer = {} }, { http = { get = \"https://x/\" }, retry = false }, { end = {}, retry = { max = 3, wait = \"2s\" }, timeout = \"1s\" }]\n";
    let rules = rules(text);
    let rule = &rules.rules()[0];
    let timeouts: Vec<u64> = rule.steps.iter().map(|step| step.timeout.as_secs()).collect();
    assert_eq!(timeouts, [5, 10, 1]);
    let retries: Vec<Option<Retry>> = rule.steps.iter().map(|step| step.retry).collect();
    let two = std::time::Duration::from_secs(2);
    assert_eq!(retries, [None, Some(Retry { max: 0, wait: None }), Some(Retry { max: 3, wait: Some(two) })]);
    assert_eq!(rule.not_carried_out(), ["answer", "end"]);
    assert_eq!((rule.controls_call(), rule.deadline.as_secs()), (true, 20));
}

/// A rule with the shortest form of an action is as good as its example says.
#[test]
fn every_example_is_clean() {
    for spec in ACTIONS.iter().filter(|spec| spec.name != "dialog") {
        let kind = ["call.ringing", "chat.message", "user.created"].into_iter().find(|kind| {
            let views = kind.parse::<Kind>().unwrap().views();
            spec.arguments.iter().all(|argument| match argument.needs {
                Needs::Event(paths) => paths
                    .iter()
                    .any(|path| views.iter().any(|(view, _)| path.starts_with(view)) || path.starts_with("event")),
                _ => true,
            }) && !spec.example().contains("call.user")
                || *kind == "call.ringing" && spec.example().contains("call.user")
        });
        let kind = if spec.name == "welcome" { Some("user.created") } else { kind };
        let before = "{ http = { get = \"https://x/\" }, as = \"NAME\" }, ";
        let before = ["consulted", "sent", "meeting"]
            .into_iter()
            .filter(|name| spec.example.contains(name))
            .map(|name| before.replace("NAME", name))
            .collect::<String>();
        let example = spec.example().replace('…', "x").replace("https://x", "https://x/");
        let text = format!(
            "[vars.night]\n[[rule]]\nname = \"r\"\non = \"{}\"\ndo = [{before}{{ {example} }}]\n",
            kind.unwrap()
        );
        assert!(found(&text).is_empty(), "{text}\n{}", found(&text));
    }
}

/// The table of the reference, as it is to be.
fn reference() -> String {
    let mut rows = vec![
        "| action | arguments | repeat | timeout | deadline | returns |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for spec in ACTIONS {
        let arguments = spec.arguments.iter().map(|argument| match argument.needs {
            Needs::Must | Needs::Written => format!("**{}**", argument.name),
            Needs::One => format!("*{}*", argument.name),
            _ => argument.name.to_owned(),
        });
        let mut arguments = arguments.collect::<Vec<_>>().join(", ");
        if spec.name == "set" {
            arguments = format!("**VAR**, {arguments}");
        }
        let returns = match spec.returns {
            Returns::Outcome => "",
            Returns::Answer => "status, body",
            Returns::Fields(_) | Returns::List | Returns::Open => "see below",
        };
        let (mark, deadline) = (if spec.carried_out { "" } else { "°" }, if spec.urgent { "20 s" } else { "" });
        let repeats = spec.repeats.as_str();
        rows.push(format!(
            "| `{}`{mark} | {arguments} | {repeats} | {} s | {deadline} | {returns} |",
            spec.name, spec.timeout
        ));
    }
    rows.join("\n")
}

use crate::rules::catalogue::Returns;

#[test]
fn the_reference_agrees() {
    let manual = include_str!("../../../docs/rules.md");
    assert!(manual.contains(&reference()), "docs/rules.md lacks this table:\n{}", reference());
}
