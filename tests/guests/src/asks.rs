//! Asks for the dependency "metadata", which has to be JSON, and logs it. It is given once, however many ask.

use runner_sdk::prelude::*;

named!(Metadata = "metadata": Json<JsonValue>);

#[dependency]
fn title(metadata: Depends<Metadata>) -> String {
    metadata["title"].as_str().unwrap_or("none").to_owned()
}

#[stage("Agent")]
fn agent(
    title: Depends<title>,
    metadata: Depends<Metadata>,
    context: &Context,
) -> Result<&'static str> {
    let again: JsonValue = context.dependency("metadata")?.json()?;
    info!(
        "metadata {}, title {}, the same {}",
        *metadata,
        *title,
        *metadata == again
    );
    Ok("Next")
}
