//! `runner-host inspect`: what a plugin is, without running it on anything.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Failed, MISTAKE, cache_dir, report};
use crate::cli::InspectArgs;
use crate::engine::{Declaration, Engine, EngineOptions, Grants, Limits};
use crate::plugin::{
    CompileCache, DependencyComponent, DependencyRef, Interface, Plugin, PluginError, PluginRef,
    Use,
};
use crate::settings::settings;

pub(super) async fn inspect(args: InspectArgs) -> Result<ExitCode, Failed> {
    let mut mistakes = Vec::new();
    let settings = settings(&args.set, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(Failed {
            mistakes,
            code: MISTAKE,
        });
    }
    let options = EngineOptions {
        settings,
        ..EngineOptions::new(Limits::default(), 1)
    };
    let engine = Engine::with_options(options).map_err(|error| {
        Failed::broken(
            format!("the WebAssembly engine cannot be set up: {error:#}"),
            None,
        )
    })?;
    let cache = match cache_dir(args.cache_dir) {
        Some(folder) => CompileCache::open(&folder),
        None => CompileCache::disabled(),
    };
    let (engine, cache) = (Arc::new(engine), Arc::new(cache));
    let examined = Plugin::examine(&engine, &cache, &args.plugin)
        .await
        .map_err(|error| Failed::mistake(&error, error.help()))?;
    // Toolkits export both; what is only a dependency is judged as one.
    let to_be = if examined.contract.has("dependency") && !examined.contract.has("plugin") {
        Use::Dependency
    } else {
        Use::Plugin
    };
    let refused = examined.contract.refused(to_be);

    report::answer(&format!("file      {}", args.plugin.display()));
    report::answer(&format!("format    {}", examined.format));
    report::answer(&format!("size      {} bytes", examined.size));
    report::answer(&format!("digest    sha256:{}", examined.digest));
    report::answer("imports");
    print(&examined.contract.imports);
    report::answer("exports");
    print(&examined.contract.exports);
    if refused.is_empty() {
        report::answer("refused   nothing");
    } else {
        report::answer("refused");
        for reason in &refused {
            report::answer(&format!("  {reason}"));
        }
        return Ok(ExitCode::from(MISTAKE));
    }

    if to_be == Use::Dependency {
        return dependency(&engine, &cache, args.plugin).await;
    }
    let reference = PluginRef {
        stage: None,
        path: args.plugin.clone(),
    };
    let plugin = match Plugin::load(&engine, &cache, &reference).await {
        Ok(plugin) => plugin,
        // A toolkit exports `plugin` for a dependency too.
        Err(PluginError::NoStages { .. }) if examined.contract.has("dependency") => {
            return dependency(&engine, &cache, args.plugin).await;
        }
        Err(error) => return Err(Failed::mistake(&error, error.help())),
    };
    report::answer("stages    in the order in which they are emptied");
    for agent in &plugin.agents {
        report::answer(&format!("  \"{}\"", agent.stage));
        report::answer(&format!("    needs {}", needs(&agent.declaration, true)));
        if let Some(most) = agent.declaration.batches {
            report::answer(&format!("    takes up to {most} tasks at a time"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what a dependency gives and needs.
async fn dependency(
    engine: &Arc<Engine>,
    cache: &Arc<CompileCache>,
    path: PathBuf,
) -> Result<ExitCode, Failed> {
    let reference = DependencyRef {
        name: "inspected".to_owned(),
        path,
        memory: None,
        time: None,
        grants: Grants::None,
    };
    let component = DependencyComponent::load(engine, cache, &reference)
        .await
        .map_err(|error| Failed::mistake(&error, error.help()))?;
    let declaration = &component.dependency.declaration;
    let lives = if declaration.lives_per_run {
        "the run"
    } else {
        "an attempt"
    };
    report::answer(&format!(
        "gives     {}, for {lives}",
        declaration.gives.name()
    ));
    report::answer(&format!("needs     {}", needs(declaration, false)));
    Ok(ExitCode::SUCCESS)
}

fn needs(declaration: &Declaration, of_task: bool) -> String {
    let mut needs = Vec::new();
    if of_task {
        needs.push("the task".to_owned());
    }
    if declaration.needs_label_row {
        needs.push("the label row".to_owned());
    }
    if declaration.needs_storage_item {
        needs.push("the storage item".to_owned());
    }
    let more = [
        (declaration.needs_asset, "the asset"),
        (declaration.needs_single_frame, "the first frame"),
        (declaration.needs_video, "the video"),
    ];
    needs.extend(
        more.iter()
            .filter(|(needed, _)| *needed)
            .map(|(_, what)| (*what).to_owned()),
    );
    needs.extend(
        declaration
            .twins
            .iter()
            .map(|twin| format!("the twin in {}", twin.project)),
    );
    needs.extend(
        declaration
            .dependencies
            .iter()
            .map(|(name, kind)| format!("the dependency \"{name}\" ({})", kind.name())),
    );
    if needs.is_empty() {
        needs.push("nothing".to_owned());
    }
    let mut text = needs.join(", ");
    if declaration.include_client_metadata {
        text += "; client metadata included";
    }
    if let Some(branch) = &declaration.branch_name {
        text += &format!("; branch \"{branch}\"");
    }
    if let Some(features) = &declaration.include_objects {
        text += &format!("; only objects of {}", features.join(", "));
    }
    if let Some(features) = &declaration.include_classifications {
        text += &format!("; only classifications of {}", features.join(", "));
    }
    text
}

fn print(interfaces: &[Interface]) {
    for interface in interfaces {
        report::answer(&format!("  {}", interface.name));
        if !interface.functions.is_empty() {
            report::answer(&format!("    {}", interface.functions.join(", ")));
        }
    }
}
