"""What the scripts share: notes differences, connects, and leaves out what the server sets by itself."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from encord import EncordUserClient
from encord.objects import LabelRowV2

FAILED: list[str] = []

# What the server sets at each save.
VOLATILE = {"last_edited_at", "created_at", "createdBy", "lastEditedBy", "label_status"}


def check(what: str, found: object, expected: object) -> None:
    """Notes a difference and goes on, so that one run shows all of them."""
    if found != expected:
        note(what, f"  expected {expected!r}\n  found    {found!r}")


def check_raises(what: str, expected: type[Exception], action: Callable[[], object]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001: whatever it is, it is compared
        check(what, type(error), expected)
    else:
        check(what, "no exception", expected)


def check_same(what: str, found: Any, expected: Any) -> None:
    """The same for large values: only the places that differ are shown."""
    for place, one, other in differences(found, expected):
        note(f"{what}, at {place or 'the top'}", f"  expected {other!r}\n  found    {one!r}")


def note(what: str, difference: str) -> None:
    FAILED.append(what)
    print(f"FAILED {what}\n{difference}", file=sys.stderr)


def differences(found: Any, expected: Any, place: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = list(expected) + [key for key in found if key not in expected]
        parts = [
            differences(found.get(key, "nothing"), expected.get(key, "nothing"), f"{place}/{key}") for key in keys
        ]
        return [part for several in parts for part in several]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        parts = [
            differences(one, other, f"{place}/{index}")
            for index, (one, other) in enumerate(zip(found, expected, strict=True))
        ]
        return [part for several in parts for part in several]
    return [] if found == expected else [(place, found, expected)]


def finish() -> int:
    """The exit code."""
    if FAILED:
        print(f"{len(FAILED)} checks failed", file=sys.stderr)
        return 1
    return 0


def connect() -> EncordUserClient:
    """A new client of the server that the variables name, as the agents' runners make one."""
    key = Path(os.environ["ENCORD_SSH_KEY_FILE"]).read_text()
    return EncordUserClient.create_with_ssh_private_key(key, domain=os.environ["ENCORD_DOMAIN"])


def rows_of(project_hash: str) -> dict[str, LabelRowV2]:
    """All rows of a project by their titles, read by a new client."""
    project = connect().get_project(project_hash)
    rows = project.list_label_rows_v2(include_client_metadata=True)
    with project.create_bundle() as bundle:
        for row in rows:
            row.initialise_labels(bundle=bundle)
    return {row.data_title: row for row in rows}


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: comparable(entry) for key, entry in value.items() if key not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [comparable(entry) for entry in value]
    return value


def write(path: str, value: object) -> None:
    """For the test, which compares it with what the host has."""
    Path(path).write_text(json.dumps(value))
