//! What hours and numbers fall back on.

/// The settled `[locale]`: what hours and numbers fall back on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locale {
    /// The time zone of hours that name none.
    pub timezone: Option<chrono_tz::Tz>,
    /// ISO 3166-1 alpha-2: whose public holidays `PH` means, and whose national numbers are read.
    pub country: Option<String>,
    /// What a phone of this site dials before a number.
    pub dial: Option<Dial>,
}

/// Prefixes that a phone of this site dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// To leave the PBX.
    pub outside: String,
    /// Before a number of the own country.
    pub national: String,
    /// Before any other.
    pub international: String,
}
