//! Tasks: where each data unit is in a project's workflow.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::json_list;

/// A task.
#[derive(Debug)]
pub(in crate::local) struct Task {
    pub(in crate::local) id: i64,
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
    pub(in crate::local) dataset_hashes: Option<Vec<String>>,
    /// Only tasks with a higher number.
    pub(in crate::local) after: Option<i64>,
}

const COLUMNS: &str = "task.id, task.uuid, task.stage, task.status, task.assignee, task.last_actioned_by, \
    task.created_at, task.updated_at, data_unit.hash, item.title";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        id: row.get(0)?,
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

/// At most `limit` tasks of a stage, by number. A task keeps its number for ever, so whoever goes on behind
/// the last one of a page misses none, however many have left in between.
pub(in crate::local) fn tasks_at(
    connection: &Connection,
    project: i64,
    stage: &str,
    filter: &TaskFilter,
    limit: usize,
) -> rusqlite::Result<Vec<Task>> {
    let mut values = vec![
        Value::from(stage.to_owned()),
        filter.after.unwrap_or(0).into(),
        project.into(),
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
                 CROSS JOIN data_unit ON data_unit.hash = wanted.value
                 CROSS JOIN task ON task.project = ?3 AND task.data_unit = data_unit.id"
            )
        }
        None => "task CROSS JOIN data_unit ON data_unit.id = task.data_unit".to_owned(),
    };
    if let Some(text) = &filter.title_contains {
        conditions.push_str(&format!(
            " AND instr(lower(item.title), lower(?{})) > 0",
            bind(text.clone())
        ));
    }
    let lists = [
        ("task.status", &filter.statuses),
        ("task.assignee", &filter.assignees),
    ];
    for (column, list) in lists {
        if let Some(list) = list {
            let list = bind(json_list(list));
            conditions.push_str(&format!(
                " AND {column} IN (SELECT value FROM json_each(?{list}))"
            ));
        }
    }
    if let Some(datasets) = &filter.dataset_hashes {
        let list = bind(json_list(datasets));
        conditions.push_str(&format!(
            " AND data_unit.dataset IN (SELECT id FROM dataset WHERE hash IN (SELECT value FROM json_each(?{list})))"
        ));
    }
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {tables} CROSS JOIN item ON item.id = data_unit.item
             WHERE task.project = ?3 AND task.stage = ?1 AND task.id > ?2{conditions}
             ORDER BY task.id LIMIT {limit}"
        ))?
        .query_map(params_from_iter(values), from_row)?
        .collect()
}

/// The task of the project with this UUID.
pub(in crate::local) fn find_task(
    connection: &Connection,
    project: i64,
    uuid: &str,
) -> rusqlite::Result<Option<Task>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM task JOIN data_unit ON data_unit.id = task.data_unit
             JOIN item ON item.id = data_unit.item WHERE task.uuid = ?1 AND task.project = ?2"
        ))?
        .query_row(params![uuid, project], from_row)
        .optional()
}

/// Puts a task to a stage.
pub(in crate::local) fn place(
    connection: &Connection,
    task: i64,
    stage: &str,
    status: &str,
    assignee: Option<&str>,
    by: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE task SET stage = ?2, status = ?3, assignee = ?4, last_actioned_by = ?5, updated_at = ?6
             WHERE id = ?1",
        )?
        .execute(params![task, stage, status, assignee, by, now])?;
    Ok(())
}

/// Gives a task to somebody.
pub(in crate::local) fn assign(
    connection: &Connection,
    task: i64,
    to: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE task SET status = 'ASSIGNED', assignee = ?2, updated_at = ?3 WHERE id = ?1",
        )?
        .execute(params![task, to, now])?;
    Ok(())
}

/// Takes a task from whoever has it.
pub(in crate::local) fn release(
    connection: &Connection,
    task: i64,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE task SET status = 'RELEASED', assignee = NULL, updated_at = ?2 WHERE id = ?1",
        )?
        .execute(params![task, now])?;
    Ok(())
}

/// True if the project has such a data unit.
pub(in crate::local) fn set_priority(
    connection: &Connection,
    project: i64,
    data_hash: &str,
    priority: f64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE task SET priority = ?3
             WHERE project = ?1 AND data_unit = (SELECT id FROM data_unit WHERE hash = ?2)",
        )?
        .execute(params![project, data_hash, priority])?;
    Ok(changed > 0)
}

/// The task that a label row is about.
pub(in crate::local) fn task_of_row(
    connection: &Connection,
    project: i64,
    label_hash: &str,
) -> rusqlite::Result<Option<Task>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM label_row
             JOIN task ON task.project = label_row.project AND task.data_unit = label_row.data_unit
             JOIN data_unit ON data_unit.id = task.data_unit
             JOIN item ON item.id = data_unit.item
             WHERE label_row.label_hash = ?1 AND label_row.project = ?2"
        ))?
        .query_row(params![label_hash, project], from_row)
        .optional()
}

/// The stages where tasks of the project are, and how many.
pub(in crate::local) fn occupied_stages(
    connection: &Connection,
    project: i64,
) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare_cached(
            "SELECT stage, count(*) FROM task WHERE project = ?1 GROUP BY stage ORDER BY min(id)",
        )?
        .query_map([project], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?
        .collect()
}
