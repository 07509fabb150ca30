//! The state file: what happened to a project. One writer at a time, readers beside it.

mod datasets;
mod issues;
mod items;
mod labels;
mod projects;
mod schema;
mod tasks;
mod uploads;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub(super) use self::datasets::{
    DataUnit, Dataset, Folder, Twice, datasets, find_dataset, find_unit, folders, insert_data_unit,
    link_item, parts_of_unit, put_dataset, put_folder, recorded_items, units_of_dataset,
};
pub(super) use self::issues::{delete_issues, insert_issue, issues};
pub(super) use self::items::{
    Item, ItemPatch, backed_units, find_items, insert_item, insert_part, items_in_folder, parts_of,
    patch_item,
};
pub(super) use self::labels::{
    LabelRow, Labels, MetadataFilter, MetadataRow, branches, find_label_row, find_row_of,
    insert_label_row, metadata, overwrite_document, rows_on_branch, set_label_status,
};
pub(super) use self::projects::{
    NewProject, Ontology, Project, add_missing_tasks, add_tasks_of, delete_project, find_project,
    ontologies, projects, put_ontology, put_project, put_template, template,
};
pub(super) use self::schema::{FORMAT, Meta, create, fact, set_fact};
pub(super) use self::tasks::{
    Task, TaskFilter, assign, find_task, occupied_stages, place, release, set_priority,
    task_of_row, tasks_at,
};
pub(super) use self::uploads::{
    Upload, delete_unit, find_job, find_upload, folder_sums, insert_job, insert_uploads,
    jobs_of_folder, layout, make_mirror, mirrors_of, parts_with_keys, put_layout, receive,
    take_upload, uses_in_datasets, wholes_of,
};
use super::error::LocalError;

/// How long a connection waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that are kept for readers; more are made when needed, and closed after use.
const READERS: usize = 8;

/// An open state file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens the state file that is there, and checks its format.
    pub(super) fn open(path: &Path) -> Result<Self, LocalError> {
        let failed = || LocalError::state(path);
        let writer = connect(path).map_err(failed())?;
        let found: i64 = writer
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed())?;
        if found != FORMAT {
            return Err(LocalError::StateFormat {
                path: path.to_owned(),
                expected: FORMAT,
                found,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })
    }

    /// Runs `work` in a transaction of its own, which sees one state from beginning to end.
    pub(super) fn read<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        // Taken out of the list, and not used behind its lock: readers run side by side.
        let kept = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut reader = match kept {
            Some(reader) => reader,
            None => connect(&self.path)?,
        };
        let result = {
            let transaction = reader.transaction()?;
            work(&transaction)
        };
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(reader);
        }
        result
    }

    /// Runs `work` in a transaction that is kept if it succeeds and undone if it does not. Once this returns `Ok`,
    /// the change survives the end of the process and a loss of power.
    pub(super) fn write<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Immediate: a transaction that reads first and is refused when it writes could not be repeated here.
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // In KiB when negative: 32 MiB hold the indexes of some 100,000 tasks.
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// A JSON array for `json_each`, which is how a list gets into one prepared statement.
fn json_list<T: AsRef<str>>(values: &[T]) -> String {
    serde_json::Value::from_iter(values.iter().map(AsRef::as_ref)).to_string()
}
