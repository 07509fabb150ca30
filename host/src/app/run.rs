//! `runner-host`: a run.

use std::process::ExitCode;
use std::sync::Arc;

use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
        Target::Local { folder, project } => {
            let opened = local::Workspace::open(&folder)
                .map_err(|error| Failed::mistake(&error, error.help()))?;
            let chosen = choose(&opened, project)?;
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
            let state = settings.state_dir.unwrap_or_else(|| match project {
                None => folder.join("run"),
                Some(project) => folder.join("run").join(project.to_string()),
            });
            (client, chosen, state, Some(server))
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

/// The project that was named, or the main one.
fn choose(workspace: &local::Workspace, wanted: Option<Uuid>) -> Result<Uuid, Failed> {
    let projects = workspace.projects();
    let found = match wanted {
        None => projects.first(),
        Some(hash) => projects.iter().find(|project| project.hash == hash),
    };
    if let Some(project) = found {
        return Ok(project.hash);
    }
    let folder = workspace.folder().display();
    let known: Vec<_> = projects
        .iter()
        .map(|project| format!("{} (\"{}\")", project.hash, project.title))
        .collect();
    Err(match wanted {
        None => Failed::mistake(
            format!("expected a project in `{folder}`, found none"),
            Some(
                "give `project.toml` a [project], or make one with a client of `runner-host dev`"
                    .to_owned(),
            ),
        ),
        Some(hash) => Failed::mistake(
            format!("expected a project of `{folder}`, found {hash}, which it does not have"),
            Some(format!("its projects are {}", known.join(", "))),
        ),
    })
}

fn failed(error: RunError) -> Failed {
    let code = if error.is_mistake() { MISTAKE } else { BROKEN };
    Failed {
        code,
        ..Failed::mistake(&error, error.help())
    }
}
