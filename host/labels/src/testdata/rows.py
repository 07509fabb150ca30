"""Writes `dicom.json`, `nifti.json`, `shared_layers.json` and `media.json` beside this file: label rows as Encord's
Python SDK writes them.

Run it with a Python that has `encord` (they were made with 0.1.211). No service is needed: a row is given to the SDK
without labels, gets some, and is asked for what it would save.
"""

import datetime
import json
import pathlib

from encord.constants.enums import SpaceType
from encord.objects import Classification, ClassificationInstance, LabelRowV2, Object, ObjectInstance, OntologyStructure
from encord.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
)
from encord.objects.frames import Range
from encord.objects.html_node import HtmlNode, HtmlRange
from encord.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, LabelStatus

HERE = pathlib.Path(__file__).parent
MOMENT = datetime.datetime(2025, 1, 15, 9, 30, tzinfo=datetime.timezone.utc)
BY = {"created_at": MOMENT, "created_by": "ann@example.com", "last_edited_at": MOMENT, "last_edited_by": "bob@example.com"}
DATA, LABELS, DATASET = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2, 3))

captured = json.loads((HERE / "ontology.json").read_text())
STRUCTURE = OntologyStructure.from_dict(captured["editor"])


class Ontology:
    """As much of an ontology as a row asks for."""

    structure = STRUCTURE


def row(data_type, file_type, frames, labels=None, spaces=None, size=(0, 0), **more):
    """A row without labels: data of one unit."""
    width, height = size
    metadata = LabelRowMetadata(
        label_hash=LABELS, created_at=MOMENT, last_edited_at=MOMENT, branch_name="main", data_hash=DATA,
        dataset_hash=DATASET, dataset_title="Stub dataset", data_title=f"{data_type}_0", data_type=data_type.upper(),
        data_link=None, label_status=LabelStatus.LABEL_IN_PROGRESS, annotation_task_status=AnnotationTaskStatus.QUEUED,
        workflow_graph_node=None, is_shadow_data=False, frames_per_second=None, number_of_frames=frames, duration=None,
        height=height, width=width, audio_sample_rate=None, audio_codec=None, audio_bit_depth=None,
        audio_num_channels=None, spaces=spaces or {},
    )
    made = LabelRowV2(metadata, None, Ontology())
    unit = {"data_hash": DATA, "data_title": f"{data_type}_0", "data_link": "", "data_type": file_type,
            "data_sequence": 0, "width": width, "height": height, "labels": labels or {}}
    made.from_labels_dict({
        "label_hash": LABELS, "branch_name": "main", "created_at": "2025-01-15 09:30:00",
        "last_edited_at": "2025-01-15 09:30:00", "data_hash": DATA, "dataset_hash": DATASET,
        "dataset_title": "Stub dataset", "data_title": f"{data_type}_0", "data_type": data_type,
        "annotation_task_status": "QUEUED", "is_shadow_data": False, "object_answers": {}, "classification_answers": {},
        "object_actions": {}, "label_status": "LABEL_IN_PROGRESS", "data_units": {DATA: unit}, "spaces": spaces or {},
        **more,
    })
    return made


def thing(name, object_hash, number=None):
    kind = STRUCTURE.get_child_by_title(name, type_=Object)
    return ObjectInstance(kind, object_hash=object_hash, object_number=number)


def statement(title, classification_hash, answer):
    kind = STRUCTURE.get_child_by_title(title, type_=Classification)
    made = ClassificationInstance(kind, classification_hash=classification_hash)
    attribute = kind.attributes[0]
    options = {option.title: option for option in getattr(attribute, "options", [])}
    if isinstance(answer, list):
        made.set_answer([options[title] for title in answer])
    else:
        made.set_answer(options.get(answer, answer))
    return made


def box(x):
    return BoundingBoxCoordinates(height=0.25, width=0.125, top_left_x=x, top_left_y=0.5)


TRIANGLE = PolygonCoordinates(polygons=[[[PointCoordinate(0.0, 0.0), PointCoordinate(0.5, 0.0), PointCoordinate(0.5, 0.75)]]])


def medical(data_type, file_type):
    """Slices: an object on some, a classification on others."""
    made = row(data_type, file_type, 12, size=(512, 256))
    lesion = thing("Box", "medBox00", number=4)
    lesion.set_for_frames(box(0.25), frames=[3, 4, 7], confidence=0.5, manual_annotation=False, **BY)
    made.add_object_instance(lesion)
    visible = next(attribute for attribute in lesion.ontology_item.attributes if attribute.dynamic)
    lesion.set_answer(visible.options[0], attribute=visible, frames=[3, 4])
    outline = thing("Poly", "medPoly0")
    outline.set_for_frames(TRIANGLE, frames=[0], **BY)
    made.add_object_instance(outline)
    quality = statement("Weather", "medCls00", "Sunny")
    quality.set_for_frames(Range(2, 5), **BY)
    made.add_classification_instance(quality)
    everywhere = statement("Quality", "medGlob0", next(iter(STRUCTURE.get_child_by_title(
        "Quality", type_=Classification).attributes[0].options)).title)
    everywhere.set_for_frames(**BY)
    made.add_classification_instance(everywhere)
    return made


def shared_layers():
    """An image of two layers, which keeps everything in its spaces; an object is in both."""
    image = {"space_type": SpaceType.IMAGE, "width": 640, "height": 480, "labels": {}}
    spaces = {
        "root": {**image, "root_info": {"file_name": "base.png"}},
        "layer-1": {**image, "child_info": {"layout_key": "1", "file_name": "depth.png", "data_link": None}},
    }
    made = row("image", "image/png", 1, {"objects": [], "classifications": []}, spaces, (640, 480))
    car = thing("Box", "layBox00", number=1)
    made.get_space(id="root", type_="image").put_object_instance(car, box(0.125), confidence=0.75, **BY)
    made.get_space(id="layer-1", type_="image").put_object_instance(car, box(0.5), **BY)
    alone = thing("Poly", "layPoly0")
    made.get_space(id="layer-1", type_="image").put_object_instance(alone, TRIANGLE, **BY)
    weather = statement("Weather", "layCls00", "Rainy")
    made.get_space(id="root", type_="image").put_classification_instance(weather, **BY)
    return made


def media():
    """A data group with a space of every kind that a group can have."""
    def child(key, kind, name, **more):
        info = {"layout_key": key, "file_name": name, "data_link": None}
        return {"space_type": kind, "labels": {}, "child_info": info, **more}

    slices = [{"width": 256, "height": 128, "instance_uid": f"1.2.{number}", "file_name": f"{number}.dcm"} for number in range(3)]
    frames = [{"data_uuid": f"0000001{number}-0000-4000-8000-000000000000", "data_type": "image/png", "data_sequence": number,
               "data_link": "", "data_title": f"{number}.png"} for number in range(2)]
    spaces = {
        "s-video": child("video", SpaceType.VIDEO, "road.mp4", number_of_frames=20, width=320, height=240,
                         data_duration=2.0, data_fps=10.0),
        "s-image": child("image", SpaceType.IMAGE, "front.png", width=640, height=480),
        "s-sequence": child("sequence", SpaceType.IMAGE_SEQUENCE, "walk", number_of_frames=2, width=64, height=32, frames=frames),
        "s-audio": child("audio", SpaceType.AUDIO, "horn.wav", duration_ms=1500),
        "s-text": child("text", SpaceType.TEXT, "notes.txt"),
        "s-html": child("html", SpaceType.HTML, "page.html"),
        "s-pdf": child("pdf", SpaceType.PDF, "report.pdf", number_of_pages=3),
        "s-file": child("file", SpaceType.MEDICAL_FILE, "scan.nii", number_of_frames=4, width=256, height=128),
        "s-stack": child("stack", SpaceType.MEDICAL_STACK, "series", frames=slices),
        "s-series": child("series", SpaceType.TIME_SERIES, "pulse.csv"),
    }
    made = row("group", "application/octet-stream", 1, spaces=spaces)
    car = thing("Box", "grpBox00", number=7)
    made.get_space(id="s-video", type_="video").put_object_instance(car, [0, 1, 2, 9], box(0.25), confidence=0.5, **BY)
    made.get_space(id="s-image", type_="image").put_object_instance(car, box(0.5), **BY)
    car.set_answer(next(attribute for attribute in car.ontology_item.attributes if not attribute.dynamic).options[0])
    person = thing("Box", "grpBox01")
    made.get_space(id="s-sequence", type_="image_sequence").put_object_instance(person, [1], box(0.0), **BY)
    for space, kind, object_hash in (("s-file", "medical", "grpFile0"), ("s-stack", "medical", "grpStck0"), ("s-pdf", "pdf", "grpPdf00")):
        drawn = thing("Poly", object_hash)
        made.get_space(id=space, type_=kind).put_object_instance(drawn, [1, 2], TRIANGLE, **BY)
    horn = thing("Speech", "grpHorn0")
    made.get_space(id="s-audio", type_="audio").put_object_instance(horn, [Range(100, 400), Range(900, 901)], **BY)
    word = thing("Entity", "grpWord0", number=2)
    made.get_space(id="s-text", type_="text").put_object_instance(word, [Range(0, 4)], **BY)
    link = thing("Entity", "grpLink0")
    where = HtmlRange(start=HtmlNode(xpath="/html[1]/p[1]", offset=1), end=HtmlNode(xpath="/html[1]/p[2]", offset=3))
    made.get_space(id="s-html", type_="html").put_object_instance(link, [where], **BY)
    beat = thing("Span", "grpBeat0")
    made.get_space(id="s-series", type_="time_series").put_object_instance(beat, [Range(5, 10)], **BY)
    weather = statement("Weather", "grpCls00", "Sunny")
    made.get_space(id="s-video", type_="video").put_classification_instance(weather, frames=[Range(3, 8)], **BY)
    made.get_space(id="s-image", type_="image").put_classification_instance(weather, **BY)
    heard = statement("Caption", "grpCls01", "a horn")
    made.get_space(id="s-audio", type_="audio").put_classification_instance(heard, **BY)
    return made


for name, made in {
    "dicom": medical("dicom", "application/dicom"),
    "nifti": medical("nifti", "application/nifti"),
    "shared_layers": shared_layers(),
    "media": media(),
}.items():
    written = made.to_encord_dict()
    again = json.loads(json.dumps(written))
    made.from_labels_dict(again)
    assert json.loads(json.dumps(made.to_encord_dict())) == again, name
    # The service adds what the SDK does not write.
    for space, described in made._space_map.items():
        for key in ("child_info", "root_info", "scene_info"):
            if key in described._space_info and key not in again["spaces"][space]:
                again["spaces"][space][key] = described._space_info[key]
    (HERE / f"{name}.json").write_text(json.dumps(again, indent=1) + "\n")
    print(name, len(written["object_answers"]), "objects,", len(written["classification_answers"]), "classifications")
