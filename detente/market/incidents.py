"""A file of incidents: when something was out, and for how long.

Owns: its columns and rows, the rate and lengths that they come to, and how much of a time it was there. Not here: what
was out (``case.risk``, ``terms.service_credit``), and drawing (``outcomes.draws.draws``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.values.micros import DAY, MINUTE, micros
from detente.values.noun import Noun, Title
from detente.values.period import Day, moment
from detente.values.row_times import TimestampReader
from detente.values.sheet import UNREADABLE, File, Sheet, atto, shown

PLACES = Decimal("0.000001")
YEAR = Decimal("365.25") * 24
"""Hours."""


class IncidentColumns(Noun):
    """Which columns are what: when it began; and when it ended, or how many minutes it took."""

    start: Title = Field(description="when it began")
    end: Title | None = Field(default=None, description="when it ended")
    minutes: Title | None = Field(default=None, description="how many minutes it took")

    @model_validator(mode="after")
    def _one_way(self) -> IncidentColumns:
        if (self.end is None) == (self.minutes is None):
            raise FlawError("names neither `end` nor `minutes`, or both", "name one of the two")
        return self


@dataclass(frozen=True)
class ObservedOutages:
    """When it was out, in microseconds since 1970, of the time that was observed."""

    times: tuple[tuple[int, int], ...]
    first: int
    last: int

    @property
    def digest(self) -> str:
        """A hash of all that it says."""
        return hashlib.sha256(repr((self.times, self.first, self.last)).encode()).hexdigest()

    def availability(self, start: datetime, end: datetime) -> Decimal:
        """The part of a time, all of which was observed, in which it was not out.

        Outages at one time count once.
        """
        begin, until = micros(start), micros(end)
        out, reached = 0, begin
        for a, b in sorted(self.times):
            out += max(0, min(b, until) - max(a, reached))
            reached = max(reached, min(b, until))
        return part_available(until - begin, out)


def part_available(whole: int, out: int) -> Decimal:
    """To a ten-thousandth of a percent, rounded down: a bound that was not reached is never told as reached."""
    return (Decimal(whole - out) / whole).quantize(PLACES, ROUND_DOWN)


@dataclass(frozen=True)
class IncidentHistory:
    """How often it was out in the time that was observed, and the length of each outage, in hours."""

    hours: tuple[float, ...]
    years: float

    @property
    def a_year(self) -> float:
        """Outages a year."""
        return len(self.hours) / self.years


class IncidentFile(Noun):
    """Outages that were observed, one a row: CSV or Parquet, gzipped or not."""

    file: File
    columns: IncidentColumns
    where: dict[Title, Title] = Field(
        default_factory=dict, description="rows that count: those with this text in a column; default: all"
    )
    from_: Day | None = Field(
        default=None, description="the first day that was observed; default: that of the first row"
    )
    until: Day | None = Field(
        default=None, description="the day after the last that was observed; default: the last row's"
    )
    missing: Literal["refuse", "skip"] = Field(default="refuse", description="rows without an end")

    @model_validator(mode="after")
    def _in_order(self) -> IncidentFile:
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            what = f"the days that were observed end ({self.until}) before they begin ({self.from_})"
            raise FlawError(what, "`until` is the day after the last of them", ("until",))
        return self

    def read(self, folder: Path) -> IncidentHistory:
        """How often it was out, and for how long. Raises FlawError, MissingExtraError."""
        found = self.outages(folder)
        inside = [end - start for start, end in found.times if found.first <= start < found.last]
        if not inside or found.last - found.first < 28 * DAY:
            what = "is too short: outages of less than four weeks say nothing of a year"
            raise FlawError(f"{self.file}: {what}", "give more, or state `per-year`")
        hours = tuple(length / MINUTE / 60 for length in inside)
        return IncidentHistory(hours, float((found.last - found.first) / (float(YEAR) * 60 * MINUTE)))

    def outages(self, folder: Path) -> ObservedOutages:
        """What it says. Raises FlawError with every flaw, each with its own place in the file; MissingExtraError."""
        roles = {"start": self.columns.start, "length": self.columns.end or self.columns.minutes}
        found: list[tuple[int, int]] = []
        clock: TimestampReader | None = None
        with Sheet(folder, self.file) as sheet:
            at = sheet.pick({**roles, **{f"where {name}": name for name in self.where}})
            for row, (start, length, *others) in sheet.rows(at):
                if [str(value) for value in others] != list(self.where.values()):
                    continue
                if length is None or str(length).strip() == "":
                    if self.missing == "refuse":
                        sheet.wrong(row, at[1], "it is not known when it ended", "add it, or write `missing: skip`")
                    continue
                clock = clock or TimestampReader.of(sheet, row, at[0], start, None)
                try:
                    begun = clock.read(start)
                    found.append((begun, self._length(clock, begun, length)))
                except UNREADABLE:
                    what = f"{shown(start)} and {shown(length)} are no time and length of an outage"
                    sheet.wrong(
                        row, at[0], what, "write times such as `2026-01-31T13:45:00Z`, and an end that is later"
                    )
            if not found:
                sheet.note(
                    "has no outage that counts",
                    "check `where`; if there was none, state what is known in place of the file",
                )
        return self._observed(found)

    def _length(self, clock: TimestampReader, begun: int, given: Any) -> int:
        """Microseconds. Raises ValueError below 0."""
        length = clock.read(given) - begun if self.columns.end else atto(given) * MINUTE // 10**18
        if length < 0:
            raise ValueError(length)
        return length

    def _observed(self, found: list[tuple[int, int]]) -> ObservedOutages:
        first = min(at for at, _ in found) // DAY * DAY if self.from_ is None else micros(moment(self.from_))
        last = (max(at for at, _ in found) // DAY + 1) * DAY if self.until is None else micros(moment(self.until))
        return ObservedOutages(tuple((at, at + length) for at, length in found), first, last)
