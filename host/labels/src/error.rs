//! Why an ontology or a label row could not be read or edited, in sentences.

use std::fmt::Write;

/// So many names are listed in a message; an ontology can have hundreds.
const MOST_NAMES: usize = 20;

/// Why a label row was not read or not edited. When one occurs, nothing was changed.
///
/// Each holds a sentence that says what was expected and what was found. Where something can be done
/// about it, a line that starts with `help:` follows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The row does not have it.
    #[error("{0}")]
    NotFound(String),
    /// The call was wrong: a value out of range, a feature that the ontology does not have.
    #[error("{0}")]
    InvalidArgument(String),
    /// It has no meaning for this type of data, or for a row that was read in part.
    #[error("{0}")]
    Unsupported(String),
    /// The document is not a label row.
    #[error("{0}")]
    Document(String),
}

/// Why an ontology could not be read. Holds a sentence as in [`LabelError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OntologyError(pub(super) String);

/// Names between backticks, for the end of a message.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut left_out = 0_usize;
    for (position, name) in names.enumerate() {
        if position >= MOST_NAMES {
            left_out += 1;
            continue;
        }
        let comma = if position == 0 { "" } else { ", " };
        // Writing into a string does not fail.
        let _ = write!(text, "{comma}`{name}`");
    }
    if text.is_empty() {
        return "none".to_owned();
    }
    if left_out > 0 {
        let _ = write!(text, " and {left_out} more");
    }
    text
}
