//! Ranges of sound and text.

use runner_sdk::prelude::*;

use crate::ensure;

pub(crate) fn mark_sound(row: &LabelRow) -> Result<()> {
    let first = row
        .add("Voice", [0..=250, 400..=900])
        .confidence(0.5)
        .answer([
            Answer::option("One").to("Speaker"),
            Answer::text("Ada").to("Name"),
        ])
        .answer(Answer::number(-17.5).to("Loudness"))
        .add()?;
    ensure(
        first.answer("Name")?.text().as_deref() == Some("Ada"),
        "Ada speaks",
    )?;
    first.remove_from(500..=900)?;
    ensure(
        first.frames() == [FrameRange::new(0, 250), FrameRange::new(400, 499)],
        "the end is taken out",
    )?;
    let second = row
        .add("Voice", FrameRange::from_seconds(0.3, 0.35))
        .manual(true)
        .add()?;
    ensure(
        row.objects().of("Voice")?.on(320).len() == 1,
        "one speaks at 320 ms",
    )?;
    second.set_ranges([300..=310, 320..=330])?;
    let gone = row.add("Voice", 0..=999).add()?;
    gone.remove_from(0..=999)?;
    ensure(
        row.find_object(&gone.object_hash()).is_none(),
        "what marks nothing is removed",
    )?;
    let late = row.add("Voice", FrameRange::new(10, 5)).add();
    ensure(
        matches!(late, Err(Error::InvalidArgument(_))),
        "a range ends after it starts",
    )?;
    let drawn = row.add("Box", BoundingBox::new(0.1, 0.1, 0.1, 0.1)).on(0);
    ensure(
        matches!(drawn, Err(Error::Unsupported(_))),
        "nothing is drawn on a sound",
    )
}

pub(crate) fn mark_text(row: &LabelRow) -> Result<()> {
    let words = row
        .add("Words", [0..=3, 11..=15])
        .answer(Answer::options(["Name", "Place"]))
        .add()?;
    ensure(words.answer("Kind")?.is("place"), "it is a place")?;
    words.set_confidence(0.25)?;
    ensure(words.annotation(0).is_none(), "text is not drawn")?;
    row.add("objWords", 30..=30).manual(true).add()?;
    Ok(())
}

pub(crate) fn mark_html(row: &LabelRow) -> Result<()> {
    let title = HtmlRange::within("/html[1]/body[1]/h1[1]/text()[1]", 0, 5);
    let text = HtmlRange::within("/html[1]/body[1]/p[1]/text()[1]", 5, 9);
    let words = row
        .add("Words", [title.clone(), text.clone()])
        .confidence(0.75)
        .add()?;
    ensure(
        words.html_ranges() == [title.clone(), text],
        "text is read as it was marked",
    )?;
    ensure(words.frames().is_empty(), "a document has no frames")?;
    let second = row
        .add("Words", vec![title.clone()])
        .answer(Answer::option("Name"))
        .add()?;
    second.set_ranges(title)?;
    ensure(
        matches!(second.remove_from(0), Err(Error::Unsupported(_))),
        "no frames are taken from a document",
    )
}
