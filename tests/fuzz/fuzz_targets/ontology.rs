//! Ontologies: any JSON, and the captured one with changes.

#![no_main]

use fuzz::{mutate, reading, rows};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use runner_labels::Ontology;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(editor) => read(&editor),
        // Where the bytes end, so do the changes.
        Err(_) => drop(changed(&mut Unstructured::new(bytes))),
    }
});

fn changed(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut editor = rows::editor().clone();
    let donor = bytes.choose(rows::captured())?;
    mutate::mutate(&mut editor, donor, bytes)?;
    read(&editor);
    Ok(())
}

/// What is an ontology is kept as it was sent, and each of its features is found.
fn read(editor: &Value) {
    let Ok(ontology) = Ontology::parse("uuid", "title", "", editor) else {
        return;
    };
    assert_eq!(ontology.raw(), editor);
    for object in ontology.objects() {
        let found = ontology
            .find_object(&object.feature_hash)
            .expect("by its hash");
        assert_eq!(found.feature_hash, object.feature_hash);
        assert!(ontology.find_object(&object.name).is_some());
    }
    for classification in ontology.classifications() {
        let found = ontology.find_classification(&classification.feature_hash);
        assert_eq!(
            found.expect("by its hash").feature_hash,
            classification.feature_hash
        );
        assert!(
            ontology
                .find_classification(&classification.title)
                .is_some()
        );
    }
    let again = Ontology::parse("uuid", "title", "", ontology.raw()).expect("it was read before");
    assert_eq!(
        reading::of_ontology(&ontology),
        reading::of_ontology(&again)
    );
}
