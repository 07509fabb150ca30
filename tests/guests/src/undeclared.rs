//! Uses what it did not declare: all of it is fetched when it is asked for.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(context: &Context) -> Result<Option<runner_sdk::StagePathway>> {
    let item = context.storage_item()?;
    let row = context.label_row()?;
    let asset = item.open_asset()?;
    let frame = item.read_single_frame()?;
    info!(
        "{} of {} bytes, {} x {}, {} objects",
        item.name(),
        asset.size(),
        frame.width(),
        frame.height(),
        row.objects().len()
    );
    let last = Depends::<shown>::resolve(context)?;
    info!("frames {last}");
    Ok(context.agent_stage().pathways().into_iter().next())
}

#[dependency]
fn shown(video: VideoSampler) -> Result<usize> {
    Ok(video
        .sample_rate(1.0)?
        .collect::<Result<Vec<_>, _>>()?
        .len())
}
