//! Commits that an earlier run, or an earlier pass, did not bring to their end.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::commit::{Committed, Committer};
use super::held::Holding;
use crate::journal::{Entry, JournalError};

/// Commits that are looked at together.
const BUNDLE: usize = 100;

/// What came of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Confirmed now, or found to have been carried out.
    pub(super) finished: u64,
    /// Void, since somebody edited the same labels: the agent decides anew.
    pub(super) dropped: u64,
    /// Refused.
    pub(super) refused: u64,
    /// Still open, since Encord could not be reached, or could not cope with them.
    pub(super) unsent: u64,
}

/// Brings open commits to their end, before any agent runs. What the server has is looked at first: labels are not added
/// twice, and what somebody else edited meanwhile is not overwritten.
///
/// Those of tasks in quarantine stay as they are, unless they may be tried again at `now`. `holding` tells of stages what is
/// recorded for tasks that are refused again, `tell_unsent` whether it is news that some cannot be sent.
///
/// # Errors
/// If the journal cannot be used.
pub(super) async fn resume(
    committer: &Committer,
    project: Uuid,
    holding: &HashMap<Uuid, Holding>,
    now: Timestamp,
    tell_unsent: bool,
) -> Result<Resumed, JournalError> {
    let mut resumed = Resumed::default();
    let journal = &committer.journal;
    let mut left = journal.held_back(project, now).await?;
    loop {
        let entries = journal.open_entries(project, BUNDLE, &left).await?;
        if entries.is_empty() {
            return Ok(resumed);
        }
        let mut stages: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for entry in entries {
            stages.entry(entry.stage).or_default().push(entry);
        }
        for (stage, entries) in stages {
            let ended = committer.finish_apart(entries).await;
            let is_unsent = |(_, one): &(Entry, Committed)| matches!(one, Committed::Unsent { .. });
            let nothing_works = ended.iter().all(is_unsent);
            for (entry, committed) in ended {
                // Also what has ended: if the journal cannot be written to, it would come again.
                left.insert(entry.task);
                let title = &entry.data_title;
                match committed {
                    Committed::Done => resumed.finished += 1,
                    Committed::Gone => {
                        tracing::info!(task = %entry.task, "\"{title}\" has already left its stage");
                        resumed.finished += 1;
                    }
                    Committed::Overtaken(reason) => {
                        tracing::warn!(
                            task = %entry.task,
                            "an interrupted commit of \"{title}\" is void, and its agent decides anew: {reason}"
                        );
                        resumed.dropped += 1;
                    }
                    Committed::Refused {
                        message,
                        may_pass,
                        begun,
                    } => {
                        tracing::error!(
                            task = %entry.task,
                            "an interrupted commit of \"{title}\" is not accepted: {message}"
                        );
                        resumed.refused += 1;
                        if let (true, Some(holding)) = (begun, holding.get(&stage)) {
                            holding.refused(journal, &entry, message, may_pass).await?;
                        }
                    }
                    Committed::Unsent { message, .. } => {
                        // What is the same for all of them is told once.
                        if tell_unsent && resumed.unsent == 0 {
                            tracing::error!(
                                task = %entry.task,
                                "an open commit of \"{title}\" cannot be sent yet, and is kept: {message}"
                            );
                        }
                        resumed.unsent += 1;
                    }
                }
            }
            if nothing_works {
                // It will not with the rest either.
                return Ok(resumed);
            }
        }
    }
}
