//! The official Python packages, unmodified, against the local server, and beside the host. `tests/setup.sh` installs
//! them, and FFmpeg for the media.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

mod agents;
mod canonical;
mod labels;
mod peer;
mod projects;

use runner_host::local;
use runner_tests::root;

use peer::Peer;

#[tokio::test(flavor = "multi_thread")]
async fn the_official_packages_work_on_a_local_project() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "Some text to label.").unwrap();
    let path = folder.path().join("project");
    let options = local::InitOptions {
        media: vec![root().join("examples/sample/photos"), text],
        reset: false,
        title: Some("Official".to_owned()),
    };
    local::init(&path, options).unwrap();
    let peer = Peer::of(local::Workspace::open(&path).unwrap(), folder.path()).await;
    let hash = peer.served.hash.to_string();
    peer.scripts.run("official_sdk.py", &[&hash]).await;
}
