//! The shape of `project.toml`. What it means is decided in the modules beside.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManifestFile {
    pub(super) project: ProjectTable,
    pub(super) dataset: Option<DatasetTable>,
    pub(super) ontology: OntologyTable,
    pub(super) workflow: WorkflowTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectTable {
    pub(super) title: Spanned<String>,
    pub(super) description: Option<String>,
    pub(super) hash: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetTable {
    pub(super) title: Option<String>,
    pub(super) hash: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OntologyTable {
    pub(super) title: Option<String>,
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

/// An option: its label, or a table.
#[derive(Debug)]
pub(super) struct OptionEntry(pub(super) OptionTable);

impl<'de> Deserialize<'de> for OptionEntry {
    // Not an untagged enum: that would forget the lines that values stand on.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelOrTable;

        impl<'de> Visitor<'de> for LabelOrTable {
            type Value = OptionEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the label of an option, or a table with `label`")
            }

            fn visit_str<E: serde::de::Error>(self, label: &str) -> Result<OptionEntry, E> {
                let label = label.to_owned();
                Ok(OptionEntry(OptionTable {
                    label,
                    value: None,
                    feature_hash: None,
                    attributes: Vec::new(),
                }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OptionEntry, A::Error> {
                OptionTable::deserialize(MapAccessDeserializer::new(map)).map(OptionEntry)
            }
        }

        deserializer.deserialize_any(LabelOrTable)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowTable {
    pub(super) start: Option<Spanned<String>>,
    pub(super) stages: Vec<StageTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageTable {
    pub(super) title: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) uuid: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) pathways: Vec<PathwayTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathwayTable {
    pub(super) name: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) uuid: Option<Spanned<String>>,
}
