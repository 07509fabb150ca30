//! The components of a run, and what they are given: plugins, dependencies, grants, settings of plugins.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Mistake, mistake};
use crate::cli::RunArgs;
use crate::engine::Grants;
use crate::plugin::{DependencyRef, PluginRef};

/// What runs, with what it may do.
#[derive(Debug)]
pub(crate) struct Components {
    /// With what each is granted.
    pub(crate) plugins: Vec<(PluginRef, Grants)>,
    pub(crate) dependencies: Vec<DependencyRef>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl Components {
    /// What is wrong is added to `mistakes`.
    pub(super) fn read(args: &RunArgs, mistakes: &mut Vec<Mistake>) -> Self {
        let plugins = plugins(args, mistakes);
        Self {
            plugins: granted(plugins, &args.grant, mistakes),
            dependencies: dependencies(args, mistakes),
            settings: settings(&args.set, mistakes),
        }
    }
}

fn plugins(args: &RunArgs, mistakes: &mut Vec<Mistake>) -> Vec<PluginRef> {
    let mut plugins = Vec::new();
    for plugin in &args.plugin {
        match plugin.parse::<PluginRef>() {
            Ok(plugin) => plugins.push(plugin),
            Err(error) => mistakes.push(mistake(
                format!("--plugin: {error}"),
                "for example --plugin stage.wasm",
            )),
        }
    }
    if args.plugin.is_empty() {
        mistakes.push(mistake(
            "expected a plugin, found none",
            "name one: runner-host --plugin stage.wasm --local ./my-project",
        ));
    }
    plugins
}

/// `[FILE=]GRANT`: without a file, for all plugins.
fn granted(
    plugins: Vec<PluginRef>,
    grants: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Vec<(PluginRef, Grants)> {
    let mut granted: Vec<(PluginRef, Grants)> = plugins
        .into_iter()
        .map(|plugin| (plugin, Grants::None))
        .collect();
    for text in grants {
        let (file, grant) = match text.rsplit_once('=') {
            Some((file, grant)) => (Some(file), grant),
            None => (None, text.as_str()),
        };
        let grant = match grant.parse::<Grants>() {
            Ok(grant) => grant,
            Err(error) => {
                mistakes.push(mistake(
                    format!("--grant: {error}"),
                    "`client-read` lets a plugin read from Encord's API, `client` lets it change things too",
                ));
                continue;
            }
        };
        let is_meant = |plugin: &PluginRef| match file {
            None => true,
            Some(file) => {
                plugin.path == Path::new(file)
                    || plugin.path.file_name().is_some_and(|name| name == file)
            }
        };
        let mut found = false;
        for (_, has) in granted.iter_mut().filter(|(plugin, _)| is_meant(plugin)) {
            *has = grant.max(*has);
            found = true;
        }
        if let (false, Some(file)) = (found, file) {
            mistakes.push(mistake(
                format!("--grant: expected the file of one of the plugins, found `{file}`"),
                "name it as after --plugin; dependencies are granted with `--dependency NAME=FILE,grant=…`",
            ));
        }
    }
    granted
}

fn dependencies(args: &RunArgs, mistakes: &mut Vec<Mistake>) -> Vec<DependencyRef> {
    let mut dependencies = Vec::new();
    for dependency in &args.dependency {
        match dependency.parse::<DependencyRef>() {
            Ok(dependency) => dependencies.push(dependency),
            Err(error) => mistakes.push(mistake(
                format!("--dependency: {error}"),
                "for example --dependency metadata=metadata.wasm",
            )),
        }
    }
    dependencies
}

/// `NAME=VALUE`; of one name the last counts.
pub(crate) fn settings(given: &[String], mistakes: &mut Vec<Mistake>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for text in given {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                settings.insert(name.trim().to_owned(), value.to_owned());
            }
            _ => mistakes.push(mistake(
                format!("--set: expected NAME=VALUE, found `{text}`"),
                "for example --set threshold=0.3",
            )),
        }
    }
    settings
}
