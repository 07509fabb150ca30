//! What was decided and not yet confirmed by the server.
//!
//! A decision is recorded before the first request of its commit and closed when the server has confirmed
//! the last one. What is open when the host starts was interrupted: its commit is resumed, and the agent
//! does not run again for a decision that was already made.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// One decision for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The project.
    pub project: Uuid,
    /// The stage at which the task waits.
    pub stage: Uuid,
    /// The task.
    pub task: Uuid,
    /// The task's data unit.
    pub data_hash: Uuid,
    /// Its title, for messages.
    pub data_title: String,
    /// The label row to save, if any.
    pub labels: Option<EntryLabels>,
    /// The storage items to change.
    pub items: Vec<EntryItem>,
    /// The priority to set, if any; from 0 to 1.
    pub priority: Option<f64>,
    /// The pathway to follow; none if the task stays.
    pub pathway: Option<Uuid>,
    /// SHA-256 of the plugin that decided, as hexadecimal digits.
    pub digest: String,
}

impl Entry {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.labels.is_none()
            && self.items.is_empty()
            && self.priority.is_none()
            && self.pathway.is_none()
    }
}

/// A label row to save.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryLabels {
    /// Whose row it is.
    pub label_hash: Uuid,
    /// The whole document.
    pub document: Arc<Value>,
    /// When the row had been edited last, as the server said when the agent's copy was read.
    pub read_edited_at: Option<String>,
}

/// A storage item whose client metadata is to be replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryItem {
    /// Which one.
    pub item: Uuid,
    /// All that it is to have.
    pub client_metadata: Map<String, Value>,
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another host has it open.
    #[error("another runner-host uses the state directory `{}`", .0.display())]
    InUse(PathBuf),
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
            Self::InUse(_) => {
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
const FORM: u32 = 1;

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

/// What leads from each form to the next. `items` is JSON: a list of [`EntryItem`], or null if there are none.
const CHANGES: [&str; FORM as usize] = ["ALTER TABLE decision ADD COLUMN items TEXT;"];

/// Brings a database, which may be new, to the form that this host writes. Gives the form that it had, if that is a
/// later one.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<Option<u32>> {
    let transaction = connection.transaction()?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = CHANGES.get(found as usize..) else {
        return Ok(Some(found));
    };
    transaction.execute_batch(SCHEMA)?;
    for change in missing {
        transaction.execute_batch(change)?;
    }
    transaction.pragma_update(None, "user_version", FORM)?;
    transaction.commit()?;
    Ok(None)
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
        let lock = File::create(folder.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let file = folder.join("journal.sqlite");
        let open = || -> rusqlite::Result<(Connection, Option<u32>)> {
            let mut connection = Connection::open(&file)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // What was recorded must survive a loss of power too: effects follow it.
            connection.pragma_update(None, "synchronous", "full")?;
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

    /// Records decisions, all or none. Returns once they are on disk.
    ///
    /// # Errors
    /// If the database cannot be written to. Then nothing may be sent.
    pub async fn record(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO decision (project, stage, task, data_hash, data_title,
                     label_hash, document, read_edited_at, priority, pathway, digest, items)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?;
                for entry in &entries {
                    let labels = entry.labels.as_ref();
                    let items = (!entry.items.is_empty()).then(|| {
                        serde_json::to_string(&entry.items)
                            .expect("identifiers and JSON objects always have a JSON form")
                    });
                    insert.execute(params![
                        entry.project.to_string(),
                        entry.stage.to_string(),
                        entry.task.to_string(),
                        entry.data_hash.to_string(),
                        entry.data_title,
                        labels.map(|labels| labels.label_hash.to_string()),
                        labels.map(|labels| labels.document.to_string()),
                        labels.and_then(|labels| labels.read_edited_at.as_deref()),
                        entry.priority,
                        entry.pathway.map(|uuid| uuid.to_string()),
                        entry.digest,
                        items,
                    ])?;
                }
            }
            transaction.commit()
        })
        .await
    }

    /// Closes the commits of these tasks.
    ///
    /// # Errors
    /// If the database cannot be written to. The commits are then resumed at the next start, which
    /// finds that the server has them.
    pub async fn close(
        &self,
        project: Uuid,
        stage: Uuid,
        tasks: Vec<Uuid>,
    ) -> Result<(), JournalError> {
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut delete = transaction.prepare_cached(
                    "DELETE FROM decision WHERE project = ?1 AND stage = ?2 AND task = ?3",
                )?;
                for task in &tasks {
                    delete.execute(params![
                        project.to_string(),
                        stage.to_string(),
                        task.to_string()
                    ])?;
                }
            }
            transaction.commit()
        })
        .await
    }

    /// Up to `most` open commits of a project, those decided first in front.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_entries(
        &self,
        project: Uuid,
        most: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        self.with(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT stage, task, data_hash, data_title, label_hash, document, read_edited_at, priority,
                 pathway, digest, items FROM decision WHERE project = ?1 ORDER BY decided_at, task LIMIT ?2",
            )?;
            let rows = select.query_map(params![project.to_string(), most as i64], |row| {
                let uuid = |at: usize| -> rusqlite::Result<Option<Uuid>> {
                    let text: Option<String> = row.get(at)?;
                    text.map(|text| text.parse().map_err(|error| broken(at, error))).transpose()
                };
                let required =
                    |at: usize| uuid(at)?.ok_or(rusqlite::Error::InvalidColumnIndex(at));
                let labels = match (uuid(4)?, row.get::<_, Option<String>>(5)?) {
                    (Some(label_hash), Some(document)) => Some(EntryLabels {
                        label_hash,
                        document: serde_json::from_str(&document).map_err(|error| broken(5, error))?,
                        read_edited_at: row.get(6)?,
                    }),
                    _ => None,
                };
                let items: Option<String> = row.get(10)?;
                let items = items.map(|items| {
                    serde_json::from_str(&items).map_err(|error| broken(10, error))
                });
                Ok(Entry {
                    project,
                    stage: required(0)?,
                    task: required(1)?,
                    data_hash: required(2)?,
                    data_title: row.get(3)?,
                    labels,
                    items: items.transpose()?.unwrap_or_default(),
                    priority: row.get(7)?,
                    pathway: uuid(8)?,
                    digest: row.get(9)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Does something to the database, off the async threads.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            // A panic inside leaves a transaction that rolled back, so the connection is good.
            let mut connection = inner
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|error| database(&inner.file, &error))
        });
        match done.await {
            Ok(result) => result,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }
}

fn database(file: &Path, error: &rusqlite::Error) -> JournalError {
    JournalError::Database {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

fn broken(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(task: u128) -> Entry {
        Entry {
            project: Uuid::from_u128(1),
            stage: Uuid::from_u128(2),
            task: Uuid::from_u128(task),
            data_hash: Uuid::from_u128(3),
            data_title: "cat.jpg".to_owned(),
            labels: Some(EntryLabels {
                label_hash: Uuid::from_u128(4),
                document: Arc::new(serde_json::json!({ "b": 1, "a": [0.1, "ä"] })),
                read_edited_at: Some("2025-01-15T09:30:00Z".to_owned()),
            }),
            items: vec![EntryItem {
                item: Uuid::from_u128(6),
                client_metadata: Map::from_iter([("b".to_owned(), 1.5.into())]),
            }],
            priority: Some(0.25),
            pathway: Some(Uuid::from_u128(5)),
            digest: "ab".repeat(32),
        }
    }

    #[tokio::test]
    async fn what_was_recorded_survives_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let project = Uuid::from_u128(1);
        let journal = Journal::open(folder.path()).unwrap();
        journal.record(vec![entry(10), entry(11)]).await.unwrap();
        drop(journal);

        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(
            journal.open_entries(project, 10).await.unwrap(),
            [entry(10), entry(11)]
        );
        journal
            .close(project, Uuid::from_u128(2), vec![Uuid::from_u128(10)])
            .await
            .unwrap();
        assert_eq!(
            journal.open_entries(project, 10).await.unwrap(),
            [entry(11)]
        );
        assert_eq!(
            journal.open_entries(Uuid::from_u128(9), 10).await.unwrap(),
            []
        );
    }

    #[test]
    fn a_second_host_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        assert!(matches!(
            Journal::open(folder.path()),
            Err(JournalError::InUse(_))
        ));
        drop(first);
        assert!(Journal::open(folder.path()).is_ok());
    }

    #[tokio::test]
    async fn decisions_of_an_older_host_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.sqlite");
        let old = Connection::open(&file).unwrap();
        old.execute_batch(SCHEMA).unwrap();
        let insert = "INSERT INTO decision (project, stage, task, data_hash, data_title, digest)
                      VALUES (?1, ?2, ?3, ?4, 'cat.jpg', ?5)";
        let uuid = |number| Uuid::from_u128(number).to_string();
        let digest = "ab".repeat(32);
        old.execute(insert, [uuid(1), uuid(2), uuid(10), uuid(3), digest])
            .unwrap();
        drop(old);

        let project = Uuid::from_u128(1);
        let expected = Entry {
            labels: None,
            items: Vec::new(),
            priority: None,
            pathway: None,
            ..entry(10)
        };
        for _ in 0..2 {
            let journal = Journal::open(folder.path()).unwrap();
            let open = journal.open_entries(project, 10).await.unwrap();
            assert_eq!(open, std::slice::from_ref(&expected));
        }
        let journal = Journal::open(folder.path()).unwrap();
        journal.record(vec![entry(11)]).await.unwrap();
        let open = journal.open_entries(project, 10).await.unwrap();
        assert_eq!(open, [expected, entry(11)]);
    }

    #[test]
    fn the_journal_of_a_later_host_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(Journal::open(folder.path()).unwrap());
        let later = Connection::open(folder.path().join("journal.sqlite")).unwrap();
        later.pragma_update(None, "user_version", FORM + 1).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::Later { found, .. } if found == FORM + 1));
        assert!(error.help().is_some());
    }
}
