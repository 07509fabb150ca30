//! Which agent serves which stage, and along which pathway a task goes: decisions on plain data.

use std::sync::Arc;

use uuid::Uuid;

use crate::encord::{Project, Stage};
use crate::engine::Declaration;
use crate::labels::Ontology;
use crate::plugin::Plugin;

use super::RunError;

/// A stage of the project with the agent that serves it.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) stage: Arc<Stage>,
    pub(super) plugin: Arc<Plugin>,
    pub(super) declaration: Declaration,
}

/// Finds the project's stage of each agent, in the order of the plugins. All mistakes are reported at once.
pub(super) fn plan(
    project: &Project,
    ontology: &Ontology,
    plugins: &[Arc<Plugin>],
) -> Result<Vec<Served>, RunError> {
    if !project.is_workflow() {
        return Err(RunError::NotAWorkflow {
            title: project.title.clone(),
            project_type: project.project_type.clone(),
        });
    }
    let stages: Vec<Arc<Stage>> = project.agent_stages().cloned().map(Arc::new).collect();
    if stages.is_empty() {
        return Err(RunError::NoAgentStages {
            title: project.title.clone(),
        });
    }
    let mut served: Vec<Served> = Vec::new();
    let mut unknown = Vec::new();
    for plugin in plugins {
        for agent in &plugin.agents {
            let Some(stage) = find_stage(&stages, &agent.stage) else {
                unknown.push((plugin.path.clone(), agent.stage.clone()));
                continue;
            };
            if let Some(earlier) = served
                .iter()
                .find(|earlier| earlier.stage.uuid == stage.uuid)
            {
                return Err(RunError::StageTwice {
                    stage: stage.title.clone(),
                    first: earlier.plugin.path.clone(),
                    second: plugin.path.clone(),
                });
            }
            served.push(Served {
                stage: Arc::clone(stage),
                plugin: Arc::clone(plugin),
                declaration: with_feature_hashes(agent.declaration.clone(), ontology).map_err(
                    |reason| RunError::UnknownFeature {
                        plugin: plugin.path.clone(),
                        reason,
                    },
                )?,
            });
        }
    }
    if unknown.is_empty() {
        return Ok(served);
    }
    let stages = stages
        .iter()
        .map(|stage| (stage.title.clone(), stage.uuid))
        .collect();
    Err(RunError::UnknownStages {
        title: project.title.clone(),
        unknown,
        stages,
    })
}

/// The declaration with feature hashes in place of names.
fn with_feature_hashes(
    mut declaration: Declaration,
    ontology: &Ontology,
) -> Result<Declaration, String> {
    let unknown = |kind: &str, name: &str, known: Vec<&str>| {
        format!(
            "the stage \"{}\" reads only {kind} of \"{name}\", which the project's ontology does not have; it has \
             \"{}\"",
            declaration.stage,
            known.join("\", \"")
        )
    };
    let mut objects = declaration.include_objects.clone();
    for name in objects.iter_mut().flatten() {
        let Some(object) = ontology.find_object(name) else {
            let known = ontology
                .objects()
                .iter()
                .map(|object| object.name.as_str())
                .collect();
            return Err(unknown("objects", name, known));
        };
        name.clone_from(&object.feature_hash);
    }
    let mut classifications = declaration.include_classifications.clone();
    for name in classifications.iter_mut().flatten() {
        let Some(class) = ontology.find_classification(name) else {
            let known = ontology
                .classifications()
                .iter()
                .map(|class| class.title.as_str())
                .collect();
            return Err(unknown("classifications", name, known));
        };
        name.clone_from(&class.feature_hash);
    }
    declaration.include_objects = objects;
    declaration.include_classifications = classifications;
    Ok(declaration)
}

/// By UUID if it is one of a stage, by exact title otherwise.
fn find_stage<'a>(stages: &'a [Arc<Stage>], name: &str) -> Option<&'a Arc<Stage>> {
    let uuid = Uuid::try_parse(name).ok();
    stages
        .iter()
        .find(|stage| Some(stage.uuid) == uuid)
        .or_else(|| stages.iter().find(|stage| stage.title == name))
}

/// The pathway that the agent named: by UUID if it is one of the stage's, by exact name otherwise. The error
/// names the valid ones.
pub(super) fn find_pathway(stage: &Stage, name: &str) -> Result<Uuid, String> {
    let uuid = Uuid::try_parse(name).ok();
    let found = stage
        .pathways
        .iter()
        .find(|pathway| Some(pathway.uuid) == uuid)
        .or_else(|| stage.pathways.iter().find(|pathway| pathway.name == name));
    if let Some(pathway) = found {
        return Ok(pathway.uuid);
    }
    let valid: Vec<_> = stage
        .pathways
        .iter()
        .map(|pathway| format!("\"{}\" ({})", pathway.name, pathway.uuid))
        .collect();
    Err(format!(
        "the agent named the pathway \"{name}\", which the stage \"{}\" does not have; it has {}",
        stage.title,
        if valid.is_empty() {
            "none".to_owned()
        } else {
            valid.join(", ")
        }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encord::Pathway;

    fn stage() -> Stage {
        let pathway = |uuid, name: &str| Pathway {
            uuid: Uuid::from_u128(uuid),
            name: name.to_owned(),
            destination: None,
        };
        Stage {
            uuid: Uuid::from_u128(1),
            title: "Triage".to_owned(),
            stage_type: "AGENT".to_owned(),
            pathways: vec![pathway(10, "keep"), pathway(11, "drop")],
        }
    }

    #[test]
    fn pathways_are_found_by_uuid_and_by_exact_name() {
        let stage = stage();
        let keep = Uuid::from_u128(10);
        assert_eq!(find_pathway(&stage, "keep"), Ok(keep));
        assert_eq!(
            find_pathway(&stage, &keep.to_string().to_uppercase()),
            Ok(keep)
        );
        assert_eq!(find_pathway(&stage, &keep.simple().to_string()), Ok(keep));
        let error = find_pathway(&stage, "Keep").unwrap_err();
        assert!(
            error.contains("\"Keep\"") && error.contains("\"keep\"") && error.contains("\"drop\"")
        );
        assert!(find_pathway(&stage, &Uuid::from_u128(12).to_string()).is_err());
    }

    #[test]
    fn projects_without_agent_stages_are_refused() {
        let empty = serde_json::json!({ "objects": [], "classifications": [] });
        let ontology = Ontology::parse("", "Test", "", &empty).unwrap();
        let project = |project_type: &str, stages| Project {
            hash: Uuid::from_u128(1),
            project_type: project_type.to_owned(),
            title: "Test".to_owned(),
            description: String::new(),
            created_at: String::new(),
            last_edited_at: String::new(),
            ontology_uuid: Uuid::from_u128(2),
            stages,
        };
        let planned = plan(&project("manual_qa", vec![stage()]), &ontology, &[]);
        assert!(
            matches!(&planned, Err(RunError::NotAWorkflow { .. })),
            "{planned:?}"
        );
        let error = planned.unwrap_err();
        assert!(
            error.to_string().contains("manual_qa") && error.help().is_some() && error.is_mistake()
        );
        let review = Stage {
            stage_type: "REVIEW".to_owned(),
            ..stage()
        };
        let planned = plan(&project("workflow", vec![review]), &ontology, &[]);
        assert!(
            matches!(planned, Err(RunError::NoAgentStages { .. })),
            "{planned:?}"
        );
    }

    #[test]
    fn stages_are_found_by_uuid_and_by_exact_title() {
        let stages = [Arc::new(stage())];
        assert!(find_stage(&stages, "Triage").is_some());
        assert!(find_stage(&stages, &Uuid::from_u128(1).to_string()).is_some());
        assert!(find_stage(&stages, "triage").is_none());
    }
}
