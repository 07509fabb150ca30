use runner_sdk::prelude::*;

#[stage("Crop")]
fn crop(frame: SingleFrame, row: LabelRow) -> Result<()> {
    for object in row.objects() {
        frame.crop(&object)?;
    }
    Ok(())
}

fn main() {}
