//! Stages and pathways.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use uuid::Uuid;

use super::Mistakes;
use super::file::{PathwayTable, StageTable};
use crate::local::identity;

/// The stages of a project, or of a template that projects are made from. The state keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::local) struct Workflow {
    pub(in crate::local) stages: Vec<Stage>,
    /// Where new tasks begin, as an index into `stages`.
    pub(in crate::local) start: usize,
}

impl Workflow {
    pub(in crate::local) fn stage(&self, uuid: Uuid) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.uuid == uuid)
    }

    /// The same for a UUID as the state file has it.
    pub(in crate::local) fn stage_named(&self, uuid: &str) -> Option<&Stage> {
        self.stage(uuid.parse().ok()?)
    }

    /// Where a new task comes to rest.
    pub(in crate::local) fn first(&self, task: Uuid) -> Option<&Stage> {
        self.settle(self.stages.get(self.start)?.uuid, task, None)
    }

    /// Where a task comes to rest that is sent to `destination`: routers pass it on at once. `by` is who acted
    /// on it last. `None` if the workflow does not have the stage.
    ///
    /// A percentage router decides by the task's UUID, so that a task takes the same way each time.
    pub(in crate::local) fn settle(
        &self,
        destination: Uuid,
        task: Uuid,
        by: Option<&str>,
    ) -> Option<&Stage> {
        let mut stage = self.stage(destination)?;
        // No more steps than stages: circles of routers are refused when a workflow is read.
        for _ in 0..self.stages.len() {
            let pathway = match stage.kind {
                StageKind::PercentageRouter => stage.by_share(task),
                StageKind::UserRouter => stage.by_user(by),
                _ => return Some(stage),
            };
            stage = self.stage(pathway?.destination)?;
        }
        None
    }
}

/// A stage of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stage {
    /// Stays equal when the state starts over.
    pub uuid: Uuid,
    /// Unique in the workflow.
    pub title: String,
    /// What happens at it.
    pub kind: StageKind,
    /// The branch that its tasks are about. Absent: the main one.
    pub label_branch: Option<String>,
    /// The ways on from here. An annotation stage has one; a review stage has `approve` and `reject`; a complete
    /// stage has none.
    pub pathways: Vec<Pathway>,
}

impl Stage {
    /// The pathway in whose share the task falls.
    fn by_share(&self, task: Uuid) -> Option<&Pathway> {
        // The first bytes of a UUID are spread evenly, whichever version it is of.
        let place = u32::try_from(task.as_u128() >> 96).unwrap_or_default() % 100;
        let mut reached = 0;
        self.pathways.iter().find(|pathway| {
            reached += pathway.percent.unwrap_or_default();
            place < reached
        })
    }

    /// The pathway of the user, or else the one for all others.
    fn by_user(&self, user: Option<&str>) -> Option<&Pathway> {
        let own = self.pathways.iter().find(|pathway| {
            let users = pathway.users.iter().flatten();
            users.into_iter().any(|named| Some(named.as_str()) == user)
        });
        own.or_else(|| self.pathways.iter().find(|pathway| pathway.users.is_none()))
    }
}

/// A way from a stage to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pathway {
    /// Stays equal when the state starts over.
    pub uuid: Uuid,
    /// Unique in its stage.
    pub name: String,
    /// UUID of the stage that it leads to.
    pub destination: Uuid,
    /// Of a percentage router: its share of the tasks, from 0 to 100.
    pub percent: Option<u32>,
    /// Of a user router: the e-mail addresses of those whose tasks take it. Absent: all others.
    pub users: Option<Vec<String>>,
}

/// What happens at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StageKind {
    /// An agent decides.
    Agent,
    /// A person labels, and submits.
    Annotation,
    /// A person approves or rejects.
    Review,
    /// The end.
    Complete,
    /// Tasks are passed on by shares. None ever waits here.
    PercentageRouter,
    /// Tasks are passed on by who acted on them last. None ever waits here.
    UserRouter,
}

impl StageKind {
    const ALL: [(&'static str, Self); 6] = [
        ("agent", Self::Agent),
        ("annotation", Self::Annotation),
        ("review", Self::Review),
        ("complete", Self::Complete),
        ("percentage-router", Self::PercentageRouter),
        ("user-router", Self::UserRouter),
    ];

    /// Encord's name of the type of stage.
    #[must_use]
    pub fn as_encord(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Annotation => "ANNOTATION",
            Self::Review => "REVIEW",
            Self::Complete => "DONE",
            Self::PercentageRouter => "PERCENTAGE_ROUTER",
            Self::UserRouter => "USER_ROUTER",
        }
    }

    /// Whether tasks pass without waiting.
    #[must_use]
    pub fn is_router(self) -> bool {
        matches!(self, Self::PercentageRouter | Self::UserRouter)
    }

    /// The status of a task that comes to rest here with nobody assigned.
    pub(in crate::local) fn status_on_arrival(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETED",
            _ => "NEW",
        }
    }

    fn parse(written: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == written)
            .map(|(_, kind)| *kind)
    }
}

/// The workflow of these tables. `scope` is what identifiers that are not written down are derived from: the
/// project or the template. `None` only with a mistake noted.
pub(super) fn check(
    tables: &[StageTable],
    start: Option<&Spanned<String>>,
    scope: Uuid,
    mistakes: &mut Mistakes<'_>,
) -> Option<Workflow> {
    if tables.is_empty() {
        mistakes.add(
            None,
            "expected at least one [[workflow.stages]], found none",
        );
        return None;
    }
    let uuids = stage_uuids(tables, scope, mistakes);
    let mut stages = Vec::new();
    for (index, stage) in tables.iter().enumerate() {
        let kind = StageKind::parse(stage.kind.get_ref());
        if kind.is_none() {
            let known: Vec<_> = StageKind::ALL.iter().map(|(name, _)| *name).collect();
            mistakes.add(
                Some(stage.kind.span()),
                format!(
                    "expected the type of a stage ({}), found `{}`",
                    known.join(", "),
                    stage.kind.get_ref()
                ),
            );
        }
        let pathways = pathways(stage, tables, &uuids, scope, mistakes);
        if let Some(kind) = kind {
            check_pathways(stage, kind, mistakes);
            let label_branch = stage.label_branch.as_ref();
            if let Some(branch) = label_branch.filter(|branch| branch.get_ref().trim().is_empty()) {
                mistakes.add(
                    Some(branch.span()),
                    "expected the name of a branch, found an empty one",
                );
            }
            stages.push(Stage {
                uuid: uuids[index],
                title: stage.title.get_ref().clone(),
                kind,
                label_branch: label_branch.map(|branch| branch.get_ref().clone()),
                pathways,
            });
        }
    }
    let start = match start {
        None => 0,
        Some(start) => find(start, tables, mistakes)?,
    };
    let workflow = Workflow { stages, start };
    check_circles(tables, &workflow, mistakes);
    Some(workflow)
}

/// A task that only routers pass to each other would never come to rest.
fn check_circles(tables: &[StageTable], workflow: &Workflow, mistakes: &mut Mistakes<'_>) {
    let routers = workflow
        .stages
        .iter()
        .filter(|stage| stage.kind.is_router());
    for router in routers {
        let mut seen = HashSet::new();
        let mut next = vec![router.uuid];
        while let Some(uuid) = next.pop() {
            let Some(stage) = workflow.stage(uuid).filter(|stage| stage.kind.is_router()) else {
                continue;
            };
            for pathway in &stage.pathways {
                if pathway.destination == router.uuid {
                    let table = tables
                        .iter()
                        .find(|table| *table.title.get_ref() == router.title);
                    mistakes.add(
                        table.map(|table| table.title.span()),
                        format!(
                            "expected of the router \"{}\" ways that end at another type of stage, found one that \
                             leads back to it",
                            router.title
                        ),
                    );
                    return;
                }
                if seen.insert(pathway.destination) {
                    next.push(pathway.destination);
                }
            }
        }
    }
}

fn stage_uuids(stages: &[StageTable], project: Uuid, mistakes: &mut Mistakes<'_>) -> Vec<Uuid> {
    let mut titles = HashSet::new();
    let mut taken = HashMap::new();
    let mut uuids = Vec::new();
    for stage in stages {
        let title = stage.title.get_ref().as_str();
        let unique = titles.insert(title);
        if title.trim().is_empty() {
            mistakes.add(
                Some(stage.title.span()),
                "expected the title of a stage, found an empty one",
            );
        } else if !unique {
            mistakes.add(
                Some(stage.title.span()),
                format!("expected titles that differ, found the stage \"{title}\" twice"),
            );
        }
        let uuid = mistakes
            .uuid(stage.uuid.as_ref())
            .unwrap_or_else(|| identity::uuid(project, "stage", &[title]));
        // Two stages of one title are one mistake, not two.
        if unique && let Some(other) = taken.insert(uuid, title) {
            let span = stage.uuid.as_ref().unwrap_or(&stage.title).span();
            mistakes.add(
                Some(span),
                format!("expected UUIDs that differ, found that of the stage \"{other}\" again"),
            );
        }
        uuids.push(uuid);
    }
    uuids
}

fn pathways(
    stage: &StageTable,
    stages: &[StageTable],
    uuids: &[Uuid],
    project: Uuid,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Pathway> {
    let title = stage.title.get_ref();
    let mut names = HashSet::new();
    let mut taken = HashSet::new();
    let mut pathways = Vec::new();
    for pathway in &stage.pathways {
        let name = pathway.name.get_ref();
        let unique = names.insert(name);
        if name.trim().is_empty() {
            mistakes.add(
                Some(pathway.name.span()),
                "expected the name of a pathway, found an empty one",
            );
        } else if !unique {
            mistakes.add(
                Some(pathway.name.span()),
                format!(
                    "expected names that differ, found the pathway \"{name}\" of \"{title}\" twice"
                ),
            );
        }
        let uuid = mistakes
            .uuid(pathway.uuid.as_ref())
            .unwrap_or_else(|| identity::uuid(project, "pathway", &[title, name]));
        if unique && !taken.insert(uuid) {
            let span = pathway.uuid.as_ref().unwrap_or(&pathway.name).span();
            mistakes.add(
                Some(span),
                format!("expected UUIDs that differ, found {uuid} twice in the stage \"{title}\""),
            );
        }
        if let Some(destination) = find(&pathway.to, stages, mistakes) {
            pathways.push(Pathway {
                uuid,
                name: name.clone(),
                destination: uuids[destination],
                percent: pathway.percent.as_ref().map(|percent| *percent.get_ref()),
                users: pathway.users.clone(),
            });
        }
    }
    pathways
}

/// What each type of stage needs to get its tasks on.
fn check_pathways(stage: &StageTable, kind: StageKind, mistakes: &mut Mistakes<'_>) {
    let title = stage.title.get_ref();
    let names: Vec<_> = stage
        .pathways
        .iter()
        .map(|pathway| pathway.name.get_ref().as_str())
        .collect();
    let expected = match kind {
        StageKind::Agent if names.is_empty() => "at least one pathway",
        StageKind::Annotation if names.len() != 1 => {
            "exactly one pathway, where submitted tasks go"
        }
        StageKind::Review
            if names.len() != 2 || !names.contains(&"approve") || !names.contains(&"reject") =>
        {
            "two pathways, named \"approve\" and \"reject\""
        }
        StageKind::Complete if !names.is_empty() => "no pathways, since the task is done there",
        StageKind::PercentageRouter if names.is_empty() => "at least one pathway",
        StageKind::UserRouter if others(&stage.pathways) != 1 => {
            "exactly one pathway without `users`, for everybody else"
        }
        _ => return check_routing(stage, kind, mistakes),
    };
    let found = match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    mistakes.add(
        Some(stage.title.span()),
        format!(
            "expected of the {} stage \"{title}\" {expected}, found {found}",
            stage.kind.get_ref()
        ),
    );
}

/// Pathways for whoever is not named.
fn others(pathways: &[PathwayTable]) -> usize {
    pathways
        .iter()
        .filter(|pathway| pathway.users.is_none())
        .count()
}

/// `percent` and `users` mean something at routers only.
fn check_routing(stage: &StageTable, kind: StageKind, mistakes: &mut Mistakes<'_>) {
    let mut sum: u32 = 0;
    for pathway in &stage.pathways {
        let span = Some(pathway.name.span());
        let name = pathway.name.get_ref();
        match (kind == StageKind::PercentageRouter, &pathway.percent) {
            (true, Some(percent)) => sum = sum.saturating_add(*percent.get_ref()),
            (true, None) => mistakes.add(
                span.clone(),
                format!("expected `percent` at the pathway \"{name}\" of a percentage router, found none"),
            ),
            (false, Some(percent)) => mistakes.add(
                Some(percent.span()),
                "expected `percent` at a percentage router, found it at another type of stage",
            ),
            (false, None) => {}
        }
        if pathway.users.is_some() && kind != StageKind::UserRouter {
            mistakes.add(
                span,
                "expected `users` at a user router, found it at another type of stage",
            );
        }
    }
    if kind == StageKind::PercentageRouter && sum != 100 {
        mistakes.add(
            Some(stage.title.span()),
            format!("expected percentages that add up to 100, found {sum}"),
        );
    }
}

fn find(
    title: &Spanned<String>,
    stages: &[StageTable],
    mistakes: &mut Mistakes<'_>,
) -> Option<usize> {
    let found = stages
        .iter()
        .position(|stage| stage.title.get_ref() == title.get_ref());
    if found.is_none() {
        let titles: Vec<_> = stages
            .iter()
            .map(|stage| format!("\"{}\"", stage.title.get_ref()))
            .collect();
        mistakes.add(
            Some(title.span()),
            format!(
                "expected the title of a stage ({}), found \"{}\"",
                titles.join(", "),
                title.get_ref()
            ),
        );
    }
    found
}
