use image::codecs::png::PngEncoder;
use image::{ImageEncoder, Rgb, RgbImage};

use super::*;
use crate::pixels::{Mask, Outline, Size};

const RED: Colour = Colour([255, 0, 0]);
const GREY: Rgb<u8> = Rgb([100, 100, 100]);

fn drawn(outline: Outline, label: &str) -> RgbImage {
    let mut canvas = Canvas::new(&RgbImage::from_pixel(60, 40, GREY)).expect("it has pixels");
    canvas.draw(&[Labelled {
        outline,
        colour: RED,
        label: label.to_owned(),
    }]);
    canvas.into_picture()
}

fn square(from: f64, to: f64) -> Vec<[f64; 2]> {
    vec![[from, from], [to, from], [to, to], [from, to]]
}

#[test]
fn areas_are_half_transparent_and_holes_are_not_covered() {
    let picture = drawn(
        Outline {
            areas: vec![vec![square(10.0, 38.0), square(20.0, 30.0)]],
            ..Outline::default()
        },
        "",
    );
    assert_eq!(picture.get_pixel(10, 24), &Rgb([255, 0, 0]), "the edge");
    assert_eq!(picture.get_pixel(15, 24), &Rgb([162, 60, 60]), "within");
    assert_eq!(picture.get_pixel(25, 25), &GREY, "the hole");
    assert_eq!(picture.get_pixel(50, 25), &GREY, "outside");
}

#[test]
fn lines_points_and_masks() {
    let line = Outline {
        lines: vec![vec![[5.0, 30.0], [50.0, 30.0]]],
        ..Outline::default()
    };
    let picture = drawn(line, "");
    assert_eq!(picture.get_pixel(25, 30), &Rgb([255, 0, 0]));
    assert_eq!(picture.get_pixel(25, 34), &GREY);
    let point = Outline {
        points: vec![[30.5, 20.5]],
        ..Outline::default()
    };
    let picture = drawn(point, "");
    assert_eq!(picture.get_pixel(30, 20), &Rgb([255, 0, 0]));
    assert_eq!(picture.get_pixel(35, 20), &GREY);
    let mut mask = Mask::new(Size::new(60, 40).expect("a size"));
    mask.fill(&[vec![square(10.0, 20.0)]]);
    let mask = Outline {
        mask: Some(mask),
        ..Outline::default()
    };
    let picture = drawn(mask, "");
    assert_eq!(picture.get_pixel(10, 15), &Rgb([255, 0, 0]));
    assert_eq!(picture.get_pixel(15, 15), &Rgb([162, 60, 60]));
    assert_eq!(picture.get_pixel(20, 15), &GREY);
}

#[test]
fn a_label_is_above_its_object_and_within_the_picture() {
    for (x, y) in [(5.0, 20.0), (-90.0, -90.0), (900.0, 900.0), (1e300, -1e300)] {
        let point = Outline {
            points: vec![[x, y]],
            ..Outline::default()
        };
        let picture = drawn(point, "Car 3");
        let red = |pixel: &&Rgb<u8>| **pixel == Rgb([255, 0, 0]);
        let ink = |pixel: &&Rgb<u8>| **pixel == Rgb([255; 3]);
        assert!(picture.pixels().filter(red).count() > 200, "{x} {y}");
        assert!(picture.pixels().filter(ink).count() > 50, "{x} {y}");
    }
    // Wider than the picture, and of characters that the font does not have.
    drawn(Outline::default(), &"字".repeat(500));
    let point = Outline {
        points: vec![[1.0, 1.0]],
        ..Outline::default()
    };
    drawn(point, &"字".repeat(500));
}

#[test]
fn colours() {
    assert_eq!(Colour::of("#D33115"), Colour([0xd3, 0x31, 0x15]));
    for text in ["", "red", "#12345", "#1234567", "#é1234"] {
        assert_eq!(Colour::of(text), Colour([255, 0, 255]), "{text}");
    }
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(
            picture.as_raw(),
            picture.width(),
            picture.height(),
            image::ExtendedColorType::Rgb8,
        )
        .expect("it can be written");
    bytes
}

#[test]
fn files_that_are_no_images_and_sizes_that_are_too_large_are_refused() {
    let size = Size::new(3, 2).expect("a size");
    let good = png(&RgbImage::from_pixel(3, 2, GREY));
    assert_eq!(
        of_bytes(&good, size).expect("it is one").dimensions(),
        (3, 2)
    );
    for broken in [&b""[..], b"GIF89a", b"some text", &good[..good.len() / 2]] {
        let error = of_bytes(broken, size).expect_err("it is none");
        assert!(matches!(error, PictureError::Image(_)), "{error}");
    }
    // The header of a PNG says how large it is.
    let mut large = good.clone();
    large[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let length = 13;
    let sum = checksum(&large[12..16 + length]);
    large[16 + length..20 + length].copy_from_slice(&sum.to_be_bytes());
    let error = of_bytes(&large, size).expect_err("it is too large");
    assert!(matches!(error, PictureError::TooLarge), "{error}");
}

/// Of a PNG's chunk.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    !sum
}

#[test]
fn a_picture_is_turned_if_the_label_row_has_its_size_turned() {
    // A JPEG of 3 x 2 pixels says with its EXIF data that it is to be turned by 90 degrees.
    let mut plain = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut plain)
        .encode(&[90; 18], 3, 2, image::ExtendedColorType::Rgb8)
        .expect("it can be written");
    let exif: &[u8] = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut turned = plain[..2].to_vec();
    turned.extend_from_slice(exif);
    turned.extend_from_slice(&plain[2..]);
    for (bytes, size, expected) in [
        (&plain, (3, 2), (3, 2)),
        (&turned, (3, 2), (3, 2)),
        (&turned, (2, 3), (2, 3)),
        (&plain, (2, 3), (3, 2)),
    ] {
        let size = Size::new(size.0, size.1).expect("a size");
        let picture = of_bytes(bytes, size).expect("it is one");
        assert_eq!(picture.dimensions(), expected, "{size:?}");
    }
}
