//! What the fuzz targets share: the rows and the ontology they start from, and what has to hold for any
//! document.

pub mod edits;
pub mod mutate;
// The golden documents are read by the same code, so that what is shown there is what is compared here.
#[path = "../../../host/labels/tests/golden/reading.rs"]
pub mod reading;
pub mod rows;

use std::collections::BTreeSet;
use std::sync::Arc;

use libfuzzer_sys::arbitrary::Unstructured;
use runner_labels::{LabelRow, RowFacts};
use serde_json::Value;

/// So many edits are made in one run.
const MOST_EDITS: usize = 16;

/// Opens a document as a row of some type, reads all of it, edits it, and reads what was written: nothing
/// panics, what is refused changes nothing, and the document says the same when it is opened again. The
/// bytes choose what is not said by the document.
pub fn exercise(document: Value, bytes: &mut Unstructured<'_>) {
    let facts = rows::facts(&document, bytes);
    let Some(mut row) = open(document, facts.clone()) else {
        return;
    };
    let before = parts(&row);
    assert!(!row.is_edited());
    for _ in 0..MOST_EDITS {
        if bytes.is_empty() {
            break;
        }
        edits::one(&mut row, bytes);
    }
    let after = parts(&row);
    if !row.is_edited() {
        same(
            &before,
            &after,
            "nothing was edited, and the row reads otherwise",
        );
    }
    let written = serde_json::to_string(&*row.to_document()).expect("JSON can be written");
    let written: Value = serde_json::from_str(&written).expect("what was written can be parsed");
    assert_eq!(written, *row.to_document());
    let again = open(written, facts).expect("a row that was opened stays one");
    same(
        &after,
        &parts(&again),
        "the row reads otherwise when it is opened again",
    );
}

/// A row of the document, if it is one.
fn open(document: Value, facts: RowFacts) -> Option<LabelRow> {
    LabelRow::open(Arc::new(document), facts, rows::ontology()).ok()
}

/// All that can be read from a row, by objects, classifications and so on. Not in order: objects that have
/// no entry in `object_answers`, which no writer leaves out, stand behind all others when a row is opened,
/// new ones included.
fn parts(row: &LabelRow) -> BTreeSet<String> {
    let text = reading::of_row(row);
    let sorted = |line: &str| match line.strip_prefix("  objects: ") {
        Some(listed) => {
            let mut hashes: Vec<_> = listed.split(", ").collect();
            hashes.sort_unstable();
            format!("  objects: {}", hashes.join(", "))
        }
        None => line.to_owned(),
    };
    let part = |part: &str| part.lines().map(sorted).collect::<Vec<_>>().join("\n");
    let texts = text.split("\n\n").map(part);
    let objects = row.objects().map(|object| object.to_json());
    let classifications = row.classifications().map(|class| class.to_json());
    texts.chain(objects).chain(classifications).collect()
}

fn same(before: &BTreeSet<String>, after: &BTreeSet<String>, message: &str) {
    let gone: Vec<_> = before.difference(after).collect();
    let new: Vec<_> = after.difference(before).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "{message}: {gone:#?} became {new:#?}"
    );
}
