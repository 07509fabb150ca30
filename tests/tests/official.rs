//! The official Python packages, unmodified, against the local server. `tests/setup.sh python` installs them.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::process::Command;

use runner_host::encord::Key;
use runner_host::local;
use runner_tests::root;

#[tokio::test(flavor = "multi_thread")]
async fn the_official_packages_work_on_a_local_project() {
    let python = root().join("target/python/bin/python");
    assert!(
        python.is_file(),
        "run `bash tests/setup.sh python` first: it installs the official packages"
    );
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
    let project = local::Workspace::open(&path).unwrap();
    let hash = project.projects()[0].hash;
    let key = Key::generate();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, key.to_openssh()).unwrap();
    let options = local::ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        ..local::ServerOptions::default()
    };
    let server = local::Server::start(vec![project], options).await.unwrap();
    let url = server.url().as_str().trim_end_matches('/').to_owned();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .arg(root().join("tests/python/official_sdk.py"))
            .args([url.as_str(), key_file.to_str().unwrap(), &hash.to_string()])
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    server.stop().await;
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{printed}");
}
