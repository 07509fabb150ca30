//! The objects and classifications of a document, each with all that belongs to it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::index::members;

/// What an edit is to: one object or one classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Unit<'a> {
    pub(super) kind: Kind,
    pub(super) hash: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Object,
    Classification,
}

/// The sections of a document that have an entry for each object or classification.
pub(super) const ENTRIES: [(&str, Kind); 3] = [
    ("object_answers", Kind::Object),
    ("object_actions", Kind::Object),
    ("classification_answers", Kind::Classification),
];

/// The sections whose members have labels.
pub(super) const SECTIONS: [&str; 2] = ["data_units", "spaces"];

/// A list of labels in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct List<'a> {
    pub(super) section: &'static str,
    pub(super) unit: &'a str,
    /// None if the unit has one list, not one for each frame.
    pub(super) key: Option<&'a str>,
    /// Whether it is of objects or of classifications.
    pub(super) kind: Kind,
}

/// Where a part of an object or classification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// In one of [`ENTRIES`].
    Entry(&'static str),
    Listed(List<'a>),
}

/// A part of an object or classification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) place: Place<'a>,
    pub(super) json: &'a Value,
}

/// All that belongs to some objects and classifications.
pub(super) type Pieces<'a> = HashMap<Unit<'a>, Vec<Piece<'a>>>;

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Object, Self::Classification];

    /// The key of the list in the labels of a frame.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::Object => "objects",
            Self::Classification => "classifications",
        }
    }

    /// What one of a list belongs to.
    pub(super) fn unit(self, listed: &Value) -> Option<Unit<'_>> {
        let key = match self {
            Self::Object => "objectHash",
            Self::Classification => "classificationHash",
        };
        let hash = listed.get(key)?.as_str()?;
        Some(Unit { kind: self, hash })
    }
}

/// All lists of labels of a document, in its order.
pub(super) fn lists(document: &Value) -> impl Iterator<Item = (List<'_>, &Vec<Value>)> {
    let units = SECTIONS
        .into_iter()
        .flat_map(|section| members(document, section).map(move |unit| (section, unit)));
    let blobs = units.flat_map(|(section, (unit, json))| {
        let labels = json.get("labels").and_then(Value::as_object);
        let frames = labels.into_iter().flat_map(Map::iter);
        let frames = frames.filter_map(|(key, blob)| Some((Some(key.as_str()), blob.as_object()?)));
        let all = labels
            .map(|labels| (None, labels))
            .into_iter()
            .chain(frames);
        all.map(move |(key, blob)| (section, unit.as_str(), key, blob))
    });
    blobs.flat_map(|(section, unit, key, blob)| {
        Kind::ALL.into_iter().filter_map(move |kind| {
            let listed = blob.get(kind.list())?.as_array()?;
            let list = List {
                section,
                unit,
                key,
                kind,
            };
            Some((list, listed))
        })
    })
}

/// One list of a document.
fn list_of<'a>(document: &'a Value, list: List<'_>) -> Option<&'a Vec<Value>> {
    let labels = document.get(list.section)?.get(list.unit)?.get("labels")?;
    let blob = match list.key {
        Some(key) => labels.get(key)?,
        None => labels,
    };
    blob.get(list.kind.list())?.as_array()
}

/// Some objects and classifications.
#[derive(Debug, Default)]
pub(super) struct Units<'a> {
    /// In the order of the document, in which they are read much quicker than in any other.
    pub(super) in_order: Vec<Unit<'a>>,
    pub(super) all: HashSet<Unit<'a>>,
}

impl<'a> Units<'a> {
    fn insert(&mut self, unit: Unit<'a>) {
        if self.all.insert(unit) {
            self.in_order.push(unit);
        }
    }
}

/// Objects and classifications that may differ between two documents: all those that do, and few others.
pub(super) fn suspects<'a>(before: &'a Value, after: &'a Value) -> Units<'a> {
    let mut found = Units::default();
    for (section, kind) in ENTRIES {
        let of = |document: &'a Value| document.get(section).and_then(Value::as_object);
        let (before, after) = (of(before), of(after));
        let missing_in = |other: Option<&'a Map<String, Value>>, hash: &str| {
            other.is_none_or(|other| !other.contains_key(hash))
        };
        let mut in_step = after.into_iter().flatten();
        for (hash, entry) in before.into_iter().flatten() {
            let other = match in_step.next() {
                Some((name, other)) if name == hash => Some(other),
                _ => after.and_then(|after| after.get(hash)),
            };
            if other.is_none_or(|other| !same(entry, other)) {
                found.insert(Unit { kind, hash });
            }
        }
        let after = after.into_iter().flatten();
        let added = after.filter(|(hash, _)| missing_in(before, hash));
        added.for_each(|(hash, _)| found.insert(Unit { kind, hash }));
    }
    for (list, listed) in lists(before) {
        let other = list_of(after, list).map_or(&[][..], Vec::as_slice);
        compare(list.kind, listed, other, &mut found);
    }
    for (list, listed) in lists(after) {
        if list_of(before, list).is_none() {
            compare(list.kind, &[], listed, &mut found);
        }
    }
    found
}

/// Notes what differs between two lists, whatever their order.
fn compare<'a>(kind: Kind, before: &'a [Value], after: &'a [Value], found: &mut Units<'a>) {
    let pairs = before.iter().zip(after);
    let mut in_step = 0;
    for (one, other) in pairs {
        if !same(one, other) {
            let unit = kind.unit(one);
            if unit != kind.unit(other) {
                break;
            }
            if let Some(unit) = unit {
                found.insert(unit);
            }
        }
        in_step += 1;
    }
    let mut rest: HashMap<Unit<'_>, Vec<&Value>> = HashMap::new();
    for other in after.get(in_step..).unwrap_or_default() {
        if let Some(unit) = kind.unit(other) {
            rest.entry(unit).or_default().push(other);
        }
    }
    for one in before.get(in_step..).unwrap_or_default() {
        let Some(unit) = kind.unit(one) else { continue };
        // Of two of one hash the order is compared, too: what differs more than it should is looked at twice.
        let others = rest.get_mut(&unit).filter(|others| !others.is_empty());
        if others.is_none_or(|others| !same(one, others.remove(0))) {
            found.insert(unit);
        }
    }
    let left = rest.into_iter().filter(|(_, others)| !others.is_empty());
    left.for_each(|(unit, _)| found.insert(unit));
}

/// True if two values are equal and their keys in the same order, which two states of one document mostly are.
/// Quicker than looking up each key.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.all(|((key, one), (name, other))| key == name && same(one, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

/// All that a document has of some objects and classifications.
pub(super) fn pieces<'a>(document: &'a Value, of: &HashSet<Unit<'a>>) -> Pieces<'a> {
    let mut found = Pieces::with_capacity(of.len());
    if of.is_empty() {
        return found;
    }
    let mut note = |unit: Unit<'a>, place, json| {
        if of.contains(&unit) {
            // Mostly an entry and something drawn.
            let pieces = found.entry(unit).or_insert_with(|| Vec::with_capacity(2));
            pieces.push(Piece { place, json });
        }
    };
    for (section, kind) in ENTRIES {
        for (hash, json) in members(document, section) {
            note(Unit { kind, hash }, Place::Entry(section), json);
        }
    }
    for (list, listed) in lists(document) {
        for json in listed {
            if let Some(unit) = list.kind.unit(json) {
                note(unit, Place::Listed(list), json);
            }
        }
    }
    found
}
