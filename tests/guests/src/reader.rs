//! Reads everything that the contract offers, undeclared, and logs it as one line for each part.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn read(context: &Context) -> Result<()> {
    let task = context.task();
    info!(
        "task {} {} {}",
        task.data_title(),
        task.status(),
        task.label_branch_name()
    );
    let project = context.project();
    info!(
        "project {} with {} stages",
        project.title(),
        project.stages().len()
    );
    let stage = context.agent_stage();
    let pathways: Vec<_> = stage
        .pathways()
        .into_iter()
        .map(|pathway| pathway.name)
        .collect();
    info!("stage {} with {}", stage.title(), pathways.join(", "));
    let ontology = project.ontology();
    for object in ontology.objects() {
        info!(
            "object {} {} {}",
            object.name(),
            object.shape(),
            object.attributes().len()
        );
    }
    for classification in ontology.classifications() {
        let attribute = classification.attribute();
        let options: Vec<_> = attribute
            .options()
            .iter()
            .map(|option| option.label())
            .collect();
        info!(
            "classification {} {} {}",
            classification.title(),
            attribute.property_type(),
            options.join(", ")
        );
    }
    let item = context.storage_item()?;
    info!(
        "item {} {} {:?} {:?}",
        item.name(),
        item.item_type(),
        item.width(),
        item.height()
    );
    let row = context.label_row()?;
    info!(
        "row {} {} {} {}",
        row.data_title(),
        row.data_type(),
        row.number_of_frames(),
        row.data_units().len()
    );
    for object in row.objects() {
        let annotation = object.annotation(0);
        info!(
            "instance {} {} {:?}",
            object.object_name(),
            object.shape(),
            annotation.map(|one| one.geometry)
        );
    }
    for classification in row.classifications() {
        info!(
            "instance {} {:?}",
            classification.classification_name(),
            classification.answers()
        );
    }
    Ok(())
}
