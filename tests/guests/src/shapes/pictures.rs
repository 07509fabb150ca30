//! Everything that is drawn on frames.

use runner_sdk::prelude::*;
use runner_sdk::{Geometry, ObjectInstance, SkeletonPoint, Visibility};

use crate::ensure;

pub(crate) fn draw(row: &LabelRow) -> Result<()> {
    let last = row.number_of_frames() - 1;
    let before = row.objects().len();
    let solid = matches!(row.data_type().as_str(), "dicom" | "nifti");
    let bounds = draw_flat(row, last)?;
    let spot = draw_points(row, last, solid)?;
    // A mask is in pixels, which PDFs have none of.
    let masked = row.data_type() != "pdf";
    if masked {
        draw_mask(row)?;
    }
    let drawn = 10 + usize::from(masked);
    ensure(
        row.objects().len() == before + drawn,
        "one object is drawn of each shape",
    )?;
    answer(&bounds, last)?;
    spread(row, &spot, last)?;
    take_back(row)?;
    from_model(row)
}

fn draw_flat(row: &LabelRow, last: u32) -> Result<ObjectInstance> {
    let upright = BoundingBox::from_pixels(16.0, 12.0, 32.0, 24.0, 64, 48);
    let drawn = row
        .add("Box", upright)
        .confidence(0.5)
        .manual(true)
        .answer(Answer::option("Red").to("Colour"))
        .answer([
            Answer::text("wine").to("Shade"),
            Answer::number(3.0).to("Count"),
        ])
        .on([0, last])?;
    ensure(
        drawn.geometry(last) == Some(Geometry::BoundingBox(upright)),
        "a box is read as it was drawn",
    )?;
    drawn.draw(BoundingBox::from_edges(0.0, 0.0, 1.0, 1.0), last)?;
    let annotation = drawn.annotation(last);
    ensure(
        annotation.is_some_and(|one| one.confidence == 0.5 && one.manual_annotation),
        "a box that is drawn anew keeps its confidence",
    )?;
    drawn.set_confidence_on(0.25, 0)?;
    drawn.set_manual_annotation_on(false, 0)?;
    ensure(
        drawn.confidence() == 0.25,
        "the confidence is that of the first frame",
    )?;
    ensure(
        !drawn.manual_annotation(),
        "it is no longer made by a person",
    )?;

    row.add("Turned box", upright.rotated(33.0)).on(0..=last)?;
    row.add(
        "Ball",
        Circle::new(0.5, 0.5, 0.25).stretched(0.5).rotated(10.0),
    )
    .on(0)?;
    row.add("Egg", Ellipse::new(0.5, 0.5, 0.25, 0.125).rotated(45.0))
        .on(FrameRange::from(last))?;
    let area = Polygon::new([(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)])
        .with_hole([(0.4, 0.3), (0.6, 0.3), (0.5, 0.5)])
        .with_area([(0.91, 0.91), (0.99, 0.91), (0.95, 0.99)]);
    row.add("Area", area.clone()).on([0..=0, last..=last])?;
    let front = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6)];
    let brick = row
        .add("Brick", Cuboid2d::perspective(front, (0.9, 0.1), 0.5))
        .on(0)?;
    let offset = Cuboid2d::isometric(front, (0.1, -0.1));
    brick.draw(offset.clone(), last)?;
    let read = brick
        .geometry(last)
        .and_then(|read| Cuboid2d::from_geometry(&read));
    ensure(read == Some(offset), "a brick is read as it was drawn")?;
    let crate_ = Cuboid::new((1.0, -2.0, 3.5), (0.0, 0.5, 0.0), (4.0, 2.0, 1.5));
    row.add("Crate", crate_).on(0)?;
    Ok(drawn)
}

fn draw_points(row: &LabelRow, last: u32, solid: bool) -> Result<ObjectInstance> {
    let (line, spot) = if solid {
        let line = Polyline::new([(0.1, 0.2, 1.5), (0.3, 0.4, 2.5), (0.9, 0.6, 40.0)]);
        (line, Point::with_depth(0.25, 0.75, 12.5))
    } else {
        (
            Polyline::new([(0.1, 0.2), (0.3, 0.4), (0.9, 0.6)]),
            Point::new(0.25, 0.75),
        )
    };
    row.add("Line", line).on(0..=last)?;
    let spot = row.add("Spot", spot).on(0)?;
    let standing = Skeleton::new([("head", 0.5, 0.1), ("hip", 0.5, 0.5), ("foot", 0.4, 0.9)]);
    let stick = row.add("Stick", standing).on(0)?;
    let covered = Skeleton::new([
        SkeletonPoint::new("head", 0.6, 0.1).seen(Visibility::Visible),
        SkeletonPoint::new("hip", 0.6, 0.5).seen(Visibility::SelfOccluded),
        SkeletonPoint::new("foot", 0.5, 0.9).seen(Visibility::Invisible),
    ]);
    stick.draw(covered, last)?;
    let nose = row.add("Stick", Skeleton::new([("nose", 0.5, 0.5)])).on(0);
    ensure(
        matches!(nose, Err(Error::InvalidArgument(_))),
        "a stick has no nose",
    )?;
    Ok(spot)
}

fn draw_mask(row: &LabelRow) -> Result<()> {
    let units = row.data_units();
    let first = units.first();
    let width = row.width().or_else(|| first?.width());
    let height = row.height().or_else(|| first?.height());
    let (Some(width), Some(height)) = (width, height) else {
        return Err(AgentError::fatal("a picture without a size"));
    };
    // The left half.
    let pixels = u64::from(width) * u64::from(height);
    let inside = |pixel: u64| pixel % u64::from(width) < u64::from(width / 2);
    let bools: Vec<bool> = (0..pixels).map(inside).collect();
    let bytes: Vec<u8> = bools.iter().map(|inside| u8::from(*inside)).collect();
    let mask = Bitmask::from_bools(width, height, &bools)?;
    ensure(
        mask == Bitmask::from_bytes(width, height, &bytes)?,
        "both make one mask",
    )?;
    ensure(
        mask.to_bytes()? == bytes,
        "a mask is decoded as it was encoded",
    )?;
    let half = f64::from(width / 2) / f64::from(width);
    ensure(
        mask.bounding_box()? == Some(BoundingBox::new(0.0, 0.0, half, 1.0)),
        "the box around it is the left half",
    )?;
    row.add("Mask", mask).on(0)?;
    Ok(())
}

/// Nested and plain, given, changed and taken back; over the frames, where that differs from frame to frame.
fn answer(drawn: &ObjectInstance, last: u32) -> Result<()> {
    ensure(drawn.answer("Colour")?.is("red"), "the box is red")?;
    ensure(
        drawn.answer("Shade")?.text().as_deref() == Some("wine"),
        "it is of wine",
    )?;
    drawn.set_answer([
        Answer::options(["Dots", "thin_lines"]).to("Marks"),
        Answer::option("Matt").to("Finish"),
        Answer::number(0.1 + 0.2).to("Grain"),
        Answer::options(["First", "Third"]).to("Tags"),
        Answer::text("noted").to("Note"),
    ])?;
    ensure(
        drawn.answer("Marks")?.options().len() == 2,
        "it has both marks",
    )?;
    ensure(
        drawn.answer("Grain")?.number() == Some(0.1 + 0.2),
        "it has a grain",
    )?;
    drawn.clear_answer("Finish")?;
    ensure(
        !drawn.answer("Grain")?.is_given(),
        "the grain went with the finish",
    )?;
    drawn.clear_answer("Count")?;
    ensure(drawn.answer("Colr").is_err(), "a box has no Colr")?;

    drawn.set_answer([
        Answer::number(3.25).to("Speed"),
        Answer::text("all").to("Says"),
    ])?;
    drawn.set_answer_on(Answer::options(["Standing", "Turning"]).to("Doing"), 0)?;
    drawn.set_answer_on(Answer::option("Yes").to("Visible"), 0)?;
    if last > 0 {
        drawn.set_answer_on(Answer::option("No").to("Visible"), last)?;
        drawn.clear_answer_on("Speed", last)?;
        ensure(
            !drawn.answer_on("Speed", last)?.is_given(),
            "it is at rest in the end",
        )?;
    }
    let visible = drawn.answer_on("Visible", 0)?;
    ensure(
        visible.option().as_deref() == Some("Yes"),
        "it is visible at first",
    )?;
    ensure(
        drawn.answers_on(0).len() == 4,
        "all that changes is answered at first",
    )?;
    ensure(
        drawn.dynamic_answers().len() >= 4,
        "dynamic answers are listed",
    )
}

/// Copied, moved and taken from frames.
fn spread(row: &LabelRow, spot: &ObjectInstance, last: u32) -> Result<()> {
    if last == 0 {
        return Ok(());
    }
    spot.copy_to(0, 1..=last)?;
    ensure(
        spot.frames() == [FrameRange::new(0, last)],
        "it is on all frames",
    )?;
    spot.remove_from(last)?;
    spot.move_to(0, last)?;
    ensure(
        spot.frames() == [FrameRange::new(1, last)],
        "it is on all but the first",
    )?;
    ensure(
        matches!(spot.move_to(0, last), Err(Error::NotFound(_))),
        "what is not on a frame is not taken from it",
    )?;
    let on_first = row.objects().of("Spot")?.on(0);
    ensure(on_first.is_empty(), "no spot is on the first frame")
}

/// What is removed is gone, and what cannot be added just as described is not added.
fn take_back(row: &LabelRow) -> Result<()> {
    let before = row.objects().len();
    let bounds = BoundingBox::new(0.1, 0.1, 0.1, 0.1);
    let gone = row.add_bounding_box("Box", bounds, 0)?;
    let hash = gone.object_hash();
    ensure(row.objects().find(&hash).is_some(), "a new box is found")?;
    gone.remove();
    gone.remove();
    ensure(
        row.find_object(&hash).is_none(),
        "a removed box is not found",
    )?;
    ensure(
        gone.object_name() == "Box" && gone.frames().is_empty(),
        "its handle still says what it was",
    )?;
    ensure(
        matches!(gone.set_confidence(0.5), Err(Error::NotFound(_))),
        "it is edited no more",
    )?;
    let too_sure = row.add("Box", bounds).confidence(1.5).on(0);
    ensure(
        matches!(too_sure, Err(Error::InvalidArgument(_))),
        "nothing is surer than sure",
    )?;
    let purple = Answer::option("Purple").to("Colour");
    let unknown = row.add("Box", bounds).answer(purple).on(0);
    ensure(
        matches!(unknown, Err(Error::InvalidArgument(_))),
        "no box is purple",
    )?;
    ensure(row.objects().len() == before, "nothing was added")
}

/// As a language model would answer.
fn from_model(row: &LabelRow) -> Result<()> {
    let features = ["Area", "Turned box"];
    let schema = row.ontology().json_schema(features)?;
    ensure(schema.contains("Turned box"), "the schema has the objects")?;
    let triangle = Polygon::new([(0.0, 0.0), (0.5, 0.0), (0.25, 0.5)]);
    let area = row.add_object_from_json(features, r#"{"choice": "Area"}"#, triangle, 0)?;
    ensure(area.shape() == "polygon", "an area is a polygon")?;
    let of_all = row.objects().of("objArea0")?;
    ensure(
        of_all.find(&area.object_hash()).is_some(),
        "a new object is among those of its feature",
    )?;
    for object in &of_all {
        info!("{:?} {:?}", object.object_number(), object.reviews());
        info!("{:?} {:?}", object.created_by(), object.created_at());
        info!(
            "{:?} {:?}",
            object.last_edited_by(),
            object.last_edited_at()
        );
        info!("{} {}", object.feature_hash(), object.to_json().len());
    }
    area.set_confidence(0.75)?;
    area.set_manual_annotation(true);
    let around = area.geometry(0).and_then(|area| area.bounding_box(64, 48));
    let expected = BoundingBox::new(0.0, 0.0, 0.5, 0.5);
    ensure(
        around.is_some_and(|around| around.iou(&expected) == 1.0),
        "the box around it is a quarter of the frame",
    )
}
