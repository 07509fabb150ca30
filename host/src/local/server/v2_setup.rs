//! Ontologies and datasets: `/v2/public/ontologies` and `/v2/public/datasets`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Shared;
use super::listing::Filter;
use super::reply::{self, ApiError, Page, Reply, ok, parse};
use super::scope::uuid;
use crate::local::store::{self, Dataset, Ontology};
use crate::local::{clock, identity};

pub(super) async fn ontology(State(service): Shared, Path(ontology): Path<String>) -> Reply {
    let hash = uuid(&ontology, "an ontology hash")?;
    for workspace in &service.workspaces {
        let found = reply::read(workspace, move |connection, _| {
            Ok(store::ontologies(connection, Some(&hash.to_string()))?.pop())
        });
        if let Some(ontology) = found.await? {
            return ok(&ontology_json(&ontology)?);
        }
    }
    Err(no_ontology(hash))
}

fn no_ontology(hash: Uuid) -> ApiError {
    ApiError::not_found(format!("there is no ontology {hash}"))
}

fn ontology_json(ontology: &Ontology) -> Result<Value, ApiError> {
    let editor: Value = serde_json::from_str(&ontology.editor)?;
    Ok(json!({
        "ontologyUuid": ontology.hash,
        "title": ontology.title,
        "description": ontology.description,
        "editor": editor,
        "createdAt": clock::iso(ontology.created_at),
        "lastEditedAt": clock::iso(ontology.edited_at),
        "userRole": 0,
    }))
}

pub(super) async fn ontologies(State(service): Shared, RawQuery(query): RawQuery) -> Reply {
    let filter = Filter::parse(query.as_deref().unwrap_or_default())?;
    let mut shown = Vec::new();
    for workspace in &service.workspaces {
        let found = reply::read(workspace, |connection, _| {
            Ok(store::ontologies(connection, None)?)
        });
        for ontology in found.await? {
            let taken = filter.takes(
                &ontology.title,
                &ontology.description,
                ontology.created_at,
                ontology.edited_at,
            );
            if taken {
                shown.push(ontology_json(&ontology)?);
            }
        }
    }
    ok(&Page::whole(shown))
}

#[derive(Debug, Deserialize)]
struct NewOntology {
    title: String,
    #[serde(default)]
    description: String,
    editor: Map<String, Value>,
}

impl NewOntology {
    fn editor(&self) -> Result<String, ApiError> {
        let editor = Value::Object(self.editor.clone());
        for list in ["objects", "classifications"] {
            if !editor[list].is_array() {
                return Err(ApiError::invalid(format!(
                    "expected the list `{list}` in `editor`, found none"
                )));
            }
        }
        Ok(editor.to_string())
    }
}

pub(super) async fn create_ontology(State(service): Shared, body: Bytes) -> Reply {
    let new: NewOntology = parse(&body)?;
    put_ontology(service.first_workspace()?, Uuid::new_v4(), new).await
}

pub(super) async fn update_ontology(
    State(service): Shared,
    Path(ontology): Path<String>,
    body: Bytes,
) -> Reply {
    let hash = uuid(&ontology, "an ontology hash")?;
    let new: NewOntology = parse(&body)?;
    let has = move |connection: &Connection| {
        Ok(!store::ontologies(connection, Some(&hash.to_string()))?.is_empty())
    };
    let workspace = service.workspace_with(has).await?;
    put_ontology(&workspace.ok_or_else(|| no_ontology(hash))?, hash, new).await
}

async fn put_ontology(
    workspace: &std::sync::Arc<crate::local::workspace::Workspace>,
    hash: Uuid,
    new: NewOntology,
) -> Reply {
    let editor = new.editor()?;
    let put = move |connection: &Connection, _: &_| {
        let hash = hash.to_string();
        let (title, description) = (&new.title, &new.description);
        store::put_ontology(connection, &hash, title, description, &editor, clock::now())?;
        let made = store::ontologies(connection, Some(&hash))?.pop();
        made.ok_or_else(|| ApiError::internal("the ontology has gone"))
    };
    let made = reply::write(workspace, put).await?;
    ok(&ontology_json(&made)?)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDataset {
    title: String,
    description: Option<String>,
    #[serde(default)]
    create_backing_folder: bool,
}

pub(super) async fn create_dataset(State(service): Shared, body: Bytes) -> Reply {
    let new: NewDataset = parse(&body)?;
    let hash = Uuid::new_v4();
    let folder = identity::uuid(hash, "folder", &[]);
    let now = clock::now();
    let dataset = Dataset {
        id: 0,
        hash: hash.to_string(),
        title: new.title,
        description: new.description.unwrap_or_default(),
        folder: folder.to_string(),
        created_at: now,
        edited_at: now,
    };
    // Encord keeps such a folder and its dataset alike.
    let mirror = new.create_backing_folder;
    let make = move |connection: &Connection, _: &_| {
        store::put_dataset(connection, &dataset)?;
        if mirror {
            store::make_mirror(connection, &dataset.hash)?;
        }
        Ok(())
    };
    reply::write(service.first_workspace()?, make).await?;
    let backing = new.create_backing_folder.then_some(folder);
    ok(&json!({ "datasetUuid": hash, "backingFolderUuid": backing }))
}

pub(super) async fn datasets(State(service): Shared, RawQuery(query): RawQuery) -> Reply {
    let filter = Filter::parse(query.as_deref().unwrap_or_default())?;
    let mut shown = Vec::new();
    for workspace in &service.workspaces {
        let found = reply::read(workspace, |connection, _| {
            Ok(store::datasets(connection, None)?)
        });
        let found = found.await?.into_iter().filter(|dataset| {
            filter.takes(
                &dataset.title,
                &dataset.description,
                dataset.created_at,
                dataset.edited_at,
            )
        });
        shown.extend(found.map(|dataset| {
            json!({
                "datasetUuid": dataset.hash,
                "title": dataset.title,
                "description": dataset.description,
                "createdAt": clock::iso(dataset.created_at),
                "lastEditedAt": clock::iso(dataset.edited_at),
                "userRole": "admin",
                "storageLocation": 0,
                "backingFolderUuid": dataset.folder,
            })
        }));
    }
    ok(&json!({ "result": shown }))
}
