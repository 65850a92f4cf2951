"""A table as a Parquet file: exact decimals, whole numbers, flags and text.

Owns: writing one, where pyarrow is installed. Not here: which columns a table has, and reading one (``sheet``).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from detente.values.quantity import WIDE

DIGITS, PLACES = 38, 9
"""Of an exact number: whole billionths."""

ZERO = Decimal(0)


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
    kinds: dict[str, Callable[[Sequence[Any]], Any]] = dict.fromkeys(columns, _texts)
    kinds |= dict.fromkeys(exact, _decimals) | dict.fromkeys(whole, _numbers) | dict.fromkeys(flags, _flags)
    arrays = [kinds[name](each) for name, each in columns.items()]
    found = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(arrays, names=list(columns)), found)
    return bytes(found.getvalue())


# -- columns as Arrow lays them out: `pyarrow.array` would load pandas first, where that is installed -----------------
def _texts(values: Sequence[str | None]) -> Any:
    import pyarrow

    written = ["" if value is None else value for value in values]
    each = [text.encode() for text in written]
    ends = array("q", accumulate(map(len, each), initial=0))
    return _laid_out(pyarrow.large_string(), values, ends, b"".join(each)).cast(pyarrow.string())


def _decimals(values: Sequence[Decimal | None]) -> Any:
    import pyarrow

    data = b"".join(_nanos(value or ZERO).to_bytes(16, "little", signed=True) for value in values)
    return _laid_out(pyarrow.decimal128(DIGITS, PLACES), values, data)


def _nanos(value: Decimal) -> int:
    scaled = value.scaleb(PLACES, WIDE)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more than {PLACES} places")
    return whole


def _numbers(values: Sequence[int | None]) -> Any:
    import pyarrow

    return _laid_out(pyarrow.int32(), values, array("i", [value or 0 for value in values]))


def _flags(values: Sequence[bool | None]) -> Any:
    import pyarrow

    return _laid_out(pyarrow.bool_(), values, _bits(bool(value) for value in values))


def _laid_out(kind: Any, values: Sequence[Any], *buffers: Any) -> Any:
    import pyarrow

    there = _bits(value is not None for value in values) if None in values else None
    given = [None if each is None else pyarrow.py_buffer(each) for each in (there, *buffers)]
    return pyarrow.Array.from_buffers(kind, len(values), given)


def _bits(each: Iterable[bool]) -> bytes:
    flags = list(each)
    found = bytearray((len(flags) + 7) // 8)
    for at, flag in enumerate(flags):
        found[at // 8] |= flag << at % 8
    return bytes(found)
