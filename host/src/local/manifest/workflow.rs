//! Stages and pathways.

use std::collections::{HashMap, HashSet};

use toml::Spanned;
use uuid::Uuid;

use super::Mistakes;
use super::file::{StageTable, WorkflowTable};
use crate::local::identity;

/// A stage of the workflow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stage {
    /// Stays equal when the state starts over.
    pub uuid: Uuid,
    /// Unique in the workflow.
    pub title: String,
    /// What happens at it.
    pub kind: StageKind,
    /// The ways on from here. An annotation stage has one; a review stage has `approve` and `reject`; a complete
    /// stage has none.
    pub pathways: Vec<Pathway>,
}

/// A way from a stage to another.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pathway {
    /// Stays equal when the state starts over.
    pub uuid: Uuid,
    /// Unique in its stage.
    pub name: String,
    /// UUID of the stage that it leads to.
    pub destination: Uuid,
}

/// What happens at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl StageKind {
    const ALL: [(&'static str, Self); 4] = [
        ("agent", Self::Agent),
        ("annotation", Self::Annotation),
        ("review", Self::Review),
        ("complete", Self::Complete),
    ];

    /// Encord's name of the type of stage.
    #[must_use]
    pub fn as_encord(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Annotation => "ANNOTATION",
            Self::Review => "REVIEW",
            Self::Complete => "DONE",
        }
    }

    fn parse(written: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == written)
            .map(|(_, kind)| *kind)
    }
}

/// The stages and the index of the one where tasks begin. `None` only with a mistake noted.
pub(super) fn check(
    table: WorkflowTable,
    project: Uuid,
    mistakes: &mut Mistakes<'_>,
) -> Option<(Vec<Stage>, usize)> {
    if table.stages.is_empty() {
        mistakes.add(
            None,
            "expected at least one [[workflow.stages]], found none",
        );
        return None;
    }
    let uuids = stage_uuids(&table.stages, project, mistakes);
    let mut stages = Vec::new();
    for (index, stage) in table.stages.iter().enumerate() {
        let kind = StageKind::parse(stage.kind.get_ref());
        if kind.is_none() {
            mistakes.add(
                Some(stage.kind.span()),
                format!(
                    "expected the type of a stage (agent, annotation, review or complete), found `{}`",
                    stage.kind.get_ref()
                ),
            );
        }
        let pathways = pathways(stage, &table.stages, &uuids, project, mistakes);
        if let Some(kind) = kind {
            check_pathways(stage, kind, mistakes);
            stages.push(Stage {
                uuid: uuids[index],
                title: stage.title.get_ref().clone(),
                kind,
                pathways,
            });
        }
    }
    let start = match &table.start {
        None => 0,
        Some(start) => find(start, &table.stages, mistakes)?,
    };
    Some((stages, start))
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
        _ => return,
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
