//! The mean of all samples of the first frame: what the benchmark measures.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn read_frame(frame: SingleFrame) -> Result<&'static str> {
    let mean = mean(&frame.rgb());
    if mean <= 0.0 || mean >= 255.0 {
        return Err(AgentError::fatal(format!(
            "expected a photograph, found one colour: {mean}"
        )));
    }
    Ok("Next")
}

fn mean(samples: &[u8]) -> f64 {
    let sum: u64 = samples.iter().map(|sample| u64::from(*sample)).sum();
    sum as f64 / samples.len() as f64
}
