//! Reading a large file a piece at a time: the parser's tree of a text takes forty times its room, and that of a piece can go
//! before the next one is read.
//!
//! A text is cut before lines that begin with `[[rule]]`. Such a line can stand inside of a text or a list; then the piece
//! before it ends in the middle of that and does not parse. So where every piece parses, every cut was between two tables, and
//! what the pieces have is what the whole has, as long as they do not speak of the same thing. In every other case there is
//! nothing returned, and the whole is to be read: what is wrong is always said of the whole.

use std::ops::Range;

use toml::de::DeTable;

use super::{Entry, Item, Reader, Report, Source, Table};

/// Up to this size a text is read in one go.
pub(super) const SMALL: usize = 512 << 10;
/// About how large a piece is.
pub(super) const SIZE: usize = 128 << 10;

const HEADER: &str = "[[rule]]";

/// What the text says, if all pieces of about that size can be read by themselves.
pub(super) fn parse<'a>(source: &'a Source, text: &'a str, size: usize) -> Option<Table<'a>> {
    let mut whole = Table::default();
    for (at, range) in cut(text, size).enumerate() {
        let offset = range.start;
        let piece = text.get(range)?;
        let (table, errors) = DeTable::parse_recoverable(piece);
        if !errors.is_empty() {
            return None;
        }
        let mut reader = Reader { source, text: piece, offset, failed: false, report: &mut Report::default() };
        let table = reader.table(table.into_inner());
        if reader.failed || !join(&mut whole, table, at == 0) {
            return None;
        }
    }
    Some(whole)
}

/// Where the pieces are. The first one is what stands before the first rule.
fn cut(text: &str, size: usize) -> impl Iterator<Item = Range<usize>> {
    let header = |from: usize| {
        let mut found = text.get(from..).into_iter().flat_map(|rest| rest.match_indices(HEADER));
        found.find(|(at, _)| from + at == 0 || text.as_bytes()[from + at - 1] == b'\n').map(|(at, _)| from + at)
    };
    let mut next = Some(0);
    let mut first = true;
    std::iter::from_fn(move || {
        let start = next?;
        let least = if std::mem::take(&mut first) { start } else { start + size };
        let border = (least..text.len()).find(|at| text.is_char_boundary(*at));
        next = border.and_then(header);
        Some(start..next.unwrap_or(text.len()))
    })
}

/// Adds what a piece has. Rules and tests follow each other; anything else may be in one piece only. What stands before the first
/// rule may be written in other ways than by headers, so there it has no rules.
fn join<'a>(whole: &mut Table<'a>, piece: Table<'a>, first: bool) -> bool {
    for entry in piece.entries {
        let listed = matches!(&*entry.key, "rule" | "test");
        if listed && (first || !matches!(entry.node.value, Item::List(_))) {
            return false;
        }
        let Some(known) = whole.entries.iter_mut().find(|known| known.key == entry.key) else {
            whole.entries.push(entry);
            continue;
        };
        match (&mut known.node.value, entry) {
            (Item::List(items), Entry { node, .. }) if listed => match node.value {
                Item::List(more) => items.extend(more),
                _ => return false,
            },
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::whole;
    use super::*;

    /// The tree of the whole text and of its pieces, if there are any.
    fn both(text: &str, size: usize) -> (Option<String>, Option<String>) {
        let source = Source::new("all.toml", text);
        let mut report = Report::default();
        let shown = |table: Option<Table<'_>>| table.map(|table| format!("{table:?}"));
        (shown(whole(&source, &source.text, &mut report)), shown(parse(&source, &source.text, size)))
    }

    #[test]
    fn rules_are_read_in_pieces() {
        let text = "# rules\n[hours.office]\nopen = \"Mo\"\n\n[[rule]]\nname = \"a\"\nwhere.call.to = 1\n[[rule.do]]\nx = 1\n[[test]]\nname = \"t\"\n\
            [[rule]] # b\nname = \"b\"\n[rule.where]\ny = 2\n[[test]]\nname = \"u\"\n[[test.step]]\n[[rule]]\n[vars.night]\n";
        let (whole, pieces) = both(text, 1);
        assert!(whole.is_some(), "{whole:?}");
        assert_eq!(pieces, whole);
        assert_eq!(cut(text, 1).count(), 4);
        assert_eq!(cut(text, 100).count(), 3);
        assert_eq!(cut("[[rule]]\n[[rule]]", 1).collect::<Vec<_>>(), [0..0, 0..9, 9..17]);
    }

    #[test]
    fn what_only_the_whole_can_tell_is_left_to_it() {
        for text in [
            // Inside of a text, a list, and a table.
            "x = '''\n[[rule]]\n'''\n",
            "x = [[1],\n[[rule]]\n]\n",
            "[[rule]]\ntext = \"\"\"\n[[rule]]\n\"\"\"\n",
            // Twice, in different pieces or as different things.
            "[[rule]]\n[hours.a]\n[[rule]]\n[hours.a]\n",
            "[[rule]]\n[hours.a]\n[[rule]]\n[hours.b]\n",
            "[hours.a]\n[[rule]]\n[hours.b]\n",
            "rule = []\n[[rule]]\n",
            "[rule]\n[[rule]]\n",
            "test = []\n[[rule]]\n[[test]]\n",
            "[[rule]]\n[[rule]]\n[test.a]\n",
            "[[rule]]\nx = 99999999999999999999\n",
            "[[rule]]\nx = 1\nx = 2\n",
            "[[rule]]x\n",
        ] {
            assert_eq!(both(text, 1).1, None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is read in pieces is what the whole is.
        #[test]
        fn pieces_are_the_whole(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "[[rule]]", "[[rule]] # x", " [[rule]]", "[[ rule ]]", "[[\"rule\"]]", "[[rule.do]]", "[rule.where]", "[[test]]", "[[test.step]]", "[hours.a]",
                "[hours.b]", "[rule]", "[vars]", "x = 1", "y.z = \"é\"", "\"x\" = '''", "'''", "do = [", "]", "[[1]],", "a = { b = 1 }", "# [[rule]]",
                "rule = []", "rule.x = 1", "", "\r", "é = 1", "n = 99999999999999999999",
            ]), 0..14),
            size in 1_usize..60,
        ) {
            let (whole, pieces) = both(&lines.join("\n"), size);
            if pieces.is_some() {
                prop_assert_eq!(pieces, whole);
            }
        }
    }
}
