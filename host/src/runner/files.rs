//! Files ahead of the attempts that need them. What a stage declares is downloaded in the order of the tasks, within a
//! budget of bytes that a task, or a call of several, takes as a whole and gives back when it has ended. So whoever is
//! next in turn waits only for those before it, all of which have what they need.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use runner_media::{Budget, FileKey, MediaError, MediaErrorKind, MediaFile, Share, suffix};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::dependencies::Dependencies;
use super::outage::is_for_now;
use super::slot::Resolved;
use super::source::{Source, unresolved};
use crate::encord::{Client, ErrorKind, StorageItem};
use crate::engine::{Declaration, Unresolved};

/// Downloads ahead of attempts that are under way at once.
pub(super) const DOWNLOADS_AT_A_TIME: usize = 16;

/// What a file counts, in bytes, of which Encord does not know the size: a large picture, a short video.
const UNKNOWN_SIZE: u64 = 16 << 20;

/// Tasks whose files are to be there together, and who waits for them.
pub(super) struct Order {
    /// In the order in which they are needed.
    pub(super) files: Vec<(Arc<Dependencies>, Arc<StorageItem>)>,
    pub(super) there: oneshot::Sender<Share>,
}

/// Downloads what is ordered, one order after another. What fails is kept for the attempt that asks for it. Dropped, it
/// stops all downloads at once.
pub(super) async fn download(
    mut orders: mpsc::UnboundedReceiver<Order>,
    budget: Budget,
    turns: Arc<Semaphore>,
) {
    let mut downloads = JoinSet::new();
    while let Some(order) = orders.recv().await {
        let sizes = order.files.iter().map(|(_, item)| size(item));
        let bytes = sizes.fold(0, u64::saturating_add);
        let arrival = Arc::new(Arrival {
            share: Some(budget.take(bytes).await),
            there: Some(order.there),
        });
        for (one, item) in order.files {
            let turn = Arc::clone(&turns).acquire_owned().await;
            while downloads.try_join_next().is_some() {}
            let arrival = Arc::clone(&arrival);
            let download = async move {
                one.fetch_ahead(&item).await;
                drop((turn, arrival));
            };
            downloads.spawn(download.in_current_span());
        }
    }
    while downloads.join_next().await.is_some() {}
}

/// Held by each download of an order. With the last one gone, all files are there.
struct Arrival {
    share: Option<Share>,
    there: Option<oneshot::Sender<Share>>,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if let (Some(share), Some(there)) = (self.share.take(), self.there.take()) {
            // Nobody waits any more if the run is to end.
            let _ = there.send(share);
        }
    }
}

/// What a file counts, in bytes.
fn size(item: &StorageItem) -> u64 {
    item.file_size.unwrap_or(UNKNOWN_SIZE)
}

/// What the files of a task count, in bytes.
pub(super) fn size_of(files: &[Arc<StorageItem>]) -> u64 {
    let sizes = files.iter().map(|item| size(item));
    sizes.fold(0, u64::saturating_add)
}

/// The items whose files the stage declares: of a task's item, and of the images if it is a group.
pub(super) fn declared(
    declaration: &Declaration,
    item: &Arc<StorageItem>,
    images: &[Arc<StorageItem>],
) -> Vec<Arc<StorageItem>> {
    if item.item_type == "imageGroup" {
        return if declaration.needs_video {
            images.to_vec()
        } else if declaration.needs_single_frame {
            images.iter().take(1).cloned().collect()
        } else {
            Vec::new()
        };
    }
    let has_frames = matches!(&*item.item_type, "image" | "video" | "imageSequence");
    let needs_frames = declaration.needs_single_frame || declaration.needs_video;
    // What has no URL is not one file.
    let is_file = item.signed_url.is_some();
    if is_file && (declaration.needs_asset || (has_frames && needs_frames)) {
        vec![Arc::clone(item)]
    } else {
        Vec::new()
    }
}

/// How many tasks go into each call, from what the files of each count: up to `most`, and together no more than `budget`
/// unless a task alone has more.
pub(super) fn cut(sizes: &[u64], most: usize, budget: u64) -> Vec<usize> {
    let mut calls: Vec<usize> = Vec::new();
    let mut bytes = 0_u64;
    for &size in sizes {
        let together = bytes.saturating_add(size);
        match calls.last_mut() {
            Some(tasks) if *tasks < most && together <= budget => {
                *tasks += 1;
                bytes = together;
            }
            _ => {
                calls.push(1);
                bytes = size;
            }
        }
    }
    calls
}

impl Source {
    /// The file of an item, from the disk or from the store that has it.
    pub(super) async fn file(&self, item: &StorageItem) -> Resolved<Arc<MediaFile>> {
        let store = self.store.as_ref();
        let store = store.map_err(|error| unresolved_file(item, error))?;
        let url = match &item.signed_url {
            Some(url) => Some(url.clone()),
            None => {
                let url = self.client.signed_url(item.uuid).await;
                url.map_err(|error| unresolved(&error))?
            }
        };
        let Some(url) = url else {
            return Err(Unresolved::Unsupported(format!(
                "the storage item \"{}\" is of the type `{}`, which is not one file",
                item.name, item.item_type
            )));
        };
        let key = FileKey {
            item: item.uuid,
            size: item.file_size,
            suffix: suffix(item.mime_type.as_deref(), &item.name, &item.item_type),
        };
        let source = ItemUrl {
            client: &self.client,
            item,
            url,
        };
        let found = store.get(&key, &source).await;
        found.map_err(|error| unresolved_file(item, &error))
    }
}

/// The URL that came with an item, and fresh ones once it has expired.
struct ItemUrl<'a> {
    client: &'a Client,
    item: &'a StorageItem,
    url: String,
}

impl runner_media::Source for ItemUrl<'_> {
    fn url(&self, expired: bool) -> BoxFuture<'_, Result<String, MediaError>> {
        async move {
            if !expired {
                return Ok(self.url.clone());
            }
            let kind = match self.client.signed_url(self.item.uuid).await {
                Ok(Some(url)) => return Ok(url),
                Ok(None) => (
                    MediaErrorKind::NotFound,
                    "Encord gives no URL any more".to_owned(),
                ),
                Err(error) => (kind(&error), error.to_string()),
            };
            Err(MediaError::new(kind.0, kind.1))
        }
        .boxed()
    }
}

fn kind(error: &crate::encord::Error) -> MediaErrorKind {
    match error.kind() {
        ErrorKind::NotFound => MediaErrorKind::NotFound,
        ErrorKind::Authorisation => MediaErrorKind::Forbidden,
        _ if is_for_now(error) => MediaErrorKind::Unavailable,
        _ => MediaErrorKind::Other,
    }
}

/// What an agent is told. What is wrong with a file, or with this machine, is `other`.
fn unresolved_file(item: &StorageItem, error: &MediaError) -> Unresolved {
    let mut message = format!("the file of \"{}\": {error}", item.name);
    if let Some(help) = error.help() {
        message = format!("{message}\nhelp: {help}");
    }
    match error.kind() {
        MediaErrorKind::NotFound => Unresolved::NotFound(message),
        MediaErrorKind::Forbidden => Unresolved::Forbidden(message),
        MediaErrorKind::Unavailable => Unresolved::Unavailable(message),
        MediaErrorKind::Unsupported => Unresolved::Unsupported(message),
        MediaErrorKind::TooLarge => Unresolved::TooLarge(message),
        MediaErrorKind::Invalid | MediaErrorKind::Other => Unresolved::Other(message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn item(item_type: &str, number: u128, is_file: bool) -> Arc<StorageItem> {
        Arc::new(StorageItem {
            uuid: Uuid::from_u128(number),
            name: String::new(),
            description: String::new(),
            item_type: item_type.to_owned(),
            mime_type: None,
            file_size: None,
            width: None,
            height: None,
            fps: None,
            duration: None,
            frame_count: None,
            created_at: String::new(),
            last_edited_at: String::new(),
            parent: None,
            storage_location: String::new(),
            client_metadata: None,
            signed_url: is_file.then(String::new),
            raw: Value::Null,
        })
    }

    #[test]
    fn calls_are_cut_by_number_and_by_bytes() {
        assert_eq!(cut(&[], 5, 100), [0; 0]);
        assert_eq!(cut(&[0; 7], 3, 0), [3, 3, 1]);
        assert_eq!(cut(&[0; 3], 1, 100), [1, 1, 1]);
        assert_eq!(cut(&[40, 40, 40, 10], 10, 100), [2, 2]);
        assert_eq!(cut(&[200, 1, 1, 300], 10, 100), [1, 2, 1]);
        assert_eq!(cut(&[u64::MAX, u64::MAX], 10, u64::MAX - 1), [1, 1]);
    }

    #[test]
    fn only_files_that_are_declared_are_downloaded() {
        let images = [item("image", 1, true), item("image", 2, true)];
        let count = |declaration: &Declaration, item_type, is_file| {
            declared(declaration, &item(item_type, 3, is_file), &images).len()
        };
        let asset = Declaration {
            needs_asset: true,
            ..Declaration::default()
        };
        let frame = Declaration {
            needs_single_frame: true,
            ..Declaration::default()
        };
        let video = Declaration {
            needs_video: true,
            ..Declaration::default()
        };
        for (item_type, is_file, expected) in [
            ("image", true, [1, 1, 1]),
            ("video", true, [1, 1, 1]),
            ("imageSequence", true, [1, 1, 1]),
            ("audio", true, [1, 0, 0]),
            ("pdf", true, [1, 0, 0]),
            ("later", true, [1, 0, 0]),
            ("imageGroup", false, [0, 1, 2]),
            ("group", false, [0, 0, 0]),
            ("dicomSeries", false, [0, 0, 0]),
            ("later", false, [0, 0, 0]),
        ] {
            let found =
                [&asset, &frame, &video].map(|declaration| count(declaration, item_type, is_file));
            assert_eq!(found, expected, "{item_type}");
        }
        assert_eq!(count(&Declaration::default(), "image", true), 0);
    }

    #[test]
    fn files_of_unknown_size_are_counted_by_a_guess() {
        let files = [item("image", 1, true), item("image", 2, true)];
        assert_eq!(size_of(&files), 32 << 20);
    }
}
