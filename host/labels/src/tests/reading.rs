//! Reading rows.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::*;
use super::{SAMPLES, document, open, open_document, range};

#[test]
fn reading_leaves_every_row_as_it_is() {
    for (name, text, ..) in SAMPLES {
        let row = open(name);
        for object in row.objects() {
            assert_eq!(
                row.object(object.object_hash()).map(|o| o.name()),
                Some(object.name())
            );
            for frames in object.frames() {
                object.annotation(frames.start);
            }
            object.to_json();
        }
        for classification in row.classifications() {
            let same = row.classification(classification.classification_hash());
            assert_eq!(
                same.map(|same| same.answers()),
                Some(classification.answers())
            );
        }
        assert!(!row.is_edited(), "{name}");
        // The text as well, and with it the order of keys and the form of numbers.
        let squeezed: Value = serde_json::from_str(text).expect("testdata is JSON");
        assert_eq!(
            row.to_document().to_string(),
            squeezed.to_string(),
            "{name}"
        );
    }
}

#[test]
fn opening_shares_the_document() {
    let shared = Arc::new(document("image"));
    let facts = RowFacts {
        data_type: "image".to_owned(),
        number_of_frames: 1,
        width: Some(640),
        height: Some(480),
        partial: true,
    };
    let row = LabelRow::open(Arc::clone(&shared), facts, super::ontology()).expect("a row");
    assert!(Arc::ptr_eq(&shared, &row.to_document()));
    let error = row.check_savable().expect_err("it is partial");
    assert!(
        matches!(&error, LabelError::Unsupported(text) if text.contains("\nhelp: ")),
        "{error}"
    );
    assert_eq!(open("image").check_savable(), Ok(()));
}

#[test]
fn a_document_that_is_no_row_is_refused() {
    for (key, found) in [
        ("label_hash", "nothing"),
        ("data_hash", "nothing"),
        ("data_units", "nothing"),
    ] {
        let mut document = document("image");
        document.as_object_mut().expect("an object").remove(key);
        let facts = open("image").facts.clone();
        let error = LabelRow::open(Arc::new(document), facts, super::ontology()).expect_err(key);
        assert!(matches!(error, LabelError::Document(_)));
        assert!(error.to_string().contains(key) && error.to_string().contains(found));
    }
}

#[test]
fn the_row_itself_reads() {
    let row = open("video");
    assert_eq!(row.label_hash(), "ea0f9db5-3ef8-5c74-85e1-f71051344906");
    assert_eq!(row.branch_name(), "main");
    assert_eq!(row.label_status(), "LABEL_IN_PROGRESS");
    assert_eq!(row.created_at().as_deref(), Some("2025-01-15T09:30:04Z"));
    assert_eq!(row.last_edited_at(), row.created_at());
    assert_eq!(row.data_hash(), "b3a6a247-b06a-574f-92a5-95fd9263a457");
    assert_eq!(row.data_title(), "video_4");
    assert_eq!(row.data_type(), "video");
    assert_eq!(row.dataset_hash(), "be9be6c0-5861-57cd-9dbc-8dde28c372d2");
    assert_eq!(row.dataset_title(), "Stub dataset");
    assert_eq!((row.width(), row.height()), (Some(320), Some(240)));
    assert_eq!(row.number_of_frames(), 30);
    let (fps, duration) = (
        row.fps().expect("a video"),
        row.duration().expect("a video"),
    );
    assert!((fps * duration - 30.0).abs() < 1e-9, "{fps} {duration}");

    let audio = open("audio");
    assert_eq!(
        (audio.width(), audio.height(), audio.fps()),
        (None, None, None)
    );
    assert_eq!(audio.duration(), Some(1.0));
    assert_eq!((open("pdf").width(), open("pdf").fps()), (None, None));
}

#[test]
fn data_units_stand_by_their_sequence() {
    let units = open("img_group").data_units();
    let titles: Vec<_> = units
        .iter()
        .map(|unit| (unit.sequence, unit.title.as_str()))
        .collect();
    assert_eq!(
        titles,
        [(0, "group_0.png"), (1, "group_1.png"), (2, "group_2.png")]
    );
    assert_eq!(units[2].data_hash, "a079d5a1-8eec-5ae0-9c81-b6e209dde026");
    assert_eq!(units[0].data_type, "image/png");
    assert_eq!((units[0].width, units[0].height), (Some(320), Some(240)));
    let unit = open("pdf").data_units().remove(0);
    assert_eq!((unit.width, unit.height), (None, None));
}

#[test]
fn every_shape_reads() {
    let row = open("image");
    let geometry: Vec<_> = row
        .objects()
        .map(|object| {
            (
                object.shape(),
                object.annotation(0).expect("drawn").geometry,
            )
        })
        .collect();
    let point = |x, y| Point { x, y, z: None };
    let square = vec![
        point(0.0, 0.0),
        point(1.0, 0.0),
        point(1.0, 1.0),
        point(0.0, 1.0),
    ];
    let hole = vec![point(0.4, 0.4), point(0.6, 0.4), point(0.6, 0.6)];
    let triangle = vec![point(0.1, 0.1), point(0.5, 0.1), point(0.5, 0.5)];
    let joint = |y, name: &str, hash: &str, visibility: &str| SkeletonPoint {
        x: 0.1,
        y,
        name: name.to_owned(),
        feature_hash: hash.to_owned(),
        visibility: Some(visibility.to_owned()),
    };
    let joints = vec![
        joint(0.1, "head", "skPtHead", "visible"),
        joint(0.9, "foot", "skPtFoot", "occluded"),
    ];
    let mask = Bitmask {
        top: 0,
        left: 0,
        width: 640,
        height: 480,
        rle: "nX6:fc000000000000000000R_o8".to_owned(),
    };
    let bounding = BoundingBox {
        x: 0.1,
        y: 0.2,
        width: 0.25,
        height: 0.5,
    };
    let turned = RotatableBoundingBox {
        x: 0.1,
        y: 0.2,
        width: 0.3,
        height: 0.2,
        theta: 45.0,
    };
    let ellipse = Ellipse {
        x: 0.5,
        y: 0.5,
        radius_x: 0.1,
        radius_y: 0.2,
        theta: 10.0,
    };
    let expected = [
        ("bounding_box", Geometry::BoundingBox(bounding)),
        (
            "rotatable_bounding_box",
            Geometry::RotatableBoundingBox(turned),
        ),
        ("polygon", Geometry::Polygon(vec![vec![triangle]])),
        ("polygon", Geometry::Polygon(vec![vec![square, hole]])),
        (
            "polyline",
            Geometry::Polyline(vec![point(0.1, 0.1), point(0.9, 0.9)]),
        ),
        ("point", Geometry::Point(point(0.25, 0.75))),
        (
            "circle",
            Geometry::Circle(Circle {
                x: 0.5,
                y: 0.5,
                radius: 0.1,
                stretch: 1.0,
                theta: 0.0,
            }),
        ),
        ("ellipse", Geometry::Ellipse(ellipse)),
        ("skeleton", Geometry::Skeleton(joints)),
        ("bitmask", Geometry::Bitmask(mask)),
    ];
    let (flat, others): (Vec<_>, Vec<_>) = geometry
        .into_iter()
        .partition(|(shape, _)| *shape == "cuboid_2d");
    assert_eq!(others, expected);
    for (_, geometry) in &flat {
        let Geometry::Other(text) = geometry else {
            panic!("a cuboid_2d is shown as JSON, found {geometry:?}");
        };
        let json: Value = serde_json::from_str(text).expect("JSON text");
        assert!(json["cuboid_2d"]["front"].is_array());
    }
    assert_eq!(flat.len(), 2);
}

#[test]
fn older_and_newer_forms_of_a_shape_read() {
    let geometry = |object: Value| {
        let mut document = document("image");
        let (hash, unit) = (
            "853bJd0B",
            document["data_hash"].as_str().map(str::to_owned),
        );
        let unit = unit.expect("text");
        let mut drawn = object;
        drawn["objectHash"] = hash.into();
        document["data_units"][&unit]["labels"]["objects"] = json!([drawn]);
        let row = open_document("image", document);
        let object = row.object(hash).expect("drawn");
        object.annotation(0).expect("drawn").geometry
    };
    let ring = |z| vec![Point { x: 0.0, y: 0.5, z }, Point { x: 1.0, y: 0.25, z }];
    let listed = json!([{ "x": 0, "y": 0.5 }, { "x": 1, "y": 0.25 }]);
    let polygon = Geometry::Polygon(vec![vec![ring(None)]]);
    assert_eq!(
        geometry(json!({ "shape": "polygon", "polygon": listed })),
        polygon
    );
    assert_eq!(
        geometry(json!({ "shape": "polygon", "polygons": [[listed]] })),
        polygon
    );
    let keyed = json!({ "10": { "x": 1, "y": 0.25, "z": 3 }, "9": { "x": 0, "y": 0.5, "z": 3 } });
    assert_eq!(
        geometry(json!({ "shape": "polyline", "polyline": keyed })),
        Geometry::Polyline(ring(Some(3.0)))
    );
    let joint =
        json!({ "0": { "x": 0, "y": 1, "name": "a", "visible": true, "selfOccluded": true } });
    let Geometry::Skeleton(joints) = geometry(json!({ "shape": "skeleton", "skeleton": joint }))
    else {
        panic!("a skeleton");
    };
    assert_eq!(joints[0].visibility.as_deref(), Some("selfOccluded"));
    let cuboid = json!({ "position": [1, 2, 3], "orientation": [0, 0, 1.5], "size": [4, 5, 6] });
    let expected = Cuboid {
        position: [1.0, 2.0, 3.0],
        orientation: [0.0, 0.0, 1.5],
        size: [4.0, 5.0, 6.0],
    };
    assert_eq!(
        geometry(json!({ "shape": "cuboid", "cuboid": cuboid })),
        Geometry::Cuboid(expected)
    );
    let stretched = json!({ "shape": "circle", "circle": { "x": 0.5, "y": 0.5, "r": 0.1, "stretch": 2.0, "theta": 45 } });
    let expected = Circle {
        x: 0.5,
        y: 0.5,
        radius: 0.1,
        stretch: 2.0,
        theta: 45.0,
    };
    assert_eq!(geometry(stretched), Geometry::Circle(expected));
    for odd in [
        json!({ "shape": "circle", "circle": { "x": 0.5, "y": 0.5 } }),
        json!({ "shape": "bounding_box", "boundingBox": null }),
        json!({ "shape": "polygon", "polygons": [[[0.1, 0.2, 0.3]]] }),
        json!({ "shape": "hologram", "hologram": [] }),
    ] {
        assert!(matches!(geometry(odd.clone()), Geometry::Other(_)), "{odd}");
    }
}

#[test]
fn an_object_has_its_frames_and_answers() {
    let row = open("video");
    let object = row.object("2Tb1WZQ6").expect("in the row");
    assert_eq!(object.frames(), [range(0, 2), range(5, 6)]);
    assert_eq!((object.feature_hash(), object.name()), ("PXFZO2ra", "Box"));
    assert_eq!((object.object_number(), object.space()), (None, None));
    assert!(object.annotation(3).is_none());
    let annotation = object.annotation(1).expect("drawn");
    assert_eq!(annotation.confidence, 0.9);
    assert!(!annotation.manual_annotation);
    assert_eq!(
        annotation.created_at.as_deref(),
        Some("2025-01-15T09:31:05Z")
    );
    assert_eq!(
        (annotation.created_by, annotation.last_edited_by),
        (None, None)
    );
    let option = |hash: &str, name: &str, value: &str| {
        AnswerValue::Options(vec![ChosenOption {
            feature_hash: hash.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        }])
    };
    let answers: Vec<_> = object
        .dynamic_answers()
        .into_iter()
        .map(|dynamic| (dynamic.answer.name, dynamic.answer.value, dynamic.frames))
        .collect();
    let expected = [
        (
            "Visible".to_owned(),
            option("optNo001", "No", "no"),
            vec![range(5, 5)],
        ),
        (
            "Visible".to_owned(),
            option("optYes01", "Yes", "yes"),
            vec![range(0, 2)],
        ),
    ];
    assert_eq!(answers, expected);

    let image = open("image");
    let object = image.object("853bJd0B").expect("in the row");
    let answers: Vec<_> = object
        .answers()
        .into_iter()
        .map(|a| (a.name, a.value))
        .collect();
    let expected = [
        ("Count".to_owned(), AnswerValue::Number(3.0)),
        ("Shade".to_owned(), AnswerValue::Text("dark".to_owned())),
        ("Colour".to_owned(), option("optRed01", "Red", "red")),
    ];
    assert_eq!(answers, expected);
    let json: Value = serde_json::from_str(&object.to_json()).expect("JSON text");
    let keys: Vec<_> = json.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["answer", "actions", "frames"]);
    assert_eq!(json["frames"]["0"]["boundingBox"]["h"], 0.5);
    assert_eq!(json["answer"]["objectHash"], "853bJd0B");
    assert_eq!(json["actions"][0]["name"], "Visible");
}

#[test]
fn ranges_of_audio_text_and_html_read() {
    let audio = open("audio");
    let speech = audio.objects().next().expect("one object");
    assert_eq!((speech.name(), speech.shape()), ("Speech", "audio"));
    assert_eq!(speech.frames(), [range(100, 400)]);
    assert!(speech.annotation(100).is_none());
    let text = open("text");
    let entity = text.objects().next().expect("one object");
    assert_eq!(entity.frames(), [range(0, 5), range(10, 12)]);
    let html = open("html");
    let entity = html.objects().next().expect("one object");
    assert_eq!((entity.name(), entity.frames()), ("Entity", Vec::new()));
    assert!(entity.to_json().contains("range_html"));
}

#[test]
fn what_is_in_a_space_says_so() {
    let row = open("group");
    let object = row.objects().next().expect("one object");
    assert_eq!(object.space(), Some("2c295fbf-34bc-5d19-818a-9e2a39376710"));
    assert_eq!(object.frames(), [range(0, 100)]);
    let classification = row.classifications().next().expect("one classification");
    assert_eq!(
        classification.spaces(),
        ["5c2e9461-a398-5d11-aff1-60e411973eef"]
    );
    assert_eq!(
        (classification.title(), classification.frames()),
        ("Weather", Vec::new())
    );

    // A drawn object that two spaces share: it is shown in both.
    let mut document = document("group");
    let drawn = json!({ "shape": "bounding_box", "featureHash": "PXFZO2ra", "objectHash": "shared00",
        "boundingBox": { "h": 0.1, "w": 0.1, "x": 0.0, "y": 0.0 } });
    let blob = json!({ "objects": [drawn], "classifications": [] });
    document["spaces"]["s1"] = json!({ "space_type": "video", "labels": { "3": blob, "4": blob } });
    document["spaces"]["s2"] = json!({ "space_type": "image", "labels": { "0": blob } });
    document["spaces"]["s3"] = json!({ "space_type": "scene_image", "labels": {},
        "scene_info": { "stream_id": "cam#1", "event_index": 7 } });
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let mut lone = blob.clone();
    lone["objects"][0]["objectHash"] = "lone0000".into();
    document["data_units"][&unit]["labels"] = json!({ "cam#1#7": lone });
    let mut row = open_document("group", document);
    let object = row.object("shared00").expect("drawn");
    assert_eq!(
        (object.space(), object.frames()),
        (Some("s1"), vec![range(0, 0), range(3, 4)])
    );
    assert_eq!(object.spaces(), ["s1", "s2"]);
    assert_eq!(object.frames_in("s1"), [range(3, 4)]);
    assert_eq!(object.frames_in("s2"), [range(0, 0)]);
    assert!(object.annotation(0).is_some());
    assert!(object.annotation_in("s1", 0).is_none());
    assert!(object.annotation_in("s2", 0).is_some());
    let lone = row.object("lone0000").expect("drawn");
    assert_eq!(
        (lone.space(), lone.frames()),
        (Some("s3"), vec![range(0, 0)])
    );
    row.set_object_confidence("shared00", 0.5).expect("valid");
    let document = row.to_document();
    assert_eq!(
        document["spaces"]["s2"]["labels"]["0"]["objects"][0]["confidence"],
        0.5
    );
    assert_eq!(
        document["spaces"]["s1"]["labels"]["4"]["objects"][0]["confidence"],
        0.5
    );
}

#[test]
fn classifications_read_with_their_frames() {
    let row = open("video");
    let read: Vec<_> = row
        .classifications()
        .map(|c| {
            (
                c.classification_hash(),
                c.title(),
                c.frames(),
                c.confidence(),
            )
        })
        .collect();
    let expected = [
        ("teeI8mys", "Weather", vec![range(0, 9), range(20, 29)], 1.0),
        ("iIu23Inr", "Quality", Vec::new(), 1.0),
    ];
    assert_eq!(read, expected);
    let weather = row.classification("teeI8mys").expect("in the row");
    assert!(weather.manual_annotation());
    assert_eq!(
        weather.created_at().as_deref(),
        Some("2025-01-15T09:31:05Z")
    );
    assert_eq!(
        (weather.created_by(), weather.last_edited_by()),
        (None, None)
    );
    assert_eq!(weather.last_edited_at(), weather.created_at());
    let json: Value = serde_json::from_str(&weather.to_json()).expect("JSON text");
    assert_eq!(json["range"], json!([[0, 9], [20, 29]]));
    assert!(
        row.classification("2Tb1WZQ6").is_none(),
        "that is an object"
    );
}

#[test]
fn the_remains_of_what_was_deleted_are_not_listed() {
    let mut document = document("video");
    document["object_answers"]["orphan00"] =
        json!({ "classifications": [], "objectHash": "orphan00" });
    let answers = &mut document["classification_answers"];
    answers["nowhere0"] = json!({ "classifications": [], "featureHash": "clsRad01", "range": [] });
    answers["nofeat00"] = json!({ "classifications": [], "range": [[0, 0]] });
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let drawn = json!({ "name": "Gone", "shape": "bounding_box", "objectHash": "unlisted" });
    let frame = &mut document["data_units"][&unit]["labels"]["6"];
    frame["objects"].as_array_mut().expect("a list").push(drawn);
    let row = open_document("video", document);
    assert!(row.object("orphan00").is_none());
    assert!(row.classification("nowhere0").is_none() && row.classification("nofeat00").is_none());
    assert_eq!(row.classifications().count(), 2);
    // An object without an entry of its own comes after those that have one.
    let last = row.objects().last().expect("objects");
    assert_eq!((last.object_hash(), last.name()), ("unlisted", "Gone"));
    assert_eq!(last.frames(), [range(6, 6)]);
    assert_eq!(row.objects().count(), 13);
}

#[test]
fn a_checklist_reads_the_same_from_either_writer() {
    let mut editor = super::ontology().raw().clone();
    let tick = |hash: &str, label: &str| json!({ "label": label, "value": label, "featureNodeHash": hash });
    let attribute = |hash: &str, dynamic: bool| {
        json!({ "name": "Parts", "type": "checklist", "featureNodeHash": hash, "dynamic": dynamic,
            "options": [tick("optA0001", "a"), tick("optB0001", "b")] })
    };
    editor["objects"][0]["attributes"] =
        json!([attribute("still000", false), attribute("moving00", true)]);
    let ontology = Ontology::parse("", "", "", &editor).expect("an ontology");
    let chosen =
        |hash: &str, name: &str| json!({ "name": name, "value": name, "featureHash": hash });
    let entry = |hash: &str, answers: Value, range: Value| {
        json!({ "name": "Parts", "value": "parts", "featureHash": hash, "answers": answers,
            "manualAnnotation": true, "range": range })
    };
    let (a, b) = (chosen("optA0001", "a"), chosen("optB0001", "b"));
    let mut document = document("video");
    let editor_wrote = [
        entry("still000", json!([a]), Value::Null),
        entry("still000", json!([b]), Value::Null),
        entry("attrRad1", json!([]), Value::Null),
    ];
    document["object_answers"]["2Tb1WZQ6"]["classifications"] = json!(editor_wrote);
    document["object_actions"]["2Tb1WZQ6"]["actions"] = json!([
        entry("moving00", json!([a]), json!([[0, 5]])),
        entry("moving00", json!([b]), json!([[3, 9], [12, 12]])),
    ]);
    let facts = open("video").facts.clone();
    let row = LabelRow::open(Arc::new(document), facts, Arc::new(ontology)).expect("a row");
    let object = row.object("2Tb1WZQ6").expect("in the row");
    let ticked = |value: &AnswerValue| match value {
        AnswerValue::Options(options) => options.iter().map(|o| o.name.clone()).collect::<String>(),
        other => panic!("options, found {other:?}"),
    };
    let answers = object.answers();
    assert_eq!(
        answers.iter().map(|a| ticked(&a.value)).collect::<Vec<_>>(),
        ["ab", ""]
    );
    let dynamic = object.dynamic_answers();
    let dynamic: Vec<_> = dynamic
        .iter()
        .map(|d| (ticked(&d.answer.value), d.frames.clone()))
        .collect();
    let expected = [
        ("a".to_owned(), vec![range(0, 2)]),
        ("ab".to_owned(), vec![range(3, 5)]),
        ("b".to_owned(), vec![range(6, 9), range(12, 12)]),
    ];
    assert_eq!(dynamic, expected);
}

#[test]
fn rows_and_ontologies_can_be_used_from_any_thread() {
    fn check<T: Send + Sync + 'static>() {}
    check::<LabelRow>();
    check::<Ontology>();
    check::<LabelError>();
}
