use runner_sdk::prelude::*;

#[provide]
fn first() -> Json<u32> {
    Json(1)
}

mod other {
    use runner_sdk::prelude::*;

    #[provide(per_run)]
    fn second() -> Bytes {
        Bytes(Vec::new())
    }
}

fn main() {}
