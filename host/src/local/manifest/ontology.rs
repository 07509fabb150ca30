//! The ontology, from tables to the JSON that Encord's ontology editor keeps.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use toml::Spanned;
use uuid::Uuid;

use super::Mistakes;
use super::file::{
    AttributeTable, ClassificationTable, ObjectTable, OntologyTable, OptionEntry, OptionTable,
    TextOrTable,
};
use crate::local::identity;

/// An ontology as it goes over the wire.
#[derive(Debug)]
pub(in crate::local) struct Ontology {
    pub(in crate::local) hash: Uuid,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    /// Encord's `editor` JSON.
    pub(in crate::local) editor: Value,
}

/// Shapes that a table can describe. A skeleton needs its points as well, and so an `ontology.json`.
const SHAPES: [&str; 14] = [
    "bounding_box",
    "rotatable_bounding_box",
    "polygon",
    "polyline",
    "point",
    "bitmask",
    "cuboid",
    "cuboid_2d",
    "circle",
    "ellipse",
    "segmentation",
    "audio",
    "time_range",
    "text",
];
/// Colours that people can tell apart, for objects that were given none.
const COLORS: [&str; 10] = [
    "#D33115", "#E27300", "#16406C", "#FE9200", "#FCDC00", "#68BC00", "#16A5A5", "#AB149E",
    "#009CE0", "#653294",
];
/// How deep Encord lets radio options ask further questions.
const DEPTH: usize = 7;

/// `derived` is its hash if none is written down. `None` only with a mistake noted.
pub(super) fn check(
    table: OntologyTable,
    title: String,
    derived: Uuid,
    folder: &Path,
    mistakes: &mut Mistakes<'_>,
) -> Option<Ontology> {
    let hash = mistakes.uuid(table.hash.as_ref()).unwrap_or(derived);
    let editor = match &table.file {
        Some(file) => {
            if !table.objects.is_empty() || !table.classifications.is_empty() {
                mistakes.add(
                    Some(file.span()),
                    "expected either `file` or objects and classifications in [ontology], found both",
                );
            }
            from_file(file, folder, mistakes)?
        }
        None => {
            let mut builder = Builder {
                ontology: hash,
                taken: HashMap::new(),
                mistakes,
            };
            let objects: Vec<_> = table
                .objects
                .iter()
                .enumerate()
                .map(|(index, object)| builder.object(index, object))
                .collect();
            let classifications: Vec<_> = table
                .classifications
                .iter()
                .enumerate()
                .map(|(index, classification)| builder.classification(index, classification))
                .collect();
            json!({ "objects": objects, "classifications": classifications })
        }
    };
    Some(Ontology {
        hash,
        title,
        description: table.description.unwrap_or_default(),
        editor,
    })
}

fn from_file(file: &Spanned<String>, folder: &Path, mistakes: &mut Mistakes<'_>) -> Option<Value> {
    let path = folder.join(file.get_ref());
    let found = match std::fs::read_to_string(&path) {
        Err(error) => format!("`{}`, which cannot be read: {error}", file.get_ref()),
        Ok(text) => match serde_json::from_str::<Value>(&text) {
            Err(error) => format!("`{}`, which is not JSON: {error}", file.get_ref()),
            Ok(editor)
                if !editor["objects"].is_array() || !editor["classifications"].is_array() =>
            {
                format!(
                    "`{}`, which lacks one of the lists `objects` and `classifications`",
                    file.get_ref()
                )
            }
            Ok(editor) => match missing_keys(&editor) {
                None => return Some(editor),
                Some(missing) => format!("`{}`, where {missing}", file.get_ref()),
            },
        },
    };
    mistakes.add(
        Some(file.span()),
        format!("expected the JSON structure of an Encord ontology, found {found}"),
    );
    None
}

/// The first feature that lacks what every client needs of it.
fn missing_keys(editor: &Value) -> Option<String> {
    let lists = [
        (
            "objects",
            &["id", "name", "color", "shape", "featureNodeHash"][..],
        ),
        (
            "classifications",
            &["id", "featureNodeHash", "attributes"][..],
        ),
    ];
    for (list, keys) in lists {
        for (index, feature) in editor[list].as_array().into_iter().flatten().enumerate() {
            for key in keys {
                if feature.get(key).is_none() {
                    return Some(format!("entry {index} of `{list}` has no `{key}`"));
                }
            }
        }
    }
    None
}

/// Builds features; notes mistakes and carries on, so that all are found at once.
struct Builder<'mistakes, 'text> {
    ontology: Uuid,
    /// Feature hashes and whose they are.
    taken: HashMap<String, String>,
    mistakes: &'mistakes mut Mistakes<'text>,
}

impl Builder<'_, '_> {
    fn object(&mut self, index: usize, table: &ObjectTable) -> Value {
        let name = self.name(&table.name);
        let shape = table.shape.get_ref();
        if shape == "skeleton" {
            self.mistakes.add(
                Some(table.shape.span()),
                "expected a shape without points of its own, found `skeleton`; describe it in a file and name \
                 that: `[ontology] file = \"ontology.json\"`",
            );
        } else if !SHAPES.contains(&shape.as_str()) {
            let expected = SHAPES.join(", ");
            self.mistakes.add(
                Some(table.shape.span()),
                format!("expected a shape ({expected}), found `{shape}`"),
            );
        }
        let color = match &table.color {
            None => COLORS[index % COLORS.len()].to_owned(),
            Some(color) => {
                let digits = color.get_ref().strip_prefix('#').unwrap_or_default();
                if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    let found = color.get_ref();
                    self.mistakes.add(
                        Some(color.span()),
                        format!("expected a colour such as \"#D33115\", found `{found}`"),
                    );
                }
                color.get_ref().clone()
            }
        };
        let id = (index + 1).to_string();
        let path = ["object", name];
        let mut object = json!({
            "id": id,
            "name": name,
            "color": color,
            "shape": shape,
            "featureNodeHash": self.feature_hash(table.feature_hash.as_ref(), &table.name, &path),
            "required": table.required,
            "archived": false,
        });
        if !table.attributes.is_empty() {
            object["attributes"] = self.attributes(&table.attributes, &id, &path, 1);
        }
        object
    }

    fn classification(&mut self, index: usize, table: &ClassificationTable) -> Value {
        let title = self.name(&table.title);
        let id = (index + 1).to_string();
        let path = ["classification", title];
        let feature_hash = self.feature_hash(table.feature_hash.as_ref(), &table.title, &path);
        let attribute = Attribute {
            name: &table.title,
            kind: &table.kind,
            feature_hash: table.attribute_feature_hash.as_ref(),
            required: table.required,
            dynamic: None,
            options: &table.options,
        };
        let attribute = self.attribute(
            &attribute,
            &format!("{id}.1"),
            &["classification", title, "attribute"],
            1,
        );
        let mut classification = json!({ "id": id, "featureNodeHash": feature_hash, "archived": false, "attributes": [attribute] });
        if table.global {
            classification["level"] = "global".into();
        }
        classification
    }

    fn attributes(
        &mut self,
        tables: &[AttributeTable],
        id: &str,
        path: &[&str],
        depth: usize,
    ) -> Value {
        let mut attributes = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let name = self.name(&table.name);
            let attribute = Attribute {
                name: &table.name,
                kind: &table.kind,
                feature_hash: table.feature_hash.as_ref(),
                required: table.required,
                dynamic: Some(table.dynamic),
                options: &table.options,
            };
            let path = [path, &["attribute", name]].concat();
            attributes.push(self.attribute(
                &attribute,
                &format!("{id}.{}", index + 1),
                &path,
                depth,
            ));
        }
        attributes.into()
    }

    fn attribute(
        &mut self,
        attribute: &Attribute<'_>,
        id: &str,
        path: &[&str],
        depth: usize,
    ) -> Value {
        let kind = attribute.kind.get_ref().as_str();
        let name = attribute.name.get_ref();
        let span = Some(attribute.kind.span());
        match kind {
            "radio" | "checklist" if attribute.options.is_empty() => {
                self.mistakes.add(
                    span,
                    format!("expected options for the {kind} \"{name}\", found none"),
                );
            }
            "text" | "numeric" if !attribute.options.is_empty() => {
                self.mistakes.add(
                    span,
                    format!("expected no options for \"{name}\" of kind {kind}, found some"),
                );
            }
            "radio" | "checklist" | "text" | "numeric" => {}
            _ => self.mistakes.add(
                span,
                format!("expected a kind (radio, checklist, text or numeric), found `{kind}`"),
            ),
        }
        if depth > DEPTH {
            self.mistakes.add(
                Some(attribute.name.span()),
                format!("expected at most {DEPTH} levels of questions, found more"),
            );
            return Value::Null;
        }
        let mut value = json!({
            "id": id,
            "name": name,
            "type": kind,
            "featureNodeHash": self.feature_hash(attribute.feature_hash, attribute.name, path),
            "required": attribute.required,
            "archived": false,
        });
        if let Some(dynamic) = attribute.dynamic {
            value["dynamic"] = dynamic.into();
        }
        if !attribute.options.is_empty() {
            let options: Vec<_> = attribute
                .options
                .iter()
                .enumerate()
                .map(|(index, TextOrTable(option))| {
                    self.option(
                        option,
                        attribute,
                        &format!("{id}.{}", index + 1),
                        path,
                        depth,
                    )
                })
                .collect();
            value["options"] = options.into();
        }
        value
    }

    fn option(
        &mut self,
        option: &OptionTable,
        attribute: &Attribute<'_>,
        id: &str,
        path: &[&str],
        depth: usize,
    ) -> Value {
        let label = option.label.as_str();
        if label.trim().is_empty() {
            self.mistakes.add(
                Some(attribute.name.span()),
                "expected the label of an option, found an empty one",
            );
        }
        let path = [path, &["option", label]].concat();
        let value = option
            .value
            .clone()
            .unwrap_or_else(|| label.to_lowercase().replace(' ', "_"));
        let mut entry = Map::new();
        entry.insert("id".to_owned(), id.into());
        entry.insert("label".to_owned(), label.into());
        entry.insert("value".to_owned(), value.into());
        let feature_hash = self.feature_hash(option.feature_hash.as_ref(), attribute.name, &path);
        entry.insert("featureNodeHash".to_owned(), feature_hash.into());
        entry.insert("archived".to_owned(), false.into());
        if !option.attributes.is_empty() {
            if attribute.kind.get_ref() != "radio" {
                self.mistakes.add(
                    Some(attribute.kind.span()),
                    format!("expected further attributes only behind options of a radio, found some behind \"{label}\""),
                );
            }
            // Encord keeps the questions behind an option under the same key as the options of a question.
            entry.insert(
                "options".to_owned(),
                self.attributes(&option.attributes, id, &path, depth + 1),
            );
        }
        entry.into()
    }

    fn name<'name>(&mut self, name: &'name Spanned<String>) -> &'name str {
        if name.get_ref().trim().is_empty() {
            self.mistakes
                .add(Some(name.span()), "expected a name, found an empty one");
        }
        name.get_ref()
    }

    fn feature_hash(
        &mut self,
        written: Option<&Spanned<String>>,
        name: &Spanned<String>,
        path: &[&str],
    ) -> String {
        let hash = match written {
            Some(written) => {
                if written.get_ref().chars().count() != 8 {
                    let found = written.get_ref();
                    self.mistakes.add(
                        Some(written.span()),
                        format!("expected a feature hash of 8 characters, found `{found}`"),
                    );
                }
                written.get_ref().clone()
            }
            None => identity::feature_hash(self.ontology, path),
        };
        let whose = path
            .iter()
            .skip(1)
            .step_by(2)
            .copied()
            .collect::<Vec<_>>()
            .join(" > ");
        if let Some(other) = self.taken.insert(hash.clone(), whose.clone()) {
            let message = if written.is_none() && other == whose {
                format!("expected names that differ, found \"{whose}\" twice")
            } else {
                format!(
                    "expected feature hashes that differ, found `{hash}` for \"{other}\" and for \"{whose}\""
                )
            };
            self.mistakes
                .add(Some(written.unwrap_or(name).span()), message);
        }
        hash
    }
}

/// What attributes of objects, of options and of classifications have in common.
struct Attribute<'table> {
    name: &'table Spanned<String>,
    kind: &'table Spanned<String>,
    feature_hash: Option<&'table Spanned<String>>,
    required: bool,
    /// Only attributes of objects say so.
    dynamic: Option<bool>,
    options: &'table [OptionEntry],
}
