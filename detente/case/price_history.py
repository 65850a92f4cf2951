"""A file of prices that were observed: when each began to hold, and from them how a price may move from day to day.

Owns: its columns and rows, and paths that are drawn from them. Not here: which prices move by it (``risk``), and what
else is drawn (``outcomes.draws.draws``).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, field_validator

from detente.errors import FlawError
from detente.values.micros import DAY
from detente.values.noun import Noun, Title
from detente.values.period import Day, moment
from detente.values.quantity import ABOUT_HOURS, Span
from detente.values.quantity_field import Length
from detente.values.row_times import TimestampReader
from detente.values.sheet import UNREADABLE, File, Sheet, atto, shown

MIN_CHANGE, MAX_CHANGE = -0.99, 10.0
"""Changes that a risk may state."""


class RandomNumbers(Protocol):
    """Where they come from: numpy's generators are such."""

    def integers(self, below: int, /) -> Any:
        """A whole number from 0, each as likely as the others."""

    def geometric(self, chance: float, /) -> Any:
        """How often something is tried that comes off with a chance."""


class PriceColumns(Noun):
    """Which columns are what: from when on a price held, and the price, in any unit that is the same in all rows."""

    start: Title = Field(description="from when on it held")
    price: Title = Field(description="the price")


@dataclass(frozen=True)
class PriceSeries:
    """Prices of one thing: the moments from which they held, and how far each lay from the last, as a part of it.

    ``starts`` are microseconds since 1970, rising, with the end of what was observed behind them.
    """

    starts: tuple[int, ...]
    changes: tuple[float, ...]

    @property
    def days(self) -> range:
        """The days since 1970 of which it tells anything."""
        return range(self.starts[0] // DAY, -(-self.starts[-1] // DAY))

    def on(self, day: int) -> float:
        """The mean change on one of its days, over the part of that day which was observed."""
        begin, end = max(day * DAY, self.starts[0]), min((day + 1) * DAY, self.starts[-1])
        at, start, total = bisect_right(self.starts, begin) - 1, begin, 0.0
        while start < end:
            until = min(end, self.starts[at + 1])
            total += self.changes[at] * (until - start)
            at, start = at + 1, until
        return total / (end - begin)


@dataclass(frozen=True)
class PriceHistory:
    """Prices that were observed, series by series, and for how many days on average a path keeps to one stretch."""

    series: tuple[PriceSeries, ...]
    stretch: float

    def path(self, random: RandomNumbers, days: int) -> list[float]:
        """Changes from the price of the case, day by day: none on the first, then as observed, stretch by stretch.

        The stationary bootstrap (D. N. Politis and J. P. Romano, 1994): each stretch begins on any of all observed days
        with the same probability, is as long as a geometric distribution says, and goes on with the first day of its
        series after the last, so that a price holds for as much of the time as it was observed.
        """
        ends = list(accumulate(len(each.days) for each in self.series))
        found = [0.0]
        while len(found) < days:
            at = int(random.integers(ends[-1]))
            series = self.series[which := bisect_right(ends, at)]
            begin = at - ends[which] + len(series.days)
            stretch = min(int(random.geometric(1 / self.stretch)), days - len(found))
            found += [series.on(series.days[day % len(series.days)]) for day in range(begin, begin + stretch)]
        return found


class PriceFile(Noun):
    """Prices that were observed, one a row, each until the next of its series: CSV or Parquet, gzipped or not."""

    file: File
    columns: PriceColumns
    where: dict[Title, Title] = Field(
        default_factory=dict, description="rows that count: those with this text in a column; default: all"
    )
    each: tuple[Title, ...] = Field(
        default=(), description="columns that tell series apart (an instance type, a region); default: one series"
    )
    until: Day | None = Field(
        default=None, description="the day after the last that was observed; default: the last row's"
    )
    missing: Literal["refuse", "skip"] = Field(default="refuse", description="rows without a price")
    stretch: Length = Field(
        default=Span(1, "month"),
        description="for how long, on average, a draw keeps to one stretch of what was observed",
    )

    @field_validator("stretch")
    @classmethod
    def _a_day_at_least(cls, stretch: Span) -> Span:
        if _days(stretch) < 1:
            raise FlawError(f"`{stretch}` is shorter than a day, by which prices move", "write `1 day` or more")
        return stretch

    def read(self, folder: Path) -> PriceHistory:
        """What it says. Raises FlawError with every flaw, each with its own place in the file; MissingExtraError."""
        found: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        clock: TimestampReader | None = None
        with Sheet(folder, self.file) as sheet:
            roles = {"start": self.columns.start, "price": self.columns.price}
            some = {f"where {name}": name for name in self.where} | {f"each {name}": name for name in self.each}
            at = sheet.pick({**roles, **some})
            for row, (start, price, *others) in sheet.rows(at):
                texts = tuple(map(str, others))
                if list(texts[: len(self.where)]) != list(self.where.values()):
                    continue
                if price is None or str(price).strip() in ("", "nan", "None"):
                    if self.missing == "refuse":
                        sheet.wrong(row, at[1], "the price is not known", "add it, or write `missing: skip`")
                    continue
                clock = clock or TimestampReader.of(sheet, row, at[0], start, None)
                try:
                    series = found.setdefault(texts[len(self.where) :], [])
                    series.append((clock.read(start), _above_zero(price)))
                except UNREADABLE:
                    what = f"{shown(start)} and {shown(price)} are no time and price"
                    sheet.wrong(row, at[0], what, "write times such as `2026-01-31`, and prices above zero")
            if not any(found.values()):
                sheet.note("has no price that counts", "check `where`")
        return self._history(sheet, found)

    def _history(self, sheet: Sheet, found: dict[tuple[str, ...], list[tuple[int, int]]]) -> PriceHistory:
        """Each series against its own last price."""
        last = max(at for series in found.values() for at, _ in series)
        end = (last // DAY + 1) * DAY if self.until is None else int(moment(self.until).timestamp()) * 1_000_000
        inside = [sorted((row for row in rows if row[0] < end), key=itemgetter(0)) for rows in found.values()]
        series = tuple(_series(rows, end) for rows in inside if rows)
        changes = {change for each in series for change in each.changes}
        if len(changes) < 2:
            sheet.stop("has no price that changes", "check `where` and `each`, or state `least` and `most`")
        if not MIN_CHANGE <= min(changes) <= max(changes) <= MAX_CHANGE:
            what = f"has prices from {min(changes):+.0%} to {max(changes):+.0%} of the last one of their series"
            sheet.stop(what, "name under `each` the columns that tell series apart")
        return PriceHistory(series, _days(self.stretch))


def _days(length: Span) -> float:
    return length.count * ABOUT_HOURS[length.unit] / 24


def _series(rows: list[tuple[int, int]], end: int) -> PriceSeries:
    """From moments and prices in order of time; of several prices at one moment the last holds."""
    held = dict(rows)
    return PriceSeries((*held, end), tuple(price / rows[-1][1] - 1 for price in held.values()))


def _above_zero(price: Any) -> int:
    """Raises ValueError."""
    found = atto(price)
    if not found:
        raise ValueError(price)
    return found
