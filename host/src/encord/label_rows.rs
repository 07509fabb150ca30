//! Label rows: listing, creating, reading and saving them, and what Encord finds wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::bundle::{self, MOST_PER_REQUEST};
use super::client::{Client, done, in_order, json, unique};
use super::error::Error;
use super::lenient::{self, readable};
use super::operation;
use super::types::{
    CreateOptions, LabelClassifications, LabelRowFilter, LabelRowMetadata, MetadataOptions,
    ReadOptions, ValidationState,
};
use super::wire::{CreateRows, LabelRowsQuery, ReadRows, SaveRows, WireMetadata, query};

impl Client {
    /// Lists the label rows of these data units, those that do not exist yet included, in Encord's order.
    /// A data unit that is not in the project is left out.
    pub async fn label_row_metadata(
        &self,
        project: Uuid,
        data_hashes: &[Uuid],
        options: &MetadataOptions,
    ) -> Result<Vec<LabelRowMetadata>, Error> {
        let filter = LabelRowFilter {
            data_hashes: Some(data_hashes.to_vec()),
            ..LabelRowFilter::default()
        };
        self.list_label_rows(project, &filter, options).await
    }

    /// Lists the label rows of a project that the filter lets through, those that do not exist yet included,
    /// in Encord's order. Errors: [`super::ErrorKind::InvalidArguments`], with nothing sent, if the options ask
    /// for one branch and for all.
    pub async fn list_label_rows(
        &self,
        project: Uuid,
        filter: &LabelRowFilter,
        options: &MetadataOptions,
    ) -> Result<Vec<LabelRowMetadata>, Error> {
        if options.include_all_label_branches && options.branch_name.is_some() {
            return Err(Error::invalid(
                self.transport.context(&operation::LIST_LABEL_ROWS),
                "expected the name of a branch, or all branches, found both".to_owned(),
            ));
        }
        let data_hashes = filter.data_hashes.as_deref().map(unique);
        let label_hashes = filter.label_hashes.as_deref().map(unique);
        let data_chunks = chunks(data_hashes.as_deref());
        let label_chunks = chunks(label_hashes.as_deref());
        let requests = data_chunks
            .iter()
            .flat_map(|data| label_chunks.iter().map(move |labels| (*data, *labels)))
            .map(|(data, labels)| self.list_request(project, data, labels, filter, options));
        let answers: Vec<Vec<LabelRowMetadata>> = in_order(requests.collect()).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Creates the label rows of data units that have none yet on this branch. Returns the data hash and the
    /// document of each, in the order asked for; what Encord answered nothing for is left out.
    pub async fn create_label_rows(
        &self,
        project: Uuid,
        data_hashes: &[Uuid],
        options: &CreateOptions,
    ) -> Result<Vec<(Uuid, Value)>, Error> {
        let unique = unique(data_hashes);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.create_request(project, chunk, options));
        Ok(pairs(&unique, in_order(requests.collect()).await?))
    }

    /// [`Client::create_label_rows`], with a result for each. An entry without an answer is
    /// [`super::ErrorKind::NotFound`].
    pub async fn create_label_rows_each(
        &self,
        project: Uuid,
        data_hashes: &[Uuid],
        options: &CreateOptions,
    ) -> Vec<Result<Value, Arc<Error>>> {
        self.look_up_each(
            &operation::CREATE_LABEL_ROWS,
            "data unit",
            data_hashes,
            |chunk| self.create_request(project, chunk, options),
        )
        .await
    }

    /// Reads label rows that exist. Returns the label hash and the document of each, in the order asked for;
    /// what Encord answered nothing for is left out.
    pub async fn read_label_rows(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        options: &ReadOptions,
    ) -> Result<Vec<(Uuid, Value)>, Error> {
        let unique = unique(label_hashes);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.read_request(project, chunk, options));
        Ok(pairs(&unique, in_order(requests.collect()).await?))
    }

    /// [`Client::read_label_rows`], with a result for each. An entry without an answer is
    /// [`super::ErrorKind::NotFound`].
    pub async fn read_label_rows_each(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        options: &ReadOptions,
    ) -> Vec<Result<Value, Arc<Error>>> {
        self.look_up_each(
            &operation::READ_LABEL_ROWS,
            "label row",
            label_hashes,
            |chunk| self.read_request(project, chunk, options),
        )
        .await
    }

    /// Overwrites label rows: a label hash and the whole new document of each. Whether a request that is
    /// rejected leaves some of its rows saved is not documented; saving the same rows again is harmless.
    pub async fn save_label_rows<D>(&self, project: Uuid, rows: &[(Uuid, &D)]) -> Result<(), Error>
    where
        D: Serialize + Sync + ?Sized,
    {
        for chunk in rows.chunks(MOST_PER_REQUEST) {
            self.save_request(project, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::save_label_rows`], with a result for each.
    pub async fn save_label_rows_each<D>(
        &self,
        project: Uuid,
        rows: &[(Uuid, &D)],
    ) -> Vec<Result<(), Arc<Error>>>
    where
        D: Serialize + Sync + ?Sized,
    {
        bundle::each(rows.len(), MOST_PER_REQUEST, |part| async move {
            self.save_request(project, &rows[part.clone()]).await?;
            Ok(done(part))
        })
        .await
    }

    /// What Encord finds wrong with a label row: required answers that are missing, and the like.
    pub async fn validation_state(
        &self,
        project: Uuid,
        label_hash: Uuid,
    ) -> Result<ValidationState, Error> {
        let path = format!("projects/{project}/labels/{label_hash}/validation-state");
        let wire: WireValidationState = self
            .transport
            .get(&operation::GET_VALIDATION_STATE, &path, "")
            .await?;
        Ok(wire.into())
    }

    /// The answers to the classifications of label rows that exist, without their objects: much faster than
    /// [`Client::read_label_rows`]. In Encord's order; a row that it does not know is left out.
    pub async fn label_classifications(
        &self,
        project: Uuid,
        branch_name: &str,
        label_hashes: &[Uuid],
    ) -> Result<Vec<LabelClassifications>, Error> {
        let unique = unique(label_hashes);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.classifications_request(project, branch_name, chunk));
        let answers: Vec<Vec<LabelClassifications>> = in_order(requests.collect()).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn list_request(
        &self,
        project: Uuid,
        data_hashes: Option<&[Uuid]>,
        label_hashes: Option<&[Uuid]>,
        filter: &LabelRowFilter,
        options: &MetadataOptions,
    ) -> Result<Vec<LabelRowMetadata>, Error> {
        let payload = LabelRowsQuery::new(data_hashes, label_hashes, filter, options);
        let body = json(&query("labelrowmetadata", "GET", None, payload));
        let rows: Vec<WireMetadata> = self
            .transport
            .version1(&operation::LIST_LABEL_ROWS, project, body)
            .await?;
        Ok(rows.into_iter().map(LabelRowMetadata::from).collect())
    }

    async fn create_request(
        &self,
        project: Uuid,
        data_hashes: impl AsRef<[Uuid]>,
        options: &CreateOptions,
    ) -> Result<HashMap<Uuid, Value>, Error> {
        let payload = CreateRows {
            multi_request: true,
            get_signed_url: options.include_signed_url,
            branch_name: options.branch_name.as_deref().unwrap_or("main"),
        };
        let data_hashes = Some(data_hashes.as_ref());
        let body = json(&query("labelrow", "PUT", data_hashes, payload));
        let documents: Vec<Value> = self
            .transport
            .version1(&operation::CREATE_LABEL_ROWS, project, body)
            .await?;
        Ok(by_identifier("data_hash", documents))
    }

    async fn read_request(
        &self,
        project: Uuid,
        label_hashes: impl AsRef<[Uuid]>,
        options: &ReadOptions,
    ) -> Result<HashMap<Uuid, Value>, Error> {
        let payload = ReadRows {
            get_signed_url: options.include_signed_url,
            multi_request: true,
            include_object_feature_hashes: options.include_object_feature_hashes.as_deref(),
            include_classification_feature_hashes: options
                .include_classification_feature_hashes
                .as_deref(),
            include_reviews: options.include_reviews,
            include_export_history: false,
            include_archived: false,
        };
        let label_hashes = Some(label_hashes.as_ref());
        let body = json(&query("labelrow", "GET", label_hashes, payload));
        let most = options.longest_answer.unwrap_or(usize::MAX);
        let documents: Vec<Value> = self
            .transport
            .version1_up_to(&operation::READ_LABEL_ROWS, project, body, most)
            .await?;
        Ok(by_identifier("label_hash", documents))
    }

    async fn save_request<D>(&self, project: Uuid, rows: &[(Uuid, &D)]) -> Result<(), Error>
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

    async fn classifications_request(
        &self,
        project: Uuid,
        branch_name: &str,
        label_hashes: &[Uuid],
    ) -> Result<Vec<LabelClassifications>, Error> {
        let path = format!("projects/{project}/label-rows/classifications");
        let body = json(&ReadClassifications {
            label_uuids: label_hashes,
            branch_name,
        });
        self.transport
            .post(
                &operation::READ_CLASSIFICATIONS,
                &path,
                body,
                classifications,
            )
            .await
    }
}

/// The parts that a list is sent in. Without a list there is one request that does not filter by it, and for
/// an empty one there is none.
fn chunks(ids: Option<&[Uuid]>) -> Vec<Option<&[Uuid]>> {
    match ids {
        None => vec![None],
        Some(ids) => ids.chunks(MOST_PER_REQUEST).map(Some).collect(),
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

/// The answers in the order of what was asked for, without those that are missing.
fn pairs<T>(asked: &[Uuid], found: Vec<HashMap<Uuid, T>>) -> Vec<(Uuid, T)> {
    let mut found: HashMap<_, _> = found.into_iter().flatten().collect();
    asked
        .iter()
        .filter_map(|id| found.remove(id).map(|value| (*id, value)))
        .collect()
}

// ---- The JSON of version 2; that of version 1 is in `wire` -------------------------------------------

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadClassifications<'a> {
    label_uuids: &'a [Uuid],
    branch_name: &'a str,
}

#[derive(Deserialize)]
struct Classifications {
    #[serde(default, deserialize_with = "lenient::list")]
    labels: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireClassifications {
    label_uuid: Uuid,
    data_uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    data_title: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    branch_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::object")]
    classification_answers: Map<String, Value>,
}

fn classifications(body: &[u8]) -> Result<Vec<LabelClassifications>, serde_json::Error> {
    let answer: Classifications = serde_json::from_slice(body)?;
    let into = |wire: WireClassifications| LabelClassifications {
        label_hash: wire.label_uuid,
        data_hash: wire.data_uuid,
        data_title: wire.data_title,
        branch_name: wire.branch_name.unwrap_or_else(|| "main".to_owned()),
        answers: wire.classification_answers,
    };
    Ok(readable("label row's classifications", answer.labels, into))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireValidationState {
    label_hash: Uuid,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    branch_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_size")]
    version: Option<u64>,
    is_valid: bool,
    errors: Option<Vec<Value>>,
}

impl From<WireValidationState> for ValidationState {
    fn from(wire: WireValidationState) -> Self {
        let errors = wire.errors.unwrap_or_default().into_iter();
        ValidationState {
            label_hash: wire.label_hash,
            branch_name: wire.branch_name.unwrap_or_else(|| "main".to_owned()),
            version: wire.version,
            is_valid: wire.is_valid,
            errors: errors
                .map(|error| match error {
                    Value::String(text) => text,
                    other => other.to_string(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
#[path = "label_rows_tests.rs"]
mod tests;
