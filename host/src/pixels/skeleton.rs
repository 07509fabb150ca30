//! What of a skeleton's template is not in the points of one.

use serde_json::Value;

use crate::labels::{Ontology, OntologyObject, SkeletonPoint, TemplatePoint};

/// Which points of its template a skeleton joins: positions in the template. Empty if the ontology does not say.
pub(crate) fn edges(ontology: &Ontology, object: &OntologyObject) -> Vec<[usize; 2]> {
    let templates = ontology
        .raw()
        .get("skeleton_templates")
        .and_then(Value::as_array);
    let templates = templates
        .into_iter()
        .flatten()
        .map(|entry| entry.get("template").unwrap_or(entry));
    let hash = |template: &Value| {
        let hash = template
            .get("feature_node_hash")
            .or_else(|| template.get("featureNodeHash"));
        hash.and_then(Value::as_str).map(str::to_owned)
    };
    let mine = |template: &&Value| match hash(template) {
        Some(hash) => hash == object.feature_hash,
        None => template.get("name").and_then(Value::as_str) == Some(&object.name),
    };
    let found = templates.clone().find(mine);
    let edges = found.and_then(|template| template.get("skeletonEdges")?.as_object());
    let mut all = Vec::new();
    for (from, to) in edges.into_iter().flatten() {
        for to in to.as_object().into_iter().flat_map(|to| to.keys()) {
            if let (Ok(from), Ok(to)) = (from.parse(), to.parse())
                && from < object.template.len()
                && to < object.template.len()
            {
                all.push([from, to]);
            }
        }
    }
    all
}

/// The point of a skeleton that a point of its template stands for.
pub(crate) fn point_of(points: &[SkeletonPoint], named: &TemplatePoint) -> Option<usize> {
    points.iter().position(|point| {
        if point.feature_hash.is_empty() || named.feature_hash.is_empty() {
            point.name == named.name
        } else {
            point.feature_hash == named.feature_hash
        }
    })
}
