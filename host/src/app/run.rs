//! `runner-host`: a run.

use std::process::ExitCode;
use std::sync::Arc;

use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::{BROKEN, Failed, MISTAKE, cache_dir, media_cache, report, state_dir};
use crate::cli::RunArgs;
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
        Target::Local { folder, project } => settings.state_dir.unwrap_or_else(|| match project {
            None => folder.join("run"),
            Some(project) => folder.join("run").join(project.to_string()),
        }),
    };
    let connected = connect(settings.target).await?;
    let built = builder
        .client(connected.client.clone())
        .project_hash(connected.project)
        .state_dir(state)
        .build()
        .await;
    let ended = match built {
        Ok(runner) => runner.run(shutdown).await,
        Err(error) => Err(error),
    };
    connected.close().await;
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
