"""Runs the official Python packages, unmodified, against a local project.

    python official_sdk.py <project-hash>

The variables ENCORD_DOMAIN and ENCORD_SSH_KEY_FILE say where it is. The project is a fresh one as `runner-host init`
makes it, with at least four images, and preferably a video, text and audio as well. Each check that fails is printed,
and the exit code is then 1. Labels and tasks of the project are changed.
"""

import os
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated
from uuid import UUID

import numpy
from checks import check, check_raises, comparable, connect, finish
from encord import EncordUserClient
from encord.exceptions import (
    AuthenticationError,
    AuthorisationError,
    InvalidArgumentsError,
    ResourceNotFoundError,
)
from encord.objects import Classification, Object, Shape
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.objects.ontology_labels_impl import LabelRowV2
from encord.orm.label_row import LabelStatus
from encord.orm.workflow import WorkflowStageType
from encord.storage import StorageItem
from encord.workflow.stages.agent import AgentTask
from encord_agents.tasks import Depends, Runner
from encord_agents.tasks.dependencies import dep_asset, dep_single_frame, dep_storage_item
from encord_agents.tasks.models import TaskAgentReturnStruct

BOX = BoundingBoxCoordinates(height=0.5, width=0.25, top_left_x=0.1, top_left_y=0.2)


def main() -> int:
    (project_hash,) = sys.argv[1:]
    client = connect()
    refuses_strangers(project_hash)
    project = client.get_project(project_hash)
    agent_stage = describes_itself(project)
    rows = lists_rows(project)
    labels_are_read_back(project, rows)
    filters_rows(project)
    storage_items(client, project)
    media_urls(client, project)
    tasks_and_actions(project, agent_stage)
    agents(project_hash)
    return finish()


def refuses_strangers(project_hash: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    url = os.environ["ENCORD_DOMAIN"]
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    stranger = EncordUserClient.create_with_ssh_private_key(key.decode(), domain=url)
    check_raises("an unknown key is refused", AuthenticationError, lambda: stranger.get_project(project_hash))
    try:
        urllib.request.urlopen(f"{url}/v2/public/projects/{project_hash}")
        check("an unsigned request is refused", 200, 401)
    except urllib.error.HTTPError as error:
        check("an unsigned request is refused", error.code, 401)


def describes_itself(project):
    types = [stage.stage_type for stage in project.workflow.stages]
    check("the workflow has an agent stage", WorkflowStageType.AGENT in types, True)
    check("the workflow has an end", WorkflowStageType.DONE in types, True)
    structure = project.ontology_structure
    check("the ontology has a bounding box", structure.objects[0].shape, Shape.BOUNDING_BOX)
    check("the ontology has a classification", len(structure.classifications) > 0, True)
    stage = next(stage for stage in project.workflow.stages if stage.stage_type == WorkflowStageType.AGENT)
    check("the agent stage has pathways", len(stage.pathways) >= 2, True)
    check("branches are listed", list(project.list_branches()), ["main"])
    check("the dataset is listed", len(list(project.list_datasets())), 1)
    return stage


def lists_rows(project) -> list:
    rows = project.list_label_rows_v2()
    check("there are at least four images", sum(row.data_type.value == "image" for row in rows) >= 4, True)
    for row in rows:
        check(f"{row.data_title} is not labelled yet", (row.label_hash, status_of(row)), (None, "NOT_LABELLED"))
        check(f"{row.data_title} waits at the first stage", row.workflow_graph_node is not None, True)
        check(f"{row.data_title} has a storage item", row.backing_item_uuid is not None, True)
        check(f"{row.data_title} has a priority", row.priority, 0.5)
        if row.data_type.value in ("image", "video"):
            check(f"{row.data_title} has a size", (row.width or 0) > 0 and (row.height or 0) > 0, True)
    return rows


def labels_are_read_back(project, rows: list) -> None:
    """Adds what the type of data allows, saves all rows in one bundle, and compares what a new client reads."""
    structure = project.ontology_structure
    box: Object = structure.objects[0]
    question: Classification = structure.classifications[0]
    with project.create_bundle() as bundle:
        for row in rows:
            row.initialise_labels(bundle=bundle)
    saved = {}
    with project.create_bundle() as bundle:
        for row in rows:
            kind = row.data_type.value
            if kind in ("image", "video", "pdf"):
                last = row.number_of_frames - 1
                instance = box.create_instance()
                for frame in sorted({0, last // 2, last}):
                    instance.set_for_frames(BOX, frame, confidence=0.75, manual_annotation=False)
                row.add_object_instance(instance)
            if kind != "pdf":
                answer = question.create_instance(range_only=kind not in ("image", "video"))
                answer.set_answer(question.attributes[0].options[0])
                answer.set_for_frames(0)
                row.add_classification_instance(answer)
            row.save(bundle=bundle)
            saved[row.data_hash] = row.to_encord_dict()
    again = project.list_label_rows_v2()
    with project.create_bundle() as bundle:
        for row in again:
            row.initialise_labels(bundle=bundle)
    for row in again:
        title = row.data_title
        check(f"the labels of {title} are read back", comparable(row.to_encord_dict()), comparable(saved[row.data_hash]))
        check(f"the status of {title} is set", status_of(row), "LABEL_IN_PROGRESS")
        for instance in row.get_object_instances():
            authors = {annotation.created_by for annotation in instance.get_annotations()}
            check(f"the author of {title} is filled in", authors, {"agent@local"})
    single(project, again[0])
    only_some_features(project)


def single(project, row) -> None:
    """Without a bundle, and a second time."""
    row.save()
    fresh = project.list_label_rows_v2(data_hashes=[row.data_hash])[0]
    fresh.initialise_labels()
    check("a row saved by itself is equal", comparable(fresh.to_encord_dict()), comparable(row.to_encord_dict()))


def only_some_features(project) -> None:
    structure = project.ontology_structure
    image = next(row for row in project.list_label_rows_v2() if row.data_type.value == "image")
    image.initialise_labels(include_object_feature_hashes=set(), include_classification_feature_hashes=set())
    found = (len(image.get_object_instances()), len(image.get_classification_instances()))
    check("without wanted features nothing is read", found, (0, 0))
    image = project.list_label_rows_v2(data_hashes=[image.data_hash])[0]
    image.initialise_labels(include_object_feature_hashes={"nothing0"})
    found = (len(image.get_object_instances()), len(image.get_classification_instances()))
    check("only the wanted objects are read", found, (0, 1))
    image = project.list_label_rows_v2(data_hashes=[image.data_hash])[0]
    image.initialise_labels(
        include_object_feature_hashes={structure.objects[0].feature_node_hash},
        include_classification_feature_hashes={"nothing0"},
    )
    found = (len(image.get_object_instances()), len(image.get_classification_instances()))
    check("only the wanted classifications are read", found, (1, 0))


def filters_rows(project) -> None:
    rows = project.list_label_rows_v2()
    first = rows[0]

    def titles(**filters) -> list[str]:
        return [row.data_title for row in project.list_label_rows_v2(**filters)]

    every = [row.data_title for row in rows]
    now = datetime.now(timezone.utc)
    check("filter: data hash", titles(data_hashes=[first.data_hash]), [first.data_title])
    check("filter: label hash", titles(label_hashes=[first.label_hash]), [first.data_title])
    check("filter: title", titles(data_title_eq=first.data_title), [first.data_title])
    check("filter: title pattern", titles(data_title_like="%"), every)
    check("filter: no title", titles(data_title_eq="nothing"), [])
    check("filter: stage", titles(workflow_graph_node_title_eq=first.workflow_graph_node.title), every)
    check("filter: stage pattern", titles(workflow_graph_node_title_like="no such%"), [])
    check("filter: edited after", titles(edited_after=now - timedelta(days=1)), every)
    check("filter: edited before", titles(edited_before=now - timedelta(days=1)), [])
    check("filter: status", titles(label_statuses=[LabelStatus.LABEL_IN_PROGRESS]), every)
    check("filter: other status", titles(label_statuses=[LabelStatus.NOT_LABELLED]), [])
    other = project.list_label_rows_v2(branch_name="other", data_hashes=[first.data_hash])[0]
    check("another branch is empty", (other.branch_name, other.label_hash), ("other", None))
    other.initialise_labels()
    other.save()
    both = project.list_label_rows_v2(include_all_label_branches=True, data_hashes=[first.data_hash])
    check("both branches are listed", [row.branch_name for row in both], ["main", "other"])
    check("branches are listed", set(project.list_branches()), {"main", "other"})


def storage_items(client, project) -> None:
    rows = project.list_label_rows_v2()
    wanted = [row.backing_item_uuid for row in reversed(rows)]
    items = client.get_storage_items(wanted, sign_url=True)
    check("storage items come in the order asked for", [item.uuid for item in items], wanted)
    item = client.get_storage_item(wanted[0], sign_url=True)
    check("a storage item by itself is equal", (item.uuid, item.name), (items[0].uuid, items[0].name))
    item.update(client_metadata={"seen": ["yes"], "n": 1})
    check("client metadata are kept", client.get_storage_item(wanted[0]).client_metadata, {"seen": ["yes"], "n": 1})
    with project.create_bundle() as bundle:
        for each in items:
            each.update(client_metadata={"bundle": True}, bundle=bundle)
    rows = project.list_label_rows_v2(include_client_metadata=True)
    check("client metadata are listed", {str(row.client_metadata) for row in rows}, {"{'bundle': True}"})
    check("nothing has children", list(items[0].get_child_items()), [])
    unknown = "00000000-0000-4000-8000-000000000000"
    check_raises("an unknown item is not found", ResourceNotFoundError, lambda: client.get_storage_item(unknown))
    check_raises(
        "a bulk with an unknown item is refused",
        AuthorisationError,
        lambda: client.get_storage_items([wanted[0], unknown]),
    )
    check_raises("an unknown project is refused", AuthorisationError, lambda: client.get_project(unknown))


def media_urls(client, project) -> None:
    for row in project.list_label_rows_v2():
        item = client.get_storage_item(row.backing_item_uuid, sign_url=True)
        url = item.get_signed_url()
        with urllib.request.urlopen(url) as response:
            whole = response.read()
            check(f"{item.name} has its type", response.headers["Content-Type"], item.mime_type)
        check(f"{item.name} has its size", len(whole), item.file_size)
        part = urllib.request.Request(url, headers={"Range": "bytes=1-3"})
        with urllib.request.urlopen(part) as response:
            check(f"a range of {item.name} is served", (response.status, response.read()), (206, whole[1:4]))
    changed = url[:-1] + ("0" if url[-1] != "0" else "1")
    for what, wrong in [("a changed", changed), ("an unsigned", url.split("?")[0])]:
        try:
            urllib.request.urlopen(wrong)
            check(f"{what} URL is refused", 200, 403)
        except urllib.error.HTTPError as error:
            check(f"{what} URL is refused", error.code, 403)


def tasks_and_actions(project, stage) -> None:
    tasks = list(stage.get_tasks())
    rows = project.list_label_rows_v2()
    check("every row has a task", [task.data_hash for task in tasks], [row_uuid(row) for row in rows])
    first, second = tasks[:2]

    def found(**filters) -> list:
        return [task.uuid for task in stage.get_tasks(**filters)]

    check("filter tasks: data hash", found(data_hash=[second.data_hash]), [second.uuid])
    check("filter tasks: title", first.uuid in found(data_title=first.data_title[:4]), True)
    check("filter tasks: no title", found(data_title="no such title"), [])
    check("filter tasks: dataset", found(dataset_hash=rows[0].dataset_hash), [task.uuid for task in tasks])
    check("filter tasks: other dataset", found(dataset_hash="00000000-0000-4000-8000-000000000000"), [])
    check("filter tasks: assignee", found(assignee="somebody@example.com"), [])

    for row in rows[:2]:
        row.set_priority(0.0)
    again = project.list_label_rows_v2(data_hashes=[first.data_hash])[0]
    check("a priority of 0 is kept", again.priority, 0.0)
    check_raises("a priority over 1 is refused", InvalidArgumentsError, lambda: rows[0].set_priority(1.5))

    check_raises("an unknown pathway is refused", InvalidArgumentsError, lambda: first.proceed(pathway_name="nowhere"))
    done = next(entry for entry in project.workflow.stages if entry.stage_type == WorkflowStageType.DONE)
    review = next((entry for entry in project.workflow.stages if entry.stage_type == WorkflowStageType.REVIEW), None)
    first.proceed(pathway_uuid=stage.pathways[0].uuid)
    check("a task that went on has left", first.uuid in found(), False)
    check("a task that went on has arrived", [task.uuid for task in done.get_tasks()], [first.uuid])
    row = project.list_label_rows_v2(data_hashes=[first.data_hash])[0]
    check("a row whose task is done is labelled", (status_of(row), row.priority), ("LABELLED", None))
    check("a row whose task is done says so", task_status_of(row), "COMPLETED")

    def proceed_both() -> None:
        with project.create_bundle() as bundle:
            second.proceed(pathway_uuid=stage.pathways[0].uuid, bundle=bundle)
            first.proceed(pathway_uuid=stage.pathways[0].uuid, bundle=bundle)

    check_raises("a bundle with a task that has left is refused", InvalidArgumentsError, proceed_both)
    check("of a refused bundle nothing is done", second.uuid in found(), True)

    if review is not None:
        second.proceed(pathway_name="review")
        waiting = list(review.get_tasks())
        check("a task waits for review", [task.uuid for task in waiting], [second.uuid])
        waiting[0].assign("ann@example.com")
        check("a review is assigned", [task.assignee for task in review.get_tasks()], ["ann@example.com"])
        waiting[0].reject()
        check("a rejected task is back", found(status="REOPENED"), [second.uuid])
        second.move(destination_stage_uuid=review.uuid)
        next(iter(review.get_tasks())).approve()
        check("an approved task is done", second.uuid in [task.uuid for task in done.get_tasks()], True)
        row = project.list_label_rows_v2(data_hashes=[second.data_hash])[0]
        check("an approved row is reviewed", status_of(row), "REVIEWED")
    for task in list(done.get_tasks()):
        task.move(destination_stage_uuid=stage.uuid)
    check("all tasks are back", len(found()), len(tasks))


def status_of(row) -> str:
    """The SDK receives it, but shows it only for projects without a workflow."""
    return row._label_row_read_only_data.label_status.value


def task_status_of(row) -> str:
    return row._label_row_read_only_data.annotation_task_status.value


def row_uuid(row):
    return UUID(row.data_hash)


def agents(project_hash: str) -> None:
    """Each of these is written as one would write it for Encord itself."""
    project = connect().get_project(project_hash)
    stage = next(entry for entry in project.workflow.stages if entry.stage_type == WorkflowStageType.AGENT)
    total = len(list(stage.get_tasks()))

    def run(agent) -> None:
        runner = Runner(project_hash=project_hash)
        runner.stage(stage.title)(agent)
        runner(task_batch_size=5)

    stayed = []

    def no_dependency(task: AgentTask) -> None:
        stayed.append(task.uuid)

    run(no_dependency)
    check("an agent without dependency sees each task once", len(set(stayed)), total)
    check("a task stays if the agent names no pathway", len(list(stage.get_tasks())), total)

    sizes = {}

    def with_item(
        task: AgentTask,
        item: Annotated[StorageItem, Depends(dep_storage_item)],
        asset: Annotated[Path, Depends(dep_asset)],
    ) -> None:
        sizes[task.uuid] = (asset.stat().st_size, item.file_size)

    run(with_item)
    check("an agent gets each asset", len(sizes), total)
    check("assets are whole", [pair for pair in sizes.values() if pair[0] != pair[1]], [])

    frames(project, stage, run)

    seen = {}

    def saves(task: AgentTask, label_row: LabelRowV2) -> TaskAgentReturnStruct:
        seen[task.data_hash] = label_row.data_title
        question = label_row.ontology_structure.classifications[0]
        for old in list(label_row.get_classification_instances()):
            label_row.remove_classification(old)
        if label_row.data_type.value == "image":
            answer = question.create_instance()
            answer.set_answer(question.attributes[0].options[1])
            answer.set_for_frames(0)
            label_row.add_classification_instance(answer)
        pathway = stage.pathways[1].name if len(seen) % 2 else stage.pathways[0].uuid
        return TaskAgentReturnStruct(pathway=pathway, label_row=label_row, label_row_priority=0.25)

    run(saves)
    check("an agent gets each label row", len(seen), total)
    check("the stage is empty", len(list(stage.get_tasks())), 0)
    rows = project.list_label_rows_v2()
    with project.create_bundle() as bundle:
        for row in rows:
            row.initialise_labels(bundle=bundle)
    done = next(entry for entry in project.workflow.stages if entry.stage_type == WorkflowStageType.DONE)
    second = stage.pathways[1].destination_uuid
    first = sum(row.workflow_graph_node.uuid == str(done.uuid) for row in rows)
    check("half of the tasks took the first pathway", first, total // 2)
    for row in rows:
        if row.workflow_graph_node.uuid == str(second):
            check(f"the priority of {row.data_title} is set", row.priority, 0.25)
        if row.data_type.value == "image":
            option = row.get_classification_instances()[0].get_answer()
            expected = project.ontology_structure.classifications[0].attributes[0].options[1].title
            check(f"the answer of {row.data_title} is saved", option.title, expected)
            check(f"the box of {row.data_title} is still there", len(row.get_object_instances()), 1)


def frames(project, stage, run) -> None:
    rows = {row_uuid(row): row for row in project.list_label_rows_v2()}
    done = next(entry for entry in project.workflow.stages if entry.stage_type == WorkflowStageType.DONE)
    # Only what has pictures stays for this agent; the rest steps aside.
    aside = [task for task in stage.get_tasks() if rows[task.data_hash].data_type.value not in ("image", "video")]
    for task in aside:
        task.move(destination_stage_uuid=done.uuid)
    shapes = {}

    def with_frame(task: AgentTask, frame: Annotated[numpy.ndarray, Depends(dep_single_frame)]) -> None:
        shapes[task.data_hash] = frame.shape

    run(with_frame)
    for data_hash, shape in shapes.items():
        row = rows[data_hash]
        check(f"the first frame of {row.data_title} has its size", shape, (row.height, row.width, 3))
    check("an agent gets each frame", len(shapes), len(rows) - len(aside))
    for task in list(done.get_tasks()):
        task.move(destination_stage_uuid=stage.uuid)


if __name__ == "__main__":
    sys.exit(main())
