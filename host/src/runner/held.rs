//! What is recorded of tasks that failed, and under which configuration they did.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::plan::Served;
use super::summary::TaskFailure;
use crate::encord::Project;
use crate::engine::{Grants, Limits};
use crate::journal::{Entry, Journal, JournalError, Quarantined};
use crate::plugin::DependencyRef;

/// Of a stage: what all its failed tasks have in common.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    project: uuid::Uuid,
    stage: uuid::Uuid,
    stage_title: String,
    digest: String,
    /// See [`Configuration::digest`].
    pub(super) configuration: String,
}

impl Holding {
    pub(super) fn new(project: &Project, served: &Served, run: &Configuration<'_>) -> Self {
        let digest = served.plugin.digest.to_string();
        Self {
            project: project.hash,
            stage: served.stage.uuid,
            stage_title: served.stage.title.clone(),
            configuration: run.digest(served),
            digest,
        }
    }

    /// A task that failed. `may_pass` says that it can work by itself later.
    pub(super) async fn failed(
        &self,
        journal: &Journal,
        failure: &TaskFailure,
        log: String,
        inputs: String,
        may_pass: bool,
    ) -> Result<(), JournalError> {
        let task = Quarantined {
            project: self.project,
            stage: self.stage,
            stage_title: self.stage_title.clone(),
            task: failure.task,
            data_title: failure.data_title.clone(),
            digest: self.digest.clone(),
            configuration: self.configuration.clone(),
            kind: failure.kind.to_owned(),
            message: failure.message.clone(),
            log,
            inputs,
            attempts: failure.attempts,
            failures: 1,
            failed_at: Timestamp::now(),
            until: None,
        };
        journal.quarantine(task, may_pass).await
    }

    /// A task whose decision was refused again.
    pub(super) async fn refused(
        &self,
        journal: &Journal,
        entry: &Entry,
        message: String,
        may_pass: bool,
    ) -> Result<(), JournalError> {
        let failure = TaskFailure {
            task: entry.task,
            data_title: entry.data_title.clone(),
            kind: "refused",
            message,
            attempts: 1,
        };
        self.failed(journal, &failure, String::new(), String::new(), may_pass)
            .await
    }
}

/// What of a run, beside the plugin and its stage, decides how an attempt ends.
pub(super) struct Configuration<'a> {
    pub(super) settings: &'a BTreeMap<String, String>,
    pub(super) dependencies: &'a [DependencyRef],
    /// Of the files of the dependencies, in their order.
    pub(super) digests: &'a [String],
    /// By the file of the plugin.
    pub(super) grants: &'a [(&'a Path, Grants)],
    pub(super) limits: &'a Limits,
    pub(super) ontology: &'a Value,
}

impl Configuration<'_> {
    /// SHA-256 of the plugin and all that it is run with at its stage: what failed under one of these may work under another.
    fn digest(&self, served: &Served) -> String {
        let stage = &served.stage;
        let pathways = stage.pathways.iter();
        let dependencies = self.dependencies.iter().zip(self.digests);
        let path = &served.plugin.path;
        let grants = self.grants.iter().filter(|(file, _)| file == path);
        let whole = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "plugin": served.plugin.digest.to_string(),
            "grants": grants.map(|(_, grants)| format!("{grants:?}")).collect::<Vec<_>>(),
            "stage": [stage.uuid.to_string(), stage.title],
            "pathways": pathways
                .map(|pathway| json!([pathway.uuid.to_string(), pathway.name]))
                .collect::<Vec<_>>(),
            "settings": self.settings,
            "dependencies": dependencies
                .map(|(one, digest)| json!([
                    one.name,
                    digest,
                    one.memory,
                    one.time.map(|time| time.as_secs_f64()),
                    format!("{:?}", one.grants),
                ]))
                .collect::<Vec<_>>(),
            "limits": format!("{:?}", self.limits),
            "ontology": self.ontology,
        });
        hexadecimal(whole.to_string().as_bytes())
    }
}

/// SHA-256 as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
