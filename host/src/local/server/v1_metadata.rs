//! The listing of label rows: `labelrowmetadata`.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::listing::like;
use super::reply::ApiError;
use super::v1::canonical;
use crate::local::label_row::{annotation_task_status, number_of_frames, spaces};
use crate::local::manifest::{Stage, StageKind};
use crate::local::media::MediaKind;
use crate::local::store::{self, DataUnit, MetadataFilter, MetadataRow, Project};
use crate::local::{MAIN_BRANCH, clock};

/// What is asked for. Absent lists mean all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListRows {
    edited_before: Option<String>,
    edited_after: Option<String>,
    label_statuses: Option<Vec<String>>,
    shadow_data_state: Option<String>,
    include_uninitialised_labels: Option<bool>,
    data_hashes: Option<Vec<String>>,
    label_hashes: Option<Vec<String>>,
    data_title_eq: Option<OneOrMany>,
    data_title_like: Option<String>,
    workflow_graph_node_title_eq: Option<OneOrMany>,
    workflow_graph_node_title_like: Option<String>,
    include_client_metadata: Option<bool>,
    include_images_data: Option<bool>,
    include_children: Option<bool>,
    include_workflow_graph_node: Option<bool>,
    include_all_label_branches: Option<bool>,
    branch_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

#[derive(Debug, Serialize)]
struct RowJson<'row> {
    label_hash: Option<&'row str>,
    created_at: Option<String>,
    last_edited_at: Option<String>,
    branch_name: &'row str,
    data_hash: &'row str,
    group_hash: Option<&'row str>,
    dataset_hash: &'row str,
    dataset_title: &'row str,
    data_title: &'row str,
    data_type: String,
    data_link: Option<&'row str>,
    label_status: &'row str,
    annotation_task_status: &'static str,
    is_shadow_data: bool,
    is_image_sequence: bool,
    frames_per_second: Option<f64>,
    number_of_frames: u64,
    duration: Option<f64>,
    height: Option<u32>,
    width: Option<u32>,
    audio_sample_rate: Option<u32>,
    audio_codec: Option<&'row str>,
    audio_bit_depth: Option<u32>,
    audio_num_channels: Option<u32>,
    spaces: Map<String, Value>,
    task_uuid: &'row str,
    priority: Option<f64>,
    client_metadata: Option<&'row RawValue>,
    images_data: Option<Vec<ImageJson>>,
    file_type: Option<&'row str>,
    file_size: u64,
    is_valid: bool,
    backing_item_uuid: &'row str,
    assigned_user_email: Option<&'row str>,
    last_actioned_by_user_email: Option<&'row str>,
    workflow_graph_node: Option<NodeJson<'row>>,
}

#[derive(Debug, Serialize)]
struct NodeJson<'row> {
    uuid: &'row str,
    title: &'row str,
}

/// Lists label rows, in the order of the project.
pub(super) fn list(
    connection: &Connection,
    project: &Project,
    mut request: ListRows,
) -> Result<String, ApiError> {
    // Nothing here is shadow data.
    if request.shadow_data_state.as_deref() == Some("SHADOW_DATA") {
        return Ok("[]".to_owned());
    }
    let with_metadata = request.include_client_metadata.unwrap_or(false);
    let with_images = request.include_images_data.unwrap_or(false);
    let with_node = request.include_workflow_graph_node.unwrap_or(true);
    let branch = request
        .branch_name
        .clone()
        .unwrap_or_else(|| MAIN_BRANCH.to_owned());
    let stages = &project.workflow.stages;
    let statuses = request.label_statuses.take();
    let filter = filter(request, &branch, stages)?;
    let mut rows = store::metadata(connection, project.id, &filter)?;
    let stages: HashMap<String, &Stage> = stages
        .iter()
        .map(|stage| (stage.uuid.to_string(), stage))
        .collect();
    if let Some(statuses) = statuses {
        rows.retain(|row| {
            let stage = stages.get(&row.stage);
            has_status(row, stage.map(|stage| stage.kind), &statuses)
        });
    }
    let listed = rows.iter().map(|row| {
        let stage = stages.get(&row.stage);
        let metadata = row
            .item
            .client_metadata
            .as_deref()
            .filter(|_| with_metadata);
        let parts = match row.item.kind {
            MediaKind::ImageGroup | MediaKind::Group => store::parts_of_unit(connection, row.unit)?,
            _ => Vec::new(),
        };
        let images = with_images && row.item.kind == MediaKind::ImageGroup;
        Ok::<_, ApiError>(RowJson {
            branch_name: row.branch.as_deref().unwrap_or(&branch),
            client_metadata: metadata.map(serde_json::from_str).transpose()?,
            workflow_graph_node: stage.filter(|_| with_node).map(|stage| NodeJson {
                uuid: &row.stage,
                title: &stage.title,
            }),
            images_data: images.then(|| parts.iter().enumerate().map(ImageJson::new).collect()),
            ..row_json(row, &parts, stage.map(|stage| stage.kind))
        })
    });
    let listed: Vec<_> = listed.collect::<Result<_, _>>()?;
    Ok(serde_json::to_string(&listed)?)
}

/// An image of an image group: exactly these keys.
#[derive(Debug, Serialize)]
struct ImageJson {
    index: usize,
    title: String,
    file_type: Option<String>,
    height: Option<u32>,
    width: Option<u32>,
    image_hash: String,
}

impl ImageJson {
    fn new((index, part): (usize, &DataUnit)) -> Self {
        Self {
            index,
            title: part.item.title.clone(),
            file_type: part.item.mime_type.clone(),
            height: part.item.properties.height,
            width: part.item.properties.width,
            image_hash: part.hash.clone(),
        }
    }
}

fn filter(request: ListRows, branch: &str, stages: &[Stage]) -> Result<MetadataFilter, ApiError> {
    let moment = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match clock::parse(&text) {
            Some(moment) => Ok(Some(moment)),
            None => Err(ApiError::invalid(format!(
                "expected a date and time (ISO 8601), found `{text}`"
            ))),
        },
    };
    let uuids = |list: Option<Vec<String>>| list.map(|list| list.iter().map(canonical).collect());
    let all_branches = request.include_all_label_branches.unwrap_or(false);
    let mut at = None;
    if let Some(titles) = request.workflow_graph_node_title_eq {
        let titles = Vec::from(titles);
        let stages = stages.iter().filter(|stage| titles.contains(&stage.title));
        at = Some(
            stages
                .map(|stage| stage.uuid.to_string())
                .collect::<Vec<_>>(),
        );
    }
    if let Some(pattern) = request.workflow_graph_node_title_like {
        let stages = stages
            .iter()
            .filter(|stage| like(&pattern, &stage.title))
            .map(|stage| stage.uuid.to_string());
        let stages: Vec<_> = stages
            .filter(|uuid| at.as_ref().is_none_or(|at| at.contains(uuid)))
            .collect();
        at = Some(stages);
    }
    Ok(MetadataFilter {
        branch: (!all_branches).then(|| branch.to_owned()),
        uninitialised: request.include_uninitialised_labels.unwrap_or(false),
        children: request.include_children.unwrap_or(false),
        edited_before: moment(request.edited_before)?,
        edited_after: moment(request.edited_after)?,
        data_hashes: uuids(request.data_hashes),
        label_hashes: uuids(request.label_hashes),
        titles: request.data_title_eq.map(Vec::from),
        title_like: request.data_title_like,
        stages: at,
    })
}

/// Whether one of these is the status of the row's task, which is what Encord's own client means, or of its labels.
fn has_status(row: &MetadataRow, kind: Option<StageKind>, statuses: &[String]) -> bool {
    let of_task = annotation_task_status(kind, &row.task_status);
    let of_labels = label_status(row);
    statuses
        .iter()
        .any(|status| status == of_task || status == of_labels)
}

fn label_status(row: &MetadataRow) -> &str {
    row.label_status.as_deref().unwrap_or("NOT_LABELLED")
}

fn row_json<'row>(
    row: &'row MetadataRow,
    parts: &[DataUnit],
    kind: Option<StageKind>,
) -> RowJson<'row> {
    let item = &row.item;
    let properties = &item.properties;
    RowJson {
        label_hash: row.label_hash.as_deref(),
        created_at: row.created_at.map(clock::plain),
        last_edited_at: row.edited_at.map(clock::plain),
        branch_name: MAIN_BRANCH,
        data_hash: &row.data_hash,
        group_hash: row.group_hash.as_deref(),
        dataset_hash: &row.dataset_hash,
        dataset_title: &row.dataset_title,
        data_title: &item.title,
        data_type: item.kind.data_type().to_uppercase(),
        data_link: item.path.as_deref(),
        label_status: label_status(row),
        annotation_task_status: annotation_task_status(kind, &row.task_status),
        is_shadow_data: false,
        is_image_sequence: item.kind == MediaKind::ImageSequence,
        frames_per_second: properties.fps,
        number_of_frames: number_of_frames(item, parts.len()),
        duration: properties.duration,
        height: properties.height,
        width: properties.width,
        audio_sample_rate: properties.audio_sample_rate,
        audio_codec: properties.audio_codec.as_deref(),
        audio_bit_depth: properties.audio_bit_depth,
        audio_num_channels: properties.audio_channels,
        spaces: listed_spaces(item.kind, parts),
        task_uuid: &row.task_uuid,
        priority: (kind != Some(StageKind::Complete)).then_some(row.priority),
        client_metadata: None,
        images_data: None,
        file_type: item.mime_type.as_deref(),
        file_size: properties.size,
        is_valid: true,
        backing_item_uuid: &item.uuid,
        assigned_user_email: row.assignee.as_deref(),
        last_actioned_by_user_email: row.last_actioned_by.as_deref(),
        workflow_graph_node: None,
    }
}

/// The spaces of a data group, which clients want to see with the place for labels, though without any.
fn listed_spaces(kind: MediaKind, parts: &[DataUnit]) -> Map<String, Value> {
    let mut spaces = spaces(kind, parts);
    for (_, space) in &mut spaces {
        space["labels"] = Value::Object(Map::new());
    }
    spaces
}
