//! Which literal texts a regex needs: the rule of a regex is asked when one of them is there.

use regex_syntax::Parser;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Hir, Look};

/// A part that is shorter is in most texts.
pub(super) const SHORTEST_PART: usize = 2;
/// The most literals of one regex.
const MOST: usize = 64;

/// Literals of which a text that matches has at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literals {
    /// At its beginning.
    Start(Vec<Vec<u8>>),
    /// At its end.
    End(Vec<Vec<u8>>),
    /// Anywhere.
    Part(Vec<Vec<u8>>),
}

/// The literals of a pattern, if it has some.
pub(super) fn of(pattern: &str) -> Option<Literals> {
    let hir = Parser::new().parse(pattern).ok()?;
    let from_start = hir.properties().look_set_prefix().contains(Look::Start);
    let to_end = hir.properties().look_set_suffix().contains(Look::End);
    let (starts, ends) = (extract(&hir, ExtractKind::Prefix), extract(&hir, ExtractKind::Suffix));
    if from_start && let Some(texts) = starts.clone().filter(|texts| shortest(texts) >= 1) {
        return Some(Literals::Start(texts));
    }
    if to_end && let Some(texts) = ends.clone().filter(|texts| shortest(texts) >= 1) {
        return Some(Literals::End(texts));
    }
    let longer = [starts, ends].into_iter().flatten().max_by_key(|texts| shortest(texts))?;
    (shortest(&longer) >= SHORTEST_PART).then_some(Literals::Part(longer))
}

fn shortest(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or_default()
}

fn extract(hir: &Hir, kind: ExtractKind) -> Option<Vec<Vec<u8>>> {
    let mut extractor = Extractor::new();
    extractor.kind(kind).limit_class(16).limit_literal_len(super::starts::LONGEST).limit_total(MOST);
    let literals: Seq = extractor.extract(hir);
    let texts: Vec<Vec<u8>> = literals.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    (!texts.is_empty()).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_regex_needs() {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        for (pattern, wanted) in [
            (r"^\+49(?<area>\d+)$", Some(Literals::Start(texts(&["+49"])))),
            (r"^(hello|hi)\b", Some(Literals::Start(texts(&["hello", "hi"])))),
            (r"\d+0142$", Some(Literals::End(texts(&["0142"])))),
            ("help|hilfe", Some(Literals::Part(texts(&["help", "hilfe"])))),
            ("^[ab]x", Some(Literals::Start(texts(&["ax", "bx"])))),
            // Each line has a beginning: it need not be that of the text.
            (r"(?m)^\+49", Some(Literals::Part(texts(&["+49"])))),
            // One branch begins anywhere.
            ("^ab|cd", Some(Literals::Part(texts(&["ab", "cd"])))),
            // Optional, any letter, nothing at all.
            ("^a?", None),
            (r"^\w{4}$", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(of(pattern), wanted, "{pattern}");
        }
    }
}
