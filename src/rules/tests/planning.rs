//! Which rules act on an event, and what is said of the others.

use super::*;

/// A rule for ringing calls that only logs.
fn rule(name: &str, more: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\non = \"call.ringing\"\n{more}\ndo = [{{ log = {{ message = \"x\" }} }}]\n")
}

fn redirect(name: &str, more: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\non = \"call.ringing\"\n{more}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n")
}

fn matches(condition: &str) -> bool {
    !rules(&rule("r", condition)).plan(&ringing()).runs.is_empty()
}

#[test]
fn matchers() {
    let table = [
        ("", true),
        (r#"where = { call.endpoint = "3001" }"#, true),
        (r#"where = { "call.endpoint" = "3001", call.outside = true }"#, true),
        (r#"where = { call = { endpoint = "3001", from = { prefix = "+1613" } } }"#, true),
        (r#"where = { call.endpoint = "3002" }"#, false),
        (r#"where = { call.endpoint = ["3002", "3001"] }"#, true),
        (r"where = { call.outside = false }", false),
        (r#"where = { call.from = { prefix = ["+49", "+1613"], suffix = "0142" } }"#, true),
        (r#"where = { call.from = { prefix = "+1613", suffix = "0143" } }"#, false),
        (r#"where = { call.from = { contains = "555" } }"#, true),
        (r"where = { call.from = { regex = '^\+1(?<area>\d{3})' } }", true),
        (r"where = { call.from = { regex = ['^\+49', '^\+1'] } }", true),
        (r#"where = { call.from = { not = "+16135550142" } }"#, false),
        (r#"where = { call.from = { not = ["1", "2"] } }"#, true),
        (r#"where = { call.from = { not = { prefix = "+1613" } } }"#, false),
        // Missing: false, but for `exists = false` and `not`.
        (r#"where = { call.from_name = "Ada" }"#, false),
        (r#"where = { call.from_name = { not = "Ada" } }"#, true),
        (r#"where = { call.from_name = { not = { prefix = "A" } } }"#, true),
        (r"where = { call.from_name = { exists = false } }", true),
        (r"where = { call.from_name = { exists = true } }", false),
        (r#"where = { call.from = { exists = true, not = "x" } }"#, true),
        (r#"where = { call.from_name = { not = "Ada", prefix = "A" } }"#, false),
        (r"where = { content.note = { exists = false } }", true),
        (r"where = { content.a.b.c = { lt = 3 } }", false),
        // No type coercion.
        (r"where = { content.hops = 2 }", true),
        (r"where = { content.hops = 2.0 }", true),
        (r#"where = { content.hops = "2" }"#, false),
        (r"where = { content.hops = { gt = 1, lte = 2 } }", true),
        (r"where = { content.hops = { gte = 3 } }", false),
        (r#"where = { content.hops = { gt = "1" } }"#, false),
        (r#"where = { content.hops = { prefix = "2" } }"#, false),
        (r#"where = { content.extraPbxData.id = "x" }"#, true),
        // Combinations.
        (r#"where = { any = [{ call.endpoint = "1" }, { call.outside = true, call.direction = "inbound" }] }"#, true),
        (r#"where = { any = [{ call.endpoint = "1" }, { call.outside = false }] }"#, false),
        (r#"where = { not = { call.endpoint = "3001" } }"#, false),
        (r#"where = { not = { call.endpoint = "3001", call.direction = "outbound" } }"#, true),
        (r#"where = { not = [{ call.endpoint = "1" }, { call.endpoint = "3001" }] }"#, false),
        (
            r#"where = { all = [{ call.endpoint = "3001" }, { call.outside = true }], any = [{ call.outside = true }] }"#,
            true,
        ),
        // Expressions.
        (r#"when = "call.from is startingwith('+1613') and content.hops > 1""#, true),
        (r#"when = "call.from_name""#, false),
        (r#"when = "not call.from_name""#, true),
        (r#"when = "content.none.more.parts is defined""#, false),
        (r#"when = "content.note is none and content.note is not defined""#, true),
        (r#"when = "(call.from_name or 'x') == 'x'""#, true),
        (r#"when = "content.hops + 'x' == 3""#, false),
        (r"enabled = false", false),
    ];
    for (condition, wanted) in table {
        assert_eq!(matches(condition), wanted, "{condition}");
    }
}

#[test]
fn captures_are_bound() {
    let text = rule(
        "r",
        r"where = { any = [{ call.from = { regex = '^(?<wrong>x)' } }, { call.from = { regex = '^\+1(?<area>\d{3})' } }] }",
    );
    let plan = rules(&text).plan(&ringing());
    assert_eq!(Value::from(plan.runs[0].bindings.clone()), json!({ "area": "613" }));
}

#[test]
fn the_envelope_of_a_publication() {
    let on = |on: &str| {
        let text = format!("[[rule]]\nname = \"r\"\non = {on}\ndo = [{{ log = {{ message = \"{{{{ id }}}}\" }} }}]\n");
        rules(&text).plan(&ringing())
    };
    let plan = on(r#"{ topic = "calls", method = "put", subject = '^/calls/(?<id>\d+)$' }"#);
    assert_eq!(plan.runs[0].bindings["id"], "7");
    assert!(on(r#"{ topic = "chat", subject = "(?<id>.)" }"#).runs.is_empty());
}

#[test]
fn kinds_families_and_lists() {
    let on = |on: &str| {
        let text = format!("[[rule]]\nname = \"r\"\non = {on}\ndo = [{{ log = {{ message = \"x\" }} }}]\n");
        rules(&text).plan(&ringing()).runs.len()
    };
    assert_eq!(on("\"call.*\""), 1);
    assert_eq!(on("[\"chat.message\", \"call.ringing\"]"), 1);
    assert_eq!(on("[\"chat.*\", \"publication\"]"), 0);
}

#[test]
fn hours_are_asked_at_the_time_of_the_event() {
    // The event is of a Monday, 10:00 in Toronto.
    let hours = "[hours.day]\nopen = \"Mo-Fr 09:00-17:00\"\n[hours.night]\nopen = \"Mo-Su 20:00-24:00\"\n";
    let acts = |gate: &str| !rules(&format!("{hours}{}", rule("r", gate))).plan(&ringing()).runs.is_empty();
    assert!(acts("while_open = \"day\""));
    assert!(!acts("while_closed = \"day\""));
    assert!(acts("while_closed = \"night\""));
    // Open: at least one. Closed: all.
    assert!(acts("while_open = [\"night\", \"day\"]"));
    assert!(!acts("while_closed = [\"night\", \"day\"]"));
    assert!(acts("when = \"hours.day.open and not hours.night.open and hours.day.next_change\""));
}

#[test]
fn one_rule_takes_hold_of_a_call() {
    let text =
        redirect("a", r#"where = { call.endpoint = "3001" }"#) + &redirect("b", "when = \"true\"") + &rule("c", "");
    let rules = rules(&text);
    let plan = rules.plan(&ringing());
    assert_eq!(names(&plan), ["a", "c"]);
    assert_eq!(plan.verdicts[1].finding, Finding::Superseded { by: "a".into() });
    assert_eq!(
        serde_json::to_value(&plan.verdicts[1]).unwrap(),
        json!({ "rule": "b", "finding": { "superseded": { "by": "a" } } })
    );
    assert_eq!(serde_json::to_value(&plan.verdicts[2]).unwrap(), json!({ "rule": "c", "finding": "matched" }));
}

#[test]
fn a_rule_that_only_shows_what_it_would_do_takes_nothing() {
    let text = redirect("a", "dry_run = true") + &redirect("b", "");
    let plan = rules(&text).plan(&ringing());
    assert_eq!(names(&plan), ["a", "b"]);
    assert!(plan.runs[0].rule.dry_run);
}

#[test]
fn the_first_of_a_route_acts() {
    let text = rule("a", "route = \"x\"\nwhere = { call.endpoint = \"1\" }")
        + &rule("b", "route = \"x\"")
        + &rule("c", "route = \"x\"")
        + &rule("d", "route = \"y\"");
    assert_eq!(names(&rules(&text).plan(&ringing())), ["b", "d"]);
}

#[test]
fn what_failed_is_told_with_both_values() {
    let text = redirect("a", r#"where = { call.endpoint = ["2001", "2002"] }"#)
        + "[[rule]]\nname = \"chat\"\non = \"chat.message\"\ndo = [{ log = { message = \"x\" } }]\n"
        + &rule(
            "b",
            r#"where = { any = [{ call.from = { prefix = "+49" } }, { call.from_name = { exists = true } }] }"#,
        )
        + &rule("c", r#"when = "call.outside == false""#)
        + "[hours.night]\nopen = \"20:00-24:00\"\n"
        + &rule("d", "while_open = \"night\"")
        + &rule("e", "enabled = false");
    let rules = rules(&text);
    let told: Vec<String> = rules
        .explain(&ringing())
        .into_iter()
        .map(|verdict| match verdict.finding {
            Finding::Failed(Failure { path, wanted, got }) => {
                format!("{}: {path}: wanted {wanted}, got {got}", verdict.rule)
            }
            other => format!("{}: {other:?}", verdict.rule),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    a: call.endpoint: wanted "2001" or "2002", got "3001"
    chat: on: wanted chat.message, got call.ringing
    b: where: wanted any of (call.from prefix "+49") / (call.from_name exists), got call.from = "+16135550142", call.from_name = missing
    c: when: wanted call.outside == false, got call.outside = true
    d: while_open: wanted night open, got closed at Mon 2026-12-07 10:00 EST
    e: enabled: wanted true, got false
    "#);
    assert_eq!(rules.plan(&ringing()).verdicts.len(), 4);
}

#[test]
fn verdicts_are_bounded() {
    let many: String = (0..100).map(|i| rule(&format!("r{i}"), "where = { call.endpoint = \"1\" }")).collect();
    let rules = rules(&(many + &rule("last", "")));
    let plan = rules.plan(&ringing());
    assert_eq!(plan.verdicts.len(), 32);
    assert_eq!(&*plan.verdicts[31].rule, "last");
    assert_eq!(rules.explain(&ringing()).len(), 101);
}

#[test]
fn deadlines() {
    let deadline = |on: &str, action: &str, more: &str| {
        let text = format!("[[rule]]\nname = \"r\"\non = \"{on}\"\n{more}\ndo = [{{ {action} }}]\n");
        rules(&text).rules()[0].deadline.as_secs()
    };
    assert_eq!(deadline("call.ringing", "redirect = { to = \"1\" }", ""), 20);
    assert_eq!(deadline("chat.message", "reply = { text = \"x\" }", ""), 300);
    assert_eq!(deadline("call.ringing", "log = { message = \"x\" }", ""), 3600);
    assert_eq!(deadline("call.ringing", "redirect = { to = \"1\" }", "deadline = \"1h30m\""), 5400);
}

#[test]
fn the_hash_of_a_rule_is_that_of_its_own_text() {
    let (a, b) = (rule("a", ""), rule("b", ""));
    let one = rules(&(a.clone() + &b));
    let other = rules(&(a + &b.replace("\"x\"", "\"y\"")));
    assert_eq!(one.rules()[0].hash, other.rules()[0].hash);
    assert_ne!(one.rules()[1].hash, other.rules()[1].hash);
    assert_ne!(one.hash(), other.hash());
    assert_eq!((one.rules()[1].line, &*one.rules()[1].file), (7, "all.toml"));
}

/// Which limit it is, and for which value it is reached: also of a decision that is read again.
#[test]
fn a_limit_that_is_reached_says_which() {
    let text = rule("each", "limit = { per = \"call.from\", max = 3, within = \"10m\" }")
        + &rule("all", "limit = { max = 5, within = \"day\" }")
        + &rule("none", "limit = { per = \"call.from_name\", max = 1, within = \"1h\" }")
        + &rule("free", "");
    let (rules, event) = (rules(&text), ringing());
    let names = ["each", "all", "none", "free", "gone"].map(str::to_owned);
    let barred = rules.over_limit(&event, &names);
    assert_eq!(barred.len(), 5);
    let told: Vec<String> = rules
        .plan_but(&event, &barred)
        .verdicts
        .iter()
        .map(|verdict| match &verdict.finding {
            Finding::Failed(Failure { path, wanted, got }) => Failure::in_words(path, wanted, got),
            other => panic!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    limit: at most 3 within 10m for each call.from, reached for "+16135550142"
    limit: at most 5 within a day, reached
    limit: at most 1 within 1h for each call.from_name, reached for events without call.from_name
    limit: what it was when this was decided, reached
    "#);
}
