//! Datasets: which media they hold, and what is fixed about single items.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Mistakes;
use super::file::{DatasetTable, ItemTable, TextOrTable};
use crate::local::identity;
use crate::local::media::MediaKind;

/// A dataset as it is defined.
#[derive(Debug)]
pub(in crate::local) struct Dataset {
    pub(in crate::local) hash: Uuid,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    /// Of the storage folder that its items are in.
    pub(in crate::local) folder: Uuid,
    /// Files, and folders to search.
    pub(in crate::local) media: Vec<PathBuf>,
    pub(in crate::local) items: Vec<ItemDefinition>,
}

/// What is fixed about one item.
#[derive(Debug)]
pub(in crate::local) struct ItemDefinition {
    /// Absent: by the ending of the file's name.
    pub(in crate::local) kind: Option<MediaKind>,
    /// One file for an item that is a file; otherwise those that it is made of, in order.
    pub(in crate::local) files: Vec<PartDefinition>,
    pub(in crate::local) title: Option<String>,
    pub(in crate::local) description: String,
    pub(in crate::local) uuid: Option<Uuid>,
    pub(in crate::local) data_hash: Option<Uuid>,
    /// JSON text of an object.
    pub(in crate::local) client_metadata: Option<String>,
    pub(in crate::local) width: Option<u32>,
    pub(in crate::local) height: Option<u32>,
    pub(in crate::local) frames: Option<u32>,
}

impl ItemDefinition {
    /// Nothing is fixed but this.
    pub(in crate::local) fn of_kind(kind: MediaKind, title: String) -> Self {
        Self {
            kind: Some(kind),
            files: vec![PartDefinition {
                path: PathBuf::new(),
                title: None,
                uuid: None,
                data_hash: None,
                key: None,
            }],
            title: Some(title),
            description: String::new(),
            uuid: None,
            data_hash: None,
            client_metadata: None,
            width: None,
            height: None,
            frames: None,
        }
    }
}

/// A file, and what is fixed about it.
#[derive(Debug)]
pub(in crate::local) struct PartDefinition {
    pub(in crate::local) path: PathBuf,
    pub(in crate::local) title: Option<String>,
    pub(in crate::local) uuid: Option<Uuid>,
    pub(in crate::local) data_hash: Option<Uuid>,
    pub(in crate::local) key: Option<String>,
}

pub(super) fn check(
    table: DatasetTable,
    title: String,
    derived: Uuid,
    folder: &Path,
    mistakes: &mut Mistakes<'_>,
) -> Dataset {
    let hash = mistakes.uuid(table.hash.as_ref()).unwrap_or(derived);
    let storage_folder = mistakes
        .uuid(table.folder.as_ref())
        .unwrap_or_else(|| identity::uuid(hash, "folder", &[]));
    let mut taken = HashSet::new();
    let mut items = Vec::new();
    for table in table.items {
        items.extend(item(table, folder, &mut taken, mistakes));
    }
    Dataset {
        hash,
        title,
        description: table.description.unwrap_or_default(),
        folder: storage_folder,
        media: table
            .media
            .iter()
            .map(|path| folder.join(path.get_ref()))
            .collect(),
        items,
    }
}

/// `None` only with a mistake noted.
fn item(
    table: ItemTable,
    folder: &Path,
    taken: &mut HashSet<Uuid>,
    mistakes: &mut Mistakes<'_>,
) -> Option<ItemDefinition> {
    let span = table.kind.as_ref().map(toml::Spanned::span);
    let span = span
        .or_else(|| table.file.as_ref().map(toml::Spanned::span))
        .or_else(|| table.title.as_ref().map(toml::Spanned::span));
    let kind = match &table.kind {
        None => None,
        Some(written) => {
            let kind = MediaKind::from_set_up(written.get_ref());
            if kind.is_none() {
                let known: Vec<_> = MediaKind::SET_UP.iter().map(|(name, _)| *name).collect();
                mistakes.add(
                    Some(written.span()),
                    format!(
                        "expected the type of an item ({}), found `{}`",
                        known.join(", "),
                        written.get_ref()
                    ),
                );
                return None;
            }
            kind
        }
    };
    let mut unique = |uuid: Option<Uuid>, mistakes: &mut Mistakes<'_>| {
        if let Some(uuid) = uuid.filter(|uuid| !taken.insert(*uuid)) {
            mistakes.add(
                span.clone(),
                format!("expected identifiers that differ, found {uuid} twice in the dataset"),
            );
        }
        uuid
    };
    let uuid = mistakes.uuid(table.uuid.as_ref());
    let uuid = unique(uuid, mistakes);
    let data_hash = mistakes.uuid(table.data_hash.as_ref());
    let data_hash = unique(data_hash, mistakes);
    let several = kind.is_some_and(MediaKind::has_parts);
    let files = match (table.file, table.files) {
        (Some(file), None) if !several || kind == Some(MediaKind::DicomSeries) => {
            vec![PartDefinition {
                path: folder.join(file.get_ref()),
                title: None,
                uuid: None,
                data_hash: None,
                key: None,
            }]
        }
        (None, Some(files)) if several && !files.is_empty() => {
            let mut parts = Vec::new();
            for TextOrTable(part) in files {
                let uuid = mistakes.uuid(part.uuid.as_ref());
                let data_hash = mistakes.uuid(part.data_hash.as_ref());
                parts.push(PartDefinition {
                    path: folder.join(&part.file),
                    title: part.title,
                    uuid: unique(uuid, mistakes),
                    data_hash: unique(data_hash, mistakes),
                    key: part.key,
                });
            }
            parts
        }
        (file, files) => {
            let expected = match kind {
                Some(MediaKind::DicomSeries) => "`file` or `files`",
                Some(_) if several => "`files`, with at least one file,",
                Some(_) => "`file`",
                None => "`file`, or a `type` that takes `files`",
            };
            let found = match (file, files) {
                (Some(_), Some(_)) => "both `file` and `files`",
                (Some(_), None) => "`file`",
                (None, Some(files)) if files.is_empty() => "an empty list `files`",
                (None, Some(_)) => "`files`",
                (None, None) => "neither",
            };
            mistakes.add(
                span,
                format!("expected {expected} for the item, found {found}"),
            );
            return None;
        }
    };
    if several && table.title.is_none() {
        mistakes.add(
            span.clone(),
            "expected a `title` for an item that is made of several files, found none",
        );
    }
    let client_metadata = table
        .client_metadata
        .map(|metadata| json(toml::Value::Table(metadata)).to_string());
    let number = |written: Option<toml::Spanned<u32>>, mistakes: &mut Mistakes<'_>| {
        let written = written?;
        if *written.get_ref() == 0 {
            mistakes.add(Some(written.span()), "expected a number from 1, found 0");
        }
        Some(*written.get_ref())
    };
    Some(ItemDefinition {
        kind,
        files,
        title: table.title.map(toml::Spanned::into_inner),
        description: table.description.unwrap_or_default(),
        uuid,
        data_hash,
        client_metadata,
        width: number(table.width, mistakes),
        height: number(table.height, mistakes),
        frames: number(table.frames, mistakes),
    })
}

/// The same value in JSON, where dates are texts.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
    }
}
