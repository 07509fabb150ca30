"""What the SDK needs to do what `tests/bench/labels.rs` does, on the same documents.

    python bench_labels.py <folder> <boxes> <rounds>

Prints the medians, in seconds: `edit`, reading every box of a row and adding so many, and `open`, from the text of a
large row to all of its objects. The SDK's own classes alone are measured: no request is made.
"""

import gc
import json
import statistics
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from encord.objects import LabelRowV2, Object, OntologyStructure
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.ontology import Ontology
from encord.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, LabelStatus
from encord.orm.ontology import Ontology as OntologyRecord


def main() -> None:
    folder, boxes, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    structure = OntologyStructure.from_dict(json.loads((folder / "ontology.json").read_text()))
    now = datetime.now(timezone.utc)
    ontology = Ontology(
        OntologyRecord(title="Test", structure=structure, ontology_hash="", created_at=now, last_edited_at=now),
        None,
    )
    feature = structure.get_child_by_title("Box", type_=Object)
    few, many = (folder / "few.json").read_text(), (folder / "many.json").read_text()
    edit, opened = [], []
    for _ in range(rounds):
        row = empty_row(json.loads(few), ontology)
        row.from_labels_dict(json.loads(few))
        gc.collect()
        started = time.perf_counter()
        read_and_add(row, feature, boxes)
        edit.append(time.perf_counter() - started)

        row = empty_row(json.loads(few), ontology)
        gc.collect()
        started = time.perf_counter()
        row.from_labels_dict(json.loads(many))
        assert len(row.get_object_instances()) == 10_000
        opened.append(time.perf_counter() - started)
    print(json.dumps({"edit": statistics.median(edit), "open": statistics.median(opened)}))


def read_and_add(row: LabelRowV2, feature: Object, boxes: int) -> None:
    area = 0.0
    for instance in row.get_object_instances():
        drawn = instance.get_annotation(0).coordinates
        area += drawn.width * drawn.height
    assert area > 0
    for number in range(boxes):
        at = number / 200
        instance = feature.create_instance()
        instance.set_for_frames(
            BoundingBoxCoordinates(height=0.25, width=0.25, top_left_x=at, top_left_y=at),
            frames=0,
            manual_annotation=False,
        )
        row.add_object_instance(instance)


def empty_row(document: dict, ontology: Ontology) -> LabelRowV2:
    metadata = LabelRowMetadata(
        label_hash=document["label_hash"],
        created_at=None,
        last_edited_at=None,
        data_hash=document["data_hash"],
        dataset_hash=document["dataset_hash"],
        dataset_title=document["dataset_title"],
        data_title=document["data_title"],
        data_type="IMAGE",
        data_link=None,
        label_status=LabelStatus.LABEL_IN_PROGRESS,
        annotation_task_status=AnnotationTaskStatus.QUEUED,
        workflow_graph_node=None,
        is_shadow_data=False,
        number_of_frames=1,
        duration=None,
        frames_per_second=None,
        height=480,
        width=640,
        branch_name="main",
        audio_sample_rate=None,
        audio_codec=None,
        audio_bit_depth=None,
        audio_num_channels=None,
        spaces={},
    )
    return LabelRowV2(metadata, None, ontology)


if __name__ == "__main__":
    main()
