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
