//! Dependencies of agents: functions of a plugin, values of the run, components of their own; grants and settings. By the program,
//! since what plugins log is what they saw.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::path::Path;
use std::process::Command;

use runner_tests::ran::{run, run_in};
use runner_tests::{TestProject, guest, program};

#[test]
fn functions_are_called_once_and_torn_down_in_reverse() {
    let ran = run(&["fine"], "nested", &[]);
    ran.ended_well();
    let order = [
        "made base in attempt 0",
        "made middle from base",
        "made top from 5 and base",
        "made last from 5",
        "called with base, base, last",
        "dropped last",
        "dropped top",
        "closed middle 5",
        "dropped base",
    ];
    let places: Vec<_> = order.iter().map(|text| ran.at(text)).collect();
    assert!(places.is_sorted(), "{ran}");
    for text in order {
        assert_eq!(ran.count(text), 1, "{text} in {ran}");
    }
}

#[test]
fn functions_are_torn_down_also_when_something_fails() {
    for (name, called) in [("agent-fails", 1), ("dependency-fails", 0)] {
        let ran = run(&[name], "nested", &[]);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert_eq!(ran.count("called with"), called, "{ran}");
        let places = [
            ran.at("dropped top"),
            ran.at("closed middle 5"),
            ran.at("dropped base"),
        ];
        assert!(places.is_sorted(), "{ran}");
    }
    let ran = run(&["panic"], "nested", &["--num-retries", "0"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(
        ran.count("dropped top"),
        0,
        "nothing runs after a trap: {ran}"
    );
    let ran = run(&["any"], "cycle", &[]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("cycle");
}

#[test]
fn a_component_gives_each_attempt_its_value_once() {
    let names = ["a", "b", "c"];
    let ran = run(
        &names,
        "asks",
        &["--dependency", "metadata={provider_json}"],
    );
    ran.ended_well();
    for name in names {
        assert_eq!(ran.count(&format!("gives JSON for {name}.txt")), 1, "{ran}");
        ran.has(&format!("title {name}.txt, the same true"));
    }
    // What it needs of the task is fetched with the batch, so nothing was waited for.
    assert!(!ran.summary.contains("undeclared"), "{ran}");
}

#[test]
fn a_component_can_need_another() {
    let ran = run(
        &["a"],
        "asks",
        &[
            "--dependency",
            "metadata={provider_needs_other}",
            "--dependency",
            "inner={provider_json}",
        ],
    );
    ran.ended_well();
    ran.has("metadata {\"inner\":{");
    assert!(
        ran.at("gives JSON for a.txt") < ran.at("gives JSON around that of inner"),
        "{ran}"
    );
}

#[test]
fn what_does_not_fit_is_refused_before_any_task_is_touched() {
    let cases: [(&str, &[&str], &[&str]); 7] = [
        (
            "asks",
            &[],
            &[
                "needs the dependency \"metadata\"",
                "--dependency metadata=FILE",
            ],
        ),
        (
            "asks",
            &["--dependency", "meta={provider_json}"],
            &["needs the dependency \"metadata\"", "\"meta\""],
        ),
        (
            "asks",
            &["--dependency", "metadata={provider_bytes}"],
            &["expects JSON from the dependency \"metadata\", which gives bytes"],
        ),
        (
            "asks",
            &[
                "--dependency",
                "metadata={provider_needs_other}",
                "--dependency",
                "inner={provider_needs_other}",
            ],
            &["need each other", "\"inner\" needs \"inner\""],
        ),
        (
            "asks",
            &["--dependency", "metadata={empty}"],
            &["expected a dependency component, found a plugin"],
        ),
        ("provider_json", &[], &["serves no stage"]),
        (
            "asks",
            &[
                "--dependency",
                "metadata={provider_json}",
                "--dependency",
                "metadata={provider_json}",
            ],
            &["given twice"],
        ),
    ];
    for (plugin, arguments, expected) in cases {
        let project = TestProject::of_texts(&["a"]);
        let ran = run_in(&project, plugin, arguments);
        assert_eq!(ran.code, Some(2), "{ran}");
        for text in expected {
            ran.has(text);
        }
        ran.has("help:");
    }
}

#[test]
fn a_component_that_fails_fails_the_task_that_asked() {
    let names = ["a", "refused", "broken", "writes"];
    let arguments = [
        "--dependency",
        "metadata={provider_json}",
        "--num-retries",
        "1",
    ];
    let ran = run(&names, "asks", &arguments);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.summary.contains("\"refused.txt\""), "{ran}");
    assert!(ran.summary.contains("there is none of it"), "{ran}");
    assert!(ran.summary.contains("\"broken.txt\""), "{ran}");
    assert!(
        ran.summary
            .contains("the dependency \"metadata\" failed (trap)"),
        "{ran}"
    );
    assert!(
        !ran.summary.contains("\"a.txt\"") && !ran.summary.contains("\"writes.txt\""),
        "{ran}"
    );
    ran.has("a dependency cannot set the client metadata of a storage item");
    ran.has("a dependency cannot save labels");
    // A refusal is final; a trap is tried again.
    assert_eq!(ran.count("gives JSON for refused.txt"), 1, "{ran}");
    assert_eq!(ran.count("gives JSON for broken.txt"), 2, "{ran}");
}

#[test]
fn a_component_has_limits_of_its_own() {
    let arguments = [
        "--dependency",
        "metadata={provider_json},timeout=2,memory=20",
        "--num-retries",
        "0",
    ];
    let ran = run(&["spin", "hog"], "asks", &arguments);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.summary.contains("failed (timeout)"), "{ran}");
    assert!(
        ran.summary.contains("failed (out of memory)") && ran.summary.contains("20 MiB"),
        "{ran}"
    );
}

#[test]
fn a_service_answers_until_the_attempt_has_ended() {
    let ran = run(
        &["echo"],
        "asks_service",
        &["--dependency", "service={provider_service}"],
    );
    ran.ended_well();
    let order = [
        "gives a service",
        "echo: input",
        "count: 2",
        "title: \"echo.txt\"",
        "dropped the service after 3 calls",
        "closed echo.txt",
    ];
    let places: Vec<_> = order.iter().map(|text| ran.at(text)).collect();
    assert!(places.is_sorted(), "{ran}");
}

#[test]
fn a_service_is_gone_after_a_fault() {
    let arguments = ["--dependency", "service={provider_service},timeout=1"];
    let ran = run(&["trap", "spin", "fail"], "asks_service", &arguments);
    ran.ended_well();
    ran.has("trap: unavailable: the dependency \"service\" failed (trap)");
    ran.has("spin: unavailable: the dependency \"service\" failed (timeout)");
    assert_eq!(
        ran.count(
            "count: unavailable: the instance of the dependency \"service\" is gone after a fault"
        ),
        2,
        "{ran}"
    );
    ran.has("fail: it was asked to fail");
    ran.has("count: 2");
}

#[test]
fn a_service_of_the_run_is_made_once_for_all_tasks() {
    let names: Vec<String> = (0..20).map(|number| format!("count-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ran = run(
        &names,
        "asks_service",
        &["--dependency", "service={provider_per_run}"],
    );
    ran.ended_well();
    assert_eq!(ran.count("gives a service for the run in Test"), 1, "{ran}");
    assert_eq!(ran.count("dropped the service of the run"), 1, "{ran}");
    // Each of the tasks calls three times, and no call is lost or counted twice.
    ran.has("title: 60");
    // After a fault it is made anew, also for those who had it before.
    let ran = run(
        &["trap", "b", "c"],
        "asks_service",
        &["--dependency", "service={provider_per_run}"],
    );
    ran.ended_well();
    assert_eq!(ran.count("gives a service for the run in Test"), 2, "{ran}");
}

#[test]
fn what_was_not_declared_can_be_asked_for_by_name() {
    let arguments = [
        "--dependency",
        "json={provider_json}",
        "--dependency",
        "bytes={provider_bytes}",
        "--dependency",
        "service={provider_service}",
        "--set",
        "ask=json,bytes,service,nothing",
    ];
    let ran = run(&["a"], "asks_any", &arguments);
    ran.ended_well();
    ran.has("bytes as JSON unsupported: expected a value that is JSON, found one that is bytes");
    ran.has(
        "service as JSON unsupported: expected a value that is JSON, found one that is a service",
    );
    ran.has("service called 1");
    ran.has(
        "bytes called unsupported: expected a value that is a service, found one that is bytes",
    );
    ran.has("nothing: not found: expected the name of a dependency, found \"nothing\"");
}

#[test]
fn a_value_of_the_run_is_made_once_for_all_attempts() {
    let names: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ran = run(&names, "per_run", &[]);
    ran.ended_well();
    assert_eq!(ran.count("made the table in Test"), 1, "{ran}");
    assert_eq!(ran.count("made the summary"), 1, "{ran}");
    assert_eq!(
        ran.count("400000 bytes, entry 10 [10, 0, 0, 0] true"),
        30,
        "{ran}"
    );
}

#[test]
fn a_value_of_the_run_that_cannot_be_made_fails_who_asked() {
    let cases = [
        ("fatal", "there is no table", 1),
        ("error", "the table is not there yet", 2),
        ("trap", "could not be made (trap)", 2),
    ];
    for (how, told, attempts) in cases {
        let arguments = ["--set", &format!("table={how}"), "--num-retries", "1"];
        let ran = run(&["a"], "per_run", &arguments);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.summary.contains(told), "{ran}");
        assert_eq!(ran.count("made the table"), attempts, "{ran}");
    }
}

#[test]
fn settings_are_seen_by_plugins_alike() {
    let arguments = ["--set", "colour=green", "--set", "most=0.5"];
    let ran = run(&["a"], "settings", &arguments);
    ran.ended_well();
    ran.has("described with colour Some(\"green\")");
    ran.has("colour Some(\"green\"), nothing None");
    ran.has("most Some(0.5)");
    let ran = run(&["a"], "settings", &["--set", "most"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("--set: expected NAME=VALUE, found `most`");
}

#[test]
fn settings_come_from_the_file_too_and_what_is_typed_wins() {
    let project = TestProject::of_texts(&["a"]);
    let file = project.scratch().join("settings.toml");
    std::fs::write(&file, "[set]\ncolour = \"red\"\nmost = 0.25\n").unwrap();
    let arguments = ["--config", file.to_str().unwrap(), "--set", "colour=blue"];
    let ran = run_in(&project, "settings", &arguments);
    ran.ended_well();
    ran.has("colour Some(\"blue\"), nothing None");
    ran.has("most Some(0.25)");
}

#[test]
fn encord_is_called_only_as_far_as_granted() {
    let ran = run(&["a"], "client", &[]);
    ran.ended_well();
    assert_eq!(
        ran.count("has not granted this plugin to call Encord"),
        11,
        "{ran}"
    );

    let ran = run(&["a"], "client", &["--grant", "client-read"]);
    ran.ended_well();
    ran.has("project: title \"Test\"");
    ran.has("item: name \"a.txt\"");
    ran.has("bulk: 1 results");
    ran.has("patch: forbidden: the user has granted this plugin only to read from Encord");
    assert_eq!(ran.count("query:"), 1, "{ran}");
    assert_eq!(ran.count("expected a path below `/v2/public/`"), 6, "{ran}");

    let ran = run(&["a"], "client", &["--grant", "client.wasm=client"]);
    ran.ended_well();
    ran.has("patch: 1 results");

    let ran = run(&["a"], "client", &["--grant", "other.wasm=client"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("--grant: expected the file of one of the plugins, found `other.wasm`");
    let ran = run(&["a"], "client", &["--grant", "everything"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("expected `client-read` or `client`, found `everything`");
}

#[test]
fn a_batch_has_one_outcome_for_each_task() {
    for (name, found) in [("missing", 1), ("extra", 3)] {
        let first = format!("{name}-a");
        let ran = run(&[&first, "z"], "batch_raw", &[]);
        assert_eq!(ran.code, Some(1), "{ran}");
        let told =
            format!("expected one outcome for each of the 2 tasks of the batch, found {found}");
        assert_eq!(ran.summary.matches(&told).count(), 2, "{ran}");
    }
    run(&["a", "b", "c", "d"], "batch_raw", &[]).ended_well();
}

#[test]
fn inspect_tells_what_a_dependency_gives() {
    let inspect = |path: &Path| {
        let output = Command::new(program())
            .arg("inspect")
            .arg(path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told = inspect(&guest("provider_per_run"));
    assert!(told.contains("gives     a service, for the run"), "{told}");
    assert!(told.contains("needs     nothing"), "{told}");
    let told = inspect(&guest("provider_needs_other"));
    assert!(told.contains("gives     JSON, for an attempt"), "{told}");
    assert!(
        told.contains("needs     the dependency \"inner\" (JSON)"),
        "{told}"
    );
    let told = inspect(&guest("batch"));
    assert!(told.contains("takes up to 4 tasks at a time"), "{told}");
}

#[test]
fn a_plugin_says_itself_what_it_lacks() {
    let ran = run(&["a"], "twins", &[]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has(
        "refuses the stage \"Agent\": expected the UUID of the twin project as the setting twin",
    );
    let ran = run(&["a"], "twin_without_project", &[]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("found a `Twin` without one");
    let nowhere = "twin=e0000000-0000-4000-8000-0000000000ff";
    let ran = run(&["a"], "twins", &["--set", nowhere]);
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.has("looks at the same data in the project e0000000-0000-4000-8000-0000000000ff, which cannot be read");
}

#[test]
fn the_task_that_breaks_a_batch_fails_alone_also_without_retries() {
    let ran = run(&["a", "b", "poison", "d"], "batch", &["--num-retries", "0"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(ran.summary.matches("failed at").count(), 1, "{ran}");
    assert!(
        ran.summary.contains("\"poison.txt\"") && ran.summary.contains("after 1 attempt"),
        "{ran}"
    );
}
