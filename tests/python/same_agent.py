"""An agent that `tests/guests/src/sorting.rs` has as a plugin, line by line. It labels, sets priorities and sorts.

    python same_agent.py run <project-hash>
    python same_agent.py compare <project-hash> <project-hash>

The first runs it with `encord-agents`. The second compares the states of two projects over the same data.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import canonical
from checks import check, check_same, connect, finish, rows_of
from encord.objects import ClassificationInstance, LabelRowV2
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.objects.frames import Range
from encord.orm.storage import StorageItemType
from encord.storage import StorageItem
from encord_agents.tasks import Depends, Runner
from encord_agents.tasks.dependencies import dep_storage_item
from encord_agents.tasks.models import TaskAgentReturnStruct

Item = Annotated[StorageItem, Depends(dep_storage_item)]
DRAWN = (StorageItemType.IMAGE, StorageItemType.VIDEO, StorageItemType.IMAGE_SEQUENCE)


def run(project_hash: str) -> None:
    runner = Runner(project_hash=project_hash)
    runner.stage("Agent")(sort_out)
    runner.stage("Second")(count)
    runner()


def sort_out(row: LabelRowV2, item: Item) -> TaskAgentReturnStruct:
    """By the metadata of the file: what is drawn, how urgent it is, and where it goes."""
    noted = item.client_metadata or {}
    if item.item_type == StorageItemType.PLAIN_TEXT:
        raise ValueError("texts are not for this agent")
    if item.item_type == StorageItemType.AUDIO:
        return TaskAgentReturnStruct(label_row_priority=0.0625)
    weight = float(noted.get("weight", 1))
    if item.item_type in DRAWN:
        draw(row, item, weight)
    classify(row, item, noted.get("site"), weight)
    if item.item_type == StorageItemType.PDF:
        # Labelled, and left to somebody else.
        return TaskAgentReturnStruct(label_row=row)
    priority = min(1.0, 0.25 + row.number_of_frames / 16)
    if noted.get("site") == "north":
        return TaskAgentReturnStruct(pathway="review", label_row=row, label_row_priority=priority)
    if item.width is not None and item.width < 64:
        return TaskAgentReturnStruct(pathway="second", label_row=row, label_row_priority=1.0)
    if item.item_type == StorageItemType.IMAGE_SEQUENCE:
        return TaskAgentReturnStruct(pathway="second", label_row=row)
    return TaskAgentReturnStruct(pathway="done", label_row=row)


def draw(row: LabelRowV2, item: StorageItem, weight: float) -> None:
    """A box of the picture's shape on the first and on the last frame."""
    assert item.width and item.height
    height = item.height / item.width / 2
    for frame in sorted({0, row.number_of_frames - 1}):
        box = row.ontology_structure.objects[0].create_instance()
        where = BoundingBoxCoordinates(height=height, width=0.5, top_left_x=0.1 * weight, top_left_y=1 / 3)
        box.set_for_frames(where, frame, confidence=1 / (1 + weight), manual_annotation=False)
        row.add_object_instance(box)


def classify(row: LabelRowV2, item: StorageItem, site: str | None, weight: float) -> None:
    if row.data_type.value == "group":
        # Its parts have frames, it has none.
        add(row, "Whole", lambda instance, root: instance.set_answer(root.options[0]))
        return

    def weather(instance: ClassificationInstance, root: Any) -> None:
        if site is None:
            instance.set_answer(root.options[0])
            return
        wet = root.options[1]
        how, remark = wet.attributes
        instance.set_answer(wet)
        instance.set_answer(how.options[1], how)
        instance.set_answer(weight / 3, how.options[1].attributes[0])
        instance.set_answer(f"{item.name} in the {site}", remark)

    add(row, "Weather", weather, [Range(0, 0)], confidence=0.75)
    if row.number_of_frames > 4:
        seen = [Range(0, 1), Range(3, 4)]
        add(row, "Seen", lambda instance, root: instance.set_answer(root.options[:2], root), seen)
    add(row, "Level", lambda instance, root: instance.set_answer((item.file_size or 0) / 7, root), [Range(0, 0)])
    large = row.number_of_frames > 1
    add(row, "Whole", lambda instance, root: instance.set_answer(root.options[0 if large else 1]))


def add(
    row: LabelRowV2,
    title: str,
    answer: Callable[[ClassificationInstance, Any], object],
    ranges: list[Range] | None = None,
    confidence: float = 1.0,
) -> None:
    feature = next(each for each in row.ontology_structure.classifications if each.title == title)
    instance = feature.create_instance()
    answer(instance, feature.attributes[0])
    if ranges is not None:
        instance.set_for_frames(ranges, confidence=confidence, manual_annotation=False)
    else:
        instance.manual_annotation = False
    row.add_classification_instance(instance)


def count(row: LabelRowV2) -> TaskAgentReturnStruct:
    """Sums up what the first agent has drawn."""
    total = len(row.get_object_instances())
    add(row, "Total", lambda instance, root: instance.set_answer(total, root))
    return TaskAgentReturnStruct(pathway="done", label_row=row)


def compare(one: str, other: str) -> None:
    found, expected = state(one), state(other)
    check_same("both projects are in the same state", found, expected)
    # Two projects in which nothing happened would be equal as well.
    stages: dict[str, int] = {}
    for entry in found.values():
        stages[entry["stage"]] = stages.get(entry["stage"], 0) + 1
    check("the tasks are sorted", stages, {"Agent": 4, "Complete": 5, "Review": 3})
    labels = [len(entry["objects"]) + len(entry["classifications"]) for entry in found.values()]
    check("rows are labelled", sum(count > 0 for count in labels), 9)


def state(project_hash: str) -> dict[str, Any]:
    project = connect().get_project(project_hash)
    stages = {str(stage.uuid): stage.title for stage in project.workflow.stages}
    found = {}
    for row in rows_of(project_hash).values():
        assert row.workflow_graph_node is not None
        labels = canonical.label_row(row)
        found[row.data_title] = {
            "stage": stages[row.workflow_graph_node.uuid],
            "priority": row.priority,
            "client_metadata": row.client_metadata,
            "objects": by_content(labels["objects"]),
            "classifications": by_content(labels["classifications"]),
        }
    return found


def by_content(labels: dict[str, Any]) -> list[Any]:
    """Without their hashes and times, in an order that depends on what they say."""
    return sorted((timeless(label) for label in labels.values()), key=repr)


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(entry) for key, entry in value.items() if not key.endswith("_at")}
    if isinstance(value, list):
        return [timeless(entry) for entry in value]
    return value


if __name__ == "__main__":
    {"run": run, "compare": compare}[sys.argv[1]](*sys.argv[2:])
    sys.exit(finish())
