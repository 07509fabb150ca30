//! What a row and an ontology say of themselves.

use runner_sdk::prelude::*;

use crate::ensure;

pub(crate) fn metadata(row: &LabelRow) {
    info!(
        "{} {} {}",
        row.data_title(),
        row.data_type(),
        row.label_status()
    );
    info!(
        "{} {} {}",
        row.label_hash(),
        row.data_hash(),
        row.branch_name()
    );
    info!("{} {}", row.dataset_hash(), row.dataset_title());
    info!("{:?} {:?}", row.created_at(), row.last_edited_at());
    info!("{:?} {:?}", row.backing_item_uuid(), row.client_metadata());
    info!(
        "{:?} x {:?}, {} frames",
        row.width(),
        row.height(),
        row.number_of_frames()
    );
    info!("{:?} {:?} {:?}", row.fps(), row.duration(), row.priority());
    info!("{:?} {:?}", row.file_type(), row.data_link());
    info!("{:?} {:?}", row.audio_codec(), row.audio_sample_rate());
    info!("{:?} {:?}", row.audio_bit_depth(), row.audio_num_channels());
    info!(
        "{:?} {:?}",
        row.annotation_task_status(),
        row.workflow_node()
    );
    info!("{:?} {:?}", row.task_uuid(), row.assigned_user_email());
    info!(
        "{:?} {:?}",
        row.last_actioned_by_user_email(),
        row.is_valid()
    );
    for unit in row.data_units() {
        info!(
            "{} {} {:?}",
            unit.sequence(),
            unit.file_type(),
            unit.data_link()
        );
    }
    for space in row.spaces() {
        info!(
            "{} {} {:?}",
            space.id(),
            space.space_type(),
            space.layout_key()
        );
        info!(
            "{:?} {:?} x {:?}",
            space.file_name(),
            space.width(),
            space.height()
        );
        info!("{:?} {:?}", space.number_of_frames(), space.duration_ms());
    }
}

pub(crate) fn ontology(ontology: &Ontology) -> Result<()> {
    info!("{} {}", ontology.ontology_hash(), ontology.title());
    info!("{} {}", ontology.description(), ontology.to_json().len());
    ensure(ontology.objects().len() == 15, "there are 15 objects")?;
    ensure(
        ontology.classifications().len() == 6,
        "there are 6 classifications",
    )?;
    let grain = (|| {
        let colour = ontology.find_object("Box")?.find_attribute("boxColor")?;
        let finish = colour.find_option("Red")?.find_attribute("Finish")?;
        finish.find_option("matt")?.find_attribute("Grain")
    })();
    let grain = grain.map(|attribute| attribute.property_type());
    ensure(grain.as_deref() == Some("numeric"), "a grain is a number")?;
    let weather = ontology.find_classification("Weather");
    let weather = weather.map(|weather| weather.attribute().name());
    ensure(
        weather.as_deref() == Some("Weather"),
        "the weather is asked",
    )?;
    let stick = ontology
        .find_object("Stick")
        .map(|stick| stick.skeleton_template());
    let names = stick
        .unwrap_or_default()
        .into_iter()
        .map(|point| point.name);
    ensure(
        names.eq(["head", "hip", "foot"]),
        "a stick has three points",
    )?;
    let mixed = ontology.json_schema(["Weather", "Box"]);
    ensure(
        matches!(mixed, Err(Error::InvalidArgument(_))),
        "a schema is of one kind of feature",
    )
}
