//! Putting objects and classifications of one document into another of the same row.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::units::{ENTRIES, Kind, List, Unit, lists};
use crate::index;
use crate::write;

/// What the service decides of an object. It stays when the object is replaced.
const OF_SERVICE: [&str; 2] = ["objectNumber", "reviews"];

/// What a list is to have of some objects and classifications, in this order.
type Wanted<'a> = Vec<(Unit<'a>, &'a Value)>;

/// `theirs` with some objects and classifications as in `after`: added, replaced, or removed if it has none. All
/// others stay as they are, and where they are.
pub(super) fn apply(theirs: &Value, after: &Value, which: &HashSet<Unit<'_>>) -> Value {
    let mut row = theirs.clone();
    put_entries(&mut row, after, which);
    let mut order = Vec::new();
    let mut wanted: HashMap<List<'_>, Wanted<'_>> = HashMap::new();
    for (list, listed) in lists(after) {
        let of_list = listed
            .iter()
            .filter_map(|json| Some((list.kind.unit(json)?, json)));
        let of_list: Wanted<'_> = of_list.filter(|(unit, _)| which.contains(unit)).collect();
        if !of_list.is_empty() {
            order.push(list);
            wanted.insert(list, of_list);
        }
    }
    let mut emptied = Vec::new();
    for (list, listed) in lists(theirs) {
        let new = wanted.remove(&list).unwrap_or_default();
        let mut units = listed.iter().filter_map(|json| list.kind.unit(json));
        if new.is_empty() && !units.any(|unit| which.contains(&unit)) {
            continue;
        }
        if let Some(held) = blob_mut(&mut row, list).and_then(|blob| blob.get_mut(list.kind.list()))
            && let Value::Array(held) = held
        {
            *held = settled(list.kind, listed, std::mem::take(held), &new, which);
            if held.is_empty() {
                emptied.push(index::List {
                    section: list.section,
                    unit: list.unit.into(),
                    key: list.key.map(Into::into),
                });
            }
        }
    }
    let new = order
        .into_iter()
        .filter_map(|list| Some((list, wanted.remove(&list)?)));
    make_lists(&mut row, new.collect());
    write::drop_empty(&mut row, &emptied);
    row
}

/// A list in which each of `which` is as in `new`, or is not. `listed` is what `held` was cloned from.
fn settled(
    kind: Kind,
    listed: &[Value],
    held: Vec<Value>,
    new: &Wanted<'_>,
    which: &HashSet<Unit<'_>>,
) -> Vec<Value> {
    let mut places: HashMap<Unit<'_>, VecDeque<usize>> = HashMap::with_capacity(new.len());
    for (place, (unit, _)) in new.iter().enumerate() {
        places.entry(*unit).or_default().push_back(place);
    }
    let mut is_left = vec![true; new.len()];
    let mut all = Vec::with_capacity(held.len() + new.len());
    for (json, held) in listed.iter().zip(held) {
        let unit = kind.unit(json).filter(|unit| which.contains(unit));
        let Some(unit) = unit else {
            all.push(held);
            continue;
        };
        let place = places.get_mut(&unit).and_then(VecDeque::pop_front);
        if let Some(place) = place
            && let Some((_, wanted)) = new.get(place)
        {
            all.push(in_place_of(json, wanted));
            is_left[place] = false;
        }
    }
    let left = new.iter().zip(is_left).filter(|(_, is_left)| *is_left);
    all.extend(left.map(|((_, json), _)| (*json).clone()));
    all
}

/// What takes the place of something.
fn in_place_of(old: &Value, new: &Value) -> Value {
    let mut new = new.clone();
    if let Value::Object(new) = &mut new {
        for key in OF_SERVICE {
            if let Some(value) = old.get(key).filter(|value| !value.is_null()) {
                new.insert(key.to_owned(), value.clone());
            }
        }
    }
    new
}

fn put_entries(row: &mut Value, after: &Value, which: &HashSet<Unit<'_>>) {
    for (section, kind) in ENTRIES {
        let entries = after.get(section).and_then(Value::as_object);
        let of_kind = |hash: &str| which.contains(&Unit { kind, hash });
        if let Some(Value::Object(held)) = row.get_mut(section) {
            held.retain(|hash, _| {
                !of_kind(hash) || entries.is_some_and(|entries| entries.contains_key(hash))
            });
        }
        for (hash, entry) in entries.into_iter().flatten() {
            if !of_kind(hash) {
                continue;
            }
            let held = write::section(row, section);
            match held.get_mut(hash) {
                Some(old) => *old = in_place_of(old, entry),
                None => {
                    held.insert(hash.clone(), entry.clone());
                }
            }
        }
    }
}

/// Makes lists that a row does not have yet.
fn make_lists(row: &mut Value, new: Vec<(List<'_>, Wanted<'_>)>) {
    let mut frames: HashMap<(&'static str, &str), Vec<(&str, Value)>> = HashMap::new();
    for (list, wanted) in new {
        let listed = wanted.into_iter().map(|(_, json)| json.clone()).collect();
        if let Some(blob) = blob_mut(row, list) {
            blob.insert(list.kind.list().to_owned(), listed);
            continue;
        }
        let Some(key) = list.key else { continue };
        let of_unit = frames.entry((list.section, list.unit)).or_default();
        // Both lists of a frame follow each other.
        if of_unit.last().is_none_or(|(last, _)| *last != key) {
            of_unit.push((key, json!({ "objects": [], "classifications": [] })));
        }
        if let Some((_, blob)) = of_unit.last_mut() {
            blob[list.kind.list()] = listed;
        }
    }
    for ((section, unit), mut of_unit) in frames {
        let Some(Value::Object(labels)) = labels_mut(row, section, unit) else {
            continue;
        };
        // Where the row has no frame that is later, in one walk: an insertion moves all that are behind it.
        of_unit.sort_by_key(|(key, _)| number(key));
        let mut all = Vec::with_capacity(labels.len() + of_unit.len());
        for (key, blob) in std::mem::take(labels).into_iter().rev() {
            while let Some((new, made)) = of_unit.pop_if(|(new, _)| number(new) >= number(&key)) {
                all.push((new.to_owned(), made));
            }
            all.push((key, blob));
        }
        let first = of_unit.into_iter().rev();
        all.extend(first.map(|(key, blob)| (key.to_owned(), blob)));
        labels.extend(all.into_iter().rev());
    }
}

/// Frames are written in ascending order, what is no frame behind them.
fn number(key: &str) -> u32 {
    key.parse().unwrap_or(u32::MAX)
}

/// The labels of a data unit or a space, made if there are none.
fn labels_mut<'a>(row: &'a mut Value, section: &str, unit: &str) -> Option<&'a mut Value> {
    let unit = row.get_mut(section)?.get_mut(unit)?.as_object_mut()?;
    let labels = unit.entry("labels").or_insert_with(|| json!({}));
    if labels.is_null() {
        *labels = json!({});
    }
    Some(labels)
}

/// What has the list, if the row has that.
fn blob_mut<'a>(row: &'a mut Value, list: List<'_>) -> Option<&'a mut Map<String, Value>> {
    let labels = labels_mut(row, list.section, list.unit)?;
    match list.key {
        Some(key) => labels.get_mut(key)?.as_object_mut(),
        None => labels.as_object_mut(),
    }
}
