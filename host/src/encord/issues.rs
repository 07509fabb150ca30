//! Issues: comments that people and agents pin to a data unit.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::bundle::{self, MOST_PER_REQUEST};
use super::client::{Client, done, json, nothing};
use super::error::Error;
use super::lenient::{self, readable};
use super::operation;
use super::time::normalise;
use super::wire::Page;

/// An issue to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIssue {
    /// The data unit.
    pub data_hash: Uuid,
    /// What of it the issue is about.
    pub anchor: IssueAnchor,
    /// The text.
    pub comment: String,
    /// Names of the project's issue tags. May be empty.
    pub tags: Vec<String>,
}

/// What a new issue is pinned to. A space identifier belongs to data units that have spaces (data groups,
/// scenes), and to no others. Frames count from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum IssueAnchor {
    /// The data unit as a whole.
    DataUnit {
        /// The space.
        space_id: Option<String>,
    },
    /// A frame.
    Frame {
        /// Which.
        frame: u32,
        /// The space.
        space_id: Option<String>,
    },
    /// A point of a frame.
    FrameCoordinate {
        /// Which frame.
        frame: u32,
        /// From 0 at the left to 1 at the right.
        x: f64,
        /// From 0 at the top to 1 at the bottom.
        y: f64,
        /// The space.
        space_id: Option<String>,
    },
    /// A point of a scene, in the scene's own units.
    SceneCoordinate {
        /// Which frame.
        frame: u32,
        /// The x coordinate.
        x: f64,
        /// The y coordinate.
        y: f64,
        /// The z coordinate.
        z: f64,
    },
    /// An object or a classification.
    Annotation {
        /// Its object hash or classification hash.
        hash: String,
        /// Only these frames of it; absent for all.
        frames: Option<Vec<RangeInclusive<u32>>>,
        /// The space.
        space_id: Option<String>,
    },
}

/// An issue as Encord lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Its identifier.
    pub uuid: Uuid,
    /// The data unit.
    pub data_hash: Uuid,
    /// What it is pinned to: `dataUnit`, `frame`, `frameCoordinate`, `sceneCoordinate`, `frameRange`,
    /// `annotation`, … It says which of the next five are there.
    pub anchor_type: String,
    /// The frame, counted from 0.
    pub frame: Option<u32>,
    /// The frames, both ends included.
    pub frames: Vec<RangeInclusive<u32>>,
    /// The point.
    pub coordinate: Option<IssueCoordinate>,
    /// The object hash or classification hash.
    pub annotation_hash: Option<String>,
    /// The space.
    pub space_id: Option<String>,
    /// The thread, in Encord's order.
    pub comments: Vec<IssueComment>,
    /// Its tags.
    pub tags: Vec<IssueTag>,
    /// When it was resolved and reopened, in Encord's order. The last entry holds.
    pub resolution_history: Vec<IssueResolution>,
}

/// A point of a frame (from 0 to 1) or of a scene (in its own units).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IssueCoordinate {
    /// The x coordinate.
    pub x: f64,
    /// The y coordinate.
    pub y: f64,
    /// The z coordinate, in scenes.
    pub z: Option<f64>,
}

/// A comment of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueComment {
    /// The text.
    pub content: String,
    /// The author's e-mail address.
    pub author_email: String,
    /// Timestamp.
    pub created_at: String,
}

/// A tag of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueTag {
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
}

/// One time that an issue was resolved or reopened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueResolution {
    /// Whether it was resolved.
    pub is_resolved: bool,
    /// Timestamp.
    pub created_at: String,
    /// E-mail address of who did it.
    pub actor_email: Option<String>,
}

impl Client {
    /// Creates issues. Errors: [`super::ErrorKind::InvalidArguments`], with nothing sent, if an anchor cannot be;
    /// for other errors see [`Error::may_have_been_applied`].
    pub async fn create_issues(&self, project: Uuid, issues: &[NewIssue]) -> Result<(), Error> {
        let issues = issues
            .iter()
            .map(WireNewIssue::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| {
                Error::invalid(self.transport.context(&operation::CREATE_ISSUES), problem)
            })?;
        let path = format!("projects/{project}/issues");
        for issues in issues.chunks(MOST_PER_REQUEST) {
            let body = json(&CreateIssues { issues });
            self.transport
                .post(&operation::CREATE_ISSUES, &path, body, nothing)
                .await?;
        }
        Ok(())
    }

    /// All issues of a data unit, in Encord's order.
    pub async fn issues(&self, project: Uuid, data_hash: Uuid) -> Result<Vec<Issue>, Error> {
        let path = format!("projects/{project}/issues");
        let query = format!("dataUnitId={data_hash}");
        self.all_pages(&operation::LIST_ISSUES, &path, &query, issue_page)
            .await
    }

    /// Deletes issues. Encord deletes all of a request (up to 1000) or none. Authors may delete their own, other
    /// than those of annotations; the project's admins all.
    pub async fn delete_issues(&self, project: Uuid, issues: &[Uuid]) -> Result<(), Error> {
        for chunk in issues.chunks(MOST_PER_REQUEST) {
            self.delete_issues_request(project, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::delete_issues`], with a result for each.
    pub async fn delete_issues_each(
        &self,
        project: Uuid,
        issues: &[Uuid],
    ) -> Vec<Result<(), Arc<Error>>> {
        bundle::each(issues.len(), MOST_PER_REQUEST, |part| async move {
            self.delete_issues_request(project, &issues[part.clone()])
                .await?;
            Ok(done(part))
        })
        .await
    }

    async fn delete_issues_request(
        &self,
        project: Uuid,
        issue_uuids: &[Uuid],
    ) -> Result<(), Error> {
        let path = format!("projects/{project}/issues/delete");
        let body = json(&DeleteIssues { issue_uuids });
        self.transport
            .post(&operation::DELETE_ISSUES, &path, body, nothing)
            .await
    }
}

// ---- The JSON ----------------------------------------------------------------------------------------

#[derive(Serialize)]
struct CreateIssues<'a> {
    issues: &'a [WireNewIssue<'a>],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeleteIssues<'a> {
    issue_uuids: &'a [Uuid],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireNewIssue<'a> {
    anchor: WireAnchor<'a>,
    comment: &'a str,
    issue_tags: &'a [String],
}

/// What is absent is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAnchor<'a> {
    r#type: &'static str,
    data_uuid: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    space_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    z: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_ranges: Option<Vec<WireRange>>,
}

#[derive(Deserialize, Serialize)]
struct WireRange {
    start: u32,
    end: u32,
}

impl<'a> WireNewIssue<'a> {
    /// Errors: in words, why the anchor cannot be.
    fn new(issue: &'a NewIssue) -> Result<Self, String> {
        let anchor = match &issue.anchor {
            IssueAnchor::DataUnit { space_id } => WireAnchor {
                r#type: "dataUnit",
                space_id: space_id.as_deref(),
                ..WireAnchor::default()
            },
            IssueAnchor::Frame { frame, space_id } => WireAnchor {
                r#type: "frame",
                frame_index: Some(*frame),
                space_id: space_id.as_deref(),
                ..WireAnchor::default()
            },
            IssueAnchor::FrameCoordinate {
                frame,
                x,
                y,
                space_id,
            } => WireAnchor {
                r#type: "frameCoordinate",
                frame_index: Some(*frame),
                x: Some(finite(*x)?),
                y: Some(finite(*y)?),
                space_id: space_id.as_deref(),
                ..WireAnchor::default()
            },
            IssueAnchor::SceneCoordinate { frame, x, y, z } => WireAnchor {
                r#type: "sceneCoordinate",
                frame_index: Some(*frame),
                x: Some(finite(*x)?),
                y: Some(finite(*y)?),
                z: Some(finite(*z)?),
                ..WireAnchor::default()
            },
            IssueAnchor::Annotation {
                hash,
                frames,
                space_id,
            } => WireAnchor {
                r#type: "annotation",
                annotation_id: Some(hash),
                frame_ranges: frames.as_deref().map(ranges).transpose()?,
                space_id: space_id.as_deref(),
                ..WireAnchor::default()
            },
        };
        Ok(WireNewIssue {
            anchor: WireAnchor {
                data_uuid: issue.data_hash,
                ..anchor
            },
            comment: &issue.comment,
            issue_tags: &issue.tags,
        })
    }
}

/// JSON has no NaN: it would be sent as null, which may mean anything.
fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err(format!("expected a coordinate of an issue, found {number}"))
    }
}

fn ranges(frames: &[RangeInclusive<u32>]) -> Result<Vec<WireRange>, String> {
    if frames.is_empty() {
        return Err(
            "expected frames of an annotation, found none; leave them out for all".to_owned(),
        );
    }
    frames
        .iter()
        .map(|range| {
            let (start, end) = (*range.start(), *range.end());
            if start <= end {
                Ok(WireRange { start, end })
            } else {
                Err(format!(
                    "expected a range of frames that ends after it begins, found {start} to {end}"
                ))
            }
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIssue {
    uuid: Uuid,
    data_uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    r#type: String,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    frame_index: Option<u32>,
    #[serde(default, deserialize_with = "lenient::list")]
    frame_ranges: Vec<Value>,
    coordinate: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    annotation_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    space_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    comments: Vec<Value>,
    #[serde(default, deserialize_with = "lenient::list")]
    tags: Vec<Value>,
    #[serde(default, deserialize_with = "lenient::list")]
    resolution_history: Vec<Value>,
}

#[derive(Deserialize)]
struct WireCoordinate {
    x: f64,
    y: f64,
    z: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireComment {
    #[serde(default, deserialize_with = "lenient::text")]
    content: String,
    #[serde(default, deserialize_with = "lenient::text")]
    author_email: String,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
}

#[derive(Deserialize)]
struct WireTag {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResolution {
    is_resolved: bool,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    actor_email: Option<String>,
}

impl From<WireIssue> for Issue {
    fn from(wire: WireIssue) -> Self {
        Issue {
            uuid: wire.uuid,
            data_hash: wire.data_uuid,
            anchor_type: wire.r#type,
            frame: wire.frame_index,
            frames: readable("range of frames", wire.frame_ranges, |range: WireRange| {
                range.start..=range.end
            }),
            coordinate: wire
                .coordinate
                .and_then(|coordinate| WireCoordinate::deserialize(coordinate).ok())
                .map(|WireCoordinate { x, y, z }| IssueCoordinate { x, y, z }),
            annotation_hash: wire.annotation_id,
            space_id: wire.space_id,
            comments: readable("comment", wire.comments, |comment: WireComment| {
                IssueComment {
                    content: comment.content,
                    author_email: comment.author_email,
                    created_at: normalise(&comment.created_at),
                }
            }),
            tags: readable("issue tag", wire.tags, |tag: WireTag| IssueTag {
                uuid: tag.uuid,
                name: tag.name,
            }),
            resolution_history: readable(
                "resolution",
                wire.resolution_history,
                |resolution: WireResolution| IssueResolution {
                    is_resolved: resolution.is_resolved,
                    created_at: normalise(&resolution.created_at),
                    actor_email: resolution.actor_email,
                },
            ),
        }
    }
}

fn issue_page(body: &[u8]) -> Result<Page<Issue>, serde_json::Error> {
    let page: Page<Value> = serde_json::from_slice(body)?;
    Ok(Page {
        results: readable("issue", page.results, |wire: WireIssue| Issue::from(wire)),
        next_page_token: page.next_page_token,
    })
}

#[cfg(test)]
#[path = "issues_tests.rs"]
mod tests;
