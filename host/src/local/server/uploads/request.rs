//! What a client asks a job to add.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::UPLOADS;
use crate::local::media::MediaKind;
use crate::local::server::reply::ApiError;

/// Both APIs ask in the same words, but for a few names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::local::server) struct StartJob {
    data_items: Option<DataItems>,
    #[serde(alias = "files")]
    external_files: Option<IgnoredAny>,
    #[serde(alias = "integrationId")]
    integration_hash: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) ignore_errors: bool,
    /// Only of a job on a dataset.
    pub(in crate::local::server) folder_uuid: Option<Uuid>,
    pub(super) file_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DataItems {
    videos: Vec<FileItem>,
    image_groups: Vec<ImageGroup>,
    dicom_series: Vec<DicomSeries>,
    images: Vec<FileItem>,
    image_groups_from_items: Vec<ImageGroupFromItems>,
    audio: Vec<FileItem>,
    nifti: Vec<FileItem>,
    text: Vec<FileItem>,
    pdf: Vec<FileItem>,
    time_series: Vec<IgnoredAny>,
    scenes: Vec<IgnoredAny>,
    skip_duplicate_urls: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileItem {
    #[serde(flatten)]
    file: File,
    #[serde(default)]
    client_metadata: Map<String, Value>,
}

/// An upload, and how it is to be called.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    #[serde(alias = "objectUrl")]
    pub(super) url: String,
    pub(super) title: Option<String>,
    /// UUID of the upload, which its item is to have.
    pub(super) placeholder_item_uuid: Option<Uuid>,
}

impl File {
    /// UUID of the upload. The placeholder counts if there is one.
    pub(super) fn upload(&self) -> Result<String, String> {
        if let Some(uuid) = self.placeholder_item_uuid {
            return Ok(uuid.to_string());
        }
        let key = self.url.strip_prefix(UPLOADS).unwrap_or_default();
        let uuid = key.strip_prefix('/').and_then(|uuid| uuid.parse().ok());
        let uuid: Uuid = uuid.ok_or_else(|| {
            let found = &self.url;
            format!(
                "expected the object key of an upload to this local server, which reads no cloud stores, \
                 found `{found}`"
            )
        })?;
        Ok(uuid.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageGroup {
    images: Vec<File>,
    title: Option<String>,
    #[serde(default)]
    client_metadata: Map<String, Value>,
    #[serde(default)]
    create_video: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageGroupFromItems {
    image_items: Vec<Uuid>,
    title: Option<String>,
    #[serde(default)]
    client_metadata: Map<String, Value>,
    #[serde(default)]
    create_video: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DicomSeries {
    dicom_files: Vec<File>,
    title: Option<String>,
    #[serde(default)]
    client_metadata: Map<String, Value>,
}

/// An item that is to be made.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: MediaKind,
    pub(super) title: Option<String>,
    /// JSON text of an object.
    pub(super) client_metadata: Option<String>,
    pub(super) source: Source,
}

/// What an item is made of.
#[derive(Debug)]
pub(super) enum Source {
    /// One for an item that is a file; otherwise those that it is made of, in order.
    Files(Vec<File>),
    /// UUIDs of images.
    Items(Vec<String>),
}

impl Entry {
    fn new(
        kind: MediaKind,
        title: Option<String>,
        metadata: Map<String, Value>,
        source: Source,
    ) -> Self {
        Self {
            kind,
            title: title.filter(|title| !title.is_empty()),
            client_metadata: (!metadata.is_empty()).then(|| Value::Object(metadata).to_string()),
            source,
        }
    }

    /// What it is made of, for whoever reads of an error.
    pub(super) fn object_urls(&self) -> Vec<String> {
        match &self.source {
            Source::Files(files) => files.iter().map(|file| file.url.clone()).collect(),
            Source::Items(items) => items.clone(),
        }
    }
}

impl StartJob {
    /// What is to be made, in the order in which it is added.
    pub(super) fn entries(self) -> Result<Vec<Entry>, ApiError> {
        if self.external_files.is_some() || self.integration_hash.is_some() {
            return Err(ApiError::invalid(
                "expected uploaded files in `dataItems`: this local server has no cloud integrations, and reads \
                 no lists of private files",
            ));
        }
        let items = self.data_items.unwrap_or_default();
        for (name, refused) in [
            ("timeSeries", &items.time_series),
            ("scenes", &items.scenes),
        ] {
            if !refused.is_empty() {
                return Err(ApiError::invalid(format!(
                    "expected no `{name}`: this local server does not have such items"
                )));
            }
        }
        if items.skip_duplicate_urls {
            return Err(ApiError::invalid(
                "expected `skipDuplicateUrls` to be false: each upload has an object key of its own",
            ));
        }
        let mut entries = Vec::new();
        let single = [
            (MediaKind::Video, items.videos),
            (MediaKind::Image, items.images),
            (MediaKind::Audio, items.audio),
            (MediaKind::Nifti, items.nifti),
            (MediaKind::Text, items.text),
            (MediaKind::Pdf, items.pdf),
        ];
        for (kind, files) in single {
            entries.extend(files.into_iter().map(|item| {
                let title = item.file.title.clone();
                Entry::new(
                    kind,
                    title,
                    item.client_metadata,
                    Source::Files(vec![item.file]),
                )
            }));
        }
        let of_images = |create_video| match create_video {
            true => MediaKind::ImageSequence,
            false => MediaKind::ImageGroup,
        };
        entries.extend(items.image_groups.into_iter().map(|group| {
            let kind = of_images(group.create_video);
            let source = Source::Files(group.images);
            Entry::new(kind, group.title, group.client_metadata, source)
        }));
        entries.extend(items.image_groups_from_items.into_iter().map(|group| {
            let kind = of_images(group.create_video);
            let uuids = group.image_items.iter().map(Uuid::to_string);
            let source = Source::Items(uuids.collect());
            Entry::new(kind, group.title, group.client_metadata, source)
        }));
        entries.extend(items.dicom_series.into_iter().map(|series| {
            let source = Source::Files(series.dicom_files);
            let kind = MediaKind::DicomSeries;
            Entry::new(kind, series.title, series.client_metadata, source)
        }));
        if entries.is_empty() {
            return Err(ApiError::invalid(
                "expected `dataItems` with at least one item, found none",
            ));
        }
        Ok(entries)
    }
}
