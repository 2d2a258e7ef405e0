//! Durations as rules write them: `20s`, `5m`, `1h30m`, `800ms`.

use std::time::Duration;

/// Reads a duration. The units are `d`, `h`, `m`, `s` and `ms`, each at most once and in that order.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let (mut total, mut last) = (Duration::ZERO, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = &rest[digits..];
        let unit_len = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let millis = match &tail[..unit_len] {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return None,
        };
        if millis >= last {
            return None;
        }
        last = millis;
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = &tail[unit_len..];
    }
    let known = total > Duration::ZERO && total <= Duration::from_hours(8784);
    known.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("20s"), Some(Duration::from_secs(20)));
        assert_eq!(parse("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse("800ms"), Some(Duration::from_millis(800)));
        for wrong in ["", "soon", "5", "s", "1m1h", "1s1s", "0s", "-1s", "1.5s", "99999999999999999999s", "5 m", "1é"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
