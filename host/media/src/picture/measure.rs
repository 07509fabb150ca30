//! Numbers that say something about a picture, as OpenCV computes them.

use super::{CHANNELS, Picture};

pub(super) fn brightness(picture: &Picture) -> f64 {
    let sum: u64 = picture
        .rgb()
        .chunks_exact(CHANNELS)
        .map(|pixel| u64::from(luma(pixel)))
        .sum();
    sum as f64 / pixels(picture)
}

pub(super) fn sharpness(picture: &Picture) -> f64 {
    let width = picture.width as usize;
    let height = picture.height as usize;
    let line = |row: usize, into: &mut Vec<i32>| {
        let start = row * width * CHANNELS;
        let pixels = picture.rgb()[start..start + width * CHANNELS].chunks_exact(CHANNELS);
        into.clear();
        into.extend(pixels.map(|pixel| i32::from(luma(pixel))));
    };
    let (mut above, mut middle, mut below) = (Vec::new(), Vec::new(), Vec::new());
    line(mirrored(1, height), &mut above);
    line(0, &mut middle);
    // Whole numbers, so that nothing is rounded before the end: at most 2^27 pixels of at most (4 × 255)².
    let (mut sum, mut squares) = (0_i64, 0_u64);
    for row in 0..height {
        line(mirrored(row + 1, height), &mut below);
        for column in 0..width {
            let left = middle[if column == 0 {
                mirrored(1, width)
            } else {
                column - 1
            }];
            let right = middle[mirrored(column + 1, width)];
            let value = above[column] + below[column] + left + right - 4 * middle[column];
            sum += i64::from(value);
            squares += u64::from(value.unsigned_abs()).pow(2);
        }
        std::mem::swap(&mut above, &mut middle);
        std::mem::swap(&mut middle, &mut below);
    }
    let mean = sum as f64 / pixels(picture);
    squares as f64 / pixels(picture) - mean * mean
}

/// A position that may be one past the end, where the picture is mirrored at the centre of its last pixel.
fn mirrored(position: usize, length: usize) -> usize {
    if position < length {
        position
    } else {
        length.saturating_sub(2)
    }
}

/// 0.299 R + 0.587 G + 0.114 B in 15 bits after the point, as in OpenCV's `cvtColor`.
fn luma(pixel: &[u8]) -> u8 {
    const SHIFT: u32 = 15;
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    // At most 255: the factors are 2^15 together.
    ((9798 * red + 19235 * green + 3735 * blue + (1 << (SHIFT - 1))) >> SHIFT) as u8
}

fn pixels(picture: &Picture) -> f64 {
    f64::from(picture.width) * f64::from(picture.height)
}
