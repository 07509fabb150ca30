//! The admin calls, on `/admin/faults`: GET shows the plan and its counts, PUT replaces it, DELETE ends it.
//!
//! ```sh
//! curl -X PUT localhost:8700/admin/faults -d '{"rules": [{"operation": "actions", "status": 503, "times": 3}]}'
//! ```
//!
//! Each answers with `{"plan": {"seed": …, "rules": […]}, "counts": [{"matched": …, "fired": …}, …]}`, with one count
//! for each rule. They exist only if the server was started with them, need no key, and answer nobody but this machine:
//! the connection must come from a loopback address, and the request must name one in `Host`, so that neither a proxy on
//! this machine nor a web page in its browser can pass for it.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::http::uri::Authority;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::connection::Peer;
use super::{FaultPlan, FaultPlanError, Faults};
use crate::local::server::auth::{collect, header_text};
use crate::local::server::reply::{ApiError, Reply, ok};

pub(super) fn routes<S>(faults: Faults) -> Router<S> {
    Router::new()
        .route("/admin/faults", get(show).put(replace).delete(clear))
        .layer(middleware::from_fn(require_loopback))
        .with_state(faults)
}

async fn show(State(faults): State<Faults>) -> Reply {
    ok(&as_json(&faults))
}

async fn replace(State(faults): State<Faults>, body: Body) -> Response {
    let body = match collect(body).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    match FaultPlan::from_json(&body) {
        Ok(plan) => {
            tracing::info!(rules = plan.len(), "a new fault plan");
            faults.set(plan);
            Json(as_json(&faults)).into_response()
        }
        Err(error) => refusal(&error),
    }
}

async fn clear(State(faults): State<Faults>) -> Reply {
    faults.clear();
    ok(&as_json(&faults))
}

fn as_json(faults: &Faults) -> Value {
    // Both from one look, or they might be of different plans.
    let state = faults.state();
    json!({ "plan": state.plan.to_json(), "counts": state.counts })
}

fn refusal(error: &FaultPlanError) -> Response {
    ApiError::invalid(error.to_string()).into_response()
}

async fn require_loopback(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let host = header_text(request.headers(), header::HOST.as_str());
    if is_loopback(peer.addr.ip()) && host.is_some_and(names_loopback) {
        next.run(request).await
    } else {
        let message = "expected a request from this machine to its loopback address";
        ApiError::forbidden(message).into_response()
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn names_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in ["localhost", "LocalHost:8700", "127.0.0.1:1", "[::1]:80"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["", "example.com", "10.0.0.1:8700", "127.0.0.1.example.com"] {
            assert!(!names_loopback(host), "{host}");
        }
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            let address = address.parse().expect("it is an address");
            assert_eq!(is_loopback(address), expected, "{address}");
        }
    }
}
