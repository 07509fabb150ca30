//! Compiled plugins on disk, by digest and engine configuration.
//!
//! Compiled code is machine code that is executed as it is found. So the folder must belong to this user
//! alone, each file is checked against the digest that was written with it, and a file that fails any
//! check is as good as absent. Files appear whole (by renaming), since overwriting a mapped file in place
//! would kill the processes that run it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::PluginDigest;

/// The folder of compiled plugins, or none.
#[derive(Debug)]
pub struct CompileCache {
    folder: Option<PathBuf>,
}

impl CompileCache {
    /// Uses `folder`, which is made if it is missing. One that cannot be made, or that others may write to, is
    /// not used, and the log says why: a missing cache costs time and nothing else.
    pub fn open(folder: &Path) -> Self {
        match private_folder(folder) {
            Ok(()) => Self {
                folder: Some(folder.to_owned()),
            },
            Err(error) => {
                tracing::warn!(
                    "compiled plugins are not cached in {}: {error}",
                    folder.display()
                );
                Self { folder: None }
            }
        }
    }

    /// Keeps nothing.
    pub fn disabled() -> Self {
        Self { folder: None }
    }

    /// The compiled plugin, if it was kept by an engine like this one.
    pub(super) fn load(&self, engine: &Engine, digest: &PluginDigest) -> Option<Component> {
        let file = self.file(engine, digest)?;
        let expected = std::fs::read_to_string(sum(&file)).ok()?;
        let code = std::fs::read(&file).ok()?;
        if format!("{:x}", Sha256::digest(&code)) != expected.trim() {
            tracing::warn!(
                "{} is damaged; the plugin is compiled again",
                file.display()
            );
            return None;
        }
        // SAFETY: the bytes are what `store` wrote: they lie in a folder that only this user can write to,
        // and their digest is the one that was written with them. They are loaded from memory, so that
        // they cannot change between the check and the use. That they fit this engine and this version
        // of wasmtime, wasmtime checks itself.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(engine, &code) };
        component
            .inspect_err(|error| tracing::debug!("{} is of no use: {error:#}", file.display()))
            .ok()
    }

    /// Keeps a compiled plugin. A failure costs time later and is only logged.
    pub(super) fn store(&self, engine: &Engine, digest: &PluginDigest, component: &Component) {
        let Some(file) = self.file(engine, digest) else {
            return;
        };
        let keep = || -> wasmtime::Result<()> {
            let code = component.serialize()?;
            write_whole(&file, &code)?;
            write_whole(
                &sum(&file),
                format!("{:x}\n", Sha256::digest(&code)).as_bytes(),
            )?;
            Ok(())
        };
        if let Err(error) = keep() {
            tracing::warn!(
                "the compiled plugin was not kept in {}: {error:#}",
                file.display()
            );
        }
    }

    fn file(&self, engine: &Engine, digest: &PluginDigest) -> Option<PathBuf> {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // A core module becomes a component by parts of this host.
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Some(
            self.folder
                .as_ref()?
                .join(format!("{digest}-{:016x}.cwasm", hasher.finish())),
        )
    }
}

fn sum(file: &Path) -> PathBuf {
    file.with_extension("sha256")
}

fn private_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = std::fs::metadata(folder)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is not a folder"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to it (chmod 700 it)"));
    }
    Ok(())
}

fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(file)?;
    Ok(())
}
