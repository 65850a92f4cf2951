"""Files and rows of bills that a command was given twice, for people and for programs.

Owns: how they are told. Not here: finding them (``ledger.bills``).
"""

from __future__ import annotations

from detente.errors import MAX_SHOWN, printable
from detente.ledger.bills.bill_files import BillCopies
from detente.report.ledger.journal import Print
from detente.report.numerals import count


def copies_view(copies: BillCopies, out: Print, warn: Print) -> None:
    """A line for each file, and one for all rows; what may count twice goes to ``warn``."""
    for file, of in copies.files[:MAX_SHOWN]:
        out(printable(f"{file} holds the same as {of}: it counts once"))
    if len(copies.files) > MAX_SHOWN:
        out(f"and {len(copies.files) - MAX_SHOWN:,} more")
    if copies.first is not None:
        rows = count(copies.rows, "row")
        row, line = copies.first
        out(printable(f"{rows} of lines that another file has, too, by the provider's id: the first, {row}, is {line}"))
    for file, many in copies.likely[:MAX_SHOWN]:
        each = "its one row" if many == 1 else f"each of its {many:,} rows"
        remedy = "if it is a copy, leave it out, and read what is on these books into a new ledger"
        warn(printable(f"{file}: {each} is like one of another file, and all of them count; {remedy}"))
    if len(copies.likely) > MAX_SHOWN:
        warn(f"and {len(copies.likely) - MAX_SHOWN:,} more")


def copies_json(copies: BillCopies) -> dict[str, object]:
    """The same as members of a document."""
    files = [{"file": str(file), "of": str(of)} for file, of in copies.files]
    likely = [{"file": str(file), "rows": rows} for file, rows in copies.likely]
    return {"copies": files, "copied": copies.rows, "likely-copies": likely}
