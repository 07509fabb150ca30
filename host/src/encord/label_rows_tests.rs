use serde_json::json;

use super::*;
use crate::encord::peer::{Peer, ok};
use crate::encord::{ErrorKind, ShadowData};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn nothing_found() -> crate::encord::peer::Answer {
    ok(r#"{"status": 200, "response": []}"#)
}

#[tokio::test]
async fn every_filter_has_its_key() {
    let peer = Peer::start([nothing_found()]).await;
    let text = |text: &str| Some(text.to_owned());
    let filter = LabelRowFilter {
        edited_before: Some("2025-01-15T09:30:00Z".parse().expect("a moment")),
        edited_after: Some("2024-01-15T09:30:00.5Z".parse().expect("a moment")),
        label_statuses: Some(vec!["QUEUED".to_owned()]),
        shadow_data: Some(ShadowData::Only),
        data_hashes: Some(vec![id(1), id(1)]),
        label_hashes: Some(vec![id(2)]),
        data_title_eq: text("a"),
        data_title_like: text("b%"),
        stage_title_eq: text("c"),
        stage_title_like: text("%d"),
    };
    let options = MetadataOptions {
        branch_name: None,
        include_all_label_branches: true,
        include_client_metadata: true,
        include_images_data: true,
        include_children: true,
    };
    peer.client
        .list_label_rows(PROJECT, &filter, &options)
        .await
        .expect("no rows");
    assert_eq!(
        peer.received()[0].json()["values"],
        json!({"uid": null, "payload": {
            "edited_before": "2025-01-15T09:30:00+00:00", "edited_after": "2024-01-15T09:30:00.5+00:00",
            "label_statuses": ["QUEUED"], "shadow_data_state": "SHADOW_DATA", "include_uninitialised_labels": true,
            "data_hashes": [id(1)], "label_hashes": [id(2)], "data_title_eq": "a", "data_title_like": "b%",
            "workflow_graph_node_title_eq": "c", "workflow_graph_node_title_like": "%d",
            "include_client_metadata": true, "include_images_data": true, "include_children": true,
            "include_workflow_graph_node": true, "include_all_label_branches": true, "branch_name": null,
            "client_metadata_as_signed_url": false}})
    );
    let both = MetadataOptions {
        branch_name: text("main"),
        ..options
    };
    let refused = peer.client.list_label_rows(PROJECT, &filter, &both).await;
    assert_eq!(
        refused.expect_err("one branch or all").kind(),
        ErrorKind::InvalidArguments
    );
}

#[tokio::test]
async fn an_absent_list_lets_all_through_and_an_empty_one_nothing() {
    let peer = Peer::start([nothing_found()]).await;
    let options = MetadataOptions::default();
    let filter = LabelRowFilter::default();
    peer.client
        .list_label_rows(PROJECT, &filter, &options)
        .await
        .expect("no rows");
    assert_eq!(
        peer.received()[0].json()["values"]["payload"]["data_hashes"],
        Value::Null
    );
    let filter = LabelRowFilter {
        label_hashes: Some(Vec::new()),
        ..LabelRowFilter::default()
    };
    peer.client
        .list_label_rows(PROJECT, &filter, &options)
        .await
        .expect("nothing");
    assert_eq!(peer.client.requests(), 1);
}

#[tokio::test]
async fn signed_urls_are_asked_for() {
    let peer = Peer::start([nothing_found(), nothing_found()]).await;
    let create = CreateOptions {
        branch_name: Some("second".to_owned()),
        include_signed_url: true,
    };
    peer.client
        .create_label_rows(PROJECT, &[id(1)], &create)
        .await
        .expect("created");
    let read = ReadOptions {
        include_signed_url: true,
        ..ReadOptions::default()
    };
    peer.client
        .read_label_rows(PROJECT, &[id(2)], &read)
        .await
        .expect("read");
    let received = peer.received();
    assert_eq!(
        received[0].json(),
        json!({"query_type": "labelrow", "query_method": "PUT", "values": {"uid": [id(1)], "payload": {
            "multi_request": true, "get_signed_url": true, "branch_name": "second"}}})
    );
    assert_eq!(
        received[1].json()["values"]["payload"]["get_signed_url"],
        json!(true)
    );
}

#[tokio::test]
async fn validation_state_and_classifications() {
    let state = json!({"labelHash": id(1), "branchName": "main", "version": 3, "isValid": false,
        "errors": ["Weather is required", {"odd": 1}]});
    let answers = json!({"labels": [
        {"labelUuid": id(1), "dataUuid": id(2), "dataTitle": null, "exportUuid": null,
         "classificationAnswers": {"h": {"featureHash": "f"}}},
        {"odd": true}]});
    let peer = Peer::start([ok(&state.to_string()), ok(&answers.to_string())]).await;
    let state = peer
        .client
        .validation_state(PROJECT, id(1))
        .await
        .expect("a state");
    assert_eq!((state.is_valid, state.version), (false, Some(3)));
    assert_eq!(state.errors, ["Weather is required", r#"{"odd":1}"#]);
    let rows = peer
        .client
        .label_classifications(PROJECT, "main", &[id(1)])
        .await
        .expect("answers");
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!((row.data_hash, &*row.branch_name), (id(2), "main"));
    assert_eq!(row.answers["h"]["featureHash"], json!("f"));
    let received = peer.received();
    assert_eq!(
        received[0].target,
        format!(
            "/v2/public/projects/{PROJECT}/labels/{}/validation-state",
            id(1)
        )
    );
    assert_eq!(
        received[1].target,
        format!("/v2/public/projects/{PROJECT}/label-rows/classifications")
    );
    assert_eq!(
        received[1].json(),
        json!({"labelUuids": [id(1)], "branchName": "main"})
    );
}
