//! What a phone of the site dials for a number in E.164.

use std::borrow::Cow;

use super::plan::Plan;

/// `[locale] dial`, with the country that it is for. Left out, destinations are sent as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialling(Option<Prefixes>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefixes {
    /// The country's code, with its `+`.
    own: Option<String>,
    national: String,
    international: String,
}

impl Dialling {
    /// What is dialled in a country: `outside` to leave the PBX, then `national` and the national number for the own country,
    /// or `international`, the country code and the number for any other. Without a country every number is another's.
    pub fn of(country: Option<&str>, outside: &str, national: &str, international: &str) -> Self {
        let code = country.and_then(Plan::of).and_then(Plan::code);
        Self(Some(Prefixes {
            own: code.map(|code| format!("+{code}")),
            national: format!("{outside}{national}"),
            international: format!("{outside}{international}"),
        }))
    }

    /// What is sent for a destination: E.164 gets its prefixes, anything else stays as it is.
    pub fn dial<'a>(&self, to: &'a str) -> Cow<'a, str> {
        let digits =
            to.trim().strip_prefix('+').and_then(super::digits).filter(|digits| super::E164.contains(&digits.len()));
        let (Some(prefixes), Some(digits)) = (&self.0, digits) else { return Cow::Borrowed(to) };
        let number = format!("+{digits}");
        Cow::Owned(match prefixes.own.as_deref().and_then(|own| number.strip_prefix(own)) {
            Some(national) => format!("{}{national}", prefixes.national),
            None => format!("{}{digits}", prefixes.international),
        })
    }
}
