//! Logs which frames it is given, each by its number, its time and its first pixel.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn frames(
    single: Result<SingleFrame>,
    video: Result<VideoIterator>,
    sampler: Result<VideoSampler>,
    stage: AgentStage,
) -> Result<Option<runner_sdk::StagePathway>> {
    match single {
        Ok(frame) => info!(
            "single {} {} x {}",
            shown(&frame),
            frame.width(),
            frame.height()
        ),
        Err(error) => info!("no single frame: {error}"),
    }
    match video {
        Ok(video) => info!("iterated {}", all(video)),
        Err(error) => info!("no video: {error}"),
    }
    match sampler {
        Ok(sampler) => {
            info!("count {:?}", sampler.frame_count());
            info!("each fifth {}", all(sampler.sample_rate(0.2)?));
            info!("rate 0.7 {}", all(sampler.sample_rate(0.7)?));
            info!("chosen {}", all(sampler.sample_frames([3, 1, 2, 3])?));
            info!("none {}", all(sampler.sample_frames([])?));
            info!(
                "behind the end {}",
                all(sampler.sample_frames([0, 1_000_000])?)
            );
            for rate in [0.0, -0.5, 1.5, f64::NAN] {
                info!(
                    "rate {rate}: {:?}",
                    sampler
                        .sample_rate(rate)
                        .err()
                        .map(|error| error.to_string())
                );
            }
        }
        Err(error) => info!("no sampler: {error}"),
    }
    Ok(stage.pathways().into_iter().next())
}

fn all(video: VideoIterator) -> String {
    let frames = video.map(|frame| match frame {
        Ok(frame) => shown(&frame),
        Err(error) => format!("({error})"),
    });
    frames.collect::<Vec<_>>().join(" ")
}

/// `12@0.480:255,0,0`; without a time `12@-:255,0,0`.
fn shown(frame: &Frame) -> String {
    let time = frame
        .timestamp()
        .map_or("-".to_owned(), |seconds| format!("{seconds:.3}"));
    let [red, green, blue] = frame.pixels().get(0, 0).unwrap_or_default();
    format!("{}@{time}:{red},{green},{blue}", frame.index())
}
