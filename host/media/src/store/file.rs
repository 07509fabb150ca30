//! Files in use, and the folders of attempts that see them.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use tempfile::{NamedTempFile, TempDir};

use super::{Inner, off_thread};
use crate::error::MediaError;

/// Files of the store are for reading, whoever has a link to them.
const READ_ONLY: u32 = 0o444;

/// A file on disk, which stays there while this lives.
#[derive(Debug)]
pub struct MediaFile {
    inner: Arc<Inner>,
    /// A link of this process alone; where there are no hard links, the shared file itself.
    path: PathBuf,
    /// Absent for a file over the capacity, which is never shared.
    shared: Option<PathBuf>,
    stored_name: String,
    name: String,
    size: u64,
}

/// A folder for one attempt.
#[derive(Debug)]
pub struct AttemptFolder {
    /// Dropped before the session that it is in.
    folder: TempDir,
    _inner: Arc<Inner>,
}

impl MediaFile {
    /// Pins a file that is on disk. `None` if it is not.
    pub(super) fn pin(
        inner: Arc<Inner>,
        stored_name: &str,
        name: String,
    ) -> Result<Option<Self>, MediaError> {
        let shared = inner.folder.files().join(stored_name);
        let pin = inner.folder.new_pin(&name);
        let path = match fs::hard_link(&shared, &pin) {
            Ok(()) => pin,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if has_no_links(&error) => shared.clone(),
            Err(error) => return Err(MediaError::disk("link to", &shared, &error)),
        };
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MediaError::disk("read", &path, &error)),
        };
        let file = Self {
            path,
            shared: Some(shared),
            stored_name: stored_name.to_owned(),
            name,
            size: found.len(),
            inner,
        };
        file.touch();
        // What a machine leaves that lost power before the bytes were on disk. Downloading an empty file again costs
        // nothing.
        Ok((file.size > 0).then_some(file))
    }

    /// Keeps a file that was downloaded, and pins it. `said` is the size that it should have.
    pub(super) fn keep(
        inner: Arc<Inner>,
        fetched: NamedTempFile,
        stored_name: &str,
        name: String,
        said: Option<u64>,
    ) -> Result<Self, MediaError> {
        let failed = |path: &Path, error: &io::Error| MediaError::disk("write", path, error);
        let written = fetched.into_temp_path();
        let size = fs::set_permissions(&written, Permissions::from_mode(READ_ONLY))
            .and_then(|()| fs::metadata(&written))
            .map_err(|error| failed(&written, &error))?
            .len();
        let pin = inner.folder.new_pin(&name);
        let mut file = Self {
            path: pin.clone(),
            shared: None,
            stored_name: stored_name.to_owned(),
            name,
            size,
            inner: inner.clone(),
        };
        // A file of another size than was said is kept for nobody else: it may be cut off, or there may be another by now.
        let as_said = said.is_none_or(|said| said == size);
        if inner.capacity == 0 || size > inner.capacity || !as_said {
            written
                .persist(&pin)
                .map_err(|error| failed(&pin, &error.error))?;
            return Ok(file);
        }
        let shared = inner.folder.files().join(stored_name);
        match fs::hard_link(&written, &pin) {
            Ok(()) => {}
            Err(error) if has_no_links(&error) => file.path = shared.clone(),
            Err(error) => return Err(failed(&pin, &error)),
        }
        written
            .persist(&shared)
            .map_err(|error| failed(&shared, &error.error))?;
        file.shared = Some(shared);
        inner.known.fetch_add(size, Ordering::Relaxed);
        inner.added.fetch_add(size, Ordering::Relaxed);
        Ok(file)
    }

    /// Writes down when it was last used, for whoever makes room. In vain on a disk that is only read.
    fn touch(&self) {
        let _ = File::open(&self.path).and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Where it is. The last part of the path is not [`MediaFile::name`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The UUID of the storage item and the suffix, as in `encord-agents`.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The bytes from an offset, fewer than `length` at the end of the file, none beyond it.
    ///
    /// Errors: the disk fails.
    pub async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, MediaError> {
        // Memory for what is there, not for what is asked for.
        let length = u64::from(length).min(self.size.saturating_sub(offset));
        let path = self.path.clone();
        off_thread(move || {
            let mut bytes = vec![0; length as usize];
            File::open(&path)
                .and_then(|file| file.read_exact_at(&mut bytes, offset))
                .map_err(|error| MediaError::disk("read", &path, &error))?;
            Ok(bytes)
        })
        .await?
    }
}

impl Drop for MediaFile {
    fn drop(&mut self) {
        self.touch();
        let inner = &self.inner;
        if self.shared.as_ref() != Some(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
        // Over the capacity everything that nobody uses is gone, so that this is the one that was used last.
        if let Some(shared) = &self.shared
            && inner.known.load(Ordering::Relaxed) > inner.capacity
            && inner.remove_unused(shared)
        {
            let less = |known: u64| Some(known.saturating_sub(self.size));
            let _ = inner
                .known
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        inner.forget(&self.stored_name);
    }
}

impl AttemptFolder {
    pub(super) fn new(inner: Arc<Inner>) -> Result<Self, MediaError> {
        Ok(Self {
            folder: inner.folder.new_attempt()?,
            _inner: inner,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file into the folder under its [`MediaFile::name`], for reading only, and returns its path: as a hard link,
    /// or as a copy where the system has none, which takes as long as copying does. A file that is in the folder already
    /// is left as it is.
    ///
    /// Errors: the disk is full, or fails.
    pub fn add(&self, file: &MediaFile) -> Result<PathBuf, MediaError> {
        let path = self.path().join(&file.name);
        match fs::hard_link(&file.path, &path) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(path),
            Err(error) if has_no_links(&error) => {
                // Copies keep the mode.
                fs::copy(&file.path, &path)
                    .map_err(|error| MediaError::disk("write", &path, &error))?;
                Ok(path)
            }
            Err(error) => Err(MediaError::disk("write", &path, &error)),
        }
    }
}

/// Whether the system cannot link where it can write: no hard links, not for this user, or too many to this file.
fn has_no_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TooManyLinks
            | io::ErrorKind::CrossesDevices
    )
}
