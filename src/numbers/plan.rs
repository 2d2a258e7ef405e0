//! Numbering plans, by libphonenumber. They are loaded when the first one is asked for, which takes some milliseconds.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// What stands before national numbers in the countries that have that.
const NATIONAL: &[&str] = &["0", "1", "8", "06"];
/// What stands before the country code in most countries.
const INTERNATIONAL: &[&str] = &["00", "011", "0011", "010", "810"];

/// The numbering plan of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan(Region);

/// What a national number means.
pub(super) struct Read {
    pub(super) e164: String,
    /// Such a number can have been given out.
    pub(super) valid: bool,
    /// It has as many digits as numbers have there.
    pub(super) possible: bool,
}

impl Plan {
    pub(super) fn of(country: &str) -> Option<Self> {
        Region::from_code(country).ok().filter(|region| *region != Region::World).map(Self)
    }

    /// A number as it is dialled in the country, with its prefixes or without.
    pub(super) fn read(self, digits: &str) -> Option<Read> {
        let number = PHONE_NUMBER_UTIL.parse(digits, Some(self.0)).ok()?;
        Some(Read {
            e164: PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned(),
            valid: PHONE_NUMBER_UTIL.is_valid_number(&number),
            possible: has_right_length(&number),
        })
    }

    /// The country code.
    pub(super) fn code(self) -> Option<i32> {
        PHONE_NUMBER_UTIL.get_country_code_for_region(self.0)
    }

    /// What stands before the number when it is dialled within the country; empty where nothing does. The library does not
    /// tell, but with it in front a number is the same number.
    fn national_prefix(self) -> &'static str {
        let Some((_, national)) = self.example() else { return "" };
        let same = |prefix: &str| PHONE_NUMBER_UTIL.parse(format!("{prefix}{national}"), Some(self.0)).ok();
        let number = same("");
        NATIONAL.iter().copied().find(|prefix| same(prefix) == number).unwrap_or_default()
    }

    /// Whether that is what stands before the country code when another country is dialled.
    fn leads_abroad(self, prefix: &str) -> bool {
        let abroad = ["442079460018", "16135550142"];
        abroad
            .iter()
            .any(|number| self.read(&format!("{prefix}{number}")).is_some_and(|read| read.e164[1..] == **number))
    }

    /// The country code and the national part of a number of the country.
    fn example(self) -> Option<(i32, String)> {
        let (code, example) = (self.code()?, PHONE_NUMBER_UTIL.get_example_number(self.0).ok()?);
        let example = PHONE_NUMBER_UTIL.format(&example, PhoneNumberFormat::E164);
        Some((code, example.strip_prefix(&format!("+{code}"))?.to_owned()))
    }

    /// Whether digits are what is dialled: with the prefix, where the country has one. The library is content without it, but
    /// `30123` in Germany is rather an extension than the number `030 123`.
    pub(super) fn is_dialled(self, digits: &str) -> bool {
        digits.starts_with(self.national_prefix())
    }

    /// The beginning of a number in E.164.
    pub(super) fn prefix(self, digits: &str) -> String {
        let abroad = INTERNATIONAL.iter().find_map(|prefix| Some((*prefix, digits.strip_prefix(prefix)?)));
        if let Some((_, abroad)) = abroad.filter(|(prefix, _)| self.leads_abroad(prefix)) {
            return format!("+{abroad}");
        }
        // Two letters that are no country's.
        let Some(code) = self.code().filter(|code| *code > 0) else { return digits.to_owned() };
        let rest = digits.strip_prefix(self.national_prefix()).unwrap_or(digits);
        format!("+{code}{rest}")
    }

    /// Whether numbers of the country begin so: another one, with its first digits replaced, is a number still.
    pub(super) fn has_area(self, digits: &str) -> bool {
        let Some((code, example)) = self.example() else { return false };
        let begin = self.prefix(digits);
        let Some(begin) = begin.strip_prefix(&format!("+{code}")) else { return true };
        let Some(rest) = example.get(begin.len()..) else { return true };
        PHONE_NUMBER_UTIL
            .parse(format!("+{code}{begin}{rest}"), None)
            .is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
    }
}

/// A number with a `+` in E.164, if it has as many digits as numbers have there.
pub(super) fn international(text: &str) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(text, None).ok().filter(has_right_length)?;
    Some(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

/// Whether a text in E.164 has a country code that there is, and as many digits as numbers have there.
pub(super) fn is_possible(e164: &str) -> bool {
    international(e164).is_some()
}

fn has_right_length(number: &PhoneNumber) -> bool {
    matches!(PHONE_NUMBER_UTIL.is_possible_number_with_reason(number), Ok(NumberLengthType::IsPossible))
}

/// How many digits the country code has that a number begins with (ITU-T E.164 Annex D: no code begins with another).
pub(super) fn code_length(digits: &str) -> usize {
    match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}
