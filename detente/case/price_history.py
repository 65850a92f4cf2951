"""A file of prices that were observed: when each began to hold, and from them how far a price lay from today's.

Owns: its columns and rows, and the distribution of changes that they come to. Not here: which prices change by it
(``risk``), and drawing (``outcomes.draws``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from detente.demand.clock import TimestampReader
from detente.values.micros import DAY
from detente.values.noun import Noun, Title
from detente.values.period import Day, moment
from detente.values.sheet import UNREADABLE, File, Sheet, atto, shown

MIN_CHANGE, MAX_CHANGE = Decimal("-0.99"), Decimal(10)
"""Changes that a risk may state."""


class PriceColumns(Noun):
    """Which columns are what: from when on a price held, and the price, in any unit that is the same in all rows."""

    start: Title = Field(description="from when on it held")
    price: Title = Field(description="the price")


@dataclass(frozen=True)
class PriceHistory:
    """How far prices lay from the last that was observed, in order, each with the part of all time for which it did."""

    changes: tuple[tuple[Decimal, Decimal], ...]

    def quantile(self, part: float) -> Decimal:
        """The change that is not passed in so much of the time, in whole percent."""
        passed, wanted = Decimal(0), Decimal(f"{part:.9f}")
        for change, weight in self.changes[:-1]:
            passed += weight
            if passed >= wanted:
                return Decimal(round(change * 100)) / 100
        return Decimal(round(self.changes[-1][0] * 100)) / 100


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
        """Each series against its own last price, by the time for which each price held."""
        last = max(at for series in found.values() for at, _ in series)
        end = (last // DAY + 1) * DAY if self.until is None else int(moment(self.until).timestamp()) * 1_000_000
        held: dict[Decimal, int] = {}
        for series in found.values():
            inside = sorted((at, price) for at, price in series if at < end)
            for (start, price), (stop, _) in pairwise([*inside, (end, 0)] if inside else ()):
                change = Decimal(price) / inside[-1][1] - 1
                held[change] = held.get(change, 0) + stop - start
        whole = Decimal(sum(held.values()))
        if len(held) < 2 or not whole:
            sheet.stop("has no price that changes", "check `where` and `each`, or state `least` and `most`")
        if not MIN_CHANGE <= min(held) <= max(held) <= MAX_CHANGE:
            what = f"has prices from {min(held):+.0%} to {max(held):+.0%} of the last one of their series"
            sheet.stop(what, "name under `each` the columns that tell series apart")
        return PriceHistory(tuple((change, held[change] / whole) for change in sorted(held)))


def _above_zero(price: Any) -> int:
    """Raises ValueError."""
    found = atto(price)
    if not found:
        raise ValueError(price)
    return found
