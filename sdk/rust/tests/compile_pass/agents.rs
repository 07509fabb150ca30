//! Every parameter, return type and option; names that the generated code could be thought to use.

#![forbid(unsafe_code)]
#![deny(warnings)]

use runner_sdk::prelude::*;

#[stage("Nothing")]
fn run() {}

#[stage(
    "49a786f3-5edf-4b94-aff0-3da9042d3bf0",
    client_metadata,
    reviews,
    signed_url,
    branch = "predictions",
    objects = ["PXFZO2ra", "Car"],
    classifications = [],
)]
pub fn resolve(
    context: &Context,
    mut row: LabelRow,
    _: StorageItem,
    task: AgentTask,
    project: Project,
    agent_stage: AgentStage,
    ontology: Ontology,
) -> Result<Option<Pathway>> {
    row.add_classification("Weather", Answer::option("Sunny"))?;
    row.add_classification_on("Weather", [Answer::option("Rain")], [3..=5])?;
    row.add_bounding_box("Car", BoundingBox::new(0.1, 0.1, 0.2, 0.2), 0)?;
    row = context.label_row()?;
    row.save()?;
    info!("{} {} {}", task.data_title(), project.title(), ontology.title());
    let first = agent_stage.pathways().into_iter().next();
    Ok(first.map(Pathway::from))
}

#[stage("Text")]
fn declare() -> &'static str {
    "keep"
}

#[stage("Perhaps text")]
fn context(task: AgentTask) -> Option<&'static str> {
    task.assignee().map(|_| "keep")
}

#[stage("Owned text")]
fn declaration(task: AgentTask) -> String {
    task.status()
}

#[stage("Uuid")]
fn register() -> Uuid {
    uuid!("49a786f3-5edf-4b94-aff0-3da9042d3bf0")
}

#[stage("Outcome")]
fn outcome() -> Outcome {
    Outcome::to("keep").priority(0.5)
}

#[stage("Errors of others")]
fn others(item: StorageItem) -> Result<&'static str, std::num::ParseIntError> {
    let number: u8 = item.name().parse()?;
    Ok(if number > 3 { "many" } else { "few" })
}

#[stage("Left out")]
#[cfg(any())]
fn left_out(row: TypeThatIsNowhere) {}

struct Lower(String);

impl FromContext for Lower {
    fn declare(declaration: &mut Declaration) {
        LabelRow::declare(declaration);
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(Self(LabelRow::resolve(context)?.data_title().to_lowercase()))
    }
}

#[stage("A parameter of one's own")]
fn own(title: Lower) -> Result<Outcome> {
    match title.0.as_str() {
        "bad" => Err(AgentError::fatal("it is bad")),
        "late" => Err(AgentError::retry("it is late")),
        _ => Ok(Outcome::stay()),
    }
}

#[stage("Context by value")]
fn owned(first: Context, lent: &Context, second: Context) -> Result<()> {
    second.label_row()?.set_priority(f64::from(first.attempt() + lent.attempt()) / 10.0)?;
    Ok(())
}

#[stage("Errors of the host")]
fn hosts(item: StorageItem) -> Result<(), Error> {
    if let Some(url) = item.signed_url()? {
        info!("{url}");
    }
    Ok(())
}

fn main() {}
