//! A client fills a local server with data of every kind, with the official Python package, unmodified.
//! `tests/setup.sh python media` installs what this needs.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::process::Command;

use runner_host::encord::Key;
use runner_host::local;
use runner_tests::root;

/// Hash of the workflow template that the client makes a project from.
const TEMPLATE: &str = "77777777-7777-4777-8777-777777777777";
const WITH_TEMPLATE: &str = r#"
[[workflow-templates]]
hash = "77777777-7777-4777-8777-777777777777"
title = "For clients"

[[workflow-templates.stages]]
title = "Agent"
type = "agent"
pathways = [{ name = "Next", to = "Complete" }]

[[workflow-templates.stages]]
title = "Complete"
type = "complete"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_uploads_every_kind_of_data_and_gets_it_back() {
    let python = root().join("target/python/bin/python");
    assert!(
        python.is_file(),
        "run `bash tests/setup.sh python` first: it installs the official packages"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("project");
    std::fs::create_dir(&path).unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "Some text to label.").unwrap();
    let manifest = std::fs::read_to_string(root().join("tests/projects/agent.toml")).unwrap();
    std::fs::write(path.join("project.toml"), manifest + WITH_TEMPLATE).unwrap();
    let options = local::InitOptions {
        media: vec![text],
        reset: false,
        title: None,
    };
    local::init(&path, options).unwrap();
    let workspace = local::Workspace::open(&path).unwrap();
    let key = Key::generate();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, key.to_openssh()).unwrap();
    let options = local::ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        ..local::ServerOptions::default()
    };
    let server = local::Server::start(vec![workspace], options)
        .await
        .unwrap();
    let url = server.url().as_str().trim_end_matches('/').to_owned();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .arg(root().join("tests/python/uploads.py"))
            .args([url.as_str(), key_file.to_str().unwrap(), TEMPLATE])
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
