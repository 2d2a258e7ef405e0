//! How findings look to a person, whole.

use super::*;

fn rule(name: &str, on: &str, more: &str, action: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\non = \"{on}\"\n{more}do = [{{ {action} }}]\n")
}

fn redirect(name: &str, from: &str, to: &str) -> String {
    redirect_when(name, from, to, "")
}

fn redirect_when(name: &str, from: &str, to: &str, more: &str) -> String {
    let condition = format!("where = {{ call.endpoint = {from} }}\n{more}");
    rule(name, "call.ringing", &condition, &format!("redirect = {{ to = \"{to}\" }}"))
}

const HOURS: &str = "[hours.day]\nopen = \"Mo-Fr 09:00-17:00\"\n";

#[test]
fn an_unknown_kind() {
    insta::assert_snapshot!(found(&rule("r", "call.rining", "", "log = { message = \"x\" }")), @r#"
    unknown-kind

      × no kind of event is called `call.rining`
       ╭─[all.toml:3:6]
     3 │ on = "call.rining"
       ·      ─────────────
       ╰────
      help: did you mean `call.ringing`?
    "#);
}

#[test]
fn an_unknown_field_in_a_template() {
    insta::assert_snapshot!(found(&rule("r", "call.ringing", "", "redirect = { to = \"{{ call.form }}\" }")), @r#"
    unknown-field

      × there is no field `call.form`
       ╭─[all.toml:4:31]
     4 │ do = [{ redirect = { to = "{{ call.form }}" } }]
       ·                               ─────────
       ╰────
      help: did you mean `call.from`?
    "#);
}

#[test]
fn what_the_gateway_tells_of_itself_is_known() {
    let on = |kinds: &str, text: &str| {
        format!("[[rule]]\nname = \"r\"\non = {kinds}\ndo = [{{ log = {{ message = \"{{{{ {text} }}}}\" }} }}]\n")
    };
    for (kinds, text) in [
        (r#""gateway.dead_letter""#, "content.dead_letter.why"),
        (r#""gateway.breaker""#, "content.breaker.until"),
        (r#"["gateway.dead_letter", "gateway.breaker"]"#, "content.dead_letter.rule or content.breaker.host"),
        (r#""gateway.breaker""#, "content.timestamp"),
        (r#"["gateway.breaker", "gateway.var"]"#, "content.anything"),
        (r#""gateway.*""#, "content.anything"),
    ] {
        let report = found(&on(kinds, text));
        assert!(report.findings().is_empty(), "{report}");
    }
    insta::assert_snapshot!(found(&on(r#""gateway.dead_letter""#, "content.dead_leter.rule")), @r#"
    unknown-field

      × there is no field `content.dead_leter.rule`
       ╭─[all.toml:4:31]
     4 │ do = [{ log = { message = "{{ content.dead_leter.rule }}" } }]
       ·                               ───────────────────────
       ╰────
      help: in `content` there is `content.dead_letter`
    "#);
    insta::assert_snapshot!(found(&on(r#""gateway.breaker""#, "content.breaker.rule")), @r#"
    unknown-field

      × there is no field `content.breaker.rule`
       ╭─[all.toml:4:31]
     4 │ do = [{ log = { message = "{{ content.breaker.rule }}" } }]
       ·                               ────────────────────
       ╰────
      help: `content.breaker` has `host`, `whose`, `state`, `why`, `failures`, `until` and `seconds`
    "#);
}

#[test]
fn a_field_that_the_kind_never_has() {
    insta::assert_snapshot!(found(&rule("r", "call.ringing", "where = { message.body = \"x\" }\n", "log = { message = \"x\" }")), @r#"
    field-never-there

      × `message.body` is a field of chat.* events; call.ringing never has it
       ╭─[all.toml:4:11]
     4 │ where = { message.body = "x" }
       ·           ────────────
       ╰────
      help: call.ringing has `call.…`, `event.…`, `account.…` and the raw `content.…`
    "#);
}

#[test]
fn a_number_where_text_is_meant() {
    insta::assert_snapshot!(found(&rule("r", "call.ringing", "where = { call.endpoint = 3001 }\n", "log = { message = \"x\" }")), @r#"
    wrong-type

      × `call.endpoint` holds text; a number never equals it
       ╭─[all.toml:4:27]
     4 │ where = { call.endpoint = 3001 }
       ·                           ────
       ╰────
      help: write it in quotes: "3001"
    "#);
}

#[test]
fn rule_keys_after_the_steps() {
    let text = "[[rule]]\nname = \"r\"\non = \"call.ringing\"\n[[rule.do]]\nlog = { message = \"x\" }\nwhere = { call.endpoint = \"3001\" }\n";
    insta::assert_snapshot!(found(text), @r#"
    rule-key-in-step

      × `where` belongs to the rule, but stands in a step
       ╭─[all.toml:6:1]
     6 │ where = { call.endpoint = "3001" }
       · ─────
       ╰────
      help: in TOML what follows [[rule.do]] belongs to that step: write it above the first [[rule.do]]
    "#);
}

#[test]
fn do_twice() {
    let text = "[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{ log = { message = \"x\" } }]\n[[rule.do]]\nlog = { message = \"y\" }\n";
    insta::assert_snapshot!(found(text), @r#"
    do-twice

      × `do` is written twice in one rule
       ╭─[all.toml:5:8]
     5 │ [[rule.do]]
       ·        ──
       ╰────
      help: write all steps in `do = [{ … }]` or each in a `[[rule.do]]` of its own, never both
    "#);
}

#[test]
fn two_rules_of_one_name() {
    let log = rule("r", "call.ringing", "", "log = { message = \"x\" }");
    insta::assert_snapshot!(found(&(log.clone() + &log)), @r#"
    duplicate-name

      × there are two rules called `r`
       ╭─[all.toml:6:8]
     6 │ name = "r"
       ·        ───
       ╰────
      help: the other one is in all.toml:2
    "#);
}

#[test]
fn a_loop_of_redirects() {
    let text =
        redirect("a", "\"3001\"", "4001") + &redirect("b", "\"4001\"", "5001") + &redirect("c", "\"5001\"", "3001");
    insta::assert_snapshot!(found(&text), @r#"
    redirect-loop

      ⚠ these redirects go round in a loop: 3001 → 4001 → 5001 → 3001
        ╭─[all.toml:15:27]
     15 │ do = [{ redirect = { to = "3001" } }]
        ·                           ───┬──
        ·                              ╰── closes the loop
        ╰────
      help: the rules are `a`, `b`, `c`; let one of them lead out of the loop
    "#);
    let open = redirect("a", "\"3001\"", "4001") + &redirect("b", "\"4001\"", "5001");
    assert!(found(&open).is_empty());
}

#[test]
fn what_never_acts_together_is_no_loop_and_no_conflict() {
    let text = HOURS.to_owned()
        + &redirect_when("a", "\"3001\"", "4001", "while_open = \"day\"\n")
        + &redirect_when("b", "\"4001\"", "3001", "while_closed = \"day\"\n")
        + &redirect_when("c", "\"3001\"", "5001", "while_closed = \"day\"\n");
    assert!(found(&text).is_empty(), "{}", found(&text));
}

#[test]
fn two_rules_for_one_call() {
    let text = redirect("first", "\"3001\"", "4001") + &redirect("second", "[\"3001\", \"3002\"]", "5001");
    insta::assert_snapshot!(found(&text), @r#"
    two-rules-one-call

      ⚠ `first` and `second` can both match one call, and only one rule may take hold of it
       ╭─[all.toml:7:8]
     7 │ name = "second"
       ·        ────┬───
       ·            ╰── never acts then
       ╰────
      help: `first` (all.toml:2) would win. Make their `where` differ, or give both the same `route` if the order is meant
    "#);
}

#[test]
fn two_rules_that_differ_are_no_conflict() {
    let pair = |a: &str, b: &str| {
        let one = |name: &str, more: &str| {
            rule(
                name,
                "call.ringing",
                &format!("where = {{ call.endpoint = \"3001\", {more} }}\n"),
                "redirect = { to = \"1\" }",
            )
        };
        found(&(one("a", a) + &one("b", b)))
    };
    for (a, b, conflict) in [
        ("call.outside = true", "call.outside = false", false),
        ("call.outside = true", "call.direction = \"inbound\"", true),
        ("call.from = \"+16135550142\"", "call.from = { not = \"+16135550142\" }", false),
        ("call.from = { prefix = \"+49\" }", "call.from = { prefix = \"+1\" }", false),
        ("call.from = { prefix = \"+4930\" }", "call.from = { prefix = \"+49\" }", true),
        ("call.from = { exists = false }", "call.from = { prefix = \"+1\" }", false),
        ("call.from = \"12\"", "call.from = { regex = '^1$' }", false),
    ] {
        let report = pair(a, b);
        assert_eq!(report.len(), usize::from(conflict), "{a} / {b}: {report}");
    }
    let routed = redirect_when("a", "\"1\"", "2", "route = \"x\"\n")
        + &redirect_when("b", "[\"1\", \"9\"]", "3", "route = \"x\"\n");
    let report = found(&routed);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_bot_that_answers_itself() {
    let bot = |text: &str| {
        let condition = "where = { message.body = { contains = \"hello\" } }\n";
        found(&rule("bot", "chat.message", condition, &format!("reply = {{ text = \"{text}\" }}")))
    };
    insta::assert_snapshot!(bot("hello to you"), @r#"
    answers-itself

      ⚠ the rule `bot` would answer its own message
       ╭─[all.toml:5:26]
     5 │ do = [{ reply = { text = "hello to you" } }]
       ·                          ───────┬──────
       ·                                 ╰── this text matches the rule's own `where`
       ╰────
      help: answer with other words, or match more narrowly, such as with regex = '^hello$'
    "#);
    assert!(bot("Good morning.").is_empty());
}

#[test]
fn hours() {
    let text = "[hours.day]\nopen = \"Mo-Fr 09:00-17:00\"\ntimezone = \"Europe/Berln\"\n[hours.never]\nopen = \"off\"\nholidays = \"ontario\"\n[calendars.c]\ncountry = \"Canada\"\nadd = [\"tomorrow\"]\nics = [\"x.ics\"]\n";
    let report = found(text);
    let codes: Vec<&str> = report.findings().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["timezone", "unknown-calendar", "country", "date", "unreadable-file"], "{report}");
    assert!(report.to_string().contains("did you mean `Europe/Berlin`?"), "{report}");
    assert!(found("[hours.day]\nopen = \"Mo-Fr 9-25 foo\"\n").to_string().contains("all.toml:2:"));
}

#[test]
fn hours_that_hide_one_another() {
    insta::assert_snapshot!(found("[hours.day]\nopen = \"Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00\"\n"), @r#"
    hidden-hours

      ⚠ `Mo-Fr 13:00-17:00` replaces `Mo-Fr 09:00-12:00`, it does not add to it
       ╭─[all.toml:2:28]
     2 │ open = "Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00"
       ·                            ─────────────────
       ╰────
      help: two times of one day are joined by a comma: `Mo-Fr 09:00-12:00,13:00-17:00`
    "#);
}

#[test]
fn hours_without_a_time_zone() {
    let source = Source::new("all.toml", HOURS);
    let rules = compile(&[source], &World::default()).unwrap();
    insta::assert_snapshot!(rules.warnings(), @r#"
    no-time-zone

      ⚠ the hours `day` name no time zone, and the settings have no [locale]: UTC is taken until CloudLink's site is known
       ╭─[all.toml:1:8]
     1 │ [hours.day]
       ·        ───
       ╰────
      help: add `timezone = "America/Toronto"` here, or [locale] to switchhook.toml
    "#);
}

#[test]
fn what_stands_at_the_top() {
    let text = "[dialogs.vip]\nstart = \"x\"\n[[tset]]\n[rule]\nname = \"x\"\n";
    let report = found(text);
    let codes: Vec<&str> = report.findings().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["not-supported", "unknown-key", "wrong-type"], "{report}");
    assert!(found("[[test]]\nname = \"x\"\nevent = { kind = \"call.ringing\" }\n").is_empty());
}

#[test]
fn findings_of_several_files_come_together() {
    let one = Source::new("b.toml", rule("r", "call.rining", "", "log = { message = \"x\" }"));
    let two = Source::new("a.toml", "x = [");
    let report = compile(&[one, two], &world()).unwrap_err();
    let places: Vec<String> = report.to_json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{}:{} {}", finding["file"].as_str().unwrap(), finding["line"], finding["code"].as_str().unwrap())
        })
        .collect();
    assert_eq!(places, ["a.toml:1 syntax", "b.toml:3 unknown-kind"]);
}

#[test]
fn colour_is_a_choice() {
    let report = found(&rule("r", "call.rining", "", "log = { message = \"x\" }"));
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains('\u{1b}'));
}

#[test]
fn a_very_long_line_is_not_drawn() {
    let text = format!("x = [{}", "\"y\", ".repeat(100_000));
    let shown = found(&text).to_string();
    assert!(shown.contains("all.toml:1:") && shown.len() < 2000, "{}", shown.len());
}

#[test]
fn what_is_no_toml() {
    let shown = |text: &str| {
        let report = found(text);
        let findings = report.findings().into_iter().map(|finding| {
            let help = finding.help.clone().unwrap_or_default();
            format!(
                "{}: {} at {:?} ({help})",
                finding.code,
                finding.message,
                &finding.source.text[finding.span.clone()]
            )
        });
        findings.collect::<Vec<_>>().join("\n")
    };
    let texts = [
        "[[rule]]\nname = \"a\non = \"call.ringing\"\n",
        "[[rule]]\nname = after hours\n",
        "[[rule]\nname = \"x\"\n",
        "[[rule]]\nwhere = { call.from = \"1\"\n",
        "[[rule]]\nname = \"a\"\nname = \"b\"\n",
        "[[rule]]\n[[rule.do]]\nlog = {}\n[rule.do]\n",
        "x = 0123\n",
        "[hours.a]\nopen = 'x'\n[hours.a]\n",
    ];
    insta::assert_snapshot!(texts.map(shown).join("\n"), @r#"
    syntax: this is not TOML: invalid basic string, expected `"` at "" (text stands between quotes, in one line: "…" or '…')
    syntax: this is not TOML: string values must be quoted, expected literal string at "after hours" (text stands between quotes, in one line: "…" or '…')
    syntax: this is not TOML: unclosed array table, expected `]` at "" (a list of tables has two brackets on each side: [[rule]])
    syntax: this is not TOML: unclosed inline table, expected `}` at "" (is a } missing?)
    duplicate-key: `name` is written twice in one table at "name" (keep one of the two, or join them in a list)
    do-twice: `do` is written twice in one rule at "do" (write all steps in `do = [{ … }]` or each in a `[[rule.do]]` of its own, never both)
    syntax: this is not TOML: unexpected leading zero at "0" (extensions and phone numbers are text: write them in quotes)
    duplicate-key: `a` is written twice in one table at "a" (keep one of the two, or join them in a list)
    "#);
}

#[test]
fn a_part_that_changes_nothing() {
    let shown = found("[hours.day]\nopen = \"Dec 24 off; Mo-Fr 08:30-12:00\"\n").to_string();
    assert!(shown.contains("hidden-hours") && shown.contains("all.toml:2:8"), "{shown}");
    assert!(found("[hours.day]\nopen = \"Mo-Fr 08:30-12:00; Sa 10:00-11:00; Su off; PH off\"\n").is_empty());
}

#[test]
fn holidays_that_nobody_knows_yet() {
    let source = Source::new("all.toml", "[hours.day]\nopen = \"Mo-Fr 08:30-12:00; PH off\"\n");
    let late = World { now: "2120-01-01T00:00:00Z".parse().unwrap(), ..world() };
    let rules = compile(&[source], &late).unwrap();
    let codes: Vec<&str> = rules.warnings().findings().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["holidays-end"], "{}", rules.warnings());
}

#[test]
fn steps() {
    let shown = |steps: &str| {
        found(&format!("[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{steps}]\n[vars.night]\n")).to_string()
    };
    insta::assert_snapshot!(shown("{ blind_transfer = { two = \"4001\" } }"), @r#"
    unknown-key

      × `blind_transfer` has no key `two`
       ╭─[all.toml:4:28]
     4 │ do = [{ blind_transfer = { two = "4001" } }]
       ·                            ───
       ╰────
      help: did you mean `to`?
    "#);
    insta::assert_snapshot!(shown("{ blnd_transfer = { to = \"4001\" } }"), @r#"
    unknown-action

      × there is no action called `blnd_transfer`
       ╭─[all.toml:4:9]
     4 │ do = [{ blnd_transfer = { to = "4001" } }]
       ·         ─────────────
       ╰────
      help: did you mean `blind_transfer`?
    "#);
    insta::assert_snapshot!(shown("{ answer = {}, hold = {} }"), @r#"
    two-actions

      × a step has one action; here are `answer` and `hold`
       ╭─[all.toml:4:22]
     4 │ do = [{ answer = {}, hold = {} }]
       ·                      ────
       ╰────
      help: write two steps
    "#);
    insta::assert_snapshot!(shown("{ as = \"x\" }"), @r#"
    no-action

      × this step has no action
       ╭─[all.toml:4:7]
     4 │ do = [{ as = "x" }]
       ·       ────────────
       ╰────
      help: such as `redirect`, `reply`, `http` or `log`; docs/rules.md lists them all
    "#);
    insta::assert_snapshot!(shown("{ send = { to = \"u-1\" } }"), @r#"
    missing-key

      × `send` needs `text, html or card`
       ╭─[all.toml:4:9]
     4 │ do = [{ send = { to = "u-1" } }]
       ·         ────
       ╰────
      help: write it such as `send = { to = "{{ call.user }}", text = "…" }`
    "#);
    insta::assert_snapshot!(shown("{ reply = { text = \"x\" } }"), @r#"
    action-without-target

      × `reply` answers a message, and call.ringing has no conversation
       ╭─[all.toml:4:9]
     4 │ do = [{ reply = { text = "x" } }]
       ·         ─────
       ╰────
      help: say which: `conversation = …`
    "#);
    insta::assert_snapshot!(shown("{ dtmf = { digits = 12 }, timeout = \"soon\" }"), @r#"
    wrong-type

      × `digits` takes text, not a number
       ╭─[all.toml:4:27]
     4 │ do = [{ dtmf = { digits = 12 }, timeout = "soon" }]
       ·                           ──
       ╰────
      help: write it in quotes: "12"
    duration

      × `timeout` is a duration; "soon" is none
       ╭─[all.toml:4:43]
     4 │ do = [{ dtmf = { digits = 12 }, timeout = "soon" }]
       ·                                           ──────
       ╰────
      help: durations are written such as "20s", "5m", "1h30m", "800ms"
    "#);
    insta::assert_snapshot!(shown("{ http = { get = \"https://x/{{ card.body }}\" }, as = \"card\" }"), @r#"
    used-before-set

      × `card` is what this step returns, and it has not returned yet
       ╭─[all.toml:4:38]
     4 │ do = [{ http = { get = "https://x/{{ card.body }}" }, as = "card" }]
       ·                                      ─────────
       ╰────
      help: steps run in order; what one returns is there for those behind it
    "#);
    insta::assert_snapshot!(shown("{ set = { night = \"closed\", until = \"8\" } }"), @r#"
    time

      × `until` is a time; "8" is none
       ╭─[all.toml:4:43]
     4 │ do = [{ set = { night = "closed", until = "8" } }]
       ·                                           ───
       ╰────
      help: times are written "08:00", the next one that comes, or "2026-12-08 08:00"
    "#);
    insta::assert_snapshot!(shown("{ redirect = { to = \"4001\" }, to = \"4002\" }"), @r#"
    unknown-key

      × there is no key of a step called `to`
       ╭─[all.toml:4:37]
     4 │ do = [{ redirect = { to = "4001" }, to = "4002" }]
       ·                                     ──
       ╰────
      help: arguments stand inside of the action, as `to` in `redirect = { to = … }`
    "#);
    insta::assert_snapshot!(shown("{ dialog = { name = \"frontdesk\", conversation = \"c-1\" } }"), @r#"
    not-supported

      × `[dialogs.frontdesk]` is not supported by this version yet
       ╭─[all.toml:4:27]
     4 │ do = [{ dialog = { name = "frontdesk", conversation = "c-1" } }]
       ·                           ───────────
       ╰────
    "#);
}
