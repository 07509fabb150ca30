//! Log messages, standard output and standard error of a guest: `tracing` events, within a budget.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tracing::Level;

use super::inputs::AttemptLog;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// How much of the end of standard error is kept for the report of a trap: a panic's message is there.
const KEPT_OF_STDERR: usize = 2 << 10;

/// A line without an end is broken here.
const LONGEST_LINE: usize = 4 << 10;

/// The one log of an attempt. Clones share its budget.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    budget: usize,
    left: usize,
    dropped: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The last of standard error.
    tail: String,
    /// Who else gets the lines.
    also_to: Option<AttemptLog>,
}

impl Log {
    pub(super) fn new(budget: usize) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            budget,
            left: budget,
            dropped: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            tail: String::new(),
            also_to: None,
        })))
    }

    /// From now on the lines go there too.
    pub(super) fn also_to(&self, log: AttemptLog) {
        self.lock().also_to = Some(log);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic while logging leaves nothing that could not be used further.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs one message of the guest.
    pub(super) fn message(&self, level: Level, message: &str) {
        // A line each, as of standard output, so that none can pass for a line of the host's own.
        let mut log = self.lock();
        for line in message.lines() {
            log.emit(level, line);
        }
    }

    /// Standard output.
    pub(super) fn stdout(&self) -> Stream {
        Stream {
            log: self.clone(),
            error: false,
        }
    }

    /// Standard error.
    pub(super) fn stderr(&self) -> Stream {
        Stream {
            log: self.clone(),
            error: true,
        }
    }

    /// Gives it the budget of another call: for an instance that is called more than once.
    pub(super) fn renew(&self) {
        let mut log = self.lock();
        log.left = log.budget;
    }

    /// Logs what was written without a newline, and how much was dropped. Returns the end of
    /// standard error.
    pub(super) fn finish(&self) -> String {
        let mut shared = self.lock();
        for error in [false, true] {
            shared.write(error, b"\n");
        }
        if shared.dropped > 0 {
            tracing::warn!(
                target: "plugin",
                bytes = shared.dropped,
                "the plugin logged more than its limit; the rest was dropped"
            );
            shared.dropped = 0;
        }
        std::mem::take(&mut shared.tail)
    }
}

impl Shared {
    fn emit(&mut self, level: Level, message: &str) {
        if message.is_empty() {
            return;
        }
        let mut end = message.len().min(self.left);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        self.left -= end;
        self.dropped += message.len() - end;
        let message = &message[..end];
        if message.is_empty() {
            return;
        }
        if let Some(log) = &self.also_to {
            log.push(level, message);
        }
        match level {
            Level::ERROR => tracing::error!(target: "plugin", "{message}"),
            Level::WARN => tracing::warn!(target: "plugin", "{message}"),
            Level::INFO => tracing::info!(target: "plugin", "{message}"),
            Level::DEBUG => tracing::debug!(target: "plugin", "{message}"),
            Level::TRACE => tracing::trace!(target: "plugin", "{message}"),
        }
    }

    fn write(&mut self, error: bool, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let buffer = if error {
                &mut self.stderr
            } else {
                &mut self.stdout
            };
            let room = LONGEST_LINE - buffer.len();
            let (part, whole) = match bytes.iter().take(room).position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (bytes.len().min(room), bytes.len() >= room),
            };
            buffer.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            if whole {
                let line = std::mem::take(buffer);
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\n', '\r']);
                if error {
                    self.keep(line);
                    self.emit(Level::WARN, line);
                } else {
                    self.emit(Level::INFO, line);
                }
            }
        }
    }

    fn keep(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.tail.push_str(line);
        self.tail.push('\n');
        if let Some(excess) = self.tail.len().checked_sub(KEPT_OF_STDERR) {
            let start = (excess..self.tail.len())
                .find(|&at| self.tail.is_char_boundary(at))
                .unwrap_or(self.tail.len());
            self.tail.drain(..start);
        }
    }
}

/// Standard output or standard error.
#[derive(Debug)]
pub(super) struct Stream {
    log: Log,
    error: bool,
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Stream {
            log: self.log.clone(),
            error: self.error,
        })
    }

    fn p2_stream(&self) -> Box<dyn wasmtime_wasi::p2::OutputStream> {
        Box::new(Stream {
            log: self.log.clone(),
            error: self.error,
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.log.lock().write(self.error, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl wasmtime_wasi::p2::Pollable for Stream {
    async fn ready(&mut self) {}
}

impl wasmtime_wasi::p2::OutputStream for Stream {
    fn write(&mut self, bytes: bytes::Bytes) -> wasmtime_wasi::p2::StreamResult<()> {
        self.log.lock().write(self.error, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> wasmtime_wasi::p2::StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> wasmtime_wasi::p2::StreamResult<usize> {
        Ok(64 << 10)
    }
}
