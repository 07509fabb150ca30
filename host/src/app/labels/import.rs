//! `runner-host labels import`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Opened, ROWS_AT_ONCE, failed};
use crate::app::{Failed, report};
use crate::coco::{Found, Frames, Place, Plan, Report};
use crate::encord::{CreateOptions, LabelRowMetadata};
use crate::labels::LabelRow;
use crate::pixels::Size;

/// Something of the file was not imported.
const INCOMPLETE: u8 = 1;
/// Reasons that are told.
const REASONS_SHOWN: usize = 20;

/// Reads the file to import.
///
/// Errors: it cannot be read, or is no COCO document.
pub(super) fn read(file: &Path) -> Result<Found, Failed> {
    let wrong = |message: String, help: &str| Failed::mistake(message, Some(help.to_owned()));
    let text = std::fs::read(file).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", file.display());
        wrong(message, "check the path")
    })?;
    Found::parse(&text).map_err(|error| {
        wrong(
            format!("expected a COCO document in `{}`: {error}", file.display()),
            "`runner-host labels export` writes one; nothing was changed",
        )
    })
}

pub(super) async fn import(
    opened: &Opened,
    found: &Found,
    dry_run: bool,
) -> Result<ExitCode, Failed> {
    let listed = opened.list().await?;
    let places = places(&listed);
    let mut report = Report::default();
    let plan = Plan::new(found, &places, &mut report);
    for part in plan.rows().chunks(ROWS_AT_ONCE) {
        let part: Vec<(usize, &LabelRowMetadata)> =
            part.iter().map(|row| (*row, &listed[*row])).collect();
        let mut changed = Vec::new();
        for (number, mut row) in rows(opened, &part, dry_run).await? {
            plan.apply(number, &mut row, &mut report);
            if row.is_edited() {
                changed.push(row);
            }
        }
        if !dry_run {
            save(opened, &changed).await?;
        }
    }
    for (reason, count) in report.failures().iter().take(REASONS_SHOWN) {
        let times = if *count == 1 {
            String::new()
        } else {
            format!(" ({count} labels)")
        };
        report::note(&format!("not imported: {reason}{times}"));
    }
    let more = report.failures().len().saturating_sub(REASONS_SHOWN);
    if more > 0 {
        report::note(&format!("not imported: {more} further reasons"));
    }
    let (done, failed) = (
        if dry_run { "would import" } else { "imported" },
        report.failed(),
    );
    report::answer(&format!("{done} {report}; {failed} labels not imported"));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(INCOMPLETE)
    })
}

/// Where labels can go: every image, every image of a group, every video.
fn places(listed: &[LabelRowMetadata]) -> Vec<Place> {
    let mut places = Vec::new();
    for (row, metadata) in listed.iter().enumerate() {
        let link = metadata.data_link.as_deref();
        let place = Place {
            row,
            space: None,
            data_hash: metadata.data_hash.to_string(),
            title: metadata.data_title.clone(),
            file: link
                .and_then(|link| link.rsplit('/').next())
                .map(str::to_owned),
            size: size(metadata.width, metadata.height),
            frames: Frames::Many(metadata.number_of_frames),
        };
        match metadata.data_type.as_str() {
            "image" => places.push(Place {
                frames: Frames::One(0),
                ..place
            }),
            "video" | "dicom" | "nifti" => places.push(place),
            "img_group" => {
                for (position, image) in images(metadata).enumerate() {
                    places.push(Place {
                        row,
                        space: None,
                        data_hash: text(image, "image_hash"),
                        title: text(image, "title"),
                        file: None,
                        size: size(pixels(image, "width"), pixels(image, "height")),
                        frames: Frames::One(frame_of(image, position)),
                    });
                }
            }
            "group" => {
                let parts = metadata.spaces.iter();
                places.extend(parts.filter_map(|(id, space)| part(row, id, space)));
            }
            _ => {}
        }
    }
    places
}

/// A part of a data group, if it is an image or a video.
fn part(row: usize, id: &str, space: &Value) -> Option<Place> {
    let frames = match space.get("space_type")?.as_str()? {
        "image" => Frames::One(0),
        "video" | "image_sequence" => Frames::Many(pixels(space, "number_of_frames")?),
        _ => return None,
    };
    let name = space.get("child_info").map(|info| text(info, "file_name"));
    Some(Place {
        row,
        space: Some(id.to_owned()),
        data_hash: id.to_owned(),
        title: name.unwrap_or_default(),
        file: None,
        size: size(pixels(space, "width"), pixels(space, "height")),
        frames,
    })
}

/// Opens rows; those that do not exist are made. For a dry run they are only imagined.
async fn rows(
    opened: &Opened,
    part: &[(usize, &LabelRowMetadata)],
    dry_run: bool,
) -> Result<Vec<(usize, LabelRow)>, Failed> {
    let listed: Vec<LabelRowMetadata> = part.iter().map(|(_, row)| (*row).clone()).collect();
    let mut rows = Vec::new();
    for row in opened.rows(&listed, false).await? {
        let number = part
            .iter()
            .find(|(_, listed)| listed.data_hash.to_string() == row.data_hash());
        rows.extend(number.map(|(number, _)| (*number, row)));
    }
    let missing: Vec<_> = part
        .iter()
        .filter(|(_, row)| row.label_hash.is_none())
        .collect();
    if dry_run {
        for (number, metadata) in missing {
            rows.push((*number, opened.row(metadata, empty_document(metadata))?));
        }
    } else {
        let hashes: Vec<Uuid> = missing.iter().map(|(_, row)| row.data_hash).collect();
        let made = opened
            .client()
            .create_label_rows(opened.project.hash, &hashes, &CreateOptions::default())
            .await
            .map_err(failed)?;
        for (hash, document) in made {
            let listed = missing.iter().find(|(_, row)| row.data_hash == hash);
            if let Some((number, metadata)) = listed {
                rows.push((*number, opened.row(metadata, document)?));
            }
        }
    }
    rows.sort_by_key(|(number, _)| *number);
    Ok(rows)
}

async fn save(opened: &Opened, changed: &[LabelRow]) -> Result<(), Failed> {
    let documents: Vec<_> = changed
        .iter()
        .filter_map(|row| Some((row.label_hash().parse().ok()?, row.to_document())))
        .collect();
    let rows: Vec<(Uuid, &Value)> = documents
        .iter()
        .map(|(hash, document)| (*hash, &**document))
        .collect();
    opened
        .client()
        .save_label_rows(opened.project.hash, &rows)
        .await
        .map_err(failed)
}

/// What a row has that is new, as far as edits look at it.
fn empty_document(metadata: &LabelRowMetadata) -> Value {
    let unit = |hash: &str, title: &str, sequence: u32, size: (Option<u32>, Option<u32>)| {
        let labels = match metadata.data_type.as_str() {
            "image" | "img_group" => json!({ "objects": [], "classifications": [] }),
            _ => json!({}),
        };
        json!({
            "data_hash": hash,
            "data_title": title,
            "data_type": metadata.file_type,
            "data_sequence": sequence,
            "width": size.0,
            "height": size.1,
            "labels": labels,
        })
    };
    let mut units = Map::new();
    if metadata.data_type == "img_group" {
        for (position, image) in images(metadata).enumerate() {
            let hash = text(image, "image_hash");
            let size = (pixels(image, "width"), pixels(image, "height"));
            let title = text(image, "title");
            let unit = unit(&hash, &title, frame_of(image, position), size);
            units.insert(hash, unit);
        }
    } else {
        let hash = metadata.data_hash.to_string();
        let size = (metadata.width, metadata.height);
        let unit = unit(&hash, &metadata.data_title, 0, size);
        units.insert(hash, unit);
    }
    json!({
        "label_hash": Uuid::nil(),
        "data_hash": metadata.data_hash,
        "data_title": metadata.data_title,
        "data_type": metadata.data_type,
        "data_units": units,
        "object_answers": {},
        "classification_answers": {},
        "object_actions": {},
        "spaces": metadata.spaces,
    })
}

fn images(metadata: &LabelRowMetadata) -> impl Iterator<Item = &Value> {
    let images = metadata.images_data.as_ref().and_then(Value::as_array);
    images.into_iter().flatten()
}

fn frame_of(image: &Value, position: usize) -> u32 {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    pixels(image, "index").unwrap_or(position)
}

fn text(json: &Value, key: &str) -> String {
    let text = json.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn pixels(json: &Value, key: &str) -> Option<u32> {
    u32::try_from(json.get(key)?.as_u64()?).ok()
}

fn size(width: Option<u32>, height: Option<u32>) -> Option<Size> {
    Size::new(width?, height?)
}
