//! Tasks that failed, and are left alone by the plugin and configuration that they failed with.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use uuid::Uuid;

use super::decisions::required;
use super::error::database;
use super::{FILE, FORM, Journal, JournalError, for_each};

/// A task that failed. Each UUID is of Encord's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The project.
    pub project: Uuid,
    /// The stage at which the task waits.
    pub stage: Uuid,
    /// Its title.
    pub stage_title: String,
    /// The task.
    pub task: Uuid,
    /// The title of its data unit.
    pub data_title: String,
    /// SHA-256 of the plugin, as hexadecimal digits.
    pub digest: String,
    /// SHA-256 of the plugin and of all that it was run with, likewise.
    pub configuration: String,
    /// What the last attempt ended in, for example `trap`.
    pub kind: String,
    /// The whole story.
    pub message: String,
    /// What the plugin logged in the last attempt.
    pub log: String,
    /// SHA-256 of what the last attempt was given, as far as it asked for it.
    pub inputs: String,
    /// Attempts that were made the last time.
    pub attempts: u32,
    /// Times that it failed in a row, under one configuration.
    pub failures: u32,
    /// When it failed last.
    pub failed_at: Timestamp,
    /// When it is tried again by itself. Absent: not before it is released.
    pub until: Option<Timestamp>,
}

/// The table, in the second form of the journal.
pub(super) const TABLE: &str = "
    CREATE TABLE quarantine (
        project TEXT NOT NULL,
        stage TEXT NOT NULL,
        task TEXT NOT NULL,
        stage_title TEXT NOT NULL,
        data_title TEXT NOT NULL,
        digest TEXT NOT NULL,
        configuration TEXT NOT NULL,
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        log TEXT NOT NULL,
        inputs TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        failed_at INTEGER NOT NULL,
        until INTEGER,
        UNIQUE (project, stage, task)
    ) STRICT;
";

const COLUMNS: &str = "project, stage, task, stage_title, data_title, digest, configuration, kind, message, log, inputs,
    attempts, failures, failed_at, until";

const RELEASE: &str = "DELETE FROM quarantine WHERE project = ?1 AND stage = ?2 AND task = ?3";

/// The first pause of a task that is tried again by itself; it doubles with each failure, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// When a task is tried again after so many failures.
fn until(now: Timestamp, failures: u32) -> Timestamp {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    now + doubled.min(LONGEST_PAUSE)
}

impl Journal {
    /// Puts a task into quarantine. One that failed by what may pass is tried again by itself, later each time: from a
    /// minute to an hour. Sets `failures` and `until`.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn quarantine(&self, task: Quarantined, may_pass: bool) -> Result<(), JournalError> {
        self.with(move |connection| {
            let before: Option<u32> = connection
                .prepare_cached(
                    "SELECT failures FROM quarantine
                     WHERE project = ?1 AND stage = ?2 AND task = ?3 AND configuration = ?4",
                )?
                .query_row(
                    params![
                        task.project.to_string(),
                        task.stage.to_string(),
                        task.task.to_string(),
                        task.configuration
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            let failures = before.unwrap_or(0).saturating_add(1);
            let until = may_pass.then(|| until(task.failed_at, failures));
            connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO quarantine ({COLUMNS})
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
                ))?
                .execute(params![
                    task.project.to_string(),
                    task.stage.to_string(),
                    task.task.to_string(),
                    task.stage_title,
                    task.data_title,
                    task.digest,
                    task.configuration,
                    task.kind,
                    task.message,
                    task.log,
                    task.inputs,
                    task.attempts,
                    failures,
                    task.failed_at.as_millisecond(),
                    until.map(Timestamp::as_millisecond),
                ])?;
            Ok(())
        })
        .await
    }

    /// Which of these tasks are in quarantine, and until when if they are tried again by themselves.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn quarantined_among(
        &self,
        project: Uuid,
        stage: Uuid,
        tasks: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Option<Timestamp>>, JournalError> {
        self.with(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT until FROM quarantine WHERE project = ?1 AND stage = ?2 AND task = ?3",
            )?;
            let (project, stage) = (project.to_string(), stage.to_string());
            let mut found = HashMap::new();
            for task in tasks {
                let until: Option<Option<i64>> = select
                    .query_row(params![project, stage, task.to_string()], |row| row.get(0))
                    .optional()?;
                if let Some(until) = until {
                    found.insert(
                        task,
                        until.and_then(|at| Timestamp::from_millisecond(at).ok()),
                    );
                }
            }
            Ok(found)
        })
        .await
    }

    /// The tasks in quarantine whose commits are open, without those whose time has come.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn held_back(
        &self,
        project: Uuid,
        now: Timestamp,
    ) -> Result<HashSet<Uuid>, JournalError> {
        self.with(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT task FROM quarantine JOIN decision USING (project, stage, task)
                 WHERE project = ?1 AND (until IS NULL OR until > ?2)",
            )?;
            let key = params![project.to_string(), now.as_millisecond()];
            let rows = select.query_map(key, |row| required(row, 0))?;
            rows.collect()
        })
        .await
    }

    /// Releases the tasks of a stage that failed under another plugin or configuration. Returns how many.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn release_others(
        &self,
        project: Uuid,
        stage: Uuid,
        configuration: String,
    ) -> Result<usize, JournalError> {
        self.with(move |connection| {
            connection.execute(
                "DELETE FROM quarantine WHERE project = ?1 AND stage = ?2 AND configuration <> ?3",
                params![project.to_string(), stage.to_string(), configuration],
            )
        })
        .await
    }

    /// Takes tasks out of quarantine that were decided after all.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn forget_quarantined(
        &self,
        project: Uuid,
        stage: Uuid,
        tasks: Vec<Uuid>,
    ) -> Result<(), JournalError> {
        self.for_tasks(RELEASE, project, stage, tasks).await
    }

    /// Takes all tasks of a stage out of quarantine but these, which are the ones that still wait there.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub async fn keep_quarantined(
        &self,
        project: Uuid,
        stage: Uuid,
        tasks: HashSet<Uuid>,
    ) -> Result<(), JournalError> {
        let gone: Vec<Uuid> = self
            .with(move |connection| {
                let mut select = connection.prepare_cached(
                    "SELECT task FROM quarantine WHERE project = ?1 AND stage = ?2",
                )?;
                let all = select
                    .query_map(params![project.to_string(), stage.to_string()], |row| {
                        required(row, 0)
                    })?;
                all.filter(|task| !task.as_ref().is_ok_and(|task| tasks.contains(task)))
                    .collect()
            })
            .await?;
        self.forget_quarantined(project, stage, gone).await
    }
}

/// The quarantine of a state directory, for commands: a host may be running on it.
#[derive(Debug)]
pub struct Quarantine {
    file: std::path::PathBuf,
    connection: Connection,
}

impl Quarantine {
    /// Opens what a host left in a state directory. None if no host ever ran there.
    ///
    /// # Errors
    /// If the database cannot be opened, or was written by another version of the host.
    pub fn open(folder: &Path) -> Result<Option<Self>, JournalError> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        let open = || -> rusqlite::Result<(Connection, u32)> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&file, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            let form = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, form))
        };
        let (connection, found) = open().map_err(|error| database(&file, &error))?;
        if found > FORM {
            return Err(JournalError::Later { file, found });
        }
        // A journal of before there was a quarantine has nothing in it.
        Ok((found == FORM).then_some(Self { file, connection }))
    }

    /// All that is in it, of this project or, without one, of all; that which failed last comes first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn list(&self, project: Option<Uuid>) -> Result<Vec<Quarantined>, JournalError> {
        let list = || -> rusqlite::Result<Vec<Quarantined>> {
            let mut select = self.connection.prepare(&format!(
                "SELECT {COLUMNS} FROM quarantine WHERE ?1 IS NULL OR project = ?1
                 ORDER BY failed_at DESC, task"
            ))?;
            let rows =
                select.query_map(params![project.map(|uuid| uuid.to_string())], quarantined)?;
            rows.collect()
        };
        list().map_err(|error| database(&self.file, &error))
    }

    /// Takes these tasks out of it: a host tries them at its next pass. Returns how many there were.
    ///
    /// # Errors
    /// If the database cannot be written to.
    pub fn release(&mut self, tasks: &[Quarantined]) -> Result<usize, JournalError> {
        let keys = tasks.iter().map(|one| [one.project, one.stage, one.task]);
        for_each(&mut self.connection, RELEASE, keys).map_err(|error| database(&self.file, &error))
    }
}

fn quarantined(row: &Row<'_>) -> rusqlite::Result<Quarantined> {
    let moment = |at: i64| Timestamp::from_millisecond(at).unwrap_or_default();
    let until: Option<i64> = row.get(14)?;
    Ok(Quarantined {
        project: required(row, 0)?,
        stage: required(row, 1)?,
        task: required(row, 2)?,
        stage_title: row.get(3)?,
        data_title: row.get(4)?,
        digest: row.get(5)?,
        configuration: row.get(6)?,
        kind: row.get(7)?,
        message: row.get(8)?,
        log: row.get(9)?,
        inputs: row.get(10)?,
        attempts: row.get(11)?,
        failures: row.get(12)?,
        failed_at: moment(row.get(13)?),
        until: until.map(moment),
    })
}
