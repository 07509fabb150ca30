//! Run-length encodings, against those of the Python SDK, a simple decoder and hostile texts.

use proptest::char::range as between;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::super::rle::{self, MOST_PIXELS};
use super::super::{Bitmask, FrameRange, LabelError};
use super::properties::cases;
use super::range;

fn golden() -> Value {
    serde_json::from_str(include_str!("../testdata/rle.json")).expect("testdata is JSON")
}

fn text(json: &Value) -> &str {
    json.as_str().expect("text")
}

fn number(json: &Value) -> u32 {
    json.as_u64()
        .and_then(|n| u32::try_from(n).ok())
        .expect("a number")
}

/// The message of an invalid argument.
fn refused<T: std::fmt::Debug>(result: Result<T, LabelError>) -> String {
    match result {
        Err(LabelError::InvalidArgument(message)) => message,
        other => panic!("expected an invalid argument, found {other:?}"),
    }
}

/// The runs of a text by the definition of the encoding, number by number.
fn simple(text: &str) -> Option<Vec<u32>> {
    let mut runs: Vec<i128> = Vec::new();
    let mut groups: Vec<i128> = Vec::new();
    for character in text.chars() {
        let group = (character as i128) - ('0' as i128);
        if !(0..64).contains(&group) {
            return None;
        }
        groups.push(group % 32);
        if group >= 32 {
            continue;
        }
        if groups.len() > 7 {
            return None;
        }
        let mut run = if group >= 16 {
            -(32_i128.pow(groups.len() as u32))
        } else {
            0
        };
        for (position, group) in groups.drain(..).enumerate() {
            run += group * 32_i128.pow(position as u32);
        }
        if runs.len() > 2 {
            run += runs[runs.len() - 2];
        }
        u32::try_from(run).ok()?;
        runs.push(run);
    }
    if !groups.is_empty() {
        return None;
    }
    Some(runs.into_iter().map(|run| run as u32).collect())
}

fn decoded(text: &str) -> Result<Vec<u32>, LabelError> {
    rle::runs(text).collect()
}

#[test]
fn masks_are_encoded_as_the_python_sdk_encodes_them() {
    let golden = golden();
    let masks = golden["masks"].as_array().expect("a list");
    assert!(masks.len() > 10);
    for case in masks {
        let (width, height) = (number(&case["width"]), number(&case["height"]));
        let mask: Vec<u8> = text(&case["mask"]).bytes().map(|bit| bit - b'0').collect();
        let (encord, coco) = (text(&case["encord"]), text(&case["coco"]));
        let bitmask = Bitmask::of_bytes(width, height, &mask).expect("a mask");
        assert_eq!(bitmask.rle, encord);
        assert_eq!((bitmask.top, bitmask.left), (0, 0));
        assert_eq!((bitmask.width, bitmask.height), (width, height));
        assert_eq!(bitmask.to_bytes(), Ok(mask.clone()));
        assert_eq!(decoded(encord).ok(), simple(encord));
        assert_eq!(rle::check(encord, mask.len() as u64), Ok(()));
        assert_eq!(rle::to_coco(encord, width, height).as_deref(), Ok(coco));
        assert_eq!(rle::of_coco(coco, width, height).as_deref(), Ok(encord));
        // Any byte but 0 is in a mask.
        let brighter: Vec<u8> = mask.iter().map(|bit| bit * 255).collect();
        assert_eq!(rle::of_mask(&brighter), encord);
    }
}

#[test]
fn positions_are_encoded_as_the_python_sdk_encodes_them() {
    let golden = golden();
    let cases = golden["ranges"].as_array().expect("a list");
    assert!(cases.len() > 4);
    for case in cases {
        let pairs = case["ranges"].as_array().expect("a list").iter();
        let ranges: Vec<_> = pairs
            .map(|pair| range(number(&pair[0]), number(&pair[1])))
            .collect();
        let encord = text(&case["encord"]);
        assert_eq!(rle::of_ranges(&ranges), encord);
        assert_eq!(rle::to_ranges(encord), Ok(ranges));
    }
}

#[test]
fn positions_come_in_any_order_and_reach_to_the_last() {
    let muddled = [range(7, 9), range(0, 1), range(2, 3), range(8, 12)];
    let in_order = vec![range(0, 3), range(7, 12)];
    assert_eq!(rle::of_ranges(&muddled), rle::of_ranges(&in_order));
    assert_eq!(rle::to_ranges(&rle::of_ranges(&muddled)), Ok(in_order));
    assert_eq!(rle::of_ranges(&[FrameRange { start: 3, end: 2 }]), "");
    for ranges in [
        vec![range(0, u32::MAX)],
        vec![range(5, u32::MAX)],
        vec![range(u32::MAX, u32::MAX)],
    ] {
        assert_eq!(rle::to_ranges(&rle::of_ranges(&ranges)), Ok(ranges));
    }
    // What is there after nothing is one range with what was before.
    assert_eq!(
        rle::to_ranges(&rle::of_runs(&[2, 3, 0, 4, 1, 0, 1, 1])),
        Ok(vec![range(2, 8), range(11, 11)])
    );
    let beyond = rle::of_runs(&[u32::MAX, 0, 1, 1]);
    assert_eq!(
        refused(rle::to_ranges(&beyond)),
        "expected positions up to 4294967295 in a run-length encoding, found 4294967296"
    );
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_mask_reads_as_it_was_written((width, height, mask) in any_mask()) {
        let bitmask = Bitmask::of_bytes(width, height, &mask).expect("a mask");
        prop_assert_eq!(bitmask.to_bytes(), Ok(mask.clone()));
        let runs = decoded(&bitmask.rle).expect("an encoding");
        prop_assert_eq!(Some(runs.clone()), simple(&bitmask.rle));
        prop_assert_eq!(&rle::of_runs(&runs), &bitmask.rle);

        let mut columns = Vec::with_capacity(mask.len());
        for column in 0..width {
            columns.extend((0..height).map(|row| mask[(row * width + column) as usize]));
        }
        let coco = rle::to_coco(&bitmask.rle, width, height).expect("an encoding");
        prop_assert_eq!(&coco, &rle::of_mask(&columns));
        prop_assert_eq!(rle::of_coco(&coco, width, height), Ok(bitmask.rle.clone()));

        let ranges = rle::to_ranges(&bitmask.rle).expect("an encoding");
        let mut marked = vec![0; mask.len()];
        for range in &ranges {
            marked[range.start as usize..=range.end as usize].fill(1);
        }
        prop_assert_eq!(marked, mask);
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end + 1 < pair[1].start));
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_runs_read_as_they_were_written(
        runs in vec((any::<u32>(), 0..32_u32).prop_map(|(run, shift)| run >> shift), 0..40),
    ) {
        prop_assert_eq!(decoded(&rle::of_runs(&runs)), Ok(runs));
    }

    #[test]
    fn any_positions_read_as_they_were_written(
        ends in vec((any::<u32>(), any::<u32>(), 0..32_u32), 0..20),
    ) {
        let ranges = ends.into_iter().map(|(start, length, shift)| FrameRange {
            start: start >> shift,
            end: (start >> shift).saturating_add(length >> shift),
        });
        let ranges: Vec<_> = ranges.collect();
        let merged = crate::frames::merged(ranges.clone());
        prop_assert_eq!(rle::to_ranges(&rle::of_ranges(&ranges)), Ok(merged));
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn hostile_texts_are_refused_or_read_by_the_definition(text in any_text()) {
        let runs = decoded(&text);
        prop_assert_eq!(runs.clone().ok(), simple(&text));
        match runs {
            Ok(runs) => {
                let sum = runs.iter().map(|run| u64::from(*run)).sum();
                prop_assert_eq!(rle::check(&text, sum), Ok(()));
                refused(rle::to_mask(&text, sum + 1));
                refused(rle::to_coco(&text, sum.min(999) as u32 + 1, 1_000_000));
            }
            Err(_) => {
                refused(rle::check(&text, 100));
                refused(rle::to_ranges(&text));
                refused(rle::to_mask(&text, 100));
                refused(rle::to_coco(&text, 10, 10));
            }
        }
    }
}

/// Width, height and pixels of a mask of few runs, or of many.
fn any_mask() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
    let sizes = (1..200_u32, 1..200_u32, 1..100_usize);
    let runs = |(width, height, longest)| {
        let pixels = (width * height) as usize;
        (Just((width, height)), vec(1..=longest, 1..=pixels.min(400)))
    };
    sizes
        .prop_flat_map(runs)
        .prop_map(|((width, height), runs)| {
            // The runs again and again, until the mask is full.
            let runs = runs.iter().cycle().enumerate();
            let pixels =
                runs.flat_map(|(number, run)| std::iter::repeat_n((number % 2) as u8, *run));
            (
                width,
                height,
                pixels.take((width * height) as usize).collect(),
            )
        })
}

/// Of characters of any kind, of those in use, or mostly short numbers, for texts that are encodings.
fn any_text() -> impl Strategy<Value = String> {
    let short = || prop_oneof![4 => between('0', '?'), 1 => between('P', '_')];
    prop_oneof![
        vec(any::<char>(), 0..12),
        vec(between('/', 'p'), 0..12),
        vec(between('0', 'o'), 0..12),
        vec(short(), 0..12),
    ]
    .prop_map(|characters| characters.into_iter().collect())
}

#[test]
fn runs_as_long_as_they_can_be_read_as_they_were_written() {
    let extremes = [0, u32::MAX, 0, 0, u32::MAX, u32::MAX, 0, 1];
    assert_eq!(
        decoded(&rle::of_runs(&extremes)).as_deref(),
        Ok(extremes.as_slice())
    );
}

#[test]
fn a_text_that_is_no_encoding_is_refused_with_the_place() {
    for (text, expected) in [
        (
            "83~04",
            "expected a run-length encoding, of the characters from `0` to `o`, found '~' at position 2",
        ),
        (
            "8é",
            "expected a run-length encoding, of the characters from `0` to `o`, found 'é' at position 1",
        ),
        (
            "83\n",
            "expected a run-length encoding, of the characters from `0` to `o`, found '\\n' at position 2",
        ),
        (
            "833P",
            "expected the end of run 3 of a run-length encoding, found the end of its text",
        ),
        (
            "@",
            "expected a length from 0 to 4294967295 for run 0 of a run-length encoding, found -16",
        ),
        (
            "111N",
            "expected a length from 0 to 4294967295 for run 3 of a run-length encoding, found -1",
        ),
        (
            "PPPPPP8",
            "expected a length from 0 to 4294967295 for run 0 of a run-length encoding, found 8589934592",
        ),
        (
            "PPPPPPPP1",
            "expected a length from 0 to 4294967295 for run 0 of a run-length encoding, found a number of \
             more than 32 bits",
        ),
        (
            "83303",
            "expected a run-length encoding of 24 pixels, found one of 23",
        ),
        (
            "",
            "expected a run-length encoding of 24 pixels, found one of 0",
        ),
    ] {
        assert_eq!(refused(rle::check(text, 24)), expected);
        assert_eq!(refused(rle::to_mask(text, 24)), expected);
    }
    let mut runs = rle::runs("8~3");
    assert_eq!(runs.next(), Some(Ok(8)));
    assert!(runs.next().is_some_and(|run| run.is_err()));
    assert_eq!(runs.next(), None, "after an error there is no next");
}

#[test]
fn a_short_text_takes_no_memory_for_what_it_claims() {
    let side = 1 << 16;
    let huge = rle::of_runs(&[u32::MAX, 1]);
    let bitmask = Bitmask {
        top: 0,
        left: 0,
        width: side,
        height: side,
        rle: huge.clone(),
    };
    assert_eq!(rle::check(&huge, u64::from(side) * u64::from(side)), Ok(()));
    let expected =
        format!("expected a mask of up to {MOST_PIXELS} pixels, found one of 4294967296");
    assert_eq!(refused(bitmask.to_bytes()), expected);
    assert_eq!(refused(rle::to_coco(&huge, side, side)), expected);
    let none = Bitmask {
        width: 0,
        height: u32::MAX,
        rle: String::new(),
        ..bitmask
    };
    assert_eq!(none.to_bytes(), Ok(Vec::new()));
    assert_eq!(rle::to_coco("0000", 0, 5).as_deref(), Ok(""));
    assert_eq!(rle::to_coco("0000", 5, 0).as_deref(), Ok(""));
}

#[test]
fn bytes_that_are_no_mask_of_the_size_are_refused() {
    for (width, height, bytes) in [
        (6, 4, 23),
        (6, 4, 25),
        (6, 4, 0),
        (0, 4, 0),
        (u32::MAX, u32::MAX, 1),
    ] {
        assert_eq!(
            refused(Bitmask::of_bytes(width, height, &vec![0; bytes])),
            format!(
                "expected one byte for each pixel of a mask of at least one, found {bytes} bytes for \
                 {width} x {height} pixels"
            )
        );
    }
}
