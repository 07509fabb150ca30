use serde_json::{Value, json};

use super::*;
use crate::encord::peer::{Answer, Peer, again, ok, refusal};
use crate::encord::{CreateOptions, ErrorKind, MetadataOptions, ReadOptions};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);
const STAGE: Uuid = Uuid::from_u128(0x6011_c844_fb26_438b_b465_0b08_2595_1015);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn envelope(response: Value) -> Answer {
    ok(&json!({"status": 200, "response": response}).to_string())
}

fn items(ids: &[u128], next: Option<&str>) -> Answer {
    let results: Vec<_> = ids
        .iter()
        .map(|number| json!({"uuid": id(*number), "name": format!("item {number}")}))
        .collect();
    ok(&json!({"results": results, "nextPageToken": next}).to_string())
}

/// What each request asked for, as the numbers of its identifiers.
fn asked(peer: &Peer, pointer: &str) -> Vec<Vec<u128>> {
    peer.received()
        .iter()
        .map(|request| {
            let body = request.json();
            let ids = body.pointer(pointer).and_then(Value::as_array);
            ids.expect("a list")
                .iter()
                .map(|id| {
                    let id = id.as_str().or_else(|| id["taskUuid"].as_str());
                    let id: Uuid = id.expect("text").parse().expect("UUID");
                    id.as_u128()
                })
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn one_task_that_is_gone_costs_its_neighbours_nothing() {
    let gone = || refusal(400, "Task is not in the stage");
    let peer = Peer::start([gone(), ok("null"), gone(), (204, vec![], String::new())]).await;
    let moves: Vec<_> = (0..4).map(|number| (id(number), id(99))).collect();
    let moved = peer
        .client
        .follow_pathways_each(PROJECT, STAGE, &moves)
        .await;
    let [Ok(()), Ok(()), Err(error), Ok(())] = &moved[..] else {
        panic!("{moved:?}");
    };
    assert_eq!(error.kind(), ErrorKind::TaskGone);
    assert!(!error.may_have_been_applied());
    assert_eq!(
        error.to_string(),
        "cannot move the task along its pathway: the task has already left the stage: Task is not in the stage"
    );
    // The first half passed, so the second is known to hold the culprit and is not sent as a whole.
    assert_eq!(
        asked(&peer, ""),
        [vec![0, 1, 2, 3], vec![0, 1], vec![2], vec![3]]
    );
}

#[tokio::test]
async fn a_lost_answer_before_a_refusal_is_remembered() {
    let gone = || refusal(400, "not in the stage");
    let peer = Peer::start([again(503), gone(), gone(), gone()]).await;
    let moves = [(id(1), id(99)), (id(2), id(99))];
    let moved = peer
        .client
        .follow_pathways_each(PROJECT, STAGE, &moves)
        .await;
    for result in moved {
        let error = result.expect_err("gone");
        assert_eq!(error.kind(), ErrorKind::TaskGone);
        assert!(error.may_have_been_applied());
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_for_all_that_it_is_about() {
    let documents: Vec<_> = (1..=2)
        .map(|number| json!({"label_hash": id(number), "long": "x".repeat(500)}))
        .collect();
    let answer = || ok(&json!({"status": 200, "response": documents}).to_string());
    let peer = Peer::start([answer(), answer()]).await;
    for (longest, expected) in [(1000, None), (2000, Some(2))] {
        let options = ReadOptions {
            longest_answer: Some(longest),
            ..ReadOptions::default()
        };
        let read = peer
            .client
            .read_label_rows_each(PROJECT, &[id(1), id(2)], &options)
            .await;
        assert_eq!(read.len(), 2);
        match expected {
            Some(many) => assert_eq!(read.iter().filter(|row| row.is_ok()).count(), many),
            None => {
                for row in read {
                    assert_eq!(row.expect_err("too long").kind(), ErrorKind::AnswerTooLarge);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_of_megabytes_is_a_refusal_without_words() {
    let words = json!({"message": "x".repeat(2 << 20)}).to_string();
    let long = (400, vec![], words);
    let peer = Peer::start([long, refusal(400, &"y".repeat(5000))]).await;
    for expected in [None, Some(301)] {
        let moved = peer
            .client
            .follow_pathways_each(PROJECT, STAGE, &[(id(1), id(99))])
            .await
            .remove(0);
        let error = moved.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::TaskGone);
        assert_eq!(error.message().map(|words| words.chars().count()), expected);
    }
}

#[tokio::test]
async fn failures_that_no_entry_caused_end_the_bundle() {
    let peer = Peer::start([refusal(403, "one of them"), refusal(401, "who are you")]).await;
    let moves: Vec<_> = (0..4).map(|number| (id(number), id(99))).collect();
    let moved = peer
        .client
        .follow_pathways_each(PROJECT, STAGE, &moves)
        .await;
    assert_eq!(moved.len(), 4);
    for result in moved {
        assert_eq!(
            result.expect_err("refused").kind(),
            ErrorKind::Authentication
        );
    }
    assert_eq!(peer.client.requests(), 2);
}

#[tokio::test]
async fn label_rows_are_saved_with_their_hashes() {
    let corrupted =
        ok(r#"{"status": 400, "response": ["CORRUPTED_LABEL_ERROR"], "payload": "frame 31"}"#);
    let peer = Peer::start([corrupted.clone(), corrupted, envelope(json!(true))]).await;
    let (bad, good) = (
        json!({"label_hash": id(1)}),
        json!({"label_hash": id(2), "é": 1.5}),
    );
    let saved = peer
        .client
        .save_label_rows_each(PROJECT, &[(id(1), &bad), (id(2), &good)])
        .await;
    let error = saved[0].as_ref().expect_err("corrupted");
    assert_eq!(error.kind(), ErrorKind::InvalidArguments);
    assert_eq!(error.message(), Some("frame 31"));
    assert!(saved[1].is_ok());
    assert_eq!(
        peer.received()[2].json(),
        json!({"query_type": "labelrow", "query_method": "POST", "values": {"uid": [id(2)], "payload": {
            "multi_request": true, "labels": [good], "validate_before_saving": false}}})
    );
}

#[tokio::test]
async fn documents_can_be_json_text() {
    let peer = Peer::start([envelope(json!(true))]).await;
    // The digits of a number stay as they are.
    let text = r#"{"label_hash":"x","n":1.10}"#;
    let document = serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON");
    peer.client
        .save_label_rows(PROJECT, &[(id(1), &*document)])
        .await
        .expect("saved");
    let body = peer.received()[0].body.clone();
    assert!(String::from_utf8_lossy(&body).contains(text));
}

#[tokio::test]
async fn too_many_label_rows_are_read_in_parts() {
    let limit = ok(
        r#"{"status": 400, "response": ["MULTI_LABEL_LIMIT_ERROR"], "payload": {"maximum_labels_allowed": 2}}"#,
    );
    let rows = |numbers: &[u128]| {
        envelope(
            numbers
                .iter()
                .map(|number| json!({"label_hash": id(*number)}))
                .collect(),
        )
    };
    let peer = Peer::start([limit, rows(&[2, 1]), rows(&[3])]).await;
    let read = peer
        .client
        .read_label_rows_each(PROJECT, &[1, 2, 3, 4, 1].map(id), &ReadOptions::default())
        .await;
    for (result, number) in read.iter().zip([1, 2, 3]) {
        let document = result.as_ref().expect("read");
        assert_eq!(document["label_hash"], json!(id(number)));
    }
    let missing = read[3].as_ref().expect_err("not in the answer");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(
        missing.to_string().contains(&id(4).to_string()),
        "{missing}"
    );
    assert_eq!(
        read[4].as_ref().expect("asked twice")["label_hash"],
        json!(id(1))
    );
    assert_eq!(
        asked(&peer, "/values/uid"),
        [vec![1, 2, 3, 4], vec![1, 2], vec![3, 4]]
    );
}

#[tokio::test]
async fn storage_items_come_in_the_order_asked_for() {
    let peer = Peer::start([items(&[2, 1], Some("more")), items(&[3], Some("more"))]).await;
    let found = peer
        .client
        .storage_items(&[3, 1, 2, 3].map(id), true)
        .await
        .expect("items");
    let names: Vec<_> = found.iter().map(|item| &*item.name).collect();
    assert_eq!(names, ["item 3", "item 1", "item 2", "item 3"]);
    assert_eq!(asked(&peer, "/itemUuids"), [vec![3, 1, 2], vec![3]]);
    assert_eq!(peer.received()[0].json()["signUrls"], json!(true));
}

#[tokio::test]
async fn a_forbidden_storage_item_fails_alone() {
    let forbidden = || refusal(403, "no access");
    let peer = Peer::start([
        forbidden(),
        forbidden(),
        items(&[2], None),
        items(&[], Some("x")),
    ])
    .await;
    let found = peer.client.storage_items_each(&[1, 2].map(id), false).await;
    assert_eq!(
        found[0].as_ref().expect_err("forbidden").kind(),
        ErrorKind::Authorisation
    );
    assert_eq!(found[1].as_ref().expect("allowed").name, "item 2");
    // A page that brings nothing new ends the reading, whatever its token says.
    let missing = peer.client.storage_items(&[id(7)], false).await;
    assert_eq!(missing.expect_err("missing").kind(), ErrorKind::NotFound);
    assert_eq!(peer.client.requests(), 4);
}

#[tokio::test]
async fn priorities_out_of_range_are_not_sent() {
    let peer = Peer::start([ok("null"), ok("null")]).await;
    let set = peer
        .client
        .set_priorities_each(
            PROJECT,
            &[(id(1), 0.0), (id(2), f64::NAN), (id(3), 1.0), (id(4), 1.5)],
        )
        .await;
    let passed: Vec<_> = set.iter().map(Result::is_ok).collect();
    assert_eq!(passed, [true, false, true, false]);
    let sent: Vec<_> = peer
        .received()
        .iter()
        .map(|request| request.json())
        .collect();
    assert_eq!(
        sent,
        [
            json!({"priorities": [[id(1), 0.0]]}),
            json!({"priorities": [[id(3), 1.0]]})
        ]
    );
    let refused = peer.client.set_priorities(PROJECT, &[(id(1), -0.1)]).await;
    assert_eq!(
        refused.expect_err("negative").kind(),
        ErrorKind::InvalidArguments
    );
    assert_eq!(peer.client.requests(), 2);
}

#[tokio::test]
async fn long_lists_are_cut_and_empty_ones_not_sent() {
    let peer = Peer::start((0..3).map(|_| envelope(json!([])))).await;
    let hashes: Vec<_> = (0..2500).map(id).collect();
    let options = MetadataOptions::default();
    let rows = peer
        .client
        .label_row_metadata(PROJECT, &hashes, &options)
        .await;
    assert!(rows.expect("rows").is_empty());
    let mut sizes: Vec<_> = asked(&peer, "/values/payload/data_hashes")
        .iter()
        .map(Vec::len)
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [500, 1000, 1000]);

    let client = &peer.client;
    client
        .label_row_metadata(PROJECT, &[], &options)
        .await
        .expect("nothing");
    client.storage_items(&[], true).await.expect("nothing");
    client
        .follow_pathways(PROJECT, STAGE, &[])
        .await
        .expect("nothing");
    assert!(
        client
            .save_label_rows_each::<Value>(PROJECT, &[])
            .await
            .is_empty()
    );
    assert_eq!(client.requests(), 3);
}

#[tokio::test]
async fn calls_can_run_on_any_thread() {
    let peer = Peer::start([
        envelope(json!([])),
        envelope(json!([])),
        items(&[1], None),
        items(&[1], None),
        ok("null"),
        ok("null"),
        envelope(json!(true)),
    ])
    .await;
    let client = peer.client.clone();
    tokio::spawn(async move {
        let document = json!({});
        let ids = [id(1)];
        let pairs = [(id(1), id(2))];
        // Those that need not run to show it.
        fn sendable(_: impl Send) {}
        let options = ReadOptions::default();
        let creation = CreateOptions::default();
        sendable(client.create_label_rows(PROJECT, &ids, &creation));
        sendable(client.read_label_rows(PROJECT, &ids, &options));
        sendable(client.read_label_rows_each(PROJECT, &ids, &options));
        sendable(client.tasks_page(PROJECT, STAGE, None));
        client
            .label_row_metadata(PROJECT, &ids, &Default::default())
            .await?;
        client
            .create_label_rows_each(PROJECT, &ids, &creation)
            .await;
        client.storage_items(&ids, true).await?;
        client.storage_items_each(&ids, true).await;
        client.follow_pathways_each(PROJECT, STAGE, &pairs).await;
        client.set_priorities_each(PROJECT, &[(id(1), 0.5)]).await;
        client
            .save_label_rows_each(PROJECT, &[(id(1), &document)])
            .await;
        Ok::<_, Error>(())
    })
    .await
    .expect("no panic")
    .expect("every call passed");
    assert_eq!(peer.client.requests(), 7);
}
