//! Classifications of rows that have no spaces.

use runner_sdk::prelude::*;

use crate::ensure;

pub(crate) fn classify(row: &LabelRow) -> Result<()> {
    let framed = !matches!(row.data_type().as_str(), "audio" | "plain_text");
    let last = if framed {
        row.number_of_frames() - 1
    } else {
        40
    };
    weather(row, last)?;
    if last > 0 {
        move_about(row, last)?;
    }

    // Takes an answer back by another, and leaves the classification.
    let seen = row.add_classification("Seen", Answer::options(["People", "old_cars"]))?;
    seen.set_answer(Answer::options(["seeTrees"]))?;
    ensure(
        seen.answer("Seen")?.options() == ["Trees"],
        "trees are seen",
    )?;
    ensure(
        matches!(seen.clear_answer("Seen"), Err(Error::InvalidArgument(_))),
        "a classification has an answer",
    )?;

    let whole = row.add_classification("Whole", Answer::option("Good"))?;
    whole.set_confidence(0.5)?;
    whole.set_manual_annotation(true);
    ensure(whole.frames().is_empty(), "what is global has no frames")?;
    ensure(
        whole.confidence() == 0.5 && whole.manual_annotation(),
        "it is half sure",
    )?;
    ensure(
        matches!(whole.add_to(0), Err(Error::InvalidArgument(_))),
        "what is global is put on no frame",
    )?;
    from_model(row, last)?;
    list(row)
}

fn weather(row: &LabelRow, last: u32) -> Result<()> {
    let wet = [
        Answer::option("Wet"),
        Answer::option("Soaked").to("How wet"),
        Answer::number(2.5).to("Litres"),
        Answer::text("puddles \"everywhere\"\n… Ω 酒").to("Remark"),
    ];
    let weather = row.add_classification_on("Weather", wet, [0..=last])?;
    ensure(weather.answer("Litres")?.number() == Some(2.5), "it is wet")?;
    weather.set_answer(Answer::option("weaDamp0").to("How wet"))?;
    ensure(!weather.answer("Litres")?.is_given(), "damp is not counted")?;
    weather.clear_answer("Remark")?;
    ensure(weather.answers().len() == 2, "two answers are left")?;
    let again = row.add_classification_on("Weather", Answer::option("Sunny"), [0]);
    ensure(
        matches!(again, Err(Error::InvalidArgument(_))),
        "there is one weather at a time",
    )
}

fn move_about(row: &LabelRow, last: u32) -> Result<()> {
    let of_row = row.classifications().of("Weather")?;
    let Some(weather) = of_row.first() else {
        return Err(AgentError::fatal("expected a weather"));
    };
    weather.remove_from(last)?;
    let second = row.add_classification_on("clsWeath", Answer::option("Sunny"), [last])?;
    ensure(
        matches!(weather.add_to(last), Err(Error::InvalidArgument(_))),
        "there is one weather at a time",
    )?;
    let hash = second.classification_hash();
    ensure(
        row.classifications().find(&hash).is_some(),
        "the second weather is found",
    )?;
    second.remove();
    ensure(
        row.find_classification(&hash).is_none(),
        "what is removed is not found",
    )?;
    ensure(
        second.answers().is_empty(),
        "what is removed has no answers",
    )?;
    weather.add_to(last)?;
    ensure(
        weather.frames() == [FrameRange::new(0, last)],
        "it holds everywhere again",
    )
}

/// As a language model would answer.
fn from_model(row: &LabelRow, last: u32) -> Result<()> {
    let schema = row.ontology().json_schema(["Told", "Level"])?;
    ensure(
        schema.contains("feature_node_hash"),
        "the schema has the features",
    )?;
    let told = r#"{"told": {"feature_node_hash": "attTold0", "value": "It was told…"}}"#;
    let told = row.add_classifications_from_json(["Told"], told)?;
    ensure(told.len() == 1, "one answer makes one classification")?;
    let level = r#"{"level": {"feature_node_hash": "attLevel", "value": 0.125}}"#;
    row.add_classifications_from_json_on(["Level"], level, 0..=last)?;
    let nonsense = row.add_classifications_from_json(["Total"], "no JSON");
    ensure(
        matches!(nonsense, Err(Error::InvalidArgument(_))),
        "an answer is JSON",
    )
}

fn list(row: &LabelRow) -> Result<()> {
    let on_first = row.classifications().on(0);
    ensure(
        on_first.len() == row.classifications().len(),
        "all of them hold on the first frame",
    )?;
    for classification in &on_first {
        let hash = classification.classification_hash();
        info!(
            "{hash} {} {}",
            classification.feature_hash(),
            classification.classification_name()
        );
        info!(
            "{:?} {:?}",
            classification.created_by(),
            classification.created_at()
        );
        info!(
            "{:?} {:?}",
            classification.last_edited_by(),
            classification.last_edited_at()
        );
        info!(
            "{:?} {}",
            classification.spaces(),
            classification.to_json().len()
        );
    }
    Ok(())
}
