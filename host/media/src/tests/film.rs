//! Videos whose frames carry their own number.

use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Picture;

/// Blocks in a row and in a column of a frame, each for one bit of its number.
const BLOCKS: u32 = 4;

/// A video in a folder of its own, which is removed on drop.
pub(super) struct Film {
    path: PathBuf,
    _folder: TempDir,
}

impl Film {
    fn new(name: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        Self {
            path: folder.path().join(name),
            _folder: folder,
        }
    }
}

impl Deref for Film {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// A video of so many frames, encoded with these arguments, as a file of this name.
pub(super) fn film(
    name: &str,
    (width, height): (u32, u32),
    frames: u32,
    arguments: &[&str],
) -> Film {
    let film = Film::new(name);
    let mut ffmpeg = Command::new("ffmpeg")
        .args([
            "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-r", "25",
        ])
        .args(["-s", &format!("{width}x{height}"), "-i", "-"])
        .args(arguments)
        .arg(&*film)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg");
    let mut input = ffmpeg.stdin.take().expect("an input");
    for number in 0..frames {
        input
            .write_all(&numbered(number, width, height))
            .expect("a frame");
    }
    drop(input);
    assert!(ffmpeg.wait().expect("an end").success(), "{name}");
    film
}

/// Another video, from files that are there.
pub(super) fn converted(name: &str, arguments: &[&str]) -> Film {
    let film = Film::new(name);
    let status = Command::new("ffmpeg")
        .args(["-y", "-v", "error", "-nostdin"])
        .args(arguments)
        .arg(&*film)
        .status()
        .expect("ffmpeg");
    assert!(status.success(), "{name}");
    film
}

fn numbered(number: u32, width: u32, height: u32) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| {
            let bit = (y * BLOCKS / height) * BLOCKS + x * BLOCKS / width;
            if number >> bit & 1 == 1 { 235 } else { 20 }
        })
        .collect()
}

/// The number that a frame carries.
pub(super) fn number(picture: &Picture) -> u32 {
    (0..BLOCKS * BLOCKS)
        .filter(|bit| {
            let centre = |block: u32, length: u32| (2 * block + 1) * length / (2 * BLOCKS);
            let x = centre(bit % BLOCKS, picture.width());
            let y = centre(bit / BLOCKS, picture.height());
            picture.rgb()[((y * picture.width() + x) * 3) as usize] > 127
        })
        .map(|bit| 1 << bit)
        .sum()
}
