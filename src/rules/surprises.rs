//! What is right in OpenStreetMap's syntax for hours, but hardly ever meant: a later rule replaces an earlier one.

use std::ops::Range;

/// A part that hides an earlier one: its place in the text, and why.
pub(super) struct Surprise {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: &'static str,
}

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

/// One part between semicolons: the days it is for, and whether it is for holidays.
struct Part<'a> {
    text: &'a str,
    range: Range<usize>,
    /// A bit for each weekday; 0 when it names other things, such as months.
    days: u8,
    holiday: bool,
    timed: bool,
}

/// Finds parts that replace what an earlier part said for the same days.
pub(super) fn find(open: &str) -> Vec<Surprise> {
    let parts = parts(open);
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        for earlier in &parts[..at] {
            if earlier.holiday && part.days != 0 && !part.holiday {
                let message = format!(
                    "`{}` also holds on holidays: it comes after `{}` and replaces it",
                    part.text, earlier.text
                );
                found.push(Surprise { range: part.range.clone(), message, help: "write the part with `PH` last" });
            } else if part.days & earlier.days != 0
                && part.days & earlier.days == earlier.days
                && part.timed
                && earlier.timed
            {
                let message = format!("`{}` replaces `{}`, it does not add to it", part.text, earlier.text);
                let help = "two times of one day are joined by a comma: `Mo-Fr 09:00-12:00,13:00-17:00`";
                found.push(Surprise { range: part.range.clone(), message, help });
            }
        }
    }
    found
}

fn parts(open: &str) -> Vec<Part<'_>> {
    let mut start = 0;
    let split = open.split(';').map(|piece| {
        let text = piece.trim();
        let begin = start + piece.len() - piece.trim_start().len();
        start += piece.len() + 1;
        let mut words = text.split_whitespace();
        let days = words.next().unwrap_or_default();
        let timed = words.clone().count() == 1 && words.all(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        Part { text, range: begin..begin + text.len(), days: weekdays(days).unwrap_or(0), holiday: days == "PH", timed }
    });
    split.collect()
}

/// `Mo`, `Mo-Fr`, `Mo,We-Fr`; a range may go over Sunday.
fn weekdays(text: &str) -> Option<u8> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    let mut bits = 0;
    for piece in text.split(',') {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let (mut at, last) = (day(first)?, day(last)?);
        bits |= 1 << at;
        while at != last {
            at = (at + 1) % 7;
            bits |= 1 << at;
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_found() {
        for (open, count) in [
            ("Mo-Fr 09:00-12:00,13:00-17:00; Sa 10:00-14:00; PH off", 0),
            ("Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00", 1),
            ("PH off; Mo-Fr 09:00-17:00", 1),
            // An exception to a wider rule is meant.
            ("Mo-Fr 09:00-17:00; We 09:00-12:00", 0),
            ("We 09:00-12:00; Mo-Fr 09:00-17:00", 1),
            ("Mo-Fr 09:00-17:00; Dec 24 off", 0),
            ("Fr-Mo 09:00-17:00; Su off", 0),
            ("", 0),
            (";;é; é", 0),
            ("Mo 09:00-12:00; Mo off", 0),
        ] {
            assert_eq!(find(open).len(), count, "{open}");
        }
        let found = find("PH off;  Mo-Fr 09:00-17:00").remove(0);
        assert_eq!(&"PH off;  Mo-Fr 09:00-17:00"[found.range], "Mo-Fr 09:00-17:00");
    }
}
