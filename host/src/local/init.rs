//! Makes a project from media, or continues one.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use super::error::LocalError;
use super::manifest::Definition;
use super::media::{self, Found, MediaFile};
use super::probe::{self, Properties};
use super::project::{Lock, check_fit, lock};
use super::store::{self, Item, Meta, Store};
use super::{LOCK_FILE, MANIFEST_FILE, STATE_FILE, clock, identity, template};

/// What to make a project of.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// Files, and folders that are searched with all that is in them. They stay where they are. A project that
    /// exists needs none.
    pub media: Vec<PathBuf>,
    /// Start over from `project.toml`: labels, client metadata and the way of each task are forgotten. Without
    /// `media`, the project keeps the files that it has.
    pub reset: bool,
    /// Title of a new project; the folder's name by default.
    pub title: Option<String>,
}

/// What [`init`] did. Displays as a sentence or two.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InitReport {
    /// The project's folder, as it was given.
    pub folder: PathBuf,
    /// The project hash.
    pub hash: Uuid,
    /// Of the project.
    pub title: String,
    /// True if there was no state before.
    pub created: bool,
    /// True if there was one, and it was started over.
    pub reset: bool,
    /// Tasks that are new.
    pub added: usize,
    /// Tasks that were there before.
    pub kept: usize,
    /// Title of the stage where new tasks are.
    pub start: String,
    /// Files that are no media, and were left out.
    pub skipped: Vec<PathBuf>,
}

/// As many as fit a terminal.
const LISTED: usize = 10;

impl fmt::Display for InitReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match (self.created, self.reset) {
            (true, _) => "made",
            (false, true) => "started over with",
            (false, false) => "continued",
        };
        write!(
            formatter,
            "{verb} \"{}\" ({}) in {}: ",
            self.title,
            self.hash,
            self.folder.display()
        )?;
        let noun = if self.added == 1 { "task" } else { "tasks" };
        write!(formatter, "{} new {noun} at \"{}\"", self.added, self.start)?;
        if self.kept > 0 {
            write!(formatter, ", {} kept", self.kept)?;
        }
        if !self.skipped.is_empty() {
            let noun = if self.skipped.len() == 1 {
                "file"
            } else {
                "files"
            };
            write!(
                formatter,
                "\nskipped {} {noun} of another kind, or removed:",
                self.skipped.len()
            )?;
            for path in self.skipped.iter().take(LISTED) {
                write!(formatter, "\n  {}", path.display())?;
            }
            if self.skipped.len() > LISTED {
                write!(formatter, "\n  … and {} more", self.skipped.len() - LISTED)?;
            }
        }
        Ok(())
    }
}

/// Makes a project in `folder`, or continues the one that is there: tasks and labels are kept, new media are
/// added. Reads every new file's header, so it blocks for a while. All of it happens, or nothing does.
///
/// Errors: no media are given or recognised, a file cannot be read, `ffprobe` is missing and needed, `project.toml`
/// has mistakes, or the project is in use.
pub fn init(folder: &Path, options: InitOptions) -> Result<InitReport, LocalError> {
    let state = folder.join(STATE_FILE);
    let before = if state.is_file() {
        Some(Before::read(folder, options.reset)?)
    } else {
        None
    };
    let written = folder.join(MANIFEST_FILE).is_file();
    let fallback = before
        .as_ref()
        .map_or_else(Uuid::new_v4, |before| before.meta.project_hash);
    let text = match written {
        true => None,
        false => Some(template::manifest(&title(folder, &options), fallback)),
    };
    let definition = match &text {
        None => Definition::read(folder, fallback)?,
        Some(text) => Definition::parse(text, folder, fallback)?,
    };
    if let Some(given) = options
        .title
        .filter(|given| written && *given != definition.title)
    {
        return Err(LocalError::OtherTitle {
            title: definition.title,
            given,
        });
    }
    let keeps = before.as_ref().filter(|_| !options.reset);
    if let Some(before) = keeps {
        check_fit(&definition, folder, before.meta, &before.stages)?;
    }

    let found = match &before {
        None if options.media.is_empty() => {
            return Err(LocalError::NoMedia {
                folder: folder.to_owned(),
            });
        }
        Some(before) if options.media.is_empty() && options.reset => before.media(folder),
        _ => media::search(&options.media, &media::own_files(folder, &definition.files))?,
    };
    match (options.media.is_empty(), found.media.is_empty()) {
        (false, true) => {
            return Err(LocalError::NothingRecognised {
                searched: options.media,
                skipped: found.skipped.len(),
            });
        }
        (true, true) if keeps.is_none() => {
            return Err(LocalError::NoMedia {
                folder: folder.to_owned(),
            });
        }
        _ => {}
    }
    let known: &[(String, String)] = keeps.map_or(&[], |before| &before.items);
    let items = new_items(folder, &definition, known, found.media)?;
    let report = InitReport {
        folder: folder.to_owned(),
        hash: definition.hash,
        title: definition.title.clone(),
        created: before.is_none(),
        reset: before.is_some() && options.reset,
        added: items.len(),
        kept: known.len(),
        start: definition.stages[definition.start].title.clone(),
        skipped: found.skipped,
    };
    match (keeps, &before) {
        (Some(before), _) => before.add(&state, &definition, &items)?,
        (None, Some(_)) => write_state(folder, &definition, &items)?,
        (None, None) => create(folder, text.as_deref(), &definition, &items)?,
    }
    if let (Some(text), Some(_)) = (&text, &before) {
        // The state was there and the file that people read was not.
        write_whole(&folder.join(MANIFEST_FILE), text)?;
    }
    Ok(report)
}

/// A project that exists, held so that nobody else changes it.
struct Before {
    meta: Meta,
    stages: Vec<(String, u64)>,
    /// Recorded path and title of each item.
    items: Vec<(String, String)>,
    /// Kept until `init` ends.
    _lock: File,
}

impl Before {
    fn read(folder: &Path, reset: bool) -> Result<Self, LocalError> {
        let state = folder.join(STATE_FILE);
        let lock = lock(folder, Lock::Exclusive)?;
        let read = Store::open(&state).and_then(|store| {
            let read = store.read(|connection| {
                let stages = store::occupied_stages(connection)?;
                Ok((
                    Meta::read(connection)?,
                    stages,
                    store::recorded_items(connection)?,
                ))
            });
            read.map_err(LocalError::state(&state))
        });
        let (meta, stages, items) = match read {
            Ok(read) => read,
            // Starting over is the way out of a state that cannot be read. It then needs media again, and a hash
            // that was not written down is lost.
            Err(error) if reset => {
                tracing::warn!(%error, "the state is started over without reading it");
                let hash = Uuid::new_v4();
                let meta = Meta {
                    project_hash: hash,
                    dataset_hash: hash,
                    created_at: clock::now(),
                };
                (meta, Vec::new(), Vec::new())
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            meta,
            stages,
            items,
            _lock: lock,
        })
    }

    /// The files that the project has, to start over with.
    fn media(&self, folder: &Path) -> Found {
        let (kept, vanished): (Vec<_>, Vec<_>) = self
            .items
            .iter()
            .partition(|(path, _)| folder.join(path).exists());
        let file = |(path, title): &(String, String)| {
            let path = folder.join(path);
            let (kind, mime_type) = media::recognise(&path)?;
            let path = path.canonicalize().unwrap_or(path);
            Some(MediaFile {
                path,
                title: title.clone(),
                kind,
                mime_type,
            })
        };
        Found {
            media: kept.into_iter().filter_map(file).collect(),
            // What was removed is no longer part of the project.
            skipped: vanished
                .into_iter()
                .map(|(path, _)| folder.join(path))
                .collect(),
        }
    }

    fn add(&self, state: &Path, definition: &Definition, items: &[Item]) -> Result<(), LocalError> {
        let store = Store::open(state)?;
        store
            .write(|connection| insert(connection, definition, items))
            .map_err(LocalError::state(state))
    }
}

fn title(folder: &Path, options: &InitOptions) -> String {
    let name = || {
        let absolute = std::path::absolute(folder).ok()?;
        Some(absolute.file_name()?.to_string_lossy().into_owned())
    };
    options
        .title
        .clone()
        .or_else(name)
        .unwrap_or_else(|| "Local project".to_owned())
}

fn new_items(
    folder: &Path,
    definition: &Definition,
    known: &[(String, String)],
    found: Vec<MediaFile>,
) -> Result<Vec<Item>, LocalError> {
    let folder = canonical(folder)?;
    let known: std::collections::HashSet<_> = known.iter().map(|(path, _)| path.as_str()).collect();
    let recorded = |file: &MediaFile| media::recorded(&folder, &file.path);
    let found: Vec<_> = found
        .into_iter()
        .filter(|file| !known.contains(recorded(file).as_str()))
        .collect();
    let properties = probe::probe_all(&found)?;
    let now = clock::now();
    let item = |(file, properties): (MediaFile, Properties)| {
        let path = recorded(&file);
        Item {
            position: 0,
            uuid: identity::uuid(definition.dataset_hash, "item", &[&path]).to_string(),
            data_hash: identity::uuid(definition.dataset_hash, "data unit", &[&path]).to_string(),
            path,
            title: file.title,
            description: String::new(),
            kind: file.kind,
            mime_type: properties.mime_type.unwrap_or(file.mime_type).to_owned(),
            properties,
            client_metadata: None,
            created_at: now,
            edited_at: now,
        }
    };
    Ok(found.into_iter().zip(properties).map(item).collect())
}

/// Where the folder is or, if it is not there yet, will be.
fn canonical(folder: &Path) -> Result<PathBuf, LocalError> {
    let failed = || LocalError::io("find", folder);
    if let Ok(found) = folder.canonicalize() {
        return Ok(found);
    }
    let absolute = std::path::absolute(folder).map_err(failed())?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Ok(canonical(parent)?.join(name)),
        _ => Ok(absolute),
    }
}

fn insert(
    connection: &Connection,
    definition: &Definition,
    items: &[Item],
) -> rusqlite::Result<()> {
    let stage = definition.stages[definition.start].uuid.to_string();
    for item in items {
        let task = identity::uuid(definition.hash, "task", &[&item.data_hash]).to_string();
        store::insert_item(connection, item, &task, &stage)?;
    }
    Ok(())
}

/// Both files, or neither.
fn create(
    folder: &Path,
    manifest: Option<&str>,
    definition: &Definition,
    items: &[Item],
) -> Result<(), LocalError> {
    let new_folder = !folder.exists();
    std::fs::create_dir_all(folder).map_err(LocalError::io("make the folder", folder))?;
    let path = folder.join(MANIFEST_FILE);
    let made = (|| {
        let held = lock(folder, Lock::Exclusive)?;
        if folder.join(STATE_FILE).exists() {
            return Err(LocalError::InUse {
                folder: folder.to_owned(),
            });
        }
        // The file that people read comes first: without a state it is a project that `init` can continue.
        if let Some(text) = manifest {
            write_whole(&path, text)?;
        }
        let written = write_state(folder, definition, items);
        if written.is_err() && manifest.is_some() {
            remove(&path);
        }
        drop(held);
        written
    })();
    if made.is_err() && !folder.join(STATE_FILE).exists() {
        remove(&folder.join(LOCK_FILE));
        if new_folder && let Err(error) = std::fs::remove_dir(folder) {
            tracing::warn!(folder = %folder.display(), %error, "the new folder cannot be removed");
        }
    }
    made
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the file cannot be removed");
    }
}

fn write_whole(path: &Path, text: &str) -> Result<(), LocalError> {
    let failed = || LocalError::io("write", path);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = new_file_in(folder).map_err(failed())?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed())?;
    file.persist_noclobber(path)
        .map_err(|error| failed()(error.error))?;
    Ok(())
}

/// A new state beside the old one, which it then replaces.
fn write_state(folder: &Path, definition: &Definition, items: &[Item]) -> Result<(), LocalError> {
    let path = folder.join(STATE_FILE);
    let failed = || LocalError::state(&path);
    let file = new_file_in(folder).map_err(LocalError::io("write", &path))?;
    let mut connection = Connection::open(file.path()).map_err(failed())?;
    // Nobody reads this file before it is complete.
    connection
        .pragma_update(None, "journal_mode", "OFF")
        .map_err(failed())?;
    connection
        .pragma_update(None, "synchronous", "OFF")
        .map_err(failed())?;
    let transaction = connection.transaction().map_err(failed())?;
    let meta = Meta {
        project_hash: definition.hash,
        dataset_hash: definition.dataset_hash,
        created_at: clock::now(),
    };
    store::create(&transaction, meta).map_err(failed())?;
    insert(&transaction, definition, items).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    connection.close().map_err(|(_, error)| failed()(error))?;
    file.as_file()
        .sync_all()
        .map_err(LocalError::io("write", &path))?;
    // What was in the old log belongs to the old file.
    for suffix in ["-wal", "-shm"] {
        let log = folder.join(format!("{STATE_FILE}{suffix}"));
        if log.exists() {
            std::fs::remove_file(&log).map_err(LocalError::io("remove", &log))?;
        }
    }
    file.persist(&path)
        .map_err(|error| LocalError::io("write", &path)(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(LocalError::io("write", folder))
}

/// With the rights that a file of its owner usually has, since others may read the project.
fn new_file_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".runner-host-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder)
}
