//! Any bytes: a JSON document and, behind it, what chooses the type of data and the edits. A captured row
//! as it is makes a seed.

#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use serde_json::{Deserializer, Value};

fuzz_target!(|bytes: &[u8]| {
    let mut documents = Deserializer::from_slice(bytes).into_iter::<Value>();
    let Some(Ok(document)) = documents.next() else {
        return;
    };
    let rest = bytes.get(documents.byte_offset()..).unwrap_or_default();
    fuzz::exercise(document, &mut Unstructured::new(rest));
});
