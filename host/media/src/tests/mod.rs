//! Through the front door: a real server on a free port, real files, and FFmpeg.

mod download;
mod film;
mod peer;
mod picture;
mod redirect;
mod store;
mod video;

/// What others hold across threads and waits.
#[test]
fn calls_can_move_between_threads() {
    fn moves<T: Send>(_: T) {}
    fn shared<T: Send + Sync>() {}
    shared::<crate::Store>();
    shared::<crate::MediaFile>();
    shared::<crate::AttemptFolder>();
    shared::<crate::Picture>();
    shared::<crate::Frames>();
    let limits = crate::VideoLimits::default();
    let _ = |store: crate::Store, source: peer::Urls, key: crate::FileKey| {
        moves(store.get(&key, &source));
    };
    let _ = |file: std::sync::Arc<crate::MediaFile>, mut frames: crate::Frames| {
        moves(file.read(0, 1));
        moves(crate::Frames::open(
            file.clone(),
            crate::Selection::All,
            &limits,
        ));
        moves(frames.next());
    };
}
