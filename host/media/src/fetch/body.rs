//! The file as it comes: written to disk, counted and checked, in as many parts as it takes.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use reqwest::header::{CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use tempfile::NamedTempFile;

use super::Failure;
use super::checks::Checks;
use crate::error::MediaError;

/// Bytes that are written at a time, off the threads that wait for the network.
const BLOCK: usize = 1 << 20;

/// The file as it comes.
#[derive(Debug)]
pub(super) struct Body {
    /// Absent while it is written to.
    sink: Option<Sink>,
    buffer: Vec<u8>,
    most_bytes: u64,
    received: u64,
    furthest: u64,
    about: About,
}

/// What the first answer said of the whole file.
#[derive(Debug, Default)]
struct About {
    /// In bytes.
    length: Option<u64>,
    /// By which the store knows that the file is still the same.
    validator: Option<String>,
    is_gzip: bool,
}

/// What is missing.
#[derive(Debug)]
pub(super) struct Refill {
    /// The first byte of it.
    pub(super) from: u64,
    /// The bytes of the whole file.
    pub(super) whole: Option<u64>,
    /// The store is to send the rest only if the file is still this one, and all of it otherwise.
    pub(super) validator: String,
}

/// A file that came whole.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) file: NamedTempFile,
    pub(super) is_gzip: bool,
}

#[derive(Debug)]
struct Sink {
    file: NamedTempFile,
    written: u64,
    checks: Checks,
}

impl Body {
    pub(super) fn new(file: NamedTempFile, most_bytes: u64) -> Self {
        Self {
            sink: Some(Sink {
                file,
                written: 0,
                checks: Checks::default(),
            }),
            buffer: Vec::new(),
            most_bytes,
            received: 0,
            furthest: 0,
            about: About::default(),
        }
    }

    /// Bytes that came, those that had to be thrown away among them.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The length of the longest part of the file that there was so far.
    pub(super) fn furthest(&self) -> u64 {
        self.furthest
    }

    /// What to ask for: the rest, or all (`None`).
    pub(super) async fn refill(&mut self) -> Result<Option<Refill>, MediaError> {
        self.write().await?;
        let from = self.written()?;
        let Some(validator) = self.about.validator.clone().filter(|_| from > 0) else {
            return Ok(None);
        };
        Ok(Some(Refill {
            from,
            whole: self.about.length,
            validator,
        }))
    }

    /// The whole file comes, by an answer with these headers.
    pub(super) async fn begin(
        &mut self,
        headers: &HeaderMap,
        length: Option<u64>,
        shown: &str,
    ) -> Result<(), MediaError> {
        self.start_over().await?;
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let is_gzip = is_gzip(headers).map_err(|other| {
            MediaError::unsupported(format!(
                "expected the file {shown} as it is or with gzip, found it with the encoding `{other}`"
            ))
        })?;
        if length.is_some_and(|length| length > self.most_bytes) {
            return Err(self.too_large());
        }
        self.about = About {
            length,
            // Weak ones say that two files mean the same, not that their bytes are.
            validator: text(ETAG)
                .filter(|tag| tag.starts_with('"'))
                .or_else(|| text(LAST_MODIFIED))
                .map(str::to_owned),
            is_gzip,
        };
        self.sink()?.checks = Checks::of(headers);
        Ok(())
    }

    /// Bytes that came.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.received += bytes.len() as u64;
        let length = self.written()? + (self.buffer.len() + bytes.len()) as u64;
        if length > self.most_bytes {
            return Err(self.too_large());
        }
        self.furthest = self.furthest.max(length);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BLOCK {
            self.write().await?;
        }
        Ok(())
    }

    /// All that an answer had has come.
    pub(super) async fn finish(&mut self, shown: &str) -> Result<(), Failure> {
        self.write().await.map_err(Failure::Final)?;
        let written = self.written().map_err(Failure::Final)?;
        let length = self.about.length.unwrap_or(written);
        if written < length {
            return Err(Failure::Passing {
                error: MediaError::unavailable(format!(
                    "expected {length} bytes of {shown}, found that it breaks off after {written}"
                )),
                retry_after: None,
            });
        }
        if written > length {
            return Err(Failure::Damaged(MediaError::invalid(format!(
                "expected {length} bytes of {shown}, found {written}"
            ))));
        }
        let sink = self.sink().map_err(Failure::Final)?;
        sink.checks.check().map_err(|mismatch| {
            Failure::Damaged(
                MediaError::invalid(format!(
                    "expected {shown} with the {mismatch}: it was damaged on its way, or is damaged where it is kept"
                )),
            )
        })
    }

    /// Throws away what came.
    pub(super) async fn start_over(&mut self) -> Result<(), MediaError> {
        self.buffer.clear();
        self.about = About::default();
        self.off_thread(Sink::clear).await
    }

    /// The file, which is whole.
    pub(super) fn into_file(mut self) -> Result<Received, MediaError> {
        let is_gzip = self.about.is_gzip;
        let sink = self.sink.take().ok_or_else(gone)?;
        Ok(Received {
            file: sink.file,
            is_gzip,
        })
    }

    async fn write(&mut self) -> Result<(), MediaError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.buffer);
        self.buffer = self
            .off_thread(move |sink| {
                sink.write(&block)?;
                let mut block = block;
                block.clear();
                Ok(block)
            })
            .await?;
        Ok(())
    }

    async fn off_thread<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Sink) -> io::Result<T> + Send + 'static,
    ) -> Result<T, MediaError> {
        let mut sink = self.sink.take().ok_or_else(gone)?;
        let (sink, done) = tokio::task::spawn_blocking(move || {
            let done = work(&mut sink);
            (sink, done)
        })
        .await
        .map_err(|error| MediaError::lost(&error))?;
        let done = done.map_err(|error| {
            let path = sink.file.path();
            let folder = path.parent().unwrap_or(path);
            MediaError::disk("write a file to", folder, &error)
        });
        self.sink = Some(sink);
        done
    }

    fn sink(&mut self) -> Result<&mut Sink, MediaError> {
        self.sink.as_mut().ok_or_else(gone)
    }

    fn written(&self) -> Result<u64, MediaError> {
        Ok(self.sink.as_ref().ok_or_else(gone)?.written)
    }

    fn too_large(&self) -> MediaError {
        MediaError::too_large(format!(
            "expected a file of at most {} bytes, found a larger one",
            self.most_bytes
        ))
    }
}

impl Sink {
    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        self.file.write_all(block)?;
        self.checks.update(block);
        self.written += block.len() as u64;
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.checks = Checks::default();
        self.written = 0;
        let file: &mut File = self.file.as_file_mut();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(())
    }
}

/// Whether the file comes compressed. Errors: in a way that is not known here.
///
/// What is no encoding is passed over: S3's own `aws-chunked`, which others do not take off, and the likes of `utf-8`.
fn is_gzip(headers: &HeaderMap) -> Result<bool, String> {
    let mut is_gzip = false;
    let encodings = headers
        .get_all(CONTENT_ENCODING)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for encoding in encodings {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" if !is_gzip => is_gzip = true,
            other @ ("gzip" | "x-gzip" | "br" | "compress" | "deflate" | "zstd") => {
                return Err(other.to_owned());
            }
            _ => {}
        }
    }
    Ok(is_gzip)
}

/// After a write whose thread was lost.
fn gone() -> MediaError {
    MediaError::other("a download was interrupted while it was written")
}
