//! The file of a plugin: which of the accepted formats it has, its digest, and the component in it.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use super::PluginError;

/// SHA-256 of a plugin's file: the plugin's version.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PluginDigest([u8; 32]);

impl PluginDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for PluginDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PluginDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PluginDigest({self})")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Component,
    CoreModule,
    Text,
}

/// A plugin's file as it was read.
pub(super) struct Source {
    bytes: Vec<u8>,
    format: Format,
    pub(super) digest: PluginDigest,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, PluginError> {
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PluginError::missing(path),
            _ => PluginError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        })?;
        let format = format(&bytes).ok_or_else(|| PluginError::not_wasm(path, &bytes))?;
        Ok(Self {
            digest: PluginDigest::of(&bytes),
            bytes,
            format,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn format(&self) -> &'static str {
        match self.format {
            Format::Component => "component",
            Format::CoreModule => "core module",
            Format::Text => "text",
        }
    }

    /// The component: as it is, or made of the core module.
    pub(super) fn component(&self, path: &Path) -> Result<Cow<'_, [u8]>, PluginError> {
        match self.format {
            Format::Component => Ok(Cow::Borrowed(&self.bytes)),
            Format::CoreModule => componentize(path, &self.bytes).map(Cow::Owned),
            Format::Text => {
                let binary = wat::parse_bytes(&self.bytes)
                    .map_err(|error| PluginError::invalid(path, &error.into()))?;
                match format(&binary) {
                    Some(Format::CoreModule) => componentize(path, &binary).map(Cow::Owned),
                    _ => Ok(Cow::Owned(binary.into_owned())),
                }
            }
        }
    }
}

/// The preamble tells a component (1) from a module (0) in its seventh byte. Text starts with a
/// parenthesis, after blanks and comments.
fn format(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(b"\0asm") {
        return Some(if bytes.get(6) == Some(&1) {
            Format::Component
        } else {
            Format::CoreModule
        });
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix(";;") {
        rest = comment
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    let module = rest.strip_prefix('(')?.trim_start();
    (module.starts_with("component") || module.starts_with("module")).then_some(Format::Text)
}

/// What `wasm-tools component new --adapt` does, with the adapter of wasmtime's own version.
fn componentize(path: &Path, module: &[u8]) -> Result<Vec<u8>, PluginError> {
    let has_metadata = wasmparser::Parser::new(0).parse_all(module).any(|payload| {
        matches!(payload, Ok(wasmparser::Payload::CustomSection(section))
            if section.name().starts_with("component-type"))
    });
    // Damage is reported as damage, even where it hides the metadata.
    wasmparser::Validator::new()
        .validate_all(module)
        .map_err(|error| PluginError::invalid(path, &error.into()))?;
    if !has_metadata {
        return Err(PluginError::NoMetadata {
            path: path.to_owned(),
        });
    }
    let encode = || {
        ComponentEncoder::default()
            .validate(false)
            .module(module)?
            .adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )?
            .encode()
    };
    encode().map_err(|error| PluginError::Unlinkable {
        path: path.to_owned(),
        reason: format!("{error:#}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(format(b"\0asm\x0d\0\x01\0"), Some(Format::Component));
        assert_eq!(format(b"\0asm\x01\0\0\0"), Some(Format::CoreModule));
        assert_eq!(format(b";; a comment\n ( component )"), Some(Format::Text));
        assert_eq!(format(b"(module)"), Some(Format::Text));
        assert_eq!(format(b"#!/bin/sh\n"), None);
        assert_eq!(format(b"(lisp)"), None);
        assert_eq!(format(b""), None);
    }
}
