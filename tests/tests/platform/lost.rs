//! Requests of which the client does not learn what became: each is repeated, or not, as its effect allows.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, join_all};
use runner_host::encord::{
    CreateOptions, Error, ErrorKind, IssueAnchor, MetadataOptions, NewIssue, PathwayChoice,
    ReadOptions, StorageItemUpdate, TaskAction,
};
use runner_tests::Served;
use serde_json::Value;
use uuid::Uuid;

use crate::set_up::{
    AGENT, ANNOTATE, COMPLETE, PROJECT, Platform, TO_ANNOTATE, by_reference, counts, create,
    create_noted, noted, row, set_faults, task, tasks,
};

/// What the operations are done to. Each has data units of its own, so that all can be under way at once.
struct Subjects {
    served: Served,
    ontology: Uuid,
    folder: Uuid,
    group: Uuid,
    document: Uuid,
    /// Label hash, data hash and document of the row "read", which is also saved.
    row: (Uuid, Uuid, Value),
    issue: Uuid,
    followed: Uuid,
    moved: Uuid,
    submitted: Uuid,
}

/// An operation, by what a fault plan calls it.
type Named<'a, E> = (&'static str, BoxFuture<'a, Result<(), E>>);

const TITLES: [&str; 5] = ["read", "followed", "moved", "submitted", "new"];

impl Subjects {
    async fn of(platform: &Platform) -> Self {
        let served = platform.serve().await;
        let client = &served.client;
        let read = row(client, "read.gif").await;
        let (label_hash, document) = create(client, &[read.data_hash]).await.remove(0);
        let issue = new_issue(read.data_hash, "there from the beginning");
        client.create_issues(PROJECT, &[issue]).await.unwrap();
        let issues = client.issues(PROJECT, read.data_hash).await.unwrap();
        let submitted = task(client, AGENT, "submitted.gif").await.uuid;
        client
            .follow_pathways(PROJECT, AGENT, &[(submitted, TO_ANNOTATE)])
            .await
            .unwrap();
        let group = row(client, "group").await.backing_item_uuid.unwrap();
        Self {
            ontology: client.project(PROJECT).await.unwrap().ontology_uuid,
            folder: client
                .storage_item(group, false)
                .await
                .unwrap()
                .parent
                .unwrap(),
            group,
            document: row(client, "document").await.backing_item_uuid.unwrap(),
            row: (label_hash, read.data_hash, document),
            issue: issues[0].uuid,
            followed: task(client, AGENT, "followed.gif").await.uuid,
            moved: task(client, AGENT, "moved.gif").await.uuid,
            submitted,
            served,
        }
    }

    /// Every operation that may be sent twice, by the server's name of it.
    fn repeatable(&self) -> Vec<Named<'_, Error>> {
        let client = &self.served.client;
        let (label_hash, data_hash, document) = &self.row;
        vec![
            ("project", client.project(PROJECT).map(nothing).boxed()),
            (
                "ontology",
                client.ontology(self.ontology).map(nothing).boxed(),
            ),
            (
                "tasks",
                client.tasks_page(PROJECT, AGENT, None).map(nothing).boxed(),
            ),
            ("branches", client.branches(PROJECT).map(nothing).boxed()),
            ("datasets", client.datasets(PROJECT).map(nothing).boxed()),
            (
                "labelrowmetadata.GET",
                async {
                    let (hashes, options) = ([*data_hash], MetadataOptions::default());
                    let rows = client.label_row_metadata(PROJECT, &hashes, &options);
                    rows.await.map(|rows| assert_eq!(rows.len(), 1))
                }
                .boxed(),
            ),
            (
                "labelrow.GET",
                async {
                    let (hashes, options) = ([*label_hash], ReadOptions::default());
                    let rows = client.read_label_rows(PROJECT, &hashes, &options);
                    rows.await.map(|rows| assert_eq!(rows.len(), 1))
                }
                .boxed(),
            ),
            (
                "labelrow.POST",
                async move {
                    let rows = [(*label_hash, document)];
                    client.save_label_rows(PROJECT, &rows).await
                }
                .boxed(),
            ),
            (
                "priorities",
                async {
                    let priorities = [(*data_hash, 0.25)];
                    client.set_priorities(PROJECT, &priorities).await
                }
                .boxed(),
            ),
            (
                "validation-state",
                client
                    .validation_state(PROJECT, *label_hash)
                    .map(nothing)
                    .boxed(),
            ),
            (
                "classifications",
                async {
                    let hashes = [*label_hash];
                    let rows = client.label_classifications(PROJECT, "main", &hashes);
                    rows.await.map(|rows| assert_eq!(rows.len(), 1))
                }
                .boxed(),
            ),
            (
                "delete-issues",
                async {
                    let issues = [self.issue];
                    client.delete_issues(PROJECT, &issues).await
                }
                .boxed(),
            ),
            (
                "item",
                client.storage_item(self.group, true).map(nothing).boxed(),
            ),
            (
                "child-items",
                client
                    .child_items(self.folder, self.group, true)
                    .map(nothing)
                    .boxed(),
            ),
            (
                "get-bulk",
                async {
                    let items = [self.group, self.document];
                    let found = client.storage_items(&items, true).await;
                    found.map(|found| assert_eq!(found.len(), 2))
                }
                .boxed(),
            ),
            (
                "patch-item",
                async {
                    let update = StorageItemUpdate {
                        description: Some("changed".to_owned()),
                        ..StorageItemUpdate::default()
                    };
                    let changed = client.update_storage_item(self.folder, self.document, &update);
                    changed.await.map(drop)
                }
                .boxed(),
            ),
            (
                "patch-bulk",
                async {
                    let update = StorageItemUpdate {
                        name: Some("renamed".to_owned()),
                        ..StorageItemUpdate::default()
                    };
                    let updates = [(self.group, update)];
                    client.update_storage_items(&updates).await.map(drop)
                }
                .boxed(),
            ),
        ]
    }

    /// Those after which a task has left its stage, so that the repeat of one that was carried out is refused. By the
    /// beginning of a rule that is about them.
    fn leaving(&self) -> Vec<Named<'_, Arc<Error>>> {
        let client = &self.served.client;
        let submit = TaskAction::Submit {
            assignee: None,
            retain_assignee: false,
            resolve_label_reviews: true,
        };
        vec![
            (
                "[[rules]]\noperation = 'move-tasks'",
                async {
                    let tasks = [self.moved];
                    let moved = client.move_tasks_each(PROJECT, AGENT, COMPLETE, &tasks);
                    moved.await.remove(0)
                }
                .boxed(),
            ),
            (
                AT_AGENT,
                async {
                    let pathway = PathwayChoice::Name("Annotate".to_owned());
                    let actions = [(self.followed, TaskAction::Follow { pathway })];
                    let acted = client.act_on_tasks_each(PROJECT, AGENT, &actions);
                    acted.await.remove(0)
                }
                .boxed(),
            ),
            (
                AT_ANNOTATE,
                async move {
                    let actions = [(self.submitted, submit)];
                    let acted = client.act_on_tasks_each(PROJECT, ANNOTATE, &actions);
                    acted.await.remove(0)
                }
                .boxed(),
            ),
        ]
    }
}

const AT_AGENT: &str = "[[rules]]\npath = '/v2/public/projects/*/workflow/stages/\
                        22222222-2222-4222-8222-000000000001/actions'";
const AT_ANNOTATE: &str = "[[rules]]\npath = '/v2/public/projects/*/workflow/stages/\
                           22222222-2222-4222-8222-000000000002/actions'";

fn nothing<T>(result: Result<T, Error>) -> Result<(), Error> {
    result.map(drop)
}

fn new_issue(data_hash: Uuid, comment: &str) -> NewIssue {
    NewIssue {
        data_hash,
        anchor: IssueAnchor::DataUnit { space_id: None },
        comment: comment.to_owned(),
        tags: Vec::new(),
    }
}

/// Lets each operation meet a fault once, all at the same time.
async fn each_meets_once(fault: &str) {
    let platform = Platform::of_pictures(&TITLES);
    let subjects = Subjects::of(&platform).await;
    let (names, operations): (Vec<_>, Vec<_>) = subjects.repeatable().into_iter().unzip();
    let rule = |name: &&str| format!("[[rules]]\noperation = '{name}'\ntimes = 1\n{fault}\n");
    let plan: String = names.iter().map(rule).collect();
    set_faults(&subjects.served.server, &plan);
    let results = join_all(operations).await;
    let counts = counts(&subjects.served.server);
    for ((name, result), count) in names.iter().zip(results).zip(counts) {
        assert!(result.is_ok(), "{name}: {result:?}");
        assert_eq!(count, (2, 1), "{name}");
    }
    subjects.served.server.faults().clear();
    let client = &subjects.served.client;
    assert_eq!(row(client, "read.gif").await.priority, Some(0.25));
    let document = client.storage_item(subjects.document, false).await.unwrap();
    assert_eq!(document.description, "changed");
    let issues = client.issues(PROJECT, subjects.row.1).await.unwrap();
    assert!(issues.is_empty(), "{issues:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_repeated_after_a_503() {
    each_meets_once("status = 503\nretry-after = 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_repeated_if_the_connection_was_dropped_before_the_effect() {
    each_meets_once("drop-before = true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_repeated_if_the_connection_was_dropped_after_the_effect() {
    each_meets_once("drop-after = true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_repeated_if_the_answer_broke_off() {
    each_meets_once("truncate-body = true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_left_before_the_answer_was_lost_is_gone_perhaps_by_this_hosts_doing() {
    let platform = Platform::of_pictures(&TITLES);
    let subjects = Subjects::of(&platform).await;
    let (rules, operations): (Vec<_>, Vec<_>) = subjects.leaving().into_iter().unzip();
    let rule = |rule: &&str| format!("{rule}\ntimes = 1\ndrop-after = true\n");
    let plan: String = rules.iter().map(rule).collect();
    set_faults(&subjects.served.server, &plan);
    let results = join_all(operations).await;
    assert_eq!(counts(&subjects.served.server), [(2, 1); 3]);
    // Of a submission that is refused, Encord does not say why.
    let kinds = [
        ErrorKind::TaskGone,
        ErrorKind::TaskGone,
        ErrorKind::InvalidArguments,
    ];
    for ((rule, result), kind) in rules.iter().zip(results).zip(kinds) {
        let error = result.expect_err("the repeat is refused");
        assert_eq!(error.kind(), kind, "{rule}");
        assert!(error.may_have_been_applied(), "{rule}: {error}");
    }
    subjects.served.server.faults().clear();
    let client = &subjects.served.client;
    let stage = async |title| row(client, title).await.stage.unwrap().title;
    assert_eq!(stage("moved.gif").await, "Complete");
    assert_eq!(stage("followed.gif").await, "Annotate");
    assert_eq!(stage("submitted.gif").await, "Review");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_moves_once_if_the_request_was_lost_before_its_effect() {
    let platform = Platform::of_pictures(&TITLES);
    let subjects = Subjects::of(&platform).await;
    let (rules, operations): (Vec<_>, Vec<_>) = subjects.leaving().into_iter().unzip();
    let rule = |rule: &&str| format!("{rule}\ntimes = 1\ndrop-before = true\n");
    let plan: String = rules.iter().map(rule).collect();
    set_faults(&subjects.served.server, &plan);
    for (rule, result) in rules.iter().zip(join_all(operations).await) {
        assert!(result.is_ok(), "{rule}: {result:?}");
    }
    assert_eq!(counts(&subjects.served.server), [(2, 1); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_repeated_is_sent_once() {
    let platform = Platform::of_pictures(&TITLES);
    let subjects = Subjects::of(&platform).await;
    let served = &subjects.served;
    let client = &served.client;
    let data_hash = row(client, "new.gif").await.data_hash;
    let plan = "
        [[rules]]
        operation = 'labelrow.PUT'
        drop-after = true
        [[rules]]
        operation = 'issues'
        method = 'POST'
        drop-after = true
        [[rules]]
        operation = 'labelworkflowgraphnode.POST'
        drop-after = true
        [[rules]]
        operation = 'actions'
        drop-after = true
        ";
    set_faults(&served.server, plan);
    let created = client
        .create_label_rows(PROJECT, &[data_hash], &CreateOptions::default())
        .await;
    let noted = client
        .create_issues(PROJECT, &[new_issue(data_hash, "once")])
        .await;
    let completed = client.complete_label_rows(PROJECT, &[subjects.row.0]).await;
    let release = [(subjects.submitted, TaskAction::Release)];
    let released = client.act_on_tasks(PROJECT, ANNOTATE, &release).await;
    for error in [
        created.map(drop).unwrap_err(),
        noted.unwrap_err(),
        completed.unwrap_err(),
        released.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.may_have_been_applied(), "{error}");
    }
    assert_eq!(counts(&served.server), [(1, 1); 4]);
    served.server.faults().clear();
    // All of it has happened, once.
    assert!(row(client, "new.gif").await.label_hash.is_some());
    assert_eq!(client.issues(PROJECT, data_hash).await.unwrap().len(), 1);
    assert_eq!(
        row(client, "read.gif").await.stage.unwrap().title,
        "Complete"
    );
    assert_eq!(
        task(client, ANNOTATE, "submitted.gif").await.status,
        "RELEASED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_whose_answer_was_lost_is_sent_again_as_it_was() {
    let platform = Platform::of_pictures(&TITLES);
    let served = platform.serve().await;
    let client = &served.client;
    let tasks = tasks(client, PROJECT, AGENT).await.into_iter();
    let data_hashes: Vec<_> = tasks.map(|task| task.data_hash).collect();
    let rows = create_noted(client, &data_hashes).await;
    let plan = "[[rules]]\noperation = 'labelrow.POST'\ndrop-after = true\ntimes = 1";
    set_faults(&served.server, plan);
    let saved = client
        .save_label_rows_each(PROJECT, &by_reference(&rows))
        .await;
    assert!(saved.iter().all(Result::is_ok), "{saved:?}");
    assert_eq!(counts(&served.server), [(2, 1)]);
    assert_eq!(noted(client, &rows).await, rows.len());
}
