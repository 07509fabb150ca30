//! Projects that are served by a process of their own, for runs of the program against it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::{TestProject, program, root};

/// `runner-host dev`, ended when it is dropped.
pub struct Dev {
    child: Child,
    /// Its address and the file of a key, as variables of the environment.
    pub variables: [(&'static str, String); 2],
}

impl Dev {
    /// Serves a project, with further arguments of the command.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(project: &TestProject, arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["dev", "--port", "0", "--local"])
            .arg(project.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let printed = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let printed: Vec<_> = printed.map_while(Result::ok).take(4).collect();
        let variables = ["ENCORD_DOMAIN", "ENCORD_SSH_KEY_FILE"].map(|name| {
            let value =
                |line: &String| Some(line.split_once(name)?.1.strip_prefix('=')?.to_owned());
            let value = printed.iter().find_map(value);
            (name, value.expect("the program prints it"))
        });
        Self { child, variables }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.variables[0].1
    }

    /// Arguments and environment of a run of the plugin on the project.
    pub fn host(&self, mut command: Command, project: &TestProject, plugin: &str) -> Command {
        command
            .args([
                "--project-hash",
                "11111111-1111-4111-8111-111111111111",
                "--plugin",
            ])
            .arg(crate::guest(plugin))
            .arg("--state-dir")
            .arg(project.scratch().join("state"))
            .arg("--cache-dir")
            .arg(root().join("target/tests/cache/runner-host"))
            .arg("--media-cache")
            .arg(project.scratch().join("files"))
            .envs(self.variables.clone())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
