//! `runner-host init`: a local project from a folder of media.

use std::process::ExitCode;

use super::{Failed, report};
use crate::cli::InitArgs;
use crate::local::{self, InitOptions};

pub(super) async fn init(args: InitArgs) -> Result<ExitCode, Failed> {
    let folder = args.folder.clone();
    let options = InitOptions {
        media: args.media,
        reset: args.reset,
        title: args.title,
    };
    let made = tokio::task::spawn_blocking(move || local::init(&folder, options)).await;
    let report = match made {
        Ok(report) => report.map_err(|error| Failed::mistake(&error, error.help()))?,
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    };
    report::answer(&report.to_string());
    report::answer(&format!(
        "next: runner-host --plugin stage.wasm --local {}",
        args.folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}
