//! A batch agent without the SDK, which gives as many outcomes as the title of the first data unit says: one less for
//! "missing…", one more for "extra…".

wit_bindgen::generate!({ path: "../../wit", world: "batch-stage" });

use exports::runner::stage::batch_agent::{Guest as BatchAgent, Outcome};
use exports::runner::stage::plugin::Guest as Plugin;
use runner::stage::context::Context;
use runner::stage::declaration::Declaration;
use runner::stage::types::Error;

struct Raw;

impl Plugin for Raw {
    fn describe() -> Vec<Declaration> {
        let declaration = Declaration::new("Agent");
        declaration.takes_batches(3);
        vec![declaration]
    }
}

impl BatchAgent for Raw {
    fn run_batch(
        _stage: String,
        contexts: Vec<Context>,
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let outcome = || Outcome {
            pathway: Some("Next".to_owned()),
            priority: None,
        };
        let mut outcomes: Vec<_> = contexts.iter().map(|_| Ok(outcome())).collect();
        match contexts[0].task().data_title() {
            title if title.starts_with("missing") => drop(outcomes.pop()),
            title if title.starts_with("extra") => outcomes.push(Ok(outcome())),
            _ => (),
        }
        Ok(outcomes)
    }
}

export!(Raw);
