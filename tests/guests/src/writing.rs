//! Writes all that a plugin can write: on an empty row everything that its type of data allows, on any other changes to
//! what is there.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn write(row: LabelRow) -> Result<Outcome> {
    if row.objects().is_empty() && row.classifications().is_empty() {
        draw(&row)?;
        classify(&row)?;
    } else {
        change(&row)?;
    }
    row.save()?;
    Ok(Outcome::stay().priority(0.1 + 0.2))
}

fn draw(row: &LabelRow) -> Result<()> {
    if !matches!(row.data_type().as_str(), "image" | "img_group" | "video") {
        return Ok(());
    }
    for frame in 0..row.number_of_frames() {
        let part = 1.0 / f64::from(frame + 2);
        let drawn = row.add_bounding_box(
            "Box",
            BoundingBox::new(part, part, 1.0 - part, part / 3.0),
            frame,
        )?;
        drawn.set_confidence(part)?;
        drawn.set_manual_annotation(frame % 2 == 1);
    }
    // By its feature hash, and over the whole frame.
    row.add_bounding_box("objBox00", BoundingBox::new(0.0, 0.0, 1.0, 1.0), 0)?;
    Ok(())
}

/// Every kind of question, nested and global ones among them.
fn classify(row: &LabelRow) -> Result<()> {
    row.add_classification("Whole", Answer::option("Bad"))?
        .set_confidence(1e-3)?;
    row.add_classification("clsTotal", Answer::number(-1234.5678901234567))?;
    if row.data_type() == "group" {
        // Its parts have frames, it has none.
        return Ok(());
    }
    let wet = [
        Answer::option("Wet"),
        Answer::option("Soaked").to("How wet"),
        Answer::number(2.5).to("Litres"),
        Answer::text("puddles \"everywhere\"\n… Ω 酒").to("Remark"),
    ];
    row.add_classification("Weather", wet)?
        .set_manual_annotation(true);
    // By label, value and feature hash.
    let seen = Answer::options(["seeTrees", "People", "old_cars"]);
    let last = match row.data_type().as_str() {
        // Milliseconds of a sound of a second; characters of a text.
        "audio" => 999,
        "plain_text" => 40,
        _ => row.number_of_frames() - 1,
    };
    row.add_classification_on("Seen", seen, [0..=0, last..=last])?;
    row.add_classification("Told", Answer::text(""))?;
    row.add_classification_on("clsLevel", Answer::number(0.1 + 0.2), [0..=last])?;
    Ok(())
}

fn change(row: &LabelRow) -> Result<()> {
    for object in row.objects() {
        object.set_confidence(0.5)?;
        object.set_manual_annotation(false);
    }
    for classification in row.classifications() {
        classification.set_confidence(0.25)?;
        classification.set_manual_annotation(true);
    }
    Ok(())
}
