//! Makes other pictures of the first frame: parts, sizes, files, and parts of messages.

use runner_sdk::Geometry;
use runner_sdk::prelude::*;

#[stage("Agent")]
fn pictures(frame: SingleFrame, row: LabelRow) -> Result<()> {
    info!("whole {}", size(&frame));
    let rgb = frame.rgb();
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    info!(
        "rgb {}, as large as it is: {}",
        rgb.len(),
        rgb.len() == width * height * 3
    );

    let bounds = BoundingBox::new(0.25, 0.25, 0.5, 0.5);
    info!("box {}", size(&frame.crop(&bounds)?));
    info!(
        "as a geometry {}",
        size(&frame.crop(&Geometry::BoundingBox(bounds))?)
    );
    info!("turned box {}", size(&frame.crop(&bounds.rotated(90.0))?));
    let triangle = Polygon::new([(0.0, 0.0), (0.5, 0.0), (0.0, 0.25)]);
    info!("polygon {}", size(&frame.crop(&triangle)?));
    info!(
        "beyond the edge {}",
        size(&frame.crop(&BoundingBox::new(0.75, 0.75, 0.5, 0.5))?)
    );
    refused("point", frame.crop(&Geometry::Point(Point::new(0.5, 0.5))));
    refused("outside", frame.crop(&BoundingBox::new(2.0, 2.0, 0.5, 0.5)));
    for object in row.objects().on(0) {
        match frame.crop_object(&object) {
            Ok(part) => info!("{} {}", object.object_name(), size(&part)),
            Err(error) => info!("{} {error}", object.object_name()),
        }
    }

    let part = frame.crop_pixels(1, 1, 2, 3)?;
    info!("pixels {}", size(&part));
    let same = part.pixels().get(0, 0) == frame.pixels().get(1, 1);
    info!("the same pixel {same}, number {}", part.index());
    refused("no pixels", frame.crop_pixels(0, 0, 0, 1));
    refused("too many pixels", frame.crop_pixels(0, 0, u32::MAX, 1));
    info!("resized {}", size(&frame.resize(7, 5)?));
    info!("fit {}", size(&frame.fit(32, 32)?));
    refused("no size", frame.resize(0, 5));
    refused("too large", frame.resize(65_536, 65_536));

    let small = frame.resize(8, 6)?;
    let jpeg = small.encode(ImageFormat::Jpeg)?;
    info!("jpeg {}", jpeg.starts_with(&[0xff, 0xd8]));
    info!(
        "a worse one is smaller {}",
        small.encode(Encoding::jpeg(5))?.len() < jpeg.len()
    );
    info!(
        "png {}",
        small.encode(ImageFormat::Png)?.starts_with(b"\x89PNG")
    );
    let webp = small.encode(ImageFormat::Webp)?;
    info!(
        "webp {}",
        webp.starts_with(b"RIFF") && webp[8..].starts_with(b"WEBP")
    );
    refused("quality", small.encode(Encoding::jpeg(0)));
    refused("quality", small.encode(Encoding::jpeg(101)));
    info!(
        "base64 {}",
        small.base64(ImageFormat::Png)?.starts_with("iVBORw0KGgo")
    );
    info!(
        "url {}",
        small
            .data_url(ImageFormat::Png)?
            .starts_with("data:image/png;base64,iVBOR")
    );
    for content in [
        small.openai_content(ImageFormat::Jpeg)?,
        small.anthropic_content(ImageFormat::Jpeg)?,
        small.gemini_content(ImageFormat::Jpeg)?,
    ] {
        info!("content {}", shape(&content));
    }
    info!(
        "brightness {:.1}, sharpness {:.1}",
        frame.brightness(),
        frame.sharpness()
    );
    Ok(())
}

fn size(frame: &Frame) -> String {
    format!("{} x {}", frame.width(), frame.height())
}

fn refused<T>(what: &str, answer: Result<T, Error>) {
    match answer {
        Ok(_) => info!("{what}: NOT REFUSED"),
        Err(error) => info!("{what}: {error}"),
    }
}

/// The keys, and of long texts no more than their beginning.
fn shape(content: &JsonValue) -> String {
    match content {
        JsonValue::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", shape(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        JsonValue::String(text) => text.chars().take(27).collect(),
        other => other.to_string(),
    }
}
