//! Several projects, datasets and workflow templates in one folder, and the kinds of data that are no single file.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Served;
use super::{InitOptions, LocalError, Scratch, init};

/// A main project, a twin of it, a second dataset and a template. Every identifier that the tests need is written
/// down.
const SET_UP: &str = r#"
[project]
title = "First"
hash = "11111111-1111-4111-8111-111111111111"
[dataset]
hash = "22222222-2222-4222-8222-222222222222"
[ontology]
hash = "33333333-3333-4333-8333-333333333333"
[[ontology.objects]]
name = "Box"
shape = "bounding_box"
feature-hash = "boxboxbo"
[workflow]
start = "Split"
[[workflow.stages]]
title = "Split"
type = "percentage-router"
pathways = [
    { name = "most", to = "Agent", percent = 100 },
    { name = "rest", to = "Complete", percent = 0 },
]
[[workflow.stages]]
title = "Agent"
type = "agent"
label-branch = "predictions"
pathways = [
    { name = "halves", to = "Halves" },
    { name = "by user", to = "By user" },
]
[[workflow.stages]]
title = "Halves"
type = "percentage-router"
pathways = [{ name = "a", to = "A", percent = 50 }, { name = "b", to = "B", percent = 50 }]
[[workflow.stages]]
title = "By user"
type = "user-router"
pathways = [{ name = "ours", to = "A", users = ["agent@local"] }, { name = "others", to = "B" }]
[[workflow.stages]]
title = "A"
type = "annotation"
pathways = [{ name = "submit", to = "Complete" }]
[[workflow.stages]]
title = "B"
type = "complete"
[[workflow.stages]]
title = "Complete"
type = "complete"

[[projects]]
title = "Twin"
hash = "44444444-4444-4444-8444-444444444444"

[[datasets]]
title = "Parts"
hash = "55555555-5555-4555-8555-555555555555"
folder = "55555555-5555-4555-8555-555555555556"
[[datasets.items]]
type = "image-group"
title = "two images"
uuid = "66666666-6666-4666-8666-666666666661"
data-hash = "66666666-6666-4666-8666-666666666662"
client-metadata = { place = "shelf", since = 2026-01-02, sizes = [1, 2.5] }
files = [
    "../media/image_000.bmp",
    { file = "../media/image_001.bmp", title = "second", data-hash = "66666666-6666-4666-8666-666666666663" },
]
[[datasets.items]]
type = "data-group"
title = "side by side"
data-hash = "77777777-7777-4777-8777-777777777771"
files = [
    { file = "../media/note.txt", key = "left", data-hash = "77777777-7777-4777-8777-777777777772" },
    { file = "../media/page.html", key = "right" },
]
[[datasets.items]]
type = "dicom"
title = "series"
files = ["../media/slice.dcm"]
width = 256
height = 128
[[datasets.items]]
file = "../media/brain.nii"

[[workflow-templates]]
title = "Straight"
hash = "88888888-8888-4888-8888-888888888888"
[[workflow-templates.stages]]
title = "Agent 1"
type = "agent"
uuid = "99999999-9999-4999-8999-999999999991"
pathways = [{ name = "complete", to = "Complete", uuid = "99999999-9999-4999-8999-999999999992" }]
[[workflow-templates.stages]]
title = "Complete"
type = "complete"
"#;

const FIRST: &str = "11111111-1111-4111-8111-111111111111";
const TWIN: &str = "44444444-4444-4444-8444-444444444444";
const PARTS: &str = "55555555-5555-4555-8555-555555555555";
const ONTOLOGY: &str = "33333333-3333-4333-8333-333333333333";
const TEMPLATE: &str = "88888888-8888-4888-8888-888888888888";
const AGENT_1: &str = "99999999-9999-4999-8999-999999999991";

fn set_up(images: u32) -> Scratch {
    let scratch = Scratch::new();
    scratch.add_images(images.max(2));
    for (name, content) in [
        ("note.txt", "a note"),
        ("page.html", "<p>a page</p>"),
        ("slice.dcm", "opaque"),
        ("brain.nii", "opaque"),
    ] {
        scratch.add(name, content.as_bytes());
    }
    scratch.write_manifest(SET_UP);
    let media = (0..images).map(|number| scratch.media().join(format!("image_{number:03}.bmp")));
    let options = InitOptions {
        media: media.collect(),
        ..InitOptions::default()
    };
    init(&scratch.project(), options).expect("the set-up has no mistakes");
    scratch
}

async fn served(scratch: &Scratch) -> Served {
    Served::start(scratch.open().expect("it has been made")).await
}

async fn project_of(served: &Served) -> Value {
    let path = format!("projects/{}", served.project);
    let (status, shown) = served.v2(Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    shown
}

fn uuid(text: &str) -> Uuid {
    text.parse().expect("it is one")
}

async fn create(served: &Served, template: &str) -> (u64, Value) {
    let payload = json!({
        "title": "Made by a client", "description": "", "dataset_hashes": [PARTS], "ontology_hash": ONTOLOGY,
        "workflow_type": "MANUAL_QA", "workflow_template_id": template,
    });
    served.v1("project", "POST", Value::Null, payload).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_has_the_data_and_tasks_of_its_own() {
    let scratch = set_up(3);
    let mut served = served(&scratch).await;
    let listing = json!({ "include_uninitialised_labels": true });
    let first = served.metadata(listing.clone()).await;
    served
        .v1("labelrow", "PUT", json!([first[0]["data_hash"]]), json!({}))
        .await;
    served.project = uuid(TWIN);
    let twin = served.metadata(listing).await;
    let of =
        |rows: &[Value], key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of(&first, "data_hash"), of(&twin, "data_hash"));
    assert_eq!(
        of(&twin, "label_hash"),
        [Value::Null, Value::Null, Value::Null]
    );
    let tasks = [of(&first, "task_uuid"), of(&twin, "task_uuid")];
    assert!(tasks[0].iter().all(|task| !tasks[1].contains(task)));
    // An issue is about data of the project, and no other.
    let issue = |data_hash: &Value| {
        let anchor = json!({ "type": "dataUnit", "dataUuid": data_hash });
        json!({ "issues": [{ "anchor": anchor, "comment": "blurred" }] })
    };
    let path = format!("projects/{TWIN}/issues");
    for (data_hash, expected) in [
        (twin[0]["data_hash"].clone(), StatusCode::OK),
        (
            json!("66666666-6666-4666-8666-666666666662"),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let sent = served.v2(Method::POST, &path, Some(issue(&data_hash)));
        assert_eq!(sent.await.0, expected);
    }
    let (status, listed) = served.v2(Method::GET, "projects", None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        of(listed["results"].as_array().expect("a list"), "title"),
        ["First", "Twin"]
    );
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_makes_a_project_from_a_template_and_deletes_it() {
    let scratch = set_up(2);
    let mut served_ = served(&scratch).await;
    let (status, hash) = create(&served_, TEMPLATE).await;
    assert_eq!(status, 200, "{hash}");
    served_.stop().await;

    // It survives the end of the server, as does what was done in it.
    served_ = served(&scratch).await;
    served_.project = uuid(hash.as_str().expect("it is a text"));
    let shown = project_of(&served_).await;
    assert_eq!(shown["title"], "Made by a client");
    assert_eq!(shown["ontologyHash"], ONTOLOGY);
    let stages = &shown["workflow"]["stages"];
    assert_eq!(
        stages[0]["uuid"], AGENT_1,
        "stages keep the identifiers of the template"
    );
    assert_eq!(
        stages[0]["pathways"][0]["uuid"],
        "99999999-9999-4999-8999-999999999992"
    );
    assert_eq!(served_.tasks(uuid(AGENT_1), async |_| {}).await.len(), 4);

    let (status, _) = served_
        .v1("project", "DELETE", hash.clone(), Value::Null)
        .await;
    assert_eq!(status, 200);
    let gone = |served: &Served| {
        let path = format!("projects/{}", served.project);
        let request = served.v2_request(Method::GET, &path, None);
        async move { request.send().await.expect("the server runs").status() }
    };
    assert_eq!(gone(&served_).await, StatusCode::FORBIDDEN);
    let (status, answer) = create(&served_, FIRST).await;
    assert_eq!(
        (status, answer),
        (404, json!(["RESOURCE_NOT_FOUND_ERROR"])),
        "no such template"
    );

    // One that `project.toml` has does not come back either.
    served_.project = uuid(TWIN);
    assert_eq!(
        served_
            .v1("project", "DELETE", json!(TWIN), Value::Null)
            .await
            .0,
        200
    );
    served_.stop().await;
    scratch.edit_manifest(|text| text.replace("\"Twin\"", "\"Twin again\""));
    let served_ = served(&scratch).await;
    let (_, listed) = served_.v2(Method::GET, "projects", None).await;
    assert_eq!(
        listed["results"].as_array().map(Vec::len),
        Some(1),
        "{listed}"
    );
    served_.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_several_files_have_parts() {
    let scratch = set_up(2);
    let mut served = served(&scratch).await;
    let (_, hash) = create(&served, TEMPLATE).await;
    served.project = uuid(hash.as_str().expect("it is a text"));
    let listing = json!({
        "include_uninitialised_labels": true, "include_images_data": true, "include_client_metadata": true,
    });
    let rows = served.metadata(listing).await;
    let data_types: Vec<_> = rows
        .iter()
        .map(|row| row["data_type"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(data_types, ["IMG_GROUP", "GROUP", "DICOM", "NIFTI"]);
    let group = &rows[0];
    assert_eq!(
        group["backing_item_uuid"],
        "66666666-6666-4666-8666-666666666661"
    );
    assert_eq!(
        group["client_metadata"],
        json!({ "place": "shelf", "since": "2026-01-02", "sizes": [1, 2.5] })
    );
    assert_eq!(
        (&group["number_of_frames"], &group["data_link"]),
        (&json!(2), &Value::Null)
    );
    let second = json!({
        "index": 1, "title": "second", "file_type": "image/bmp", "height": 20, "width": 11,
        "image_hash": "66666666-6666-4666-8666-666666666663",
    });
    assert_eq!(group["images_data"][1], second);
    let spaces = &rows[1]["spaces"]["77777777-7777-4777-8777-777777777772"];
    assert_eq!(
        (&spaces["space_type"], &spaces["labels"]),
        (&json!("text"), &json!({}))
    );
    assert_eq!(spaces["child_info"]["layout_key"], "left");
    assert_eq!(
        (&rows[2]["width"], &rows[2]["height"]),
        (&json!(256), &json!(128))
    );

    let hashes: Vec<_> = rows.iter().map(|row| row["data_hash"].clone()).collect();
    let payload = json!({ "multi_request": true, "get_signed_url": true });
    let (status, created) = served.v1("labelrow", "PUT", hashes.into(), payload).await;
    assert_eq!(status, 200, "{created}");
    let units = created[0]["data_units"].as_object().expect("it has units");
    let sequence: Vec<_> = units
        .values()
        .map(|unit| unit["data_sequence"].clone())
        .collect();
    assert_eq!(sequence, ["0", "1"], "texts, as Encord has them");
    let link = units["66666666-6666-4666-8666-666666666663"]["data_link"]
        .as_str()
        .expect("it has a link");
    let file = served.http.get(link).send().await.expect("the server runs");
    assert_eq!(
        file.bytes().await.expect("the server answers"),
        super::bitmap(11, 20)
    );
    assert_eq!(
        created[1]["spaces"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    assert_eq!(
        created[2]["data_units"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );

    // What the server knows of a space stays, though clients do not send it back.
    let mut sent = created[1].clone();
    let left = "77777777-7777-4777-8777-777777777772";
    sent["spaces"] = json!({ left: { "space_type": "text", "labels": { "0": {} } } });
    let saved = json!({ "multi_request": true, "labels": [sent] });
    let label_hash = json!([created[1]["label_hash"]]);
    assert_eq!(
        served
            .v1("labelrow", "POST", label_hash.clone(), saved)
            .await
            .0,
        200
    );
    let (_, read) = served.v1("labelrow", "GET", label_hash, json!({})).await;
    let space = &read[0]["spaces"][left];
    assert_eq!(
        (&space["labels"], &space["child_info"]["layout_key"]),
        (&json!({ "0": {} }), &json!("left"))
    );

    let with_children = json!({ "include_uninitialised_labels": true, "include_children": true });
    let rows = served.metadata(with_children).await;
    let children: Vec<_> = rows
        .iter()
        .filter(|row| !row["group_hash"].is_null())
        .collect();
    assert_eq!(
        children.len(),
        2,
        "images of a group are no rows of their own"
    );
    assert!(
        children
            .iter()
            .all(|row| row["group_hash"] == "77777777-7777-4777-8777-777777777771")
    );
    let item = "66666666-6666-4666-8666-666666666661";
    let path = format!(
        "storage/folders/55555555-5555-4555-8555-555555555556/items/{item}/child-items?signUrls=True"
    );
    let (_, parts) = served.v2(Method::GET, &path, None).await;
    let parts = parts["results"].as_array().expect("a list").clone();
    assert_eq!(
        parts
            .iter()
            .map(|part| part["name"].clone())
            .collect::<Vec<_>>(),
        ["image_000.bmp", "second"]
    );
    assert!(parts.iter().all(|part| part["signedUrl"].is_string()));
    let (_, whole) = served
        .v2(
            Method::GET,
            &format!("storage/items/{item}?signUrl=True"),
            None,
        )
        .await;
    assert_eq!(
        (&whole["signedUrl"], &whole["itemType"]),
        (&Value::Null, &json!("imageGroup"))
    );
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routers_pass_tasks_on() {
    let scratch = set_up(40);
    let opened = scratch.open().expect("it has been made");
    let stages = opened.projects()[0].stages.clone();
    let stage = |title: &str| {
        let found = stages.iter().find(|stage| stage.title == title);
        found.expect("it is in the set-up").uuid
    };
    let served = Served::start(opened).await;
    let shown = project_of(&served).await;
    let shown: Vec<_> = shown["workflow"]["stages"]
        .as_array()
        .expect("a list")
        .clone();
    assert!(
        shown.iter().all(|stage| !stage["stageType"]
            .as_str()
            .unwrap_or_default()
            .contains("ROUTER")),
        "the official client refuses a project that lists one"
    );
    // All began at the first router, and none is there.
    let tasks = served.tasks(stage("Agent"), async |page| {
        assert!(
            page.iter()
                .all(|task| task["labelBranchName"] == "predictions")
        );
    });
    let tasks = tasks.await;
    assert_eq!(tasks.len(), 40);
    let path = format!("workflow/stages/{}/actions", stage("Agent"));
    let action = |task: &String, pathway: &str| json!({ "taskUuid": task, "action": "PATHWAY_ACTION", "pathwayName": pathway });
    let halves: Vec<_> = tasks[..36]
        .iter()
        .map(|task| action(task, "halves"))
        .collect();
    served
        .of_project(Method::POST, &path, Some(halves.into()))
        .await;
    let (a, b) = (
        served.tasks(stage("A"), async |_| {}).await.len(),
        served.tasks(stage("B"), async |_| {}).await.len(),
    );
    assert_eq!(a + b, 36);
    assert!(a >= 8 && b >= 8, "about a half each: {a} and {b}");
    let by_user: Vec<_> = tasks[36..]
        .iter()
        .map(|task| action(task, "by user"))
        .collect();
    served
        .of_project(Method::POST, &path, Some(by_user.into()))
        .await;
    assert_eq!(
        served.tasks(stage("A"), async |_| {}).await.len(),
        a + 4,
        "this account is named"
    );
    served.stop().await;
}

#[test]
fn a_dataset_is_taken_in_by_init_and_further_projects_at_the_next_opening() {
    let scratch = set_up(2);
    scratch.edit_manifest(|text| text + "\n[[projects]]\ntitle = \"Third\"\ndatasets = [\"Parts\"]\nworkflow = \"Straight\"\n");
    let opened = scratch.open().expect("nothing has to be read for it");
    let titles: Vec<_> = opened
        .projects()
        .iter()
        .map(|project| project.title.as_str())
        .collect();
    assert_eq!(titles, ["First", "Twin", "Third"]);
    drop(opened);
    scratch.edit_manifest(|text| {
        text + "\n[[datasets]]\ntitle = \"More\"\nmedia = [\"../media/note.txt\"]\n"
    });
    match scratch.open() {
        Err(error @ LocalError::DatasetMissing { .. }) => {
            assert!(
                error
                    .help()
                    .expect("there is something to do")
                    .contains("runner-host init")
            );
        }
        other => panic!("expected the dataset to be missing, found {other:?}"),
    }
    let report = init(&scratch.project(), InitOptions::default()).expect("it has media");
    assert_eq!((report.added, report.kept), (1, 6));
    scratch.open().expect("it has been taken in");
}

#[test]
fn mistakes_in_items_and_references_are_found() {
    let scratch = set_up(2);
    let mistake = |from: &str, to: &str| {
        let text = SET_UP.replacen(from, to, 1);
        assert_ne!(text, SET_UP, "{from}");
        scratch.write_manifest(&text);
        match scratch.open() {
            Err(LocalError::Manifest { mistakes, .. }) => mistakes[0].message.clone(),
            other => panic!("expected a mistake for {to}, found {other:?}"),
        }
    };
    for (from, to, expected) in [
        (
            "title = \"Twin\"",
            "title = \"Twin\"\nworkflow = \"Crooked\"",
            "expected the title or the hash of a workflow template (\"Straight\"), found \"Crooked\"",
        ),
        (
            "type = \"image-group\"",
            "type = \"album\"",
            "expected the type of an item (image, video, image-group, image-sequence, data-group, audio, text, pdf, \
             dicom, nifti), found `album`",
        ),
        (
            "file = \"../media/brain.nii\"",
            "files = [\"../media/brain.nii\"]",
            "expected `file`, or a `type` that takes `files` for the item, found `files`",
        ),
        (
            "percent = 50 }, {",
            "percent = 40 }, {",
            "expected percentages that add up to 100, found 90",
        ),
        (
            "{ name = \"others\", to = \"B\" }",
            "{ name = \"others\", to = \"B\", users = [\"b@c\"] }",
            "expected of the user-router stage \"By user\" exactly one pathway without `users`, for everybody else, \
             found ours, others",
        ),
        (
            "{ name = \"a\", to = \"A\", percent = 50 }",
            "{ name = \"a\", to = \"Split\", percent = 50 }",
            "",
        ),
    ] {
        if expected.is_empty() {
            // To a router is fine, as long as it does not lead back.
            scratch.write_manifest(&SET_UP.replacen(from, to, 1));
            scratch.open().expect("routers may follow each other");
            continue;
        }
        assert_eq!(mistake(from, to), expected);
    }
    let circle = mistake(
        "to = \"Agent\", percent = 100",
        "to = \"Split\", percent = 100",
    );
    assert!(circle.contains("leads back to it"), "{circle}");
}
