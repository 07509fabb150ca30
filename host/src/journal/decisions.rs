//! Decisions: recorded before they are sent, closed when they are confirmed.

use std::collections::HashSet;

use rusqlite::{Row, params};
use uuid::Uuid;

use super::error::broken;
use super::{Entry, EntryLabels, Journal, JournalError};

/// Documents of open commits that are in memory together, in bytes of their text. One that is larger comes alone.
const DOCUMENTS: u64 = 32 << 20;

impl Journal {
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
                     label_hash, document, read_edited_at, priority, pathway, digest, items, edits, begun)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                )?;
                for entry in &entries {
                    let labels = entry.labels.as_ref();
                    let items = (!entry.items.is_empty()).then(|| {
                        serde_json::to_string(&entry.items)
                            .expect("identifiers and JSON objects always have a JSON form")
                    });
                    let edits = labels
                        .and_then(|labels| labels.edits.as_ref())
                        .map(|edits| {
                            serde_json::to_string(edits).expect("texts always have a JSON form")
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
                        edits,
                        entry.begun,
                    ])?;
                }
            }
            transaction.commit()
        })
        .await
    }

    /// Notes that labels or client metadata of these decisions were saved; see [`Entry::begun`].
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn begun(
        &self,
        project: Uuid,
        stage: Uuid,
        tasks: Vec<Uuid>,
    ) -> Result<(), JournalError> {
        let statement =
            "UPDATE decision SET begun = 1 WHERE project = ?1 AND stage = ?2 AND task = ?3";
        self.for_tasks(statement, project, stage, tasks).await
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
        let statement = "DELETE FROM decision WHERE project = ?1 AND stage = ?2 AND task = ?3";
        self.for_tasks(statement, project, stage, tasks).await
    }

    /// Up to `most` open commits of a project, those decided first in front, without these tasks. Fewer if their
    /// documents are large.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_entries(
        &self,
        project: Uuid,
        most: usize,
        without: &HashSet<Uuid>,
    ) -> Result<Vec<Entry>, JournalError> {
        let without = without.clone();
        self.with(move |connection| {
            // Documents are read one by one: sorting them would have them all in memory.
            let mut first = connection.prepare_cached(
                "SELECT stage, task, octet_length(document) FROM decision WHERE project = ?1
                 ORDER BY decided_at, task",
            )?;
            let mut whole = connection.prepare_cached(
                "SELECT stage, task, data_hash, data_title, label_hash, document, read_edited_at, priority,
                 pathway, digest, items, edits, begun FROM decision
                 WHERE project = ?1 AND stage = ?2 AND task = ?3",
            )?;
            let mut rows = first.query(params![project.to_string()])?;
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let (stage, task) = (required(row, 0)?, required(row, 1)?);
                if without.contains(&task) {
                    continue;
                }
                let document: Option<i64> = row.get(2)?;
                bytes += document.map_or(0, i64::unsigned_abs);
                if !entries.is_empty() && bytes > DOCUMENTS {
                    break;
                }
                let key = params![project.to_string(), stage.to_string(), task.to_string()];
                entries.push(whole.query_row(key, |row| entry(project, row))?);
                if entries.len() == most {
                    break;
                }
            }
            Ok(entries)
        })
        .await
    }

    /// The tasks of a stage whose commits are open.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_tasks(
        &self,
        project: Uuid,
        stage: Uuid,
    ) -> Result<HashSet<Uuid>, JournalError> {
        self.with(move |connection| {
            let mut select = connection
                .prepare_cached("SELECT task FROM decision WHERE project = ?1 AND stage = ?2")?;
            let rows = select
                .query_map(params![project.to_string(), stage.to_string()], |row| {
                    required(row, 0)
                })?;
            rows.collect()
        })
        .await
    }

    /// The tasks of a stage whose commits are open, with the titles of their data units.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_titles(
        &self,
        project: Uuid,
        stage: Uuid,
    ) -> Result<Vec<(Uuid, String)>, JournalError> {
        self.with(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT task, data_title FROM decision WHERE project = ?1 AND stage = ?2
                 ORDER BY decided_at, task",
            )?;
            let rows = select
                .query_map(params![project.to_string(), stage.to_string()], |row| {
                    Ok((required(row, 0)?, row.get(1)?))
                })?;
            rows.collect()
        })
        .await
    }
}

fn entry(project: Uuid, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let labels = match (uuid(row, 4)?, row.get::<_, Option<String>>(5)?) {
        (Some(label_hash), Some(document)) => Some(EntryLabels {
            label_hash,
            document: serde_json::from_str(&document).map_err(|error| broken(5, error))?,
            read_edited_at: row.get(6)?,
            edits: json(row, 11)?,
        }),
        _ => None,
    };
    Ok(Entry {
        project,
        stage: required(row, 0)?,
        task: required(row, 1)?,
        data_hash: required(row, 2)?,
        data_title: row.get(3)?,
        labels,
        items: json(row, 10)?.unwrap_or_default(),
        priority: row.get(7)?,
        pathway: uuid(row, 8)?,
        digest: row.get(9)?,
        begun: row.get(12)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(at)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| broken(at, error)))
        .transpose()
}

fn uuid(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Uuid>> {
    let text: Option<String> = row.get(at)?;
    text.map(|text| text.parse().map_err(|error| broken(at, error)))
        .transpose()
}

pub(super) fn required(row: &Row<'_>, at: usize) -> rusqlite::Result<Uuid> {
    uuid(row, at)?.ok_or(rusqlite::Error::InvalidColumnIndex(at))
}
