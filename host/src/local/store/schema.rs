//! Tables of the state file.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

/// The format that this version reads and writes, kept as SQLite's `user_version`.
pub(in crate::local) const FORMAT: i64 = 1;

/// `position` is the order of the project: that of the sorted media, later additions behind.
/// Each item has one data unit and one task, so a task has its item's position.
const TABLES: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE item (
    position INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    data_hash TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    item_type TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    fps REAL,
    duration REAL,
    frames INTEGER,
    audio_codec TEXT,
    audio_sample_rate INTEGER,
    audio_bit_depth INTEGER,
    audio_channels INTEGER,
    client_metadata TEXT,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
);
CREATE TABLE task (
    position INTEGER PRIMARY KEY REFERENCES item (position),
    uuid TEXT NOT NULL UNIQUE,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    assignee TEXT,
    last_actioned_by TEXT,
    priority REAL NOT NULL DEFAULT 0.5,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX task_by_stage ON task (stage, position);
CREATE TABLE label_row (
    label_hash TEXT PRIMARY KEY,
    position INTEGER NOT NULL REFERENCES item (position),
    branch TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (position, branch)
);
";

/// Facts about the project as a whole.
#[derive(Debug, Clone, Copy)]
pub(in crate::local) struct Meta {
    pub(in crate::local) project_hash: Uuid,
    pub(in crate::local) dataset_hash: Uuid,
    /// In milliseconds since 1970.
    pub(in crate::local) created_at: i64,
}

/// Makes the tables in an empty file.
pub(in crate::local) fn create(connection: &Connection, meta: Meta) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    let mut insert = connection.prepare("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
    insert.execute(params!["project_hash", meta.project_hash.to_string()])?;
    insert.execute(params!["dataset_hash", meta.dataset_hash.to_string()])?;
    insert.execute(params!["created_at", meta.created_at.to_string()])?;
    Ok(())
}

impl Meta {
    /// What `create` wrote.
    pub(in crate::local) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            project_hash: value(connection, "project_hash")?,
            dataset_hash: value(connection, "dataset_hash")?,
            created_at: value(connection, "created_at")?,
        })
    }
}

fn value<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    connection: &Connection,
    key: &str,
) -> rusqlite::Result<T> {
    let found: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?;
    let found = found.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    found.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}
