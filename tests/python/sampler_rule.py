"""Which frames `dep_video_sampler` of `encord-agents` gives, for rates and lengths of videos: the golden data of
`host/media/testdata/sampler_rule.json`.

    python sampler_rule.py > ../../host/media/testdata/sampler_rule.json

The package's own code runs, from the rate to the last frame; only the video is made up. `bits` is the rate as the 16
hexadecimal digits of a double, since not all readers of JSON read numbers to the last bit.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy
from encord.orm.storage import StorageItemType
from encord_agents.tasks import dependencies

# In the last three, neither a product with 1 / rate nor exact arithmetic gives what the quotient of two doubles does.
RATES = [1, 0.5, 0.2, 0.3, 1 / 3, 0.7, 0.999, 1 / 7, 0.1, 0.01, 1e-3, 0.55, 5 / 9, 1 / 93]
FRAMES = [1, 10, 61, 600, 1800]


def main() -> None:
    dependencies.download_asset = nothing_to_download
    lines = []
    for rate in RATES:
        for frames in FRAMES:
            cv2.VideoCapture = video_of(frames)
            case = {
                "rate": rate,
                "bits": struct.pack(">d", rate).hex(),
                "frames": frames,
                "indices": sampled(rate, frames),
            }
            lines.append(json.dumps(case, separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")


def sampled(rate: float, frames: int) -> list[int]:
    item = SimpleNamespace(item_type=StorageItemType.VIDEO, frame_count=frames)
    resolved = dependencies.dep_video_sampler(item)
    sampler = next(resolved)
    return [frame.frame for frame in sampler(rate)]


@contextmanager
def nothing_to_download(_item: object, _frame: object = None) -> Iterator[Path]:
    yield Path(__file__)


def video_of(frames: int) -> type:
    """Stands for OpenCV's reader, of a video that has so many frames and ends there."""

    class Video:
        def __init__(self, _file: str) -> None:
            self.position = 0

        def isOpened(self) -> bool:  # noqa: N802: OpenCV's name
            return True

        def set(self, what: int, position: float) -> None:
            assert what == cv2.CAP_PROP_POS_FRAMES
            self.position = int(position)

        def read(self) -> tuple[bool, numpy.ndarray | None]:
            if self.position >= frames:
                return False, None
            self.position += 1
            return True, numpy.zeros((1, 1, 3), numpy.uint8)

        def release(self) -> None:
            pass

    return Video


if __name__ == "__main__":
    main()
