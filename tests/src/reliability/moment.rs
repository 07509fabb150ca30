//! When a process is killed: chosen beforehand, so that all parts of a run are hit, and told afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::Result;
use super::faults::{OPERATIONS, WRITING};
use super::host::Host;
use super::server::{DevServer, Requests};

/// How often it is looked whether the moment has come.
const LOOK: Duration = Duration::from_millis(2);
/// After this the moment has come in any case.
const LATEST: Duration = Duration::from_secs(5);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start.
    After(Duration),
    /// So many requests of an operation, by its place in [`OPERATIONS`], then a while in which they are under way.
    Requests(usize, u64, Duration),
    /// So many decisions of the plugin.
    Decisions(usize),
    /// So many changes of the journal's file, then a while.
    Journal(usize, Duration),
    /// All decisions that there are to make, then a while.
    End(Duration),
}

impl Moment {
    /// One at random.
    pub fn choose(random: &mut StdRng) -> Self {
        let milliseconds = |random: &mut StdRng, most| {
            // Short ones as likely as long ones.
            let exponent: f64 = random.random_range(0.0..f64::ln(f64::from(most)));
            Duration::from_secs_f64(exponent.exp() / 1_000.0)
        };
        match random.random_range(0..100) {
            0..15 => Self::After(milliseconds(random, 400)),
            15..30 => Self::After(milliseconds(random, 4_000)),
            30..45 => {
                let reading = OPERATIONS.len() - WRITING.len();
                let at = random.random_range(0..reading);
                Self::Requests(at, 1, milliseconds(random, 300))
            }
            45..75 => {
                let reading = OPERATIONS.len() - WRITING.len();
                let at = random.random_range(reading..OPERATIONS.len());
                Self::Requests(at, random.random_range(1..5), milliseconds(random, 100))
            }
            75..85 => Self::Decisions(random.random_range(1..150)),
            85..92 => Self::Journal(random.random_range(1..8), milliseconds(random, 20)),
            _ => Self::End(milliseconds(random, 1_000)),
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::After(_) => "a time",
            Self::Requests(at, ..) => OPERATIONS[at],
            Self::Decisions(_) => "decisions",
            Self::Journal(..) => "the journal",
            Self::End(_) => "the end",
        }
    }

    /// Waits until it has come, or the host has ended. `left` is the number of decisions that there are to make.
    ///
    /// # Errors
    /// If the system does not say whether the host runs.
    pub async fn wait(
        self,
        host: &mut Host,
        server: &DevServer,
        journal: &Path,
        left: usize,
    ) -> Result<()> {
        let began = Instant::now();
        let before = server.requests().await.unwrap_or_default();
        let mut size = None;
        let mut changes = 0;
        loop {
            let passed = began.elapsed();
            let (come, rest) = match self {
                Self::After(time) => (passed >= time, Duration::ZERO),
                Self::Requests(at, number, rest) => {
                    let now = server.requests().await.unwrap_or(before);
                    (now[at] >= before[at] + number, rest)
                }
                Self::Decisions(number) => (host.decided().len() >= number, Duration::ZERO),
                Self::Journal(number, rest) => {
                    let file = std::fs::metadata(journal).ok();
                    let found = file.and_then(|file| Some((file.len(), file.modified().ok()?)));
                    changes += usize::from(size.is_some_and(|size| size != found));
                    size = Some(found);
                    (changes >= number, rest)
                }
                Self::End(rest) => (host.decided().len() >= left, rest),
            };
            if come || passed >= LATEST || host.has_ended()? {
                sleep(rest).await;
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }
}

/// Where a kill fell, told by what it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fell {
    /// Before the first request.
    Starting,
    /// While commits of the life before were brought to their end.
    Resuming,
    /// Before the plugin decided anything: the project, lists, rows.
    Reading,
    /// The plugin had decided, and nothing was open.
    Deciding,
    /// A commit was in the journal, and the server had nothing of it.
    Journaled,
    /// The server had labels that were to be saved, and their tasks had not moved.
    Saved,
    /// A task had moved, and its commit was still open.
    Moved,
    /// Nothing was left to do.
    Ending,
}

impl Fell {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Resuming => "resuming",
            Self::Reading => "reading",
            Self::Deciding => "deciding",
            Self::Journaled => "journaled, nothing sent",
            Self::Saved => "saved, not moved",
            Self::Moved => "moved, not closed",
            Self::Ending => "ending",
        }
    }
}

/// How many kills were of which sort.
#[derive(Debug, Clone, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, sort: &'static str) {
        *self.0.entry(sort).or_default() += 1;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|(sort, count)| format!("{sort} {count}"))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// Whether a run that made these requests had only begun: nothing was listed.
pub fn listed_nothing(requests: &Requests) -> bool {
    let tasks = OPERATIONS.iter().position(|name| *name == "tasks");
    requests[tasks.expect("it is one of them")] == 0
}
