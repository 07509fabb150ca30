//! Why the journal cannot be used.

use std::path::{Path, PathBuf};

use super::FORM;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another host has it open.
    #[error("another runner-host{} uses the state directory `{}`", by(holder), folder.display())]
    InUse {
        /// The directory.
        folder: PathBuf,
        /// What that host says of itself. May be empty.
        holder: String,
    },
    /// The system refused.
    #[error("cannot use the state directory `{}`: {reason}", folder.display())]
    Io {
        /// The directory.
        folder: PathBuf,
        /// The system's own words.
        reason: String,
    },
    /// SQLite refused.
    #[error("the journal `{}` cannot be used: {reason}", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
    /// It is of a later version of the host, and may hold what this one would lose.
    #[error(
        "the journal `{}` was written by a later version of runner-host (it has form {found}, and this one knows up to \
         {FORM})", file.display()
    )]
    Later {
        /// The database.
        file: PathBuf,
        /// The form that it has.
        found: u32,
    },
}

impl JournalError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::InUse { .. } => {
                "wait until it has ended, or give this one a directory of its own: --state-dir"
            }
            Self::Io { .. } => "make it writable, or name another: --state-dir",
            Self::Later { .. } => {
                "use that version, or give this one a directory of its own: --state-dir"
            }
            Self::Database { .. } => {
                "free some disk space if there is none; a damaged journal can be moved away, which forgets \
                 the commits that were under way"
            }
        };
        Some(help.to_owned())
    }
}

fn by(holder: &str) -> String {
    match holder.trim() {
        "" => String::new(),
        holder => format!(" ({holder})"),
    }
}

pub(super) fn database(file: &Path, error: &rusqlite::Error) -> JournalError {
    JournalError::Database {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

pub(super) fn broken(
    at: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}
