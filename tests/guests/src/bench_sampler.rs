//! Counts each fifth frame of a video and takes the mean of each: what the benchmark measures.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn sample(sampler: VideoSampler) -> Result<&'static str> {
    let mut count = 0_u32;
    for frame in sampler.sample_rate(0.2)? {
        let mean = mean(&frame?.rgb());
        if mean <= 0.0 || mean >= 255.0 {
            return Err(AgentError::fatal(format!(
                "expected a picture, found one colour: {mean}"
            )));
        }
        count += 1;
    }
    if count == 0 {
        return Err(AgentError::fatal("the video has no frames"));
    }
    Ok("Next")
}

fn mean(samples: &[u8]) -> f64 {
    let sum: u64 = samples.iter().map(|sample| u64::from(*sample)).sum();
    sum as f64 / samples.len() as f64
}
