//! Rows of which the Python SDK has written what it makes of them.

use std::sync::Arc;

use serde_json::Value;

use super::super::*;

/// What the Python SDK made of the same rows with the same steps; `answers.py` says how.
const WRITTEN: &str = include_str!("../testdata/answers.json");

/// The golden cases and their ontology.
pub(super) struct Golden {
    ontology: Arc<Ontology>,
    pub(super) cases: Vec<Value>,
}

impl Golden {
    pub(super) fn read() -> Self {
        let golden: Value = serde_json::from_str(WRITTEN).expect("testdata is JSON");
        let ontology = Ontology::parse("uuid", "title", "", &golden["editor"]);
        Self {
            ontology: Arc::new(ontology.expect("an ontology")),
            cases: golden["cases"].as_array().expect("a list").clone(),
        }
    }

    /// The row of a case before its steps.
    pub(super) fn row(&self, name: &str) -> LabelRow {
        let mut cases = self.cases.iter();
        let case = cases.find(|case| case["name"] == name).expect("a case");
        self.open(case["row"].clone())
    }

    /// The row, with a changed ontology.
    pub(super) fn row_with(&self, name: &str, change: impl FnOnce(&mut Value)) -> LabelRow {
        let golden: Value = serde_json::from_str(WRITTEN).expect("testdata is JSON");
        let mut editor = golden["editor"].clone();
        change(&mut editor);
        let ontology = Ontology::parse("uuid", "title", "", &editor).expect("an ontology");
        let document = (*self.row(name).to_document()).clone();
        self.open_with(document, Arc::new(ontology))
    }

    pub(super) fn open(&self, document: Value) -> LabelRow {
        self.open_with(document, Arc::clone(&self.ontology))
    }

    pub(super) fn open_with(&self, document: Value, ontology: Arc<Ontology>) -> LabelRow {
        let facts = RowFacts {
            data_type: document["data_type"].as_str().expect("text").to_owned(),
            number_of_frames: 10,
            width: Some(640),
            height: Some(480),
            partial: false,
        };
        LabelRow::open(Arc::new(document), facts, ontology).expect("a label row")
    }
}

pub(super) fn answer(attribute: &str, value: GivenAnswer) -> AttributeAnswer {
    let attribute = Some(attribute.to_owned());
    AttributeAnswer { attribute, value }
}

pub(super) fn text(text: &str) -> GivenAnswer {
    GivenAnswer::Text(text.to_owned())
}

pub(super) const CAR: &str = "Car00001";
