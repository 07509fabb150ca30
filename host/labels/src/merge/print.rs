//! Fingerprints of what a document says, whoever wrote it and in whatever form.
//!
//! Encord's Python SDK writes a row anew as a whole when it saves it, and a service may do so, too. None of the
//! following is an edit, and none of it is in a fingerprint:
//!
//! - `1` and `1.0`, the order of keys, `null` and an absent key;
//! - the order of objects on a frame and of answers, an entry for each option or one for all, ranges that touch or
//!   are one;
//! - what is absent and means a default: a confidence of 1, an annotation by a person, an entry without answers;
//! - a polygon without `polygons`, points as a list or by position, the flags of a skeleton's points;
//! - what follows from the feature hash (name, colour, shape, value), and what is decided when something is saved
//!   (authors, times, object numbers, reviews).
//!
//! Keys that are not known here the SDK leaves out. They have a fingerprint of their own, so that something
//! without them can be told from something with other ones.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

use super::units::{Kind, Piece, Place};
use crate::frames;
use crate::geometry;

/// Half of a SHA-256: nobody gains by two things that have the same.
type Digest = [u8; 16];

/// The fingerprint of an object, a classification, or a value of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    /// Of what is known here.
    known: Digest,
    /// Of keys that are not.
    more: Option<Digest>,
}

impl Print {
    /// Of an object or a classification; none if there is nothing of it.
    pub(super) fn of(pieces: &[Piece<'_>]) -> Option<Self> {
        let mut features = Vec::new();
        let (mut known, mut more) = (Vec::new(), Vec::new());
        let (mut text, mut beyond) = (Vec::new(), Vec::new());
        for piece in pieces {
            text.clear();
            beyond.clear();
            match piece.place {
                // Frames listed classifications before `classification_answers` had ranges.
                Place::Listed(list) if list.kind == Kind::Classification => {
                    value(piece.json, &mut beyond);
                }
                Place::Listed(_) => {
                    text.push(b'o');
                    fields(piece.json, &mut features, &mut text, &mut beyond);
                }
                Place::Entry(_) => fields(piece.json, &mut features, &mut text, &mut beyond),
            }
            for (text, digests) in [(&mut text, &mut known), (&mut beyond, &mut more)] {
                if !text.is_empty() {
                    place(piece.place, text);
                    digests.push(digest(text));
                }
            }
        }
        if !features.is_empty() {
            features.sort_unstable();
            text.clear();
            text.push(b'f');
            features
                .iter()
                .for_each(|feature| string(feature, &mut text));
            known.push(digest(&text));
        }
        let all = |mut digests: Vec<Digest>| {
            digests.sort_unstable();
            digest(digests.as_flattened())
        };
        let more = (!more.is_empty()).then(|| all(more));
        (!known.is_empty() || more.is_some()).then(|| Self {
            known: all(known),
            more,
        })
    }

    /// Of a value; none if it says nothing.
    pub(super) fn of_value(json: Option<&Value>) -> Option<Self> {
        let json = json.filter(|json| !is_nothing(json))?;
        let mut text = Vec::new();
        value(json, &mut text);
        Some(Self {
            known: digest(&text),
            more: None,
        })
    }

    /// True if this is the same as another but for unknown keys, and has none.
    pub(super) fn is_bare(&self, of: &Self) -> bool {
        self.known == of.known && self.more.is_none()
    }

    /// True if this differs from another in unknown keys at most.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.known == other.known
    }
}

impl Serialize for Print {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = [&self.known[..], self.more.as_ref().map_or(&[], |more| more)];
        serializer.serialize_str(&STANDARD_NO_PAD.encode(all.concat()))
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(&text).unwrap_or_default();
        match *bytes.as_chunks::<16>().0 {
            [known] if bytes.len() == 16 => Ok(Self { known, more: None }),
            [known, more] if bytes.len() == 32 => Ok(Self {
                known,
                more: Some(more),
            }),
            _ => Err(de::Error::custom(format!(
                "expected 16 or 32 bytes in Base64, found `{text}`"
            ))),
        }
    }
}

fn digest(text: &[u8]) -> Digest {
    let whole: [u8; 32] = Sha256::digest(text).into();
    let [half, _] = *whole.as_chunks::<16>().0 else {
        return Digest::default();
    };
    half
}

fn place(place: Place<'_>, out: &mut Vec<u8>) {
    match place {
        Place::Entry(section) => string(section, out),
        Place::Listed(list) => {
            string(list.section, out);
            string(list.unit, out);
            string(list.key.unwrap_or_default(), out);
        }
    }
}

/// Keys of an object or a classification that follow from others, or are decided when it is saved.
const NOT_COMPARED: [&str; 12] = [
    "objectHash",
    "classificationHash",
    "name",
    "color",
    "shape",
    "value",
    "createdAt",
    "createdBy",
    "lastEditedAt",
    "lastEditedBy",
    "objectNumber",
    "reviews",
];

/// The keys of a drawn object, or of an entry.
fn fields<'a>(
    json: &'a Value,
    features: &mut Vec<&'a str>,
    known: &mut Vec<u8>,
    more: &mut Vec<u8>,
) {
    for (key, field) in sorted_but(json, &NOT_COMPARED) {
        match key {
            // On each frame, or on the entry: it is one for all.
            "featureHash" => {
                let feature = field.as_str();
                features.extend(feature.filter(|feature| !features.contains(feature)));
            }
            "confidence" if field.as_f64() == Some(1.0) => {}
            "manualAnnotation" if *field == true => {}
            "isDeleted" if *field == false => {}
            "range" | "range_html" | "spaces" if is_empty(field) => {}
            "classifications" | "actions" if field.is_array() => answers(field, known, more),
            "range" => named(key, known, |known| range(field, known)),
            "range_html" => named(key, known, |known| any_order(field, known)),
            "spaces" => named(key, known, |known| {
                for (space, place) in sorted(field) {
                    string(space, known);
                    for (key, field) in sorted(place) {
                        match key {
                            "range" => range(field, known),
                            _ => named(key, known, |known| value(field, known)),
                        }
                    }
                }
            }),
            // The first outline of what `polygons` has.
            "polygon" if json.get("polygons").is_some_and(|all| !is_empty(all)) => {}
            "polygon" | "polygons" | "polyline" | "point" | "skeleton" => {
                named(geometry_key(key), known, |known| {
                    match geometry::coordinates(key, json) {
                        Some(numbers) => numbers.iter().for_each(|number| float(*number, known)),
                        None => value(field, known),
                    }
                    if key == "skeleton" {
                        skeleton(field, known);
                    }
                });
            }
            "circle" | "ellipse" => named(key, known, |known| {
                for (key, field) in sorted(field) {
                    let default = match key {
                        "stretch" => Some(1.0),
                        "theta" => Some(0.0),
                        _ => None,
                    };
                    if default.is_none() || field.as_f64() != default {
                        named(key, known, |known| value(field, known));
                    }
                }
            }),
            "boundingBox"
            | "rotatableBoundingBox"
            | "bitmask"
            | "cuboid"
            | "cuboid_2d"
            | "segmentation"
            | "confidence"
            | "manualAnnotation"
            | "isDeleted" => {
                named(key, known, |known| value(field, known));
            }
            _ => named(key, more, |more| value(field, more)),
        }
    }
}

fn geometry_key(key: &str) -> &str {
    match key {
        "polygon" => "polygons",
        key => key,
    }
}

/// What is said of a skeleton's points beside where they are.
fn skeleton(points: &Value, out: &mut Vec<u8>) {
    for point in geometry::keyed(points) {
        let feature = point.get("featureHash").and_then(Value::as_str);
        string(feature.unwrap_or_default(), out);
        let visibility = geometry::visibility(point);
        string(&visibility.unwrap_or_default(), out);
    }
}

/// Answers to attributes. What was chosen is noted option by option, with all the frames on which it was.
fn answers(list: &Value, known: &mut Vec<u8>, more: &mut Vec<u8>) {
    let mut said: BTreeMap<Vec<u8>, Vec<Value>> = BTreeMap::new();
    let mut beyond = BTreeSet::new();
    for answer in list.as_array().into_iter().flatten() {
        let mut common = Vec::new();
        let mut unknown = Vec::new();
        for (key, field) in sorted(answer) {
            match key {
                "name" | "value" | "answers" | "range" | "dynamic" => {}
                "manualAnnotation" if *field == true => {}
                "shouldPropagate" if *field == false => {}
                "featureHash" | "manualAnnotation" | "shouldPropagate" | "spaceId" => {
                    named(key, &mut common, |common| value(field, common));
                }
                _ => named(key, &mut unknown, |unknown| value(field, unknown)),
            }
        }
        if !unknown.is_empty() {
            beyond.insert([common.as_slice(), unknown.as_slice()].concat());
        }
        let mut say = |given: &Value| {
            let mut text = common.clone();
            match given.get("featureHash") {
                Some(option) => value(option, &mut text),
                None => value(given, &mut text),
            }
            let ranges = answer.get("range").and_then(Value::as_array);
            said.entry(text)
                .or_default()
                .extend(ranges.into_iter().flatten().cloned());
        };
        match answer.get("answers") {
            // Taken back.
            None | Some(Value::Null) => {}
            Some(Value::Array(options)) if !options.is_empty() => options.iter().for_each(say),
            Some(given) => say(given),
        }
    }
    for (text, ranges) in said {
        named("answer", known, |known| known.extend(text));
        range(&Value::Array(ranges), known);
    }
    for text in beyond {
        named("answer", more, |more| more.extend(text));
    }
}

/// A `range`: the frames are what it says, not how they are cut.
fn range(json: &Value, out: &mut Vec<u8>) {
    if frames::fits(Some(json)) {
        for range in frames::from_json(Some(json)) {
            integer(range.start.into(), out);
            integer(range.end.into(), out);
        }
    } else {
        any_order(json, out);
    }
}

/// A list whose order says nothing.
fn any_order(json: &Value, out: &mut Vec<u8>) {
    let written = json.as_array().into_iter().flatten().map(|element| {
        let mut text = Vec::new();
        value(element, &mut text);
        text
    });
    let mut written: Vec<_> = written.collect();
    written.sort_unstable();
    out.push(b'[');
    written.iter().for_each(|text| out.extend(text));
    out.push(b']');
}

/// Any value.
fn value(json: &Value, out: &mut Vec<u8>) {
    match json {
        Value::Null => out.push(b'n'),
        Value::Bool(true) => out.push(b't'),
        Value::Bool(false) => out.push(b'f'),
        Value::Number(json) => number(json, out),
        Value::String(text) => string(text, out),
        Value::Array(elements) => {
            out.push(b'[');
            elements.iter().for_each(|element| value(element, out));
            out.push(b']');
        }
        Value::Object(_) => {
            out.push(b'{');
            for (key, field) in sorted(json) {
                named(key, out, |out| value(field, out));
            }
            out.push(b'}');
        }
    }
}

fn number(json: &Number, out: &mut Vec<u8>) {
    let whole = json.as_i64().map(i128::from);
    match (
        whole.or_else(|| json.as_u64().map(i128::from)),
        json.as_f64(),
    ) {
        (Some(number), _) => integer(number, out),
        (None, Some(number)) => float(number, out),
        (None, None) => string(&json.to_string(), out),
    }
}

fn float(number: f64, out: &mut Vec<u8>) {
    // As [`number`] writes whole numbers of other forms.
    if number.fract() == 0.0 && number.abs() < 1e19 {
        return integer(number as i128, out);
    }
    out.push(b'.');
    out.extend(number.to_bits().to_le_bytes());
}

fn integer(number: i128, out: &mut Vec<u8>) {
    out.push(b'#');
    out.extend(number.to_le_bytes());
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn named(key: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    string(key, out);
    write(out);
}

/// The members of an object by their keys, without those that are `null`.
fn sorted(json: &Value) -> Vec<(&str, &Value)> {
    sorted_but(json, &[])
}

/// The same without some.
fn sorted_but<'a>(json: &'a Value, without: &[&str]) -> Vec<(&'a str, &'a Value)> {
    let members = json.as_object().into_iter().flatten();
    let members =
        members.filter(|(key, value)| !value.is_null() && !without.contains(&key.as_str()));
    let mut members: Vec<_> = members.map(|(key, value)| (key.as_str(), value)).collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    members
}

fn is_empty(json: &Value) -> bool {
    match json {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// True for `null`, and for an object without anything in it.
fn is_nothing(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_nothing),
        _ => false,
    }
}
