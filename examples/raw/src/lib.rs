//! An agent without the SDK: bindings generated from `wit/`, and what the contract says.

wit_bindgen::generate!({ path: "../../wit", world: "stage" });

use exports::runner::stage::agent::{Guest as Agent, Outcome};
use exports::runner::stage::plugin::Guest as Plugin;
use runner::stage::context::Context;
use runner::stage::declaration::Declaration;
use runner::stage::labels::{
    AttributeAnswer, BoundingBox, Geometry, GivenAnswer, LabelRow, Point, Polygon,
};
use runner::stage::logging::{self, Level};
use runner::stage::types::{Error, FrameRange};

/// The title of the stage that it serves.
const STAGE: &str = "Agent";

struct Diamonds;

impl Plugin for Diamonds {
    fn describe() -> Vec<Declaration> {
        let declaration = Declaration::new(STAGE);
        // Fetched for many tasks at once, before `run`.
        declaration.needs_label_row();
        vec![declaration]
    }
}

impl Agent for Diamonds {
    fn run(_stage: String, context: Context) -> Result<Outcome, Error> {
        let row = context.label_row()?;
        let boxes = boxes_on(&row, 0);
        logging::log(Level::Info, &format!("{} boxes", boxes.len()));

        for (confidence, bounds) in &boxes {
            let diamond = Geometry::Polygon(diamond(bounds));
            let drawn = row.add_object("Area", &diamond, &[FrameRange { start: 0, end: 0 }])?;
            drawn.set_confidence(*confidence)?;
        }
        row.add_classification("Whole", &[whole(boxes.len())], None)?;

        row.save()?;
        Ok(Outcome {
            pathway: Some("done".to_owned()),
            priority: None,
        })
    }
}

/// The bounding boxes on a frame, and how sure their authors are.
fn boxes_on(row: &LabelRow, frame: u32) -> Vec<(f64, BoundingBox)> {
    let objects = row.objects_on(frame).into_iter();
    objects
        .filter_map(|object| {
            let annotation = object.annotation(frame)?;
            match annotation.geometry {
                Geometry::BoundingBox(bounds) => Some((annotation.confidence, bounds)),
                _ => None,
            }
        })
        .collect()
}

/// The area between the middles of a box's edges.
fn diamond(bounds: &BoundingBox) -> Polygon {
    let (middle_x, middle_y) = (
        bounds.x + bounds.width / 2.0,
        bounds.y + bounds.height / 2.0,
    );
    let (right, bottom) = (bounds.x + bounds.width, bounds.y + bounds.height);
    let corners = [
        (middle_x, bounds.y),
        (right, middle_y),
        (middle_x, bottom),
        (bounds.x, middle_y),
    ];
    let outline = corners.map(|(x, y)| Point { x, y, z: None });
    Polygon {
        areas: vec![vec![outline.into()]],
    }
}

/// The answer to the root attribute, which needs no name.
fn whole(boxes: usize) -> AttributeAnswer {
    let option = if boxes > 0 { "Good" } else { "Bad" };
    AttributeAnswer {
        attribute: None,
        value: GivenAnswer::Options(vec![option.to_owned()]),
    }
}

export!(Diamonds);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_touches_the_middle_of_each_edge() {
        let bounds = BoundingBox {
            x: 0.25,
            y: 0.5,
            width: 0.5,
            height: 0.25,
        };
        let polygon = diamond(&bounds);
        let outline = &polygon.areas[0][0];
        let corners: Vec<_> = outline.iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(
            corners,
            [(0.5, 0.5), (0.75, 0.625), (0.5, 0.75), (0.25, 0.625)]
        );
    }
}
