//! Tables from outside: text in, rows and findings out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::language::Report;

fn read_as(text: &str, key: &str, matching: Match, phone: Option<&Numbers>) -> (Option<Sheet>, Report) {
    let mut report = Report::default();
    let sheet = read(&Source::new("t.csv", text), &Shape { key, matching, phone }, &mut report);
    (sheet, report)
}

fn table(text: &str) -> Sheet {
    let (sheet, report) = read_as(text, "k", Match::Exact, None);
    assert!(report.is_empty(), "{report}");
    sheet.unwrap()
}

fn canada() -> Numbers {
    Numbers::of(Some("CA"))
}

#[test]
fn a_key_finds_its_row() {
    let sheet = table("k,night,lunch\n2001,4001,4011\n0042,,\"a, \"\"b\"\"\"\n");
    let row = sheet.table.find("0042").unwrap();
    assert_eq!((row.cell("night"), row.cell("lunch"), row.cell("none")), (None, Some("a, \"b\""), None));
    assert_eq!(row.to_json(), serde_json::json!({ "k": "0042", "lunch": "a, \"b\"" }));
    assert_eq!(sheet.table.find("2001").and_then(|row| row.cell("night")), Some("4001"));
    for none in ["42", "", "200", "20011", "k"] {
        assert!(sheet.table.find(none).is_none(), "{none}");
    }
}

#[test]
fn what_spreadsheets_write_is_read() {
    let wanted = table("k,a\n1,x\n2,y\n").table.rows().map(|row| row.to_json()).collect::<Vec<_>>();
    for text in [
        "\u{feff}k,a\r\n1,x\r\n2,y\r\n",
        "k,a,\n1,x,\n2,y,\n,,\n",
        "\n\nk,a\n\n1,x\n\n\n2,y",
        "\"k\",\"a\"\n\"1\",\"x\"\n\"2\",\"y\"\n",
        "k , a\n 1 , x\n2,\ty \n",
    ] {
        let sheet = table(text);
        assert_eq!(sheet.table.rows().map(|row| row.to_json()).collect::<Vec<_>>(), wanted, "{text:?}");
        let second = sheet.table.find("2").unwrap();
        let span = sheet.span(&second, "a");
        assert_eq!(sheet.source.text[span.clone()].trim_matches('"'), "y", "{text:?}");
        let line = 1 + text[..span.start].matches('\n').count();
        assert_eq!(sheet.line(&second), line, "{text:?}");
    }
}

#[test]
fn the_longest_beginning_counts() {
    let text = "p,to\n+1613,4100\n+1613777,4177\n514,4200\n+,4999\n";
    let numbers = canada();
    let (sheet, report) = read_as(text, "p", Match::LongestPrefix, Some(&numbers));
    assert!(report.is_empty(), "{report}");
    let table = sheet.unwrap().table;
    for (number, to) in [
        ("+16135550142", Some("4100")),
        ("+16137770000", Some("4177")),
        ("1 613 777 0000", Some("4177")),
        ("+15145550142", Some("4200")),
        ("+4930123456", Some("4999")),
        ("2001", None),
        ("anonymous", None),
    ] {
        assert_eq!(table.find(number).and_then(|row| row.cell("to")), to, "{number}");
    }
}

#[test]
fn keys_of_numbers_are_read_as_calls_are() {
    let text = "phone,name\n+1 613 555 0142,Ada\n613 555 0143,Bob\n2001,Desk\n";
    let numbers = canada();
    let (sheet, report) = read_as(text, "phone", Match::Exact, Some(&numbers));
    assert!(report.is_empty(), "{report}");
    let table = sheet.unwrap().table;
    for (number, name) in [("+16135550142", "Ada"), ("+16135550143", "Bob"), ("6135550143", "Bob"), ("2001", "Desk")] {
        assert_eq!(table.find(number).and_then(|row| row.cell("name")), Some(name), "{number}");
    }
    let row = table.find("+16135550142").unwrap();
    assert_eq!((row.key(), row.cell("phone")), ("+16135550142", Some("+1 613 555 0142")), "cells are as written");
}

#[test]
fn everything_wrong_is_found_in_one_run() {
    let text =
        "k,night,lunch\n2001,4001\n2002,4002,4012,\"x\"\n,4003,4013\n2001,4004,4014\n\n2005,\"4005,\n2006,4006,\n";
    let (sheet, report) = read_as(text, "k", Match::Exact, None);
    insta::assert_snapshot!(report, @r#"
    short-row

      ⚠ this row has 2 cells, and the header names 3: `lunch` is missing
       ╭─[t.csv:2:1]
     2 │ 2001,4001
       · ─────────
       ╰────
      help: write a comma for each cell that is empty
    long-row

      × this row has 4 cells, and the header names 3
       ╭─[t.csv:3:16]
     3 │ 2002,4002,4012,"x"
       ·                ───
       ╰────
      help: a cell with a comma in it stands in quotes: "…, …"
    empty-key

      × the key `k` of this row is empty
       ╭─[t.csv:4:1]
     4 │ ,4003,4013
       · ▲
       ╰────
    duplicate-key

      × the key `2001` is also that of line 2
       ╭─[t.csv:5:1]
     5 │ 2001,4004,4014
       · ────
       ╰────
      help: each key has one row; take one of the two out
    short-row

      ⚠ this row has 2 cells, and the header names 3: `lunch` is missing
       ╭─[t.csv:7:1]
     7 │ 2005,"4005,
       · ───────────
       ╰────
      help: a cell in quotes may go over several lines; is a closing quote missing?
    "#);
    assert_eq!(sheet.unwrap().table.len(), 2);
}

#[test]
fn keys_that_no_call_has() {
    let text = "phone\nAda\n+1613\nanonymous\n6135550142\n+1 (613) 555-0142\n";
    let numbers = canada();
    insta::assert_snapshot!(read_as(text, "phone", Match::Exact, Some(&numbers)).1, @r#"
    key-never-matches

      ⚠ the key `Ada` can never equal a number: it is no number
       ╭─[t.csv:2:1]
     2 │ Ada
       · ───
       ╰────
      help: write numbers such as +16135550142, or with [locale] country as they are dialled there
    key-never-matches

      ⚠ the key `+1613` can never equal a number: it is too short or too long for a number, or of no country
       ╭─[t.csv:3:1]
     3 │ +1613
       · ─────
       ╰────
      help: write numbers such as +16135550142, or with [locale] country as they are dialled there
    key-never-matches

      ⚠ the key `anonymous` can never equal a number: it stands for a caller who does not say; such a number is missing
       ╭─[t.csv:4:1]
     4 │ anonymous
       · ─────────
       ╰────
      help: write numbers such as +16135550142, or with [locale] country as they are dialled there
    duplicate-key

      × the key `+1 (613) 555-0142` is the same number as `6135550142` in line 5
       ╭─[t.csv:6:1]
     6 │ +1 (613) 555-0142
       · ─────────────────
       ╰────
      help: each key has one row; take one of the two out
    "#);
    insta::assert_snapshot!(read_as("p\nOttawa\n613\n1613\n", "p", Match::LongestPrefix, Some(&numbers)).1, @r#"
    key-never-matches

      ⚠ the key `Ottawa` can never equal a number: it is not how numbers begin
       ╭─[t.csv:2:1]
     2 │ Ottawa
       · ──────
       ╰────
      help: write numbers such as +16135550142, or with [locale] country as they are dialled there
    duplicate-key

      × the key `1613` is the same number as `613` in line 3
       ╭─[t.csv:4:1]
     4 │ 1613
       · ────
       ╰────
      help: each key has one row; take one of the two out
    "#);
}

#[test]
fn headers_that_do_not_hold_together() {
    insta::assert_snapshot!(read_as("", "k", Match::Exact, None).1, @r#"
      t.csv:1:1
    no-header

      × the table is empty: its first row names the columns
    "#);
    insta::assert_snapshot!(read_as("k;a\n1;2\n", "k", Match::Exact, None).1, @r#"
    unknown-column

      × the table has no column `k`, which its key is said to be
       ╭─[t.csv:1:1]
     1 │ k;a
       · ───
       ╰────
      help: cells are separated by commas; this file seems to use semicolons
    "#);
    insta::assert_snapshot!(read_as("kay,a,a\n1,2,3\n", "key", Match::Exact, None).1, @r#"
    unknown-column

      × the table has no column `key`, which its key is said to be
       ╭─[t.csv:1:1]
     1 │ kay,a,a
       · ───────
       ╰────
      help: did you mean `kay`?
    duplicate-column

      × two columns are called `a`
       ╭─[t.csv:1:7]
     1 │ kay,a,a
       ·       ─
       ╰────
      help: give one of them another name
    "#);
}

#[test]
fn a_large_table_is_read_and_one_that_is_too_large_is_told() {
    let mut text = String::from("k,v\n");
    for n in 0..1_000_001 {
        text += &n.to_string();
        text += ",x\n";
    }
    let (sheet, report) = read_as(&text, "k", Match::Exact, None);
    let sheet = sheet.unwrap();
    assert_eq!(sheet.table.len(), 1_000_000);
    assert_eq!(sheet.table.find("999999").unwrap().place(), 999_999);
    let found: Vec<_> = report.findings().iter().map(|finding| finding.code).collect();
    assert_eq!(found, ["table-too-large"]);
    assert!(report.to_string().contains("t.csv:1000002:1"), "{report}");
}

#[test]
fn a_header_of_countless_columns_is_refused_at_once() {
    let header = |columns: usize| (0..columns).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let (sheet, report) = read_as(&format!("{}\n1\n", header(1_000_000)), "c1", Match::Exact, None);
    let found: Vec<_> = report.findings().iter().map(|finding| finding.code).collect();
    assert!(sheet.is_none() && found == ["table-too-large"], "{found:?}");
    assert!(read_as(&header(1000), "c1", Match::Exact, None).0.is_some());
}

/// A cell as CSV has it.
fn written(cell: &str, quoted: bool) -> String {
    if quoted || cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn cell() -> impl Strategy<Value = String> {
    "[a-z0-9,\"é\n ]{0,6}".prop_map(|cell| cell.trim().to_owned())
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        rows in proptest::collection::btree_map("[a-z0-9,\"é]{1,6}", (cell(), cell()), 0..12),
        quoted in any::<bool>(), crlf in any::<bool>(), bom in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
        let lines = [("k".to_owned(), ("a".to_owned(), "b".to_owned()))].into_iter().chain(rows.clone());
        for (key, (a, b)) in lines {
            let cells = [&key, &a, &b].map(|cell| written(cell, quoted));
            text.push_str(&(cells.join(",") + end));
        }
        let sheet = table(&text);
        prop_assert_eq!(sheet.table.len(), rows.len());
        for (key, (a, b)) in &rows {
            let row = sheet.table.find(key).unwrap();
            prop_assert_eq!(row.cell("a").unwrap_or_default(), a);
            prop_assert_eq!(row.cell("b").unwrap_or_default(), b);
            let there = &text[sheet.span(&row, "b")];
            prop_assert!(there == written(b, true) || there == written(b, false), "{:?} for {:?}", there, b);
        }
    }

    #[test]
    fn the_longest_beginning_is_that_of_a_scan(
        keys in proptest::collection::btree_map("[ab]{1,5}|é[ab]{0,3}", 0..9_u8, 0..20),
        values in proptest::collection::vec("[ab]{0,8}|é[abé]{0,5}", 0..20),
    ) {
        let mut text = "k,v\n".to_owned();
        for (key, v) in &keys {
            text += &[key.as_str(), ",", &v.to_string(), "\n"].concat();
        }
        let table = read_as(&text, "k", Match::LongestPrefix, None).0.unwrap().table;
        let keys: BTreeMap<&str, String> = keys.iter().map(|(key, v)| (key.as_str(), v.to_string())).collect();
        for value in &values {
            let scanned = keys.iter().filter(|(key, _)| value.starts_with(**key)).max_by_key(|(key, _)| key.len());
            prop_assert_eq!(table.find(value).and_then(|row| row.cell("v")), scanned.map(|(_, v)| v.as_str()));
        }
    }

    #[test]
    fn any_text_is_read(text in "(k,?|[,\"\n\r;a-c é]){0,60}", longest in any::<bool>(), phone in any::<bool>()) {
        let numbers = canada();
        let matching = if longest { Match::LongestPrefix } else { Match::Exact };
        let (sheet, report) = read_as(&format!("k,a\n{text}"), "k", matching, phone.then_some(&numbers));
        let _ = report.render(false);
        let sheet = sheet.unwrap();
        for row in sheet.table.rows() {
            prop_assert_eq!(sheet.table.find(row.key()).map(|found| found.place()), Some(row.place()));
            let _ = (sheet.span(&row, "a"), row.to_json());
        }
    }
}

/// Against every value that could find a row.
#[test]
fn tables_are_apart_when_no_value_finds_a_row_in_both() {
    let of = |keys: &str, matching: Match, phone: Option<&Numbers>| {
        let (sheet, _) = read_as(&format!("k\n{keys}\n"), "k", matching, phone);
        sheet.unwrap().table
    };
    let lists = ["1", "1\n2", "12\n3", "2\n31", "121", "4"];
    let values: Vec<String> = (0..2000).map(|value| value.to_string()).collect();
    for (one, other) in lists.iter().flat_map(|one| lists.iter().map(move |other| (one, other))) {
        for (of_one, of_other) in [
            (Match::Exact, Match::Exact),
            (Match::Exact, Match::LongestPrefix),
            (Match::LongestPrefix, Match::Exact),
            (Match::LongestPrefix, Match::LongestPrefix),
        ] {
            let (a, b) = (of(one, of_one, None), of(other, of_other, None));
            let none = !values.iter().any(|value| a.find(value).is_some() && b.find(value).is_some());
            assert_eq!(a.is_apart_from(&b), none, "{one} {of_one:?} / {other} {of_other:?}");
        }
    }
    let canada = canada();
    let [written, read] = ["613 555 0142", "+16135550142"].map(|key| of(key, Match::Exact, Some(&canada)));
    assert!(!written.is_apart_from(&read) && written.is_of_numbers());
    assert!(!written.is_apart_from(&of("613 555 0142", Match::Exact, None)), "of numbers and others nothing is known");
    assert!(of("1613", Match::LongestPrefix, Some(&canada)).is_apart_from(&of(
        "1416",
        Match::LongestPrefix,
        Some(&canada)
    )));
}
