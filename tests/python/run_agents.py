"""Runs agents, written as for Encord itself, with both runners of `encord-agents`, and looks at what became of the
project.

    python run_agents.py <project-hash> <twin-hash> <folder of the media>

Both projects are those of `tests/projects/everything`, fresh.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import cv2
import numpy
from checks import check, check_raises, connect, finish, rows_of
from encord import EncordUserClient
from encord.objects import LabelRowV2
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.project import Project
from encord.storage import StorageItem
from encord.workflow.stages.agent import AgentTask
from encord_agents.core.data_model import Frame, LabelRowInitialiseLabelsArgs, LabelRowMetadataIncludeArgs
from encord_agents.exceptions import PrintableError
from encord_agents.tasks import Depends, QueueRunner, Runner
from encord_agents.tasks.dependencies import (
    Twin,
    dep_asset,
    dep_client,
    dep_single_frame,
    dep_storage_item,
    dep_twin_label_row,
    dep_video_iterator,
    dep_video_sampler,
)
from encord_agents.tasks.models import TaskAgentReturnStruct, TaskCompletionResult

BOX = BoundingBoxCoordinates(height=0.5, width=0.25, top_left_x=0.1, top_left_y=0.2)
PICTURES = {"image.png", "small.png"}
FILMS = {"video.mp4", "sequence.mp4"}
# What has boxes in the SDK's sense of the word.
BOXED = PICTURES | FILMS | {"pictures", "document.pdf", "scan", "volume.nii"}
FILES = {
    "image.png",
    "small.png",
    "video.mp4",
    "sequence.mp4",
    "sound.wav",
    "notes.txt",
    "page.html",
    "document.pdf",
    "volume.nii",
}
EVERYTHING = FILES | {"pictures", "together", "scan"}


def main() -> int:
    project_hash, twin_hash, media = sys.argv[1:]
    at = Site(project_hash, twin_hash, Path(media))
    for run in (with_runner, with_queue_runner):
        print(f"-- {run.__name__}")
        nothing_asked_for(at, run)
        labels_by_returned_struct(at, run)
        labels_by_direct_save(at, run)
        storage_items_and_assets(at, run)
        single_frames(at, run)
        videos(at, run)
        twins(at, run)
        a_chain_of_agents(at, run)
    what_the_runner_is_asked_for(at)
    what_fails_costs_no_other_task(at)
    a_queue_in_bundles(at)
    return finish()


class Site:
    """The projects, and where they are looked at."""

    def __init__(self, project_hash: str, twin_hash: str, media: Path) -> None:
        self.hash = project_hash
        self.twin_hash = twin_hash
        self.media = media

    def project(self) -> Project:
        """As a client finds it that knows nothing yet."""
        return connect().get_project(self.hash)

    def stages(self) -> dict[str, set[str]]:
        """The titles of the data units by that of the stage. Stages without any are left out."""
        found = {
            stage.title: {task.data_title for task in stage.get_tasks()} for stage in self.project().workflow.stages
        }
        return {stage: titles for stage, titles in found.items() if titles}

    def rows(self) -> dict[str, LabelRowV2]:
        return rows_of(self.hash)

    def gather(self, titles: set[str]) -> None:
        """Has exactly these tasks wait at the agent, and all others at the end."""
        stages = {stage.title: stage for stage in self.project().workflow.stages}
        for stage in stages.values():
            for task in list(stage.get_tasks()):
                wanted = stages["Agent" if task.data_title in titles else "Complete"]
                if stage.uuid != wanted.uuid:
                    task.move(destination_stage_uuid=wanted.uuid)


Run = Callable[..., None]


def with_runner(at: Site, **agents: Callable) -> None:
    """Runs agents by the titles of their stages."""
    runner = Runner(project_hash=at.hash)
    for stage, agent in agents.items():
        runner.stage(stage)(agent)
    runner(task_batch_size=5)


def with_queue_runner(at: Site, **agents: Callable) -> None:
    """The same, task by task, as a queue would hand them out."""
    runner = QueueRunner(project_hash=at.hash)
    queued = {stage: runner.stage(stage)(agent) for stage, agent in agents.items()}
    for stage in runner.get_agent_stages():
        for task in list(stage.get_tasks()):
            result = TaskCompletionResult.model_validate_json(queued[stage.title](task.model_dump_json()))
            check(f"the queue succeeds with {task.data_title}", (result.success, result.error), (True, None))
            check(f"the queue names the task of {task.data_title}", result.task_uuid, task.uuid)
            check(f"the queue names the stage of {task.data_title}", result.stage_uuid, stage.uuid)


def nothing_asked_for(at: Site, run: Run) -> None:
    at.gather(EVERYTHING)
    seen: list[str] = []

    def agent(task: AgentTask) -> str | None:
        seen.append(task.data_title)
        return "done" if task.data_title in FILMS else None

    run(at, Agent=agent)
    check("each task is seen once", sorted(seen), sorted(EVERYTHING))
    check("a task without a pathway stays", at.stages(), {"Agent": EVERYTHING - FILMS, "Complete": FILMS})


def labels_by_returned_struct(at: Site, run: Run) -> None:
    """Label, priority and pathway in one. The row also says the number of boxes that it had before."""
    at.gather(EVERYTHING)
    before = {title: len(row.get_object_instances()) for title, row in at.rows().items()}

    def agent(row: LabelRowV2, project: Project) -> TaskAgentReturnStruct:
        if row.data_title in BOXED:
            add_box(row)
        add_weather(row, len(row.get_object_instances()))
        stage = next(stage for stage in project.workflow.stages if stage.title == "Agent")
        review = next(pathway for pathway in stage.pathways if pathway.name == "review")
        pathway = "second" if row.data_title in FILMS else review.uuid
        return TaskAgentReturnStruct(pathway=pathway, label_row=row, label_row_priority=0.875)

    run(at, Agent=agent)
    check("pathways by name and by UUID", at.stages(), {"Second": FILMS, "Review": EVERYTHING - FILMS})
    for title, row in at.rows().items():
        check(f"the priority of {title} is set", row.priority, 0.875)
        check_labels(row, before[title])


def labels_by_direct_save(at: Site, run: Run) -> None:
    at.gather(BOXED)
    before = {title: len(row.get_object_instances()) for title, row in at.rows().items()}

    def agent(row: LabelRowV2) -> str:
        add_box(row)
        add_weather(row, len(row.get_object_instances()))
        row.save()
        row.set_priority(0.125)
        return "review"

    run(at, Agent=agent)
    check("the tasks went on", at.stages(), {"Review": BOXED, "Complete": EVERYTHING - BOXED})
    for title, row in at.rows().items():
        if title in BOXED:
            check(f"the priority of {title} is set", row.priority, 0.125)
            check_labels(row, before[title])


def add_box(row: LabelRowV2) -> None:
    instance = row.ontology_structure.objects[0].create_instance()
    for frame in sorted({0, row.number_of_frames - 1}):
        instance.set_for_frames(BOX, frame, confidence=0.75, manual_annotation=False)
    row.add_object_instance(instance)


def add_weather(row: LabelRowV2, remark: object) -> None:
    """Wet, with a remark. There may be only one."""
    feature = row.ontology_structure.classifications[0]
    for old in row.get_classification_instances():
        row.remove_classification(old)
    wet = feature.attributes[0].options[1]
    instance = feature.create_instance(range_only=row.data_type.value in ("audio", "plain_text"))
    instance.set_answer(wet)
    instance.set_answer(f"{remark} objects", wet.attributes[1])
    instance.set_for_frames(0, confidence=0.5)
    row.add_classification_instance(instance)


def check_labels(row: LabelRowV2, before: int) -> None:
    title = row.data_title
    objects = row.get_object_instances()
    check(f"{title} has one more box", len(objects), before + (title in BOXED))
    if title in BOXED:
        drawn = {note.frame: (note.coordinates, note.confidence) for note in objects[-1].get_annotations()}
        expected = {frame: (BOX, 0.75) for frame in {0, row.number_of_frames - 1}}
        check(f"{title} has the box on its first and last frame", drawn, expected)
    (weather,) = row.get_classification_instances()
    wet = weather.ontology_item.attributes[0].options[1]
    check(f"{title} is wet", weather.get_answer(), wet)
    check(f"{title} has the remark", weather.get_answer(wet.attributes[1]), f"{len(objects)} objects")
    check(f"the confidence of {title}", weather.confidence, 0.5)


def storage_items_and_assets(at: Site, run: Run) -> None:
    at.gather(FILES)
    seen: dict[str, tuple[str, bytes]] = {}

    def agent(
        task: AgentTask,
        item: Annotated[StorageItem, Depends(dep_storage_item)],
        asset: Annotated[Path, Depends(dep_asset)],
        client: Annotated[EncordUserClient, Depends(dep_client)],
    ) -> None:
        seen[task.data_title] = (item.name, asset.read_bytes())
        noted = client.get_storage_item(item.uuid).client_metadata or {}
        item.update(client_metadata={**noted, "size": asset.stat().st_size})

    run(at, Agent=agent)
    expected = {title: (title, (at.media / title).read_bytes()) for title in FILES}
    check("each asset arrives as it is", seen.keys(), expected.keys())
    for title in expected:
        check(f"{title} arrives as it is", seen.get(title) == expected[title], True)
    rows = at.rows()
    sizes = {title: (row.client_metadata or {}).get("size") for title, row in rows.items() if title in FILES}
    check("the client metadata are written", sizes, {title: len(content) for title, (_, content) in expected.items()})
    check("what was noted before stays", rows["image.png"].client_metadata["site"], "north")


def single_frames(at: Site, run: Run) -> None:
    seen: dict[str, numpy.ndarray] = {}
    at.gather(PICTURES | FILMS | {"pictures"})

    def agent(task: AgentTask, frame: Annotated[numpy.ndarray, Depends(dep_single_frame)]) -> None:
        seen[task.data_title] = frame

    run(at, Agent=agent)
    for title in sorted(PICTURES | FILMS | {"pictures"}):
        file = at.media / ("group1.png" if title == "pictures" else title)
        read = next(frames_of(file)) if title in FILMS else cv2.imread(str(file))
        expected = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
        check(f"the first frame of {title}", title in seen and numpy.array_equal(seen[title], expected), True)


def videos(at: Site, run: Run) -> None:
    iterated: dict[str, list[Frame]] = {}
    sampled: dict[str, list[list[Frame]]] = {}
    at.gather(FILMS)

    def iterates(task: AgentTask, frames: Annotated[Iterator[Frame], Depends(dep_video_iterator)]) -> None:
        iterated[task.data_title] = list(frames)

    run(at, Agent=iterates)
    at.gather({"video.mp4"})

    def samples(
        task: AgentTask,
        sampler: Annotated[Callable[[float | Sequence[int]], Iterable[Frame]], Depends(dep_video_sampler)],
    ) -> str:
        sampled[task.data_title] = [list(sampler(1 / 4)), list(sampler([7, 2]))]
        return "done"

    run(at, Agent=samples)
    check("both films are iterated", iterated.keys(), FILMS)
    for title, frames in iterated.items():
        check_frames(title, frames, at.media / title, range(10 if title == "video.mp4" else 4))
    # The one is by rate, the other by numbers, which are sorted.
    by_rate, by_number = sampled["video.mp4"]
    check_frames("every fourth", by_rate, at.media / "video.mp4", [0, 4, 8])
    check_frames("chosen ones", by_number, at.media / "video.mp4", [2, 7])


def check_frames(what: str, frames: list[Frame], file: Path, numbers: Iterable[int]) -> None:
    numbers = list(numbers)
    check(f"the frames of {what}", [frame.frame for frame in frames], numbers)
    whole = [cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in frames_of(file)]
    same = [numpy.array_equal(frame.content, whole[frame.frame]) for frame in frames]
    check(f"the pictures of {what}", same, [True] * len(numbers))


def frames_of(file: Path) -> Iterator[numpy.ndarray]:
    film = cv2.VideoCapture(str(file))
    while (read := film.read())[0]:
        yield read[1]
    film.release()


def twins(at: Site, run: Run) -> None:
    """Takes over the labels of the other project, and moves the task there on as well."""
    twin = connect().get_project(at.twin_hash)
    stages = {stage.title: stage for stage in twin.workflow.stages}
    for stage in stages.values():
        for task in list(stage.get_tasks(data_title="image.png")):
            task.move(destination_stage_uuid=stages["Agent"].uuid)
    row = twin.list_label_rows_v2(data_title_eq="image.png")[0]
    row.initialise_labels()
    add_weather(row, "twin")
    row.save()
    at.gather({"image.png"})

    def agent(
        label_row: LabelRowV2,
        twin: Annotated[Twin, Depends(dep_twin_label_row(at.twin_hash, include_task=True))],
    ) -> TaskAgentReturnStruct:
        for old in label_row.get_classification_instances():
            label_row.remove_classification(old)
        for instance in twin.label_row.get_classification_instances():
            label_row.add_classification_instance(instance.copy())
        twin.task.proceed(pathway_name="second")
        return TaskAgentReturnStruct(pathway="done", label_row=label_row)

    run(at, Agent=agent)
    check("the task is done", "image.png" in at.stages()["Complete"], True)
    second = next(stage for stage in twin.workflow.stages if stage.title == "Second")
    check("the twin's task went on", "image.png" in {task.data_title for task in second.get_tasks()}, True)
    (weather,) = at.rows()["image.png"].get_classification_instances()
    wet = weather.ontology_item.attributes[0].options[1]
    check("the twin's answers are taken over", weather.get_answer(wet.attributes[1]), "twin objects")


def a_chain_of_agents(at: Site, run: Run) -> None:
    """Two agents, of which the second gets what the first sends it."""
    at.gather(PICTURES | FILMS)
    seen: list[str] = []

    def first(task: AgentTask) -> UUID | None:
        return UUID("e7000000-0000-4000-8000-000000000012") if task.data_title in FILMS else None

    def second(task: AgentTask, item: StorageItem) -> str:
        seen.append(f"{task.data_title} {item.item_type.value}")
        return "done"

    run(at, Agent=first, Second=second)
    check("the second agent gets what the first sent", sorted(seen), ["sequence.mp4 imageSequence", "video.mp4 video"])
    check("the end of the chain", at.stages(), {"Agent": PICTURES, "Complete": EVERYTHING - PICTURES})


def what_the_runner_is_asked_for(at: Site) -> None:
    """What the decorator says of the rows, and a priority without a row."""
    at.gather(PICTURES)
    seen: dict[str, tuple[str, int, int]] = {}
    runner = Runner(project_hash=at.hash)

    @runner.stage(
        UUID("e6000000-0000-4000-8000-000000000001"),
        label_row_metadata_include_args=LabelRowMetadataIncludeArgs(include_client_metadata=True),
        label_row_initialise_labels_args=LabelRowInitialiseLabelsArgs(include_object_feature_hashes={"nothing0"}),
    )
    def looks(row: LabelRowV2) -> None:
        counts = (len(row.get_object_instances()), len(row.get_classification_instances()))
        seen[row.data_title] = ((row.client_metadata or {})["site"], *counts)

    runner()
    check("a row is read in part", seen, {"image.png": ("north", 0, 1), "small.png": ("south", 0, 1)})

    runner = Runner(project_hash=at.hash)
    on_branch = LabelRowMetadataIncludeArgs(branch_name="predictions")

    @runner.stage("Agent", label_row_metadata_include_args=on_branch)
    def predicts(row: LabelRowV2) -> TaskAgentReturnStruct:
        add_box(row)
        return TaskAgentReturnStruct(label_row=row)

    before = len(at.rows()["image.png"].get_object_instances())
    runner()
    (row,) = at.project().list_label_rows_v2(branch_name="predictions", data_title_eq="image.png")
    row.initialise_labels()
    check("the branch has the box", len(row.get_object_instances()), 1)
    check("the main branch has not", len(at.rows()["image.png"].get_object_instances()), before)

    runner = Runner(project_hash=at.hash)

    @runner.stage("Agent", will_set_priority=True)
    def urgent(task: AgentTask) -> TaskAgentReturnStruct:
        return TaskAgentReturnStruct(label_row_priority=0.625 if task.data_title == "image.png" else 0.375)

    runner(max_tasks_per_stage=1)
    priorities = sorted(row.priority for row in at.rows().values() if row.data_title in PICTURES)
    check("one task is touched", sum(priority in (0.625, 0.375) for priority in priorities), 1)
    runner()
    rows = at.rows()
    priorities = {title: rows[title].priority for title in PICTURES}
    check("a priority without a row", priorities, {"image.png": 0.625, "small.png": 0.375})
    check("both have stayed", at.stages()["Agent"], PICTURES)


def what_fails_costs_no_other_task(at: Site) -> None:
    at.gather(PICTURES | FILMS)
    attempts: list[str] = []
    runner = Runner(project_hash=at.hash)

    @runner.stage("Agent")
    def throws(row: LabelRowV2) -> TaskAgentReturnStruct:
        attempts.append(row.data_title)
        if row.data_title == "small.png":
            raise ValueError("on purpose")
        return TaskAgentReturnStruct(pathway="done", label_row=row)

    runner(num_retries=2)
    check("failures are tried again", attempts.count("small.png"), 3)
    check("what failed stays, the rest goes on", at.stages()["Agent"], {"small.png"})

    at.gather(PICTURES)
    runner = Runner(project_hash=at.hash)

    @runner.stage("Agent")
    def nowhere(task: AgentTask) -> str:
        return "nowhere" if task.data_title == "small.png" else "done"

    check_raises("an unknown pathway ends the run", PrintableError, runner)
    check("no task has moved", at.stages()["Agent"], PICTURES)


def a_queue_in_bundles(at: Site) -> None:
    """Several tasks in one call; one has gone meanwhile, one fails."""
    at.gather(PICTURES | FILMS)
    runner = QueueRunner(project_hash=at.hash)

    @runner.stage("Agent")
    def agent(task: AgentTask) -> str | None:
        return "review" if task.data_title in PICTURES else None

    stage = next(iter(runner.get_agent_stages()))
    tasks = {task.data_title: task for task in stage.get_tasks()}
    specs = [task.model_dump_json() for task in tasks.values()]
    tasks["small.png"].proceed(pathway_name="done")
    result = TaskCompletionResult.model_validate_json(agent(specs))
    left = {task.uuid for title, task in tasks.items() if title != "small.png"}
    check("all tasks are named", set(result.task_uuid), {task.uuid for task in tasks.values()})
    check("the task that has gone is no success", set(result.success), left)
    check("the pathways are named", result.pathway, [UUID("e7000000-0000-4000-8000-000000000011")])
    found = at.stages()
    check("the bundle is carried out", (found["Agent"], found["Review"]), (FILMS, {"image.png"}))

    @runner.stage("Agent")
    def throws(task: AgentTask) -> str:
        raise ValueError("on purpose")

    result = json.loads(throws(tasks["video.mp4"].model_dump_json()))
    check("a failure is told", (result["success"], "on purpose" in result["error"]), (False, True))
    check("what failed stays", at.stages()["Agent"], FILMS)


if __name__ == "__main__":
    sys.exit(main())
