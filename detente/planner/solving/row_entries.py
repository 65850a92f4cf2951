"""Parts of a block of rows, settled: entries without zeros, of which no two have the same place.

Owns: adding up what may coincide. Not here: parts as clauses give them (``expression``), and where they end up
(``matrix``).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from detente.planner.formulation.expression import Ints, Lines, Part, broadcast

DENSE = 8
"""Entries that may coincide are added up in a full array where it is at most so many times as large as they are."""


def added_up(parts: Sequence[Part], n: int) -> list[Part]:
    """Parts by column, without zeros: each by itself where it lies apart from all others, else added up."""
    parts = [part for part in map(_without_zeros, parts) if part is not None]
    if len(parts) < 2:
        return [part if rises(part[1]) else _merged([part], n) for part in parts]
    found: list[Part] = []
    together: list[Part] = []
    end = -1
    for (first, last), part in sorted(((_span(part[1]), part) for part in parts), key=itemgetter(0)):
        if together and first > end:
            found.append(_together(together, n))
            together = []
        together.append(part)
        end = max(end, last)
    return [*found, _together(together, n)]


def _together(parts: list[Part], n: int) -> Part:
    if len(parts) > 1:
        return _lines_added(parts) or _merged(parts, n)
    return parts[0] if rises(parts[0][1]) else _merged(parts, n)


def _lines_added(parts: Sequence[Part]) -> Part | None:
    """Lines of one sheet over the same rows, added up; None where it is not as simple as that."""
    rows, one, _ = parts[0]
    if not isinstance(one, Lines) or (rows is not None and rows.ndim > 1):
        return None
    for other_rows, other, _ in parts[1:]:
        if not isinstance(other, Lines) or (other.first, other.width) != (one.first, one.width):
            return None
        if other_rows is not rows and (rows is None or other_rows is None or not np.array_equal(rows, other_rows)):
            return None
    total = np.zeros((max(int(lines.index[-1]) for _, lines, _ in parts if isinstance(lines, Lines)) + 1, one.width))
    for _, lines, values in parts:
        assert isinstance(lines, Lines)
        total[lines.index] += values  # a part has a line once
    there = total != 0
    some = there.any(axis=1)
    if not some.any() or not there[some].all():
        return None
    return rows, Lines(one.first, one.width, np.flatnonzero(some)), total if some.all() else total[some]


def rises(columns: Ints | Lines) -> bool:
    """Whether each column comes once, in order."""
    if isinstance(columns, Lines):
        return True
    flat = columns.ravel()
    return bool((flat[1:] > flat[:-1]).all())


def _span(columns: Ints | Lines) -> tuple[int, int]:
    return columns.span if isinstance(columns, Lines) else (int(columns.min()), int(columns.max()))


def _without_zeros(part: Part) -> Part | None:
    _, columns, values = part
    if not (len(columns.index) if isinstance(columns, Lines) else columns.size):
        return None
    if values if isinstance(values, float) else values.all():
        return part
    r, c, v = broadcast(part)
    keep = v != 0
    return (r[keep], c[keep], v[keep]) if keep.any() else None


def _merged(parts: Sequence[Part], n: int) -> Part:
    """One part, by column and row, with entries at the same place added up."""
    first = min(columns.first if isinstance(columns, Lines) else int(columns.min()) for _, columns, _ in parts)
    size = (max(_span(columns)[1] for _, columns, _ in parts) - first + 1) * n
    if size > DENSE * sum(broadcast(part)[1].size for part in parts):
        keys = np.concatenate([_keys(part, first, n) for part in parts])
        places, same = np.unique(keys, return_inverse=True)
        values = np.concatenate([broadcast(part)[2].ravel() for part in parts])
        total = np.bincount(same, weights=values).astype(np.float64, copy=False)
        places, total = places[total != 0], total[total != 0]
    else:
        every = np.zeros(size)
        for part in parts:
            _, columns, _ = part
            if n == 1 and isinstance(columns, Lines):
                columns.over(every, first)[columns.index] += part[2]
            else:
                np.add.at(every, _keys(part, first, n), broadcast(part)[2].ravel())
        places = np.flatnonzero(every)
        total = every[places]
    column, row = (places, np.zeros(1)) if n == 1 else np.divmod(places, n)
    return row.astype(np.int32), (column + first).astype(np.int32), total


def _keys(part: Part, first: int, n: int) -> NDArray[np.int64]:
    """A number for each place, by column and then by row."""
    rows, columns, _ = broadcast(part)
    return ((columns.astype(np.int64) - first) * n + rows).ravel()
