//! Who may ask what, and servers that are not there.

use runner_host::encord::{Client, ErrorKind, Key};
use std::time::Duration;

use runner_host::{CancellationToken, PluginRef, RunError, RunOptions, Runner};
use runner_tests::guest;
use uuid::Uuid;

use crate::set_up::{AGENT, PROJECT, Platform, TO_ANNOTATE, row, tasks};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_registered_is_refused_by_both_dialects() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let domain = served.client.domain().clone();
    let stranger = Client::new(domain.clone(), Key::generate()).unwrap();
    let newer = stranger.project(PROJECT).await.unwrap_err();
    let older = stranger
        .label_row_metadata(PROJECT, &[Uuid::nil()], &Default::default())
        .await
        .unwrap_err();
    for error in [newer, older] {
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert!(!error.is_transient() && !error.may_have_been_applied());
        let help = error.help().unwrap();
        assert!(
            help.contains("ENCORD_DOMAIN") && help.contains("register"),
            "{help}"
        );
        assert!(help.contains(&domain.to_string()), "{help}");
    }
    // Nothing is repeated with a key that is refused.
    assert_eq!(stranger.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_not_there_cannot_be_told_from_one_without_access() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    let newer = client.project(Uuid::nil()).await.unwrap_err();
    let older = client
        .label_row_metadata(Uuid::nil(), &[Uuid::nil()], &Default::default())
        .await
        .unwrap_err();
    for error in [&newer, &older] {
        assert_eq!(error.kind(), ErrorKind::Authorisation, "{error}");
        let help = error.help().unwrap();
        assert!(
            help.contains("give the account of this key access"),
            "{help}"
        );
    }
    assert!(newer.help().unwrap().contains("ENCORD_DOMAIN"));
    let stage = client
        .tasks_page(PROJECT, Uuid::nil(), None)
        .await
        .unwrap_err();
    assert_eq!(stage.kind(), ErrorKind::NotFound, "{stage}");
    let ontology = client.ontology(Uuid::nil()).await.unwrap_err();
    assert!(
        matches!(
            ontology.kind(),
            ErrorKind::NotFound | ErrorKind::Authorisation
        ),
        "{ontology}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_stopped_is_named() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let client = served.client.clone();
    let domain = client.domain().to_string();
    let task = tasks(&client, PROJECT, AGENT).await.remove(0);
    let runner = Runner::builder()
        .client(client.clone())
        .project_hash(PROJECT)
        .plugin(PluginRef {
            stage: None,
            path: guest("labels"),
        })
        .state_dir(platform.folder().join("run"))
        .options(RunOptions {
            patience: Duration::from_secs(2),
            ..RunOptions::default()
        })
        .build()
        .await
        .unwrap();
    served.server.stop().await;

    // This client has no connection of before: what is sent over one that the server has just closed may have arrived.
    let fresh = Client::new(client.domain().clone(), Key::generate()).unwrap();
    let moves = [(task.uuid, TO_ANNOTATE)];
    let (read, moved, ran) = tokio::join!(
        fresh.project(PROJECT),
        fresh.follow_pathways_each(PROJECT, AGENT, &moves),
        runner.run(CancellationToken::new()),
    );
    let read = read.unwrap_err();
    let moved = moved[0].clone().unwrap_err();
    for error in [&read, &*moved] {
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.is_transient());
        // There was no connection, so there is no doubt.
        assert!(!error.may_have_been_applied(), "{error}");
        assert!(error.to_string().contains(&domain), "{error}");
        assert!(
            error.help().unwrap().contains("is up"),
            "{:?}",
            error.help()
        );
    }
    let ran = ran.unwrap_err();
    assert!(
        matches!(&ran.error, RunError::Encord(error) if error.kind() == ErrorKind::Transport),
        "{ran}"
    );
    // Nothing has happened meanwhile.
    let again = platform.serve().await;
    let stage = row(&again.client, &task.data_title).await.stage.unwrap();
    assert_eq!(stage.title, "Agent");
}
