//! Asks for each dependency that the setting `ask` names, undeclared, and logs what it is.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(settings: Settings, context: &Context) -> Result<&'static str> {
    for name in settings.get("ask").unwrap_or_default().split(',') {
        match context.dependency(name) {
            Ok(value) => {
                let bytes = value.bytes().map(|bytes| bytes.len());
                let part = value.read(250, 8);
                info!("{name} is {:?} of {} bytes", value.kind(), value.size());
                info!("{name} as JSON {}", told(value.json::<JsonValue>()));
                info!("{name} as bytes {}, part {:?}", told(bytes), part.ok());
                info!(
                    "{name} called {}",
                    told(value.call("count", b"").map(|output| output.len()))
                );
            }
            Err(error) => info!("{name}: {error}"),
        }
    }
    Ok("Next")
}

fn told<T: std::fmt::Display>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| error.to_string(), |answer| answer.to_string())
}
