//! What a component imports and exports, and whether that is what this host offers.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::PluginError;

/// The version of the contract in `wit/`.
pub(super) const VERSION: &str = "0.1.2";

/// What of the contract's interfaces a plugin may import.
const OFFERED: [&str; 12] = [
    "types",
    "logging",
    "settings",
    "ontology",
    "workflow",
    "storage",
    "media",
    "labels",
    "values",
    "context",
    "declaration",
    "platform",
];

/// As what a component is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It serves stages.
    Plugin,
    /// It gives agents a value.
    Dependency,
}

impl Use {
    /// What it has to export: one of each list.
    fn exports(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Plugin => &[&["plugin"], &["agent", "batch-agent"]],
            Self::Dependency => &[&["dependency"]],
        }
    }
}

/// What of WASI is linked. Nothing is granted behind it: no file, address, variable or argument.
const WASI: [&str; 6] = ["io", "clocks", "random", "cli", "filesystem", "sockets"];

/// The interfaces of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// In the order of the component.
    pub imports: Vec<Interface>,
    /// In the order of the component.
    pub exports: Vec<Interface>,
}

/// One imported or exported interface, or function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// For example `runner:stage/labels@0.1.0`.
    pub name: String,
    /// The functions of it that the component names.
    pub functions: Vec<String>,
}

impl Contract {
    pub(super) fn of(component: &Component, engine: &Engine) -> Self {
        let kind = component.component_type();
        let interface = |name: &str, item: ComponentItem| Interface {
            name: name.to_owned(),
            functions: match item {
                ComponentItem::ComponentInstance(instance) => instance
                    .exports(engine)
                    .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                    .map(|(name, _)| name.to_owned())
                    .collect(),
                _ => Vec::new(),
            },
        };
        Self {
            imports: kind
                .imports(engine)
                .map(|(name, item)| interface(name, item.ty))
                .collect(),
            exports: kind
                .exports(engine)
                .map(|(name, item)| interface(name, item.ty))
                .collect(),
        }
    }

    /// Whether it exports an interface of the contract.
    pub fn has(&self, interface: &str) -> bool {
        self.exports
            .iter()
            .any(|export| is_offered(&export.name, "runner:stage", &[interface]))
    }

    /// What this host would refuse, in sentences; empty for a component of this contract.
    pub fn refused(&self, to_be: Use) -> Vec<String> {
        let mut refused: Vec<String> = Vec::new();
        let name = |interface: &&str| format!("`runner:stage/{interface}@{VERSION}`");
        let lacking: Vec<String> = to_be
            .exports()
            .iter()
            .filter(|one_of| !one_of.iter().any(|interface| self.has(interface)))
            .map(|one_of| one_of.iter().map(name).collect::<Vec<_>>().join(" or "))
            .collect();
        if !lacking.is_empty() {
            let found: Vec<_> = self
                .exports
                .iter()
                .map(|export| format!("`{}`", export.name))
                .collect();
            let found = if found.is_empty() {
                "no export".to_owned()
            } else {
                found.join(", ")
            };
            refused.push(format!(
                "expected it to export {}, found {found}",
                lacking.join(" and ")
            ));
        }
        let unknown: Vec<_> = self
            .imports
            .iter()
            .filter(|import| !known(&import.name))
            .map(|import| format!("`{}`", import.name))
            .collect();
        if !unknown.is_empty() {
            refused.push(format!(
                "it imports {}, which this host does not offer",
                unknown.join(", ")
            ));
        }
        refused
    }

    pub(super) fn check(&self, path: &Path, to_be: Use) -> Result<(), PluginError> {
        let problems = self.refused(to_be);
        if problems.is_empty() {
            return Ok(());
        }
        let path = path.to_owned();
        Err(match to_be {
            Use::Plugin if self.has("dependency") => PluginError::IsDependency { path },
            Use::Plugin => PluginError::OtherWorld { path, problems },
            Use::Dependency => PluginError::NoDependency { path, problems },
        })
    }
}

fn known(import: &str) -> bool {
    is_offered(import, "runner:stage", &OFFERED)
        || WASI.iter().any(|package| {
            import.starts_with(&format!("wasi:{package}/")) && import.contains("@0.2.")
        })
}

/// Whether `name` is `package/interface@0.1.z` for one of the interfaces.
fn is_offered(name: &str, package: &str, interfaces: &[&str]) -> bool {
    let Some((path, version)) = name.split_once('@') else {
        return false;
    };
    let Some(interface) = path
        .strip_prefix(package)
        .and_then(|rest| rest.strip_prefix('/'))
    else {
        return false;
    };
    interfaces.contains(&interface) && version.starts_with("0.1.")
}
