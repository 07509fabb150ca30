//! Small text, in a font of 8 x 8 pixels.

use font8x8::{BASIC_FONTS, GREEK_FONTS, LATIN_FONTS, UnicodeFonts};

/// Of a character, in dots.
pub(super) const SIDE: u32 = 8;

/// Calls `dot` with column and row of each dot of a text. A character without a form is a question mark.
pub(super) fn dots(text: &str, mut dot: impl FnMut(u32, u32)) {
    for (place, character) in (0..).zip(text.chars()) {
        let form = BASIC_FONTS
            .get(character)
            .or_else(|| LATIN_FONTS.get(character))
            .or_else(|| GREEK_FONTS.get(character))
            .or_else(|| BASIC_FONTS.get('?'));
        for (row, line) in (0..).zip(form.unwrap_or_default()) {
            for column in (0..SIDE).filter(|column| line >> column & 1 == 1) {
                dot(place * SIDE + column, row);
            }
        }
    }
}

/// In dots.
pub(super) fn width(text: &str) -> u32 {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    characters.saturating_mul(SIDE)
}
