//! Carries decisions out: labels, then client metadata, then priority, then pathway, in bundles. What was decided is in the
//! journal before the first request, and leaves it when the server has confirmed the last one.
//!
//! Before labels and client metadata are written, it is looked at what the server has (see `check`): what somebody else
//! edited meanwhile is kept.

mod moving;
mod outcome;

use std::collections::HashSet;
use std::time::Duration;

use rand::seq::SliceRandom;
use serde_json::Value;
use uuid::Uuid;

pub(super) use outcome::Committed;

use moving::{follow_pathways, set_priorities};
use outcome::{Step, refused};

use super::check::{self, Items, RowCheck};
use super::written::Written;
use crate::encord::Client;
use crate::journal::{Entry, EntryLabels, Journal};

/// Decisions in a row that cannot be sent alone either, after which it is not tried with the next ones.
const MOST_ALONE: u32 = 3;

/// How long another host may take from saving labels to moving the task.
const OTHERS_MOVE: Duration = Duration::from_secs(1);

/// What carries decisions out.
#[derive(Debug)]
pub(super) struct Committer {
    pub(super) client: Client,
    pub(super) journal: Journal,
    pub(super) written: Written,
}

/// Decisions of one stage, each with what became of it, once that is known.
type States = [(Entry, Option<Committed>)];

impl Committer {
    /// Carries out decisions of one stage that are in the journal: up to a bundle of them, in one request for each step.
    /// What is confirmed, refused or void leaves the journal. `again` says that they were sent before.
    pub(super) async fn finish(&self, entries: Vec<Entry>, again: bool) -> Vec<(Entry, Committed)> {
        let Some(first) = entries.first() else {
            return Vec::new();
        };
        let (project, stage) = (first.project, first.stage);
        let begun_before: HashSet<Uuid> = entries
            .iter()
            .filter(|entry| entry.begun)
            .map(|entry| entry.task)
            .collect();
        let mut states: Vec<(Entry, Option<Committed>)> =
            entries.into_iter().map(|entry| (entry, None)).collect();
        let ids = states.iter().flat_map(|(entry, _)| {
            let row = entry.labels.iter().map(|labels| labels.label_hash);
            row.chain(entry.items.iter().map(|item| item.item))
        });
        let writing = self.written.take(ids.collect()).await;

        if again {
            self.leave_gone(project, stage, &mut states).await;
        }
        let items = self.read_items(&mut states).await;
        self.save_labels(project, stage, again, &mut states).await;
        self.update_items(&items, &mut states).await;
        drop(writing);
        set_priorities(&self.client, project, &mut states).await;
        follow_pathways(&self.client, project, stage, &mut states).await;

        let ended: Vec<(Entry, Committed)> = states
            .into_iter()
            .map(|(entry, committed)| (entry, committed.unwrap_or(Committed::Done)))
            .collect();
        let closed = ended
            .iter()
            .filter(|(_, committed)| !committed.stays_open())
            .map(|(entry, _)| entry.task)
            .collect();
        let begun = ended
            .iter()
            .filter(|(entry, committed)| {
                committed.stays_open() && entry.begun && !begun_before.contains(&entry.task)
            })
            .map(|(entry, _)| entry.task)
            .collect();
        let noted = self.journal.begun(project, stage, begun).await;
        if let Err(error) = noted.and(self.journal.close(project, stage, closed).await) {
            // The server has them; the next start will find that out.
            tracing::warn!("{error}");
        }
        ended
    }

    /// Of decisions that were made some time ago, the tasks may have left the stage by somebody else's doing. Those with label
    /// rows are looked at together with them.
    async fn leave_gone(&self, project: Uuid, stage: Uuid, states: &mut States) {
        let is_asked = |entry: &Entry| {
            let without_rows = entry.labels.is_none() || entry.begun;
            without_rows && (!entry.items.is_empty() || entry.priority.is_some())
        };
        let asked = states.iter().map(|(entry, _)| entry);
        let hashes: Vec<Uuid> = asked
            .filter(|entry| is_asked(entry))
            .map(|entry| entry.data_hash)
            .collect();
        let waiting = check::waiting(&self.client, project, stage, hashes).await;
        for (entry, committed) in states.iter_mut().filter(|(entry, _)| is_asked(entry)) {
            match &waiting {
                Ok(waiting) if waiting.contains(&entry.task) => {}
                Ok(_) => *committed = Some(Committed::Gone),
                Err(error) => *committed = Some(refused(Step::Check, entry, error)),
            }
        }
    }

    /// The same for decisions that could not be sent before. Those that cannot be sent together are sent one by one, as long as
    /// that helps: what Encord cannot cope with in one of them holds up none of the others.
    pub(super) async fn finish_apart(&self, entries: Vec<Entry>) -> Vec<(Entry, Committed)> {
        let ended = self.finish(entries, true).await;
        let (mut unsent, mut ended): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .partition(|(_, committed)| matches!(committed, Committed::Unsent { .. }));
        let mut in_a_row = 0;
        let several = unsent.len() > 1;
        // Not always the same ones are tried.
        unsent.shuffle(&mut rand::rng());
        for (entry, committed) in unsent {
            if !several || in_a_row >= MOST_ALONE {
                ended.push((entry, committed));
                continue;
            }
            let moved = matches!(
                committed,
                Committed::Unsent {
                    may_have_moved: true,
                    ..
                }
            );
            for (entry, committed) in self.finish(vec![entry], true).await {
                let mut committed = match committed {
                    // It was this host's request, of which only the answer was lost.
                    Committed::Gone if moved => Committed::Done,
                    other => other,
                };
                committed.may_have_moved_before(moved);
                in_a_row = match committed {
                    Committed::Unsent { .. } => in_a_row + 1,
                    _ => 0,
                };
                ended.push((entry, committed));
            }
        }
        ended
    }

    /// Reads the items that are to be changed, before anything is written: a decision of which one part is void is void as
    /// a whole.
    async fn read_items(&self, states: &mut States) -> Items {
        let entries = alive(states);
        let items = Items::read(&self.client, &entries).await;
        let checks = items.check(&entries);
        for (entry, committed) in states.iter_mut() {
            if let Some(why) = checks.overtaken.get(&entry.task) {
                *committed = Some(Committed::Overtaken(why.clone()));
            }
            for (item, error) in &checks.failed {
                if entry.items.iter().any(|change| change.item == *item) {
                    *committed = Some(refused(Step::Check, entry, error));
                }
            }
        }
        items
    }

    /// Of several decisions about one row, each is brought onto what the one before it has saved.
    async fn save_labels(&self, project: Uuid, stage: Uuid, again: bool, states: &mut States) {
        // What was begun has its labels saved, whatever others did to them since.
        let with_labels = |(entry, committed): &(Entry, Option<Committed>)| {
            committed.is_none() && entry.labels.is_some() && !entry.begun
        };
        let mut left: Vec<usize> = (0..states.len())
            .filter(|&at| with_labels(&states[at]))
            .collect();
        while !left.is_empty() {
            let mut rows = HashSet::new();
            let (wave, later): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|&at| {
                let labels = states[at].0.labels.as_ref();
                labels.is_some_and(|labels| rows.insert(labels.label_hash))
            });
            self.save_wave(project, stage, again, states, &wave).await;
            left = later;
        }
    }

    /// Checks and saves rows, each of another decision.
    async fn save_wave(
        &self,
        project: Uuid,
        stage: Uuid,
        again: bool,
        states: &mut States,
        wave: &[usize],
    ) {
        let entries: Vec<(&Entry, &EntryLabels)> = wave
            .iter()
            .filter_map(|&at| Some((&states[at].0, states[at].0.labels.as_ref()?)))
            .collect();
        let in_doubt = |row| self.written.was_saved(row);
        let mut checks = check::rows(&self.client, project, stage, &entries, again, in_doubt).await;
        self.beside_others(project, stage, &entries, &mut checks)
            .await;
        let mut rows: Vec<(Uuid, &Value)> = Vec::new();
        let mut at_rows = Vec::new();
        for ((&at, (_, labels)), check) in wave.iter().zip(&entries).zip(&checks) {
            let document = match check {
                RowCheck::AsRead => &*labels.document,
                RowCheck::Merged { row, .. } => row,
                _ => continue,
            };
            rows.push((labels.label_hash, document));
            at_rows.push(at);
        }
        for (row, _) in &rows {
            // Also what may then not be saved: it is looked at once more than needed.
            self.written.remember(*row);
        }
        let saved = match rows.is_empty() {
            true => Vec::new(),
            false => self.client.save_label_rows_each(project, &rows).await,
        };
        let mut outcomes = Vec::new();
        let mut done = Vec::new();
        for (at, saved) in at_rows.into_iter().zip(saved) {
            match saved {
                Ok(()) => done.push(at),
                Err(error) => outcomes.push((at, refused(Step::Save, &states[at].0, &error))),
            }
        }
        for (&at, check) in wave.iter().zip(checks) {
            match check {
                RowCheck::AsRead | RowCheck::Merged { .. } => {}
                RowCheck::Saved => done.push(at),
                RowCheck::Gone => outcomes.push((at, Committed::Gone)),
                RowCheck::Overtaken(why) => outcomes.push((at, Committed::Overtaken(why))),
                RowCheck::Failed(error) => {
                    outcomes.push((at, refused(Step::Check, &states[at].0, &error)));
                }
            }
        }
        for (at, outcome) in outcomes {
            states[at].1 = Some(outcome);
        }
        for at in done {
            states[at].0.begun = true;
        }
    }

    /// Of a row that somebody edited meanwhile, it may be that another host did so, which moves the task next: what this one
    /// decided about it is then too late.
    async fn beside_others(
        &self,
        project: Uuid,
        stage: Uuid,
        entries: &[(&Entry, &EntryLabels)],
        checks: &mut [RowCheck],
    ) {
        let edited: Vec<usize> = (0..checks.len())
            .filter(|&at| {
                let labels = entries[at].1;
                match &checks[at] {
                    // What this host saved itself is no other's.
                    _ if self.written.was_saved(labels.label_hash) => false,
                    RowCheck::Merged { edited, .. } => *edited,
                    RowCheck::Overtaken(_) => true,
                    _ => false,
                }
            })
            .collect();
        if edited.is_empty() {
            return;
        }
        tokio::time::sleep(OTHERS_MOVE).await;
        let hashes = edited.iter().map(|&at| entries[at].0.data_hash).collect();
        match check::waiting(&self.client, project, stage, hashes).await {
            Ok(waiting) => {
                for at in edited {
                    if !waiting.contains(&entries[at].0.task) {
                        checks[at] = RowCheck::Gone;
                    }
                }
            }
            Err(error) => {
                for at in edited {
                    checks[at] = RowCheck::Failed(error.clone());
                }
            }
        }
    }

    async fn update_items(&self, items: &Items, states: &mut States) {
        let updates = items.check(&alive(states)).updates;
        if updates.is_empty() {
            return;
        }
        let updated = self.client.update_storage_items_each(&updates).await;
        for ((item, _), updated) in updates.iter().zip(updated) {
            for (entry, committed) in states.iter_mut() {
                if committed.is_some() || entry.items.iter().all(|changed| changed.item != *item) {
                    continue;
                }
                match &updated {
                    Ok(_) => entry.begun = true,
                    Err(error) => *committed = Some(refused(Step::Update, entry, error)),
                }
            }
        }
    }
}

/// Decisions that nothing has kept from being carried out so far.
fn alive(states: &States) -> Vec<&Entry> {
    let alive = states.iter().filter(|(_, committed)| committed.is_none());
    alive.map(|(entry, _)| entry).collect()
}
