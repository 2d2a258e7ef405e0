//! What a step asks for: templates, escaping, and what is missing.

use super::*;
use crate::rules::request::{Body, Format, Request};

fn step(on: &str, action: &str) -> RuleSet {
    rules(&format!("[[rule]]\nname = \"r\"\non = \"{on}\"\n[[rule.do]]\n{action}\n"))
}

fn render_with(event: &Event, action: &str, results: &Value) -> Result<Option<Request>, RenderError> {
    let as_steps = results
        .as_object()
        .unwrap()
        .keys()
        .map(|name| format!("http = {{ get = \"https://x/\" }}\nas = \"{name}\"\n[[rule.do]]\n"))
        .collect::<Vec<_>>()
        .concat();
    let rules = step(event.kind.as_str(), &(as_steps + action));
    let scope = Scope::new(&rules, event, &Map::new(), results.as_object().unwrap(), event.time);
    rules.rules()[0].steps.last().unwrap().render(&scope)
}

use serde_json::Map;

fn render(action: &str) -> Result<Option<Request>, RenderError> {
    render_with(&ringing(), action, &json!({}))
}

fn url(template: &str) -> Result<String, RenderError> {
    match render(&format!("http = {{ get = \"{template}\" }}"))? {
        Some(Request::Http(http)) => Ok(http.url),
        other => panic!("{other:?}"),
    }
}

fn json_of(template: &str) -> Value {
    match render(&format!("http = {{ post = \"https://x/\", json = {{ x = {template} }} }}")).unwrap() {
        Some(Request::Http(http)) => match http.body {
            Some(Body::Json(value)) => value["x"].clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn log(template: &str) -> Result<String, RenderError> {
    match render(&format!("log = {{ message = '''{template}''' }}"))? {
        Some(Request::Log { message, .. }) => Ok(message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_is_complete() {
    let request = render(r#"redirect = { to = "{{ call.from }}" }"#).unwrap().unwrap();
    assert_eq!(request, Request::Redirect { call: "/2017-09-01/calls/7".into(), to: "+16135550142".into() });
    let missing = RenderError::Missing { what: "to" };
    assert_eq!(render(r#"redirect = { to = "{{ call.from_name }}" }"#), Err(missing));
    assert_eq!(
        render(r#"redirect = { to = "{{ call.from_name or '5000' }}" }"#).unwrap().unwrap(),
        Request::Redirect { call: "/2017-09-01/calls/7".into(), to: "5000".into() }
    );
}

#[test]
fn a_reply_goes_to_the_conversation() {
    let action = r#"reply = { text = { fr = "Bonjour {{ message.sender }}", en = "Hello" } }"#;
    let request = render_with(&message(), action, &json!({})).unwrap().unwrap();
    assert_eq!(
        request,
        Request::Reply { conversation: "c-1".into(), text: "Bonjour u-1".into(), format: Format::Text }
    );
    let nowhere = event(Kind::ChatMessage, json!({ "message": { "body": "x" } }));
    assert!(matches!(
        render_with(&nowhere, action, &json!({})),
        Err(RenderError::Missing { what: "the conversation" })
    ));
}

#[test]
fn what_is_inserted_in_a_url_is_encoded_once() {
    let table = [
        ("https://x/?p={{ call.from }}&q={{ call.from | urlencode }}", "https://x/?p=%2B16135550142&q=%2B16135550142"),
        ("https://x/{{ call.from | raw }}", "https://x/+16135550142"),
        ("https://x/?n={{ call.from_name }}", "https://x/?n="),
        ("https://x/{{ 'a/b?c#d e' }}", "https://x/a%2Fb%3Fc%23d%20e"),
        ("https://x/?j={{ content.extraPbxData | tojson }}", "https://x/?j=%7B%22id%22%3A%22x%22%7D"),
        ("https://x/?e={{ 'a&b' | e }}", "https://x/?e=a%26amp%3Bb"),
        ("{{ 'https://y/a?b=c' }}", "https://y/a?b=c"),
        ("https://x/{{ content.extraPbxData }}", "https://x/%7B%22id%22%3A%22x%22%7D"),
    ];
    for (template, wanted) in table {
        assert_eq!(url(template).as_deref(), Ok(wanted), "{template}");
    }
    for template in ["{{ 'file:///etc/passwd' }}", "{{ '/relative' }}", "https://x/{{ '..' }}/y", "https://x/{{ '.' }}"]
    {
        assert!(matches!(url(template), Err(RenderError::Bad { .. })), "{template}");
    }
    assert_eq!(url("{{ call.from_name }}"), Err(RenderError::Missing { what: "the URL" }));
}

#[test]
fn a_path_is_relative_to_a_credential() {
    let found = |action: &str| match render(action) {
        Ok(Some(Request::Http(http))) => (http.url, http.credential),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(r#"http = { post = "", credential = "crm" }"#), (String::new(), Some("crm".into())));
    assert_eq!(
        found(r#"http = { get = "/c?p={{ call.id }}", credential = "crm" }"#),
        ("/c?p=7".into(), Some("crm".into()))
    );
}

#[test]
fn one_expression_keeps_its_type() {
    assert_eq!(json_of("\"{{ content.hops }}\""), json!(2));
    assert_eq!(json_of("\"{{ call.endpoint }}\""), json!("3001"));
    assert_eq!(json_of("\"hops {{ content.hops }}\""), json!("hops 2"));
    assert_eq!(json_of("\"{{ call.outside }}\""), json!(true));
    assert_eq!(json_of("\"{{ call.from_name }}\""), json!(null));
    assert_eq!(json_of("\"{{ content }}\""), ringing().fields["content"]);
    assert_eq!(json_of("[1, { a = \"{{ call.id }}\", b = true }]"), json!([1, { "a": "7", "b": true }]));
    assert_eq!(json_of(r#"'a "quoted" {{ call.id }}'"#), json!("a \"quoted\" 7"));
}

#[test]
fn values_are_printed_one_way() {
    let table = [
        ("a{{ call.from_name }}{{ content.note }}{{ content.a.b.c }}b", "ab"),
        ("{{ call.outside }} {{ content.hops }} {{ 2.5 }}", "true 2 2.5"),
        ("is {{ content.extraPbxData }} {{ [1, 'a'] }}", "is {\"id\":\"x\"} [1,\"a\"]"),
        ("{{ 'x' ~ content.note }}|{{ content.note | default('d') }}", "x|d"),
        ("at {{ event.time | date('%A %H:%M') }}", "at Monday 10:00"),
        ("{% if call.from_name %}a{% else %}b{% endif %}", "b"),
        ("{% for c in ['a', 'b'] %}{{ loop.index }}{{ c }} {% endfor %}", "1a 2b "),
        ("{{ ['a', true, call.to, 2] | join('-') }}{{ call.to | join(',') }}", "a-true--2"),
        ("{{ content.extraPbxData | tojson }}{{ call.to | tojson }}", "{\"id\":\"x\"}null"),
        ("{{ '<a>' | e }}", "&lt;a&gt;"),
        ("{{ now }}", "2026-12-07T10:00:00-05:00"),
    ];
    for (template, wanted) in table {
        assert_eq!(log(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn text_from_outside_is_data() {
    let mut event = message();
    event.fields["message"]["body"] = json!("{{ 7 * 7 }}{% for x in range(9) %}x{% endfor %}");
    let request =
        render_with(&event, r#"log = { message = "{{ message.body }} {{ message.body | upper }}" }"#, &json!({}));
    let Ok(Some(Request::Log { message, .. })) = request else { panic!("{request:?}") };
    assert!(message.starts_with("{{ 7 * 7 }}") && message.contains("{{ 7 * 7 }}{% FOR"), "{message}");
}

#[test]
fn what_grows_without_end_is_stopped() {
    for template in [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 100000 }}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ [range(99999), range(99999)] | tojson }} ",
        "{{ range(99999) | list | join('xxxxxxxxxxxxxxxx') }}",
        "{{ '%999999999d' | format(1) }} ",
        "{{ '%.999999999f' | format(1) }} ",
        "{{ 'a\\nb' | indent(999999999) }} ",
        "{{ ([1] * 999999999) | list | length }} ",
        "{{ [1] | batch(999999999, 'x') | list }} ",
        "{{ 'xxxxxxxxxxxxxxxx' | replace('x', 'x' * 4096) | replace('x', 'x' * 4096) | length }} ",
        "{{ (['x' * 60000] * 60000) | join | length }} ",
        "{{ 9 ** 99999999 }} ",
        "{{ 1 | round(999999999) }} {{ 'x' * 70000 }}",
    ] {
        let began = std::time::Instant::now();
        let found = log(template);
        assert!(found.is_err(), "{template}: {} bytes", found.unwrap().len());
        assert!(began.elapsed().as_secs() < 5, "{template}: {:?}", began.elapsed());
    }
}

#[test]
fn steps_see_what_came_before() {
    let results = json!({ "contact": { "ok": true, "status": 200, "body": { "name": "Ada" } } });
    let action = r#"http = { post = "https://x/", json = { name = "{{ contact.body.name }}", status = "{{ contact.status }}" } }"#;
    let Ok(Some(Request::Http(http))) = render_with(&ringing(), action, &results) else { panic!() };
    assert_eq!(http.body, Some(Body::Json(json!({ "name": "Ada", "status": 200 }))));
    let skipped = render_with(&ringing(), "if = \"not contact.ok\"\nlog = { message = \"x\" }", &results);
    assert_eq!(skipped, Ok(None));
    let failed = json!({ "contact": { "ok": false, "error": "timeout" } });
    let found =
        render_with(&ringing(), "redirect = { to = \"{{ contact.body.list[0].extension or '5000' }}\" }", &failed);
    assert!(matches!(found, Ok(Some(Request::Redirect { to, .. })) if to == "5000"));
}

#[test]
fn forms_and_headers_leave_out_what_is_missing() {
    let action = r#"http = { post = "https://x/", form = { a = "{{ call.from }}", b = "{{ call.from_name }}", c = 3 }, headers = { X-A = "{{ call.id }}", X-B = "{{ call.to }}" } }"#;
    let Ok(Some(Request::Http(http))) = render(action) else { panic!() };
    assert_eq!(http.body, Some(Body::Form(vec![("a".into(), "+16135550142".into()), ("c".into(), "3".into())])));
    assert_eq!(http.headers, [("X-A".to_owned(), "7".to_owned())]);
    let split = render("http = { get = \"https://x/\", headers = { X-A = \"{{ 'a\\r\\nX: b' }}\" } }");
    assert!(matches!(split, Err(RenderError::Bad { what: "headers", .. })), "{split:?}");
}

#[test]
fn hours_are_there() {
    let rules = rules(
        "[hours.day]\nopen = \"Mo-Fr 09:00-17:00\"\n[[rule]]\nname = \"r\"\non = \"call.ringing\"\n[[rule.do]]\nlog = { message = \"{{ hours.day.open }} {{ hours.day.next_change | date('%a %H:%M') }}\" }\n",
    );
    let scope = Scope::new(&rules, &ringing(), &Map::new(), &Map::new(), ringing().time);
    let Ok(Some(Request::Log { message, .. })) = rules.rules()[0].steps[0].render(&scope) else { panic!() };
    assert_eq!(message, "true Mon 17:00");
}

#[test]
fn a_step_outlives_a_reload() {
    let old = step("call.ringing", "log = { message = \"old {{ call.id }}\" }");
    let rule = old.rules()[0].clone();
    drop(old);
    let new = step("call.ringing", "log = { message = \"new {{ call.id }}\" }");
    let scope = Scope::new(&new, &ringing(), &Map::new(), &Map::new(), ringing().time);
    let Ok(Some(Request::Log { message, .. })) = rule.steps[0].render(&scope) else { panic!() };
    assert_eq!(message, "old 7");
}
