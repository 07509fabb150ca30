//! Answers of language models: their schema, and what becomes of them in a row.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::*;
use super::{bounds, document, ontology, open, range, refused};

/// What Encord's package for agents takes, and what it makes of it. `structured.py` beside it wrote it.
fn peer() -> (Arc<Ontology>, Vec<Value>) {
    let golden: Value = serde_json::from_str(include_str!("../testdata/structured.json"))
        .expect("testdata is JSON");
    let ontology = Ontology::parse("uuid", "title", "", &golden["editor"]).expect("an ontology");
    let cases = golden["cases"].as_array().expect("a list").clone();
    (Arc::new(ontology), cases)
}

fn row_of(ontology: &Arc<Ontology>) -> LabelRow {
    let facts = RowFacts {
        data_type: "image".to_owned(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    let mut document = document("image");
    document["object_answers"] = json!({});
    document["classification_answers"] = json!({});
    for (_, unit) in document["data_units"].as_object_mut().expect("units") {
        unit["labels"]["objects"] = json!([]);
    }
    LabelRow::open(Arc::new(document), facts, Arc::clone(ontology)).expect("a label row")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn features_of(case: &Value) -> Vec<String> {
    let features = case["features"].as_array().expect("a list").iter();
    features
        .map(|feature| feature.as_str().expect("text").to_owned())
        .collect()
}

/// Answers by attribute, as the golden file has them.
fn plain(answers: &[Answer]) -> Value {
    let value = |answer: &Answer| match &answer.value {
        AnswerValue::Text(text) => Value::from(text.as_str()),
        AnswerValue::Number(number) => Value::from(*number),
        AnswerValue::Options(options) => options
            .iter()
            .map(|option| Value::from(option.feature_hash.as_str()))
            .collect(),
        AnswerValue::Other(other) => panic!("no answer is of this kind: {other}"),
    };
    let by_hash = |answer: &Answer| (answer.feature_hash.clone(), value(answer));
    Value::Object(answers.iter().map(by_hash).collect::<Map<_, _>>())
}

#[test]
fn answers_in_the_form_of_the_peer_become_the_same_classifications() {
    let (ontology, cases) = peer();
    let mut compared = 0;
    for case in cases {
        let features = features_of(&case);
        if !features[0].starts_with("cls") {
            continue;
        }
        let mut row = row_of(&ontology);
        let hashes = row
            .add_classifications_from_json(&features, &case["answer"].to_string(), None)
            .expect("the peer takes it");
        let found: Vec<_> = hashes
            .iter()
            .map(|hash| {
                let instance = row.classification(hash).expect("in the row");
                json!({
                    "feature": instance.feature_hash(),
                    "answers": plain(&instance.answers()),
                })
            })
            .collect();
        assert_eq!(json!(found), case["instances"], "{}", case["answer"]);
        compared += 1;
    }
    assert_eq!(compared, 16);
}

#[test]
fn a_schema_has_every_kind_of_question() {
    let hash = |hash: &str| {
        json!({
            "type": "string",
            "const": hash,
            "description": "A constant that says what is answered, to be repeated as it is.",
        })
    };
    let flag = |label: &str| {
        json!({
            "type": "boolean",
            "description": format!("True if `{label}` applies, false if not."),
        })
    };
    let object = |title: &str, description: &str, properties: Value| {
        let required: Vec<_> = properties.as_object().expect("an object").keys().collect();
        json!({
            "title": title,
            "description": description,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let text = |attribute: &str| {
        object(
            "Comment",
            "A text.",
            json!({
                "feature_node_hash": hash(attribute),
                "value": {
                    "type": "string",
                    "description": "Text that answers `Comment` as exactly as possible.",
                },
            }),
        )
    };
    let number = |name: &str, attribute: &str| {
        object(
            name,
            "A number.",
            json!({
                "feature_node_hash": hash(attribute),
                "value": {
                    "type": "number",
                    "description": format!("The number that answers `{name}`."),
                },
            }),
        )
    };
    let constant = |label: &str, option: &str| {
        object(
            label,
            &format!("To be given if it is `{label}`."),
            json!({
                "feature_node_hash": hash(option),
                "title": {
                    "type": "string",
                    "const": label,
                    "description": "A constant, to be repeated as it is.",
                },
            }),
        )
    };
    let rain = object(
        "Rain",
        "To be given if it is `Rain`.",
        json!({
            "feature_node_hash": hash("optRain2"),
            "how_much": number("How much", "attRain1"),
            "comment": text("attRain2"),
            "effects": object("Effects", "A checklist: any number of these may apply.", json!({
                "feature_node_hash": hash("attRain3"),
                "wet_road": flag("Wet road"),
                "fog": flag("Fog"),
            })),
        }),
    );
    let depth = object(
        "Depth",
        "A choice of one.",
        json!({
            "feature_node_hash": hash("attSnow2"),
            "choice": {
                "anyOf": [
                    object("Deep", "To be given if it is `Deep`.", json!({
                        "feature_node_hash": hash("optDeep1"),
                        "in_cm": number("In cm", "attDeep1"),
                    })),
                    constant("Thin", "optFlat1"),
                ],
                "description": "The answer to `Depth`: exactly one of these.",
            },
        }),
    );
    let snow = object(
        "Snow",
        "To be given if it is `Snow`.",
        json!({
            "feature_node_hash": hash("optSnow1"),
            "comment": text("attSnow1"),
            "depth": depth,
        }),
    );
    let sky = object(
        "Sky",
        "A choice of one.",
        json!({
            "feature_node_hash": hash("attSky01"),
            "choice": {
                "anyOf": [
                    rain, snow, constant("Twin", "optTwin1"), constant("Twin", "optTwin2"),
                ],
                "description": "The answer to `Sky`: exactly one of these.",
            },
        }),
    );
    let weather = object(
        "Weather",
        "A choice of one.",
        json!({
            "feature_node_hash": hash("clsRadA1"),
            "choice": {
                "type": "string",
                "enum": ["Sunny", "Rainy"],
                "description": "The answer to `Weather`: exactly one of these.",
            },
        }),
    );
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Classifications",
        "type": "object",
        "properties": { "sky": sky, "weather": weather },
        "required": ["sky", "weather"],
        "additionalProperties": false,
    });
    // One that is named twice is asked once.
    let schema = ontology().json_schema(&names(&["Sky", "clsRad01", "Weather"]));
    let schema = schema.expect("a schema");
    assert_eq!(schema.to_string(), expected.to_string());
}

#[test]
fn a_schema_of_objects_chooses_one() {
    let schema = |features: &[&str]| {
        let schema = ontology().json_schema(&names(features));
        schema.expect("a schema")
    };
    // Of any shape, and without attributes by the name alone; one name is told from another.
    let flat = schema(&["Poly", "Speech", "objShar1", "objShar2"]);
    let names = json!(["Poly", "Speech", "Shared", "Shared (objShar2)"]);
    assert_eq!(flat["properties"]["choice"]["enum"], names);
    assert_eq!(flat["required"], json!(["choice"]));

    let nested = schema(&["Poly", "Box"]);
    let branches = &nested["properties"]["choice"]["anyOf"];
    assert_eq!(branches[0]["required"], json!(["feature_node_hash"]));
    // The dynamic attribute is not asked.
    let asked = json!(["feature_node_hash", "colour", "count"]);
    assert_eq!(branches[1]["required"], asked);
    let count = &branches[1]["properties"]["count"]["properties"]["value"];
    assert_eq!(count["type"], "number");
}

#[test]
fn every_object_of_a_schema_is_closed() {
    fn check(schema: &Value) -> usize {
        match schema {
            Value::Object(members) => {
                let own = usize::from(schema["type"] == "object");
                if own == 1 {
                    let properties = schema["properties"].as_object().expect("an object");
                    assert_eq!(schema["additionalProperties"], false);
                    assert_eq!(
                        schema["required"],
                        json!(properties.keys().collect::<Vec<_>>())
                    );
                }
                own + members.values().map(check).sum::<usize>()
            }
            Value::Array(elements) => elements.iter().map(check).sum(),
            _ => 0,
        }
    }
    let (ontology, cases) = peer();
    for case in cases {
        let schema = ontology.json_schema(&features_of(&case)).expect("a schema");
        assert!(check(&schema) > 0);
    }
}

#[test]
fn names_that_fall_together_are_told_apart() {
    let attribute = |hash: &str, name: &str, kind: &str| json!({ "featureNodeHash": hash, "name": name, "type": kind });
    let option = |hash: &str, label: &str, value: &str| json!({ "featureNodeHash": hash, "label": label, "value": value });
    let with = |mut attribute: Value, options: Value| {
        attribute["options"] = options;
        attribute
    };
    let class = |hash: &str, attribute: Value| json!({ "featureNodeHash": hash, "attributes": [attribute] });
    let editor = json!({ "classifications": [
        class("c1", attribute("a1", "Is it wet?", "text")),
        class("c2", attribute("a2", "is it wet", "numeric")),
        class("c3", attribute("a3", "☔", "text")),
        class("c4", with(attribute("a4", "Flags", "checklist"), json!([
            option("o1", "One", "feature node hash"),
            option("o2", "Two", "x-1"),
            option("o3", "Three", "x1"),
            { "featureNodeHash": "o4", "label": "Gone", "value": "x1", "archived": true },
        ]))),
        class("c5", with(attribute("a5", "Pick", "radio"), json!([
            option("o5", "Same", "same"),
            option("o6", "Same", "same"),
            { "featureNodeHash": "o7", "label": "Gone", "value": "gone", "archived": true },
        ]))),
    ]});
    let ontology = Arc::new(Ontology::parse("", "", "", &editor).expect("an ontology"));
    let features = names(&["c1", "c2", "c3", "c4", "c5"]);
    let schema = ontology.json_schema(&features).expect("a schema");
    let keys = json!(["is_it_wet", "is_it_wet_2", "a3", "flags", "pick"]);
    assert_eq!(schema["required"], keys);
    let flags = json!(["feature_node_hash", "feature_node_hash_2", "x1", "x1_2"]);
    assert_eq!(schema["properties"]["flags"]["required"], flags);

    let answer = json!({
        "is_it_wet": { "feature_node_hash": "a1", "value": "yes" },
        "is_it_wet_2": { "feature_node_hash": "a2", "value": 1e-3 },
        "a3": { "feature_node_hash": "a3", "value": "" },
        "flags": {
            "feature_node_hash": "a4", "feature_node_hash_2": true, "x1": false, "x1_2": true,
        },
        "pick": { "feature_node_hash": "a5", "choice": "Same (o6)" },
    });
    let mut row = row_of(&ontology);
    // Models put JSON into fences.
    let fenced = format!("  ```json\n{answer}\n```\n");
    let hashes = row.add_classifications_from_json(&features, &fenced, None);
    let hashes = hashes.expect("in the schema");
    let answers: Vec<_> = hashes
        .iter()
        .map(|hash| plain(&row.classification(hash).expect("in the row").answers()))
        .collect();
    assert_eq!(
        json!(answers),
        json!([
            { "a1": "yes" }, { "a2": 0.001 }, { "a3": "" }, { "a4": ["o1", "o3"] }, { "a5": ["o6"] },
        ])
    );
}

#[test]
fn features_that_cannot_be_asked_are_refused() {
    let ontology = ontology();
    for (features, expected) in [
        (
            &[][..],
            "at least one classification or object, found an empty list",
        ),
        (
            &["Weather", "Box"],
            "expected either classifications or objects, found the classification `Weather` beside the \
             object `Box`",
        ),
        (
            &["Skies"],
            "found `Skies`; it has the classifications `Weather`, ",
        ),
        (&["Old"], "found `Old`, which is archived"),
        (&["objOld01"], "found `Old`, which is archived"),
        (&["Twin Box"], "which several have: `objTwin1`, `objTwin2`"),
    ] {
        let error = ontology.json_schema(&names(features)).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, LabelError::InvalidArgument(_)));
    }
    let editor = json!({
        "objects": [{ "featureNodeHash": "o", "name": "Both", "shape": "point" }],
        "classifications": [
            { "featureNodeHash": "c", "attributes": [
                { "featureNodeHash": "a", "name": "Both", "type": "text" },
            ]},
            { "featureNodeHash": "d", "attributes": [
                { "featureNodeHash": "b", "name": "Newer", "type": "drawing" },
            ]},
            { "featureNodeHash": "e", "attributes": [
                { "featureNodeHash": "f", "name": "Empty", "type": "radio" },
            ]},
        ],
    });
    let ontology = Ontology::parse("", "", "", &editor).expect("an ontology");
    for (feature, expected) in [
        ("Both", "which a classification and an object have\nhelp: "),
        ("Newer", "found `Newer` of kind `drawing`"),
        (
            "Empty",
            "found `Empty` of kind `radio` with 0 options in use",
        ),
    ] {
        let error = ontology
            .json_schema(&names(&[feature]))
            .expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn an_answer_that_is_not_in_the_schema_says_where() {
    let weather = json!({ "feature_node_hash": "clsRadA1", "choice": "Rainy" });
    let sky = |choice: Value| json!({ "weather": weather, "sky": { "feature_node_hash": "attSky01", "choice": choice } });
    let rain = |key: &str, value: Value| {
        let mut rain = json!({
            "feature_node_hash": "optRain2",
            "how_much": { "feature_node_hash": "attRain1", "value": 3 },
            "comment": { "feature_node_hash": "attRain2", "value": "x" },
            "effects": { "feature_node_hash": "attRain3", "wet_road": true, "fog": false },
        });
        rain[key] = value;
        sky(rain)
    };
    let mut choice = sky(json!({ "feature_node_hash": "optTwin1" }));
    choice["weather"]["choice"] = json!("Foggy");
    let mut hash = choice.clone();
    hash["weather"]["feature_node_hash"] = json!("clsRadA2");
    for (answer, expected) in [
        (
            choice,
            "expected one of `Sunny`, `Rainy` at `weather.choice`, found `Foggy`",
        ),
        (
            hash,
            "expected `clsRadA1` at `weather.feature_node_hash`, found `clsRadA2`",
        ),
        (json!([]), "expected an object as the answer, found a list"),
        (
            json!({ "weather": weather }),
            "expected an answer at `sky`, found nothing there; the answer has `weather`",
        ),
        (
            json!({ "weather": weather, "sky": null }),
            "expected an object at `sky`, found nothing",
        ),
        (
            json!({ "weather": weather, "sky": {}, "mood": [] }),
            "expected nothing at `mood`, found a list; what is asked of the answer is `weather`, `sky`",
        ),
        (
            sky(json!("Twin")),
            "expected an object at `sky.choice`, found `Twin`",
        ),
        (
            sky(json!({})),
            "expected one of `optRain2`, `optSnow1`, `optTwin1`, `optTwin2` at \
             `sky.choice.feature_node_hash`, found nothing",
        ),
        (
            sky(json!({ "feature_node_hash": "optHail1", "title": "Hail" })),
            "at `sky.choice.feature_node_hash`, found `optHail1`",
        ),
        (
            sky(json!({ "feature_node_hash": "optTwin1", "title": "Triplet" })),
            "expected `Twin` at `sky.choice.title`, found `Triplet`",
        ),
        (
            sky(json!({ "feature_node_hash": "optRain2", "title": "Rain" })),
            "expected an answer at `sky.choice.how_much`, found nothing there",
        ),
        (
            rain("title", json!("Rain")),
            "expected nothing at `sky.choice.title`, found `Rain`; what is asked of `sky.choice` is \
             `feature_node_hash`, `how_much`, ",
        ),
        (
            rain(
                "how_much",
                json!({ "feature_node_hash": "attRain1", "value": "3" }),
            ),
            "expected a number at `sky.choice.how_much.value`, found `3`",
        ),
        (
            rain(
                "comment",
                json!({ "feature_node_hash": "attRain2", "value": 4.5 }),
            ),
            "expected text at `sky.choice.comment.value`, found `4.5`",
        ),
        (
            rain(
                "effects",
                json!({
                    "feature_node_hash": "attRain3", "wet_road": true, "fog": "no",
                }),
            ),
            "expected true or false at `sky.choice.effects.fog`, found `no`",
        ),
    ] {
        let mut row = open("image");
        let features = names(&["Weather", "Sky"]);
        let result = row.add_classifications_from_json(&features, &answer.to_string(), None);
        let message = refused(&row, result);
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
    let mut row = open("image");
    for (answer, expected) in [
        (
            "Sunny, I think.",
            "expected an answer in JSON, found `Sunny, I think.`: expected value",
        ),
        ("```json\n{}", "expected an answer in JSON, found `"),
        (
            "```\n{}\n```",
            "expected an answer at `weather`, found nothing there; the answer has none",
        ),
        ("```{}```", "expected an answer in JSON"),
        ("{\"weather\": 1e999}", "expected an answer in JSON"),
    ] {
        let result = row.add_classifications_from_json(&names(&["Weather"]), answer, None);
        let message = refused(&row, result);
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
    let result = row.add_classifications_from_json(&names(&["Box"]), "{}", None);
    assert!(
        refused(&row, result)
            .contains("expected classifications of the ontology, found the objects `Box`")
    );
    let long = format!("{{\"weather\": \"{}\"}}", "é".repeat(500));
    let result = row.add_classifications_from_json(&names(&["Weather"]), &long, None);
    assert!(refused(&row, result).len() < 300);
}

#[test]
fn all_classifications_of_an_answer_are_added_or_none() {
    let answer = json!({
        "speed": { "feature_node_hash": "attNum01", "value": 5 },
        "quality": { "feature_node_hash": "clsGlbA1", "choice": "Good" },
        "weather": { "feature_node_hash": "clsRadA1", "choice": "Rainy" },
    });
    let features = names(&["Speed", "Quality", "Weather"]);
    let mut row = open("img_sequence");
    // Frames are for those that are not global.
    let hashes = row
        .add_classifications_from_json(&features, &answer.to_string(), Some(&[range(1, 2)]))
        .expect("valid");
    let frames: Vec<_> = hashes
        .iter()
        .map(|hash| row.classification(hash).expect("in the row").frames())
        .collect();
    assert_eq!(frames, [vec![range(1, 2)], vec![], vec![range(1, 2)]]);

    let mut row = open("video");
    let result =
        row.add_classifications_from_json(&features, &answer.to_string(), Some(&[range(0, 0)]));
    assert!(refused(&row, result).contains("expected `Quality` not to be given yet"));
    // What was taken back does not count.
    row.add_classifications_from_json(
        &names(&["Speed"]),
        &json!({ "speed": answer["speed"] }).to_string(),
        Some(&[range(0, 0)]),
    )
    .expect("free");
}

#[test]
fn answers_in_the_form_of_the_peer_become_the_same_objects() {
    let (ontology, cases) = peer();
    let mut compared = 0;
    for case in cases {
        let features = features_of(&case);
        if !features[0].starts_with("obj") {
            continue;
        }
        let instance = &case["instances"][0];
        let geometry = match instance["feature"].as_str() {
            Some("objPlain") => Geometry::BoundingBox(bounds(0.1, 0.1, 0.2, 0.2)),
            Some("objCar01") => {
                let point = |x, y| Point { x, y, z: None };
                Geometry::Polygon(vec![vec![vec![
                    point(0.0, 0.0),
                    point(1.0, 0.0),
                    point(1.0, 1.0),
                ]]])
            }
            _ => {
                let row = row_of(&ontology);
                let (width, height) = (row.width().expect("known"), row.height().expect("known"));
                let bytes = vec![1; (width * height) as usize];
                Geometry::Bitmask(Bitmask::of_bytes(width, height, &bytes).expect("a mask"))
            }
        };
        let mut row = row_of(&ontology);
        let hash = row
            .add_object_from_json(
                &features,
                &case["answer"].to_string(),
                &geometry,
                &[range(0, 0)],
            )
            .expect("the peer takes it");
        let object = row.object(&hash).expect("in the row");
        assert_eq!(object.annotation(0).expect("drawn").geometry, geometry);
        let found =
            json!({ "feature": object.feature_hash(), "answers": plain(&object.answers()) });
        assert_eq!(found, *instance, "{}", case["answer"]);
        compared += 1;
    }
    assert_eq!(compared, 13);
}

#[test]
fn an_object_with_attributes_is_added_with_its_answers_or_not_at_all() {
    let boxes = Geometry::BoundingBox(bounds(0.1, 0.1, 0.2, 0.2));
    let features = names(&["Poly", "Box"]);
    let answer = json!({ "choice": {
        "feature_node_hash": "PXFZO2ra",
        "colour": { "feature_node_hash": "attrRad1", "choice": {
            "feature_node_hash": "optRed01",
            "shade": { "feature_node_hash": "attrTxt1", "value": "dark" },
        }},
        "count": { "feature_node_hash": "attrNum1", "value": 3 },
    }});
    let mut row = open("img_sequence");
    let hash = row
        .add_object_from_json(&features, &answer.to_string(), &boxes, &[range(0, 1)])
        .expect("in the schema");
    let object = row.object(&hash).expect("in the row");
    assert_eq!(object.frames(), [range(0, 1)]);
    assert_eq!(
        plain(&object.answers()),
        json!({ "attrTxt1": "dark", "attrRad1": ["optRed01"], "attrNum1": 3.0 })
    );

    let mut row = open("img_sequence");
    let mut add = |features: &[&str], answer: Value, geometry: &Geometry, frame: u32| {
        let answer = answer.to_string();
        let on = [range(frame, frame)];
        let result = row.add_object_from_json(&names(features), &answer, geometry, &on);
        refused(&row, result)
    };
    let poly = json!({ "choice": { "feature_node_hash": "objPoly1" } });
    for (message, expected) in [
        (add(&["Poly", "Box"], poly, &boxes, 0), "expected"),
        (
            add(&["Poly", "Box"], answer.clone(), &boxes, 3),
            "expected a frame from 0 to 2, found 3",
        ),
        (
            add(&["Poly", "Line"], json!({ "choice": "Dot" }), &boxes, 0),
            "expected one of `Poly`, `Line` at `choice`, found `Dot`",
        ),
        (
            add(&["Poly", "Box"], json!({ "choice": "Poly" }), &boxes, 0),
            "expected an object at `choice`, found `Poly`",
        ),
        (
            add(&["Weather"], json!({}), &boxes, 0),
            "expected objects of the ontology, found the classifications `Weather`",
        ),
    ] {
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
}
