//! The folder of a store:
//!
//! ```text
//! files/<uuid>[-<size>]<suffix>      whole files, which all processes share
//! sessions/<uuid>.lock               locked by the process whose session it is, as long as it lives
//! sessions/<uuid>/partial/           what it is downloading
//! sessions/<uuid>/pins/              hard links to the files that it uses
//! sessions/<uuid>/attempts/          folders of attempts
//! lock                               held by who adds or removes a session
//! ```

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::{NamedTempFile, TempDir};
use uuid::Uuid;

use crate::error::MediaError;

const FILES: &str = "files";
const SESSIONS: &str = "sessions";
const PARTIAL: &str = "partial";
const PINS: &str = "pins";
const ATTEMPTS: &str = "attempts";
const LOCK: &str = "lock";
const LOCK_SUFFIX: &str = ".lock";

/// A folder, and the session of this process in it.
#[derive(Debug)]
pub(super) struct Folder {
    files: PathBuf,
    session: PathBuf,
    /// Where the lock of the session is.
    marker: PathBuf,
    /// Keeps the lock. Absent where the system has none.
    _lock: Option<File>,
    pins: AtomicU64,
}

impl Folder {
    /// Makes what is missing, removes sessions whose process is gone, and begins one.
    pub(super) fn open(folder: &Path) -> Result<Self, MediaError> {
        // Paths are given to other programs, which may be elsewhere.
        let folder = std::path::absolute(folder)
            .map_err(|error| MediaError::disk("find the folder", folder, &error))?;
        let files = folder.join(FILES);
        let sessions = folder.join(SESSIONS);
        for made in [&files, &sessions] {
            fs::create_dir_all(made)
                .map_err(|error| MediaError::disk("make the folder", made, &error))?;
        }
        let _alone = locked(&folder.join(LOCK), true)?;
        remove_dead(&sessions);
        let name = Uuid::new_v4().to_string();
        let marker = sessions.join(format!("{name}{LOCK_SUFFIX}"));
        let lock = locked(&marker, false)?;
        let session = sessions.join(name);
        for made in [PARTIAL, PINS, ATTEMPTS] {
            let made = session.join(made);
            fs::create_dir_all(&made)
                .map_err(|error| MediaError::disk("make the folder", &made, &error))?;
        }
        Ok(Self {
            files,
            session,
            marker,
            _lock: lock,
            pins: AtomicU64::new(0),
        })
    }

    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    /// A file to write to. It is removed on drop.
    pub(super) fn half_written(&self) -> Result<NamedTempFile, MediaError> {
        let partial = self.session.join(PARTIAL);
        NamedTempFile::new_in(&partial)
            .map_err(|error| MediaError::disk("write to the folder", &partial, &error))
    }

    /// A path that nothing is at.
    pub(super) fn new_pin(&self, name: &str) -> PathBuf {
        let number = self.pins.fetch_add(1, Ordering::Relaxed);
        self.session.join(PINS).join(format!("{number}-{name}"))
    }

    pub(super) fn new_attempt(&self) -> Result<TempDir, MediaError> {
        let attempts = self.session.join(ATTEMPTS);
        TempDir::new_in(&attempts)
            .map_err(|error| MediaError::disk("make a folder in", &attempts, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the folder is next opened.
        let _ = fs::remove_dir_all(&self.session);
        let _ = fs::remove_file(&self.marker);
    }
}

/// A file that is locked until it is dropped. `None` where the system has no locks.
fn locked(path: &Path, wait: bool) -> Result<Option<File>, MediaError> {
    let failed = |error: &io::Error| MediaError::disk("lock", path, error);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| failed(&error))?;
    let outcome = if wait {
        file.lock()
    } else {
        file.try_lock().map_err(io::Error::from)
    };
    match outcome {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// Removes sessions that nobody holds the lock of. Called alone.
fn remove_dead(sessions: &Path) {
    let Ok(entries) = fs::read_dir(sessions) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(session) = name
            .to_str()
            .and_then(|name| name.strip_suffix(LOCK_SUFFIX))
            .filter(|session| Uuid::parse_str(session).is_ok())
        else {
            continue;
        };
        let Ok(marker) = File::options().write(true).open(entry.path()) else {
            continue;
        };
        match marker.try_lock() {
            Ok(()) => {
                let _ = fs::remove_dir_all(sessions.join(session));
                let _ = fs::remove_file(entry.path());
            }
            // Without locks nobody knows whether it is alive, and it is left.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}
