//! Compares the boxes of a task with those that another project has of the same data, and sends disagreement to review.

use runner_sdk::Geometry;
use runner_sdk::prelude::*;

/// A box of one object on one frame.
#[derive(Clone, Debug)]
struct Seen {
    name: String,
    frame: u32,
    bounds: BoundingBox,
}

#[stage("Compare", twin_setting = "twin")]
fn compare(row: LabelRow, twin: Option<Twin>, settings: Settings) -> Result<Outcome> {
    let labels = twin.map(|twin| twin.label_row()).transpose()?.flatten();
    let Some(labels) = labels else {
        return Ok(Outcome::to("Nothing to compare"));
    };
    let least_iou = settings.parse("iou")?.unwrap_or(0.5);
    let (ours, theirs) = (boxes(&row), boxes(&labels));
    let agreement = agreement(&ours, &theirs, least_iou);
    info!(
        "{} boxes here, {} there, agreement {agreement:.2}",
        ours.len(),
        theirs.len()
    );
    Ok(
        if agreement >= settings.parse("agreement")?.unwrap_or(0.9) {
            Outcome::to("Agreed")
        } else {
            // The worst first.
            Outcome::to("Review").priority(1.0 - agreement)
        },
    )
}

fn boxes(row: &LabelRow) -> Vec<Seen> {
    let mut boxes = Vec::new();
    for object in row.objects() {
        for frame in object
            .frames()
            .into_iter()
            .flat_map(|range| range.start..=range.end)
        {
            if let Some(Geometry::BoundingBox(bounds)) = object.geometry(frame) {
                boxes.push(Seen {
                    name: object.object_name(),
                    frame,
                    bounds,
                });
            }
        }
    }
    boxes
}

/// The share of boxes that have a match, from 0 to 1: one of the same name on the same frame that overlaps it by `least_iou`,
/// the pairs that overlap most first. Two rows without boxes agree.
fn agreement(ours: &[Seen], theirs: &[Seen], least_iou: f64) -> f64 {
    let mut pairs = Vec::new();
    for (our, one) in ours.iter().enumerate() {
        for (their, other) in theirs.iter().enumerate() {
            if one.frame == other.frame && one.name == other.name {
                let iou = one.bounds.iou(&other.bounds);
                if iou >= least_iou {
                    pairs.push((iou, our, their));
                }
            }
        }
    }
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut taken, mut given) = (vec![false; ours.len()], vec![false; theirs.len()]);
    let mut matches = 0;
    for (_, our, their) in pairs {
        if !taken[our] && !given[their] {
            (taken[our], given[their]) = (true, true);
            matches += 1;
        }
    }
    match ours.len() + theirs.len() {
        0 => 1.0,
        boxes => f64::from(2 * matches) / boxes as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, frame: u32, x: f64) -> Seen {
        Seen {
            name: name.to_owned(),
            frame,
            bounds: BoundingBox::new(x, 0.0, 0.2, 0.2),
        }
    }

    #[test]
    fn boxes_match_by_name_frame_and_place() {
        let ours = [seen("Car", 0, 0.1), seen("Car", 0, 0.6)];
        assert_eq!(agreement(&ours, &ours, 0.5), 1.0);
        assert_eq!(agreement(&ours, &[seen("Car", 0, 0.12)], 0.5), 2.0 / 3.0);
        assert_eq!(
            agreement(&ours, &[seen("Bus", 0, 0.1), seen("Car", 1, 0.6)], 0.5),
            0.0
        );
        assert_eq!(agreement(&ours, &[], 0.5), 0.0);
        assert_eq!(agreement(&[], &[], 0.5), 1.0);
    }

    #[test]
    fn a_box_has_one_match() {
        let twice = [seen("Car", 0, 0.1), seen("Car", 0, 0.11)];
        assert_eq!(agreement(&twice, &[seen("Car", 0, 0.1)], 0.5), 2.0 / 3.0);
    }
}
