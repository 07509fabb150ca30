//! A served folder, and the Python interpreter that has the official packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use runner_host::encord::Key;
use runner_host::local::Workspace;
use runner_tests::{Served, TestProject, root, serve_for};
use serde_json::Value;

pub(crate) struct Peer {
    pub(crate) served: Served,
    key_file: PathBuf,
    scratch: PathBuf,
}

impl Peer {
    /// Serves the projects. `scratch` is where the scripts run and write.
    pub(crate) async fn of(workspace: Workspace, scratch: &Path) -> Self {
        let key = Key::generate();
        let key_file = scratch.join("key");
        std::fs::write(&key_file, key.to_openssh()).unwrap();
        Self {
            served: serve_for(workspace, key).await,
            key_file,
            scratch: scratch.to_owned(),
        }
    }

    pub(crate) async fn of_project(project: &TestProject) -> Self {
        Self::of(Workspace::open(&project.path()).unwrap(), project.scratch()).await
    }

    /// Runs a script of `tests/python`, which must find nothing wrong.
    pub(crate) async fn python(&self, script: &str, arguments: &[&str]) {
        let python = root().join("target/python/bin/python");
        assert!(
            python.is_file(),
            "run `bash tests/setup.sh python` first: it installs the official packages"
        );
        let mut command = Command::new(python);
        command
            .arg(root().join("tests/python").join(script))
            .args(arguments)
            .current_dir(&self.scratch)
            .env_remove("ENCORD_SSH_KEY")
            .env("ENCORD_SSH_KEY_FILE", &self.key_file)
            .env(
                "ENCORD_DOMAIN",
                self.served.server.url().as_str().trim_end_matches('/'),
            )
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let printed = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{script}: {printed}");
    }

    /// The same for one that writes a JSON file, whose name is its last argument.
    pub(crate) async fn python_writes(&self, script: &str, arguments: &[&str]) -> Value {
        let written = self.scratch.join(format!("{script}.json"));
        let arguments = [arguments, &[written.to_str().unwrap()]].concat();
        self.python(script, &arguments).await;
        serde_json::from_slice(&std::fs::read(written).unwrap()).unwrap()
    }
}
