//! What moves a task: the actions of people and agents, and plain moves.

use std::collections::HashSet;

use rusqlite::Connection;
use serde::Deserialize;
use uuid::Uuid;

use super::reply::ApiError;
use crate::local::label_row::label_status_after;
use crate::local::manifest::{Stage, StageKind};
use crate::local::store::{self, Project, Task};
use crate::local::{ACCOUNT, MAIN_BRANCH, clock};

/// One entry of a bundle of actions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    task_uuid: Uuid,
    action: String,
    pathway_uuid: Option<String>,
    pathway_name: Option<String>,
    assignee: Option<String>,
    #[serde(default)]
    retain_assignee: bool,
}

/// Applies a bundle of actions to tasks of a stage. The caller undoes all of them if one is refused.
pub(super) fn apply(
    connection: &Connection,
    project: &Project,
    stage: &Stage,
    actions: &[Action],
) -> Result<(), ApiError> {
    let now = clock::now();
    let mut seen = HashSet::new();
    for action in actions {
        if !seen.insert(action.task_uuid) {
            return Err(ApiError::invalid(format!(
                "the task {} is named twice",
                action.task_uuid
            )));
        }
        let task = task_at(connection, project, action.task_uuid, stage)?;
        let (destination, status, assignee) = match (stage.kind, action.action.as_str()) {
            (StageKind::Agent, "PATHWAY_ACTION") => (pathway(stage, action)?, "NEW", None),
            (StageKind::Annotation, "SUBMIT") => {
                let way_on = stage.pathways.first().map(|pathway| pathway.destination);
                let way_on = way_on
                    .ok_or_else(|| ApiError::internal("an annotation stage leads nowhere"))?;
                (way_on, "NEW", next_assignee(action, &task))
            }
            (StageKind::Review, "APPROVE") => (
                way_of_review(stage, "approve")?,
                "NEW",
                next_assignee(action, &task),
            ),
            (StageKind::Review, "REJECT") => (
                way_of_review(stage, "reject")?,
                "REOPENED",
                next_assignee(action, &task),
            ),
            (StageKind::Annotation | StageKind::Review, "ASSIGN") => {
                let assignee = action.assignee.as_deref();
                let assignee =
                    assignee.ok_or_else(|| ApiError::invalid("expected `assignee` with ASSIGN"))?;
                store::assign(connection, task.id, assignee, now)?;
                continue;
            }
            (StageKind::Annotation | StageKind::Review, "RELEASE") => {
                store::release(connection, task.id, now)?;
                continue;
            }
            (kind, name) => {
                let kind = kind.as_encord();
                return Err(ApiError::invalid(format!(
                    "expected an action of {kind} stages, found {name}"
                )));
            }
        };
        Transition {
            origin: stage,
            task: &task,
            destination,
            status,
            assignee,
        }
        .make(connection, project, now)?;
    }
    Ok(())
}

/// Moves tasks from a stage to any other. The caller undoes all of it if one is refused.
pub(super) fn move_all(
    connection: &Connection,
    project: &Project,
    origin: &Stage,
    tasks: &[Uuid],
    destination: Uuid,
) -> Result<(), ApiError> {
    let now = clock::now();
    if project.workflow.stage(destination).is_none() {
        return Err(ApiError::invalid(format!(
            "the workflow has no stage {destination}"
        )));
    }
    for uuid in tasks {
        let task = task_at(connection, project, *uuid, origin)?;
        Transition {
            origin,
            task: &task,
            destination,
            status: "NEW",
            assignee: None,
        }
        .make(connection, project, now)?;
    }
    Ok(())
}

/// Sends the task of a label row to the end, or back to where tasks begin: what `labelworkflowgraphnode` asks for.
pub(super) fn complete_or_reopen(
    connection: &Connection,
    project: &Project,
    label_hash: &str,
    complete: bool,
) -> Result<(), ApiError> {
    let found = store::task_of_row(connection, project.id, label_hash)?;
    let task =
        found.ok_or_else(|| ApiError::not_found(format!("there is no label row {label_hash}")))?;
    let workflow = &project.workflow;
    let origin = workflow.stage_named(&task.stage);
    let origin = origin
        .ok_or_else(|| ApiError::internal(format!("the workflow has no stage {}", task.stage)))?;
    let end = workflow
        .stages
        .iter()
        .find(|stage| stage.kind == StageKind::Complete);
    let (destination, status) = match (complete, end) {
        (true, Some(end)) => (end.uuid, "NEW"),
        (true, None) => {
            return Err(ApiError::not_allowed(
                "the workflow has no stage of type complete",
            ));
        }
        (false, _) => (workflow.stages[workflow.start].uuid, "REOPENED"),
    };
    Transition {
        origin,
        task: &task,
        destination,
        status,
        assignee: None,
    }
    .make(connection, project, clock::now())
}

fn task_at(
    connection: &Connection,
    project: &Project,
    uuid: Uuid,
    stage: &Stage,
) -> Result<Task, ApiError> {
    match store::find_task(connection, project.id, &uuid.to_string())? {
        Some(task) if task.stage == stage.uuid.to_string() => Ok(task),
        Some(_) => Err(ApiError::invalid(format!(
            "the task {uuid} is not at the stage \"{}\" any more",
            stage.title
        ))),
        None => Err(ApiError::invalid(format!("there is no task {uuid}"))),
    }
}

/// The destination of the pathway that the action names.
fn pathway(stage: &Stage, action: &Action) -> Result<Uuid, ApiError> {
    let pathway = match (&action.pathway_uuid, &action.pathway_name) {
        (Some(uuid), None) => {
            let wanted = uuid.parse::<Uuid>().ok();
            stage
                .pathways
                .iter()
                .find(|pathway| Some(pathway.uuid) == wanted)
        }
        (None, Some(name)) => stage.pathways.iter().find(|pathway| pathway.name == *name),
        _ => {
            return Err(ApiError::invalid(
                "expected either `pathwayUuid` or `pathwayName`",
            ));
        }
    };
    let known = || {
        stage
            .pathways
            .iter()
            .map(|pathway| pathway.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    pathway.map(|pathway| pathway.destination).ok_or_else(|| {
        let wanted = action
            .pathway_uuid
            .as_deref()
            .or(action.pathway_name.as_deref())
            .unwrap_or_default();
        ApiError::invalid(format!(
            "expected a pathway of the stage \"{}\" ({}), found {wanted}",
            stage.title,
            known()
        ))
    })
}

fn way_of_review(stage: &Stage, name: &str) -> Result<Uuid, ApiError> {
    let pathway = stage.pathways.iter().find(|pathway| pathway.name == name);
    let pathway = pathway
        .ok_or_else(|| ApiError::internal(format!("a review stage has no pathway {name}")))?;
    Ok(pathway.destination)
}

fn next_assignee<'action>(action: &'action Action, task: &'action Task) -> Option<&'action str> {
    match action.retain_assignee {
        true => task.assignee.as_deref(),
        false => action.assignee.as_deref(),
    }
}

/// Where a task goes, and how it gets there.
struct Transition<'task> {
    origin: &'task Stage,
    task: &'task Task,
    destination: Uuid,
    /// At the destination, unless that says otherwise.
    status: &'static str,
    assignee: Option<&'task str>,
}

impl Transition<'_> {
    fn make(&self, connection: &Connection, project: &Project, now: i64) -> Result<(), ApiError> {
        let uuid = self.task.uuid.parse().map_err(ApiError::internal)?;
        let stage = project
            .workflow
            .settle(self.destination, uuid, Some(ACCOUNT));
        let stage = stage.ok_or_else(|| {
            ApiError::internal(format!(
                "the workflow has no way to the stage {}",
                self.destination
            ))
        })?;
        let status = match (stage.kind, self.assignee) {
            (StageKind::Complete, _) => stage.kind.status_on_arrival(),
            (_, Some(_)) => "ASSIGNED",
            _ => self.status,
        };
        let arrived_at = stage.uuid.to_string();
        store::place(
            connection,
            self.task.id,
            &arrived_at,
            status,
            self.assignee,
            ACCOUNT,
            now,
        )?;
        if let Some(label_status) = label_status_after(self.origin.kind, stage.kind) {
            let branch = self.origin.label_branch.as_deref().unwrap_or(MAIN_BRANCH);
            store::set_label_status(connection, self.task.id, branch, label_status)?;
        }
        Ok(())
    }
}
