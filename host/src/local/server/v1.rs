//! The older API, `/public`: label rows, and what sets a project up. One path; the body says what is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{authorization, collect, header_text};
use super::media::UrlSigner;
use super::reply::{self, ApiError, json_body};
use super::v2::label_hash_of;
use super::{Service, Shared, transitions, v1_metadata, v1_setup};
use crate::local::label_row::{self, ReadFilter, Skeleton};
use crate::local::media::MediaKind;
use crate::local::sent_row::Fields;
use crate::local::store::{self, DataUnit, LabelRow, Labels, Project};
use crate::local::{MAIN_BRANCH, clock};

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
pub(super) enum Uid {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Uid {
    pub(super) fn all(&self) -> &[String] {
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
    let base = service.base(parts.headers.get("host"));
    let uid = query.values.uid;
    let payload = query.values.payload;
    let (query_type, method) = (query.query_type.as_str(), query.query_method.as_str());
    if let Some(answered) = v1_setup::answer(
        service,
        &v1_setup::Asked {
            query_type,
            method,
            id,
            uid: &uid,
            payload: payload.as_deref(),
            base: &base,
        },
    )
    .await?
    {
        return Ok(answered);
    }
    let answered = match (query_type, method) {
        ("labelrowmetadata", "GET") => {
            let request = payload_of(payload.as_deref())?;
            service
                .read_project(id, move |connection, project| {
                    v1_metadata::list(connection, project, request)
                })
                .await?
        }
        ("labelrow", "GET") => {
            let request: ReadRows = payload_of(payload.as_deref())?;
            let service_ = service.clone();
            let read = move |connection: &Connection, project: &Project| {
                read_rows(connection, project, &uid, request, &service_.signer, &base)
            };
            service.read_project(id, read).await?
        }
        ("labelrow", "PUT") => {
            let request: CreateRows = payload_of(payload.as_deref())?;
            let service_ = service.clone();
            let create = move |connection: &Connection, project: &Project| {
                create_rows(connection, project, &uid, request, &service_.signer, &base)
            };
            service.write_project(id, create).await?
        }
        ("labelrow", "POST") => {
            save(service, id, uid, payload).await?;
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
                        project,
                        &canonical(label_hash),
                        complete,
                    )
                })
            };
            service.write_project(id, work).await?;
            "true".to_owned()
        }
        (query_type, method) => {
            let message = format!("this local server has no {method} of `{query_type}`");
            return Err(ApiError::not_allowed(message));
        }
    };
    Ok(answered)
}

pub(super) fn payload_of<T: for<'de> Deserialize<'de>>(
    payload: Option<&RawValue>,
) -> Result<T, ApiError> {
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
        data_links: HashMap::new(),
    };
    let mut rows = Vec::new();
    for label_hash in uid.all() {
        let row = store::find_label_row(connection, project.id, &canonical(label_hash))?;
        let Some(LabelRow {
            labels: Some(labels),
            ..
        }) = &row
        else {
            return Err(ApiError::not_found(format!(
                "there is no label row {label_hash}"
            )));
        };
        let Some(row) = &row else { continue };
        if request.get_signed_url {
            filter.data_links = data_links(connection, &row.unit, signer, base)?;
        }
        rows.push(label_row::read(row, labels, &project.workflow, &filter)?);
    }
    Ok(one_or_list(uid, rows))
}

/// A URL for each file of a data unit.
fn data_links(
    connection: &Connection,
    unit: &DataUnit,
    signer: &UrlSigner,
    base: &str,
) -> Result<HashMap<String, String>, ApiError> {
    let parts = parts(connection, unit)?;
    let units = std::iter::once(unit).chain(&parts);
    Ok(units
        .filter(|unit| unit.item.path.is_some())
        .map(|unit| (unit.hash.clone(), signer.sign(base, &unit.item)))
        .collect())
}

fn parts(connection: &Connection, unit: &DataUnit) -> Result<Vec<DataUnit>, ApiError> {
    match unit.item.kind.has_parts() {
        true => Ok(store::parts_of_unit(connection, unit.id)?),
        false => Ok(Vec::new()),
    }
}

/// Whoever names one row, and not a list of one, gets it without a list around.
fn one_or_list(uid: &Uid, mut rows: Vec<String>) -> String {
    match (uid, rows.pop()) {
        (Uid::One(_), Some(row)) => row,
        (_, last) => {
            rows.extend(last);
            format!("[{}]", rows.join(","))
        }
    }
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
        let row = store::find_row_of(connection, project.id, &data_hash, branch)?;
        let mut row = row.ok_or_else(|| {
            ApiError::not_found(format!("the project has no data unit {data_hash}"))
        })?;
        let labels = match row.labels.take() {
            Some(labels) => labels,
            None => create(connection, project, &row, branch)?,
        };
        let mut filter = ReadFilter::default();
        if request.get_signed_url {
            filter.data_links = data_links(connection, &row.unit, signer, base)?;
        }
        rows.push(label_row::read(&row, &labels, &project.workflow, &filter)?);
    }
    Ok(one_or_list(uid, rows))
}

fn create(
    connection: &Connection,
    project: &Project,
    row: &LabelRow,
    branch: &str,
) -> Result<Labels, ApiError> {
    let stage = project.workflow.stage_named(&row.stage);
    let kind: MediaKind = row.unit.item.kind;
    let now = clock::now();
    let labels = Labels {
        label_hash: label_hash_of(project, &row.unit.hash, branch),
        branch: branch.to_owned(),
        status: label_row::label_status_at(stage.map(|stage| stage.kind)).to_owned(),
        version: 1,
        created_at: now,
        edited_at: now,
        document: Skeleton::new(&row.unit, &parts(connection, &row.unit)?).empty(kind),
    };
    store::insert_label_row(connection, project.id, row.unit.id, &labels)?;
    Ok(labels)
}

#[derive(Debug, Deserialize)]
struct SaveRows {
    #[serde(default)]
    labels: Vec<Json>,
    #[serde(default)]
    validate_before_saving: bool,
}

impl SaveRows {
    /// Whoever names one row, and not a list of one, sends it as the payload itself.
    fn from_one(row: Json) -> Self {
        let fields: Option<Fields<'_>> = serde_json::from_str(row.get()).ok();
        let flag = fields.and_then(|fields| fields.get("validate_before_saving"));
        Self {
            validate_before_saving: flag.is_some_and(|flag| flag.get() == "true"),
            labels: vec![row],
        }
    }
}

/// Every row is overwritten whole; if one is refused, all are.
async fn save(
    service: &Arc<Service>,
    project: &str,
    uid: Uid,
    payload: Option<Json>,
) -> Result<(), ApiError> {
    let request = match (&uid, payload) {
        (Uid::One(_), Some(payload)) => SaveRows::from_one(payload),
        (_, payload) => payload_of(payload.as_deref())?,
    };
    let hashes: Vec<_> = uid.all().iter().map(canonical).collect();
    if hashes.len() != request.labels.len() {
        let (rows, hashes) = (request.labels.len(), hashes.len());
        return Err(ApiError::invalid(format!(
            "expected as many label rows as hashes ({hashes}), found {rows}"
        )));
    }
    // What is kept of each row is made first, so that nobody has to wait for it.
    let validate = request.validate_before_saving;
    let prepare = move |connection: &Connection, project: &Project| {
        if validate {
            validate_rows(connection, project, &request.labels)?;
        }
        let rows = hashes.into_iter().zip(&request.labels);
        rows.map(|(label_hash, sent)| {
            let document = document(connection, project, &label_hash, sent)?;
            Ok((label_hash, document))
        })
        .collect::<Result<Vec<_>, ApiError>>()
    };
    let documents = service.read_project(project, prepare).await?;
    let overwrite = move |connection: &Connection, _: &Project| {
        for (label_hash, document) in &documents {
            if !store::overwrite_document(connection, label_hash, document, clock::now())? {
                return Err(no_row(label_hash));
            }
        }
        Ok(())
    };
    service.write_project(project, overwrite).await
}

fn no_row(label_hash: &str) -> ApiError {
    ApiError::not_found(format!("there is no label row {label_hash}"))
}

fn validate_rows(
    connection: &Connection,
    project: &Project,
    rows: &[Json],
) -> Result<(), ApiError> {
    let ontology = store::ontologies(connection, Some(&project.ontology))?.pop();
    let editor = ontology.map(|ontology| serde_json::from_str(&ontology.editor));
    let editor: Value = editor.transpose()?.unwrap_or_default();
    for row in rows {
        let row = serde_json::from_str(row.get()).map_err(unreadable)?;
        let unknown = label_row::unknown_features(&row, &editor);
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(ApiError::invalid(format!(
                "the ontology does not have the features {unknown}"
            )));
        }
    }
    Ok(())
}

/// What is kept of a row that was sent.
fn document(
    connection: &Connection,
    project: &Project,
    label_hash: &str,
    sent: &RawValue,
) -> Result<String, ApiError> {
    let row = store::find_label_row(connection, project.id, label_hash)?;
    let row = row.ok_or_else(|| no_row(label_hash))?;
    let sent: Fields<'_> = serde_json::from_str(sent.get()).map_err(unreadable)?;
    let data_hash = sent.text("data_hash").map(canonical);
    if data_hash.is_some_and(|data_hash| data_hash != row.unit.hash) {
        let expected = &row.unit.hash;
        return Err(ApiError::invalid(format!(
            "expected the data unit {expected} in `data_hash` of the label row {label_hash}, found another"
        )));
    }
    let skeleton = Skeleton::new(&row.unit, &parts(connection, &row.unit)?);
    skeleton.document_of_save(&sent).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> ApiError {
    ApiError::invalid(format!("a label row is not as expected: {error}"))
}

/// UUIDs are kept in one form; whoever sends another means the same.
pub(super) fn canonical(uuid: impl AsRef<str>) -> String {
    let text = uuid.as_ref();
    text.parse::<Uuid>()
        .map_or_else(|_| text.to_owned(), |uuid| uuid.to_string())
}
