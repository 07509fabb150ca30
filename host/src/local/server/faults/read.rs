//! From what somebody wrote to a [`FaultPlan`], or to the list of all its mistakes.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::operation::{MEDIA, Operation, is_pattern};
use super::plan::{BodyFault, Ending, Fault, FaultPlan, HowOften, Rule};
use super::written::{self, Shape, Table};
use crate::local::error::Mistake;

/// The longest latency, in milliseconds. More is a mistake of the unit.
const LATENCY_MAX: u64 = 10 * 60 * 1000;
/// The longest pause that `retry-after` may ask for, in seconds.
const RETRY_AFTER_MAX: u64 = 24 * 60 * 60;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// All keys of a rule, as they are listed for whoever wrote another.
const KEYS: [&str; 15] = [
    "method",
    "path",
    "operation",
    "skip",
    "every",
    "probability",
    "times",
    "latency",
    "status",
    "retry-after",
    "drop-before",
    "drop-after",
    "expire-urls",
    "slow-body",
    "truncate-body",
];
/// Of these a rule has one at most.
const ENDINGS: [&str; 4] = ["status", "drop-before", "drop-after", "expire-urls"];
/// These need an answer that is sent.
const BODY_FAULTS: [&str; 2] = ["slow-body", "truncate-body"];

/// Why a fault plan cannot be used. [`FaultPlanError::help`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultPlanError {
    /// The file cannot be read.
    #[error("cannot read the fault plan `{}`: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in the plan is not as it should be. All mistakes are listed.
    #[error("{}", list(file.as_deref(), mistakes))]
    Mistakes {
        /// The file, if the plan was in one.
        file: Option<PathBuf>,
        /// In the order of the plan.
        mistakes: Vec<Mistake>,
    },
}

impl FaultPlanError {
    /// What to do about it, as a sentence.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreadable { .. } => "name a file that exists and that you may read",
            Self::Mistakes { .. } => {
                "correct the plan; a rule is for example `[[rules]]`, `operation = \"actions\"`, `status = 503`, \
                 `times = 3`"
            }
        };
        Some(help.to_owned())
    }
}

impl FaultPlan {
    /// Reads a TOML file.
    ///
    /// Errors: it cannot be read, or has mistakes.
    pub fn read(file: &Path) -> Result<Self, FaultPlanError> {
        let text = std::fs::read_to_string(file).map_err(|source| FaultPlanError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::from_toml(&text).map_err(|error| match error {
            FaultPlanError::Mistakes { mistakes, .. } => FaultPlanError::Mistakes {
                file: Some(file.to_owned()),
                mistakes,
            },
            other => other,
        })
    }

    /// Reads a plan in TOML.
    ///
    /// Errors: it has mistakes.
    pub fn from_toml(text: &str) -> Result<Self, FaultPlanError> {
        check(written::toml(text).map_err(mistaken)?)
    }

    /// Reads a plan in JSON, with the same keys: `{"seed": 1, "rules": [{"operation": "actions", "status": 503}]}`.
    ///
    /// Errors: it has mistakes.
    pub fn from_json(text: &[u8]) -> Result<Self, FaultPlanError> {
        check(written::json(text).map_err(mistaken)?)
    }
}

fn mistaken(mut mistakes: Vec<Mistake>) -> FaultPlanError {
    mistakes.sort_by_key(|mistake| mistake.line);
    FaultPlanError::Mistakes {
        file: None,
        mistakes,
    }
}

fn list(file: Option<&Path>, mistakes: &[Mistake]) -> String {
    let count = mistakes.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let place = match file {
        Some(file) => format!("in the fault plan `{}`", file.display()),
        None => "in the fault plan".to_owned(),
    };
    let lines: String = mistakes
        .iter()
        .map(|mistake| format!("\n  {mistake}"))
        .collect();
    format!("{count} {noun} {place}:{lines}")
}

fn check(keys: written::Keys) -> Result<FaultPlan, FaultPlanError> {
    let mut plan = Table::new(String::new(), None, keys);
    let seed = plan.take("seed", "a whole number from 0", Value::as_u64);
    let mut mistakes = Vec::new();
    let mut rules = Vec::new();
    match plan.remove("rules").map(|rules| (rules.line, rules.value)) {
        None => {}
        Some((_, Shape::List(list))) => {
            for (index, rule) in list.into_iter().enumerate() {
                let place = format!("rule {}: ", index + 1);
                let (rule, found) = match rule.value {
                    Shape::Table(keys) => check_rule(Table::new(place, rule.line, keys)),
                    _ => (
                        None,
                        vec![Mistake {
                            line: rule.line,
                            message: format!("{place}expected a table"),
                        }],
                    ),
                };
                rules.extend(rule);
                mistakes.extend(found);
            }
        }
        Some((line, _)) => mistakes.push(Mistake {
            line,
            message: "expected `rules` to be a list of tables, `[[rules]]`".to_owned(),
        }),
    }
    let mut found = plan.finish(&["seed", "rules"]);
    found.extend(mistakes);
    if !found.is_empty() {
        return Err(mistaken(found));
    }
    Ok(FaultPlan {
        seed: seed.unwrap_or_default(),
        rules,
    })
}

/// The rule counts only if no mistake was found.
fn check_rule(mut table: Table) -> (Option<Rule>, Vec<Mistake>) {
    let written = table.to_json();
    check_combination(&mut table, &written);
    let method = table.take_text(
        "method",
        &format!("one of {}", METHODS.join(", ")),
        |text| METHODS.contains(&text).then(|| text.to_owned()),
    );
    let path = table.take_text(
        "path",
        "a path such as `/v2/public/projects/*/priorities` or `/media/**`; `*` is one segment, `**` the rest",
        |text| is_pattern(text).then(|| text.to_owned()),
    );
    let mut operation = table.take_text("operation", &Operation::expected(), Operation::parse);
    let usual = HowOften::default();
    let how_often = HowOften {
        skip: table.number("skip", 0..=u64::MAX).unwrap_or(usual.skip),
        every: table.number("every", 1..=u64::MAX).unwrap_or(usual.every),
        probability: table
            .take("probability", "a number above 0, up to 1", |value| {
                value.as_f64().filter(|share| *share > 0.0 && *share <= 1.0)
            })
            .unwrap_or(usual.probability),
        times: table.number("times", 1..=u64::MAX).unwrap_or(usual.times),
    };
    let latency = table.take(
        "latency",
        &format!("milliseconds from 0 to {LATENCY_MAX}, or a range of them such as [20, 200]"),
        latency_of,
    );
    let retry_after = table.number("retry-after", 0..=RETRY_AFTER_MAX);
    let status = table.number("status", 400..=599);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let mut ending = status.map(|status| Ending::Status {
        status,
        retry_after,
    });
    for (key, other) in [
        ("drop-before", Ending::DropBefore),
        ("drop-after", Ending::DropAfter),
        ("expire-urls", Ending::Expired),
    ] {
        if table.switch(key) {
            ending = Some(other);
        }
    }
    if ending == Some(Ending::Expired) {
        let media = Operation::parse(MEDIA);
        if operation.is_some() && operation != media {
            table.note(None, "`expire-urls` is about the operation media only");
        }
        operation = media;
    }
    let body = BodyFault {
        bytes_per_second: table.number("slow-body", 1..=u64::MAX),
        truncated: table.switch("truncate-body"),
    };
    let rule = Rule {
        method,
        path,
        operation,
        how_often,
        fault: Fault {
            latency,
            ending,
            body,
        },
        written,
    };
    let mistakes = table.finish(&KEYS);
    (mistakes.is_empty().then_some(rule), mistakes)
}

/// Keys that mean nothing together, or without another.
fn check_combination(table: &mut Table, written: &Map<String, Value>) {
    let is_there = |key: &&&str| written.get(**key).is_some_and(|value| *value != false);
    let name = |keys: &[&str]| {
        let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        quoted.join(" and ")
    };
    let endings: Vec<&str> = ENDINGS.iter().filter(is_there).copied().collect();
    let bodies: Vec<&str> = BODY_FAULTS.iter().filter(is_there).copied().collect();
    if endings.len() > 1 {
        let message = format!("expected only one of {}, found all of them", name(&endings));
        table.note(None, message);
    }
    let dropped = endings.iter().find(|ending| ending.starts_with("drop-"));
    if let (Some(dropped), false) = (dropped, bodies.is_empty()) {
        let message = format!("`{dropped}` leaves no answer for {}", name(&bodies));
        table.note(None, message);
    }
    if written.contains_key("retry-after") && !written.contains_key("status") {
        table.note(None, "`retry-after` needs a `status`");
    }
    if written.contains_key("every") && written.contains_key("probability") {
        table.note(None, "expected either `every` or `probability`, found both");
    }
    if endings.is_empty() && bodies.is_empty() && !written.contains_key("latency") {
        let faults = [&["latency"][..], &ENDINGS, &BODY_FAULTS]
            .concat()
            .join(", ");
        table.note(None, format!("expected what is to happen, one of {faults}"));
    }
}

fn latency_of(value: &Value) -> Option<RangeInclusive<u64>> {
    let of = |value: &Value| value.as_u64().filter(|latency| *latency <= LATENCY_MAX);
    match value {
        Value::Array(range) => match range.as_slice() {
            [low, high] => Some(of(low)?..=of(high)?).filter(|range| !range.is_empty()),
            _ => None,
        },
        fixed => of(fixed).map(|latency| latency..=latency),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::operation::Asked;
    use super::super::plan::RuleCount;
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        match FaultPlan::from_toml(text) {
            Err(FaultPlanError::Mistakes { mistakes, .. }) => {
                mistakes.iter().map(ToString::to_string).collect()
            }
            other => panic!("expected mistakes, found {other:?}"),
        }
    }

    #[test]
    fn the_plan_of_the_documentation_is_one() {
        let text: String = include_str!("mod.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!")))
            .collect();
        let plan = FaultPlan::from_toml(&text).expect("it has no mistakes");
        assert_eq!((plan.seed, plan.len()), (7, 4));
        for key in KEYS {
            assert!(include_str!("mod.rs").contains(&format!("//! | `{key}` |")));
        }
    }

    #[test]
    fn a_plan_is_the_same_in_both_formats() {
        let text = "seed = 3\n[[rules]]\noperation = 'labelrow.PUT'\nlatency = [0x10, 20]\nprobability = 0.5\n\
                    slow-body = 100\ntruncate-body = true";
        let plan = FaultPlan::from_toml(text).expect("it has no mistakes");
        let json = plan.to_json().to_string();
        let again = FaultPlan::from_json(json.as_bytes()).expect("it has no mistakes");
        assert_eq!(again.to_json(), plan.to_json());
        assert_eq!(again.rules[0].fault, plan.rules[0].fault);
        assert_eq!(again.rules[0].fault.latency, Some(16..=20));
        assert_eq!(
            FaultPlan::from_json(b"{}").expect("it is empty"),
            FaultPlan::default()
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let found = mistakes(
            "seed = -1
sed = 1
[[rules]]
operation = 'action'
status = 200
times = 0
[[rules]]
every = 2
probability = 1.5
retry-after = 'soon'
[[rules]]
latency = [20, 10]
drop-before = true
drop-after = true
slow-body = 1
time = 3
[[rules]]
operation = 'tasks'
method = 'get'
path = 'public'
expire-urls = 1
",
        );
        let expected = [
            "line 1: expected `seed` to be a whole number from 0, found -1",
            "line 2: expected one of the keys seed, rules, found `sed`",
            "line 4: rule 1: expected `operation` to be one of projects, ",
            "line 5: rule 1: expected `status` to be a whole number from 400 to 599, found 200",
            "line 6: rule 1: expected `times` to be a whole number from 1, found 0",
            "line 7: rule 2: `retry-after` needs a `status`",
            "line 7: rule 2: expected either `every` or `probability`, found both",
            "line 7: rule 2: expected what is to happen, one of latency, status, ",
            "line 9: rule 2: expected `probability` to be a number above 0, up to 1, found 1.5",
            "line 10: rule 2: expected `retry-after` to be a whole number from 0 to 86400, found \"soon\"",
            "line 11: rule 3: expected only one of `drop-before` and `drop-after`, found all of them",
            "line 11: rule 3: `drop-before` leaves no answer for `slow-body`",
            "line 12: rule 3: expected `latency` to be milliseconds from 0 to 600000, or a range",
            "line 16: rule 3: expected one of the keys method, path, ",
            "line 19: rule 4: expected `method` to be one of GET, ",
            "line 20: rule 4: expected `path` to be a path such as ",
            "line 21: rule 4: expected `expire-urls` to be true or false, found 1",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn a_text_that_is_no_plan_is_refused() {
        assert!(mistakes("[[rules]\nstatus = 503")[0].starts_with("line 1: "));
        assert!(mistakes("rules = 3")[0].contains("[[rules]]"));
        assert!(mistakes("rules = [3]")[0].contains("rule 1: expected a table"));
        assert!(FaultPlan::from_json(b"[]").is_err());
        assert!(FaultPlan::from_json(br#"{"rules": [{}]}"#).is_err());
    }

    #[test]
    fn expired_urls_are_those_of_media() {
        let plan = FaultPlan::from_toml("[[rules]]\nexpire-urls = true\nlatency = 1");
        let plan = plan.expect("it has no mistakes");
        let meets = |path| {
            let asked = Asked {
                method: "GET",
                path,
                query: None,
            };
            plan.decide(&mut [RuleCount::default()], &asked)
        };
        let verdict = meets("/media/1/image.png");
        assert_eq!(verdict.ending, Some(Ending::Expired));
        assert_eq!(verdict.latency, Duration::from_millis(1));
        assert!(meets("/v2/public/projects/1").rules.is_empty());
        let found = mistakes("[[rules]]\noperation = 'tasks'\nexpire-urls = true");
        assert!(found[0].contains("media only"), "{found:?}");
    }
}
