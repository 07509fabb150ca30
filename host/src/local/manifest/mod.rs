//! `project.toml`: what people decide about a project. [`Definition::read`] turns it into typed values, or into
//! the list of its mistakes.

mod file;
mod ontology;
mod workflow;

use std::path::{Path, PathBuf};

use uuid::Uuid;

use self::file::ManifestFile;
pub(super) use self::ontology::Ontology;
pub use self::workflow::{Pathway, Stage, StageKind};
use super::error::{LocalError, Mistake};
use super::{MANIFEST_FILE, identity};

/// What `project.toml` means.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) hash: Uuid,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) dataset_hash: Uuid,
    pub(super) dataset_title: String,
    /// Of the storage folder that the items are in.
    pub(super) folder_uuid: Uuid,
    pub(super) ontology: Ontology,
    pub(super) stages: Vec<Stage>,
    /// Where new tasks begin, as an index into `stages`.
    pub(super) start: usize,
    /// Files other than `project.toml` that belong to the definition, and so are no media.
    pub(super) files: Vec<PathBuf>,
}

impl Definition {
    /// Reads and checks `project.toml` in `folder`. A project whose file gives no hash has `fallback`.
    pub(super) fn read(folder: &Path, fallback: Uuid) -> Result<Self, LocalError> {
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read_to_string(&path).map_err(LocalError::io("read", &path))?;
        Self::parse(&text, folder, fallback)
    }

    /// Like [`Definition::read`], for a text that is not written yet.
    pub(super) fn parse(text: &str, folder: &Path, fallback: Uuid) -> Result<Self, LocalError> {
        let mut mistakes = Mistakes {
            text,
            found: Vec::new(),
        };
        let definition = match toml::from_str::<ManifestFile>(text) {
            Ok(file) => Self::check(file, folder, fallback, &mut mistakes),
            Err(error) => {
                mistakes.add(error.span(), error.message());
                None
            }
        };
        let mut found = mistakes.found;
        match definition {
            Some(definition) if found.is_empty() => Ok(definition),
            _ => {
                found.sort_by_key(|mistake| mistake.line);
                Err(LocalError::Manifest {
                    file: folder.join(MANIFEST_FILE),
                    mistakes: found,
                })
            }
        }
    }

    /// `None` only with a mistake noted.
    fn check(
        file: ManifestFile,
        folder: &Path,
        fallback: Uuid,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Self> {
        let hash = mistakes
            .uuid(file.project.hash.as_ref())
            .unwrap_or(fallback);
        let dataset = file.dataset.unwrap_or_default();
        let dataset_hash = mistakes
            .uuid(dataset.hash.as_ref())
            .unwrap_or_else(|| identity::uuid(hash, "dataset", &[]));
        if file.project.title.get_ref().trim().is_empty() {
            mistakes.add(
                Some(file.project.title.span()),
                "expected a title, found an empty one",
            );
        }
        let mut files = Vec::new();
        if let Some(ontology) = &file.ontology.file {
            files.push(folder.join(ontology.get_ref()));
        }
        let title = file.project.title.into_inner();
        let ontology = ontology::check(file.ontology, &title, folder, hash, mistakes);
        let workflow = workflow::check(file.workflow, hash, mistakes);
        let (stages, start) = workflow?;
        Some(Self {
            hash,
            description: file.project.description.unwrap_or_default(),
            dataset_hash,
            dataset_title: dataset.title.unwrap_or_else(|| title.clone()),
            folder_uuid: identity::uuid(dataset_hash, "folder", &[]),
            ontology: ontology?,
            stages,
            start,
            files,
            title,
        })
    }

    pub(super) fn stage(&self, uuid: Uuid) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.uuid == uuid)
    }
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
