//! What the host asks of Encord.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::bundle::{self, MOST_PER_REQUEST};
use super::domain::Domain;
use super::error::Error;
use super::key::Key;
use super::operation::{self, Operation};
use super::transport::Transport;
use super::types::{
    LabelRowMetadata, MetadataOptions, OntologyDocument, Project, ReadOptions, StorageItem,
    TaskPage,
};
use super::wire::{Page, WireOntology, WireProject, WireTask};

/// Requests of one call that are under way at once.
const CONCURRENT_REQUESTS: usize = 4;

/// A connection to Encord's API for one account. Clones share it.
///
/// Every method repeats what can be repeated (see [`Error::is_transient`] for what is left) and cuts lists
/// into requests of at most 1000 entries. Nothing is sent for an empty list. Dropping a future abandons
/// its request, whose fate is then unknown.
///
/// Methods on lists come in two forms. The plain one fails as a whole. The one that ends in `_each` returns
/// a result for each entry, in order: if Encord rejects the bundle for one of its entries, it is halved
/// until exactly the offending ones have failed, and the others have passed.
#[derive(Clone)]
pub struct Client {
    pub(super) transport: Arc<Transport>,
}

impl Client {
    /// Prepares a connection. Nothing is sent yet. Errors: [`super::ErrorKind::Other`] if the system has no
    /// certificates to check Encord's with.
    pub fn new(domain: Domain, key: Key) -> Result<Client, Error> {
        Ok(Client {
            transport: Arc::new(Transport::new(domain, key)?),
        })
    }

    /// The API that it talks to.
    pub fn domain(&self) -> &Domain {
        self.transport.domain()
    }

    /// HTTP requests sent so far by this client and its clones, repeats included.
    pub fn requests(&self) -> u64 {
        self.transport.requests()
    }

    /// A project with the stages of its workflow.
    pub async fn project(&self, project: Uuid) -> Result<Project, Error> {
        let path = format!("projects/{project}");
        let wire: WireProject = self
            .transport
            .get(&operation::GET_PROJECT, &path, "")
            .await?;
        Ok(wire.into())
    }

    /// An ontology, by the identifier that its project gives.
    pub async fn ontology(&self, ontology: Uuid) -> Result<OntologyDocument, Error> {
        let path = format!("ontologies/{ontology}");
        let wire: WireOntology = self
            .transport
            .get(&operation::GET_ONTOLOGY, &path, "")
            .await?;
        Ok(wire.into())
    }

    /// Some of the tasks that wait at a stage: the first, or those after [`TaskPage::next_page`].
    ///
    /// Whether a page token still holds its place once tasks have moved on is not documented. Asking for the
    /// first page again, after the tasks of the last one have moved, needs no such promise.
    pub async fn tasks_page(
        &self,
        project: Uuid,
        stage: Uuid,
        page_token: Option<&str>,
    ) -> Result<TaskPage, Error> {
        let path = format!("projects/{project}/workflow/stages/{stage}/tasks");
        let query = page_token.map_or_else(String::new, |token| {
            form_urlencoded::Serializer::new(String::new())
                .append_pair("pageToken", token)
                .finish()
        });
        let page: Page<WireTask> = self
            .transport
            .get(&operation::LIST_TASKS, &path, &query)
            .await?;
        Ok(page.into())
    }

    /// Lists the label rows of these data units, those that do not exist yet included, in Encord's order.
    /// A data unit that is not in the project is left out.
    pub async fn label_row_metadata(
        &self,
        project: Uuid,
        data_hashes: &[Uuid],
        options: &MetadataOptions,
    ) -> Result<Vec<LabelRowMetadata>, Error> {
        let data_hashes = unique(data_hashes);
        let requests = data_hashes
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.metadata_request(project, chunk, options));
        let chunks: Vec<Vec<LabelRowMetadata>> = in_order(requests.collect()).await?;
        Ok(chunks.into_iter().flatten().collect())
    }

    /// Creates the label rows of data units that have none yet on this branch. Returns the data hash and the
    /// document of each, in the order asked for; what Encord answered nothing for is left out.
    pub async fn create_label_rows(
        &self,
        project: Uuid,
        branch_name: &str,
        data_hashes: &[Uuid],
    ) -> Result<Vec<(Uuid, Value)>, Error> {
        let unique = unique(data_hashes);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.create_request(project, branch_name, chunk));
        Ok(pairs(&unique, in_order(requests.collect()).await?))
    }

    /// [`Client::create_label_rows`], with a result for each. An entry without an answer is
    /// [`super::ErrorKind::NotFound`].
    pub async fn create_label_rows_each(
        &self,
        project: Uuid,
        branch_name: &str,
        data_hashes: &[Uuid],
    ) -> Vec<Result<Value, Arc<Error>>> {
        self.look_up_each(
            &operation::CREATE_LABEL_ROWS,
            "data unit",
            data_hashes,
            |chunk| self.create_request(project, branch_name, chunk),
        )
        .await
    }

    /// Reads label rows that exist. Returns the label hash and the document of each, in the order asked for;
    /// what Encord answered nothing for is left out.
    pub async fn read_label_rows(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        options: &ReadOptions,
    ) -> Result<Vec<(Uuid, Value)>, Error> {
        let unique = unique(label_hashes);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.read_request(project, chunk, options));
        Ok(pairs(&unique, in_order(requests.collect()).await?))
    }

    /// [`Client::read_label_rows`], with a result for each. An entry without an answer is
    /// [`super::ErrorKind::NotFound`].
    pub async fn read_label_rows_each(
        &self,
        project: Uuid,
        label_hashes: &[Uuid],
        options: &ReadOptions,
    ) -> Vec<Result<Value, Arc<Error>>> {
        self.look_up_each(
            &operation::READ_LABEL_ROWS,
            "label row",
            label_hashes,
            |chunk| self.read_request(project, chunk, options),
        )
        .await
    }

    /// Overwrites label rows: a label hash and the whole new document of each. Whether a request that is
    /// rejected leaves some of its rows saved is not documented; saving the same rows again is harmless.
    pub async fn save_label_rows<D>(&self, project: Uuid, rows: &[(Uuid, &D)]) -> Result<(), Error>
    where
        D: Serialize + Sync + ?Sized,
    {
        for chunk in rows.chunks(MOST_PER_REQUEST) {
            self.save_request(project, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::save_label_rows`], with a result for each.
    pub async fn save_label_rows_each<D>(
        &self,
        project: Uuid,
        rows: &[(Uuid, &D)],
    ) -> Vec<Result<(), Arc<Error>>>
    where
        D: Serialize + Sync + ?Sized,
    {
        bundle::each(rows.len(), |part| async move {
            self.save_request(project, &rows[part.clone()]).await?;
            Ok(done(part))
        })
        .await
    }

    /// Sets the priorities of tasks, by the data hash of each. Errors:
    /// [`super::ErrorKind::InvalidArguments`], with nothing sent, if one is not from 0 to 1.
    pub async fn set_priorities(
        &self,
        project: Uuid,
        priorities: &[(Uuid, f64)],
    ) -> Result<(), Error> {
        self.check_priorities(priorities)?;
        for chunk in priorities.chunks(MOST_PER_REQUEST) {
            self.priorities_request(project, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::set_priorities`], with a result for each.
    pub async fn set_priorities_each(
        &self,
        project: Uuid,
        priorities: &[(Uuid, f64)],
    ) -> Vec<Result<(), Arc<Error>>> {
        bundle::each(priorities.len(), |part| async move {
            self.priorities_request(project, &priorities[part.clone()])
                .await?;
            Ok(done(part))
        })
        .await
    }

    /// Moves tasks from a stage, each along a pathway. Encord moves all tasks of a request or none.
    pub async fn follow_pathways(
        &self,
        project: Uuid,
        stage: Uuid,
        moves: &[(Uuid, Uuid)],
    ) -> Result<(), Error> {
        for chunk in moves.chunks(MOST_PER_REQUEST) {
            self.follow_request(project, stage, chunk).await?;
        }
        Ok(())
    }

    /// [`Client::follow_pathways`], with a result for each. A task that is no longer at the stage is
    /// [`super::ErrorKind::TaskGone`]; see [`Error::may_have_been_applied`] for whether this host may have moved
    /// it.
    pub async fn follow_pathways_each(
        &self,
        project: Uuid,
        stage: Uuid,
        moves: &[(Uuid, Uuid)],
    ) -> Vec<Result<(), Arc<Error>>> {
        // A bundle may have been carried out although its answer was lost. Its repeat is then rejected, and
        // so is each half of it: the doubt of the bundle is a doubt about every entry.
        let answer_was_lost = &AtomicBool::new(false);
        bundle::each(moves.len(), |part| async move {
            let sent = self
                .follow_request(project, stage, &moves[part.clone()])
                .await;
            let mut error = match sent {
                Ok(()) => return Ok(done(part)),
                Err(error) => error,
            };
            if error.may_have_been_applied() {
                answer_was_lost.store(true, Ordering::Relaxed);
            }
            if answer_was_lost.load(Ordering::Relaxed) {
                error = error.after_lost_answer();
            }
            Err(if part.len() == 1 {
                error.into_task_gone()
            } else {
                error
            })
        })
        .await
    }

    /// Storage items in the order asked for, with URLs to read their files from if `sign_urls`. Errors:
    /// [`super::ErrorKind::NotFound`] if Encord left one out, [`super::ErrorKind::Authorisation`] if it refuses one.
    pub async fn storage_items(
        &self,
        items: &[Uuid],
        sign_urls: bool,
    ) -> Result<Vec<StorageItem>, Error> {
        let unique = unique(items);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.items_request(chunk, sign_urls));
        let found: HashMap<_, _> = in_order(requests.collect())
            .await?
            .into_iter()
            .flatten()
            .collect();
        items
            .iter()
            .map(|item| {
                found.get(item).cloned().ok_or_else(|| {
                    self.absent(&operation::GET_STORAGE_ITEMS, "storage item", *item)
                })
            })
            .collect()
    }

    /// [`Client::storage_items`], with a result for each.
    pub async fn storage_items_each(
        &self,
        items: &[Uuid],
        sign_urls: bool,
    ) -> Vec<Result<StorageItem, Arc<Error>>> {
        self.look_up_each(
            &operation::GET_STORAGE_ITEMS,
            "storage item",
            items,
            |chunk| self.items_request(chunk, sign_urls),
        )
        .await
    }

    /// Looks entries up by identifier, each once, and hands the answers out to all who asked.
    async fn look_up_each<T, F, Sent>(
        &self,
        operation: &'static Operation,
        what: &'static str,
        asked: &[Uuid],
        request: F,
    ) -> Vec<Result<T, Arc<Error>>>
    where
        T: Clone,
        F: Fn(Vec<Uuid>) -> Sent,
        Sent: Future<Output = Result<HashMap<Uuid, T>, Error>>,
    {
        let unique = unique(asked);
        let results = bundle::each(unique.len(), |part| {
            let chunk = unique[part].to_vec();
            let sent = request(chunk.clone());
            async move {
                let mut found = sent.await?;
                Ok(chunk
                    .into_iter()
                    .map(|id| {
                        found
                            .remove(&id)
                            .ok_or_else(|| self.absent(operation, what, id))
                    })
                    .collect())
            }
        })
        .await;
        if unique.len() == asked.len() {
            return results;
        }
        let results: HashMap<_, _> = unique.into_iter().zip(results).collect();
        asked.iter().map(|id| results[id].clone()).collect()
    }

    fn absent(&self, operation: &'static Operation, what: &str, id: Uuid) -> Error {
        Error::absent(
            self.transport.context(operation),
            format!("Encord's answer does not have the {what} {id}"),
        )
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("domain", &self.domain().to_string())
            .finish_non_exhaustive()
    }
}

/// Runs requests a few at a time; the answers are in the order of the requests. Takes a list rather than an
/// iterator, so that no closure that borrows is part of a future that has to be `Send`.
async fn in_order<T, Sent>(requests: Vec<Sent>) -> Result<Vec<T>, Error>
where
    Sent: Future<Output = Result<T, Error>>,
{
    stream::iter(requests)
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await
}

/// Each identifier once, in the order of its first appearance.
fn unique(ids: &[Uuid]) -> Vec<Uuid> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

/// The answers in the order of what was asked for, without those that are missing.
fn pairs<T>(asked: &[Uuid], found: Vec<HashMap<Uuid, T>>) -> Vec<(Uuid, T)> {
    let mut found: HashMap<_, _> = found.into_iter().flatten().collect();
    asked
        .iter()
        .filter_map(|id| found.remove(id).map(|value| (*id, value)))
        .collect()
}

fn done(part: Range<usize>) -> Vec<Result<(), Error>> {
    part.map(|_| Ok(())).collect()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
