//! Timestamps. Encord writes them in four ways; the host reads them all and knows one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;

/// The same moment as RFC 3339 in UTC, or the text as it is if it is no known form.
///
/// Known are ISO 8601 (without an offset, UTC is meant), `2025-01-15 09:30:00`, and
/// `Wed, 15 Jan 2025 09:30:00 UTC` (or `GMT`).
pub(super) fn normalise(text: &str) -> String {
    parse(text.trim()).map_or_else(|| text.to_owned(), |moment| moment.to_string())
}

/// The moment that a timestamp of the host's, or of Encord's, means; none if it is no known form.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    parse(text.trim())
}

/// ISO 8601 with the offset spelled out, as Encord's own SDK sends moments: `2025-01-15T09:30:00+00:00`.
pub(super) fn with_offset(moment: &Timestamp) -> String {
    moment.display_with_offset(Offset::UTC).to_string()
}

fn parse(text: &str) -> Option<Timestamp> {
    let utc = |civil: DateTime| Offset::UTC.to_timestamp(civil).ok();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    if let Ok(civil) = text.parse() {
        return utc(civil);
    }
    let long = text
        .strip_suffix("UTC")
        .or_else(|| text.strip_suffix("GMT"))?;
    utc(strtime::parse("%a, %d %b %Y %H:%M:%S", long.trim_end())
        .ok()?
        .to_datetime()
        .ok()?)
}

#[cfg(test)]
mod tests {
    use super::{normalise, with_offset};

    #[test]
    fn moments_are_sent_with_their_offset() {
        for (text, sent) in [
            ("2025-01-15T09:30:00Z", "2025-01-15T09:30:00+00:00"),
            (
                "2025-01-15T10:30:00.25+01:00",
                "2025-01-15T09:30:00.25+00:00",
            ),
        ] {
            assert_eq!(with_offset(&text.parse().expect("a moment")), sent);
        }
    }

    #[test]
    fn every_form_becomes_rfc_3339() {
        for (text, expected) in [
            ("2025-01-15T09:30:00.000000", "2025-01-15T09:30:00Z"),
            ("2025-01-15T09:30:00.250000", "2025-01-15T09:30:00.25Z"),
            ("2025-01-15T09:30:00", "2025-01-15T09:30:00Z"),
            ("2025-01-15T09:30:00Z", "2025-01-15T09:30:00Z"),
            ("2025-01-15T10:30:00+01:00", "2025-01-15T09:30:00Z"),
            ("2025-01-15 09:30:00", "2025-01-15T09:30:00Z"),
            ("2025-01-15 09:30:00+00:00", "2025-01-15T09:30:00Z"),
            ("Wed, 15 Jan 2025 09:30:00 UTC", "2025-01-15T09:30:00Z"),
            ("Wed, 15 Jan 2025 09:30:00 GMT", "2025-01-15T09:30:00Z"),
        ] {
            assert_eq!(normalise(text), expected, "{text}");
        }
    }

    #[test]
    fn other_text_stays() {
        for text in ["", "yesterday", "15/01/2025"] {
            assert_eq!(normalise(text), text);
        }
    }
}
