//! Moments, as milliseconds since 1970 in the state file and as Encord spells them on the wire.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Now, in milliseconds since 1970.
pub(super) fn now() -> i64 {
    // A clock before 1970 is a broken clock; 1970 is as good an answer as any.
    let passed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}

/// As in `/v2/` answers: `2025-01-15T09:30:00.000000`, UTC without an offset.
pub(super) fn iso(milliseconds: i64) -> String {
    timestamp(milliseconds)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f")
        .to_string()
}

/// As in `/public` answers: `2025-01-15 09:30:00`, UTC.
pub(super) fn plain(milliseconds: i64) -> String {
    timestamp(milliseconds)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Reads what a client gives as a bound: RFC 3339, or a date with or without time, which is then UTC.
pub(super) fn parse(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let civil = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_moments_as_encord_does() {
        let moment = parse("2025-01-15T09:30:00.25Z").expect("RFC 3339 is read");
        assert_eq!(iso(moment), "2025-01-15T09:30:00.250000");
        assert_eq!(plain(moment), "2025-01-15 09:30:00");
    }

    #[test]
    fn reads_bounds_without_an_offset_as_utc() {
        let expected = parse("2025-01-15T00:00:00+00:00");
        assert!(expected.is_some());
        assert_eq!(parse("2025-01-15"), expected);
        assert_eq!(parse("2025-01-15T00:00:00"), expected);
        assert_eq!(parse("yesterday"), None);
    }
}
