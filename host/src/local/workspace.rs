//! An open folder: a state, and the definition that it was opened with.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::error::LocalError;
use super::manifest::{SetUp, Stage};
use super::store::{self, Item, Meta, Store};
use super::{LOCK_FILE, MANIFEST_FILE, STATE_FILE, sync};

/// A folder with local projects that is open. Others may open it too; [`super::init`] is refused as long as somebody
/// does.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    pub(super) store: Store,
    projects: Vec<ProjectInfo>,
    /// Locked as long as the folder is open.
    _lock: File,
}

/// A project of a [`Workspace`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectInfo {
    /// The project hash.
    pub hash: Uuid,
    /// Its title.
    pub title: String,
    /// Its stages, in their order.
    pub stages: Vec<Stage>,
}

impl Workspace {
    /// Opens a folder that [`super::init`] has filled. Reads `project.toml` anew, and takes over what has changed.
    ///
    /// Errors: the folder or one of its files is missing, `project.toml` has mistakes or does not fit the state
    /// (another hash, a stage gone where tasks wait, a dataset that was not taken in yet), or another process is
    /// changing the project.
    pub fn open(folder: &Path) -> Result<Self, LocalError> {
        if !folder.is_dir() {
            return Err(LocalError::FolderMissing {
                folder: folder.to_owned(),
            });
        }
        if !folder.join(MANIFEST_FILE).is_file() {
            return Err(LocalError::ManifestMissing {
                folder: folder.to_owned(),
            });
        }
        let state = folder.join(STATE_FILE);
        if !state.is_file() {
            return Err(LocalError::StateMissing {
                folder: folder.to_owned(),
            });
        }
        let lock = lock(folder, Lock::Shared)?;
        let store = Store::open(&state)?;
        let meta = store.read(Meta::read).map_err(LocalError::state(&state))?;
        let set_up = SetUp::read(folder, meta.scope)?;
        sync::take_over(&store, &set_up, folder)?;
        let projects = store
            .read(|connection| store::projects(connection, None))
            .map_err(LocalError::state(&state))?;
        let main = set_up.main().map(|main| main.hash);
        let mut projects: Vec<_> = projects
            .into_iter()
            .map(|project| ProjectInfo {
                hash: project.hash,
                title: project.title,
                stages: project.workflow.stages,
            })
            .collect();
        // Stable: all others stay in their order.
        projects.sort_by_key(|project| Some(project.hash) != main);
        let folder = folder
            .canonicalize()
            .map_err(LocalError::io("open", folder))?;
        Ok(Self {
            folder,
            store,
            projects,
            _lock: lock,
        })
    }

    /// The projects that there were when the folder was opened. The main one is the first; the others are in the
    /// order in which they were made.
    #[must_use]
    pub fn projects(&self) -> &[ProjectInfo] {
        &self.projects
    }

    /// The folder, absolute. Media that are recorded with a relative path are relative to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the item's file is. `None` if it is not one file.
    pub(super) fn file_of(&self, item: &Item) -> Option<PathBuf> {
        Some(self.folder.join(item.path.as_ref()?))
    }
}

/// How a folder is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// By those who serve it.
    Shared,
    /// By the one who changes its media or starts it over.
    Exclusive,
}

/// How often a lock that somebody has is tried again, 10 ms later each time.
const PATIENCE: u32 = 20;

/// The lock is given back when the file is closed, also by the end of the process.
pub(super) fn lock(folder: &Path, lock: Lock) -> Result<File, LocalError> {
    let path = folder.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(LocalError::io("open", &path))?;
    let take = || match lock {
        Lock::Shared => file.try_lock_shared(),
        Lock::Exclusive => file.try_lock(),
    };
    // A program that this process is just starting (`ffprobe`) holds a copy of every open file for a moment, and so
    // of a lock that has been given back.
    let mut locked = take();
    for _ in 0..PATIENCE {
        if !matches!(locked, Err(std::fs::TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        locked = take();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(LocalError::InUse {
            folder: folder.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(LocalError::io("lock", &path)(source)),
    }
}
