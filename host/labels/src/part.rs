//! What a label row, or one of its spaces, can hold: drawn objects on frames, ranges, text of an HTML
//! document, or points of a cloud.

use std::sync::Arc;

use serde_json::Value;

use super::classification::ROOT_SPACE;
use super::error::LabelError;
use super::frames::{self, FrameRange};
use super::index::{List, ROW, scene_key};
use super::row::LabelRow;
use super::space::Space;

/// Of data whose length is not known, so many frames can be given at once: each is written on its own.
const MOST_FRAMES: u64 = 100_000;

/// The row itself, or one of its spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// None is the row itself.
    pub(super) space: Option<Space<'a>>,
    /// The number of the space in the index.
    pub(super) number: u32,
    pub(super) holds: Holds,
}

/// What objects can be in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Drawn ones, on one list for each frame.
    Frames(Frames),
    /// Those that mark ranges, up to the end of the data where that is known. Each shape that they can have.
    Ranges {
        shapes: &'static [&'static str],
        last: Option<u32>,
    },
    /// Those that mark text of an HTML document.
    Html,
    /// Segmentations: sets of points.
    Points,
}

/// Which frames there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// From 0, so many.
    Count(u32),
    /// Those of the data units, each of which is one.
    Units,
    /// Encord does not say how many slices a series has in the end, or how long a scene is.
    Unknown,
}

impl LabelRow {
    /// The part that a caller means: a space by its id, or else the row itself. Of an image with layers
    /// that is the root layer.
    pub(super) fn part(&self, space: Option<&str>) -> Result<Part<'_>, LabelError> {
        match space {
            Some(id) => match self.space(id) {
                Some(space) => self.part_of_space(space),
                None => Err(LabelError::NotFound(format!(
                    "expected the id of a space of the label row of `{}`, found `{id}`",
                    self.data_title()
                ))),
            },
            None => match self.space(ROOT_SPACE) {
                Some(root) => self.part_of_space(root),
                None => self.row_part(),
            },
        }
    }

    /// The part that has a number in the index.
    pub(super) fn part_of_number(&self, number: u32) -> Result<Part<'_>, LabelError> {
        match self.index().space_id(number) {
            Some(id) => self.part(Some(id)),
            None => self.row_part(),
        }
    }

    fn row_part(&self) -> Result<Part<'_>, LabelError> {
        let holds = match self.data_type() {
            "image" | "img_group" => Holds::Frames(Frames::Units),
            "video" | "pdf" | "nifti" => Holds::Frames(Frames::Count(self.number_of_frames())),
            "dicom" => Holds::Frames(Frames::Unknown),
            "scene" if self.is_continuous() => {
                return Err(LabelError::Unsupported(format!(
                    "expected a row with frames, found that the scene `{}` is continuous: its objects \
                     are events",
                    self.data_title()
                )));
            }
            "scene" => Holds::Frames(Frames::Unknown),
            // Whole milliseconds; the end itself is allowed, as it is in the editor.
            "audio" => Holds::Ranges {
                shapes: &["audio"],
                last: self.duration().map(|seconds| (seconds * 1000.0) as u32),
            },
            "time_series" => Holds::Ranges {
                shapes: &["time_range"],
                last: None,
            },
            "plain_text" if self.is_html() => Holds::Html,
            "plain_text" => Holds::Ranges {
                shapes: &["text"],
                last: None,
            },
            "group" => {
                return Err(LabelError::Unsupported(format!(
                    "expected a space of the data group `{}`, found the row itself, which has no \
                     objects of its own\n\
                     help: add objects to one of its spaces",
                    self.data_title()
                )));
            }
            other => {
                return Err(LabelError::Unsupported(format!(
                    "expected a type of data that can have objects, found `{other}`"
                )));
            }
        };
        Ok(Part {
            space: None,
            number: ROW,
            holds,
        })
    }

    fn part_of_space<'a>(&'a self, space: Space<'a>) -> Result<Part<'a>, LabelError> {
        // The Python SDK takes any shape of range in any space of ranges, and reads it, too.
        let shapes = &["audio", "text", "time_range"];
        let frames = space.number_of_frames();
        let holds = match space.space_type() {
            "image" | "scene_image" => Holds::Frames(Frames::Count(1)),
            "video" | "image_sequence" | "pdf" | "medical_file" | "medical_stack" => {
                Holds::Frames(Frames::Count(frames.unwrap_or(0)))
            }
            "audio" => Holds::Ranges {
                shapes,
                last: space
                    .duration_ms()
                    .map(|end| u32::try_from(end).unwrap_or(u32::MAX)),
            },
            "text" | "time_series" => Holds::Ranges { shapes, last: None },
            "html" => Holds::Html,
            "point_cloud" => Holds::Points,
            other => {
                return Err(LabelError::Unsupported(format!(
                    "expected a space of a type that can have objects, found `{other}`"
                )));
            }
        };
        let number = self.index().space(space.id()).unwrap_or(ROW);
        Ok(Part {
            space: Some(space),
            number,
            holds,
        })
    }

    /// The frames, or positions, that a caller means: in ascending order, merged.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if there are none, if a range ends before it starts, or if one does
    /// not exist; [`LabelError::Unsupported`] if the part has neither frames nor positions.
    pub(super) fn check_frames_of(
        &self,
        part: &Part<'_>,
        frames: &[FrameRange],
    ) -> Result<Vec<FrameRange>, LabelError> {
        if frames.is_empty() {
            return Err(LabelError::InvalidArgument(
                "expected at least one range of frames, found an empty list".to_owned(),
            ));
        }
        let merged = in_order(frames)?;
        let last = merged.last().map_or(0, |range| range.end);
        match part.holds {
            Holds::Frames(Frames::Count(count)) if last >= count => {
                Err(no_frame(Some(count), &first_from(&merged, count)))
            }
            Holds::Frames(Frames::Units) => match self.first_missing(&merged) {
                Some(frame) => Err(no_frame(
                    u32::try_from(self.index().number_of_units()).ok(),
                    &frame.to_string(),
                )),
                None => Ok(merged),
            },
            Holds::Frames(Frames::Unknown) if length(&merged) > MOST_FRAMES => {
                Err(LabelError::InvalidArgument(format!(
                    "expected at most {MOST_FRAMES} frames at once, found {}",
                    length(&merged)
                )))
            }
            Holds::Ranges {
                last: Some(end), ..
            } if last > end => Err(LabelError::InvalidArgument(format!(
                "expected a range within 0 to {end}, the length of the data, found {}",
                merged.last().copied().unwrap_or(FrameRange::single(last))
            ))),
            Holds::Html => Err(LabelError::Unsupported(
                "expected data with frames or positions, found an HTML document\n\
                 help: its text is marked by paths of its elements"
                    .to_owned(),
            )),
            _ => Ok(merged),
        }
    }

    /// The first frame that no data unit is.
    fn first_missing(&self, merged: &[FrameRange]) -> Option<u32> {
        let index = self.index();
        // Ends at the first that is missing, so that it takes no longer than there are units.
        let mut frames = merged.iter().flat_map(|range| range.start..=range.end);
        frames.find(|frame| index.unit_of_frame(*frame).is_none())
    }

    /// The size of a frame in pixels, where that is known. Frames may differ in size.
    pub(super) fn size_in(&self, part: &Part<'_>, frame: u32) -> Option<(u32, u32)> {
        if let Some(space) = part.space {
            return space.frame_size(frame);
        }
        let units = self.document.get("data_units")?;
        match self.data_type() {
            "image" | "img_group" => {
                let unit = units.get(&**self.index().unit_of_frame(frame)?)?;
                size(unit).or_else(|| Some((self.width()?, self.height()?)))
            }
            "video" | "nifti" => Some((self.width()?, self.height()?)),
            "dicom" => {
                // Slices of one series may differ.
                let labels = self.only_unit()?.get("labels")?;
                let slice = labels
                    .get(frame.to_string())
                    .and_then(|blob| blob.get("metadata"));
                let of_slice = slice.and_then(size);
                of_slice.or_else(|| Some((self.width()?, self.height()?)))
            }
            // Pages have sizes, but Encord does not say which.
            _ => None,
        }
    }

    /// Where the document has the list of a frame, or is to have it.
    pub(super) fn list_of_frame(&self, part: &Part<'_>, frame: u32) -> List {
        let in_section = |section, unit: &str, key: Option<String>| List {
            section,
            unit: unit.into(),
            key: key.map(Into::into),
        };
        let first_unit = || {
            let units = self.document.get("data_units").and_then(Value::as_object);
            let own = units.and_then(|units| {
                let own = units.get_key_value(self.data_hash());
                let unit = own.or_else(|| units.iter().next())?;
                Some(unit.0.as_str())
            });
            own.unwrap_or_else(|| self.data_hash())
        };
        match (part.space, part.holds) {
            (None, Holds::Frames(Frames::Units)) => List {
                section: "data_units",
                unit: match self.index().unit_of_frame(frame) {
                    Some(unit) => Arc::clone(unit),
                    None => first_unit().into(),
                },
                key: None,
            },
            (None, _) => in_section("data_units", first_unit(), Some(frame.to_string())),
            (Some(space), _) => match space.space_type() {
                "scene_image" => {
                    let key = scene_key(space.json(), "start_frame")
                        .or_else(|| scene_key(space.json(), "event_index"));
                    match key {
                        Some(key) => in_section("data_units", first_unit(), Some(key)),
                        None => in_section("spaces", space.id(), None),
                    }
                }
                "point_cloud" => in_section("spaces", space.id(), None),
                _ => in_section("spaces", space.id(), Some(frame.to_string())),
            },
        }
    }

    /// True for text with the structure of HTML, whose objects mark paths instead of characters.
    pub(super) fn is_html(&self) -> bool {
        let mime = self.only_unit().and_then(|unit| unit.get("data_type"));
        mime.and_then(Value::as_str) == Some("text/html")
    }

    /// True for a scene without frames, such as a recording of sensors.
    pub(super) fn is_continuous(&self) -> bool {
        let scene = self.document.get("scene");
        let continuous = scene.and_then(|scene| scene.get("isContinuous"));
        continuous.and_then(Value::as_bool) == Some(true)
    }
}

/// The same ranges in ascending order, merged.
pub(super) fn in_order(ranges: &[FrameRange]) -> Result<Vec<FrameRange>, LabelError> {
    match ranges.iter().find(|range| range.start > range.end) {
        Some(range) => Err(LabelError::InvalidArgument(format!(
            "expected the end of a range of frames not to be before its start, found {range}"
        ))),
        None => Ok(frames::merged(ranges.to_vec())),
    }
}

/// `width` and `height`, if both are known.
pub(super) fn size(json: &Value) -> Option<(u32, u32)> {
    let pixels = |key| frames::frame(json.get(key)?).filter(|pixels| *pixels > 0);
    Some((pixels("width")?, pixels("height")?))
}

fn length(merged: &[FrameRange]) -> u64 {
    let lengths = merged
        .iter()
        .map(|range| u64::from(range.end - range.start) + 1);
    lengths.sum()
}

/// What stands in a message for the first frame from `count` on.
fn first_from(merged: &[FrameRange], count: u32) -> String {
    let beyond = merged.iter().find(|range| range.end >= count);
    let frame = beyond.map_or(count, |range| range.start.max(count));
    frame.to_string()
}

pub(super) fn no_frame(number_of_frames: Option<u32>, found: &str) -> LabelError {
    let expected = match number_of_frames.and_then(|count| count.checked_sub(1)) {
        Some(last) => format!("from 0 to {last}"),
        None => "of the data, which has none".to_owned(),
    };
    LabelError::InvalidArgument(format!("expected a frame {expected}, found {found}"))
}
