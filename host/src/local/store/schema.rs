//! Tables of the state file.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

/// The format that this version reads and writes, kept as SQLite's `user_version`.
pub(in crate::local) const FORMAT: i64 = 2;

/// Numbers (`id`) are for this file alone and give the order in which things were added; UUIDs and hashes are what
/// clients know. `part` says which item is a part of which, and where: the images of an image group, the files of a
/// data group or a DICOM series. An item may be a part of several, and one that is not `listed` is nothing but a
/// part. Parts have data units of their own below that of the whole (`data_unit.parent`, and `place` as in `part`),
/// but no tasks.
///
/// `dataset.folder` is the storage folder that its items are in; if it is a `mirror`, all that comes into the folder
/// comes into the dataset. `project.workflow`, `workflow_template.workflow`, `item.layout` and `job.result` are JSON
/// of our own.
///
/// An `upload` is a place for a file, and has a `path` once the file is there. It is `used` as soon as an item is
/// made of it.
const TABLES: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE folder (
    uuid TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    client_metadata TEXT,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL REFERENCES folder (uuid),
    listed INTEGER NOT NULL DEFAULT 1,
    path TEXT,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    item_type TEXT NOT NULL,
    mime_type TEXT,
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
    layout TEXT,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
);
CREATE INDEX item_by_folder ON item (folder, id);
CREATE TABLE part (
    whole INTEGER NOT NULL REFERENCES item (id),
    place INTEGER NOT NULL,
    item INTEGER NOT NULL REFERENCES item (id),
    layout_key TEXT,
    PRIMARY KEY (whole, place)
) WITHOUT ROWID;
CREATE INDEX part_by_item ON part (item);
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    folder TEXT NOT NULL REFERENCES folder (uuid),
    mirror INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
);
CREATE INDEX dataset_by_folder ON dataset (folder) WHERE mirror;
CREATE TABLE data_unit (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    item INTEGER NOT NULL REFERENCES item (id),
    parent INTEGER REFERENCES data_unit (id),
    place INTEGER,
    created_at INTEGER NOT NULL
);
CREATE INDEX data_unit_by_item ON data_unit (item);
CREATE INDEX data_unit_by_dataset ON data_unit (dataset, id);
CREATE INDEX data_unit_by_parent ON data_unit (parent) WHERE parent IS NOT NULL;
CREATE TABLE ontology (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    editor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
);
CREATE TABLE workflow_template (
    hash TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    workflow TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'inProgress',
    ontology INTEGER NOT NULL REFERENCES ontology (id),
    workflow TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL
);
CREATE TABLE project_dataset (
    project INTEGER NOT NULL REFERENCES project (id),
    dataset INTEGER NOT NULL REFERENCES dataset (id),
    PRIMARY KEY (project, dataset)
) WITHOUT ROWID;
CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES project (id),
    data_unit INTEGER NOT NULL REFERENCES data_unit (id),
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    assignee TEXT,
    last_actioned_by TEXT,
    priority REAL NOT NULL DEFAULT 0.5,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project, data_unit)
);
CREATE INDEX task_by_unit ON task (data_unit);
CREATE INDEX task_by_stage ON task (project, stage, id);
CREATE TABLE label_row (
    label_hash TEXT PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project (id),
    data_unit INTEGER NOT NULL REFERENCES data_unit (id),
    branch TEXT NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    edited_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (project, data_unit, branch)
);
CREATE INDEX label_row_by_unit ON label_row (data_unit);
CREATE TABLE issue (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES project (id),
    data_hash TEXT NOT NULL,
    issue TEXT NOT NULL
);
CREATE INDEX issue_by_project ON issue (project, data_hash, id);
CREATE TABLE upload (
    uuid TEXT PRIMARY KEY,
    path TEXT,
    content_type TEXT,
    used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE job (
    uuid TEXT PRIMARY KEY,
    folder TEXT NOT NULL REFERENCES folder (uuid),
    dataset INTEGER REFERENCES dataset (id),
    result TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX job_by_folder ON job (folder);
";

/// Facts about the folder as a whole.
#[derive(Debug, Clone, Copy)]
pub(in crate::local) struct Meta {
    /// What identifiers are derived from that nobody wrote down; also the hash of the main project, if its own is
    /// not written down.
    pub(in crate::local) scope: Uuid,
    /// Hash of the main project, as it was when it was made.
    pub(in crate::local) main: Option<Uuid>,
}

/// Makes the tables in an empty file.
pub(in crate::local) fn create(connection: &Connection, meta: Meta) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    set_fact(connection, "scope", &meta.scope.to_string())?;
    if let Some(main) = meta.main {
        set_fact(connection, "main_project", &main.to_string())?;
    }
    Ok(())
}

impl Meta {
    /// What `create` wrote.
    pub(in crate::local) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let uuid = |key| match fact(connection, key)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(
                    0,
                    rusqlite::types::Type::Text,
                    Box::<uuid::Error>::new(error),
                )
            }),
        };
        Ok(Self {
            scope: uuid("scope")?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
            main: uuid("main_project")?,
        })
    }
}

/// One of the facts about the folder.
pub(in crate::local) fn fact(
    connection: &Connection,
    key: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
}

/// Notes a fact, in place of what was noted before.
pub(in crate::local) fn set_fact(
    connection: &Connection,
    key: &str,
    value: &str,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![key, value],
    )?;
    Ok(())
}
