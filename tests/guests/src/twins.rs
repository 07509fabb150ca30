//! Logs what another project has of the same data; the setting `twin` says which project.

use runner_sdk::prelude::*;

#[stage("Agent", twin_setting = "twin", twin_task)]
fn agent(twin: Option<Twin>, needed: Result<Twin>, row: LabelRow, context: &Context) -> Result<()> {
    if let Err(error) = needed {
        info!("no twin: {error}");
    }
    let nobody = context.twin(uuid!("e0000000-0000-4000-8000-0000000000ff"));
    info!("of no project: {}", nobody.is_err());
    let Some(twin) = twin else { return Ok(()) };
    info!(
        "twin in {}, the same data {}, branch {}, status {}, stage {:?}",
        twin.project_hash(),
        twin.data_hash() == row.data_hash(),
        twin.branch_name(),
        twin.label_status(),
        twin.stage().map(|stage| stage.title)
    );
    info!("task {:?}", twin.task()?.map(|task| task.status()));
    match twin.label_row()? {
        Some(labels) => info!(
            "labelled {}, {} objects, saved {}",
            twin.label_hash() == Some(labels.label_hash()),
            labels.objects().len(),
            labels.save().is_ok()
        ),
        None => info!("not labelled"),
    }
    Ok(())
}
