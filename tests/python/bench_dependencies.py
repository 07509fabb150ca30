"""What the runner of `encord-agents` needs for agents that ask for files, frames, storage items and twins, over a project
that is served: `tests/bench/dependencies.rs` has the same agents as plugins.

    python bench_dependencies.py media <folder> <photographs>
        writes what the project is made of: photographs in a usual size
    python bench_dependencies.py run <url> <key file> <project hash> <case> <tasks> [<twin hash>]
        empties the stage "Agent" and prints one line of JSON: case, tasks, seconds, tasks_per_second, peak_rss (in bytes)

The cases are item, asset, frame, sampler and twin. The seconds begin when the runner is made, so that the interpreter's start and
imports are not among them.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy
from encord.objects import LabelRowV2
from encord.storage import StorageItem
from encord_agents.core.data_model import Frame
from encord_agents.tasks import Depends, Runner
from encord_agents.tasks.dependencies import (
    Twin,
    dep_asset,
    dep_single_frame,
    dep_storage_item,
    dep_twin_label_row,
    dep_video_sampler,
)

# Of the written photographs: with quality 90, files of 0.2 to 1 MB.
WIDTH = 1920
QUALITY = 90
# Of the frames of a video.
RATE = 0.2
STAGE = "Agent"
PATHWAY = "Next"

Sampler = Callable[[float | Sequence[int]], Iterable[Frame]]


def media(folder: str, count: str) -> None:
    """Copies of the sample's photographs, one after another until there are enough."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parent.parent.parent
    encoded = []
    for file in sorted((root / "examples/sample/photos").glob("*.jpg")):
        photograph = cv2.imread(str(file))
        height = round(photograph.shape[0] * WIDTH / photograph.shape[1])
        larger = cv2.resize(photograph, (WIDTH, height), interpolation=cv2.INTER_CUBIC)
        encoded.append(cv2.imencode(".jpg", larger, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
    for number in range(int(count)):
        (Path(folder) / f"{number:06}.jpg").write_bytes(encoded[number % len(encoded)])


def run(url: str, key_file: str, project_hash: str, case: str, tasks: str, twin_hash: str = "") -> None:
    os.environ["ENCORD_DOMAIN"] = url
    os.environ["ENCORD_SSH_KEY_FILE"] = key_file
    # It would win.
    os.environ.pop("ENCORD_SSH_KEY", None)
    done = 0

    def moved() -> str:
        nonlocal done
        done += 1
        return PATHWAY

    # What the runner shows of its progress is not for the one who reads the line.
    with contextlib.redirect_stdout(sys.stderr):
        started = time.perf_counter()
        runner = Runner(project_hash=project_hash)
        agent = AGENTS[case](moved, twin_hash)
        runner.stage(STAGE)(agent)
        # No second attempt: a task that failed is seen below.
        runner(num_retries=0)
        seconds = time.perf_counter() - started
    assert done == int(tasks), f"expected {tasks} tasks, the agent ended {done} well"
    (stage,) = (stage for stage in runner.client.get_project(project_hash).workflow.stages if stage.title == STAGE)
    assert not list(stage.get_tasks()), "expected an empty stage"
    found: dict[str, Any] = {
        "case": case,
        "tasks": done,
        "seconds": seconds,
        "tasks_per_second": done / seconds,
        "peak_rss": peak_memory(),
    }
    print(json.dumps(found))


def peak_memory() -> int:
    """In bytes. `getrusage` would count what the process that started this one had."""
    with open("/proc/self/status", encoding="utf-8") as status:
        (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(peak) * 1024


def reads_item(moved: Callable[[], str], _twin_hash: str) -> Callable[..., str]:
    """The name and the client metadata."""

    def agent(item: Annotated[StorageItem, Depends(dep_storage_item)]) -> str:
        assert item.name
        assert (item.client_metadata or {})["site"] == "north"
        return moved()

    return agent


def reads_asset(moved: Callable[[], str], _twin_hash: str) -> Callable[..., str]:
    """The size of the file."""

    def agent(asset: Annotated[Path, Depends(dep_asset)]) -> str:
        assert asset.stat().st_size > 0
        return moved()

    return agent


def reads_frame(moved: Callable[[], str], _twin_hash: str) -> Callable[..., str]:
    """The mean of all samples of the first frame."""

    def agent(frame: Annotated[numpy.ndarray, Depends(dep_single_frame)]) -> str:
        assert 0 < frame.mean() < 255
        return moved()

    return agent


def samples(moved: Callable[[], str], _twin_hash: str) -> Callable[..., str]:
    """How many frames, and the mean of each."""

    def agent(sampler: Annotated[Sampler, Depends(dep_video_sampler)]) -> str:
        means = [frame.content.mean() for frame in sampler(RATE)]
        assert means and all(0 < mean < 255 for mean in means)
        return moved()

    return agent


def compares_twin(moved: Callable[[], str], twin_hash: str) -> Callable[..., str]:
    """How many objects either row has."""

    def agent(row: LabelRowV2, twin: Annotated[Twin | None, Depends(dep_twin_label_row(twin_hash))]) -> str:
        assert twin is not None
        assert len(row.get_object_instances()) < len(twin.label_row.get_object_instances())
        return moved()

    return agent


AGENTS = {
    "item": reads_item,
    "asset": reads_asset,
    "frame": reads_frame,
    "sampler": samples,
    "twin": compares_twin,
}


if __name__ == "__main__":
    {"media": media, "run": run}[sys.argv[1]](*sys.argv[2:])
