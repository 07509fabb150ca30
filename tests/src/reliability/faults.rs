//! What goes wrong: plans for the server, from a seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

/// The operations that a run needs. Moving tasks back is the test's own, and not among them.
pub const OPERATIONS: [&str; 11] = [
    "project",
    "ontology",
    "tasks",
    "labelrowmetadata.GET",
    "labelrow.GET",
    "labelrow.PUT",
    "get-bulk",
    "labelrow.POST",
    "patch-bulk",
    "priorities",
    "actions",
];
/// Of those, the ones that change something.
pub const WRITING: [&str; 4] = ["labelrow.POST", "patch-bulk", "priorities", "actions"];
/// Further ones, of single items and files.
const SINGLE: [&str; 2] = ["item", "media"];

/// Answers and endings, each with the share of requests that meet it. One request in ten meets one of them; so one in ten
/// thousand meets four in a row, after which the client gives up.
const KINDS: [(&str, f64); 5] = [
    (r#"{"status": 500}"#, 0.015),
    (r#"{"status": 502}"#, 0.015),
    (r#"{"status": 503}"#, 0.015),
    (r#"{"drop-before": true}"#, 0.025),
    (r#"{"drop-after": true}"#, 0.025),
];

/// A plan for the server: every operation is slow, and meets every kind of fault.
#[derive(Debug, Clone)]
pub struct Plan {
    seed: u64,
    rules: Vec<Map<String, Value>>,
}

impl Plan {
    /// A plan whose latencies and rates depend on the seed. The first rules, one for each of [`OPERATIONS`], are about
    /// latency alone: their counts are those of all requests.
    pub fn new(seed: u64) -> Self {
        // Numbers of TOML have a sign.
        let seed = seed >> 1;
        let mut random = StdRng::seed_from_u64(seed);
        let most: u64 = [5, 20, 60, 150][random.random_range(0..4)];
        // With each of these the host becomes slower, and stays so for long.
        let too_many = [0.0005, 0.002, 0.01][random.random_range(0..3)];
        let too_many = [
            (r#"{"status": 429, "retry-after": 1}"#, too_many),
            (r#"{"status": 429}"#, too_many),
        ];
        let mut rules = Vec::new();
        let mut rule = |value: Value| match value {
            Value::Object(rule) => rules.push(rule),
            _ => unreachable!("rules are objects"),
        };
        for operation in OPERATIONS {
            rule(json!({ "operation": operation, "latency": [0, most] }));
        }
        for operation in OPERATIONS.into_iter().chain(SINGLE) {
            for (kind, probability) in KINDS.into_iter().chain(too_many) {
                let mut fault: Value = serde_json::from_str(kind).expect("it is JSON");
                fault["operation"] = operation.into();
                fault["probability"] = probability.into();
                rule(fault);
            }
        }
        Self { seed, rules }
    }

    /// For `PUT /admin/faults`.
    pub fn to_json(&self) -> Value {
        json!({ "seed": self.seed, "rules": self.rules })
    }

    /// For `--faults`.
    pub fn to_toml(&self) -> String {
        let mut text = format!("seed = {}\n", self.seed);
        for rule in &self.rules {
            text += "[[rules]]\n";
            for (key, value) in rule {
                // Texts, numbers, and lists of them are written alike in both.
                text += &format!("{key} = {value}\n");
            }
        }
        text
    }
}
