//! Drawing over a picture.

use image::RgbImage;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8,
    Stroke, Transform,
};

use super::text;
use crate::pixels::{Bounds, Dot, Mask, Outline};

/// How much of the colour covers the picture within an area, of 255.
const COVERING: u8 = 102;
/// Lines are one step wider for each so many pixels of the longer side.
const PIXELS_PER_STEP: u32 = 800;
/// Points farther out, in pixels, are drawn there. Paths with larger numbers are not drawn at all.
const FARTHEST: f64 = 1e5;
/// Characters of a label that are shown.
const MOST_CHARACTERS: usize = 40;

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

impl Colour {
    /// From `#RRGGBB`. What is something else is magenta, which stands out.
    pub(crate) fn of(text: &str) -> Self {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.unwrap_or(0x00ff_00ff).to_be_bytes();
        Self([red, green, blue])
    }

    /// Black or white, whichever can be read on it.
    fn contrast(self) -> Self {
        let [red, green, blue] = self.0.map(u32::from);
        // How bright the eye finds the three.
        if red * 299 + green * 587 + blue * 114 > 150_000 {
            Self([0; 3])
        } else {
            Self([255; 3])
        }
    }

    fn paint(self, alpha: u8) -> Paint<'static> {
        let [red, green, blue] = self.0;
        let mut paint = Paint::default();
        paint.set_color(Color::from_rgba8(red, green, blue, alpha));
        paint.anti_alias = true;
        paint
    }
}

/// An object to draw.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub(crate) outline: Outline,
    pub(crate) colour: Colour,
    pub(crate) label: String,
}

/// A picture to draw over.
pub(crate) struct Canvas {
    pixels: Pixmap,
    /// How much larger than the smallest lines and characters are.
    step: u32,
}

impl Canvas {
    /// None if the picture has no pixels.
    pub(crate) fn new(picture: &RgbImage) -> Option<Self> {
        let mut pixels = Pixmap::new(picture.width(), picture.height())?;
        for (pixel, own) in pixels.pixels_mut().iter_mut().zip(picture.pixels()) {
            *pixel = opaque(own.0);
        }
        let longer = picture.width().max(picture.height());
        Some(Self {
            pixels,
            step: 1 + longer / PIXELS_PER_STEP,
        })
    }

    /// Draws objects in their order, and then their labels, so that none of these is under an object.
    pub(crate) fn draw(&mut self, objects: &[Labelled]) {
        for object in objects {
            self.outline(&object.outline, object.colour);
        }
        for object in objects {
            if let Some(bounds) = object.outline.bounds() {
                self.label(&object.label, bounds, object.colour);
            }
        }
    }

    pub(crate) fn into_picture(self) -> RgbImage {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let pixels = self.pixels.pixels();
        RgbImage::from_fn(width, height, |x, y| {
            // Opaque, so that nothing was multiplied.
            let pixel = pixels[(y * width + x) as usize];
            image::Rgb([pixel.red(), pixel.green(), pixel.blue()])
        })
    }

    fn outline(&mut self, outline: &Outline, colour: Colour) {
        let solid = colour.paint(255);
        let still = Transform::identity();
        let stroke = Stroke {
            width: (2 * self.step) as f32,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        for area in &outline.areas {
            let Some(path) = path(area, true) else {
                continue;
            };
            let paint = colour.paint(COVERING);
            self.pixels
                .fill_path(&path, &paint, FillRule::EvenOdd, still, None);
            // The area of a shape with lines is what these enclose.
            if outline.lines.is_empty() {
                self.pixels.stroke_path(&path, &solid, &stroke, still, None);
            }
        }
        if let Some(path) = path(&outline.lines, false) {
            self.pixels.stroke_path(&path, &solid, &stroke, still, None);
        }
        let radius = (3 * self.step) as f32;
        for point in &outline.points {
            let [x, y] = near(*point);
            if let Some(path) = PathBuilder::from_circle(x, y, radius) {
                let rule = FillRule::Winding;
                self.pixels.fill_path(&path, &solid, rule, still, None);
            }
        }
        if let Some(mask) = &outline.mask {
            self.mask(mask, colour);
        }
    }

    /// Pixels at the edge of a mask have its colour, those within a part of it.
    fn mask(&mut self, mask: &Mask, colour: Colour) {
        let size = mask.size();
        for y in 0..size.height.min(self.pixels.height()) {
            for x in 0..size.width.min(self.pixels.width()) {
                if !mask.covers(x, y) {
                    continue;
                }
                let within = x > 0
                    && y > 0
                    && mask.covers(x - 1, y)
                    && mask.covers(x + 1, y)
                    && mask.covers(x, y - 1)
                    && mask.covers(x, y + 1);
                self.cover(x, y, colour, if within { COVERING } else { 255 });
            }
        }
    }

    /// Above the object or, where there is no room, in its upper left corner.
    fn label(&mut self, label: &str, bounds: Bounds, colour: Colour) {
        let label: String = label.chars().take(MOST_CHARACTERS).collect();
        let (step, margin) = (self.step, self.step);
        let width = text::width(&label) * step + 2 * margin;
        let height = text::SIDE * step + 2 * margin;
        // A cast of what is negative or too large saturates.
        let left = (bounds.x.floor() as u32).min(self.pixels.width().saturating_sub(width));
        let above = bounds.y.floor() as u32;
        let top = above
            .saturating_sub(height)
            .min(self.pixels.height().saturating_sub(height));
        for y in top..top.saturating_add(height) {
            for x in left..left.saturating_add(width) {
                self.cover(x, y, colour, 255);
            }
        }
        let ink = colour.contrast();
        text::dots(&label, |column, row| {
            for dot in 0..step * step {
                let x = left + margin + column * step + dot % step;
                let y = top + margin + row * step + dot / step;
                self.cover(x, y, ink, 255);
            }
        });
    }

    /// Pixels outside of the picture are passed over.
    fn cover(&mut self, x: u32, y: u32, colour: Colour, alpha: u8) {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        if x >= width || y >= height {
            return;
        }
        let pixel = &mut self.pixels.pixels_mut()[(y * width + x) as usize];
        let under = [pixel.red(), pixel.green(), pixel.blue()];
        let mixed = |channel: usize| {
            let (over, under) = (u32::from(colour.0[channel]), u32::from(under[channel]));
            let alpha = u32::from(alpha);
            // At most 255 again.
            ((over * alpha + under * (255 - alpha) + 127) / 255) as u8
        };
        *pixel = opaque([mixed(0), mixed(1), mixed(2)]);
    }
}

fn opaque([red, green, blue]: [u8; 3]) -> PremultipliedColorU8 {
    PremultipliedColorU8::from_rgba(red, green, blue, 255)
        .expect("no channel is over the alpha of 255")
}

fn path(lines: &[Vec<Dot>], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines {
        let mut points = line.iter().map(|point| near(*point));
        let Some([x, y]) = points.next() else {
            continue;
        };
        path.move_to(x, y);
        for [x, y] in points {
            path.line_to(x, y);
        }
        if closed {
            path.close();
        }
    }
    path.finish()
}

fn near(point: Dot) -> [f32; 2] {
    point.map(|number| number.clamp(-FARTHEST, FARTHEST) as f32)
}
