//! An agent that `tests/python/same_agent.py` has in Python, line by line. It labels, sets priorities and sorts.

use runner_sdk::ClassificationInstance;
use runner_sdk::prelude::*;

/// By the metadata of the file: what is drawn, how urgent it is, and where it goes.
#[stage("Agent")]
fn sort_out(row: LabelRow, item: StorageItem) -> Result<Outcome> {
    let noted = Noted::of(&item);
    let kind = item.item_type();
    match kind.as_str() {
        "plainText" => return Err(AgentError::fatal("texts are not for this agent")),
        "audio" => return Ok(Outcome::stay().priority(0.0625)),
        "image" | "video" | "imageSequence" => draw(&row, &item, noted.weight)?,
        _ => {}
    }
    classify(&row, &item, &noted)?;
    row.save()?;
    if kind == "pdf" {
        // Labelled, and left to somebody else.
        return Ok(Outcome::stay());
    }
    let priority = (0.25 + f64::from(row.number_of_frames()) / 16.0).min(1.0);
    if noted.site.as_deref() == Some("north") {
        return Ok(Outcome::to("review").priority(priority));
    }
    if item.width().is_some_and(|width| width < 64) {
        return Ok(Outcome::to("second").priority(1.0));
    }
    if kind == "imageSequence" {
        return Ok(Outcome::to("second"));
    }
    Ok(Outcome::to("done"))
}

/// A box of the picture's shape on the first and on the last frame.
fn draw(row: &LabelRow, item: &StorageItem, weight: f64) -> Result<()> {
    let (Some(width), Some(height)) = (item.width(), item.height()) else {
        return Err(AgentError::fatal("a picture without a size"));
    };
    let height = f64::from(height) / f64::from(width) / 2.0;
    let mut frames = vec![0, row.number_of_frames() - 1];
    frames.dedup();
    for frame in frames {
        let bounds = BoundingBox::new(0.1 * weight, 1.0 / 3.0, 0.5, height);
        let drawn = row.add_bounding_box("Box", bounds, frame)?;
        drawn.set_confidence(1.0 / (1.0 + weight))?;
    }
    Ok(())
}

fn classify(row: &LabelRow, item: &StorageItem, noted: &Noted) -> Result<()> {
    if row.data_type() == "group" {
        // Its parts have frames, it has none.
        row.add_classification("Whole", Answer::option("Good"))?;
        return Ok(());
    }
    let weather: ClassificationInstance = match &noted.site {
        None => row.add_classification_on("Weather", Answer::option("Sunny"), [0])?,
        Some(site) => {
            let answers = [
                Answer::option("Wet"),
                Answer::option("Soaked").to("How wet"),
                Answer::number(noted.weight / 3.0).to("Litres"),
                Answer::text(format!("{} in the {site}", item.name())).to("Remark"),
            ];
            row.add_classification_on("Weather", answers, [0])?
        }
    };
    weather.set_confidence(0.75)?;
    if row.number_of_frames() > 4 {
        row.add_classification_on(
            "Seen",
            Answer::options(["People", "Old cars"]),
            [0..=1, 3..=4],
        )?;
    }
    let size = item.file_size().unwrap_or(0) as f64;
    row.add_classification_on("Level", Answer::number(size / 7.0), [0])?;
    let large = row.number_of_frames() > 1;
    row.add_classification("Whole", Answer::option(if large { "Good" } else { "Bad" }))?;
    Ok(())
}

/// Sums up what the first agent has drawn.
#[stage("Second")]
fn count(row: LabelRow) -> Result<&'static str> {
    let total = row.objects().len() as f64;
    row.add_classification("Total", Answer::number(total))?;
    row.save()?;
    Ok("done")
}

/// What the owner of the file has noted on it.
struct Noted {
    site: Option<String>,
    weight: f64,
}

impl Noted {
    /// Two fields of an object of texts and numbers: nothing that needs a whole parser.
    fn of(item: &StorageItem) -> Self {
        let text = item.client_metadata().unwrap_or_default();
        let field = |name: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
            let end = rest.find([',', '}'])?;
            Some(rest[..end].trim().trim_matches('"').to_owned())
        };
        Self {
            site: field("site"),
            weight: field("weight")
                .and_then(|weight| weight.parse().ok())
                .unwrap_or(1.0),
        }
    }
}
