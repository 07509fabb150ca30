//! `runner-host`: a run.

use std::process::ExitCode;
use std::sync::Arc;

use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::{BROKEN, Failed, MISTAKE, cache_dir, local_state_dir, media_cache, report, state_dir};
use crate::cli::RunArgs;
use crate::runner::{Aborted, RunError, Runner};
use crate::settings::{Settings, Target};
use crate::telemetry::Progress;

pub(super) fn settings(args: RunArgs) -> Result<Settings, Failed> {
    Settings::new(args).map_err(|mistakes| Failed {
        mistakes,
        code: MISTAKE,
    })
}

pub(super) async fn run(
    settings: Settings,
    bars: MultiProgress,
    shutdown: CancellationToken,
) -> Result<ExitCode, Failed> {
    let progress = Arc::new(Progress::new(bars));
    let mut builder = Runner::builder()
        .options(settings.options)
        .limits(settings.limits)
        .on_event(move |event| progress.see(event));
    let components = settings.components;
    for (plugin, grants) in components.plugins {
        builder = builder.plugin_granted(plugin, grants);
    }
    for dependency in components.dependencies {
        builder = builder.dependency(dependency);
    }
    for (name, value) in components.settings {
        builder = builder.setting(name, value);
    }
    if let Some(folder) = cache_dir(settings.cache_dir) {
        builder = builder.cache_dir(folder);
    }
    if let Some(folder) = media_cache(settings.media_cache) {
        builder = builder.media_cache(folder);
    }
    let state = match &settings.target {
        Target::Encord { project, .. } => state_dir(settings.state_dir, &project.to_string()),
        Target::Local { folder, project } => settings
            .state_dir
            .unwrap_or_else(|| local_state_dir(folder, *project)),
    };
    let connected = connect(settings.target).await?;
    let built = builder
        .client(connected.client.clone())
        .project_hash(connected.project)
        .state_dir(state)
        .build();
    let built = shutdown.run_until_cancelled(built).await;
    let ended = match built {
        Some(Ok(runner)) => runner.run(shutdown).await.map_err(Ended::Later),
        Some(Err(error)) => Err(Ended::AtStart(error)),
        None => Err(Ended::Unbegun),
    };
    connected.close().await;
    match ended {
        Ok(summary) => {
            report::summary(&summary);
            Ok(ExitCode::from(u8::from(!summary.is_clean())))
        }
        Err(Ended::Later(aborted)) => {
            report::summary(&aborted.summary);
            // Something may have been done by now, so it is no mistake any more.
            Err(Failed::broken(&aborted.error, aborted.error.help()))
        }
        Err(Ended::AtStart(error)) => Err(failed(error)),
        Err(Ended::Unbegun) => {
            report::note("ended before any task was taken");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A run that came to no good end.
enum Ended {
    AtStart(RunError),
    Unbegun,
    Later(Box<Aborted>),
}

fn failed(error: RunError) -> Failed {
    let code = if error.is_mistake() { MISTAKE } else { BROKEN };
    Failed {
        code,
        ..Failed::mistake(&error, error.help())
    }
}
