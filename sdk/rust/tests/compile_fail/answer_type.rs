use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel(row: LabelRow) -> Result<()> {
    row.add_classification("Weather", "Sunny")?;
    Ok(())
}

fn main() {}
