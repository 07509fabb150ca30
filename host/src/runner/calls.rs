//! Calls of Encord's API that plugins make, once the user has granted it.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::source::unresolved_call;
use crate::encord::Client;
use crate::engine::{Platform, PlatformCall, Unresolved};

/// The run's client, for plugins.
pub(super) struct Calls(pub(super) Client);

impl Platform for Calls {
    fn call(&self, call: PlatformCall) -> BoxFuture<'_, Result<String, Unresolved>> {
        async move {
            let answer = match call {
                PlatformCall::Request {
                    method,
                    path,
                    query,
                    body,
                } => {
                    let body = body.as_deref();
                    self.0.call_rest(method, &path, &query, body).await
                }
                PlatformCall::Query {
                    resource_type,
                    resource,
                    query_type,
                    query_method,
                    uid,
                    payload,
                } => {
                    let (kind, method) = (&query_type, &query_method);
                    self.0
                        .call_query(resource_type, resource, kind, method, &uid, &payload)
                        .await
                }
            };
            answer.map_err(|error| unresolved_call(&error))
        }
        .boxed()
    }
}
