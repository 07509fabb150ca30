//! Two edits of one row are both kept if they touch nothing in common, whichever of them is saved first.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::super::{SAMPLES, document, open_document};
use super::cases;
use super::unknown::{any_edit, make};
use crate::{Edits, LabelRow, Onto};

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn edits_apart_are_both_kept_and_others_are_told(
        (name, ..) in select(SAMPLES.as_slice()),
        one in vec(any_edit(), 1..4),
        other in vec(any_edit(), 1..4),
    ) {
        let before = document(name);
        let mut rows = [one, other].map(|edits| {
            let mut row = open_document(name, before.clone());
            edits.iter().for_each(|edit| drop(make(edit, &mut row)));
            row
        });
        let [one, other] = rows.each_mut().map(|row| row.to_document());
        let edits = [Edits::between(&before, &one), Edits::between(&before, &other)];
        for (edits, after) in edits.iter().zip([&one, &other]) {
            prop_assert_eq!(edits.onto(after, after).unwrap(), Onto::Saved);
            let again = merged(edits, after, &before);
            prop_assert!(Edits::between(after, &again).is_empty());
            let written = serde_json::to_string(edits).unwrap();
            prop_assert_eq!(edits, &serde_json::from_str(&written).unwrap());
        }
        let touched = edits.each_ref().map(touched);
        let onto = [edits[0].onto(&one, &other), edits[1].onto(&other, &one)];
        let common: Vec<_> = touched[0].keys().filter(|unit| touched[1].contains_key(*unit)).collect();
        if let [Ok(_), Ok(_)] = onto {
            let both = [merged(&edits[0], &one, &other), merged(&edits[1], &other, &one)];
            prop_assert!(Edits::between(&both[0], &both[1]).is_empty());
            for (edits, after) in edits.iter().zip([&one, &other]) {
                // Of what one of them touched nothing differs.
                let rest = self::touched(&Edits::between(after, &both[0]));
                prop_assert!(self::touched(edits).keys().all(|unit| !rest.contains_key(unit)));
            }
            let row = open_document(name, both[0].clone());
            prop_assert_eq!(&said(&row, &touched[0]), &said(&rows[0], &touched[0]));
            prop_assert_eq!(&said(&row, &touched[1]), &said(&rows[1], &touched[1]));
            let untouched = untouched(&open_document(name, before.clone()), &touched);
            prop_assert_eq!(&said(&row, &untouched), &said(&rows[0], &untouched));
            // What both touched they left alike.
            for unit in common {
                let unit = BTreeMap::from([(unit.clone(), ())]);
                prop_assert_eq!(said(&rows[0], &unit), said(&rows[1], &unit));
            }
        } else {
            prop_assert!(onto.iter().all(Result::is_err), "{onto:?}");
            let gains = edits.iter().all(|edits| {
                let edits = serde_json::to_value(edits).unwrap();
                edits.get("classifications").is_some()
            });
            prop_assert!(!common.is_empty() || gains, "{onto:?}");
        }
    }
}

fn merged(edits: &Edits, after: &Value, theirs: &Value) -> Value {
    match edits.onto(after, theirs).unwrap() {
        Onto::Merged(row) => row,
        Onto::Saved => theirs.clone(),
    }
}

/// The objects and classifications that were touched, by kind and hash.
fn touched(edits: &Edits) -> BTreeMap<(String, String), ()> {
    let edits = serde_json::to_value(edits).unwrap();
    assert!(edits.get("rest").is_none(), "{edits}");
    let of_kind = |kind: &str| {
        let hashes = edits.get(kind).and_then(Value::as_object);
        let hashes = hashes.into_iter().flat_map(|hashes| hashes.keys());
        let units = hashes.map(|hash| ((kind.to_owned(), hash.clone()), ()));
        units.collect::<Vec<_>>()
    };
    let all = of_kind("objects")
        .into_iter()
        .chain(of_kind("classifications"));
    all.collect()
}

fn untouched(
    row: &LabelRow,
    touched: &[BTreeMap<(String, String), ()>; 2],
) -> BTreeMap<(String, String), ()> {
    let unit = |kind: &str, hash: &str| ((kind.to_owned(), hash.to_owned()), ());
    let objects = row
        .objects()
        .map(|object| unit("objects", object.object_hash()));
    let classes = row.classifications();
    let classes = classes.map(|class| unit("classifications", class.classification_hash()));
    let mut all: BTreeMap<_, _> = objects.chain(classes).collect();
    all.retain(|unit, ()| touched.iter().all(|touched| !touched.contains_key(unit)));
    all
}

/// What a row says of some objects and classifications, to its readers.
fn said(row: &LabelRow, of: &BTreeMap<(String, String), ()>) -> Vec<(String, Option<Value>)> {
    let said = of.keys().map(|(kind, hash)| {
        let json = match kind.as_str() {
            "objects" => row.object(hash).map(|object| object.to_json()),
            _ => row.classification(hash).map(|class| class.to_json()),
        };
        let mut json = json.map(|json| serde_json::from_str(&json).unwrap());
        json.iter_mut().for_each(without_times);
        (hash.clone(), json)
    });
    said.collect()
}

/// Both rows were edited at other times.
fn without_times(json: &mut Value) {
    match json {
        Value::Array(elements) => elements.iter_mut().for_each(without_times),
        Value::Object(members) => {
            members.retain(|key, _| !matches!(key.as_str(), "createdAt" | "lastEditedAt"));
            members.values_mut().for_each(without_times);
        }
        _ => {}
    }
}
