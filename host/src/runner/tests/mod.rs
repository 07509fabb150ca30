//! Tests of the parts of a run over a real local project that is served on a port of its own, without a plugin.

mod commit;
mod files;
mod prefetch;
mod rows;

use std::path::PathBuf;
use std::sync::Arc;

use runner_media::{FetchOptions, Store};
use uuid::Uuid;

use super::dependencies::Dependencies;
use super::prefetch::Ahead;
use super::rows::RowBudget;
use super::source::Source;
use super::undeclared::Undeclareds;
use crate::encord::{Client, CreateOptions, Key, LabelRowMetadata, MetadataOptions, Task};
use crate::engine::Declaration;
use crate::local::{FaultPlan, InitOptions, Server, ServerOptions, Workspace, init};

const PROJECT: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000001);
const TWIN: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000002);
/// The same for a project that there is not.
const NOWHERE: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000003);
const DATASET: Uuid = Uuid::from_u128(0x44444444_4444_4444_8444_000000000001);
const STAGE: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000001);

/// Two projects over one dataset, whose media come first, and then an image group of two pictures.
const MANIFEST: &str = r#"
[project]
title = "Feed"
hash = "11111111-1111-4111-8111-000000000001"

[[projects]]
title = "Twin"
hash = "11111111-1111-4111-8111-000000000002"
workflow = "Twin"

[ontology]
title = "Feed"

[[ontology.objects]]
name = "Box"
shape = "bounding_box"

[dataset]
title = "Feed"
hash = "44444444-4444-4444-8444-000000000001"

[[dataset.items]]
type = "image-group"
title = "group"
files = ["../parts/first.gif", "../parts/second.gif"]

[[workflow.stages]]
title = "Agent"
type = "agent"
uuid = "22222222-2222-4222-8222-000000000001"
pathways = [{ name = "Next", to = "Complete", uuid = "33333333-3333-4333-8333-000000000001" }]

[[workflow.stages]]
title = "Complete"
type = "complete"
uuid = "22222222-2222-4222-8222-000000000002"

[[workflow-templates]]
title = "Twin"

[[workflow-templates.stages]]
title = "Compare"
type = "agent"
uuid = "22222222-2222-4222-8222-000000000011"
pathways = [{ name = "Next", to = "End" }]

[[workflow-templates.stages]]
title = "End"
type = "complete"
"#;

/// The smallest GIF of 8 x 6 pixels.
const PICTURE: &[u8] = b"GIF89a\x08\0\x06\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x08\0\x06\0\0\
    \x02\x07\x84\x8f\xa9\xcb\xed\x0f\x53\x00\x3b";

/// A served project.
struct Feed {
    folder: tempfile::TempDir,
    client: Client,
    server: Server,
    store: Store,
}

impl Feed {
    /// Over text files of these sizes, in bytes, and the image group.
    async fn of_texts(sizes: &[usize]) -> Self {
        Self::served(sizes, ServerOptions::default()).await
    }

    async fn served(sizes: &[usize], options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["media", "parts", "project"] {
            std::fs::create_dir(path(name)).expect("the folder is ours");
        }
        let write = |path: PathBuf, content: &[u8]| {
            std::fs::write(path, content).expect("the folder is ours");
        };
        for (number, size) in sizes.iter().enumerate() {
            let text = path("media").join(format!("{number:03}.txt"));
            write(text, &vec![b'x'; *size]);
        }
        write(path("parts").join("first.gif"), PICTURE);
        write(path("parts").join("second.gif"), PICTURE);
        write(path("project").join("project.toml"), MANIFEST.as_bytes());
        let from = InitOptions {
            media: vec![path("media")],
            ..InitOptions::default()
        };
        init(&path("project"), from).expect("the project is made");
        let workspace = Workspace::open(&path("project")).expect("it has been made");
        let key = Key::generate();
        let options = ServerOptions {
            public_keys: vec![key.public_hex().to_owned()],
            ..options
        };
        let server = Server::start(vec![workspace], options).await;
        let server = server.expect("it is served");
        let domain = server.url().as_str().parse().expect("it is a domain");
        let fetch = FetchOptions {
            local: true,
            backoff: std::time::Duration::from_millis(1),
            ..FetchOptions::default()
        };
        let store = Store::open(&path("cache"), 1 << 30, fetch).expect("the folder is ours");
        Self {
            client: Client::new(domain, key).expect("a client"),
            folder,
            server,
            store,
        }
    }

    fn source(&self, declaration: Declaration) -> Arc<Source> {
        self.source_within(declaration, 512 << 20)
    }

    /// With so many bytes of memory for label rows.
    fn source_within(&self, declaration: Declaration, row_bytes: u64) -> Arc<Source> {
        Arc::new(Source {
            client: self.client.clone(),
            project: PROJECT,
            declaration,
            twins: Arc::default(),
            store: Ok(self.store.clone()),
            undeclared: Undeclareds::default(),
            row_budget: RowBudget::new(row_bytes),
        })
    }

    /// What the server does wrong from now on. Rules of no latency only count.
    fn set_faults(&self, plan: &str) {
        let plan = FaultPlan::from_toml(plan).expect("the plan has no mistakes");
        self.server.faults().set(plan);
    }

    /// For each rule how many requests it was about.
    fn counts(&self) -> Vec<u64> {
        let counts = self.server.faults().counts().into_iter();
        counts.map(|count| count.matched).collect()
    }

    /// All tasks, in the order of their data units' names.
    async fn tasks(&self) -> Vec<Task> {
        let mut listing = self.client.tasks(PROJECT, STAGE, Default::default());
        let mut tasks = Vec::new();
        while let Some(page) = listing.next_page().await.expect("a page") {
            tasks.extend(page);
        }
        tasks.sort_by(|one, other| one.data_title.cmp(&other.data_title));
        tasks
    }

    async fn task(&self, title: &str) -> Task {
        let tasks = self.tasks().await.into_iter();
        let mut found = tasks.filter(|task| task.data_title == title);
        found.next().expect("it is at the stage")
    }

    /// Makes the label rows of data units in a project.
    async fn label(&self, project: Uuid, tasks: &[Task]) {
        let hashes: Vec<_> = tasks.iter().map(|task| task.data_hash).collect();
        let options = CreateOptions::default();
        let made = self.client.create_label_rows(project, &hashes, &options);
        made.await.expect("they can be made");
    }

    async fn metadata(&self, task: &Task) -> LabelRowMetadata {
        let options = MetadataOptions::default();
        let hashes = [task.data_hash];
        let listed = self.client.label_row_metadata(PROJECT, &hashes, &options);
        listed.await.expect("it is listed").remove(0)
    }
}

/// The dependencies that were asked for undeclared, and by how many tasks.
fn undeclared(source: &Source) -> Vec<(String, &'static str, u64)> {
    let all = source.undeclared.all().into_iter();
    all.map(|one| (one.dependency, one.declaration, one.tasks))
        .collect()
}

/// Resolves tasks, and all of their label rows. Nobody holds the shares that they have of their budget.
async fn prefetch(source: &Arc<Source>, tasks: Vec<Task>) -> Vec<Arc<Dependencies>> {
    let mut ahead = Ahead::new(source, tasks);
    let mut batch = Vec::new();
    while let Some(part) = ahead.next().await {
        for one in part {
            drop(one.take_share());
            batch.push(one);
        }
    }
    batch
}
