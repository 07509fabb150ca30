//! The program itself: what it prints, and how it ends.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::path::Path;
use std::process::{Command, Output};

use runner_tests::{TestProject, guest, program, root};

/// What a user sees: standard output, standard error and the exit code, with what differs from machine to machine
/// taken out.
fn seen(output: &Output, folder: &Path) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut seen = format!(
        "exit code {}\n-- standard output\n{}-- standard error\n{}",
        output
            .status
            .code()
            .map_or("none".to_owned(), |code| code.to_string()),
        text(&output.stdout),
        text(&output.stderr)
    );
    for (path, name) in [(folder, "[FOLDER]"), (root(), "[ROOT]")] {
        seen = seen.replace(&path.display().to_string(), name);
    }
    seen
}

fn runner_host(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env_remove("ENCORD_SSH_KEY")
        .env_remove("ENCORD_SSH_KEY_FILE")
        .env_remove("ENCORD_SSH_KEY_PASSPHRASE")
        .env_remove("ENCORD_DOMAIN");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RUNNER_HOST_") {
            command.env_remove(name);
        }
    }
    // No test may use what an earlier one kept, or leave anything behind.
    command
        .env("XDG_CACHE_HOME", root().join("target/tests/cache"))
        .env("XDG_STATE_HOME", root().join("target/tests/state"))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100");
    command
}

/// Runs the program in a folder of its own, and gives what the user sees.
fn in_folder(folder: &Path, arguments: &[&str]) -> String {
    let output = runner_host(arguments)
        .current_dir(folder)
        .output()
        .expect("it starts");
    seen(&output, folder)
}

fn snapshot(name: &str, seen: &str) {
    insta::with_settings!({ filters => vec![
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[NOW]"),
        (r"\d+\.\d+ s\b", "[TIME]"),
        // What depends on the toolchain that built the plugin.
        (r"(?m)(^ +\d+: .*\n)+", "[BACKTRACE]\n"),
        (r"(?m)(^  wasi:.*\n(    .*\n)?)+", "  [WASI]\n"),
        (r"at offset 0x[0-9a-f]+", "at offset [OFFSET]"),
        (r"│? +\d+\.\d+ +\n", " [RATE]\n"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]"),
        (r"trace id [0-9a-f]{32}", "trace id [TRACE]"),
        (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
        (r"size +\d+ bytes", "size      [SIZE] bytes"),
    ] }, { insta::assert_snapshot!(name, seen) });
}

const HASH: &str = "11111111-1111-4111-8111-111111111111";

#[test]
fn help() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("help", vec!["--help"]),
        ("help_init", vec!["init", "--help"]),
        ("help_dev", vec!["dev", "--help"]),
        ("help_inspect", vec!["inspect", "--help"]),
        ("help_labels", vec!["labels", "--help"]),
        ("help_labels_export", vec!["labels", "export", "--help"]),
        ("help_labels_import", vec!["labels", "import", "--help"]),
        ("help_labels_show", vec!["labels", "show", "--help"]),
        ("help_quarantine", vec!["quarantine", "--help"]),
        ("help_quarantine_list", vec!["quarantine", "list", "--help"]),
        ("help_quarantine_show", vec!["quarantine", "show", "--help"]),
        (
            "help_quarantine_release",
            vec!["quarantine", "release", "--help"],
        ),
        ("help_print", vec!["print", "--help"]),
        (
            "help_print_agent_nodes",
            vec!["print", "agent-nodes", "--help"],
        ),
    ] {
        snapshot(name, &in_folder(folder.path(), &arguments));
    }
}

#[test]
fn mistakes_in_options_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    snapshot("nothing_given", &in_folder(folder.path(), &[]));
    let wrong = [
        "--plugin",
        "=x",
        "--num-retries=-1",
        "--task-batch-size",
        "0",
        "--timeout",
        "soon",
        "--prefetch-bytes",
        "0",
        "--media-cache-size",
        "16777217",
        "--project-hash",
        "mine",
    ];
    snapshot("wrong_options", &in_folder(folder.path(), &wrong));
}

#[test]
fn files_that_are_no_plugin() {
    let project = TestProject::of_texts(&["a"]);
    let folder = project.scratch();
    std::fs::write(folder.join("text.wasm"), "fn main() {}\n").unwrap();
    std::fs::write(folder.join("empty.wasm"), "").unwrap();
    let whole = std::fs::read(guest("empty")).unwrap();
    std::fs::write(folder.join("cut.wasm"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(folder.join("bare.wat"), "(module (func (export \"run\")))").unwrap();
    let other = "(component (import \"wasi:http/types@0.2.0\" (instance)) (core module $m) (core instance (instantiate $m)))";
    std::fs::write(folder.join("other.wat"), other).unwrap();
    let copy = |name: &str| {
        std::fs::copy(guest(name), folder.join(format!("{name}.wasm"))).unwrap();
    };
    copy("describe_traps");
    copy("stage_twice");
    let before = state(&project);
    for (name, file) in [
        ("plugin_missing", "missing.wasm"),
        ("plugin_text", "text.wasm"),
        ("plugin_empty", "empty.wasm"),
        ("plugin_cut", "cut.wasm"),
        ("plugin_bare_module", "bare.wat"),
        ("plugin_other_world", "other.wat"),
        ("plugin_describe_traps", "describe_traps.wasm"),
        ("plugin_stage_twice", "stage_twice.wasm"),
    ] {
        snapshot(
            name,
            &in_folder(folder, &["--plugin", file, "--local", "project"]),
        );
    }
    assert_eq!(state(&project), before, "nothing was changed");
}

#[test]
fn stages_that_do_not_fit_the_project() {
    let project = TestProject::of_texts(&["a"]);
    let folder = project.scratch();
    std::fs::copy(guest("empty"), folder.join("empty.wasm")).unwrap();
    let before = state(&project);
    snapshot(
        "stage_unknown",
        &in_folder(
            folder,
            &["--plugin", "Third=empty.wasm", "--local", "project"],
        ),
    );
    let twice = [
        "--plugin",
        "empty.wasm",
        "--plugin",
        "Agent=empty.wasm",
        "--local",
        "project",
    ];
    snapshot("stage_of_two_agents", &in_folder(folder, &twice));
    assert_eq!(state(&project), before, "nothing was changed");
}

#[test]
fn keys_and_servers_that_do_not_work() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(guest("empty"), folder.path().join("empty.wasm")).unwrap();
    let base = [
        "--plugin",
        "empty.wasm",
        "--project-hash",
        HASH,
        "--state-dir",
        "state",
    ];
    let with = |variables: &[(&str, &str)]| {
        let mut command = runner_host(&base);
        command
            .current_dir(folder.path())
            .envs(variables.iter().copied());
        seen(&command.output().unwrap(), folder.path())
    };
    snapshot("key_none", &with(&[]));
    snapshot("key_wrong", &with(&[("ENCORD_SSH_KEY", "secret")]));
    snapshot(
        "key_file_missing",
        &with(&[("ENCORD_SSH_KEY_FILE", "missing")]),
    );
    snapshot("key_is_a_path", &with(&[("ENCORD_SSH_KEY", "empty.wasm")]));
    let key = runner_host::encord::Key::generate().to_openssh();
    // Nothing listens on the port of discarding.
    let unreachable = [
        ("ENCORD_SSH_KEY", key.as_str()),
        ("ENCORD_DOMAIN", "http://127.0.0.1:9"),
    ];
    let seen = with(&unreachable);
    assert!(
        seen.starts_with("exit code 3\n") && seen.contains("help: "),
        "{seen}"
    );
    assert!(!folder.path().join("state").exists(), "nothing was made");
}

#[test]
fn keys_follow_the_rules_of_the_python_runner() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let testdata = root().join("host/src/encord/testdata");
    let encrypted = std::fs::read_to_string(testdata.join("key_with_passphrase")).unwrap();
    let ecdsa = std::fs::read_to_string(testdata.join("key_ecdsa")).unwrap();
    let key = runner_host::encord::Key::generate().to_openssh();
    std::fs::write(folder.join("key"), &key).unwrap();
    std::fs::write(folder.join("other"), "no key").unwrap();
    std::fs::write(folder.join("public"), "ssh-ed25519 AAAAC3Nza me@here").unwrap();
    // Nothing listens on the port of discarding: a key that can be used gets as far as there.
    let print = [
        "print",
        "agent-nodes",
        HASH,
        "--domain",
        "http://127.0.0.1:9",
        "--log",
        "off",
    ];
    let with = |variables: &[(&str, &str)]| {
        let mut command = runner_host(&print);
        command
            .current_dir(folder)
            .env("HOME", folder)
            .envs(variables.iter().copied());
        seen(&command.output().unwrap(), folder)
    };
    let encrypted = encrypted.as_str();
    let content = ("ENCORD_SSH_KEY", key.as_str());
    for (name, variables) in [
        ("key_path_with_tilde", vec![("ENCORD_SSH_KEY", "~/key")]),
        (
            "key_path_missing",
            vec![("ENCORD_SSH_KEY", "/no/such/file")],
        ),
        (
            "key_content_as_file",
            vec![("ENCORD_SSH_KEY_FILE", key.as_str())],
        ),
        ("key_file_is_folder", vec![("ENCORD_SSH_KEY_FILE", "~")]),
        ("key_file_public", vec![("ENCORD_SSH_KEY_FILE", "public")]),
        (
            "key_file_missing_beside_content",
            vec![content, ("ENCORD_SSH_KEY_FILE", "missing")],
        ),
        ("key_not_ed25519", vec![("ENCORD_SSH_KEY", ecdsa.as_str())]),
        (
            "key_without_passphrase",
            vec![("ENCORD_SSH_KEY", encrypted)],
        ),
        (
            "key_wrong_passphrase",
            vec![
                ("ENCORD_SSH_KEY", encrypted),
                ("ENCORD_SSH_KEY_PASSPHRASE", "wrong horse"),
            ],
        ),
        (
            "key_empty",
            vec![("ENCORD_SSH_KEY", " "), ("ENCORD_SSH_KEY_FILE", "")],
        ),
    ] {
        let seen = with(&variables);
        assert!(!seen.contains("PRIVATE KEY-----"), "{name} shows the key");
        snapshot(name, &seen);
    }
    for variables in [
        vec![content],
        vec![("ENCORD_SSH_KEY_FILE", "~/key")],
        vec![("ENCORD_SSH_KEY_FILE", "key")],
        // The content wins.
        vec![content, ("ENCORD_SSH_KEY_FILE", "other")],
        vec![
            ("ENCORD_SSH_KEY", encrypted),
            ("ENCORD_SSH_KEY_PASSPHRASE", "correct horse"),
        ],
    ] {
        let seen = with(&variables);
        assert!(
            seen.starts_with("exit code 3\n") && seen.contains("no answer from http://127.0.0.1:9"),
            "{seen}"
        );
    }
    let mut both = runner_host(&print[..5]);
    both.current_dir(folder)
        .envs([content, ("ENCORD_SSH_KEY_FILE", "other")]);
    let seen = seen(&both.output().unwrap(), folder);
    assert!(seen.contains("ENCORD_SSH_KEY is used"), "{seen}");
}

#[test]
fn agent_nodes_of_a_local_project() {
    let project = TestProject::of_texts(&["a"]);
    let folder = project.scratch();
    let print = ["print", "agent-nodes"];
    let with = |more: &[&str]| in_folder(folder, &[&print[..], more].concat());
    snapshot("print_agent_nodes", &with(&["--local", "project"]));
    snapshot("print_agent_nodes_missing", &with(&["--local", "missing"]));
    snapshot("print_agent_nodes_nothing", &with(&[]));
    snapshot("print_agent_nodes_no_uuid", &with(&["mine"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_nodes_without_access() {
    let project = TestProject::of_texts(&["a"]);
    let served = project.serve().await;
    let folder = project.scratch().to_owned();
    let domain = served.client.domain().to_string();
    let hash = served.hash.to_string();
    let seen = tokio::task::spawn_blocking(move || {
        let key = runner_host::encord::Key::generate().to_openssh();
        let output = runner_host(&["print", "agent-nodes", &hash])
            .current_dir(&folder)
            .env("ENCORD_SSH_KEY", key)
            .env("ENCORD_DOMAIN", domain)
            .output()
            .unwrap();
        seen(&output, &folder).replace(&hash, "[HASH]")
    })
    .await
    .unwrap();
    assert!(
        seen.starts_with("exit code 2\n")
            && seen.contains("error: project [HASH]: cannot read the project: ")
            && seen.contains("set ENCORD_DOMAIN"),
        "{seen}"
    );
}

#[test]
fn system_info_names_the_versions_and_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = runner_host(&["print", "system-info"]);
    command
        .current_dir(folder.path())
        .env("ENCORD_SSH_KEY", "secret");
    let seen = seen(&command.output().unwrap(), folder.path());
    assert!(!seen.contains("secret"), "{seen}");
    assert!(seen.contains(&format!(
        "runner-host version: {}\n",
        env!("CARGO_PKG_VERSION")
    )));
    assert!(seen.contains("ENCORD_SSH_KEY: set\n"), "{seen}");
    insta::with_settings!({ filters => vec![
        (r"(?m)^(\t\w+|wasmtime version|runner-host version|HTTPS_PROXY|SSL_CERT_FILE): .*$", "$1: [VALUE]"),
    ] }, { insta::assert_snapshot!("print_system_info", seen) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_server_does_not_know() {
    let project = TestProject::of_texts(&["a"]);
    let served = project.serve().await;
    let folder = project.scratch().to_owned();
    std::fs::copy(guest("empty"), folder.join("empty.wasm")).unwrap();
    let domain = served.client.domain().to_string();
    let seen = tokio::task::spawn_blocking(move || {
        let key = runner_host::encord::Key::generate().to_openssh();
        let output = runner_host(&[
            "--plugin",
            "empty.wasm",
            "--project-hash",
            HASH,
            "--state-dir",
            "state",
        ])
        .current_dir(&folder)
        .env("ENCORD_SSH_KEY", key)
        .env("ENCORD_DOMAIN", domain)
        .output()
        .unwrap();
        seen(&output, &folder)
    })
    .await
    .unwrap();
    assert!(
        seen.starts_with("exit code 2\n") && seen.contains("help: "),
        "{seen}"
    );
    assert_eq!(served.waiting(runner_tests::AGENT).await, ["a.txt"]);
}

#[test]
fn folders_that_are_no_project() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::copy(guest("empty"), folder.join("empty.wasm")).unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    let project = TestProject::of_texts(&["a"]);
    std::fs::rename(project.path(), folder.join("corrupt")).unwrap();
    std::fs::write(
        folder.join("corrupt/project.toml"),
        "[project]\ntitel = \"x\"\n",
    )
    .unwrap();
    std::fs::create_dir(folder.join("media")).unwrap();
    for (name, project) in [
        ("local_missing", "missing"),
        ("local_empty", "empty"),
        ("local_corrupt", "corrupt"),
    ] {
        snapshot(
            name,
            &in_folder(folder, &["--plugin", "empty.wasm", "--local", project]),
        );
    }
    snapshot(
        "init_no_media",
        &in_folder(folder, &["init", "new", "--media", "media"]),
    );
    assert!(!folder.join("new").exists(), "nothing was made");
}

#[test]
fn a_fault_plan_with_mistakes() {
    let project = TestProject::of_texts(&["a"]);
    let folder = project.scratch();
    let plan = "[[rules]]\noperation = \"action\"\nstatus = 200\n[[rules]]\ntimes = 3\n";
    std::fs::write(folder.join("faults.toml"), plan).unwrap();
    let before = state(&project);
    for (name, file) in [
        ("faults_wrong", "faults.toml"),
        ("faults_missing", "missing.toml"),
    ] {
        let arguments = ["dev", "--local", "project", "--faults", file];
        snapshot(name, &in_folder(folder, &arguments));
    }
    assert_eq!(state(&project), before, "nothing was changed");
}

#[test]
fn a_run_ends_with_a_table_and_tells_of_failures() {
    let project = TestProject::of_texts(&["next-1", "next-2", "other", "stay", "fatal", "print"]);
    let folder = project.scratch();
    std::fs::copy(guest("outcomes"), folder.join("outcomes.wasm")).unwrap();
    let seen = in_folder(
        folder,
        &[
            "--plugin",
            "outcomes.wasm",
            "--local",
            "project",
            "--concurrency",
            "1",
            "--log",
            "off",
        ],
    );
    snapshot("run", &seen);
}

#[test]
fn what_a_plugin_prints_is_logged_with_its_task_and_it_is_granted_nothing() {
    let project = TestProject::of_texts(&["print"]);
    let folder = project.scratch();
    std::fs::copy(guest("outcomes"), folder.join("outcomes.wasm")).unwrap();
    let output = runner_host(&["--plugin", "outcomes.wasm", "--local", "project"])
        .current_dir(folder)
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "INFO stage{stage=Agent}:task{",
        "title=print.txt",
        "to standard output",
        "WARN",
        "to standard error",
        "to the log",
        "files false, variables 0, network false, clock stands still true",
    ] {
        assert!(log.contains(expected), "expected `{expected}` in\n{log}");
    }
    assert_eq!(output.status.code(), Some(0));
}

/// Three rows are edited and not saved; the author is told once.
#[test]
fn edits_without_a_save_are_told_once_a_stage() {
    let project = TestProject::of_pictures(&["unsaved-1", "unsaved-2", "unsaved-3"]);
    let folder = project.scratch();
    std::fs::copy(guest("labels"), folder.join("labels.wasm")).unwrap();
    let output = runner_host(&["--plugin", "labels.wasm", "--local", "project"])
        .current_dir(folder)
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let told = log
        .matches("the agent edited the label row and did not call `save`")
        .count();
    assert_eq!(told, 1, "{log}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn options_come_from_flags_then_the_environment_then_the_file() {
    let project = TestProject::of_texts(&["next-1", "next-2", "next-3"]);
    let folder = project.scratch();
    std::fs::copy(guest("outcomes"), folder.join("outcomes.wasm")).unwrap();
    std::fs::write(
        folder.join("runner-host.toml"),
        "plugin = \"outcomes.wasm\"\nlocal = \"project\"\nmax-tasks-per-stage = 1\nlog = \"off\"\n",
    )
    .unwrap();
    let moved = |arguments: &[&str], variable: Option<&str>| {
        let mut command = runner_host(&["--config", "runner-host.toml"]);
        command.args(arguments).current_dir(folder);
        if let Some(value) = variable {
            command.env("RUNNER_HOST_MAX_TASKS_PER_STAGE", value);
        }
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let total = text
            .lines()
            .find_map(|line| line.split_once(" tasks"))
            .expect("the total")
            .0;
        total.parse::<u32>().unwrap()
    };
    assert_eq!(moved(&["--max-tasks-per-stage", "1"], Some("9")), 1);
    assert_eq!(moved(&[], Some("nonsense").filter(|_| false)), 1);
    std::fs::write(folder.join("wrong.toml"), "plugins = []\n").unwrap();
    snapshot(
        "config_wrong",
        &in_folder(folder, &["--config", "wrong.toml"]),
    );
}

#[test]
fn inspect() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(guest("labels"), folder.path().join("labels.wasm")).unwrap();
    snapshot(
        "inspect",
        &in_folder(folder.path(), &["inspect", "labels.wasm"]),
    );
    let other = "(component (import \"wasi:http/types@0.2.0\" (instance)))";
    std::fs::write(folder.path().join("other.wat"), other).unwrap();
    snapshot(
        "inspect_other_world",
        &in_folder(folder.path(), &["inspect", "other.wat"]),
    );
}

#[test]
fn a_second_start_compiles_nothing() {
    let project = TestProject::of_texts(&["a"]);
    let folder = project.scratch();
    std::fs::copy(guest("empty"), folder.join("empty.wasm")).unwrap();
    let start = || {
        in_folder(
            folder,
            &[
                "--plugin",
                "empty.wasm",
                "--local",
                "project",
                "--cache-dir",
                "cache",
            ],
        )
    };
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(folder.join("cache"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (
                    entry.file_name(),
                    entry.metadata().unwrap().modified().unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    start();
    let kept = files();
    assert_eq!(kept.len(), 2, "the code and its digest: {kept:?}");
    start();
    assert_eq!(files(), kept, "nothing was written again");
    // Damaged code is not executed but compiled again.
    let code = kept
        .iter()
        .find(|(name, _)| name.to_string_lossy().ends_with(".cwasm"))
        .unwrap();
    let path = folder.join("cache").join(&code.0);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let seen = start();
    assert!(
        seen.starts_with("exit code 0") && seen.contains("is damaged"),
        "{seen}"
    );
}

/// The state of a project, to see that nothing was changed.
fn state(project: &TestProject) -> (String, Vec<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let waiting = runtime.block_on(async {
        let served = project.serve().await;
        let waiting = served.waiting(runner_tests::AGENT).await;
        served.server.stop().await;
        waiting
    });
    (
        std::fs::read_to_string(project.path().join("project.toml")).unwrap(),
        waiting,
    )
}
