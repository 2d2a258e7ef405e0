//! Vars: durable state that rules, people and the API set, one for the account or one for each value of a field.
//!
//! A var that was never set, whose time is over, or whose stored text can't be read, has its default. A value is at most
//! [`VAR`] bytes. Every change is audited.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Stored;
use super::key::key;
use super::spans::{FOREVER, VAR, VAR_OF_ONE};
use super::stored::{clip, read};

/// A var, as `[vars.NAME]` declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// The values it may have; empty: any text.
    pub values: Vec<Arc<str>>,
    /// Its value while it is not set.
    pub default: Option<Arc<str>>,
    /// The field whose values have a var each; missing: one for the account.
    pub per: Option<Arc<str>>,
    /// How long it is kept after it was set when the setting says nothing, in milliseconds; missing: until it is set again,
    /// and for [`VAR_OF_ONE`] where there is one for each value of a field.
    pub keep: Option<i64>,
}

/// How long a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// As long as the declaration keeps it.
    Declared,
    /// Until that time, in milliseconds since 1970.
    Until(i64),
    /// So many milliseconds from now.
    For(i64),
}

/// Why a var can't be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The declaration does not list the value.
    #[error("`{name}` can't be `{value}`: it is one of {}", .values.join(", "))]
    NotAValue {
        /// The var.
        name: String,
        /// What it was to be, cut.
        value: String,
        /// What it can be.
        values: Vec<String>,
    },
    /// The value is longer than [`VAR`] bytes.
    #[error("the value of `{name}` has {bytes} bytes, at most {VAR} are kept")]
    TooLong {
        /// The var.
        name: String,
        /// Its length.
        bytes: usize,
    },
    /// There is one var for each value of a field, and the field is missing.
    #[error("`{name}` is kept for each `{per}`, and there is none here")]
    NobodyKnown {
        /// The var.
        name: String,
        /// The field.
        per: String,
    },
    /// The time until which it is to hold is not ahead.
    #[error("`{name}` can't be set until a time that is over: give a later `until` or a longer `for`")]
    Over {
        /// The var.
        name: String,
    },
}

/// Who changed a var, when, from what to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The var.
    pub name: String,
    /// Which of the vars of that name, where there is one for each value of a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Who: a rule, a person, the API.
    pub who: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Until when, in milliseconds since 1970; missing: until it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// What setting a var writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its new stored value.
    pub stored: Stored,
    /// What is recorded of it.
    pub audit: Audit,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Setting {
    value: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    by: String,
    at: i64,
}

/// One var of an account.
#[derive(Clone, Copy, Debug)]
pub struct Var<'a> {
    account: &'a str,
    name: &'a str,
    declaration: &'a Declaration,
    per: Option<&'a str>,
}

impl<'a> Var<'a> {
    /// The var of a name; `per` is the value of the declared field, and of no matter where none is declared. An error if
    /// that is missing or empty.
    pub fn of(
        account: &'a str,
        name: &'a str,
        declaration: &'a Declaration,
        per: Option<&'a str>,
    ) -> Result<Self, Error> {
        let per = match &declaration.per {
            None => None,
            Some(field) => Some(
                per.filter(|value| !value.is_empty())
                    .ok_or_else(|| Error::NobodyKnown { name: name.to_owned(), per: field.to_string() })?,
            ),
        };
        Ok(Self { account, name, declaration, per })
    }

    /// The key at which it is stored.
    pub fn key(&self) -> Arc<str> {
        match self.per {
            Some(per) => key(self.account, "var", &[self.name, per]),
            None => key(self.account, "var", &[self.name]),
        }
    }

    /// Its value at a time, in milliseconds since 1970. Missing when it is not set and has no default.
    pub fn get(&self, stored: Option<&str>, now: i64) -> Option<Arc<str>> {
        let set: Option<Setting> = read(stored);
        let holds = set.filter(|set| set.until.is_none_or(|until| until > now) && self.allows(&set.value).is_ok());
        let value = holds.map(|set| set.value).filter(|value| !value.is_empty());
        value.or_else(|| self.declaration.default.clone())
    }

    /// By whom, when and until when it was set, if it holds: `by`, `at` and `until`, times in milliseconds since 1970.
    pub fn told(&self, stored: Option<&str>, now: i64) -> Vec<(&'static str, Value)> {
        let set: Option<Setting> = read(stored);
        let Some(set) = set.filter(|set| set.until.is_none_or(|until| until > now)) else { return Vec::new() };
        let until = set.until.map(|until| ("until", Value::from(until)));
        [("by", Value::from(set.by)), ("at", Value::from(set.at))].into_iter().chain(until).collect()
    }

    /// Sets it. Empty text, where the declaration lists no values, is the same as not set.
    pub fn set(&self, value: &str, lasts: Lasts, who: &str, stored: Option<&str>, now: i64) -> Result<Set, Error> {
        self.allows(value)?;
        let until = match lasts {
            Lasts::Declared => {
                let keep = self.declaration.keep.or(self.per.map(|_| VAR_OF_ONE));
                keep.map(|keep| now.saturating_add(keep))
            }
            Lasts::Until(until) => Some(until),
            Lasts::For(span) => Some(now.saturating_add(span)),
        };
        if until.is_some_and(|until| until <= now) {
            return Err(Error::Over { name: self.name.to_owned() });
        }
        let by = clip(who).to_owned();
        let new =
            Stored::new(&Setting { value: value.into(), until, by, at: now }, until.unwrap_or(FOREVER).min(FOREVER));
        let text = |value: Arc<str>| value.to_string();
        let audit = Audit {
            name: self.name.to_owned(),
            per: self.per.map(|per| clip(per).to_owned()),
            who: clip(who).to_owned(),
            at: now,
            from: self.get(stored, now).map(text),
            to: self.get(Some(&new.bytes), now).map(text),
            until,
        };
        Ok(Set { stored: new, audit })
    }

    fn allows(&self, value: &str) -> Result<(), Error> {
        let values = &self.declaration.values;
        if value.len() > VAR {
            return Err(Error::TooLong { name: self.name.to_owned(), bytes: value.len() });
        }
        if values.is_empty() || values.iter().any(|allowed| **allowed == *value) {
            return Ok(());
        }
        Err(Error::NotAValue {
            name: self.name.to_owned(),
            value: clip(value).to_owned(),
            values: values.iter().map(ToString::to_string).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn night() -> Declaration {
        let values = ["auto", "open", "closed"].map(Into::into).to_vec();
        Declaration { values, default: Some("auto".into()), ..Declaration::default() }
    }

    fn greeted() -> Declaration {
        Declaration { per: Some("message.conversation".into()), keep: Some(1000), ..Declaration::default() }
    }

    #[test]
    fn a_var_holds_until_its_time_is_over() {
        let night = night();
        let var = Var::of("main", "night", &night, None).unwrap();
        assert_eq!(&*var.key(), "main/var/night");
        assert_eq!(var.get(None, 0).as_deref(), Some("auto"));
        let set = var.set("closed", Lasts::Until(100), "ann", None, 10).unwrap();
        let stored = Some(&*set.stored.bytes);
        assert_eq!(var.get(stored, 99).as_deref(), Some("closed"));
        assert_eq!(var.get(stored, 100).as_deref(), Some("auto"));
        assert_eq!(set.stored.until, 100);
        let again = var.set("open", Lasts::Declared, "api", stored, 50).unwrap();
        insta::assert_snapshot!(
            serde_json::to_string(&again.audit).unwrap(),
            @r#"{"name":"night","who":"api","at":50,"from":"closed","to":"open"}"#
        );
        assert_eq!(again.stored.until, FOREVER);
    }

    #[test]
    fn one_var_for_each_value_of_a_field() {
        let greeted = greeted();
        let var = Var::of("main", "greeted", &greeted, Some("c/1")).unwrap();
        assert_eq!(&*var.key(), "main/var/greeted/c%2F1");
        let set = var.set("yes", Lasts::Declared, "rule greet", None, 0).unwrap();
        assert_eq!((var.get(Some(&set.stored.bytes), 999).as_deref(), set.audit.until), (Some("yes"), Some(1000)));
        assert_eq!(var.get(Some(&set.stored.bytes), 1000), None);
        for missing in [None, Some("")] {
            assert!(matches!(Var::of("main", "greeted", &greeted, missing), Err(Error::NobodyKnown { .. })));
        }
    }

    /// What is kept for each value of a field is not kept for ever: any caller's number would be.
    #[test]
    fn a_var_of_one_value_is_forgotten_after_a_year() {
        let of_one = Declaration { keep: None, ..greeted() };
        let (one, all) = (Var::of("main", "seen", &of_one, Some("+1")).unwrap(), Declaration::default());
        let set = one.set("yes", Lasts::Declared, "r", None, 5).unwrap();
        assert_eq!((set.stored.until, set.audit.until), (5 + VAR_OF_ONE, Some(5 + VAR_OF_ONE)));
        assert_eq!(one.get(Some(&set.stored.bytes), 4 + VAR_OF_ONE).as_deref(), Some("yes"));
        assert_eq!(one.get(Some(&set.stored.bytes), 5 + VAR_OF_ONE), None);
        let longer = one.set("yes", Lasts::For(2 * VAR_OF_ONE), "r", None, 0).unwrap();
        assert_eq!(longer.stored.until, 2 * VAR_OF_ONE, "whoever sets it may say");
        let of_all = Var::of("main", "seen", &all, None).unwrap();
        assert_eq!(of_all.set("yes", Lasts::Declared, "r", None, 5).unwrap().stored.until, FOREVER);
    }

    #[test]
    fn a_wrong_value_says_what_is_right() {
        let night = night();
        let var = Var::of("main", "night", &night, None).unwrap();
        let error = |value: &str, lasts| var.set(value, lasts, "ann", None, 10).unwrap_err().to_string();
        insta::assert_snapshot!(error("shut", Lasts::Declared), @"`night` can't be `shut`: it is one of auto, open, closed");
        insta::assert_snapshot!(error(&"x".repeat(2000), Lasts::Declared), @"the value of `night` has 2000 bytes, at most 1024 are kept");
        insta::assert_snapshot!(error("open", Lasts::Until(10)), @"`night` can't be set until a time that is over: give a later `until` or a longer `for`");
        insta::assert_snapshot!(Var::of("main", "greeted", &greeted(), None).unwrap_err(), @"`greeted` is kept for each `message.conversation`, and there is none here");
    }

    #[test]
    fn empty_text_is_not_set() {
        let plain = Declaration::default();
        let var = Var::of("main", "dnd", &plain, None).unwrap();
        let set = var.set("", Lasts::Declared, "r", None, 0).unwrap();
        assert_eq!(var.get(Some(&set.stored.bytes), 1), None);
        assert_eq!(set.audit.to, None);
    }

    #[test]
    fn a_value_that_is_no_longer_declared_is_the_default() {
        let (night, plain) = (night(), Declaration::default());
        let before = Var::of("main", "night", &plain, None).unwrap();
        let stored = before.set("holiday", Lasts::Declared, "r", None, 0).unwrap().stored;
        assert_eq!(
            Var::of("main", "night", &night, None).unwrap().get(Some(&stored.bytes), 1).as_deref(),
            Some("auto")
        );
    }

    proptest! {
        #[test]
        fn what_was_set_is_got(value in ".{0,20}", span in 1..1000_i64, after in 0..2000_i64, now in any::<i64>()) {
            let plain = Declaration::default();
            let var = Var::of("main", "v", &plain, None).unwrap();
            let now = now.clamp(0, FOREVER);
            let set = var.set(&value, Lasts::For(span), "r", None, now).unwrap();
            let expected = (after < span && !value.is_empty()).then_some(&*value);
            let got = var.get(Some(&set.stored.bytes), now + after);
            prop_assert_eq!(got.as_deref(), expected);
            let read: Setting = read(Some(&set.stored.bytes)).unwrap();
            prop_assert_eq!(Stored::new(&read, set.stored.until), set.stored);
            let audit = serde_json::to_string(&set.audit).unwrap();
            prop_assert_eq!(serde_json::from_str::<Audit>(&audit).unwrap(), set.audit);
        }

        #[test]
        fn broken_text_is_not_set(text in ".{0,30}") {
            let night = night();
            let got = Var::of("main", "n", &night, None).unwrap().get(Some(&text), 0);
            prop_assert_eq!(got.as_deref(), Some("auto"));
        }
    }
}
