use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use crate::{Format, MediaErrorKind, MessageShape, Picture, base64, message};

/// The same in every run, and in the Python that made the expected numbers.
fn pattern(width: u32, height: u32) -> Picture {
    let rgb = (0..width as usize * height as usize * 3)
        .map(|i| ((i * i * 31 + i * 7) >> 3) as u8)
        .collect();
    Picture::new(width, height, rgb).expect("a picture")
}

/// `cv2.cvtColor(…, cv2.COLOR_RGB2GRAY).mean()` and `cv2.Laplacian(gray, cv2.CV_64F).var()` of OpenCV 5.0.0.
#[test]
fn brightness_and_sharpness_are_opencv_s() {
    let whole = pattern(37, 23);
    for (width, height, brightness, sharpness) in [
        (37, 23, 127.142_185_663_924_79, 47_871.865_319_158_635),
        (1, 1, 4.0, 0.0),
        (1, 9, 121.444_444_444_444_44, 14_984.395_061_728_395),
        (2, 2, 71.75, 54_390.0),
        (37, 1, 127.648_648_648_648_65, 13_236.603_360_116_873),
    ] {
        let part = whole.crop(0, 0, width, height).expect("a part");
        let near = |one: f64, other: f64| (one - other).abs() <= 1e-12 * other.abs();
        assert!(
            near(part.brightness(), brightness),
            "{width} × {height}: {}",
            part.brightness()
        );
        assert!(
            near(part.sharpness(), sharpness),
            "{width} × {height}: {}",
            part.sharpness()
        );
    }
}

#[test]
fn pictures_without_loss_come_back_as_they_were() {
    let picture = pattern(37, 23);
    for (format, start) in [(Format::Png, &b"\x89PNG"[..]), (Format::Webp, b"RIFF")] {
        let bytes = picture.encode(format, None).expect("a file");
        assert!(bytes.starts_with(start));
        assert_eq!(Picture::decode(&bytes, None).expect("a picture"), picture);
        let error = picture.encode(format, Some(50)).expect_err("a quality");
        assert_eq!(error.kind(), MediaErrorKind::Invalid);
    }
}

#[test]
fn jpeg_has_a_quality() {
    let picture = Picture::new(64, 64, (0..64 * 64 * 3).map(|i| (i / 50) as u8).collect())
        .expect("a picture");
    let size = |quality| picture.encode(Format::Jpeg, quality).expect("a file").len();
    assert_eq!(size(None), size(Some(95)));
    assert!(size(Some(1)) < size(Some(50)) && size(Some(50)) < size(Some(100)));
    for wrong in [0, 101] {
        assert_eq!(
            picture
                .encode(Format::Jpeg, Some(wrong))
                .expect_err("wrong")
                .kind(),
            MediaErrorKind::Invalid
        );
    }
    let back = Picture::decode(&picture.encode(Format::Jpeg, None).expect("a file"), None)
        .expect("a picture");
    assert!((back.brightness() - picture.brightness()).abs() < 1.0);
}

#[test]
fn parts_within_the_picture() {
    let picture = pattern(4, 3);
    let part = picture.crop(1, 2, 3, 1).expect("a part");
    assert_eq!(part.rgb(), &picture.rgb()[(2 * 4 + 1) * 3..]);
    assert_eq!(picture.crop(0, 0, 4, 3).expect("all"), picture);
    for (x, y, width, height) in [
        (0, 0, 0, 1),
        (0, 0, 5, 1),
        (4, 0, 1, 1),
        (1, 1, 1, 3),
        (1, 1, u32::MAX, u32::MAX),
    ] {
        let error = picture.crop(x, y, width, height).expect_err("outside");
        assert_eq!(error.kind(), MediaErrorKind::Invalid);
    }
    assert_eq!(
        picture.crop(3, 0, 2, 1).expect_err("outside").to_string(),
        "expected a part of the 4 × 3 pixels of the picture, found 2 × 1 pixels from (3, 0)"
    );
}

#[test]
fn other_sizes() {
    let grey = Picture::new(50, 40, vec![100; 50 * 40 * 3]).expect("a picture");
    for (width, height) in [(1, 1), (25, 20), (99, 3), (50, 40), (65_536, 1)] {
        let other = grey.resize(width, height).expect("a picture");
        assert_eq!((other.width(), other.height()), (width, height));
        assert!(
            other.rgb().iter().all(|value| *value == 100),
            "{width} × {height}"
        );
    }
    assert_eq!(
        grey.resize(0, 5).expect_err("empty").kind(),
        MediaErrorKind::Invalid
    );
    for (width, height) in [(65_537, 1), (65_536, 65_536), (u32::MAX, u32::MAX)] {
        assert_eq!(
            grey.resize(width, height).expect_err("large").kind(),
            MediaErrorKind::TooLarge
        );
    }
    // Half black and half white: where it shrinks to a point, all pixels count.
    let halves = (0..100 * 100)
        .flat_map(|i| [if i % 100 < 50 { 0 } else { 255 }; 3])
        .collect();
    let point = Picture::new(100, 100, halves)
        .expect("a picture")
        .resize(1, 1)
        .expect("a picture");
    assert!((126..=129).contains(&point.rgb()[0]), "{:?}", point.rgb());
}

/// A JPEG file whose EXIF data say that it is to be turned.
fn turned(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    let exif = [
        b'M',
        b'M',
        0,
        42,
        0,
        0,
        0,
        8,
        0,
        1,
        0x01,
        0x12,
        0,
        3,
        0,
        0,
        0,
        1,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    encoder.set_exif_metadata(exif.into()).expect("EXIF data");
    // White at the upper left, black elsewhere.
    let rgb: Vec<u8> = (0..width * height)
        .flat_map(|i| {
            [if i % width < width / 2 && i / width < height / 2 {
                255
            } else {
                0
            }; 3]
        })
        .collect();
    encoder
        .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        .expect("memory");
    bytes
}

#[test]
fn pictures_are_turned_as_they_were_measured() {
    let size = |picture: &Picture| (picture.width(), picture.height());
    let white = |picture: &Picture, x: u32, y: u32| {
        picture.crop(x, y, 1, 1).expect("a pixel").brightness() > 200.0
    };
    let file = turned(32, 16, 6);
    for (measured, expected) in [
        (None, (16, 32)),
        (Some((16, 32)), (16, 32)),
        (Some((32, 16)), (32, 16)),
        (Some((99, 98)), (32, 16)),
    ] {
        let picture = Picture::decode(&file, measured).expect("a picture");
        assert_eq!(size(&picture), expected, "{measured:?}");
        // Turned by a quarter to the right, the upper left corner comes to the upper right.
        assert_eq!(white(&picture, 2, 2), expected == (32, 16));
        assert_eq!(white(&picture, expected.0 - 2, 2), expected == (16, 32));
    }
    let half = turned(32, 16, 3);
    assert!(white(
        &Picture::decode(&half, None).expect("a picture"),
        30,
        14
    ));
    assert!(white(
        &Picture::decode(&half, Some((32, 16))).expect("a picture"),
        2,
        2
    ));
}

#[test]
fn what_can_be_seen_through_is_on_white() {
    let mut bytes = Vec::new();
    let rgba = [255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128];
    PngEncoder::new(&mut bytes)
        .write_image(&rgba, 3, 1, ExtendedColorType::Rgba8)
        .expect("memory");
    let picture = Picture::decode(&bytes, None).expect("a picture");
    assert_eq!(picture.rgb(), [255, 0, 0, 255, 255, 255, 127, 127, 127]);
}

#[test]
fn files_that_are_no_pictures() {
    let png = pattern(9, 9).encode(Format::Png, None).expect("a file");
    let mut huge = png.clone();
    huge[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    huge[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    for (bytes, kind) in [
        (&b"hello"[..], MediaErrorKind::Unsupported),
        (b"", MediaErrorKind::Unsupported),
        (&png[..60], MediaErrorKind::Invalid),
        (&png[..12], MediaErrorKind::Invalid),
        (b"\xff\xd8\xff\xe0", MediaErrorKind::Invalid),
    ] {
        let error = Picture::decode(bytes, None).expect_err("no picture");
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = Picture::decode(&huge, None).expect_err("huge");
    assert!(
        matches!(
            error.kind(),
            MediaErrorKind::TooLarge | MediaErrorKind::Invalid
        ),
        "{error}"
    );
    let gone =
        Picture::decode_file(std::path::Path::new("/nowhere/a.png"), None).expect_err("gone");
    assert_eq!(gone.kind(), MediaErrorKind::NotFound);
    for (width, height, length) in [(2, 2, 11), (2, 2, 13), (0, 2, 0), (65_537, 1, 196_611)] {
        assert!(Picture::new(width, height, vec![0; length]).is_err());
    }
}

/// The shapes of `Frame.b64_encoding` of `encord-agents` 0.2.10, and of Google's API.
#[test]
fn messages() {
    assert_eq!(base64(b"hello"), "aGVsbG8=");
    for (shape, expected) in [
        (MessageShape::Raw, "aGVsbG8="),
        (MessageShape::Url, "data:image/jpeg;base64,aGVsbG8="),
        (
            MessageShape::OpenAi,
            r#"{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,aGVsbG8="}}"#,
        ),
        (
            MessageShape::Anthropic,
            r#"{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"aGVsbG8="}}"#,
        ),
        (
            MessageShape::Gemini,
            r#"{"inline_data":{"mime_type":"image/jpeg","data":"aGVsbG8="}}"#,
        ),
    ] {
        assert_eq!(message(b"hello", Format::Jpeg, shape), expected);
    }
}
