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
    let folder = args.folder.display();
    report::answer(&match report.hash {
        Some(_) => format!("next: runner-host --plugin stage.wasm --local {folder}"),
        // A set-up in which clients make the projects.
        None => format!("next: runner-host dev --local {folder}"),
    });
    Ok(ExitCode::SUCCESS)
}
