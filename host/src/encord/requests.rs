//! The single requests of the client's methods on lists: what is sent, and which answer belongs to which
//! entry.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::client::Client;
use super::error::Error;
use super::operation;
use super::types::{LabelRowMetadata, MetadataOptions, ReadOptions, StorageItem};
use super::wire::{
    self, CreateRows, GetItems, LabelRowsQuery, Page, PathwayAction, Query, QueryValues, ReadRows,
    SaveRows, SetPriorities, WireMetadata,
};

impl Client {
    pub(super) async fn metadata_request(
        &self,
        project: Uuid,
        data_hashes: &[Uuid],
        options: &MetadataOptions,
    ) -> Result<Vec<LabelRowMetadata>, Error> {
        let payload = LabelRowsQuery::new(
            data_hashes,
            options.branch_name.as_deref(),
            options.include_client_metadata,
        );
        let body = json(&query("labelrowmetadata", "GET", None, payload));
        let rows: Vec<WireMetadata> = self
            .transport
            .version1(&operation::LIST_LABEL_ROWS, project, body)
            .await?;
        Ok(rows.into_iter().map(LabelRowMetadata::from).collect())
    }

    pub(super) async fn create_request(
        &self,
        project: Uuid,
        branch_name: &str,
        data_hashes: impl AsRef<[Uuid]>,
    ) -> Result<HashMap<Uuid, Value>, Error> {
        let payload = CreateRows {
            multi_request: true,
            get_signed_url: false,
            branch_name,
        };
        let body = json(&query(
            "labelrow",
            "PUT",
            Some(data_hashes.as_ref()),
            payload,
        ));
        let documents: Vec<Value> = self
            .transport
            .version1(&operation::CREATE_LABEL_ROWS, project, body)
            .await?;
        Ok(by_identifier("data_hash", documents))
    }

    pub(super) async fn read_request(
        &self,
        project: Uuid,
        label_hashes: impl AsRef<[Uuid]>,
        options: &ReadOptions,
    ) -> Result<HashMap<Uuid, Value>, Error> {
        let payload = ReadRows {
            get_signed_url: false,
            multi_request: true,
            include_object_feature_hashes: options.include_object_feature_hashes.as_deref(),
            include_classification_feature_hashes: options
                .include_classification_feature_hashes
                .as_deref(),
            include_reviews: options.include_reviews,
            include_export_history: false,
            include_archived: false,
        };
        let body = json(&query(
            "labelrow",
            "GET",
            Some(label_hashes.as_ref()),
            payload,
        ));
        let documents: Vec<Value> = self
            .transport
            .version1(&operation::READ_LABEL_ROWS, project, body)
            .await?;
        Ok(by_identifier("label_hash", documents))
    }

    pub(super) async fn save_request<D>(
        &self,
        project: Uuid,
        rows: &[(Uuid, &D)],
    ) -> Result<(), Error>
    where
        D: Serialize + Sync + ?Sized,
    {
        let label_hashes: Vec<_> = rows.iter().map(|(label_hash, _)| *label_hash).collect();
        let payload = SaveRows {
            multi_request: true,
            labels: rows.iter().map(|(_, document)| *document).collect(),
            validate_before_saving: false,
        };
        let query = query("labelrow", "POST", Some(&label_hashes), payload);
        // The documents are the caller's types, which may have no JSON form.
        let body = serde_json::to_vec(&query).map_err(|error| {
            Error::invalid(
                self.transport.context(&operation::SAVE_LABEL_ROWS),
                format!("a document is not JSON: {error}"),
            )
        })?;
        // Any value is a success; no value is none.
        let _: Value = self
            .transport
            .version1(&operation::SAVE_LABEL_ROWS, project, body)
            .await?;
        Ok(())
    }

    pub(super) async fn priorities_request(
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

    pub(super) fn check_priorities(&self, priorities: &[(Uuid, f64)]) -> Result<(), Error> {
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

    pub(super) async fn follow_request(
        &self,
        project: Uuid,
        stage: Uuid,
        moves: &[(Uuid, Uuid)],
    ) -> Result<(), Error> {
        let path = format!("projects/{project}/workflow/stages/{stage}/actions");
        let body = json(&moves.iter().map(PathwayAction::from).collect::<Vec<_>>());
        self.transport
            .post(&operation::FOLLOW_PATHWAYS, &path, body, nothing)
            .await
    }

    pub(super) async fn items_request(
        &self,
        items: impl AsRef<[Uuid]>,
        sign_urls: bool,
    ) -> Result<HashMap<Uuid, StorageItem>, Error> {
        let mut found = HashMap::new();
        let mut wanted = items.as_ref().to_vec();
        while !wanted.is_empty() {
            let body = json(&GetItems {
                item_uuids: &wanted,
                sign_urls,
            });
            let page = self
                .transport
                .post(
                    &operation::GET_STORAGE_ITEMS,
                    "storage/items/get-bulk",
                    body,
                    item_page,
                )
                .await?;
            let before = found.len();
            found.extend(page.results.into_iter().map(|item| (item.uuid, item)));
            wanted.retain(|item| !found.contains_key(item));
            // How to ask this endpoint for its next page is not documented. Asking for what is still
            // missing needs no token, and ends when a page brings nothing new.
            if page.next_page_token.is_none() || found.len() == before {
                break;
            }
        }
        Ok(found)
    }
}

/// Documents by the UUID under one of their keys. One without it answers nothing that was asked.
fn by_identifier(key: &str, documents: Vec<Value>) -> HashMap<Uuid, Value> {
    documents
        .into_iter()
        .filter_map(|document| {
            let id = document.get(key)?.as_str()?.parse().ok()?;
            Some((id, document))
        })
        .collect()
}

fn query<'a, P: Serialize>(
    query_type: &'static str,
    query_method: &'static str,
    uid: Option<&'a [Uuid]>,
    payload: P,
) -> Query<'a, P> {
    Query {
        query_type,
        query_method,
        values: QueryValues { uid, payload },
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value)
        .expect("requests are structures with text keys, which always have a JSON form")
}

/// For operations whose success is all that they answer.
fn nothing(_body: &[u8]) -> Result<(), serde_json::Error> {
    Ok(())
}

fn item_page(body: &[u8]) -> Result<Page<StorageItem>, serde_json::Error> {
    let page: Page<Value> = serde_json::from_slice(body)?;
    Ok(Page {
        results: page
            .results
            .into_iter()
            .map(wire::storage_item)
            .collect::<Result<_, _>>()?,
        next_page_token: page.next_page_token,
    })
}
