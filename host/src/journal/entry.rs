//! What is recorded of a decision.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::labels::Edits;

/// One decision for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The project.
    pub project: Uuid,
    /// The stage at which the task waits.
    pub stage: Uuid,
    /// The task.
    pub task: Uuid,
    /// The task's data unit.
    pub data_hash: Uuid,
    /// Its title, for messages.
    pub data_title: String,
    /// The label row to save, if any.
    pub labels: Option<EntryLabels>,
    /// The storage items to change.
    pub items: Vec<EntryItem>,
    /// The priority to set, if any; from 0 to 1.
    pub priority: Option<f64>,
    /// The pathway to follow; none if the task stays.
    pub pathway: Option<Uuid>,
    /// SHA-256 of the plugin that decided, as hexadecimal digits.
    pub digest: String,
    /// True once labels or client metadata were saved: what somebody does to them afterwards does not make the decision void.
    pub begun: bool,
}

impl Entry {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.labels.is_none()
            && self.items.is_empty()
            && self.priority.is_none()
            && self.pathway.is_none()
    }
}

/// A label row to save.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryLabels {
    /// Whose row it is.
    pub label_hash: Uuid,
    /// The whole document.
    pub document: Arc<Value>,
    /// When the row had been edited last, as the server said when the agent's copy was read: if it still says so, nobody
    /// edited the row since. Absent if that would prove nothing.
    pub read_edited_at: Option<String>,
    /// What the agent did to the row. Absent in journals of older hosts.
    pub edits: Option<Edits>,
}

/// A storage item whose client metadata is to be replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryItem {
    /// Which one.
    pub item: Uuid,
    /// All that it is to have.
    pub client_metadata: Map<String, Value>,
    /// What it had when it was read. Absent in journals of older hosts.
    #[serde(default)]
    pub read: Option<Map<String, Value>>,
}
