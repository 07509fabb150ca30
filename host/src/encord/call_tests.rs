use serde_json::json;

use super::*;
use crate::encord::ErrorKind;
use crate::encord::peer::{Peer, again, ok, refusal};

const DATASET: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn calls_of_the_rest_api_are_encoded_and_signed() {
    let created = (201, Vec::new(), r#" {"b": 1.0, "a": []}"#.to_owned());
    let emptied = (204, Vec::new(), String::new());
    let peer = Peer::start([created, emptied]).await;
    let query = [pair("pageToken", "x== a/b&c"), pair("é", "")];
    let body = r#"{"itemUuids": []}"#;
    let answer = peer
        .client
        .call_rest("POST", "storage/items/get-bulk", &query, Some(body))
        .await
        .expect("an answer");
    assert_eq!(answer, r#"{"b": 1.0, "a": []}"#, "nothing is lost");
    let answer = peer.client.call_rest("DELETE", "x/y", &[], None).await;
    assert_eq!(answer.expect("an answer"), "null");

    let received = peer.received();
    assert_eq!(
        received[0].target,
        "/v2/public/storage/items/get-bulk?pageToken=x%3D%3D+a%2Fb%26c&%C3%A9="
    );
    assert_eq!(received[0].body, body);
    assert_eq!(received[1].method, Method::DELETE);
    assert_eq!(received[1].target, "/v2/public/x/y");
    for request in &received {
        request.assert_signed_by(&peer.key);
    }
}

#[tokio::test]
async fn paths_that_lead_elsewhere_are_refused_before_anything_is_sent() {
    let peer = Peer::start([]).await;
    for path in [
        "",
        "/storage/items",
        "storage/items/",
        "storage//items",
        "../../admin/faults",
        "storage/../../../public",
        "storage/./items",
        "storage/%2e%2e/items",
        "storage/items?signUrl=True",
        "storage/items#part",
        "https://example.com/",
        "storage\\items",
        "storage/items\n",
        "storage/é",
    ] {
        let called = peer.client.call_rest("GET", path, &[], None).await;
        let error = called.expect_err(path);
        assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{path}: {error}");
    }
    let long = "x/".repeat(2000) + "x";
    for (method, path, body) in [
        ("GET", &*long, None),
        ("HEAD", "storage/items", None),
        ("get", "storage/items", None),
        ("POST", "storage/items", Some("{")),
        ("POST", "storage/items", Some("")),
    ] {
        let called = peer.client.call_rest(method, path, &[], body).await;
        let error = called.expect_err(method);
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidArguments,
            "{method}: {error}"
        );
    }
    let null = Value::Null;
    let called = peer
        .client
        .call_query("project", DATASET, "labelrow", "PATCH", &null, &null)
        .await;
    let error = called.expect_err("no such method");
    assert_eq!(error.kind(), ErrorKind::InvalidArguments);
    assert_eq!(peer.client.requests(), 0);
}

#[tokio::test]
async fn only_what_is_known_to_do_no_harm_is_repeated() {
    for (method, path, repeated) in [
        ("GET", "anything/at/all", true),
        ("POST", "storage/items/get-bulk", true),
        ("POST", "projects/1111/priorities", true),
        ("PATCH", "storage/folders/1/items/2", true),
        ("POST", "projects/1111/priorities/more", false),
        ("POST", "projects/priorities", false),
        ("POST", "storage/folders", false),
        ("PUT", "storage/items/get-bulk", false),
        ("DELETE", "storage/items", false),
    ] {
        let peer = Peer::start([again(503), ok("1")]).await;
        let answer = peer.client.call_rest(method, path, &[], None).await;
        assert_eq!(answer.is_ok(), repeated, "{method} {path}");
    }
    for (kind, method, repeated) in [
        ("labelrowmetadata", "GET", true),
        ("labelrow", "POST", true),
        ("labelrow", "PUT", false),
        ("labelrow", "DELETE", false),
        ("datasetdata", "POST", false),
    ] {
        let done = ok(r#"{"status": 200, "response": 1}"#);
        let peer = Peer::start([again(503), done]).await;
        let null = Value::Null;
        let answer = peer
            .client
            .call_query("project", DATASET, kind, method, &null, &null)
            .await;
        assert_eq!(answer.is_ok(), repeated, "{kind}.{method}");
    }
    // What was turned away did nothing.
    let peer = Peer::start([again(429), ok("2")]).await;
    let answer = peer.client.call_rest("POST", "x", &[], None).await;
    assert_eq!(answer.expect("the second answer"), "2");
}

#[tokio::test]
async fn queries_are_about_a_project_or_a_dataset() {
    let peer = Peer::start([
        ok(r#"{"status": 200, "response": {"b": 1, "a": 1.50}, "payload": null}"#),
        ok(r#"{"status": 200, "response": null}"#),
        ok(r#"{"status": 404, "response": ["RESOURCE_NOT_FOUND_ERROR"]}"#),
    ])
    .await;
    let (uid, payload) = (json!(["u"]), json!({ "b": 1, "a": 2 }));
    let call = || {
        peer.client
            .call_query("dataset", DATASET, "dataset", "GET", &uid, &payload)
    };
    assert_eq!(call().await.expect("an answer"), r#"{"b": 1, "a": 1.50}"#);
    assert_eq!(call().await.expect("an answer"), "null");
    let error = call().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let received = peer.received();
    let request = &received[0];
    assert_eq!(request.target, "/public");
    assert_eq!(request.header("resourcetype"), "dataset");
    assert_eq!(request.header("resourceid"), DATASET.to_string());
    assert_eq!(
        request.body,
        r#"{"query_type":"dataset","query_method":"GET","values":{"uid":["u"],"payload":{"b":1,"a":2}}}"#
    );
    request.assert_signed_by(&peer.key);
}

#[tokio::test]
async fn answers_that_are_too_long_or_no_json_are_errors() {
    let long = format!("\"{}\"", "x".repeat(LONGEST_ANSWER));
    let page = "<!doctype html>";
    let peer = Peer::start([ok(&long), ok(page), refusal(404, "no such item")]).await;
    let call = || peer.client.call_rest("GET", "storage/items", &[], None);
    let error = call().await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::AnswerTooLarge);
    assert!(error.to_string().contains("67108864 bytes"), "{error}");
    assert_eq!(
        call().await.expect_err("a page").kind(),
        ErrorKind::Protocol
    );
    let error = call().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no such item"), "{error}");
    assert_eq!(peer.client.requests(), 3);
}
