//! A label row that is read, edited and saved: nothing that the server sent is lost, whether or not the host knows it.

use runner_host::{CancellationToken, PluginRef, Runner};
use runner_tests::guest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::set_up::{AGENT, COMPLETE, PROJECT, Platform, create, read, row, tasks};

/// A row with an object and a classification, and with fields that nobody knows at every depth.
fn fill(document: &mut Value, data_hash: Uuid) {
    let unknown = json!({ "deep": [{ "er": null }, 0.1, -7, 18_446_744_073_709_551_615_u64, "ü"], "empty": {} });
    let author = json!("person@example.com");
    document["futureOfRow"] = unknown.clone();
    let unit = &mut document["data_units"][data_hash.to_string()];
    unit["futureOfUnit"] = unknown.clone();
    unit["labels"]["futureOfLabels"] = unknown.clone();
    unit["labels"]["objects"] = json!([{
        "name": "Box",
        "color": "#123456",
        "shape": "bounding_box",
        "value": "box",
        "featureHash": "boxboxbo",
        "objectHash": "object00",
        "boundingBox": { "x": 0.25, "y": 0.5, "w": 0.125, "h": 0.0625, "futureOfShape": unknown },
        "createdAt": "Wed, 15 Jan 2025 09:30:00 UTC",
        "createdBy": author,
        "lastEditedAt": "Wed, 15 Jan 2025 09:30:00 UTC",
        "lastEditedBy": author,
        "confidence": 0.75,
        "manualAnnotation": false,
        "futureOfObject": unknown,
    }, {
        // Nothing that the ontology knows.
        "name": "Lost", "shape": "hologram", "featureHash": "lostlost", "objectHash": "object01",
        "hologram": unknown,
    }]);
    unit["labels"]["classifications"] = json!([{
        "name": "Quality",
        "value": "quality",
        "featureHash": "quality0",
        "classificationHash": "classif0",
        "createdAt": "Wed, 15 Jan 2025 09:30:00 UTC",
        "createdBy": author,
        "confidence": 1,
        "manualAnnotation": true,
        "futureOfClassification": unknown,
    }]);
    document["object_answers"] = json!({
        "object00": { "objectHash": "object00", "classifications": [], "futureOfAnswer": unknown },
        "object01": { "objectHash": "object01", "classifications": [{ "future": unknown }] },
    });
    document["classification_answers"] = json!({ "classif0": {
        "classificationHash": "classif0",
        "featureHash": "quality0",
        "spaces": {},
        "range": [[0, 0]],
        "classifications": [{
            "name": "Quality",
            "value": "quality",
            "answers": [{ "name": "Bad", "value": "bad", "featureHash": "nothing0", "futureOfOption": unknown }],
            "featureHash": "quality1",
            "manualAnnotation": true,
            "futureOfAttribute": unknown,
        }],
        "futureOfAnswer": unknown,
    } });
    document["object_actions"] =
        json!({ "object00": { "actions": [], "futureOfActions": unknown } });
}

/// Takes out what the plugin added: one object with its answer.
fn without_the_edit(document: &mut Value, data_hash: Uuid) -> Value {
    let objects = document["data_units"][data_hash.to_string()]["labels"]["objects"]
        .as_array_mut()
        .unwrap();
    assert_eq!(objects.len(), 3, "{objects:?}");
    let added = objects.pop().unwrap();
    let hash = added["objectHash"].as_str().unwrap();
    let answers = document["object_answers"].as_object_mut().unwrap();
    assert!(answers.shift_remove(hash).is_some());
    added
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_a_plugin_changes_nothing_else() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    for task in tasks(client, PROJECT, AGENT).await {
        if task.data_title != "a.gif" {
            client
                .move_tasks(PROJECT, AGENT, COMPLETE, &[task.uuid])
                .await
                .unwrap();
        }
    }
    let data_hash = row(client, "a.gif").await.data_hash;
    let (label_hash, mut sent) = create(client, &[data_hash]).await.remove(0);
    fill(&mut sent, data_hash);
    client
        .save_label_rows(PROJECT, &[(label_hash, &sent)])
        .await
        .unwrap();
    let mut before = read(client, PROJECT, &[label_hash]).await.remove(0);
    for part in [
        "futureOfRow",
        "data_units",
        "object_answers",
        "classification_answers",
        "object_actions",
    ] {
        assert_eq!(before[part], sent[part], "the server keeps it");
    }

    let runner = Runner::builder()
        .client(client.clone())
        .project_hash(PROJECT)
        .plugin(PluginRef {
            stage: None,
            path: guest("labels"),
        })
        .state_dir(platform.folder().join("run"))
        .build()
        .await
        .unwrap();
    let summary = runner.run(CancellationToken::new()).await.unwrap();
    assert_eq!((summary.stages[0].moved(), summary.failed()), (1, 0));

    let mut after = read(client, PROJECT, &[label_hash]).await.remove(0);
    let added = without_the_edit(&mut after, data_hash);
    assert_eq!(
        added["boundingBox"],
        json!({ "h": 0.4, "w": 0.3, "x": 0.1, "y": 0.2 })
    );
    assert_eq!(added["confidence"], 0.5);
    // What the server itself knows better: the time, and that an agent has worked on the row.
    for key in ["last_edited_at", "label_status", "annotation_task_status"] {
        before[key] = Value::Null;
        after[key] = Value::Null;
    }
    assert_eq!(after, before);
}
