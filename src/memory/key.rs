//! The keys of what is remembered: `ACCOUNT/WHAT/PART/…`. Different parts never make one key: a slash in a part is escaped,
//! and a long part stands as its hash.

use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The longest part that stands in a key as it is, in bytes. Parts come from outside: a limit may be `per` a whole text.
const LONGEST: usize = 120;

/// The key of a thing of an account.
pub(super) fn key(account: &str, what: &str, parts: &[&str]) -> Arc<str> {
    let mut key = String::with_capacity(64);
    key.push_str(account);
    for part in std::iter::once(&what).chain(parts) {
        key.push('/');
        push(&mut key, part);
    }
    key.into()
}

fn push(key: &mut String, part: &str) {
    if part.len() > LONGEST {
        key.push('~');
        key.push_str(&hex::encode(Sha256::digest(part)));
        return;
    }
    for c in part.chars() {
        match c {
            '%' => key.push_str("%25"),
            '/' => key.push_str("%2F"),
            '~' => key.push_str("%7E"),
            _ => key.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_reads_as_a_path() {
        assert_eq!(&*key("main", "limit", &["vip", "+16135550142"]), "main/limit/vip/+16135550142");
        assert_eq!(&*key("main", "var", &["a/b", "50%"]), "main/var/a%2Fb/50%25");
    }

    #[test]
    fn a_long_part_stands_as_its_hash() {
        let long = key("main", "limit", &[&"x".repeat(100_000)]);
        assert!(long.len() < 100, "{long}");
        let hash = long.rsplit('/').next().unwrap();
        assert_ne!(long, key("main", "limit", &[hash]), "and nobody can write that hash");
    }

    proptest! {
        #[test]
        fn different_parts_never_share_a_key(
            one in prop::collection::vec("[a/%~]{0,3}|~[0-9a-f]{64}|[xy]{121}", 0..3),
            other in prop::collection::vec("[a/%~]{0,3}|~[0-9a-f]{64}|[xy]{121}", 0..3),
        ) {
            let of = |parts: &[String]| key("main", "var", &parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(one == other, of(&one) == of(&other));
        }
    }
}
