//! The parts of the index, each against a plain search.

use std::borrow::Cow;

use proptest::prelude::*;

use super::parts::{Parts, Regexes};
use super::starts::{LONGEST, Starts};
use super::*;

fn sorted(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_unstable();
    places.dedup();
    places
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn beginnings_are_found(keys in proptest::collection::vec("[ab]{0,5}", 0..12), text in "[ab]{0,7}") {
        let starts = Starts::of((0..).zip(&keys).map(|(place, key)| (key.clone().into_bytes(), place)));
        let mut found = Vec::new();
        starts.find(text.as_bytes(), &mut found);
        let wanted: Vec<Place> = (0..).zip(&keys).filter(|(_, key)| text.starts_with(&**key)).map(|(place, _)| place).collect();
        prop_assert_eq!(sorted(found), wanted);
    }

    #[test]
    fn parts_are_found(keys in proptest::collection::vec("[ab]{1,4}", 0..12), text in "[ab]{0,9}") {
        let pairs = (0..).zip(&keys).map(|(place, key)| (Cow::Borrowed(key.as_bytes()), place)).collect();
        let (mut found, mut rest) = (Vec::new(), Vec::new());
        Parts::of(pairs, &mut rest).find(&text, &mut found);
        let wanted: Vec<Place> = (0..).zip(&keys).filter(|(_, key)| text.contains(&**key)).map(|(place, _)| place).collect();
        prop_assert_eq!(sorted(found), wanted);
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn what_is_too_long_is_found_by_its_beginning() {
    let long = "x".repeat(2 * LONGEST);
    let starts = Starts::of([(long.clone().into_bytes(), 7)].into_iter());
    let mut found = Vec::new();
    starts.find(long.as_bytes(), &mut found);
    assert_eq!(found, [7]);
}

#[test]
fn sets_that_are_too_large_are_split() {
    let patterns: Vec<String> = (0..300).map(|at| format!(r"^\w{{{}}}{at}$", at % 9 + 1)).collect();
    let mut rest = Vec::new();
    let regexes = Regexes::of((0..).zip(&patterns).map(|(place, pattern)| (&**pattern, place)).collect(), &mut rest);
    let mut found = Vec::new();
    regexes.find("abc2", &mut found);
    assert_eq!((found, rest), (vec![2], vec![]));
}
