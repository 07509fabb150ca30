//! How a runner is described and built. All that can be wrong is found here, before any task is touched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use runner_media::{Budget, FetchOptions, MediaError, Store};
use serde_json::Value;
use uuid::Uuid;

use super::calls::Calls;
use super::commit::Committer;
use super::files::DOWNLOADS_AT_A_TIME;
use super::graph;
use super::held::{Configuration, Holding};
use super::outage::Outage;
use super::plan::{Served, plan};
use super::written::Written;
use super::{Event, OnEvent, RunError, RunOptions, Runner, Shared};
use crate::encord::{Client, Project};
use crate::engine::{Dependency, Engine, EngineOptions, Grants, Limits};
use crate::journal::Journal;
use crate::labels::Ontology;
use crate::off_thread::off_thread;
use crate::plugin::{CompileCache, DependencyComponent, DependencyRef, Plugin, PluginRef};

type BeforeRun = Box<dyn FnOnce(&Project, &[Arc<Plugin>]) -> Result<(), String> + Send>;

/// Describes a runner; see [`Runner::builder`].
#[derive(Default)]
pub struct RunnerBuilder {
    client: Option<Client>,
    project: Option<Uuid>,
    plugins: Vec<(PluginRef, Grants)>,
    dependencies: Vec<DependencyRef>,
    settings: BTreeMap<String, String>,
    options: RunOptions,
    limits: Limits,
    state_dir: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    media_cache: Option<PathBuf>,
    before_run: Option<BeforeRun>,
    on_event: Option<OnEvent>,
}

impl std::fmt::Debug for RunnerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunnerBuilder")
            .field("project", &self.project)
            .field("plugins", &self.plugins)
            .field("options", &self.options)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl RunnerBuilder {
    /// The client through which everything goes. Required.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The project to work on. Required.
    #[must_use]
    pub fn project_hash(mut self, project: Uuid) -> Self {
        self.project = Some(project);
        self
    }

    /// A plugin. At least one is required. Stages are emptied in the order of the plugins and, within one, of
    /// what it declares.
    #[must_use]
    pub fn plugin(self, plugin: PluginRef) -> Self {
        self.plugin_granted(plugin, Grants::None)
    }

    /// A plugin that may do more than decide.
    #[must_use]
    pub fn plugin_granted(mut self, plugin: PluginRef, grants: Grants) -> Self {
        self.plugins.push((plugin, grants));
        self
    }

    /// A component that gives plugins a value.
    #[must_use]
    pub fn dependency(mut self, dependency: DependencyRef) -> Self {
        self.dependencies.push(dependency);
        self
    }

    /// A setting that plugins and dependencies read. Of one name the last counts.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// How the run goes. Default: see [`RunOptions`].
    #[must_use]
    pub fn options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// The limits of each attempt. Default: see [`Limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The directory of the journal. Required. One runner at a time can use it.
    #[must_use]
    pub fn state_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(folder.into());
        self
    }

    /// The directory of compiled plugins. Default: none, each plugin is compiled.
    #[must_use]
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// The directory of downloaded files, which several runners can share. Default: `media` in the directory of the
    /// journal.
    #[must_use]
    pub fn media_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.media_cache = Some(folder.into());
        self
    }

    /// Called when everything is ready and no task was touched. It sees the project and the plugins; what it
    /// returns as an error is why [`RunnerBuilder::build`] fails.
    #[must_use]
    pub fn before_run(
        mut self,
        check: impl FnOnce(&Project, &[Arc<Plugin>]) -> Result<(), String> + Send + 'static,
    ) -> Self {
        self.before_run = Some(Box::new(check));
        self
    }

    /// Called for each event, from whichever thread it happens on. It must return soon.
    #[must_use]
    pub fn on_event(mut self, see: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(see));
        self
    }

    /// Loads the plugins, connects to the project and matches the two.
    ///
    /// # Errors
    /// Whatever is wrong, before any task is touched; see [`RunError`].
    pub async fn build(self) -> Result<Runner, RunError> {
        let client = self.client.ok_or(RunError::Incomplete("a client"))?;
        let hash = self.project.ok_or(RunError::Incomplete("a project hash"))?;
        let state_dir = self
            .state_dir
            .ok_or(RunError::Incomplete("a state directory"))?;
        if self.plugins.is_empty() {
            return Err(RunError::NoPlugin);
        }
        let memories = self.dependencies.iter().filter_map(|one| one.memory);
        let settings = self.settings.clone();
        let engine = Engine::with_options(EngineOptions {
            limits: self.limits,
            concurrency: self.options.concurrency,
            most_memory: memories.max().unwrap_or(0),
            dependencies: self.dependencies.len(),
            settings: self.settings,
        })
        .map_err(|error| RunError::Engine(format!("{error:#}")))?;
        let engine = Arc::new(engine);
        let cache = Arc::new(match &self.cache_dir {
            Some(folder) => CompileCache::open(folder),
            None => CompileCache::disabled(),
        });
        // Side by side, since one waits for processors and the other for the network.
        let (plugins, connected) = tokio::join!(
            load(&engine, &cache, &self.plugins, &self.dependencies),
            connect(&client, hash)
        );
        let (plugins, dependencies, digests) = plugins?;
        let stages = plugins.iter().flat_map(|plugin| &plugin.agents);
        let stages = stages.map(|agent| &agent.declaration);
        let by_name = graph::check(&dependencies, stages)?;
        let (project, ontology, editor) = connected?;
        let mut served = plan(&project, &ontology, &plugins)?;
        for one in &mut served {
            one.declaration = graph::with_dependencies(one.declaration.clone(), &by_name);
        }
        check_twins(&client, &served).await?;
        let grants = self
            .plugins
            .iter()
            .map(|(plugin, grants)| (&*plugin.path, *grants));
        let rest = Configuration {
            settings: &settings,
            dependencies: &self.dependencies,
            digests: &digests,
            grants: &grants.collect::<Vec<_>>(),
            limits: &self.limits,
            ontology: &editor,
        };
        let holding = |served: &Served| (served.stage.uuid, Holding::new(&project, served, &rest));
        let holding = served.iter().map(holding).collect();
        engine.provide(dependencies);
        engine.connect(Arc::new(Calls(client.clone())));
        if let Some(check) = self.before_run {
            check(&project, &plugins).map_err(RunError::Refused)?;
        }
        let journal = Journal::open(&state_dir)?;
        let media = self.media_cache.unwrap_or_else(|| state_dir.join("media"));
        let store = open_store(media, &self.options, &client, &served).await?;
        let shared = Shared {
            committer: Committer {
                client: client.clone(),
                journal,
                written: Written::default(),
            },
            holding,
            outage: Outage::default(),
            told_of_unsent: AtomicBool::new(false),
            client,
            project: Arc::new(project),
            ontology: Arc::new(ontology),
            twins: Arc::default(),
            engine,
            store,
            budget: Budget::new(self.options.prefetch_bytes),
            on_event: self.on_event,
        };
        Ok(Runner {
            shared: Arc::new(shared),
            served,
            plugins,
            options: self.options,
        })
    }
}

/// The folder of downloaded files. One that cannot be used is a mistake if a stage declares files; else the run can do
/// without, until an agent asks for one.
async fn open_store(
    folder: PathBuf,
    options: &RunOptions,
    client: &Client,
    served: &[Served],
) -> Result<Result<Store, MediaError>, RunError> {
    let fetch = FetchOptions {
        local: client.domain().is_loopback(),
        // Those ahead of attempts never hold up one that asks.
        at_once: DOWNLOADS_AT_A_TIME + options.concurrency.max(1),
        ..FetchOptions::default()
    };
    let capacity = options.media_cache_bytes;
    let path = folder.clone();
    let error = match off_thread(move || Store::open(&path, capacity, fetch)).await {
        Ok(store) => return Ok(Ok(store)),
        Err(error) => error,
    };
    let needs_files = |served: &Served| {
        let declaration = &served.declaration;
        declaration.needs_asset || declaration.needs_single_frame || declaration.needs_video
    };
    if served.iter().any(needs_files) {
        return Err(RunError::Media { folder, error });
    }
    tracing::debug!(%error, "no files can be downloaded");
    Ok(Err(error))
}

async fn load(
    engine: &Arc<Engine>,
    cache: &Arc<CompileCache>,
    plugins: &[(PluginRef, Grants)],
    dependencies: &[DependencyRef],
) -> Result<(Vec<Arc<Plugin>>, Vec<Arc<Dependency>>, Vec<String>), RunError> {
    let mut loaded = Vec::with_capacity(plugins.len());
    for (reference, grants) in plugins {
        let plugin = Plugin::load_granted(engine, cache, reference, *grants).await?;
        loaded.push(Arc::new(plugin));
    }
    let mut components = Vec::with_capacity(dependencies.len());
    let mut digests = Vec::with_capacity(dependencies.len());
    for reference in dependencies {
        let component = DependencyComponent::load(engine, cache, reference).await?;
        components.push(component.dependency);
        digests.push(component.digest.to_string());
    }
    Ok((loaded, components, digests))
}

/// Projects of twins that the account cannot read are a mistake that each task would only repeat.
async fn check_twins(client: &Client, served: &[Served]) -> Result<(), RunError> {
    for one in served {
        for twin in &one.declaration.twins {
            match client.project(twin.project).await {
                Ok(_) => {}
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(error) => {
                    return Err(RunError::Twin {
                        stage: one.stage.title.clone(),
                        project: twin.project,
                        reason: error.to_string(),
                    });
                }
            }
        }
    }
    Ok(())
}

async fn connect(client: &Client, hash: Uuid) -> Result<(Project, Ontology, Value), RunError> {
    let project = client.project(hash).await?;
    let ontology = client.ontology(project.ontology_uuid).await?;
    let parsed = Ontology::parse(
        &ontology.uuid.to_string(),
        &ontology.title,
        &ontology.description,
        &ontology.editor,
    )
    .map_err(|error| RunError::Ontology(error.to_string()))?;
    Ok((project, parsed, ontology.editor))
}
