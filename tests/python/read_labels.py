"""Reads all label rows of a project.

    python read_labels.py <project-hash> <output.json>

The output has the canonical form of each row, its priority, and the document that the SDK would save.
"""

import sys

import canonical
from checks import finish, rows_of, write


def main() -> int:
    project_hash, output = sys.argv[1:]
    rows = rows_of(project_hash)
    written = {
        title: {
            "labels": canonical.label_row(row),
            "priority": row.priority,
            "document": row.to_encord_dict(),
        }
        for title, row in rows.items()
    }
    write(output, written)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
