use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use runner_media::{Budget, Share};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Feed, prefetch};
use crate::engine::{Declaration, Resolver, Unresolved};
use crate::local::ServerOptions;
use crate::runner::dependencies::Dependencies;
use crate::runner::files::{Order, download};

const MIB: u64 = 1 << 20;

/// Counts downloads.
const COUNTER: &str = "[[rules]]\noperation = 'media'\nlatency = 0";

fn asset() -> Declaration {
    Declaration {
        needs_asset: true,
        ..Declaration::default()
    }
}

/// A batch whose files are ordered task by task.
struct Ahead {
    batch: Vec<Arc<Dependencies>>,
    there: Vec<Option<oneshot::Receiver<Share>>>,
    stop: CancellationToken,
    downloader: JoinHandle<Option<()>>,
}

impl Ahead {
    async fn of(feed: &Feed, declaration: Declaration, budget: u64) -> Self {
        let source = feed.source(declaration);
        let batch = prefetch(&source, feed.tasks().await).await;
        let (orders_in, orders) = mpsc::unbounded_channel();
        let order = |one: &Arc<Dependencies>| {
            let files = one.declared_files();
            let files: Vec<_> = files
                .into_iter()
                .map(|item| (Arc::clone(one), item))
                .collect();
            if files.is_empty() {
                return None;
            }
            let (there, waits) = oneshot::channel();
            orders_in.send(Order { files, there }).ok()?;
            Some(waits)
        };
        let there = batch.iter().map(order).collect();
        let stop = CancellationToken::new();
        let download = download(orders, Budget::new(budget), Arc::new(Semaphore::new(16)));
        let downloader = tokio::spawn(stop.clone().run_until_cancelled_owned(download));
        Self {
            batch,
            there,
            stop,
            downloader,
        }
    }

    /// Waits until the files of a task are there.
    async fn files_of(&mut self, task: usize) -> Share {
        let there = self.there[task].take().expect("it has files");
        there.await.expect("they come")
    }

    fn are_there(&mut self, task: usize) -> bool {
        let there = self.there[task].as_mut().expect("it has files");
        there.now_or_never().is_some()
    }

    async fn read(&self, task: usize) -> Result<u64, Unresolved> {
        let one = &self.batch[task];
        let item = one.storage_item().await?;
        Ok(one.file(&item).await?.size())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_in_the_order_of_the_tasks_within_the_budget() {
    let feed = Feed::of_texts(&[2 * MIB as usize; 8]).await;
    feed.set_faults(COUNTER);
    let mut ahead = Ahead::of(&feed, asset(), 5 * MIB).await;
    let mut held = vec![ahead.files_of(0).await, ahead.files_of(1).await];
    for task in 2..8 {
        // However long one waits, no more begin than the budget lets through.
        assert!(!ahead.are_there(task));
        assert_eq!(feed.counts(), [task as u64]);
        drop(held.remove(0));
        held.push(ahead.files_of(task).await);
    }
    for task in 0..8 {
        assert_eq!(ahead.read(task).await, Ok(2 * MIB));
    }
    assert_eq!(feed.counts(), [8], "each was downloaded once");
    assert!(ahead.there[8].is_none(), "an image group is not one file");
    assert_eq!(ahead.downloader.await.unwrap(), Some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_the_budget_comes_alone() {
    let sizes = [1, 6, 1, 1].map(|size| size * MIB as usize);
    let feed = Feed::of_texts(&sizes).await;
    let mut ahead = Ahead::of(&feed, asset(), 2 * MIB).await;
    let first = ahead.files_of(0).await;
    assert!(!ahead.are_there(1));
    drop(first);
    let large = ahead.files_of(1).await;
    assert!(!ahead.are_there(2));
    assert_eq!(ahead.read(1).await, Ok(6 * MIB));
    drop(large);
    let _both = (ahead.files_of(2).await, ahead.files_of(3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_images_of_a_group_come_together_or_the_first() {
    let feed = Feed::of_texts(&[10]).await;
    for (declaration, expected) in [
        (
            Declaration {
                needs_video: true,
                ..Declaration::default()
            },
            2,
        ),
        (
            Declaration {
                needs_single_frame: true,
                ..Declaration::default()
            },
            1,
        ),
    ] {
        // A text has no frames, so that its file is not wanted.
        feed.set_faults(COUNTER);
        let mut ahead = Ahead::of(&feed, declaration, MIB).await;
        assert!(ahead.there[0].is_none());
        ahead.files_of(1).await;
        let group = &ahead.batch[1];
        let item = group.storage_item().await.unwrap();
        let images = group.children(&item).await.unwrap();
        for image in &images[..expected] {
            group.file(image).await.unwrap();
        }
        // The second time they are on the disk.
        assert!(feed.counts()[0] <= expected as u64);
    }
    assert_eq!(feed.store.counters().downloads, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_fails_is_that_tasks_own_error() {
    let feed = Feed::of_texts(&[10, 20, 30]).await;
    let task = feed.task("001.txt").await;
    let item = feed.metadata(&task).await.backing_item_uuid.unwrap();
    feed.set_faults(&format!(
        "[[rules]]\npath = '/media/{item}/**'\nstatus = 404\ntimes = 1"
    ));
    let mut ahead = Ahead::of(&feed, asset(), MIB).await;
    for task in 0..3 {
        ahead.files_of(task).await;
    }
    assert_eq!(ahead.read(0).await, Ok(10));
    let error = ahead.read(1).await.unwrap_err();
    assert!(
        matches!(&error, Unresolved::NotFound(text) if text.contains("001.txt")),
        "{error:?}"
    );
    assert_eq!(ahead.read(2).await, Ok(30));
    // The next attempt asks the store again.
    assert_eq!(ahead.read(1).await, Ok(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_has_expired_is_asked_for_anew() {
    let feed = Feed::of_texts(&[10, 20]).await;
    feed.set_faults(
        "[[rules]]\noperation = 'media'\nexpire-urls = true\ntimes = 1\n\
         [[rules]]\noperation = 'item'\nlatency = 0",
    );
    let mut ahead = Ahead::of(&feed, asset(), MIB).await;
    ahead.files_of(0).await;
    ahead.files_of(1).await;
    assert_eq!(ahead.read(0).await, Ok(10));
    assert_eq!(ahead.read(1).await, Ok(20));
    assert_eq!(feed.counts()[1], 1);

    let options = ServerOptions {
        url_lifetime: Duration::ZERO,
        ..ServerOptions::default()
    };
    let feed = Feed::served(&[10], options).await;
    let mut ahead = Ahead::of(&feed, asset(), MIB).await;
    ahead.files_of(0).await;
    let error = ahead.read(0).await.unwrap_err();
    assert!(matches!(error, Unresolved::Forbidden(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_end_at_once_when_the_run_is_to_end() {
    let feed = Feed::of_texts(&[4 * MIB as usize, 10]).await;
    // 4 MiB would take days.
    feed.set_faults("[[rules]]\noperation = 'media'\nslow-body = 10\ntimes = 1");
    let mut ahead = Ahead::of(&feed, asset(), 4 * MIB).await;
    while feed.counts() != [1] {
        tokio::task::yield_now().await;
    }
    ahead.stop.cancel();
    assert_eq!((&mut ahead.downloader).await.unwrap(), None);
    // Nobody downloads it any more: whoever asks begins anew, and is not kept waiting.
    assert_eq!(ahead.read(0).await, Ok(4 * MIB));
}
