//! What the host asks of Encord. The methods stand with their subjects: `project`, `label_rows`, `workflow`,
//! `listing`, `storage` and `issues`. Here is what they share.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::Decode;
use super::bundle::{self, MOST_PER_REQUEST};
use super::domain::Domain;
use super::error::Error;
use super::key::Key;
use super::operation::Operation;
use super::transport::Transport;
use super::wire::Page;

/// See [`Client::asked_to_wait`].
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Requests of one call that are under way at once.
const CONCURRENT_REQUESTS: usize = 4;

/// A connection to Encord's API for one account. Clones share it, with its connections and its rate limit.
///
/// Every method repeats what can be repeated (see [`Error::is_transient`] for what is left), holds back when
/// Encord asks it to, and cuts lists into requests of at most 1000 entries, or fewer where that is said. Nothing
/// is sent for an empty list. Dropping a future abandons its request, whose fate is then unknown.
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

    /// What Encord's clock shows now, to the second, as its answers say; none before the first one.
    pub fn server_time(&self) -> Option<Timestamp> {
        self.transport.clock().at(Timestamp::now())
    }

    /// How long it is until the moment at which Encord asked to come back; zero if it did not ask, or that has passed. At
    /// most 10 minutes, whatever it asked for.
    pub fn asked_to_wait(&self) -> Duration {
        self.transport.clock().left().min(LONGEST_WAIT)
    }

    /// HTTP requests sent so far by this client and its clones, repeats included.
    pub fn requests(&self) -> u64 {
        self.transport.requests()
    }

    /// Reads a list to its last page. `query` is encoded already, and may be empty.
    pub(super) async fn all_pages<T: Send + 'static>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
        decode: Decode<Page<T>>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let query = match &token {
                None => query.to_owned(),
                Some(token) => form_urlencoded::Serializer::for_suffix(query.to_owned(), 0)
                    .append_pair("pageToken", token)
                    .finish(),
            };
            let page = self
                .transport
                .get_with(operation, path, &query, decode)
                .await?;
            all.extend(page.results);
            if page.next_page_token.is_none() {
                return Ok(all);
            }
            if page.next_page_token == token {
                return Err(self.endless(operation));
            }
            token = page.next_page_token;
        }
    }

    /// A list whose next page is the same page again.
    pub(super) fn endless(&self, operation: &'static Operation) -> Error {
        Error::protocol(
            self.transport.context(operation),
            200,
            "the page after this one is this one again".to_owned(),
        )
    }

    /// Looks entries up by identifier, each once, and hands the answers out to all who asked.
    pub(super) async fn look_up_each<T, F, Sent>(
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
        let results = bundle::each(unique.len(), MOST_PER_REQUEST, |part| {
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

    pub(super) fn absent(&self, operation: &'static Operation, what: &str, id: Uuid) -> Error {
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
pub(super) async fn in_order<T, Sent>(requests: Vec<Sent>) -> Result<Vec<T>, Error>
where
    Sent: Future<Output = Result<T, Error>>,
{
    stream::iter(requests)
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await
}

/// Each identifier once, in the order of its first appearance.
pub(super) fn unique(ids: &[Uuid]) -> Vec<Uuid> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

pub(super) fn done(part: Range<usize>) -> Vec<Result<(), Error>> {
    part.map(|_| Ok(())).collect()
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value)
        .expect("requests are structures with text keys, which always have a JSON form")
}

/// As Encord's own SDK writes it in a query string.
pub(super) fn boolean(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// For operations whose success is all that they answer.
pub(super) fn nothing(_body: &[u8]) -> Result<(), serde_json::Error> {
    Ok(())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
