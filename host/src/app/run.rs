//! `runner-host`: a run.

use std::process::ExitCode;
use std::sync::Arc;

use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;

use super::{BROKEN, Failed, MISTAKE, cache_dir, report, state_dir};
use crate::cli::RunArgs;
use crate::encord::{Client, Domain, Key};
use crate::local;
use crate::runner::{RunError, Runner};
use crate::settings::{Settings, Target};
use crate::telemetry::Progress;

pub(super) async fn run(
    args: RunArgs,
    bars: MultiProgress,
    shutdown: CancellationToken,
) -> Result<ExitCode, Failed> {
    let settings = Settings::new(args).map_err(|mistakes| Failed {
        mistakes,
        code: MISTAKE,
    })?;
    let progress = Arc::new(Progress::new(bars));
    let mut builder = Runner::builder()
        .options(settings.options)
        .limits(settings.limits)
        .on_event(move |event| progress.see(event));
    for plugin in settings.plugins {
        builder = builder.plugin(plugin);
    }
    if let Some(folder) = cache_dir(settings.cache_dir) {
        builder = builder.cache_dir(folder);
    }
    let (client, project, state, server) = match settings.target {
        Target::Encord {
            domain,
            key,
            project,
        } => {
            let client =
                Client::new(domain, *key).map_err(|error| Failed::mistake(&error, error.help()))?;
            let state = state_dir(settings.state_dir, &project.to_string());
            (client, project, state, None)
        }
        Target::Local { folder } => {
            let opened = local::Project::open(&folder)
                .map_err(|error| Failed::mistake(&error, error.help()))?;
            let project = opened.hash();
            let key = Key::generate();
            let options = local::ServerOptions {
                public_keys: vec![key.public_hex().to_owned()],
                ..local::ServerOptions::default()
            };
            let server = local::Server::start(vec![opened], options)
                .await
                .map_err(|error| Failed::broken(&error, error.help()))?;
            let domain =
                Domain::try_from(server.url()).map_err(|error| Failed::broken(error, None))?;
            let client =
                Client::new(domain, key).map_err(|error| Failed::broken(&error, error.help()))?;
            let state = settings.state_dir.unwrap_or_else(|| folder.join("run"));
            (client, project, state, Some(server))
        }
    };
    let built = builder
        .client(client)
        .project_hash(project)
        .state_dir(state)
        .build()
        .await;
    let ended = match built {
        Ok(runner) => runner.run(shutdown).await,
        Err(error) => Err(error),
    };
    if let Some(server) = server {
        server.stop().await;
    }
    let summary = ended.map_err(failed)?;
    report::summary(&summary);
    Ok(ExitCode::from(u8::from(
        summary.failed() + summary.stopped() > 0,
    )))
}

fn failed(error: RunError) -> Failed {
    let code = if error.is_mistake() { MISTAKE } else { BROKEN };
    Failed {
        code,
        ..Failed::mistake(&error, error.help())
    }
}
