//! Lists the tasks of a stage completely, whichever way the server pages and whatever leaves meanwhile.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem;

use url::form_urlencoded;
use uuid::Uuid;

use super::client::Client;
use super::error::Error;
use super::operation;
use super::types::{Task, TaskFilter};

/// The longest query of a filter, in bytes. With the path, and a page token of a kilobyte, a request line
/// stays below 6 kB; servers and proxies commonly take 8.
const LONGEST_QUERY: usize = 4800;

/// The tasks of a stage, each once, page by page. Made by [`Client::tasks`].
///
/// Whether a page token of Encord's keeps its place while tasks leave the stage is not documented. A token that
/// is a position does not: for each task that leaves an earlier page, a later page begins one task too late,
/// and that task is skipped. So a listing of several pages is repeated. It is complete once a round shows
/// nothing new, and all that the round before it showed: then nothing left while that one was read. What is
/// given is then every task that was at the stage all the time, and some of those that came or went.
///
/// It remembers which tasks it gave, and in which round each was shown last: 20 bytes for each. With the room of a table
/// that is not full, a million tasks take 44 MB, and 66 MB for a moment while the table grows.
pub struct TaskListing {
    client: Client,
    project: Uuid,
    stage: Uuid,
    /// The parts of the filter that are not listed completely yet, the current one first.
    parts: VecDeque<TaskFilter>,
    /// In which round each task that was given was shown last.
    given: HashMap<Uuid, u32>,
    round: Round,
    /// A round has ended, another is to follow, and the caller was not told yet.
    between_rounds: bool,
}

/// One reading of all pages.
#[derive(Default)]
struct Round {
    /// Counts rounds over all parts.
    number: u32,
    page_token: Option<String>,
    pages: usize,
    /// How many tasks it showed.
    shown: usize,
    /// How many the round before showed, of the same part, and this one did not yet. None for the first round of a part.
    missing: Option<usize>,
    anything_new: bool,
}

impl Client {
    /// Lists the tasks of a stage of any type. Nothing is sent before the first page is asked for.
    ///
    /// A long filter is sent in parts, one after another.
    pub fn tasks(&self, project: Uuid, stage: Uuid, filter: TaskFilter) -> TaskListing {
        TaskListing {
            client: self.clone(),
            project,
            stage,
            parts: split(filter).into(),
            given: HashMap::new(),
            round: Round::default(),
            between_rounds: false,
        }
    }
}

impl TaskListing {
    /// The next tasks, in Encord's order; `None` once the listing is complete.
    ///
    /// An empty page means that all pages were read, and are to be read again to be sure. It is best asked for
    /// once the tasks given so far have moved on: then there is less to read, and nothing moves meanwhile.
    ///
    /// A future that is dropped takes nothing with it, and neither does one that failed: the same page
    /// is asked for again.
    ///
    /// # Errors
    /// If a page cannot be read.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Task>>, Error> {
        loop {
            if mem::take(&mut self.between_rounds) {
                return Ok(Some(Vec::new()));
            }
            let Some(part) = self.parts.front() else {
                return Ok(None);
            };
            let token = self.round.page_token.as_deref();
            let page = self
                .client
                .filtered_page(self.project, self.stage, part, token)
                .await?;
            if page.next_page.is_some() && page.next_page == self.round.page_token {
                return Err(self.client.endless(&operation::LIST_TASKS));
            }
            let new = self.take(page.tasks);
            self.round.pages += 1;
            self.round.page_token = page.next_page;
            if self.round.page_token.is_none() {
                self.end_round();
            }
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
    }

    /// Those of a page's tasks that were not given yet.
    fn take(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let (round, given) = (&mut self.round, &mut self.given);
        let mut is_new = |task: &Task| match given.entry(task.uuid) {
            Entry::Vacant(entry) => {
                entry.insert(round.number);
                round.shown += 1;
                round.anything_new = true;
                true
            }
            Entry::Occupied(mut entry) => {
                let last = entry.insert(round.number);
                // One that moves between pages is shown twice.
                round.shown += usize::from(last != round.number);
                if let Some(missing) = &mut round.missing {
                    *missing -= usize::from(last.wrapping_add(1) == round.number);
                }
                false
            }
        };
        tasks.into_iter().filter(|task| is_new(task)).collect()
    }

    fn end_round(&mut self) {
        let round = mem::take(&mut self.round);
        let settled = !round.anything_new && round.missing == Some(0);
        self.round.number = round.number.wrapping_add(1);
        // Of a single page, nothing can be skipped.
        if settled || round.pages == 1 {
            self.parts.pop_front();
        } else {
            self.round.missing = Some(round.shown);
            self.between_rounds = true;
        }
    }
}

impl fmt::Debug for TaskListing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskListing")
            .field("stage", &self.stage)
            .field("given", &self.given.len())
            .finish_non_exhaustive()
    }
}

impl TaskFilter {
    /// The query string, which may be empty.
    pub(super) fn query(&self, page_token: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut add = |key, value: &str| {
            query.append_pair(key, value);
        };
        for email in &self.user_emails {
            add("userEmails", email);
        }
        for hash in &self.data_hashes {
            add("dataHashes", &hash.to_string());
        }
        for hash in &self.dataset_hashes {
            add("datasetHashes", &hash.to_string());
        }
        if let Some(part) = &self.data_title_contains {
            add("dataTitleContains", part);
        }
        for status in &self.statuses {
            add("statuses", status);
        }
        if let Some(token) = page_token {
            add("pageToken", token);
        }
        query.finish()
    }
}

/// Filters that let through the same tasks together as the one given, each with a short query. A task that
/// two of them let through is given once all the same.
fn split(filter: TaskFilter) -> Vec<TaskFilter> {
    if filter.query(None).len() <= LONGEST_QUERY {
        return vec![filter];
    }
    let lengths = [
        filter.data_hashes.len(),
        filter.dataset_hashes.len(),
        filter.user_emails.len(),
        filter.statuses.len(),
    ];
    let longest = lengths.into_iter().max().unwrap_or(0);
    if longest < 2 {
        // A title of kilobytes: there is nothing to split, and Encord is left to refuse it.
        return vec![filter];
    }
    let mut first = filter;
    let mut second = first.clone();
    if first.data_hashes.len() == longest {
        second.data_hashes = first.data_hashes.split_off(longest / 2);
    } else if first.dataset_hashes.len() == longest {
        second.dataset_hashes = first.dataset_hashes.split_off(longest / 2);
    } else if first.user_emails.len() == longest {
        second.user_emails = first.user_emails.split_off(longest / 2);
    } else {
        second.statuses = first.statuses.split_off(longest / 2);
    }
    let mut parts = split(first);
    parts.extend(split(second));
    parts
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
