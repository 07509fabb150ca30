//! Work that would hold up the async threads.

/// Does work of more than some milliseconds where it holds up nobody. A panic in it goes on in the caller.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        // Only the end of the runtime cancels it, which drops the caller too.
        Err(_) => std::future::pending().await,
    }
}
