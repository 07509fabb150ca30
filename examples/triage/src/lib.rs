//! Routes pictures by their size and shape, and proposes a square crop of those that are not square.

use runner_sdk::prelude::*;

/// Pictures with fewer pixels than this are not worth a reviewer's time.
const FEWEST_PIXELS: u64 = 300_000;

/// A picture is square if its shorter side is over this share of its longer one.
const SQUARE: f64 = 0.95;

#[stage("Triage")]
fn triage(item: StorageItem, row: LabelRow) -> Result<Outcome> {
    let (Some(width), Some(height)) = (item.width(), item.height()) else {
        let (name, kind) = (item.name(), item.item_type());
        return Err(AgentError::fatal(format!(
            "expected a picture with a size, found {name} ({kind})"
        )));
    };
    let pixels = u64::from(width) * u64::from(height);
    if pixels < FEWEST_PIXELS {
        info!("{width} x {height} pixels are too few");
        return Ok(Outcome::to("Too small"));
    }

    let orientation = Orientation::of(width, height);
    row.add_classification("Orientation", Answer::option(orientation.label()))?;
    let outcome = if orientation == Orientation::Square {
        Outcome::to("Ready")
    } else {
        row.add_bounding_box("Centre crop", centre_crop(width, height), 0)?;
        Outcome::to("Crop check").priority(priority(pixels))
    };
    row.save()?;
    Ok(outcome)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Orientation {
    Landscape,
    Portrait,
    Square,
}

impl Orientation {
    fn of(width: u32, height: u32) -> Self {
        let (shorter, longer) = (width.min(height), width.max(height));
        if f64::from(shorter) > SQUARE * f64::from(longer) {
            Self::Square
        } else if width > height {
            Self::Landscape
        } else {
            Self::Portrait
        }
    }

    /// The option of the ontology's classification.
    fn label(self) -> &'static str {
        match self {
            Self::Landscape => "Landscape",
            Self::Portrait => "Portrait",
            Self::Square => "Square",
        }
    }
}

/// The largest square in the middle of the picture.
fn centre_crop(width: u32, height: u32) -> BoundingBox {
    let (width, height) = (f64::from(width), f64::from(height));
    let side = width.min(height);
    let (relative_width, relative_height) = (side / width, side / height);
    BoundingBox::new(
        (1.0 - relative_width) / 2.0,
        (1.0 - relative_height) / 2.0,
        relative_width,
        relative_height,
    )
}

/// Large pictures come first: the number of megapixels, as far as priorities go.
fn priority(pixels: u64) -> f64 {
    (pixels as f64 / 1e6).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_that_differ_by_less_than_5_percent_are_square() {
        assert_eq!(Orientation::of(1000, 951), Orientation::Square);
        assert_eq!(Orientation::of(1000, 950), Orientation::Landscape);
        assert_eq!(Orientation::of(950, 1000), Orientation::Portrait);
    }

    #[test]
    fn the_crop_is_the_largest_centred_square() {
        assert_eq!(
            centre_crop(2000, 1000),
            BoundingBox::new(0.25, 0.0, 0.5, 1.0)
        );
        assert_eq!(
            centre_crop(1000, 4000),
            BoundingBox::new(0.0, 0.375, 1.0, 0.25)
        );
    }

    #[test]
    fn priorities_stay_within_0_and_1() {
        assert_eq!(priority(300_000), 0.3);
        assert_eq!(priority(12_000_000), 1.0);
    }
}
