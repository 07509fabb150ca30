use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Position;

use super::client::Served;
use super::{Scratch, bitmap};
use crate::local::{FaultPlan, RuleCount, ServerOptions};

/// A served project with one image.
async fn served(options: ServerOptions) -> (Scratch, Served) {
    let scratch = Scratch::new();
    scratch.add_images(1);
    scratch.init().expect("the media are fine");
    let project = scratch.open().expect("it has been made");
    let served = Served::start_with(vec![project], options).await;
    (scratch, served)
}

async fn served_with(plan: &str) -> (Scratch, Served) {
    let (scratch, served) = served(ServerOptions::default()).await;
    served.server.faults().set(parsed(plan));
    (scratch, served)
}

fn parsed(plan: &str) -> FaultPlan {
    FaultPlan::from_toml(plan).expect("it has no mistakes")
}

fn counts(served: &Served) -> Vec<(u64, u64)> {
    let counts = served.server.faults().counts();
    let pair = |count: RuleCount| (count.matched, count.fired);
    counts.into_iter().map(pair).collect()
}

/// The only row of the project.
async fn row(served: &Served) -> Value {
    let all = json!({ "include_uninitialised_labels": true });
    served.metadata(all).await.remove(0)
}

async fn set_priority(served: &Served, priority: f64) -> RequestBuilder {
    let body = json!({ "priorities": [[row(served).await["data_hash"], priority]] });
    let path = format!("projects/{}/priorities", served.project);
    served.v2_request(Method::POST, &path, Some(body))
}

async fn media_url(served: &Served) -> String {
    let uuids = json!({ "itemUuids": [row(served).await["backing_item_uuid"]], "signUrls": true });
    let (status, page) = served
        .v2(Method::POST, "storage/items/get-bulk", Some(uuids))
        .await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let url = page["results"][0]["signedUrl"].as_str();
    url.expect("it is asked for").to_owned()
}

/// Every byte that the server sends back on a connection of the request's own, until it closes that.
async fn answer_to(request: RequestBuilder) -> Vec<u8> {
    let request = request.build().expect("it is a request");
    let url = request.url();
    let target = &url[Position::BeforePath..];
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method());
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let body = body.unwrap_or_default();
    for (name, value) in request.headers() {
        let value = value.to_str().expect("they are text");
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!(
        "host: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        url.authority(),
        body.len()
    ));
    let address = url.socket_addrs(|| None).expect("it is an address")[0];
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let sent = [head.as_bytes(), body].concat();
    // Either may fail when the server closes the connection, which is what is waited for.
    let _ = stream.write_all(&sent).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_dropped_before_the_effect_leaves_nothing() {
    let plan = "[[rules]]\noperation = 'priorities'\ndrop-before = true\ntimes = 1";
    let (_scratch, served) = served_with(plan).await;
    let before = row(&served).await["priority"].clone();
    assert_ne!(before, json!(0.25));
    let answer = answer_to(set_priority(&served, 0.25).await).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    assert_eq!(row(&served).await["priority"], before);
    let answer = answer_to(set_priority(&served, 0.25).await).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    assert_eq!(row(&served).await["priority"], json!(0.25));
    assert_eq!(counts(&served), [(2, 1)]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_dropped_after_the_effect_hides_it() {
    let plan = "[[rules]]\noperation = 'priorities'\ndrop-after = true\n\
                [[rules]]\noperation = 'labelrow.PUT'\ndrop-after = true";
    let (_scratch, served) = served_with(plan).await;
    let answer = answer_to(set_priority(&served, 0.25).await).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    assert_eq!(row(&served).await["priority"], json!(0.25));

    let data_hash = row(&served).await["data_hash"].clone();
    let create = served.v1_request("labelrow", "PUT", json!([data_hash]), json!({}));
    let error = create.send().await.expect_err("nothing comes back");
    assert!(error.is_request(), "{error:?}");
    let label_hash = row(&served).await["label_hash"].clone();
    assert!(label_hash.is_string(), "{label_hash}");
    let read = served.v1("labelrow", "GET", json!([label_hash]), json!({}));
    assert_eq!(read.await.0, 200);
    assert_eq!(counts(&served), [(1, 1), (1, 1)]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dropped_connection_does_not_cost_another() {
    let plan = "[[rules]]\noperation = 'priorities'\ndrop-before = true";
    let (_scratch, served) = served_with(plan).await;
    let address = served.url.socket_addrs(|| None).expect("it is an address")[0];
    let mut kept = TcpStream::connect(address).await.expect("it listens");
    let request = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n";
    kept.write_all(request).await.expect("it is open");
    let mut begin = [0; 12];
    kept.read_exact(&mut begin).await.expect("it is open");
    assert_eq!(begin, *b"HTTP/1.1 404");
    let answer = answer_to(set_priority(&served, 0.25).await).await;
    assert!(answer.is_empty());
    let request = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    kept.write_all(request).await.expect("it is open");
    let mut rest = Vec::new();
    kept.read_to_end(&mut rest).await.expect("it is open");
    // Behind what was left of the first answer.
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("HTTP/1.1 404"), "{rest}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_comes_in_the_words_of_each_api_and_instead_of_the_effect() {
    let plan = "
        [[rules]]
        operation = 'priorities'
        status = 429
        retry-after = 7
        [[rules]]
        operation = 'labelrow.PUT'
        status = 503
        times = 1
        [[rules]]
        operation = 'labelrow.PUT'
        status = 403
        ";
    let (_scratch, served) = served_with(plan).await;
    let before = row(&served).await;
    let request = set_priority(&served, 0.25).await;
    let response = request.send().await.expect("the server runs");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    let body: Value = serde_json::from_slice(&response.bytes().await.expect("it answers"))
        .expect("answers are JSON");
    assert!(body["message"].is_string(), "{body}");

    let data_hash = before["data_hash"].clone();
    let create = served.v1_request("labelrow", "PUT", json!([data_hash]), json!({}));
    let response = create.send().await.expect("the server runs");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key("retry-after"));
    let create = served.v1("labelrow", "PUT", json!([data_hash]), json!({}));
    assert_eq!(create.await, (403, json!(["AUTHORISATION_ERROR"])));
    assert_eq!(row(&served).await, before);

    served.server.faults().clear();
    let create = served.v1("labelrow", "PUT", json!([data_hash]), json!({}));
    assert_eq!(create.await.0, 200);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_is_waited_for() {
    let (_scratch, served) = served_with("[[rules]]\nmethod = 'GET'\nlatency = 60").await;
    let path = format!("projects/{}", served.project);
    let began = Instant::now();
    let (status, _) = served.v2(Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_millis(60));
    assert_eq!(counts(&served), [(1, 1)]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_trickles_and_is_whole() {
    let plan = "[[rules]]\noperation = 'media'\nslow-body = 5000";
    let (_scratch, served) = served_with(plan).await;
    let url = media_url(&served).await;
    let began = Instant::now();
    let response = served.http.get(url).send().await.expect("the server runs");
    let file = response.bytes().await.expect("the server answers");
    // 694 bytes.
    assert!(began.elapsed() >= Duration::from_millis(138));
    assert_eq!(file, bitmap(10, 20));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_body_is_half_of_what_was_promised() {
    let (_scratch, served) =
        served_with("[[rules]]\npath = '/media/**'\ntruncate-body = true").await;
    let url = media_url(&served).await;
    let answer = answer_to(served.http.get(&url)).await;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.expect("the head is whole") + 4);
    let head = String::from_utf8_lossy(head).to_lowercase();
    let file = bitmap(10, 20);
    assert!(
        head.contains(&format!("content-length: {}\r\n", file.len())),
        "{head}"
    );
    assert_eq!(body, &file[..file.len() / 2]);
    let response = served.http.get(url).send().await.expect("there is a head");
    assert!(response.bytes().await.is_err());

    // Documents of the API break off in the same way, slowly if that is asked for too.
    let plan = "[[rules]]\noperation = 'project'\ntruncate-body = true\nslow-body = 100000";
    served.server.faults().set(parsed(plan));
    let path = format!("projects/{}", served.project);
    let request = served.v2_request(Method::GET, &path, None);
    let response = request.send().await.expect("there is a head");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.is_err());
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_expire_when_asked_for_and_by_themselves() {
    let (_scratch, served) = served_with("[[rules]]\nexpire-urls = true\ntimes = 1").await;
    let url = media_url(&served).await;
    let get = async |served: &Served, url: &str| {
        let response = served.http.get(url).send().await.expect("the server runs");
        (
            response.status(),
            response.text().await.expect("it answers"),
        )
    };
    let expired = get(&served, &url).await;
    assert_eq!(expired.0, StatusCode::FORBIDDEN);
    let again = served.http.get(media_url(&served).await).send();
    assert_eq!(
        again.await.expect("the server runs").status(),
        StatusCode::OK
    );
    served.stop().await;

    let options = ServerOptions {
        url_lifetime: Duration::ZERO,
        ..ServerOptions::default()
    };
    let (_scratch, served) = self::served(options).await;
    let url = media_url(&served).await;
    assert_eq!(get(&served, &url).await, expired);
    served.stop().await;
}

fn admin(served: &Served, method: Method) -> RequestBuilder {
    let url = served.url.join("admin/faults").expect("it is a path");
    served.http.request(method, url)
}

async fn answered(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("the server runs");
    let status = response.status();
    let text = response.text().await.expect("the server answers");
    (
        status,
        serde_json::from_str(&text).expect("answers are JSON"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_can_be_changed_over_http() {
    let options = ServerOptions {
        admin: true,
        faults: parsed("[[rules]]\nstatus = 500\nskip = 1"),
        ..ServerOptions::default()
    };
    let (_scratch, served) = served(options).await;
    let path = format!("projects/{}", served.project);
    let ask = async || served.v2(Method::GET, &path, None).await.0;
    assert_eq!(ask().await, StatusCode::OK);
    assert_eq!(ask().await, StatusCode::INTERNAL_SERVER_ERROR);
    // The admin calls meet no fault themselves.
    let (status, shown) = answered(admin(&served, Method::GET)).await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({
        "plan": { "seed": 0, "rules": [{ "status": 500, "skip": 1 }] },
        "counts": [{ "matched": 2, "fired": 1 }],
    });
    assert_eq!(shown, expected);

    let put = |plan: Value| answered(admin(&served, Method::PUT).body(plan.to_string()));
    let wrong = json!({ "rules": [{ "status": 99 }, { "latncy": 3 }] });
    let (status, refused) = put(wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = refused["message"].as_str().expect("there is one");
    assert!(message.contains("rule 1: expected `status`"), "{message}");
    assert!(message.contains("found `latncy`"), "{message}");
    assert_eq!(answered(admin(&served, Method::GET)).await.1, expected);

    let plan =
        json!({ "seed": 5, "rules": [{ "operation": "project", "status": 404, "times": 1 }] });
    let (status, shown) = put(plan.clone()).await;
    assert_eq!((status, &shown["plan"]), (StatusCode::OK, &plan));
    assert_eq!(ask().await, StatusCode::NOT_FOUND);
    assert_eq!(ask().await, StatusCode::OK);
    assert_eq!(counts(&served), [(2, 1)]);
    let (status, shown) = answered(admin(&served, Method::DELETE)).await;
    assert_eq!((status, &shown["counts"]), (StatusCode::OK, &json!([])));
    assert!(served.server.faults().plan().is_empty());
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_calls_are_there_only_if_wanted_and_only_from_here() {
    let (_scratch, served) = served_with("").await;
    assert_eq!(
        answered(admin(&served, Method::GET)).await.0,
        StatusCode::NOT_FOUND
    );
    served.stop().await;

    let options = ServerOptions {
        admin: true,
        ..ServerOptions::default()
    };
    let (_scratch, served) = self::served(options).await;
    let foreign = admin(&served, Method::DELETE).header("host", "runner.example.com");
    assert_eq!(answered(foreign).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        answered(admin(&served, Method::GET)).await.0,
        StatusCode::OK
    );
    served.stop().await;
}
