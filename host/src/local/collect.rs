//! What a dataset is made of: the files that were found, and the items that `project.toml` describes.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use super::error::{LocalError, MediaProblem};
use super::manifest::{Dataset, ItemDefinition, PartDefinition};
use super::media::{self, MediaFile, MediaKind};
use super::probe::{self, Properties};
use super::store::{self, Item};
use super::{clock, identity};

/// Width and height of medical images of which nothing is known: they are not opened.
const MEDICAL_SIZE: u32 = 512;

/// What a state has already.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Recorded path and title of the single files of each dataset.
    pub(super) paths: HashMap<Uuid, Vec<(String, String)>>,
    /// Data hashes.
    pub(super) units: HashSet<String>,
}

impl Known {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut known = Self::default();
        for dataset in store::datasets(connection, None)? {
            for unit in store::units_of_dataset(connection, dataset.id)? {
                known.units.insert(unit.hash);
            }
            if let Ok(hash) = dataset.hash.parse() {
                let paths = store::recorded_items(connection, &dataset.hash)?;
                known.paths.insert(hash, paths);
            }
        }
        Ok(known)
    }
}

/// An item that is to be added, with its parts.
#[derive(Debug)]
pub(super) struct NewItem {
    pub(super) item: Item,
    /// Of its data unit. Absent: none is made here.
    pub(super) data_hash: Option<String>,
    /// Of a part of a data group.
    pub(super) layout_key: Option<String>,
    pub(super) parts: Vec<NewItem>,
}

impl NewItem {
    /// One without parts and data unit.
    pub(super) fn single(item: Item) -> Self {
        Self {
            item,
            data_hash: None,
            layout_key: None,
            parts: Vec::new(),
        }
    }

    /// Adds it with its parts, and data units of the dataset where they have hashes. `part_of` are the numbers of
    /// the item and of the data unit that it is a part of, and its place there. Returns the item's number.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        dataset: Option<&store::Dataset>,
        part_of: Option<(i64, Option<i64>, usize)>,
    ) -> rusqlite::Result<i64> {
        let item = store::insert_item(connection, &self.item, part_of.is_none())?;
        if let Some((whole, _, place)) = part_of {
            store::insert_part(connection, whole, place, item, self.layout_key.as_deref())?;
        }
        let mut unit = None;
        if let (Some(dataset), Some(hash)) = (dataset, &self.data_hash) {
            let within = part_of.and_then(|(_, unit, place)| Some((unit?, place)));
            let now = self.item.created_at;
            unit = Some(store::insert_data_unit(
                connection, hash, dataset.id, item, within, now,
            )?);
        }
        for (place, part) in self.parts.iter().enumerate() {
            part.insert(connection, dataset, Some((item, unit, place)))?;
        }
        Ok(item)
    }
}

/// Where items are made, and when.
#[derive(Debug)]
pub(super) struct Maker<'place> {
    /// Of `project.toml`, absolute and without links.
    pub(super) folder: &'place Path,
    /// UUID of the storage folder.
    pub(super) storage_folder: String,
    pub(super) now: i64,
}

impl Maker<'_> {
    /// An item that is one file.
    pub(super) fn single(&self, file: &MediaFile, properties: Properties, uuid: String) -> Item {
        Item {
            path: Some(media::recorded(self.folder, &file.path)),
            title: file.title.clone(),
            mime_type: Some(properties.mime_type.unwrap_or(file.mime_type).to_owned()),
            ..self.item(file.kind, properties, uuid)
        }
    }

    /// An item that is made of others, which have these sizes in bytes.
    pub(super) fn whole(
        &self,
        kind: MediaKind,
        sizes: impl ExactSizeIterator<Item = u64>,
        uuid: String,
    ) -> Item {
        let parts = sizes.len();
        let mut properties = Properties {
            size: sizes.fold(0, u64::saturating_add),
            ..Properties::default()
        };
        if kind == MediaKind::DicomSeries {
            properties.frames = u32::try_from(parts).ok();
        }
        Item {
            mime_type: (kind == MediaKind::DicomSeries).then(|| "application/dicom".to_owned()),
            ..self.item(kind, properties, uuid)
        }
    }

    fn item(&self, kind: MediaKind, properties: Properties, uuid: String) -> Item {
        Item {
            id: 0,
            uuid,
            folder: self.storage_folder.clone(),
            path: None,
            title: String::new(),
            description: String::new(),
            kind,
            mime_type: None,
            properties: with_medical_size(kind, properties),
            client_metadata: None,
            created_at: self.now,
            edited_at: self.now,
        }
    }
}

/// The new items of a dataset: those that `project.toml` describes, then the other files that were found. Reads the
/// header of every new file.
pub(super) fn items(
    folder: &Path,
    dataset: &Dataset,
    known: &Known,
    found: Vec<MediaFile>,
) -> Result<Vec<NewItem>, LocalError> {
    let folder = canonical(folder)?;
    let maker = Maker {
        folder: &folder,
        storage_folder: dataset.folder.to_string(),
        now: clock::now(),
    };
    let collector = Collector { maker, dataset };
    let mut problems = Vec::new();
    let mut described = Vec::new();
    let mut used = HashSet::new();
    for definition in &dataset.items {
        let mut files = Vec::new();
        for part in &definition.files {
            match collector.file(part, definition) {
                Ok(file) => {
                    used.insert(file.path.clone());
                    files.push(file);
                }
                Err(problem) => problems.push(problem),
            }
        }
        described.push((definition, files));
    }
    if !problems.is_empty() {
        return Err(LocalError::Media { problems });
    }
    described.retain(|(definition, files)| {
        let data_hash = collector.data_hash(definition, files);
        !known.units.contains(&data_hash)
    });
    let recorded = known.paths.get(&dataset.hash).into_iter().flatten();
    let recorded: HashSet<_> = recorded.map(|(path, _)| path.as_str()).collect();
    let single = found.into_iter().filter(|file| {
        let path = media::recorded(&folder, &file.path);
        !used.contains(&file.path) && !recorded.contains(path.as_str())
    });
    let single: Vec<MediaFile> = single.collect();

    let all: Vec<MediaFile> = described
        .iter()
        .flat_map(|(_, files)| files)
        .chain(&single)
        .cloned()
        .collect();
    let mut probed = all.iter().cloned().zip(probe::probe_all(&all)?);
    let mut items = Vec::new();
    for (definition, files) in described {
        let parts: Vec<_> = probed.by_ref().take(files.len()).collect();
        items.push(collector.described(definition, &files, parts));
    }
    items.extend(probed.map(|(file, properties)| collector.found(file, properties)));
    Ok(items)
}

/// Makes items of one dataset.
struct Collector<'set_up> {
    maker: Maker<'set_up>,
    dataset: &'set_up Dataset,
}

impl Collector<'_> {
    /// A file that `project.toml` names.
    fn file(
        &self,
        part: &PartDefinition,
        definition: &ItemDefinition,
    ) -> Result<MediaFile, MediaProblem> {
        let problem = |message: String| MediaProblem {
            file: part.path.clone(),
            message,
        };
        let path = part
            .path
            .canonicalize()
            .map_err(|error| problem(format!("cannot be read: {error}")))?;
        let name = || {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let title = part.title.clone().or_else(name).unwrap_or_default();
        let recognised = media::recognise(&path);
        let (kind, mime_type) = match (definition.kind, recognised) {
            (Some(MediaKind::ImageGroup), Some((MediaKind::Image, mime_type))) => {
                (MediaKind::Image, mime_type)
            }
            (Some(MediaKind::ImageGroup), _) => {
                return Err(problem("expected an image for the image group".to_owned()));
            }
            (Some(MediaKind::Group), Some((kind, mime_type))) if !kind.has_parts() => {
                (kind, mime_type)
            }
            (Some(MediaKind::DicomSeries), recognised) => (
                MediaKind::DicomFile,
                recognised.map_or("application/dicom", |(_, mime_type)| mime_type),
            ),
            (Some(MediaKind::ImageSequence), Some((MediaKind::Video, mime_type))) => {
                (MediaKind::ImageSequence, mime_type)
            }
            (Some(MediaKind::ImageSequence), _) => {
                return Err(problem(
                    "expected a video, with a frame for each image of the sequence".to_owned(),
                ));
            }
            (Some(kind), Some((_, mime_type))) if kind != MediaKind::Group => (kind, mime_type),
            (Some(kind), None) if kind != MediaKind::Group => (kind, "application/octet-stream"),
            (None, Some((MediaKind::DicomSeries, mime_type))) => (MediaKind::DicomFile, mime_type),
            (None, Some(recognised)) => recognised,
            _ => {
                return Err(problem(
                    "expected a file that can be labelled, found one of another kind".to_owned(),
                ));
            }
        };
        Ok(MediaFile {
            path,
            title,
            kind,
            mime_type,
        })
    }

    fn data_hash(&self, definition: &ItemDefinition, files: &[MediaFile]) -> String {
        let written = definition.data_hash;
        written
            .unwrap_or_else(|| self.identify("data unit", definition, files))
            .to_string()
    }

    /// An item of one file is known by where that is, one of several by its title.
    fn identify(&self, kind: &str, definition: &ItemDefinition, files: &[MediaFile]) -> Uuid {
        match (files, &definition.title) {
            ([file], _) if definition.kind.is_none_or(|kind| !kind.has_parts()) => {
                self.derived(kind, &file.path)
            }
            (_, title) => identity::uuid(
                self.dataset.hash,
                kind,
                &["several", title.as_deref().unwrap_or_default()],
            ),
        }
    }

    fn derived(&self, kind: &str, path: &Path) -> Uuid {
        let path = media::recorded(self.maker.folder, path);
        identity::uuid(self.dataset.hash, kind, &[&path])
    }

    /// A file that a search found.
    fn found(&self, file: MediaFile, properties: Properties) -> NewItem {
        if file.kind == MediaKind::DicomSeries {
            let definition = ItemDefinition::of_kind(MediaKind::DicomSeries, file.title.clone());
            let part = MediaFile {
                kind: MediaKind::DicomFile,
                ..file
            };
            let mut series = self.described(
                &definition,
                std::slice::from_ref(&part),
                vec![(part.clone(), properties)],
            );
            series.data_hash = Some(self.derived("data unit", &part.path).to_string());
            series.item.uuid = self.derived("item", &part.path).to_string();
            return series;
        }
        NewItem {
            data_hash: Some(self.derived("data unit", &file.path).to_string()),
            ..NewItem::single(self.item(&file, properties))
        }
    }

    fn item(&self, file: &MediaFile, properties: Properties) -> Item {
        let uuid = self.derived("item", &file.path).to_string();
        self.maker.single(file, properties, uuid)
    }

    fn described(
        &self,
        definition: &ItemDefinition,
        files: &[MediaFile],
        mut probed: Vec<(MediaFile, Properties)>,
    ) -> NewItem {
        let data_hash = self.data_hash(definition, files);
        let kind = match (definition.kind, files) {
            (Some(kind), _) => kind,
            (None, [file]) if file.kind == MediaKind::DicomFile => MediaKind::DicomSeries,
            (None, files) => files.first().map_or(MediaKind::Group, |file| file.kind),
        };
        let (mut item, parts) = if kind.has_parts() {
            self.composite(kind, definition, files, &data_hash, probed)
        } else {
            let (file, properties) = probed.swap_remove(0);
            (self.item(&file, properties), Vec::new())
        };
        if let Some(uuid) = definition.uuid {
            item.uuid = uuid.to_string();
        }
        if let Some(title) = &definition.title {
            item.title.clone_from(title);
        }
        item.description.clone_from(&definition.description);
        item.client_metadata.clone_from(&definition.client_metadata);
        let properties = &mut item.properties;
        properties.width = definition.width.or(properties.width);
        properties.height = definition.height.or(properties.height);
        properties.frames = definition.frames.or(properties.frames);
        NewItem {
            data_hash: Some(data_hash),
            parts,
            ..NewItem::single(item)
        }
    }

    fn composite(
        &self,
        kind: MediaKind,
        definition: &ItemDefinition,
        files: &[MediaFile],
        data_hash: &str,
        probed: Vec<(MediaFile, Properties)>,
    ) -> (Item, Vec<NewItem>) {
        // Two items may be made of the same file, so its path alone does not tell the parts apart.
        let scope = data_hash.parse().unwrap_or(self.dataset.hash);
        let mut parts = Vec::new();
        for (place, ((file, properties), part)) in
            probed.into_iter().zip(&definition.files).enumerate()
        {
            let path = media::recorded(self.maker.folder, &file.path);
            let place = place.to_string();
            let derived = |kind| identity::uuid(scope, kind, &[&place, &path]);
            let uuid = part.uuid.unwrap_or_else(|| derived("item")).to_string();
            let data_hash = part.data_hash.unwrap_or_else(|| derived("data unit"));
            let key = || part.key.clone().unwrap_or_else(|| file.title.clone());
            parts.push(NewItem {
                data_hash: Some(data_hash.to_string()),
                layout_key: (kind == MediaKind::Group).then(key),
                ..NewItem::single(self.maker.single(&file, properties, uuid))
            });
        }
        let sizes = parts.iter().map(|part| part.item.properties.size);
        let uuid = self.identify("item", definition, files).to_string();
        (self.maker.whole(kind, sizes, uuid), parts)
    }
}

/// Medical files are not opened, yet clients need some size.
fn with_medical_size(kind: MediaKind, properties: Properties) -> Properties {
    match kind {
        MediaKind::DicomSeries | MediaKind::DicomFile | MediaKind::Nifti => Properties {
            width: properties.width.or(Some(MEDICAL_SIZE)),
            height: properties.height.or(Some(MEDICAL_SIZE)),
            frames: properties.frames.or(Some(1)),
            ..properties
        },
        _ => properties,
    }
}

/// Where the folder is or, if it is not there yet, will be.
fn canonical(folder: &Path) -> Result<PathBuf, LocalError> {
    let failed = || LocalError::io("find", folder);
    if let Ok(found) = folder.canonicalize() {
        return Ok(found);
    }
    let absolute = std::path::absolute(folder).map_err(failed())?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Ok(canonical(parent)?.join(name)),
        _ => Ok(absolute),
    }
}
