//! The kill test and the soak in short; `tests/src/bin/reliability.rs` has them in full.

#![allow(clippy::print_stdout)] // It is shown if a test fails.

use std::path::PathBuf;
use std::time::Duration;

use runner_tests::reliability::kill::{KillOptions, kill_test};
use runner_tests::reliability::soak::{SoakOptions, soak};
use runner_tests::root;

/// Its logs stay until the next time, so that a failure can be looked into.
fn folder(name: &str) -> PathBuf {
    root().join("target/tests/reliability").join(name)
}

fn tell(line: String) {
    println!("{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_nothing_is_lost_or_done_twice() {
    let options = KillOptions {
        kills: 20,
        seed: 6,
        tasks: 120,
        forgets: false,
        folder: folder("kill"),
    };
    match kill_test(&options, &tell).await {
        Ok(report) => println!("{report}"),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_forgets_what_it_decided_is_found_out() {
    let options = KillOptions {
        kills: 20,
        seed: 6,
        tasks: 40,
        forgets: true,
        folder: folder("forgets"),
    };
    let error = kill_test(&options, &tell)
        .await
        .map(|report| report.to_string());
    let error = error.expect_err("labels were added twice").to_string();
    assert!(
        error.contains("ran again") || error.contains("expected ["),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_runs_for_long_takes_no_more_and_loses_nothing() {
    let options = SoakOptions {
        time: Duration::from_secs(60),
        seed: 6,
        tasks: 60,
        folder: folder("soak"),
    };
    match soak(&options, &tell).await {
        Ok(report) => println!("{report}"),
        Err(error) => panic!("{error}"),
    }
}
