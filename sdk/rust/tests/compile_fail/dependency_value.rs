use runner_sdk::prelude::*;

struct Model;

#[dependency(per_run)]
fn model() -> Model {
    Model
}

#[dependency]
fn fails() -> Result<u32, String> {
    Err("no".to_owned())
}

named!(Table = "table": u32);

fn main() {}
