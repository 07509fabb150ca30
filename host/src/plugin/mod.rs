//! From a file to a plugin: verified, compiled once per digest, linked, and asked what it serves.

mod cache;
mod contract;
mod dependency;
mod error;
mod source;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use cache::CompileCache;
pub use contract::{Contract, Interface, Use};
pub use dependency::{DependencyComponent, DependencyRef};
pub use error::PluginError;
pub use source::PluginDigest;

use wasmtime::component::Component;

use crate::engine::{Declaration, Engine, Grants, Limits, Program};
use crate::off_thread::off_thread;
use source::Source;

/// The component of a plugin's file, as it is compiled: for measuring beside the host, as `tests/bench` does.
///
/// # Errors
/// If the file is no plugin.
#[doc(hidden)]
pub fn component_of(path: &Path) -> Result<Vec<u8>, PluginError> {
    Source::read(path)?
        .component(path)
        .map(std::borrow::Cow::into_owned)
}

/// What the user names on the command line: a file, and perhaps the stage that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRef {
    /// The stage that it is bound to: see [`PluginRef::from_str`].
    pub stage: Option<String>,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for PluginRef {
    type Err = String;

    /// `FILE` or `STAGE=FILE`. A string that is the name of an existing file is that file, even with `=`
    /// in it.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((stage, path)) if !Path::new(text).exists() => {
                if stage.trim().is_empty() || path.is_empty() {
                    return Err(format!("expected FILE or STAGE=FILE, found `{text}`"));
                }
                Ok(Self {
                    stage: Some(stage.to_owned()),
                    path: path.into(),
                })
            }
            _ if text.is_empty() => Err("expected FILE or STAGE=FILE, found nothing".to_owned()),
            _ => Ok(Self {
                stage: None,
                path: text.into(),
            }),
        }
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Some(stage) => write!(f, "{stage}={}", self.path.display()),
            None => write!(f, "{}", self.path.display()),
        }
    }
}

/// A plugin that can run.
pub struct Plugin {
    /// The file that it came from.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: PluginDigest,
    /// Bytes of the file.
    pub size: u64,
    /// `component`, `core module` or `text`.
    pub format: &'static str,
    /// What it imports and exports.
    pub contract: Contract,
    /// Its agents, in order.
    pub agents: Vec<Agent>,
    /// How long compiling took; none if it came from the cache.
    pub compiled_in: Option<Duration>,
    /// The linked component.
    pub program: Program,
}

/// Files of more bytes take seconds to compile: those of Python and JavaScript.
const LONG_TO_COMPILE: u64 = 1 << 20;

/// What can be said of a file without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// SHA-256 of the file.
    pub digest: PluginDigest,
    /// Bytes of the file.
    pub size: u64,
    /// `component`, `core module` or `text`.
    pub format: &'static str,
    /// What it imports and exports.
    pub contract: Contract,
}

/// The plugin's code for one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Title or UUID of the project's stage that it serves.
    pub stage: String,
    /// What the plugin declared. Its `stage` is what the plugin is called with.
    pub declaration: Declaration,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("path", &self.path)
            .field("digest", &self.digest)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// Loads a plugin that is granted nothing: see [`Plugin::load_granted`].
    ///
    /// # Errors
    /// Each names the file, what was expected and what was found; see [`PluginError`].
    pub async fn load(
        engine: &Arc<Engine>,
        cache: &Arc<CompileCache>,
        reference: &PluginRef,
    ) -> Result<Self, PluginError> {
        Self::load_granted(engine, cache, reference, Grants::None).await
    }

    /// Loads a plugin: reads and checks the file, takes the compiled code from `cache` or compiles it,
    /// links it and calls `describe`.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub async fn load_granted(
        engine: &Arc<Engine>,
        cache: &Arc<CompileCache>,
        reference: &PluginRef,
        grants: Grants,
    ) -> Result<Self, PluginError> {
        let path = reference.path.clone();
        let linked = link(
            engine,
            cache,
            path.clone(),
            Use::Plugin,
            *engine.limits(),
            grants,
        )
        .await?;
        let described = engine.describe(&linked.program).await;
        let declarations = described.map_err(|failure| PluginError::Describe {
            path: path.clone(),
            to_be: Use::Plugin,
            failure: failure.to_string(),
        })?;
        for declaration in &declarations {
            if let Some(reason) = &declaration.refused {
                return Err(PluginError::Refused {
                    path,
                    stage: declaration.stage.clone(),
                    reason: reason.clone(),
                });
            }
            let (has, lacks) = match declaration.batches {
                Some(_) => (linked.program.has_batch_agent(), "batch-agent"),
                None => (linked.program.has_agent(), "agent"),
            };
            if !has {
                return Err(PluginError::LacksAgent {
                    path,
                    stage: declaration.stage.clone(),
                    lacks,
                });
            }
        }
        Ok(Self {
            agents: bind(&path, declarations, reference.stage.as_deref())?,
            digest: linked.source.digest,
            size: linked.source.size(),
            format: linked.source.format(),
            contract: linked.contract,
            compiled_in: linked.compiled_in,
            program: linked.program,
            path,
        })
    }

    /// Looks at a file without running anything of it. It need not fit the contract:
    /// [`Contract::refused`] says what does not.
    ///
    /// # Errors
    /// If the file is missing, or no WebAssembly.
    pub async fn examine(
        engine: &Arc<Engine>,
        cache: &Arc<CompileCache>,
        path: &Path,
    ) -> Result<Examined, PluginError> {
        let (engine, cache, path) = (Arc::clone(engine), Arc::clone(cache), path.to_owned());
        off_thread(move || {
            let compiled = Compiled::new(&engine, &cache, &path)?;
            Ok(Examined {
                digest: compiled.source.digest,
                size: compiled.source.size(),
                format: compiled.source.format(),
                contract: compiled.contract,
            })
        })
        .await
    }
}

/// A component that was linked, before it is asked anything.
struct Linked {
    source: Source,
    contract: Contract,
    compiled_in: Option<Duration>,
    program: Program,
}

async fn link(
    engine: &Arc<Engine>,
    cache: &Arc<CompileCache>,
    path: PathBuf,
    to_be: Use,
    limits: Limits,
    grants: Grants,
) -> Result<Linked, PluginError> {
    let (engine, cache) = (Arc::clone(engine), Arc::clone(cache));
    off_thread(move || {
        let Compiled {
            source,
            component,
            contract,
            compiled_in,
        } = Compiled::new(&engine, &cache, &path)?;
        contract.check(&path, to_be)?;
        let program = engine.link(&component, limits, grants);
        let program = program.map_err(|error| PluginError::Unlinkable {
            path,
            reason: format!("{error:#}"),
        })?;
        Ok(Linked {
            source,
            contract,
            compiled_in,
            program,
        })
    })
    .await
}

/// A file that was read and compiled, or taken from the cache.
struct Compiled {
    source: Source,
    component: Component,
    contract: Contract,
    compiled_in: Option<Duration>,
}

impl Compiled {
    fn new(engine: &Engine, cache: &CompileCache, path: &Path) -> Result<Self, PluginError> {
        let source = Source::read(path)?;
        let (component, compiled_in) = match cache.load(engine.wasmtime(), &source.digest) {
            Some(component) => (component, None),
            None => {
                let started = Instant::now();
                let bytes = source.component(path)?;
                if source.size() > LONG_TO_COMPILE {
                    // Under the plugin's name, since it is what people wait for at the first start.
                    tracing::info!(target: "plugin", "compiling {} (once)", path.display());
                }
                let component = Component::new(engine.wasmtime(), &bytes)
                    .map_err(|error| PluginError::not_compiled(path, &error, engine.limits()))?;
                cache.store(engine.wasmtime(), &source.digest, &component);
                (component, Some(started.elapsed()))
            }
        };
        let contract = Contract::of(&component, engine.wasmtime());
        Ok(Self {
            source,
            component,
            contract,
            compiled_in,
        })
    }
}

/// Which stages the agents serve. A plugin bound to a stage serves that one only: with the agent that it
/// declares for it or, if it declares just one, with that one.
fn bind(
    path: &Path,
    declarations: Vec<Declaration>,
    stage: Option<&str>,
) -> Result<Vec<Agent>, PluginError> {
    if declarations.is_empty() {
        return Err(PluginError::NoStages {
            path: path.to_owned(),
        });
    }
    for (at, declaration) in declarations.iter().enumerate() {
        if declaration.stage.trim().is_empty() {
            return Err(PluginError::EmptyStage {
                path: path.to_owned(),
            });
        }
        if declarations[..at]
            .iter()
            .any(|earlier| earlier.stage == declaration.stage)
        {
            return Err(PluginError::DuplicateStage {
                path: path.to_owned(),
                stage: declaration.stage.clone(),
            });
        }
    }
    let Some(stage) = stage else {
        let agent = |declaration: Declaration| Agent {
            stage: declaration.stage.clone(),
            declaration,
        };
        return Ok(declarations.into_iter().map(agent).collect());
    };
    let only = declarations.len() == 1;
    let declared: Vec<String> = declarations.iter().map(|one| one.stage.clone()).collect();
    match declarations
        .into_iter()
        .find(|one| only || one.stage == stage)
    {
        Some(declaration) => Ok(vec![Agent {
            stage: stage.to_owned(),
            declaration,
        }]),
        None => Err(PluginError::UnboundStage {
            path: path.to_owned(),
            stage: stage.to_owned(),
            declared,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaration(stage: &str) -> Declaration {
        Declaration {
            stage: stage.to_owned(),
            ..Declaration::default()
        }
    }

    #[test]
    fn a_reference_is_a_file_or_a_stage_and_a_file() {
        let parse = |text: &str| text.parse::<PluginRef>();
        assert_eq!(
            parse("a.wasm"),
            Ok(PluginRef {
                stage: None,
                path: "a.wasm".into()
            })
        );
        assert_eq!(
            parse("Pre label=dir/a.wasm"),
            Ok(PluginRef {
                stage: Some("Pre label".into()),
                path: "dir/a.wasm".into()
            })
        );
        assert!(parse("=a.wasm").is_err());
        assert!(parse("prelabel=").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn binding_selects_or_renames() {
        let path = Path::new("a.wasm");
        let stages = |agents: Vec<Agent>| {
            agents
                .into_iter()
                .map(|agent| (agent.stage, agent.declaration.stage))
                .collect::<Vec<_>>()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let two = || vec![declaration("one"), declaration("two")];
        assert_eq!(
            stages(bind(path, two(), None).unwrap()),
            [pair("one", "one"), pair("two", "two")]
        );
        assert_eq!(
            stages(bind(path, two(), Some("two")).unwrap()),
            [pair("two", "two")]
        );
        assert!(matches!(
            bind(path, two(), Some("three")),
            Err(PluginError::UnboundStage { .. })
        ));
        let one = || vec![declaration("one")];
        assert_eq!(
            stages(bind(path, one(), Some("other")).unwrap()),
            [pair("other", "one")]
        );
        let twice = vec![declaration("one"), declaration("one")];
        assert!(matches!(
            bind(path, twice, None),
            Err(PluginError::DuplicateStage { .. })
        ));
        assert!(matches!(
            bind(path, Vec::new(), None),
            Err(PluginError::NoStages { .. })
        ));
    }
}
