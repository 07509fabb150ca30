"""Writes answers.json: what Encord's Python SDK (encord 0.1.211) makes of a row when it is answered step by step.

    python answers.py > answers.json

The SDK keeps the answers behind an option that is not chosen any more; they are deleted here, as its author would have
to. Whether a person gave an answer cannot be told to it everywhere, so the test does not compare that, nor the times.
"""

import json
import sys
from types import SimpleNamespace

from encord.objects import LabelRowV2, OntologyStructure
from encord.objects.classification_instance import ClassificationInstance
from encord.objects.frames import Range
from encord.orm.label_row import LabelRowMetadata, LabelStatus

NOW = "Wed, 15 Jan 2025 09:30:00 UTC"


def attribute(number, feature_hash, name, kind, options=(), **more):
    options = [
        {"id": f"{number}.{place}", "label": label, "value": label.lower(), "featureNodeHash": option, "archived": False,
         "options": nested}
        for place, (option, label, nested) in enumerate(options, 1)
    ]
    return {"id": number, "name": name, "type": kind, "featureNodeHash": feature_hash, "required": False,
            "archived": False, "dynamic": False, "options": options} | more


EDITOR = {
    "objects": [
        {"id": "1", "name": "Car", "color": "#D33115", "shape": "bounding_box", "featureNodeHash": "objCar01",
         "required": False, "archived": False, "attributes": [
             attribute("1.1", "atColour", "Colour", "radio", [
                 ("opRed001", "Red", [
                     attribute("1.1.1.1", "atShade1", "Shade", "text"),
                     attribute("1.1.1.2", "atFinish", "Finish", "radio", [
                         ("opMatt01", "Matt", [attribute("1.1.1.2.1.1", "atDepth1", "Depth", "numeric")]),
                         ("opGloss1", "Gloss", []),
                     ]),
                 ]),
                 ("opBlue01", "Blue", [
                     attribute("1.1.2.1", "atTone01", "Tone", "checklist", [
                         ("opLight1", "Light", []), ("opDark01", "Dark", []),
                     ]),
                 ]),
             ]),
             attribute("1.2", "atVisib1", "Visible", "radio", [
                 ("opYes001", "Yes", []), ("opNo0001", "No", []),
             ], dynamic=True),
             attribute("1.3", "atParts1", "Parts of it", "checklist", [
                 ("opDoor01", "Door", []), ("opRoof01", "Roof", []), ("opWheel1", "Wheel", []),
             ]),
             attribute("1.4", "atLamps1", "Lamps", "checklist", [
                 ("opFront1", "Front", []), ("opRear01", "Rear", []),
             ], dynamic=True),
             attribute("1.5", "atNote01", "Note", "text"),
             attribute("1.6", "atSpeed1", "Speed", "numeric", dynamic=True),
             attribute("1.7", "atCount1", "Count", "numeric"),
             attribute("1.8", "atPlate1", "Plate", "text", dynamic=True),
         ]},
        {"id": "2", "name": "Speech", "color": "#E27300", "shape": "audio", "featureNodeHash": "objAud01",
         "required": False, "archived": False, "attributes": [attribute("2.1", "atWho001", "Speaker", "text")]},
    ],
    "classifications": [
        {"id": "1", "featureNodeHash": "clsSky01", "attributes": [
            attribute("1.1", "atSky001", "Sky", "radio", [
                ("opSun001", "Sun", []),
                ("opRain01", "Rain", [
                    attribute("1.1.2.1", "atMuch01", "How much", "radio", [
                        ("opLittle", "Little", []),
                        ("opLots01", "Lots", [attribute("1.1.2.1.2.1", "atLitre1", "Litres", "numeric")]),
                    ]),
                    attribute("1.1.2.2", "atFx0001", "Effects", "checklist", [
                        ("opWet001", "Wet", []), ("opFog001", "Fog", []),
                    ]),
                ]),
            ]),
        ]},
        {"id": "2", "featureNodeHash": "clsQual1", "level": "global", "attributes": [
            attribute("2.1", "atQual01", "Quality", "radio", [
                ("opGood01", "Good", [attribute("2.1.1.1", "atWhy001", "Why", "text")]), ("opBad001", "Bad", []),
            ]),
        ]},
    ],
}

STRUCTURE = OntologyStructure.from_dict(EDITOR)


def row(data_type, spaces=None, frames=10):
    """A row without labels but a car on the frames 0 to 4 and 6 of itself, or of the space `video`."""
    car = {"name": "Car", "color": "#D33115", "shape": "bounding_box", "value": "car", "createdAt": NOW,
           "createdBy": None, "confidence": 1.0, "objectHash": "Car00001", "featureHash": "objCar01",
           "manualAnnotation": False, "lastEditedAt": NOW, "boundingBox": {"h": 0.5, "w": 0.25, "x": 0.1, "y": 0.2}}
    drawn = {str(frame): {"objects": [car], "classifications": []} for frame in (0, 1, 2, 3, 4, 6)}
    unit = {"data_hash": "unit", "data_title": "it", "data_link": "link", "data_type": "video/mp4", "data_sequence": 0,
            "width": 640, "height": 480, "data_fps": 25.0, "data_duration": frames / 25.0}
    in_space = spaces is not None and "video" in spaces
    unit["labels"] = drawn if data_type == "video" else {"objects": [], "classifications": []}
    if in_space:
        spaces["video"]["labels"] = drawn
    has_car = in_space or data_type == "video"
    return {
        "label_hash": "dabe7d6e-0000-4000-8000-000000000000", "branch_name": "main", "created_at": NOW,
        "last_edited_at": NOW, "data_hash": "unit", "dataset_hash": "set", "dataset_title": "Set", "data_title": "it",
        "data_type": data_type, "annotation_task_status": "QUEUED", "is_shadow_data": False,
        "object_answers": {"Car00001": {"classifications": [], "objectHash": "Car00001"}} if has_car else {},
        "classification_answers": {}, "object_actions": {}, "label_status": "LABEL_IN_PROGRESS",
        "data_units": {"unit": unit}, "spaces": spaces or {},
    }


def spaces(*kinds):
    def child(kind):
        return {"space_type": kind, "child_info": {"layout_key": kind, "file_name": kind, "data_link": None}}

    size = {"width": 640, "height": 480}
    blob = {"objects": [], "classifications": []}
    known = {
        "video": child("video") | size | {"number_of_frames": 10, "data_duration": 0.4, "data_fps": 25.0, "labels": {}},
        "image": child("image") | size | {"labels": blob},
        "pdf": child("pdf") | {"number_of_pages": 3, "labels": {}},
        "audio": child("audio") | {"duration_ms": 1000, "labels": {}},
        "text": child("text") | {"labels": {}},
        "html": child("html") | {"labels": {}},
        "root": {"space_type": "image", "root_info": {"file_name": "root"}, "labels": blob} | size,
    }
    return {kind: known[kind] for kind in kinds}


def answer(attribute, value, frames=None, of="Car00001"):
    return {"do": "answer", "of": of, "attribute": attribute, "value": value, "frames": frames}


def clear(attribute, frames=None, of="Car00001"):
    return {"do": "clear", "of": of, "attribute": attribute, "frames": frames}


def add(key, feature, answers, frames=None, space=None):
    return {"do": "add", "key": key, "feature": feature, "answers": answers, "frames": frames, "space": space}


def place(key, frames=None, space=None):
    return {"do": "place", "of": key, "frames": frames, "space": space}


def take(key, frames=None, space=None):
    return {"do": "take", "of": key, "frames": frames, "space": space}


RAIN = [["atSky001", ["opRain01"]], ["atFx0001", ["opFog001", "opWet001"]], ["atMuch01", ["opLots01"]],
        ["atLitre1", 12.5]]
SUN = [["atSky001", ["opSun001"]]]
GOOD = [["atQual01", ["opGood01"]], ["atWhy001", "sharp"]]

CASES = {
    "static": (row("video"), [
        answer("atNote01", "dented"), answer("atColour", ["opRed001"]), answer("atCount1", 2.5),
        answer("atShade1", "dark"), answer("atFinish", ["opMatt01"]), answer("atDepth1", 0.25),
        answer("atParts1", ["opWheel1", "opDoor01"]),
    ]),
    "another option": (row("video"), [
        answer("atColour", ["opRed001"]), answer("atFinish", ["opMatt01"]), answer("atDepth1", 1.5),
        answer("atNote01", "x"), answer("atColour", ["opBlue01"]), answer("atTone01", ["opDark01"]),
        answer("atParts1", []),
    ]),
    "the same option and cleared ones": (row("video"), [
        answer("atColour", ["opRed001"]), answer("atShade1", "dark"), answer("atFinish", ["opMatt01"]),
        answer("atDepth1", 1.5), answer("atColour", ["opRed001"]), clear("atFinish"), answer("atNote01", ""),
        clear("atParts1"),
    ]),
    "dynamic": (row("video"), [
        answer("atVisib1", ["opYes001"]), answer("atVisib1", ["opNo0001"], [[1, 2]]),
        answer("atSpeed1", 1.5, [[0, 1], [3, 3]]), answer("atSpeed1", 2.5, [[2, 3]]), answer("atPlate1", "AB", [[6, 6]]),
        answer("atLamps1", ["opRear01", "opFront1"], [[0, 4]]), answer("atLamps1", ["opFront1"], [[2, 3]]),
        answer("atVisib1", ["opYes001"], [[2, 2]]), clear("atSpeed1", [[0, 0]]), clear("atPlate1"),
        answer("atLamps1", ["opFront1"], [[4, 4]]),
    ]),
    "dynamic, one after the other gone": (row("video"), [
        answer("atVisib1", ["opYes001"], [[0, 0]]), answer("atPlate1", "A", [[0, 1]]), answer("atPlate1", "B", [[2, 3]]),
        answer("atPlate1", "C", [[0, 3]]), answer("atVisib1", ["opNo0001"], [[0, 0]]), answer("atPlate1", "A", [[1, 1]]),
        answer("atVisib1", ["opYes001"], [[6, 6]]),
    ]),
    "dynamic in a space": (row("group", spaces("video")), [
        answer("atNote01", "static"), answer("atColour", ["opRed001"]), answer("atShade1", "dark"),
        answer("atVisib1", ["opYes001"], [[0, 4]]), answer("atSpeed1", 1.5, [[0, 1]]),
        answer("atVisib1", ["opNo0001"], [[3, 3]]), clear("atSpeed1", [[0, 0]]),
    ]),
    "classifications": (row("video"), [
        add("CLS00001", "clsSky01", RAIN, [[0, 2], [5, 5]]), add("CLS00002", "clsSky01", SUN, [[3, 4]]),
        add("CLS00003", "clsQual1", GOOD), place("CLS00001", [[6, 7]]), take("CLS00001", [[1, 1]]),
        answer("atSky001", ["opRain01"], of="CLS00002"), answer("atMuch01", ["opLittle"], of="CLS00002"),
        answer("atMuch01", ["opLittle"], of="CLS00001"), clear("atFx0001", of="CLS00001"),
        clear("atWhy001", of="CLS00003"),
    ]),
    "removed classifications": (row("video"), [
        add("CLS00001", "clsSky01", RAIN, [[0, 2]]), add("CLS00002", "clsSky01", SUN, [[3, 4]]),
        add("CLS00003", "clsQual1", GOOD), {"do": "remove", "of": "CLS00001"}, {"do": "remove", "of": "CLS00003"},
        add("CLS00004", "clsSky01", SUN, [[1, 1]]),
    ]),
    **{
        f"{kind}, a classification in it": (row("group", spaces(kind)), [
            add("CLS00001", "clsSky01", RAIN, frames, kind), add("CLS00002", "clsQual1", GOOD, None, kind),
            answer("atMuch01", ["opLittle"], of="CLS00001"), answer("atFx0001", ["opWet001"], of="CLS00001"),
        ])
        for kind, frames in
        [("video", [[0, 1], [9, 9]]), ("pdf", [[2, 2]]), ("image", None), ("audio", None), ("text", None), ("html", None)]
    },
    "frames of a space": (row("group", spaces("video")), [
        add("CLS00001", "clsSky01", SUN, [[0, 4]], "video"), place("CLS00001", [[7, 8]], "video"),
        take("CLS00001", [[1, 2]], "video"), add("CLS00002", "clsSky01", RAIN, [[1, 1]], "video"),
    ]),
    "several spaces": (row("group", spaces("video", "image")), [
        add("CLS00001", "clsSky01", RAIN, [[0, 4]], "video"), place("CLS00001", None, "image"),
    ]),
    "out of one space": (row("group", spaces("image", "pdf")), [
        add("CLS00001", "clsSky01", SUN, None, "image"), place("CLS00001", [[1, 1]], "pdf"),
        take("CLS00001", None, "image"),
    ]),
    "the root layer": (row("image", spaces("root", "image")), [
        add("CLS00001", "clsSky01", RAIN, None, "root"), place("CLS00001", None, "image"),
        add("CLS00002", "clsQual1", GOOD, None, "root"),
    ]),
}


def opened(document):
    metadata = LabelRowMetadata(
        label_hash=document["label_hash"], created_at=None, last_edited_at=None, branch_name="main", data_hash="unit",
        dataset_hash="set", dataset_title="Set", data_title="it", data_type=document["data_type"].upper(),
        data_link=None, label_status=LabelStatus.LABEL_IN_PROGRESS, annotation_task_status=None,
        workflow_graph_node=None, is_shadow_data=False, frames_per_second=25.0, number_of_frames=10, duration=0.4,
        height=480, width=640, audio_sample_rate=None, audio_codec=None, audio_bit_depth=None, audio_num_channels=None,
        spaces=document["spaces"],
    )
    label_row = LabelRowV2(metadata, None, SimpleNamespace(structure=STRUCTURE))
    label_row.from_labels_dict(json.loads(json.dumps(document)))
    return label_row


def ranges(frames):
    return [Range(start, end) for start, end in frames]


def numbers(frames):
    return [frame for start, end in frames for frame in range(start, end + 1)]


def find(attributes, feature_hash):
    for each in attributes:
        if each.feature_node_hash == feature_hash:
            return each
        for option in each.options:
            if found := find(option.attributes, feature_hash):
                return found
    return None


def forget_behind(instance, attribute, chosen=None):
    for option in attribute.options:
        for nested in option.attributes if option is not chosen else []:
            instance.delete_answer(nested)
            forget_behind(instance, nested)


class Steps:
    def __init__(self, document):
        self.row = opened(document)
        self.instances = {}
        for holder in [self.row, *self.row.get_spaces()]:
            for instance in holder.get_object_instances():
                self.instances[instance.object_hash] = instance

    def space(self, space_id):
        return next(space for space in self.row.get_spaces() if space.space_id == space_id)

    def answer(self, of, attribute, value, frames):
        instance = self.instances[of]
        asked = find(instance.ontology_item.attributes, attribute)
        chosen = None
        if isinstance(value, list):
            options = [option for option in asked.options if option.feature_node_hash in value]
            chosen = options[0] if asked.get_property_type().value == "radio" else None
            value = chosen or options
        if asked.dynamic and instance._is_assigned_to_space():
            self.space("video").set_dynamic_answer(instance, ranges(frames), value, asked)
        elif asked.dynamic:
            instance.set_answer(value, asked, frames=ranges(frames) if frames else None)
        else:
            instance.set_answer(value, asked, overwrite=True)
            if chosen:
                forget_behind(instance, asked, chosen)

    def clear(self, of, attribute, frames):
        instance = self.instances[of]
        asked = find(instance.ontology_item.attributes, attribute)
        if not frames:
            instance.delete_answer(asked)
            forget_behind(instance, asked)
        for frame in numbers(frames or []):
            if instance._is_assigned_to_space():
                self.space("video").remove_dynamic_answer(instance, asked, frame)
            else:
                instance.delete_answer(asked, filter_frame=frame)

    def add(self, key, feature, answers, frames, space):
        feature = next(each for each in STRUCTURE.classifications if each.feature_node_hash == feature)
        self.instances[key] = ClassificationInstance(feature, classification_hash=key)
        for attribute, value in sorted(answers, key=lambda given: given[0] not in ("atSky001", "atQual01", "atMuch01")):
            self.answer(key, attribute, value, None)
        if space is None and not feature.is_global:
            self.instances[key].set_for_frames(ranges(frames))
        if space is None:
            self.row.add_classification_instance(self.instances[key])
        else:
            self.place(key, frames, space)

    def place(self, of, frames, space):
        if space is None:
            self.instances[of].set_for_frames(ranges(frames))
        elif frames is None:
            self.space(space).put_classification_instance(self.instances[of])
        else:
            self.space(space).put_classification_instance(self.instances[of], ranges(frames))

    def take(self, of, frames, space):
        if space is None:
            self.instances[of].remove_from_frames(ranges(frames))
        elif frames is None:
            self.space(space).remove_classification_instance(of)
        else:
            self.space(space).remove_classification_instance(of, ranges(frames))

    def remove(self, of):
        self.row.remove_classification(self.instances[of])


def main():
    cases = []
    for name, (document, steps) in CASES.items():
        taken = Steps(document)
        for step in steps:
            getattr(taken, step["do"])(**{key: value for key, value in step.items() if key != "do"})
        written = taken.row.to_encord_dict()
        sections = ("object_answers", "object_actions", "classification_answers")
        cases.append({"name": name, "row": document, "steps": steps,
                      "written": {section: written[section] for section in sections}})
    cases = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f'{{"editor": {json.dumps(EDITOR)}, "cases": [\n{cases}\n]}}\n')


main()
