//! What agents and dependencies ask of each other: checked before any task is touched.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{Declaration, Dependency, ValueKind};

/// Why agents and dependencies do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two of one name.
    #[error("the dependency \"{0}\" was given twice")]
    Twice(String),
    /// A name that the user has not given.
    #[error("{asks} needs the dependency \"{name}\", which was not given")]
    Unknown {
        /// Who asks, for a sentence.
        asks: String,
        /// What it asks for.
        name: String,
        /// What was given.
        given: Vec<String>,
    },
    /// A value of another kind.
    #[error("{asks} expects {} from the dependency \"{name}\", which gives {}", expected.name(), found.name())]
    Kind {
        /// Who asks, for a sentence.
        asks: String,
        /// What it asks for.
        name: String,
        /// What it expects.
        expected: ValueKind,
        /// What is given.
        found: ValueKind,
    },
    /// Dependencies that need each other.
    #[error("dependencies need each other: \"{}\"", .0.join("\" needs \""))]
    Cycle(Vec<String>),
    /// A value for the run that would need a task.
    #[error(
        "the dependency \"{name}\" lives for the run, and needs {what}, which belongs to a task"
    )]
    NeedsTask {
        /// The dependency.
        name: String,
        /// What it needs, for a sentence.
        what: String,
    },
}

impl GraphError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Twice(_) => "give each a name of its own".to_owned(),
            Self::Unknown { name, given, .. } if given.is_empty() => {
                format!("give it: --dependency {name}=FILE")
            }
            Self::Unknown { name, given, .. } => format!(
                "give it: --dependency {name}=FILE; there are \"{}\"",
                given.join("\", \"")
            ),
            Self::Kind { .. } => {
                "give the component that this name stands for, or build one of the two anew"
                    .to_owned()
            }
            Self::Cycle(_) => "take one of these needs away".to_owned(),
            Self::NeedsTask { .. } => "let it live for an attempt, or do without".to_owned(),
        }
    }
}

/// The dependencies by name, if all that is asked for fits.
pub(super) fn check<'a>(
    dependencies: &[Arc<Dependency>],
    stages: impl IntoIterator<Item = &'a Declaration>,
) -> Result<HashMap<String, Arc<Dependency>>, GraphError> {
    let mut by_name: HashMap<String, Arc<Dependency>> = HashMap::new();
    for dependency in dependencies {
        let twice = by_name.insert(dependency.name.clone(), Arc::clone(dependency));
        if twice.is_some() {
            return Err(GraphError::Twice(dependency.name.clone()));
        }
    }
    let needs: HashMap<&str, &Declaration> = by_name
        .iter()
        .map(|(name, dependency)| (name.as_str(), &dependency.declaration))
        .collect();
    check_needs(&needs, stages)?;
    Ok(by_name)
}

fn check_needs<'a>(
    dependencies: &HashMap<&str, &Declaration>,
    stages: impl IntoIterator<Item = &'a Declaration>,
) -> Result<(), GraphError> {
    for stage in stages {
        check_asked(
            &format!("the stage \"{}\"", stage.stage),
            stage,
            dependencies,
        )?;
    }
    let mut names: Vec<&str> = dependencies.keys().copied().collect();
    names.sort_unstable();
    for name in &names {
        let asks = format!("the dependency \"{name}\"");
        check_asked(&asks, dependencies[name], dependencies)?;
        if dependencies[name].lives_per_run {
            check_lives(name, dependencies)?;
        }
    }
    for name in names {
        let mut path = Vec::new();
        find_cycle(name, dependencies, &mut path)?;
    }
    Ok(())
}

fn check_asked(
    asks: &str,
    declaration: &Declaration,
    dependencies: &HashMap<&str, &Declaration>,
) -> Result<(), GraphError> {
    for (name, expected) in &declaration.dependencies {
        let Some(found) = dependencies.get(name.as_str()) else {
            let mut given: Vec<String> =
                dependencies.keys().map(|name| (*name).to_owned()).collect();
            given.sort_unstable();
            return Err(GraphError::Unknown {
                asks: asks.to_owned(),
                name: name.clone(),
                given,
            });
        };
        if found.gives != *expected {
            return Err(GraphError::Kind {
                asks: asks.to_owned(),
                name: name.clone(),
                expected: *expected,
                found: found.gives,
            });
        }
    }
    Ok(())
}

/// A value for the run can be made of nothing that belongs to a task.
fn check_lives(name: &str, dependencies: &HashMap<&str, &Declaration>) -> Result<(), GraphError> {
    let declaration = dependencies[name];
    let needs_task = |what: String| GraphError::NeedsTask {
        name: name.to_owned(),
        what,
    };
    let needed = [
        (declaration.needs_label_row, "the label row"),
        (declaration.needs_asset, "the asset"),
        (declaration.needs_single_frame, "the first frame"),
        (declaration.needs_video, "the video"),
        (declaration.needs_storage_item, "the storage item"),
        (!declaration.twins.is_empty(), "a twin"),
    ];
    if let Some((_, what)) = needed.iter().find(|(needed, _)| *needed) {
        return Err(needs_task((*what).to_owned()));
    }
    for (other, _) in &declaration.dependencies {
        if !dependencies[other.as_str()].lives_per_run {
            return Err(needs_task(format!("the dependency \"{other}\"")));
        }
    }
    Ok(())
}

fn find_cycle<'a>(
    name: &'a str,
    dependencies: &HashMap<&'a str, &'a Declaration>,
    path: &mut Vec<&'a str>,
) -> Result<(), GraphError> {
    if let Some(start) = path.iter().position(|earlier| *earlier == name) {
        let cycle = path[start..].iter().chain([&name]);
        return Err(GraphError::Cycle(
            cycle.map(|name| (*name).to_owned()).collect(),
        ));
    }
    path.push(name);
    for (needed, _) in &dependencies[name].dependencies {
        find_cycle(needed, dependencies, path)?;
    }
    path.pop();
    Ok(())
}

/// What a stage needs with all that its dependencies need of its tasks: what is to be fetched with the batch.
pub(super) fn with_dependencies(
    mut declaration: Declaration,
    dependencies: &HashMap<String, Arc<Dependency>>,
) -> Declaration {
    let mut left: Vec<String> = names(&declaration);
    let mut seen: Vec<String> = Vec::new();
    while let Some(name) = left.pop() {
        let Some(dependency) = dependencies.get(&name) else {
            continue;
        };
        if seen.contains(&name) {
            continue;
        }
        let needed = &dependency.declaration;
        declaration.needs_label_row |= needed.needs_label_row;
        declaration.needs_storage_item |= needed.needs_storage_item;
        declaration.needs_asset |= needed.needs_asset;
        declaration.needs_single_frame |= needed.needs_single_frame;
        declaration.needs_video |= needed.needs_video;
        for twin in &needed.twins {
            match declaration
                .twins
                .iter_mut()
                .find(|known| known.project == twin.project)
            {
                Some(known) => {
                    known.label_row |= twin.label_row;
                    known.task |= twin.task;
                }
                None => declaration.twins.push(*twin),
            }
        }
        left.extend(names(needed));
        seen.push(name);
    }
    declaration
}

fn names(declaration: &Declaration) -> Vec<String> {
    let dependencies = declaration.dependencies.iter();
    dependencies.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(of: &[(&str, ValueKind)]) -> Declaration {
        let dependencies = of.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
        Declaration {
            stage: "Triage".to_owned(),
            dependencies: dependencies.collect(),
            ..Declaration::default()
        }
    }

    fn message(dependencies: &[(&str, &Declaration)], stages: &[Declaration]) -> Option<String> {
        let dependencies = dependencies.iter().copied().collect();
        let error = check_needs(&dependencies, stages).err()?;
        Some(error.to_string())
    }

    #[test]
    fn what_fits_is_taken() {
        use ValueKind::{Bytes, Json};
        let table = Declaration {
            gives: Bytes,
            lives_per_run: true,
            ..Declaration::default()
        };
        let metadata = needs(&[("table", Bytes)]);
        let stage = needs(&[("metadata", Json), ("table", Bytes)]);
        assert_eq!(
            message(&[("table", &table), ("metadata", &metadata)], &[stage]),
            None
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        use ValueKind::{Bytes, Json};
        let nothing = Declaration::default();
        let stage = needs(&[("metadata", Json)]);
        let told = message(&[("meta", &nothing)], std::slice::from_ref(&stage)).unwrap_or_default();
        assert_eq!(
            told,
            "the stage \"Triage\" needs the dependency \"metadata\", which was not given"
        );
        let bytes = Declaration {
            gives: Bytes,
            ..Declaration::default()
        };
        let told = message(&[("metadata", &bytes)], &[stage]).unwrap_or_default();
        assert_eq!(
            told,
            "the stage \"Triage\" expects JSON from the dependency \"metadata\", which gives bytes"
        );
        let (a, b, c) = (
            needs(&[("b", Json)]),
            needs(&[("c", Json)]),
            needs(&[("a", Json)]),
        );
        let told = message(&[("a", &a), ("b", &b), ("c", &c)], &[]).unwrap_or_default();
        assert_eq!(
            told,
            "dependencies need each other: \"a\" needs \"b\" needs \"c\" needs \"a\""
        );
        let itself = needs(&[("a", Json)]);
        assert!(message(&[("a", &itself)], &[]).is_some());
        let per_run = Declaration {
            lives_per_run: true,
            needs_storage_item: true,
            needs_asset: true,
            ..Declaration::default()
        };
        let told = message(&[("model", &per_run)], &[]).unwrap_or_default();
        assert_eq!(
            told,
            "the dependency \"model\" lives for the run, and needs the asset, which belongs to a task"
        );
        let of_attempt = Declaration {
            lives_per_run: true,
            ..needs(&[("metadata", Json)])
        };
        let told = message(&[("model", &of_attempt), ("metadata", &nothing)], &[]);
        assert!(told.is_some_and(|told| told.contains("the dependency \"metadata\"")));
    }
}
