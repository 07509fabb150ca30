use std::any::TypeId;
use std::collections::BTreeMap;

use crate::bindings::runner::stage::declaration as wit;
use crate::dependency::cycle;
use crate::twin::TwinProject;
use crate::{Uuid, ValueKind};

/// What the agent of one stage needs, and how its label row is to be read.
///
/// Filled in by [`FromContext::declare`](crate::FromContext::declare) of the agent's parameters and by
/// the options of [`#[stage]`](crate::stage). What is declared is fetched for many tasks at once,
/// before the agent runs; what is not is fetched when it is asked for. So a declaration changes speed,
/// never meaning.
#[derive(Clone, Debug, Default)]
pub struct Declaration {
    label_row: bool,
    storage_item: bool,
    asset: bool,
    single_frame: bool,
    video: bool,
    twin_label_rows: Vec<Uuid>,
    // Whether their tasks, too.
    twins: BTreeMap<Uuid, bool>,
    named: Vec<(String, ValueKind)>,
    stages_twin: bool,
    stages_twin_task: bool,
    client_metadata: bool,
    reviews: bool,
    signed_url: bool,
    branch: Option<String>,
    objects: Option<Vec<String>>,
    classifications: Option<Vec<String>>,
    batch: Option<u32>,
    gives: Option<ValueKind>,
    per_run: bool,
    // What follows is known before what is declared, or goes along with declaring.
    twin: Option<TwinProject>,
    declared: Vec<TypeId>,
    declaring: Vec<(TypeId, &'static str)>,
}

impl Declaration {
    pub(crate) fn new(twin: Option<TwinProject>) -> Self {
        Self {
            twin,
            ..Self::default()
        }
    }

    /// The agent uses the label row.
    pub fn needs_label_row(&mut self) {
        self.label_row = true;
    }

    /// The agent uses the storage item.
    pub fn needs_storage_item(&mut self) {
        self.storage_item = true;
    }

    /// The agent uses the file of the storage item.
    pub fn needs_asset(&mut self) {
        self.asset = true;
    }

    /// The agent uses the first frame of the storage item.
    pub fn needs_single_frame(&mut self) {
        self.single_frame = true;
    }

    /// The agent uses frames of the video, one after another or chosen ones.
    pub fn needs_video(&mut self) {
        self.video = true;
    }

    /// The agent uses the label row of the same data in this project.
    pub fn needs_twin_label_row(&mut self, project_hash: Uuid) {
        if !self.twin_label_rows.contains(&project_hash) {
            self.twin_label_rows.push(project_hash);
        }
    }

    /// The agent uses the same data in this project, without its labels; with `task`, also its task.
    pub fn needs_twin(&mut self, project_hash: Uuid, task: bool) {
        *self.twins.entry(project_hash).or_default() |= task;
    }

    /// The agent uses the dependency of this name, which has to give a value of this kind. A name that the user has not given
    /// is refused when the host starts.
    pub fn needs_dependency(&mut self, name: impl Into<String>, kind: ValueKind) {
        let needed = (name.into(), kind);
        if !self.named.contains(&needed) {
            self.named.push(needed);
        }
    }

    /// The agent uses the twin of its stage, with its label row.
    pub(crate) fn needs_stages_twin(&mut self) {
        self.stages_twin = true;
    }

    /// The agent uses the task of its stage's twin. For the option `twin_task`.
    #[doc(hidden)]
    pub fn needs_stages_twin_task(&mut self) {
        self.stages_twin_task = true;
    }

    /// For the option `batch`.
    #[doc(hidden)]
    pub fn takes_batches(&mut self, most: u32) {
        self.batch = Some(most);
    }

    pub(crate) fn gives(&mut self, kind: ValueKind) {
        self.gives = Some(kind);
    }

    pub(crate) fn lives_per_run(&mut self) {
        self.per_run = true;
    }

    /// Declares what a dependency needs, once, however many need it.
    ///
    /// # Panics
    /// If it is needed on the way to itself. The plugin is refused then.
    pub(crate) fn depends(&mut self, key: TypeId, name: &'static str, declare: fn(&mut Self)) {
        if let Some(cycle) = cycle(&self.declaring, key, name) {
            panic!("{cycle}");
        }
        if self.declared.contains(&key) {
            return;
        }
        self.declaring.push((key, name));
        declare(self);
        self.declaring.pop();
        self.declared.push(key);
    }

    /// [`LabelRow::client_metadata`](crate::LabelRow::client_metadata) is filled in. Default: it is
    /// absent.
    pub fn include_client_metadata(&mut self) {
        self.client_metadata = true;
    }

    /// [`ObjectInstance::reviews`](crate::ObjectInstance::reviews) is filled in. Default: it is absent.
    pub fn include_reviews(&mut self) {
        self.reviews = true;
    }

    /// [`LabelRow::data_link`](crate::LabelRow::data_link) and that of data units is a URL that can be read for a
    /// limited time. Default: it says where Encord keeps the file.
    pub fn include_signed_url(&mut self) {
        self.signed_url = true;
    }

    /// The label row is that of this branch. Default: the task's own branch.
    pub fn use_branch(&mut self, name: impl Into<String>) {
        self.branch = Some(name.into());
    }

    /// Only objects of these features are read, given by feature hash or exact name. Default: all. A row
    /// that was read in part can not be saved: saving would remove what was left out.
    pub fn include_objects<I>(&mut self, features: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.objects = Some(features.into_iter().map(Into::into).collect());
    }

    /// Only classifications of these features are read, given by feature hash or exact title. Default:
    /// all. The same holds for saving.
    pub fn include_classifications<I>(&mut self, features: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.classifications = Some(features.into_iter().map(Into::into).collect());
    }

    pub(crate) fn to_wit(&self, stage: &str) -> wit::Declaration {
        let declaration = wit::Declaration::new(stage);
        if self.label_row {
            declaration.needs_label_row();
        }
        if self.storage_item {
            declaration.needs_storage_item();
        }
        if self.asset {
            declaration.needs_asset();
        }
        if self.single_frame {
            declaration.needs_single_frame();
        }
        if self.video {
            declaration.needs_video();
        }
        if self.stages_twin {
            match self.stages_project(stage) {
                Ok(project) => {
                    declaration.needs_twin_label_row(&project);
                    if self.stages_twin_task {
                        declaration.needs_twin_task(&project);
                    }
                }
                Err(reason) => declaration.refuse(&reason),
            }
        }
        for project in &self.twin_label_rows {
            declaration.needs_twin_label_row(&project.to_string());
        }
        for (project, task) in &self.twins {
            declaration.needs_twin(&project.to_string());
            if *task {
                declaration.needs_twin_task(&project.to_string());
            }
        }
        for (name, kind) in &self.named {
            declaration.needs_dependency(name, *kind);
        }
        if let Some(most) = self.batch {
            declaration.takes_batches(most);
        }
        if let Some(kind) = self.gives {
            declaration.gives(kind);
        }
        if self.per_run {
            declaration.lives_per_run();
        }
        if self.client_metadata {
            declaration.include_client_metadata();
        }
        if self.reviews {
            declaration.include_reviews();
        }
        if self.signed_url {
            declaration.include_signed_url();
        }
        if let Some(name) = &self.branch {
            declaration.use_branch(name);
        }
        if let Some(features) = &self.objects {
            declaration.include_objects(features);
        }
        if let Some(features) = &self.classifications {
            declaration.include_classifications(features);
        }
        declaration
    }

    /// The project of the stage's twins, or why there is none: the plugin is refused then.
    fn stages_project(&self, stage: &str) -> Result<String, String> {
        let Some(project) = self.twin else {
            return Err(format!(
                "expected the project of its twins at {stage:?}, found a `Twin` without one; add `twin = \"<uuid>\"` or \
                 `twin_setting = \"name\"` to the attribute"
            ));
        };
        let project = project.uuid().map_err(|error| error.to_string())?;
        Ok(project.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Dependency, Depends, FromContext, Result};
    use std::rc::Rc;

    enum A {}
    enum B {}
    enum C {}

    macro_rules! dependencies {
        ($($name:ident => $($needed:ident)*;)+) => {$(
            impl Dependency for $name {
                type Value = ();
                const NAME: &'static str = stringify!($name);

                fn declare(declaration: &mut Declaration) {
                    declaration.needs_label_row();
                    $(Depends::<$needed>::declare(declaration);)*
                }

                fn resolve(_: &Context) -> Result<Rc<()>> {
                    unreachable!("it is only declared")
                }
            }
        )+};
    }

    dependencies! {
        A => B;
        B => A;
        C => ;
    }

    #[test]
    #[should_panic(expected = "expected dependencies without a cycle, found A -> B -> A")]
    fn a_cycle_is_told() {
        Depends::<A>::declare(&mut Declaration::default());
    }

    #[test]
    fn what_several_need_is_declared_once() {
        let mut declaration = Declaration::default();
        Depends::<C>::declare(&mut declaration);
        Depends::<C>::declare(&mut declaration);
        assert_eq!(declaration.declared, [TypeId::of::<C>()]);
        assert!(declaration.label_row);
    }
}
