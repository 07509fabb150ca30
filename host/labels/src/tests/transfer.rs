//! Copying labels from one row into another.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use super::super::*;
use super::{SAMPLES, bounds, document, open, open_document, options, range, refused, root};

fn answer(attribute: &str, value: GivenAnswer) -> AttributeAnswer {
    AttributeAnswer {
        attribute: Some(attribute.to_owned()),
        value,
    }
}

fn text(text: &str) -> GivenAnswer {
    GivenAnswer::Text(text.to_owned())
}

/// A row of a sample without labels.
fn empty(name: &str) -> LabelRow {
    open_document(name, without_labels(document(name)))
}

fn without_labels(mut document: Value) -> Value {
    for section in ["object_answers", "object_actions", "classification_answers"] {
        document[section] = json!({});
    }
    for section in ["data_units", "spaces"] {
        for (_, unit) in document[section].as_object_mut().expect("an object") {
            unit["labels"] = if unit["labels"]["objects"].is_array() {
                json!({ "objects": [], "classifications": [] })
            } else {
                json!({})
            };
        }
    }
    document
}

/// Everything that can be read of a row's labels, with object numbers left out.
fn readings(row: &LabelRow) -> Value {
    let mut objects: Map<String, Value> = row
        .objects()
        .map(|object| {
            let json: Value = serde_json::from_str(&object.to_json()).expect("JSON");
            (object.object_hash().to_owned(), json)
        })
        .collect();
    for (_, object) in &mut objects {
        if let Some(answer) = object["answer"].as_object_mut() {
            answer.remove("objectNumber");
        }
        for (_, drawn) in object["frames"].as_object_mut().expect("an object") {
            let drawn = drawn.as_object_mut().expect("an object");
            drawn.remove("objectNumber");
            drawn.remove("reviews");
        }
    }
    let classifications: Map<String, Value> = row
        .classifications()
        .map(|one| {
            let json = serde_json::from_str(&one.to_json()).expect("JSON");
            (one.classification_hash().to_owned(), json)
        })
        .collect();
    json!({ "objects": objects, "classifications": classifications })
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
    pairs.iter().map(own).collect()
}

/// A row of a sample with another ontology.
fn open_with(name: &str, document: Value, editor: &Value) -> LabelRow {
    let (_, _, data_type, number_of_frames) = SAMPLES
        .into_iter()
        .find(|sample| sample.0 == name)
        .expect("a sample");
    let ontology = Ontology::parse("other", "other", "", editor).expect("an ontology");
    let facts = RowFacts {
        data_type: data_type.to_owned(),
        number_of_frames,
        width: None,
        height: None,
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, Arc::new(ontology)).expect("a label row")
}

#[test]
fn a_copy_of_each_sample_reads_as_the_sample() {
    for (name, ..) in SAMPLES {
        let source = open(name);
        let mut target = empty(name);
        let copied = target.copy_labels(&source, None).expect("the same data");
        assert_eq!(copied.objects as usize, source.objects().count(), "{name}");
        assert_eq!(
            copied.classifications as usize,
            source.classifications().count()
        );
        assert_eq!(copied.left_out, Vec::<String>::new());
        assert_eq!(readings(&target), readings(&source), "{name}");
        // What the index says is what stands in the document.
        let again = open_document(name, (*target.to_document()).clone());
        assert_eq!(readings(&again), readings(&source), "{name}");
    }
}

#[test]
fn a_second_copy_has_other_hashes() {
    let source = open("video");
    let mut target = empty("video");
    let only = pairs(&[("Box", "Box"), ("Poly", "objPoly1")]);
    let first = target.copy_labels(&source, Some(&only)).expect("valid");
    let second = target.copy_labels(&source, Some(&only)).expect("valid");
    assert_eq!(first, second);
    assert!(first.objects > 0 && first.classifications == 0);
    assert_eq!(target.objects().count(), 2 * first.objects as usize);
    for name in ["Box", "Poly"] {
        let count = |row: &LabelRow| row.objects().filter(|one| one.name() == name).count();
        assert_eq!(count(&target), 2 * count(&source));
    }
    // The dynamic answers come along to both.
    let answered = target
        .objects()
        .filter(|one| !one.dynamic_answers().is_empty());
    assert_eq!(answered.count(), 2);
}

/// An ontology with other hashes, other colours and other names, here and there.
fn other_editor() -> Value {
    let option = |hash: &str, label: &str, behind: Value| {
        json!({
            "featureNodeHash": hash, "label": label, "value": format!("other_{hash}"),
            "options": behind,
        })
    };
    let attribute = |hash: &str, name: &str, kind: &str, options: Value| json!({ "featureNodeHash": hash, "name": name, "type": kind, "options": options });
    let mut visible = attribute(
        "o-vis",
        "Visible",
        "radio",
        json!([option("o-no", "No", json!([])),]),
    );
    visible["dynamic"] = true.into();
    json!({
        "objects": [
            { "featureNodeHash": "o-old", "name": "Box", "shape": "bounding_box", "archived": true },
            { "featureNodeHash": "o-poly", "name": "Box", "shape": "polygon" },
            {
                "featureNodeHash": "o-box", "name": "Box", "color": "#111111", "shape": "bounding_box",
                "attributes": [
                    attribute("o-col", "Colour", "radio", json!([
                        option("o-red", "Red", json!([attribute("o-shade", "Shade", "text", json!([]))])),
                        option("o-blu", "Azure", json!([])),
                    ])),
                    visible,
                    attribute("o-num", "Count", "text", json!([])),
                ],
            },
            { "featureNodeHash": "objCirc1", "name": "Round", "color": "#222222", "shape": "circle" },
            { "featureNodeHash": "o-e1", "name": "Ellipse", "shape": "ellipse" },
            { "featureNodeHash": "o-e2", "name": "Ellipse", "shape": "ellipse" },
        ],
        "classifications": [
            { "featureNodeHash": "o-wea", "attributes": [
                attribute("o-weaA", "Weather", "radio", json!([
                    option("optSun01", "Clear", json!([])), option("o-rain", "Rainy", json!([])),
                ])),
            ]},
            { "featureNodeHash": "o-sky", "attributes": [
                attribute("o-skyA", "Heaven", "radio", json!([
                    option("o-r", "Rain", json!([
                        attribute("o-much", "How much", "numeric", json!([])),
                        attribute("o-eff", "Effects", "checklist", json!([
                            option("o-fog", "Fog", json!([])),
                        ])),
                    ])),
                ])),
            ]},
            { "featureNodeHash": "o-qua", "attributes": [
                attribute("o-quaA", "Quality", "radio", json!([option("o-good", "Good", json!([]))])),
            ]},
        ],
    })
}

/// An image with objects and classifications that have answers.
fn labelled() -> LabelRow {
    let mut row = empty("image");
    let first = row
        .add_bounding_box("Box", bounds(0.1, 0.2, 0.3, 0.4), 0)
        .expect("valid");
    row.set_object_answers(
        &first,
        &[
            answer("Colour", options(&["Red"])),
            answer("Shade", text("dark")),
            answer("Count", GivenAnswer::Number(3.0)),
        ],
        None,
    )
    .expect("valid");
    let second = row
        .add_bounding_box("Box", bounds(0.5, 0.5, 0.1, 0.1), 0)
        .expect("valid");
    row.set_object_answers(&second, &[answer("Colour", options(&["Blue"]))], None)
        .expect("valid");
    row.set_object_confidence(&second, 0.25).expect("valid");
    let circle = Geometry::Circle(Circle {
        x: 0.5,
        y: 0.5,
        radius: 0.1,
        stretch: 1.0,
        theta: 0.0,
    });
    row.add_object("Circle", &circle, &[range(0, 0)], None)
        .expect("valid");
    let ellipse = Geometry::Ellipse(Ellipse {
        x: 0.5,
        y: 0.5,
        radius_x: 0.1,
        radius_y: 0.1,
        theta: 0.0,
    });
    row.add_object("Ellipse", &ellipse, &[range(0, 0)], None)
        .expect("valid");
    row.add_object(
        "Dot",
        &Geometry::Point(Point {
            x: 0.5,
            y: 0.5,
            z: None,
        }),
        &[range(0, 0)],
        None,
    )
    .expect("valid");
    row.add_classification("Weather", &root(options(&["Sunny"])), None, None)
        .expect("valid");
    row.add_classification("Quality", &root(options(&["Good"])), None, None)
        .expect("valid");
    row.add_classification(
        "Sky",
        &[
            answer("Sky", options(&["Rain"])),
            answer("How much", GivenAnswer::Number(2.5)),
            answer("Comment", text("wet")),
            answer("Effects", options(&["Fog", "Wet road"])),
        ],
        None,
        None,
    )
    .expect("valid");
    row
}

#[test]
fn features_of_another_ontology_are_found_by_hash_and_by_name() {
    let source = labelled();
    let mut target = open_with("image", without_labels(document("image")), &other_editor());
    let copied = target.copy_labels(&source, None).expect("valid");
    assert_eq!((copied.objects, copied.classifications), (3, 1));
    let expected = [
        "the attribute `Count` of `Box` was left out: the row's ontology has no attribute of kind `numeric` \
         in its place",
        "the option `Blue` of `Colour` of `Box` was left out: the row's ontology has no option in its place",
        "the object `Ellipse` was left out: the row's ontology has more than one object of that name with \
         the shape `ellipse`: `o-e1`, `o-e2`",
        "the object `Dot` was left out: the row's ontology has no object of that name with the shape `point`",
        "the classification `Quality` was left out: the row's ontology has no classification of that title \
         that is global and of kind `radio`",
        "the classification `Sky` was left out: the row's ontology has no classification of that title that \
         is not global and of kind `radio`",
    ];
    assert_eq!(copied.left_out, expected);

    let objects: Vec<_> = target.objects().collect();
    let originals: Vec<_> = source.objects().collect();
    let names: Vec<_> = objects
        .iter()
        .map(|one| (one.name(), one.feature_hash()))
        .collect();
    assert_eq!(
        names,
        [("Box", "o-box"), ("Box", "o-box"), ("Round", "objCirc1")]
    );
    for (copy, original) in objects.iter().zip(&originals) {
        assert_eq!(copy.object_hash(), original.object_hash());
        assert_eq!(copy.annotation(0), original.annotation(0));
    }
    let json: Value = serde_json::from_str(&objects[2].to_json()).expect("JSON");
    let drawn = &json["frames"]["0"];
    let own = ["name", "color", "value", "featureHash", "shape"].map(|key| drawn[key].clone());
    assert_eq!(
        json!(own),
        json!(["Round", "#222222", "round", "objCirc1", "circle"])
    );

    let entry = &target.to_document()["object_answers"][objects[0].object_hash()];
    let plain: Vec<_> = entry["classifications"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| json!([entry["name"], entry["featureHash"], entry["answers"]]))
        .collect();
    let red = json!([{ "name": "Red", "value": "other_o-red", "featureHash": "o-red" }]);
    assert_eq!(
        json!(plain),
        json!([["Shade", "o-shade", "dark"], ["Colour", "o-col", red]])
    );
    assert_eq!(objects[1].answers(), []);

    let weather = target.classifications().next().expect("one");
    assert_eq!(
        (weather.title(), weather.feature_hash()),
        ("Weather", "o-wea")
    );
    let AnswerValue::Options(chosen) = &weather.answers()[0].value else {
        panic!("options");
    };
    // The option is the one of the same hash, whatever its label.
    assert_eq!(
        (chosen[0].name.as_str(), chosen[0].value.as_str()),
        ("Clear", "other_optSun01")
    );
}

#[test]
fn pairs_say_what_is_copied_and_as_what() {
    let source = labelled();
    let mut target = open_with("image", without_labels(document("image")), &other_editor());
    let wanted = pairs(&[
        ("Box", "Box"),
        ("objEll01", "o-e2"),
        ("Sky", "Heaven"),
        ("Blue", "o-blu"),
        ("Wet road", "Fog"),
    ]);
    let copied = target.copy_labels(&source, Some(&wanted)).expect("valid");
    assert_eq!((copied.objects, copied.classifications), (3, 1));
    // Of what nobody asked for nothing is told.
    assert_eq!(
        copied.left_out,
        [
            "the attribute `Count` of `Box` was left out: the row's ontology has no attribute of kind \
             `numeric` in its place",
            "the attribute `Comment` of `Sky` was left out: the row's ontology has no attribute of kind \
             `text` in its place",
        ]
    );
    let hashes: Vec<_> = target.objects().map(|one| one.feature_hash()).collect();
    assert_eq!(hashes, ["o-box", "o-box", "o-e2"]);
    let colours: Vec<_> = target
        .objects()
        .map(|one| one.answers().last().cloned())
        .collect();
    let chosen = |answer: &Option<Answer>| match answer.as_ref().map(|answer| &answer.value) {
        Some(AnswerValue::Options(options)) => options[0].feature_hash.clone(),
        other => panic!("options, found {other:?}"),
    };
    assert_eq!(chosen(&colours[0]), "o-red");
    assert_eq!(chosen(&colours[1]), "o-blu");
    let sky = target.classifications().next().expect("one");
    assert_eq!(sky.feature_hash(), "o-sky");
    let answers: Vec<_> = sky
        .answers()
        .into_iter()
        .map(|one| (one.feature_hash, one.value))
        .collect();
    assert_eq!(answers.len(), 3);
    // Two options of the source have become one.
    let (hash, AnswerValue::Options(ticked)) = &answers[0] else {
        panic!("options, found {answers:?}");
    };
    assert_eq!(
        (hash.as_str(), ticked.len(), ticked[0].feature_hash.as_str()),
        ("o-eff", 1, "o-fog")
    );
    assert_eq!(answers[1], ("o-much".to_owned(), AnswerValue::Number(2.5)));
}

#[test]
fn two_attributes_do_not_become_one() {
    let mut row = empty("image");
    let hash = row
        .add_bounding_box("Box", bounds(0.0, 0.0, 0.5, 0.5), 0)
        .expect("valid");
    let numeric = |hash: &str, name: &str| json!({ "featureNodeHash": hash, "name": name, "type": "numeric" });
    let boxes = |hash: &str, attributes: Value| {
        json!({ "objects": [{
            "featureNodeHash": hash, "name": "Box", "shape": "bounding_box", "attributes": attributes,
        }]})
    };
    let attributes = json!([numeric("attrNum1", "Count"), numeric("attrNum2", "Sum")]);
    let source = boxes("PXFZO2ra", attributes);
    let editor = boxes("o-box", json!([numeric("o-any", "Any")]));
    let mut document = (*row.to_document()).clone();
    document["object_answers"][&hash]["classifications"] = json!([
        { "name": "Count", "featureHash": "attrNum1", "answers": 1 },
        { "name": "Sum", "featureHash": "attrNum2", "answers": 2 },
    ]);
    let source = open_with("image", document, &source);
    let mut target = open_with("image", without_labels(super::document("image")), &editor);
    let wanted = pairs(&[("Box", "o-box"), ("Count", "Any"), ("Sum", "Any")]);
    let copied = target.copy_labels(&source, Some(&wanted)).expect("valid");
    assert_eq!(
        copied.left_out,
        ["the attribute `Sum` of `Box` was left out: another attribute has become `Any`"]
    );
    let answers = target.objects().next().expect("one").answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].name.as_str(), &answers[0].value),
        ("Any", &AnswerValue::Number(1.0))
    );
}

#[test]
fn pairs_that_cannot_be_are_refused() {
    let source = labelled();
    for (wanted, expected) in [
        (
            ("Boxes", "Box"),
            "of the source's ontology that is in use, found `Boxes`",
        ),
        (
            ("Box", "Boxes"),
            "of the row's ontology that is in use, found `Boxes`",
        ),
        (("Old", "Box"), "found `Old`"),
        (
            ("Circle", "o-box"),
            "found `Circle`, an object of shape `circle`, and `o-box`, an object of shape `bounding_box`",
        ),
        (
            ("Weather", "o-box"),
            "found `Weather`, a classification that is not global and of kind `radio`, and `o-box`",
        ),
        (
            ("Ellipse", "Ellipse"),
            "which several have\nhelp: name them by their feature hashes",
        ),
        (
            ("attrNum1", "o-num"),
            "found `attrNum1`, an attribute of kind `numeric`, and `o-num`, an attribute of kind `text`",
        ),
        (
            ("Quality", "Quality"),
            "a classification that is global and of kind `radio`",
        ),
    ] {
        let mut target = open_with("image", without_labels(document("image")), &other_editor());
        let result = target.copy_labels(&source, Some(&pairs(&[wanted])));
        let message = refused(&target, result);
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
    let mut target = open_with("image", without_labels(document("image")), &other_editor());
    let twice = pairs(&[("Ellipse", "o-e1"), ("objEll01", "o-e2")]);
    let result = target.copy_labels(&source, Some(&twice));
    assert_eq!(
        refused(&target, result),
        "expected one pair for `objEll01`, found several"
    );
}

#[test]
fn a_row_that_cannot_take_the_labels_is_left_as_it_is() {
    let mut image = open("image");
    let result = image.copy_labels(&open("video"), None);
    assert!(refused(&image, result).contains("expected labels of a row of type `image`"));

    // It has all of the classifications already.
    let mut video = open("video");
    let result = video.copy_labels(&open("video"), None);
    let message = refused(&video, result);
    assert!(
        message.contains("expected `Weather` not to be given yet on frames 0 to 9"),
        "{message}"
    );

    // It is shorter.
    let source = open("video");
    let facts = RowFacts {
        data_type: "video".to_owned(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    let short = without_labels(document("video"));
    let mut short =
        LabelRow::open(Arc::new(short), facts, source.ontology().clone()).expect("a row");
    let result = short.copy_labels(&source, None);
    let message = refused(&short, result);
    assert!(
        message.contains("expected a frame from 0 to 0, found"),
        "{message}"
    );

    // It is of another size.
    let mut small = without_labels(document("image"));
    for (_, unit) in small["data_units"].as_object_mut().expect("units") {
        unit["width"] = 7.into();
    }
    let mut small = open_document("image", small);
    let result = small.copy_labels(&open("image"), Some(&pairs(&[("Mask", "Mask")])));
    let message = refused(&small, result);
    assert!(message.contains("pixels, as the bitmask of `"), "{message}");

    // Its parts are others.
    let mut other = without_labels(document("group"));
    other["spaces"] = json!({});
    let mut other = open_document("group", other);
    let result = other.copy_labels(&open("group"), None);
    let message = refused(&other, result);
    assert!(
        message.contains("expected a row with a space of the id `"),
        "{message}"
    );
}

#[test]
fn labels_of_a_space_go_where_the_layout_has_its_place() {
    let with_layout = |mut document: Value, ids: [&str; 2]| {
        let spaces = document["spaces"].as_object().expect("spaces").clone();
        let layout = spaces.into_iter().zip(ids).zip(["left", "right"]);
        let spaces: Map<String, Value> = layout
            .map(|(((_, mut space), id), key)| {
                space["child_info"] = json!({ "layout_key": key });
                (id.to_owned(), space)
            })
            .collect();
        document["spaces"] = Value::Object(spaces);
        document
    };
    let sample = document("group");
    let ids: Vec<_> = sample["spaces"]
        .as_object()
        .expect("spaces")
        .keys()
        .cloned()
        .collect();
    let source = open_document("group", with_layout(sample.clone(), [&ids[0], &ids[1]]));
    let target = with_layout(without_labels(sample), ["aaa", "bbb"]);
    let mut target = open_document("group", target);
    let copied = target.copy_labels(&source, None).expect("the same layout");
    assert_eq!((copied.objects, copied.classifications), (1, 1));
    assert_eq!(target.objects().next().expect("one").spaces(), ["aaa"]);
    assert_eq!(
        target.classifications().next().expect("one").spaces(),
        ["bbb"]
    );
}

#[test]
fn a_skeleton_takes_the_points_of_the_other_template() {
    let mut editor: Value = serde_json::from_str::<Value>(include_str!(
        "../testdata/ontology.json"
    ))
    .expect("JSON")["editor"]
        .take();
    let points = editor["skeleton_templates"][0]["template"]["skeleton"].take();
    let mut foot = points["1"].clone();
    foot["featureHash"] = "o-foot".into();
    let mut head = points["0"].clone();
    head["featureHash"] = "o-head".into();
    head["color"] = "#333333".into();
    editor["skeleton_templates"][0]["template"]["skeleton"] = json!({ "0": foot, "1": head });
    let source = open("image");
    let only = pairs(&[("Stick", "Stick")]);
    let mut target = open_with("image", without_labels(document("image")), &editor);
    let copied = target.copy_labels(&source, Some(&only)).expect("valid");
    assert_eq!((copied.objects, copied.left_out.len()), (1, 0));
    let skeleton = |row: &LabelRow| {
        let object = row
            .objects()
            .find(|one| one.name() == "Stick")
            .expect("one");
        match object.annotation(0).expect("drawn").geometry {
            Geometry::Skeleton(points) => points,
            other => panic!("a skeleton, found {other:?}"),
        }
    };
    let (before, after) = (skeleton(&source), skeleton(&target));
    let hashes: Vec<_> = after
        .iter()
        .map(|point| point.feature_hash.as_str())
        .collect();
    assert_eq!(hashes, ["o-foot", "o-head"]);
    let place = |points: &[SkeletonPoint], name: &str| {
        let point = points
            .iter()
            .find(|point| point.name == name)
            .expect("there");
        (point.x, point.y)
    };
    for name in ["head", "foot"] {
        assert_eq!(place(&before, name), place(&after, name));
    }

    editor["skeleton_templates"][0]["template"]["skeleton"]["1"]["name"] = "hat".into();
    let mut target = open_with("image", without_labels(document("image")), &editor);
    let copied = target.copy_labels(&source, Some(&only)).expect("valid");
    assert_eq!(copied.objects, 0);
    assert_eq!(
        copied.left_out,
        [
            "the object `Stick` was left out: its skeleton has the point `head`, the template of the row's \
          ontology has `foot`, `hat`"
        ]
    );
    assert!(!target.is_edited());
}

#[test]
fn what_is_not_known_here_comes_along() {
    let mut labelled = document("video");
    let unit = labelled["data_units"]
        .as_object_mut()
        .expect("units")
        .values_mut()
        .next()
        .expect("one");
    let drawn = &mut unit["labels"]["0"]["objects"][0];
    drawn["futureKey"] = json!({ "a": [1] });
    drawn["objectNumber"] = 7.into();
    drawn["createdBy"] = "someone@example.com".into();
    let hash = drawn["objectHash"].as_str().expect("text").to_owned();
    labelled["object_answers"][&hash]["objectNumber"] = 7.into();
    let source = open_document("video", labelled);
    let mut target = empty("video");
    target.copy_labels(&source, None).expect("valid");
    let object = target.object(&hash).expect("copied");
    assert_eq!(object.object_number(), None);
    let json: Value = serde_json::from_str(&object.to_json()).expect("JSON");
    assert_eq!(json["frames"]["0"]["futureKey"], json!({ "a": [1] }));
    let annotation = object.annotation(0).expect("drawn");
    assert_eq!(
        annotation.created_by.as_deref(),
        Some("someone@example.com")
    );
}

#[test]
fn a_copy_of_any_row_reads_as_the_row() {
    for seed in 0..60 {
        let mut random = SmallRng::seed_from_u64(seed);
        let name = ["image", "img_group", "img_sequence", "video"][seed as usize % 4];
        let mut source = empty(name);
        let frames = source.number_of_frames();
        for _ in 0..random.random_range(1..40) {
            let start = random.random_range(0..frames);
            let end = random.random_range(start..frames);
            let on = [range(start, end)];
            match random.random_range(0..4) {
                0..=1 => {
                    let (x, y) = (random.random_range(0.0..0.5), random.random_range(0.0..0.5));
                    let box_ = Geometry::BoundingBox(bounds(x, y, 0.25, 0.5));
                    let hash = source.add_object("Box", &box_, &on, None).expect("valid");
                    let colour = ["Red", "Blue"][random.random_range(0..2)];
                    let mut answers = vec![answer("Colour", options(&[colour]))];
                    if colour == "Red" {
                        answers.push(answer("Shade", text("light")));
                    }
                    source
                        .set_object_answers(&hash, &answers, None)
                        .expect("valid");
                    let visible = [answer("Visible", options(&["Yes"]))];
                    source
                        .set_object_answers(&hash, &visible, Some(&on))
                        .expect("valid");
                }
                2 => {
                    let line = (0..3).map(|_| Point {
                        x: random.random_range(0.0..1.0),
                        y: random.random_range(0.0..1.0),
                        z: None,
                    });
                    let line = Geometry::Polyline(line.collect());
                    source.add_object("Line", &line, &on, None).expect("valid");
                }
                _ => {
                    let rain = [
                        answer("Sky", options(&["Rain"])),
                        answer("Effects", options(&["Fog"])),
                    ];
                    // Refused where there is one already.
                    let _ = source.add_classification("Sky", &rain, Some(&on), None);
                }
            }
        }
        let mut target = empty(name);
        let copied = target.copy_labels(&source, None).expect("the same data");
        assert_eq!(copied.left_out, Vec::<String>::new());
        assert_eq!(readings(&target), readings(&source), "{name}, seed {seed}");
        // The copy can be edited on.
        for hash in source.objects().map(|one| one.object_hash().to_owned()) {
            assert!(target.remove_object(&hash));
        }
        for hash in source
            .classifications()
            .map(|one| one.classification_hash().to_owned())
        {
            assert!(target.remove_classification(&hash));
        }
        assert_eq!(
            target.objects().count() + target.classifications().count(),
            0
        );
        target
            .copy_labels(&source, None)
            .expect("nothing is in the way");
    }
}
