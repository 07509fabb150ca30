//! Label rows, and the metadata that are listed of them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::items::{self, Item};
use super::json_list;
use crate::local::MAIN_BRANCH;

/// A label row.
#[derive(Debug)]
pub(in crate::local) struct LabelRow {
    pub(in crate::local) label_hash: String,
    pub(in crate::local) branch: String,
    pub(in crate::local) status: String,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
    /// JSON text of an object, without the fields that the server knows by itself.
    pub(in crate::local) document: String,
    /// The stage where the task is, and its status there.
    pub(in crate::local) stage: String,
    pub(in crate::local) task_status: String,
}

/// A row of the listing: an item on a branch, labelled or not.
#[derive(Debug)]
pub(in crate::local) struct MetadataRow {
    pub(in crate::local) item: Item,
    pub(in crate::local) task_uuid: String,
    pub(in crate::local) stage: String,
    pub(in crate::local) task_status: String,
    pub(in crate::local) assignee: Option<String>,
    pub(in crate::local) last_actioned_by: Option<String>,
    pub(in crate::local) priority: f64,
    pub(in crate::local) branch: Option<String>,
    pub(in crate::local) label_hash: Option<String>,
    pub(in crate::local) label_status: Option<String>,
    pub(in crate::local) created_at: Option<i64>,
    pub(in crate::local) edited_at: Option<i64>,
}

/// Which rows are listed; absent means all.
#[derive(Debug, Default)]
pub(in crate::local) struct MetadataFilter {
    /// Absent: the rows of every branch.
    pub(in crate::local) branch: Option<String>,
    /// Rows that nobody has initialised yet are listed as well.
    pub(in crate::local) uninitialised: bool,
    /// In milliseconds since 1970, both excluded.
    pub(in crate::local) edited_before: Option<i64>,
    pub(in crate::local) edited_after: Option<i64>,
    pub(in crate::local) statuses: Option<Vec<String>>,
    pub(in crate::local) data_hashes: Option<Vec<String>>,
    pub(in crate::local) label_hashes: Option<Vec<String>>,
    pub(in crate::local) titles: Option<Vec<String>>,
    /// A pattern with `%` and `_`.
    pub(in crate::local) title_like: Option<String>,
    /// UUIDs.
    pub(in crate::local) stages: Option<Vec<String>>,
}

/// Lists rows in the order of the project.
pub(in crate::local) fn metadata(
    connection: &Connection,
    filter: &MetadataFilter,
) -> rusqlite::Result<Vec<MetadataRow>> {
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |value: Value| {
        values.push(value);
        values.len()
    };
    let mut conditions = vec!["true".to_owned()];
    let mut one_of = |column: &str, list: &Option<Vec<String>>, conditions: &mut Vec<String>| {
        if let Some(list) = list {
            let list = bind(json_list(list).into());
            conditions.push(format!(
                "{column} IN (SELECT value FROM json_each(?{list}))"
            ));
        }
    };
    one_of("item.data_hash", &filter.data_hashes, &mut conditions);
    one_of(
        "label_row.label_hash",
        &filter.label_hashes,
        &mut conditions,
    );
    one_of(
        "coalesce(label_row.status, 'NOT_LABELLED')",
        &filter.statuses,
        &mut conditions,
    );
    one_of("item.title", &filter.titles, &mut conditions);
    one_of("task.stage", &filter.stages, &mut conditions);
    let branch = filter
        .branch
        .as_ref()
        .map(|branch| bind(branch.clone().into()));
    if let Some(pattern) = &filter.title_like {
        conditions.push(format!("item.title LIKE ?{}", bind(pattern.clone().into())));
    }
    if let Some(moment) = filter.edited_before {
        conditions.push(format!("label_row.edited_at < ?{}", bind(moment.into())));
    }
    if let Some(moment) = filter.edited_after {
        conditions.push(format!("label_row.edited_at > ?{}", bind(moment.into())));
    }
    if !filter.uninitialised {
        conditions.push("label_row.label_hash IS NOT NULL".to_owned());
    }
    let on_branch = branch
        .map(|index| format!(" AND label_row.branch = ?{index}"))
        .unwrap_or_default();
    connection
        .prepare_cached(&format!(
            "SELECT {items}, task.uuid, task.stage, task.status, task.assignee, task.last_actioned_by,
                 task.priority, label_row.branch, label_row.label_hash, label_row.status, label_row.created_at,
                 label_row.edited_at
             FROM item
             JOIN task ON task.position = item.position
             LEFT JOIN label_row ON label_row.position = item.position{on_branch}
             WHERE {conditions}
             ORDER BY item.position, label_row.branch <> '{MAIN_BRANCH}', label_row.branch",
            items = items::COLUMNS,
            conditions = conditions.join(" AND "),
        ))?
        .query_map(params_from_iter(values), metadata_row)?
        .collect()
}

fn metadata_row(row: &Row<'_>) -> rusqlite::Result<MetadataRow> {
    let next = |offset: usize| items::WIDTH + offset;
    Ok(MetadataRow {
        item: items::from_row(row)?,
        task_uuid: row.get(next(0))?,
        stage: row.get(next(1))?,
        task_status: row.get(next(2))?,
        assignee: row.get(next(3))?,
        last_actioned_by: row.get(next(4))?,
        priority: row.get(next(5))?,
        branch: row.get(next(6))?,
        label_hash: row.get(next(7))?,
        label_status: row.get(next(8))?,
        created_at: row.get(next(9))?,
        edited_at: row.get(next(10))?,
    })
}

const ROW: &str = "label_row.label_hash, label_row.branch, label_row.status, label_row.created_at, \
    label_row.edited_at, label_row.document, task.stage, task.status";

/// The columns of a label row stand behind those of its item.
fn label_row(row: &Row<'_>) -> rusqlite::Result<LabelRow> {
    let next = |offset: usize| items::WIDTH + offset;
    Ok(LabelRow {
        label_hash: row.get(next(0))?,
        branch: row.get(next(1))?,
        status: row.get(next(2))?,
        created_at: row.get(next(3))?,
        edited_at: row.get(next(4))?,
        document: row.get(next(5))?,
        stage: row.get(next(6))?,
        task_status: row.get(next(7))?,
    })
}

/// A label row and its item.
pub(in crate::local) fn find_label_row(
    connection: &Connection,
    label_hash: &str,
) -> rusqlite::Result<Option<(LabelRow, Item)>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, {ROW} FROM label_row
             JOIN item ON item.position = label_row.position
             JOIN task ON task.position = label_row.position
             WHERE label_row.label_hash = ?1",
            items::COLUMNS
        ))?
        .query_row([label_hash], |row| {
            Ok((label_row(row)?, items::from_row(row)?))
        })
        .optional()
}

/// A data unit, and what is there of its row on a branch.
#[derive(Debug)]
pub(in crate::local) struct DataUnit {
    pub(in crate::local) item: Item,
    /// The stage where the task is, and its status there.
    pub(in crate::local) stage: String,
    pub(in crate::local) task_status: String,
    /// Absent if nobody has initialised it yet.
    pub(in crate::local) label_hash: Option<String>,
}

/// The data unit with this hash.
pub(in crate::local) fn find_data_unit(
    connection: &Connection,
    data_hash: &str,
    branch: &str,
) -> rusqlite::Result<Option<DataUnit>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, task.stage, task.status, label_row.label_hash
             FROM item
             JOIN task ON task.position = item.position
             LEFT JOIN label_row ON label_row.position = item.position AND label_row.branch = ?2
             WHERE item.data_hash = ?1",
            items::COLUMNS
        ))?
        .query_row([data_hash, branch], |row| {
            Ok(DataUnit {
                item: items::from_row(row)?,
                stage: row.get(items::WIDTH)?,
                task_status: row.get(items::WIDTH + 1)?,
                label_hash: row.get(items::WIDTH + 2)?,
            })
        })
        .optional()
}

/// The hash of the data unit that a label row is about.
pub(in crate::local) fn data_hash_of(
    connection: &Connection,
    label_hash: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT item.data_hash FROM label_row JOIN item ON item.position = label_row.position
             WHERE label_row.label_hash = ?1",
        )?
        .query_row([label_hash], |row| row.get(0))
        .optional()
}

/// The branches that have label rows; the main one first, rows or not.
pub(in crate::local) fn branches(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut find = connection.prepare_cached(
        "SELECT DISTINCT branch FROM label_row WHERE branch <> ?1 ORDER BY branch",
    )?;
    let others = find.query_map([MAIN_BRANCH], |row| row.get(0))?;
    std::iter::once(Ok(MAIN_BRANCH.to_owned()))
        .chain(others)
        .collect()
}

/// Adds a label row for the item at `position`.
pub(in crate::local) fn insert_label_row(
    connection: &Connection,
    position: i64,
    row: &LabelRow,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO label_row (label_hash, position, branch, status, created_at, edited_at, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            row.label_hash,
            position,
            row.branch,
            row.status,
            row.created_at,
            row.edited_at,
            row.document
        ])?;
    Ok(())
}

/// True if there is such a label row.
pub(in crate::local) fn overwrite_document(
    connection: &Connection,
    label_hash: &str,
    document: &str,
    now: i64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached("UPDATE label_row SET document = ?2, edited_at = ?3 WHERE label_hash = ?1")?
        .execute(params![label_hash, document, now])?;
    Ok(changed > 0)
}

/// Sets the status of an item's row on the branch that tasks are about, if there is one.
pub(in crate::local) fn set_label_status(
    connection: &Connection,
    position: i64,
    status: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "UPDATE label_row SET status = ?2 WHERE position = ?1 AND branch = '{MAIN_BRANCH}'"
        ))?
        .execute(params![position, status])?;
    Ok(())
}
