//! Edits of a row, chosen by bytes: valid ones and such as must be refused.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use runner_labels::{AttributeAnswer, BoundingBox, FrameRange, GivenAnswer, LabelError, LabelRow};

type Edit = std::result::Result<(), LabelError>;

/// Makes one edit. One that fails leaves the row as it was, and says why in a sentence.
pub fn one(row: &mut LabelRow, bytes: &mut Unstructured<'_>) {
    let before = row.to_document();
    // Where the bytes end, nothing is edited.
    let Ok(Err(error)) = chosen(row, bytes) else {
        return;
    };
    assert_eq!(
        before,
        row.to_document(),
        "refused, and yet changed: {error}"
    );
    let message = error.to_string();
    assert!(
        message.contains("expected") && message.contains("found"),
        "{message}"
    );
}

fn chosen(row: &mut LabelRow, bytes: &mut Unstructured<'_>) -> Result<Edit> {
    Ok(match bytes.int_in_range(0..=5_u8)? {
        0 => {
            let (feature, bounds, frame) =
                (object_feature(row, bytes)?, bounds(bytes)?, frame(bytes)?);
            row.add_bounding_box(&feature, bounds, frame).map(drop)
        }
        1 => {
            let (feature, answers) = (classification_feature(row, bytes)?, answers(bytes)?);
            let frames = optional(bytes, ranges)?;
            row.add_classification(&feature, &answers, frames.as_deref())
                .map(drop)
        }
        2 => row.set_object_confidence(&object(row, bytes)?, number(bytes)?),
        3 => row.set_object_manual_annotation(&object(row, bytes)?, bytes.arbitrary()?),
        4 => row.set_classification_confidence(&classification(row, bytes)?, number(bytes)?),
        _ => row
            .set_classification_manual_annotation(&classification(row, bytes)?, bytes.arbitrary()?),
    })
}

/// The hash of an object of the row, or one that it does not have.
fn object(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let hashes: Vec<_> = row
        .objects()
        .map(|object| object.object_hash().to_owned())
        .collect();
    one_of(&hashes, bytes)
}

fn classification(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let hashes = row
        .classifications()
        .map(|class| class.classification_hash().to_owned());
    one_of(&hashes.collect::<Vec<_>>(), bytes)
}

fn object_feature(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let objects = row.ontology().objects().iter();
    let features = objects.flat_map(|object| [&object.feature_hash, &object.name]);
    one_of(&features.cloned().collect::<Vec<_>>(), bytes)
}

fn classification_feature(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let classes = row.ontology().classifications().iter();
    let features = classes.flat_map(|class| [&class.feature_hash, &class.title]);
    one_of(&features.cloned().collect::<Vec<_>>(), bytes)
}

/// One of the texts; at times another, or if there are none.
fn one_of(texts: &[String], bytes: &mut Unstructured<'_>) -> Result<String> {
    if texts.is_empty() || bytes.ratio(1, 16)? {
        return Ok("unknown".to_owned());
    }
    bytes.choose(texts).cloned()
}

fn answers(bytes: &mut Unstructured<'_>) -> Result<Vec<AttributeAnswer>> {
    const ATTRIBUTES: [&str; 12] = [
        "attSky01", "attRain1", "How much", "Comment", "attRain3", "attSnow1", "attNum01", "Doing",
        "attFast1", "Lights", "Sign", "Colour",
    ];
    const OPTIONS: [&str; 14] = [
        "Rain", "optRain2", "rain", "Snow", "Twin", "optTwin2", "Hail", "Wet road", "optFog01",
        "Moving", "Standing", "Front", "Back", "Sunny",
    ];
    let mut answers = Vec::new();
    for _ in 0..bytes.int_in_range(0..=4_u8)? {
        let value = match bytes.int_in_range(0..=2_u8)? {
            0 => GivenAnswer::Text(bytes.arbitrary::<String>()?),
            1 => GivenAnswer::Number(number(bytes)?),
            _ => {
                let mut options = Vec::new();
                for _ in 0..bytes.int_in_range(0..=3_u8)? {
                    options.push((*bytes.choose(&OPTIONS)?).to_owned());
                }
                GivenAnswer::Options(options)
            }
        };
        let attribute = optional(bytes, |bytes| Ok((*bytes.choose(&ATTRIBUTES)?).to_owned()))?;
        answers.push(AttributeAnswer { attribute, value });
    }
    Ok(answers)
}

fn bounds(bytes: &mut Unstructured<'_>) -> Result<BoundingBox> {
    Ok(BoundingBox {
        x: number(bytes)?,
        y: number(bytes)?,
        width: number(bytes)?,
        height: number(bytes)?,
    })
}

/// Often from 0 to 1, at times any number.
fn number(bytes: &mut Unstructured<'_>) -> Result<f64> {
    if bytes.ratio(1, 16)? {
        return bytes.arbitrary();
    }
    Ok(f64::from(bytes.arbitrary::<u8>()?) / 255.0)
}

fn frame(bytes: &mut Unstructured<'_>) -> Result<u32> {
    if bytes.ratio(1, 16)? {
        return bytes.arbitrary();
    }
    bytes.int_in_range(0..=31)
}

fn ranges(bytes: &mut Unstructured<'_>) -> Result<Vec<FrameRange>> {
    let mut ranges = Vec::new();
    for _ in 0..bytes.int_in_range(0..=3_u8)? {
        let start = frame(bytes)?;
        let end = if bytes.arbitrary()? {
            start
        } else {
            frame(bytes)?
        };
        ranges.push(FrameRange { start, end });
    }
    Ok(ranges)
}

fn optional<T>(
    bytes: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if bytes.arbitrary()? {
        make(bytes).map(Some)
    } else {
        Ok(None)
    }
}
