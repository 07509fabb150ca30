use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::peer::{Peer, Urls, key, noise, open, options, status, whole};
use crate::{Counters, FileKey, MediaErrorKind, Store};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a text")
        })
        .collect();
    names.sort();
    names
}

fn stored(folder: &Path, number: u128) -> PathBuf {
    folder
        .join("files")
        .join(key(number).item.to_string() + ".bin")
}

/// Makes a file look as if it was used so long ago.
fn age(path: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    File::open(path)
        .and_then(|file| file.set_modified(then))
        .expect("a file");
}

#[tokio::test]
async fn concurrent_calls_download_once_and_later_ones_read_the_disk() {
    let peer = Peer::start(|_| whole(noise(1000))).await;
    let (folder, store) = open(1 << 20);
    let urls = Urls::new([peer.url("/file")]);
    let key = key(1);
    let calls = (0..20).map(|_| store.get(&key, &urls));
    let files = futures::future::try_join_all(calls).await.expect("files");
    assert!(files.iter().all(|file| Arc::ptr_eq(file, &files[0])));
    drop(files);
    store.get(&key, &urls).await.expect("a file");
    let counters = store.counters();
    assert_eq!(
        (counters.downloads, counters.hits, counters.bytes),
        (1, 20, 1000)
    );
    drop(store);
    let store = Store::open(folder.path(), 1 << 20, options()).expect("a store");
    store.get(&key, &urls).await.expect("a file");
    assert_eq!(peer.received().len(), 1);
    assert_eq!(
        store.counters(),
        Counters {
            hits: 1,
            ..Counters::default()
        }
    );
}

#[tokio::test]
async fn calls_that_wait_for_a_download_fail_with_it_and_later_ones_try_again() {
    let peer = Peer::start(|request| match request.number {
        0 => status(404),
        _ => whole("x"),
    })
    .await;
    let (_folder, store) = open(1 << 20);
    let urls = Urls::new([peer.url("/file")]);
    let key = key(1);
    let calls = (0..5).map(|_| store.get(&key, &urls));
    for outcome in futures::future::join_all(calls).await {
        assert_eq!(
            outcome.expect_err("no file").kind(),
            MediaErrorKind::NotFound
        );
    }
    assert_eq!(peer.received().len(), 1);
    store.get(&key, &urls).await.expect("a file");
}

#[tokio::test]
async fn a_call_that_is_dropped_lets_the_next_one_try() {
    let peer = Peer::start(|request| match request.number {
        0 => super::peer::silent(10, b"12345"),
        _ => whole("1234567890"),
    })
    .await;
    let (folder, store) = open(1 << 20);
    let urls = Urls::new([peer.url("/file")]);
    let key = key(1);
    let mut first = Box::pin(store.get(&key, &urls));
    let second = async {
        while peer.received().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = &mut first => panic!("it is silent"),
        () = second => {}
    }
    drop(first);
    assert_eq!(store.get(&key, &urls).await.expect("a file").size(), 10);
    assert_eq!(names(&folder.path().join("files")).len(), 1);
}

#[tokio::test]
async fn what_was_not_used_for_the_longest_time_goes_first() {
    let peer = Peer::start(|_| whole(noise(1000))).await;
    let (folder, store) = open(3000);
    let urls = Urls::new([peer.url("/file")]);
    for number in 1..=3 {
        store.get(&key(number), &urls).await.expect("a file");
        age(&stored(folder.path(), number), 10 - number as u64);
    }
    store.get(&key(1), &urls).await.expect("a file");
    store.get(&key(4), &urls).await.expect("a file");
    let left: Vec<_> = (1..=4)
        .filter(|number| stored(folder.path(), *number).exists())
        .collect();
    assert_eq!(left, [1, 4], "within 15 of 16 parts of the capacity");
    assert_eq!(store.counters().evictions, 2);
}

#[tokio::test]
async fn what_is_used_stays_until_it_is_not() {
    let peer = Peer::start(|_| whole(noise(1000))).await;
    let (folder, store) = open(2000);
    let urls = Urls::new([peer.url("/file")]);
    let mut files = Vec::new();
    for number in 1..=4 {
        files.push(store.get(&key(number), &urls).await.expect("a file"));
    }
    assert_eq!(names(&folder.path().join("files")).len(), 4);
    drop(files.remove(0));
    drop(files.remove(0));
    assert_eq!(names(&folder.path().join("files")).len(), 2);
    assert!(files.iter().all(|file| file.path().exists()));
    drop(files);
    assert_eq!(names(&folder.path().join("files")).len(), 2, "they fit");
}

#[tokio::test]
async fn nothing_is_kept_without_capacity_and_large_files_do_not_push_out_others() {
    let peer = Peer::start(|request| {
        whole(noise(if request.uri.path() == "/large" {
            5000
        } else {
            1000
        }))
    })
    .await;
    let (folder, store) = open(0);
    let urls = Urls::new([peer.url("/file")]);
    let file = store.get(&key(1), &urls).await.expect("a file");
    let path = file.path().to_owned();
    assert_eq!(fs::read(&path).expect("a file"), noise(1000));
    let again = store.get(&key(1), &urls).await.expect("a file");
    assert!(Arc::ptr_eq(&file, &again));
    drop((file, again));
    assert!(!path.exists());
    assert!(names(&folder.path().join("files")).is_empty());
    let (folder, store) = open(2000);
    store.get(&key(1), &urls).await.expect("a file");
    store
        .get(&key(2), &Urls::new([peer.url("/large")]))
        .await
        .expect("a file");
    assert_eq!(names(&folder.path().join("files")).len(), 1);
}

#[tokio::test]
async fn two_stores_share_a_folder() {
    let peer = Peer::start(|_| whole(noise(1000))).await;
    let urls = Urls::new([peer.url("/file")]);
    let (folder, one) = open(1500);
    let other = Store::open(folder.path(), 1500, options()).expect("a store");
    let pinned = one.get(&key(1), &urls).await.expect("a file");
    let same = other.get(&key(1), &urls).await.expect("a file");
    assert_eq!(peer.received().len(), 1);
    drop(same);
    // Over the capacity for the other one, which would have to remove what this one uses.
    other.get(&key(2), &urls).await.expect("a file");
    assert_eq!(fs::read(pinned.path()).expect("a file"), noise(1000));
    assert!(stored(folder.path(), 1).exists());
    assert!(!stored(folder.path(), 2).exists());
    drop(pinned);
    drop(one);
    let sessions = names(&folder.path().join("sessions"));
    assert_eq!(
        sessions.len(),
        2,
        "the other's folder and lock: {sessions:?}"
    );
}

#[tokio::test]
async fn what_an_interrupted_run_left_is_removed_and_nothing_else() {
    let (folder, store) = open(10);
    drop(store);
    let dead = folder
        .path()
        .join("sessions/7b0c4a9c-5bb5-4b0f-8a3b-0d5d6d8b3c11");
    fs::create_dir_all(dead.join("partial")).expect("a folder");
    fs::write(dead.join("partial/x"), noise(10)).expect("a file");
    fs::write(dead.with_extension("lock"), "").expect("a file");
    for own in [
        "notes.txt",
        "files/notes.txt",
        "sessions/notes.lock",
        "files/large.bin",
    ] {
        fs::write(folder.path().join(own), noise(1000)).expect("a file");
    }
    let _store = Store::open(folder.path(), 10, options()).expect("a store");
    assert!(!dead.exists() && !dead.with_extension("lock").exists());
    for own in [
        "notes.txt",
        "files/notes.txt",
        "sessions/notes.lock",
        "files/large.bin",
    ] {
        assert!(folder.path().join(own).exists(), "{own}");
    }
}

#[tokio::test]
async fn an_attempt_sees_files_under_their_names_and_leaves_nothing() {
    let peer = Peer::start(|_| whole("hello")).await;
    let (_folder, store) = open(1 << 20);
    let file = store
        .get(&key(7), &Urls::new([peer.url("/file")]))
        .await
        .expect("a file");
    let attempt = store.attempt_folder().expect("a folder");
    let path = attempt.add(&file).expect("a file");
    assert_eq!(path, attempt.path().join(file.name()));
    assert_eq!(attempt.add(&file).expect("again"), path);
    assert_eq!(fs::read(&path).expect("a file"), b"hello");
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o444);
    drop((store, file));
    assert!(path.exists(), "the attempt keeps it");
    let of_attempt = attempt.path().to_owned();
    drop(attempt);
    assert!(!of_attempt.exists());
}

#[tokio::test]
async fn another_size_is_another_file() {
    let peer = Peer::start(|_| whole("hello")).await;
    let (folder, store) = open(1 << 20);
    let urls = Urls::new([peer.url("/file")]);
    for size in [None, Some(5), Some(6)] {
        store
            .get(&FileKey { size, ..key(1) }, &urls)
            .await
            .expect("a file");
    }
    // One that is not as large as was said may be cut off, and is kept for nobody.
    assert_eq!(names(&folder.path().join("files")).len(), 2);
    let wrong = FileKey {
        suffix: "../x".to_owned(),
        ..key(1)
    };
    let error = store.get(&wrong, &urls).await.expect_err("a path");
    assert_eq!(error.kind(), MediaErrorKind::Invalid);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let error = Store::open(&file, 0, options()).expect_err("a file");
    assert!(
        error.to_string().contains(&*file.to_string_lossy()),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_over_a_small_capacity() {
    let peer = Peer::start(|request| whole(request.uri.path().repeat(100))).await;
    let (folder, one) = open(4000);
    let other = Store::open(folder.path(), 4000, options()).expect("a store");
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..400_u128 {
        let store = if call % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };
        let number = call * 7 % 23;
        let url = peer.url(&format!("/{number:04}"));
        calls.spawn(async move {
            let file = store
                .get(&key(number), &Urls::new([url]))
                .await
                .expect("a file");
            tokio::task::yield_now().await;
            let bytes = file.read(0, 1000).await.expect("bytes");
            assert_eq!(bytes, format!("/{number:04}").repeat(100).into_bytes());
        });
    }
    while let Some(done) = calls.join_next().await {
        done.expect("a call");
    }
    drop(one);
    drop(other);
    let files = folder.path().join("files");
    assert!(names(&folder.path().join("sessions")).is_empty());
    // What one of them kept since the other one used it goes now.
    let _again = Store::open(folder.path(), 4000, options()).expect("a store");
    assert!(names(&files).len() <= 8, "500 bytes each");
}
