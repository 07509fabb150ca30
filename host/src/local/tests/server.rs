use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::Served;
use super::{Scratch, bitmap};

async fn served(scratch: &Scratch) -> Served {
    Served::start(scratch.open().expect("it has been made")).await
}

fn with_images(count: u32) -> Scratch {
    let scratch = Scratch::new();
    scratch.add_images(count);
    scratch.init().expect("the media are fine");
    scratch
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_misses_no_task_while_tasks_leave() {
    let scratch = Scratch::new();
    for number in 0..2500 {
        scratch.add(&format!("{number}.txt"), b"text");
    }
    scratch.init().expect("the media are fine");
    let project = scratch.open().expect("it has been made");
    let stage = project.projects()[0].stages[0].clone();
    let served = Served::start(project).await;
    let mut pages = Vec::new();
    let mut tasks = served
        .tasks(stage.uuid, async |page| {
            pages.push(page.len());
            // All of the page go on in bundles, as a runner sends them.
            for bundle in page.chunks(100) {
                let actions: Vec<_> = bundle
                    .iter()
                    .map(|task| {
                        let pathway = stage.pathways[0].uuid;
                        json!({ "taskUuid": task["uuid"], "action": "PATHWAY_ACTION", "pathwayUuid": pathway })
                    })
                    .collect();
                let path = format!("workflow/stages/{}/actions", stage.uuid);
                served.of_project(Method::POST, &path, Some(actions.into())).await;
            }
        })
        .await;
    assert_eq!(pages, [1000, 1000, 500]);
    tasks.sort();
    tasks.dedup();
    assert_eq!(tasks.len(), 2500);
    assert!(served.tasks(stage.uuid, async |_| {}).await.is_empty());
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_reopening() {
    let scratch = with_images(2);
    let first = served(&scratch).await;
    let rows = first
        .metadata(json!({ "include_uninitialised_labels": true }))
        .await;
    let hashes: Vec<_> = rows.iter().map(|row| row["data_hash"].clone()).collect();
    let (status, created) = first
        .v1(
            "labelrow",
            "PUT",
            hashes.clone().into(),
            json!({ "multi_request": true }),
        )
        .await;
    assert_eq!(status, 200, "{created}");
    let label_hash = created[1]["label_hash"].clone();
    let unit = hashes[1].as_str().expect("hashes are strings");
    let mut row = created[1].clone();
    row["data_units"][unit]["labels"]["objects"] = json!([{ "objectHash": "abcdefgh", "featureHash": "12345678", "createdBy": null, "trackHash": "unknown to us" }]);
    row["object_answers"]["abcdefgh"] = json!({ "objectHash": "abcdefgh", "classifications": [] });
    row["a key of the future"] = json!({ "kept": [1, 2.5, null] });
    row["label_status"] = "REVIEWED".into();
    let labels = json!({ "multi_request": true, "labels": [row] });
    assert_eq!(
        first
            .v1("labelrow", "POST", json!([label_hash]), labels)
            .await
            .0,
        200
    );
    let path = "priorities";
    first
        .of_project(
            Method::POST,
            path,
            Some(json!({ "priorities": [[hashes[1], 0.0]] })),
        )
        .await;
    first.stop().await;

    let second = served(&scratch).await;
    let payload = json!({ "include_object_feature_hashes": null });
    let (_, read) = second
        .v1("labelrow", "GET", json!([label_hash]), payload)
        .await;
    let mut expected = row;
    expected["data_units"][unit]["labels"]["objects"][0]["createdBy"] = "agent@local".into();
    // Both are decided by the server.
    expected["label_status"] = "LABEL_IN_PROGRESS".into();
    expected["last_edited_at"] = read[0]["last_edited_at"].clone();
    assert_eq!(read[0], expected);
    let rows = second
        .metadata(json!({ "label_hashes": [label_hash] }))
        .await;
    assert_eq!((rows.len(), &rows[0]["priority"]), (1, &json!(0.0)));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_some_features_are_read_when_asked_for() {
    let scratch = with_images(1);
    let served = served(&scratch).await;
    let hash = served
        .metadata(json!({ "include_uninitialised_labels": true }))
        .await[0]["data_hash"]
        .clone();
    let (_, mut row) = served.v1("labelrow", "PUT", hash.clone(), json!({})).await;
    let object = |hash: &str, feature: &str| json!({ "objectHash": hash, "featureHash": feature });
    let unit = hash.as_str().expect("hashes are strings");
    row["data_units"][unit]["labels"]["objects"] = json!([
        object("oneAAAAA", "featOne1"),
        object("twoAAAAA", "featTwo2")
    ]);
    row["object_answers"] = json!({ "oneAAAAA": { "objectHash": "oneAAAAA" }, "twoAAAAA": { "objectHash": "twoAAAAA" } });
    row["object_actions"] = json!({ "oneAAAAA": {}, "twoAAAAA": {} });
    row["classification_answers"] = json!({ "clsAAAAA": { "featureHash": "featCls3" } });
    let label_hash = row["label_hash"].clone();
    assert_eq!(
        served
            .v1("labelrow", "POST", label_hash.clone(), row.clone())
            .await
            .0,
        200
    );
    let payload = json!({
        "include_object_feature_hashes": ["featTwo2"],
        "include_classification_feature_hashes": [],
        "get_signed_url": true,
    });
    let (_, read) = served
        .v1("labelrow", "GET", label_hash.clone(), payload)
        .await;
    let keys = |value: &Value| {
        value
            .as_object()
            .expect("it is one")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        read["data_units"][unit]["labels"]["objects"],
        json!([object("twoAAAAA", "featTwo2")])
    );
    assert_eq!(keys(&read["object_answers"]), ["twoAAAAA"]);
    assert_eq!(keys(&read["object_actions"]), ["twoAAAAA"]);
    assert!(keys(&read["classification_answers"]).is_empty());
    let link = read["data_units"][unit]["data_link"]
        .as_str()
        .expect("it has a link");
    let file = served.http.get(link).send().await.expect("the server runs");
    assert_eq!(
        file.bytes().await.expect("the server answers"),
        bitmap(10, 20)
    );
    let (_, whole) = served.v1("labelrow", "GET", label_hash, json!({})).await;
    assert_eq!(keys(&whole["classification_answers"]), ["clsAAAAA"]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_bundle_changes_nothing() {
    let scratch = with_images(3);
    let project = scratch.open().expect("it has been made");
    let stage = project.projects()[0].stages[0].clone();
    let served = Served::start(project).await;
    let tasks = served.tasks(stage.uuid, async |_| {}).await;
    let path = format!(
        "projects/{}/workflow/stages/{}/actions",
        served.project, stage.uuid
    );
    let action = |task: &str, pathway: &str| json!({ "taskUuid": task, "action": "PATHWAY_ACTION", "pathwayName": pathway });
    for refused in [
        json!([action(&tasks[0], "complete"), action(&tasks[1], "nowhere")]),
        json!([action(&tasks[0], "complete"), action(&tasks[0], "complete")]),
        json!([
            action(&tasks[0], "complete"),
            action("00000000-0000-4000-8000-000000000000", "complete")
        ]),
        json!([action(&tasks[0], "complete"), { "taskUuid": tasks[1], "action": "SUBMIT" }]),
        json!({ "taskUuid": tasks[0] }),
    ] {
        let (status, answer) = served.v2(Method::POST, &path, Some(refused)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer["message"].is_string());
    }
    assert_eq!(served.tasks(stage.uuid, async |_| {}).await, tasks);

    let rows = served
        .metadata(json!({ "include_uninitialised_labels": true }))
        .await;
    let (_, created) = served
        .v1("labelrow", "PUT", json!([rows[0]["data_hash"]]), json!({}))
        .await;
    let known = created[0]["label_hash"].clone();
    let labels = json!({ "labels": [{ "object_answers": { "x": {} } }, {}] });
    let unknown = json!([known, "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(
        served.v1("labelrow", "POST", unknown, labels).await.1,
        json!(["RESOURCE_NOT_FOUND_ERROR"])
    );
    assert_eq!(
        served
            .v1("labelrow", "GET", json!([known]), json!({}))
            .await
            .1,
        created
    );
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_to_whoever_has_no_key() {
    let scratch = with_images(1);
    let mut served = served(&scratch).await;
    let rows = served
        .metadata(json!({ "include_uninitialised_labels": true }))
        .await;
    let item = rows[0]["backing_item_uuid"]
        .as_str()
        .expect("it has an item")
        .to_owned();
    served.key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let path = format!("projects/{}", served.project);
    assert_eq!(
        served.v2(Method::GET, &path, None).await.0,
        StatusCode::UNAUTHORIZED
    );
    let refused = served
        .v1("labelrowmetadata", "GET", Value::Null, json!({}))
        .await;
    assert_eq!(refused, (401, json!(["AUTHENTICATION_ERROR"])));
    for query in ["", "?expires=9999999999&sig=00", "?expires=1&sig="] {
        let url = served
            .url
            .join(&format!("/media/{item}/x{query}"))
            .expect("it is a path");
        let answer = served.http.get(url).send().await.expect("the server runs");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_that_share_a_dataset_have_the_same_data_hashes() {
    let scratch = with_images(2);
    let folder = scratch.0.path().join("twin");
    let dataset = served(&scratch).await;
    let hash = dataset.of_project(Method::GET, "datasets", None).await["results"][0]["datasetHash"]
        .clone();
    dataset.stop().await;
    let manifest = super::super::template::manifest("Twin", uuid::Uuid::new_v4());
    let manifest = manifest.replace(
        "[ontology]\n",
        &format!("[dataset]\nhash = {hash}\n[ontology]\n"),
    );
    std::fs::create_dir(&folder)
        .and_then(|()| std::fs::write(folder.join("project.toml"), manifest))
        .expect("ours");
    let options = super::InitOptions {
        media: vec![scratch.media()],
        ..Default::default()
    };
    super::init(&folder, options).expect("the media are fine");
    let twin = super::Workspace::open(&folder).expect("it has been made");
    let twin_hash = twin.projects()[0].hash;
    let mut served = Served::start_all(vec![scratch.open().expect("it has been made"), twin]).await;
    let listing = json!({ "include_uninitialised_labels": true });
    let hashes = |rows: Vec<Value>| {
        rows.iter()
            .map(|row| row["data_hash"].clone())
            .collect::<Vec<_>>()
    };
    let first = hashes(served.metadata(listing.clone()).await);
    served.project = twin_hash;
    assert_eq!(hashes(served.metadata(listing).await), first);
    served.stop().await;
}
