//! Label rows of the same data in other projects.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

use super::resolve::unresolved;
use crate::encord::{Client, MetadataOptions, ReadOptions, Task};
use crate::engine::{LabelRowInput, Twin, Unresolved};
use crate::labels::Ontology;

/// The ontologies of other projects, each fetched once in a run.
#[derive(Debug, Default)]
pub(super) struct Twins {
    ontologies: Mutex<HashMap<Uuid, Arc<Ontology>>>,
}

impl Twins {
    /// The row of a task's data in another project; none if that project does not have the data, or has
    /// never labelled it. Nothing is created there.
    pub(super) async fn label_row(
        &self,
        client: &Client,
        project: Uuid,
        task: &Task,
        branch: &str,
    ) -> Result<Option<Twin>, Unresolved> {
        let ontology = self.ontology(client, project).await?;
        let options = MetadataOptions {
            branch_name: Some(branch.to_owned()),
            ..MetadataOptions::default()
        };
        let listed = client
            .label_row_metadata(project, &[task.data_hash], &options)
            .await;
        let rows = listed.map_err(|error| unresolved(&error))?;
        let mut rows = rows.into_iter();
        let Some(metadata) = rows.find(|row| row.data_hash == task.data_hash) else {
            return Ok(None);
        };
        let Some(label_hash) = metadata.label_hash else {
            return Ok(None);
        };
        let read = client
            .read_label_rows(project, &[label_hash], &ReadOptions::default())
            .await;
        let rows = read.map_err(|error| unresolved(&error))?;
        let row = rows.into_iter().next().map(|(_, document)| Twin {
            row: LabelRowInput {
                metadata: Arc::new(metadata),
                label_hash,
                document: Arc::new(document),
                partial: false,
            },
            ontology,
        });
        Ok(row)
    }

    /// Waiting for one's own lock keeps many attempts from fetching the same.
    async fn ontology(&self, client: &Client, project: Uuid) -> Result<Arc<Ontology>, Unresolved> {
        let mut known = self.ontologies.lock().await;
        if let Some(ontology) = known.get(&project) {
            return Ok(Arc::clone(ontology));
        }
        let found = client.project(project).await;
        let found = found.map_err(|error| unresolved(&error))?;
        let document = client.ontology(found.ontology_uuid).await;
        let document = document.map_err(|error| unresolved(&error))?;
        let ontology = Ontology::parse(
            &document.uuid.to_string(),
            &document.title,
            &document.description,
            &document.editor,
        );
        let ontology = ontology.map_err(|error| {
            Unresolved::Other(format!("of the project \"{}\": {error}", found.title))
        })?;
        let ontology = Arc::new(ontology);
        known.insert(project, Arc::clone(&ontology));
        Ok(ontology)
    }
}
