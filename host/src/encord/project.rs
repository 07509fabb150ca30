//! A project, its ontology, its branches and its datasets.

use serde::Deserialize;
use uuid::Uuid;

use super::client::Client;
use super::error::Error;
use super::lenient;
use super::operation;
use super::types::{OntologyDocument, Project, ProjectDataset};
use super::wire::{Page, WireOntology, WireProject};

impl Client {
    /// A project with the stages of its workflow.
    pub async fn project(&self, project: Uuid) -> Result<Project, Error> {
        let path = format!("projects/{project}");
        let wire: WireProject = self
            .transport
            .get(&operation::GET_PROJECT, &path, "")
            .await?;
        Ok(wire.into())
    }

    /// An ontology, by the identifier that its project gives.
    pub async fn ontology(&self, ontology: Uuid) -> Result<OntologyDocument, Error> {
        let path = format!("ontologies/{ontology}");
        let wire: WireOntology = self
            .transport
            .get(&operation::GET_ONTOLOGY, &path, "")
            .await?;
        Ok(wire.into())
    }

    /// The names of a project's branches, `main` among them.
    pub async fn branches(&self, project: Uuid) -> Result<Vec<String>, Error> {
        let path = format!("projects/{project}/branches");
        let branches = self
            .all_pages(&operation::LIST_BRANCHES, &path, "", |body| {
                serde_json::from_slice::<Page<WireBranch>>(body)
            })
            .await?;
        Ok(branches.into_iter().map(|branch| branch.name).collect())
    }

    /// The datasets that a project takes its data from.
    pub async fn datasets(&self, project: Uuid) -> Result<Vec<ProjectDataset>, Error> {
        let path = format!("projects/{project}/datasets");
        let datasets = self
            .all_pages(&operation::LIST_DATASETS, &path, "", |body| {
                serde_json::from_slice::<Page<WireDataset>>(body)
            })
            .await?;
        Ok(datasets
            .into_iter()
            .map(|dataset| ProjectDataset {
                hash: dataset.dataset_hash,
                title: dataset.title,
                description: dataset.description,
            })
            .collect())
    }
}

#[derive(Deserialize)]
struct WireBranch {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDataset {
    dataset_hash: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
