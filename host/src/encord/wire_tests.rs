//! The files are excerpts of traffic with Encord's own SDK.

use serde_json::json;

use super::*;

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    serde_json::from_str(text).expect("captured answer")
}

fn uuid(text: &str) -> Uuid {
    text.parse().expect("UUID")
}

#[test]
fn project() {
    let project = Project::from(read::<WireProject>(include_str!("testdata/project.json")));
    assert!(project.is_workflow());
    assert_eq!(project.created_at, "2025-01-15T09:30:00Z");
    assert_eq!(
        project.ontology_uuid,
        uuid("6d8bb167-0c9d-43b1-a577-3da0693d664e")
    );
    assert_eq!(project.stages.len(), 6);
    let agents: Vec<_> = project.agent_stages().collect();
    assert_eq!(
        agents.iter().map(|stage| &*stage.title).collect::<Vec<_>>(),
        ["Agent 1", "Agent 2"]
    );
    assert_eq!(
        agents[0].pathways[0],
        Pathway {
            uuid: uuid("705aeebe-3e89-5c95-9c12-91ad3f8820c1"),
            name: "next".to_owned(),
            destination: Some(uuid("854c66e5-7c46-53b7-b4d7-36195e203f7d")),
        }
    );
    assert!(project.stages[2].pathways.is_empty());
}

#[test]
fn project_of_the_future() {
    let mut document: Value = read(include_str!("testdata/project.json"));
    document["projectType"] = json!("workflow_v3");
    document["description"] = Value::Null;
    document["title"] = json!(12);
    document["surprise"] = json!({"a": [1]});
    document["workflow"]["stages"] = json!([
        {"uuid": "b3da27c9-2d68-56c6-a53f-410af85dda98", "stageType": "EXTERNAL", "pathways": null},
        {"stageType": "USER_ROUTER", "routes": []},
        "not even an object",
        {"uuid": "854c66e5-7c46-53b7-b4d7-36195e203f7d", "stageType": "AGENT", "title": "A", "pathways": [
            {"title": "no identifier"},
            {"uuid": "705aeebe-3e89-5c95-9c12-91ad3f8820c1", "title": "on", "destinationUuid": 5}
        ]}
    ]);
    let project = Project::from(WireProject::deserialize(&document).expect("lenient"));
    assert!(!project.is_workflow());
    assert_eq!(project.description, "");
    assert_eq!(project.title, "12");
    assert_eq!(project.stages.len(), 2);
    assert_eq!(project.stages[0].stage_type, "EXTERNAL");
    assert_eq!(project.stages[1].pathways.len(), 1);
    assert_eq!(project.stages[1].pathways[0].destination, None);

    let Value::Object(mut fields) = document else {
        panic!("the document is an object");
    };
    fields.remove("workflow");
    let project = Project::from(WireProject::deserialize(Value::Object(fields)).expect("lenient"));
    assert!(project.stages.is_empty());
}

#[test]
fn ontology() {
    let ontology =
        OntologyDocument::from(read::<WireOntology>(include_str!("testdata/ontology.json")));
    assert_eq!(ontology.title, "Stub ontology");
    assert_eq!(ontology.editor["objects"][0]["featureNodeHash"], "PXFZO2ra");
}

#[test]
fn tasks() {
    let page = TaskPage::from(read::<Page<WireTask>>(include_str!("testdata/tasks.json")));
    assert_eq!(page.next_page, None);
    assert_eq!(page.tasks.len(), 2);
    let task = &page.tasks[0];
    assert_eq!(task.uuid, uuid("a3d980d9-6eab-531c-a9ca-bc2bcff250c7"));
    assert_eq!(task.data_hash, uuid("ce99df93-e802-5296-aeca-09c4dac8aeb6"));
    assert_eq!(task.status, "NEW");
    assert_eq!(task.label_branch_name, "main");
    assert_eq!(task.assignee, None);

    // What Encord says of a task at a stage of the type `DONE`.
    let page: Page<WireTask> = read(
        r#"{"results": [{"uuid": "a3d980d9-6eab-531c-a9ca-bc2bcff250c7", "createdAt": "2025-01-15T09:30:00",
            "updatedAt": "2025-01-15T09:30:00", "dataHash": "ce99df93-e802-5296-aeca-09c4dac8aeb6",
            "dataTitle": "image_0"}], "nextPageToken": "x=="}"#,
    );
    let page = TaskPage::from(page);
    assert_eq!(page.tasks[0].status, "");
    assert_eq!(page.next_page.as_deref(), Some("x=="));
}

#[test]
fn tasks_of_consensus_stages() {
    let page: Page<WireTask> = read(
        r#"{"results": [
            {"uuid": "a3d980d9-6eab-531c-a9ca-bc2bcff250c7", "createdAt": "2025-01-15T09:30:00", "updatedAt": null,
             "dataHash": "ce99df93-e802-5296-aeca-09c4dac8aeb6", "dataTitle": "image_0", "subtasks": [
                {"uuid": "9bd81eee-4cf3-59d7-b7e5-6636da95fe31", "status": "DREAMING", "assignee": "a@b.c", "new": {},
                 "dataHash": "ce99df93-e802-5296-aeca-09c4dac8aeb6", "labelBranchName": "first"},
                {"no": "identifier"}]},
            {"uuid": "e0829f01-6eab-531c-a9ca-bc2bcff250c7", "status": "NEW", "subtasks": null,
             "dataHash": "ce99df93-e802-5296-aeca-09c4dac8aeb6", "options": [
                {"annotator": "a@b.c", "labelBranchName": "first", "labelHash": "dabe7d6e-3c0c-5602-a644-b05f1412406f"},
                {"annotator": "d@e.f", "labelBranchName": "second", "labelHash": null}]}]}"#,
    );
    let tasks = TaskPage::from(page).tasks;
    let [subtask] = &tasks[0].subtasks[..] else {
        panic!("{:?}", tasks[0]);
    };
    assert_eq!(subtask.status, "DREAMING");
    assert_eq!(subtask.label_branch_name, "first");
    assert_eq!(subtask.assignee.as_deref(), Some("a@b.c"));
    assert!(tasks[0].options.is_empty() && tasks[1].subtasks.is_empty());
    let options: Vec<_> = tasks[1]
        .options
        .iter()
        .map(|option| (&*option.annotator, option.label_hash.is_some()))
        .collect();
    assert_eq!(options, [("a@b.c", true), ("d@e.f", false)]);
}

#[test]
fn stages_of_every_type() {
    let types = [
        "ANNOTATION",
        "REVIEW",
        "USER_ROUTER",
        "PERCENTAGE_ROUTER",
        "CONSENSUS_ANNOTATION",
        "CONSENSUS_REVIEW",
        "AGENT",
        "DONE",
        "SOMETHING_NEW",
    ];
    let mut document: Value = read(include_str!("testdata/project.json"));
    document["workflow"]["stages"] = types
        .iter()
        .enumerate()
        .map(|(number, stage_type)| {
            json!({"uuid": Uuid::from_u128(number as u128), "title": stage_type, "stageType": stage_type, "new": [1]})
        })
        .collect();
    let project = Project::from(WireProject::deserialize(&document).expect("lenient"));
    let found: Vec<_> = project
        .stages
        .iter()
        .map(|stage| &*stage.stage_type)
        .collect();
    assert_eq!(found, types);
    assert_eq!(project.agent_stages().count(), 1);
}

#[test]
fn label_row_metadata() {
    #[derive(Deserialize)]
    struct Answer {
        response: Vec<WireMetadata>,
    }
    let answer: Answer = read(include_str!("testdata/label_row_metadata.json"));
    let rows: Vec<_> = answer
        .response
        .into_iter()
        .map(LabelRowMetadata::from)
        .collect();
    let image = &rows[0];
    assert_eq!(image.data_type, "image");
    assert_eq!(image.label_hash, None);
    assert_eq!((image.width, image.height), (Some(640), Some(480)));
    assert_eq!(image.number_of_frames, 1);
    assert_eq!(image.priority, Some(0.5));
    assert_eq!(image.duration, None);
    assert_eq!(
        image.client_metadata,
        Some(json!({"item_type": "image", "a": "b"}))
    );
    assert_eq!(
        image.backing_item_uuid,
        Some(uuid("c0cc7b12-ba44-54a3-8862-2cf40fe547f7"))
    );
    assert_eq!(image.file_type.as_deref(), Some("image/jpeg"));
    assert!(image.is_valid && !image.is_shadow_data);
    assert!(image.spaces.is_empty());
    assert!(image.task_uuid.is_some() && image.data_link.is_some());
    assert_eq!(
        image.stage.as_ref().map(|stage| &*stage.title),
        Some("Agent 1")
    );
    let video = &rows[1];
    assert_eq!(video.data_type, "video");
    assert_eq!(video.frames_per_second, Some(10.0));
    assert_eq!(video.duration, Some(3.0));
    assert_eq!(video.number_of_frames, 30);
}

#[test]
fn label_row_metadata_with_odd_values() {
    let row: WireMetadata = read(
        r#"{"data_hash": "ce99df93-e802-5296-aeca-09c4dac8aeb6", "dataset_hash": "be9be6c0-5861-57cd-9dbc-8dde28c372d2",
            "data_type": "HOLOGRAM", "label_status": "DREAMT", "number_of_frames": 30.0, "width": "640", "height": -1,
            "priority": null, "client_metadata": null, "is_valid": false, "spaces": [], "group_hash": "none",
            "workflow_graph_node": "Agent", "images_data": [{"index": 0}], "audio_sample_rate": 44100, "data_link": null,
            "task_uuid": "a3d980d9-6eab-531c-a9ca-bc2bcff250c7", "created_at": "Wed, 15 Jan 2025 09:30:00 GMT", "new": []}"#,
    );
    let row = LabelRowMetadata::from(row);
    assert_eq!(row.data_type, "hologram");
    assert_eq!(row.label_status, "DREAMT");
    assert_eq!(row.branch_name, "main");
    assert_eq!(row.number_of_frames, 30);
    assert_eq!((row.width, row.height), (Some(640), None));
    assert_eq!(row.client_metadata, None);
    assert!(!row.is_valid);
    assert_eq!((row.group_hash, row.stage), (None, None));
    assert_eq!(row.images_data, Some(json!([{"index": 0}])));
    assert_eq!(row.audio_sample_rate, Some(44_100));
    assert_eq!(row.created_at.as_deref(), Some("2025-01-15T09:30:00Z"));
}

#[test]
fn requests_as_the_sdk_sends_them() {
    let data_hash = uuid("ce99df93-e802-5296-aeca-09c4dac8aeb6");
    let data_hashes = [data_hash];
    let (filter, options) = (LabelRowFilter::default(), MetadataOptions::default());
    let query = Query {
        query_type: "labelrowmetadata",
        query_method: "GET",
        values: QueryValues {
            uid: None,
            payload: LabelRowsQuery::new(Some(&data_hashes), None, &filter, &options),
        },
    };
    assert_eq!(
        serde_json::to_string(&query).expect("JSON"),
        r#"{"query_type":"labelrowmetadata","query_method":"GET","values":{"uid":null,"payload":{"edited_before":null,"edited_after":null,"label_statuses":null,"shadow_data_state":null,"include_uninitialised_labels":true,"data_hashes":["ce99df93-e802-5296-aeca-09c4dac8aeb6"],"label_hashes":null,"data_title_eq":null,"data_title_like":null,"workflow_graph_node_title_eq":null,"workflow_graph_node_title_like":null,"include_client_metadata":false,"include_images_data":false,"include_children":false,"include_workflow_graph_node":true,"include_all_label_branches":false,"branch_name":null,"client_metadata_as_signed_url":false}}}"#
    );
}
