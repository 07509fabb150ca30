//! The older API, `/public`: label rows. One path; the body says what is asked for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::{authorization, collect, header_text};
use super::media::UrlSigner;
use super::reply::{self, ApiError, json_body};
use super::{Service, Shared, transitions, v1_metadata};
use crate::local::label_row::{self, ReadFilter};
use crate::local::project::Project;
use crate::local::store::{self, DataUnit, Item, LabelRow};
use crate::local::{MAIN_BRANCH, clock, identity};

#[derive(Debug, Deserialize)]
struct Query {
    query_type: String,
    query_method: String,
    #[serde(default)]
    values: Values,
}

#[derive(Debug, Default, Deserialize)]
struct Values {
    #[serde(default)]
    uid: Uid,
    #[serde(default)]
    payload: Option<Box<RawValue>>,
}

/// What is asked about: nothing, one thing or several.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Uid {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Uid {
    fn all(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// An answer as JSON text, made where the state is read.
pub(super) type Json = Box<RawValue>;

pub(super) async fn handle(State(service): Shared, request: Request) -> Response {
    match answer(&service, request).await {
        Ok(value) => json_body(format!(r#"{{"status":200,"response":{value}}}"#)).into_response(),
        Err(error) => refusal(error),
    }
}

/// This API says what went wrong in the body, and gives HTTP status 200 all the same, except where a proxy would
/// have answered before it.
pub(super) fn refusal(error: ApiError) -> Response {
    let logged = error.to_log();
    let code = match error.status {
        StatusCode::UNAUTHORIZED => "AUTHENTICATION_ERROR",
        StatusCode::FORBIDDEN => "AUTHORISATION_ERROR",
        StatusCode::NOT_FOUND => "RESOURCE_NOT_FOUND_ERROR",
        StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED_ERROR",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "INVALID_ARGUMENTS_ERROR",
        StatusCode::PAYLOAD_TOO_LARGE => return error.into_response(),
        _ => "UNKNOWN_ERROR",
    };
    let body =
        json!({ "status": error.status.as_u16(), "response": [code], "payload": error.message });
    let mut response = json_body(body.to_string()).into_response();
    response.extensions_mut().insert(logged);
    response
}

async fn answer(service: &Arc<Service>, request: Request) -> Result<String, ApiError> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await?;
    service
        .keys
        .check_v1(authorization(&parts.headers), &body)?;
    let query: Query = reply::parse(&body)?;
    let id = header_text(&parts.headers, "ResourceID").unwrap_or_default();
    let hash: Uuid = id.parse().map_err(|_| {
        ApiError::invalid(format!(
            "expected a project hash in the header ResourceID, found `{id}`"
        ))
    })?;
    let project = service.project(hash).ok_or_else(|| {
        ApiError::forbidden(format!("there is no project {hash} for this account"))
    })?;
    let base = service.base(parts.headers.get("host"));
    let uid = query.values.uid;
    let payload = query.values.payload;
    let answered = match (query.query_type.as_str(), query.query_method.as_str()) {
        ("labelrowmetadata", "GET") => {
            let request = payload_of(payload.as_deref())?;
            reply::read(&project, move |connection, project| {
                v1_metadata::list(connection, project, request)
            })
            .await?
        }
        ("labelrow", "GET") => {
            let request: ReadRows = payload_of(payload.as_deref())?;
            let service = service.clone();
            let read = move |connection: &Connection, project: &Project| {
                read_rows(connection, project, &uid, request, &service.signer, &base)
            };
            reply::read(&project, read).await?
        }
        ("labelrow", "PUT") => {
            let request: CreateRows = payload_of(payload.as_deref())?;
            let service = service.clone();
            let create = move |connection: &Connection, project: &Project| {
                create_rows(connection, project, &uid, request, &service.signer, &base)
            };
            reply::write(&project, create).await?
        }
        ("labelrow", "POST") => {
            save(&project, uid, payload).await?;
            "true".to_owned()
        }
        ("labelworkflowgraphnode", "POST") => {
            let request: WorkflowNode = payload_of(payload.as_deref())?;
            let complete = match request.action.as_str() {
                "complete" => true,
                "reopen" => false,
                other => {
                    return Err(ApiError::invalid(format!(
                        "expected complete or reopen, found `{other}`"
                    )));
                }
            };
            let work = move |connection: &Connection, project: &Project| {
                uid.all().iter().try_for_each(|label_hash| {
                    transitions::complete_or_reopen(
                        connection,
                        project.definition(),
                        label_hash,
                        complete,
                    )
                })
            };
            reply::write(&project, work).await?;
            "true".to_owned()
        }
        (query_type, method) => {
            let message = format!("this local server has no {method} of `{query_type}`");
            return Err(ApiError::not_allowed(message));
        }
    };
    Ok(answered)
}

fn payload_of<T: for<'de> Deserialize<'de>>(payload: Option<&RawValue>) -> Result<T, ApiError> {
    let text = payload.map_or("{}", RawValue::get);
    let text = if text == "null" { "{}" } else { text };
    serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("the payload is not as expected: {error}")))
}

#[derive(Debug, Deserialize)]
struct WorkflowNode {
    action: String,
}

#[derive(Debug, Deserialize)]
struct ReadRows {
    #[serde(default)]
    get_signed_url: bool,
    include_object_feature_hashes: Option<Vec<String>>,
    include_classification_feature_hashes: Option<Vec<String>>,
}

fn read_rows(
    connection: &Connection,
    project: &Project,
    uid: &Uid,
    request: ReadRows,
    signer: &UrlSigner,
    base: &str,
) -> Result<String, ApiError> {
    let mut filter = ReadFilter {
        object_features: request
            .include_object_feature_hashes
            .map(|list| list.into_iter().collect()),
        classification_features: request
            .include_classification_feature_hashes
            .map(|list| list.into_iter().collect()),
        data_link: None,
    };
    let mut rows = Vec::new();
    for label_hash in uid.all() {
        let (row, item) = store::find_label_row(connection, &canonical(label_hash))?
            .ok_or_else(|| ApiError::not_found(format!("there is no label row {label_hash}")))?;
        filter.data_link = request.get_signed_url.then(|| signer.sign(base, &item));
        rows.push(label_row::read(&row, &item, project.definition(), &filter)?);
    }
    one_or_list(uid, rows)
}

/// Whoever names one row, and not a list of one, gets it without a list around.
fn one_or_list(uid: &Uid, mut rows: Vec<Json>) -> Result<String, ApiError> {
    Ok(match (uid, rows.pop()) {
        (Uid::One(_), Some(row)) => row.get().to_owned(),
        (_, last) => {
            rows.extend(last);
            serde_json::to_string(&rows)?
        }
    })
}

#[derive(Debug, Deserialize)]
struct CreateRows {
    #[serde(default)]
    get_signed_url: bool,
    branch_name: Option<String>,
}

/// A row that is there already is left as it is, and answered with.
fn create_rows(
    connection: &Connection,
    project: &Project,
    uid: &Uid,
    request: CreateRows,
    signer: &UrlSigner,
    base: &str,
) -> Result<String, ApiError> {
    let branch = request.branch_name.as_deref().unwrap_or(MAIN_BRANCH);
    let mut rows = Vec::new();
    for data_hash in uid.all() {
        let data_hash = canonical(data_hash);
        let (row, item) = find_or_create(connection, project, &data_hash, branch)?;
        let data_link = request.get_signed_url.then(|| signer.sign(base, &item));
        let filter = ReadFilter {
            data_link,
            ..ReadFilter::default()
        };
        rows.push(label_row::read(&row, &item, project.definition(), &filter)?);
    }
    one_or_list(uid, rows)
}

fn find_or_create(
    connection: &Connection,
    project: &Project,
    data_hash: &str,
    branch: &str,
) -> Result<(LabelRow, Item), ApiError> {
    let unit = store::find_data_unit(connection, data_hash, branch)?
        .ok_or_else(|| ApiError::not_found(format!("the project has no data unit {data_hash}")))?;
    if let Some(label_hash) = &unit.label_hash
        && let Some(found) = store::find_label_row(connection, label_hash)?
    {
        return Ok(found);
    }
    let DataUnit {
        item,
        stage,
        task_status,
        ..
    } = unit;
    let kind = stage
        .parse()
        .ok()
        .and_then(|stage| project.definition().stage(stage))
        .map(|stage| stage.kind);
    let now = clock::now();
    let row = LabelRow {
        label_hash: identity::uuid(project.hash(), "label row", &[data_hash, branch]).to_string(),
        branch: branch.to_owned(),
        status: label_row::label_status_at(kind).to_owned(),
        created_at: now,
        edited_at: now,
        document: label_row::empty(&item),
        stage,
        task_status,
    };
    store::insert_label_row(connection, item.position, &row)?;
    Ok((row, item))
}

#[derive(Debug, Deserialize)]
struct SaveRows {
    #[serde(default)]
    labels: Vec<Map<String, Value>>,
    #[serde(default)]
    validate_before_saving: bool,
}

impl SaveRows {
    /// Whoever names one row, and not a list of one, sends it as the payload itself.
    fn from_one(mut row: Map<String, Value>) -> Self {
        let validate_before_saving =
            row.shift_remove("validate_before_saving") == Some(Value::Bool(true));
        Self {
            labels: vec![row],
            validate_before_saving,
        }
    }
}

/// Every row is overwritten whole; if one is refused, all are.
async fn save(project: &Arc<Project>, uid: Uid, payload: Option<Json>) -> Result<(), ApiError> {
    let request = match &uid {
        Uid::One(_) => SaveRows::from_one(payload_of(payload.as_deref())?),
        _ => payload_of(payload.as_deref())?,
    };
    let hashes = uid.all();
    if hashes.len() != request.labels.len() {
        let (rows, hashes) = (request.labels.len(), hashes.len());
        return Err(ApiError::invalid(format!(
            "expected as many label rows as hashes ({hashes}), found {rows}"
        )));
    }
    let mut documents = Vec::new();
    for (label_hash, sent) in hashes.iter().zip(request.labels) {
        if request.validate_before_saving {
            let unknown = label_row::unknown_features(&sent, &project.definition().ontology.editor);
            if !unknown.is_empty() {
                let unknown = unknown.join(", ");
                return Err(ApiError::invalid(format!(
                    "the ontology does not have the features {unknown}"
                )));
            }
        }
        let data_hash = sent.get("data_hash").and_then(Value::as_str).map(canonical);
        documents.push((
            canonical(label_hash),
            data_hash,
            label_row::document_of_save(sent),
        ));
    }
    let overwrite = move |connection: &Connection, _: &Project| {
        for (label_hash, data_hash, document) in &documents {
            let found = store::data_hash_of(connection, label_hash)?.ok_or_else(|| {
                ApiError::not_found(format!("there is no label row {label_hash}"))
            })?;
            if data_hash
                .as_ref()
                .is_some_and(|data_hash| *data_hash != found)
            {
                return Err(ApiError::invalid(format!(
                    "expected the data unit {found} in `data_hash` of the label row {label_hash}, found another"
                )));
            }
            store::overwrite_document(connection, label_hash, document, clock::now())?;
        }
        Ok(())
    };
    reply::write(project, overwrite).await
}

/// UUIDs are kept in one form; whoever sends another means the same.
pub(super) fn canonical(uuid: impl AsRef<str>) -> String {
    let text = uuid.as_ref();
    text.parse::<Uuid>()
        .map_or_else(|_| text.to_owned(), |uuid| uuid.to_string())
}
