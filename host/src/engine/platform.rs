//! `runner:stage/platform`

use serde_json::Value;
use uuid::Uuid;

use super::bindings::runner::stage::platform::{Host, Method, Scope};
use super::bindings::runner::stage::types::Error;
use super::inputs::PlatformCall;
use super::limits::Grants;
use super::state::{Role, State};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

/// What of the REST API only looks up although it is a `POST`.
const LOOKS_UP: [&str; 1] = ["storage/items/get-bulk"];

impl State {
    async fn call_platform(&mut self, call: PlatformCall, reads: bool) -> Result<Answered<String>> {
        let (who, read, all) = match &self.role {
            Role::Dependency(dependency) => {
                let name = &dependency.name;
                let grant = |grant: &str| format!("`--dependency {name}=FILE,grant={grant}`");
                (
                    format!("the dependency \"{name}\""),
                    grant("client-read"),
                    grant("client"),
                )
            }
            _ => (
                "this plugin".to_owned(),
                "`--grant client-read`".to_owned(),
                "`--grant client`".to_owned(),
            ),
        };
        let granted = match self.program.grants() {
            Grants::None => {
                return Ok(Err(Error::Forbidden(format!(
                    "the user has not granted {who} to call Encord\n\
                     help: start the host with {read} (what reads) or {all} (everything)"
                ))));
            }
            Grants::ClientRead => reads,
            Grants::Client => true,
        };
        if !granted {
            return Ok(Err(Error::Forbidden(format!(
                "the user has granted {who} only to read from Encord\n\
                 help: start the host with {all} if it may change things"
            ))));
        }
        let engine = self.engine()?;
        Ok(match engine.platform() {
            Some(platform) => platform.call(call).await.map_err(Into::into),
            None => Err(Error::Unavailable(
                "there is no connection to Encord here".to_owned(),
            )),
        })
    }
}

impl Host for State {
    async fn request(
        &mut self,
        method: Method,
        path: String,
        query: Vec<(String, String)>,
        body: Option<String>,
    ) -> Result<Answered<String>> {
        let method = match method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let reads = method == "GET" || (method == "POST" && LOOKS_UP.contains(&path.as_str()));
        let call = PlatformCall::Request {
            method,
            path,
            query,
            body,
        };
        self.call_platform(call, reads).await
    }

    async fn query(
        &mut self,
        of: Scope,
        query_type: String,
        query_method: String,
        uid: Option<String>,
        payload: Option<String>,
    ) -> Result<Answered<String>> {
        let (resource_type, resource) = match &of {
            Scope::Project(uuid) => ("project", uuid),
            Scope::Dataset(uuid) => ("dataset", uuid),
        };
        let Ok(resource) = Uuid::parse_str(resource) else {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected the UUID of a {resource_type}, found `{resource}`"
            ))));
        };
        if !["GET", "POST", "PUT", "DELETE"].contains(&query_method.as_str()) {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected the query method GET, POST, PUT or DELETE, found `{query_method}`"
            ))));
        }
        let json = |what: &str, text: Option<String>| match text {
            None => Ok(Value::Null),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Error::InvalidArgument(format!("expected the {what} as JSON text: {error}"))
            }),
        };
        let (uid, payload) = match (json("uid", uid), json("payload", payload)) {
            (Ok(uid), Ok(payload)) => (uid, payload),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        let reads = query_method == "GET";
        let call = PlatformCall::Query {
            resource_type,
            resource,
            query_type,
            query_method,
            uid,
            payload,
        };
        self.call_platform(call, reads).await
    }
}
