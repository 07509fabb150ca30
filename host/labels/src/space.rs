//! Spaces of a label row: the parts of a data group, the layers of an image, the files of a scene.

use serde_json::Value;

use super::classification::{ClassificationInstance, ROOT_SPACE, is_in_spaces};
use super::frames;
use super::object::ObjectInstance;
use super::part::size;
use super::row::LabelRow;

/// A part of a row that has labels of its own. Frames count within it.
#[derive(Debug, Clone, Copy)]
pub struct Space<'a> {
    row: &'a LabelRow,
    id: &'a str,
    json: &'a Value,
}

impl LabelRow {
    /// The spaces of the row, in its order. Empty in most rows, whose objects and classifications belong
    /// to the row itself.
    pub fn spaces(&self) -> Vec<Space<'_>> {
        let spaces = super::index::members(&self.document, "spaces");
        let space = |(id, json)| Space {
            row: self,
            id,
            json,
        };
        spaces
            .map(|(id, json)| space((id.as_str(), json)))
            .collect()
    }

    /// The space with this id. Takes constant time.
    pub fn space(&self, id: &str) -> Option<Space<'_>> {
        let spaces = self.document.get("spaces")?.as_object()?;
        let (id, json) = spaces.get_key_value(id)?;
        Some(Space {
            row: self,
            id,
            json,
        })
    }

    /// A space by its id or, if no id is equal, by its layout key, or its file name. None if there is none,
    /// or if several have that name.
    pub fn find_space(&self, id_or_name: &str) -> Option<Space<'_>> {
        if let Some(space) = self.space(id_or_name) {
            return Some(space);
        }
        let only = |named: fn(&Space<'_>) -> Option<String>| {
            let spaces = self.spaces().into_iter();
            let mut found = spaces.filter(|space| named(space).as_deref() == Some(id_or_name));
            match (found.next(), found.next()) {
                (None, _) => None,
                (Some(space), None) => Some(Some(space)),
                (Some(_), Some(_)) => Some(None),
            }
        };
        only(|space| space.layout_key().map(str::to_owned))
            .or_else(|| only(|space| space.file_name().map(str::to_owned)))
            .flatten()
    }
}

impl<'a> Space<'a> {
    /// Unique in the row.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// `video`, `image`, `audio`, `text`, …; as Encord spells it.
    pub fn space_type(&self) -> &'a str {
        self.text("space_type").unwrap_or_default()
    }

    /// The name of its place in the layout of a data group.
    pub fn layout_key(&self) -> Option<&'a str> {
        self.json.get("child_info")?.get("layout_key")?.as_str()
    }

    /// The name of its file.
    pub fn file_name(&self) -> Option<&'a str> {
        let named = |info: &str| self.json.get(info)?.get("file_name")?.as_str();
        named("child_info")
            .or_else(|| named("root_info"))
            .or_else(|| {
                // Of a file in a scene there is only where it is.
                let uri = self.json.get("scene_info")?.get("uri")?.as_str()?;
                uri.rsplit('/').next()
            })
    }

    /// In pixels; absent where the data has none, or where its frames may differ.
    pub fn width(&self) -> Option<u32> {
        self.number("width").filter(|pixels| *pixels > 0)
    }

    /// In pixels; absent where the data has none, or where its frames may differ.
    pub fn height(&self) -> Option<u32> {
        self.number("height").filter(|pixels| *pixels > 0)
    }

    /// Pages of a PDF, slices of a series; 1 for an image. Absent where there are none (audio, text), or if
    /// Encord does not say.
    pub fn number_of_frames(&self) -> Option<u32> {
        match self.space_type() {
            "image" | "scene_image" => Some(1),
            "pdf" => self.number("number_of_pages"),
            "medical_stack" => {
                let slices = self.json.get("frames")?.as_array()?;
                u32::try_from(slices.len()).ok()
            }
            _ => self.number("number_of_frames"),
        }
    }

    /// In milliseconds; absent where the data has no duration.
    pub fn duration_ms(&self) -> Option<u64> {
        if let Some(milliseconds) = self.json.get("duration_ms").and_then(Value::as_f64) {
            return Some(milliseconds as u64);
        }
        // Of a video Encord has it in seconds.
        let seconds = self.json.get("data_duration")?.as_f64()?;
        Some((seconds * 1000.0).round() as u64)
    }

    /// The objects that are in it, in the order in which the row lists them.
    pub fn objects(&self) -> Vec<ObjectInstance<'a>> {
        let objects = self.row.objects();
        objects.filter(|object| object.is_in(self.id)).collect()
    }

    /// The classifications that are in it, in the order in which the row lists them.
    pub fn classifications(&self) -> Vec<ClassificationInstance<'a>> {
        let entries = self.row.document.get("classification_answers");
        let is_in = |hash: &str| {
            let entry = entries.and_then(|entries| entries.get(hash));
            entry.is_some_and(|entry| {
                let spaces = entry.get("spaces");
                let placed = spaces.is_some_and(|spaces| spaces.get(self.id).is_some());
                placed || (self.id == ROOT_SPACE && !is_in_spaces(entry))
            })
        };
        let all = self.row.classifications();
        all.filter(|found| is_in(found.classification_hash()))
            .collect()
    }

    pub(super) fn json(&self) -> &'a Value {
        self.json
    }

    /// The size of a frame in pixels, where that is known.
    pub(super) fn frame_size(&self, frame: u32) -> Option<(u32, u32)> {
        match self.space_type() {
            "pdf" => None,
            "medical_stack" => size(self.json.get("frames")?.get(frame as usize)?),
            _ => size(self.json),
        }
    }

    fn number(&self, key: &str) -> Option<u32> {
        frames::frame(self.json.get(key)?)
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.json.get(key)?.as_str()
    }
}
