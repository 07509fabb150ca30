"""Makes a project, works on it as people and tools do, and deletes it.

    python work_on_projects.py

The projects are those of `tests/projects/everything`, fresh.
"""

import sys
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from checks import check, check_raises, check_same, connect, finish, rows_of
from encord import EncordUserClient
from encord.constants.enums import DataType
from encord.exceptions import AuthorisationError, InvalidArgumentsError, ResourceNotFoundError
from encord.issues.issue_client import CoordinateIssue, FileIssue, FrameIssue
from encord.objects import LabelRowV2
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.orm.project import Project as OrmProject
from encord.project import Project

MAIN = "e0000000-0000-4000-8000-000000000001"
ROUTED = "e0000000-0000-4000-8000-000000000005"
ONTOLOGY = "e1000000-0000-4000-8000-000000000001"
DATASET = "e2000000-0000-4000-8000-000000000001"
TEMPLATE = "e8000000-0000-4000-8000-000000000001"
TITLES = ["Everything", "Twin", "Python", "Plugin", "Routed"]
# In the order of the dataset.
UNITS = {
    "image.png": DataType.IMAGE,
    "small.png": DataType.IMAGE,
    "video.mp4": DataType.VIDEO,
    "pictures": DataType.IMG_GROUP,
    "sequence.mp4": DataType.VIDEO,
    "sound.wav": DataType.AUDIO,
    "notes.txt": DataType.PLAIN_TEXT,
    "page.html": DataType.PLAIN_TEXT,
    "document.pdf": DataType.PDF,
    "together": DataType.GROUP,
    "scan": DataType.DICOM,
    "volume.nii": DataType.NIFTI,
}


def main() -> int:
    client = connect()
    lists(client)
    project = makes(client)
    labels(project)
    issues(project)
    branches(project)
    completes_and_reopens(project)
    routes(client.get_project(ROUTED))
    reviews(client.get_project(ROUTED))
    deletes(client, project.project_hash)
    return finish()


def lists(client: EncordUserClient) -> None:
    def titles(entries: Iterable[Any]) -> list[str]:
        return [entry.title for entry in entries]

    check("projects are listed", titles(client.list_projects()), TITLES)
    check("projects of a title", titles(client.list_projects(title_eq="Twin")), ["Twin"])
    check("projects like a title", titles(client.list_projects(title_like="P%")), ["Python", "Plugin"])
    datasets = [entry["dataset"] for entry in client.get_datasets()]
    check("datasets are listed", [(entry.title, entry.dataset_hash) for entry in datasets], [("One of each", DATASET)])
    check("no dataset has another title", client.get_datasets(title_eq="Two of each"), [])
    ontologies = [entry["ontology"] for entry in client.get_ontologies()]
    check("ontologies are listed", [entry.ontology_hash for entry in ontologies], [ONTOLOGY])
    check_same(
        "an ontology by itself is equal",
        client.get_ontology(ONTOLOGY).structure.to_dict(),
        ontologies[0].structure.to_dict(),
    )
    dataset = client.get_dataset(DATASET)
    check("the dataset has its title", dataset.title, "One of each")
    check("the dataset has its rows", {row.title: row.data_type for row in dataset.data_rows}, UNITS)
    films = dataset.list_data_rows(data_types=[DataType.VIDEO])
    check("rows of a type", titles(films), ["video.mp4", "sequence.mp4"])
    check("rows like a title", titles(dataset.list_data_rows(title_like="%.png")), ["image.png", "small.png"])


def makes(client: EncordUserClient) -> Project:
    check_raises(
        "a project over a dataset that is none is refused",
        ResourceNotFoundError,
        lambda: client.create_project("Nothing", [MAIN], "", ONTOLOGY, workflow_template_hash=TEMPLATE),
    )
    made = client.create_project(
        project_title="Made",
        dataset_hashes=[DATASET],
        project_description="By the SDK",
        ontology_hash=ONTOLOGY,
        workflow_template_hash=TEMPLATE,
    )
    project = connect().get_project(made)
    check("the project is described", (project.title, project.description), ("Made", "By the SDK"))
    check("the project is listed", [entry.title for entry in client.list_projects()], [*TITLES, "Made"])
    check("it has the ontology", project.ontology_hash, ONTOLOGY)
    check("it has the dataset", [str(entry.dataset_hash) for entry in project.list_datasets()], [DATASET])
    routed = client.get_project(ROUTED)
    for one, other in zip(project.workflow.stages, routed.workflow.stages, strict=True):
        check("it has the stages of the template", (one.title, one.uuid), (other.title, other.uuid))
    check("every data unit has a task", waiting(project), {"Annotate": set(UNITS)})
    return project


def labels(project: Project) -> None:
    """On every row, saved in one bundle. All else works on these."""
    rows = rows_of(project.project_hash)
    structure = project.ontology_structure
    for row in rows.values():
        if row.data_type in (DataType.IMAGE, DataType.VIDEO, DataType.PDF):
            box = structure.objects[0].create_instance()
            box.set_for_frames(BoundingBoxCoordinates(0.5, 0.25, 0.125, 0.0625), row.number_of_frames - 1)
            row.add_object_instance(box)
        whole = structure.classifications[4].create_instance()
        whole.set_answer(structure.classifications[4].attributes[0].options[0])
        row.add_classification_instance(whole)
    with project.create_bundle() as bundle:
        for row in rows.values():
            row.save(bundle=bundle)
    answers = project.get_label_classifications([row.label_hash for row in rows.values()], batch_size=5)
    found = {entry.data_title: entry for entry in answers}
    check("answers alone are there for all", found.keys(), rows.keys())
    for title, row in rows_of(project.project_hash).items():
        document = row.to_encord_dict()["classification_answers"]
        given = found[title].classification_answers
        check(f"the answers of {title} are those of the row", given.keys(), document.keys())
        for hash_, answer in given.items():
            check(f"the feature of {title}", answer.feature_hash, document[hash_]["featureHash"])


def issues(project: Project) -> None:
    task = next(iter(stage(project, "Annotate").get_tasks(data_title="video.mp4")))
    check("there is no issue yet", list(task.issues.list()), [])
    task.issues.add_file_issue("too dark", ["light"])
    task.issues.add_frame_issue(3, "blurred", [])
    task.issues.add_coordinate_issue(4, 0.25, 0.75, "what is this?", ["question", "light"])
    found = {issue.comments[0].content: issue for issue in task.issues.list()}
    kinds = {comment: type(issue) for comment, issue in found.items()}
    expected = {"too dark": FileIssue, "blurred": FrameIssue, "what is this?": CoordinateIssue}
    check("issues are listed", kinds, expected)
    at = found["what is this?"]
    check("an issue has its place", (at.frame_index, at.coordinate.x, at.coordinate.y), (4, 0.25, 0.75))
    check("an issue has its tags", sorted(tag.name for tag in at.tags), ["light", "question"])
    check("an issue has its author", at.comments[0].author_email, "agent@local")
    task.issues.delete([found["too dark"].uuid, found["blurred"].uuid])
    check("deleted issues are gone", [issue.uuid for issue in task.issues.list()], [at.uuid])
    other = next(iter(stage(project, "Annotate").get_tasks(data_title="image.png")))
    check("another task has none", list(other.issues.list()), [])


def branches(project: Project) -> None:
    some = ["image.png", "video.mp4"]
    rows = rows_of(project.project_hash)
    hashes = [rows[title].data_hash for title in some]
    check("two rows are copied", project.copy_labels_to_branch("draft", data_hashes=hashes), 2)
    check("branches are listed", set(project.list_branches()), {"main", "draft"})
    check("none is copied over another", project.copy_labels_to_branch("draft", data_hashes=hashes), 0)
    copies = {row.data_title: row for row in project.list_label_rows_v2(branch_name="draft", data_hashes=hashes)}
    for title, copy in copies.items():
        copy.initialise_labels()
        check(f"{title} is a row of its own", copy.label_hash != rows[title].label_hash, True)
        check_same(f"the labels of {title} are copied", said(copy), said(rows[title]))
    # What is done on the one branch is not done on the other.
    draft = copies["image.png"]
    for instance in draft.get_object_instances():
        draft.remove_object(instance)
    draft.save()
    check("the branch has changed", len(read(project, "image.png", "draft").get_object_instances()), 0)
    check("the main one has not", len(read(project, "image.png", "main").get_object_instances()), 1)
    copied = project.copy_labels_to_branch("draft", overwrite=True, label_hashes=[rows["image.png"].label_hash])
    check("one is copied over another if that is wanted", copied, 1)
    check("the branch is as the main one", len(read(project, "image.png", "draft").get_object_instances()), 1)


def read(project: Project, title: str, branch: str) -> LabelRowV2:
    (row,) = project.list_label_rows_v2(branch_name=branch, data_title_eq=title)
    row.initialise_labels()
    return row


def said(row: LabelRowV2) -> dict[str, Any]:
    document = row.to_encord_dict()
    own = ("object_answers", "classification_answers", "object_actions")
    units = {unit: fields["labels"] for unit, fields in document["data_units"].items()}
    return {**{key: document[key] for key in own}, "labels": units}


def completes_and_reopens(project: Project) -> None:
    rows = rows_of(project.project_hash)
    rows["image.png"].workflow_complete()
    with project.create_bundle() as bundle:
        for title in ("video.mp4", "pictures"):
            rows[title].workflow_complete(bundle=bundle)
    done = {"image.png", "video.mp4", "pictures"}
    check("rows are complete", waiting(project), {"Annotate": UNITS.keys() - done, "Complete": done})
    rows["image.png"].workflow_reopen()
    with project.create_bundle() as bundle:
        for title in ("video.mp4", "pictures"):
            rows[title].workflow_reopen(bundle=bundle)
    check("rows are reopened", waiting(project), {"Annotate": set(UNITS)})
    tasks = stage(project, "Annotate").get_tasks(status="REOPENED")
    check("their tasks say so", {task.data_title for task in tasks}, done)


def routes(project: Project) -> None:
    """Of what is submitted, a share is reviewed; which tasks that are depends on nothing but themselves."""
    annotate, review, done = (stage(project, title) for title in ("Annotate", "Review", "Complete"))
    splits = []
    for _ in range(2):
        with project.create_bundle() as bundle:
            for task in annotate.get_tasks():
                task.submit(bundle=bundle)
        splits.append(waiting(project))
        for here in (review, done):
            with project.create_bundle() as bundle:
                for task in here.get_tasks():
                    task.move(destination_stage_uuid=annotate.uuid, bundle=bundle)
        check("all tasks are back", waiting(project), {"Annotate": set(UNITS)})
    check("tasks take the same way again", splits[1], splits[0])
    check("tasks are divided", set(splits[0]), {"Review", "Complete"})
    check("no task is lost", splits[0]["Review"] | splits[0]["Complete"], set(UNITS))


def reviews(project: Project) -> None:
    """The way of a task through the hands of people, and of an agent at last."""
    annotate, review, agent = (stage(project, title) for title in ("Annotate", "Review", "Agent"))

    def at(here: Any) -> Any:
        (task,) = here.get_tasks(data_title="image.png")
        return task

    row = project.list_label_rows_v2(data_title_eq="image.png")[0]
    row.initialise_labels()
    row.save()
    at(annotate).assign("ann@example.com")
    check("a task is assigned", (at(annotate).assignee, at(annotate).status.value), ("ann@example.com", "ASSIGNED"))
    found = [task.data_title for task in annotate.get_tasks(assignee="ann@example.com")]
    check("tasks of somebody", found, ["image.png"])
    at(annotate).release()
    check("a task is released", (at(annotate).assignee, at(annotate).status.value), (None, "RELEASED"))
    at(annotate).move(destination_stage_uuid=review.uuid)
    at(review).issues.add_file_issue("look again", [])
    at(review).reject()
    check("a rejected task is back", at(annotate).status.value, "REOPENED")
    check("its issue came with it", [issue.comments[0].content for issue in at(annotate).issues.list()], ["look again"])
    at(annotate).move(destination_stage_uuid=review.uuid)
    task = at(review)
    task.approve()
    check_raises("a task that has left cannot be approved", InvalidArgumentsError, task.approve)
    check("what we approve goes to the agent", at(agent).data_title, "image.png")
    at(agent).proceed(pathway_uuid=UUID("e8000000-0000-4000-8000-000000000021"))
    check("what somebody else would get is done", "image.png" in waiting(project)["Complete"], True)
    (row,) = project.list_label_rows_v2(data_title_eq="image.png")
    check("a task that is done has no priority", row.priority, None)


def deletes(client: EncordUserClient, project_hash: str) -> None:
    client.querier.basic_delete(OrmProject, uid=project_hash)
    check_raises("a deleted project is gone", AuthorisationError, lambda: connect().get_project(project_hash))
    check("it is listed no more", [entry.title for entry in client.list_projects()], TITLES)
    check("its dataset stays", len(client.get_dataset(DATASET).data_rows), len(UNITS))
    check("its ontology stays", client.get_ontology(ONTOLOGY).ontology_hash, ONTOLOGY)
    check("the tasks of others stay", waiting(client.get_project(MAIN)), {"Agent": set(UNITS)})


def stage(project: Project, title: str) -> Any:
    return project.workflow.get_stage(name=title)


def waiting(project: Project) -> dict[str, set[str]]:
    """The titles of the data units by that of the stage. Stages without any are left out."""
    stages = connect().get_project(project.project_hash).workflow.stages
    found = {each.title: {task.data_title for task in each.get_tasks()} for each in stages}
    return {title: titles for title, titles in found.items() if titles}


if __name__ == "__main__":
    sys.exit(main())
