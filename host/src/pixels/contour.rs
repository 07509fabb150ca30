//! The areas of a mask, as lines along the edges of its pixels.

use std::collections::HashMap;

use super::{Area, Bounds, Dot, Line, Mask, area_within};

/// A corner of a pixel.
type Corner = (u32, u32);

/// See [`Mask::areas`].
///
/// Each edge between a covered pixel and one that is not is an arrow with the covered pixel on its right. Joined, they
/// are outlines that go clockwise and holes that go counterclockwise, as seen.
pub(super) fn trace(mask: &Mask) -> Vec<Area> {
    let mut arrows: HashMap<Corner, Vec<Corner>> = HashMap::new();
    let mut starts = Vec::new();
    let size = mask.size();
    for y in 0..size.height {
        for x in 0..size.width {
            if !mask.covers(x, y) {
                continue;
            }
            let mut arrow = |from: Corner, to: Corner| {
                arrows.entry(from).or_default().push(to);
                starts.push(from);
            };
            if y == 0 || !mask.covers(x, y - 1) {
                arrow((x, y), (x + 1, y));
            }
            if !mask.covers(x + 1, y) {
                arrow((x + 1, y), (x + 1, y + 1));
            }
            if !mask.covers(x, y + 1) {
                arrow((x + 1, y + 1), (x, y + 1));
            }
            if x == 0 || !mask.covers(x - 1, y) {
                arrow((x, y + 1), (x, y));
            }
        }
    }
    let mut outlines: Vec<Area> = Vec::new();
    let mut holes: Vec<Line> = Vec::new();
    for start in starts {
        let Some(line) = follow(&mut arrows, start) else {
            continue;
        };
        if is_clockwise(&line) {
            outlines.push(vec![line]);
        } else {
            holes.push(line);
        }
    }
    for hole in holes {
        // A hole is in the smallest outline around it.
        let inside = hole_point(&hole);
        let around = outlines
            .iter_mut()
            .filter(|area| contains(&area[0], inside));
        let smallest = around.min_by(|a, b| area_within(&a[0]).total_cmp(&area_within(&b[0])));
        if let Some(area) = smallest {
            area.push(hole);
        }
    }
    outlines
}

/// Takes the arrows of one closed line out, from `start` on. None if none starts there any more.
fn follow(arrows: &mut HashMap<Corner, Vec<Corner>>, start: Corner) -> Option<Line> {
    let mut corners = vec![start];
    let mut from = start;
    let mut to = arrows.get_mut(&start)?.pop()?;
    while to != start {
        corners.push(to);
        let next = arrows.get_mut(&to)?;
        // Where two areas touch, the way on is to the right, around the same pixel.
        let right = turned_right(from, to);
        let position = next.iter().position(|next| *next == right).unwrap_or(0);
        from = to;
        to = next.swap_remove(position);
    }
    // Corners within a straight line say nothing.
    let count = corners.len();
    let bends = (0..count).filter(|place| {
        let (before, here, after) = (
            corners[(place + count - 1) % count],
            corners[*place],
            corners[(place + 1) % count],
        );
        !(before.0 == here.0 && here.0 == after.0 || before.1 == here.1 && here.1 == after.1)
    });
    Some(
        bends
            .map(|place| [f64::from(corners[place].0), f64::from(corners[place].1)])
            .collect(),
    )
}

/// The corner that is reached from `to` by turning right, for one who comes from `from`. Both axes wrap, for a corner
/// beyond the upper or left edge is nobody's.
fn turned_right(from: Corner, to: Corner) -> Corner {
    let (dx, dy) = (to.0.wrapping_sub(from.0), to.1.wrapping_sub(from.1));
    (to.0.wrapping_sub(dy), to.1.wrapping_add(dx))
}

fn is_clockwise(line: &[Dot]) -> bool {
    let next = line.iter().cycle().skip(1);
    let twice: f64 = line
        .iter()
        .zip(next)
        .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
        .sum();
    twice > 0.0
}

/// The centre of a pixel just inside of a hole: of the one to the right of its upper left corner.
fn hole_point(hole: &[Dot]) -> Dot {
    let top = Bounds::around(hole).map_or(0.0, |bounds| bounds.y);
    let left = hole
        .iter()
        .filter(|point| point[1] == top)
        .map(|point| point[0])
        .fold(f64::INFINITY, f64::min);
    [left + 0.5, top + 0.5]
}

fn contains(line: &[Dot], point: Dot) -> bool {
    let next = line.iter().cycle().skip(1);
    let crossed = line.iter().zip(next).filter(|(a, b)| {
        (a[1] <= point[1]) != (b[1] <= point[1])
            && a[0] + (point[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) > point[0]
    });
    crossed.count() % 2 == 1
}
