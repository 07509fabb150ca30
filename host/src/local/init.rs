//! Makes a project from media, or continues one.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use super::collect::{self, Known, NewItem};
use super::error::LocalError;
use super::manifest::{Dataset, SetUp};
use super::media::{self, Found};
use super::store::{self, Meta, Store};
use super::sync::{self, check_fit};
use super::workspace::{Lock, lock};
use super::{LOCK_FILE, MANIFEST_FILE, STATE_FILE, clock, template};

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
    /// Hash of the main project. Absent if `project.toml` has none.
    pub hash: Option<Uuid>,
    /// Of the main project.
    pub title: Option<String>,
    /// True if there was no state before.
    pub created: bool,
    /// True if there was one, and it was started over.
    pub reset: bool,
    /// Data units that are new.
    pub added: usize,
    /// Data units that were there before.
    pub kept: usize,
    /// Title of the stage of the main project where new tasks are. Absent if some of the new data are not its own.
    pub start: Option<String>,
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
        match (&self.title, self.hash) {
            (Some(title), Some(hash)) => write!(formatter, "{verb} \"{title}\" ({hash})")?,
            _ => write!(formatter, "{verb} the set-up")?,
        }
        write!(formatter, " in {}: ", self.folder.display())?;
        let (one, many) = match &self.start {
            Some(_) => ("task", "tasks"),
            None => ("data unit", "data units"),
        };
        let noun = if self.added == 1 { one } else { many };
        write!(formatter, "{} new {noun}", self.added)?;
        if let Some(start) = &self.start {
            write!(formatter, " at \"{start}\"")?;
        }
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
    let scope = before
        .as_ref()
        .map_or_else(Uuid::new_v4, |before| before.meta.scope);
    let text = match written {
        true => None,
        false => Some(template::manifest(&title(folder, &options), scope)),
    };
    let set_up = match &text {
        None => SetUp::read(folder, scope)?,
        Some(text) => SetUp::parse(text, folder, scope)?,
    };
    let main = set_up.main();
    if let (Some(given), Some(main)) = (options.title, main)
        && given != main.title
    {
        return Err(LocalError::OtherTitle {
            title: main.title.clone(),
            given,
        });
    }
    let keeps = before.as_ref().filter(|_| !options.reset);
    if let Some(before) = keeps {
        before.check_fit(&set_up, folder)?;
    }

    let own = media::own_files(folder, &set_up.files);
    let none = Known::default();
    let known = keeps.map_or(&none, |before| &before.known);
    let mut skipped = Vec::new();
    let mut items = Vec::new();
    for (index, dataset) in set_up.datasets.iter().enumerate() {
        let given: &[PathBuf] = if index == 0 { &options.media } else { &[] };
        let found = match &before {
            // Without media, a new start is one with what there was.
            Some(before) if options.reset && index == 0 && given.is_empty() => {
                before.media(folder, dataset, &own)?
            }
            _ => media::search(&[given, &dataset.media].concat(), &own)?,
        };
        if !given.is_empty() && found.media.is_empty() {
            return Err(LocalError::NothingRecognised {
                searched: options.media,
                skipped: found.skipped.len(),
            });
        }
        skipped.extend(found.skipped);
        let new = collect::items(folder, dataset, known, found.media)?;
        let empty = new.is_empty() && dataset.items.is_empty() && dataset.media.is_empty();
        if index == 0 && set_up.has_main && keeps.is_none() && empty {
            return Err(LocalError::NoMedia {
                folder: folder.to_owned(),
            });
        }
        items.push((dataset.hash, new));
    }
    // Data of other projects are at stages of their own.
    let start = main
        .filter(|main| {
            let mut datasets = set_up.datasets.iter();
            datasets.all(|dataset| main.datasets.contains(&dataset.hash))
        })
        .and_then(|main| main.workflow.stages.get(main.workflow.start));
    let report = InitReport {
        folder: folder.to_owned(),
        hash: main.map(|main| main.hash),
        title: main.map(|main| main.title.clone()),
        created: before.is_none(),
        reset: before.is_some() && options.reset,
        added: items.iter().map(|(_, items)| items.len()).sum(),
        kept: known.units.len(),
        start: start.map(|stage| stage.title.clone()),
        skipped,
    };
    match (keeps, &before) {
        (Some(_), _) => {
            let store = Store::open(&state)?;
            store
                .write(|connection| insert(connection, &set_up, &items))
                .map_err(LocalError::state(&state))?;
        }
        (None, Some(_)) => write_state(folder, scope, &set_up, &items)?,
        (None, None) => create(folder, text.as_deref(), scope, &set_up, &items)?,
    }
    if let (Some(text), Some(_)) = (&text, &before) {
        // The state was there and the file that people read was not.
        write_whole(&folder.join(MANIFEST_FILE), text)?;
    }
    Ok(report)
}

/// New items of each dataset, by its hash.
type NewItems = Vec<(Uuid, Vec<NewItem>)>;

/// A project that exists, held so that nobody else changes it.
struct Before {
    meta: Meta,
    known: Known,
    /// Kept until `init` ends.
    _lock: File,
}

impl Before {
    fn read(folder: &Path, reset: bool) -> Result<Self, LocalError> {
        let state = folder.join(STATE_FILE);
        let lock = lock(folder, Lock::Exclusive)?;
        let read = Store::open(&state).and_then(|store| {
            let read =
                store.read(|connection| Ok((Meta::read(connection)?, Known::read(connection)?)));
            read.map_err(LocalError::state(&state))
        });
        let (meta, known) = match read {
            Ok(read) => read,
            // Starting over is the way out of a state that cannot be read. It then needs media again, and a hash
            // that was not written down is lost.
            Err(error) if reset => {
                tracing::warn!(%error, "the state is started over without reading it");
                let meta = Meta {
                    scope: Uuid::new_v4(),
                    main: None,
                };
                (meta, Known::default())
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            meta,
            known,
            _lock: lock,
        })
    }

    fn check_fit(&self, set_up: &SetUp, folder: &Path) -> Result<(), LocalError> {
        let state = folder.join(STATE_FILE);
        let checked = Store::open(&state)?.read(|connection| {
            Ok::<_, rusqlite::Error>(check_fit(connection, set_up, folder, false))
        });
        checked.map_err(LocalError::state(&state))?
    }

    /// The files that a dataset has, to start over with. Those that `project.toml` names are found anew.
    fn media(
        &self,
        folder: &Path,
        dataset: &Dataset,
        own: &[PathBuf],
    ) -> Result<Found, LocalError> {
        let mut found = media::search(&dataset.media, own)?;
        let recorded = self.known.paths.get(&dataset.hash).into_iter().flatten();
        for (path, title) in recorded {
            let path = folder.join(path);
            if !path.exists() {
                // What was removed is no longer part of the project.
                found.skipped.push(path);
            } else if let Some(file) = media::file(path, title.clone())
                && found.media.iter().all(|other| other.path != file.path)
            {
                found.media.push(file);
            }
        }
        Ok(found)
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

fn insert(connection: &Connection, set_up: &SetUp, items: &NewItems) -> rusqlite::Result<()> {
    sync::write(connection, set_up)?;
    for (dataset, items) in items {
        let found = store::find_dataset(connection, &dataset.to_string())?;
        let dataset = found.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        for item in items {
            item.insert(connection, Some(&dataset), None)?;
        }
    }
    store::add_missing_tasks(connection, clock::now())
}

/// Both files, or neither.
fn create(
    folder: &Path,
    manifest: Option<&str>,
    scope: Uuid,
    set_up: &SetUp,
    items: &NewItems,
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
        let written = write_state(folder, scope, set_up, items);
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
fn write_state(
    folder: &Path,
    scope: Uuid,
    set_up: &SetUp,
    items: &NewItems,
) -> Result<(), LocalError> {
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
        scope,
        main: set_up.main().map(|main| main.hash),
    };
    store::create(&transaction, meta).map_err(failed())?;
    insert(&transaction, set_up, items).map_err(failed())?;
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

/// What the names of files begin with that are being written.
pub(super) const NEW_FILE: &str = ".runner-host-";

/// With the rights that a file of its owner usually has, since others may read the project.
pub(super) fn new_file_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NEW_FILE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder)
}
