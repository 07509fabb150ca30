"""Reads a COCO document with Encord's own reader, and compares its masks with the areas and boxes that it states.

    python read_coco.py <document.json>
"""

import json
import sys
from pathlib import Path

from checks import check, finish
from encord.common.bitmask_operations import _rle_to_mask, _string_to_rle, transpose_bytearray
from encord.utilities.coco.datastructure import CocoPolygon, CocoRLE, CocoRootModel


def main() -> int:
    (path,) = sys.argv[1:]
    text = Path(path).read_text()
    document = json.loads(text)
    # The reader changes what it is given.
    read = CocoRootModel.from_dict(json.loads(text))
    check("images", len(read.images), len(document["images"]))
    check("annotations", len(read.annotations), len(document["annotations"]))
    images = {image["id"]: image for image in document["images"]}
    masks = 0
    for annotation, model in zip(document["annotations"], read.annotations, strict=True):
        place = f"annotation {annotation['id']}"
        segmentation = annotation["segmentation"]
        image = images[annotation["image_id"]]
        if not isinstance(segmentation, dict):
            check(f"{place}: kind", isinstance(model.segmentation, (CocoPolygon, list)), True)
            continue
        masks += 1
        check(f"{place}: kind", type(model.segmentation), CocoRLE)
        height, width = segmentation["size"]
        check(f"{place}: size", (width, height), (image["width"], image["height"]))
        columns = _rle_to_mask(_string_to_rle(segmentation["counts"]), width * height)
        rows = transpose_bytearray(columns, shape=(width, height))
        # What the reader makes of it for a label row.
        again = _rle_to_mask(_string_to_rle(model.segmentation.counts), width * height)
        check(f"{place}: rows", bytes(again), bytes(rows))
        covered = [(place % width, place // width) for place, pixel in enumerate(rows) if pixel]
        check(f"{place}: area", len(covered), annotation["area"] if mask_states_area(annotation) else len(covered))
        if covered and mask_states_area(annotation):
            left, top = min(x for x, _ in covered), min(y for _, y in covered)
            right, bottom = max(x for x, _ in covered) + 1, max(y for _, y in covered) + 1
            check(f"{place}: box", annotation["bbox"], [left, top, right - left, bottom - top])
    check("there are masks", masks > 0, True)
    return finish()


def mask_states_area(annotation: dict) -> bool:
    """Polygons with holes state the area and the box of the polygon, which the pixels of their mask approximate."""
    return "encord_geometry" not in annotation["attributes"]


if __name__ == "__main__":
    sys.exit(main())
