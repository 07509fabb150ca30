//! Where a classification may be: on the row itself or in its spaces, and on which frames there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answering::{Order, checked_ranges};
use super::classification::ROOT_SPACE;
use super::edit::no_frame;
use super::error::{LabelError, listed};
use super::frames::{self, FrameRange};
use super::index::members;
use super::ontology::OntologyClassification;
use super::row::LabelRow;
use super::time;

/// Where a classification is to be: on the row itself, or in one of its spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Row,
    Space { id: &'a str, kind: SpaceKind },
}

/// How classifications hold in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpaceKind {
    /// On frames, of which there are so many, if that is known.
    Frames(Option<u32>),
    /// For the whole of it.
    Whole,
    /// Likewise, in a document of HTML.
    Html,
}

impl<'a> Place<'a> {
    /// The id of the space. What is on the root layer stands in the document as if it were on the row.
    pub(super) fn id(self) -> &'a str {
        match self {
            Place::Row => ROOT_SPACE,
            Place::Space { id, .. } => id,
        }
    }

    /// The order of the answers of a classification that is made there.
    pub(super) fn order(self) -> Order {
        match self {
            Place::Space {
                kind: SpaceKind::Frames(_),
                ..
            } => Order::RootFirst,
            _ => Order::DeepestFirst,
        }
    }

    /// A new entry of `classification_answers`, its keys in the order in which the Python SDK writes them
    /// for this place.
    pub(super) fn entry(
        self,
        classification: &OntologyClassification,
        hash: &str,
        answers: Vec<Value>,
        ranges: &[FrameRange],
    ) -> Value {
        let now = time::long_form(Timestamp::now());
        let on_row = self.id() == ROOT_SPACE;
        let range = frames::to_json(if on_row { ranges } else { &[] });
        let spaces = match self {
            Place::Space { id, .. } if !on_row => json!({ id: self.in_space(ranges) }),
            _ => json!({}),
        };
        let feature_hash = &classification.feature_hash;
        match self {
            Place::Row => json!({
                "classifications": answers,
                "classificationHash": hash,
                "featureHash": feature_hash,
                "spaces": spaces,
                "range": range,
                "createdBy": null,
                "createdAt": now,
                "lastEditedBy": null,
                "lastEditedAt": now,
                "confidence": 1.0,
                "manualAnnotation": false,
            }),
            Place::Space {
                kind: SpaceKind::Whole | SpaceKind::Html,
                ..
            } if !classification.global => json!({
                "classifications": answers,
                "classificationHash": hash,
                "featureHash": feature_hash,
                "range": range,
                "createdBy": null,
                "createdAt": now,
                "lastEditedBy": null,
                "lastEditedAt": now,
                "manualAnnotation": false,
                "confidence": 1.0,
                "spaces": spaces,
            }),
            Place::Space { .. } => json!({
                "classifications": answers,
                "classificationHash": hash,
                "featureHash": feature_hash,
                "spaces": spaces,
                "createdBy": null,
                "createdAt": now,
                "lastEditedBy": null,
                "lastEditedAt": now,
                "confidence": 1.0,
                "manualAnnotation": false,
                "range": range,
            }),
        }
    }

    /// Writes into an entry where it holds here.
    pub(super) fn write(self, entry: &mut Value, ranges: &[FrameRange]) {
        let Some(entry) = entry.as_object_mut() else {
            return;
        };
        if self.id() == ROOT_SPACE {
            entry.insert("range".to_owned(), frames::to_json(ranges));
            return;
        }
        let spaces = entry.entry("spaces").or_insert_with(|| json!({}));
        if !spaces.is_object() {
            *spaces = json!({});
        }
        let Some(spaces) = spaces.as_object_mut() else {
            return;
        };
        let new = self.in_space(ranges);
        match (spaces.get_mut(self.id()), new) {
            (Some(Value::Object(place)), Value::Object(new)) => place.extend(new),
            (_, new) => {
                spaces.insert(self.id().to_owned(), new);
            }
        }
    }

    fn in_space(self, ranges: &[FrameRange]) -> Value {
        let kind = match self {
            Place::Space {
                kind: SpaceKind::Html,
                ..
            } => "html",
            _ => "frame",
        };
        json!({ "range": frames::to_json(ranges), "type": kind })
    }
}

impl LabelRow {
    /// A place by the id of its space. In the document, the root layer is the row itself.
    pub(super) fn place<'s>(&self, space: Option<&'s str>) -> Result<Place<'s>, LabelError> {
        let Some(id) = space else {
            self.refuse_layers()?;
            return Ok(Place::Row);
        };
        let json = self.space_json(id)?;
        let number = |key: &str| frames::frame(json.get(key)?);
        let kind = match json.get("space_type").and_then(Value::as_str) {
            Some("image" | "scene_image") => SpaceKind::Frames(Some(1)),
            Some("video" | "image_sequence" | "medical_file" | "medical_stack" | "pdf") => {
                let listed = json.get("frames").and_then(Value::as_array);
                let listed = listed.and_then(|frames| u32::try_from(frames.len()).ok());
                let number = number("number_of_frames").or_else(|| number("number_of_pages"));
                SpaceKind::Frames(number.or(listed))
            }
            Some("audio" | "time_series" | "text" | "point_cloud") => SpaceKind::Whole,
            Some("html") => SpaceKind::Html,
            other => {
                return Err(LabelError::Unsupported(format!(
                    "expected a space of a type that is known for a classification, found `{id}` of the \
                     type `{}`",
                    other.unwrap_or_default()
                )));
            }
        };
        Ok(Place::Space { id, kind })
    }

    /// A space by its id.
    pub(super) fn space_json(&self, id: &str) -> Result<&Value, LabelError> {
        let spaces = self.document.get("spaces");
        spaces.and_then(|spaces| spaces.get(id)).ok_or_else(|| {
            let spaces = members(&self.document, "spaces");
            LabelError::NotFound(format!(
                "expected a space of the label row of `{}`, found `{id}`; it has {}",
                self.data_title(),
                listed(spaces.map(|(space, _)| space.as_str()))
            ))
        })
    }

    /// Where a classification is to hold: what was asked for, checked, or what is meant without it.
    pub(super) fn frames_of(
        &self,
        classification: &OntologyClassification,
        frames: Option<&[FrameRange]>,
        place: Place<'_>,
    ) -> Result<Vec<FrameRange>, LabelError> {
        if classification.global {
            return match frames {
                None | Some([]) => Ok(Vec::new()),
                Some([first, ..]) => Err(LabelError::InvalidArgument(format!(
                    "expected no frames for the global classification `{}`, which holds for the whole \
                     data unit, found frames {first}",
                    classification.title
                ))),
            };
        }
        let last = match place {
            Place::Row => self.last_position()?,
            Place::Space { kind, id } => match (kind, frames) {
                (SpaceKind::Frames(count), _) => count.map(|count| count.saturating_sub(1)),
                (SpaceKind::Whole | SpaceKind::Html, None) => return Ok(Vec::new()),
                (SpaceKind::Whole | SpaceKind::Html, Some(_)) => {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected no frames for `{}` in the space `{id}`, where classifications hold for \
                         everything, found some",
                        classification.title
                    )));
                }
            },
        };
        let Some(frames) = frames else {
            return Ok(vec![match place {
                Place::Row => self.everything(last),
                Place::Space { .. } => FrameRange::single(0),
            }]);
        };
        if frames.is_empty() {
            return Err(LabelError::InvalidArgument(format!(
                "expected at least one range of frames for `{}`, found an empty list",
                classification.title
            )));
        }
        let frames = checked_ranges(frames)?;
        match (last, frames.last()) {
            (Some(last), Some(range)) if range.end > last => {
                if place == Place::Row && self.is_range_data() {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected a range within 0 to {last}, the length of the data, found {range}"
                    )));
                }
                Err(no_frame(last + 1, range.end))
            }
            _ => Ok(frames),
        }
    }

    /// The last frame, or millisecond, that a range may end in; none if it is not known.
    fn last_position(&self) -> Result<Option<u32>, LabelError> {
        match self.data_type() {
            "image" | "img_group" | "video" | "pdf" | "nifti" => {
                Ok(Some(self.number_of_frames().saturating_sub(1)))
            }
            // Encord does not say how many slices a series has in the end.
            "dicom" => Ok(None),
            // Whole milliseconds; the end itself is allowed, as it is in the editor.
            "audio" => Ok(self.duration().map(|seconds| (seconds * 1000.0) as u32)),
            "time_series" | "plain_text" => Ok(None),
            other => Err(LabelError::Unsupported(format!(
                "expected a row with frames of its own for a classification that is not global, found \
                 a row of type `{other}`"
            ))),
        }
    }

    /// Frame 0 of data with frames. Of audio, every millisecond; of text, which has no known length, the
    /// range that the Python SDK writes for the whole file.
    fn everything(&self, last: Option<u32>) -> FrameRange {
        match (self.data_type(), last) {
            ("audio", Some(last)) => FrameRange {
                start: 0,
                end: last.saturating_sub(1),
            },
            _ => FrameRange::single(0),
        }
    }

    /// A classification may be given once per frame of a place, a global one once.
    pub(super) fn refuse_second(
        &self,
        classification: &OntologyClassification,
        frames: &[FrameRange],
        place: Place<'_>,
    ) -> Result<(), LabelError> {
        let (feature_hash, space) = (&classification.feature_hash, place.id());
        let of_space = match place {
            Place::Row => String::new(),
            Place::Space { id, .. } => format!(" of the space `{id}`"),
        };
        let taken = if frames.is_empty() {
            let is_in = self.placed().is_in(feature_hash, space);
            let whole = match place {
                Place::Row => "the whole data unit".to_owned(),
                Place::Space { .. } => format!("the whole{of_space}"),
            };
            is_in.then_some(whole)
        } else {
            let common = self.placed().common(feature_hash, space, frames);
            common.map(|range| format!("frames {range}{of_space}"))
        };
        match taken {
            None => Ok(()),
            Some(taken) => Err(LabelError::InvalidArgument(format!(
                "expected `{}` not to be given yet on {taken}, found that the label row has it there",
                classification.title
            ))),
        }
    }
}
