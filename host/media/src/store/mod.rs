//! Files on disk, keyed by storage item.

mod evict;
mod file;
mod folder;
mod key;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use file::{AttemptFolder, MediaFile};
pub use key::FileKey;

use crate::error::MediaError;
use crate::fetch::{FetchOptions, Fetcher, Source};
use folder::Folder;

/// Files on disk, keyed by storage item. Over its capacity, those go first that were not used for the longest time. A
/// clone is the same store.
///
/// Several processes may share a folder. Each pins what it uses by a hard link of its own, so that none takes a file from
/// another; where the system has no hard links, that holds only within a process.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What a [`Store`] did since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Files that were downloaded whole.
    pub downloads: u64,
    /// Bytes that came, those of downloads that failed among them.
    pub bytes: u64,
    /// Calls of [`Store::get`] that found the file on disk or in use.
    pub hits: u64,
    /// Files that were removed to make room.
    pub evictions: u64,
}

#[derive(Debug)]
pub(crate) struct Inner {
    folder: Folder,
    /// In bytes.
    capacity: u64,
    fetcher: Fetcher,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    /// Bytes on disk, as far as this process knows: others add and remove too.
    known: AtomicU64,
    /// Bytes that this process added since the folder was last read.
    added: AtomicU64,
    /// Held by the one that makes room.
    evicting: Mutex<()>,
    downloads: AtomicU64,
    hits: AtomicU64,
    evictions: AtomicU64,
}

/// One key, while somebody uses or gets its file.
#[derive(Debug, Default)]
struct Slot {
    file: Mutex<Weak<MediaFile>>,
    /// Held by the one that gets the file.
    turn: tokio::sync::Mutex<()>,
    /// How many downloads failed, and why the last did.
    failed: Mutex<(u64, Option<MediaError>)>,
}

impl Store {
    /// Opens a store in a folder, which is made if it is missing. `capacity` is in bytes; files that are in use are kept
    /// even over it, and with a capacity of 0 a file is removed when the last user is gone.
    ///
    /// What an interrupted run left half-written is removed, and what is over the capacity. Nothing is touched that a store did not make.
    ///
    /// Errors: the folder cannot be made or written to; there are no certificates to know other servers by.
    pub fn open(folder: &Path, capacity: u64, options: FetchOptions) -> Result<Self, MediaError> {
        let fetcher = Fetcher::new(options)?;
        let inner = Inner {
            folder: Folder::open(folder)?,
            capacity,
            fetcher,
            slots: Mutex::default(),
            known: AtomicU64::new(0),
            added: AtomicU64::new(0),
            evicting: Mutex::default(),
            downloads: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        };
        inner.make_room();
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The file of a key: from disk if it is there, else downloaded. Concurrent calls for one key download once, and if
    /// that fails, fail together. A call that is dropped downloads no further.
    ///
    /// Errors: [`crate::MediaErrorKind::Invalid`] if the suffix of the key cannot be part of a name, or the file came
    /// damaged; [`crate::MediaErrorKind::NotFound`], `Forbidden` or `Unavailable` as the store answers that has the file;
    /// `TooLarge` over [`FetchOptions::most_bytes`]; `Other` if the disk is full; what `source` fails with.
    pub async fn get(
        &self,
        key: &FileKey,
        source: &(dyn Source + '_),
    ) -> Result<Arc<MediaFile>, MediaError> {
        let name = key.stored_name()?;
        let turn = Turn {
            inner: &self.inner,
            slot: self.inner.slot(&name),
            name,
        };
        if let Some(file) = turn.slot.alive() {
            self.inner.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(file);
        }
        let failed_before = lock(&turn.slot.failed).0;
        let _held = turn.slot.turn.lock().await;
        if let Some(file) = turn.slot.alive() {
            self.inner.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(file);
        }
        if let (failures, Some(error)) = &*lock(&turn.slot.failed)
            && *failures != failed_before
        {
            return Err(error.clone());
        }
        let got = self.pinned_or_fetched(key, &turn.name, source).await;
        match got {
            Ok(file) => {
                let file = Arc::new(file);
                *lock(&turn.slot.file) = Arc::downgrade(&file);
                Ok(file)
            }
            Err(error) => {
                let mut failed = lock(&turn.slot.failed);
                *failed = (failed.0 + 1, Some(error.clone()));
                Err(error)
            }
        }
    }

    /// What the store did since it was opened.
    pub fn counters(&self) -> Counters {
        let inner = &self.inner;
        Counters {
            downloads: inner.downloads.load(Ordering::Relaxed),
            bytes: inner.fetcher.bytes(),
            hits: inner.hits.load(Ordering::Relaxed),
            evictions: inner.evictions.load(Ordering::Relaxed),
        }
    }

    /// A new folder for one attempt, which is removed with all that is in it on drop.
    ///
    /// Errors: it cannot be made.
    pub fn attempt_folder(&self) -> Result<AttemptFolder, MediaError> {
        AttemptFolder::new(self.inner.clone())
    }

    async fn pinned_or_fetched(
        &self,
        key: &FileKey,
        name: &str,
        source: &(dyn Source + '_),
    ) -> Result<MediaFile, MediaError> {
        let (inner, uuid_name) = (self.inner.clone(), key.name());
        let (stored, item_name) = (name.to_owned(), uuid_name.clone());
        let found = off_thread(move || MediaFile::pin(inner, &stored, item_name)).await??;
        if let Some(file) = found {
            self.inner.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(file);
        }
        let half_written = self.inner.folder.half_written()?;
        let fetched = self.inner.fetcher.fetch(source, half_written).await?;
        self.inner.downloads.fetch_add(1, Ordering::Relaxed);
        let (inner, stored, said) = (self.inner.clone(), name.to_owned(), key.size);
        off_thread(move || {
            let file = MediaFile::keep(inner.clone(), fetched, &stored, uuid_name, said)?;
            inner.make_room_if_needed();
            Ok(file)
        })
        .await?
    }
}

impl Inner {
    fn slot(&self, name: &str) -> Arc<Slot> {
        lock(&self.slots)
            .entry(name.to_owned())
            .or_default()
            .clone()
    }

    /// Whether this process uses the file.
    fn is_used(&self, name: &str) -> bool {
        lock(&self.slots)
            .get(name)
            .is_some_and(|slot| lock(&slot.file).strong_count() > 0)
    }

    /// Forgets a key that nobody uses or gets.
    fn forget(&self, name: &str) {
        let mut slots = lock(&self.slots);
        if slots.get(name).is_some_and(|slot| {
            Arc::strong_count(slot) == 1 && lock(&slot.file).strong_count() == 0
        }) {
            slots.remove(name);
        }
    }
}

impl Slot {
    fn alive(&self) -> Option<Arc<MediaFile>> {
        lock(&self.file).upgrade()
    }
}

/// A call for a key. Its slot is forgotten on drop unless others need it, also where the call is dropped half-way.
struct Turn<'a> {
    inner: &'a Inner,
    slot: Arc<Slot>,
    name: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.slot = Arc::default();
        self.inner.forget(&self.name);
    }
}

/// What these locks guard is whole after each statement, so that a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| MediaError::lost(&error))
}
