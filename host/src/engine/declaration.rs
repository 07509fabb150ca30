//! `runner:stage/declaration`

use uuid::Uuid;
use wasmtime::component::Resource;

use super::bindings::runner::stage::declaration::{Host, HostDeclaration};
use super::bindings::runner::stage::values::ValueKind as WitKind;
use super::handles::DeclarationHandle;
use super::state::{State, forget};

type Result<T> = wasmtime::Result<T>;

/// More stages than any workflow has; a guest that declares more is broken or hostile.
const MOST_DECLARATIONS: usize = 1_000;

/// Twins, or dependencies, of one stage; likewise.
const MOST_NEEDED: usize = 100;

/// One stage that a plugin serves, and what its agent needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaration {
    /// Title or UUID of the stage, as the plugin gave it.
    pub stage: String,
    /// The label row is fetched with the batch.
    pub needs_label_row: bool,
    /// The storage item is fetched with the batch.
    pub needs_storage_item: bool,
    /// The label row comes with its client metadata.
    pub include_client_metadata: bool,
    /// The label row is that of this branch; none for the task's own.
    pub branch_name: Option<String>,
    /// Only objects of these features are read: feature hashes or exact names.
    pub include_objects: Option<Vec<String>>,
    /// Only classifications of these features are read: feature hashes or exact titles.
    pub include_classifications: Option<Vec<String>>,
    /// Objects come with their reviews.
    pub include_reviews: bool,
    /// Links to files are signed URLs.
    pub include_signed_url: bool,
    /// The file of the storage item is downloaded with the batch.
    pub needs_asset: bool,
    /// The file that the first frame is in is.
    pub needs_single_frame: bool,
    /// The files that frames are in are.
    pub needs_video: bool,
    /// Other projects in which the same data is looked up with the batch.
    pub twins: Vec<TwinNeeds>,
    /// Dependencies that are asked for, by name, with the kind of value that is expected.
    pub dependencies: Vec<(String, ValueKind)>,
    /// The most tasks that the agent takes at a time; none if it takes them one by one.
    pub batches: Option<u32>,
    /// Why the plugin cannot serve the stage as things are.
    pub refused: Option<String>,
    /// Of a dependency: what it gives.
    pub gives: ValueKind,
    /// Of a dependency: its value holds for the whole run.
    pub lives_per_run: bool,
}

/// What is looked up in another project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwinNeeds {
    /// That project.
    pub project: Uuid,
    /// Whether the label row is read.
    pub label_row: bool,
    /// Whether the task is looked for.
    pub task: bool,
}

/// What a value is that a dependency gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValueKind {
    /// JSON text.
    #[default]
    Json,
    /// Bytes.
    Bytes,
    /// Something that answers calls.
    Service,
}

impl Declaration {
    /// True if label rows are read in part, and so cannot be saved.
    pub fn reads_in_part(&self) -> bool {
        self.include_objects.is_some() || self.include_classifications.is_some()
    }
}

impl ValueKind {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Bytes => "bytes",
            Self::Service => "a service",
        }
    }
}

impl From<WitKind> for ValueKind {
    fn from(kind: WitKind) -> Self {
        match kind {
            WitKind::Json => Self::Json,
            WitKind::Bytes => Self::Bytes,
            WitKind::Service => Self::Service,
        }
    }
}

impl State {
    /// What a declaration says of the project with this hash.
    fn twin_needs(
        &mut self,
        handle: &Resource<DeclarationHandle>,
        project_hash: &str,
    ) -> Result<&mut TwinNeeds> {
        let Ok(project) = Uuid::parse_str(project_hash) else {
            wasmtime::bail!("expected the UUID of a twin project, found `{project_hash}`");
        };
        let twins = &mut self.declaration(handle)?.twins;
        let at = match twins.iter().position(|twin| twin.project == project) {
            Some(at) => at,
            None if twins.len() >= MOST_NEEDED => {
                wasmtime::bail!("a stage can need at most {MOST_NEEDED} twins");
            }
            None => {
                twins.push(TwinNeeds {
                    project,
                    label_row: false,
                    task: false,
                });
                twins.len() - 1
            }
        };
        Ok(&mut twins[at])
    }

    pub(super) fn declaration(
        &mut self,
        handle: &Resource<DeclarationHandle>,
    ) -> Result<&mut Declaration> {
        self.declarations
            .get_mut(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}

impl Host for State {}

impl HostDeclaration for State {
    fn new(&mut self, stage: String) -> Result<Resource<DeclarationHandle>> {
        if self.declarations.len() >= MOST_DECLARATIONS {
            wasmtime::bail!("a plugin can declare at most {MOST_DECLARATIONS} stages");
        }
        let position = self.declarations.len() as u32;
        self.declarations.push(Declaration {
            stage,
            ..Declaration::default()
        });
        Ok(Resource::new_own(position))
    }

    fn needs_label_row(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.needs_label_row = true;
        Ok(())
    }

    fn needs_storage_item(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.needs_storage_item = true;
        Ok(())
    }

    fn include_client_metadata(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.include_client_metadata = true;
        Ok(())
    }

    fn use_branch(&mut self, handle: Resource<DeclarationHandle>, name: String) -> Result<()> {
        self.declaration(&handle)?.branch_name = Some(name);
        Ok(())
    }

    fn include_objects(
        &mut self,
        handle: Resource<DeclarationHandle>,
        features: Vec<String>,
    ) -> Result<()> {
        self.declaration(&handle)?.include_objects = Some(features);
        Ok(())
    }

    fn include_classifications(
        &mut self,
        handle: Resource<DeclarationHandle>,
        features: Vec<String>,
    ) -> Result<()> {
        self.declaration(&handle)?.include_classifications = Some(features);
        Ok(())
    }

    fn include_reviews(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.include_reviews = true;
        Ok(())
    }

    fn include_signed_url(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.include_signed_url = true;
        Ok(())
    }

    fn needs_asset(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        let declaration = self.declaration(&handle)?;
        declaration.needs_asset = true;
        declaration.needs_storage_item = true;
        Ok(())
    }

    fn needs_single_frame(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        let declaration = self.declaration(&handle)?;
        declaration.needs_single_frame = true;
        declaration.needs_storage_item = true;
        Ok(())
    }

    fn needs_video(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        let declaration = self.declaration(&handle)?;
        declaration.needs_video = true;
        declaration.needs_storage_item = true;
        Ok(())
    }

    fn needs_twin_label_row(
        &mut self,
        handle: Resource<DeclarationHandle>,
        project_hash: String,
    ) -> Result<()> {
        self.twin_needs(&handle, &project_hash)?.label_row = true;
        Ok(())
    }

    fn needs_twin(
        &mut self,
        handle: Resource<DeclarationHandle>,
        project_hash: String,
    ) -> Result<()> {
        self.twin_needs(&handle, &project_hash).map(drop)
    }

    fn needs_twin_task(
        &mut self,
        handle: Resource<DeclarationHandle>,
        project_hash: String,
    ) -> Result<()> {
        self.twin_needs(&handle, &project_hash)?.task = true;
        Ok(())
    }

    fn refuse(&mut self, handle: Resource<DeclarationHandle>, reason: String) -> Result<()> {
        self.declaration(&handle)?.refused.get_or_insert(reason);
        Ok(())
    }

    fn needs_dependency(
        &mut self,
        handle: Resource<DeclarationHandle>,
        name: String,
        kind: WitKind,
    ) -> Result<()> {
        let dependencies = &mut self.declaration(&handle)?.dependencies;
        let asked = (name, kind.into());
        if !dependencies.contains(&asked) {
            if dependencies.len() >= MOST_NEEDED {
                wasmtime::bail!("a stage can need at most {MOST_NEEDED} dependencies");
            }
            dependencies.push(asked);
        }
        Ok(())
    }

    fn takes_batches(&mut self, handle: Resource<DeclarationHandle>, most: u32) -> Result<()> {
        if most == 0 {
            wasmtime::bail!("expected a stage that takes at least one task at a time, found 0");
        }
        self.declaration(&handle)?.batches = Some(most);
        Ok(())
    }

    fn gives(&mut self, handle: Resource<DeclarationHandle>, kind: WitKind) -> Result<()> {
        self.declaration(&handle)?.gives = kind.into();
        Ok(())
    }

    fn lives_per_run(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        self.declaration(&handle)?.lives_per_run = true;
        Ok(())
    }

    fn drop(&mut self, handle: Resource<DeclarationHandle>) -> Result<()> {
        forget(handle)
    }
}
