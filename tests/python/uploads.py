"""Fills a local server with data through the official Python package, unmodified.

    python uploads.py http://127.0.0.1:8700 path/to/private-key <workflow-template-hash>

Needs `encord` and FFmpeg. Datasets, an ontology and a project with the workflow of the template are made; items of
each kind are uploaded, looked at, and downloaded again. Each check that fails is printed, and the exit code is then 1.
"""

import argparse
import struct
import subprocess
import sys
import tempfile
import urllib.request
import wave
from pathlib import Path

from encord import EncordUserClient
from encord.exceptions import EncordException
from encord.objects import OntologyStructure, Shape
from encord.orm.dataset import DataLinkDuplicatesBehavior, ImagesDataFetchOptions, StorageLocation
from encord.orm.storage import (
    DataGroupCarousel,
    DataGroupCustom,
    DataGroupGrid,
    DataUploadAudio,
    DataUploadImage,
    DataUploadImageGroupFromItems,
    DataUploadItems,
    StorageItemType,
)

FAILED: list[str] = []
IMAGE_SIZE = (34, 20)
VIDEO_FRAMES = 12


def check(what: str, found: object, expected: object) -> None:
    """Notes a difference and goes on, so that one run shows all of them."""
    if found != expected:
        FAILED.append(what)
        print(f"FAILED {what}\n  expected {expected!r}\n  found    {found!r}", file=sys.stderr)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("url")
    arguments.add_argument("key_file", type=Path)
    arguments.add_argument("template")
    given = arguments.parse_args()
    client = EncordUserClient.create_with_ssh_private_key(given.key_file.read_text(), domain=given.url.rstrip("/"))
    with tempfile.TemporaryDirectory() as folder:
        media = make_media(Path(folder))
        dataset = uploads_to_a_dataset(client, media)
        items = uploads_to_a_folder(client, dataset, media)
        groups(client, dataset, items)
        project = makes_a_project(client, dataset, given.template)
        rows_are_as_uploaded(project)
        files_come_back(client, dataset, media)
        grows(client, dataset, project, media)
        broken_files(client, dataset, media)
        data_rows(dataset)
        deletes(dataset, project)
    if FAILED:
        print(f"{len(FAILED)} checks failed", file=sys.stderr)
        return 1
    print("all checks passed")
    return 0


def make_media(folder: Path) -> dict[str, Path]:
    """One small file of each kind, and a few images."""
    width, height = IMAGE_SIZE
    size = f"{width}x{height}"

    def ffmpeg(source: str, name: str, *options: str) -> Path:
        path = folder / name
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *options, str(path)]
        subprocess.run(command, check=True)
        return path

    def written(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    media = {"video.mp4": ffmpeg(f"testsrc=s={size}:r=6", "video.mp4", "-frames:v", str(VIDEO_FRAMES))}
    for number, ending in enumerate(["png", "jpg", "bmp"]):
        name = f"image_{number}.{ending}"
        media[name] = ffmpeg(f"testsrc2=s={size}", name, "-ss", str(number), "-frames:v", "1")
    media["other.png"] = ffmpeg("testsrc2=s=16x16", "other.png", "-frames:v", "1")
    sound = folder / "sound.wav"
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(struct.pack("<4000h", *range(4000)))
    media["sound.wav"] = sound
    media["note.txt"] = written("note.txt", "Some text, with an ü.".encode())
    media["page.html"] = written("page.html", b"<html><body><p>Hello</p></body></html>")
    media["paper.pdf"] = written("paper.pdf", pdf(3))
    media["scan_0.dcm"] = written("scan_0.dcm", bytes(128) + b"DICM" + b"zero")
    media["scan_1.dcm"] = written("scan_1.dcm", bytes(128) + b"DICM" + b"one")
    media["brain.nii"] = written("brain.nii", struct.pack("<i", 348) + bytes(344) + b"voxels")
    media["broken.png"] = written("broken.png", b"no image at all")
    return media


def pdf(pages: int) -> bytes:
    kids = " ".join(f"{3 + page} 0 R" for page in range(pages))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>"]
    objects += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>"] * pages
    content = b"%PDF-1.4\n"
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{text}\nendobj\n".encode()
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    content += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    return content + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()


def images_of(media: dict[str, Path]) -> list[Path]:
    return [media[f"image_{number}.{ending}"] for number, ending in enumerate(["png", "jpg", "bmp"])]


def uploads_to_a_dataset(client: EncordUserClient, media: dict[str, Path]):
    """The older way: everything goes to a dataset, and to the folder behind it."""
    made = client.create_dataset("Uploads", StorageLocation.CORD_STORAGE, create_backing_folder=True)
    dataset = client.get_dataset(made.dataset_hash)
    check("a new dataset is empty", dataset.data_rows, [])
    check("a new dataset has a folder", dataset.backing_folder_uuid is not None, True)
    video = dataset.upload_video(media["video.mp4"])
    check("the video is called as its file", video["title"], "video.mp4")
    image = dataset.upload_image(media["image_0.png"], title="first image.png")
    check("the image is called as it is told", image["title"], "first image.png")
    (group,) = dataset.create_image_group(images_of(media), title="image group", create_video=False)
    check("the image group is called as it is told", group["title"], "image group")
    (sequence,) = dataset.create_image_group(images_of(media), title="image sequence")
    check("the image sequence is called as it is told", sequence["title"], "image sequence")
    series = dataset.create_dicom_series([media["scan_0.dcm"], media["scan_1.dcm"]], title="scan")
    check("the series is called as it is told", series["title"], "scan")
    dataset.refetch_data()
    found = {row.title: row.data_type.value for row in dataset.data_rows}
    expected = {
        "video.mp4": "video",
        "first image.png": "image",
        "image group": "img_group",
        "image sequence": "video",
        "scan": "dicom",
    }
    check("the dataset has what was uploaded", found, expected)
    sequences = [row.title for row in dataset.data_rows if row.is_image_sequence]
    check("a sequence is known as one", sequences, ["image sequence"])
    return dataset


def uploads_to_a_folder(client: EncordUserClient, dataset, media: dict[str, Path]) -> dict[str, object]:
    """The newer way: everything goes to a folder, and from there to the dataset that mirrors it."""
    folder = client.get_storage_folder(dataset.backing_folder_uuid)
    note = {"origin": "test", "number": 3}
    items = {
        "sound.wav": folder.upload_audio(media["sound.wav"], client_metadata=note),
        "note.txt": folder.upload_text(media["note.txt"], client_metadata=note),
        "page": folder.upload_text(media["page.html"], title="page"),
        "paper.pdf": folder.upload_pdf(media["paper.pdf"]),
        "brain.nii": folder.upload_nifti(media["brain.nii"]),
        "left": folder.upload_image(media["image_0.png"], title="left"),
        "right": folder.upload_image(media["image_1.jpg"], title="right"),
        "clip": folder.upload_video(media["video.mp4"], title="clip", client_metadata=note),
        "frames": folder.create_image_sequence(images_of(media), title="frames", client_metadata=note),
        "pictures": folder.create_image_group(images_of(media), title="pictures"),
        "slices": folder.create_dicom_series([media["scan_0.dcm"], media["scan_1.dcm"]], title="slices"),
    }
    found = {item.name: item for item in client.get_storage_items(list(items.values()))}
    check("the items are called as they are told", set(found), set(items))
    types = {name: found[name].item_type for name in items}
    check("the items are what they are", types["page"], StorageItemType.PLAIN_TEXT)
    check("HTML is known by its file", found["page"].mime_type, "text/html")
    check("a video without an ending is known", found["clip"].mime_type, "video/mp4")
    check("the client's metadata are kept", found["clip"].client_metadata, note)
    check("the client's metadata are kept of what is made of several", found["frames"].client_metadata, note)
    check("the sound is described", (found["sound.wav"].audio_sample_rate, found["sound.wav"].duration), (8000, 0.5))
    check("the clip is described", (found["clip"].width, found["clip"].height, found["clip"].frame_count),
          (*IMAGE_SIZE, VIDEO_FRAMES))
    check("the sequence is described", (found["frames"].width, found["frames"].height, found["frames"].frame_count),
          (*IMAGE_SIZE, 3))
    for name, names in [
        ("frames", ["image_0.png", "image_1.jpg", "image_2.bmp"]),
        ("pictures", ["image_0.png", "image_1.jpg", "image_2.bmp"]),
        ("slices", ["scan_0.dcm", "scan_1.dcm"]),
    ]:
        check(f"the parts of {name} are in order", [part.name for part in found[name].get_child_items()], names)
    dataset.refetch_data()
    units = {row.backing_item_uuid for row in dataset.data_rows}
    check("the dataset that mirrors the folder has all of them", set(items.values()) <= units, True)

    made = DataUploadImageGroupFromItems(
        image_items=[items["left"], items["right"]], title="from items", create_video=False
    )
    job = folder._add_data(None, DataUploadItems(image_groups_from_items=[made]))
    group = client.get_storage_item(job.items_with_names[0].item_uuid)
    check("a group of items has the items", [part.uuid for part in group.get_child_items()],
          [items["left"], items["right"]])
    left = client.get_storage_item(items["left"])
    uses = left.get_summary()
    check("an item knows what it is a part of", [whole.uuid for whole in uses.accessible_group_items], [group.uuid])
    check("an item knows its dataset", [used.dataset_hash for used in uses.accessible_datasets], [dataset.dataset_hash])
    summary = folder.get_summary()
    check("the folder's items are counted", (summary.videos, summary.audios, summary.pdfs, summary.image_sequences),
          (2, 1, 1, 2))
    return items


def groups(client: EncordUserClient, dataset, items: dict) -> None:
    folder = client.get_storage_folder(dataset.backing_folder_uuid)
    parts = [items["left"], items["clip"], items["note.txt"], items["sound.wav"], items["paper.pdf"], items["slices"]]
    layout = {
        "direction": "row",
        "first": {"type": "data_unit", "key": "one"},
        "second": {"type": "data_unit", "key": "two"},
        "splitPercentage": 40,
    }
    custom = DataGroupCustom(
        name="custom", layout_contents={"two": items["right"], "one": items["left"]}, layout=layout,
        settings={"tileSettings": {"one": {"title": "One"}}}, client_metadata={"camera": "both"},
    )
    made = folder.create_data_groups([
        DataGroupGrid(name="grid", layout_contents=parts),
        DataGroupCarousel(name="carousel", layout_contents=[items["left"], items["page"]]),
        custom,
        [items["right"], items["brain.nii"]],
    ])
    grid, carousel, keyed, plain = client.get_storage_items(made)
    check("groups are called as they are told", [grid.name, carousel.name, keyed.name], ["grid", "carousel", "custom"])
    check("a group has a name", plain.name != "", True)
    check("a group has the items that were given", [part.uuid for part in grid.get_child_items()], parts)
    check("a custom group keeps its order", [part.uuid for part in keyed.get_child_items()],
          [items["right"], items["left"]])
    check("a group keeps the client's metadata", keyed.client_metadata, {"camera": "both"})
    info = keyed.get_summary().data_group
    check("a layout keeps its keys", {key: child.uuid for key, child in info.layout_contents.items()},
          custom.layout_contents)
    check("a layout is kept", (info.layout.direction, info.layout.first.key, info.layout.split_percentage),
          ("row", "one", 40.0))
    check("settings are kept", info.layout_settings.tile_settings["one"].title, "One")


def makes_a_project(client: EncordUserClient, dataset, template: str):
    structure = OntologyStructure()
    structure.add_object("Thing", Shape.BOUNDING_BOX)
    ontology = client.create_ontology("Uploads", structure=structure)
    made = client.create_project(
        "Uploads", [dataset.dataset_hash], ontology_hash=ontology.ontology_hash, workflow_template_hash=template
    )
    return client.get_project(made)


def rows_are_as_uploaded(project) -> None:
    rows = {row.data_title: row for row in project.list_label_rows_v2()}
    found = {title: (row.data_type.value, row.width, row.height) for title, row in rows.items()}
    for title, expected in {
        "video.mp4": ("video", *IMAGE_SIZE),
        "first image.png": ("image", *IMAGE_SIZE),
        "image sequence": ("video", *IMAGE_SIZE),
        "frames": ("video", *IMAGE_SIZE),
        "left": ("image", *IMAGE_SIZE),
    }.items():
        check(f"{title} has its type and size", found.get(title), expected)
    types = {
        "image group": "img_group", "pictures": "img_group", "from items": "img_group", "scan": "dicom",
        "slices": "dicom", "brain.nii": "nifti", "paper.pdf": "pdf", "note.txt": "plain_text", "page": "plain_text",
        "sound.wav": "audio", "grid": "group", "custom": "group", "carousel": "group",
    }
    for title, expected in types.items():
        check(f"{title} has its type", found.get(title, [None])[0], expected)
    for title, expected in [
        ("video.mp4", VIDEO_FRAMES), ("image group", 3), ("image sequence", 3), ("paper.pdf", 3), ("scan", 2),
    ]:
        check(f"{title} has its frames", rows[title].number_of_frames, expected)
    for row in rows.values():
        row.initialise_labels()
    spaces = {space.metadata.layout_key for space in rows["custom"].get_spaces()}
    check("the spaces of a group have its keys", spaces, {"one", "two"})
    check("a group has a space for each part", len(list(rows["grid"].get_spaces())), 6)
    thing = project.ontology_structure.objects[0]
    check("labels can be saved", len(rows["frames"].get_object_instances()), 0)
    from encord.objects.coordinates import BoundingBoxCoordinates

    instance = thing.create_instance()
    instance.set_for_frames(BoundingBoxCoordinates(height=0.5, width=0.5, top_left_x=0, top_left_y=0), 2)
    rows["frames"].add_object_instance(instance)
    rows["frames"].save()


def download(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def files_come_back(client: EncordUserClient, dataset, media: dict[str, Path]) -> None:
    folder = client.get_storage_folder(dataset.backing_folder_uuid)
    of_title = {"clip": "video.mp4", "first image.png": "image_0.png", "left": "image_0.png", "right": "image_1.jpg",
                "page": "page.html"}
    compared = 0
    for item in folder.list_items(get_signed_urls=True):
        whole = item.item_type in (StorageItemType.IMAGE_GROUP, StorageItemType.DICOM_SERIES)
        for file in item.get_child_items(get_signed_urls=True) if whole else [item]:
            name = of_title.get(file.name, file.name)
            if name in media:
                check(f"{name} comes back", download(file.get_signed_url()), media[name].read_bytes())
                check(f"{name} has its size", file.file_size, media[name].stat().st_size)
                compared += 1
    check("files were compared", compared, 22)


def grows(client: EncordUserClient, dataset, project, media: dict[str, Path]) -> None:
    """What comes later becomes tasks of the projects that are there."""
    before = {row.data_title for row in project.list_label_rows_v2()}
    dataset.upload_image(media["other.png"])
    after = {row.data_title for row in project.list_label_rows_v2()}
    check("an upload becomes a task", after - before, {"other.png"})
    # Another dataset has the same item, and the project with it has the task.
    linked = client.create_dataset("Linked", StorageLocation.CORD_STORAGE, create_backing_folder=False)
    linked = client.get_dataset(linked.dataset_hash)
    item = next(row.backing_item_uuid for row in dataset.list_data_rows(title_eq="left"))
    rows = linked.link_items([item])
    check("an item is linked", [row.title for row in rows], ["left"])
    check("an item is not linked twice", linked.link_items([item]), [])
    twice = linked.link_items([item], duplicates_behavior=DataLinkDuplicatesBehavior.DUPLICATE)
    check("an item is linked twice when asked for", [row.uid != rows[0].uid for row in twice], [True])
    folder = client.create_storage_folder("Apart")
    linked.upload_image(media["other.png"], folder=folder)
    check("an upload goes to the folder that is named", [item.name for item in folder.list_items()], ["other.png"])
    check("and to the dataset", len(linked.list_data_rows()), 3)


def broken_files(client: EncordUserClient, dataset, media: dict[str, Path]) -> None:
    before = len(dataset.list_data_rows())
    try:
        dataset.upload_image(media["broken.png"])
        check("a broken image is refused", "accepted", "refused")
    except EncordException as error:
        check("the error names the file", "broken.png" in str(error), True)
    try:
        dataset.create_image_group([media["image_0.png"], media["other.png"]])
        check("a sequence of two sizes is refused", "accepted", "refused")
    except EncordException as error:
        check("the error says why", "one size" in str(error), True)
    check("nothing was added", len(dataset.list_data_rows()), before)
    folder = client.create_storage_folder("Some")
    places = folder._get_upload_signed_urls(StorageItemType.IMAGE, 2)
    for place, name in zip(places, ["image_0.png", "broken.png"]):
        folder._upload_local_file(media[name], name, StorageItemType.IMAGE, place.signed_url)
    images = [
        DataUploadImage(object_url=place.object_key, placeholder_item_uuid=place.item_uuid, title=title)
        for place, title in zip(places, ["good", "bad"])
    ]
    wanted = DataUploadItems(images=images, audio=[DataUploadAudio(object_url="s3://elsewhere/sound.wav")])
    job = folder._add_data_to_folder_get_result(folder._add_data_to_folder_start(None, wanted))
    check("one broken file spoils the job", (job.status.value, job.units_done_count, job.units_error_count),
          ("ERROR", 0, 2))
    check("and nothing is added", list(folder.list_items()), [])
    job = folder._add_data(None, wanted, ignore_errors=True)
    check("unless errors are ignored", (job.status.value, job.units_done_count, job.units_error_count), ("DONE", 1, 2))
    check("the errors are told", len(job.unit_errors), 2)
    check("the good one is added", [item.uuid for item in folder.list_items()], [places[0].item_uuid])


def data_rows(dataset) -> None:
    row = dataset.list_data_rows(title_eq="note.txt")[0]
    row.refetch_data(signed_url=True, client_metadata=True)
    check("a data row has the client's metadata", dict(row.client_metadata), {"origin": "test", "number": 3})
    check("a data row has a URL", download(row.signed_url).startswith(b"Some text"), True)
    row.title = "other note.txt"
    row.client_metadata = {"changed": True}
    row.save()
    again = dataset.list_data_rows(title_eq="other note.txt")[0]
    again.refetch_data(client_metadata=True)
    check("a data row is changed", dict(again.client_metadata), {"changed": True})
    check("a data unit is renamed", dataset._client.update_data_item(row.uid, "note.txt"), True)
    group = dataset.list_data_rows(title_eq="image group")[0]
    group.refetch_data(images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True))
    check("a data row has its images", [image.title for image in group.images_data],
          ["image_0.png", "image_1.jpg", "image_2.bmp"])


def deletes(dataset, project) -> None:
    rows = {row.title: row for row in dataset.list_data_rows()}
    gone = ["frames", "grid", "image group"]
    dataset.delete_data([rows[title].uid for title in gone])
    left = {row.title for row in dataset.list_data_rows()}
    check("deleted data are gone", set(rows) - left, set(gone))
    tasks = {row.data_title for row in project.list_label_rows_v2()}
    check("and so are their tasks", tasks & set(gone), set())


if __name__ == "__main__":
    sys.exit(main())
