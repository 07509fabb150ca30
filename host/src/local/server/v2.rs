//! Projects, ontologies, tasks and priorities: `/v2/public/projects` and `/v2/public/ontologies`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::Shared;
use super::reply::{self, ApiError, PAGE, Page, Reply, ok, parse};
use super::scope::uuid;
use super::transitions::{self, Action};
use super::v1::canonical;
use crate::local::label_row::{self, label_status_at};
use crate::local::manifest::{Stage, StageKind};
use crate::local::store::{self, Labels, Project, Task, TaskFilter};
use crate::local::{ACCOUNT, MAIN_BRANCH, clock, identity};

pub(super) async fn project(State(service): Shared, Path(project): Path<String>) -> Reply {
    let shown = service.read_project(&project, project_json).await?;
    ok(&shown)
}

/// All projects, on one page.
pub(super) async fn projects(State(service): Shared, RawQuery(query): RawQuery) -> Reply {
    let filter = super::listing::Filter::parse(query.as_deref().unwrap_or_default())?;
    let mut shown = Vec::new();
    for workspace in &service.workspaces {
        let filter = filter.clone();
        let found = reply::read(workspace, move |connection, _| {
            store::projects(connection, None)?
                .iter()
                .filter(|project| {
                    filter.takes(
                        &project.title,
                        &project.description,
                        project.created_at,
                        project.edited_at,
                    )
                })
                .map(|project| project_json(connection, project))
                .collect::<Result<Vec<_>, _>>()
        });
        shown.extend(found.await?);
    }
    ok(&Page::whole(shown))
}

fn project_json(connection: &Connection, project: &Project) -> Result<Value, ApiError> {
    let ontology = store::ontologies(connection, Some(&project.ontology))?.pop();
    let ontology = ontology.ok_or_else(|| ApiError::internal("the project has no ontology"))?;
    let editor: Value = serde_json::from_str(&ontology.editor)?;
    // Nobody can look at tasks of a router, and Encord's own client refuses a project that lists one.
    let stages = project.workflow.stages.iter();
    let stages: Vec<_> = stages
        .filter(|stage| !stage.kind.is_router())
        .map(stage_json)
        .collect();
    Ok(json!({
        "projectHash": project.hash,
        "projectType": "workflow",
        "status": project.status,
        "title": project.title,
        "description": project.description,
        "createdAt": clock::iso(project.created_at),
        "creatorEmail": ACCOUNT,
        "lastEditedAt": clock::iso(project.edited_at),
        "ontologyHash": project.ontology,
        "editorOntology": editor,
        "userRole": 0,
        "sourceProjects": null,
        "workflowManagerUuid": identity::uuid(project.hash, "workflow", &[]),
        "workflow": { "stages": stages },
    }))
}

fn stage_json(stage: &Stage) -> Value {
    let mut value =
        json!({ "stageType": stage.kind.as_encord(), "uuid": stage.uuid, "title": stage.title });
    if stage.kind == StageKind::Agent {
        let pathways = stage.pathways.iter().map(|pathway| {
            json!({ "uuid": pathway.uuid, "title": pathway.name, "destinationUuid": pathway.destination })
        });
        value["pathways"] = pathways.collect();
    }
    value
}

pub(super) async fn branches(State(service): Shared, Path(project): Path<String>) -> Reply {
    let names = service
        .read_project(&project, |connection, project| {
            Ok(store::branches(connection, project.id)?)
        })
        .await?;
    let names = names.into_iter().map(|name| json!({ "name": name }));
    ok(&Page::whole(names.collect()))
}

pub(super) async fn datasets(State(service): Shared, Path(project): Path<String>) -> Reply {
    let datasets = service
        .read_project(&project, |connection, project| {
            Ok(store::datasets(connection, Some(project.id))?)
        })
        .await?;
    let datasets = datasets.into_iter().map(|dataset| {
        json!({ "datasetHash": dataset.hash, "title": dataset.title, "description": dataset.description })
    });
    ok(&Page::whole(datasets.collect()))
}

/// A task as each type of stage shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskJson {
    uuid: String,
    created_at: String,
    updated_at: String,
    data_hash: String,
    data_title: String,
    #[serde(flatten)]
    open: Option<OpenTaskJson>,
}

/// What only a task that is not done has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenTaskJson {
    status: String,
    label_branch_name: String,
    assignee: Option<String>,
    last_actioned_by: Option<String>,
}

impl TaskJson {
    fn new(task: Task, stage: &Stage) -> Self {
        let branch = stage.label_branch.as_deref().unwrap_or(MAIN_BRANCH);
        let open = (stage.kind != StageKind::Complete).then_some(OpenTaskJson {
            status: task.status,
            label_branch_name: branch.to_owned(),
            assignee: task.assignee,
            last_actioned_by: task.last_actioned_by,
        });
        Self {
            uuid: task.uuid,
            created_at: clock::iso(task.created_at),
            updated_at: clock::iso(task.updated_at),
            data_hash: task.data_hash,
            data_title: task.data_title,
            open,
        }
    }
}

pub(super) async fn tasks(
    State(service): Shared,
    Path((project, stage)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Reply {
    let filter = task_filter(query.as_deref().unwrap_or_default())?;
    let page = service
        .read_project(&project, move |connection, project| {
            let stage = find_stage(project, &stage)?;
            let uuid = stage.uuid.to_string();
            let tasks = store::tasks_at(connection, project.id, &uuid, &filter, PAGE + 1)?;
            Ok(reply::page(
                tasks,
                |task| task.id,
                |task| TaskJson::new(task, stage),
            ))
        })
        .await?;
    ok(&page)
}

fn task_filter(query: &str) -> Result<TaskFilter, ApiError> {
    let mut filter = TaskFilter::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let text = || value.clone().into_owned();
        match &*key {
            "dataHashes" => {
                let hash = uuid(&value, "a data hash")?.to_string();
                filter.data_hashes.get_or_insert_default().push(hash);
            }
            "datasetHashes" => {
                let hash = uuid(&value, "a dataset hash")?.to_string();
                filter.dataset_hashes.get_or_insert_default().push(hash);
            }
            "dataTitleContains" => filter.title_contains = Some(text()),
            "statuses" => filter.statuses.get_or_insert_default().push(text()),
            "userEmails" => filter.assignees.get_or_insert_default().push(text()),
            "pageToken" => filter.after = Some(reply::after(&value)?),
            // As Encord does with parameters that it does not know.
            _ => {}
        }
    }
    Ok(filter)
}

pub(super) async fn actions(
    State(service): Shared,
    Path((project, stage)): Path<(String, String)>,
    body: Bytes,
) -> Reply {
    let actions: Vec<Action> = parse(&body)?;
    let apply = move |connection: &Connection, project: &Project| {
        transitions::apply(connection, project, find_stage(project, &stage)?, &actions)
    };
    service.write_project(&project, apply).await?;
    ok(&())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoveTasks {
    task_uuids: Vec<Uuid>,
    destination_stage_uuid: Uuid,
}

pub(super) async fn move_tasks(
    State(service): Shared,
    Path((project, stage)): Path<(String, String)>,
    body: Bytes,
) -> Reply {
    let MoveTasks {
        task_uuids,
        destination_stage_uuid,
    } = parse(&body)?;
    let work = move |connection: &Connection, project: &Project| {
        transitions::move_all(
            connection,
            project,
            find_stage(project, &stage)?,
            &task_uuids,
            destination_stage_uuid,
        )
    };
    service.write_project(&project, work).await?;
    ok(&())
}

#[derive(Debug, Deserialize)]
struct Priorities {
    /// Data hash and priority.
    priorities: Vec<(Uuid, f64)>,
}

pub(super) async fn priorities(
    State(service): Shared,
    Path(project): Path<String>,
    body: Bytes,
) -> Reply {
    let Priorities { priorities } = parse(&body)?;
    let set = move |connection: &Connection, project: &Project| {
        for (data_hash, priority) in &priorities {
            if !(0.0..=1.0).contains(priority) {
                return Err(ApiError::invalid(format!(
                    "expected a priority from 0 to 1, found {priority}"
                )));
            }
            if !store::set_priority(connection, project.id, &data_hash.to_string(), *priority)? {
                return Err(ApiError::invalid(format!(
                    "the project has no data unit {data_hash}"
                )));
            }
        }
        Ok(())
    };
    service.write_project(&project, set).await?;
    ok(&())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Classifications {
    label_uuids: Vec<Uuid>,
    #[serde(default = "main_branch")]
    branch_name: String,
}

fn main_branch() -> String {
    MAIN_BRANCH.to_owned()
}

/// The classifications of rows, without their objects.
pub(super) async fn classifications(
    State(service): Shared,
    Path(project): Path<String>,
    body: Bytes,
) -> Reply {
    let request: Classifications = parse(&body)?;
    let read = move |connection: &Connection, project: &Project| {
        let mut shown = Vec::new();
        for label_hash in &request.label_uuids {
            let found = store::find_label_row(connection, project.id, &label_hash.to_string())?;
            let Some(row) = found else { continue };
            let Some(labels) = &row.labels else { continue };
            if labels.branch != request.branch_name {
                continue;
            }
            let document: Value = serde_json::from_str(&labels.document)?;
            shown.push(json!({
                "labelUuid": labels.label_hash,
                "dataUuid": row.unit.hash,
                "dataTitle": row.unit.item.title,
                "branchName": labels.branch,
                "classificationAnswers": document["classification_answers"],
            }));
        }
        Ok(shown)
    };
    let labels = service.read_project(&project, read).await?;
    ok(&json!({ "labels": labels }))
}

/// Whether a row fits the ontology. The server takes whatever it is sent, and says so here.
pub(super) async fn validation_state(
    State(service): Shared,
    Path((project, label_hash)): Path<(String, String)>,
) -> Reply {
    let read = move |connection: &Connection, project: &Project| {
        let found = store::find_label_row(connection, project.id, &canonical(&label_hash))?;
        let labels = found.and_then(|row| row.labels);
        let labels = labels
            .ok_or_else(|| ApiError::not_found(format!("there is no label row {label_hash}")))?;
        let document = serde_json::from_str(&labels.document)?;
        let ontology = store::ontologies(connection, Some(&project.ontology))?.pop();
        let editor = ontology.map(|ontology| serde_json::from_str(&ontology.editor));
        let editor: Value = editor.transpose()?.unwrap_or_default();
        let unknown = label_row::unknown_features(&document, &editor);
        let errors: Vec<_> = unknown
            .iter()
            .map(|feature| format!("the ontology does not have the feature {feature}"))
            .collect();
        Ok(json!({
            "labelHash": labels.label_hash,
            "branchName": labels.branch,
            "version": labels.version,
            "isValid": errors.is_empty(),
            "errors": errors,
        }))
    };
    ok(&service.read_project(&project, read).await?)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CopyBranch {
    source_branch_name: String,
    target_branch_name: String,
    #[serde(default)]
    overwrite: bool,
    data_uuids: Option<Vec<Uuid>>,
    label_uuids: Option<Vec<Uuid>>,
}

/// Copies labels to another branch.
pub(super) async fn copy_branch(
    State(service): Shared,
    Path(project): Path<String>,
    body: Bytes,
) -> Reply {
    let request: CopyBranch = parse(&body)?;
    if request.source_branch_name == request.target_branch_name {
        return Err(ApiError::invalid(
            "expected two different branches, found one twice",
        ));
    }
    let copy = move |connection: &Connection, project: &Project| {
        let texts = |uuids: &[Uuid]| uuids.iter().map(Uuid::to_string).collect::<Vec<_>>();
        let data_hashes = request.data_uuids.as_deref().map(texts);
        let label_hashes = request.label_uuids.as_deref().map(texts);
        let rows = store::rows_on_branch(
            connection,
            project.id,
            &request.source_branch_name,
            data_hashes.as_deref(),
        )?;
        let mut copied = 0;
        for (label_hash, data_hash) in rows {
            let wanted = label_hashes.as_ref();
            if wanted.is_some_and(|wanted| !wanted.contains(&label_hash)) {
                continue;
            }
            let source = store::find_label_row(connection, project.id, &label_hash)?;
            let Some(source) = source.and_then(|row| row.labels) else {
                continue;
            };
            let target = &request.target_branch_name;
            let row = store::find_row_of(connection, project.id, &data_hash, target)?;
            let Some(row) = row else { continue };
            let now = clock::now();
            match row.labels {
                Some(_) if !request.overwrite => continue,
                Some(labels) => {
                    store::overwrite_document(
                        connection,
                        &labels.label_hash,
                        &source.document,
                        now,
                    )?;
                }
                None => {
                    let stage = project.workflow.stage_named(&row.stage);
                    let labels = Labels {
                        label_hash: label_hash_of(project, &data_hash, target),
                        branch: target.clone(),
                        status: label_status_at(stage.map(|stage| stage.kind)).to_owned(),
                        version: 1,
                        created_at: now,
                        edited_at: now,
                        document: source.document,
                    };
                    store::insert_label_row(connection, project.id, row.unit.id, &labels)?;
                }
            }
            copied += 1;
        }
        Ok(copied)
    };
    let copied = service.write_project(&project, copy).await?;
    ok(&json!({ "copiedCount": copied }))
}

/// The hash that the row of a data unit on a branch has.
pub(super) fn label_hash_of(project: &Project, data_hash: &str, branch: &str) -> String {
    identity::uuid(project.hash, "label row", &[data_hash, branch]).to_string()
}

pub(super) fn find_stage<'project>(
    project: &'project Project,
    stage: &str,
) -> Result<&'project Stage, ApiError> {
    let uuid = uuid(stage, "the UUID of a stage")?;
    project
        .workflow
        .stage(uuid)
        .ok_or_else(|| ApiError::not_found(format!("the workflow has no stage {uuid}")))
}
