//! Makes a video of images, with FFmpeg.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// How long it may take. A client waits 180 seconds for the answer.
const TIME_LIMIT: Duration = Duration::from_secs(150);
/// The largest image that is taken, in pixels.
const MAX_PIXELS: u64 = 100_000_000;
/// In frames per second, as FFmpeg counts images without a time.
const FPS: &str = "25";
/// Encoding takes all the processor that there is, so it is done once at a time.
static ENCODING: Mutex<()> = Mutex::const_new(());

/// An image, and its type as its content says.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) path: PathBuf,
    pub(super) mime_type: String,
}

/// Writes a video with a frame for each image to `target`. All have this size, in pixels. What the files are is
/// decided here and not by FFmpeg, which gets them by pipe and opens nothing by itself.
pub(super) async fn encode(
    frames: &[Frame],
    (width, height): (u32, u32),
    target: &Path,
) -> Result<(), String> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "expected images of at most {MAX_PIXELS} pixels, found {width} x {height}"
        ));
    }
    let work = async {
        let _turn = ENCODING.lock().await;
        all(frames, (width, height), target).await
    };
    match tokio::time::timeout(TIME_LIMIT, work).await {
        Ok(result) => result,
        // What was started ends with the future that was waited for.
        Err(_) => Err(format!(
            "expected to make a video within {} seconds, and did not",
            TIME_LIMIT.as_secs()
        )),
    }
}

async fn all(frames: &[Frame], size: (u32, u32), target: &Path) -> Result<(), String> {
    let mut encoder = Ffmpeg::encoder(size, target)?;
    let input = encoder.child.stdin.take();
    let mut input = input.ok_or("FFmpeg takes no input")?;
    let bytes = u64::from(size.0) * u64::from(size.1) * 3;
    for frame in frames {
        let mut decoder = Ffmpeg::decoder(frame)?;
        let output = decoder.child.stdout.take();
        // One more than wanted tells whether the picture is larger than its file says.
        let mut output = output.ok_or("FFmpeg gives no output")?.take(bytes + 1);
        let copied = tokio::io::copy(&mut output, &mut input).await;
        drop(output);
        let ended = decoder.ended().await;
        match copied {
            Ok(copied) if copied == bytes => {}
            // The encoder has gone, and says why.
            Err(_) => break,
            Ok(_) => {
                ended?;
                return Err(
                    "expected images as large as they say, found one that is not".to_owned(),
                );
            }
        }
    }
    // A last piece may still be on its way.
    let _ = input.shutdown().await;
    drop(input);
    encoder.ended().await
}

/// A running FFmpeg, which ends with this value.
struct Ffmpeg {
    child: Child,
    /// What it says goes to a file, so that it never waits for a reader.
    said: File,
}

impl Ffmpeg {
    fn encoder((width, height): (u32, u32), target: &Path) -> Result<Self, String> {
        // Halved colours need sides that can be halved.
        let pixels = match width % 2 + height % 2 {
            0 => "yuv420p",
            _ => "yuv444p",
        };
        let mut command = Command::new("ffmpeg");
        command.args([
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pixel_format",
            "rgb24",
        ]);
        command.arg("-video_size").arg(format!("{width}x{height}"));
        command.args(["-framerate", FPS, "-i", "pipe:0", "-an", "-c:v", "libx264"]);
        command.args(["-preset", "veryfast", "-threads", "1", "-pix_fmt", pixels]);
        command.args(["-movflags", "+faststart", "-f", "mp4"]);
        command
            .arg(target)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        Self::start(command)
    }

    /// Gives the first picture of an image as bytes: three for each pixel.
    fn decoder(frame: &Frame) -> Result<Self, String> {
        let format = match frame.mime_type.as_str() {
            "image/png" => "png_pipe",
            "image/jpeg" => "jpeg_pipe",
            "image/bmp" => "bmp_pipe",
            "image/gif" => "gif",
            "image/webp" => "webp_pipe",
            "image/tiff" => "tiff_pipe",
            other => {
                return Err(format!(
                    "expected images that FFmpeg can read, found {other}"
                ));
            }
        };
        let image = File::open(&frame.path).map_err(|error| format!("cannot be read: {error}"))?;
        let mut command = Command::new("ffmpeg");
        command.args([
            "-nostdin",
            "-v",
            "error",
            "-protocol_whitelist",
            "pipe",
            "-noautorotate",
        ]);
        command.args([
            "-threads",
            "1",
            "-f",
            format,
            "-i",
            "pipe:0",
            "-frames:v",
            "1",
        ]);
        command.args(["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]);
        command.stdin(image).stdout(Stdio::piped());
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self, String> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => {
                "expected the program `ffmpeg` to make a video of images, found none on the PATH"
                    .to_owned()
            }
            _ => format!("ffmpeg cannot be started: {error}"),
        };
        let said = tempfile::tempfile().map_err(failed)?;
        let stderr = said.try_clone().map_err(failed)?;
        let child = command
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, said })
    }

    async fn ended(mut self) -> Result<(), String> {
        let status = self.child.wait().await;
        if status.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        let mut said = String::new();
        // Without a reason there is still the fact.
        let _ = self
            .said
            .rewind()
            .and_then(|()| self.said.take(4096).read_to_string(&mut said));
        let said = said.lines().last().unwrap_or("no reason given").trim();
        Err(format!("ffmpeg cannot make a video of the images: {said}"))
    }
}
