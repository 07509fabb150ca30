use crate::bindings::runner::stage::declaration as wit;

/// What the agent of one stage needs, and how its label row is to be read.
///
/// Filled in by [`FromContext::declare`](crate::FromContext::declare) of the agent's parameters and by
/// the options of [`#[stage]`](crate::stage). What is declared is fetched for many tasks at once,
/// before the agent runs; what is not is fetched when it is asked for. So a declaration changes speed,
/// never meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    label_row: bool,
    storage_item: bool,
    client_metadata: bool,
    reviews: bool,
    signed_url: bool,
    branch: Option<String>,
    objects: Option<Vec<String>>,
    classifications: Option<Vec<String>>,
}

impl Declaration {
    /// The agent uses the label row.
    pub fn needs_label_row(&mut self) {
        self.label_row = true;
    }

    /// The agent uses the storage item.
    pub fn needs_storage_item(&mut self) {
        self.storage_item = true;
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
}
