//! `[locale]`: what hours and numbers fall back on.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::guess;
use super::section::Section;
use crate::hours::{Dial, Locale};

pub(super) fn settle(root: &mut Section<'_>) -> Locale {
    root.table_or_empty("locale", |locale| {
        let settled = Locale {
            timezone: locale.text("timezone").and_then(|name| timezone(locale, &name)),
            country: locale.text("country").and_then(|code| country(locale, code)),
            dial: locale.table("dial", dial),
        };
        if settled.dial.is_some() && settled.country.is_none() {
            locale.warn(
                "dial",
                "without `country` no number is of the own country: all are dialled as international ones",
            );
        }
        settled
    })
}

fn timezone(locale: &Section<'_>, name: &str) -> Option<Tz> {
    let found = name.parse().ok();
    if found.is_none() {
        let remedy = match guess::nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(zone) => format!("did you mean `{zone}`?"),
            None => "a name of the time zone database, such as America/Toronto".to_owned(),
        };
        locale.problem("timezone", format!("there is no time zone `{name}`"), remedy);
    }
    found
}

fn country(locale: &Section<'_>, code: String) -> Option<String> {
    let letters = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters && code == code.to_uppercase() {
        return Some(code);
    }
    let remedy = if letters { format!("write {}", code.to_uppercase()) } else { "such as CA or DE".to_owned() };
    locale.problem("country", format!("expected the two capital letters of ISO 3166, found `{code}`"), remedy);
    None
}

fn dial(dial: &mut Section<'_>) -> Dial {
    Dial {
        outside: digits(dial, "outside"),
        national: digits(dial, "national"),
        international: digits(dial, "international"),
    }
}

fn digits(dial: &mut Section<'_>, key: &'static str) -> String {
    let text = dial.any_text(key).unwrap_or_default();
    if !text.chars().all(|c| c.is_ascii_digit() || "*#+".contains(c)) {
        dial.wrong(key, format!("expected what a phone can dial, digits, * and #, found `{text}`"));
    }
    text
}
