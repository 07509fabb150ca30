//! Decisions on their way to Encord: bundled, recorded, carried out, and sent again while Encord cannot be reached.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use runner_media::Share;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::attempts::{Member, Way};
use super::breaker::Pass;
use super::commit::Committed;
use super::drain::Drain;
use super::failing::Failed;
use super::outage::{Asked, Patience};
use super::summary::{Other, TaskFailure};
use super::{Event, RunError};
use crate::encord;
use crate::journal::{Entry, JournalError};

/// Encord takes at most this many updates in one request here, as in its own runner.
pub(super) const LARGEST_BUNDLE: usize = 100;

/// How long a bundle that is not full waits for more.
const LINGER: Duration = Duration::from_millis(10);

/// What label rows that wait to be saved may take in memory, in bytes; one that is larger waits alone.
pub(super) const DECIDED_BYTES: u64 = 256 << 20;

/// What the label rows of one bundle take in memory, in bytes; one that is larger goes alone. In JSON it is about a quarter.
const BUNDLE_BYTES: u64 = 64 << 20;

/// Bundles under way at a time, so that latency does not add up.
const BUNDLES_AT_A_TIME: usize = 4;

/// A decision on its way to the committer, with what its task holds until it is carried out.
pub(super) struct Decided {
    pub(super) entry: Entry,
    pub(super) attempts: u32,
    pub(super) member: Member,
    pub(super) pass: Pass,
    /// For another attempt, if the decision turns out to be void.
    pub(super) way: Way,
    /// What its label row takes, of the budget of decisions.
    pub(super) bytes: u64,
    /// Of that budget, until the decision is carried out. None once the run is to end.
    pub(super) _share: Option<Share>,
}

impl Drain {
    /// Bundles decisions and carries them out, a few bundles at a time.
    pub(super) async fn commit_bundles(
        self: Arc<Self>,
        mut decided: mpsc::Receiver<Decided>,
        size: usize,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let mut bundles: JoinSet<Result<(), JournalError>> = JoinSet::new();
        let mut outcome = Ok(());
        loop {
            let mut bundle = Vec::with_capacity(size);
            if decided.recv_many(&mut bundle, size).await == 0 {
                break;
            }
            let more = async {
                while let Some(room) = size.checked_sub(bundle.len()).filter(|room| *room > 0) {
                    if decided.recv_many(&mut bundle, room).await == 0 {
                        break;
                    }
                }
            };
            // Either it is full, or nothing more came for a while, or nothing more will come.
            let _ = tokio::time::timeout(LINGER, more).await;
            while let Some(joined) = bundles.try_join_next() {
                keep_first(&mut outcome, Some(joined));
            }
            // Once the run is to end, all that is decided goes into the journal at once.
            while bundles.len() >= BUNDLES_AT_A_TIME && !stop.is_cancelled() {
                tokio::select! {
                    joined = bundles.join_next() => keep_first(&mut outcome, joined),
                    () = stop.cancelled() => {}
                }
            }
            if outcome.is_err() {
                // Nothing can be journaled, so nothing more may be sent or fetched.
                stop.cancel();
                continue;
            }
            for part in by_size(bundle, BUNDLE_BYTES, |decided| decided.bytes) {
                let commit = Arc::clone(&self).commit_bundle(part, stop.clone());
                bundles.spawn(commit.in_current_span());
            }
        }
        while let Some(joined) = bundles.join_next().await {
            keep_first(&mut outcome, Some(joined));
        }
        outcome.map_err(RunError::from)
    }

    async fn commit_bundle(
        self: Arc<Self>,
        bundle: Vec<Decided>,
        stop: CancellationToken,
    ) -> Result<(), JournalError> {
        let entries: Vec<Entry> = bundle.iter().map(|decided| decided.entry.clone()).collect();
        self.shared
            .committer
            .journal
            .record(entries.clone())
            .await?;
        tracing::debug!(tasks = entries.len(), "committing");
        let mut bundle: HashMap<Uuid, Decided> = bundle
            .into_iter()
            .map(|decided| (decided.entry.task, decided))
            .collect();
        let mut left = entries;
        let mut may_have_moved: HashSet<Uuid> = HashSet::new();
        // Those who try whether a paused stage works again do not wait.
        let longest = match bundle.values().any(|decided| decided.pass.is_probe()) {
            true => Duration::ZERO,
            false => self.options.patience,
        };
        let mut patience = Patience::new(&self.shared.outage, Asked::Commit, longest);
        let mut first = true;
        loop {
            let committer = &self.shared.committer;
            let entries = std::mem::take(&mut left);
            let finish = async {
                match first {
                    true => committer.finish(entries, false).await,
                    false => committer.finish_apart(entries).await,
                }
            };
            let Some(ended) = self.cut.run_until_cancelled(finish).await else {
                self.not_sent(&bundle, "the run had to end before it was confirmed");
                return Ok(());
            };
            first = false;
            let mut unsent: Option<(String, Option<Duration>)> = None;
            let mut worked = false;
            for (entry, committed) in ended {
                let committed = match committed {
                    Committed::Unsent {
                        message,
                        retry_after,
                        may_have_moved: moved,
                    } => {
                        if moved {
                            may_have_moved.insert(entry.task);
                        }
                        left.push(entry);
                        unsent = Some((message, retry_after));
                        continue;
                    }
                    // It is this host's request, of which only the answer was lost.
                    Committed::Gone if may_have_moved.contains(&entry.task) => Committed::Done,
                    other => other,
                };
                worked = true;
                if let Some(decided) = bundle.remove(&entry.task) {
                    let span = decided.member.span.clone();
                    self.committed(decided, committed).instrument(span).await;
                }
            }
            let Some((message, retry_after)) = unsent else {
                drop(patience);
                self.shared.outage.worked(Asked::Commit);
                return Ok(());
            };
            if worked {
                self.shared.outage.worked(Asked::Commit);
            }
            let again = stop
                .run_until_cancelled(patience.wait(&message, retry_after))
                .await;
            if again != Some(true) {
                for decided in bundle.values() {
                    decided.pass.failed(true, "unsent", &message);
                }
                self.not_sent(&bundle, &message);
                return Ok(());
            }
        }
    }

    /// The commits stay in the journal. The summary counts and names them when the run ends, as far as they are open then.
    fn not_sent(&self, bundle: &HashMap<Uuid, Decided>, message: &str) {
        // What to do about it was told when it began.
        let line = message.lines().next().unwrap_or_default();
        let mut decided = bundle.values();
        match (decided.next(), decided.len()) {
            (Some(one), 0) => one.member.span.in_scope(|| {
                tracing::error!("not sent, and kept for the next start: {line}");
            }),
            (_, more) => tracing::error!(
                "{} decisions are not sent, and kept for the next start: {line}",
                more + 1
            ),
        }
        for _ in bundle {
            self.shared.emit(&Event::TaskEnded { failed: true });
        }
    }

    async fn committed(self: &Arc<Self>, decided: Decided, committed: Committed) {
        let Decided {
            entry,
            attempts,
            member,
            pass,
            way,
            ..
        } = decided;
        let failed = |kind, message, may_pass| Failed {
            failure: TaskFailure {
                task: entry.task,
                data_title: entry.data_title.clone(),
                kind,
                message,
                attempts,
            },
            log: String::new(),
            inputs: member.dependencies.inputs_digest(),
            may_pass,
        };
        match committed {
            Committed::Done => {
                pass.worked();
                self.done(&entry);
            }
            Committed::Gone => {
                tracing::info!("the task has already left the stage");
                self.lock()
                    .add_other(Other::Gone, entry.task, &entry.data_title);
                self.settle(entry.task);
                self.shared.emit(&Event::TaskEnded { failed: false });
            }
            Committed::Refused {
                message, may_pass, ..
            } => {
                pass.failed(true, "refused", &message);
                self.failed(failed("refused", message, may_pass)).await;
            }
            Committed::Overtaken(reason) => {
                let voided = failed("overtaken", reason.clone(), true);
                match member.afresh(attempts) {
                    Some(member) => {
                        tracing::info!("the agent decides anew: {reason}");
                        self.lock().overtaken += 1;
                        self.begin(vec![member], None, way);
                    }
                    None => self.failed(voided).await,
                }
            }
            Committed::Unsent { .. } => unreachable!("these are sent again"),
        }
    }

    fn done(&self, entry: &Entry) {
        let mut summary = self.lock();
        let pathways = &self.served.stage.pathways;
        let along = |pathway: &encord::Pathway| Some(pathway.uuid) == entry.pathway;
        match pathways.iter().position(along) {
            Some(at) => summary.pathways[at].1 += 1,
            None => summary.stayed += 1,
        }
        drop(summary);
        self.settle(entry.task);
        tracing::debug!(plugin = %entry.digest, "committed");
        self.shared.emit(&Event::TaskEnded { failed: false });
    }
}

/// Cuts a bundle where its parts would be larger than `most` bytes together. One that is larger alone is a part of its own.
fn by_size<T>(bundle: Vec<T>, most: u64, bytes_of: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes: u64 = 0;
    for one in bundle {
        let own = bytes_of(&one);
        bytes = bytes.saturating_add(own);
        match parts.last_mut() {
            Some(part) if bytes <= most => part.push(one),
            _ => {
                bytes = own;
                parts.push(vec![one]);
            }
        }
    }
    parts
}

/// The first error that a bundle ended in, over all bundles.
fn keep_first(
    outcome: &mut Result<(), JournalError>,
    joined: Option<Result<Result<(), JournalError>, JoinError>>,
) {
    match joined {
        Some(Ok(Err(error))) if outcome.is_ok() => *outcome = Err(error),
        Some(Err(join)) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::by_size;

    #[test]
    fn bundles_are_cut_by_the_size_of_their_label_rows() {
        let cut = |sizes: &[u64]| by_size(sizes.to_vec(), 10, |size| *size);
        assert_eq!(cut(&[]), Vec::<Vec<u64>>::new());
        assert_eq!(cut(&[0, 4, 6, 0]), [vec![0, 4, 6, 0]]);
        assert_eq!(cut(&[4, 7, 3, 1]), [vec![4], vec![7, 3], vec![1]]);
        assert_eq!(cut(&[99, 99, 1, 9]), [vec![99], vec![99], vec![1, 9]]);
        assert_eq!(cut(&[u64::MAX, u64::MAX]), [[u64::MAX], [u64::MAX]]);
    }
}
