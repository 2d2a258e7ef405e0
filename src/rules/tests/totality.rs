//! Whatever is written, reading it ends with rules or findings, and no text or event makes it panic.

use proptest::prelude::*;

use super::*;
use crate::language::{Engine, Place};

/// Pieces of rule files, put together at random: often nearly right.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "[[rule]]\n",
        "[[rule.do]]\n",
        "[hours.x]\n",
        "[calendars.x]\n",
        "[[test]]\n",
        "name = \"r\"\n",
        "on = \"call.ringing\"\n",
        "on = [\"call.*\", \"chat.message\"]\n",
        "on = { subject = '(?<id>.)' }\n",
        "where = { call.endpoint = \"3001\" }\n",
        "where = { any = [{ call.from = { prefix = [\"+1\"] } }], not = {} }\n",
        "where = { call = { from = { not = { regex = '(a' } } } }\n",
        "when = \"call.from and content.x\"\n",
        "when = \"{{ (\"\n",
        "while_open = [\"x\"]\n",
        "open = \"Mo-Fr 09:00-17:00\"\n",
        "open = \"\"\n",
        "timezone = \"é\"\n",
        "do = [{ redirect = { to = \"{{ call.from }}\" } }]\n",
        "do = [{ log = 1 }, 2]\n",
        "redirect = { to = \"4001\" }\n",
        "reply = { text = { en = \"é {{ message.body }\" } }\n",
        "as = \"x\"\n",
        "each = \"x.body\"\n",
        "retry = { max = 3 }\n",
        "set = { a = \"{{ call.from }}\", until = \"8:00\" }\n",
        "send = { to = \"{{ call.user }}\", html = \"<b>{{ call.from }}\" }\n",
        "cloudlink = { get = \"/{{ item }}\", api = \"media\" }\n",
        "pop = { title = \"x\", on = 1 }\n",
        "if = \"x.ok\"\n",
        "http = { post = \"/\", json = { a = [1, \"{{ é }}\"] } }\n",
        "deadline = \"20s\"\n",
        "[[test.step]]\n",
        "at = \"2026-12-07T10:00\"\n",
        "after = \"0s\"\n",
        "given = { x = { error = \"timeout\" }, vars = { é = 1 } }\n",
        "event = { kind = \"call.ringing\", endpoint = \"3001\", conversation.tag = 1 }\n",
        "event = { file = \"é\" }\n",
        "expect = [{ redirect = { to = \"4001\" } }, { é = [] }]\n",
        "a.b.c = 1\n",
        "x = 99999999999999999999\n",
        "x = nan\n",
        "\"\" = ''\n",
        "'''",
        "\"\"\"",
        "é",
        "\u{0}",
        "{",
        "}",
        "[",
        "]",
        "=",
        "\"",
        "\r\n",
        "#",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Pieces of templates.
fn template() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        " call.from ",
        " call['from'] ",
        "|",
        "upper",
        "date('%H')",
        "date('%')",
        "date(1)",
        " is ",
        " not ",
        "odd",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "\\",
        ".",
        ",",
        "-",
        "+",
        "*",
        "9",
        "é",
        " for x in content ",
        " endfor ",
        " if ",
        " endif ",
        " set x = 1 ",
        " raw ",
        " endraw ",
        "range",
        "x",
        "~",
        "=",
        "<",
        "\n",
        "/",
        "loop.cycle(1)",
        " filter upper ",
    ]);
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn use_it(text: &str) {
    match try_compile(text) {
        Err(report) => {
            assert!(!report.is_empty());
            let _ = (report.render(true), report.to_json());
        }
        Ok(rules) => {
            for event in [ringing(), message()] {
                let plan = rules.plan(&event);
                let _ = rules.explain(&event);
                for run in plan.runs {
                    let scope = Scope::new(&rules, &event, &run.bindings, &Map::new(), event.time);
                    for step in &run.rule.steps {
                        let _ = step.render(&scope);
                    }
                }
            }
        }
    }
}

use serde_json::Map;

/// Text from outside: anything, and what templates, URLs and HTML are made of.
fn outside() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "{{ 7 * 7 }}",
            "{% for x in range(9) %}x{% endfor %}",
            "{{",
            "}}",
            "<script>",
            "</p>",
            "&amp;",
            "\"",
            "'",
            "/",
            "..",
            "?a=b",
            "&c=d",
            "#x",
            "%2F",
            "%",
            "\\",
            "\r\n",
            "\u{0}",
            "é",
            "+",
            " ",
            "//evil.example",
            "@",
            ":",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// What one step asks for when that text is the body of a message.
fn asks(body: &str, step: &str) -> Result<Map<String, Value>, RenderError> {
    let mut event = message();
    event.fields["message"]["body"] = json!(body);
    let rules = rules(&format!("[[rule]]\nname = \"r\"\non = \"chat.message\"\ndo = [{{ {step} }}]\n"));
    let scope = Scope::new(&rules, &event, &Map::new(), &Map::new(), event.time);
    rules.rules()[0].steps[0].render(&scope).map(|request| request.unwrap().arguments())
}

fn unescaped(html: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    pairs.iter().fold(html.to_owned(), |html, (entity, plain)| html.replace(entity, plain))
}

/// What took the fuzzer's stack or minutes: each of them is refused with a finding.
#[test]
fn an_expression_that_nests_without_end_is_refused() {
    let rule = |expression: &str| {
        format!("[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhen = '{expression}'\ndo = [{{ log = \"x\" }}]\n")
    };
    for (piece, end) in [("-", "1"), ("not ", "x"), ("a and ", "a"), ("a or ", "a"), ("2**", "2"), ("a - ", "a")] {
        let text = |times: usize| piece.repeat(times) + end;
        let found = compile(&[Source::new("r.toml", rule(&text(6_000)))], &World::default());
        assert!(found.unwrap_err().to_string().contains("more than 500 of"), "{piece}");
        for unclosed in ["{{ ", "{% if "] {
            let said = Engine::new(Tz::UTC).template(&(unclosed.to_owned() + &text(6_000)), Place::Text);
            assert!(said.unwrap_err()[0].message.contains("more than 500 of"), "{unclosed}{piece}");
        }
        // What is let through can be read on a thread's stack.
        let few = std::thread::spawn({
            let text = text(250);
            move || Engine::new(Tz::UTC).condition(&text).is_ok()
        });
        assert!(few.join().unwrap(), "{piece}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_from_outside_stays_text(body in outside()) {
        let html = asks(&body, r#"reply = { html = "<p title='{{ message.body }}'>{{ message.body }}</p>" }"#).unwrap();
        let html = html["html"].as_str().unwrap();
        let (title, inner) = html.strip_prefix("<p title='").unwrap().strip_suffix("</p>").unwrap().split_once("'>").unwrap();
        for part in [title, inner] {
            prop_assert!(!part.contains(['<', '>', '"', '\'']), "{}", html);
            prop_assert_eq!(unescaped(part), &*body);
        }
        let log = asks(&body, r#"log = { message = "[{{ message.body }}]" }"#).unwrap();
        prop_assert_eq!(&log["message"], &json!(format!("[{body}]")));
        let json = asks(&body, r#"http = { post = "https://x/", json = { a = "{{ message.body }}", b = "{{ message.body }}!" } }"#).unwrap();
        let kept = if body.is_empty() { Value::Null } else { json!(body) };
        prop_assert!(json["json"]["a"] == kept || json["json"]["a"] == json!(body));
        prop_assert_eq!(&json["json"]["b"], &json!(format!("{body}!")));
    }

    #[test]
    fn text_from_outside_stays_in_its_place_of_a_url(body in outside()) {
        let found = asks(&body, r#"http = { get = "https://x/a/{{ message.body }}/b?q={{ message.body }}&z=1" }"#);
        if matches!(&*body, "." | "..") {
            prop_assert!(found.is_err(), "{:?}", found);
        } else {
            let url = url::Url::parse(found.unwrap()["get"].as_str().unwrap()).unwrap();
            prop_assert_eq!(url.host_str(), Some("x"));
            let parts: Vec<&str> = url.path_segments().unwrap().collect();
            prop_assert_eq!((parts.len(), parts[0], parts[2]), (3, "a", "b"));
            prop_assert_eq!(percent_encoding::percent_decode_str(parts[1]).decode_utf8().unwrap(), &*body);
            prop_assert!(url.query_pairs().eq([("q".into(), (&*body).into()), ("z".into(), "1".into())]));
        }
        let path = asks(&body, r#"cloudlink = { get = "/users/{{ message.body }}/x", api = "admin" }"#);
        if let Ok(path) = path {
            prop_assert_eq!(path["get"].as_str().unwrap().split('/').count(), 4);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        use_it(&text);
    }

    #[test]
    fn nearly_rules(text in pieces()) {
        use_it(&text);
    }

    #[test]
    fn any_template(template in template()) {
        let quoted = toml::Value::from(template.clone());
        for action in ["redirect = { to = X }", "log = { message = X }", "http = { get = X, credential = \"crm\" }"] {
            let action = action.replace('X', &quoted.to_string());
            use_it(&format!("[[rule]]\nname = \"r\"\non = \"call.ringing\"\n[[rule.do]]\n{action}\n"));
        }
        use_it(&format!("[[rule]]\nname = \"r\"\non = \"call.*\"\nwhen = {quoted}\n[[rule.do]]\nlog = {{ message = \"\" }}\n"));
    }

    #[test]
    fn any_regex(regex in "[a-z(){}\\[\\]?*+|.^$\\\\<>P0-9,é-]{0,24}") {
        let quoted = toml::Value::from(regex);
        use_it(&format!("[[rule]]\nname = \"r\"\non = \"call.*\"\nwhere = {{ call.from = {{ regex = {quoted} }} }}\n[[rule.do]]\nlog = {{ message = \"\" }}\n"));
    }
}

fn many(count: usize, rule: impl Fn(usize) -> String) -> String {
    (0..count).map(rule).collect()
}

fn texts(from: usize, count: usize, prefix: &str) -> String {
    let texts: Vec<String> = (from..from + count).map(|number| format!("\"{prefix}{number}\"")).collect();
    format!("[{}]", texts.join(", "))
}

/// A rule that redirects, with more lines of its own.
fn redirects(name: &str, more: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\non = \"call.ringing\"\n{more}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n")
}

/// What costs more than its length: each ends, with findings or without, and nothing of it panics.
#[test]
fn what_is_large_or_deep_is_read_in_bounded_time() {
    let deep = |open: &str, close: &str| open.repeat(20_000) + "1" + &close.repeat(20_000);
    let one = |more: &str| redirects("r", more);
    for (what, text) in [
        ("arrays", format!("x = {}", deep("[", "]"))),
        ("tables", format!("x = {}", deep("{a=", "}"))),
        ("a path", one(&format!("where = {{ {}a = 1 }}", "a.".repeat(20_000)))),
        ("brackets", one(&format!("when = \"{}\"", deep("(", ")")))),
        ("alternatives", one(&format!("where = {{ call.endpoint = {} }}", texts(0, 10_000, "")))),
        ("regexes", one("where = { call.from = { regex = '((a{1,100}){1,100}){1,100}' } }")),
        (
            "prefixes that exclude each other",
            one(&format!(
                "where = {{ call.from = {{ prefix = {}, not = {{ prefix = {} }} }} }}",
                texts(0, 10_000, "+1"),
                texts(0, 10_000, "+2")
            )),
        ),
        (
            "lists that are nearly the same, of one route",
            many(300, |at| {
                let list = texts(at, 300, "");
                redirects(&at.to_string(), &format!("route = \"x\"\nwhere = {{ call.endpoint = {list} }}"))
            }),
        ),
        (
            "callers at one phone",
            many(3_000, |at| {
                let caller = format!("where = {{ call.endpoint = \"1\", call.from = \"+1613555{at:04}\" }}");
                redirects(&at.to_string(), &caller)
            }),
        ),
        (
            "callers at any phone",
            many(3_000, |at| {
                redirects(&at.to_string(), &format!("where = {{ call.from = \"+1613555{at:04}\" }}"))
            }),
        ),
        ("parts of hours", format!("[hours.x]\nopen = \"{}\"\n", vec!["Mo-Fr 09:00-12:00"; 3_000].join("; "))),
        (
            "a step that names itself",
            "[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{ http = { get = \"https://x/{{ a.body }}\" }, as = \"a\" }]\n"
                .to_owned(),
        ),
    ] {
        let report = found(&text);
        let (shown, json) = (report.render(false), report.to_json());
        assert!(shown.len() < 1 << 20 && json.to_string().len() < 1 << 20, "{what}");
    }
}

/// Text is wanted, and something else is written: told with what to write, never taken for text.
#[test]
fn dates_and_fractions_are_no_text() {
    for line in [
        "name = 2026-12-07T10:00:00",
        "where = { content.at = 2026-12-07 }",
        "deadline = 1.5",
        "for = 10",
        "limit = { max = 3.0, within = \"day\" }",
        "limit = { max = 3, within = 10 }",
        "when = 1.5",
        "route = 09:00:00",
    ] {
        let name = if line.starts_with("name") { "" } else { "name = \"r\"\n" };
        let text = format!("[[rule]]\n{name}on = \"call.ringing\"\n{line}\ndo = [{{ log = {{ message = \"x\" }} }}]\n");
        let report = found(&text);
        let findings = report.findings();
        assert!(matches!(&findings[..], [one] if one.code == "wrong-type" && one.help.is_some()), "{line}\n{report}");
    }
}
