use runner_sdk::prelude::*;

fn no_shape(row: LabelRow) -> Result<()> {
    row.add("Car", (0.1, 0.2, 0.3, 0.4)).on(0)?;
    Ok(())
}

fn drawn_nowhere(row: LabelRow) -> Result<()> {
    row.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).add()?;
    Ok(())
}

fn sound_on_frames(row: LabelRow) -> Result<()> {
    row.add("Voice", 0..=250).on(0)?;
    Ok(())
}

fn no_frames(row: LabelRow) -> Result<()> {
    row.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).on("all")?;
    Ok(())
}

fn ranges_are_drawn(row: LabelRow) -> Result<()> {
    for object in row.objects() {
        object.draw(0..=250, 0)?;
    }
    Ok(())
}

fn main() {}
