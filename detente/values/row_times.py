"""When a row is: the times of a column, read to the microsecond.

Owns: dates and numbers as times, and their unit. Not here: the rest of a row (``trace``, ``table``), and hours
folded together (``pattern``).

Times are UTC; one without a zone is taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Self

from detente.values.period import FIRST, moment
from detente.values.sheet import UNREADABLE, Sheet, atto, number_remedy, shown

LATEST = 7_258_118_400_000_000  # 2200-01-01

_EPOCH, _MICROSECOND = moment(FIRST), timedelta(microseconds=1)
_DATES_FROM = 10**15  # microseconds: numbers from 2001-09-09 on are dates, smaller ones are counted from zero
_UNITS = {"s": Fraction(10**6), "ms": Fraction(1000), "us": Fraction(1), "ns": Fraction(1, 1000)}


@dataclass(frozen=True)
class TimestampReader:
    """How the times of a column are read, to microseconds: since 1970 (``dates``), or perhaps zero."""

    read: Callable[[Any], int]
    dates: bool

    @classmethod
    def of(cls, sheet: Sheet, row: int, at: int, first: Any, unit: str | None) -> Self:
        """The clock of a column, from the first of its times. Raises FlawError where that lacks a unit."""
        if at in sheet.moments:
            return cls(_counted("us"), True)
        if isinstance(first, str) and not re.fullmatch(
            r"\s*-?[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?\s*", first, re.IGNORECASE
        ):
            return cls(_dated, True)
        if unit is None:
            try:
                size = atto(first) // 10**18
            except UNREADABLE:
                size = 0
            unit = {10: "s", 13: "ms", 16: "us", 19: "ns"}.get(len(str(size)))  # 2001 to 2286
        if unit is None:
            sheet.stop(f"{shown(first)} is a time without its unit", "add `unit: s`, `ms`, `us` or `ns`", row, at + 1)
        return cls(_counted(unit), False)

    def from_zero(self, last: int) -> bool:
        """Whether times count from zero instead of 1970, where ``last`` is the last of them."""
        return not self.dates and last < _DATES_FROM

    def explain(
        self,
        sheet: Sheet,
        row: int,
        at: Sequence[int],
        values: Sequence[Any],
        number: Callable[[Any], int] = atto,
        meant: str = "a number from 0 to 1e24",
    ) -> None:
        """Note which of a row's values cannot be read: a time, then numbers."""
        for column, value in zip(at, values, strict=True):
            time = column == at[0]
            try:
                (self.read if time else number)(value)
            except UNREADABLE:
                wanted = "a time from 1970 to 2200" if time else meant
                remedy = "write for example `2026-01-31T13:45:00Z`" if time else number_remedy(value)
                sheet.wrong(row, column, f"{shown(value)} in {shown(sheet.columns[column])} is not {wanted}", remedy)


def _dated(value: str) -> int:
    at = datetime.fromisoformat(value.strip())
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return _within((at - _EPOCH) // _MICROSECOND)


def _within(at: int) -> int:
    if not 0 <= at < LATEST:
        raise ValueError(at)
    return at


def _counted(unit: str) -> Callable[[Any], int]:
    up, down = _UNITS[unit].as_integer_ratio()

    def read(value: Any) -> int:
        if type(value) is int:
            return _within(value * up // down)
        return _within(atto(value) * up // (down * 10**18))

    return read
