use tokio::io::AsyncReadExt as _;

use crate::encord::ErrorKind;
use crate::encord::peer::{Peer, ok, refusal};

/// What is written, or the kind of the error.
async fn read(peer: &Peer, url: &str, most: u64) -> Result<String, ErrorKind> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let mut file = tokio::fs::File::create(&path).await.expect("a file");
    let read = peer.client.read_file(url, &mut file, most).await;
    read.map_err(|error| error.kind())?;
    let mut written = String::new();
    let mut file = tokio::fs::File::open(&path).await.expect("the file");
    file.read_to_string(&mut written).await.expect("text");
    Ok(written)
}

#[tokio::test]
async fn a_file_is_written_and_the_store_sees_no_key() {
    let peer = Peer::start([ok("content")]).await;
    let url = format!(
        "{}media/a%20b?signature=1",
        peer.client.domain().url("", "")
    );
    let read = read(&peer, &url, 7).await;
    assert_eq!(read.as_deref(), Ok("content"));
    let received = peer.received();
    assert!(received[0].target.ends_with("media/a%20b?signature=1"));
    for name in ["authorization", "signature", "signature-input"] {
        assert!(!received[0].headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn what_is_refused_or_too_large_is_an_error() {
    let peer = Peer::start([ok("content"), refusal(403, "expired")]).await;
    let url = peer.client.domain().url("media", "").to_string();
    assert_eq!(read(&peer, &url, 6).await, Err(ErrorKind::InvalidArguments));
    assert_eq!(read(&peer, &url, 6).await, Err(ErrorKind::Authorisation));
    for url in ["media/image.png", "file:///etc/hostname", ""] {
        assert_eq!(read(&peer, url, 6).await, Err(ErrorKind::InvalidArguments));
    }
    assert_eq!(
        peer.received().len(),
        2,
        "nothing was sent for what is no URL"
    );
}
