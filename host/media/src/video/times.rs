//! What FFmpeg says of each frame that it decodes, wanted or not: in a pipe of its own, where nothing that is written in
//! the video can come in between.

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};

use super::selection::Passes;

/// A line is far shorter.
const MOST_LINE: usize = 256;
/// In FFmpeg's `AVTB`, a second.
const SECOND: f64 = 1_000_000.0;

/// Of a frame that FFmpeg hands over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decoded {
    Frame {
        index: u64,
        /// In seconds after the first frame.
        timestamp: Option<f64>,
    },
    /// FFmpeg counts from 0 again, since the size or form of the frames changes.
    Changed,
}

/// The other end of [`read`].
#[derive(Debug)]
pub(super) struct Times {
    pub(super) frames: mpsc::UnboundedReceiver<Decoded>,
    /// How many frames were decoded so far, wanted or not.
    pub(super) count: watch::Receiver<u64>,
}

/// Reads until FFmpeg ends, or counts anew.
pub(super) async fn read(
    pipe: pipe::Receiver,
    passes: Passes,
    frames: mpsc::UnboundedSender<Decoded>,
    count: watch::Sender<u64>,
) {
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    let mut first = None;
    let mut index = 0_u64;
    loop {
        line.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut lines, MOST_LINE as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let Some((number, time)) = std::str::from_utf8(&line).ok().and_then(parsed) else {
            continue;
        };
        if index > 0 && number == 0 && !matches!(passes, Passes::All) {
            let _ = frames.send(Decoded::Changed);
            return;
        }
        if index == 0 {
            first = time;
        }
        if passes.passes(index) {
            let timestamp = first
                .zip(time)
                .map(|(first, time)| time.saturating_sub(first) as f64 / SECOND);
            // Nobody may be waiting any more; FFmpeg is ended then.
            let _ = frames.send(Decoded::Frame { index, timestamp });
        }
        index += 1;
        count.send_replace(index);
    }
}

/// Of a line such as `frame:12   pts:480000  pts_time:0.48`, the number and the time in [`SECOND`]s.
fn parsed(line: &str) -> Option<(u64, Option<i64>)> {
    let mut words = line.split_whitespace();
    let number = words.next()?.strip_prefix("frame:")?.parse().ok()?;
    let time = words.next()?.strip_prefix("pts:")?.parse().ok();
    Some((number, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_frames_and_others() {
        let line = "frame:12   pts:480000  pts_time:0.48\n";
        assert_eq!(parsed(line), Some((12, Some(480_000))));
        assert_eq!(
            parsed("frame:0    pts:-40     pts_time:-4e-05\n"),
            Some((0, Some(-40)))
        );
        assert_eq!(
            parsed("frame:3    pts:NOPTS   pts_time:NOPTS"),
            Some((3, None))
        );
        assert_eq!(parsed("k=1\n"), None);
    }
}
