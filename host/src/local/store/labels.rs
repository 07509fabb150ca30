//! Label rows, and the metadata that are listed of them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::datasets::DataUnit;
use super::items::{self, Item};
use super::json_list;
use crate::local::MAIN_BRANCH;

/// A label row, or what there is where nobody has initialised one yet.
#[derive(Debug)]
pub(in crate::local) struct LabelRow {
    pub(in crate::local) unit: DataUnit,
    pub(in crate::local) dataset_hash: String,
    pub(in crate::local) dataset_title: String,
    /// The stage where the task is, and its status there. A part of a data group has the task of the group.
    pub(in crate::local) stage: String,
    pub(in crate::local) task_status: String,
    /// Absent until it is initialised.
    pub(in crate::local) labels: Option<Labels>,
}

/// What is kept of a row that was initialised.
#[derive(Debug)]
pub(in crate::local) struct Labels {
    pub(in crate::local) label_hash: String,
    pub(in crate::local) branch: String,
    pub(in crate::local) status: String,
    /// Counts the saves.
    pub(in crate::local) version: i64,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
    /// JSON text of an object, without the fields that the server knows by itself.
    pub(in crate::local) document: String,
}

/// A row of the listing: a data unit on a branch, labelled or not.
#[derive(Debug)]
pub(in crate::local) struct MetadataRow {
    pub(in crate::local) item: Item,
    pub(in crate::local) unit: i64,
    pub(in crate::local) data_hash: String,
    /// Data hash of the data group that it is a part of.
    pub(in crate::local) group_hash: Option<String>,
    pub(in crate::local) dataset_hash: String,
    pub(in crate::local) dataset_title: String,
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
    /// The parts of data groups are listed as well.
    pub(in crate::local) children: bool,
    /// In milliseconds since 1970, both excluded.
    pub(in crate::local) edited_before: Option<i64>,
    pub(in crate::local) edited_after: Option<i64>,
    pub(in crate::local) data_hashes: Option<Vec<String>>,
    pub(in crate::local) label_hashes: Option<Vec<String>>,
    pub(in crate::local) titles: Option<Vec<String>>,
    /// A pattern with `%` and `_`.
    pub(in crate::local) title_like: Option<String>,
    /// UUIDs.
    pub(in crate::local) stages: Option<Vec<String>>,
}

/// Lists rows of a project in its order.
pub(in crate::local) fn metadata(
    connection: &Connection,
    project: i64,
    filter: &MetadataFilter,
) -> rusqlite::Result<Vec<MetadataRow>> {
    let mut values: Vec<Value> = vec![project.into()];
    let mut bind = |value: Value| {
        values.push(value);
        values.len()
    };
    let mut conditions = vec!["true".to_owned()];
    let named_too = filter.data_hashes.as_ref();
    let lists = [
        ("item.title", filter.titles.as_ref()),
        ("task.stage", filter.stages.as_ref()),
        (
            "data_unit.hash",
            named_too.filter(|_| filter.label_hashes.is_some()),
        ),
    ];
    for (column, list) in lists {
        if let Some(list) = list {
            let list = bind(json_list(list).into());
            conditions.push(format!(
                "{column} IN (SELECT value FROM json_each(?{list}))"
            ));
        }
    }
    // SQLite joins in the order written at CROSS JOIN: the few rows that are named are looked up, and only without
    // names the project's tasks are walked. A part of a data group goes with the task of the group.
    let part = if filter.children {
        "coalesce(data_unit.parent, data_unit.id)"
    } else {
        "data_unit.id"
    };
    let tables = if let Some(list) = &filter.label_hashes {
        let list = bind(json_list(list).into());
        format!(
            "(SELECT DISTINCT value FROM json_each(?{list})) AS wanted
             CROSS JOIN label_row AS named ON named.label_hash = wanted.value AND named.project = ?1
             CROSS JOIN data_unit ON data_unit.id = named.data_unit
             CROSS JOIN task ON task.project = ?1 AND task.data_unit = {part}"
        )
    } else if let Some(list) = &filter.data_hashes {
        let list = bind(json_list(list).into());
        format!(
            "(SELECT DISTINCT value FROM json_each(?{list})) AS wanted
             CROSS JOIN data_unit ON data_unit.hash = wanted.value
             CROSS JOIN task ON task.project = ?1 AND task.data_unit = {part}"
        )
    } else if filter.children {
        "task
         CROSS JOIN data_unit ON data_unit.id = task.data_unit OR data_unit.parent = task.data_unit"
            .to_owned()
    } else {
        "task CROSS JOIN data_unit ON data_unit.id = task.data_unit".to_owned()
    };
    let mut label_row = "label_row.project = ?1 AND label_row.data_unit = data_unit.id".to_owned();
    if filter.label_hashes.is_some() {
        label_row.push_str(" AND label_row.label_hash = named.label_hash");
    }
    if let Some(branch) = &filter.branch {
        label_row.push_str(&format!(
            " AND label_row.branch = ?{}",
            bind(branch.clone().into())
        ));
    }
    if let Some(pattern) = &filter.title_like {
        conditions.push(format!("item.title LIKE ?{}", bind(pattern.clone().into())));
    }
    if let Some(moment) = filter.edited_before {
        conditions.push(format!("label_row.edited_at < ?{}", bind(moment.into())));
    }
    if let Some(moment) = filter.edited_after {
        conditions.push(format!("label_row.edited_at > ?{}", bind(moment.into())));
    }
    if !filter.uninitialised || filter.label_hashes.is_some() {
        conditions.push("label_row.label_hash IS NOT NULL".to_owned());
    }
    if filter.children {
        // The images of an image group are no rows of their own.
        conditions.push("(data_unit.parent IS NULL OR whole_item.item_type = 'group')".to_owned());
    }
    connection
        .prepare_cached(&format!(
            "SELECT {items}, data_unit.id, data_unit.hash, whole.hash, dataset.hash, dataset.title,
                 task.uuid, task.stage, task.status, task.assignee, task.last_actioned_by,
                 task.priority, label_row.branch, label_row.label_hash, label_row.status, label_row.created_at,
                 label_row.edited_at
             FROM {tables}
             CROSS JOIN item ON item.id = data_unit.item
             CROSS JOIN dataset ON dataset.id = data_unit.dataset
             LEFT JOIN data_unit AS whole ON whole.id = data_unit.parent
             LEFT JOIN item AS whole_item ON whole_item.id = whole.item
             LEFT JOIN label_row ON {label_row}
             WHERE task.project = ?1 AND {conditions}
             ORDER BY task.id, data_unit.id, label_row.branch <> '{MAIN_BRANCH}', label_row.branch",
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
        unit: row.get(next(0))?,
        data_hash: row.get(next(1))?,
        group_hash: row.get(next(2))?,
        dataset_hash: row.get(next(3))?,
        dataset_title: row.get(next(4))?,
        task_uuid: row.get(next(5))?,
        stage: row.get(next(6))?,
        task_status: row.get(next(7))?,
        assignee: row.get(next(8))?,
        last_actioned_by: row.get(next(9))?,
        priority: row.get(next(10))?,
        branch: row.get(next(11))?,
        label_hash: row.get(next(12))?,
        label_status: row.get(next(13))?,
        created_at: row.get(next(14))?,
        edited_at: row.get(next(15))?,
    })
}

const ROW: &str = "data_unit.id, data_unit.hash, data_unit.created_at, dataset.hash, dataset.title, task.stage, \
    task.status, label_row.label_hash, label_row.branch, label_row.status, label_row.version, \
    label_row.created_at, label_row.edited_at, label_row.document";

/// The columns of a label row stand behind those of its item.
fn label_row(row: &Row<'_>) -> rusqlite::Result<LabelRow> {
    let next = |offset: usize| items::WIDTH + offset;
    let label_hash: Option<String> = row.get(next(7))?;
    let labels = match label_hash {
        None => None,
        Some(label_hash) => Some(Labels {
            label_hash,
            branch: row.get(next(8))?,
            status: row.get(next(9))?,
            version: row.get(next(10))?,
            created_at: row.get(next(11))?,
            edited_at: row.get(next(12))?,
            document: row.get(next(13))?,
        }),
    };
    Ok(LabelRow {
        unit: DataUnit {
            item: items::from_row(row)?,
            id: row.get(next(0))?,
            hash: row.get(next(1))?,
            created_at: row.get(next(2))?,
            layout_key: None,
        },
        dataset_hash: row.get(next(3))?,
        dataset_title: row.get(next(4))?,
        stage: row.get(next(5))?,
        task_status: row.get(next(6))?,
        labels,
    })
}

/// A label row of the project.
pub(in crate::local) fn find_label_row(
    connection: &Connection,
    project: i64,
    label_hash: &str,
) -> rusqlite::Result<Option<LabelRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, {ROW} FROM label_row
             JOIN data_unit ON data_unit.id = label_row.data_unit
             JOIN item ON item.id = data_unit.item
             JOIN dataset ON dataset.id = data_unit.dataset
             JOIN task ON task.project = label_row.project
                 AND task.data_unit = coalesce(data_unit.parent, data_unit.id)
             WHERE label_row.label_hash = ?2 AND label_row.project = ?1",
            items::COLUMNS
        ))?
        .query_row(params![project, label_hash], label_row)
        .optional()
}

/// The row of a data unit on a branch, initialised or not.
pub(in crate::local) fn find_row_of(
    connection: &Connection,
    project: i64,
    data_hash: &str,
    branch: &str,
) -> rusqlite::Result<Option<LabelRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, {ROW} FROM data_unit
             JOIN item ON item.id = data_unit.item
             JOIN dataset ON dataset.id = data_unit.dataset
             JOIN task ON task.project = ?1 AND task.data_unit = coalesce(data_unit.parent, data_unit.id)
             LEFT JOIN label_row ON label_row.project = ?1 AND label_row.data_unit = data_unit.id
                 AND label_row.branch = ?3
             WHERE data_unit.hash = ?2",
            items::COLUMNS
        ))?
        .query_row(params![project, data_hash, branch], label_row)
        .optional()
}

/// The branches that have label rows, and those that tasks are about; the main one first, whether it is used or not.
pub(in crate::local) fn branches(
    connection: &Connection,
    project: i64,
) -> rusqlite::Result<Vec<String>> {
    let mut find = connection.prepare_cached(
        "SELECT DISTINCT branch FROM label_row WHERE project = ?1 AND branch <> ?2 ORDER BY branch",
    )?;
    let others = find.query_map(params![project, MAIN_BRANCH], |row| row.get(0))?;
    std::iter::once(Ok(MAIN_BRANCH.to_owned()))
        .chain(others)
        .collect()
}

/// Hashes of the rows on a branch, with the data hash of each: of all, or of the data units that are named.
pub(in crate::local) fn rows_on_branch(
    connection: &Connection,
    project: i64,
    branch: &str,
    data_hashes: Option<&[String]>,
) -> rusqlite::Result<Vec<(String, String)>> {
    let list = data_hashes.map(json_list);
    connection
        .prepare_cached(
            "SELECT label_row.label_hash, data_unit.hash FROM label_row
             JOIN data_unit ON data_unit.id = label_row.data_unit
             WHERE label_row.project = ?1 AND label_row.branch = ?2
                 AND (?3 IS NULL OR data_unit.hash IN (SELECT value FROM json_each(?3)))
             ORDER BY data_unit.id",
        )?
        .query_map(params![project, branch, list], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// Adds a label row for a data unit of the project.
pub(in crate::local) fn insert_label_row(
    connection: &Connection,
    project: i64,
    unit: i64,
    labels: &Labels,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO label_row (label_hash, project, data_unit, branch, status, version, created_at, edited_at,
                 document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            labels.label_hash,
            project,
            unit,
            labels.branch,
            labels.status,
            labels.version,
            labels.created_at,
            labels.edited_at,
            labels.document
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
        .prepare_cached(
            "UPDATE label_row SET document = ?2, edited_at = ?3, version = version + 1 WHERE label_hash = ?1",
        )?
        .execute(params![label_hash, document, now])?;
    Ok(changed > 0)
}

/// Sets the status of the row of a task on a branch, if there is one.
pub(in crate::local) fn set_label_status(
    connection: &Connection,
    task: i64,
    branch: &str,
    status: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE label_row SET status = ?3
             WHERE (project, data_unit) = (SELECT project, data_unit FROM task WHERE id = ?1) AND branch = ?2",
        )?
        .execute(params![task, branch, status])?;
    Ok(())
}
