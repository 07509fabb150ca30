use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::runner::stage::platform as wit;
use crate::{Context, Error, FromContext, FromRun, Result, RunContext, Uuid, json};

pub use wit::Method;

/// Calls of Encord's API, which the host signs: for what this crate has no function for.
///
/// They need the user's grant: `--grant client-read` for what reads, `--grant client` for all. A call has its effect at once,
/// and keeps it if the attempt fails.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Look around")]
/// fn look(client: Client, item: StorageItem) -> Result<&'static str> {
///     let folder = item.parent_folder_uuid().unwrap_or_default();
///     let found: JsonValue = client.get(&format!("storage/folders/{folder}"), &[])?;
///     Ok(if found["name"] == "Holdout" { "Skip" } else { "Annotate" })
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Client {}

impl Client {
    /// `GET` of the REST API. `path` is what comes after `/v2/public/`. The answer is of any type that serde knows:
    /// [`JsonValue`](crate::JsonValue) is all of them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the user's grant, or if Encord says so; others by what it answers;
    /// [`Error::Other`] if the answer is of another type.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        json::read(&self.request(Method::Get, path, query, None)?)
    }

    /// `POST` of the REST API.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.send(Method::Post, path, body)
    }

    /// `PATCH` of the REST API.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.send(Method::Patch, path, body)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let body = json::write(body)?;
        json::read(&self.request(method, path, &[], Some(&body))?)
    }

    /// Any call of the REST API. `body` and the answer are JSON text.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<String, Error> {
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        wit::request(method, path, &query, body)
    }

    /// A call of the older API about a project: `query_type` is for example `labelrow`, `query_method` is `GET`, `POST`,
    /// `PUT` or `DELETE`; `uid` and `payload` are what goes with it, `&()` if nothing does.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn query_project<T: DeserializeOwned>(
        &self,
        project_hash: Uuid,
        query_type: &str,
        query_method: &str,
        uid: &(impl Serialize + ?Sized),
        payload: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let scope = wit::Scope::Project(project_hash.to_string());
        query(&scope, query_type, query_method, uid, payload)
    }

    /// The same about a dataset.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn query_dataset<T: DeserializeOwned>(
        &self,
        dataset_hash: Uuid,
        query_type: &str,
        query_method: &str,
        uid: &(impl Serialize + ?Sized),
        payload: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let scope = wit::Scope::Dataset(dataset_hash.to_string());
        query(&scope, query_type, query_method, uid, payload)
    }
}

fn query<T: DeserializeOwned>(
    scope: &wit::Scope,
    query_type: &str,
    query_method: &str,
    uid: &(impl Serialize + ?Sized),
    payload: &(impl Serialize + ?Sized),
) -> Result<T, Error> {
    let (uid, payload) = (json::write(uid)?, json::write(payload)?);
    let answer = wit::query(scope, query_type, query_method, Some(&uid), Some(&payload))?;
    json::read(&answer)
}

impl FromContext for Client {
    fn resolve(_: &Context) -> Result<Self> {
        Ok(Self {})
    }
}

impl FromRun for Client {
    fn resolve_for_run(_: &RunContext) -> Result<Self> {
        Ok(Self {})
    }
}
