//! Frames of videos, which FFmpeg reads.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::PictureError;
use crate::pixels::MOST_PIXELS;

/// Of a frame as PNG. Noise does not compress, and a pixel has three bytes.
const MOST_BYTES: u64 = 4 * MOST_PIXELS;
/// Of what FFmpeg says when it fails.
const MOST_SAID: u64 = 1 << 16;

/// A frame of a video as PNG, turned as players turn it. Frames are counted from 0, in the order in which they are
/// shown; every one before is decoded, since only that gives exactly this one.
///
/// Errors: there is no FFmpeg, it fails or takes longer than `limit`, or the video has fewer frames.
pub(crate) async fn frame(
    video: &Path,
    frame: u32,
    limit: Duration,
) -> Result<Vec<u8>, PictureError> {
    let failed = |said: String| PictureError::Film { frame, said };
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-protocol_whitelist", "file"])
        .arg("-i")
        .arg(video)
        .args(["-map", "0:v:0", "-vf"])
        .arg(format!("select=eq(n\\,{frame})"))
        .args(["-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Also where nobody waits for it any more.
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => PictureError::NoFfmpeg,
        _ => failed(format!("it cannot be started: {error}")),
    })?;
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("its output cannot be read".to_owned()));
    };
    let (mut png, mut said) = (Vec::new(), Vec::new());
    let (mut output, mut errors) = (output.take(MOST_BYTES), errors.take(MOST_SAID));
    let ended = async {
        tokio::try_join!(
            output.read_to_end(&mut png),
            errors.read_to_end(&mut said),
            child.wait()
        )
    };
    let (_, _, status) = tokio::time::timeout(limit, ended)
        .await
        .map_err(|_| PictureError::Slow { frame, limit })?
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&said);
        let said = said.lines().last().unwrap_or("no reason given").trim();
        return Err(failed(said.to_owned()));
    }
    if png.is_empty() {
        return Err(PictureError::NoFrame { frame });
    }
    Ok(png)
}
