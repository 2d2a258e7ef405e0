//! Each mistake that an integrator is likely to make is found in its line, with what to write instead.

use super::*;

const HEAD: &str =
    "[hours.reception]\nopen = \"Mo-Fr 09:00-17:00\"\ntimezone = \"Europe/Berlin\"\n[[rule]]\nname = \"r\"\n";
const BASE: [(&str, &str); 4] = [
    ("on", "on = \"call.ringing\""),
    ("where", "where = { call.endpoint = \"3001\" }"),
    ("while_closed", "while_closed = \"reception\""),
    ("do", "do = [{ redirect = { to = \"4001\" } }]"),
];

/// A mistake in line 6 in place of one key of a rule that is right.
fn planted(key: &str, line: &str) -> String {
    let rest: Vec<&str> = BASE.iter().filter(|(other, _)| *other != key).map(|(_, line)| *line).collect();
    format!("{HEAD}{line}\n{}\n[vars.night]\n", rest.join("\n"))
}

#[test]
fn a_rule_that_is_right_has_no_findings() {
    let report = found(&planted("on", BASE[0].1));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_calls_a_rule_is_looked_at() {
    for (on, code, word) in [
        (r#"{ every = "1h", missed = "later" }"#, "unknown-value", "skip"),
        (r#"{ every = "500ms" }"#, "schedule", "at least 1s"),
        (r#"{ cron = "61 2 * * *" }"#, "schedule", "61 2"),
        (r#"{ cron = "0 0 30 2 *" }"#, "schedule", "never comes"),
        (r#"{ hook = "a/b" }"#, "bad-name", "address"),
        (r#"{ hook = "night", method = "PUT" }"#, "unknown-key", "method"),
    ] {
        let report = found(&format!("[[rule]]\nname = \"r\"\non = {on}\ndo = [{{ log = {{ message = \"x\" }} }}]\n"));
        let codes: Vec<&str> = report.findings().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{on}: {report}");
        assert!(report.to_string().contains(word), "{on}: {report}");
    }
}

#[test]
fn each_mistake_is_found_in_its_line() {
    let table = [
        ("on", r#"on = "call.rining""#, "unknown-kind", "call.ringing"),
        ("on", r#"on = { cron = "30 2 * *" }"#, "schedule", "4 fields"),
        ("where", r#"wehre = { call.endpoint = "3001" }"#, "unknown-key", "`where`"),
        ("where", r#"where = { call.form = "1" }"#, "unknown-field", "call.from"),
        ("where", r#"where = { call.from = { regex = "(" } }"#, "regex", "unclosed group"),
        ("where", r#"where = { call.from = { prefx = "+49" } }"#, "unknown-word", "`prefix`"),
        ("where", r#"where = { message.body = "x" }"#, "field-never-there", "chat"),
        ("where", "where = { call.endpoint = 3001 }", "wrong-type", "\"3001\""),
        ("where", "where = { call.outside = \"true\" }", "wrong-type", "without quotes"),
        ("where", "where = { call.hops = \"1\" }", "wrong-type", "a number"),
        ("where", r#"where = { content.x = { prefix = "1", sufix = "2" } }"#, "unknown-word", "`suffix`"),
        ("where", r#"where = { content.x = { prefix = "1", other = "2" } }"#, "unknown-word", "in quotes"),
        ("", r#"limit = { per = "call.form", max = 3, within = "10m" }"#, "unknown-field", "call.from"),
        ("do", r#"do = [{ http = { get = "https://x/a b" } }]"#, "url", "%20"),
        ("where", r#"where = { call.from = { table = "vip" } }"#, "unknown-table", "table"),
        ("where", r#"where = { call.from = "1", "call.from" = "2" }"#, "field-twice", "named twice"),
        ("where", r#"where = { call.from = "1", call.from = "2" }"#, "duplicate-key", "twice"),
        ("where", r"where = { call.from = {} }", "empty-matcher", "exists"),
        ("where", r#"where = { any = "x" }"#, "wrong-type", "any"),
        ("", r#"when = "call.from ==""#, "expression", "missing"),
        ("", r#"when = "call.form == '1'""#, "unknown-field", "call.from"),
        ("", r#"when = "call.from is startswith('1')""#, "unknown-test", "startingwith"),
        ("", r#"when = "call.from.startswith('1')""#, "unknown-method", "is startingwith"),
        ("", r#"when = "call.from | lowr == 'x'""#, "unknown-filter", "lower"),
        ("", r#"when = "{{ call.from }}""#, "expression", "without `{{ }}`"),
        ("", r#"when = "hours.recepton.open""#, "unknown-hours", "reception"),
        ("", r#"deadline = "soon""#, "duration", "20s"),
        ("", r#"for = "soon""#, "duration", "20s"),
        ("", r"limit = { max = 3 }", "missing-key", "within"),
        ("", "enabled = \"yes\"", "wrong-type", "true or false"),
        ("while_closed", r#"while_open = "recepton""#, "unknown-hours", "reception"),
        ("do", r#"do = [{ redirct = { to = "4001" } }]"#, "unknown-action", "redirect"),
        ("do", r#"do = [{ redirect = { to = "{{ call.from }" } }]"#, "template", "missing"),
        ("do", r#"do = [{ redirect = { to = "{{ call.form }}" } }]"#, "unknown-field", "call.from"),
        ("do", r#"do = [{ redirect = { to = "3001" } }]"#, "redirect-to-self", "3001"),
        ("do", r"do = [{ redirect = { to = 4001 } }]", "wrong-type", "\"4001\""),
        ("do", r#"do = [{ redirect = { two = "4001" } }]"#, "unknown-key", "`to`"),
        ("do", r#"do = [{ redirect = { to = "4001" }, answer = {} }]"#, "two-actions", "two steps"),
        ("do", r#"do = [{ answer = { to = "1" } }]"#, "unknown-key", "call"),
        ("do", r#"do = [{ dialog = { name = "x", conversation = "c" } }]"#, "not-supported", "dialogs.x"),
        ("do", r"do = [{ blind_transfer = {} }]", "missing-key", "to = \"4001\""),
        ("do", r#"do = [{ blind_transfer = { to = " " } }]"#, "empty-target", "empty"),
        ("do", r"do = [{ consult = { to = 4001 } }]", "wrong-type", "\"4001\""),
        ("do", r#"do = [{ make = { to = "1", timeout = "5m" } }]"#, "duration", "120 s"),
        ("do", r#"do = [{ dtmf = { digits = "12x" } }]"#, "digits", "pause"),
        ("do", r#"do = [{ availability = { status = "bussy" } }]"#, "unknown-value", "busy"),
        ("do", r#"do = [{ do_not_disturb = { on = "yes" } }]"#, "wrong-type", "without quotes"),
        ("do", r#"do = [{ do_not_disturb = { on = "{{ call.outside }}!" } }]"#, "wrong-type", "exactly one"),
        ("do", r#"do = [{ send = { to = "u", text = "x", html = "y" } }]"#, "two-arguments", "`card`"),
        ("do", r#"do = [{ send = { to = "u" } }]"#, "missing-key", "text, html or card"),
        ("do", r#"do = [{ send = { to = { usr = "u" }, text = "x" } }]"#, "unknown-key", "`user`"),
        ("do", r#"do = [{ send = { to = "u", text = { english = "x" } } }]"#, "language", "fr-CA"),
        ("do", r#"do = [{ set = { night = "x", until = "8h" } }]"#, "time", "08:00"),
        ("do", r#"do = [{ set = { nigth = "x" } }]"#, "unknown-var", "`night`"),
        ("do", r#"do = [{ set = { until = "08:00" } }]"#, "missing-key", "name of a var"),
        ("do", r"do = [{ set = { night = true } }]", "wrong-type", "\"true\""),
        ("do", r#"do = [{ set = { night = "x", until = "08:00", for = "2h" } }]"#, "two-arguments", "keep one"),
        ("do", r#"do = [{ cloudlink = { get = "users", api = "media" } }]"#, "url", "slash"),
        ("do", r#"do = [{ cloudlink = { get = "/users" } }]"#, "missing-key", "api"),
        (
            "do",
            r#"do = [{ create_conference = { name = "x", access_code_length = 0 } }]"#,
            "wrong-type",
            "from 1 to 99",
        ),
        ("do", r#"do = [{ log_call = { credential = "cdr" } }]"#, "unknown-credential", "crm"),
        ("do", r"do = [{ welcome = {}, retry = true }]", "wrong-type", "retry = false"),
        ("do", r"do = [{ welcome = {}, retry = { max = 1000 } }]", "unknown-value", "100"),
        ("do", r#"do = [{ welcome = {}, retry = { wait = "1s" } }]"#, "missing-key", "max = 3"),
        ("do", r#"do = [{ http = { get = "https://x/{{ a.body }}" }, as = "a" }]"#, "used-before-set", "this step"),
        (
            "do",
            r#"do = [{ log = { message = "{{ a.ok }}" } }, { http = { get = "https://x/" }, as = "a" }]"#,
            "used-before-set",
            "later step",
        ),
        ("do", r#"do = [{ end = {}, as = "a" }, { hold = {}, as = "a" }]"#, "hidden-name", "another name"),
        ("do", r#"do = [{ end = {}, as = "call" }]"#, "hidden-name", "another name"),
        (
            "do",
            r#"do = [{ lookup = { user = "1" }, as = "u" }, { log = { message = "{{ u.extention }}" } }]"#,
            "unknown-field",
            "u.extension",
        ),
        (
            "do",
            r#"do = [{ lookup = { users = "all" }, as = "p" }, { log = { message = "{{ p.name }}" } }]"#,
            "unknown-field",
            "each = \"p\"",
        ),
        ("do", r#"do = [{ end = {}, as = "a" }, { log = { message = "{{ a.body }}" } }]"#, "unknown-field", "`ok`"),
        ("do", r#"do = [{ end = {}, iff = "call.from" }]"#, "unknown-key", "`if`"),
        ("do", r#"do = [{ log = { message = "{{ item.id }}" } }]"#, "unknown-field", "item.id"),
        ("do", r#"do = [{ reply = { text = "x" } }]"#, "action-without-target", "message"),
        ("do", r#"do = [{ log = { message = "x" }, each = "y.z" }]"#, "unknown-field", "y.z"),
        ("do", r#"do = [{ log = { message = "x" }, on_error = "go on" }]"#, "unknown-value", "continue"),
        ("do", r#"do = [{ log = { message = "{{ call.id | date('%Q') }}" } }]"#, "template", "%Q"),
        ("do", r#"do = [{ log = { message = "{% include 'x' %}" } }]"#, "template", "include"),
        (
            "do",
            r#"do = [{ http = { get = "https://crm.example/", credential = "crn" } }]"#,
            "unknown-credential",
            "crm",
        ),
        ("do", r#"do = [{ http = { get = "/contacts" } }]"#, "url", "credential"),
        ("do", r#"do = [{ http = { get = "ftp://x/" } }]"#, "url", "https://"),
        ("do", r"do = [{ http = { json = {} } }]", "missing-key", "post"),
        ("do", r#"do = [{ http = { post = "https://x/", json = {}, body = "x" } }]"#, "two-bodies", "json"),
        ("do", r#"do = [{ http = { post = "https://x/", headers = { "a b" = "x" } } }]"#, "header", "a b"),
        ("do", "do = []", "no-action", "nothing"),
        ("do", "do = \"redirect\"", "wrong-type", "list"),
        ("do", "do = [{}]", "no-action", "redirect"),
    ];
    for (key, line, code, hint) in table {
        let report = found(&planted(key, line));
        let shown = report.to_string();
        let findings = report.findings();
        assert!(include_str!("../../../docs/rules.md").contains(&format!("`{code}`")), "{code} is not in the manual");
        let hit = findings.iter().find(|finding| finding.code == code);
        assert!(hit.is_some(), "{line}: no {code} in\n{shown}");
        assert!(shown.contains("all.toml:6:"), "{line}: not in line 6:\n{shown}");
        assert!(shown.contains(hint), "{line}: no {hint} in\n{shown}");
        assert_eq!(findings.len(), 1, "{line}:\n{shown}");
    }
}

#[test]
fn twenty_mistakes_are_found_in_one_run() {
    let text = (0..20)
        .map(|i| {
            format!("[[rule]]\nname = \"r{i}\"\non = \"nonsense{i}\"\nwhere = {{ call.endpoint = \"{i}\" }}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n")
        })
        .collect::<Vec<_>>()
        .concat();
    let shown = found(&text).to_string();
    for i in 0..20 {
        assert!(
            shown.contains(&format!("nonsense{i}")) && shown.contains(&format!("all.toml:{}:", 5 * i + 3)),
            "{shown}"
        );
    }
}

#[test]
fn ten_thousand_mistakes_take_no_long_time() {
    let text = (0..10_000)
        .map(|i| format!("[[rule]]\nname = \"r{i}\"\non = \"nonsense\"\nwehre = 1\ndo = [{{ x = 1 }}]\n"))
        .collect::<Vec<_>>()
        .concat();
    let began = std::time::Instant::now();
    let report = found(&text);
    assert_eq!(report.len(), 30_000);
    assert!(report.to_string().ends_with("… and 29800 more\n"));
    assert_eq!(report.to_json()["findings"].as_array().unwrap().len(), 200);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
