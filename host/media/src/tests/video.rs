use std::path::Path;
use std::time::Duration;

use super::film::{Film, converted, film, number};
use crate::{Frame, Frames, MediaError, MediaErrorKind, Selection, VideoLimits};

const SIZE: (u32, u32) = (64, 48);
const H264: [&str; 6] = ["-c:v", "libx264", "-bf", "3", "-g", "12"];

/// 40 frames with B-frames, 25 a second.
fn plain(name: &str) -> Film {
    film(name, SIZE, 40, &H264)
}

async fn read(path: &Path, selection: Selection) -> Result<Vec<Frame>, MediaError> {
    read_within(path, selection, &VideoLimits::default()).await
}

async fn read_within(
    path: &Path,
    selection: Selection,
    limits: &VideoLimits,
) -> Result<Vec<Frame>, MediaError> {
    let mut frames = Frames::open_path(path, selection, limits).await?;
    let mut read = Vec::new();
    while let Some(frame) = frames.next().await? {
        read.push(frame);
    }
    assert_eq!(frames.next().await?, None, "it stays over");
    Ok(read)
}

/// The indices of frames, each of which carries its own.
fn checked(frames: &[Frame]) -> Vec<u32> {
    for frame in frames {
        assert_eq!(number(&frame.picture), frame.index);
    }
    frames.iter().map(|frame| frame.index).collect()
}

#[tokio::test]
async fn selections() {
    let video = plain("selections.mp4");
    let all: Vec<u32> = (0..40).collect();
    let rate = |rate, frames| Selection::Rate { rate, frames };
    for (selection, expected) in [
        (Selection::All, all.clone()),
        (Selection::First, vec![0]),
        (Selection::Indices(vec![]), vec![]),
        (Selection::Indices(vec![39]), vec![39]),
        (
            Selection::Indices(vec![3, 4, 4, 4, 5, 11, 39, 39]),
            vec![3, 4, 4, 4, 5, 11, 39, 39],
        ),
        (rate(1.0, None), all),
        (rate(0.2, Some(40)), vec![0, 5, 10, 15, 20, 25, 30, 35]),
        (rate(0.1, Some(3)), vec![0, 10, 20]),
        (rate(0.1, Some(0)), vec![]),
        (rate(1e-300, None), vec![0]),
        (
            rate(0.3, None),
            vec![0, 3, 6, 10, 13, 16, 20, 23, 26, 30, 33, 36],
        ),
    ] {
        let frames = read(&video, selection.clone()).await.expect("frames");
        assert_eq!(checked(&frames), expected, "{selection:?}");
        for frame in frames {
            let expected = f64::from(frame.index) / 25.0;
            let found = frame.timestamp.expect("a time");
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}

#[tokio::test]
async fn selections_that_cannot_be() {
    let video = Path::new("/nowhere.mp4");
    for (selection, expected) in [
        (
            Selection::Indices(vec![3, 2]),
            "expected frames in ascending order, found 2 after 3",
        ),
        (
            Selection::Rate {
                rate: 0.0,
                frames: None,
            },
            "expected a rate of frames greater than 0 and at most 1, found 0",
        ),
        (
            Selection::Rate {
                rate: f64::NAN,
                frames: None,
            },
            "expected a rate of frames greater than 0 and at most 1, found NaN",
        ),
    ] {
        let error = read(video, selection).await.expect_err("wrong");
        assert_eq!(error.kind(), MediaErrorKind::Invalid);
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_frame_beyond_the_end() {
    let video = plain("end.mp4");
    let mut frames = Frames::open_path(
        &video,
        Selection::Indices(vec![38, 40]),
        &VideoLimits::default(),
    )
    .await
    .expect("a video");
    assert_eq!(
        frames
            .next()
            .await
            .expect("a frame")
            .expect("a frame")
            .index,
        38
    );
    let error = frames.next().await.expect_err("the end");
    assert_eq!(error.kind(), MediaErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "expected frame 40 of the video, found 40 frames"
    );
    assert_eq!(frames.next().await, Ok(None));
}

/// The k-th frame is the k-th that is shown, whatever container, codec, size, rate and start.
#[tokio::test]
async fn kinds_of_videos() {
    let odd = film(
        "odd.mkv",
        (67, 51),
        40,
        &["-c:v", "libx264", "-pix_fmt", "yuv444p", "-bf", "2"],
    );
    let mpeg4 = film(
        "mpeg4.avi",
        SIZE,
        40,
        &["-c:v", "mpeg4", "-bf", "2", "-q:v", "2"],
    );
    let webm = film(
        "vp9.webm",
        SIZE,
        40,
        &[
            "-c:v",
            "libvpx-vp9",
            "-deadline",
            "realtime",
            "-cpu-used",
            "8",
        ],
    );
    let transport = film("stream.ts", SIZE, 40, &H264);
    let raw = film("raw.h264", SIZE, 40, &H264);
    let late = film(
        "late.mp4",
        SIZE,
        40,
        &[&H264[..], &["-output_ts_offset", "7.5"]].concat(),
    );
    let ten_bits = film(
        "ten.mkv",
        SIZE,
        40,
        &["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"],
    );
    for video in [odd, mpeg4, webm, transport, raw, late, ten_bits] {
        let all = read(&video, Selection::All).await.expect("frames");
        assert_eq!(
            checked(&all),
            (0..40).collect::<Vec<_>>(),
            "{}",
            video.display()
        );
        let some = read(&video, Selection::Indices(vec![1, 17, 39]))
            .await
            .expect("frames");
        assert_eq!(checked(&some), [1, 17, 39], "{}", video.display());
        for frame in &some {
            assert_eq!(*frame, all[frame.index as usize]);
            let expected = f64::from(frame.index) / 25.0;
            // Containers round, the coarsest to milliseconds.
            let found = frame.timestamp.expect("a time");
            assert!(
                (found - expected).abs() < 1.5e-3,
                "{}: {found}",
                video.display()
            );
        }
    }
}

#[tokio::test]
async fn a_rate_that_varies_gives_each_frame_once_and_its_own_time() {
    // Frame k at k² milliseconds.
    let arguments = [
        "-vf",
        "settb=1/1000,setpts=N*N",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1/1000",
    ];
    let video = film(
        "varies.mkv",
        SIZE,
        40,
        &[&arguments[..], &H264[..]].concat(),
    );
    let frames = read(&video, Selection::All).await.expect("frames");
    assert_eq!(checked(&frames), (0..40).collect::<Vec<_>>());
    for frame in &frames {
        let expected = f64::from(frame.index).powi(2) / 1000.0;
        assert!((frame.timestamp.expect("a time") - expected).abs() < 1e-6);
    }
    let some = read(
        &video,
        Selection::Rate {
            rate: 0.25,
            frames: None,
        },
    )
    .await
    .expect("frames");
    assert_eq!(checked(&some), [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]);
}

#[tokio::test]
async fn long_lists_of_indices() {
    let video = film(
        "long.mkv",
        (32, 32),
        12_000,
        &["-c:v", "mpeg4", "-bf", "2", "-q:v", "2"],
    );
    let sparse: Vec<u32> = (0..2500).map(|k| k * 3).collect();
    let scattered: Vec<u32> = (0..7_500).filter(|k| k % 2 == 0 || k % 7 == 3).collect();
    assert!(scattered.len() > 4096);
    for indices in [sparse, scattered] {
        let mut frames = Frames::open_path(
            &video,
            Selection::Indices(indices.clone()),
            &VideoLimits::default(),
        )
        .await
        .expect("a video");
        for index in indices {
            let frame = frames.next().await.expect("a frame").expect("a frame");
            assert_eq!((frame.index, number(&frame.picture)), (index, index));
        }
        assert_eq!(frames.next().await, Ok(None));
    }
}

#[tokio::test]
async fn a_video_that_changes_its_size_is_counted_through() {
    let small = film("small.h264", SIZE, 30, &H264);
    let large = film("large.h264", (128, 96), 60, &H264);
    let both = large.with_file_name("both.h264");
    let parts = [&small, &large].map(|part| std::fs::read(&**part).expect("a video"));
    std::fs::write(&both, parts.concat()).expect("a video");
    let all = read(&both, Selection::All).await.expect("frames");
    assert_eq!(all.len(), 90);
    for selection in [
        Selection::Indices(vec![3, 29, 30, 30, 64]),
        // Nothing is handed over after the change.
        Selection::Indices(vec![85]),
        Selection::Rate {
            rate: 0.1,
            frames: None,
        },
    ] {
        let frames = read(&both, selection).await.expect("frames");
        for frame in frames {
            assert_eq!(frame, all[frame.index as usize]);
            assert_eq!(frame.picture.width(), SIZE.0, "that of the first");
            assert_eq!(
                number(&frame.picture),
                frame.index - if frame.index < 30 { 0 } else { 30 }
            );
        }
    }
    let error = read(&both, Selection::Indices(vec![90]))
        .await
        .expect_err("the end");
    assert_eq!(
        error.to_string(),
        "expected frame 90 of the video, found 90 frames"
    );
}

#[tokio::test]
async fn frames_are_turned_as_players_turn_them() {
    let video = plain("upright.mp4");
    let upright = video.to_str().expect("a text");
    // Written by versions up to 6, then by those since.
    let rotate = ["-i", upright, "-c", "copy", "-metadata:s:v:0", "rotate=90"];
    let display = ["-display_rotation:v:0", "90", "-i", upright, "-c", "copy"];
    let mut turned = read(&converted("turned.mp4", &rotate), Selection::First)
        .await
        .expect("frames");
    if turned[0].picture.width() == SIZE.0 {
        turned = read(&converted("turned.mp4", &display), Selection::First)
            .await
            .expect("frames");
    }
    assert_eq!(
        (turned[0].picture.width(), turned[0].picture.height()),
        (SIZE.1, SIZE.0)
    );
}

#[tokio::test]
async fn files_that_are_no_videos() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let listed = plain("listed.mp4");
    let sound = converted("sound.wav", &["-f", "lavfi", "-i", "sine=duration=1"]);
    let playlist = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
        listed.display()
    );
    let list = format!("ffconcat version 1.0\nfile '{}'\n", listed.display());
    let cut = std::fs::read(&*listed).expect("a video");
    for (path, kind) in [
        (write("text.mp4", b"hello"), MediaErrorKind::Invalid),
        (write("empty.mp4", b""), MediaErrorKind::Invalid),
        (
            write("cut.mp4", &cut[..cut.len() / 2]),
            MediaErrorKind::Invalid,
        ),
        (
            write("list.m3u8", playlist.as_bytes()),
            MediaErrorKind::Unsupported,
        ),
        (
            write("list.ffconcat", list.as_bytes()),
            MediaErrorKind::Unsupported,
        ),
        (folder.path().join("gone.mp4"), MediaErrorKind::NotFound),
        (sound.to_owned(), MediaErrorKind::Unsupported),
    ] {
        let error = read(&path, Selection::All).await.expect_err("no video");
        assert_eq!(error.kind(), kind, "{}: {error}", path.display());
    }
}

#[tokio::test]
async fn limits() {
    let video = plain("limits.mp4");
    let little = VideoLimits {
        memory: 16 << 20,
        ..VideoLimits::default()
    };
    let error = read_within(&video, Selection::All, &little)
        .await
        .expect_err("too little memory");
    // Some builds say so, others crash.
    let kinds = [MediaErrorKind::TooLarge, MediaErrorKind::Invalid];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(
        error.help().is_some_and(|help| help.contains("16 MiB")),
        "{error}"
    );
    let impatient = VideoLimits {
        silence: Duration::ZERO,
        ..VideoLimits::default()
    };
    let error = read_within(&video, Selection::All, &impatient)
        .await
        .expect_err("no time");
    assert_eq!(error.kind(), MediaErrorKind::TooLarge, "{error}");
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let video = plain("dropped.mp4");
    let mut frames = Frames::open_path(&video, Selection::All, &VideoLimits::default())
        .await
        .expect("a video");
    let mut read = Vec::new();
    loop {
        // Polled once and dropped, as often as it takes.
        let polled = tokio::select! {
            biased;
            frame = frames.next() => Some(frame),
            () = tokio::task::yield_now() => None,
        };
        match polled {
            None => {}
            Some(frame) => match frame.expect("a frame") {
                Some(frame) => read.push(frame),
                None => break,
            },
        }
    }
    assert_eq!(checked(&read), (0..40).collect::<Vec<_>>());
}
