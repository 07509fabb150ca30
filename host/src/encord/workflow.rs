//! Tasks and what is done to them: listing a page, actions, moves between stages, priorities.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use uuid::Uuid;

use super::bundle::{self, MOST_PER_REQUEST};
use super::client::{Client, done, json, nothing};
use super::error::Error;

use super::operation::{self, Operation};

use super::types::{PathwayChoice, TaskAction, TaskFilter, TaskPage};
use super::wire::{Page, WireTask, query};

/// The most tasks of one move, as in Encord's own SDK.
const MOST_PER_MOVE: usize = 500;

impl Client {
    /// Some of the tasks that wait at a stage: the first, or those after [`TaskPage::next_page`].
    ///
    /// Whether a page token still holds its place once tasks have moved on is not documented.
    /// [`Client::tasks`] needs no such promise.
    pub async fn tasks_page(
        &self,
        project: Uuid,
        stage: Uuid,
        page_token: Option<&str>,
    ) -> Result<TaskPage, Error> {
        self.filtered_page(project, stage, &TaskFilter::default(), page_token)
            .await
    }

    pub(super) async fn filtered_page(
        &self,
        project: Uuid,
        stage: Uuid,
        filter: &TaskFilter,
        page_token: Option<&str>,
    ) -> Result<TaskPage, Error> {
        let path = format!("projects/{project}/workflow/stages/{stage}/tasks");
        let query = filter.query(page_token);
        let page: Page<WireTask> = self
            .transport
            .get(&operation::LIST_TASKS, &path, &query)
            .await?;
        Ok(page.into())
    }

    /// Acts on tasks of a stage. Encord carries out all actions of a request (up to 1000) or none.
    pub async fn act_on_tasks(
        &self,
        project: Uuid,
        stage: Uuid,
        actions: &[(Uuid, TaskAction)],
    ) -> Result<(), Error> {
        for chunk in actions.chunks(MOST_PER_REQUEST) {
            self.act_request(project, stage, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::act_on_tasks`], with a result for each. A task that cannot follow a pathway, since it is no
    /// longer at the stage, is [`super::ErrorKind::TaskGone`]. Of other actions that Encord refuses it does not
    /// say whether the task is gone or the action does not fit: [`super::ErrorKind::InvalidArguments`]. See
    /// [`Error::may_have_been_applied`] for whether this host may have acted on the task.
    pub async fn act_on_tasks_each(
        &self,
        project: Uuid,
        stage: Uuid,
        actions: &[(Uuid, TaskAction)],
    ) -> Vec<Result<(), Arc<Error>>> {
        let follows = |place: usize| matches!(actions[place].1, TaskAction::Follow { .. });
        leaving_each(actions.len(), MOST_PER_REQUEST, follows, |part| {
            self.act_request(project, stage, &actions[part])
        })
        .await
    }

    /// Moves tasks from a stage, each along a pathway. Encord moves all tasks of a request or none.
    pub async fn follow_pathways(
        &self,
        project: Uuid,
        stage: Uuid,
        moves: &[(Uuid, Uuid)],
    ) -> Result<(), Error> {
        self.act_on_tasks(project, stage, &along(moves)).await
    }

    /// [`Client::follow_pathways`], with a result for each. A task that is no longer at the stage is
    /// [`super::ErrorKind::TaskGone`]; see [`Error::may_have_been_applied`] for whether this host may have moved
    /// it.
    pub async fn follow_pathways_each(
        &self,
        project: Uuid,
        stage: Uuid,
        moves: &[(Uuid, Uuid)],
    ) -> Vec<Result<(), Arc<Error>>> {
        self.act_on_tasks_each(project, stage, &along(moves)).await
    }

    /// Moves tasks from one stage straight to another, whatever the workflow between them, up to 500 in a
    /// request. Whether a request that is rejected leaves some of its tasks moved is not documented.
    pub async fn move_tasks(
        &self,
        project: Uuid,
        origin: Uuid,
        destination: Uuid,
        tasks: &[Uuid],
    ) -> Result<(), Error> {
        for chunk in tasks.chunks(MOST_PER_MOVE) {
            self.move_request(project, origin, destination, chunk)
                .await?;
        }
        Ok(())
    }

    /// [`Client::move_tasks`], with a result for each. A task that is no longer at the origin is
    /// [`super::ErrorKind::TaskGone`].
    pub async fn move_tasks_each(
        &self,
        project: Uuid,
        origin: Uuid,
        destination: Uuid,
        tasks: &[Uuid],
    ) -> Vec<Result<(), Arc<Error>>> {
        leaving_each(
            tasks.len(),
            MOST_PER_MOVE,
            |_| true,
            |part| self.move_request(project, origin, destination, &tasks[part]),
        )
        .await
    }

    /// Sends the tasks of label rows to the end of the workflow, wherever they are, by label hash.
    pub async fn complete_label_rows(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
    ) -> Result<(), Error> {
        self.graph_node_requests(project, label_hashes, GraphNodeAction::Complete)
            .await
    }

    /// [`Client::complete_label_rows`], with a result for each.
    pub async fn complete_label_rows_each(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
    ) -> Vec<Result<(), Arc<Error>>> {
        self.graph_node_each(project, label_hashes, GraphNodeAction::Complete)
            .await
    }

    /// Sends the tasks of label rows back to the first stage of the workflow, by label hash.
    pub async fn reopen_label_rows(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
    ) -> Result<(), Error> {
        self.graph_node_requests(project, label_hashes, GraphNodeAction::Reopen)
            .await
    }

    /// [`Client::reopen_label_rows`], with a result for each.
    pub async fn reopen_label_rows_each(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
    ) -> Vec<Result<(), Arc<Error>>> {
        self.graph_node_each(project, label_hashes, GraphNodeAction::Reopen)
            .await
    }

    /// Sets the priorities of tasks, by the data hash of each. Errors:
    /// [`super::ErrorKind::InvalidArguments`], with nothing sent, if one is not from 0 to 1.
    pub async fn set_priorities(
        &self,
        project: Uuid,
        priorities: &[(Uuid, f64)],
    ) -> Result<(), Error> {
        self.check_priorities(priorities)?;
        for chunk in priorities.chunks(MOST_PER_REQUEST) {
            self.priorities_request(project, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::set_priorities`], with a result for each.
    pub async fn set_priorities_each(
        &self,
        project: Uuid,
        priorities: &[(Uuid, f64)],
    ) -> Vec<Result<(), Arc<Error>>> {
        bundle::each(priorities.len(), MOST_PER_REQUEST, |part| async move {
            self.priorities_request(project, &priorities[part.clone()])
                .await?;
            Ok(done(part))
        })
        .await
    }

    async fn act_request(
        &self,
        project: Uuid,
        stage: Uuid,
        actions: &[(Uuid, TaskAction)],
    ) -> Result<(), Error> {
        let path = format!("projects/{project}/workflow/stages/{stage}/actions");
        let operation = action_operation(actions);
        let body = json(&actions.iter().map(WireAction::from).collect::<Vec<_>>());
        self.transport.post(operation, &path, body, nothing).await
    }

    async fn move_request(
        &self,
        project: Uuid,
        origin: Uuid,
        destination: Uuid,
        tasks: &[Uuid],
    ) -> Result<(), Error> {
        let path = format!("projects/{project}/workflow/stages/{origin}/move-tasks");
        let body = json(&MoveTasks {
            task_uuids: tasks,
            destination_stage_uuid: destination,
        });
        self.transport
            .post(&operation::MOVE_TASKS, &path, body, nothing)
            .await
    }

    async fn graph_node_requests(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        action: GraphNodeAction,
    ) -> Result<(), Error> {
        for chunk in label_hashes.chunks(MOST_PER_REQUEST) {
            self.graph_node_request(project, chunk, action).await?;
        }
        Ok(())
    }

    async fn graph_node_each(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        action: GraphNodeAction,
    ) -> Vec<Result<(), Arc<Error>>> {
        bundle::each(label_hashes.len(), MOST_PER_REQUEST, |part| async move {
            self.graph_node_request(project, &label_hashes[part.clone()], action)
                .await?;
            Ok(done(part))
        })
        .await
    }

    async fn graph_node_request(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        action: GraphNodeAction,
    ) -> Result<(), Error> {
        let operation = match action {
            GraphNodeAction::Complete => &operation::COMPLETE_LABEL_ROWS,
            GraphNodeAction::Reopen => &operation::REOPEN_LABEL_ROWS,
        };
        let payload = GraphNode { action };
        let body = json(&query(
            "labelworkflowgraphnode",
            "POST",
            Some(label_hashes),
            payload,
        ));
        // Any value is a success; no value is none.
        let _: serde_json::Value = self.transport.version1(operation, project, body).await?;
        Ok(())
    }

    async fn priorities_request(
        &self,
        project: Uuid,
        priorities: &[(Uuid, f64)],
    ) -> Result<(), Error> {
        self.check_priorities(priorities)?;
        let path = format!("projects/{project}/priorities");
        let body = json(&SetPriorities { priorities });
        self.transport
            .post(&operation::SET_PRIORITIES, &path, body, nothing)
            .await
    }

    fn check_priorities(&self, priorities: &[(Uuid, f64)]) -> Result<(), Error> {
        // JSON has no NaN: it would be sent as null, which may mean anything.
        match priorities
            .iter()
            .find(|(_, priority)| !(0.0..=1.0).contains(priority))
        {
            Some((data_hash, priority)) => Err(Error::invalid(
                self.transport.context(&operation::SET_PRIORITIES),
                format!(
                    "expected a priority from 0 to 1 for data unit {data_hash}, found {priority}"
                ),
            )),
            None => Ok(()),
        }
    }
}

fn along(moves: &[(Uuid, Uuid)]) -> Vec<(Uuid, TaskAction)> {
    moves
        .iter()
        .map(|(task, pathway)| {
            let pathway = PathwayChoice::Uuid(*pathway);
            (*task, TaskAction::Follow { pathway })
        })
        .collect()
}

/// What a request with these actions is called, and whether it may be repeated: as the most careful of them.
fn action_operation(actions: &[(Uuid, TaskAction)]) -> &'static Operation {
    let all = |is: fn(&TaskAction) -> bool| actions.iter().all(|(_, action)| is(action));
    if all(|action| matches!(action, TaskAction::Follow { .. })) {
        &operation::FOLLOW_PATHWAYS
    } else if all(|action| !matches!(action, TaskAction::Release)) {
        &operation::ACT_ON_TASKS
    } else {
        &operation::RELEASE_TASKS
    }
}

/// [`bundle::each`] for requests after which a task has left its stage.
///
/// A bundle may have been carried out although its answer was lost. Its repeat is then rejected, and so is
/// each half of it: the doubt of the bundle is a doubt about every entry. `moves` says of an entry whether its
/// refusal means that the task is gone.
async fn leaving_each<F, Sent>(
    entries: usize,
    most: usize,
    moves: impl Fn(usize) -> bool,
    request: F,
) -> Vec<Result<(), Arc<Error>>>
where
    F: Fn(Range<usize>) -> Sent,
    Sent: Future<Output = Result<(), Error>>,
{
    let answer_was_lost = &AtomicBool::new(false);
    let moves = &moves;
    bundle::each(entries, most, |part| {
        let sent = request(part.clone());
        async move {
            let mut error = match sent.await {
                Ok(()) => return Ok(done(part)),
                Err(error) => error,
            };
            if error.may_have_been_applied() {
                answer_was_lost.store(true, Ordering::Relaxed);
            }
            if answer_was_lost.load(Ordering::Relaxed) {
                error = error.after_lost_answer();
            }
            Err(if part.len() == 1 && moves(part.start) {
                error.into_task_gone()
            } else {
                error
            })
        }
    })
    .await
}

// ---- The JSON ----------------------------------------------------------------------------------------

#[derive(Serialize)]
struct SetPriorities<'a> {
    priorities: &'a [(Uuid, f64)],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MoveTasks<'a> {
    task_uuids: &'a [Uuid],
    destination_stage_uuid: Uuid,
}

#[derive(Serialize)]
struct GraphNode {
    action: GraphNodeAction,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum GraphNodeAction {
    Complete,
    Reopen,
}

/// What is absent is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAction<'a> {
    task_uuid: Uuid,
    action: &'static str,
    #[serde(flatten)]
    details: Details<'a>,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Details<'a> {
    None {},
    PathwayUuid {
        pathway_uuid: Uuid,
    },
    PathwayName {
        pathway_name: &'a str,
    },
    Assign {
        assignee: &'a str,
    },
    Pass {
        #[serde(skip_serializing_if = "Option::is_none")]
        resolve_label_reviews: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        approve_label_reviews: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reject_label_reviews: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        assignee: Option<&'a str>,
        retain_assignee: bool,
    },
}

impl<'a> From<&'a (Uuid, TaskAction)> for WireAction<'a> {
    fn from((task_uuid, action): &'a (Uuid, TaskAction)) -> Self {
        let (action, details) = match action {
            TaskAction::Follow { pathway } => (
                "PATHWAY_ACTION",
                match pathway {
                    PathwayChoice::Uuid(uuid) => Details::PathwayUuid {
                        pathway_uuid: *uuid,
                    },
                    PathwayChoice::Name(name) => Details::PathwayName { pathway_name: name },
                },
            ),
            TaskAction::Submit {
                assignee,
                retain_assignee,
                resolve_label_reviews,
            } => (
                "SUBMIT",
                Details::Pass {
                    resolve_label_reviews: Some(*resolve_label_reviews),
                    approve_label_reviews: None,
                    reject_label_reviews: None,
                    assignee: assignee.as_deref(),
                    retain_assignee: *retain_assignee,
                },
            ),
            TaskAction::Approve {
                assignee,
                retain_assignee,
                approve_label_reviews,
            } => (
                "APPROVE",
                Details::Pass {
                    resolve_label_reviews: None,
                    approve_label_reviews: *approve_label_reviews,
                    reject_label_reviews: None,
                    assignee: assignee.as_deref(),
                    retain_assignee: *retain_assignee,
                },
            ),
            TaskAction::Reject {
                assignee,
                retain_assignee,
                reject_label_reviews,
            } => (
                "REJECT",
                Details::Pass {
                    resolve_label_reviews: None,
                    approve_label_reviews: None,
                    reject_label_reviews: *reject_label_reviews,
                    assignee: assignee.as_deref(),
                    retain_assignee: *retain_assignee,
                },
            ),
            TaskAction::Assign { assignee } => ("ASSIGN", Details::Assign { assignee }),
            TaskAction::Release => ("RELEASE", Details::None {}),
        };
        WireAction {
            task_uuid: *task_uuid,
            action,
            details,
        }
    }
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
