use super::*;
use crate::labels::{Bitmask, Circle, Cuboid2d, Geometry, Point, Projection, rle};

fn size() -> Size {
    Size::new(8, 6).expect("it has pixels")
}

/// Lines of `#` and `.`.
fn mask(lines: &[&str]) -> Mask {
    let (width, height) = (lines[0].len() as u32, lines.len() as u32);
    let bytes: Vec<u8> = lines
        .iter()
        .flat_map(|line| line.bytes())
        .map(|character| u8::from(character == b'#'))
        .collect();
    let bitmask = Bitmask::of_bytes(width, height, &bytes).expect("a byte for each pixel");
    Mask::of_bitmask(Size::new(width, height).expect("a size"), &bitmask).expect("it is one")
}

fn lines(mask: &Mask) -> Vec<String> {
    let character = |byte: &u8| if *byte == 0 { '.' } else { '#' };
    mask.rows()
        .map(|row| row.iter().map(character).collect())
        .collect()
}

#[test]
fn coco_counts_by_column() {
    // What pycocotools encodes for these pixels.
    let given = mask(&["..#", "###"]);
    let text = given.to_coco().expect("it is small");
    let runs: Vec<u32> = rle::runs(&text).map(|run| run.expect("a run")).collect();
    assert_eq!(runs, [1, 1, 1, 3]);
    assert_eq!(
        Mask::of_coco(given.size(), &text).expect("it is one"),
        given
    );
    assert!(Mask::of_coco(size(), &text).is_err(), "of another size");
}

#[test]
fn a_bitmask_is_put_where_it_is_in_the_frame_and_cut_at_its_edges() {
    let own = mask(&["##", ".#"]).to_bitmask().expect("it is one");
    let at = |left, top| Bitmask {
        left,
        top,
        ..own.clone()
    };
    let frame = Size::new(4, 3).expect("a size");
    let placed = |bitmask| lines(&Mask::of_bitmask(frame, &bitmask).expect("it is one"));
    assert_eq!(placed(at(1, 1)), ["....", ".##.", "..#."]);
    assert_eq!(placed(at(3, 2)), ["....", "....", "...#"]);
    assert_eq!(placed(at(9, 0)), ["....", "....", "...."]);
    assert_eq!(placed(at(0, 9)), ["....", "....", "...."]);
}

#[test]
fn areas_of_a_mask_fill_to_the_same_mask() {
    for given in [
        &[
            "........", ".####...", ".#..#.#.", ".####...", "......##", "........",
        ][..],
        // Areas and holes that touch at corners, an area in a hole, and all edges of the frame.
        &[
            "#......#", ".#.##.#.", "..#..#..", ".#.##.#.", "#......#", "########",
        ],
        &[
            "########", "#......#", "#.####.#", "#.#..#.#", "#.####.#", "########",
        ],
        &[
            "########", "########", "########", "########", "########", "########",
        ],
        &[
            "........", "........", "........", "........", "........", "........",
        ],
        &[
            "#.#.#.#.", ".#.#.#.#", "#.#.#.#.", ".#.#.#.#", "#.#.#.#.", ".#.#.#.#",
        ],
    ] {
        let given = mask(given);
        let mut filled = Mask::new(given.size());
        filled.fill(&given.areas());
        assert_eq!(lines(&filled), lines(&given), "{:?}", given.areas());
    }
}

#[test]
fn a_ring_has_one_outline_and_one_hole() {
    let ring = mask(&[
        "........", ".#####..", ".#...#..", ".#...#..", ".#####..", "........",
    ]);
    let areas = ring.areas();
    assert_eq!(areas.len(), 1);
    assert_eq!(
        areas[0],
        [
            vec![[1.0, 1.0], [6.0, 1.0], [6.0, 5.0], [1.0, 5.0]],
            vec![[2.0, 2.0], [2.0, 4.0], [5.0, 4.0], [5.0, 2.0]],
        ]
    );
    let bounds = ring.bounds().expect("it covers something");
    assert_eq!(
        (bounds.x, bounds.y, bounds.width, bounds.height),
        (1.0, 1.0, 5.0, 4.0)
    );
    assert_eq!(ring.area(), 14);
}

#[test]
fn what_is_outside_of_the_frame_is_not_filled() {
    let mut mask = Mask::new(size());
    mask.fill(&[vec![vec![
        [-5.0, -5.0],
        [2.0, -5.0],
        [2.0, 90.0],
        [-5.0, 90.0],
    ]]]);
    assert_eq!(lines(&mask), ["##......"; 6]);
    mask.fill(&[vec![vec![[9.0, 0.0], [12.0, 0.0], [12.0, 9.0], [9.0, 9.0]]]]);
    assert_eq!(lines(&mask), ["##......"; 6]);
}

#[test]
fn a_turned_box_and_a_circle_are_round_in_pixels_not_in_fractions() {
    let outline = |geometry| {
        Outline::of(&geometry, Size::new(200, 100).expect("a size"))
            .expect("it is one")
            .expect("it is flat")
    };
    let turned = outline(Geometry::RotatableBoundingBox(
        crate::labels::RotatableBoundingBox {
            x: 0.4,
            y: 0.4,
            width: 0.2,
            height: 0.2,
            theta: 90.0,
        },
    ));
    let bounds = turned.bounds().expect("it has corners");
    let rounded = [bounds.x, bounds.y, bounds.width, bounds.height].map(f64::round);
    assert_eq!(rounded, [90.0, 30.0, 20.0, 40.0]);
    assert_eq!(turned.area_in_pixels().round(), 800.0);

    let circle = outline(Geometry::Circle(Circle {
        x: 0.5,
        y: 0.5,
        radius: 0.1,
        stretch: 0.5,
        theta: 90.0,
    }));
    let bounds = circle.bounds().expect("it has points");
    let rounded = [bounds.x, bounds.y, bounds.width, bounds.height].map(f64::round);
    assert_eq!(rounded, [90.0, 30.0, 20.0, 40.0]);
}

#[test]
fn a_cuboid_on_a_picture_has_edges_and_a_hull() {
    let point = |x, y| Point { x, y, z: None };
    let cuboid = Cuboid2d {
        front: vec![
            point(0.1, 0.2),
            point(0.3, 0.2),
            point(0.3, 0.6),
            point(0.1, 0.6),
        ],
        projection: Projection::Isometric(point(0.2, -0.1)),
    };
    let outline = Outline::of(&cuboid.to_geometry(), Size::new(100, 100).expect("a size"));
    let outline = outline.expect("it is one").expect("it is flat");
    // Two faces and four edges between them.
    assert_eq!(outline.lines.len(), 6);
    // Both faces of 20 x 40, and what the front passes over on the way to the back.
    assert_eq!(
        outline.area_in_pixels().round(),
        800.0 + 20.0 * 40.0 + 10.0 * 20.0
    );
    assert_eq!(outline.areas[0][0].len(), 6);
}
