//! Run-length encodings: what is refused, what is written, and that both conversions of COCO's are each
//! other's opposite.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use runner_labels::{Bitmask, FrameRange, rle};

/// So many pixels a mask has at most, which keeps a run short.
const MOST_PIXELS: u64 = 1 << 16;
/// So many runs or ranges are made at most.
const MOST_RUNS: usize = 256;

fuzz_target!(|bytes: &[u8]| {
    // Where the bytes end, the run does.
    let _ = run(Unstructured::new(bytes));
});

fn run(mut bytes: Unstructured<'_>) -> Result<()> {
    match bytes.int_in_range(0..=3_u8)? {
        0 => any_text(&String::from_utf8_lossy(bytes.take_rest())),
        1 => any_runs(&mut bytes)?,
        2 => any_mask(bytes)?,
        _ => any_ranges(&mut bytes)?,
    }
    Ok(())
}

fn any_text(text: &str) {
    let runs: std::result::Result<Vec<u32>, _> = rle::runs(text).collect();
    let ranges = rle::to_ranges(text);
    let Ok(runs) = runs else {
        assert!(ranges.is_err() && rle::check(text, 0).is_err() && rle::to_mask(text, 0).is_err());
        return;
    };
    // A number may be written longer than it needs to be, so the text can be another one, but once.
    let written = rle::of_runs(&runs);
    let again: std::result::Result<Vec<u32>, _> = rle::runs(&written).collect();
    assert_eq!(again.as_ref(), Ok(&runs));
    assert_eq!(rle::to_ranges(&written), ranges);
    let pixels: u64 = runs.iter().map(|run| u64::from(*run)).sum();
    assert_eq!(rle::check(text, pixels), Ok(()));
    assert!(rle::check(text, pixels + 1).is_err());
    assert!(rle::to_mask(text, pixels.wrapping_sub(1)).is_err());
    if pixels > MOST_PIXELS {
        return;
    }
    let mask = rle::to_mask(text, pixels).expect("it was checked");
    same_mask(&rle::of_mask(&mask), &mask);
    if let Ok(ranges) = ranges {
        let in_it = mask.iter().filter(|pixel| **pixel == 1).count() as u64;
        let listed = ranges
            .iter()
            .map(|range| u64::from(range.end - range.start) + 1);
        assert_eq!(in_it, listed.sum::<u64>());
    }
    let width = (1..=40)
        .rev()
        .find(|width| pixels.is_multiple_of(*width))
        .unwrap_or(1);
    turned(text, &mask, width as usize);
}

fn any_runs(bytes: &mut Unstructured<'_>) -> Result<()> {
    let runs = bytes.arbitrary_iter::<u32>()?.take(MOST_RUNS);
    let runs = runs.collect::<Result<Vec<u32>>>()?;
    let text = rle::of_runs(&runs);
    let read: std::result::Result<Vec<u32>, _> = rle::runs(&text).collect();
    assert_eq!(read.as_ref(), Ok(&runs));
    any_text(&text);
    Ok(())
}

fn any_mask(mut bytes: Unstructured<'_>) -> Result<()> {
    let width = bytes.int_in_range(1..=64_u32)?;
    let mask: Vec<u8> = bytes.take_rest().iter().map(|byte| byte & 1).collect();
    let height = mask.len() as u32 / width;
    let mask = mask.get(..(width * height) as usize).unwrap_or_default();
    if mask.is_empty() {
        assert!(Bitmask::of_bytes(width, height, mask).is_err());
        return Ok(());
    }
    let bitmask = Bitmask::of_bytes(width, height, mask).expect("a byte for each pixel");
    assert_eq!(bitmask.to_bytes().as_deref(), Ok(mask));
    turned(&bitmask.rle, mask, width as usize);
    Ok(())
}

/// To COCO's encoding and back.
fn turned(text: &str, mask: &[u8], width: usize) {
    let height = mask.len() / width;
    let (columns, rows) = (width as u32, height as u32);
    let coco = rle::to_coco(text, columns, rows).expect("it has these pixels");
    let by_column = (0..mask.len()).map(|at| mask[at % height * width + at / height]);
    same_mask(&coco, &by_column.collect::<Vec<u8>>());
    let back = rle::of_coco(&coco, columns, rows).expect("it was written as one");
    same_mask(&back, mask);
    assert_eq!(back, rle::of_mask(mask));
}

/// What is written for a mask is the shortest form: it reads as the mask, and no run but the first is of
/// nothing.
fn same_mask(text: &str, mask: &[u8]) {
    assert_eq!(rle::to_mask(text, mask.len() as u64).as_deref(), Ok(mask));
    let runs = rle::runs(text).map(|run| run.expect("it was written as one"));
    assert!(runs.skip(1).all(|run| run > 0));
    assert_eq!(rle::of_mask(mask), text);
}

fn any_ranges(bytes: &mut Unstructured<'_>) -> Result<()> {
    let ends = bytes.arbitrary_iter::<(u32, u32)>()?.take(MOST_RUNS);
    let mut ranges = Vec::new();
    for ends in ends {
        let (start, end) = ends?;
        ranges.push(FrameRange { start, end });
    }
    let text = rle::of_ranges(&ranges);
    let read = rle::to_ranges(&text).expect("positions of 32 bits");
    assert_eq!(rle::of_ranges(&read), text);
    assert!(read.iter().all(|range| range.start <= range.end));
    // Neighbours are merged, so that there is a gap between any two.
    assert!(read.windows(2).all(|pair| pair[0].end < pair[1].start - 1));
    for range in ranges.iter().filter(|range| range.start <= range.end) {
        let holds = |read: &&FrameRange| read.contains(range.start) && read.contains(range.end);
        assert!(read.iter().any(|read| holds(&read)));
    }
    Ok(())
}
