//! Objects and classifications in the parts of a data group, some in several.

use runner_sdk::prelude::*;

use crate::ensure;

pub(crate) fn label(row: &LabelRow) -> Result<()> {
    let outside = row.add("Box", BoundingBox::new(0.1, 0.1, 0.1, 0.1)).on(0);
    ensure(
        matches!(outside, Err(Error::Unsupported(_))),
        "objects are in the parts",
    )?;
    ensure(
        matches!(row.space("nowhere"), Err(Error::NotFound(_))),
        "no part is nowhere",
    )?;
    draw(row)?;
    share(row)?;
    mark(row)?;
    classify(row)
}

fn draw(row: &LabelRow) -> Result<()> {
    let film = row.space("film")?;
    let before = film.objects().of("Box")?.len();
    let bounds = BoundingBox::new(0.1, 0.2, 0.3, 0.4);
    let drawn = film
        .add("Box", bounds)
        .confidence(0.5)
        .answer([
            Answer::option("Blue").to("Colour"),
            Answer::number(2.0).to("Speed"),
        ])
        .on([0, 4, 9])?;
    drawn.set_answer_on(Answer::option("Yes").to("Visible"), [4, 9])?;
    drawn.copy_to(9, 5..=6)?;
    drawn.move_to(0, 1)?;
    ensure(
        film.objects().of("Box")?.len() == before + 1,
        "a box is added to the film",
    )?;
    let on_first = film.objects().on(1);
    let found = on_first.find(&drawn.object_hash());
    ensure(found.is_some(), "it is on the second frame of the film")?;
    film.add("Area", Polygon::new([(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)]))
        .on(0..=2)?;
    film.add("Line", Polyline::new([(0.1, 0.1), (0.9, 0.1)]))
        .on(3)?;
    film.add("Spot", Point::new(0.5, 0.5)).on(3)?;
    film.add("Turned box", bounds.rotated(12.5)).on(3)?;
    film.add("Ball", Circle::new(0.5, 0.5, 0.1)).on(3)?;
    film.add("Egg", Ellipse::new(0.5, 0.5, 0.1, 0.2)).on(3)?;
    let stick = Skeleton::new([("head", 0.5, 0.1), ("hip", 0.5, 0.5), ("foot", 0.4, 0.9)]);
    film.add("Stick", stick).on(3)?;
    let front = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6)];
    film.add("Brick", Cuboid2d::isometric(front, (0.1, 0.1)))
        .on(3)?;
    let picture = row.space("picture")?;
    if let (Some(width), Some(height)) = (picture.width(), picture.height()) {
        let pixels = vec![1; width as usize * height as usize];
        picture
            .add("Mask", Bitmask::from_bytes(width, height, &pixels)?)
            .on(0)?;
    }
    row.space("document")?.add("Box", bounds).on(1..=2)?;
    row.space("volume")?
        .add("Line", Polyline::new([(0.1, 0.1, 1.0), (0.9, 0.1, 2.0)]))
        .on(0)?;
    Ok(())
}

/// One object in two parts.
fn share(row: &LabelRow) -> Result<()> {
    let (film, picture) = (row.space("film")?, row.space("picture")?);
    let bounds = BoundingBox::new(0.5, 0.5, 0.25, 0.25);
    let both = film.add("Box", bounds).on(2..=4)?;
    picture.draw(&both, bounds, 0)?;
    ensure(both.spaces().len() == 2, "it is in two parts")?;
    ensure(
        matches!(both.draw(bounds, 0), Err(Error::InvalidArgument(_))),
        "where it is drawn is for the parts to say",
    )?;
    film.remove_object_from(&both, 3)?;
    ensure(
        film.frames_of(&both) == [FrameRange::from(2), FrameRange::from(4)],
        "it is not on the third frame",
    )?;
    ensure(
        picture.annotation_of(&both, 0).is_some() && picture.annotation_of(&both, 1).is_none(),
        "it is on the picture",
    )?;
    let gone = picture.add("Box", bounds).on(0)?;
    picture.remove_object(&gone)?;
    ensure(
        row.find_object(&gone.object_hash()).is_none(),
        "what is in no part is removed",
    )
}

fn mark(row: &LabelRow) -> Result<()> {
    let sound = row.space("sound")?;
    let voice = sound
        .add("Voice", [0..=100, 200..=300])
        .confidence(0.5)
        .add()?;
    sound.set_ranges(&voice, 0..=150)?;
    let words = row.space("notes")?.add("Words", 0..=3).add()?;
    words.set_answer(Answer::option("Place"))?;
    let page = row.space("page")?;
    let title = HtmlRange::within("/html[1]/body[1]/h1[1]/text()[1]", 0, 5);
    let marked = page.add("Words", title.clone()).add()?;
    page.set_ranges(&marked, [title])?;
    ensure(
        page.objects().of("Words")?.len() == 1,
        "one text of the page is marked",
    )
}

fn classify(row: &LabelRow) -> Result<()> {
    let (film, picture, sound) = (
        row.space("film")?,
        row.space("picture")?,
        row.space("sound")?,
    );
    let weather = film.add_classification_on("Weather", Answer::option("Sunny"), [0..=3, 6..=9])?;
    weather.set_confidence(0.5)?;
    film.remove_classification_from(&weather, 6..=7)?;
    film.place_classification_on(&weather, 7)?;
    let seen = sound.add_classification("Seen", Answer::option("People"))?;
    let notes = row.space("notes")?;
    notes.place_classification(&seen)?;
    ensure(seen.spaces().len() == 2, "people are in two parts")?;
    ensure(
        notes.classifications().of("Seen")?.len() == 1,
        "they are in the notes",
    )?;
    let gone = picture.add_classification("Told", Answer::text("nothing"))?;
    ensure(
        picture.classifications().on(0).len() == 1,
        "the picture tells something",
    )?;
    picture.remove_classification(&gone)?;
    ensure(
        picture.classifications().is_empty(),
        "the picture tells nothing",
    )?;
    row.space("document")?
        .add_classification_on("Told", Answer::text("page 3"), 2)?;
    Ok(())
}
