//! Label rows: what a plugin pays for reading and adding boxes, and how long a large row takes to open, beside Encord's
//! Python SDK doing the same to the same document.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runner_host::engine::Engine;
use runner_host::labels::{LabelRow, Ontology, RowFacts};
use runner_host::plugin::{CompileCache, Plugin};
use runner_host::{Limits, PluginRef};
use runner_tests::{OneRow, guest, inputs, root};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{ROUNDS, Result, median, millis, row};

/// Boxes that are read and added.
const BOXES: usize = 100;
/// Objects of a large row.
const MANY: usize = 10_000;
/// Attempts of one round.
const ATTEMPTS: u32 = 200;

pub(crate) async fn labels() -> Result<()> {
    let ontology: Value = serde_json::from_str(&std::fs::read_to_string(
        root().join("host/labels/src/testdata/ontology.json"),
    )?)?;
    let editor = &ontology["editor"];
    let parsed = Arc::new(Ontology::parse("", "Test", "", editor)?);
    let folder = tempfile::tempdir()?;
    let (few, many) = (document(BOXES), document(MANY).to_string());
    std::fs::write(folder.path().join("ontology.json"), editor.to_string())?;
    std::fs::write(folder.path().join("few.json"), few.to_string())?;
    std::fs::write(folder.path().join("many.json"), &many)?;

    let ours = attempts(few, Arc::clone(&parsed)).await?;
    let opened = median(
        (0..ROUNDS)
            .map(|_| open(&many, &parsed))
            .collect::<Result<_>>()?,
    );
    let python = python(folder.path())?;

    row(
        &format!("a plugin reads {BOXES} boxes of a row and adds {BOXES}: the whole attempt"),
        format!("{:.2} ms", millis(ours)),
    );
    row(
        "the same in the Python SDK, without process or transport",
        format!("{:.2} ms", millis(python.edit)),
    );
    row(
        "**the Python SDK's time over the plugin's**",
        format!("**{:.0}**", python.edit.as_secs_f64() / ours.as_secs_f64()),
    );
    row(
        &format!(
            "opening a row of {MANY} objects ({:.1} MB of JSON): parsed, and every object found",
            many.len() as f64 / 1e6
        ),
        format!("{:.1} ms", millis(opened)),
    );
    row(
        "the same in the Python SDK",
        format!("{:.0} ms", millis(python.open)),
    );
    row(
        "**the Python SDK's time over ours**",
        format!(
            "**{:.0}**",
            python.open.as_secs_f64() / opened.as_secs_f64()
        ),
    );
    Ok(())
}

/// The median of whole attempts: a fresh instance, the row opened, read, edited and compared.
async fn attempts(document: Value, ontology: Arc<Ontology>) -> Result<Duration> {
    let engine = Arc::new(Engine::new(Limits::default(), 1)?);
    let reference = PluginRef {
        stage: None,
        path: guest("hundred"),
    };
    let plugin = Plugin::load(&engine, &Arc::new(CompileCache::disabled()), &reference).await?;
    let mut prepared = inputs("a.png", 0);
    prepared.ontology = ontology;
    prepared.resolver = Arc::new(OneRow::new(document, 1));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..ATTEMPTS {
            let decision = engine
                .attempt(&plugin.program, "Agent", prepared.clone())
                .await
                .map_err(|failure| failure.to_string())?;
            assert!(decision.labels.is_some());
        }
        times.push(started.elapsed() / ATTEMPTS);
    }
    Ok(median(times))
}

fn open(text: &str, ontology: &Arc<Ontology>) -> Result<Duration> {
    let started = Instant::now();
    let document: Value = serde_json::from_str(text)?;
    let facts = RowFacts {
        data_type: "image".to_owned(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    let opened = LabelRow::open(Arc::new(document), facts, Arc::clone(ontology))?;
    assert_eq!(opened.objects().count(), MANY);
    Ok(started.elapsed())
}

/// What the Python SDK needs, by its own clock.
struct Python {
    edit: Duration,
    open: Duration,
}

fn python(folder: &Path) -> Result<Python> {
    let output = Command::new(root().join("target/python/bin/python"))
        .arg(root().join("tests/python/bench_labels.py"))
        .arg(folder)
        .args([BOXES.to_string(), ROUNDS.to_string()])
        .output()
        .map_err(|error| format!("{error}; run `bash tests/setup.sh python` first"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let seconds: Value = serde_json::from_slice(&output.stdout)?;
    let of = |key: &str| seconds[key].as_f64().map(Duration::from_secs_f64);
    let found = of("edit").zip(of("open"));
    let (edit, open) = found.ok_or("expected two times from bench_labels.py")?;
    Ok(Python { edit, open })
}

/// A row of an image, as Encord sends it.
fn document(objects: usize) -> Value {
    let mut document: Value = json!({
        "label_hash": Uuid::from_u128(1), "branch_name": "main",
        "created_at": "2025-01-15 09:30:00", "last_edited_at": "2025-01-15 09:30:00",
        "data_hash": Uuid::from_u128(2), "dataset_hash": Uuid::from_u128(3), "dataset_title": "Bench",
        "data_title": "a.png", "data_type": "image", "annotation_task_status": "QUEUED", "is_shadow_data": false,
        "object_answers": {}, "classification_answers": {}, "object_actions": {},
        "label_status": "LABEL_IN_PROGRESS",
        "data_units": {},
        "spaces": {},
    });
    let mut drawn = Vec::with_capacity(objects);
    for number in 0..objects {
        let hash = format!("{number:08}");
        let at = number as f64 / objects as f64;
        drawn.push(json!({
            "name": "Box", "color": "#D33115", "shape": "bounding_box", "value": "box",
            "createdAt": "Wed, 15 Jan 2025 09:31:05 UTC", "createdBy": "somebody@example.com", "confidence": 0.9,
            "objectHash": hash, "featureHash": "PXFZO2ra", "manualAnnotation": true,
            "lastEditedAt": "Wed, 15 Jan 2025 09:31:05 UTC",
            "boundingBox": { "h": 0.25 * (1.0 - at), "w": 0.125, "x": at / 2.0, "y": at / 3.0 },
        }));
        document["object_answers"][&hash] = json!({ "classifications": [], "objectHash": hash });
    }
    document["data_units"][Uuid::from_u128(2).to_string()] = json!({
        "data_hash": Uuid::from_u128(2), "data_title": "a.png", "data_link": "a.png", "data_type": "image/png",
        "data_sequence": 0, "width": 640, "height": 480,
        "labels": { "objects": drawn, "classifications": [] },
    });
    document
}
