"""Writes `saved_again.json` beside this file: label rows with what the web editor and older writers leave in them, and
what Encord's Python SDK makes of each when it reads and saves it without an edit.

Run it with a Python that has `encord` (it was made with 0.1.211). No service is needed.
"""

import copy
import datetime
import json
import pathlib

from encord.objects import LabelRowV2, OntologyStructure
from encord.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, LabelStatus

HERE = pathlib.Path(__file__).parent
MOMENT = datetime.datetime(2025, 1, 15, 9, 30, tzinfo=datetime.timezone.utc)
FRAMES = {
    "audio": 1, "dicom": 12, "group": 1, "html": 1, "image": 1, "img_group": 3, "img_sequence": 3, "media": 1,
    "nifti": 12, "pdf": 2, "scene": 5, "shared_layers": 1, "text": 1, "video": 30,
}


class Ontology:
    """As much of an ontology as a row asks for."""

    structure = OntologyStructure.from_dict(json.loads((HERE / "ontology.json").read_text())["editor"])


def saved(document, frames):
    """What the SDK would save of a row that it has read."""
    units = list(document["data_units"].values())
    metadata = LabelRowMetadata(
        label_hash=document["label_hash"], created_at=MOMENT, last_edited_at=MOMENT, branch_name="main",
        data_hash=document["data_hash"], dataset_hash=document["dataset_hash"], dataset_title=document["dataset_title"],
        data_title=document["data_title"], data_type=document["data_type"].upper(), data_link=None,
        label_status=LabelStatus.LABEL_IN_PROGRESS, annotation_task_status=AnnotationTaskStatus.QUEUED,
        workflow_graph_node=None, is_shadow_data=False, frames_per_second=units[0].get("data_fps"),
        number_of_frames=frames, duration=units[0].get("data_duration"), height=units[0].get("height"),
        width=units[0].get("width"), audio_sample_rate=None, audio_codec=None, audio_bit_depth=None,
        audio_num_channels=None, spaces=copy.deepcopy(document.get("spaces") or {}),
    )
    row = LabelRowV2(metadata, None, Ontology())
    row.from_labels_dict(copy.deepcopy(document))
    return json.loads(json.dumps(row.to_encord_dict()))


def as_edited(document):
    """The row as the web editor or an older writer would have left it."""
    for section in ("data_units", "spaces"):
        for unit in (document.get(section) or {}).values():
            if section == "spaces" and not {"child_info", "root_info", "scene_info"} & set(unit):
                unit["child_info"] = {"layout_key": None, "file_name": "file", "data_link": None}
            labels = unit.get("labels") or {}
            for blob in [labels, *(blob for blob in labels.values() if isinstance(blob, dict))]:
                for drawn in blob.get("objects", []):
                    drawn_by_editor(drawn)
            if document["data_type"] == "dicom":
                for key, blob in labels.items():
                    blob["metadata"] = {"dicomInstanceUid": f"1.2.{key}", "multiframeFrameNumber": None,
                                        "fileUri": f"{key}.dcm", "width": 512, "height": 256}
    for entry in document["object_answers"].values():
        entry["objectNumber"] = 3
        split(entry)
    for entry in document["classification_answers"].values():
        entry["reviews"] = []
        # Of a checklist in a classification the SDK reads one entry only: it would change the answer.
        split(entry, checklists=False)
    for entry in document["object_actions"].values():
        entry["actions"].reverse()
        entry["actions"] = [
            {**action, "range": [[frame, frame]]}
            for action in entry["actions"]
            for first, last in action["range"]
            for frame in range(first, last + 1)
        ]
    return document


def drawn_by_editor(drawn):
    drawn.update({"objectNumber": 3, "reviews": [], "trackHash": "track", "lastEditedBy": "bob@example.com"})
    if drawn.get("confidence") == 1.0:
        drawn["confidence"] = 1
    if "polygons" in drawn and len(drawn["polygons"]) == 1 and len(drawn["polygons"][0]) == 1:
        del drawn["polygons"]
    if "skeleton" in drawn:
        for point in drawn["skeleton"].values():
            point[point.pop("visibility", "visible")] = True
    for key in ("circle", "ellipse"):
        if key in drawn:
            for name, default in (("stretch", 1), ("theta", 0)):
                if drawn[key].get(name) == default:
                    del drawn[key][name]


def split(entry, checklists=True):
    """An entry for each option that is ticked, and a range for each frame."""
    answers = []
    for answer in reversed(entry.get("classifications", [])):
        chosen = answer["answers"]
        if checklists and isinstance(chosen, list):
            answers += [{**answer, "answers": [option]} for option in chosen]
        else:
            answers.append(answer)
    entry["classifications"] = answers
    if entry.get("range") and entry["range"][-1][1] < 100:
        entry["range"] = [[frame, frame] for first, last in entry["range"] for frame in range(first, last + 1)]


rows = {}
for name, frames in FRAMES.items():
    read = as_edited(json.loads((HERE / f"{name}.json").read_text()))
    rows[name] = {"read": read, "saved": saved(read, frames)}
    print(name, len(read["object_answers"]), len(rows[name]["saved"]["object_answers"]))
(HERE / "saved_again.json").write_text(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n")
