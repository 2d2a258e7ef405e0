//! Durations and sizes as people write them.

use std::time::Duration;

/// Units of time, longest first, and how many milliseconds they have.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Units of size.
const SIZES: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Why a text is no duration or size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No duration.
    #[error("expected a duration such as 500ms, 20s, 5m, 1h30m or 7d, found `{0}`")]
    Duration(String),
    /// A number alone.
    #[error("`{0}` has no unit: write {0}ms, {0}s, {0}m, {0}h or {0}d")]
    NoUnit(String),
    /// No size.
    #[error("expected a size such as 1048576, 1MiB or 4GiB (KiB MiB GiB TiB, kB MB GB TB), found `{0}`")]
    Size(String),
    /// More than can be counted.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// Reads a duration: numbers with units, the longest unit first, each unit once.
pub fn duration(text: &str) -> Result<Duration, Error> {
    let wrong = || Error::Duration(text.to_owned());
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::NoUnit(text.to_owned()));
    }
    let (mut rest, mut units, mut millis) = (text, &TIMES[..], Some(0u64));
    while !rest.is_empty() || millis == Some(0) && units.len() == TIMES.len() {
        let (number, after) = number(rest).ok_or_else(wrong)?;
        let unit = &after[..after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len())];
        let at = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(units[at].1));
        millis = millis.and_then(|millis| millis.checked_add(part?));
        (rest, units) = (&after[unit.len()..], &units[at + 1..]);
    }
    millis.map(Duration::from_millis).ok_or_else(|| Error::TooLarge(text.to_owned()))
}

/// Reads a size in bytes: a number with a unit; without one it is bytes.
pub fn size(text: &str) -> Result<u64, Error> {
    let wrong = || Error::Size(text.to_owned());
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let (_, bytes) = SIZES.into_iter().find(|(name, _)| *name == unit.trim_start()).ok_or_else(wrong)?;
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    size.ok_or_else(|| Error::TooLarge(text.to_owned()))
}

/// The digits at the beginning, and the rest.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("20s", 20_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "20 s", "-5s", "1.5h", "5x", "5m1h", "5s5s", "1h30", "20S", "5ms2", "五s"] {
            assert_eq!(duration(text), Err(Error::Duration(text.to_owned())), "{text}");
        }
        assert_eq!(duration("20").unwrap_err().to_string(), "`20` has no unit: write 20ms, 20s, 20m, 20h or 20d");
        assert_eq!(duration("99999999999999999999d"), Err(Error::TooLarge("99999999999999999999d".to_owned())));
        assert_eq!(duration("9999999999999999d"), Err(Error::TooLarge("9999999999999999d".to_owned())));
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("77", 77),
            ("77B", 77),
            ("1KiB", 1_024),
            ("1MiB", 1_048_576),
            ("4GiB", 4_294_967_296),
            ("4 GiB", 4_294_967_296),
            ("1kB", 1_000),
            ("2MB", 2_000_000),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "1mib", "1M", "1.5GiB", "-1", "1MiB2", "１"] {
            assert_eq!(size(text), Err(Error::Size(text.to_owned())), "{text}");
        }
        assert_eq!(size("99999999999TiB"), Err(Error::TooLarge("99999999999TiB".to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".{0,12}", near in "[0-9dhms]{0,12}") {
            for text in [text, near] {
                let _ = (duration(&text), size(&text));
            }
        }
    }
}
