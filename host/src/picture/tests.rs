use image::{Rgb, RgbImage};

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
