//! Copying the labels of one row into another.
//!
//! Everything is planned first, and written when nothing can fail any more. What is copied is the JSON of the
//! source, with names, colours and hashes of the target's ontology, so that what is not known here comes along.

mod plan;
mod relabel;

use std::sync::Arc;

use super::error::LabelError;
use super::index::Drawn;
use super::matching::Matching;
use super::row::LabelRow;
use super::write::section;
use plan::{Copies, Drawing, Plan};

/// What became of [`LabelRow::copy_labels`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copied {
    /// How many objects were copied.
    pub objects: u32,
    /// How many classifications were copied.
    pub classifications: u32,
    /// A sentence for each feature, attribute or option that was left out, with its name and the reason.
    pub left_out: Vec<String>,
}

impl LabelRow {
    /// Copies all objects and classifications of another row into this one.
    ///
    /// Without `features`, a feature stands for the one of the same feature hash and shape in this row's
    /// ontology or, if there is none, for the one of the same name and shape that is not archived; their
    /// attributes and options likewise. With `features`, pairs of a feature of `source` and one of this row,
    /// each by feature hash or name: only objects and classifications that are in a pair are copied;
    /// attributes and options may be in pairs too, and are found as above if they are not. What finds no
    /// feature is left out, and told. Labels of a space go into the one of the same id or, if there is
    /// none, of the same layout key.
    ///
    /// A copy keeps its hash unless this row has it already, its authors, its times and its confidence. An
    /// object number and reviews are not kept.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if a pair names what is not there or joins different shapes, if the
    /// row is of another type of data, if it lacks a frame or a space that is needed or has it in another
    /// size than a bitmask, or if it already has a classification on one of the frames. Nothing is copied
    /// then.
    pub fn copy_labels(
        &mut self,
        source: &LabelRow,
        features: Option<&[(String, String)]>,
    ) -> Result<Copied, LabelError> {
        if self.data_type() != source.data_type() {
            return Err(LabelError::InvalidArgument(format!(
                "expected labels of a row of type `{}`, which `{}` is, found those of `{}` of type `{}`",
                self.data_type(),
                self.data_title(),
                source.data_title(),
                source.data_type()
            )));
        }
        let (from, to) = (Arc::clone(&source.ontology), Arc::clone(&self.ontology));
        let matching = Matching::of(&from, &to, features)?;
        let copies = Plan::new(source, self, &matching).copies()?;
        Ok(self.write_copies(copies))
    }

    fn write_copies(&mut self, mut copies: Copies) -> Copied {
        let copied = Copied {
            objects: count(copies.objects.len()),
            classifications: count(copies.classifications.len()),
            left_out: copies.left_out,
        };
        if copied.objects == 0 && copied.classifications == 0 {
            return copied;
        }
        // In the order of frames: a frame that comes later in the document is cheaply added to its end.
        copies.drawn.sort_by_key(|drawn| (drawn.space, drawn.frame));
        let mut drawings: Vec<Vec<Drawn>> = vec![Vec::new(); copies.objects.len()];
        let mut drawn = copies.drawn.into_iter().peekable();
        while let Some(first) = drawn.next() {
            let (space, frame) = (first.space, first.frame);
            let Ok(part) = self.part_of_number(space) else {
                continue;
            };
            let list = self.list_of_frame(&part, frame);
            let (document, index) = self.parts_mut();
            let mut put = |one: Drawing| {
                let place = index.append(document, space, frame, || list.clone(), one.json);
                if let Some(drawings) = drawings.get_mut(one.object) {
                    drawings.push(place);
                }
            };
            put(first);
            while let Some(next) = drawn.next_if(|next| (next.space, next.frame) == (space, frame))
            {
                put(next);
            }
        }
        let (document, index) = self.parts_mut();
        for (object, drawings) in copies.objects.into_iter().zip(drawings) {
            section(document, "object_answers").insert(object.hash.clone(), object.answers);
            if let Some(actions) = object.actions {
                section(document, "object_actions").insert(object.hash.clone(), actions);
            }
            index.add_object(&object.hash, drawings);
        }
        let (document, placed) = self.classifying_mut();
        let entries = section(document, "classification_answers");
        let mut held = Vec::new();
        for copy in copies.classifications {
            entries.insert(copy.hash.clone(), copy.entry);
            held.push((copy.hash, copy.feature_hash, copy.places));
        }
        if let Some(placed) = placed {
            for (hash, feature_hash, places) in held {
                for (space, ranges) in places {
                    placed.add(&feature_hash, &space, &hash, &ranges);
                }
            }
        }
        copied
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
