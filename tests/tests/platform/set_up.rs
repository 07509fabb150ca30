//! The project of `tests/projects/platform.toml`, and the faults that its server is asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::StatusCode;
use reqwest::header::RANGE;
use runner_host::encord::{
    Client, CreateOptions, LabelRowFilter, LabelRowMetadata, MetadataOptions, ReadOptions, Task,
};
use runner_host::local::{self, FaultPlan, Server, Workspace};
use runner_tests::{Served, picture, root, serve};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const PROJECT: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000001);
pub(crate) const TWIN: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000002);

pub(crate) const AGENT: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000001);
pub(crate) const ANNOTATE: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000002);
pub(crate) const REVIEW: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000003);
pub(crate) const MODEL: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000004);
pub(crate) const COMPLETE: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000005);
pub(crate) const COMPARE: Uuid = Uuid::from_u128(0x22222222_2222_4222_8222_000000000011);

pub(crate) const TO_ANNOTATE: Uuid = Uuid::from_u128(0x33333333_3333_4333_8333_000000000001);

/// The project in a temporary folder.
pub(crate) struct Platform(tempfile::TempDir);

impl Platform {
    /// With pictures of these names in the dataset "Plain".
    pub(crate) fn of_pictures(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let platform = Self(folder);
        let media = platform.folder().join("media");
        let parts = platform.folder().join("parts");
        for path in [&media, &parts, &platform.project()] {
            std::fs::create_dir(path).expect("the folder is ours");
        }
        let write = |folder: &Path, name: &str, content: &[u8]| {
            std::fs::write(folder.join(name), content).expect("the folder is ours");
        };
        for name in names {
            write(&media, &format!("{name}.gif"), &picture());
        }
        for name in ["first", "second", "left"] {
            write(&parts, &format!("{name}.gif"), &picture());
        }
        write(&parts, "note.txt", b"a note");
        write(&parts, "document.pdf", &pdf());
        video(&parts.join("sequence.mp4"));
        let definition = root().join("tests/projects/platform.toml");
        let copy = platform.project().join("project.toml");
        std::fs::copy(definition, copy).expect("the folder is ours");
        let options = local::InitOptions {
            media: vec![media],
            reset: false,
            title: None,
        };
        local::init(&platform.project(), options).expect("the project is made");
        platform
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder().join("project")
    }

    pub(crate) fn open(&self) -> Workspace {
        Workspace::open(&self.project()).expect("the folder can be opened")
    }

    pub(crate) async fn serve(&self) -> Served {
        serve(self.open()).await
    }
}

/// What the server does wrong from now on.
pub(crate) fn set_faults(server: &Server, plan: &str) {
    let plan = FaultPlan::from_toml(plan).expect("the plan has no mistakes");
    server.faults().set(plan);
}

/// For each rule how many requests it was about, and how many met the fault.
pub(crate) fn counts(server: &Server) -> Vec<(u64, u64)> {
    let counts = server.faults().counts().into_iter();
    counts.map(|count| (count.matched, count.fired)).collect()
}

/// All tasks at a stage.
pub(crate) async fn tasks(client: &Client, project: Uuid, stage: Uuid) -> Vec<Task> {
    let mut listing = client.tasks(project, stage, Default::default());
    let mut tasks = Vec::new();
    while let Some(page) = listing.next_page().await.expect("a page") {
        tasks.extend(page);
    }
    tasks
}

/// The task of a stage whose data unit has this title.
pub(crate) async fn task(client: &Client, stage: Uuid, title: &str) -> Task {
    let tasks = tasks(client, PROJECT, stage).await;
    let found = tasks.into_iter().find(|task| task.data_title == title);
    found.unwrap_or_else(|| panic!("\"{title}\" is not at the stage"))
}

/// All rows of a project on a branch.
pub(crate) async fn rows(client: &Client, project: Uuid, branch: &str) -> Vec<LabelRowMetadata> {
    let options = MetadataOptions {
        branch_name: Some(branch.to_owned()),
        ..MetadataOptions::default()
    };
    let filter = LabelRowFilter::default();
    let rows = client.list_label_rows(project, &filter, &options).await;
    rows.expect("the rows can be listed")
}

/// The row of a data unit, by its title.
pub(crate) async fn row(client: &Client, title: &str) -> LabelRowMetadata {
    let rows = rows(client, PROJECT, "main").await;
    let found = rows.into_iter().find(|row| row.data_title == title);
    found.unwrap_or_else(|| panic!("there is no row of \"{title}\""))
}

/// Makes rows of the project on the main branch. Gives the label hash and the document of each.
pub(crate) async fn create(client: &Client, data_hashes: &[Uuid]) -> Vec<(Uuid, Value)> {
    let options = CreateOptions::default();
    let created = client
        .create_label_rows(PROJECT, data_hashes, &options)
        .await;
    let documents = created.expect("the rows can be made").into_iter();
    documents
        .map(|(_, document)| (label_hash(&document), document))
        .collect()
}

/// The same, with a note in each that is yet to be saved.
pub(crate) async fn create_noted(client: &Client, data_hashes: &[Uuid]) -> Vec<(Uuid, Value)> {
    let mut created = create(client, data_hashes).await;
    for (_, document) in &mut created {
        document["note"] = json!("saved");
    }
    created
}

/// As it is handed to the client.
pub(crate) fn by_reference(rows: &[(Uuid, Value)]) -> Vec<(Uuid, &Value)> {
    rows.iter()
        .map(|(hash, document)| (*hash, document))
        .collect()
}

/// How many of the rows have the note.
pub(crate) async fn noted(client: &Client, rows: &[(Uuid, Value)]) -> usize {
    let hashes: Vec<_> = rows.iter().map(|(hash, _)| *hash).collect();
    let documents = read(client, PROJECT, &hashes).await.into_iter();
    documents
        .filter(|document| document["note"] == "saved")
        .count()
}

/// The documents of rows.
pub(crate) async fn read(client: &Client, project: Uuid, label_hashes: &[Uuid]) -> Vec<Value> {
    let options = ReadOptions::default();
    let read = client
        .read_label_rows(project, label_hashes, &options)
        .await;
    let documents = read.expect("the rows can be read").into_iter();
    documents.map(|(_, document)| document).collect()
}

/// The label hash that a document has.
pub(crate) fn label_hash(document: &Value) -> Uuid {
    let hash = document["label_hash"].as_str().expect("it has one");
    hash.parse().expect("it is one")
}

/// A file behind a URL: the status and the bytes.
pub(crate) async fn download(url: &str, range: Option<&str>) -> (StatusCode, Vec<u8>) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.get(url);
    if let Some(range) = range {
        request = request.header(RANGE, range);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.bytes().await.unwrap().to_vec())
}

/// A PDF with two empty pages.
fn pdf() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    file.push_str(&table);
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// Three black frames.
fn video(path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("color=size=16x16:rate=10:duration=0.3")
        .args(["-c:v", "mpeg4"])
        .arg(path)
        .status()
        .expect("FFmpeg is installed");
    assert!(status.success(), "the video was not made");
}
