//! Tasks: where each item is in the workflow.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::json_list;

/// A task.
#[derive(Debug)]
pub(in crate::local) struct Task {
    pub(in crate::local) position: i64,
    pub(in crate::local) uuid: String,
    pub(in crate::local) stage: String,
    pub(in crate::local) status: String,
    pub(in crate::local) assignee: Option<String>,
    pub(in crate::local) last_actioned_by: Option<String>,
    pub(in crate::local) created_at: i64,
    pub(in crate::local) updated_at: i64,
    pub(in crate::local) data_hash: String,
    pub(in crate::local) data_title: String,
}

/// Which tasks; absent means all.
#[derive(Debug, Default)]
pub(in crate::local) struct TaskFilter {
    pub(in crate::local) data_hashes: Option<Vec<String>>,
    pub(in crate::local) title_contains: Option<String>,
    pub(in crate::local) statuses: Option<Vec<String>>,
    pub(in crate::local) assignees: Option<Vec<String>>,
    /// Only tasks behind this position.
    pub(in crate::local) after: Option<i64>,
}

const COLUMNS: &str = "task.position, task.uuid, task.stage, task.status, task.assignee, task.last_actioned_by, \
    task.created_at, task.updated_at, item.data_hash, item.title";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        position: row.get(0)?,
        uuid: row.get(1)?,
        stage: row.get(2)?,
        status: row.get(3)?,
        assignee: row.get(4)?,
        last_actioned_by: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        data_hash: row.get(8)?,
        data_title: row.get(9)?,
    })
}

/// At most `limit` tasks of a stage, by position. A task keeps its position for ever, so whoever goes on behind
/// the last one of a page misses none, however many have left in between.
pub(in crate::local) fn tasks_at(
    connection: &Connection,
    stage: &str,
    filter: &TaskFilter,
    limit: usize,
) -> rusqlite::Result<Vec<Task>> {
    let mut values = vec![
        Value::from(stage.to_owned()),
        filter.after.unwrap_or(0).into(),
    ];
    let mut conditions = String::new();
    let mut bind = |value: String| {
        values.push(value.into());
        values.len()
    };
    // With data hashes, the few named tasks are looked up; without, the stage's index is walked. SQLite joins in
    // the order written at CROSS JOIN.
    let tables = match &filter.data_hashes {
        Some(hashes) => {
            let list = bind(json_list(hashes));
            format!(
                "(SELECT DISTINCT value FROM json_each(?{list})) AS wanted
                 CROSS JOIN item ON item.data_hash = wanted.value
                 CROSS JOIN task ON task.position = item.position"
            )
        }
        None => "task CROSS JOIN item ON item.position = task.position".to_owned(),
    };
    if let Some(text) = &filter.title_contains {
        conditions.push_str(&format!(
            " AND instr(lower(item.title), lower(?{})) > 0",
            bind(text.clone())
        ));
    }
    if let Some(statuses) = &filter.statuses {
        let list = bind(json_list(statuses));
        conditions.push_str(&format!(
            " AND task.status IN (SELECT value FROM json_each(?{list}))"
        ));
    }
    if let Some(assignees) = &filter.assignees {
        let list = bind(json_list(assignees));
        conditions.push_str(&format!(
            " AND task.assignee IN (SELECT value FROM json_each(?{list}))"
        ));
    }
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {tables} WHERE task.stage = ?1 AND task.position > ?2{conditions}
             ORDER BY task.position LIMIT {limit}"
        ))?
        .query_map(params_from_iter(values), from_row)?
        .collect()
}

/// The task with this UUID.
pub(in crate::local) fn find_task(
    connection: &Connection,
    uuid: &str,
) -> rusqlite::Result<Option<Task>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM task JOIN item ON item.position = task.position WHERE task.uuid = ?1"
        ))?
        .query_row([uuid], from_row)
        .optional()
}

/// Puts a task to a stage.
pub(in crate::local) fn place(
    connection: &Connection,
    position: i64,
    stage: &str,
    status: &str,
    assignee: Option<&str>,
    by: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE task SET stage = ?2, status = ?3, assignee = ?4, last_actioned_by = ?5, updated_at = ?6
             WHERE position = ?1",
        )?
        .execute(params![position, stage, status, assignee, by, now])?;
    Ok(())
}

/// Gives a task to somebody.
pub(in crate::local) fn assign(
    connection: &Connection,
    position: i64,
    to: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE task SET status = 'ASSIGNED', assignee = ?2, updated_at = ?3 WHERE position = ?1")?
        .execute(params![position, to, now])?;
    Ok(())
}

/// Takes a task from whoever has it.
pub(in crate::local) fn release(
    connection: &Connection,
    position: i64,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE task SET status = 'RELEASED', assignee = NULL, updated_at = ?2 WHERE position = ?1")?
        .execute(params![position, now])?;
    Ok(())
}

/// True if there is such a data unit.
pub(in crate::local) fn set_priority(
    connection: &Connection,
    data_hash: &str,
    priority: f64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE task SET priority = ?2 WHERE position = (SELECT position FROM item WHERE data_hash = ?1)",
        )?
        .execute(params![data_hash, priority])?;
    Ok(changed > 0)
}

/// The position of the task that a label row is about, and its stage.
pub(in crate::local) fn item_of(
    connection: &Connection,
    label_hash: &str,
) -> rusqlite::Result<Option<(i64, String)>> {
    connection
        .prepare_cached(
            "SELECT task.position, task.stage FROM label_row JOIN task ON task.position = label_row.position
             WHERE label_row.label_hash = ?1",
        )?
        .query_row([label_hash], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The stages where tasks are, and how many.
pub(in crate::local) fn occupied_stages(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare_cached("SELECT stage, count(*) FROM task GROUP BY stage ORDER BY min(position)")?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?
        .collect()
}
