//! Files, pictures and videos as plugins see them, of every type of data.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::process::Command;

use runner_tests::TestProject;
use runner_tests::ran::{Ran, run_in};

/// A run over one file of each kind.
fn run_over_everything(plugin: &str) -> Ran {
    run_in(&TestProject::of_everything(), plugin, &[])
}

#[test]
fn files_are_read_by_path_and_by_parts_and_nothing_else_is_there() {
    let ran = run_over_everything("media");
    ran.ended_well();
    // An image group, a data group and a DICOM series are not one file.
    assert_eq!(ran.count(", equal"), 9, "{ran}");
    assert_eq!(
        ran.count("no asset: unsupported: expected an item that is one file"),
        3,
        "{ran}"
    );
    assert_eq!(
        ran.count("named true, behind the end 0, at the end ["),
        9,
        "{ran}"
    );
    assert_eq!(ran.count("written false, outside false"), 9, "{ran}");
    assert_eq!(ran.count("DIFFERENT"), 0, "{ran}");
}

#[test]
fn frames_have_their_numbers_in_whatever_has_frames() {
    let ran = run_over_everything("frames");
    ran.ended_well();
    // Two images, a video, a group and a sequence have frames; the others say why not.
    assert_eq!(ran.count("single 0@"), 5, "{ran}");
    assert_eq!(
        ran.count("no single frame: unsupported: expected an image"),
        7,
        "{ran}"
    );
    assert_eq!(ran.count("no video: unsupported"), 7, "{ran}");
    // Ten frames a second, ten of them.
    let numbers = |line: &str| {
        let shown = line.split(' ').filter(|word| word.contains('@'));
        let numbers = shown.map(|word| word.split(':').next().unwrap().to_owned());
        numbers.collect::<Vec<_>>().join(" ")
    };
    let of_video = |start: &str, has: &str| {
        let mut lines = ran.log.iter();
        let found = lines.find(|line| line.starts_with(start) && line.contains(has));
        numbers(found.unwrap_or_else(|| panic!("no `{start}` with `{has}` in {ran}")))
    };
    let whole = "0@0.000 1@0.100 2@0.200 3@0.300 4@0.400 5@0.500 6@0.600 7@0.700 8@0.800 9@0.900";
    assert_eq!(of_video("iterated", "9@"), whole);
    assert_eq!(of_video("each fifth", "5@"), "0@0.000 5@0.500");
    assert_eq!(
        of_video("rate 0.7", "8@"),
        "0@0.000 1@0.100 2@0.200 4@0.400 5@0.500 7@0.700 8@0.800"
    );
    assert_eq!(
        of_video("chosen", "3@0.300"),
        "1@0.100 2@0.200 3@0.300 3@0.300"
    );
    // The images of a group have no time.
    assert_eq!(of_video("iterated", "2@-"), "0@- 1@- 2@-");
    ran.has("behind the end 0@0.000");
    assert_eq!(ran.count("which has 3, found 1000000"), 1, "{ran}");
    for rate in ["rate 0:", "rate -0.5:", "rate 1.5:", "rate NaN:"] {
        assert_eq!(ran.count(rate), 5, "{ran}");
    }
    assert_eq!(
        ran.count("expected a sampling rate over 0 and at most 1, found"),
        20,
        "{ran}"
    );
}

#[test]
fn frames_are_those_that_the_video_shows() {
    // Each frame is of one shade of grey, by its number; the codec has frames that depend on later ones.
    let project = TestProject::of_texts(&["unused"]);
    let film = project.scratch().join("shades.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"])
        .arg("color=black:size=64x48:rate=25:duration=1.6,geq=lum='20+5*N':cb=128:cr=128")
        .args([
            "-c:v",
            "mpeg4",
            "-bf",
            "2",
            "-g",
            "12",
            "-qscale:v",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-output_ts_offset",
            "5",
        ])
        .arg(&film)
        .output()
        .expect("ffmpeg starts: `bash tests/setup.sh media` installs it");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    project.init(&[&film]);
    let ran = run_in(&project, "frames", &[]);
    ran.ended_well();
    let line = &ran.log[ran.at("iterated 0@0.000:")];
    let shades: Vec<f64> = line
        .split(' ')
        .skip(1)
        .map(|frame| frame.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(shades.len(), 40, "{ran}");
    for (number, shade) in shades.iter().enumerate() {
        // From the 16 to 235 of video to the 0 to 255 of pictures.
        let expected = (20.0 + 5.0 * number as f64 - 16.0) * 255.0 / 219.0;
        assert!(
            (shade - expected.min(255.0)).abs() < 3.0,
            "frame {number}: {shade}, not {expected}"
        );
    }
}

#[test]
fn pictures_are_cropped_resized_and_encoded() {
    let ran = run_over_everything("pictures");
    for text in [
        "whole 64 x 48",
        "rgb 9216, as large as it is: true",
        "box 32 x 24",
        "as a geometry 32 x 24",
        "turned box 24 x 32",
        "polygon 32 x 12",
        "beyond the edge 16 x 12",
        "pixels 2 x 3",
        "the same pixel true, number 0",
        "resized 7 x 5",
        "fit 32 x 24",
        "jpeg true",
        "a worse one is smaller true",
        "png true",
        "webp true",
        "base64 true",
        "url true",
        "content {image_url: {url: data:image/jpeg;base64,/9j/}, type: image_url}",
        ", media_type: image/jpeg, type: base64}, type: image}",
        "content {inline_data: {data: /9j/",
    ] {
        ran.has(text);
    }
    assert_eq!(ran.count("NOT REFUSED"), 0, "{ran}");
    // Only what has pictures has a first frame.
    assert_eq!(
        ran.summary.matches("expected an image, a video").count(),
        7,
        "{ran}"
    );
}

#[test]
fn pictures_and_decoders_of_an_attempt_have_a_limit() {
    let project = TestProject::of_texts(&["unused"]);
    let film = project.scratch().join("short.mp4");
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-nostdin",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48:rate=25:duration=1",
        ])
        .args(["-c:v", "mpeg4"])
        .arg(&film)
        .output()
        .expect("ffmpeg starts: `bash tests/setup.sh media` installs it");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    project.init(&[&film]);
    let ran = run_in(&project, "media_limits", &[]);
    // 256 MiB hold 22 pictures of 2000 x 2000 beside the first frame.
    ran.has("kept 22 pictures of 12 MB: too large: expected pictures that fit into 256 MiB");
    ran.has("decoded 8 videos at once: too large: expected at most 8 frame iterators");
    assert_eq!(ran.count("one more true"), 2, "{ran}");
}

#[test]
fn twins_are_seen_with_their_task_and_labels() {
    let twin = "twin=e0000000-0000-4000-8000-000000000002";
    let ran = run_in(&TestProject::of_everything(), "twins", &["--set", twin]);
    ran.ended_well();
    assert_eq!(
        ran.count("twin in e0000000-0000-4000-8000-000000000002, the same data true, branch main"),
        12,
        "{ran}"
    );
    assert_eq!(ran.count("stage Some(\"Agent\")"), 12, "{ran}");
    assert_eq!(ran.count("task Some(\"NEW\")"), 12, "{ran}");
    assert_eq!(ran.count("not labelled"), 12, "{ran}");
    assert_eq!(ran.count("of no project: true"), 12, "{ran}");
}

#[test]
fn what_is_not_declared_is_had_all_the_same_and_counted() {
    let ran = run_over_everything("undeclared");
    // Two images, the video and the sequence have all that it asks for; it gives up on the others.
    assert!(ran.summary.contains("review: 4"), "{ran}");
    ran.has("small.png of 383 bytes, 32 x 24, 0 objects");
    for frames in ["frames 1", "frames 10", "frames 4"] {
        ran.has(frames);
    }
}
