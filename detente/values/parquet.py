"""A table as a Parquet file: exact decimals, whole numbers, flags and text.

Owns: writing one, where pyarrow is installed. Not here: which columns a table has, and reading one (``sheet``).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from detente.values.money import whole_nanos

DIGITS, PLACES = 38, 9
"""Of an exact number: whole billionths."""

NONE = Decimal(0)


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
        Columns of decimals (to the billionth, or as whole billionths), of whole numbers, of yes and no; all others are
        text. Any may lack a value.

    Raises
    ------
    ValueError
        For a decimal that is no whole number of billionths.
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
    kinds = {
        name: "exact" if name in exact else "whole" if name in whole else "flag" for name in (*exact, *whole, *flags)
    }
    arrays = {name: _array(pyarrow, each, kinds.get(name, "text")) for name, each in columns.items()}
    found = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(arrays), found)
    return bytes(found.getvalue())


def _array(pyarrow: Any, values: Sequence[Any], kind: str) -> Any:
    """A column as Arrow lays it out. From Python's values pyarrow makes one itself, but imports pandas first: 0.3 s."""
    there = [each is not None for each in values]
    buffers = [None if all(there) else _bits(there)]
    if kind == "text":
        texts = [(each or "").encode() for each in values]
        of, more = pyarrow.string(), [array("i", accumulate(map(len, texts), initial=0)), b"".join(texts)]
    elif kind == "exact":
        numbers = (each if isinstance(each, int) else whole_nanos(each or NONE) for each in values)
        of, more = (
            pyarrow.decimal128(DIGITS, PLACES),
            [b"".join(n.to_bytes(16, "little", signed=True) for n in numbers)],
        )
    elif kind == "whole":
        of, more = pyarrow.int32(), [array("i", (each or 0 for each in values))]
    else:
        of, more = pyarrow.bool_(), [_bits(values)]
    each = [part if part is None else pyarrow.py_buffer(part) for part in (*buffers, *more)]
    return pyarrow.Array.from_buffers(of, len(values), each)


def _bits(flags: Sequence[bool | None]) -> bytes:
    """One bit each, the first the lowest of the first byte."""
    text = "".join("1" if flag else "0" for flag in reversed(flags))
    return int(text or "0", 2).to_bytes((len(flags) + 7) // 8, "little")
