//! Gives JSON around that of the dependency "inner". Named "inner" itself, it is a cycle.

use runner_sdk::prelude::*;

named!(Inner = "inner": Json<JsonValue>);

#[provide]
fn outer(inner: Depends<Inner>) -> Json<JsonValue> {
    info!("gives JSON around that of inner");
    Json(json!({ "inner": *inner }))
}
