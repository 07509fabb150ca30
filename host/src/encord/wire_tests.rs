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
            "priority": null, "client_metadata": null, "created_at": "Wed, 15 Jan 2025 09:30:00 GMT", "new": []}"#,
    );
    let row = LabelRowMetadata::from(row);
    assert_eq!(row.data_type, "hologram");
    assert_eq!(row.label_status, "DREAMT");
    assert_eq!(row.branch_name, "main");
    assert_eq!(row.number_of_frames, 30);
    assert_eq!((row.width, row.height), (Some(640), None));
    assert_eq!(row.client_metadata, None);
    assert_eq!(row.created_at.as_deref(), Some("2025-01-15T09:30:00Z"));
}

#[test]
fn storage_items() {
    let page: Page<Value> = read(include_str!("testdata/storage_items.json"));
    let items: Vec<_> = page
        .results
        .into_iter()
        .map(|raw| storage_item(raw).expect("captured item"))
        .collect();
    assert_eq!(items[0].item_type, "image");
    assert_eq!(items[0].file_size, Some(13_719));
    assert_eq!(items[0].mime_type.as_deref(), Some("image/jpeg"));
    assert_eq!(
        items[0].client_metadata.as_deref(),
        Some(r#"{"item_type": "image", "a": "b"}"#)
    );
    assert_eq!(items[0].raw["owner"], "agent@stub.example");
    assert_eq!(items[1].frame_count, Some(30));
    assert_eq!(items[1].fps, Some(10.0));
    assert_eq!(items[2].item_type, "imageGroup");
    assert_eq!(items[2].signed_url, None);
}

#[test]
fn requests_as_the_sdk_sends_them() {
    let data_hash = uuid("ce99df93-e802-5296-aeca-09c4dac8aeb6");
    let data_hashes = [data_hash];
    let query = Query {
        query_type: "labelrowmetadata",
        query_method: "GET",
        values: QueryValues {
            uid: None,
            payload: LabelRowsQuery::new(&data_hashes, None, false),
        },
    };
    assert_eq!(
        serde_json::to_string(&query).expect("JSON"),
        r#"{"query_type":"labelrowmetadata","query_method":"GET","values":{"uid":null,"payload":{"edited_before":null,"edited_after":null,"label_statuses":null,"shadow_data_state":null,"include_uninitialised_labels":true,"data_hashes":["ce99df93-e802-5296-aeca-09c4dac8aeb6"],"label_hashes":null,"data_title_eq":null,"data_title_like":null,"workflow_graph_node_title_eq":null,"workflow_graph_node_title_like":null,"include_client_metadata":false,"include_images_data":false,"include_children":false,"include_workflow_graph_node":true,"include_all_label_branches":false,"branch_name":null,"client_metadata_as_signed_url":false}}}"#
    );
    let action = PathwayAction::from(&(data_hash, data_hash));
    assert_eq!(
        serde_json::to_value(&action).expect("JSON"),
        json!({"taskUuid": data_hash, "action": "PATHWAY_ACTION", "pathwayUuid": data_hash})
    );
    let priorities = [(data_hash, 0.75)];
    assert_eq!(
        serde_json::to_value(SetPriorities {
            priorities: &priorities
        })
        .expect("JSON"),
        json!({"priorities": [[data_hash, 0.75]]})
    );
}
