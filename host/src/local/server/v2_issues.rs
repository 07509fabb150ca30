//! Issues that are noted about data: `/v2/public/projects/…/issues`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::Shared;
use super::reply::{self, ApiError, PAGE, Reply, ok, parse};
use super::scope::uuid;
use crate::local::store::{self, Project};
use crate::local::{ACCOUNT, MAIN_BRANCH, clock, identity};

/// Encord takes no more in one request.
const MOST: usize = 1000;

pub(super) async fn list(
    State(service): Shared,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply {
    let (mut data_hash, mut after) = (None, 0);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "dataUnitId" => data_hash = Some(uuid(&value, "a data hash")?.to_string()),
            "pageToken" => after = reply::after(&value)?,
            _ => {}
        }
    }
    let read = move |connection: &Connection, project: &Project| {
        let data_hash = data_hash.as_deref();
        Ok(store::issues(
            connection,
            project.id,
            data_hash,
            after,
            PAGE + 1,
        )?)
    };
    let issues = service.read_project(&project, read).await?;
    let mut parsed = Vec::new();
    for (number, issue) in issues {
        parsed.push((number, RawValue::from_string(issue)?));
    }
    ok(&reply::page(
        parsed,
        |(number, _)| *number,
        |(_, issue)| issue,
    ))
}

#[derive(Debug, Deserialize)]
struct NewIssues {
    issues: Vec<NewIssue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewIssue {
    anchor: Anchor,
    comment: String,
    #[serde(default)]
    issue_tags: Vec<String>,
}

/// What an issue is about, in the forms that Encord's own client sends.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Anchor {
    DataUnit {
        data_uuid: Uuid,
        space_id: Option<String>,
    },
    Frame {
        data_uuid: Uuid,
        space_id: Option<String>,
        frame_index: u64,
    },
    FrameCoordinate {
        data_uuid: Uuid,
        space_id: Option<String>,
        frame_index: u64,
        x: f64,
        y: f64,
    },
    SceneCoordinate {
        data_uuid: Uuid,
        frame_index: u64,
        x: f64,
        y: f64,
        z: f64,
    },
    FrameRange {
        data_uuid: Uuid,
        space_id: Option<String>,
        frame_ranges: Vec<FrameRange>,
    },
    Annotation {
        data_uuid: Uuid,
        annotation_id: String,
        space_id: Option<String>,
        frame_ranges: Option<Vec<FrameRange>>,
    },
}

#[derive(Debug, Deserialize)]
struct FrameRange {
    start: u64,
    end: u64,
}

impl Anchor {
    /// Its data unit, and how an issue shows it.
    fn show(&self) -> (Uuid, Value) {
        let ranges = |ranges: &[FrameRange]| -> Value {
            ranges
                .iter()
                .map(|range| json!({ "start": range.start, "end": range.end }))
                .collect()
        };
        match self {
            Self::DataUnit {
                data_uuid,
                space_id,
            } => (
                *data_uuid,
                json!({ "type": "dataUnit", "spaceId": space_id }),
            ),
            Self::Frame {
                data_uuid,
                space_id,
                frame_index,
            } => (
                *data_uuid,
                json!({ "type": "frame", "spaceId": space_id, "frameIndex": frame_index }),
            ),
            Self::FrameCoordinate {
                data_uuid,
                space_id,
                frame_index,
                x,
                y,
            } => (
                *data_uuid,
                json!({
                    "type": "frameCoordinate",
                    "spaceId": space_id,
                    "frameIndex": frame_index,
                    "coordinate": { "x": x, "y": y },
                }),
            ),
            Self::SceneCoordinate {
                data_uuid,
                frame_index,
                x,
                y,
                z,
            } => (
                *data_uuid,
                json!({
                    "type": "sceneCoordinate",
                    "frameIndex": frame_index,
                    "coordinate": { "x": x, "y": y, "z": z },
                }),
            ),
            Self::FrameRange {
                data_uuid,
                space_id,
                frame_ranges,
            } => (
                *data_uuid,
                json!({
                    "type": "frameRange",
                    "spaceId": space_id,
                    "frameRanges": ranges(frame_ranges),
                }),
            ),
            Self::Annotation {
                data_uuid,
                annotation_id,
                space_id,
                frame_ranges,
            } => (
                *data_uuid,
                json!({
                    "type": "annotation",
                    "annotationId": annotation_id,
                    "spaceId": space_id,
                    "frameRanges": frame_ranges.as_deref().map(ranges),
                }),
            ),
        }
    }
}

pub(super) async fn create(
    State(service): Shared,
    Path(project): Path<String>,
    body: Bytes,
) -> Reply {
    let NewIssues { issues } = parse(&body)?;
    check_number(issues.len())?;
    let make = move |connection: &Connection, project: &Project| {
        let now = clock::iso(clock::now());
        for new in &issues {
            let (data_uuid, anchor) = new.anchor.show();
            let data_hash = data_uuid.to_string();
            if store::find_row_of(connection, project.id, &data_hash, MAIN_BRANCH)?.is_none() {
                return Err(ApiError::invalid(format!(
                    "the project has no data unit {data_hash}"
                )));
            }
            let uuid = Uuid::new_v4();
            let tags: Vec<_> = new
                .issue_tags
                .iter()
                .map(|name| json!({ "name": name, "uuid": identity::uuid(project.hash, "issue tag", &[name]) }))
                .collect();
            let mut issue: Map<String, Value> = serde_json::from_value(anchor)?;
            issue.insert("uuid".to_owned(), json!(uuid));
            issue.insert("dataUuid".to_owned(), json!(data_uuid));
            let comment =
                json!({ "content": new.comment, "authorEmail": ACCOUNT, "createdAt": now });
            issue.insert("comments".to_owned(), json!([comment]));
            issue.insert("tags".to_owned(), tags.into());
            issue.insert("resolutionHistory".to_owned(), json!([]));
            let issue = Value::Object(issue).to_string();
            store::insert_issue(
                connection,
                project.id,
                &uuid.to_string(),
                &data_hash,
                &issue,
            )?;
        }
        Ok(())
    };
    service.write_project(&project, make).await?;
    ok(&())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteIssues {
    issue_uuids: Vec<Uuid>,
}

/// Those that are not there are as good as deleted.
pub(super) async fn delete(
    State(service): Shared,
    Path(project): Path<String>,
    body: Bytes,
) -> Reply {
    let DeleteIssues { issue_uuids } = parse(&body)?;
    check_number(issue_uuids.len())?;
    let uuids: Vec<_> = issue_uuids.iter().map(Uuid::to_string).collect();
    let delete = move |connection: &Connection, project: &Project| {
        Ok(store::delete_issues(connection, project.id, &uuids)?)
    };
    service.write_project(&project, delete).await?;
    ok(&())
}

fn check_number(count: usize) -> Result<(), ApiError> {
    match count {
        ..=MOST => Ok(()),
        _ => Err(ApiError::invalid(format!(
            "expected at most {MOST} issues, found {count}"
        ))),
    }
}
