//! What was decided and not yet confirmed by the server, and which tasks failed.
//!
//! A decision is recorded before the first request of its commit and closed when the server has confirmed
//! the last one. What is open when the host starts was interrupted: its commit is resumed, and the agent
//! does not run again for a decision that was already made.

mod decisions;
mod entry;
mod error;
mod quarantine;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::off_thread::off_thread;
pub use entry::{Entry, EntryItem, EntryLabels};
pub use error::JournalError;
use error::database;
pub use quarantine::{Quarantine, Quarantined};

/// The database, in the state directory.
const FILE: &str = "journal.sqlite";

/// The journal of one state directory. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    connection: Mutex<Connection>,
    /// Locked as long as the journal is open; the system unlocks it even if the host is killed.
    _lock: File,
}

/// The form of the database that this host writes, which is its `user_version`. Each change has a number.
const FORM: u32 = 2;

/// The first form, numbered 0.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS decision (
        project TEXT NOT NULL,
        stage TEXT NOT NULL,
        task TEXT NOT NULL,
        data_hash TEXT NOT NULL,
        data_title TEXT NOT NULL,
        label_hash TEXT,
        document TEXT,
        read_edited_at TEXT,
        priority REAL,
        pathway TEXT,
        digest TEXT NOT NULL,
        decided_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        PRIMARY KEY (project, stage, task)
    ) STRICT, WITHOUT ROWID;
";

/// What leads from each form to the next. `items` is JSON: a list of [`EntryItem`], or null if there are none. `edits` is
/// JSON too, see [`EntryLabels::edits`]. `filler` is for [`Journal::check_room`].
const CHANGES: [&[&str]; FORM as usize] = [
    &["ALTER TABLE decision ADD COLUMN items TEXT;"],
    &[
        "ALTER TABLE decision ADD COLUMN edits TEXT;",
        "ALTER TABLE decision ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;",
        quarantine::TABLE,
        "CREATE TABLE filler (bytes BLOB NOT NULL) STRICT;",
    ],
];

/// Bytes of the write-ahead log that stay on disk once it is written back.
const LOG_KEPT: u32 = 64 << 20;

/// Room on the disk that is asked for before tasks are taken again, in bytes.
const ROOM: u32 = 1 << 20;

/// Brings a database, which may be new, to the form that this host writes. Gives the form that it had, if that is a
/// later one.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<Option<u32>> {
    let transaction = connection.transaction()?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = CHANGES.get(found as usize..) else {
        return Ok(Some(found));
    };
    transaction.execute_batch(SCHEMA)?;
    for change in missing.iter().copied().flatten() {
        transaction.execute_batch(change)?;
    }
    transaction.pragma_update(None, "user_version", FORM)?;
    transaction.commit()?;
    Ok(None)
}

/// Runs a statement with project, stage and task for each of these tasks, for all or none. Returns how many rows it changed.
fn for_each(
    connection: &mut Connection,
    statement: &str,
    tasks: impl IntoIterator<Item = [Uuid; 3]>,
) -> rusqlite::Result<usize> {
    let transaction = connection.transaction()?;
    let mut changed = 0;
    for key in tasks {
        let [project, stage, task] = key.map(|uuid| uuid.to_string());
        changed += transaction
            .prepare_cached(statement)?
            .execute(params![project, stage, task])?;
    }
    transaction.commit()?;
    Ok(changed)
}

impl Journal {
    /// Opens the journal in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// If another host uses the directory, or if it cannot be written to.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let io = |error: std::io::Error| JournalError::Io {
            folder: folder.to_owned(),
            reason: error.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let path = folder.join("lock");
        // Who has it wrote itself into it, so it is not cut before it is had.
        let mut options = OpenOptions::new();
        let options = options.create(true).read(true).write(true).truncate(false);
        let lock = options.open(&path).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse {
                    folder: folder.to_owned(),
                    holder: std::fs::read_to_string(&path).unwrap_or_default(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // For people only: on a full disk the lock holds all the same.
        let _ = lock.set_len(0);
        let _ = (&lock).write_all(format!("process {}", std::process::id()).as_bytes());
        let file = folder.join(FILE);
        let open = || -> rusqlite::Result<(Connection, Option<u32>)> {
            let mut connection = Connection::open(&file)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // What was recorded must survive a loss of power too: effects follow it.
            connection.pragma_update(None, "synchronous", "full")?;
            // One transaction with large documents must not leave its size behind for ever.
            connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
            // A command may be reading or releasing.
            connection.busy_timeout(Duration::from_secs(5))?;
            let later = bring_up_to_date(&mut connection)?;
            Ok((connection, later))
        };
        let (connection, later) = open().map_err(|error| database(&file, &error))?;
        if let Some(found) = later {
            return Err(JournalError::Later { file, found });
        }
        Ok(Self(Arc::new(Inner {
            file,
            connection: Mutex::new(connection),
            _lock: lock,
        })))
    }

    /// Whether there is room on the disk for decisions: after it was full, before tasks are taken again.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn check_room(&self) -> Result<(), JournalError> {
        self.with(|connection| {
            connection.execute("INSERT INTO filler VALUES (zeroblob(?1))", [ROOM])?;
            connection.execute("DELETE FROM filler", [])?;
            Ok(())
        })
        .await
    }

    /// Runs a statement for each of these tasks; see [`for_each`].
    async fn for_tasks(
        &self,
        statement: &'static str,
        project: Uuid,
        stage: Uuid,
        tasks: Vec<Uuid>,
    ) -> Result<(), JournalError> {
        if tasks.is_empty() {
            return Ok(());
        }
        self.with(move |connection| {
            let keys = tasks.into_iter().map(|task| [project, stage, task]);
            for_each(connection, statement, keys).map(drop)
        })
        .await
    }

    /// Does something to the database, off the async threads.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let inner = Arc::clone(&self.0);
        off_thread(move || {
            // A panic inside leaves a transaction that rolled back, so the connection is good.
            let mut connection = inner
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|error| database(&inner.file, &error))
        })
        .await
    }
}
