//! An open local project.

use std::fs::File;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::LocalError;
use super::manifest::{Definition, Stage};
use super::store::{Item, Meta, Store, occupied_stages};
use super::{LOCK_FILE, MANIFEST_FILE, STATE_FILE};

/// A local project that is open. Others may open it too; [`super::init`] is refused as long as somebody does.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    definition: Definition,
    pub(super) store: Store,
    /// In milliseconds since 1970.
    pub(super) created_at: i64,
    /// Locked as long as the project is open.
    _lock: File,
}

impl Project {
    /// Opens the project in a folder that [`super::init`] has filled. Reads `project.toml` anew.
    ///
    /// Errors: the folder or one of its files is missing, `project.toml` has mistakes or does not fit the state
    /// (another hash, a stage gone where tasks wait), or another process is changing the project.
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
        let (meta, stages) = store
            .read(|connection| Ok((Meta::read(connection)?, occupied_stages(connection)?)))
            .map_err(LocalError::state(&state))?;
        let definition = Definition::read(folder, meta.project_hash)?;
        check_fit(&definition, folder, meta, &stages)?;
        let folder = folder
            .canonicalize()
            .map_err(LocalError::io("open", folder))?;
        Ok(Self {
            folder,
            definition,
            store,
            created_at: meta.created_at,
            _lock: lock,
        })
    }

    /// The project hash.
    #[must_use]
    pub fn hash(&self) -> Uuid {
        self.definition.hash
    }

    /// As in `project.toml`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.definition.title
    }

    /// In the order of `project.toml`.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.definition.stages
    }

    /// The project's folder, absolute. Media that are recorded with a relative path are relative to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Where the item's file is.
    pub(super) fn file_of(&self, item: &Item) -> PathBuf {
        self.folder.join(&item.path)
    }
}

/// `project.toml` may change between two openings, but not pull the ground from under the state.
pub(super) fn check_fit(
    definition: &Definition,
    folder: &Path,
    meta: Meta,
    stages: &[(String, u64)],
) -> Result<(), LocalError> {
    let state = folder.join(STATE_FILE);
    if definition.hash != meta.project_hash {
        let (expected, found) = (definition.hash.to_string(), meta.project_hash.to_string());
        return Err(LocalError::OtherProject {
            state,
            expected,
            found,
        });
    }
    if definition.dataset_hash != meta.dataset_hash {
        let (expected, found) = (
            definition.dataset_hash.to_string(),
            meta.dataset_hash.to_string(),
        );
        return Err(LocalError::OtherDataset {
            state,
            expected,
            found,
        });
    }
    for (uuid, tasks) in stages {
        if !definition
            .stages
            .iter()
            .any(|stage| stage.uuid.to_string() == *uuid)
        {
            return Err(LocalError::StageGone {
                file: folder.join(MANIFEST_FILE),
                stage: uuid.clone(),
                tasks: *tasks,
            });
        }
    }
    Ok(())
}

/// How a project is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// By those who serve it.
    Shared,
    /// By the one who changes its media or starts it over.
    Exclusive,
}

/// The lock is given back when the file is closed, also by the end of the process.
pub(super) fn lock(folder: &Path, lock: Lock) -> Result<File, LocalError> {
    let path = folder.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(LocalError::io("open", &path))?;
    let locked = match lock {
        Lock::Shared => file.try_lock_shared(),
        Lock::Exclusive => file.try_lock(),
    };
    match locked {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(LocalError::InUse {
            folder: folder.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(LocalError::io("lock", &path)(source)),
    }
}
