"""Linear expressions over a program's columns, and the rows that they make.

Owns: ``Expr`` and its arithmetic. Not here: where its entries end up (``matrix``), and what any column means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.reach.window import Window

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def dot(one: Floats, other: Floats) -> float:
    """The sum of products, always rounded alike: ``@`` cuts long ones among threads, as many as are free."""
    return float((one * other).sum())


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a sheet of columns, in order, each with a column a period: all that an arc has, without listing it."""

    first: int  # column of the sheet
    width: int
    index: NDArray[np.int64]  # of each line in the sheet

    @classmethod
    def of(cls, sheet: Ints, index: Any) -> Lines:
        """Some lines of a block of columns."""
        return cls(int(sheet[0, 0]) if sheet.size else 0, sheet.shape[1], np.asarray(index, dtype=np.int64))

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first column of each line."""
        return self.first + self.index * self.width

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last column."""
        low, high = int(self.index[0]), int(self.index[-1])
        return self.first + low * self.width, self.first + (high + 1) * self.width - 1

    def over(self, by_column: NDArray[Any], offset: int = 0) -> NDArray[Any]:
        """The sheet's part, by line and period, of an array that has a number for each column from ``offset`` on."""
        first, last = self.first - offset, self.span[1] + 1 - offset
        return by_column[first:last].reshape(-1, self.width)

    @property
    def columns(self) -> Ints:
        """Their numbers, by line and period."""
        return (self.starts[:, np.newaxis] + np.arange(self.width)).astype(np.int32)


Part = tuple[Ints | None, Ints | Lines, Any]
"""Rows (None: each once, in order), columns and values of some entries. The three broadcast together, so that a block
of arcs and periods needs neither its rows nor a common value repeated: one value for each arc, or one for all."""


def broadcast(part: Part) -> tuple[Ints, Ints, Floats]:
    """A part with a row, a column and a value for each entry."""
    rows, columns, values = part
    columns = columns.columns if isinstance(columns, Lines) else columns
    rows = np.arange(columns.shape[-1], dtype=np.int32) if rows is None else rows
    r, c, v = np.broadcast_arrays(rows, columns, values)
    return r, c, v


def _floats(given: Any) -> Floats:
    values = [float(v) for v in given] if isinstance(given, list | tuple) else given
    return np.asarray(values, dtype=np.float64)


def _other_rows(one: int, other: int) -> str:
    what = f"an expression has {one} rows, one a window, and what meets it has {other}"
    return f"{what}; write one amount for each window"


class Expr:
    """Linear expressions over a program's columns, one a row, with constants.

    ``windows`` and ``unit`` say what its rows are about: when each holds, and in what it counts (a currency, a unit of
    work). Arithmetic hands on those of the left side, so that a row knows them without its clause.
    """

    __slots__ = ("constant", "n", "parts", "unit", "windows")

    def __init__(
        self,
        n: int,
        parts: list[Part] | None = None,
        constant: Floats | float = 0.0,
        windows: tuple[Window, ...] = (),
        unit: str = "",
    ) -> None:
        self.n, self.parts, self.constant = n, parts or [], constant
        self.windows, self.unit = windows, unit

    @classmethod
    def of(cls, columns: Ints) -> Expr:
        """Each column by itself, one a row."""
        n = len(columns)
        if n and (columns[1:] - columns[:-1] == 1).all():
            return cls(n, [(None, Lines(int(columns[0]), n, np.zeros(1, dtype=np.int64)), 1.0)])
        return cls(n, [(None, columns, 1.0)])

    def _each(self, amounts: Any) -> Floats:
        """Amounts, one for all rows or one for each. Raises ValueError for another number of them."""
        found = _floats(amounts)
        if found.ndim and len(found) != self.n:
            raise ValueError(_other_rows(self.n, len(found)))
        return found

    def _with(self, parts: list[Part], constant: Floats | float, other: Any = None) -> Expr:
        windows, unit = self.windows, self.unit
        if not unit and isinstance(other, Expr):
            windows, unit = other.windows, other.unit
        return Expr(self.n, parts, constant, windows, unit)

    def __add__(self, other: Any) -> Expr:
        if isinstance(other, Expr):
            if other.n != self.n:
                raise ValueError(_other_rows(self.n, other.n))
            return self._with([*self.parts, *other.parts], self.constant + other.constant, other)
        return self._with(self.parts, self.constant + self._each(other))

    def __sub__(self, other: Any) -> Expr:
        if isinstance(other, Expr):
            return self + other * -1
        return self._with(self.parts, self.constant - self._each(other))

    def __mul__(self, factor: Fraction | float | Sequence[Fraction]) -> Expr:
        """Every row times a number, or each times its own."""
        if isinstance(factor, Sequence):
            each = self._each(list(factor))
            entries = [(r.ravel(), c.ravel(), v.ravel()) for r, c, v in map(broadcast, self.parts)]
            return self._with([(r, c, v * each[r]) for r, c, v in entries], self.constant * each)
        by = float(factor)
        return self._with([(r, c, v * by) for r, c, v in self.parts], self.constant * by)

    def lag(self) -> Expr:
        """The previous row's expression; zero in the first."""
        parts: list[Part] = []
        for part in self.parts:
            r, c, v = broadcast(part)
            keep = r < self.n - 1
            parts.append((r[keep] + 1, c[keep], v[keep]))
        return self._with(parts, 0.0)

    def at(self, values: Floats) -> Floats:
        """What each row comes to where every column has a value."""
        found = np.zeros(self.n) + self.constant
        for part in self.parts:
            rows, columns, each = broadcast(part)
            np.add.at(found, rows, each * values[columns])
        return found

    def like(self, other: Any) -> Expr:
        """The same, with the windows and the unit of another."""
        return Expr(self.n, self.parts, self.constant, other.windows, other.unit)

    def gather(self, rows: Sequence[int], n: int) -> Expr:
        """Its rows added up into n others: ``rows`` says into which each goes, -1 into none; without constants."""
        into = np.array(rows, dtype=np.int32)
        parts: list[Part] = []
        for part in self.parts:
            r, c, v = broadcast(part)
            keep = into[r] >= 0
            parts.append((into[r][keep], c[keep], v[keep]))
        return Expr(n, parts, unit=self.unit)

    def __ge__(self, other: Any) -> Rows:
        return Rows(self - other, 0.0, np.inf)

    def __le__(self, other: Any) -> Rows:
        return Rows(self - other, -np.inf, 0.0)

    def __eq__(self, other: Any) -> Rows:  # type: ignore[override]
        return Rows(self - other, 0.0, 0.0)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Rows:
    """Rows that must hold: lower ≤ expression ≤ upper."""

    expr: Expr
    lower: float
    upper: float
