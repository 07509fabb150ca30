//! Times in label rows. Encord has written them in several forms over the years.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// RFC 3339 in UTC, with a fraction of a second only if there was one. Absent if the text is no time.
///
/// Read are `2025-01-15 09:30:00` (in UTC), `Wed, 15 Jan 2025 09:30:00 UTC` (or `GMT`, or an offset),
/// and ISO 8601 with or without an offset.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    parse(text.trim()).map(|moment| moment.to_string())
}

/// The form in which a label row is sent, `Wed, 15 Jan 2025 09:30:00 UTC`.
pub(super) fn long_form(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return TimeZone::UTC.to_timestamp(local).ok();
    }
    // The weekday says nothing that the date does not, and is wrong at times.
    let text = text.split_once(", ").map_or(text, |(_, rest)| rest);
    let text = match text.strip_suffix("UTC") {
        Some(rest) => format!("{rest}GMT"),
        None => text.to_owned(),
    };
    rfc2822::parse(&text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_as_rfc_3339() {
        for (text, expected) in [
            ("2025-01-15 09:30:00", "2025-01-15T09:30:00Z"),
            ("2025-01-15 09:30:00.25", "2025-01-15T09:30:00.25Z"),
            ("Wed, 15 Jan 2025 09:30:00 UTC", "2025-01-15T09:30:00Z"),
            ("Wed, 15 Jan 2025 09:30:00 GMT", "2025-01-15T09:30:00Z"),
            ("Mon, 15 Jan 2025 09:30:00 GMT", "2025-01-15T09:30:00Z"),
            ("Wed, 15 Jan 2025 09:30:00 +0200", "2025-01-15T07:30:00Z"),
            ("2025-01-15T09:30:00.000000", "2025-01-15T09:30:00Z"),
            ("2025-01-15T09:30:00.123456", "2025-01-15T09:30:00.123456Z"),
            ("2025-01-15T09:30:00Z", "2025-01-15T09:30:00Z"),
            ("2025-01-15T09:30:00+10:00", "2025-01-14T23:30:00Z"),
            ("2025-01-15 09:30:00+00:00", "2025-01-15T09:30:00Z"),
            ("2025-01-15", "2025-01-15T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_absent() {
        for text in [
            "",
            "yesterday",
            "2025-13-15 09:30:00",
            "32 Jan 2025 09:30:00 UTC",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn the_long_form_reads_as_what_it_was_written_from() {
        let moment: Timestamp = "2025-01-05T09:03:07Z".parse().expect("a time");
        assert_eq!(long_form(moment), "Sun, 05 Jan 2025 09:03:07 UTC");
        assert_eq!(rfc3339(&long_form(moment)), Some(moment.to_string()));
    }
}
