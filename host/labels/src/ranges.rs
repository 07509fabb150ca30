//! Objects that mark ranges instead of being drawn: time of audio, characters of text, text of HTML
//! documents, points of a cloud.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::LabelError;
use super::feature::shapes_listed;
use super::frames::{self, FrameRange};
use super::html::{self, HtmlRange};
use super::index::{Drawn, Indexed, ROW, is_range};
use super::ontology::OntologyObject;
use super::part::{Holds, Part};
use super::rle;
use super::row::LabelRow;
use super::time;
use super::write::{Form, section, segmentation, set_placed, whole_object};

/// The one list of a point cloud stands for this frame in the index.
const NO_FRAME: u32 = 0;

/// What an object is to mark, in the form in which the document has it.
struct Marks {
    /// For the entry of its space, or of the row itself.
    ranges: Value,
    /// `frame` or `html`.
    kind: &'static str,
    /// Of points, which are written beside their entry.
    points: Option<String>,
}

impl LabelRow {
    /// Adds an object that marks ranges and returns its object hash: of audio in milliseconds, of text in
    /// characters, of a time series in its own unit, of a point cloud in positions of points, both ends
    /// included. Its confidence is 1, and it is not marked as made by a person.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the feature is unknown, ambiguous, archived or of a shape that
    /// the data does not have, if there are no ranges, if one ends before it starts, or after the end of
    /// the data, where that is known; [`LabelError::Unsupported`] if the type of data has no such objects;
    /// [`LabelError::NotFound`] if there is no such space.
    pub fn add_ranges(
        &mut self,
        feature: &str,
        ranges: &[FrameRange],
        space: Option<&str>,
    ) -> Result<String, LabelError> {
        let part = self.part(space)?;
        let shapes = self.range_shapes(&part)?;
        let object = self.ontology.object_feature(feature, shapes)?;
        let marks = self.marks(&part, ranges)?;
        let hash = self.new_hash();
        let (number, holds, object) = (part.number, part.holds, object.clone());
        self.mark(&hash, &object, number, holds, marks);
        Ok(hash)
    }

    /// Adds an object that marks text in an HTML document and returns its object hash.
    ///
    /// # Errors
    /// As [`add_ranges`](Self::add_ranges); [`LabelError::InvalidArgument`] if there are no ranges, or if
    /// one has an empty path.
    pub fn add_html_ranges(
        &mut self,
        feature: &str,
        ranges: &[HtmlRange],
        space: Option<&str>,
    ) -> Result<String, LabelError> {
        let part = self.part(space)?;
        self.refuse_other_than_html(&part)?;
        let object = self.ontology.object_feature(feature, &["text"])?;
        html::check(ranges)?;
        let hash = self.new_hash();
        let (number, holds, object) = (part.number, part.holds, object.clone());
        self.mark(&hash, &object, number, holds, html_marks(number, ranges));
        Ok(hash)
    }

    /// Replaces the ranges that an object marks. An object of another space comes into `space`, too; none
    /// is where the object is.
    ///
    /// # Errors
    /// As [`add_ranges`](Self::add_ranges); [`LabelError::NotFound`] if the row has no such object;
    /// [`LabelError::InvalidArgument`] if no space is given and it is in several.
    pub fn set_ranges(
        &mut self,
        object_hash: &str,
        ranges: &[FrameRange],
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let indexed = self.indexed(object_hash)?;
        let part = self.part_given_or_of(indexed, space)?;
        let shapes = self.range_shapes(&part)?;
        let object = self.ontology_object_of(indexed)?;
        check_shape(object, shapes)?;
        let marks = self.marks(&part, ranges)?;
        let (number, holds, object) = (part.number, part.holds, object.clone());
        self.mark(object_hash, &object, number, holds, marks);
        Ok(())
    }

    /// Replaces the text that an object marks in an HTML document. As [`set_ranges`](Self::set_ranges).
    ///
    /// # Errors
    /// As [`add_html_ranges`](Self::add_html_ranges) and [`set_ranges`](Self::set_ranges).
    pub fn set_html_ranges(
        &mut self,
        object_hash: &str,
        ranges: &[HtmlRange],
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let indexed = self.indexed(object_hash)?;
        let part = self.part_given_or_of(indexed, space)?;
        self.refuse_other_than_html(&part)?;
        let object = self.ontology_object_of(indexed)?;
        check_shape(object, &["text"])?;
        html::check(ranges)?;
        let (number, holds, object) = (part.number, part.holds, object.clone());
        self.mark(
            object_hash,
            &object,
            number,
            holds,
            html_marks(number, ranges),
        );
        Ok(())
    }

    /// Takes an object from ranges of a part without frames, or from all of it.
    pub(super) fn remove_ranges(
        &mut self,
        hash: &str,
        number: u32,
        holds: Holds,
        ranges: Option<&[FrameRange]>,
    ) -> Result<(), LabelError> {
        let Some(taken) = ranges else {
            self.remove_from_part(hash, number);
            return Ok(());
        };
        let held = match holds {
            Holds::Html => {
                return Err(LabelError::Unsupported(
                    "expected ranges of audio, text, a time series or points, found an HTML document\n\
                     help: set the text that is to be left"
                        .to_owned(),
                ));
            }
            Holds::Points => match self.segmentation_of(hash, number) {
                Some((_, text)) => rle::to_ranges(text)?,
                None => Vec::new(),
            },
            _ => {
                let json = self.ranges_json(hash, self.index().space_id(number));
                if !frames::fits(json) {
                    return Err(LabelError::Unsupported(format!(
                        "expected ranges up to {}, found that `{hash}` has one beyond",
                        u32::MAX
                    )));
                }
                frames::from_json(json)
            }
        };
        let left = frames::difference(&held, taken);
        if left == held {
            return Ok(());
        }
        if left.is_empty() {
            self.remove_from_part(hash, number);
            return Ok(());
        }
        let now = Value::from(time::long_form(Timestamp::now()));
        if let Some((drawn, _)) = self.segmentation_of(hash, number) {
            let (document, index) = self.parts_mut();
            if let Some(Value::Object(json)) = index.resolve_mut(document, drawn) {
                json.insert("segmentation".to_owned(), rle::of_ranges(&left).into());
                json.insert("lastEditedAt".to_owned(), now);
            }
            return Ok(());
        }
        let (document, index) = self.parts_mut();
        if let Some(Value::Object(entry)) = section(document, "object_answers").get_mut(hash) {
            set_placed(
                entry,
                index.space_id(number),
                frames::to_json(&left),
                "frame",
            );
            entry.insert("lastEditedAt".to_owned(), now);
        }
        Ok(())
    }

    /// The spaces in which an object marks ranges, by its entry in `object_answers`.
    pub(super) fn placed_spaces(&self, hash: &str) -> impl Iterator<Item = &str> {
        let spaces = self.whole_entry(hash).and_then(|entry| entry.get("spaces"));
        let spaces = spaces.and_then(Value::as_object);
        spaces
            .into_iter()
            .flat_map(|spaces| spaces.keys().map(String::as_str))
    }

    /// True if an object marks ranges anywhere.
    pub(super) fn is_placed(&self, hash: &str) -> bool {
        let Some(entry) = self.whole_entry(hash) else {
            return false;
        };
        let is_full = |key: &str| match entry.get(key) {
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            _ => false,
        };
        is_full("range") || is_full("range_html") || is_full("spaces")
    }

    /// What an object marks in a space, or in the row itself, as the document has it.
    pub(super) fn ranges_json(&self, hash: &str, space: Option<&str>) -> Option<&Value> {
        let entry = self.whole_entry(hash)?;
        match space {
            Some(space) => entry.get("spaces")?.get(space)?.get("range"),
            None => entry.get("range"),
        }
    }

    /// The encoded points of a segmentation in a space.
    pub(super) fn segmentation_of(&self, hash: &str, number: u32) -> Option<(Drawn, &str)> {
        let drawn = self.index().object(hash)?.drawings_in(number).first()?;
        let json = self.index().resolve(&self.document, *drawn)?;
        Some((*drawn, json.get("segmentation")?.as_str()?))
    }

    /// The entry in `object_answers` of an object that is whole there.
    fn whole_entry(&self, hash: &str) -> Option<&Value> {
        let entry = self.document.get("object_answers")?.get(hash)?;
        is_range(entry).then_some(entry)
    }

    fn part_given_or_of(
        &self,
        indexed: &Indexed,
        space: Option<&str>,
    ) -> Result<Part<'_>, LabelError> {
        match space {
            Some(_) => self.part(space),
            None => self.part_of(indexed),
        }
    }

    fn range_shapes(&self, part: &Part<'_>) -> Result<&'static [&'static str], LabelError> {
        let help = match part.holds {
            Holds::Ranges { shapes, .. } => return Ok(shapes),
            Holds::Points => return Ok(&["segmentation"]),
            Holds::Frames(_) => "its objects are drawn on frames",
            Holds::Html => "its objects mark ranges of the HTML document",
        };
        Err(LabelError::Unsupported(format!(
            "expected audio, text, a time series or a point cloud to mark ranges in, found {}\n\
             help: {help}",
            self.described(part)
        )))
    }

    fn refuse_other_than_html(&self, part: &Part<'_>) -> Result<(), LabelError> {
        if part.holds == Holds::Html {
            return Ok(());
        }
        Err(LabelError::Unsupported(format!(
            "expected an HTML document to mark text in, found {}",
            self.described(part)
        )))
    }

    fn marks(&self, part: &Part<'_>, ranges: &[FrameRange]) -> Result<Marks, LabelError> {
        let ranges = self.check_frames_of(part, ranges)?;
        let points = (part.holds == Holds::Points).then(|| rle::of_ranges(&ranges));
        Ok(Marks {
            ranges: match points {
                Some(_) => json!([]),
                None => frames::to_json(&ranges),
            },
            kind: "frame",
            points,
        })
    }

    /// Writes what an object marks in a part, in place of what it marked there. One that the row does not
    /// have is added.
    fn mark(
        &mut self,
        hash: &str,
        object: &OntologyObject,
        number: u32,
        holds: Holds,
        marks: Marks,
    ) {
        let now = time::long_form(Timestamp::now());
        let is_new = self.index().object(hash).is_none();
        let drawn = self.segmentation_of(hash, number).map(|(drawn, _)| drawn);
        let list = match self.part_of_number(number) {
            Ok(part) => self.list_of_frame(&part, NO_FRAME),
            // The callers have looked the part up.
            Err(_) => return,
        };
        let (document, index) = self.parts_mut();
        let form = match holds {
            Holds::Points => Form::Points,
            Holds::Html if number == ROW => Form::Html,
            _ if number == ROW => Form::Row,
            _ => Form::Space,
        };
        let entries = section(document, "object_answers");
        let entry = entries
            .entry(hash)
            .or_insert_with(|| Value::Object(whole_object(object, hash, &now, form)));
        if let Value::Object(entry) = entry {
            set_placed(entry, index.space_id(number), marks.ranges, marks.kind);
            if !is_new {
                entry.insert("lastEditedAt".to_owned(), now.as_str().into());
            }
        }
        if is_new {
            index.add_object(hash, Vec::new());
        }
        let Some(points) = marks.points else {
            return;
        };
        match drawn {
            Some(drawn) => {
                if let Some(Value::Object(json)) = index.resolve_mut(document, drawn) {
                    json.insert("segmentation".to_owned(), points.into());
                    json.insert("lastEditedAt".to_owned(), now.into());
                }
            }
            None => {
                let json = segmentation(object, hash, &points, &now);
                let drawn = index.append(document, number, NO_FRAME, || list, json);
                index.add_drawings(hash, vec![drawn]);
            }
        }
    }

    /// Takes an object out of a part without frames, and out of the row if it is nowhere else.
    fn remove_from_part(&mut self, hash: &str, number: u32) {
        let Some(indexed) = self.index().object(hash) else {
            return;
        };
        let drawn = indexed.drawings_in(number).to_vec();
        let is_elsewhere = drawn.len() < indexed.drawings().len();
        let space = self.index().space_id(number).map(str::to_owned);
        let is_placed = match &space {
            Some(space) => self.placed_spaces(hash).any(|placed| placed == space),
            None => self.is_placed(hash),
        };
        if drawn.is_empty() && !is_placed {
            return;
        }
        let (document, index) = self.parts_mut();
        index.take(document, hash, &drawn);
        if let Some(Value::Object(entry)) = section(document, "object_answers").get_mut(hash) {
            match &space {
                Some(space) => {
                    if let Some(Value::Object(spaces)) = entry.get_mut("spaces") {
                        spaces.shift_remove(space);
                    }
                }
                None => {
                    for key in ["range", "range_html"] {
                        if let Some(ranges) = entry.get_mut(key) {
                            *ranges = json!([]);
                        }
                    }
                }
            }
        }
        if is_elsewhere || self.is_placed(hash) {
            self.clip_answers(hash);
        } else {
            self.remove_object(hash);
        }
    }
}

fn check_shape(object: &OntologyObject, shapes: &[&str]) -> Result<(), LabelError> {
    if shapes.contains(&object.shape.as_str()) {
        return Ok(());
    }
    Err(LabelError::InvalidArgument(format!(
        "expected an object of shape {}, found one of `{}`, of shape `{}`",
        shapes_listed(shapes),
        object.name,
        object.shape
    )))
}

fn html_marks(number: u32, ranges: &[HtmlRange]) -> Marks {
    Marks {
        ranges: if number == ROW {
            html::to_json(ranges)
        } else {
            html::to_space_json(ranges)
        },
        kind: "html",
        points: None,
    }
}
