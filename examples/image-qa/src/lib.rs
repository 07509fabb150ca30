//! Sorts out pictures that are dark, overexposed or blurred, before anybody labels them.

use runner_sdk::prelude::*;
use serde::Serialize;

/// Sharpness depends on the size, so it is measured within this one, in pixels.
const SIZE: u32 = 512;

/// What is noted on the storage item.
#[derive(Debug, Serialize)]
struct Measures {
    brightness: f64,
    sharpness: f64,
}

#[dependency]
fn measures(frame: SingleFrame) -> Result<Measures> {
    Ok(Measures {
        brightness: frame.brightness(),
        sharpness: frame.fit(SIZE, SIZE)?.sharpness(),
    })
}

/// What is acceptable: brightness from 0 to 255, sharpness from 0. Photographs in focus have a hundred and more, those that are
/// out of it about 2.
#[derive(Debug)]
struct Limits {
    darkest: f64,
    brightest: f64,
    softest: f64,
}

#[dependency]
fn limits(settings: Settings) -> Result<Limits> {
    Ok(Limits {
        darkest: settings.parse("darkest")?.unwrap_or(40.0),
        brightest: settings.parse("brightest")?.unwrap_or(220.0),
        softest: settings.parse("softest")?.unwrap_or(20.0),
    })
}

#[dependency]
fn verdict(measures: Depends<measures>, limits: Depends<limits>) -> Verdict {
    if measures.brightness < limits.darkest {
        Verdict::Dark
    } else if measures.brightness > limits.brightest {
        Verdict::Overexposed
    } else if measures.sharpness < limits.softest {
        Verdict::Blurred
    } else {
        Verdict::Good
    }
}

#[stage("Image QA")]
fn qa(
    verdict: Depends<verdict>,
    measures: Depends<measures>,
    row: LabelRow,
    item: StorageItem,
) -> Result<&'static str> {
    info!(
        "{}: brightness {:.0}, sharpness {:.0}, {}",
        item.name(),
        measures.brightness,
        measures.sharpness,
        verdict.name()
    );
    item.update_client_metadata(&json!({ "qa": *measures }))?;
    row.add_classification("Quality", Answer::option(verdict.name()))?;
    row.save()?;
    Ok(match *verdict {
        Verdict::Good => "Annotate",
        _ => "Reject",
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Good,
    Dark,
    Overexposed,
    Blurred,
}

impl Verdict {
    /// The option of the ontology's classification.
    fn name(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Dark => "Dark",
            Self::Overexposed => "Overexposed",
            Self::Blurred => "Blurred",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_verdict() {
        let decided = |brightness, sharpness| {
            let measures = Measures {
                brightness,
                sharpness,
            };
            let limits = Limits {
                darkest: 40.0,
                brightest: 220.0,
                softest: 20.0,
            };
            verdict(Depends::of(measures), Depends::of(limits))
        };
        assert_eq!(decided(39.0, 500.0), Verdict::Dark);
        assert_eq!(decided(221.0, 500.0), Verdict::Overexposed);
        assert_eq!(decided(120.0, 19.0), Verdict::Blurred);
        assert_eq!(decided(120.0, 20.0), Verdict::Good);
    }
}
