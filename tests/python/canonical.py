"""What a label row says, read from the SDK's own objects. `tests/tests/official/canonical.rs` makes the same of the
host's, so that the two can be compared.

Coordinates are plain numbers, answers are by feature hash, chosen options are sorted. Where an object is stands by space;
the space of a row without spaces is the empty text.
"""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from encord.objects import ClassificationInstance, LabelRowV2, ObjectInstance
from encord.objects.attributes import Attribute
from encord.objects.bitmask import BitmaskCoordinates
from encord.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    CuboidCoordinates,
    EllipseCoordinates,
    HtmlCoordinates,
    PointCoordinate,
    PointCoordinate3D,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
)
from encord.objects.frames import frames_to_ranges
from encord.objects.options import Option
from encord.objects.spaces.image_space import ImageSpace
from encord.objects.spaces.multiframe_space.multiframe_space import MultiFrameSpace

Json = Any


def label_row(row: LabelRowV2) -> Json:
    """`row` is initialised."""
    objects = {instance.object_hash: whole_object(instance) for instance in row.get_object_instances()}
    classifications = {
        instance.classification_hash: whole_classification(instance) for instance in row.get_classification_instances()
    }
    for space in row.get_spaces():
        for instance in space.get_object_instances():
            described = objects.setdefault(instance.object_hash, {**named(instance), "placed": {}})
            described["placed"][space.space_id] = place_in(space, instance)
        for instance in space.get_classification_instances():
            hash_ = instance.classification_hash
            classifications[hash_] = classification_on(space, instance, classifications.get(hash_))
    return {
        "title": row.data_title,
        "data_type": row.data_type.value,
        "branch": row.branch_name,
        "objects": objects,
        "classifications": classifications,
    }


def whole_object(instance: ObjectInstance) -> Json:
    annotations = {} if instance.is_range_only() else {note.frame: drawn(note) for note in instance.get_annotations()}
    html = instance.range_html
    if instance.is_range_only():
        frames = [] if html else ranges(instance.range_list or [])
    else:
        frames = ranges(frames_to_ranges(list(annotations)))
    place = {
        "frames": frames,
        "html": html_ranges(html) if html else None,
        "annotations": {str(frame): annotations[frame] for frame in sorted(annotations)},
        "whole": by(instance.get_annotation(0)) if instance.is_range_only() else None,
    }
    return {**named(instance), "placed": {"": place}}


def place_in(space: Any, instance: ObjectInstance) -> Json:
    notes = list(space.get_annotations("object", filter_instance_hashes=[instance.object_hash]))
    frames: Json = []
    html = None
    annotations = {}
    if isinstance(notes[0].coordinates, HtmlCoordinates):
        html = html_ranges(notes[0].ranges)
    elif instance.is_range_only():
        frames = ranges(notes[0].ranges)
    else:
        annotations = {note.frame: drawn(note) for note in notes}
        frames = ranges(frames_to_ranges(list(annotations)))
    return {
        "frames": frames,
        "html": html,
        "annotations": {str(frame): annotations[frame] for frame in sorted(annotations)},
        "whole": by(notes[0]) if instance.is_range_only() else None,
    }


def by(annotation: Any) -> Json:
    """Of an object that is not drawn."""
    made_ = made(annotation)
    return {key: made_[key] for key in ("confidence", "manual", "created_by")}


def named(instance: ObjectInstance) -> Json:
    return {
        "feature": instance.feature_hash,
        "name": instance.object_name,
        "shape": instance.ontology_item.shape.value,
        "number": instance.object_number,
        "answers": answers(instance._get_all_static_answers()),
        "dynamic": dynamic_answers(instance),
    }


def whole_classification(instance: ClassificationInstance) -> Json:
    return {
        "feature": instance.feature_hash,
        "title": instance.classification_name,
        "frames": ranges(instance.range_list),
        "spaces": [],
        "answers": answers(instance.get_all_static_answers()),
        **made(instance),
    }


def classification_on(space: Any, instance: ClassificationInstance, before: Json) -> Json:
    """A classification may be in several spaces; its author is that of the last."""
    notes = list(space.get_annotations("classification", filter_instance_hashes=[instance.classification_hash]))
    found = {
        "feature": instance.feature_hash,
        "title": instance.classification_name,
        "frames": ranges(frames_to_ranges([note.frame for note in notes])) if is_framed(space, instance) else [],
        "spaces": [space.space_id],
        "answers": answers(instance.get_all_static_answers()),
        **made(notes[0]),
    }
    if before is None:
        return found
    return {**found, "frames": before["frames"] or found["frames"], "spaces": sorted(before["spaces"] + found["spaces"])}


def is_framed(space: Any, instance: ClassificationInstance) -> bool:
    return isinstance(space, (ImageSpace, MultiFrameSpace)) and not instance.is_global()


def drawn(annotation: Any) -> Json:
    return {"geometry": geometry(annotation.coordinates), **made(annotation)}


def made(of: Any) -> Json:
    return {
        "confidence": of.confidence,
        "manual": of.manual_annotation,
        "created_at": moment(of.created_at),
        "created_by": of.created_by,
        "last_edited_at": moment(of.last_edited_at),
        "last_edited_by": of.last_edited_by,
    }


def moment(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def geometry(shape: Any) -> Json:
    match shape:
        case BoundingBoxCoordinates():
            return {"box": bounds(shape)}
        case RotatableBoundingBoxCoordinates():
            return {"box": bounds(shape), "theta": shape.theta}
        case PolygonCoordinates():
            return {"areas": [[[point(corner) for corner in ring] for ring in area] for area in shape.polygons]}
        case PolylineCoordinates():
            return {"line": [point(corner) for corner in shape.values]}
        case PointCoordinate() | PointCoordinate3D():
            return {"point": point(shape)}
        case SkeletonCoordinates():
            return {
                "joints": [
                    {
                        "at": [joint.x, joint.y],
                        "name": joint.name,
                        "feature": joint.feature_hash or "",
                        "visibility": joint.visibility.value if joint.visibility else None,
                    }
                    for joint in shape.values
                ]
            }
        case BitmaskCoordinates():
            mask = shape.to_dict()
            return {"mask": [mask[key] for key in ("top", "left", "width", "height")], "rle": mask["rleString"]}
        case CircleCoordinates():
            return {"circle": [shape.center_x, shape.center_y, shape.radius, shape.stretch, shape.theta]}
        case EllipseCoordinates():
            return {"ellipse": [shape.center_x, shape.center_y, shape.rx, shape.ry, shape.theta]}
        case CuboidCoordinates():
            return {"cuboid": [list(shape.position), list(shape.orientation), list(shape.size)]}
        case Cuboid2DPerspectiveCoordinates() | Cuboid2DIsometricCoordinates():
            return {"other": {"cuboid_2d": shape.to_dict()}}
    raise TypeError(f"no canonical form of {type(shape)}")


def bounds(box: Any) -> Json:
    return [box.top_left_x, box.top_left_y, box.width, box.height]


def point(corner: Any) -> Json:
    return [corner.x, corner.y, *([corner.z] if isinstance(corner, PointCoordinate3D) else [])]


def ranges(of: Iterable[Any]) -> Json:
    return sorted([part.start, part.end] for part in of)


def html_ranges(of: Iterable[Any]) -> Json:
    return [part.to_dict() for part in of]


def answers(of: Iterable[Any]) -> Json:
    """Without who gave them: the SDK writes that of an answer, and does not read it."""
    return {
        answer.ontology_attribute.feature_node_hash: value(answer.get()) for answer in of if answer.is_answered()
    }


def dynamic_answers(instance: ObjectInstance) -> Json:
    """By attribute: each value with its frames, in the order of the frames."""
    found: dict[str, list[Json]] = {}
    for attribute in instance.ontology_item.attributes:
        if is_dynamic(attribute):
            given = instance.get_answer(attribute, is_dynamic=True)
            parts = [[ranges(entry.ranges), value(entry.answer)] for entry in given]
            if parts:
                found[attribute.feature_node_hash] = sorted(parts, key=lambda part: part[0])
    return found


def is_dynamic(attribute: Attribute) -> bool:
    return attribute.dynamic


def value(answer: Any) -> Json:
    if isinstance(answer, Option):
        return [answer.feature_node_hash]
    if isinstance(answer, (str, int, float)):
        return answer
    return sorted(option.feature_node_hash for option in answer)

