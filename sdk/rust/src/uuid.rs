use std::fmt;
use std::str::FromStr;

/// A UUID, for example of a pathway. Shown in its canonical form: 36 characters, lower-case, with
/// hyphens.
///
/// ```
/// use runner_sdk::{Uuid, uuid};
///
/// const COMPLETE: Uuid = uuid!("49A786F3-5EDF-4B94-AFF0-3DA9042D3BF0"); // Checked by the compiler.
/// let parsed: Uuid = "49a786f35edf4b94aff03da9042d3bf0".parse()?;
/// assert_eq!(parsed, COMPLETE);
/// assert_eq!(parsed.to_string(), "49a786f3-5edf-4b94-aff0-3da9042d3bf0");
/// # Ok::<_, runner_sdk::UuidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

/// A text is not a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UuidError(String);

/// A [`Uuid`] from a string literal. Anything else than a UUID is a compile error.
#[macro_export]
macro_rules! uuid {
    ($text:literal) => {
        const {
            match $crate::Uuid::from_text($text) {
                Some(uuid) => uuid,
                None => panic!("expected a UUID: 32 hexadecimal digits, with or without hyphens"),
            }
        }
    };
}

impl Uuid {
    /// Reads 32 hexadecimal digits of either case, with hyphens in the four usual places or none.
    /// `None` if it is anything else.
    pub const fn from_text(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let hyphenated = match text.len() {
            32 => false,
            36 => true,
            _ => return None,
        };
        let mut bytes = [0; 16];
        let (mut at, mut byte) = (0, 0);
        while byte < 16 {
            // The hyphens of 8-4-4-4-12 stand before these bytes.
            if hyphenated && matches!(byte, 4 | 6 | 8 | 10) {
                if text[at] != b'-' {
                    return None;
                }
                at += 1;
            }
            let (Some(high), Some(low)) = (digit(text[at]), digit(text[at + 1])) else {
                return None;
            };
            bytes[byte] = high << 4 | low;
            at += 2;
            byte += 1;
        }
        Some(Self(bytes))
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        Self::from_text(text).ok_or_else(|| UuidError(text.into()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for UuidError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "expected a UUID (32 hexadecimal digits, with or without hyphens), found {:?}",
            self.0
        )
    }
}

impl std::error::Error for UuidError {}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "",
            "keep",
            "49a786f3-5edf-4b94-aff0-3da9042d3bf",
            "49a786f3-5edf-4b94-aff0-3da9042d3bf00",
            "49a786f35edf-4b94-aff0-3da9042d3bf0--",
            "49a786f3_5edf-4b94-aff0-3da9042d3bf0",
            "49a786f3-5edf-4b94-aff0-3da9042d3bfg",
            "é9a786f35edf4b94aff03da9042d3bf",
        ] {
            let error = text.parse::<Uuid>().expect_err("it is no UUID");
            assert!(
                error.to_string().ends_with(&format!("found {text:?}")),
                "{error}"
            );
        }
    }
}
