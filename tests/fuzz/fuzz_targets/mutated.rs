//! Captured rows with changes, which reach deeper than any bytes do.

#![no_main]

use fuzz::{mutate, rows};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Where the bytes end, so do the changes.
    let _ = run(&mut Unstructured::new(bytes));
});

fn run(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut document = bytes.choose(rows::captured())?.clone();
    let donor = bytes.choose(rows::captured())?;
    mutate::mutate(&mut document, donor, bytes)?;
    fuzz::exercise(document, bytes);
    Ok(())
}
