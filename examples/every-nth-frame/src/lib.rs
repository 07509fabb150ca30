//! Classifies a video by each nth of its frames: whether it is dark or light there.

use runner_sdk::prelude::*;

/// Frames with less than this are dark; brightness is from 0 to 255.
const DARK: f64 = 70.0;

#[stage("Every nth frame")]
fn classify(video: VideoSampler, row: LabelRow, settings: Settings) -> Result<&'static str> {
    let every: u32 = settings.parse("every")?.unwrap_or(5);
    if every == 0 {
        return Err(AgentError::fatal(
            "expected the setting every to be 1 or more, found 0",
        ));
    }
    let count = row.number_of_frames();
    let chosen = (0..count).step_by(every as usize);

    let (mut dark, mut light) = (Vec::new(), Vec::new());
    for frame in video.sample_frames(chosen)? {
        let frame = frame?;
        let range = up_to_next(frame.index(), every, count);
        if frame.brightness() < DARK {
            dark.push(range)
        } else {
            light.push(range)
        }
    }
    info!(
        "{} of {} sampled frames are dark",
        dark.len(),
        dark.len() + light.len()
    );

    let route = match (dark.is_empty(), light.is_empty()) {
        (false, false) => "Changing",
        (false, true) => "Dark",
        _ => "Light",
    };
    for (option, frames) in [("Dark", dark), ("Light", light)] {
        if !frames.is_empty() {
            row.add_classification_on("Light", Answer::option(option), frames)?;
        }
    }
    row.save()?;
    Ok(route)
}

/// A sampled frame stands for those up to the next.
fn up_to_next(index: u32, every: u32, count: u32) -> FrameRange {
    let next = index.saturating_add(every).min(count);
    FrameRange::new(index, next.saturating_sub(1).max(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_and_end_with_the_video() {
        let ranges: Vec<_> = (0..12)
            .step_by(5)
            .map(|index| up_to_next(index, 5, 12))
            .collect();
        let expected = [
            FrameRange::new(0, 4),
            FrameRange::new(5, 9),
            FrameRange::new(10, 11),
        ];
        assert_eq!(ranges, expected);
        assert_eq!(up_to_next(0, 1, 1), FrameRange::new(0, 0));
    }
}
