"""Writes every shape and question on every type of data that the SDK lets them be written on, and reads them back.

    python write_labels.py <project-hash> <output.json>

The output is the canonical form of every row, as a new client reads it.
"""

import random
import sys

import canonical
import numpy
from checks import check, check_same, comparable, connect, finish, rows_of, write
from encord.constants.enums import DataType
from encord.objects import (
    Classification,
    ClassificationInstance,
    LabelRowV2,
    Object,
    ObjectInstance,
    OntologyStructure,
    Shape,
)
from encord.objects.attributes import Attribute
from encord.objects.bitmask import BitmaskCoordinates
from encord.objects.coordinates import (
    AudioCoordinates,
    BoundingBoxCoordinates,
    CircleCoordinates,
    Coordinates,
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
    SkeletonCoordinate,
    SkeletonCoordinates,
    TextCoordinates,
    Visibility,
)
from encord.objects.frames import Range
from encord.objects.html_node import HtmlNode, HtmlRange

# Numbers with as many digits as they come, always the same.
NUMBERS = random.Random(20250115)


def main() -> int:
    project_hash, output = sys.argv[1:]
    project = connect().get_project(project_hash)
    rows = rows_of(project_hash)
    structure = project.ontology_structure
    for row in rows.values():
        label(row, structure)
    with project.create_bundle() as bundle:
        for row in rows.values():
            row.save(bundle=bundle)
    everything_was_written(rows, structure)

    again = rows_of(project_hash)
    for title, row in rows.items():
        check_same(f"{title} is read back", ordered(again[title].to_encord_dict()), ordered(row.to_encord_dict()))
        check_same(
            f"the objects of {title} are read back",
            comparable(without_times(canonical.label_row(again[title]))),
            comparable(without_times(canonical.label_row(row))),
        )
    write(output, {title: canonical.label_row(row) for title, row in again.items()})
    return finish()


def ordered(document: dict) -> dict:
    """The SDK turns the answers round each time it reads a row, and forgets whether a person gave them."""
    document = comparable(document)
    for entry in document["object_actions"].values():
        entry["actions"].sort(key=lambda action: (action["featureHash"], action["range"]))
        for action in entry["actions"]:
            if isinstance(action["answers"], list):
                action["answers"].sort(key=lambda option: option["featureHash"])
    for section in ("object_answers", "classification_answers"):
        for entry in document[section].values():
            entry["classifications"].sort(key=lambda answer: answer["featureHash"])
            for given in entry["classifications"]:
                given["manualAnnotation"] = None
    return document


def without_times(dump):
    """A client knows who made a label only once it has read it, and times are kept in whole seconds."""
    if isinstance(dump, dict):
        hidden = ("created_at", "created_by", "last_edited_at", "last_edited_by")
        return {key: without_times(entry) for key, entry in dump.items() if key not in hidden}
    if isinstance(dump, list):
        return [without_times(entry) for entry in dump]
    return dump


def everything_was_written(rows: dict[str, LabelRowV2], structure: OntologyStructure) -> None:
    """So that a type of data or a shape cannot be forgotten."""
    types = sorted({row.data_type.value for row in rows.values()})
    known = ["audio", "dicom", "group", "image", "img_group", "nifti", "pdf", "plain_text", "video"]
    check("every type of data is there", types, known)
    shapes = set()
    for row in rows.values():
        dump = canonical.label_row(row)
        check(f"{row.data_title} has objects", len(dump["objects"]) > 0, True)
        check(f"{row.data_title} has classifications", len(dump["classifications"]) > 0, True)
        shapes |= {entry["shape"] for entry in dump["objects"].values()}
    # Time ranges are for time series, segmentations for point clouds: the SDK has them on nothing else.
    without = {Shape.TIME_RANGE.value, Shape.SEGMENTATION.value}
    check("every shape is written", shapes, {each.shape.value for each in structure.objects} - without)


def label(row: LabelRowV2, structure: OntologyStructure) -> None:
    kind = row.data_type.value
    if kind == "group":
        label_spaces(row, structure)
    elif row.file_type == "text/html":
        mark(row, structure, "Words", HtmlCoordinates(range=html_ranges()))
        mark(row, structure, "Words", HtmlCoordinates(range=html_ranges()[:1]))
    elif kind == "plain_text":
        mark(row, structure, "Words", TextCoordinates(range=[Range(0, 3), Range(11, 15)]))
        mark(row, structure, "Words", TextCoordinates(range=[Range(30, 30)]))
    elif kind == "audio":
        mark(row, structure, "Voice", AudioCoordinates(range=[Range(0, 250), Range(400, 999)]))
        mark(row, structure, "Voice", AudioCoordinates(range=[Range(300, 350)]))
    else:
        draw_all(row, structure)
    classify_all(row, structure)


def draw_all(row: LabelRowV2, structure: OntologyStructure) -> None:
    last = row.number_of_frames - 1
    some = sorted({0, last // 2, last})
    for feature in structure.objects:
        if feature.shape in (Shape.AUDIO, Shape.TEXT, Shape.TIME_RANGE, Shape.SEGMENTATION):
            continue
        # A mask is in pixels, which PDFs have none of.
        if feature.shape == Shape.BITMASK and row.data_type == DataType.PDF:
            continue
        instance = feature.create_instance()
        for frame in some:
            instance.set_for_frames(
                coordinates(feature.shape, row, frame),
                frame,
                confidence=fraction(),
                manual_annotation=frame % 2 == 0,
            )
        row.add_object_instance(instance)
        answer(instance, feature, some)
    # A second one of a kind, with the defaults and a number of its own.
    box = feature_of(structure, "Box")
    second = box.create_instance(object_number=7)
    second.set_for_frames(coordinates(box.shape, row, 0), 0)
    row.add_object_instance(second)


def coordinates(shape: Shape, row: LabelRowV2, frame: int) -> Coordinates:
    solid = row.data_type in (DataType.DICOM, DataType.NIFTI)
    match shape:
        case Shape.BOUNDING_BOX:
            return BoundingBoxCoordinates(fraction(), fraction(), fraction(), fraction())
        case Shape.ROTATABLE_BOUNDING_BOX:
            return RotatableBoundingBoxCoordinates(fraction(), fraction(), fraction(), fraction(), 360 * fraction())
        case Shape.POLYGON:
            return PolygonCoordinates(polygons=[[ring(), ring()], [ring()]])
        case Shape.POLYLINE if solid:
            return PolylineCoordinates([PointCoordinate3D(fraction(), fraction(), 100 * fraction()) for _ in range(12)])
        case Shape.POLYLINE:
            return PolylineCoordinates(ring())
        case Shape.POINT if solid:
            return PointCoordinate3D(fraction(), fraction(), fraction())
        case Shape.POINT:
            return ring()[0]
        case Shape.SKELETON:
            joints = [("head", "stiHead0"), ("hip", "stiHip00"), ("foot", "stiFoot0")]
            seen = [Visibility.VISIBLE, Visibility.SELF_OCCLUDED, Visibility.INVISIBLE]
            return SkeletonCoordinates(
                name="Stick",
                values=[
                    SkeletonCoordinate(
                        x=fraction(),
                        y=fraction(),
                        name=name,
                        color="#00000",
                        feature_hash=feature_hash,
                        value=name,
                        visibility=visibility,
                    )
                    for (name, feature_hash), visibility in zip(joints, seen, strict=True)
                ],
            )
        case Shape.BITMASK:
            # The parts of the data group that have a size have this one.
            width, height = (64, 48) if row.data_type == DataType.GROUP else size_of(row, frame)
            pixels = [[fraction() < 0.5 for _ in range(width)] for _ in range(height)]
            return BitmaskCoordinates(numpy.array(pixels))
        case Shape.CUBOID_2D if fraction() < 0.5:
            return Cuboid2DIsometricCoordinates(front=ring(), offset=ring()[0])
        case Shape.CUBOID_2D:
            return Cuboid2DPerspectiveCoordinates(front=ring(), vanishing_point=ring()[0], scale_ratio=fraction())
        case Shape.CIRCLE:
            return CircleCoordinates(fraction(), fraction(), fraction(), fraction(), 90 * fraction())
        case Shape.ELLIPSE:
            return EllipseCoordinates(fraction(), fraction(), fraction(), fraction(), 90 * fraction())
        case Shape.CUBOID:
            triples = [(100 * fraction(), -fraction(), fraction()) for _ in range(3)]
            return CuboidCoordinates(*triples)
    raise TypeError(f"no coordinates for {shape}")


def size_of(row: LabelRowV2, frame: int) -> tuple[int, int]:
    view = row.get_frame_view(frame)
    return view.width, view.height


def ring() -> list[PointCoordinate]:
    return [PointCoordinate(fraction(), fraction()) for _ in range(4)]


def fraction() -> float:
    return NUMBERS.random()


def answer(instance: ObjectInstance, feature: Object, frames: list[int]) -> None:
    """Nested and plain, given and left open; over the frames, where that differs from frame to frame."""
    if feature.title != "Box":
        return
    answer_nested(instance, feature)
    visible = attribute(feature, "Visible")
    instance.set_answer(visible.options[0], visible, frames=frames[0])
    instance.set_answer(visible.options[1], visible, frames=frames[1:])
    doing = attribute(feature, "Doing")
    instance.set_answer(doing.options[:2], doing, frames=frames[0])
    if len(frames) > 1:
        instance.set_answer(doing.options[1:], doing, frames=frames[1:])
    speed = attribute(feature, "Speed")
    instance.set_answer(3.25, speed, frames=frames[0])
    instance.set_answer(f"frame {frames[-1]}", attribute(feature, "Says"), frames=frames[-1])


def answer_nested(instance: ObjectInstance, feature: Object) -> None:
    colour = attribute(feature, "Colour")
    instance.set_answer(colour.options[0], colour)
    shade, marks, finish_ = colour.options[0].attributes
    instance.set_answer("dark \"wine\"\n… Ω 酒", shade)
    instance.set_answer(marks.options, marks, manual_annotation=False)
    instance.set_answer(finish_.options[0], finish_)
    instance.set_answer(0.1 + 0.2, finish_.options[0].attributes[0])
    tags = attribute(feature, "Tags")
    instance.set_answer([tags.options[0], tags.options[2]], tags)
    instance.set_answer(12, attribute(feature, "Count"), manual_annotation=False)


def mark(row: LabelRowV2, structure: OntologyStructure, title: str, where: Coordinates) -> None:
    """A range of sound or text. Answers of the second kind stay open every other time."""
    feature = feature_of(structure, title)
    instance = feature.create_instance()
    instance.set_for_frames(where, manual_annotation=len(row.get_object_instances()) % 2 == 0)
    answer_range(instance, feature)
    row.add_object_instance(instance)


def answer_range(instance: ObjectInstance, feature: Object) -> None:
    if feature.title == "Voice":
        speaker = attribute(feature, "Speaker")
        instance.set_answer(speaker.options[0], speaker)
        instance.set_answer("Ada", speaker.options[0].attributes[0])
        instance.set_answer(-17.5, attribute(feature, "Loudness"))
    else:
        kind = attribute(feature, "Kind")
        instance.set_answer(kind.options[1:], kind)


def html_ranges() -> list[HtmlRange]:
    def node(xpath: str, offset: int) -> HtmlNode:
        return HtmlNode(xpath=xpath, offset=offset)

    return [
        HtmlRange(start=node("/html[1]/body[1]/h1[1]/text()[1]", 0), end=node("/html[1]/body[1]/h1[1]/text()[1]", 5)),
        HtmlRange(start=node("/html[1]/body[1]/p[1]/text()[1]", 5), end=node("/html[1]/body[1]/p[1]/text()[1]", 9)),
    ]


def classify_all(row: LabelRowV2, structure: OntologyStructure) -> None:
    """One of each; the first a second time on the last frame, where there are frames."""
    if row.data_type.value == "group":
        return
    framed = row.data_type.value not in ("audio", "plain_text")
    last = row.number_of_frames - 1
    for index, feature in enumerate(structure.classifications):
        instance = answered(feature, index % 2, range_only=not framed)
        if not instance.is_global():
            if framed:
                frames = [Range(0, max(last - 1, 0))]
            else:
                frames = [Range(0, 0)]
            instance.set_for_frames(frames, confidence=fraction(), manual_annotation=index % 2 == 0)
        else:
            instance.confidence = fraction()
        row.add_classification_instance(instance)
    if framed and last > 0:
        second = answered(structure.classifications[0], 1)
        second.set_for_frames(last)
        row.add_classification_instance(second)


def answered(feature: Classification, way: int, range_only: bool = False) -> ClassificationInstance:
    root = feature.attributes[0]
    instance = feature.create_instance(range_only=range_only)
    match root.title:
        case "Weather" if way == 0:
            wet = root.options[1]
            how, remark = wet.attributes
            instance.set_answer(wet)
            instance.set_answer(how.options[1], how)
            instance.set_answer(1e-7, how.options[1].attributes[0])
            instance.set_answer("puddles", remark)
        case "Weather":
            instance.set_answer(root.options[0])
        case "Seen":
            instance.set_answer(root.options[1:], root)
        case "Told":
            instance.set_answer("It was told…", root)
        case "Whole":
            instance.set_answer(root.options[way], root)
        case _:
            instance.set_answer(1234.5678901234567, root)
    return instance


def label_spaces(row: LabelRowV2, structure: OntologyStructure) -> None:
    """Objects and classifications in the parts of a data group, one classification in several."""
    classifications = {each.title: each for each in structure.classifications}
    film = row.get_space(layout_key="film", type_="video")
    picture = row.get_space(layout_key="picture", type_="image")
    document = row.get_space(layout_key="document", type_="pdf")
    for feature in structure.objects:
        if feature.shape in (Shape.AUDIO, Shape.TEXT, Shape.TIME_RANGE, Shape.SEGMENTATION):
            continue
        # The SDK writes these into spaces, but does not read them there.
        if feature.shape == Shape.CUBOID:
            continue
        instance = feature.create_instance()
        for frame in (0, 4, 9):
            where = coordinates(feature.shape, row, frame)
            film.put_object_instance(instance, frame, where, confidence=fraction(), manual_annotation=False)
        answer(instance, feature, [0, 4, 9])
        still = feature.create_instance()
        picture.put_object_instance(still, coordinates(feature.shape, row, 0), confidence=fraction())
    box = feature_of(structure, "Box")
    page = box.create_instance()
    document.put_object_instance(page, [1, 2], coordinates(box.shape, row, 1), confidence=0.25)

    # In two parts at once.
    both = box.create_instance()
    answer_nested(both, box)
    film.put_object_instance(both, [2, 3], coordinates(box.shape, row, 2), confidence=0.125)
    picture.put_object_instance(both, coordinates(box.shape, row, 0), manual_annotation=False)
    volume = row.get_space(layout_key="volume", type_="medical")
    for feature in (box, feature_of(structure, "Line")):
        instance = feature.create_instance()
        volume.put_object_instance(instance, 0, coordinates(feature.shape, row, 0), confidence=fraction())

    voice, words = feature_of(structure, "Voice"), feature_of(structure, "Words")
    spoken = voice.create_instance()
    answer_range(spoken, voice)
    sound = row.get_space(layout_key="sound", type_="audio")
    sound.put_object_instance(spoken, [Range(0, 100), Range(200, 300)])
    written = words.create_instance()
    answer_range(written, words)
    notes = row.get_space(layout_key="notes", type_="text")
    notes.put_object_instance(written, Range(0, 3), manual_annotation=False)
    page_text = words.create_instance()
    html = row.get_space(layout_key="page", type_="html")
    html.put_object_instance(page_text, html_ranges())

    weather = answered(classifications["Weather"], 0)
    film.put_classification_instance(weather, frames=[Range(0, 3), Range(6, 9)], confidence=0.5)
    whole = answered(classifications["Whole"], 0)
    film.put_classification_instance(whole, manual_annotation=False)
    for space in (picture, html):
        space.put_classification_instance(answered(classifications["Seen"], 0), confidence=fraction())
    heard = answered(classifications["Seen"], 0)
    for space in (sound, notes):
        space.put_classification_instance(heard, confidence=0.5, manual_annotation=False)
    document.put_classification_instance(answered(classifications["Told"], 0), pages=2)


def feature_of(structure: OntologyStructure, title: str) -> Object:
    return structure.get_child_by_title(title, type_=Object)


def attribute(feature: Object, title: str) -> Attribute:
    return next(each for each in feature.attributes if each.title == title)


if __name__ == "__main__":
    sys.exit(main())
