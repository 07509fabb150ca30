//! The examples, each on real media, as whoever copies them will run them.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use runner_host::encord::{
    CreateOptions, LabelRowFilter, LabelRowMetadata, MetadataOptions, ReadOptions, StorageItem,
};
use runner_host::{CancellationToken, PluginRef, Runner, StageSummary, local};
use runner_tests::{Served, example, root, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// The project beside the main one.
const TWIN: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_111111111112);

/// A project over media, served.
struct Site {
    folder: TempDir,
    served: Served,
}

impl Site {
    /// `workflow` and `ontology` are parts of a `project.toml`. Media are copied; those without content are there already.
    async fn new(text: &str, media: &[(&str, PathBuf)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        let files = project.join("media");
        std::fs::create_dir_all(&files).unwrap();
        for (name, from) in media {
            std::fs::copy(from, files.join(name)).unwrap();
        }
        std::fs::write(project.join("project.toml"), text).unwrap();
        local::init(&project, local::InitOptions::default()).unwrap();
        let served = serve(local::Workspace::open(&project).unwrap()).await;
        Self { folder, served }
    }

    /// Runs an example on all of its tasks.
    async fn run(&self, name: &str, settings: &[(&str, &str)]) -> StageSummary {
        let mut builder = Runner::builder()
            .client(self.served.client.clone())
            .project_hash(self.served.hash)
            .plugin(PluginRef {
                stage: None,
                path: example(name),
            })
            .state_dir(self.folder.path().join("run"))
            .media_cache(self.folder.path().join("files"));
        for (setting, value) in settings {
            builder = builder.setting(*setting, *value);
        }
        let runner = builder
            .build()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let mut summary = runner.run(CancellationToken::new()).await.unwrap();
        let stage = summary.stages.remove(0);
        assert_eq!(
            (stage.failed, stage.retries),
            (0, 0),
            "{:?}",
            stage.failures
        );
        assert_eq!(
            stage.undeclared,
            [],
            "the example declares what it asks for"
        );
        stage
    }

    async fn listed(&self, project: Uuid) -> BTreeMap<String, LabelRowMetadata> {
        let (filter, options) = (LabelRowFilter::default(), MetadataOptions::default());
        let client = &self.served.client;
        let rows = client.list_label_rows(project, &filter, &options).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|row| (stem(&row.data_title), row)).collect()
    }

    async fn item(&self, title: &str) -> StorageItem {
        let uuid = self.listed(self.served.hash).await[title].backing_item_uuid;
        let client = &self.served.client;
        client.storage_item(uuid.unwrap(), false).await.unwrap()
    }

    async fn document(&self, title: &str) -> Value {
        let hash = self.listed(self.served.hash).await[title]
            .label_hash
            .unwrap();
        let options = ReadOptions::default();
        let client = &self.served.client;
        let rows = client
            .read_label_rows(self.served.hash, &[hash], &options)
            .await;
        rows.unwrap().remove(0).1
    }

    /// Draws boxes (x, y, width, height) in the row of a title.
    async fn draw(&self, project: Uuid, title: &str, boxes: &[[f64; 4]]) {
        let client = &self.served.client;
        let unit = self.listed(project).await[title].data_hash;
        let options = CreateOptions::default();
        let created = client.create_label_rows(project, &[unit], &options).await;
        let (_, mut document) = created.unwrap().remove(0);
        let mut drawn = Vec::new();
        for (number, [x, y, width, height]) in boxes.iter().enumerate() {
            let hash = format!("{number:08}");
            drawn.push(json!({
                "name": "Box", "color": "#D33115", "shape": "bounding_box", "value": "box",
                "createdAt": "Wed, 15 Jan 2025 09:31:05 UTC", "createdBy": "agent@local", "confidence": 1.0,
                "objectHash": hash, "featureHash": "PXFZO2ra", "manualAnnotation": true,
                "boundingBox": { "h": height, "w": width, "x": x, "y": y },
            }));
            document["object_answers"][&hash] =
                json!({ "objectHash": hash, "classifications": [] });
        }
        document["data_units"][unit.to_string()]["labels"] =
            json!({ "objects": drawn, "classifications": [] });
        let hash = document["label_hash"].as_str().unwrap().parse().unwrap();
        let saved = client.save_label_rows(project, &[(hash, &document)]).await;
        saved.unwrap();
    }
}

fn stem(title: &str) -> String {
    let path = Path::new(title).file_stem().unwrap();
    path.to_string_lossy().into_owned()
}

fn photo(name: &str) -> PathBuf {
    root().join("examples/sample/photos").join(name)
}

/// Another version of a photograph, by a filter of FFmpeg.
fn filtered(folder: &Path, name: &str, filter: &str) -> PathBuf {
    let made = folder.join(format!("{}.jpg", Uuid::new_v4()));
    ffmpeg(&photo(name), &made, filter);
    made
}

fn ffmpeg(from: &Path, to: &Path, filter: &str) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(from)
        .args(["-vf", filter])
        .arg(to)
        .output()
        .expect("ffmpeg starts: `bash tests/setup.sh media` installs it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// How many tasks went along each pathway.
fn ways(stage: &StageSummary) -> Vec<(&str, u64)> {
    let ways = stage.pathways.iter();
    ways.map(|(name, count)| (name.as_str(), *count)).collect()
}

/// The example's own project, with data.
fn project(example: &str, data: &str) -> String {
    let file = root().join("examples").join(example).join("project.toml");
    let text = std::fs::read_to_string(file).unwrap();
    format!("{text}\n{data}")
}

fn dataset(entries: &[(&str, &str)]) -> String {
    let entry = |(file, more): &(&str, &str)| {
        format!("[[dataset.items]]\nfile = \"media/{file}\"\n{more}\n")
    };
    let entries: Vec<_> = entries.iter().map(entry).collect();
    format!("[dataset]\ntitle = \"Examples\"\n\n{}", entries.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_decides_where_a_task_goes() {
    let names = ["cat.jpg", "dogs.jpg", "fig.jpg", "drum.jpg"];
    let media: Vec<_> = names.iter().map(|name| (*name, photo(name))).collect();
    let data = dataset(&[
        (
            "cat.jpg",
            "client-metadata = { site = \"north\", weight = 3 }",
        ),
        (
            "dogs.jpg",
            "client-metadata = { site = \"South\", weight = 30, camera = 7 }",
        ),
        ("fig.jpg", "client-metadata = { site = \"west\" }"),
        (
            "drum.jpg",
            "client-metadata = { site = \"north\", tags = [\"hold\"] }",
        ),
    ]);
    let text = project("metadata-routing", &data);
    let site = Site::new(&text, &media).await;
    let stage = site.run("metadata-routing", &[]).await;
    assert_eq!(
        ways(&stage),
        [("North", 1), ("South", 1), ("Unknown site", 1)]
    );
    assert_eq!(stage.stayed, 1);
    // What was there stays there, and what was noted is there.
    let noted = site.item("dogs").await.client_metadata.unwrap();
    let noted: Value = serde_json::from_str(&noted).unwrap();
    assert_eq!(
        noted,
        json!({ "site": "South", "weight": 30, "camera": 7, "routed_to": "South" })
    );
    let untouched = site.item("fig").await.client_metadata.unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&untouched).unwrap(),
        json!({ "site": "west" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_are_not_worth_labelling_are_sorted_out() {
    let made = tempfile::tempdir().unwrap();
    let names = ["cat", "coffee", "dogs", "stream"];
    let blurred = "gblur=sigma=6";
    let mut media: Vec<(String, PathBuf)> = Vec::new();
    for name in names {
        let file = format!("{name}.jpg");
        media.push((format!("{name}-good.jpg"), photo(&file)));
        media.push((
            format!("{name}-blurred.jpg"),
            filtered(made.path(), &file, blurred),
        ));
        let dark = "colorchannelmixer=rr=.2:gg=.2:bb=.2";
        media.push((
            format!("{name}-dark.jpg"),
            filtered(made.path(), &file, dark),
        ));
    }
    let media: Vec<_> = media
        .iter()
        .map(|(name, file)| (name.as_str(), file.clone()))
        .collect();
    let files: Vec<_> = media.iter().map(|(name, _)| (*name, "")).collect();
    let text = project("image-qa", &dataset(&files));
    let site = Site::new(&text, &media).await;
    let stage = site.run("image-qa", &[]).await;
    assert_eq!(ways(&stage), [("Annotate", 4), ("Reject", 8)]);
    for name in names {
        for (kind, option) in [("good", "Good"), ("blurred", "Blurred"), ("dark", "Dark")] {
            let title = format!("{name}-{kind}");
            let document = site.document(&title).await.to_string();
            assert!(
                document.contains(&format!("\"{option}\"")),
                "{title}: {document}"
            );
            let noted = site.item(&title).await.client_metadata.unwrap();
            let noted: Value = serde_json::from_str(&noted).unwrap();
            assert!(noted["qa"]["sharpness"].as_f64().is_some(), "{noted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_is_classified_by_each_nth_frame() {
    let made = tempfile::tempdir().unwrap();
    let city = root().join("examples/sample/video/city.mp4");
    // The lights go out at frame 80.
    let evening = made.path().join("evening.mp4");
    ffmpeg(
        &city,
        &evening,
        "colorchannelmixer=rr=.2:gg=.2:bb=.2:enable='gte(n,80)'",
    );
    let media = [("city.mp4", city), ("evening.mp4", evening)];
    let files = dataset(&[("city.mp4", ""), ("evening.mp4", "")]);
    let text = project("every-nth-frame", &files);
    let site = Site::new(&text, &media).await;
    let stage = site.run("every-nth-frame", &[("every", "10")]).await;
    assert_eq!(ways(&stage), [("Dark", 0), ("Light", 1), ("Changing", 1)]);
    let ranges = async |title: &str| {
        let document = site.document(title).await;
        let answers = document["classification_answers"].as_object().unwrap();
        let answer = |answer: &Value| {
            let option = &answer["classifications"][0]["answers"][0]["name"];
            (option.as_str().unwrap().to_owned(), answer["range"].clone())
        };
        answers.values().map(answer).collect::<BTreeMap<_, _>>()
    };
    let light = |range: Value| ("Light".to_owned(), range);
    let dark = |range: Value| ("Dark".to_owned(), range);
    assert_eq!(
        ranges("city").await,
        BTreeMap::from([light(json!([[0, 159]]))])
    );
    assert_eq!(
        ranges("evening").await,
        BTreeMap::from([light(json!([[0, 79]])), dark(json!([[80, 159]]))])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boxes_of_two_projects_are_compared() {
    let names = ["cat.jpg", "dogs.jpg", "fig.jpg", "drum.jpg"];
    let media: Vec<_> = names.iter().map(|name| (*name, photo(name))).collect();
    let files: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    let text = project("twin-compare", &dataset(&files));
    let site = Site::new(&text, &media).await;
    let main = site.served.hash;
    let (left, right) = ([0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.3, 0.3]);
    site.draw(main, "cat", &[left, right]).await;
    site.draw(
        TWIN,
        "cat",
        &[[0.59, 0.61, 0.3, 0.3], [0.11, 0.1, 0.3, 0.3]],
    )
    .await;
    site.draw(main, "dogs", &[left]).await;
    site.draw(TWIN, "dogs", &[right]).await;
    site.draw(main, "fig", &[left, right]).await;
    site.draw(TWIN, "fig", &[left]).await;
    let stage = site
        .run("twin-compare", &[("twin", &TWIN.to_string())])
        .await;
    assert_eq!(
        ways(&stage),
        [("Agreed", 1), ("Review", 2), ("Nothing to compare", 1)]
    );
    // With more agreement asked for than two boxes of three.
    assert!(
        site.listed(TWIN).await["drum"].label_hash.is_none(),
        "nothing was made there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_transferred_from_another_project() {
    let names = ["cat.jpg", "dogs.jpg", "fig.jpg"];
    let media: Vec<_> = names.iter().map(|name| (*name, photo(name))).collect();
    let files: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    let text = project("label-transfer", &dataset(&files));
    let site = Site::new(&text, &media).await;
    let there = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.25, 0.25]];
    site.draw(TWIN, "cat", &there).await;
    site.draw(TWIN, "fig", &there).await;
    site.draw(site.served.hash, "fig", &there[..1]).await;
    let stage = site
        .run("label-transfer", &[("source", &TWIN.to_string())])
        .await;
    assert_eq!(ways(&stage), [("Done", 1), ("Review", 1), ("Annotate", 1)]);
    let document = site.document("cat").await;
    let unit = document["data_units"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap();
    let objects = unit["labels"]["objects"].as_array().unwrap();
    let boxes: Vec<_> = objects
        .iter()
        .map(|object| object["boundingBox"].clone())
        .collect();
    let expected: Vec<_> = there
        .iter()
        .map(|[x, y, w, h]| json!({ "h": h, "w": w, "x": x, "y": y }))
        .collect();
    assert_eq!(boxes.len(), expected.len());
    for one in &expected {
        assert!(boxes.contains(one), "{boxes:?}");
    }
}
