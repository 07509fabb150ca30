//! Projects, ontologies and workflow templates.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::datasets::DataUnit;
use crate::local::identity;
use crate::local::manifest::Workflow;

/// A project.
#[derive(Debug, Clone)]
pub(in crate::local) struct Project {
    pub(in crate::local) id: i64,
    pub(in crate::local) hash: Uuid,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    pub(in crate::local) status: String,
    /// Hash of its ontology.
    pub(in crate::local) ontology: String,
    pub(in crate::local) workflow: Workflow,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
}

/// What a project is made from.
#[derive(Debug)]
pub(in crate::local) struct NewProject<'new> {
    pub(in crate::local) hash: Uuid,
    pub(in crate::local) title: &'new str,
    pub(in crate::local) description: &'new str,
    /// Number of its ontology.
    pub(in crate::local) ontology: i64,
    /// Numbers of its datasets.
    pub(in crate::local) datasets: &'new [i64],
    pub(in crate::local) workflow: &'new Workflow,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Project> {
    let hash: String = row.get(1)?;
    let workflow: String = row.get(6)?;
    Ok(Project {
        id: row.get(0)?,
        hash: hash.parse().map_err(|error| unreadable(1, error))?,
        title: row.get(2)?,
        description: row.get(3)?,
        status: row.get(4)?,
        ontology: row.get(5)?,
        workflow: parse_workflow(6, &workflow)?,
        created_at: row.get(7)?,
        edited_at: row.get(8)?,
    })
}

fn parse_workflow(column: usize, text: &str) -> rusqlite::Result<Workflow> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

/// The project with this hash, or all.
pub(in crate::local) fn projects(
    connection: &Connection,
    hash: Option<Uuid>,
) -> rusqlite::Result<Vec<Project>> {
    let wanted = if hash.is_some() {
        "project.hash = ?1"
    } else {
        "?1 IS NULL"
    };
    connection
        .prepare_cached(&format!(
            "SELECT project.id, project.hash, project.title, project.description, project.status, ontology.hash,
                 project.workflow, project.created_at, project.edited_at
             FROM project JOIN ontology ON ontology.id = project.ontology
             WHERE {wanted} AND NOT project.deleted ORDER BY project.id"
        ))?
        .query_map([hash.map(|hash| hash.to_string())], from_row)?
        .collect()
}

pub(in crate::local) fn find_project(
    connection: &Connection,
    hash: Uuid,
) -> rusqlite::Result<Option<Project>> {
    Ok(projects(connection, Some(hash))?.pop())
}

/// Adds a project with a task for each data unit of its datasets, or changes the one that is there and adds the
/// tasks that it lacks. A project that was deleted stays so.
pub(in crate::local) fn put_project(
    connection: &Connection,
    new: &NewProject<'_>,
    now: i64,
) -> rusqlite::Result<()> {
    let workflow = serde_json::to_string(new.workflow)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO project (hash, title, description, ontology, workflow, created_at, edited_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (hash) DO UPDATE SET title = excluded.title, description = excluded.description,
             ontology = excluded.ontology, workflow = excluded.workflow, edited_at = excluded.edited_at
         WHERE (title, description, ontology, workflow)
             IS NOT (excluded.title, excluded.description, excluded.ontology, excluded.workflow)",
        params![
            new.hash.to_string(),
            new.title,
            new.description,
            new.ontology,
            workflow,
            now
        ],
    )?;
    let (id, deleted): (i64, bool) = connection.query_row(
        "SELECT id, deleted FROM project WHERE hash = ?1",
        [new.hash.to_string()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if deleted {
        return Ok(());
    }
    for dataset in new.datasets {
        connection.execute(
            "INSERT INTO project_dataset (project, dataset) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id, dataset],
        )?;
    }
    add_tasks(connection, id, new.hash, new.workflow, now)
}

/// Adds a task for each data unit of the project that has none yet, in the order of the data units.
fn add_tasks(
    connection: &Connection,
    id: i64,
    hash: Uuid,
    workflow: &Workflow,
    now: i64,
) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT data_unit.id, data_unit.hash FROM data_unit
         WHERE data_unit.parent IS NULL
             AND data_unit.dataset IN (SELECT dataset FROM project_dataset WHERE project = ?1)
             AND NOT EXISTS (SELECT 1 FROM task WHERE task.project = ?1 AND task.data_unit = data_unit.id)
         ORDER BY data_unit.id",
    )?;
    let missing: Vec<(i64, String)> = find
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    insert_tasks(connection, id, hash, workflow, &missing, now)
}

/// `units` are numbers and hashes of data units that have no task in the project.
fn insert_tasks(
    connection: &Connection,
    id: i64,
    hash: Uuid,
    workflow: &Workflow,
    units: &[(i64, String)],
    now: i64,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO task (uuid, project, data_unit, stage, status, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )?;
    for (unit, data_hash) in units {
        let uuid = identity::uuid(hash, "task", &[data_hash]);
        // A workflow has a first stage, and its routers lead somewhere: that is checked when it is read.
        let Some(stage) = workflow.first(uuid) else {
            continue;
        };
        let status = stage.kind.status_on_arrival();
        insert.execute(params![
            uuid.to_string(),
            id,
            unit,
            stage.uuid.to_string(),
            status,
            now
        ])?;
    }
    Ok(())
}

/// Adds tasks to every project whose datasets have grown.
pub(in crate::local) fn add_missing_tasks(
    connection: &Connection,
    now: i64,
) -> rusqlite::Result<()> {
    for project in projects(connection, None)? {
        add_tasks(connection, project.id, project.hash, &project.workflow, now)?;
    }
    Ok(())
}

/// Adds tasks for new data units of a dataset to each project that has it.
pub(in crate::local) fn add_tasks_of(
    connection: &Connection,
    dataset: i64,
    units: &[DataUnit],
    now: i64,
) -> rusqlite::Result<()> {
    if units.is_empty() {
        return Ok(());
    }
    let units: Vec<_> = units
        .iter()
        .map(|unit| (unit.id, unit.hash.clone()))
        .collect();
    let with_dataset: Vec<i64> = connection
        .prepare_cached("SELECT project FROM project_dataset WHERE dataset = ?1")?
        .query_map([dataset], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for project in projects(connection, None)? {
        if with_dataset.contains(&project.id) {
            let Project {
                id, hash, workflow, ..
            } = project;
            insert_tasks(connection, id, hash, &workflow, &units, now)?;
        }
    }
    Ok(())
}

/// Removes what happened in a project, and hides it. It does not come back when `project.toml` still has it.
pub(in crate::local) fn delete_project(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    for table in ["label_row", "task", "issue", "project_dataset"] {
        connection.execute(&format!("DELETE FROM {table} WHERE project = ?1"), [id])?;
    }
    connection.execute("UPDATE project SET deleted = 1 WHERE id = ?1", [id])?;
    Ok(())
}

/// An ontology.
#[derive(Debug)]
pub(in crate::local) struct Ontology {
    pub(in crate::local) id: i64,
    pub(in crate::local) hash: String,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    /// JSON text: Encord's `editor`.
    pub(in crate::local) editor: String,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
}

/// The ontology with this hash, or all.
pub(in crate::local) fn ontologies(
    connection: &Connection,
    hash: Option<&str>,
) -> rusqlite::Result<Vec<Ontology>> {
    connection
        .prepare_cached(
            "SELECT id, hash, title, description, editor, created_at, edited_at FROM ontology
             WHERE ?1 IS NULL OR hash = ?1 ORDER BY id",
        )?
        .query_map([hash], |row| {
            Ok(Ontology {
                id: row.get(0)?,
                hash: row.get(1)?,
                title: row.get(2)?,
                description: row.get(3)?,
                editor: row.get(4)?,
                created_at: row.get(5)?,
                edited_at: row.get(6)?,
            })
        })?
        .collect()
}

/// Adds an ontology, or changes the one that is there. Returns its number.
pub(in crate::local) fn put_ontology(
    connection: &Connection,
    hash: &str,
    title: &str,
    description: &str,
    editor: &str,
    now: i64,
) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO ontology (hash, title, description, editor, created_at, edited_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (hash) DO UPDATE SET title = excluded.title, description = excluded.description,
             editor = excluded.editor, edited_at = excluded.edited_at
         WHERE (title, description, editor) IS NOT (excluded.title, excluded.description, excluded.editor)",
        params![hash, title, description, editor, now],
    )?;
    connection.query_row("SELECT id FROM ontology WHERE hash = ?1", [hash], |row| {
        row.get(0)
    })
}

/// Adds a template, or changes the one that is there. Projects that were made from it keep what they have.
pub(in crate::local) fn put_template(
    connection: &Connection,
    hash: &str,
    title: &str,
    workflow: &Workflow,
) -> rusqlite::Result<()> {
    let workflow = serde_json::to_string(workflow)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO workflow_template (hash, title, workflow) VALUES (?1, ?2, ?3)
         ON CONFLICT (hash) DO UPDATE SET title = excluded.title, workflow = excluded.workflow",
        params![hash, title, workflow],
    )?;
    Ok(())
}

/// The workflow of a template.
pub(in crate::local) fn template(
    connection: &Connection,
    hash: &str,
) -> rusqlite::Result<Option<Workflow>> {
    let found: Option<String> = connection
        .prepare_cached("SELECT workflow FROM workflow_template WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    found.map(|text| parse_workflow(0, &text)).transpose()
}
