use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;

use super::peer::{Peer, Urls, answer, cut, key, noise, open, options, silent, status, whole};
use crate::{FetchOptions, MediaError, MediaErrorKind, Store};

const CAPACITY: u64 = 1 << 30;

/// What a store with default options downloads.
async fn got(peer: &Peer) -> Result<Vec<u8>, MediaError> {
    got_with(peer, options()).await
}

async fn got_with(peer: &Peer, options: FetchOptions) -> Result<Vec<u8>, MediaError> {
    let folder = tempfile::TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), CAPACITY, options).expect("a store");
    let file = store
        .get(&key(1), &Urls::new([peer.url("/file?signature=secret")]))
        .await?;
    Ok(std::fs::read(file.path()).expect("a file"))
}

/// Answers with the part that is asked for, as stores do.
fn ranged(request: &super::peer::Request, bytes: &[u8], tag: &str) -> axum::http::Response<Body> {
    let from = request
        .header("range")
        .filter(|_| request.header("if-range") == Some(tag))
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'))
        .map(|from| from.parse::<usize>().expect("a number"));
    match from {
        None => answer(200, &[("etag", tag)], Body::from(bytes.to_vec())),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            let part = Body::from(bytes[from..].to_vec());
            answer(
                206,
                &[
                    ("content-range", &range),
                    ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
                ],
                part,
            )
        }
    }
}

#[tokio::test]
async fn a_file_comes_whole_and_without_credentials() {
    let bytes = noise(3_000_000);
    let sent = bytes.clone();
    let peer = Peer::start(move |_| whole(sent.clone())).await;
    let (_folder, store) = open(CAPACITY);
    let url = peer
        .url("/a/file?signature=s%20x")
        .replace("http://", "http://me:secret@");
    let file = store.get(&key(5), &Urls::new([url])).await.expect("a file");
    assert_eq!(file.size(), bytes.len() as u64);
    assert_eq!(file.name(), "00000000-0000-0000-0000-000000000005.bin");
    assert_eq!(std::fs::read(file.path()).expect("a file"), bytes);
    assert_eq!(file.read(10, 5).await.expect("bytes"), bytes[10..15]);
    assert_eq!(
        file.read(2_999_998, u32::MAX).await.expect("bytes"),
        bytes[2_999_998..]
    );
    assert!(file.read(u64::MAX, 5).await.expect("nothing").is_empty());
    let [request] = &peer.received()[..] else {
        panic!("one request");
    };
    assert_eq!(request.uri, "/a/file?signature=s%20x");
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(store.counters().bytes, bytes.len() as u64);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_resumed() {
    let bytes = noise(2_500_000);
    let sent = bytes.clone();
    let peer = Peer::start(move |request| match request.number {
        0 => cut(200, &[("etag", "\"v1\"")], sent.len(), &sent[..1_500_000]),
        1 => status(503),
        _ => ranged(request, &sent, "\"v1\""),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), bytes);
    let received = peer.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].header("range"), None);
    for request in &received[1..] {
        let range = request.header("range").expect("a range");
        let from: usize = range["bytes=".len()..range.len() - 1]
            .parse()
            .expect("a number");
        assert!(from > 0 && from <= 1_500_000, "{range}");
        assert_eq!(request.header("if-range"), Some("\"v1\""));
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_meanwhile_is_not_put_together() {
    let (old, new) = (noise(1000), noise(1500));
    let (first, second) = (old, new.clone());
    let peer = Peer::start(move |request| match request.number {
        0 => cut(200, &[("etag", "\"v1\"")], first.len(), &first[..700]),
        _ => ranged(request, &second, "\"v2\""),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), new);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_starts_over() {
    let bytes = noise(1000);
    let sent = bytes.clone();
    let peer = Peer::start(move |request| match request.number {
        0 => cut(200, &[("etag", "\"v1\"")], 1000, &sent[..700]),
        1 => answer(
            206,
            &[("content-range", "bytes 100-999/1000")],
            Body::from(sent[100..].to_vec()),
        ),
        _ => ranged(request, &sent, "\"v1\""),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), bytes);
    assert_eq!(peer.received()[2].header("range"), None);
}

#[tokio::test]
async fn without_a_strong_name_of_the_version_a_file_starts_over() {
    let bytes = noise(1000);
    let sent = bytes.clone();
    let peer = Peer::start(move |request| match request.number {
        0 => cut(200, &[("etag", "W/\"v1\"")], 1000, &sent[..700]),
        _ => whole(sent.clone()),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), bytes);
    assert_eq!(peer.received()[1].header("range"), None);
}

#[tokio::test]
async fn a_file_that_always_breaks_off_at_the_same_place_is_given_up() {
    let peer = Peer::start(|_| cut(200, &[], 1000, &noise(700))).await;
    let error = got(&peer).await.expect_err("no file");
    assert_eq!(error.kind(), MediaErrorKind::Unavailable, "{error}");
    assert_eq!(peer.received().len(), 4);
}

#[tokio::test]
async fn a_refused_url_is_replaced_and_the_rest_read_from_the_fresh_one() {
    let bytes = noise(1000);
    let sent = bytes.clone();
    let peer = Peer::start(move |request| match (request.uri.path(), request.number) {
        ("/old", 0) => cut(
            200,
            &[("last-modified", "Wed, 15 Jan 2025 09:30:00 GMT")],
            1000,
            &sent[..700],
        ),
        ("/old", _) => status(403),
        _ => ranged(request, &sent, "Wed, 15 Jan 2025 09:30:00 GMT"),
    })
    .await;
    let (_folder, store) = open(CAPACITY);
    let urls = Urls::new([peer.url("/old"), peer.url("/new")]);
    let file = store.get(&key(1), &urls).await.expect("a file");
    assert_eq!(std::fs::read(file.path()).expect("a file"), bytes);
    assert_eq!(urls.expired.load(Ordering::Relaxed), 1);
    assert_eq!(peer.received()[2].header("range"), Some("bytes=700-"));
    assert_eq!(store.counters().bytes, 1000);
}

#[tokio::test]
async fn a_url_that_stays_refused_is_forbidden() {
    for refusal in [400, 401, 403, 410] {
        let peer = Peer::start(move |_| status(refusal)).await;
        let (_folder, store) = open(CAPACITY);
        let urls = Urls::new([peer.url("/file?signature=secret")]);
        let error = store.get(&key(1), &urls).await.expect_err("refused");
        assert_eq!(error.kind(), MediaErrorKind::Forbidden, "{refusal}");
        assert!(error.help().is_some() && !error.is_transient());
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(urls.expired.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn failures_by_kind() {
    for (number, kind, requests) in [
        (404, MediaErrorKind::NotFound, 1),
        (418, MediaErrorKind::Other, 1),
        (206, MediaErrorKind::Other, 1),
        (429, MediaErrorKind::Unavailable, 4),
        (500, MediaErrorKind::Unavailable, 4),
    ] {
        let peer = Peer::start(move |_| status(number)).await;
        let error = got(&peer).await.expect_err("no file");
        assert_eq!(error.kind(), kind, "{number}: {error}");
        assert_eq!(peer.received().len(), requests, "{number}");
    }
    let long = Peer::start(|_| answer(503, &[("retry-after", "3600")], Body::empty())).await;
    assert!(got(&long).await.expect_err("no file").is_transient());
    assert_eq!(
        long.received().len(),
        1,
        "an hour is for the caller to wait"
    );
}

#[tokio::test]
async fn nobody_there_and_no_url() {
    let (_folder, store) = open(CAPACITY);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let error = store
        .get(&key(1), &Urls::new([format!("http://127.0.0.1:{port}/x")]))
        .await
        .expect_err("nobody");
    assert_eq!(error.kind(), MediaErrorKind::Unavailable, "{error}");
    for url in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:text/plain,x",
        "/file",
        "",
    ] {
        let error = store.get(&key(1), &Urls::new([url.to_owned()])).await;
        assert_eq!(
            error.expect_err(url).kind(),
            MediaErrorKind::Invalid,
            "{url}"
        );
    }
}

#[tokio::test]
async fn silence_has_an_end() {
    let bytes = noise(1000);
    let sent = bytes.clone();
    let peer = Peer::start(move |request| match request.number {
        0 => silent(1000, &sent[..500]),
        _ => whole(sent.clone()),
    })
    .await;
    let options = FetchOptions {
        silence: Duration::from_millis(100),
        ..options()
    };
    assert_eq!(got_with(&peer, options).await.expect("a file"), bytes);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_before_and_while_it_comes() {
    let options = || FetchOptions {
        most_bytes: 1000,
        ..options()
    };
    let announced = Peer::start(|_| whole(noise(1001))).await;
    let unannounced = Peer::start(|_| {
        let parts = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(noise(100)));
        answer(200, &[], Body::from_stream(parts))
    })
    .await;
    for peer in [announced, unannounced] {
        let error = got_with(&peer, options()).await.expect_err("too large");
        assert_eq!(error.kind(), MediaErrorKind::TooLarge);
        assert_eq!(
            error.to_string(),
            "expected a file of at most 1000 bytes, found a larger one"
        );
    }
    let peer = Peer::start(|_| whole(noise(1000))).await;
    got_with(&peer, options()).await.expect("just within");
}

#[tokio::test]
async fn a_damaged_file_is_downloaded_once_more() {
    const HASH: [(&str, &str); 1] = [(
        "x-goog-hash",
        "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==",
    )];
    let peer = Peer::start(|request| match request.number {
        0 => answer(200, &HASH, Body::from("hellO")),
        _ => answer(200, &HASH, Body::from("hello")),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), b"hello");
    let peer = Peer::start(|_| answer(200, &HASH, Body::from("hellO"))).await;
    let error = got(&peer).await.expect_err("damaged");
    assert_eq!(error.kind(), MediaErrorKind::Invalid);
    assert_eq!(peer.received().len(), 2);
    assert_eq!(
        error.to_string().replace(&peer.port.to_string(), "PORT"),
        "expected `http://127.0.0.1:PORT/file` with the CRC32C mnG7TA==, found usw1kg==: it was damaged on its way, \
         or is damaged where it is kept"
    );
}

#[tokio::test]
async fn checksums_of_the_whole_hold_over_parts() {
    const TAG: (&str, &str) = ("etag", "\"v1\"");
    let peer = Peer::start(|request| match request.number {
        0 => cut(
            200,
            &[TAG, ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")],
            5,
            b"he",
        ),
        _ => ranged(request, b"hello", "\"v1\""),
    })
    .await;
    assert_eq!(got(&peer).await.expect("a file"), b"hello");
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn compressed_files_are_kept_as_they_are_meant() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&[b'x'; 5000]).expect("memory");
    let compressed = encoder.finish().expect("memory");
    let sent = compressed.clone();
    let gzip = move |_: &super::peer::Request| {
        answer(
            200,
            &[("content-encoding", "gzip")],
            Body::from(sent.clone()),
        )
    };
    let peer = Peer::start(gzip.clone()).await;
    assert_eq!(got(&peer).await.expect("a file"), [b'x'; 5000]);
    let options = FetchOptions {
        most_bytes: 4999,
        ..options()
    };
    let error = got_with(&peer, options)
        .await
        .expect_err("too large once decoded");
    assert_eq!(error.kind(), MediaErrorKind::TooLarge);
    let broken = compressed[..compressed.len() - 9].to_vec();
    let peer = Peer::start(move |_| {
        answer(
            200,
            &[("content-encoding", "gzip")],
            Body::from(broken.clone()),
        )
    })
    .await;
    assert_eq!(
        got(&peer).await.expect_err("damaged").kind(),
        MediaErrorKind::Invalid
    );
    for (encoding, expected) in [
        ("br", Err(MediaErrorKind::Unsupported)),
        ("gzip, zstd", Err(MediaErrorKind::Unsupported)),
        ("aws-chunked", Ok(b"x".to_vec())),
        ("utf-8", Ok(b"x".to_vec())),
    ] {
        let encoded = move |_: &super::peer::Request| {
            answer(200, &[("content-encoding", encoding)], Body::from("x"))
        };
        let peer = Peer::start(encoded).await;
        let found = got(&peer).await.map_err(|error| error.kind());
        assert_eq!(found, expected, "{encoding}");
    }
}
