//! FFmpeg while it reads a video.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::selection::Passes;
use super::times::{self, Decoded, Times};
use super::{Frame, VideoLimits, ffmpeg, ppm};
use crate::error::{MediaError, MediaErrorKind};
use crate::picture::Picture;

/// Of what FFmpeg says, in bytes; what it says first is mostly the reason.
const MOST_SAID: usize = 1 << 14;
/// Of the pipe that pictures come through, in bytes, so that they come in fewer pieces. Systems allow so much to anyone.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

/// FFmpeg's words for a format that is not in the list of those that it may read.
const NOT_LISTED: &str = "not on whitelist";

/// FFmpeg while it reads a video. It is ended on drop.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    pictures: ChildStdout,
    buffer: BytesMut,
    /// A picture that came before what is said of it.
    picture: Option<Picture>,
    times: Times,
    said: Arc<Mutex<Vec<u8>>>,
    /// Who reads what FFmpeg says. They end with it.
    readers: JoinSet<()>,
    limits: VideoLimits,
}

pub(super) enum Pulled {
    Frame(Frame),
    /// The video is over.
    End {
        frames: u64,
        /// What FFmpeg complained about although it went on.
        said: Option<String>,
    },
    /// FFmpeg counts anew in the middle of the video, so that it no longer hands over the frames that it was asked for.
    Changed,
}

impl Child {
    pub(super) async fn start(
        video: &Path,
        passes: &Passes,
        limits: &VideoLimits,
    ) -> Result<Self, MediaError> {
        let failed = |error: std::io::Error| {
            MediaError::unavailable(format!("cannot start ffmpeg: {error}"))
        };
        let mut command = ffmpeg::command(video, passes, limits).await?;
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        command
            // What the terminal sends to the host (Ctrl-C) is not for it: a video that was cut off would seem broken.
            .process_group(0)
            .stdin(Stdio::from(writer))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command
            .spawn()
            .map_err(|error| ffmpeg::not_started(&error))?;
        // It keeps the end of the pipe that FFmpeg writes to.
        drop(command);
        limit(&process, limits)?;
        let (Some(pictures), Some(errors)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(MediaError::other("the output of ffmpeg cannot be read"));
        };
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&pictures, PIPE);
        let said = Arc::new(Mutex::new(Vec::new()));
        let (send_frames, frames) = mpsc::unbounded_channel();
        let (send_count, count) = watch::channel(0);
        let mut readers = JoinSet::new();
        let lines = pipe::Receiver::from_owned_fd(reader.into()).map_err(failed)?;
        readers.spawn(times::read(lines, passes.clone(), send_frames, send_count));
        readers.spawn(listen(errors, said.clone()));
        Ok(Self {
            process,
            pictures,
            buffer: BytesMut::new(),
            picture: None,
            times: Times { frames, count },
            said,
            readers,
            limits: limits.clone(),
        })
    }

    /// What comes next. A call that is dropped loses nothing.
    pub(super) async fn pull(&mut self) -> Result<Pulled, MediaError> {
        if self.picture.is_none() {
            self.picture = self.next_picture().await?;
        }
        let Some(picture) = &self.picture else {
            return self.end().await;
        };
        // FFmpeg says it before it writes the picture.
        let about = self.times.frames.recv().await;
        match about {
            Some(Decoded::Frame { index, timestamp }) => {
                let index = u32::try_from(index)
                    .map_err(|_| MediaError::too_large("expected at most 4 294 967 296 frames"))?;
                let picture = picture.clone();
                self.picture = None;
                Ok(Pulled::Frame(Frame {
                    index,
                    timestamp,
                    picture,
                }))
            }
            Some(Decoded::Changed) => Ok(Pulled::Changed),
            None => Err(MediaError::other(
                "expected ffmpeg to say which frame it gives, found that it does not",
            )),
        }
    }

    /// The next picture, or `None` when there are no more.
    async fn next_picture(&mut self) -> Result<Option<Picture>, MediaError> {
        loop {
            let missing = match ppm::take(&mut self.buffer)? {
                Ok(picture) => return Ok(Some(picture)),
                Err(missing) => missing.max(1),
            };
            self.buffer.reserve(missing);
            // No more than this picture, so that each has memory of its own.
            let mut pictures = (&mut self.pictures).take(missing as u64);
            let read = pictures.read_buf(&mut self.buffer);
            let read = within_silence(read, &mut self.times.count, self.limits.silence).await?;
            match read {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) => {
                    return Err(MediaError::other(format!(
                        "the output of ffmpeg cannot be read: {error}"
                    )));
                }
            }
        }
    }

    /// What became of FFmpeg, after its last picture.
    async fn end(&mut self) -> Result<Pulled, MediaError> {
        let ended = async {
            let status = self.process.wait().await;
            while self.readers.join_next().await.is_some() {}
            status
        };
        let mut count = self.times.count.clone();
        let status = within_silence(ended, &mut count, self.limits.silence)
            .await?
            .map_err(|error| MediaError::other(format!("cannot wait for ffmpeg: {error}")))?;
        // First, since nobody reads on after it, and FFmpeg may have failed for that.
        while let Ok(decoded) = self.times.frames.try_recv() {
            if decoded == Decoded::Changed {
                return Ok(Pulled::Changed);
            }
        }
        let said = self.said();
        if !status.success() {
            return Err(self.failed(status, said));
        }
        let frames = *self.times.count.borrow();
        if frames == 0 {
            let said = said.unwrap_or_else(|| "ffmpeg finds none".to_owned());
            return Err(MediaError::invalid(format!(
                "expected frames in the video, found none: {said}"
            )));
        }
        if !self.buffer.is_empty() {
            return Err(MediaError::other(
                "expected whole pictures from ffmpeg, found that the last one breaks off",
            ));
        }
        Ok(Pulled::End { frames, said })
    }

    fn said(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        said.lines()
            .map(reason)
            .find(|line| !line.is_empty())
            .map(str::to_owned)
    }

    fn failed(&self, status: ExitStatus, said: Option<String>) -> MediaError {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return if signal == rustix::process::Signal::KILL.as_raw() {
                MediaError::unavailable(format!(
                    "ffmpeg was killed before it had read the video: by the system, which may be out of memory, or after \
                     {} s of processor time",
                    self.limits.cpu.as_secs()
                ))
            } else {
                MediaError::invalid(format!(
                    "expected a video that ffmpeg can read, found that it crashes (signal {signal})"
                ))
                .with_help(format!(
                    "the file may be damaged, or need more than the {} MiB of memory that ffmpeg may take",
                    self.limits.memory >> 20
                ))
            };
        }
        let said = said.unwrap_or_else(|| format!("it gives no reason ({status})"));
        let kind = kind(&said);
        if said.contains(NOT_LISTED) {
            return MediaError::new(
                kind,
                "expected a video (MP4, QuickTime, Matroska, WebM, AVI, MPEG, Ogg and the like), found another kind of file",
            );
        }
        let error = MediaError::new(
            kind,
            format!("expected a video that ffmpeg can read, found: {said}"),
        );
        if kind == MediaErrorKind::TooLarge {
            return error.with_help(format!(
                "ffmpeg may take {} MiB of memory for a video",
                self.limits.memory >> 20
            ));
        }
        error
    }
}

/// A line without which part of FFmpeg says it (`[mov,mp4 @ 0x55d0c8]`), and of which file.
fn reason(line: &str) -> &str {
    let line = line.trim();
    let line = match line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((part, rest)) if part.contains(" @ 0x") => rest,
        _ => line,
    };
    match line
        .strip_prefix("file:")
        .and_then(|rest| rest.rsplit_once(": "))
    {
        Some((_, rest)) => rest,
        None => line,
    }
}

/// What kind of failure FFmpeg reports, by its words.
fn kind(said: &str) -> MediaErrorKind {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&[
        "Cannot allocate memory",
        "Picture size",
        "max_pixels",
        "failed to map segment",
    ]) {
        MediaErrorKind::TooLarge
    } else if has(&[
        NOT_LISTED,
        "matches no streams",
        "Unknown decoder",
        "no decoder",
        "Decoder (codec",
    ]) {
        MediaErrorKind::Unsupported
    } else if has(&["No such file"]) {
        MediaErrorKind::NotFound
    } else {
        MediaErrorKind::Invalid
    }
}

/// Waits, as long as frames are decoded meanwhile.
async fn within_silence<T>(
    work: impl Future<Output = T>,
    count: &mut watch::Receiver<u64>,
    silence: Duration,
) -> Result<T, MediaError> {
    let mut work = std::pin::pin!(work);
    loop {
        count.mark_unchanged();
        let before = *count.borrow();
        if let Ok(done) = tokio::time::timeout(silence, &mut work).await {
            return Ok(done);
        }
        if *count.borrow() == before {
            return Err(MediaError::too_large(format!(
                "expected the next frame of the video within {} s, found that ffmpeg takes longer",
                silence.as_secs_f64()
            )));
        }
    }
}

async fn listen(mut errors: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut part = vec![0; 4096];
    while let Ok(count) = errors.read(&mut part).await {
        if count == 0 {
            return;
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_SAID.saturating_sub(said.len());
        said.extend_from_slice(&part[..count.min(room)]);
    }
}

/// Limits a process that was just started.
#[cfg(target_os = "linux")]
fn limit(process: &tokio::process::Child, limits: &VideoLimits) -> Result<(), MediaError> {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let Some(pid) = process
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw)
    else {
        // It has ended already, and why is seen when it is read.
        return Ok(());
    };
    let set = |resource, limit: u64| {
        // The host's own limit may be lower, and cannot be raised.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(limit.min(most)),
            maximum: Some(limit.min(most)),
        };
        match prlimit(Some(pid), resource, limit) {
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(MediaError::other(format!("cannot limit ffmpeg: {error}"))),
        }
    };
    // With nothing between the two limits it is killed at once, which it cannot take for a wish to end early.
    set(Resource::Cpu, limits.cpu.as_secs().max(1))?;
    set(Resource::As, limits.memory)?;
    // It writes to pipes alone.
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &tokio::process::Child, _: &VideoLimits) -> Result<(), MediaError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        for (line, expected) in [
            (
                "[mov,mp4,m4a @ 0x55d6c0] moov atom not found",
                "moov atom not found",
            ),
            (
                "file:/a: b/c.mp4: Invalid data found when processing input",
                "Invalid data found when processing input",
            ),
            (
                "Stream map '0:V:0' matches no streams.",
                "Stream map '0:V:0' matches no streams.",
            ),
            ("[a] b", "[a] b"),
            ("", ""),
        ] {
            assert_eq!(reason(line), expected);
        }
    }
}
