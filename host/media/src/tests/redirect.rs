use axum::body::Body;
use axum::http::Response;

use super::peer::{Peer, Urls, answer, key, open, options, status, whole};
use crate::{FetchOptions, MediaErrorKind, Store};

const CAPACITY: u64 = 1 << 30;

fn to(url: &str) -> Response<Body> {
    answer(307, &[("location", url)], Body::empty())
}

#[tokio::test]
async fn redirects_are_followed_within_a_server() {
    let peer = Peer::start(|request| match request.uri.path() {
        "/a" => to("b?x=1"),
        "/b" => whole("hello"),
        _ => status(404),
    })
    .await;
    let (_folder, store) = open(CAPACITY);
    let file = store
        .get(&key(1), &Urls::new([peer.url("/a")]))
        .await
        .expect("a file");
    assert_eq!(file.size(), 5);
    assert_eq!(peer.received()[1].uri, "/b?x=1");
}

#[tokio::test]
async fn redirects_lead_only_to_servers_that_were_named() {
    let other = Peer::start(|_| whole("hello")).await;
    let there = other.url("/x");
    let peer = Peer::start(move |_| to(&there)).await;
    let (_folder, store) = open(CAPACITY);
    let urls = Urls::new([peer.url("/a?signature=secret")]);
    let error = store.get(&key(1), &urls).await.expect_err("not named");
    assert_eq!(error.kind(), MediaErrorKind::Other);
    assert_eq!(
        error.to_string(),
        format!(
            "expected the file `http://127.0.0.1:{}/a`, found a redirect to `http://127.0.0.1:{}/x`, a server that no \
             URL of a file has named",
            peer.port, other.port
        )
    );
    assert!(other.received().is_empty());
    store
        .get(&key(2), &Urls::new([other.url("/y")]))
        .await
        .expect("a file");
    store.get(&key(1), &urls).await.expect("it is named now");
}

#[tokio::test]
async fn redirects_do_not_lead_to_private_addresses() {
    let other = Peer::start(|_| whole("hello")).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let there = format!("http://{host}:{}/x", other.port);
        let location = there.clone();
        let peer = Peer::start(move |_| to(&location)).await;
        let folder = tempfile::TempDir::new().expect("a folder");
        let options = FetchOptions {
            local: false,
            ..options()
        };
        let store = Store::open(folder.path(), CAPACITY, options).expect("a store");
        // Named, and private all the same: a file of another folder may have named it.
        let named = store.get(&key(2), &Urls::new([there])).await;
        assert!(named.is_ok() || host.starts_with('['));
        let before = other.received().len();
        let urls = Urls::new([peer.url("/a")]);
        let error = store.get(&key(1), &urls).await.expect_err(host);
        assert!(
            error.to_string().contains("private") || error.to_string().contains("no public"),
            "{error}"
        );
        assert_eq!(other.received().len(), before, "{host}");
    }
}

#[tokio::test]
async fn redirects_end() {
    for (location, expected) in [
        ("/again", "more than 5 redirects"),
        ("file:///etc/passwd", "one with file"),
        ("http://", "to no URL"),
    ] {
        let peer = Peer::start(move |_| to(location)).await;
        let (_folder, store) = open(CAPACITY);
        let error = store
            .get(&key(1), &Urls::new([peer.url("/a")]))
            .await
            .expect_err(location);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(peer.received().len() <= 6);
    }
    let peer = Peer::start(|_| status(302)).await;
    let (_folder, store) = open(CAPACITY);
    let error = store
        .get(&key(1), &Urls::new([peer.url("/a")]))
        .await
        .expect_err("nowhere");
    assert!(error.to_string().ends_with("that leads nowhere"), "{error}");
}
