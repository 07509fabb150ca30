//! Leaves on each task a trace of each time that it was decided on, in its labels and its client metadata, so that one too
//! many or one too few shows. What else it does depends on the number in the data's title alone.

use runner_sdk::prelude::*;

/// Boxes that a row has at most. They then begin anew, so that rows stay small however often their tasks come.
const MOST_BOXES: usize = 6;
const COLOURS: [&str; 3] = ["Red", "Green", "Blue"];

/// The number that the data's title begins with.
struct Number(usize);

impl FromContext for Number {
    fn resolve(context: &Context) -> Result<Self> {
        let title = context.task().data_title();
        let digits = title.split('.').next().unwrap_or_default();
        let number = digits.parse();
        let wrong = |_| AgentError::fatal(format!("expected a number, found \"{title}\""));
        number.map(Self).map_err(wrong)
    }
}

/// Half of the tasks go on to "Second" and half of them past it.
#[stage("First", client_metadata)]
fn first(
    row: LabelRow,
    item: StorageItem,
    Number(number): Number,
    stage: AgentStage,
    context: &Context,
) -> Result<Outcome> {
    if number % 10 == 3 {
        return stays(&row, "First").map(|outcome| outcome.priority(0.0));
    }
    // Some have no labels of this stage.
    if number % 11 != 5 {
        trace(&row, "First", number)?;
        row.save()?;
    }
    count(&item, "First")?;
    if number % 7 == 2 && context.attempt() == 0 {
        return Err(AgentError::retry("after editing"));
    }
    decided("First", &row);
    let outcome = if number % 2 == 0 {
        Outcome::to("On")
    } else {
        Outcome::to(stage.pathways()[1].uuid.clone())
    };
    Ok(outcome.priority((number % 5) as f64 / 4.0))
}

/// What is drawn depends on what the host fetched before.
#[dependency]
fn height(Number(number): Number, item: StorageItem) -> f64 {
    let pixels = f64::from(item.height().unwrap_or(10));
    (pixels + number as f64 % 7.0) / 100.0
}

#[stage("Second", batch = 4)]
fn second(
    batch: Batch<(LabelRow, StorageItem, Number, Depends<height>, Context)>,
) -> Result<Outcomes> {
    let heights: Vec<f64> = batch.iter().map(|(_, _, _, height, _)| **height).collect();
    batch.zip(
        heights,
        |(row, item, Number(number), _, context), height| {
            trace(&row, "Second", number)?;
            for drawn in row.objects().of("Box")? {
                drawn.set_confidence(height)?;
            }
            row.save()?;
            count(&item, "Second")?;
            if number % 13 == 8 && context.attempt() == 0 {
                return Err(AgentError::retry("after editing"));
            }
            decided("Second", &row);
            Ok(Outcome::to("On"))
        },
    )
}

/// Some of what it needs is not declared.
#[stage("Third")]
fn third(
    row: LabelRow,
    context: &Context,
    Number(number): Number,
    stage: AgentStage,
) -> Result<Outcome> {
    if number % 17 == 9 {
        return stays(&row, "Third");
    }
    if number % 9 == 1 && row.data_type() == "image" {
        let frame = context.storage_item()?.read_single_frame()?;
        row.set_priority(f64::from(frame.width()) / 10.0)?;
    }
    trace(&row, "Third", number)?;
    row.save()?;
    if number % 3 == 0 {
        count(&context.storage_item()?, "Third")?;
    }
    decided("Third", &row);
    Ok(if number % 4 < 2 {
        Outcome::to("Good")
    } else {
        Outcome::to(stage.pathways()[1].uuid.clone())
    })
}

/// What can be done again and again, since whoever stays is seen in each pass.
fn stays(row: &LabelRow, stage: &str) -> Result<Outcome> {
    let last = row.classifications().of("Last")?.into_iter().next();
    match last {
        Some(last) => last.set_answer(Answer::option(stage))?,
        None => drop(row.add_classification("Last", Answer::option(stage))?),
    }
    row.save()?;
    Ok(Outcome::stay())
}

/// One box more, one pass more.
fn trace(row: &LabelRow, stage: &str, number: usize) -> Result<()> {
    let passes = row.classifications().of("Passes")?.into_iter().next();
    match passes {
        Some(passes) => {
            let before = passes.answer("Passes")?.number().unwrap_or(0.0);
            passes.set_answer(Answer::number(before + 1.0))?;
        }
        None => drop(row.add_classification("Passes", Answer::number(1.0))?),
    }
    let last = row.classifications().of("Last")?.into_iter().next();
    match last {
        Some(last) => last.set_answer(Answer::option(stage))?,
        None => drop(row.add_classification("Last", Answer::option(stage))?),
    }
    if row.data_type() != "image" {
        return Ok(());
    }
    let boxes: Vec<_> = row.objects().of("Box")?.into_iter().collect();
    if boxes.len() >= MOST_BOXES {
        for drawn in &boxes {
            drawn.remove();
        }
    }
    let place = (boxes.len() % MOST_BOXES) as f64 / 10.0;
    let drawn = row.add_bounding_box("Box", BoundingBox::new(place, 0.1, 0.25, 0.5), 0)?;
    drawn
        .set_answer(Answer::option(COLOURS[(number + boxes.len()) % 3]).to("Colour"))
        .map_err(AgentError::from)
}

/// One more in the client metadata, beside what is there.
fn count(item: &StorageItem, stage: &str) -> Result<()> {
    let before: JsonValue = item.client_metadata_as()?.unwrap_or_default();
    let seen = before["seen"].as_u64().unwrap_or(0) + 1;
    Ok(item.update_client_metadata(&json!({ "seen": seen, "last": stage }))?)
}

/// The last thing that is done in an attempt that decides.
fn decided(stage: &str, row: &LabelRow) {
    info!("decided {stage} {}", row.data_title());
}
