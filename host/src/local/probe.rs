//! What a media file says about itself: size in pixels, duration, frames.

use std::io::ErrorKind;
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};

use hayro_syntax::{LoadPdfError, Pdf};
use imagesize::ImageType;
use serde::Deserialize;

use super::error::{LocalError, MediaProblem};
use super::media::{MediaFile, MediaKind};

/// Properties of a media file. Absent values mean nothing for its kind, or are not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Properties {
    /// What the content is, where that says more than the name.
    pub(super) mime_type: Option<&'static str>,
    /// In bytes.
    pub(super) size: u64,
    /// In pixels.
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    /// In frames per second.
    pub(super) fps: Option<f64>,
    /// In seconds.
    pub(super) duration: Option<f64>,
    /// Of a video; pages of a PDF.
    pub(super) frames: Option<u32>,
    pub(super) audio_codec: Option<String>,
    /// In samples per second.
    pub(super) audio_sample_rate: Option<u32>,
    pub(super) audio_bit_depth: Option<u32>,
    pub(super) audio_channels: Option<u32>,
}

/// Reads the properties of all files, in their order. All unreadable files are reported together.
pub(super) fn probe_all(files: &[MediaFile]) -> Result<Vec<Properties>, LocalError> {
    let results = probe_each(files);
    let mut properties = Vec::new();
    let mut problems = Vec::new();
    let mut without_ffprobe = Vec::new();
    for (file, result) in files.iter().zip(results) {
        match result {
            Ok(found) => properties.push(found),
            Err(ProbeError::NoFfprobe) => without_ffprobe.push(file.path.clone()),
            Err(ProbeError::Unreadable(message)) => {
                problems.push(MediaProblem {
                    file: file.path.clone(),
                    message,
                });
            }
        }
    }
    // A broken file stays broken when FFmpeg is there, so it is told first.
    if !problems.is_empty() {
        return Err(LocalError::Media { problems });
    }
    if !without_ffprobe.is_empty() {
        return Err(LocalError::FfprobeMissing {
            files: without_ffprobe,
        });
    }
    Ok(properties)
}

/// Reads the properties of all files, in their order, and says of each what is wrong with it.
pub(super) fn probe_each(files: &[MediaFile]) -> Vec<Result<Properties, ProbeError>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(probe).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

/// Why the properties of a file are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error("expected the program `ffprobe` to read it, found none on the PATH")]
    NoFfprobe,
    #[error("{0}")]
    Unreadable(String),
}

fn probe(file: &MediaFile) -> Result<Properties, ProbeError> {
    let unreadable =
        |error: std::io::Error| ProbeError::Unreadable(format!("cannot be read: {error}"));
    // Opened, and not only asked for its size: a file that cannot be served must not become a task.
    let size = std::fs::File::open(&file.path)
        .and_then(|file| file.metadata())
        .map_err(unreadable)?
        .len();
    let properties = match file.kind {
        MediaKind::Image => image(&file.path)?,
        MediaKind::Video | MediaKind::ImageSequence => video(&file.path)?,
        MediaKind::Audio => audio(&file.path)?,
        MediaKind::Pdf => pdf(&file.path)?,
        MediaKind::Text
        | MediaKind::DicomSeries
        | MediaKind::DicomFile
        | MediaKind::Nifti
        | MediaKind::ImageGroup
        | MediaKind::Group => Properties::default(),
    };
    Ok(Properties { size, ..properties })
}

fn image(path: &Path) -> Result<Properties, ProbeError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ProbeError::Unreadable(format!("expected an image, found: {error}"))
    };
    let size = imagesize::size(path).map_err(|error| unreadable(&error))?;
    let header = first_bytes(path).map_err(|error| unreadable(&error))?;
    let mime_type = match imagesize::image_type(&header) {
        Ok(ImageType::Jpeg) => Some("image/jpeg"),
        Ok(ImageType::Png) => Some("image/png"),
        Ok(ImageType::Gif) => Some("image/gif"),
        Ok(ImageType::Webp) => Some("image/webp"),
        Ok(ImageType::Bmp) => Some("image/bmp"),
        Ok(ImageType::Tiff) => Some("image/tiff"),
        _ => None,
    };
    let (width, height) = (
        u32::try_from(size.width).ok(),
        u32::try_from(size.height).ok(),
    );
    Ok(Properties {
        mime_type,
        width,
        height,
        ..Properties::default()
    })
}

/// Pages are the frames of a PDF.
fn pdf(path: &Path) -> Result<Properties, ProbeError> {
    let content = std::fs::read(path)
        .map_err(|error| ProbeError::Unreadable(format!("cannot be read: {error}")))?;
    let document = Pdf::new(content).map_err(|error| {
        let found = match error {
            LoadPdfError::Decryption(_) => "one that needs a password",
            LoadPdfError::Invalid => "something else",
        };
        ProbeError::Unreadable(format!("expected a PDF, found {found}"))
    })?;
    let pages = document.pages().len();
    if pages == 0 {
        return Err(ProbeError::Unreadable(
            "expected a PDF with pages, found one without".to_owned(),
        ));
    }
    Ok(Properties {
        frames: u32::try_from(pages).ok(),
        ..Properties::default()
    })
}

/// Enough to tell the type of an image.
pub(super) fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut header = Vec::new();
    std::fs::File::open(path)?
        .take(64)
        .read_to_end(&mut header)?;
    Ok(header)
}

fn video(path: &Path) -> Result<Properties, ProbeError> {
    let report = ffprobe(path, "v:0")?;
    let Some(stream) = report.streams.first() else {
        return Err(ProbeError::Unreadable(
            "expected a video, found a file without pictures".to_owned(),
        ));
    };
    let rate =
        ratio(stream.avg_frame_rate.as_deref()).or_else(|| ratio(stream.r_frame_rate.as_deref()));
    let frames =
        number(stream.nb_read_packets.as_deref()).or_else(|| number(stream.nb_frames.as_deref()));
    let duration = number::<f64>(stream.duration.as_deref())
        .or_else(|| number(report.format.duration.as_deref()))
        .or_else(|| Some(f64::from(frames?) / rate?));
    let (Some(width), Some(height), Some(fps), Some(frames), Some(duration)) =
        (stream.width, stream.height, rate, frames, duration)
    else {
        return Err(ProbeError::Unreadable(
            "expected a video with size, frame rate, frames and duration, found a file that lacks one of them"
                .to_owned(),
        ));
    };
    // Players and decoders turn such videos, so what people label is turned as well.
    let turned = stream
        .side_data_list
        .iter()
        .filter_map(|data| data.rotation)
        .any(|angle| angle.abs() as u32 % 180 == 90);
    let (width, height) = if turned {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Properties {
        width: Some(width),
        height: Some(height),
        fps: Some(fps),
        duration: Some(duration),
        frames: Some(frames),
        ..Properties::default()
    })
}

fn audio(path: &Path) -> Result<Properties, ProbeError> {
    let report = ffprobe(path, "a:0")?;
    let Some(stream) = report.streams.first() else {
        return Err(ProbeError::Unreadable(
            "expected audio, found a file without sound".to_owned(),
        ));
    };
    let duration =
        number(stream.duration.as_deref()).or_else(|| number(report.format.duration.as_deref()));
    if duration.is_none() {
        return Err(ProbeError::Unreadable(
            "expected audio with a duration, found none".to_owned(),
        ));
    }
    let bits = number(stream.bits_per_raw_sample.as_deref())
        .or(stream.bits_per_sample)
        .filter(|bits| *bits > 0)
        .or_else(|| sample_bits(stream.sample_fmt.as_deref()?));
    Ok(Properties {
        // Audio is labelled by the millisecond.
        fps: Some(1000.0),
        duration,
        audio_codec: stream.codec_name.clone(),
        audio_sample_rate: number(stream.sample_rate.as_deref()),
        audio_bit_depth: bits,
        audio_channels: stream.channels,
        ..Properties::default()
    })
}

/// FFmpeg's names of sample formats; a trailing `p` means planar.
fn sample_bits(format: &str) -> Option<u32> {
    match format.trim_end_matches('p') {
        "u8" => Some(8),
        "s16" => Some(16),
        "s32" | "flt" => Some(32),
        "s64" | "dbl" => Some(64),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    duration: Option<String>,
}

/// FFmpeg gives most numbers as strings.
#[derive(Debug, Deserialize)]
struct Stream {
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    nb_frames: Option<String>,
    nb_read_packets: Option<String>,
    duration: Option<String>,
    sample_fmt: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    bits_per_sample: Option<u32>,
    bits_per_raw_sample: Option<String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Deserialize)]
struct SideData {
    /// In degrees.
    rotation: Option<f64>,
}

fn ffprobe(path: &Path, stream: &str) -> Result<Report, ProbeError> {
    let mut command = Command::new("ffprobe");
    // Packets are counted because only some formats write down how many frames they have.
    command.args([
        "-v",
        "error",
        "-of",
        "json",
        "-show_streams",
        "-show_format",
        "-count_packets",
    ]);
    command
        .args([
            "-protocol_whitelist",
            "file",
            "-select_streams",
            stream,
            "-i",
        ])
        .arg(path);
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(ProbeError::NoFfprobe),
        Err(error) => {
            return Err(ProbeError::Unreadable(format!(
                "ffprobe cannot be started: {error}"
            )));
        }
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said
            .lines()
            .last()
            .unwrap_or("no reason given")
            .trim()
            .to_owned();
        return Err(ProbeError::Unreadable(format!(
            "ffprobe cannot read it: {said}"
        )));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| {
        ProbeError::Unreadable(format!("ffprobe's answer cannot be read: {error}"))
    })
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// `30000/1001`; `0/0` means that it is not known.
fn ratio(text: Option<&str>) -> Option<f64> {
    let (over, under) = text?.split_once('/')?;
    let value = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}
