//! The program; see [`runner_host::app`].

use std::process::ExitCode;

fn main() -> ExitCode {
    runner_host::app::main()
}
