//! Logs what the user has set, in `describe` too.

use runner_sdk::prelude::*;

struct Described;

impl FromContext for Described {
    fn declare(_: &mut Declaration) {
        println!("described with colour {:?}", setting("colour"));
    }

    fn resolve(_: &Context) -> Result<Self> {
        Ok(Self)
    }
}

#[stage("Agent")]
fn agent(_described: Described, settings: Settings) -> Result<&'static str> {
    info!(
        "colour {:?}, nothing {:?}",
        settings.get("colour"),
        settings.get("nothing")
    );
    info!("most {:?}", settings.parse::<f64>("most")?);
    Ok("Next")
}
