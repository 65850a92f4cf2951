"""A FOCUS file: rows under columns, as CSV, whole or not at all. Not here: which rows and columns."""

from __future__ import annotations

import csv
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from detente.values.file import whole_file


def save_rows(path: Path, columns: Sequence[str], rows: Generator[Mapping[str, str], None, None]) -> int:
    """Write rows, each as it comes; what one does not state is left empty. How many there were.

    Raises OSError; what the rows are read from is let go of then.
    """
    count = 0
    with closing(rows), whole_file(path) as out:
        writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
