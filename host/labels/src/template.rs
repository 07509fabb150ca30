//! Templates of skeletons: which points one has, and where they are at first.

use serde_json::Value;

use super::error::OntologyError;

/// A point of a skeleton's template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplatePoint {
    /// What people read.
    pub name: String,
    /// 8 characters; empty if there was none.
    pub feature_hash: String,
    /// In the template, from 0 to 1.
    pub x: f64,
    /// In the template, from 0 to 1.
    pub y: f64,
    /// As in the template, `#RRGGBB` for example; empty if there was none.
    pub color: String,
    /// What programs read; empty if there was none.
    pub value: String,
}

/// The template of one skeleton.
#[derive(Debug)]
pub(super) struct Template {
    /// Of the ontology object; older ontologies have none.
    feature_hash: Option<String>,
    /// Usually that of the ontology object.
    name: String,
    points: Vec<TemplatePoint>,
}

impl Template {
    /// Reads the element of `skeleton_templates` at `place`.
    pub(super) fn read(json: &Value, place: &str) -> Result<Self, OntologyError> {
        let json = json.get("template").unwrap_or(json);
        let text = |json: &Value, key: &str| json.get(key)?.as_str().map(str::to_owned);
        let mut points = Vec::new();
        let drawn = json.get("skeleton").and_then(Value::as_object);
        for (key, point) in drawn.into_iter().flatten() {
            let number = |key: &str| point.get(key).and_then(Value::as_f64);
            let (Some(name), Some(x), Some(y)) = (text(point, "name"), number("x"), number("y"))
            else {
                return Err(OntologyError(format!(
                    "expected a point with `name`, `x` and `y` at `{place}.template.skeleton.{key}` of \
                     the ontology, found {point}"
                )));
            };
            let point = TemplatePoint {
                name,
                feature_hash: text(point, "featureHash").unwrap_or_default(),
                x,
                y,
                color: text(point, "color").unwrap_or_default(),
                value: text(point, "value").unwrap_or_default(),
            };
            // Keys are positions; what is none stays behind those.
            points.push((key.parse().unwrap_or(u32::MAX), point));
        }
        points.sort_by_key(|(position, _)| *position);
        let points = points.into_iter().map(|(_, point)| point).collect();
        Ok(Self {
            // The first is the form of the Python SDK; the second that of every other feature hash in an
            // ontology, which the captured one has here, too.
            feature_hash: text(json, "feature_node_hash").or_else(|| text(json, "featureNodeHash")),
            name: text(json, "name").unwrap_or_default(),
            points: relative(points, json),
        })
    }

    /// The points of the template of an ontology object: the one with its feature hash or, if no template
    /// has that, one without a feature hash that has its name.
    pub(super) fn points_of(
        templates: &[Self],
        feature_hash: &str,
        name: &str,
    ) -> Vec<TemplatePoint> {
        let by_hash = |template: &&Self| template.feature_hash.as_deref() == Some(feature_hash);
        let by_name = |template: &&Self| template.feature_hash.is_none() && template.name == name;
        let found = templates.iter().find(by_hash);
        let found = found.or_else(|| templates.iter().find(by_name));
        found.map_or_else(Vec::new, |template| template.points.clone())
    }
}

/// Places are relative to the template, whatever its width and height are; but for templates in pixels,
/// which the Python SDK does not refuse.
fn relative(mut points: Vec<TemplatePoint>, json: &Value) -> Vec<TemplatePoint> {
    let size = |key: &str| json.get(key).and_then(Value::as_f64);
    if points.iter().all(|point| point.x <= 1.0 && point.y <= 1.0) {
        return points;
    }
    if let (Some(width), Some(height)) = (size("width"), size("height"))
        && width > 1.0
        && height > 1.0
    {
        for point in &mut points {
            point.x /= width;
            point.y /= height;
        }
    }
    points
}
