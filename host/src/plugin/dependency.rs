//! Dependency components: what the user names on the command line, and what becomes of it.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::{CompileCache, PluginDigest, PluginError, Use, link};
use crate::engine::{Dependency, Engine, Grants, Limits};

/// What the user names on the command line: a name, a file, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyRef {
    /// The name by which it is asked for.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Bytes of memory that an instance of it may use; none for what attempts may use.
    pub memory: Option<usize>,
    /// Time for one call of it; none for that of an attempt.
    pub time: Option<Duration>,
    /// What it may do beyond giving its value.
    pub grants: Grants,
}

const SHAPE: &str = "NAME=FILE[,memory=MIB][,timeout=SECONDS][,grant=client-read|client]";

impl FromStr for DependencyRef {
    type Err = String;

    /// `NAME=FILE`, and options behind commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected {SHAPE}, found `{text}`");
        let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
        let mut parts = rest.split(',');
        let path = parts.next().unwrap_or_default();
        if name.trim().is_empty() || path.is_empty() || name.chars().any(char::is_control) {
            return Err(wrong());
        }
        let mut reference = Self {
            name: name.trim().to_owned(),
            path: path.into(),
            memory: None,
            time: None,
            grants: Grants::None,
        };
        for option in parts {
            match option.split_once('=') {
                Some(("memory", mib)) => {
                    let mib = mib.parse().ok().filter(|mib| (1..=65_536).contains(mib));
                    let mib: usize = mib.ok_or_else(|| {
                        format!("expected the memory in MiB, from 1 to 65536, found `{option}`")
                    })?;
                    reference.memory = Some(mib << 20);
                }
                Some(("timeout", seconds)) => {
                    let seconds: Option<f64> = seconds.parse().ok();
                    let time = seconds
                        .filter(|seconds| *seconds > 0.0)
                        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    reference.time = Some(time.ok_or_else(|| {
                        format!("expected the time limit in seconds, over 0, found `{option}`")
                    })?);
                }
                Some(("grant", grant)) => reference.grants = grant.parse()?,
                _ => {
                    return Err(format!(
                        "expected `memory=`, `timeout=` or `grant=` behind the file, found `{option}`; the shape is {SHAPE}"
                    ));
                }
            }
        }
        Ok(reference)
    }
}

impl FromStr for Grants {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "client-read" => Ok(Self::ClientRead),
            "client" => Ok(Self::Client),
            _ => Err(format!(
                "expected `client-read` or `client`, found `{text}`"
            )),
        }
    }
}

/// A dependency that can run.
#[derive(Debug)]
pub struct DependencyComponent {
    /// The file that it came from.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: PluginDigest,
    /// As attempts ask for it.
    pub dependency: Arc<Dependency>,
}

impl DependencyComponent {
    /// Loads a dependency as [`super::Plugin::load`] loads a plugin.
    ///
    /// # Errors
    /// Each names the file, what was expected and what was found.
    pub async fn load(
        engine: &Arc<Engine>,
        cache: &Arc<CompileCache>,
        reference: &DependencyRef,
    ) -> Result<Self, PluginError> {
        let path = reference.path.clone();
        let general = engine.limits();
        let limits = Limits {
            memory: reference.memory.unwrap_or(general.memory),
            time: reference.time.unwrap_or(general.time),
            ..*general
        };
        let linked = link(
            engine,
            cache,
            path.clone(),
            Use::Dependency,
            limits,
            reference.grants,
        )
        .await?;
        let described = engine.describe_dependency(&linked.program).await;
        let declaration = described.map_err(|failure| PluginError::Describe {
            path: path.clone(),
            to_be: Use::Dependency,
            failure: failure.to_string(),
        })?;
        if let Some(reason) = declaration.refused {
            return Err(PluginError::Refused {
                path,
                stage: declaration.stage,
                reason,
            });
        }
        Ok(Self {
            path,
            digest: linked.source.digest,
            dependency: Arc::new(Dependency {
                name: reference.name.clone(),
                declaration,
                program: linked.program,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_name_a_file_and_options() {
        let parse = |text: &str| text.parse::<DependencyRef>();
        let plain = DependencyRef {
            name: "metadata".into(),
            path: "dir/a.wasm".into(),
            memory: None,
            time: None,
            grants: Grants::None,
        };
        assert_eq!(parse("metadata=dir/a.wasm"), Ok(plain.clone()));
        let limited = DependencyRef {
            memory: Some(512 << 20),
            time: Some(Duration::from_millis(2500)),
            grants: Grants::ClientRead,
            ..plain
        };
        assert_eq!(
            parse("metadata=dir/a.wasm,timeout=2.5,memory=512,grant=client-read"),
            Ok(limited)
        );
        for wrong in [
            "a.wasm",
            "=a.wasm",
            "name=",
            "n=f,memory=0",
            "n=f,memory=1e3",
            "n=f,timeout=0",
            "n=f,timeout=-1",
            "n=f,grant=all",
            "n=f,colour=red",
            "n=f,",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
