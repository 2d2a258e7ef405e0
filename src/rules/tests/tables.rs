//! Tables and numbers in rules: what is bound, what is looked up, what is found wrong.

use super::*;

const EXT: &str = "[tables.ext]\nfile = \"ext.csv\"\nkey = \"extension\"\n";
const VIP: &str = "[tables.vip]\nfile = \"vip.csv\"\nkey = \"phone\"\nphone = true\n";
const AREAS: &str =
    "[tables.areas]\nfile = \"areas.csv\"\nkey = \"prefix\"\nmatch = \"longest-prefix\"\nphone = true\n";

fn files(more: &[(&str, &str)]) -> Attached {
    let files = [
        ("ext.csv", "extension,night,lunch\n3001,4001,4011\n3002,4002,\n0042,4042,4052\n"),
        ("vip.csv", "phone,name,extension\n+1 613 555 0142,Ada,2001\n613 555 0143,Bob,2002\n"),
        ("areas.csv", "prefix,extension\n+1613,4100\n613555,4177\n"),
    ];
    let files = files.iter().chain(more).map(|(name, text)| ((*name).to_owned(), Source::new(*name, *text)));
    Attached::Given(Arc::new(files.collect()))
}

fn compiled(text: &str, more: &[(&str, &str)]) -> Result<RuleSet, Report> {
    compile(&[Source::new("all.toml", text)], &World { attached: files(more), ..world() })
}

fn found(text: &str, more: &[(&str, &str)]) -> Report {
    match compiled(text, more) {
        Ok(rules) => rules.warnings().clone(),
        Err(report) => report,
    }
}

fn rule(condition: &str, to: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhere = {{ {condition} }}\ndo = [{{ redirect = {{ to = '{to}' }} }}]\n"
    )
}

/// Where the first rule that matches redirects to.
fn target(rules: &RuleSet, event: &Event) -> Option<String> {
    let plan = rules.plan(event);
    let run = plan.runs.first()?;
    // As the journal keeps it.
    let bindings = serde_json::from_str(&serde_json::to_string(&run.bindings).unwrap()).unwrap();
    let scope = Scope::new(rules, event, &bindings, &serde_json::Map::new(), event.time);
    match run.rule.steps[0].render(&scope) {
        Ok(Some(request::Request::Redirect { to, .. })) => Some(to),
        other => Some(format!("{other:?}")),
    }
}

fn call(endpoint: &str, from: &str) -> Event {
    let mut event = ringing();
    event.fields["call"]["endpoint"] = endpoint.into();
    event.fields["call"]["from"] = from.into();
    event
}

#[test]
fn the_row_of_a_table_is_bound() {
    let rules =
        compiled(&(EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.lunch or ext.night }}")), &[]);
    let rules = rules.unwrap();
    assert!(rules.warnings().is_empty(), "{}", rules.warnings());
    for (endpoint, to) in
        [("3001", Some("4011")), ("3002", Some("4002")), ("0042", Some("4052")), ("42", None), ("3003", None)]
    {
        assert_eq!(target(&rules, &call(endpoint, "+16135550142")).as_deref(), to, "{endpoint}");
    }
}

#[test]
fn one_of_several_tables_and_none_of_them() {
    let text = VIP.to_owned()
        + AREAS
        + &rule("call.from = { table = [\"vip\", \"areas\"] }", "{{ vip.extension or areas.extension }}");
    let rules = compiled(&text, &[]).unwrap();
    for (from, to) in [
        ("+16135550142", Some("2001")),
        ("+16135550143", Some("2002")),
        ("+16135550199", Some("4177")),
        ("+16137770000", Some("4100")),
        ("+15145550142", None),
        ("2001", None),
    ] {
        assert_eq!(target(&rules, &call("3001", from)).as_deref(), to, "{from}");
    }
    let none = compiled(&(VIP.to_owned() + &rule("call.from = { not = { table = \"vip\" } }", "9")), &[]).unwrap();
    assert_eq!(target(&none, &call("3001", "+16135550142")), None);
    assert_eq!(target(&none, &call("3001", "+16135550199")).as_deref(), Some("9"));
    let mut withheld = ringing();
    withheld.fields["call"].as_object_mut().unwrap().remove("from");
    assert_eq!(target(&none, &withheld).as_deref(), Some("9"));
}

#[test]
fn tables_are_values_too() {
    for (template, to) in [
        ("{{ tables.ext[\"3002\"].night }}", "4002"),
        ("{{ tables.ext[call.endpoint].night }}", "4001"),
        ("{{ tables.areas[call.from].extension }}", "4177"),
        ("{{ tables.vip[\"613 555 0143\"].extension }}", "2002"),
        ("{{ tables.ext[\"9\"].night or \"none\" }}", "none"),
        ("{{ tables.ext[3001].night or \"none\" }}", "none"),
        ("{{ tables.ext[call.user].night or \"none\" }}", "none"),
    ] {
        let text = EXT.to_owned() + VIP + AREAS + &rule("call.endpoint = \"3001\"", template);
        let rules = compiled(&text, &[]).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(target(&rules, &call("3001", "+16135550142")).as_deref(), Some(to), "{template}");
    }
    let when = "[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhen = 'tables.vip[call.from].name == \"Ada\"'\ndo = [{ redirect = { to = \"9\" } }]\n";
    let rules = compiled(&(VIP.to_owned() + when), &[]).unwrap();
    assert_eq!(target(&rules, &call("3001", "+16135550142")).as_deref(), Some("9"));
    assert_eq!(target(&rules, &call("3001", "+16135550143")), None);
}

#[test]
fn a_changed_table_is_another_rule_set() {
    let text = EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.night }}");
    let (one, other) =
        (compiled(&text, &[]).unwrap(), compiled(&text, &[("ext.csv", "extension,night\n1,2\n")]).unwrap());
    assert_ne!(one.hash(), other.hash());
    assert_eq!(one.attached().iter().map(|name| &**name).collect::<Vec<_>>(), ["ext.csv"]);
}

#[test]
fn names_of_tables_and_columns_are_known() {
    let text = EXT.to_owned()
        + "[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhere = { call.endpoint = { table = \"ext\" }, call.from = { table = \"vips\" } }\n"
        + "do = [{ redirect = { to = '{{ ext.nihgt or tables.exts[\"1\"].night or tables.ext[call.from].lnuch or ext.night.x }}' } }]\n";
    insta::assert_snapshot!(found(&text, &[]), @r#"
    unknown-table

      × no table is called `vips`
       ╭─[all.toml:7:68]
     7 │ where = { call.endpoint = { table = "ext" }, call.from = { table = "vips" } }
       ·                                                                    ──────
       ╰────
      help: known are `ext`
    unknown-column

      × the table `ext` has no column `nihgt`
       ╭─[all.toml:8:31]
     8 │ do = [{ redirect = { to = '{{ ext.nihgt or tables.exts["1"].night or tables.ext[call.from].lnuch or ext.night.x }}' } }]
       ·                               ─────────
       ╰────
      help: did you mean `night`?
    unknown-table

      × no table is called `exts`
       ╭─[all.toml:8:44]
     8 │ do = [{ redirect = { to = '{{ ext.nihgt or tables.exts["1"].night or tables.ext[call.from].lnuch or ext.night.x }}' } }]
       ·                                            ──────────────────────
       ╰────
      help: did you mean `ext`?
    unknown-column

      × the table `ext` has no column `lnuch`
       ╭─[all.toml:8:70]
     8 │ do = [{ redirect = { to = '{{ ext.nihgt or tables.exts["1"].night or tables.ext[call.from].lnuch or ext.night.x }}' } }]
       ·                                                                      ───────────────────────────
       ╰────
      help: did you mean `lunch`?
    unknown-field

      × a cell is plain text: there is nothing below it, so `ext.night.x` does not exist
       ╭─[all.toml:8:101]
     8 │ do = [{ redirect = { to = '{{ ext.nihgt or tables.exts["1"].night or tables.ext[call.from].lnuch or ext.night.x }}' } }]
       ·                                                                                                     ───────────
       ╰────
    "#);
}

#[test]
fn a_table_that_does_not_hold_together() {
    let text = "[tables.a]\nfile = \"none.csv\"\nkey = \"k\"\nmtach = \"exact\"\n[tables.b-c]\nkey = \"k\"\nmatch = \"prefix\"\n[tables.d]\nfile = \"ext.csv\"\nkey = \"ext\"\n";
    insta::assert_snapshot!(found(text, &[]), @r#"
    unreadable-file

      × `none.csv`: there is no such file
       ╭─[all.toml:2:8]
     2 │ file = "none.csv"
       ·        ──────────
       ╰────
      help: its path is relative to the file that names it
    unknown-key

      × a table has no key `mtach`
       ╭─[all.toml:4:1]
     4 │ mtach = "exact"
       · ─────
       ╰────
      help: did you mean `match`?
    bad-name

      × `b-c` can't be used in templates
       ╭─[all.toml:5:9]
     5 │ [tables.b-c]
       ·         ───
       ╰────
      help: letters, digits and _ only, such as [tables.area_codes]
    missing-key

      × the table `b-c` has no `file`
       ╭─[all.toml:5:9]
     5 │ [tables.b-c]
       ·         ───
       ╰────
      help: write it such as `file = "extensions.csv", key = "extension"`
    unknown-value

      × `match` is "exact" or "longest-prefix"
       ╭─[all.toml:7:9]
     7 │ match = "prefix"
       ·         ────────
       ╰────
      help: known are `exact` and `longest-prefix`
    unknown-column

      × the table has no column `ext`, which its key is said to be
       ╭─[ext.csv:1:1]
     1 │ extension,night,lunch
       · ─────────────────────
       ╰────
      help: did you mean `extension`?
    "#);
}

#[test]
fn an_empty_cell_as_a_destination() {
    let found = |to: &str| found(&(EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", to)), &[]);
    insta::assert_snapshot!(found("{{ ext.lunch }}"), @r#"
    empty-cell

      ⚠ `lunch` is empty in the row `3002` (ext.csv:3): the call would stay where it is
       ╭─[all.toml:8:27]
     8 │ do = [{ redirect = { to = '{{ ext.lunch }}' } }]
       ·                           ─────────────────
       ╰────
      help: fill the cell, or say what then: {{ ext.lunch or "4000" }}
    "#);
    for fine in
        ["{{ ext.night }}", "{{ ext.lunch or ext.night }}", "{{ ext.lunch or \"4000\" }}", "{{ ext.lunch or call.to }}"]
    {
        assert!(found(fine).is_empty(), "{fine}: {}", found(fine));
    }
}

#[test]
fn loops_inside_a_table() {
    let text = EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.night }}");
    let round = ("ext.csv", "extension,night\n3001,4001\n4001,5001\n5001,3001\n6001,3001\n7001,9999\n");
    insta::assert_snapshot!(found(&text, &[round]), @r#"
    redirect-loop

      ⚠ these redirects go round in a loop: 3001 → 4001 → 5001 → 3001
       ╭─[all.toml:8:27]
     8 │ do = [{ redirect = { to = '{{ ext.night }}' } }]
       ·                           ────────┬────────
       ·                                   ╰── closes the loop
       ╰────
      help: the rule is `r`, with rows of ext.csv; let one way lead out of the loop
    "#);
    let own = ("ext.csv", "extension,night\n3001,3001\n3002,4001\n");
    insta::assert_snapshot!(found(&text, &[own]), @r#"
    redirect-to-self

      × `r` would redirect a call to 3001 to 3001, where it already rings
       ╭─[ext.csv:2:6]
     2 │ 3001,3001
       ·      ────
       ╰────
      help: write another number here, or take the row out
    "#);
}

#[test]
fn loops_through_a_table_and_a_rule() {
    let back = "[[rule]]\nname = \"back\"\non = \"call.ringing\"\nwhere = { call.endpoint = \"4002\" }\ndo = [{ redirect = { to = \"3002\" } }]\n";
    let text = EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.night }}") + back;
    insta::assert_snapshot!(found(&text, &[]), @r#"
    redirect-loop

      ⚠ these redirects go round in a loop: 3002 → 4002 → 3002
        ╭─[all.toml:13:27]
     13 │ do = [{ redirect = { to = "3002" } }]
        ·                           ───┬──
        ·                              ╰── closes the loop
        ╰────
      help: the rules are `r`, `back`, with rows of ext.csv; let one of them lead out of the loop
    "#);
}

#[test]
fn a_large_table_with_loops_is_looked_at_in_bounded_time() {
    let mut csv = "extension,night\n".to_owned();
    for n in 0..100_000 {
        csv += &[n, (n + 1) % 100_000].map(|n| n.to_string()).join(",");
        csv.push('\n');
    }
    let text = EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.night }}");
    compiled(&text, &[("ext.csv", &csv)]).unwrap();
}

#[test]
fn numbers_that_no_call_has() {
    let rule = |condition: &str| {
        format!(
            "[[rule]]\nname = \"r\"\non = \"call.ringing\"\nwhere = {{ {condition} }}\ndo = [{{ log = {{ message = \"x\" }} }}]\n"
        )
    };
    let text = rule("call.from = \"6135550142\"").replace("\"r\"", "\"a\"")
        + &rule("call.from = { prefix = [\"613\", \"20\"] }").replace("\"r\"", "\"b\"")
        + &rule("call.from = { not = [\"+1613\", \"anonymous\", \"2001\"] }").replace("\"r\"", "\"c\"");
    insta::assert_snapshot!(found(&text, &[]), @r#"
    never-a-number

      ⚠ `call.from` never is `6135550142`
       ╭─[all.toml:4:23]
     4 │ where = { call.from = "6135550142" }
       ·                       ────────────
       ╰────
      help: numbers are in E.164 there: write "+16135550142"
    never-a-number

      ⚠ no number in `call.from` begins with `613`
       ╭─[all.toml:9:35]
     9 │ where = { call.from = { prefix = ["613", "20"] } }
       ·                                   ─────
       ╰────
      help: numbers are in E.164 there: write "+1613"
    never-a-number

      ⚠ `call.from` never is `+1613`: no number is so short or so long, or has this country code
        ╭─[all.toml:14:32]
     14 │ where = { call.from = { not = ["+1613", "anonymous", "2001"] } }
        ·                                ───────
        ╰────
      help: is `{ prefix = "+1613" }` meant?
    never-a-number

      ⚠ `call.from` never is `anonymous`: a number that is withheld is missing
        ╭─[all.toml:14:41]
     14 │ where = { call.from = { not = ["+1613", "anonymous", "2001"] } }
        ·                                         ───────────
        ╰────
      help: write `{ exists = false }`, or ask for the text itself in `call.from_raw`
    "#);
    for fine in [
        "call.from = \"+16135550142\"",
        "call.from = \"2001\"",
        "call.from_raw = \"6135550142\"",
        "call.from = { prefix = \"+1613\" }",
    ] {
        assert!(found(&rule(fine), &[]).is_empty(), "{fine}");
    }
}

#[test]
fn what_a_table_matched_is_explained() {
    let rules =
        compiled(&(EXT.to_owned() + &rule("call.endpoint = { table = \"ext\" }", "{{ ext.night }}")), &[]).unwrap();
    let verdicts = rules.explain(&call("3003", "+16135550142"));
    let Finding::Failed(failure) = &verdicts[0].finding else { panic!("{verdicts:?}") };
    assert_eq!((&*failure.path, &*failure.wanted, &*failure.got), ("call.endpoint", "table \"ext\"", "\"3003\""));
}

#[test]
fn a_table_beside_an_equality_is_looked_up_only_where_that_holds() {
    let text = rule("call.endpoint = \"3001\", call.from = { table = \"vip\" }", "{{ vip.extension }}");
    let rules = compiled(&(VIP.to_owned() + &text), &[]).unwrap();
    let candidates = |endpoint: &str| rules.index.candidates(&rules.rules, &call(endpoint, "+16135550142"));
    assert_eq!((candidates("3001"), candidates("3002")), (vec![0], vec![]));
}
