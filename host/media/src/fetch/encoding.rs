//! Files that a store keeps compressed and says so.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

use super::body::Received;
use crate::error::MediaError;

const BLOCK: usize = 1 << 16;

/// The file itself, which is another if it came compressed.
pub(super) async fn decoded(
    received: Received,
    most_bytes: u64,
) -> Result<NamedTempFile, MediaError> {
    if !received.is_gzip {
        return Ok(received.file);
    }
    tokio::task::spawn_blocking(move || gunzip(received.file, most_bytes))
        .await
        .map_err(|error| MediaError::lost(&error))?
}

fn gunzip(mut from: NamedTempFile, most_bytes: u64) -> Result<NamedTempFile, MediaError> {
    let path = from.path().to_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let disk = |error: io::Error| MediaError::disk("write a file to", folder, &error);
    from.seek(SeekFrom::Start(0)).map_err(disk)?;
    let mut into = NamedTempFile::new_in(folder).map_err(disk)?;
    // One byte more than can be accepted shows that there are more.
    let mut decoder =
        MultiGzDecoder::new(io::BufReader::new(from)).take(most_bytes.saturating_add(1));
    let mut block = vec![0; BLOCK];
    let mut length = 0;
    loop {
        let count = decoder.read(&mut block).map_err(|error| {
            MediaError::invalid(format!(
                "expected a file that is compressed with gzip, found one that cannot be read: {error}"
            ))
        })?;
        if count == 0 {
            return Ok(into);
        }
        length += count as u64;
        if length > most_bytes {
            return Err(MediaError::too_large(format!(
                "expected a file of at most {most_bytes} bytes, found a larger one"
            )));
        }
        into.write_all(&block[..count]).map_err(disk)?;
    }
}
