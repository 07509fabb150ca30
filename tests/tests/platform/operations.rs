//! What each operation of the client does and gives when nothing goes wrong.

use runner_host::encord::{
    Client, CreateOptions, IssueAnchor, LabelRowMetadata, MetadataOptions, NewIssue, PathwayChoice,
    ReadOptions, TaskAction,
};
use runner_tests::picture;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::set_up::{
    AGENT, ANNOTATE, COMPARE, COMPLETE, MODEL, PROJECT, Platform, REVIEW, TO_ANNOTATE, TWIN,
    create, download, label_hash, read, row, rows, task, tasks,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_project_its_stages_its_ontology_and_its_datasets() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    let project = client.project(PROJECT).await.unwrap();
    assert_eq!(
        (project.hash, project.title.as_str()),
        (PROJECT, "Platform")
    );
    assert!(project.is_workflow());
    // Routers are not listed: nothing waits there.
    let stages: Vec<_> = project
        .stages
        .iter()
        .map(|stage| (stage.title.as_str(), stage.stage_type.as_str(), stage.uuid))
        .collect();
    let expected = [
        ("Agent", "AGENT", AGENT),
        ("Annotate", "ANNOTATION", ANNOTATE),
        ("Review", "REVIEW", REVIEW),
        ("Model", "AGENT", MODEL),
        ("Complete", "DONE", COMPLETE),
    ];
    assert_eq!(stages, expected);
    let pathways: Vec<_> = project.stages[0]
        .pathways
        .iter()
        .map(|pathway| pathway.name.as_str())
        .collect();
    assert_eq!(pathways, ["Annotate", "Share", "Who", "Next"]);
    assert_eq!(project.stages[0].pathways[0].destination, Some(ANNOTATE));

    let ontology = client.ontology(project.ontology_uuid).await.unwrap();
    assert_eq!(ontology.uuid, project.ontology_uuid);
    assert_eq!(
        (ontology.title.as_str(), ontology.description.as_str()),
        ("Platform", "For tests")
    );
    assert_eq!(ontology.editor["objects"][0]["featureNodeHash"], "boxboxbo");
    assert_eq!(
        ontology.editor["classifications"][0]["featureNodeHash"],
        "quality0"
    );

    let datasets = client.datasets(PROJECT).await.unwrap();
    let titles: Vec<_> = datasets
        .iter()
        .map(|dataset| dataset.title.as_str())
        .collect();
    assert_eq!(titles, ["Plain", "Composite"]);
    assert_eq!(
        datasets[0].description,
        "Files that are taken in as they are"
    );
    let a = row(client, "a.gif").await;
    assert_eq!(
        (a.dataset_hash, a.dataset_title.as_str()),
        (datasets[0].hash, "Plain")
    );
}

async fn described(client: &Client) -> Vec<LabelRowMetadata> {
    let options = MetadataOptions {
        include_client_metadata: true,
        include_images_data: true,
        include_children: true,
        ..MetadataOptions::default()
    };
    client
        .list_label_rows(PROJECT, &Default::default(), &options)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_of_each_kind_of_data() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let rows = described(&served.client).await;
    let of = |title: &str| rows.iter().find(|row| row.data_title == title).unwrap();

    let image = of("a.gif");
    assert_eq!(
        (image.data_type.as_str(), image.number_of_frames),
        ("image", 1)
    );
    assert_eq!((image.width, image.height), (Some(8), Some(6)));
    assert_eq!(image.file_type.as_deref(), Some("image/gif"));
    assert_eq!(image.label_status, "NOT_LABELLED");
    assert_eq!(image.annotation_task_status.as_deref(), Some("QUEUED"));
    assert!(image.label_hash.is_none() && image.created_at.is_none() && image.spaces.is_empty());
    assert_eq!(image.stage.as_ref().map(|stage| stage.uuid), Some(AGENT));
    assert!(image.task_uuid.is_some() && image.priority.is_some());

    let group = of("group");
    assert_eq!(
        (group.data_type.as_str(), group.number_of_frames),
        ("img_group", 2)
    );
    let images = group.images_data.as_ref().unwrap();
    let titles: Vec<_> = images
        .as_array()
        .unwrap()
        .iter()
        .map(|image| &image["title"])
        .collect();
    assert_eq!(titles, ["first.gif", "second.gif"]);
    assert_eq!(
        (&images[1]["index"], &images[1]["width"]),
        (&json!(1), &json!(8))
    );

    let pair = of("pair");
    assert_eq!(pair.data_type, "group");
    assert_eq!(pair.spaces.len(), 2);
    let mut types: Vec<_> = pair
        .spaces
        .values()
        .map(|space| &space["space_type"])
        .collect();
    types.sort_by_key(|space_type| space_type.to_string());
    assert_eq!(types, ["image", "text"]);
    // Its parts are rows of their own, the images of an image group are not.
    let children: Vec<_> = rows.iter().filter(|row| row.group_hash.is_some()).collect();
    let mut titles: Vec<_> = children.iter().map(|row| row.data_title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["left.gif", "note.txt"]);
    assert!(
        children
            .iter()
            .all(|row| row.group_hash == Some(pair.data_hash))
    );

    let sequence = of("sequence");
    assert_eq!(
        (sequence.data_type.as_str(), sequence.number_of_frames),
        ("video", 3)
    );
    assert_eq!(
        (sequence.width, sequence.frames_per_second),
        (Some(16), Some(10.0))
    );

    let document = of("document");
    assert_eq!(
        (document.data_type.as_str(), document.number_of_frames),
        ("pdf", 2)
    );
    let metadata = json!({ "source": "scanner", "pages": { "blank": [2] } });
    assert_eq!(document.client_metadata, Some(metadata));
    let plain = row(&served.client, "document").await;
    assert!(plain.client_metadata.is_none() && plain.images_data.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_created_read_and_saved() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    let listed = rows(client, PROJECT, "main").await;
    let hashes: Vec<_> = listed.iter().map(|row| row.data_hash).collect();
    let options = CreateOptions {
        include_signed_url: true,
        ..CreateOptions::default()
    };
    let created = client
        .create_label_rows(PROJECT, &hashes, &options)
        .await
        .unwrap();
    let order: Vec<_> = created.iter().map(|(hash, _)| *hash).collect();
    assert_eq!(order, hashes);
    let place = listed
        .iter()
        .position(|row| row.data_title == "a.gif")
        .unwrap();
    let mut document = created[place].1.clone();
    let unit = |document: &Value| document["data_units"][hashes[place].to_string()].clone();
    let link = unit(&document)["data_link"].as_str().unwrap().to_owned();
    assert_eq!(download(&link, None).await.1, picture());

    let label_hash = label_hash(&document);
    document["object_answers"] =
        json!({ "object00": { "objectHash": "object00", "classifications": [] } });
    document["data_units"][hashes[place].to_string()]["labels"]["objects"] = json!([
        { "objectHash": "object00", "featureHash": "boxboxbo", "shape": "bounding_box" },
        { "objectHash": "object01", "featureHash": "otherbox", "shape": "bounding_box" },
    ]);
    document["classification_answers"] = json!({ "classif0": {
        "classificationHash": "classif0", "featureHash": "quality0", "classifications": [],
    } });
    client
        .save_label_rows(PROJECT, &[(label_hash, &document)])
        .await
        .unwrap();

    let plain = read(client, PROJECT, &[label_hash]).await.remove(0);
    assert_eq!(
        unit(&plain)["labels"]["objects"].as_array().unwrap().len(),
        2
    );
    assert_ne!(
        unit(&plain)["data_link"].as_str().unwrap(),
        link,
        "not asked for"
    );
    let only = ReadOptions {
        include_object_feature_hashes: Some(vec!["boxboxbo".to_owned()]),
        include_classification_feature_hashes: Some(Vec::new()),
        include_signed_url: true,
        ..ReadOptions::default()
    };
    let read = client
        .read_label_rows(PROJECT, &[label_hash], &only)
        .await
        .unwrap();
    let objects = unit(&read[0].1)["labels"]["objects"].clone();
    assert_eq!(objects.as_array().unwrap().len(), 1);
    assert_eq!(objects[0]["objectHash"], "object00");
    let link = unit(&read[0].1)["data_link"].as_str().unwrap().to_owned();
    assert_eq!(download(&link, None).await.1, picture());

    let answers = client
        .label_classifications(PROJECT, "main", &[label_hash])
        .await
        .unwrap();
    assert_eq!(
        (answers[0].label_hash, answers[0].data_title.as_str()),
        (label_hash, "a.gif")
    );
    assert_eq!(answers[0].answers["classif0"]["featureHash"], "quality0");
    let elsewhere = client
        .label_classifications(PROJECT, "model", &[label_hash])
        .await
        .unwrap();
    assert!(elsewhere.is_empty());

    let state = client.validation_state(PROJECT, label_hash).await.unwrap();
    assert_eq!((state.label_hash, state.version), (label_hash, Some(2)));
    assert!(!state.is_valid);
    assert!(state.errors[0].contains("otherbox"), "{:?}", state.errors);
    document["data_units"][hashes[place].to_string()]["labels"]["objects"] = json!([]);
    client
        .save_label_rows(PROJECT, &[(label_hash, &document)])
        .await
        .unwrap();
    let state = client.validation_state(PROJECT, label_hash).await.unwrap();
    assert!(state.is_valid && state.errors.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_completed_and_reopened() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    let data_hash = row(client, "a.gif").await.data_hash;
    client
        .set_priorities(PROJECT, &[(data_hash, 1.0)])
        .await
        .unwrap();
    create(client, &[data_hash]).await;
    let made = row(client, "a.gif").await;
    assert_eq!(made.priority, Some(1.0));
    let label_hash = made.label_hash.unwrap();
    client
        .complete_label_rows(PROJECT, &[label_hash])
        .await
        .unwrap();
    let completed = row(client, "a.gif").await;
    assert_eq!(completed.stage.unwrap().uuid, COMPLETE);
    assert_eq!(completed.priority, None, "it is complete");
    let done = tasks(client, PROJECT, COMPLETE).await;
    assert_eq!((done.len(), done[0].status.as_str()), (1, ""));
    let reopened = client
        .reopen_label_rows_each(PROJECT, &[label_hash, Uuid::nil()])
        .await;
    assert!(reopened[0].is_ok() && reopened[1].is_err(), "{reopened:?}");
    assert_eq!(task(client, AGENT, "a.gif").await.status, "REOPENED");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_at_every_type_of_stage() {
    let platform = Platform::of_pictures(&["a", "b", "c", "d"]);
    let served = platform.serve().await;
    let client = &served.client;
    let task_of = async |stage, title: &str| task(client, stage, title).await;
    let act = async |stage, task, action| {
        client
            .act_on_tasks(PROJECT, stage, &[(task, action)])
            .await
            .unwrap();
    };
    let by_name = |name: &str| TaskAction::Follow {
        pathway: PathwayChoice::Name(name.to_owned()),
    };
    let a = task_of(AGENT, "a.gif").await.uuid;
    act(
        AGENT,
        a,
        TaskAction::Follow {
            pathway: PathwayChoice::Uuid(TO_ANNOTATE),
        },
    )
    .await;
    act(AGENT, task_of(AGENT, "b.gif").await.uuid, by_name("Who")).await;
    act(AGENT, task_of(AGENT, "c.gif").await.uuid, by_name("Share")).await;
    act(AGENT, task_of(AGENT, "d.gif").await.uuid, by_name("Next")).await;
    // Routers pass their tasks on: by who acted, and by share.
    assert_eq!(task_of(MODEL, "b.gif").await.label_branch_name, "model");
    assert_eq!(task_of(MODEL, "d.gif").await.label_branch_name, "model");
    let passed_on = row(client, "c.gif").await.stage.unwrap().uuid;
    assert!([REVIEW, COMPLETE].contains(&passed_on));

    let person = || "person@example.com".to_owned();
    act(ANNOTATE, a, TaskAction::Assign { assignee: person() }).await;
    let assigned = task_of(ANNOTATE, "a.gif").await;
    assert_eq!(
        (assigned.status.as_str(), assigned.assignee),
        ("ASSIGNED", Some(person()))
    );
    act(ANNOTATE, a, TaskAction::Release).await;
    let released = task_of(ANNOTATE, "a.gif").await;
    assert_eq!(
        (released.status.as_str(), released.assignee),
        ("RELEASED", None)
    );
    let submit = |assignee: Option<String>| TaskAction::Submit {
        assignee,
        retain_assignee: false,
        resolve_label_reviews: true,
    };
    act(ANNOTATE, a, submit(Some(person()))).await;
    assert_eq!(task_of(REVIEW, "a.gif").await.assignee, Some(person()));
    let reject = TaskAction::Reject {
        assignee: None,
        retain_assignee: true,
        reject_label_reviews: Some(true),
    };
    act(REVIEW, a, reject).await;
    assert_eq!(task_of(ANNOTATE, "a.gif").await.assignee, Some(person()));
    act(ANNOTATE, a, submit(None)).await;
    let approve = TaskAction::Approve {
        assignee: None,
        retain_assignee: false,
        approve_label_reviews: Some(true),
    };
    act(REVIEW, a, approve).await;
    assert_eq!(row(client, "a.gif").await.stage.unwrap().uuid, COMPLETE);
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_of_each_form() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let client = &served.client;
    let data_hash = row(client, "a.gif").await.data_hash;
    let space_id = Some("left".to_owned());
    let anchors = [
        IssueAnchor::DataUnit { space_id: None },
        IssueAnchor::Frame {
            frame: 2,
            space_id: space_id.clone(),
        },
        IssueAnchor::FrameCoordinate {
            frame: 0,
            x: 0.25,
            y: 1.0,
            space_id: None,
        },
        IssueAnchor::SceneCoordinate {
            frame: 1,
            x: -3.5,
            y: 2.0,
            z: 7.25,
        },
        IssueAnchor::Annotation {
            hash: "object00".to_owned(),
            frames: Some(vec![0..=1, 4..=4]),
            space_id: None,
        },
    ];
    let issues = anchors.map(|anchor| NewIssue {
        data_hash,
        anchor,
        comment: "look here".to_owned(),
        tags: vec!["blurred".to_owned()],
    });
    client.create_issues(PROJECT, &issues).await.unwrap();
    let listed = client.issues(PROJECT, data_hash).await.unwrap();
    let types: Vec<_> = listed
        .iter()
        .map(|issue| issue.anchor_type.as_str())
        .collect();
    let expected = [
        "dataUnit",
        "frame",
        "frameCoordinate",
        "sceneCoordinate",
        "annotation",
    ];
    assert_eq!(types, expected);
    assert!(listed.iter().all(|issue| {
        issue.data_hash == data_hash
            && issue.comments[0].content == "look here"
            && issue.tags[0].name == "blurred"
    }));
    assert_eq!((listed[1].frame, &listed[1].space_id), (Some(2), &space_id));
    let point = |place: usize| {
        listed[place]
            .coordinate
            .map(|point| (point.x, point.y, point.z))
    };
    assert_eq!(point(2), Some((0.25, 1.0, None)));
    assert_eq!(point(3), Some((-3.5, 2.0, Some(7.25))));
    assert_eq!(listed[4].annotation_hash.as_deref(), Some("object00"));
    assert_eq!(listed[4].frames, [0..=1, 4..=4]);
    let other = row(client, "b.gif").await.data_hash;
    assert!(client.issues(PROJECT, other).await.unwrap().is_empty());

    client
        .delete_issues(PROJECT, &[listed[0].uuid, listed[4].uuid])
        .await
        .unwrap();
    let left = client.issues(PROJECT, data_hash).await.unwrap();
    assert_eq!(left, listed[1..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_twin_are_its_own() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let client = &served.client;
    let twin = client.project(TWIN).await.unwrap();
    assert_eq!(twin.stages[0].uuid, COMPARE);
    let data_hash = row(client, "a.gif").await.data_hash;
    let mut hashes = Vec::new();
    for project in [PROJECT, TWIN] {
        let options = CreateOptions::default();
        let created = client
            .create_label_rows(project, &[data_hash], &options)
            .await;
        let mut document = created.unwrap().remove(0).1;
        document["note"] = json!(project);
        let hash = label_hash(&document);
        client
            .save_label_rows(project, &[(hash, &document)])
            .await
            .unwrap();
        hashes.push(hash);
    }
    for (project, hash) in [PROJECT, TWIN].into_iter().zip(&hashes) {
        assert_eq!(
            read(client, project, &[*hash]).await[0]["note"],
            json!(project)
        );
    }
    let crossed = client
        .read_label_rows(TWIN, &hashes[..1], &ReadOptions::default())
        .await;
    assert!(crossed.is_err(), "{crossed:?}");
    // Tasks move in one of them only, and data are shared.
    let titles = rows(client, TWIN, "main")
        .await
        .into_iter()
        .map(|row| row.data_title);
    assert_eq!(titles.collect::<Vec<_>>(), ["a.gif", "b.gif"]);
    let waiting = tasks(client, TWIN, COMPARE).await;
    let moves: Vec<_> = waiting
        .iter()
        .map(|task| (task.uuid, twin.stages[0].pathways[0].uuid))
        .collect();
    client.follow_pathways(TWIN, COMPARE, &moves).await.unwrap();
    assert!(tasks(client, TWIN, COMPARE).await.is_empty());
    assert_eq!(row(client, "a.gif").await.stage.unwrap().uuid, AGENT);
}
