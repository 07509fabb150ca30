//! Classifications and their answers.

use serde_json::json;

use super::super::*;
use super::{open, options, range, refused, root};

fn answer(attribute: &str, value: GivenAnswer) -> AttributeAnswer {
    let attribute = Some(attribute.to_owned());
    AttributeAnswer { attribute, value }
}

fn text(text: &str) -> GivenAnswer {
    GivenAnswer::Text(text.to_owned())
}

#[test]
fn a_classification_is_written_as_the_python_sdk_writes_it() {
    let mut row = open("video");
    let answers = root(options(&["optBusy1", "Day"]));
    let hash = row
        .add_classification(
            "Tags",
            &answers,
            Some(&[range(20, 29), range(0, 4), range(5, 9)]),
            None,
        )
        .expect("valid");
    let document = row.to_document();
    let entry = &document["classification_answers"][&hash];
    let now = entry["createdAt"].as_str().expect("text");
    assert!(now.ends_with(" UTC"));
    let expected = format!(
        concat!(
            r#"{{"classifications":[{{"name":"Tags","value":"tags","answers":["#,
            r#"{{"name":"Day","value":"day","featureHash":"optDay01"}},"#,
            r#"{{"name":"Busy","value":"busy","featureHash":"optBusy1"}}],"#,
            r#""featureHash":"clsChkA1","manualAnnotation":false}}],"classificationHash":"{hash}","#,
            r#""featureHash":"clsChk01","spaces":{{}},"range":[[0,9],[20,29]],"createdBy":null,"#,
            r#""createdAt":"{now}","lastEditedBy":null,"lastEditedAt":"{now}","confidence":1.0,"#,
            r#""manualAnnotation":false}}"#,
        ),
        hash = hash,
        now = now,
    );
    assert_eq!(entry.to_string(), expected);
    let read = row.classification(&hash).expect("in the row");
    assert_eq!(read.frames(), [range(0, 9), range(20, 29)]);
    assert!(!read.manual_annotation());
}

#[test]
fn where_a_classification_holds_depends_on_the_data() {
    let json = |row: &LabelRow, hash: &str| {
        row.to_document()["classification_answers"][hash]["range"].clone()
    };
    for (name, expected) in [
        ("image", json!([[0, 0]])),
        ("video", json!([[0, 0]])),
        ("pdf", json!([[0, 0]])),
        ("audio", json!([[0, 999]])),
        ("text", json!([[0, 0]])),
    ] {
        let mut row = open(name);
        let speed = root(GivenAnswer::Number(2.5));
        let hash = row
            .add_classification("Speed", &speed, None, None)
            .expect(name);
        assert_eq!(json(&row, &hash), expected, "{name}");
    }
    let mut audio = open("audio");
    let result = audio.add_classification(
        "Speed",
        &root(GivenAnswer::Number(1.0)),
        Some(&[range(0, 1001)]),
        None,
    );
    assert!(refused(&audio, result).contains("within 0 to 1000"));
    // Where Encord does not say how long the data is, any range is taken.
    let mut text = open("text");
    let far = [range(100, u32::MAX)];
    text.add_classification("Speed", &root(GivenAnswer::Number(1.0)), Some(&far), None)
        .expect("valid");

    let mut row = open("img_sequence");
    let good = root(options(&["Good"]));
    let result = row.add_classification("Quality", &good, Some(&[range(0, 1)]), None);
    assert!(
        refused(&row, result)
            .contains("expected no frames for the global classification `Quality`")
    );
    let hash = row
        .add_classification("Quality", &good, None, None)
        .expect("valid");
    assert_eq!(json(&row, &hash), json!([]));
    assert_eq!(row.classification(&hash).expect("in the row").frames(), []);

    let mut group = open("group");
    group
        .add_classification("Quality", &good, None, None)
        .expect("a global one needs no place");
    let result = group.add_classification("Speed", &root(GivenAnswer::Number(1.0)), None, None);
    assert!(
        matches!(result, Err(LabelError::Unsupported(_))),
        "{result:?}"
    );
}

#[test]
fn a_second_classification_on_a_frame_is_refused() {
    let mut row = open("video");
    let sunny = root(options(&["Sunny"]));
    let result = row.add_classification("Weather", &sunny, Some(&[range(15, 22)]), None);
    assert_eq!(
        refused(&row, result),
        "expected `Weather` not to be given yet on frames 20 to 22, found that the label row has it there"
    );
    let result = row.add_classification("Quality", &root(options(&["Good"])), None, None);
    assert!(refused(&row, result).contains("on the whole data unit"));
    row.add_classification("Weather", &sunny, Some(&[range(10, 12)]), None)
        .expect("free");
    let again = row.add_classification("Weather", &sunny, Some(&[range(12, 12)]), None);
    assert!(
        matches!(again, Err(LabelError::InvalidArgument(_))),
        "the row's own edits count"
    );
    row.add_classification("Tags", &root(options(&[])), Some(&[range(0, 29)]), None)
        .expect("another feature");
}

#[test]
fn nested_answers_stand_deepest_first_in_whatever_order_they_came() {
    let given = [
        answer("In cm", GivenAnswer::Number(12.0)),
        answer("Comment", text("soft")),
        answer("Depth", options(&["deep"])),
        AttributeAnswer {
            attribute: None,
            value: options(&["Snow"]),
        },
    ];
    let mut orders = vec![given.to_vec(), given.iter().rev().cloned().collect()];
    orders.push(vec![
        given[2].clone(),
        given[3].clone(),
        given[0].clone(),
        given[1].clone(),
    ]);
    for order in orders {
        let mut row = open("image");
        let hash = row
            .add_classification("Sky", &order, None, None)
            .expect("valid");
        let entries = &row.to_document()["classification_answers"][&hash]["classifications"];
        let entries = entries.as_array().expect("a list").iter();
        let names: Vec<_> = entries
            .map(|e| (e["featureHash"].as_str(), e["value"].as_str()))
            .collect();
        let expected = [
            (Some("attDeep1"), Some("in_cm")),
            (Some("attSnow2"), Some("depth")),
            (Some("attSnow1"), Some("comment")),
            (Some("attSky01"), Some("sky")),
        ];
        assert_eq!(names, expected);
        let answers = row.classification(&hash).expect("in the row").answers();
        assert_eq!(answers[0].value, AnswerValue::Number(12.0));
        assert_eq!(answers[2].value, AnswerValue::Text("soft".to_owned()));
        assert!(answers.iter().all(|answer| !answer.manual_annotation));
    }
}

#[test]
fn an_answer_that_does_not_fit_is_refused() {
    let rain = || AttributeAnswer {
        attribute: Some("Sky".to_owned()),
        value: options(&["Rain"]),
    };
    let many: Vec<_> = (0..20).map(|_| rain()).collect();
    for (feature, answers, expected) in [
        (
            "Sky",
            vec![],
            "expected an answer to `Sky`, the root attribute of the classification, found none",
        ),
        (
            "Sky",
            vec![answer("Comment", text("x"))],
            "the root attribute",
        ),
        (
            "Sky",
            root(text("Rain")),
            "expected one option for `Sky`, which is of kind `radio`, found text",
        ),
        (
            "Sky",
            root(options(&["Rain", "Snow"])),
            "expected exactly one option for the radio `Sky`, found 2",
        ),
        (
            "Sky",
            root(options(&[])),
            "expected exactly one option for the radio `Sky`, found 0",
        ),
        (
            "Sky",
            root(options(&["Sun"])),
            "expected an option of `Sky`, found `Sun`; it has `Rain`, `Snow`, `Twin`, `Twin`",
        ),
        (
            "Sky",
            root(options(&["Hail"])),
            "expected an option in use for `Sky`, found `Hail`, which is archived",
        ),
        ("Sky", root(options(&["optHail1"])), "which is archived"),
        (
            "Sky",
            root(options(&["Twin"])),
            "found several: `optTwin1`, `optTwin2`\nhelp: ",
        ),
        (
            "Sky",
            vec![rain(), rain()],
            "expected one answer to `Sky`, found several",
        ),
        (
            "Sky",
            vec![
                rain(),
                AttributeAnswer {
                    attribute: None,
                    value: options(&["Snow"]),
                },
            ],
            "expected one answer to `Sky`, found several",
        ),
        (
            "Sky",
            many,
            "expected at most one answer for each of the 7 attributes of `Sky`, found 20 answers",
        ),
        (
            "Sky",
            vec![rain(), answer("Depth", options(&["Deep"]))],
            "expected an answer only to what is asked, found one to `Depth`, which is asked if `Sky` is answered with `Snow`",
        ),
        (
            "Sky",
            vec![rain(), answer("attSnow1", text("x"))],
            "which is asked if `Sky` is answered with `Snow`",
        ),
        (
            "Sky",
            vec![rain(), answer("Wind", text("x"))],
            "expected an attribute of the classification, found `Wind`; it has `Sky`, ",
        ),
        (
            "Sky",
            vec![rain(), answer("How much", GivenAnswer::Number(f64::NAN))],
            "expected a finite number for `How much`, found NaN",
        ),
        (
            "Sky",
            vec![rain(), answer("How much", text("3"))],
            "expected a number for `How much`, which is of kind `numeric`, found text",
        ),
        (
            "Sky",
            vec![
                rain(),
                answer("Effects", options(&["Fog", "Wet road", "fog"])),
            ],
            "expected at most the 2 options",
        ),
        (
            "Skies",
            root(text("x")),
            "found `Skies`; the ontology has `Weather`, `Tags`, `Caption`, `Quality`, `Sky`, `Speed`",
        ),
        ("Old", root(text("x")), "which is archived"),
        ("Box", root(text("x")), "found `Box`"),
    ] {
        let mut row = open("img_sequence");
        let result = row.add_classification(feature, &answers, None, None);
        let message = refused(&row, result);
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
}

#[test]
fn options_are_found_by_hash_label_and_value() {
    for name in ["optWet01", "Wet road", "wet_road"] {
        let given = [
            AttributeAnswer {
                attribute: None,
                value: options(&["rain"]),
            },
            answer("attRain3", options(&[name])),
        ];
        let mut row = open("image");
        let hash = row
            .add_classification("clsSky01", &given, None, None)
            .expect(name);
        let answers = row.classification(&hash).expect("in the row").answers();
        let AnswerValue::Options(ticked) = &answers[0].value else {
            panic!("options, found {answers:?}");
        };
        assert_eq!(ticked[0].feature_hash, "optWet01");
    }
    // A value tells the two apart that share a label.
    let mut row = open("image");
    row.add_classification("Sky", &root(options(&["twin_2"])), None, None)
        .expect("valid");
}
