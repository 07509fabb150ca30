//! Objects that mark ranges in rows of audio, text, time series and HTML.

use serde_json::{Value, json};

use super::super::*;
use super::{document, open, open_document, range, refused};

fn node(xpath: &str, offset: u32) -> HtmlNode {
    let xpath = xpath.to_owned();
    HtmlNode { xpath, offset }
}

fn text_range(from: u32, to: u32) -> HtmlRange {
    HtmlRange {
        start: node("/html[1]/body[1]/p[1]/text()[1]", from),
        end: node("/html[1]/body[1]/p[1]/text()[1]", to),
    }
}

/// A row of a time series, made of one of text.
fn series() -> (LabelRow, Value) {
    let mut document = document("text");
    document["data_type"] = "time_series".into();
    for section in ["object_answers", "classification_answers"] {
        document[section] = json!({});
    }
    let facts = RowFacts {
        data_type: "TIME_SERIES".to_owned(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    let row = LabelRow::open(
        std::sync::Arc::new(document.clone()),
        facts,
        super::ontology(),
    );
    (row.expect("a row"), document)
}

#[test]
fn ranges_are_written_as_the_python_sdk_writes_them() {
    for (name, feature, shape) in [
        ("audio", "Speech", "audio"),
        ("text", "Entity", "text"),
        ("html", "Entity", "text"),
    ] {
        let mut row = open(name);
        let captured = row.objects().next().expect("one object");
        let captured = captured.object_hash().to_owned();
        let hash = if name == "html" {
            row.add_html_ranges(feature, &[text_range(0, 5)], None)
        } else {
            let ranges = row.object(&captured).expect("there").frames();
            row.add_ranges(feature, &ranges, None)
        };
        let hash = hash.expect("valid");
        let document = row.to_document();
        let mut expected = document["object_answers"][&captured].clone();
        let mut found = document["object_answers"][&hash].clone();
        assert_eq!(found["createdAt"], found["lastEditedAt"]);
        for key in [
            "createdAt",
            "lastEditedAt",
            "objectHash",
            "manualAnnotation",
        ] {
            expected[key] = Value::Null;
            found[key] = Value::Null;
        }
        assert_eq!(found.to_string(), expected.to_string(), "{name}");
        let again = open_document(name, (*document).clone());
        let object = again.object(&hash).expect("in the row");
        assert_eq!((object.name(), object.shape()), (feature, shape));
        assert_eq!(object.confidence(), 1.0);
        assert!(!object.manual_annotation() && object.created_at().is_some());
        assert!(row.remove_object(&hash));
        assert!(!row.is_edited(), "{name}");
    }
}

#[test]
fn ranges_are_replaced_and_cut() {
    let mut row = open("audio");
    let hash = "TJ+SoYw5";
    row.set_ranges(hash, &[range(500, 600), range(0, 10), range(11, 20)], None)
        .expect("valid");
    let frames = |row: &LabelRow| row.object(hash).map(|object| object.frames());
    assert_eq!(frames(&row), Some(vec![range(0, 20), range(500, 600)]));
    let entry = row.to_document()["object_answers"][hash].clone();
    assert_eq!(entry["range"], json!([[0, 20], [500, 600]]));
    assert_ne!(entry["lastEditedAt"], entry["createdAt"]);
    row.remove_from_frames(hash, Some(&[range(15, 550)]), None)
        .expect("valid");
    assert_eq!(frames(&row), Some(vec![range(0, 14), range(551, 600)]));
    let before = row.to_document();
    row.remove_from_frames(hash, Some(&[range(15, 550)]), None)
        .expect("passed over");
    assert_eq!(row.to_document(), before);
    row.remove_from_frames(hash, Some(&[range(0, 1000)]), None)
        .expect("valid");
    assert_eq!(frames(&row), None);
    assert!(row.to_document()["object_answers"].get(hash).is_none());
    let result = row.set_ranges(hash, &[range(0, 1)], None);
    assert!(matches!(result, Err(LabelError::NotFound(_))));

    let mut whole = open("audio");
    whole.remove_from_frames(hash, None, None).expect("valid");
    assert!(whole.object(hash).is_none());
}

#[test]
fn html_is_marked_by_paths() {
    let mut row = open("html");
    let hash = "YWJ+ULkH";
    let ranges = |row: &LabelRow| row.object(hash).map(|object| object.html_ranges());
    assert_eq!(ranges(&row), Some(vec![text_range(0, 5)]));
    let result = row.remove_from_frames(hash, Some(&[range(0, 1)]), None);
    assert!(matches!(result, Err(LabelError::Unsupported(_))));
    let result = row.set_html_ranges(hash, &[], None);
    refused(&row, result);
    let mut nowhere = text_range(0, 1);
    nowhere.start.xpath.clear();
    let result = row.add_html_ranges("Entity", &[nowhere], None);
    refused(&row, result);
    let result = row.add_html_ranges("Speech", &[text_range(0, 1)], None);
    assert!(refused(&row, result).contains("found `Speech` of shape `audio`"));
    row.set_html_ranges(hash, &[text_range(2, 3), text_range(4, 5)], None)
        .expect("valid");
    assert_eq!(ranges(&row), Some(vec![text_range(2, 3), text_range(4, 5)]));
    assert_eq!(
        row.to_document()["object_answers"][hash]["range"],
        json!([])
    );
    row.remove_from_frames(hash, None, None).expect("valid");
    assert_eq!(ranges(&row), None);
}

#[test]
fn ranges_that_the_data_does_not_have_are_refused() {
    let mut audio = open("audio");
    for (ranges, message) in [
        (vec![], "found an empty list"),
        (vec![range(5, 4)], "found 5 to 4"),
        (
            vec![range(0, 1), range(900, 1001)],
            "within 0 to 1000, the length of the data, found 900 to 1001",
        ),
    ] {
        let result = audio.add_ranges("Speech", &ranges, None);
        assert!(refused(&audio, result).contains(message), "{message}");
        let result = audio.set_ranges("TJ+SoYw5", &ranges, None);
        assert!(refused(&audio, result).contains(message), "{message}");
    }
    audio
        .add_ranges("Speech", &[range(900, 1000)], None)
        .expect("the end itself is allowed");
    let mut text = open("text");
    for feature in ["Speech", "Span", "Box"] {
        let result = text.add_ranges(feature, &[range(0, 1)], None);
        assert!(
            refused(&text, result).contains("of shape `text`"),
            "{feature}"
        );
    }
    text.add_ranges("Entity", &[range(0, u32::MAX)], None)
        .expect("the length is not known");
    let (mut series, _) = series();
    series
        .add_ranges("Span", &[range(7, 9)], None)
        .expect("a range of time");
    for name in ["image", "img_group", "video", "pdf", "group", "html"] {
        let mut row = open(name);
        let result = row.add_ranges("Entity", &[range(0, 0)], None);
        assert!(matches!(result, Err(LabelError::Unsupported(_))), "{name}");
        assert!(!row.is_edited());
    }
    for name in ["image", "text", "audio"] {
        let result = open(name).add_html_ranges("Entity", &[text_range(0, 1)], None);
        assert!(matches!(result, Err(LabelError::Unsupported(_))), "{name}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_not_lost() {
    let (_, mut document) = series();
    document["object_answers"]["aaaaaaaa"] = json!({
        "objectHash": "aaaaaaaa", "featureHash": "objTim01", "classifications": [],
        "range": [[5, 6], [7_000_000_000_u64, 8_000_000_000_u64]],
    });
    document["data_type"] = "time_series".into();
    let mut row = open_document("text", document.clone());
    let result = row.remove_from_frames("aaaaaaaa", Some(&[range(5, 5)]), None);
    assert!(
        matches!(result, Err(LabelError::Unsupported(_))),
        "{result:?}"
    );
    assert_eq!(*row.to_document(), document);
}

#[test]
fn confidence_of_ranges_is_one_for_all() {
    let mut row = open("audio");
    let result = row.set_object_confidence_on("TJ+SoYw5", 0.5, &[range(100, 100)]);
    assert!(refused(&row, result).contains("marks ranges"));
    row.set_object_confidence("TJ+SoYw5", 0.5).expect("valid");
    let object = row.object("TJ+SoYw5").expect("there");
    assert_eq!(object.confidence(), 0.5);
}
