//! Rows of every type of data, as the service and the official SDK leave them, with an edit brought onto them.

use serde_json::{Value, json};

use super::merging::{add_box, conflict, edited, hashes, merged};
use super::{SAMPLES, document, open_document};
use crate::{Edits, Onto};

/// The row after somebody edited all of it but one object or classification.
fn all_but(name: &str, left: &str) -> Value {
    let (objects, classes) = hashes(name);
    edited(name, |row| {
        for hash in objects.iter().filter(|hash| *hash != left) {
            row.set_object_confidence(hash, 0.125).expect("an object");
            row.set_object_manual_annotation(hash, true)
                .expect("an object");
        }
        for hash in classes.iter().filter(|hash| *hash != left) {
            row.set_classification_confidence(hash, 0.125)
                .expect("a classification");
        }
    })
}

#[test]
fn every_object_and_classification_can_be_edited_beside_all_others() {
    for (name, ..) in SAMPLES {
        let before = document(name);
        let (objects, classes) = hashes(name);
        for hash in &objects {
            let theirs = all_but(name, hash);
            let after = edited(name, |row| assert!(row.remove_object(hash)));
            let row = open_document(name, merged(&before, &after, &theirs));
            assert!(row.object(hash).is_none(), "{name} {hash}");
            assert!(!row.to_document().to_string().contains(hash.as_str()));
            let expected = open_document(name, theirs);
            let others = expected
                .objects()
                .filter(|object| object.object_hash() != hash);
            let others: Vec<_> = others.map(|object| object.to_json()).collect();
            let objects: Vec<_> = row.objects().map(|object| object.to_json()).collect();
            assert_eq!(objects, others, "{name} {hash}");
        }
        for hash in &classes {
            let after = edited(name, |row| {
                row.set_classification_confidence(hash, 0.75)
                    .expect("a classification");
            });
            let theirs = all_but(name, hash);
            let row = open_document(name, merged(&before, &after, &theirs));
            for class in row.classifications() {
                let is_mine = class.classification_hash() == hash;
                assert_eq!(
                    class.confidence(),
                    if is_mine { 0.75 } else { 0.125 },
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn what_the_official_sdk_writes_anew_is_no_edit() {
    let rows: Value = serde_json::from_str(include_str!("../testdata/saved_again.json"))
        .expect("testdata is JSON");
    for (name, ..) in SAMPLES {
        let (read, saved) = (&rows[name]["read"], &rows[name]["saved"]);
        // Somebody saved the row while the agent edited it.
        let row = open_document(name, read.clone());
        let objects: Vec<_> = row
            .objects()
            .map(|object| object.object_hash().to_owned())
            .collect();
        let classes = row.classifications();
        let classes: Vec<_> = classes
            .map(|class| class.classification_hash().to_owned())
            .collect();
        let mut after = row.clone();
        for hash in &objects {
            after
                .set_object_manual_annotation(hash, false)
                .expect("an object");
            after
                .set_object_confidence(hash, 0.0625)
                .expect("an object");
        }
        for hash in &classes {
            after
                .set_classification_confidence(hash, 0.0625)
                .expect("a classification");
        }
        let after = after.to_document();
        let edits = Edits::between(read, &after);
        if objects.len() + classes.len() > 0 {
            let merged = merged(read, &after, saved);
            let row = open_document(name, merged.clone());
            assert!(
                row.objects().all(|object| !object.manual_annotation()),
                "{name}"
            );
            // Keys that the SDK left out are there again.
            let kept = Edits::between(&after, &merged);
            assert!(kept.is_empty() || name == "dicom", "{name}: {kept:?}");
        } else {
            assert!(edits.is_empty());
        }
        // All labels are the agent's, which got through before somebody else saved the row.
        let mut empty = row.clone();
        objects
            .iter()
            .for_each(|hash| assert!(empty.remove_object(hash)));
        classes
            .iter()
            .for_each(|hash| assert!(empty.remove_classification(hash)));
        let edits = Edits::between(&empty.to_document(), read);
        assert_eq!(edits.is_empty(), objects.is_empty() && classes.is_empty());
        assert_eq!(edits.onto(read, saved).expect(name), Onto::Saved, "{name}");
    }
}

#[test]
fn what_a_service_fills_in_is_no_edit() {
    let before = document("video");
    let mut hash = String::new();
    let after = edited("video", |row| hash = add_box(row, 3));
    let mut theirs = after.clone();
    theirs["last_edited_at"] = "2030-01-01 00:00:00".into();
    theirs["label_status"] = "LABELLED".into();
    theirs["object_answers"][&hash]["objectNumber"] = 77.into();
    let unit = theirs["data_units"].as_object_mut().unwrap();
    let unit = unit.values_mut().next().unwrap();
    unit["data_link"] = "https://signed.example/again".into();
    let listed = unit["labels"]["5"]["objects"].as_array_mut().unwrap();
    let drawn = listed.last_mut().unwrap();
    drawn["createdBy"] = "agent@example.com".into();
    drawn["lastEditedAt"] = "Tue, 01 Jan 2030 00:00:00 UTC".into();
    drawn["confidence"] = 1.into();
    drawn["reviews"] = json!([]);
    listed.reverse();
    let edits = Edits::between(&before, &after);
    assert_eq!(edits.onto(&after, &theirs).unwrap(), Onto::Saved);
    // What the service knows of an object that is edited again stays.
    let mut again = open_document("video", after.clone());
    again.set_object_confidence(&hash, 0.5).unwrap();
    let row = merged(&after, &again.to_document(), &theirs);
    assert_eq!(row["object_answers"][&hash]["objectNumber"], 77);
    assert_eq!(row["label_status"], "LABELLED");
    assert_eq!(
        open_document("video", row)
            .object(&hash)
            .unwrap()
            .confidence(),
        0.5
    );
}

#[test]
fn nothing_of_theirs_is_lost() {
    let before = document("video");
    let after = edited("video", |row| drop(add_box(row, 5)));
    let mut theirs = before.clone();
    theirs["future"] = json!({ "kept": [1, { "deep": null }] });
    let unit = theirs["data_units"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .next()
        .unwrap();
    unit["future"] = 1.5.into();
    let labels = unit["labels"].as_object_mut().unwrap();
    for (_, frame) in labels.iter_mut() {
        frame["future"] = json!({ "of": "frame" });
        frame["objects"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({ "no": "hash" }));
    }
    let row = merged(&before, &after, &theirs);
    let mut expected = theirs.clone();
    let unit = |row: &Value| {
        row["data_units"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone()
    };
    let path = unit(&row);
    let added = row["data_units"][&path]["labels"]["5"]["objects"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    let list = &mut expected["data_units"][&path]["labels"]["5"]["objects"];
    list.as_array_mut().unwrap().push(added.clone());
    let hash = added["objectHash"].as_str().unwrap();
    expected["object_answers"][hash] = row["object_answers"][hash].clone();
    assert_eq!(row, expected);
    assert_eq!(
        row.to_string(),
        expected.to_string(),
        "their order is kept, too"
    );
}

#[test]
fn keys_that_are_not_known_are_somebodys_edit_unless_they_are_gone() {
    let mut before = document("image");
    let (objects, _) = hashes("image");
    before["object_answers"][&objects[0]]["future"] = 1.into();
    let mut after = open_document("image", before.clone());
    after.set_object_confidence(&objects[0], 0.25).unwrap();
    let after = after.to_document();
    let mut theirs = before.clone();
    let entry = theirs["object_answers"][&objects[0]]
        .as_object_mut()
        .unwrap();
    entry.shift_remove("future");
    let row = merged(&before, &after, &theirs);
    assert_eq!(row["object_answers"][&objects[0]]["future"], 1);
    theirs["object_answers"][&objects[0]]["future"] = 2.into();
    conflict(&before, &after, &theirs);
}

#[test]
fn other_forms_of_the_same_are_no_edit() {
    let mut before = document("image");
    let (objects, classes) = hashes("image");
    before["classification_answers"][&classes[0]]["range"] = json!([[0, 2], [5, 6]]);
    let forms: [fn(&mut Value); 4] = [
        |row| {
            // Another order of keys.
            let sorted = |json: &mut Value| json.as_object_mut().unwrap().sort_keys();
            row.as_object_mut().unwrap().values_mut().for_each(|json| {
                if json.is_object() {
                    json.as_object_mut().unwrap().values_mut().for_each(sorted);
                }
            });
        },
        |row| {
            for section in ["object_answers", "classification_answers"] {
                for entry in row[section].as_object_mut().unwrap().values_mut() {
                    entry["nothing"] = Value::Null;
                    entry["name"] = "Renamed".into();
                    entry["lastEditedBy"] = "ann@example.com".into();
                }
            }
        },
        |row| {
            for entry in row["classification_answers"]
                .as_object_mut()
                .unwrap()
                .values_mut()
            {
                if entry["range"] == json!([[0, 2], [5, 6]]) {
                    entry["range"] = json!([[5, 5], [6, 6.0], ["0", 1], [1, 2]]);
                }
            }
        },
        |row| {
            let units = row["data_units"].as_object_mut().unwrap();
            for unit in units.values_mut() {
                unit["labels"]["objects"].as_array_mut().unwrap().reverse();
                unit["labels"]["7"] = json!({ "objects": [], "classifications": [] });
            }
        },
    ];
    for form in forms {
        let mut theirs = before.clone();
        form(&mut theirs);
        assert_ne!(before.to_string(), theirs.to_string());
        assert!(
            Edits::between(&before, &theirs).is_empty(),
            "{:?}",
            Edits::between(&before, &theirs)
        );
        for hash in &objects {
            let mut row = open_document("image", before.clone());
            assert!(row.remove_object(hash));
            let row = merged(&before, &row.to_document(), &theirs);
            assert!(open_document("image", row).object(hash).is_none());
        }
    }
    // But a number that is another one is an edit.
    let mut theirs = before.clone();
    theirs["classification_answers"][&classes[0]]["range"] = json!([[0, 2], [5, 7]]);
    assert!(!Edits::between(&before, &theirs).is_empty());
}
