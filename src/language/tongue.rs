//! The languages in which dates are told: the names of weekdays and months.

use chrono::Locale;

/// Where a language is at home, when its country is not called as it is.
const HOMES: &[(&str, &str)] = &[
    ("ar", "EG"),
    ("ca", "ES"),
    ("cs", "CZ"),
    ("cy", "GB"),
    ("da", "DK"),
    ("el", "GR"),
    ("et", "EE"),
    ("eu", "ES"),
    ("fa", "IR"),
    ("ga", "IE"),
    ("gl", "ES"),
    ("he", "IL"),
    ("hi", "IN"),
    ("ja", "JP"),
    ("ko", "KR"),
    ("nb", "NO"),
    ("nn", "NO"),
    ("no", "NO"),
    ("sl", "SI"),
    ("sq", "AL"),
    ("sr", "RS"),
    ("sv", "SE"),
    ("uk", "UA"),
    ("vi", "VN"),
    ("zh", "CN"),
];

/// The names of weekdays and months in a language such as `fr`, `fr-CA` or `pt_BR`; `None` when they are not known.
/// An unknown country gives the language at home.
pub(super) fn locale(language: &str) -> Option<Locale> {
    let mut parts = language.splitn(3, ['-', '_']);
    let tongue = parts.next().filter(|tongue| (2..=3).contains(&tongue.len()))?.to_ascii_lowercase();
    if !tongue.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    if tongue == "en" {
        return Some(Locale::POSIX);
    }
    let tongue = if tongue == "no" { "nb".to_owned() } else { tongue };
    let named = parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase);
    let home = HOMES.iter().find(|(name, _)| *name == tongue).map(|(_, home)| (*home).to_owned());
    let countries = named.into_iter().chain(home).chain([tongue.to_ascii_uppercase()]);
    countries.map(|country| format!("{tongue}_{country}")).find_map(|name| Locale::try_from(name.as_str()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_with_and_without_a_country() {
        for (language, wanted) in [
            ("en", "POSIX"),
            ("en-CA", "POSIX"),
            ("fr", "fr_FR"),
            ("fr-CA", "fr_CA"),
            ("FR_ca", "fr_CA"),
            ("fr-XX", "fr_FR"),
            ("pt", "pt_PT"),
            ("pt-BR", "pt_BR"),
            ("sv", "sv_SE"),
            ("no", "nb_NO"),
            ("zh-Hans-CN", "zh_CN"),
        ] {
            assert_eq!(locale(language).map(|found| found.to_string()).as_deref(), Some(wanted), "{language}");
        }
        for language in ["", "x", "klingon", "é", "tlh", "fr@euro", "-", "1a"] {
            assert!(locale(language).is_none(), "{language}");
        }
        for (home, _) in HOMES {
            assert!(locale(home).is_some(), "{home}");
        }
    }
}
