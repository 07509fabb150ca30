//! Labels of every kind: what one side writes, the other reads equal.

use runner_host::encord::CreateOptions;
use runner_host::labels::{AnswerValue, BoundingBox, Geometry, LabelRow, Point};
use runner_tests::{TestProject, example};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::agents::{project, run, run_file};
use crate::canonical::{self, differences};
use crate::peer::Peer;

/// The data units of `tests/projects/everything`.
fn units() -> Vec<Uuid> {
    let first = 0xe5000000_0000_4000_8000_000000000001_u128;
    (0..12)
        .map(|number| Uuid::from_u128(first + number))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_of_the_sdk_is_read_equal_by_the_host_and_kept_by_it() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    let (client, hash) = (&peer.served.client, project(1));
    let expected = peer
        .scripts
        .read("write_labels.py", &[&hash.to_string()])
        .await;

    let rows = canonical::rows(client, hash, &units()).await;
    let found: Map<_, _> = rows
        .iter()
        .map(|(_, row)| (row.data_title().to_owned(), canonical::label_row(row)))
        .collect();
    assert_eq!(differences(&Value::Object(found), &expected), "");

    // Saved as it was read: all that the server sent is sent back and kept.
    let saved: Vec<_> = rows
        .iter()
        .map(|(metadata, row)| (metadata.label_hash.unwrap(), row.to_document()))
        .collect();
    let sent: Vec<_> = saved.iter().map(|(hash, row)| (*hash, &**row)).collect();
    client.save_label_rows(hash, &sent).await.unwrap();
    let again = canonical::rows(client, hash, &units()).await;
    for ((_, before), (_, after)) in rows.iter().zip(&again) {
        let title = before.data_title();
        assert_eq!(
            differences(&lasting(after), &lasting(before)),
            "",
            "{title}"
        );
    }
}

/// Without the time of the save.
fn lasting(row: &LabelRow) -> Value {
    let mut document = (*row.to_document()).clone();
    document["last_edited_at"].take();
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_of_a_plugin_is_read_equal_by_the_sdk() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    // One project is labelled already: there, the plugin changes what the SDK has written.
    let (labelled, empty) = (project(2), project(4));
    peer.scripts
        .read("write_labels.py", &[&labelled.to_string()])
        .await;
    let before = canonical::rows(&peer.served.client, labelled, &units()).await;
    for hash in [labelled, empty] {
        let summary = run(&folder, &peer, hash, "writing").await;
        assert_eq!((summary.stages[0].stayed, summary.failed()), (12, 0));
        let read = peer
            .scripts
            .read("read_labels.py", &[&hash.to_string()])
            .await;
        for (_, row) in canonical::rows(&peer.served.client, hash, &units()).await {
            let title = row.data_title();
            let read = &read[title];
            let found = canonical::label_row(&row);
            assert_eq!(differences(&found, &read["labels"]), "", "{title}");
            assert_eq!(read["priority"], json!(0.1 + 0.2), "{title}");
            check_what_was_written(&row, hash == labelled);
            if hash == empty {
                let (sent, kept) = (written(&read["document"]), written(&row.to_document()));
                assert_eq!(differences(&sent, &kept), "", "{title}");
            }
        }
    }
    // Of what was there, it has changed nothing else.
    let after = canonical::rows(&peer.served.client, labelled, &units()).await;
    for ((_, before), (_, after)) in before.iter().zip(&after) {
        let title = before.data_title();
        let (mut before, mut after) = (lasting(before), lasting(after));
        for document in [&mut before, &mut after] {
            remove(document, &["confidence", "manualAnnotation"]);
        }
        assert_eq!(differences(&after, &before), "", "{title}");
    }
}

/// The plugin checks what it reads as it goes, and the SDK sees the rest as the host does.
#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_a_plugin_is_read_equal_by_the_sdk() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    let hash = project(4);
    let summary = run(&folder, &peer, hash, "shapes").await;
    let failures = &summary.stages[0].failures;
    assert!(failures.is_empty(), "{failures:#?}");
    let read = peer
        .scripts
        .read("read_labels.py", &[&hash.to_string()])
        .await;
    let mut shapes = std::collections::BTreeSet::new();
    let rows = canonical::rows(&peer.served.client, hash, &units()).await;
    assert_eq!(rows.len(), 12);
    for (_, row) in rows {
        let title = row.data_title();
        let read = &read[title];
        let found = canonical::label_row(&row);
        assert_eq!(differences(&found, &read["labels"]), "", "{title}");
        let (sent, kept) = (written(&read["document"]), written(&row.to_document()));
        assert_eq!(
            differences(&unordered(sent), &unordered(kept)),
            "",
            "{title}"
        );
        shapes.extend(row.objects().map(|object| object.shape().to_owned()));
    }
    // Time ranges are for time series, segmentations for point clouds: the server has neither.
    let without = ["time_range", "segmentation"];
    let ontology = canonical::ontology(&peer.served.client, hash).await;
    let known = ontology.objects().iter().map(|object| &object.shape);
    let known: std::collections::BTreeSet<_> = known
        .filter(|shape| !without.contains(&shape.as_str()))
        .cloned()
        .collect();
    assert_eq!(shapes, known);
}

/// `examples/raw`: what its author sees in the contract alone is enough to read and to add labels.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_without_an_sdk_reads_and_adds_labels() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    let (client, hash) = (&peer.served.client, project(4));
    let picture = &units()[..1];
    client
        .create_label_rows(hash, picture, &CreateOptions::default())
        .await
        .unwrap();
    let (metadata, mut row) = canonical::rows(client, hash, picture).await.remove(0);
    let bounds = BoundingBox {
        x: 0.25,
        y: 0.25,
        width: 0.5,
        height: 0.25,
    };
    let drawn = row.add_bounding_box("Box", bounds, 0).unwrap();
    row.set_object_confidence(&drawn, 0.5).unwrap();
    let document = row.to_document();
    client
        .save_label_rows(hash, &[(metadata.label_hash.unwrap(), &*document)])
        .await
        .unwrap();

    let summary = run_file(&folder, &peer, hash, example("raw")).await;
    assert_eq!((summary.stages[0].moved(), summary.failed()), (12, 0));
    let rows = canonical::rows(client, hash, &units()).await;
    for (_, row) in &rows {
        let answers = row.classifications().next().unwrap().answers();
        let AnswerValue::Options(options) = &answers[0].value else {
            panic!("{answers:?}");
        };
        let expected = if row.data_hash() == picture[0].to_string() {
            "Good"
        } else {
            "Bad"
        };
        assert_eq!(options[0].name, expected, "{}", row.data_title());
    }
    let areas: Vec<_> = rows
        .iter()
        .flat_map(|(_, row)| row.objects_of("Area").unwrap())
        .collect();
    assert_eq!(areas.len(), 1);
    let annotation = areas[0].annotation(0).unwrap();
    assert_eq!(annotation.confidence, 0.5);
    let corner = |x, y| Point { x, y, z: None };
    let diamond = [
        corner(0.5, 0.25),
        corner(0.75, 0.375),
        corner(0.5, 0.5),
        corner(0.25, 0.375),
    ];
    assert_eq!(
        annotation.geometry,
        Geometry::Polygon(vec![vec![diamond.to_vec()]])
    );
}

/// What the SDK has written in one project, a plugin copies into another; numbers of objects are each project's own.
#[tokio::test(flavor = "multi_thread")]
async fn labels_that_a_plugin_copies_from_a_twin_are_equal_to_it() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    let (twin, hash) = (project(2), project(4));
    peer.scripts
        .read("write_labels.py", &[&twin.to_string()])
        .await;
    let summary = run(&folder, &peer, hash, "twin").await;
    let failures = &summary.stages[0].failures;
    assert!(failures.is_empty(), "{failures:#?}");
    let read = peer
        .scripts
        .read("read_labels.py", &[&hash.to_string()])
        .await;
    let client = &peer.served.client;
    let before = canonical::rows(client, twin, &units()).await;
    let after = canonical::rows(client, hash, &units()).await;
    assert_eq!(after.len(), 12);
    for ((_, before), (_, after)) in before.iter().zip(&after) {
        let title = before.data_title();
        let (mut expected, mut found) = (canonical::label_row(before), canonical::label_row(after));
        assert_eq!(differences(&found, &read[title]["labels"]), "", "{title}");
        remove(&mut expected, &["number"]);
        remove(&mut found, &["number"]);
        assert_eq!(differences(&found, &expected), "", "{title}");
    }
}

/// The SDK turns dynamic answers round each time it reads a row, and lists the objects of a frame in the order in which
/// it came across them in the row.
fn unordered(mut written: Value) -> Value {
    sort_objects(&mut written["labels"]);
    for entry in written["actions"].as_object_mut().unwrap().values_mut() {
        let actions = entry["actions"].as_array_mut().unwrap();
        actions.sort_by_key(|action| format!("{}{}", action["featureHash"], action["range"]));
        // It does not read who gave them either.
        actions
            .iter_mut()
            .for_each(|action| remove(action, &["manualAnnotation"]));
    }
    // Of what marks ranges it writes no confidence.
    remove(&mut written["objects"], &["manualAnnotation", "confidence"]);
    remove(&mut written["classifications"], &["manualAnnotation"]);
    written
}

/// Sorts every list of drawn objects.
fn sort_objects(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(sort_objects),
        Value::Array(entries) => entries.sort_by_key(|entry| entry["objectHash"].to_string()),
        _ => {}
    }
}

/// Removes fields wherever they are.
fn remove(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|field| remove(field, names));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| remove(entry, names)),
        _ => {}
    }
}

/// The plugin has done something, on every row.
fn check_what_was_written(row: &LabelRow, changed: bool) {
    let title = row.data_title();
    assert!(row.classifications().count() > 0, "{title}");
    if changed {
        assert!(row.objects().count() > 0, "{title}");
        for classification in row.classifications() {
            let found = (
                classification.confidence(),
                classification.manual_annotation(),
            );
            assert_eq!(found, (0.25, true), "{title}");
        }
        for object in row.objects() {
            let drawn = object
                .frames()
                .into_iter()
                .flat_map(|range| range.start..=range.end);
            for annotation in drawn.filter_map(|frame| object.annotation(frame)) {
                let found = (annotation.confidence, annotation.manual_annotation);
                assert_eq!(found, (0.5, false), "{title}");
            }
        }
    } else {
        let boxes = match row.data_type() {
            "image" | "img_group" | "video" => row.number_of_frames() as usize + 1,
            _ => 0,
        };
        let classifications = if row.data_type() == "group" { 2 } else { 6 };
        assert_eq!(row.objects().count(), boxes, "{title}");
        assert_eq!(row.classifications().count(), classifications, "{title}");
    }
}

/// What a document says of labels. Whether a person gave an answer is left out: the SDK does not read it.
fn written(document: &Value) -> Value {
    let mut classifications = document["classification_answers"].clone();
    for entry in classifications.as_object_mut().unwrap().values_mut() {
        for answer in entry["classifications"].as_array_mut().unwrap() {
            answer["manualAnnotation"].take();
        }
    }
    let mut written = json!({
        "objects": document["object_answers"],
        "actions": document["object_actions"],
        "classifications": classifications,
    });
    for (unit, fields) in document["data_units"].as_object().unwrap() {
        written["labels"][unit] = fields["labels"].clone();
    }
    written
}
