//! What can go wrong with a file, a picture or a video, in words for people.

use std::io;
use std::path::Path;

/// Why there is no file, picture or frame. `Display` is a sentence that says what was expected and what was found;
/// [`MediaError::help`] says what to do about it. URLs appear without their query, which can hold a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct MediaError {
    kind: MediaErrorKind,
    sentence: String,
    help: Option<String>,
}

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaErrorKind {
    /// There is no such file or frame.
    NotFound,
    /// The store that has the file refuses it.
    Forbidden,
    /// No answer, or a failure of the store that has the file. It may work later.
    Unavailable,
    /// It is not of a type that can be read.
    Unsupported,
    /// The call was wrong, or the file is damaged.
    Invalid,
    /// It is over a limit: bytes, pixels, memory, time.
    TooLarge,
    /// Anything else: the disk, a missing program.
    Other,
}

impl MediaError {
    /// An error with a sentence. For those who implement [`crate::Source`].
    pub fn new(kind: MediaErrorKind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> MediaErrorKind {
        self.kind
    }

    /// What to do about it. Absent where nothing better can be said than the error itself.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Whether the same call may work later, without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        self.kind == MediaErrorKind::Unavailable
    }

    pub(crate) fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(MediaErrorKind::Invalid, sentence)
    }

    pub(crate) fn unsupported(sentence: impl Into<String>) -> Self {
        Self::new(MediaErrorKind::Unsupported, sentence)
    }

    pub(crate) fn too_large(sentence: impl Into<String>) -> Self {
        Self::new(MediaErrorKind::TooLarge, sentence)
    }

    pub(crate) fn unavailable(sentence: impl Into<String>) -> Self {
        Self::new(MediaErrorKind::Unavailable, sentence)
    }

    pub(crate) fn other(sentence: impl Into<String>) -> Self {
        Self::new(MediaErrorKind::Other, sentence)
    }

    /// Of the disk: a fault of this machine, and no word about the file that was wanted. `doing` is what was tried: "write to", "make".
    pub(crate) fn disk(doing: &str, path: &Path, error: &io::Error) -> Self {
        let path = path.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::unavailable(
                format!("expected room on the disk to {doing} `{path}`, found none"),
            )
            .with_help("free some room, or put the folder of the media files on another disk"),
            _ => Self::unavailable(format!("cannot {doing} `{path}`: {error}")),
        }
    }

    /// A task on another thread that did not end as it should.
    pub(crate) fn lost(error: &tokio::task::JoinError) -> Self {
        Self::other(format!("a task of the host was lost: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = MediaError::disk("write a file to", Path::new("/cache"), &full);
        assert_eq!(
            error.to_string(),
            "expected room on the disk to write a file to `/cache`, found none"
        );
        assert!(error.help().is_some());
    }
}
