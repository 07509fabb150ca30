//! Where classifications hold: frames, spaces, the row itself.

use serde_json::json;

use super::super::*;
use super::golden::{Golden, answer};
use super::{document, open, open_document, options, range, root};

fn sky() -> Vec<AttributeAnswer> {
    root(options(&["Sun"]))
}

fn message<T: std::fmt::Debug>(result: Result<T, LabelError>) -> String {
    match result {
        Err(LabelError::InvalidArgument(message)) => message,
        other => panic!("expected an invalid argument, found {other:?}"),
    }
}

#[test]
fn a_place_that_does_not_fit_is_refused() {
    let golden = Golden::read();
    let mut row = golden.row("several spaces");
    let first = [range(0, 1)];
    let result = row.add_classification("Sky", &sky(), None, Some("sound"));
    assert_eq!(
        result,
        Err(LabelError::NotFound(
            "expected a space of the label row of `it`, found `sound`; it has `video`, `image`"
                .to_owned()
        ))
    );
    let result = row.add_classification("Sky", &sky(), Some(&first), Some("image"));
    assert!(message(result).contains("expected a frame from 0 to 0, found 1"));
    let result = row.add_classification("Sky", &sky(), Some(&[]), Some("video"));
    assert!(message(result).contains("found an empty list"));
    let good = root(options(&["Good"]));
    let result = row.add_classification("Quality", &good, Some(&first), Some("video"));
    assert!(message(result).contains("the global classification `Quality`"));
    assert!(!row.is_edited());

    let mut row = golden.row("audio, a classification in it");
    let result = row.add_classification("Sky", &sky(), Some(&first), Some("audio"));
    assert!(
        message(result).contains("in the space `audio`, where classifications hold for everything")
    );
    assert!(!row.is_edited());
    let hash = row
        .add_classification("Sky", &sky(), None, Some("audio"))
        .expect("valid");
    let before = row.to_document();
    let result = row.remove_classification_from_frames(&hash, Some(&first), None);
    assert!(message(result).contains("which holds for all of the data\nhelp: "));
    let result = row.add_classification("Sky", &sky(), None, Some("audio"));
    assert!(message(result).contains("on the whole of the space `audio`"));
    assert_eq!(row.to_document(), before);
}

#[test]
fn each_space_has_its_own_classifications() {
    let golden = Golden::read();
    let mut row = golden.row("several spaces");
    let add = |row: &mut LabelRow, space| row.add_classification("Sky", &sky(), None, Some(space));
    let video = add(&mut row, "video").expect("valid");
    let image = add(&mut row, "image").expect("another space");
    let again = message(add(&mut row, "video"));
    assert!(
        again.contains("on frames 0 of the space `video`"),
        "{again}"
    );
    let result = row.add_classification_to_frames(&image, None, Some("video"));
    assert!(message(result).contains("on frames 0 of the space `video`"));

    // The frames of a classification in one space are those of that space.
    row.add_classification_to_frames(&video, Some(&[range(3, 4)]), None)
        .expect("valid");
    let read = row.classification(&video).expect("in the row");
    assert_eq!(read.frames_in("video"), [range(0, 0), range(3, 4)]);
    assert_eq!(
        (read.frames_in("image"), read.spaces()),
        (vec![], vec!["video"])
    );
    assert!(row.remove_classification(&image));
    row.add_classification_to_frames(&video, None, Some("image"))
        .expect("it is free again");
    let several = [
        row.add_classification_to_frames(&video, Some(&[range(9, 9)]), None),
        row.remove_classification_from_frames(&video, Some(&[range(9, 9)]), None),
    ];
    for result in several {
        assert!(message(result).contains("in several: `video`, `image`\nhelp: "));
    }
    row.remove_classification_from_frames(&video, None, Some("video"))
        .expect("valid");
    let read = row.classification(&video).expect("still in the image");
    assert_eq!(
        (read.frames(), read.spaces()),
        (vec![range(0, 0)], vec!["image"])
    );
    row.remove_classification_from_frames(&video, None, Some("video"))
        .expect("it is not there, which is no error");
    row.remove_classification_from_frames(&video, Some(&[range(0, 5)]), None)
        .expect("valid");
    assert!(row.classification(&video).is_none());
    assert!(!row.is_edited());

    // A global one likewise, as a whole.
    let good = root(options(&["Good"]));
    let hash = row
        .add_classification("Quality", &good, None, Some("video"))
        .expect("valid");
    row.add_classification_to_frames(&hash, None, Some("image"))
        .expect("valid");
    let result = row.add_classification("Quality", &good, None, Some("image"));
    assert!(message(result).contains("on the whole of the space `image`"));
    let result = row.remove_classification_from_frames(&hash, Some(&[range(0, 0)]), Some("image"));
    assert!(message(result).contains("which holds for all of the data"));
    for space in ["video", "image"] {
        let read = row.classification(&hash).expect("still somewhere");
        assert!(read.spaces().contains(&space));
        row.remove_classification_from_frames(&hash, None, Some(space))
            .expect("valid");
    }
    assert!(row.classification(&hash).is_none());
}

#[test]
fn what_is_on_the_row_itself_does_not_come_into_a_space() {
    let golden = Golden::read();
    let mut row = golden.row("several spaces");
    let hash = row
        .add_classification("Quality", &root(options(&["Good"])), None, None)
        .expect("a global one needs no place");
    let before = row.to_document();
    let result = row.add_classification_to_frames(&hash, None, Some("video"));
    assert!(message(result).contains("is on the row itself"));
    assert_eq!(row.to_document(), before);
    row.remove_classification_from_frames(&hash, None, None)
        .expect("valid");
    assert!(row.classification(&hash).is_none());
}

#[test]
fn the_root_layer_is_a_space_beside_others() {
    let golden = Golden::read();
    let mut row = golden.row("the root layer");
    let hash = row
        .add_classification("Sky", &sky(), None, Some("root"))
        .expect("valid");
    row.add_classification_to_frames(&hash, None, Some("image"))
        .expect("valid");
    let read = row.classification(&hash).expect("in the row");
    assert_eq!(read.spaces(), ["root", "image"]);
    row.remove_classification_from_frames(&hash, None, Some("root"))
        .expect("valid");
    let read = row.classification(&hash).expect("in the row");
    assert_eq!(read.spaces(), ["image"]);
    let again = row
        .add_classification("Sky", &sky(), None, None)
        .expect("it is free again");
    let read = row.classification(&again).expect("in the row");
    assert_eq!(read.spaces(), ["root"]);
    row.remove_classification_from_frames(&again, Some(&[range(0, 0)]), None)
        .expect("valid");
    assert!(row.classification(&again).is_none());
}

#[test]
fn classifications_are_found_by_feature_and_frame() {
    let row = open("video");
    let hashes = |found: Vec<ClassificationInstance<'_>>| {
        let hashes = found.iter().map(|each| each.classification_hash());
        hashes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        hashes(row.classifications_of("Weather").expect("known")),
        ["teeI8mys"]
    );
    assert_eq!(
        hashes(row.classifications_of("clsGlob1").expect("known")),
        ["iIu23Inr"]
    );
    assert_eq!(
        hashes(
            row.classifications_of("Old")
                .expect("archived ones are there")
        ),
        [""; 0]
    );
    assert!(message(row.classifications_of("Skies")).contains("found `Skies`"));
    assert_eq!(hashes(row.classifications_on(9)), ["teeI8mys", "iIu23Inr"]);
    assert_eq!(
        hashes(row.classifications_on(10)),
        ["iIu23Inr"],
        "a global one is everywhere"
    );
    let group = open("group");
    assert_eq!(
        hashes(group.classifications_on(7)),
        ["J8HBwpkc"],
        "it holds for all of its space"
    );
}

#[test]
fn a_removed_classification_leaves_nothing() {
    let mut with = document("video");
    let listed =
        json!([{ "classificationHash": "teeI8mys", "featureHash": "clsRad01" }, { "later": 1 }]);
    for (_, unit) in with["data_units"].as_object_mut().expect("an object") {
        for frame in ["0", "5"] {
            unit["labels"][frame]["classifications"] = listed.clone();
        }
    }
    let mut row = open_document("video", with.clone());
    row.remove_classification_from_frames("teeI8mys", Some(&[range(3, 7), range(25, 99)]), None)
        .expect("valid");
    let document = row.to_document();
    let entry = &document["classification_answers"]["teeI8mys"];
    assert_eq!(entry["range"], json!([[0, 2], [8, 9], [20, 24]]));
    let list = |row: &LabelRow, frame: &str| {
        let units = row.to_document()["data_units"].clone();
        let unit = units
            .as_object()
            .expect("an object")
            .values()
            .next()
            .cloned();
        unit.expect("one")["labels"][frame]["classifications"].clone()
    };
    assert_eq!(
        (list(&row, "0"), list(&row, "5")),
        (listed, json!([{ "later": 1 }]))
    );
    row.remove_classification_from_frames("teeI8mys", Some(&[range(0, u32::MAX)]), None)
        .expect("valid");
    assert_eq!(list(&row, "0"), json!([{ "later": 1 }]));
    assert_eq!(row.classifications().count(), 1);

    for result in [
        row.set_classification_answers("teeI8mys", &[answer("Weather", options(&["Sunny"]))]),
        row.clear_classification_answer("teeI8mys", "Weather"),
        row.add_classification_to_frames("teeI8mys", Some(&[range(0, 0)]), None),
        row.remove_classification_from_frames("teeI8mys", Some(&[range(0, 0)]), None),
    ] {
        assert!(matches!(result, Err(LabelError::NotFound(_))), "{result:?}");
    }
    assert!(!row.remove_classification("teeI8mys"));
    row.add_classification(
        "Weather",
        &root(options(&["Sunny"])),
        Some(&[range(0, 29)]),
        None,
    )
    .expect("its frames are free again");
}

#[test]
fn frames_that_another_holds_stay_taken() {
    let mut with = document("video");
    let entry = with["classification_answers"]["teeI8mys"].clone();
    let entries = with["classification_answers"]
        .as_object_mut()
        .expect("an object");
    // Not by this library: another on the same frames.
    entries.insert("Second01".to_owned(), entry);
    let mut row = open_document("video", with);
    let sunny = root(options(&["Sunny"]));
    let add =
        |row: &mut LabelRow| row.add_classification("Weather", &sunny, Some(&[range(5, 5)]), None);
    assert!(message(add(&mut row)).contains("on frames 5"));
    assert!(row.remove_classification("teeI8mys"));
    assert!(message(add(&mut row)).contains("on frames 5"));
    row.remove_classification_from_frames("Second01", Some(&[range(5, 5)]), None)
        .expect("valid");
    add(&mut row).expect("free");
    let result = row.add_classification_to_frames("Second01", Some(&[range(4, 6)]), None);
    assert!(message(result).contains("on frames 5"));
}

#[test]
fn the_root_answer_stays_and_a_global_one_has_no_frames() {
    let mut row = open("video");
    let result = row.clear_classification_answer("teeI8mys", "Weather");
    assert!(
        message(result)
            .contains("found `Weather` itself, without which there is no classification")
    );
    let first = [range(0, 0)];
    for result in [
        row.add_classification_to_frames("iIu23Inr", Some(&first), None),
        row.remove_classification_from_frames("iIu23Inr", Some(&first), None),
        row.remove_classification_from_frames(
            "teeI8mys",
            Some(&[FrameRange { start: 2, end: 1 }]),
            None,
        ),
        row.add_classification_to_frames("teeI8mys", Some(&[range(30, 30)]), None),
        row.set_classification_answers("teeI8mys", &root(options(&["Snowy"]))),
    ] {
        message(result);
    }
    row.add_classification_to_frames("teeI8mys", Some(&[range(2, 4)]), None)
        .expect("it is there already");
    row.remove_classification_from_frames("teeI8mys", Some(&[range(12, 14)]), None)
        .expect("it is not there");
    assert!(!row.is_edited());
    row.set_classification_answers("teeI8mys", &root(options(&["Rainy"])))
        .expect("valid");
    let answers = row
        .classification("teeI8mys")
        .expect("in the row")
        .answers();
    let AnswerValue::Options(options) = &answers[0].value else {
        panic!("an option, found {answers:?}");
    };
    assert_eq!(
        (options[0].name.as_str(), answers[0].manual_annotation),
        ("Rainy", false)
    );
}
