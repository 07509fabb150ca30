//! `runner-host inspect`: what a plugin is, without running it on anything.

use std::process::ExitCode;
use std::sync::Arc;

use super::{Failed, MISTAKE, cache_dir, report};
use crate::cli::InspectArgs;
use crate::engine::{Declaration, Engine, Limits};
use crate::plugin::{CompileCache, Interface, Plugin, PluginRef};

pub(super) async fn inspect(args: InspectArgs) -> Result<ExitCode, Failed> {
    let engine = Engine::new(Limits::default(), 1).map_err(|error| {
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
    let refused = examined.contract.refused();

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

    let reference = PluginRef {
        stage: None,
        path: args.plugin,
    };
    let plugin = Plugin::load(&engine, &cache, &reference)
        .await
        .map_err(|error| Failed::mistake(&error, error.help()))?;
    report::answer("stages    in the order in which they are emptied");
    for agent in &plugin.agents {
        report::answer(&format!("  \"{}\"", agent.stage));
        report::answer(&format!("    needs {}", needs(&agent.declaration)));
    }
    Ok(ExitCode::SUCCESS)
}

fn needs(declaration: &Declaration) -> String {
    let mut needs = vec!["the task".to_owned()];
    if declaration.needs_label_row {
        needs.push("the label row".to_owned());
    }
    if declaration.needs_storage_item {
        needs.push("the storage item".to_owned());
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
