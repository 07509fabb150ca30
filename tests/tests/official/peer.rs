//! A server of local projects, and the Python interpreter that has the official packages.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use runner_host::encord::Key;
use runner_host::local::Workspace;
use runner_tests::{Served, TestProject, program, root, serve_for};
use serde_json::Value;

/// The scripts of `tests/python`, and where they find a server.
pub(crate) struct Scripts {
    domain: String,
    key_file: PathBuf,
    /// Where they run and write.
    scratch: PathBuf,
}

impl Scripts {
    /// Runs a script, which must find nothing wrong.
    pub(crate) async fn run(&self, script: &str, arguments: &[&str]) {
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
            .env("ENCORD_DOMAIN", &self.domain)
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

    /// The same for a script that writes a JSON file, whose name is its last argument.
    pub(crate) async fn read(&self, script: &str, arguments: &[&str]) -> Value {
        let written = self.scratch.join(format!("{script}.json"));
        let arguments = [arguments, &[written.to_str().unwrap()]].concat();
        self.run(script, &arguments).await;
        serde_json::from_slice(&std::fs::read(written).unwrap()).unwrap()
    }
}

/// A folder that is served, for the scripts and for the host.
pub(crate) struct Peer {
    pub(crate) served: Served,
    pub(crate) scripts: Scripts,
}

impl Peer {
    pub(crate) async fn of(workspace: Workspace, scratch: &Path) -> Self {
        let key = Key::generate();
        let key_file = scratch.join("key");
        std::fs::write(&key_file, key.to_openssh()).unwrap();
        let served = serve_for(workspace, key).await;
        let url = served.server.url();
        let scripts = Scripts {
            domain: url.as_str().trim_end_matches('/').to_owned(),
            key_file,
            scratch: scratch.to_owned(),
        };
        Self { served, scripts }
    }

    pub(crate) async fn of_project(project: &TestProject) -> Self {
        Self::of(Workspace::open(&project.path()).unwrap(), project.scratch()).await
    }
}

/// `runner-host dev`, as people start it. It ends with this.
pub(crate) struct Dev {
    child: Child,
    pub(crate) scripts: Scripts,
}

impl Dev {
    pub(crate) fn start(project: &TestProject) -> Self {
        let mut child = Command::new(program())
            .args(["dev", "--port", "0", "--local"])
            .arg(project.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says what to set, and then that it is ready.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut set = |name: &str| {
            let is_it = |line: String| Some(line.trim().strip_prefix(name)?.to_owned());
            lines
                .by_ref()
                .map_while(Result::ok)
                .find_map(is_it)
                .unwrap()
        };
        let scripts = Scripts {
            domain: set("export ENCORD_DOMAIN="),
            key_file: set("export ENCORD_SSH_KEY_FILE=").into(),
            scratch: project.scratch().to_owned(),
        };
        Self { child, scripts }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Nothing can be done if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
