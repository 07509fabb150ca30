//! What became of a project whose pictures the plugin `labels` went over: each that moved was labelled once.

use runner_host::encord::{MetadataOptions, ReadOptions};

use crate::{AGENT, SECOND, TestProject};

/// Checks that each task is at one of two stages, and that each that moved has exactly one box and one classification.
/// Returns how many have moved.
///
/// # Panics
/// If one is missing, or has other labels.
pub async fn accounted(project: &TestProject, pictures: usize) -> usize {
    let served = project.serve().await;
    let (waiting, moved) = (served.waiting(AGENT).await, served.waiting(SECOND).await);
    assert_eq!(waiting.len() + moved.len(), pictures);
    let mut hashes = Vec::new();
    let mut page_token = None;
    loop {
        let page = served
            .client
            .tasks_page(served.hash, SECOND, page_token.as_deref())
            .await
            .expect("a page");
        hashes.extend(page.tasks.iter().map(|task| task.data_hash));
        page_token = page.next_page;
        if page_token.is_none() {
            break;
        }
    }
    let rows = served
        .client
        .label_row_metadata(served.hash, &hashes, &MetadataOptions::default())
        .await
        .expect("they are listed");
    let labels: Vec<_> = rows
        .iter()
        .map(|row| row.label_hash.expect("it was labelled"))
        .collect();
    let documents = served
        .client
        .read_label_rows(served.hash, &labels, &ReadOptions::default())
        .await
        .expect("they are read");
    assert_eq!(documents.len(), moved.len());
    for (_, document) in &documents {
        let answers = |part: &str| {
            document[part]
                .as_object()
                .map_or(0, |entries| entries.len())
        };
        assert_eq!(
            (answers("object_answers"), answers("classification_answers")),
            (1, 1),
            "{document}"
        );
    }
    served.server.stop().await;
    moved.len()
}
