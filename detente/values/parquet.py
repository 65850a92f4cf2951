"""A table as a Parquet file: exact decimals, whole numbers, flags and text.

Owns: writing one, where pyarrow is installed. Not here: which columns a table has, and reading one (``sheet``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

DIGITS, PLACES = 38, 9
"""Of an exact number: whole billionths."""


def as_parquet(
    rows: Sequence[Mapping[str, Any]],
    *,
    columns: Sequence[str] = (),
    exact: Collection[str] = (),
    whole: Collection[str] = (),
    flags: Collection[str] = (),
) -> bytes | None:
    """Rows as a Parquet file, or None where pyarrow is not installed.

    Parameters
    ----------
    rows
        Alike; their keys are the columns. Where there may be none, ``columns`` says which.
    exact, whole, flags
        Columns of decimals (to the billionth), of whole numbers, of yes and no; all others are text.
    """
    names = columns or list(rows[0] if rows else ())
    by_column = {name: [row[name] for row in rows] for name in names}
    return columns_as_parquet(by_column, exact=exact, whole=whole, flags=flags)


def columns_as_parquet(
    columns: Mapping[str, Sequence[Any]],
    *,
    exact: Collection[str] = (),
    whole: Collection[str] = (),
    flags: Collection[str] = (),
) -> bytes | None:
    """The same of columns, all as long."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return None
    types = dict.fromkeys(columns, pyarrow.string())
    types |= dict.fromkeys(exact, pyarrow.decimal128(DIGITS, PLACES))
    types |= dict.fromkeys(whole, pyarrow.int32()) | dict.fromkeys(flags, pyarrow.bool_())
    table = pyarrow.table({name: pyarrow.array(each, type=types[name]) for name, each in columns.items()})
    found = pyarrow.BufferOutputStream()
    parquet.write_table(table, found)
    return bytes(found.getvalue())
