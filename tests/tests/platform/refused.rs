//! Requests that are turned away, and answers that come late, in part, or too late.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use runner_host::encord::{Client, CreateOptions, ErrorKind, Key};
use runner_host::local::{Server, ServerOptions};

use crate::set_up::{
    AGENT, PROJECT, Platform, by_reference, counts, create_noted, download, noted, row, set_faults,
    tasks,
};

#[tokio::test(flavor = "multi_thread")]
async fn while_one_request_has_to_wait_the_others_of_the_client_wait_too() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let plan = "
        [[rules]]
        operation = 'project'
        status = 429
        retry-after = 1
        times = 1
        [[rules]]
        latency = 0
        ";
    set_faults(&served.server, plan);
    let before = served.client.requests();
    let other = served.client.clone();
    let limited = tokio::spawn(async move { other.project(PROJECT).await });
    let mut longest = Duration::ZERO;
    while !limited.is_finished() {
        let asked = Instant::now();
        served.client.branches(PROJECT).await.unwrap();
        longest = longest.max(asked.elapsed());
    }
    assert_eq!(limited.await.unwrap().unwrap().hash, PROJECT);
    // One of them came back while nothing might be sent, and was held until the second was over.
    assert!(longest > Duration::from_millis(500), "{longest:?}");
    let counts = counts(&served.server);
    assert_eq!(counts[0], (2, 1));
    assert_eq!(counts[1].0, served.client.requests() - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_turned_away_again_and_again_fails_without_doubt() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let data_hash = row(&served.client, "a.gif").await.data_hash;
    let plan = "[[rules]]\noperation = 'labelrow.PUT'\nstatus = 429\nretry-after = 0";
    set_faults(&served.server, plan);
    let (hashes, options) = ([data_hash], CreateOptions::default());
    let created = served.client.create_label_rows(PROJECT, &hashes, &options);
    let error = created.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert!(error.is_transient() && !error.may_have_been_applied());
    assert_eq!(error.retry_after(), Some(Duration::ZERO));
    // It did nothing, so it is tried although it makes something.
    assert_eq!(counts(&served.server), [(8, 8)]);
    served.server.faults().clear();
    let created = served.client.create_label_rows(PROJECT, &hashes, &options);
    assert_eq!(created.await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_503_ends_a_request_that_must_not_be_repeated() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let data_hash = row(&served.client, "a.gif").await.data_hash;
    let plan = "[[rules]]\noperation = 'labelrow.PUT'\nstatus = 503\nretry-after = 0";
    set_faults(&served.server, plan);
    let (hashes, options) = ([data_hash], CreateOptions::default());
    let created = served.client.create_label_rows(PROJECT, &hashes, &options);
    let error = created.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Server, Some(503))
    );
    assert!(error.may_have_been_applied());
    assert!(error.help().unwrap().contains(error.trace_id().unwrap()));
    assert_eq!(counts(&served.server), [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_too_large_is_sent_in_parts() {
    let platform = Platform::of_pictures(&["a", "b", "c", "d"]);
    let served = platform.serve().await;
    let client = &served.client;
    let hashes: Vec<_> = tasks(client, PROJECT, AGENT)
        .await
        .into_iter()
        .filter(|task| task.data_title.ends_with(".gif"))
        .map(|task| task.data_hash)
        .collect();
    let rows = create_noted(client, &hashes).await;
    let sent = by_reference(&rows);
    // All four are too many, and so are the first two.
    let plan = "[[rules]]\noperation = 'labelrow.POST'\nstatus = 413\ntimes = 2";
    set_faults(&served.server, plan);
    let saved = client.save_label_rows_each(PROJECT, &sent).await;
    assert!(saved.iter().all(Result::is_ok), "{saved:?}");
    assert_eq!(counts(&served.server), [(5, 2)]);
    assert_eq!(noted(client, &rows).await, 4);

    // One row that is too large by itself fails alone.
    set_faults(
        &served.server,
        "[[rules]]\noperation = 'labelrow.POST'\nstatus = 413\ntimes = 3",
    );
    let saved = client.save_label_rows_each(PROJECT, &sent).await;
    let kinds: Vec<_> = saved
        .iter()
        .map(|result| result.as_ref().err().map(|error| error.kind()))
        .collect();
    assert_eq!(kinds, [Some(ErrorKind::PayloadTooLarge), None, None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_slowly_is_whole() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let whole = served
        .client
        .tasks_page(PROJECT, AGENT, None)
        .await
        .unwrap();
    let plan = "[[rules]]\noperation = 'tasks'\nslow-body = 8000";
    set_faults(&served.server, plan);
    let slow = served
        .client
        .tasks_page(PROJECT, AGENT, None)
        .await
        .unwrap();
    assert_eq!(slow, whole);
    assert_eq!(counts(&served.server), [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_has_expired_says_so_and_a_new_one_works() {
    let platform = Platform::of_pictures(&["a"]);
    let key = Key::generate();
    let options = ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        url_lifetime: Duration::ZERO,
        ..ServerOptions::default()
    };
    let server = Server::start(vec![platform.open()], options).await.unwrap();
    let domain = server.url().as_str().parse().unwrap();
    let client = Client::new(domain, key).unwrap();
    let item = row(&client, "a.gif").await.backing_item_uuid.unwrap();
    let url = client.signed_url(item).await.unwrap().unwrap();
    let (status, said) = download(&url, None).await;
    let said = String::from_utf8(said).unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(said.contains("the URL has expired"), "{said}");

    let served = platform.serve().await;
    set_faults(
        &served.server,
        "[[rules]]\noperation = 'media'\nexpire-urls = true\ntimes = 1",
    );
    let url = served.client.signed_url(item).await.unwrap().unwrap();
    assert_eq!(download(&url, None).await.0, StatusCode::FORBIDDEN);
    let url = served.client.signed_url(item).await.unwrap().unwrap();
    assert_eq!(download(&url, None).await.0, StatusCode::OK);
}
