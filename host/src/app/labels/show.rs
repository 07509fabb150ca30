//! `runner-host labels show`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use image::RgbImage;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use runner_media::{Frames, MediaError, MediaErrorKind, Picture, Selection, VideoLimits};
use uuid::Uuid;

use super::{Opened, failed, write_file};
use crate::app::{Failed, report};
use crate::cli::ShowArgs;
use crate::encord::LabelRowMetadata;
use crate::labels::{Geometry, LabelRow};
use crate::picture::{Canvas, Colour, Labelled};
use crate::pixels::{Outline, Size, edges, point_of};

/// That FFmpeg may be without a frame.
const FRAME_LIMIT: Duration = Duration::from_secs(300);
/// Of an image's file, in bytes.
const LARGEST_IMAGE: u64 = 1 << 30;
/// Of a video's file, in bytes.
const LARGEST_VIDEO: u64 = 1 << 34;
/// Titles of tasks that are named where there are several, or none.
const TITLES_SHOWN: usize = 10;

pub(super) async fn show(opened: &Opened, args: ShowArgs) -> Result<ExitCode, Failed> {
    let listed = opened.list().await?;
    let metadata = choose(&listed, &args.task)?;
    let title = &metadata.data_title;
    let is_video = match metadata.data_type.as_str() {
        "image" | "img_group" => false,
        "video" => true,
        other => {
            return Err(Failed::mistake(
                format!(
                    "expected an image, an image group or a video to draw on, found `{title}`, which is of type `{other}`"
                ),
                None,
            ));
        }
    };
    let mut rows = opened.rows(std::slice::from_ref(metadata), true).await?;
    let Some(row) = rows.pop() else {
        return Err(Failed::mistake(
            format!(
                "expected labels of `{title}`, found that nobody has opened it for labelling yet"
            ),
            Some("run an agent on it, or import labels".to_owned()),
        ));
    };
    let frame = args.frame.or_else(|| first_frame(&row)).unwrap_or(0);
    let (link, size) = file_of(&row, frame)?;
    let file = tempfile::NamedTempFile::new()
        .map_err(|error| Failed::broken(format!("cannot make a file: {error}"), None))?;
    let mut into = tokio::fs::File::create(file.path())
        .await
        .map_err(|error| Failed::broken(format!("cannot write a file: {error}"), None))?;
    let largest = if is_video {
        LARGEST_VIDEO
    } else {
        LARGEST_IMAGE
    };
    opened
        .client()
        .read_file(&link, &mut into, largest)
        .await
        .map_err(failed)?;
    let decoded = if is_video {
        frame_of(file.path(), frame).await
    } else {
        Picture::decode_file(file.path(), Some((size.width, size.height)))
    };
    let decoded = decoded.map_err(|error| unreadable(title, &error))?;
    let (width, height) = (decoded.width(), decoded.height());
    let drawn = RgbImage::from_raw(width, height, decoded.rgb().to_vec());
    let drawn = drawn.ok_or_else(|| unreadable(title, &too_large()))?;
    let (objects, unseen) = objects_on(&row, frame, &drawn);
    let shown = objects.len();
    let picture = over(&drawn, &objects).ok_or_else(|| unreadable(title, &too_large()))?;
    let path = args.output.unwrap_or_else(|| {
        let frame = (row.number_of_frames() > 1).then_some(frame);
        named_after(title, frame)
    });
    write_file(&path, |file| {
        let (width, height) = picture.dimensions();
        PngEncoder::new(file)
            .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
            .map_err(std::io::Error::other)
    })?;
    if unseen > 0 {
        report::note(&format!(
            "not drawn: {unseen} objects that have no outline on a picture"
        ));
    }
    let objects = if shown == 1 { "object" } else { "objects" };
    report::answer(&format!(
        "{}: frame {frame} of \"{title}\" with {shown} {objects}",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The row of a task that is named by its UUID, or by that or the title of its data.
fn choose<'a>(
    listed: &'a [LabelRowMetadata],
    wanted: &str,
) -> Result<&'a LabelRowMetadata, Failed> {
    let uuid = Uuid::try_parse(wanted.trim()).ok();
    let by_uuid = listed
        .iter()
        .find(|row| uuid.is_some() && (row.task_uuid == uuid || uuid == Some(row.data_hash)));
    if let Some(row) = by_uuid {
        return Ok(row);
    }
    let titled: Vec<_> = listed
        .iter()
        .filter(|row| row.data_title == wanted)
        .collect();
    let shown = |rows: &mut dyn Iterator<Item = String>| {
        let shown: Vec<_> = rows.take(TITLES_SHOWN).collect();
        shown.join(", ")
    };
    match titled.as_slice() {
        [row] => Ok(row),
        [] => {
            let mut titles = listed.iter().map(|row| format!("`{}`", row.data_title));
            let titles = shown(&mut titles);
            let some = if listed.len() > TITLES_SHOWN {
                "some of its titles are"
            } else {
                "its titles are"
            };
            Err(Failed::mistake(
                format!(
                    "expected the UUID of a task, or the UUID or the title of its data, found `{wanted}`, which the project does not have"
                ),
                (!titles.is_empty()).then(|| format!("{some} {titles}")),
            ))
        }
        several => {
            let mut hashes = several.iter().map(|row| row.data_hash.to_string());
            Err(Failed::mistake(
                format!(
                    "expected one data unit of the title `{wanted}`, found {}",
                    several.len()
                ),
                Some(format!("name it by its UUID: {}", shown(&mut hashes))),
            ))
        }
    }
}

fn first_frame(row: &LabelRow) -> Option<u32> {
    let frames = row.objects().flat_map(|object| object.frames());
    frames.map(|range| range.start).min()
}

/// Where the file of a frame is, and how large its picture is.
fn file_of(row: &LabelRow, frame: u32) -> Result<(String, Size), Failed> {
    let title = row.data_title();
    let units = row.data_units();
    let frames = match row.data_type() {
        "video" => row.number_of_frames(),
        _ => u32::try_from(units.len()).unwrap_or(u32::MAX),
    };
    let unit = match row.data_type() {
        "img_group" => units.iter().find(|unit| unit.sequence == frame),
        _ => units.first().filter(|_| frame < frames),
    };
    let Some(unit) = unit else {
        return Err(Failed::mistake(
            format!(
                "expected a frame of `{title}` from 0 to {}, found {frame}",
                frames.saturating_sub(1)
            ),
            None,
        ));
    };
    let document = row.to_document();
    let link = document
        .get("data_units")
        .and_then(|units| units.get(&unit.data_hash)?.get("data_link")?.as_str());
    let size = Size::new(unit.width.unwrap_or(0), unit.height.unwrap_or(0));
    match (link, size) {
        (Some(link), Some(size)) => Ok((link.to_owned(), size)),
        _ => Err(Failed::broken(
            format!(
                "expected the file and the size of `{title}`, found that Encord does not say them"
            ),
            None,
        )),
    }
}

/// The objects of a frame in the pixels of its picture, and how many have no place there.
fn objects_on(row: &LabelRow, frame: u32, picture: &RgbImage) -> (Vec<Labelled>, usize) {
    let mut objects = Vec::new();
    let mut unseen = 0;
    let Some(size) = Size::new(picture.width(), picture.height()) else {
        return (objects, unseen);
    };
    for object in row.objects() {
        let Some(annotation) = object.annotation(frame).filter(|found| !found.is_deleted) else {
            continue;
        };
        let Ok(Some(mut outline)) = Outline::of(&annotation.geometry, size) else {
            unseen += 1;
            continue;
        };
        let known = object.ontology_object();
        if let (Geometry::Skeleton(points), Some(known)) = (&annotation.geometry, known) {
            for edge in edges(row.ontology(), known) {
                let ends = edge.map(|end| point_of(points, &known.template[end]));
                if let [Some(from), Some(to)] = ends {
                    outline
                        .lines
                        .push(vec![outline.points[from], outline.points[to]]);
                }
            }
        }
        let colour = known.map_or("", |known| known.color.as_str());
        objects.push(Labelled {
            outline,
            colour: Colour::of(colour),
            label: match object.object_number() {
                Some(number) => format!("{} {number}", object.name()),
                None => object.name().to_owned(),
            },
        });
    }
    (objects, unseen)
}

fn over(picture: &RgbImage, objects: &[Labelled]) -> Option<RgbImage> {
    let mut canvas = Canvas::new(picture)?;
    canvas.draw(objects);
    Some(canvas.into_picture())
}

async fn frame_of(video: &Path, frame: u32) -> Result<Picture, MediaError> {
    let limits = VideoLimits {
        silence: FRAME_LIMIT,
        ..VideoLimits::default()
    };
    let mut frames = Frames::open_path(video, Selection::Indices(vec![frame]), &limits).await?;
    let none = || MediaError::new(MediaErrorKind::NotFound, "expected a frame, found none");
    frames
        .next()
        .await?
        .map(|frame| frame.picture)
        .ok_or_else(none)
}

fn too_large() -> MediaError {
    MediaError::new(
        MediaErrorKind::TooLarge,
        "expected a picture that can be drawn on, found a larger one",
    )
}

fn unreadable(title: &str, error: &MediaError) -> Failed {
    Failed::mistake(
        format!("`{title}`: {error}"),
        error.help().map(str::to_owned),
    )
}

/// In the folder of the user. A title may have slashes, and may be the name of a file that is there.
fn named_after(title: &str, frame: Option<u32>) -> PathBuf {
    let stem = match title.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => title,
    };
    let stem: String = stem
        .chars()
        .map(|character| match character {
            '/' | '\\' | '\0' => '_',
            other => other,
        })
        .collect();
    PathBuf::from(match frame {
        Some(frame) => format!("{stem}.{frame}.labels.png"),
        None => format!("{stem}.labels.png"),
    })
}
