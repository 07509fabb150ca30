//! The program, and what it is told.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::VideoLimits;
use super::selection::Passes;
use crate::error::MediaError;
use crate::picture::MOST_PIXELS;

const PROGRAM: &str = "ffmpeg";
/// Containers and streams of videos. None of them refers to other files or to the network, as playlists do.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpegtsraw,mpeg,mpegvideo,m4v,h264,hevc,vc1,av1,obu,ivf,\
                       ogg,flv,live_flv,asf,asf_o,mxf,nut,dv,gif,apng,yuv4mpegpipe,mjpeg,rm,wtv,swf,bink,nsv,gxf,vvc,evc";
/// Of a frame, in what FFmpeg says of it. Any word would do.
const MARK: &str = "runner";
const INSTALL: &str = "install FFmpeg (`apt install ffmpeg`, `dnf install ffmpeg`, `brew install ffmpeg`); images need no program";
/// The first version that says of each frame when it comes, not later (`direct` of the filter `metadata`).
const OLDEST: (u32, u32) = (4, 3);
/// The first version with `-fps_mode`, which replaces `-vsync`.
const WITH_FPS_MODE: (u32, u32) = (5, 1);

/// Major and minor version, which it is asked for once. `None` for builds between releases, which are recent.
static VERSION: OnceCell<Option<(u32, u32)>> = OnceCell::const_new();

/// A command that reads a video. Pictures go to the standard output, errors to the standard error output, and what
/// [`super::times`] reads to the standard *input*: a process can be given only these three without unsafe code, and
/// FFmpeg reads nothing from it.
pub(super) async fn command(
    video: &Path,
    passes: &Passes,
    limits: &VideoLimits,
) -> Result<Command, MediaError> {
    let version = *VERSION.get_or_try_init(ask_version).await?;
    refuse_old(version)?;
    let knows_fps_mode = version.is_none_or(|version| version >= WITH_FPS_MODE);
    let mut filters = format!(
        "settb=AVTB,metadata=mode=delete,metadata=mode=add:key={MARK}:value=1,\
         metadata=mode=print:key={MARK}:file='pipe\\:0':direct=1"
    );
    if let Some(expression) = passes.expression() {
        filters.push_str(&format!(",select='{expression}'"));
    }
    let mut file = OsString::from("file:");
    file.push(video);
    let mut command = program();
    command
        .args(["-hide_banner", "-v", "error", "-nostdin"])
        .args(["-protocol_whitelist", "file", "-format_whitelist", FORMATS])
        .args(["-max_pixels", &MOST_PIXELS.to_string()])
        .args(["-threads", &limits.threads.to_string()])
        .arg("-i")
        .arg(file)
        // Not the cover of a recording.
        .args(["-map", "0:V:0"])
        .args([
            if knows_fps_mode {
                "-fps_mode"
            } else {
                "-vsync"
            },
            "passthrough",
        ])
        .args(["-vf", &filters]);
    if let Some(count) = passes.count() {
        command.args(["-frames:v", &count.to_string()]);
    }
    command.args([
        "-c:v",
        "ppm",
        "-pix_fmt",
        "rgb24",
        "-f",
        "image2pipe",
        "pipe:1",
    ]);
    Ok(command)
}

/// Of a program that did not start.
pub(super) fn not_started(error: &io::Error) -> MediaError {
    if error.kind() == io::ErrorKind::NotFound {
        return MediaError::other(
            "expected the program `ffmpeg` to read frames of the video, found none on the PATH",
        )
        .with_help(INSTALL);
    }
    MediaError::unavailable(format!("cannot start ffmpeg: {error}"))
}

fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    // It would write a report to the disk.
    command
        .env_remove("FFREPORT")
        .env("AV_LOG_FORCE_NOCOLOR", "1");
    command.kill_on_drop(true);
    command
}

async fn ask_version() -> Result<Option<(u32, u32)>, MediaError> {
    let output = program()
        .arg("-version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .map_err(|error| not_started(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(version(&text))
}

fn refuse_old(version: Option<(u32, u32)>) -> Result<(), MediaError> {
    match version {
        Some((major, minor)) if (major, minor) < OLDEST => Err(MediaError::other(format!(
            "expected ffmpeg {}.{} or newer to read frames of the video, found {major}.{minor}",
            OLDEST.0, OLDEST.1
        ))
        .with_help(INSTALL)),
        _ => Ok(()),
    }
}

/// From a line such as `ffmpeg version 5.1.9-0+deb12u1 Copyright …` or `ffmpeg version n7.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text
        .strip_prefix("ffmpeg version ")?
        .split_whitespace()
        .next()?;
    let mut numbers = word
        .trim_start_matches('n')
        .split(|character: char| !character.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|minor| minor.parse().ok());
    Some((major, minor.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_said_with_how_to_install_it() {
        let error = not_started(&io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(
            error.to_string(),
            "expected the program `ffmpeg` to read frames of the video, found none on the PATH"
        );
        assert!(
            error
                .help()
                .is_some_and(|help| help.contains("apt install ffmpeg"))
        );
    }

    #[test]
    fn an_old_program_is_refused() {
        assert_eq!(refuse_old(None), Ok(()));
        assert_eq!(refuse_old(Some((4, 3))), Ok(()));
        assert_eq!(
            refuse_old(Some((4, 2))).expect_err("old").to_string(),
            "expected ffmpeg 4.3 or newer to read frames of the video, found 4.2"
        );
    }

    #[test]
    fn versions() {
        for (line, expected) in [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)", Some((5, 1))),
            (
                "ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright",
                Some((4, 4)),
            ),
            ("ffmpeg version n7.1 Copyright", Some((7, 1))),
            ("ffmpeg version 8.0 Copyright", Some((8, 0))),
            ("ffmpeg version 7-static Copyright", Some((7, 0))),
            ("ffmpeg version N-109542-g1bf1b5d Copyright", None),
            ("", None),
        ] {
            assert_eq!(version(line), expected, "{line}");
        }
    }
}
