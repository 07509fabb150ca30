//! What is to go wrong, and the decision whether it does for one request.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::operation::{Asked, Operation, fits};

/// Which requests are to meet which faults. The one that is empty, the default, has no faults.
///
/// Two plans with the same rules and the same seed treat the n-th request that a rule is about alike.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    pub(super) seed: u64,
    pub(super) rules: Vec<Rule>,
}

/// What became of a rule so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Requests that the rule is about.
    pub matched: u64,
    /// Those of them that met the fault.
    pub fired: u64,
}

/// A rule. A request must be as `method`, `path` and `operation` say, of which any may be absent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) operation: Option<Operation>,
    pub(super) how_often: HowOften,
    pub(super) fault: Fault,
    /// As its author wrote it.
    pub(super) written: Map<String, Value>,
}

/// Which of the requests that a rule is about meet its fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HowOften {
    /// The first so many do not.
    pub(super) skip: u64,
    /// Of those after them, only each `every`-th does.
    pub(super) every: u64,
    /// Only this share of them does, from 0 to 1.
    pub(super) probability: f64,
    /// At most so many do.
    pub(super) times: u64,
}

impl Default for HowOften {
    fn default() -> Self {
        Self {
            skip: 0,
            every: 1,
            probability: 1.0,
            times: u64::MAX,
        }
    }
}

/// What a rule does to a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fault {
    /// In milliseconds.
    pub(super) latency: Option<RangeInclusive<u64>>,
    pub(super) ending: Option<Ending>,
    pub(super) body: BodyFault,
}

/// What happens instead of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// This HTTP status, and the request has no effect.
    Status {
        status: u16,
        /// Of the header, in seconds.
        retry_after: Option<u64>,
    },
    /// The connection is closed, and the request has no effect.
    DropBefore,
    /// The request is carried out, and then the connection is closed.
    DropAfter,
    /// A media URL is treated as if it had expired.
    Expired,
}

/// What happens to the body of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct BodyFault {
    /// It comes at this pace, in bytes in a second.
    pub(super) bytes_per_second: Option<u64>,
    /// Only its first half comes.
    pub(super) truncated: bool,
}

/// What one request meets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) latency: Duration,
    pub(super) ending: Option<Ending>,
    pub(super) body: BodyFault,
    /// The rules that fired, numbered from 1.
    pub(super) rules: Vec<usize>,
}

impl FaultPlan {
    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is to go wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// As [`FaultPlan::from_json`] reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rules = self
            .rules
            .iter()
            .map(|rule| Value::from(rule.written.clone()));
        json!({ "seed": self.seed, "rules": rules.collect::<Vec<_>>() })
    }

    /// Whether a request to the older API has to be read for the decision.
    pub(super) fn asks_for_the_query(&self) -> bool {
        let by_query = |rule: &Rule| matches!(rule.operation, Some(Operation::ByQuery { .. }));
        self.rules.iter().any(by_query)
    }

    /// What the request meets. `counts` has one entry for each rule, and is brought up to date.
    ///
    /// Rules that are only about latency always have a say, and what they ask for adds up. Of the others, the first
    /// that fires decides; the request does not count for those after it.
    pub(super) fn decide(&self, counts: &mut [RuleCount], asked: &Asked<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut decided = false;
        for (index, (rule, count)) in self.rules.iter().zip(counts).enumerate() {
            let left_out = decided && !rule.fault.is_only_latency();
            if left_out || !rule.is_about(asked) {
                continue;
            }
            count.matched += 1;
            let chance = |purpose| chance(&[self.seed, index as u64, count.matched, purpose]);
            if !rule.how_often.fires(*count, chance(0)) {
                continue;
            }
            count.fired += 1;
            verdict.rules.push(index + 1);
            if let Some(range) = &rule.fault.latency {
                verdict.latency += within(range, chance(1));
            }
            if !rule.fault.is_only_latency() {
                decided = true;
                verdict.ending = rule.fault.ending;
                verdict.body = rule.fault.body;
            }
        }
        verdict
    }
}

impl Rule {
    fn is_about(&self, asked: &Asked<'_>) -> bool {
        let method = self.method.as_ref();
        let path = self.path.as_ref();
        let operation = self.operation.as_ref();
        method.is_none_or(|method| method == asked.method)
            && path.is_none_or(|pattern| fits(pattern, asked.path))
            && operation.is_none_or(|operation| operation.is_that_of(asked))
    }
}

impl HowOften {
    /// `count` includes this request, and not yet whether it fires. `chance` is from 0 up to 1.
    fn fires(&self, count: RuleCount, chance: f64) -> bool {
        let Some(number) = count.matched.checked_sub(self.skip) else {
            return false;
        };
        number > 0
            && number % self.every == 0
            && count.fired < self.times
            && chance < self.probability
    }
}

impl Fault {
    pub(super) fn is_only_latency(&self) -> bool {
        self.ending.is_none() && self.body == BodyFault::default()
    }
}

/// A number from 0 up to 1 that depends on the parts alone. SplitMix64, whose output is the same everywhere.
fn chance(parts: &[u64]) -> f64 {
    let mixed = parts.iter().fold(0u64, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    // As many bits as an f64 holds exactly.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

fn within(range: &RangeInclusive<u64>, chance: f64) -> Duration {
    let span = range.end() - range.start() + 1;
    Duration::from_millis(range.start() + (chance * span as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORITIES: Asked<'static> = Asked {
        method: "POST",
        path: "/v2/public/projects/1/priorities",
        query: None,
    };
    const TASKS: Asked<'static> = Asked {
        method: "GET",
        path: "/v2/public/projects/1/workflow/stages/2/tasks",
        query: None,
    };

    fn plan(text: &str) -> FaultPlan {
        FaultPlan::from_toml(text).expect("the plan is one")
    }

    /// What each of so many equal requests meets.
    fn verdicts(plan: &FaultPlan, asked: &Asked<'_>, requests: usize) -> Vec<Verdict> {
        let mut counts = vec![RuleCount::default(); plan.len()];
        let decide = |_| plan.decide(&mut counts, asked);
        (0..requests).map(decide).collect()
    }

    /// Which of 20 equal requests, from 1, meet the only rule.
    fn fired(rule: &str) -> Vec<usize> {
        let plan = plan(&format!("[[rules]]\nstatus = 503\n{rule}"));
        let verdicts = verdicts(&plan, &TASKS, 20);
        let hit = |(index, verdict): (usize, &Verdict)| verdict.ending.map(|_| index + 1);
        verdicts.iter().enumerate().filter_map(hit).collect()
    }

    #[test]
    fn a_rule_fires_as_often_as_it_says() {
        assert_eq!(fired(""), (1..=20).collect::<Vec<_>>());
        assert_eq!(fired("times = 3"), [1, 2, 3]);
        assert_eq!(fired("every = 5"), [5, 10, 15, 20]);
        assert_eq!(fired("skip = 18"), [19, 20]);
        assert_eq!(fired("skip = 2\nevery = 3\ntimes = 4"), [5, 8, 11, 14]);
        assert!(fired("skip = 30").is_empty());
    }

    #[test]
    fn chance_is_fair_and_can_be_repeated() {
        let with_seed = |seed: u64| {
            let plan = plan(&format!(
                "seed = {seed}\n[[rules]]\nstatus = 503\nprobability = 0.25"
            ));
            let hit = |verdict: Verdict| verdict.ending.is_some();
            let verdicts = verdicts(&plan, &TASKS, 4000);
            verdicts.into_iter().map(hit).collect::<Vec<_>>()
        };
        assert_eq!(with_seed(7), with_seed(7));
        assert_ne!(with_seed(7), with_seed(8));
        let hits = with_seed(7).into_iter().filter(|hit| *hit).count();
        assert!((900..1100).contains(&hits), "{hits}");
    }

    #[test]
    fn all_that_a_rule_names_must_fit() {
        let met = |rule: &str, asked| {
            let plan = plan(&format!("[[rules]]\nstatus = 503\n{rule}"));
            verdicts(&plan, asked, 1)[0].ending.is_some()
        };
        assert!(met("method = 'GET'", &TASKS));
        assert!(!met("method = 'GET'", &PRIORITIES));
        assert!(met("path = '/v2/**'\noperation = 'tasks'", &TASKS));
        assert!(!met("path = '/public'\noperation = 'tasks'", &TASKS));
        assert!(!met("operation = 'labelrow.GET'", &TASKS));
    }

    #[test]
    fn latencies_add_up_and_the_first_other_rule_decides() {
        let plan = plan(
            "
            [[rules]]
            latency = 10
            [[rules]]
            operation = 'priorities'
            status = 429
            retry-after = 2
            latency = [5, 7]
            times = 1
            [[rules]]
            operation = 'priorities'
            drop-after = true
            [[rules]]
            latency = 100
            ",
        );
        let mut counts = vec![RuleCount::default(); 4];
        let first = plan.decide(&mut counts, &PRIORITIES);
        assert_eq!(first.rules, [1, 2, 4]);
        let limited = Ending::Status {
            status: 429,
            retry_after: Some(2),
        };
        assert_eq!(first.ending, Some(limited));
        let expected = Duration::from_millis(115)..=Duration::from_millis(117);
        assert!(expected.contains(&first.latency), "{:?}", first.latency);
        let second = plan.decide(&mut counts, &PRIORITIES);
        assert_eq!(second.ending, Some(Ending::DropAfter));
        assert_eq!(second.latency, Duration::from_millis(110));
        let other = plan.decide(&mut counts, &TASKS);
        assert_eq!((other.ending, other.rules), (None, vec![1, 4]));
        let counts: Vec<_> = counts
            .iter()
            .map(|count| (count.matched, count.fired))
            .collect();
        assert_eq!(counts, [(3, 3), (2, 1), (1, 1), (3, 3)]);
    }

    #[test]
    fn latency_stays_within_its_range() {
        let plan = plan("[[rules]]\nlatency = [20, 23]");
        let mut seen: Vec<_> = verdicts(&plan, &TASKS, 200)
            .into_iter()
            .map(|verdict| verdict.latency.as_millis())
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [20, 21, 22, 23]);
    }
}
