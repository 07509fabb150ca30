//! Projects, ontologies, tasks and priorities: `/v2/public/projects` and `/v2/public/ontologies`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::reply::{self, ApiError, Page, Reply, ok, parse};
use super::transitions::{self, Action};
use super::{Service, Shared};
use crate::local::manifest::{Stage, StageKind};
use crate::local::project::Project;
use crate::local::store::{self, Task, TaskFilter};
use crate::local::{ACCOUNT, MAIN_BRANCH, clock};

/// Tasks on one page.
const PAGE: usize = 1000;

pub(super) async fn project(State(service): Shared, Path(project): Path<String>) -> Reply {
    let project = find_project(&service, &project)?;
    let definition = project.definition();
    let stages: Vec<_> = definition.stages.iter().map(stage_json).collect();
    let created_at = clock::iso(project.created_at);
    ok(&json!({
        "projectHash": definition.hash,
        "projectType": "workflow",
        "status": "inProgress",
        "title": definition.title,
        "description": definition.description,
        "createdAt": created_at,
        "creatorEmail": ACCOUNT,
        "lastEditedAt": created_at,
        "ontologyHash": definition.ontology.hash,
        "editorOntology": definition.ontology.editor,
        "userRole": 0,
        "sourceProjects": null,
        "workflowManagerUuid": crate::local::identity::uuid(definition.hash, "workflow", &[]),
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
    let project = find_project(&service, &project)?;
    let names = reply::read(&project, |connection, _| Ok(store::branches(connection)?)).await?;
    ok(&Page::whole(
        names
            .into_iter()
            .map(|name| json!({ "name": name }))
            .collect(),
    ))
}

pub(super) async fn datasets(State(service): Shared, Path(project): Path<String>) -> Reply {
    let project = find_project(&service, &project)?;
    let definition = project.definition();
    let dataset = json!({ "datasetHash": definition.dataset_hash, "title": definition.dataset_title, "description": "" });
    ok(&Page::whole(vec![dataset]))
}

pub(super) async fn ontology(State(service): Shared, Path(ontology): Path<String>) -> Reply {
    let hash = uuid(&ontology, "an ontology hash")?;
    let project = service
        .projects
        .iter()
        .find(|project| project.definition().ontology.hash == hash);
    let project =
        project.ok_or_else(|| ApiError::not_found(format!("there is no ontology {hash}")))?;
    let ontology = &project.definition().ontology;
    let created_at = clock::iso(project.created_at);
    ok(&json!({
        "ontologyUuid": ontology.hash,
        "title": ontology.title,
        "description": "",
        "editor": ontology.editor,
        "createdAt": created_at,
        "lastEditedAt": created_at,
        "userRole": 0,
    }))
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
    label_branch_name: &'static str,
    assignee: Option<String>,
    last_actioned_by: Option<String>,
}

impl TaskJson {
    fn new(task: Task, kind: StageKind) -> Self {
        let open = (kind != StageKind::Complete).then_some(OpenTaskJson {
            status: task.status,
            label_branch_name: MAIN_BRANCH,
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
    let project = find_project(&service, &project)?;
    let stage = find_stage(&project, &stage)?.clone();
    let (filter, datasets) = task_filter(query.as_deref().unwrap_or_default())?;
    let dataset = project.definition().dataset_hash;
    if datasets.is_some_and(|datasets| !datasets.contains(&dataset)) {
        return ok(&Page::<TaskJson>::whole(Vec::new()));
    }
    let uuid = stage.uuid.to_string();
    // One more than a page tells whether there is another.
    let find =
        move |connection: &_, _: &_| Ok(store::tasks_at(connection, &uuid, &filter, PAGE + 1)?);
    let mut tasks = reply::read(&project, find).await?;
    let more = tasks.len() > PAGE;
    tasks.truncate(PAGE);
    let next_page_token = tasks
        .last()
        .filter(|_| more)
        .map(|task| page_token(task.position));
    let results = tasks
        .into_iter()
        .map(|task| TaskJson::new(task, stage.kind))
        .collect();
    ok(&Page {
        results,
        next_page_token,
    })
}

/// The filter, and the datasets that are asked for.
fn task_filter(query: &str) -> Result<(TaskFilter, Option<Vec<Uuid>>), ApiError> {
    let mut filter = TaskFilter::default();
    let mut datasets = None;
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let text = || value.clone().into_owned();
        match &*key {
            "dataHashes" => {
                let hash = uuid(&value, "a data hash")?.to_string();
                filter.data_hashes.get_or_insert_default().push(hash);
            }
            "datasetHashes" => {
                let hash = uuid(&value, "a dataset hash")?;
                datasets.get_or_insert_with(Vec::new).push(hash);
            }
            "dataTitleContains" => filter.title_contains = Some(text()),
            "statuses" => filter.statuses.get_or_insert_default().push(text()),
            "userEmails" => filter.assignees.get_or_insert_default().push(text()),
            "pageToken" => filter.after = Some(position_of(&value)?),
            // As Encord does with parameters that it does not know.
            _ => {}
        }
    }
    Ok((filter, datasets))
}

/// Tokens are opaque, so that nobody comes to rely on what they are.
fn page_token(position: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{position}"))
}

fn position_of(token: &str) -> Result<i64, ApiError> {
    let decoded = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let position = decoded
        .as_deref()
        .and_then(|text| text.strip_prefix("after:")?.parse().ok());
    position.ok_or_else(|| {
        ApiError::invalid("expected the token of a page, as the page before gave it")
    })
}

pub(super) async fn actions(
    State(service): Shared,
    Path((project, stage)): Path<(String, String)>,
    body: Bytes,
) -> Reply {
    let project = find_project(&service, &project)?;
    let stage = find_stage(&project, &stage)?.clone();
    let actions: Vec<Action> = parse(&body)?;
    let apply = move |connection: &_, project: &Project| {
        transitions::apply(connection, project.definition(), &stage, &actions)
    };
    reply::write(&project, apply).await?;
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
    let project = find_project(&service, &project)?;
    let origin = find_stage(&project, &stage)?.clone();
    let MoveTasks {
        task_uuids,
        destination_stage_uuid,
    } = parse(&body)?;
    let work = move |connection: &_, project: &Project| {
        transitions::move_all(
            connection,
            project.definition(),
            &origin,
            &task_uuids,
            destination_stage_uuid,
        )
    };
    reply::write(&project, work).await?;
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
    let project = find_project(&service, &project)?;
    let Priorities { priorities } = parse(&body)?;
    let set = move |connection: &_, _: &_| {
        for (data_hash, priority) in &priorities {
            if !(0.0..=1.0).contains(priority) {
                return Err(ApiError::invalid(format!(
                    "expected a priority from 0 to 1, found {priority}"
                )));
            }
            if !store::set_priority(connection, &data_hash.to_string(), *priority)? {
                return Err(ApiError::invalid(format!(
                    "the project has no data unit {data_hash}"
                )));
            }
        }
        Ok(())
    };
    reply::write(&project, set).await?;
    ok(&())
}

pub(super) fn uuid(text: &str, what: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| {
        ApiError::unprocessable(format!("expected {what}, which is a UUID, found `{text}`"))
    })
}

/// Encord does not tell projects that do not exist from those that the account may not see.
pub(super) fn find_project(service: &Service, hash: &str) -> Result<Arc<Project>, ApiError> {
    let hash = uuid(hash, "a project hash")?;
    service
        .project(hash)
        .ok_or_else(|| ApiError::forbidden(format!("there is no project {hash} for this account")))
}

fn find_stage<'project>(
    project: &'project Project,
    stage: &str,
) -> Result<&'project Stage, ApiError> {
    let uuid = uuid(stage, "the UUID of a stage")?;
    project
        .definition()
        .stage(uuid)
        .ok_or_else(|| ApiError::not_found(format!("the workflow has no stage {uuid}")))
}
