//! Required attributes.

use super::super::*;
use super::golden::{CAR, Golden, answer, text};
use super::{bounds, options};

#[test]
fn required_attributes_without_an_answer_are_told() {
    let golden = Golden::read();
    let mut row = golden.row_with("static", |editor| {
        let car = &mut editor["objects"][0]["attributes"];
        car[0]["required"] = true.into();
        car[0]["options"][0]["options"][0]["required"] = true.into();
        car[1]["required"] = true.into();
        car[2]["required"] = true.into();
        car[4]["required"] = true.into();
        car[4]["archived"] = true.into();
        let sky = &mut editor["classifications"][0]["attributes"][0];
        sky["required"] = true.into();
        sky["options"][1]["options"][1]["required"] = true.into();
    });

    assert_eq!(row.missing_answers(), [""; 0]);
    row.set_object_confidence(CAR, 0.5).expect("valid");
    assert_eq!(row.missing_answers(), [""; 0], "it was incomplete before");
    let red = [
        answer("Colour", options(&["Red"])),
        answer("Count", GivenAnswer::Number(0.0)),
    ];
    row.set_object_answers(CAR, &red, None).expect("valid");
    assert_eq!(
        row.missing_answers(),
        [
            "expected an answer to each required attribute of the object `Car` (`Car00001`), found none to \
             `Shade` (text), as `Colour` is answered with `Red`, `Parts of it` (any of `Door`, `Roof`, `Wheel`)"
        ]
    );
    let rest = [
        answer("Shade", text("")),
        answer("Parts of it", options(&[])),
    ];
    row.set_object_answers(CAR, &rest, None).expect("valid");
    assert_eq!(row.missing_answers().len(), 1, "neither says anything");
    let rest = [
        answer("Shade", text("x")),
        answer("Parts of it", options(&["Door"])),
    ];
    row.set_object_answers(CAR, &rest, None).expect("valid");
    assert_eq!(row.missing_answers(), [""; 0]);
    let added = row
        .add_bounding_box("Car", bounds(0.1, 0.1, 0.1, 0.1), 0)
        .expect("valid");
    assert_eq!(row.missing_answers().len(), 1);
    let blue = [
        answer("Colour", options(&["Blue"])),
        answer("Parts of it", options(&["Door"])),
    ];
    row.set_object_answers(&added, &blue, None).expect("valid");
    assert_eq!(row.missing_answers(), [""; 0]);

    let before = row.to_document();
    let rain = [answer("Sky", options(&["Rain"]))];
    let result = row.add_classification("Sky", &rain, None, None);
    let Err(LabelError::InvalidArgument(message)) = result else {
        panic!("an answer is missing, found {result:?}");
    };
    assert_eq!(
        message,
        "expected an answer to each required attribute of `Sky`, found none to `Effects` (any of `Wet`, \
         `Fog`), as `Sky` is answered with `Rain`\n\
         help: give the answers to the root attribute and to those that it asks in one call"
    );
    assert_eq!(before, row.to_document());
    let hash = row
        .add_classification("Sky", &[answer("Sky", options(&["Sun"]))], None, None)
        .expect("nothing more is asked");
    row.set_classification_answers(&hash, &rain).expect("valid");
    assert_eq!(row.missing_answers().len(), 1);
    row.set_classification_answers(&hash, &[answer("Effects", options(&["Wet"]))])
        .expect("valid");
    assert_eq!(row.missing_answers(), [""; 0]);
}
