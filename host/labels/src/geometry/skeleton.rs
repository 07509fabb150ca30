//! The points of a skeleton, and those of its template.

use serde_json::{Map, Value, json};

use super::SkeletonPoint;
use crate::error::{LabelError, listed};
use crate::ontology::OntologyObject;
use crate::template::TemplatePoint;

/// What may be said about how a point is seen.
const VISIBILITIES: [&str; 4] = ["visible", "invisible", "occluded", "selfOccluded"];

/// Points in the order of the template, each with the point of the template that it is: the edges of a
/// template are between positions, so the editor joins points by position.
///
/// An ontology may have no template for a skeleton. Its points are then taken as they are.
pub(super) fn aligned<'a>(
    points: &'a [SkeletonPoint],
    object: &'a OntologyObject,
) -> Result<Vec<(&'a SkeletonPoint, Option<&'a TemplatePoint>)>, LabelError> {
    if let Some(visibility) = points
        .iter()
        .filter_map(|point| point.visibility.as_deref())
        .find(|visibility| !VISIBILITIES.contains(visibility))
    {
        return Err(LabelError::InvalidArgument(format!(
            "expected the visibility of a skeleton's point to be one of {}, found `{visibility}`",
            listed(VISIBILITIES.into_iter())
        )));
    }
    let template = object.template.as_slice();
    if template.is_empty() {
        return untemplated(points, object);
    }
    let mut places: Vec<Option<&SkeletonPoint>> = vec![None; template.len()];
    for (position, point) in points.iter().enumerate() {
        let is_free = |place: usize| {
            let named = template.get(place).is_some_and(|named| is(point, named));
            named && places.get(place).is_some_and(Option::is_none)
        };
        // Most give them in order.
        let found = if is_free(position) {
            Some(position)
        } else {
            (0..template.len()).find(|place| is_free(*place))
        };
        match found.and_then(|place| places.get_mut(place)) {
            Some(place) => *place = Some(point),
            None => return Err(misplaced(point, object)),
        }
    }
    let missing = template.iter().zip(&places);
    let missing: Vec<&str> = missing
        .filter(|(_, place)| place.is_none())
        .map(|(named, _)| named.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(LabelError::InvalidArgument(format!(
            "expected every point of the skeleton `{}`, found none for {}\n\
             help: a point that cannot be seen is given with the visibility `invisible`",
            object.name,
            listed(missing.into_iter())
        )));
    }
    let pairs = places.into_iter().flatten().zip(template);
    Ok(pairs.map(|(point, named)| (point, Some(named))).collect())
}

/// Points that [`aligned`] accepts, as the Python SDK writes them.
pub(super) fn to_json(points: &[SkeletonPoint], object: &OntologyObject) -> Value {
    let aligned = aligned(points, object).unwrap_or_default();
    let numbered = aligned.into_iter().enumerate();
    let written = numbered.map(|(position, (point, named))| {
        (position.to_string(), Value::Object(written(point, named)))
    });
    Value::Object(written.collect())
}

/// What is not stated is left out.
fn written(point: &SkeletonPoint, named: Option<&TemplatePoint>) -> Map<String, Value> {
    let (name, feature_hash) = match named {
        Some(named) => (&named.name, &named.feature_hash),
        None => (&point.name, &point.feature_hash),
    };
    let mut json = Map::new();
    json.insert("x".to_owned(), json!(point.x));
    json.insert("y".to_owned(), json!(point.y));
    json.insert("name".to_owned(), json!(name));
    let stated = [
        ("color", named.map(|named| named.color.as_str())),
        ("featureHash", Some(feature_hash.as_str())),
        ("value", named.map(|named| named.value.as_str())),
        ("visibility", point.visibility.as_deref()),
    ];
    for (key, text) in stated {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            json.insert(key.to_owned(), json!(text));
        }
    }
    json
}

fn untemplated<'a>(
    points: &'a [SkeletonPoint],
    object: &OntologyObject,
) -> Result<Vec<(&'a SkeletonPoint, Option<&'a TemplatePoint>)>, LabelError> {
    let nameless = points.iter().position(|point| point.name.is_empty());
    match nameless {
        Some(position) => Err(LabelError::InvalidArgument(format!(
            "expected a name for each point of the skeleton `{}`, which has no template, found none \
             for point {position}",
            object.name
        ))),
        None if points.is_empty() => Err(LabelError::InvalidArgument(format!(
            "expected at least one point of the skeleton `{}`, found none",
            object.name
        ))),
        None => Ok(points.iter().map(|point| (point, None)).collect()),
    }
}

/// A point is known by its feature hash or, without one, by its name.
fn is(point: &SkeletonPoint, named: &TemplatePoint) -> bool {
    if point.feature_hash.is_empty() {
        point.name == named.name
    } else {
        point.feature_hash == named.feature_hash
    }
}

/// Why a point has no place in the template.
fn misplaced(point: &SkeletonPoint, object: &OntologyObject) -> LabelError {
    let (what, found) = if point.feature_hash.is_empty() {
        ("name", &point.name)
    } else {
        ("feature hash", &point.feature_hash)
    };
    let template = object.template.as_slice();
    if template.iter().any(|named| is(point, named)) {
        return LabelError::InvalidArgument(format!(
            "expected each point of the skeleton `{}` once, found the {what} `{found}` again",
            object.name
        ));
    }
    let known = template.iter().map(|named| {
        if point.feature_hash.is_empty() {
            named.name.as_str()
        } else {
            named.feature_hash.as_str()
        }
    });
    LabelError::InvalidArgument(format!(
        "expected the {what} of a point of the skeleton `{}`, found `{found}`; its template has {}",
        object.name,
        listed(known)
    ))
}
