use super::*;
use crate::encord::answer::LARGE_ANSWER;
use crate::encord::peer::{Peer, again, ok, refusal};
use crate::encord::{CreateOptions, ErrorKind};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);
const STAGE: Uuid = Uuid::from_u128(0x6011_c844_fb26_438b_b465_0b08_2595_1015);
const PROJECT_JSON: &str = include_str!("testdata/project.json");
const NO_TASKS: &str = r#"{"results": [], "nextPageToken": null}"#;

#[tokio::test]
async fn version_2_requests_are_signed_over_what_is_sent() {
    let peer = Peer::start([ok(NO_TASKS)]).await;
    let token = "x== a/b+c&é'";
    peer.client
        .tasks_page(PROJECT, STAGE, Some(token))
        .await
        .expect("an empty page");
    let [request] = &peer.received()[..] else {
        panic!("one request");
    };
    assert_eq!(
        request.target,
        format!(
            "/v2/public/projects/{PROJECT}/workflow/stages/{STAGE}/tasks?pageToken=x%3D%3D+a%2Fb%2Bc%26%C3%A9%27"
        )
    );
    request.assert_signed_by(&peer.key);
    assert_eq!(
        request.header("user-agent"),
        concat!("runner-host/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(request.header("accept-encoding"), "gzip");
    let trace = request.header("x-cloud-trace-context");
    assert_eq!(trace.len(), "/1;o=1".len() + 32);
    assert!(trace.ends_with("/1;o=1"), "{trace}");
}

#[tokio::test]
async fn version_1_requests_carry_the_project_and_a_signature() {
    let peer = Peer::start([ok(include_str!("testdata/label_row_metadata.json"))]).await;
    let rows = peer
        .client
        .label_row_metadata(PROJECT, &[STAGE], &Default::default())
        .await
        .expect("rows");
    assert_eq!(rows.len(), 2);
    let [request] = &peer.received()[..] else {
        panic!("one request");
    };
    assert_eq!(
        (request.method.as_str(), &*request.target),
        ("POST", "/public")
    );
    assert_eq!(request.header("resourcetype"), "project");
    assert_eq!(request.header("resourceid"), PROJECT.to_string());
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("accept"), "application/json");
    request.assert_signed_by(&peer.key);
}

#[tokio::test]
async fn repeats_what_may_be_repeated_over_one_connection() {
    let peer = Peer::start([again(503), again(429), again(500), ok(PROJECT_JSON)]).await;
    let project = peer
        .client
        .project(PROJECT)
        .await
        .expect("the fourth answer");
    assert_eq!(project.title, "Stub main");
    assert_eq!(peer.client.requests(), 4);
    let received = peer.received();
    for request in &received {
        request.assert_signed_by(&peer.key);
        assert_eq!(request.from, received[0].from, "the connection is kept");
    }
    let traces: std::collections::HashSet<_> = received
        .iter()
        .map(|request| request.header("x-cloud-trace-context"))
        .collect();
    assert_eq!(traces.len(), 4, "each attempt has a trace of its own");
}

#[tokio::test]
async fn gives_up_after_four_attempts() {
    let peer = Peer::start((0..5).map(|_| again(502))).await;
    let error = peer
        .client
        .project(PROJECT)
        .await
        .expect_err("only failures");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.is_transient() && error.may_have_been_applied());
    assert_eq!(error.status(), Some(502));
    assert_eq!(peer.client.requests(), 4);
}

#[tokio::test]
async fn creation_is_repeated_only_if_it_was_turned_away() {
    let created = include_str!("testdata/label_rows.json");
    let peer = Peer::start([again(429), ok(created), again(503)]).await;
    let options = CreateOptions::default();
    let create = || peer.client.create_label_rows(PROJECT, &[STAGE], &options);
    create().await.expect("the second answer");
    assert_eq!(peer.client.requests(), 2);
    let error = create().await.expect_err("the failure");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(peer.client.requests(), 3);
}

#[tokio::test]
async fn rate_limit_inside_an_envelope_is_one() {
    let (_, _, limited) =
        ok(r#"{"status": 429, "response": ["RATE_LIMIT_ERROR"], "payload": "slow down"}"#);
    let peer = Peer::start([
        (200, vec![("Retry-After", "0")], limited.clone()),
        (200, vec![("Retry-After", "100000")], limited),
    ])
    .await;
    let error = peer
        .client
        .label_row_metadata(PROJECT, &[STAGE], &Default::default())
        .await
        .expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.message(), Some("slow down"));
    assert_eq!(error.code(), Some("RATE_LIMIT_ERROR"));
    // The second wait is longer than anyone wants to hold a request for.
    assert_eq!(peer.client.requests(), 2);
}

#[tokio::test]
async fn answers_of_others_are_named() {
    let html = "<!doctype html><title>Sign in</title>";
    let peer = Peer::start([
        ok(html),
        (
            302,
            vec![("Location", "https://login.example/")],
            String::new(),
        ),
        ok(r#"{"status": 200}"#),
        ok(r#"{"status": 500}"#),
        (
            401,
            vec![],
            r#"{"status": 401, "response": ["AUTHENTICATION_ERROR"]}"#.to_owned(),
        ),
        refusal(422, "not a project"),
    ])
    .await;
    let page = peer.client.project(PROJECT).await.expect_err("a page");
    assert_eq!(page.kind(), ErrorKind::Protocol);
    assert!(page.to_string().contains("<!doctype html>"), "{page}");
    let moved = peer.client.project(PROJECT).await.expect_err("a redirect");
    assert_eq!(moved.kind(), ErrorKind::Protocol);
    assert!(
        moved.to_string().contains("https://login.example/"),
        "{moved}"
    );

    let rows = || async {
        peer.client
            .label_row_metadata(PROJECT, &[STAGE], &Default::default())
            .await
            .expect_err("no rows")
    };
    assert_eq!(rows().await.kind(), ErrorKind::NotFound);
    assert_eq!(rows().await.kind(), ErrorKind::Protocol);
    assert_eq!(rows().await.kind(), ErrorKind::Authentication);
    let wrong = peer.client.project(PROJECT).await.expect_err("422");
    assert_eq!(wrong.kind(), ErrorKind::InvalidArguments);
    assert!(wrong.help().is_some());
    assert_eq!(peer.client.requests(), 6);
}

#[tokio::test]
async fn refused_connection_is_never_sent() {
    // A port that was free a moment ago, so that nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let domain: Domain = format!("http://{address}").parse().expect("a domain");
    let transport = Transport::new(domain, Key::generate()).expect("a transport");
    let request = Request {
        operation: &operation::GET_PROJECT,
        method: Method::GET,
        url: transport.domain.url("v2/public/projects", ""),
        body: Bytes::new(),
        dialect: Dialect::Version2,
        most: usize::MAX,
    };
    let (failure, error) = transport
        .attempt(&request, "0123", |_, _| Ok(()))
        .await
        .expect_err("nobody listens");
    assert_eq!(failure, Failure::NotSent);
    assert!(error.is_transient() && !error.may_have_been_applied());
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "cannot read the project: no answer from http://{address}: "
        )),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn connection_closed_without_an_answer_leaves_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        use tokio::io::AsyncReadExt as _;
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut start = [0; 16];
        connection.read_exact(&mut start).await.expect("a request");
    });
    let domain: Domain = format!("http://{address}").parse().expect("a domain");
    let transport = Transport::new(domain, Key::generate()).expect("a transport");
    let error = transport
        .version1::<serde_json::Value>(&operation::CREATE_LABEL_ROWS, PROJECT, b"{}".to_vec())
        .await
        .expect_err("no answer");
    server.await.expect("the server saw a request");
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.may_have_been_applied());
    assert_eq!(transport.requests(), 1, "a creation is not sent twice");
}

#[tokio::test]
async fn large_answers_are_decoded_too() {
    let filler = "x".repeat(LARGE_ANSWER);
    let body = format!(r#"{{"status": 200, "response": ["{filler}"]}}"#);
    let refused = format!(r#"{{"message": "no", "filler": "{filler}"}}"#);
    let peer = Peer::start([ok(&body), (403, vec![], refused)]).await;
    let transport = &peer.client.transport;
    let read =
        || transport.version1::<Vec<String>>(&operation::READ_LABEL_ROWS, PROJECT, b"{}".to_vec());
    assert_eq!(read().await.expect("text")[0].len(), LARGE_ANSWER);
    let error = read().await.expect_err("refused");
    assert_eq!(error.message(), Some("no"));
}

#[tokio::test]
async fn requests_one_after_another_share_one_connection() {
    let peer = Peer::start((0..6).map(|number| {
        // An answer that is a failure costs no connection either.
        if number == 3 {
            refusal(403, "no")
        } else {
            ok(NO_TASKS)
        }
    }))
    .await;
    let clone = peer.client.clone();
    for client in [&peer.client, &clone] {
        for _ in 0..3 {
            let _ = client.tasks_page(PROJECT, STAGE, None).await;
        }
    }
    let connections: std::collections::HashSet<_> =
        peer.received().iter().map(|request| request.from).collect();
    assert_eq!(peer.received().len(), 6);
    assert_eq!(connections.len(), 1);
}

#[tokio::test]
async fn compressed_answers_are_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let compressed = include_bytes!("testdata/branches.json.gz");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(connection.read_u8().await.expect("a request"));
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            compressed.len()
        );
        connection.write_all(head.as_bytes()).await.expect("sent");
        connection.write_all(compressed).await.expect("sent");
        String::from_utf8(request).expect("text").to_lowercase()
    });
    let domain = format!("http://{address}").parse().expect("a domain");
    let client = crate::encord::Client::new(domain, Key::generate()).expect("a client");
    let branches = client.branches(PROJECT).await.expect("branches");
    assert_eq!(branches, ["main", "second"]);
    let request = server.await.expect("no panic");
    assert!(request.contains("accept-encoding: gzip"), "{request}");
}

#[tokio::test]
async fn what_encord_asks_one_request_to_wait_all_wait() {
    use futures::FutureExt as _;
    let slow_down = (429, vec![("Retry-After", "59")], String::new());
    let peer = Peer::start([ok(NO_TASKS), slow_down]).await;
    let page = |client: &crate::encord::Client| {
        let client = client.clone();
        async move { client.tasks_page(PROJECT, STAGE, None).await }
    };
    page(&peer.client).await.expect("an empty page");
    let mut limited = Box::pin(page(&peer.client));
    // The answer is there once the limiter holds everyone back.
    while peer
        .client
        .transport
        .limiter
        .turn()
        .now_or_never()
        .is_some()
    {
        assert!((&mut limited).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let clone = peer.client.clone();
    assert!(page(&clone).now_or_never().is_none());
    assert_eq!(peer.client.requests(), 2, "the third was not sent");
}
