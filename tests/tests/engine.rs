//! The engine alone: one attempt and what it ends in, with real plugins.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::sync::Arc;
use std::time::Duration;

use runner_host::engine::{Engine, Failure};
use runner_host::labels::Ontology;
use runner_host::plugin::{CompileCache, Plugin};
use runner_host::{Limits, PluginRef};
use runner_tests::{OneRow, guest, inputs, raw};
use serde_json::json;

struct Loaded {
    engine: Arc<Engine>,
    plugin: Plugin,
}

async fn load(path: std::path::PathBuf, limits: Limits) -> Loaded {
    let engine = Arc::new(Engine::new(limits, 2).unwrap());
    let reference = PluginRef { stage: None, path };
    let plugin = Plugin::load(&engine, &Arc::new(CompileCache::disabled()), &reference)
        .await
        .unwrap();
    Loaded { engine, plugin }
}

impl Loaded {
    async fn attempt(&self, title: &str, attempt: u32) -> Result<Option<String>, Failure> {
        let stage = &self.plugin.agents[0].declaration.stage;
        let ended = self
            .engine
            .attempt(&self.plugin.program, stage, inputs(title, attempt))
            .await;
        ended.map(|decision| decision.pathway)
    }
}

#[tokio::test]
async fn a_plugin_straight_against_the_contract_runs() {
    let loaded = load(raw(), Limits::default()).await;
    assert_eq!(loaded.plugin.agents[0].stage, "Raw");
    assert_eq!(loaded.attempt("any", 0).await, Ok(Some("Next".to_owned())));
}

#[tokio::test]
async fn an_attempt_ends_as_the_agent_decides() {
    let loaded = load(guest("outcomes"), Limits::default()).await;
    assert_eq!(
        loaded.attempt("next.txt", 0).await,
        Ok(Some("Next".to_owned()))
    );
    let other = uuid::Uuid::from_u128(11).to_string();
    assert_eq!(loaded.attempt("other.txt", 0).await, Ok(Some(other)));
    assert_eq!(loaded.attempt("stay.txt", 0).await, Ok(None));
    let retry = Failure::Retryable("attempt 1".to_owned());
    assert_eq!(loaded.attempt("retry.txt", 1).await, Err(retry));
    let fatal = Failure::Fatal("this picture cannot be used".to_owned());
    assert_eq!(loaded.attempt("fatal.txt", 0).await, Err(fatal));
}

#[tokio::test]
async fn a_panic_is_a_trap_with_its_message_and_function_names() {
    let loaded = load(guest("outcomes"), Limits::default()).await;
    let Err(Failure::Trap { message, backtrace }) = loaded.attempt("panic.txt", 0).await else {
        panic!("it traps")
    };
    assert!(
        message.contains("nothing can be done about panic"),
        "{message}"
    );
    assert!(backtrace.contains("outcomes::broken"), "{backtrace}");
    // The plugin is as good as before.
    assert_eq!(
        loaded.attempt("next.txt", 0).await,
        Ok(Some("Next".to_owned()))
    );
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_time_limit() {
    let limits = Limits {
        time: Duration::from_millis(200),
        ..Limits::default()
    };
    let loaded = load(guest("outcomes"), limits).await;
    assert_eq!(
        loaded.attempt("spin.txt", 0).await,
        Err(Failure::Timeout(limits.time))
    );
    assert_eq!(
        loaded.attempt("next.txt", 0).await,
        Ok(Some("Next".to_owned()))
    );
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let limits = Limits {
        memory: 16 << 20,
        ..Limits::default()
    };
    let loaded = load(guest("outcomes"), limits).await;
    assert_eq!(
        loaded.attempt("hog.txt", 0).await,
        Err(Failure::OutOfMemory(limits.memory))
    );
    assert_eq!(
        loaded.attempt("next.txt", 0).await,
        Ok(Some("Next".to_owned()))
    );
}

#[tokio::test]
async fn returned_values_end_at_their_limit() {
    let loaded = load(
        guest("outcomes"),
        Limits {
            value_bytes: 1 << 20,
            ..Limits::default()
        },
    )
    .await;
    let ended = loaded.attempt("flood.txt", 0).await;
    assert!(
        matches!(&ended, Err(Failure::Trap { message, .. }) if message.contains("--value-size")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn logs_end_at_their_limit() {
    let limits = Limits {
        log_bytes: 1_000,
        ..Limits::default()
    };
    let loaded = load(guest("outcomes"), limits).await;
    // A hundred thousand lines.
    let inputs = inputs("chatter.txt", 0);
    let log = inputs.log.clone();
    let stage = &loaded.plugin.agents[0].declaration.stage;
    let ended = loaded
        .engine
        .attempt(&loaded.plugin.program, stage, inputs)
        .await;
    assert_eq!(
        ended.map(|decision| decision.pathway),
        Ok(Some("Next".to_owned()))
    );
    let text = log.text();
    assert!(text.contains(" INFO line 0\n"), "{text}");
    // Each of the short lines has its level in front.
    assert!(text.len() < 4_000, "{} bytes", text.len());
}

/// What `cargo build --target wasm32-wasip2` gives is a component already.
#[tokio::test]
async fn a_component_is_as_good_as_the_core_module_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    std::fs::write(
        &path,
        runner_host::plugin::component_of(&guest("outcomes")).unwrap(),
    )
    .unwrap();
    let loaded = load(path, Limits::default()).await;
    assert_eq!(loaded.plugin.format, "component");
    assert_eq!(
        loaded.attempt("next.txt", 0).await,
        Ok(Some("Next".to_owned()))
    );
}

/// A few bytes can ask for any number of drawings, which take memory of the host, not of the plugin.
#[tokio::test]
async fn drawings_count_as_memory_of_the_attempt() {
    let loaded = load(guest("huge"), Limits::default()).await;
    let [label, data] = [1, 2].map(uuid::Uuid::from_u128);
    let document = json!({
        "label_hash": label, "data_hash": data, "dataset_hash": uuid::Uuid::from_u128(3),
        "data_type": "video", "branch_name": "main", "object_answers": {}, "classification_answers": {},
        "object_actions": {},
        "data_units": { data.to_string(): { "data_hash": data, "data_sequence": 0, "labels": {} } },
    });
    let editor = json!({ "objects": [{
        "id": "1", "name": "Box", "color": "#D33115", "shape": "bounding_box", "featureNodeHash": "PXFZO2ra",
    }]});
    let ontology = Arc::new(Ontology::parse("", "Test", "", &editor).unwrap());
    for (frames, expected) in [
        (1_000, None),
        (u32::MAX, Some("expected labels that fit into 256 MiB")),
    ] {
        let mut inputs = inputs("long.mp4", 0);
        inputs.ontology = Arc::clone(&ontology);
        inputs.resolver = Arc::new(OneRow::new(document.clone(), frames));
        let ended = loaded
            .engine
            .attempt(&loaded.plugin.program, "Agent", inputs)
            .await;
        match (ended, expected) {
            (Ok(decision), None) => assert!(decision.labels.is_some()),
            (Err(Failure::Invalid(message)), Some(expected)) => {
                assert!(message.contains(expected), "{message}");
            }
            (ended, expected) => panic!("{ended:?}, {expected:?}"),
        }
    }
}
