//! Whatever is written, reading it ends with rules or findings, and no text or event makes it panic.

use proptest::prelude::*;

use super::*;

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
        "if = \"x.ok\"\n",
        "http = { post = \"/\", json = { a = [1, \"{{ é }}\"] } }\n",
        "deadline = \"20s\"\n",
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
