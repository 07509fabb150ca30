//! What the tests share: where the built plugins are, and inputs made by hand for tests of the engine alone.

pub mod accounted;
pub mod dev;
pub mod media;
pub mod ran;
pub mod reliability;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once};

use futures::FutureExt;
use futures::future::BoxFuture;
use runner_host::encord::{
    Client, Key, LabelRowMetadata, Pathway, Project, Stage, StorageItem, Task,
};
use runner_host::engine::{AttemptLog, Inputs, LabelRowInput, Resolver, Twin, TwinRow, Unresolved};
use runner_host::labels::Ontology;
use runner_host::local;
use runner_media::{MediaFile, Store};
use serde_json::{Value, json};
use uuid::Uuid;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in a folder of the repository")
}

/// A plugin of `tests/guests`, built when it is first asked for.
pub fn guest(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| build(&root().join("tests/guests"), &["--examples"]));
    built(&format!("examples/{name}.wasm"))
}

/// The plugin of an example, built when it is first asked for.
pub fn example(name: &str) -> PathBuf {
    build(&root().join("examples").join(name), &[]);
    // Cargo names files after the library.
    built(&format!("{}.wasm", name.replace('-', "_")))
}

/// A plugin in text, straight against the contract.
pub fn raw() -> PathBuf {
    root().join("tests/guests/raw.wat")
}

fn build(folder: &Path, arguments: &[&str]) {
    let status = Command::new(root().join("sdk/rust/guest-cargo"))
        .args(["build", "--quiet", "--release", "--target", "wasm32-wasip1"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .expect("guest-cargo starts");
    assert!(
        status.success(),
        "the plugins in {} were not built",
        folder.display()
    );
}

fn built(path: &str) -> PathBuf {
    let path = root()
        .join("target/guests/wasm32-wasip1/release")
        .join(path);
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// The inputs of an attempt at a task whose data unit has this title. Its row and storage item do not exist.
pub fn inputs(title: &str, attempt: u32) -> Inputs {
    let uuid = Uuid::from_u128;
    let pathway = |number, name: &str| Pathway {
        uuid: uuid(number),
        name: name.to_owned(),
        destination: None,
    };
    let stage = Stage {
        uuid: uuid(2),
        title: "Agent".to_owned(),
        stage_type: "AGENT".to_owned(),
        pathways: vec![pathway(10, "Next"), pathway(11, "Other")],
    };
    let moment = "2026-01-01T00:00:00Z".to_owned();
    let task = Task {
        uuid: uuid(3),
        created_at: moment.clone(),
        updated_at: moment.clone(),
        status: "NEW".to_owned(),
        data_hash: uuid(4),
        data_title: title.to_owned(),
        label_branch_name: "main".to_owned(),
        ..Task::default()
    };
    let project = Project {
        hash: uuid(1),
        project_type: "workflow".to_owned(),
        title: "Test".to_owned(),
        description: String::new(),
        created_at: moment.clone(),
        last_edited_at: moment,
        ontology_uuid: uuid(5),
        stages: vec![stage.clone()],
    };
    let empty = json!({ "objects": [], "classifications": [] });
    let ontology = Ontology::parse(&uuid(5).to_string(), "Test", "", &empty).expect("it is one");
    Inputs {
        project: Arc::new(project),
        ontology: Arc::new(ontology),
        stage: Arc::new(stage),
        task: Arc::new(task),
        attempt,
        log: AttemptLog::default(),
        resolver: Arc::new(Nothing),
    }
}

/// Resolves nothing: what a removed data unit looks like to an agent.
struct Nothing;

impl Resolver for Nothing {
    fn label_row(&self) -> BoxFuture<'_, Result<LabelRowInput, Unresolved>> {
        async { Err(Unresolved::NotFound("there is no label row".to_owned())) }.boxed()
    }

    fn storage_item(&self) -> BoxFuture<'_, Result<Arc<StorageItem>, Unresolved>> {
        async { Err(Unresolved::NotFound("there is no storage item".to_owned())) }.boxed()
    }

    fn twin(&self, _: Uuid) -> BoxFuture<'_, Result<Option<Twin>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn twin_label_row(&self, _: Uuid) -> BoxFuture<'_, Result<Option<TwinRow>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn twin_task(&self, _: Uuid) -> BoxFuture<'_, Result<Option<Arc<Task>>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn children<'a>(
        &'a self,
        _: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Vec<Arc<StorageItem>>, Unresolved>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn file<'a>(
        &'a self,
        _: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Arc<MediaFile>, Unresolved>> {
        async { Err(Unresolved::NotFound("there is no file".to_owned())) }.boxed()
    }

    fn store(&self) -> Option<&Store> {
        None
    }
}

/// Resolves one label row, which every attempt gets, and nothing else.
pub struct OneRow(LabelRowInput);

impl OneRow {
    /// `document` is a label row, of pictures of 640 by 480 pixels.
    pub fn new(document: Value, number_of_frames: u32) -> Self {
        let metadata = metadata(&document, number_of_frames);
        Self(LabelRowInput {
            label_hash: metadata.label_hash.expect("it was given one"),
            metadata: Arc::new(metadata),
            document: Arc::new(document),
            partial: false,
            edited_at: None,
        })
    }
}

impl Resolver for OneRow {
    fn label_row(&self) -> BoxFuture<'_, Result<LabelRowInput, Unresolved>> {
        async { Ok(self.0.clone()) }.boxed()
    }

    fn storage_item(&self) -> BoxFuture<'_, Result<Arc<StorageItem>, Unresolved>> {
        async { Err(Unresolved::NotFound("there is no storage item".to_owned())) }.boxed()
    }

    fn twin(&self, _: Uuid) -> BoxFuture<'_, Result<Option<Twin>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn twin_label_row(&self, _: Uuid) -> BoxFuture<'_, Result<Option<TwinRow>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn twin_task(&self, _: Uuid) -> BoxFuture<'_, Result<Option<Arc<Task>>, Unresolved>> {
        async { Ok(None) }.boxed()
    }

    fn children<'a>(
        &'a self,
        _: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Vec<Arc<StorageItem>>, Unresolved>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn file<'a>(
        &'a self,
        _: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Arc<MediaFile>, Unresolved>> {
        async { Err(Unresolved::NotFound("there is no file".to_owned())) }.boxed()
    }

    fn store(&self) -> Option<&Store> {
        None
    }
}

fn metadata(document: &Value, number_of_frames: u32) -> LabelRowMetadata {
    let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    let uuid_of = |key: &str| text(key).parse().expect("it is a UUID");
    LabelRowMetadata {
        label_hash: Some(uuid_of("label_hash")),
        data_hash: uuid_of("data_hash"),
        dataset_hash: uuid_of("dataset_hash"),
        dataset_title: text("dataset_title"),
        data_title: text("data_title"),
        data_type: text("data_type"),
        branch_name: text("branch_name"),
        label_status: text("label_status"),
        annotation_task_status: None,
        number_of_frames,
        frames_per_second: None,
        duration: None,
        width: Some(640),
        height: Some(480),
        priority: Some(0.5),
        client_metadata: None,
        backing_item_uuid: None,
        created_at: None,
        last_edited_at: None,
        group_hash: None,
        data_link: None,
        file_type: None,
        is_shadow_data: false,
        is_valid: true,
        audio_sample_rate: None,
        audio_codec: None,
        audio_bit_depth: None,
        audio_num_channels: None,
        images_data: None,
        spaces: serde_json::Map::new(),
        task_uuid: None,
        stage: None,
        assigned_user_email: None,
        last_actioned_by_user_email: None,
    }
}

/// The program, built when it is first asked for.
pub fn program() -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            // Of the whole workspace, not of its package: features of its dependencies are then those of the tests, and
            // wasmtime is not built a second time.
            .args([
                "build",
                "--quiet",
                "--release",
                "--workspace",
                "--bin",
                "runner-host",
            ])
            .current_dir(root());
        // Cargo tells a test about its package. Build scripts that look at this (that of `ring` does) would run anew,
        // and half of the program be built anew with them.
        let told =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(told) {
                cargo.env_remove(name);
            }
        }
        let status = cargo.status().expect("cargo starts");
        assert!(status.success(), "the program was not built");
    });
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/runner-host")
}

/// A local project of its own in a temporary folder, removed when it is dropped.
pub struct TestProject {
    folder: tempfile::TempDir,
}

impl TestProject {
    /// `tests/projects/agent.toml` over text files with these names.
    ///
    /// # Panics
    /// If the project cannot be made.
    pub fn of_texts(names: &[&str]) -> Self {
        let files: Vec<_> = names
            .iter()
            .map(|name| (format!("{name}.txt"), b"some text".to_vec()))
            .collect();
        Self::of_files(&files)
    }

    /// The same over pictures of 8 x 6 pixels with these names.
    ///
    /// # Panics
    /// If the project cannot be made.
    pub fn of_pictures(names: &[&str]) -> Self {
        let files: Vec<_> = names
            .iter()
            .map(|name| (format!("{name}.gif"), picture()))
            .collect();
        Self::of_files(&files)
    }

    /// `tests/projects/everything`: every type of data, every shape, several projects.
    ///
    /// # Panics
    /// If the media or the projects cannot be made.
    pub fn of_everything() -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let media = project.path().join("media");
        std::fs::create_dir_all(&media).expect("a folder");
        media::make(&media);
        for name in ["project.toml", "ontology.json"] {
            let written = root().join("tests/projects/everything").join(name);
            std::fs::copy(written, project.path().join(name)).expect("a copy of the set-up");
        }
        project.init(&[]);
        project
    }

    fn of_files(files: &[(String, Vec<u8>)]) -> Self {
        Self::of_media(|media| {
            for (name, content) in files {
                std::fs::write(media.join(name), content).expect("a file");
            }
        })
    }

    /// The same over the files that are put into a folder.
    ///
    /// # Panics
    /// If the project cannot be made.
    pub fn of_media(fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let project = Self { folder };
        let media = project.folder.path().join("media");
        std::fs::create_dir(&media).expect("a folder");
        fill(&media);
        std::fs::create_dir(project.path()).expect("a folder");
        std::fs::copy(
            root().join("tests/projects/agent.toml"),
            project.path().join("project.toml"),
        )
        .expect("a copy of the project file");
        project.init(&[&media]);
        project
    }

    /// Takes in further media.
    ///
    /// # Panics
    /// If they cannot be taken in.
    pub fn init(&self, media: &[&Path]) {
        let options = local::InitOptions {
            media: media.iter().map(|path| path.to_path_buf()).collect(),
            reset: false,
            title: None,
        };
        local::init(&self.path(), options).expect("the project is made");
    }

    /// The project's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A folder for whatever the test needs.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Serves the project, and gives a client of it.
    ///
    /// # Panics
    /// If it cannot be served.
    pub async fn serve(&self) -> Served {
        serve(local::Workspace::open(&self.path()).expect("the folder can be opened")).await
    }
}

/// Serves a folder, and gives a client of its first project.
///
/// # Panics
/// If it cannot be served.
pub async fn serve(workspace: local::Workspace) -> Served {
    serve_for(workspace, Key::generate()).await
}

/// [`serve`] for the owner of a key.
///
/// # Panics
/// If it cannot be served.
pub async fn serve_for(workspace: local::Workspace, key: Key) -> Served {
    let options = local::ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        ..local::ServerOptions::default()
    };
    let hash = workspace.projects()[0].hash;
    let server = local::Server::start(vec![workspace], options)
        .await
        .expect("it is served");
    let domain = server.url().as_str().parse().expect("it is a domain");
    Served {
        client: Client::new(domain, key).expect("a client"),
        hash,
        server,
    }
}

/// A project that is being served.
pub struct Served {
    /// Talks to it.
    pub client: Client,
    /// Its hash.
    pub hash: Uuid,
    /// Serves it.
    pub server: local::Server,
}

impl Served {
    /// The tasks that wait at a stage of `tests/projects/agent.toml`, by the titles of their data units.
    ///
    /// # Panics
    /// If they cannot be listed.
    pub async fn waiting(&self, stage: Uuid) -> Vec<String> {
        let mut titles = Vec::new();
        let mut page_token = None;
        loop {
            let page = self
                .client
                .tasks_page(self.hash, stage, page_token.as_deref())
                .await
                .expect("a page");
            titles.extend(page.tasks.into_iter().map(|task| task.data_title));
            page_token = page.next_page;
            if page_token.is_none() {
                titles.sort();
                return titles;
            }
        }
    }
}

/// The stage "Agent" of `tests/projects/agent.toml`.
pub const AGENT: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_222222222222);
/// The stage "Second" of the same.
pub const SECOND: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_222222222223);

/// The smallest GIF of 8 x 6 pixels: the header and one frame, all of one colour.
pub fn picture() -> Vec<u8> {
    let mut gif = b"GIF89a\x08\0\x06\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x08\0\x06\0\0".to_vec();
    gif.extend([
        0x02, 0x07, 0x84, 0x8f, 0xa9, 0xcb, 0xed, 0x0f, 0x53, 0x00, 0x3b,
    ]);
    gif
}
