//! Work that would hold up the async threads.

/// Does work of more than some milliseconds where it holds up nobody. A panic in it goes on in the caller.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // It is not cancelled: that takes an abort, which nobody has the handle for.
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
}
