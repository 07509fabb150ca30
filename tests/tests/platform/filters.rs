//! Lists of tasks and of label rows: complete, and with every filter.

use std::collections::HashSet;

use jiff::{Timestamp, ToSpan};
use runner_host::encord::{
    Client, CreateOptions, ErrorKind, LabelRowFilter, MetadataOptions, ShadowData, TaskAction,
    TaskFilter,
};
use uuid::Uuid;

use crate::set_up::{
    AGENT, ANNOTATE, COMPLETE, PROJECT, Platform, TO_ANNOTATE, row, rows, task, tasks,
};

async fn titles_of_tasks(client: &Client, stage: Uuid, filter: TaskFilter) -> Vec<String> {
    let mut listing = client.tasks(PROJECT, stage, filter);
    let mut titles = Vec::new();
    while let Some(page) = listing.next_page().await.unwrap() {
        titles.extend(page.into_iter().map(|task| task.data_title));
    }
    titles.sort();
    titles
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_by_each_filter() {
    let platform = Platform::of_pictures(&["apple", "apricot", "banana"]);
    let served = platform.serve().await;
    let client = &served.client;
    let all = TaskFilter::default();
    let every = [
        "apple.gif",
        "apricot.gif",
        "banana.gif",
        "document",
        "group",
        "pair",
        "sequence",
    ];
    assert_eq!(titles_of_tasks(client, AGENT, all.clone()).await, every);
    let by_title = TaskFilter {
        data_title_contains: Some("ap".to_owned()),
        ..all.clone()
    };
    assert_eq!(
        titles_of_tasks(client, AGENT, by_title).await,
        ["apple.gif", "apricot.gif"]
    );
    let hash = async |title| row(client, title).await.data_hash;
    let by_data = TaskFilter {
        data_hashes: vec![hash("banana.gif").await, hash("group").await, Uuid::nil()],
        ..all.clone()
    };
    assert_eq!(
        titles_of_tasks(client, AGENT, by_data.clone()).await,
        ["banana.gif", "group"]
    );
    let plain = row(client, "apple.gif").await.dataset_hash;
    let by_dataset = TaskFilter {
        dataset_hashes: vec![plain],
        ..by_data.clone()
    };
    assert_eq!(
        titles_of_tasks(client, AGENT, by_dataset).await,
        ["banana.gif"]
    );
    // Longer than one request may be.
    let many = TaskFilter {
        data_hashes: (0..300)
            .map(Uuid::from_u128)
            .chain(by_data.data_hashes)
            .collect(),
        ..all.clone()
    };
    assert_eq!(
        titles_of_tasks(client, AGENT, many).await,
        ["banana.gif", "group"]
    );

    for title in ["apple.gif", "apricot.gif"] {
        let task = task(client, AGENT, title).await.uuid;
        client
            .follow_pathways(PROJECT, AGENT, &[(task, TO_ANNOTATE)])
            .await
            .unwrap();
    }
    let assignee = "person+one@example.com".to_owned();
    let apple = task(client, ANNOTATE, "apple.gif").await.uuid;
    let assign = [(
        apple,
        TaskAction::Assign {
            assignee: assignee.clone(),
        },
    )];
    client
        .act_on_tasks(PROJECT, ANNOTATE, &assign)
        .await
        .unwrap();
    let by_user = TaskFilter {
        user_emails: vec![assignee],
        ..all.clone()
    };
    assert_eq!(
        titles_of_tasks(client, ANNOTATE, by_user).await,
        ["apple.gif"]
    );
    let by_status = |statuses: &[&str]| TaskFilter {
        statuses: statuses.iter().map(|&status| status.to_owned()).collect(),
        ..all.clone()
    };
    assert_eq!(
        titles_of_tasks(client, ANNOTATE, by_status(&["NEW"])).await,
        ["apricot.gif"]
    );
    assert_eq!(
        titles_of_tasks(client, ANNOTATE, by_status(&["ASSIGNED"])).await,
        ["apple.gif"]
    );
    let both = by_status(&["NEW", "ASSIGNED"]);
    assert_eq!(
        titles_of_tasks(client, ANNOTATE, both).await,
        ["apple.gif", "apricot.gif"]
    );
    assert!(
        titles_of_tasks(client, ANNOTATE, by_status(&["SKIPPED"]))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_missed_or_given_twice_while_tasks_leave() {
    let titles: Vec<_> = (0..2_500).map(|number| format!("{number:04}")).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let platform = Platform::of_pictures(&titles);
    let served = platform.serve().await;
    let client = &served.client;
    let plain = row(client, "0000.gif").await.dataset_hash;
    let filter = TaskFilter {
        dataset_hashes: vec![plain],
        ..TaskFilter::default()
    };
    let mut listing = client.tasks(PROJECT, AGENT, filter);
    let (mut given, mut pages) = (Vec::new(), 0);
    while let Some(page) = listing.next_page().await.unwrap() {
        pages += usize::from(!page.is_empty());
        // Two thirds of each page leave before the next is asked for.
        let leaving: Vec<_> = page
            .iter()
            .enumerate()
            .filter(|(place, _)| place % 3 > 0)
            .map(|(_, task)| (task.uuid, TO_ANNOTATE))
            .collect();
        client
            .follow_pathways(PROJECT, AGENT, &leaving)
            .await
            .unwrap();
        given.extend(page.into_iter().map(|task| task.data_title));
    }
    assert!(pages > 2, "{pages}");
    let unique: HashSet<_> = given.iter().collect();
    assert_eq!((given.len(), unique.len()), (2_500, 2_500));
    let left = tasks(client, PROJECT, AGENT).await.len();
    let moved = tasks(client, PROJECT, ANNOTATE).await.len();
    assert_eq!(left + moved, 2_504);
}

async fn titles_of_rows(
    client: &Client,
    filter: LabelRowFilter,
    options: &MetadataOptions,
) -> Vec<String> {
    let rows = client
        .list_label_rows(PROJECT, &filter, options)
        .await
        .unwrap();
    let mut titles: Vec<_> = rows.into_iter().map(|row| row.data_title).collect();
    titles.sort();
    titles
}

#[tokio::test(flavor = "multi_thread")]
async fn label_rows_by_each_filter() {
    let platform = Platform::of_pictures(&["apple", "apricot", "banana"]);
    let served = platform.serve().await;
    let client = &served.client;
    let main = MetadataOptions::default();
    let all = LabelRowFilter::default();
    let found = async |filter| titles_of_rows(client, filter, &main).await;
    assert_eq!(found(all.clone()).await.len(), 7);

    let hash = async |title| row(client, title).await.data_hash;
    let (apple, banana) = (hash("apple.gif").await, hash("banana.gif").await);
    let created = CreateOptions::default();
    client
        .create_label_rows(PROJECT, &[apple, banana], &created)
        .await
        .unwrap();
    let label_hash = row(client, "apple.gif").await.label_hash.unwrap();

    let of_data = |hashes: &[Uuid]| LabelRowFilter {
        data_hashes: Some(hashes.to_vec()),
        ..all.clone()
    };
    assert_eq!(
        found(of_data(&[apple, apple, Uuid::nil()])).await,
        ["apple.gif"]
    );
    assert!(found(of_data(&[])).await.is_empty());
    let of_labels = |hashes: &[Uuid]| LabelRowFilter {
        label_hashes: Some(hashes.to_vec()),
        ..all.clone()
    };
    assert_eq!(
        found(of_labels(&[label_hash, Uuid::nil()])).await,
        ["apple.gif"]
    );
    assert!(found(of_labels(&[])).await.is_empty());
    let both = LabelRowFilter {
        label_hashes: Some(vec![label_hash]),
        ..of_data(&[banana])
    };
    assert!(found(both).await.is_empty());

    let equal = |title: &str| LabelRowFilter {
        data_title_eq: Some(title.to_owned()),
        ..all.clone()
    };
    assert_eq!(found(equal("apple.gif")).await, ["apple.gif"]);
    assert!(found(equal("apple")).await.is_empty());
    let like = |pattern: &str| LabelRowFilter {
        data_title_like: Some(pattern.to_owned()),
        ..all.clone()
    };
    assert_eq!(found(like("ap%")).await, ["apple.gif", "apricot.gif"]);
    assert!(found(like("ap")).await.is_empty());

    let group = task(client, AGENT, "group").await.uuid;
    client
        .move_tasks(PROJECT, AGENT, COMPLETE, &[group])
        .await
        .unwrap();
    let at = |title: &str| LabelRowFilter {
        stage_title_eq: Some(title.to_owned()),
        ..all.clone()
    };
    assert_eq!(found(at("Complete")).await, ["group"]);
    assert!(found(at("Nowhere")).await.is_empty());
    let at_like = LabelRowFilter {
        stage_title_like: Some("%gen%".to_owned()),
        ..all.clone()
    };
    assert_eq!(found(at_like).await.len(), 6);

    let statuses = |statuses: &[&str]| LabelRowFilter {
        label_statuses: Some(statuses.iter().map(|&status| status.to_owned()).collect()),
        ..all.clone()
    };
    assert_eq!(found(statuses(&["COMPLETED"])).await, ["group"]);
    assert_eq!(found(statuses(&["COMPLETED", "QUEUED"])).await.len(), 7);
    assert!(found(statuses(&["IN_REVIEW"])).await.is_empty());

    let now = Timestamp::now();
    let edited = |after: Option<Timestamp>, before: Option<Timestamp>| LabelRowFilter {
        edited_after: after,
        edited_before: before,
        ..all.clone()
    };
    let (earlier, later) = (now - 1.hour(), now + 1.hour());
    let made = ["apple.gif", "banana.gif"];
    assert_eq!(found(edited(Some(earlier), None)).await, made);
    assert_eq!(found(edited(Some(earlier), Some(later))).await, made);
    assert!(found(edited(None, Some(earlier))).await.is_empty());
    assert!(found(edited(Some(later), None)).await.is_empty());

    let shadow = |shadow_data| LabelRowFilter {
        shadow_data: Some(shadow_data),
        ..all.clone()
    };
    assert_eq!(found(shadow(ShadowData::All)).await.len(), 7);
    assert_eq!(found(shadow(ShadowData::None)).await.len(), 7);
    assert!(found(shadow(ShadowData::Only)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn label_rows_of_each_branch() {
    let platform = Platform::of_pictures(&["apple", "banana"]);
    let served = platform.serve().await;
    let client = &served.client;
    let apple = row(client, "apple.gif").await.data_hash;
    assert_eq!(client.branches(PROJECT).await.unwrap(), ["main"]);
    let mut hashes = HashSet::new();
    for branch in ["main", "model"] {
        let options = CreateOptions {
            branch_name: Some(branch.to_owned()),
            ..CreateOptions::default()
        };
        let created = client
            .create_label_rows(PROJECT, &[apple], &options)
            .await
            .unwrap();
        assert_eq!(created[0].1["branch_name"], branch);
        hashes.insert(created[0].1["label_hash"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes.len(), 2, "each branch has a row of its own");
    assert_eq!(client.branches(PROJECT).await.unwrap(), ["main", "model"]);
    let of_model = rows(client, PROJECT, "model").await;
    let made: Vec<_> = of_model
        .iter()
        .filter(|row| row.label_hash.is_some())
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(
        (made[0].data_hash, made[0].branch_name.as_str()),
        (apple, "model")
    );

    let every = MetadataOptions {
        include_all_label_branches: true,
        ..MetadataOptions::default()
    };
    let filter = LabelRowFilter {
        data_hashes: Some(vec![apple]),
        ..LabelRowFilter::default()
    };
    let rows = client
        .list_label_rows(PROJECT, &filter, &every)
        .await
        .unwrap();
    let mut branches: Vec<_> = rows.iter().map(|row| row.branch_name.as_str()).collect();
    branches.sort_unstable();
    assert_eq!(branches, ["main", "model"]);
    let both = MetadataOptions {
        branch_name: Some("model".to_owned()),
        ..every
    };
    let refused = client.list_label_rows(PROJECT, &filter, &both).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArguments);
}
