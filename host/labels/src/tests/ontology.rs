//! Reading an ontology.

use serde_json::{Value, json};

use super::super::Ontology;
use super::ontology;

#[test]
fn the_captured_ontology_reads_in_order() {
    let ontology = ontology();
    let names = ontology.objects().iter().map(|object| object.name.as_str());
    let first: Vec<_> = names.take(6).collect();
    assert_eq!(first, ["Box", "Poly", "Line", "Dot", "Rot box", "Mask"]);

    let boxes = ontology.find_object("PXFZO2ra").expect("by hash");
    assert_eq!(boxes, ontology.find_object("Box").expect("by name"));
    assert_eq!(boxes.shape, "bounding_box");
    assert_eq!(boxes.color, "#D33115");
    let attributes = boxes
        .attributes
        .iter()
        .map(|a| (a.name.as_str(), a.kind.as_str(), a.dynamic));
    let expected = [
        ("Colour", "radio", false),
        ("Visible", "radio", true),
        ("Count", "numeric", false),
    ];
    assert_eq!(attributes.collect::<Vec<_>>(), expected);
    let red = &boxes.attributes[0].options[0];
    assert_eq!((red.label.as_str(), red.value.as_str()), ("Red", "red"));
    assert_eq!(red.attributes[0].name, "Shade");

    let quality = ontology.find_classification("Quality").expect("by title");
    assert!(quality.global);
    assert_eq!(quality.feature_hash, "clsGlob1");
    assert_eq!(quality.attribute.options.len(), 2);
    assert!(
        !ontology
            .find_classification("clsRad01")
            .expect("by hash")
            .global
    );
}

#[test]
fn what_is_new_or_shared_or_missing_does_no_harm() {
    let ontology = ontology();
    assert_eq!(
        ontology.find_object("objNew01").expect("there").shape,
        "hologram"
    );
    assert_eq!(
        ontology.find_object("Shared").expect("there").feature_hash,
        "objShar1"
    );
    assert!(
        ontology.find_object("box").is_none(),
        "names are compared exactly"
    );
    assert!(ontology.find_object("clsRad01").is_none());
    // It has no attribute, so there is nothing to show; the structure as sent still has it.
    assert!(ontology.find_classification("clsNone1").is_none());
    assert!(ontology.raw().to_string().contains("clsNone1"));
    assert!(ontology.find_classification("Old").expect("there").archived);
    let empty = Ontology::parse("", "", "", &json!({ "newer": [1] })).expect("no features is fine");
    assert!(empty.objects().is_empty() && empty.classifications().is_empty());
}

#[test]
fn a_structure_that_lacks_what_is_needed_says_where() {
    let message = |editor: Value| {
        let error = Ontology::parse("", "Cars", "", &editor).expect_err("it must not read");
        error.to_string()
    };
    assert_eq!(
        message(json!([])),
        "expected the structure of the ontology `Cars` as a JSON object, found a list"
    );
    assert_eq!(
        message(json!({ "objects": {} })),
        "expected a list at `objects` of the ontology, found an object"
    );
    let nested = json!({ "classifications": [{ "featureNodeHash": "a", "attributes": [
        { "featureNodeHash": "b", "name": "n", "type": "radio", "options": [{ "label": "x" }] },
    ]}]});
    assert_eq!(
        message(nested),
        "expected text at `classifications[0].attributes[0].options[0].featureNodeHash` of the \
         ontology, found nothing"
    );
}

#[test]
fn a_skeleton_has_the_points_of_its_template() {
    let ontology = ontology();
    let stick = ontology.object("objSkel1").expect("in the ontology");
    let points: Vec<_> = stick
        .template
        .iter()
        .map(|p| (p.name.as_str(), p.feature_hash.as_str(), p.x, p.y))
        .collect();
    let expected = [
        ("head", "skPtHead", 0.1, 0.1),
        ("foot", "skPtFoot", 0.1, 0.9),
    ];
    assert_eq!(points, expected);
    let head = &stick.template[0];
    assert_eq!(
        (head.color.as_str(), head.value.as_str()),
        ("#00000", "head")
    );
    let others = ontology.objects().iter();
    assert!(
        others
            .filter(|object| object.shape != "skeleton")
            .all(|object| object.template.is_empty())
    );
}

/// The template that an ontology of these templates has for its one skeleton, `Stick`.
fn template_of(templates: &Value) -> Result<Vec<(String, f64, f64)>, String> {
    let editor = json!({
        "objects": [{ "name": "Stick", "shape": "skeleton", "featureNodeHash": "objSkel1" }],
        "skeleton_templates": templates,
    });
    let ontology =
        Ontology::parse("uuid", "title", "", &editor).map_err(|error| error.to_string())?;
    let points = ontology.objects()[0].template.iter();
    Ok(points.map(|p| (p.name.clone(), p.x, p.y)).collect())
}

#[test]
fn a_template_is_found_by_hash_and_otherwise_by_name() {
    let template = |name: &str, hash: Option<&str>, point: &str| {
        let mut template = json!({
            "name": name, "width": 0.25, "height": 0.5,
            "skeleton": { "0": { "x": 0.5, "y": 0.75, "name": point } },
        });
        if let Some(hash) = hash {
            template["feature_node_hash"] = hash.into();
        }
        json!({ "template": template })
    };
    let point = |name: &str| Ok(vec![(name.to_owned(), 0.5, 0.75)]);
    let by_name = template("Stick", None, "by name");
    let by_hash = template("Other", Some("objSkel1"), "by hash");
    let another = template("Stick", Some("objSkel2"), "another");
    assert_eq!(template_of(&json!([by_name, by_hash])), point("by hash"));
    assert_eq!(template_of(&json!([another, by_name])), point("by name"));
    assert_eq!(template_of(&json!([another])), Ok(Vec::new()));
    assert_eq!(template_of(&json!(null)), Ok(Vec::new()));
}

#[test]
fn the_points_of_a_template_are_in_order_and_relative() {
    let mut skeleton = json!({});
    for position in ["10", "2", "0"] {
        let point = json!({ "x": 50, "y": 25, "name": position });
        skeleton[position] = point;
    }
    let template = |width: f64, height: f64, skeleton: &Value| {
        json!([{ "template": {
            "name": "Stick", "width": width, "height": height, "skeleton": skeleton,
        }}])
    };
    let expected = ["0", "2", "10"].map(|name| (name.to_owned(), 0.5, 0.125));
    // In pixels.
    let points = template_of(&template(100.0, 200.0, &skeleton));
    assert_eq!(points, Ok(expected.to_vec()));
    let nameless = json!({ "0": { "x": 0.5, "y": 0.5 } });
    assert_eq!(
        template_of(&template(1.0, 1.0, &nameless)),
        Err(
            "expected a point with `name`, `x` and `y` at `skeleton_templates[0].template.skeleton.0` of \
             the ontology, found {\"x\":0.5,\"y\":0.5}"
                .to_owned()
        )
    );
}
