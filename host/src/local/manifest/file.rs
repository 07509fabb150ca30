//! The shape of `project.toml`. What it means is decided in the modules beside.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ManifestFile {
    /// The main project, and what is its own.
    pub(super) project: Option<ProjectTable>,
    pub(super) dataset: Option<DatasetTable>,
    pub(super) ontology: Option<OntologyTable>,
    pub(super) workflow: Option<WorkflowTable>,
    /// Further ones, which refer to each other by title or identifier.
    #[serde(default)]
    pub(super) projects: Vec<ProjectTable>,
    #[serde(default)]
    pub(super) datasets: Vec<DatasetTable>,
    #[serde(default)]
    pub(super) ontologies: Vec<OntologyTable>,
    #[serde(default)]
    pub(super) workflow_templates: Vec<TemplateTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectTable {
    pub(super) title: Spanned<String>,
    pub(super) description: Option<String>,
    pub(super) hash: Option<Spanned<String>>,
    /// Title or identifier of an ontology, of datasets, and of a workflow template.
    pub(super) ontology: Option<Spanned<String>>,
    pub(super) datasets: Option<Vec<Spanned<String>>>,
    pub(super) workflow: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetTable {
    pub(super) title: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) hash: Option<Spanned<String>>,
    /// Of the storage folder that the items are in.
    pub(super) folder: Option<Spanned<String>>,
    /// Files, and folders that are searched.
    #[serde(default)]
    pub(super) media: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) items: Vec<ItemTable>,
}

/// One storage item and its data unit, where something about them is to be fixed or cannot be found by a search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ItemTable {
    #[serde(rename = "type")]
    pub(super) kind: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
    pub(super) files: Option<Vec<PartEntry>>,
    pub(super) title: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) uuid: Option<Spanned<String>>,
    pub(super) data_hash: Option<Spanned<String>>,
    pub(super) client_metadata: Option<toml::Table>,
    pub(super) width: Option<Spanned<u32>>,
    pub(super) height: Option<Spanned<u32>>,
    pub(super) frames: Option<Spanned<u32>>,
}

/// One of the files of an item that has several.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PartTable {
    pub(super) file: String,
    pub(super) title: Option<String>,
    pub(super) uuid: Option<Spanned<String>>,
    pub(super) data_hash: Option<Spanned<String>>,
    /// In a data group: the place in its layout.
    pub(super) key: Option<String>,
}

impl From<String> for PartTable {
    fn from(file: String) -> Self {
        Self {
            file,
            title: None,
            uuid: None,
            data_hash: None,
            key: None,
        }
    }
}

/// A part: its file, or a table.
pub(super) type PartEntry = TextOrTable<PartTable>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OntologyTable {
    pub(super) title: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) hash: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) objects: Vec<ObjectTable>,
    #[serde(default)]
    pub(super) classifications: Vec<ClassificationTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ObjectTable {
    pub(super) name: Spanned<String>,
    pub(super) shape: Spanned<String>,
    pub(super) color: Option<Spanned<String>>,
    pub(super) feature_hash: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) attributes: Vec<AttributeTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ClassificationTable {
    pub(super) title: Spanned<String>,
    pub(super) kind: Spanned<String>,
    /// Of the classification.
    pub(super) feature_hash: Option<Spanned<String>>,
    /// Of its one attribute.
    pub(super) attribute_feature_hash: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) global: bool,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) options: Vec<OptionEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AttributeTable {
    #[serde(alias = "title")]
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) feature_hash: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) dynamic: bool,
    #[serde(default)]
    pub(super) options: Vec<OptionEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OptionTable {
    pub(super) label: String,
    pub(super) value: Option<String>,
    pub(super) feature_hash: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) attributes: Vec<AttributeTable>,
}

impl From<String> for OptionTable {
    fn from(label: String) -> Self {
        Self {
            label,
            value: None,
            feature_hash: None,
            attributes: Vec::new(),
        }
    }
}

/// An option: its label, or a table.
pub(super) type OptionEntry = TextOrTable<OptionTable>;

/// A table that may be written as the one text that matters most about it.
#[derive(Debug)]
pub(super) struct TextOrTable<T>(pub(super) T);

impl<'de, T: Deserialize<'de> + From<String>> Deserialize<'de> for TextOrTable<T> {
    // Not an untagged enum: that would forget the lines that values stand on.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + From<String>> Visitor<'de> for Either<T> {
            type Value = TextOrTable<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a table")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOrTable(text.to_owned().into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOrTable)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowTable {
    pub(super) start: Option<Spanned<String>>,
    pub(super) stages: Vec<StageTable>,
}

/// A workflow that projects are made from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateTable {
    pub(super) title: Spanned<String>,
    pub(super) hash: Option<Spanned<String>>,
    pub(super) start: Option<Spanned<String>>,
    pub(super) stages: Vec<StageTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct StageTable {
    pub(super) title: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) uuid: Option<Spanned<String>>,
    /// The branch that the tasks of the stage are about.
    pub(super) label_branch: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) pathways: Vec<PathwayTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathwayTable {
    pub(super) name: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) uuid: Option<Spanned<String>>,
    /// Of a percentage router: its share of the tasks.
    pub(super) percent: Option<Spanned<u32>>,
    /// Of a user router: whose tasks take it. Nobody: all others.
    pub(super) users: Option<Vec<String>>,
}
