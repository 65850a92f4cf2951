"""What the sections of a page are made of: rows that are cut, rows with a drawing, and rows worked out for reading.

Owns: these values. Not here: which of them stand where (``plan_part``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from detente.contract.settled.standing import Standing
from detente.report.numerals import price
from detente.report.plans import digest
from detente.results.plan_rows import ClauseRow, MarginalPrice, WorkloadRow
from detente.values.money import shown

T = TypeVar("T")

YEAR = Decimal(365 * 24 * 3600)
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """The first rows of a table, and how many were left out."""

    rows: tuple[T, ...]
    left: int

    @classmethod
    def of(cls, rows: Sequence[T], most: int) -> Cut[T]:
        """At most so many."""
        return cls(tuple(rows[:most]), max(0, len(rows) - most))


@dataclass(frozen=True, slots=True)
class Charted(Generic[T]):
    """A row with its drawing (empty where there are too many to draw)."""

    row: T
    drawing: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class WorkloadPart:
    """A workload: where it runs, how much of it, and what is missing."""

    row: WorkloadRow
    placements: Cut[digest.Placement]
    missing: digest.Missing | None


@dataclass(frozen=True, slots=True)
class KeptAway:
    """Work that does not run on a provider's offers, for one reason."""

    workload: str
    provider: str
    offers: tuple[str, ...]
    sentence: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowShortfall:
    """A window that falls short, and the part of it that is missing."""

    window: Standing
    provider: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Reach:
    """A stretch of time in which a part of a clause has one marginal price."""

    part: str
    start: datetime
    end: datetime
    price: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Binding:
    """A clause that binds, and what one more unit of it is worth: from, to, and in each window.

    ``dates`` says which version of an amended clause is meant; empty where the id does.
    """

    clause: ClauseRow
    dates: str
    words: str
    reaches: Cut[Reach]


def binding(clause: ClauseRow, dates: str, currency: str, most: int) -> Binding:
    """A clause's marginal prices over time; stretches at one price are joined."""
    reaches: list[Reach] = []
    for m in clause.marginal:
        last = reaches[-1] if reaches else None
        if last and (last.part, last.price, last.unit, last.end) == (m.part, m.price, m.unit, m.start):
            reaches[-1] = Reach(m.part, last.start, m.end, m.price, m.unit)
        else:
            reaches.append(Reach(m.part, m.start, m.end, m.price, m.unit))
    words, saved = worth(clause), saved_a_year(clause)
    if saved is not None:
        words += f"; without what it denies {shown(saved, currency)} a year would be saved"
    return Binding(clause, dates, words, Cut.of(reaches, most))


def worth(clause: ClauseRow) -> str:
    """What one more unit of a clause is worth over its windows: ``0.3 to 1.2 USD per GPU-hour``."""
    return units_worth(clause.marginal)


def units_worth(marginal: Sequence[MarginalPrice]) -> str:
    """The lowest and the highest of marginal prices, by their unit."""
    units: dict[str, list[Decimal]] = {}
    for m in marginal:
        units.setdefault(m.unit, []).append(m.price)
    parts = []
    for unit, prices in units.items():
        low, high = price(min(prices)), price(max(prices))
        parts.append(f"{low} {unit}" if low == high else f"{low} to {high} {unit}")
    return "; ".join(parts)


def saved_a_year(clause: ClauseRow) -> Decimal | None:
    """What would be saved without what a clause denies, in money a year while it binds; None of another."""
    denied = [(m.saves, m.start, m.end) for m in clause.marginal if m.saves is not None]
    if not denied:
        return None
    seconds = sum((Decimal((end - start).total_seconds()) for start, end in {(s, e) for _, s, e in denied}), Decimal(0))
    return sum((saves for saves, _, _ in denied), Decimal(0)) * YEAR / seconds
