//! The program; see [`runner_host::app`].

use std::process::ExitCode;

/// Label rows are trees of many small parts; the system's allocator takes about twice the time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    runner_host::app::main()
}
