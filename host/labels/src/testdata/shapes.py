"""Writes `shapes.json` and `rle.json` beside this file: shapes and run-length encodings as Encord's Python SDK writes them.

Run it with a Python that has `encord` (they were made with 0.1.211).
"""

import json
import pathlib
import random

from encord.common.bitmask_operations import encord_rle_to_coco_rle, serialise_bitmask
from encord.common.bitmask_operations.bitmask_operations import _rle_to_string, ranges_to_rle_counts
from encord.objects.bitmask import BitmaskCoordinates
from encord.objects.coordinates import (
    ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS,
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    CuboidCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PointCoordinate3D,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
    add_coordinates_to_frame_object_dict,
    get_coordinates_from_frame_object_dict,
)

HERE = pathlib.Path(__file__).parent
P, P3 = PointCoordinate, PointCoordinate3D


def joint(name, x, y, visibility=None):
    """A point of the skeleton `Stick` of `ontology.json`."""
    return SkeletonCoordinate(
        x=x, y=y, name=name, color="#00000", value=name, feature_hash=f"skPt{name.capitalize()}", visibility=visibility
    )


def skeleton(*joints):
    return SkeletonCoordinates(values=list(joints), name="Stick")


SQUARE = [P(0.0, 0.0), P(1.0, 0.0), P(1.0, 1.0), P(0.0, 1.0)]
HOLE = [P(0.4, 0.4), P(0.6, 0.4), P(0.6, 0.6)]
TRIANGLE = [P(0.125, 0.25), P(0.5, 0.25), P(0.5, 0.75)]
FRONT = [P(0.0, 0.0), P(0.1, 0.0), P(0.1, 0.1), P(0.0, 0.1)]
MASK = BitmaskCoordinates.EncodedBitmask(top=0, left=0, height=4, width=6, rle_string="83304")
SHAPES = {
    "bounding_box": BoundingBoxCoordinates(height=0.5, width=0.25, top_left_x=0.1, top_left_y=0.2),
    "rotatable_bounding_box": RotatableBoundingBoxCoordinates(
        height=0.2, width=0.3, top_left_x=-0.1, top_left_y=0.2, theta=45.0
    ),
    "polygon": PolygonCoordinates(polygons=[[SQUARE, HOLE], [TRIANGLE]]),
    "polyline": PolylineCoordinates(values=[P(0.1, 0.1), P(0.9, 0.9), P(0.5, 1.0)]),
    "polyline_3d": PolylineCoordinates(values=[P3(-1.5, 2.0, 30.25), P3(4.0, 5.0, -6.0)]),
    "point": P(0.25, 0.75),
    "point_3d": P3(12.5, -3.0, 1.0),
    "skeleton": skeleton(joint("head", 0.1, 0.1, Visibility.VISIBLE), joint("foot", 0.1, 0.9, Visibility.SELF_OCCLUDED)),
    "skeleton_unseen": skeleton(joint("head", 0.0, 1.0), joint("foot", 0.5, 0.5, Visibility.INVISIBLE)),
    "skeleton_without_template": skeleton(
        SkeletonCoordinate(x=0.25, y=0.5, name="tip", feature_hash="skPtTip1"),
        SkeletonCoordinate(x=0.5, y=0.5, name="tail", visibility=Visibility.OCCLUDED),
    ),
    "bitmask": BitmaskCoordinates(MASK),
    "circle": CircleCoordinates(center_x=0.5, center_y=0.5, radius=0.1),
    "circle_stretched": CircleCoordinates(center_x=0.5, center_y=0.25, radius=0.1, stretch=0.5, theta=30.0),
    "ellipse": EllipseCoordinates(center_x=0.5, center_y=0.5, rx=0.1, ry=0.2, theta=10.0),
    "cuboid": CuboidCoordinates(position=(1.0, -2.0, 0.5), orientation=(0.0, 0.25, -3.0), size=(4.0, 2.0, 1.5)),
    "cuboid_2d_perspective": Cuboid2DPerspectiveCoordinates(FRONT, vanishing_point=P(1.4, 0.3), scale_ratio=0.75),
    "cuboid_2d_isometric": Cuboid2DIsometricCoordinates(FRONT, offset=P(0.05, -0.05)),
}

RANDOM = random.Random(4)
MASKS = [  # width, height, whether a row and column is in it
    (6, 4, lambda row, column: row in (1, 2) and column in (2, 3, 4)),
    (6, 4, lambda row, column: False),
    (6, 4, lambda row, column: True),
    (1, 1, lambda row, column: True),
    (1, 1, lambda row, column: False),
    (5, 3, lambda row, column: row == column == 0),
    (3, 5, lambda row, column: (row, column) == (4, 2)),
    (7, 1, lambda row, column: column % 2 == 0),
    (1, 7, lambda row, column: row % 2 == 1),
    (40, 20, lambda row, column: (row - 10) ** 2 + (column - 20) ** 2 < 80),
    (17, 13, lambda row, column: RANDOM.random() < 0.5),
    (64, 9, lambda row, column: RANDOM.random() < 0.05),
]
RANGES = [
    [],
    [(0, 0)],
    [(0, 9)],
    [(5, 9), (20, 29), (31, 31)],
    [(1000000, 1000001), (3000000000, 3000000010)],
    [(3, 3), (5, 5), (7, 7), (9, 40000)],
]


def written(coordinates):
    """The geometry's keys of a frame's object, after reading them again."""
    keys = add_coordinates_to_frame_object_dict(coordinates, {}, width=6, height=4)
    shapes = [shape for shape, kinds in ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS.items() if type(coordinates) in kinds]
    get_coordinates_from_frame_object_dict({**keys, "name": "Stick", "shape": shapes[0]})
    del keys["shape"]
    return keys


def encoded(width, height, is_in):
    mask = bytes(is_in(row, column) for row in range(height) for column in range(width))
    rle = serialise_bitmask(mask)
    coco = encord_rle_to_coco_rle(rle, height=height, width=width)
    return {"width": width, "height": height, "mask": "".join(map(str, mask)), "encord": rle, "coco": coco}


def lines(values):
    return ",\n".join(f"  {json.dumps(value)}" for value in values)


shapes = (f" {json.dumps(name)}: {json.dumps(written(shape))}" for name, shape in SHAPES.items())
(HERE / "shapes.json").write_text("{\n" + ",\n".join(shapes) + "\n}\n")
masks = lines(encoded(*mask) for mask in MASKS)
ranges = lines({"ranges": pairs, "encord": _rle_to_string(ranges_to_rle_counts(pairs))} for pairs in RANGES)
(HERE / "rle.json").write_text(f'{{\n "masks": [\n{masks}\n ],\n "ranges": [\n{ranges}\n ]\n}}\n')
