//! `project.toml`: what people decide. [`SetUp::read`] turns it into typed values, or into the list of its mistakes.
//!
//! A file has a main project, or none, and any number of further projects, datasets, ontologies and workflow
//! templates. What refers to another of them does so by title or by identifier.

mod dataset;
mod file;
mod ontology;
mod workflow;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::Spanned;
use uuid::Uuid;

pub(super) use self::dataset::{Dataset, ItemDefinition, PartDefinition};
use self::file::{DatasetTable, ManifestFile, OntologyTable, ProjectTable, WorkflowTable};
pub(super) use self::ontology::Ontology;
pub(super) use self::workflow::Workflow;
pub use self::workflow::{Pathway, Stage, StageKind};
use super::error::{LocalError, Mistake};
use super::{MANIFEST_FILE, identity};

/// What `project.toml` means.
#[derive(Debug, Default)]
pub(super) struct SetUp {
    /// Whether the first project is the main one.
    pub(super) has_main: bool,
    pub(super) projects: Vec<Project>,
    /// The main project's own comes first. Media that are given by hand go to the first.
    pub(super) datasets: Vec<Dataset>,
    pub(super) ontologies: Vec<Ontology>,
    pub(super) templates: Vec<Template>,
    /// Files other than `project.toml` that belong to the definition, and so are no media.
    pub(super) files: Vec<PathBuf>,
    /// Of all that was read: equal digests mean equal definitions.
    pub(super) digest: String,
}

/// A project as it is defined.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) hash: Uuid,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) ontology: Uuid,
    pub(super) datasets: Vec<Uuid>,
    pub(super) workflow: Workflow,
}

/// A workflow that projects are made from. They take over the identifiers of its stages and pathways.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) hash: Uuid,
    pub(super) title: String,
    pub(super) workflow: Workflow,
}

impl SetUp {
    /// Reads and checks `project.toml` in `folder`. A main project whose file gives no hash has `fallback`.
    pub(super) fn read(folder: &Path, fallback: Uuid) -> Result<Self, LocalError> {
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read_to_string(&path).map_err(LocalError::io("read", &path))?;
        Self::parse(&text, folder, fallback)
    }

    /// Like [`SetUp::read`], for a text that is not written yet.
    pub(super) fn parse(text: &str, folder: &Path, fallback: Uuid) -> Result<Self, LocalError> {
        let mut mistakes = Mistakes {
            text,
            found: Vec::new(),
        };
        let mut set_up = Self::default();
        match toml::from_str::<ManifestFile>(text) {
            Ok(file) => set_up.check(file, folder, fallback, &mut mistakes),
            Err(error) => mistakes.add(error.span(), error.message()),
        }
        let mut found = mistakes.found;
        if found.is_empty() {
            set_up.digest = digest(text, fallback, &set_up.files);
            return Ok(set_up);
        }
        found.sort_by_key(|mistake| mistake.line);
        Err(LocalError::Manifest {
            file: folder.join(MANIFEST_FILE),
            mistakes: found,
        })
    }

    /// The main project.
    pub(super) fn main(&self) -> Option<&Project> {
        self.projects.first().filter(|_| self.has_main)
    }

    fn check(
        &mut self,
        file: ManifestFile,
        folder: &Path,
        fallback: Uuid,
        mistakes: &mut Mistakes<'_>,
    ) {
        let main = file.project.as_ref();
        let scope = main
            .and_then(|project| mistakes.uuid(project.hash.as_ref()))
            .unwrap_or(fallback);
        self.has_main = main.is_some();
        let own = Own {
            ontology: main.is_some_and(|project| project.ontology.is_none()),
            dataset: main.is_some_and(|project| project.datasets.is_none()),
            workflow: main.is_some_and(|project| project.workflow.is_none()),
        };
        own.check(&file, mistakes);
        let title = main.map(|project| project.title.get_ref().clone());
        let title = title.unwrap_or_default();

        if own.ontology {
            let table = file.ontology.unwrap_or_default();
            let derived = identity::uuid(scope, "ontology", &[]);
            self.add_ontology(table, &title, derived, folder, mistakes);
        }
        for table in file.ontologies {
            let title = required(table.title.as_ref(), "[[ontologies]]", mistakes);
            let derived = identity::uuid(scope, "ontology", &[&title]);
            self.add_ontology(table, &title, derived, folder, mistakes);
        }
        if own.dataset {
            let table = file.dataset.unwrap_or_default();
            let derived = identity::uuid(scope, "dataset", &[]);
            self.add_dataset(table, &title, derived, folder, mistakes);
        }
        for table in file.datasets {
            let title = required(table.title.as_ref(), "[[datasets]]", mistakes);
            let derived = identity::uuid(scope, "dataset", &[&title]);
            self.add_dataset(table, &title, derived, folder, mistakes);
        }
        for table in file.workflow_templates {
            let title = named(&table.title, mistakes);
            let hash = mistakes
                .uuid(table.hash.as_ref())
                .unwrap_or_else(|| identity::uuid(scope, "template", &[&title]));
            let workflow = workflow::check(&table.stages, table.start.as_ref(), hash, mistakes);
            if let Some(workflow) = workflow {
                self.templates.push(Template {
                    hash,
                    title,
                    workflow,
                });
            }
        }
        let workflow = file.workflow.filter(|_| own.workflow);
        if let Some(table) = file.project {
            self.add_project(table, scope, &own, workflow.as_ref(), mistakes);
        }
        for table in file.projects {
            let derived = identity::uuid(scope, "project", &[table.title.get_ref()]);
            let hash = mistakes.uuid(table.hash.as_ref()).unwrap_or(derived);
            self.add_project(table, hash, &Own::default(), None, mistakes);
        }
        self.check_identifiers(mistakes);
        if self.datasets.is_empty() && self.ontologies.is_empty() && self.templates.is_empty() {
            mistakes.add(None, "expected a [project], found none");
        }
    }

    fn add_ontology(
        &mut self,
        table: OntologyTable,
        title: &str,
        derived: Uuid,
        folder: &Path,
        mistakes: &mut Mistakes<'_>,
    ) {
        if let Some(file) = &table.file {
            self.files.push(folder.join(file.get_ref()));
        }
        let title = table.title.as_ref().map_or(title, |title| title.get_ref());
        let title = title.to_owned();
        self.ontologies
            .extend(ontology::check(table, title, derived, folder, mistakes));
    }

    fn add_dataset(
        &mut self,
        table: DatasetTable,
        title: &str,
        derived: Uuid,
        folder: &Path,
        mistakes: &mut Mistakes<'_>,
    ) {
        let title = table.title.as_ref().map_or(title, |title| title.get_ref());
        let title = title.to_owned();
        self.datasets
            .push(dataset::check(table, title, derived, folder, mistakes));
    }

    /// `own` says what only this project has, and is the first of its kind then; `workflow` is what it has of that
    /// kind. What is not said at all is as in the first project.
    fn add_project(
        &mut self,
        table: ProjectTable,
        hash: Uuid,
        own: &Own,
        workflow: Option<&WorkflowTable>,
        mistakes: &mut Mistakes<'_>,
    ) {
        let title = named(&table.title, mistakes);
        let first = self.projects.first();
        let span = table.title.span();
        let ontologies = self.ontologies.iter();
        let ontologies: Vec<_> = ontologies
            .map(|ontology| (ontology.hash, ontology.title.as_str()))
            .collect();
        let ontology = match &table.ontology {
            Some(written) => find(written, "an ontology", &ontologies, mistakes),
            None if own.ontology => ontologies.first().map(|(hash, _)| *hash),
            None => first
                .map(|first| first.ontology)
                .or_else(|| only(&ontologies, "ontology", &span, mistakes)),
        };
        let datasets = self.datasets.iter();
        let datasets: Vec<_> = datasets
            .map(|dataset| (dataset.hash, dataset.title.as_str()))
            .collect();
        let datasets = match &table.datasets {
            Some(written) => written
                .iter()
                .map(|written| find(written, "a dataset", &datasets, mistakes))
                .collect(),
            None if own.dataset => datasets.first().map(|(hash, _)| vec![*hash]),
            None => match first {
                Some(first) => Some(first.datasets.clone()),
                None => only(&datasets, "dataset", &span, mistakes).map(|hash| vec![hash]),
            },
        };
        let templates = self.templates.iter();
        let templates: Vec<_> = templates
            .map(|template| (template.hash, template.title.as_str()))
            .collect();
        let of_template = |hash: Uuid| {
            let template = self.templates.iter().find(|template| template.hash == hash);
            template.map(|template| template.workflow.clone())
        };
        let workflow = match (&table.workflow, workflow) {
            (Some(written), _) => {
                find(written, "a workflow template", &templates, mistakes).and_then(of_template)
            }
            (None, Some(own)) => workflow::check(&own.stages, own.start.as_ref(), hash, mistakes),
            (None, None) => match first {
                Some(first) => Some(first.workflow.clone()),
                None => only(&templates, "workflow", &span, mistakes).and_then(of_template),
            },
        };
        if let (Some(ontology), Some(datasets), Some(workflow)) = (ontology, datasets, workflow) {
            self.projects.push(Project {
                hash,
                title,
                description: table.description.unwrap_or_default(),
                ontology,
                datasets,
                workflow,
            });
        }
    }

    fn check_identifiers(&self, mistakes: &mut Mistakes<'_>) {
        let kinds = [
            (
                "projects",
                self.projects.iter().map(|one| one.hash).collect::<Vec<_>>(),
            ),
            (
                "datasets",
                self.datasets.iter().map(|one| one.hash).collect(),
            ),
            (
                "ontologies",
                self.ontologies.iter().map(|one| one.hash).collect(),
            ),
            (
                "workflow templates",
                self.templates.iter().map(|one| one.hash).collect(),
            ),
        ];
        for (what, hashes) in kinds {
            let mut seen = HashSet::new();
            if let Some(twice) = hashes.iter().find(|hash| !seen.insert(**hash)) {
                mistakes.add(
                    None,
                    format!(
                        "expected {what} with different titles and hashes, found {twice} twice"
                    ),
                );
            }
        }
    }
}

/// Which tables belong to the main project alone.
#[derive(Default)]
struct Own {
    ontology: bool,
    dataset: bool,
    workflow: bool,
}

impl Own {
    fn check(&self, file: &ManifestFile, mistakes: &mut Mistakes<'_>) {
        let tables = [
            ("ontology", self.ontology, file.ontology.is_some()),
            ("dataset", self.dataset, file.dataset.is_some()),
            ("workflow", self.workflow, file.workflow.is_some()),
        ];
        for (name, own, written) in tables {
            match (own, written) {
                (true, false) if name != "dataset" => mistakes.add(
                    None,
                    format!("expected a table [{name}] for the [project], or `{name}` in it, found neither"),
                ),
                (false, true) if file.project.is_some() => mistakes.add(
                    None,
                    format!("expected either a table [{name}] or a reference to another in [project], found both"),
                ),
                (false, true) => mistakes.add(
                    None,
                    format!("expected a [project] that the table [{name}] belongs to, found none"),
                ),
                _ => {}
            }
        }
    }
}

/// A title that must be there.
fn required(title: Option<&Spanned<String>>, table: &str, mistakes: &mut Mistakes<'_>) -> String {
    match title {
        Some(title) => named(title, mistakes),
        None => {
            mistakes.add(
                None,
                format!("expected `title` in each of {table}, found one without"),
            );
            String::new()
        }
    }
}

fn named(title: &Spanned<String>, mistakes: &mut Mistakes<'_>) -> String {
    if title.get_ref().trim().is_empty() {
        mistakes.add(Some(title.span()), "expected a title, found an empty one");
    }
    title.get_ref().clone()
}

/// What a title or an identifier refers to.
fn find(
    written: &Spanned<String>,
    what: &str,
    known: &[(Uuid, &str)],
    mistakes: &mut Mistakes<'_>,
) -> Option<Uuid> {
    let text = written.get_ref().as_str();
    let uuid: Option<Uuid> = text.parse().ok();
    let mut fitting = known
        .iter()
        .filter(|(hash, title)| Some(*hash) == uuid || *title == text);
    let message = match (fitting.next(), fitting.next()) {
        (Some((hash, _)), None) => return Some(*hash),
        (Some(_), Some(_)) => {
            format!(
                "expected the title or the hash of {what}, found \"{text}\", which several have"
            )
        }
        (None, _) => {
            let titles: Vec<_> = known
                .iter()
                .map(|(_, title)| format!("\"{title}\""))
                .collect();
            let titles = match titles.as_slice() {
                [] => "there is none".to_owned(),
                titles => titles.join(", "),
            };
            format!("expected the title or the hash of {what} ({titles}), found \"{text}\"")
        }
    };
    mistakes.add(Some(written.span()), message);
    None
}

/// What a project without a reference means: the only one there is.
fn only(
    known: &[(Uuid, &str)],
    key: &str,
    span: &Span,
    mistakes: &mut Mistakes<'_>,
) -> Option<Uuid> {
    match known {
        [(hash, _)] => Some(*hash),
        // The table that is missing has been reported.
        [] if !mistakes.found.is_empty() => None,
        known => {
            let key = if key == "dataset" { "datasets" } else { key };
            mistakes.add(
                Some(span.clone()),
                format!(
                    "expected `{key}` to name one of {}, found no such key",
                    known.len()
                ),
            );
            None
        }
    }
}

fn digest(text: &str, fallback: Uuid, files: &[PathBuf]) -> String {
    let mut digest = Sha256::new()
        .chain_update(env!("CARGO_PKG_VERSION"))
        .chain_update(fallback)
        .chain_update(text);
    for file in files {
        digest.update(std::fs::read(file).unwrap_or_default());
    }
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The mistakes found so far, with the text that they are in.
struct Mistakes<'text> {
    text: &'text str,
    found: Vec<Mistake>,
}

type Span = std::ops::Range<usize>;

impl Mistakes<'_> {
    fn add(&mut self, span: Option<Span>, message: impl Into<String>) {
        let line = span.map(|span| {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            before.matches('\n').count() + 1
        });
        self.found.push(Mistake {
            line,
            message: message.into(),
        });
    }

    /// The UUID that somebody wrote. A mistake is noted, and then treated as if nothing had been written.
    fn uuid(&mut self, written: Option<&toml::Spanned<String>>) -> Option<Uuid> {
        let written = written?;
        let parsed = written.get_ref().parse().ok();
        if parsed.is_none() {
            self.add(
                Some(written.span()),
                format!("expected a UUID, found `{}`", written.get_ref()),
            );
        }
        parsed
    }
}
