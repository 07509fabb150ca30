//! What holds for any geometry and for any document, on random ones that are made smaller where it does
//! not hold. From a fixed seed; other ones are what fuzzing is for.

mod geometry;
mod merging;
mod unknown;

use proptest::test_runner::{Config, RngSeed};

/// A test of so many cases.
pub(super) fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    }
}
