"""Can we sign? The answer that a report opens with: by reading, with what collides and the ways out.

Owns: that answer, from ``check`` where it was asked, else from what the plans themselves perform. Not here: finding it
(``planner.check``), and markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from detente.planner.check import Answer
from detente.report.numerals import listed
from detente.report.plans import answer as told
from detente.results.conflict import Concession, Conflict
from detente.results.plan import Plan

Word = Literal["yes", "no", "fee"]


@dataclass(frozen=True, slots=True)
class WayOut:
    """A way out of a conflict, and how much more than the cheapest it costs (None where a cost is not known)."""

    concession: Concession
    more: Decimal | None


@dataclass(frozen=True, slots=True)
class ReadingAnswer:
    """Under one reading: whether every clause can be performed, in a sentence; what collides if not."""

    name: str
    word: Word
    sentence: str
    conflict: Conflict | None = None
    ways: tuple[WayOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Signing:
    """The headline, and a line a reading (or a plan). ``asked`` says that ``check`` was."""

    headline: str
    readings: tuple[ReadingAnswer, ...]
    asked: bool


def signing(plans: Sequence[Plan], found: Answer | None = None) -> Signing:
    """From the answer of ``check``; without one, from the plans: one that pays no fee performs every clause."""
    rows = _checked(found) if found is not None else _planned(plans)
    words = {row.word == "yes" for row in rows}
    if words == {True}:
        headline = "Yes: every clause can be performed"
    elif found is None:
        headline = "It depends" if True in words else "Not without a fee, as planned"
    else:
        headline = "It depends on the reading" if True in words else "No: not every clause can be performed"
    return Signing(headline, tuple(rows), found is not None)


def _checked(found: Answer) -> list[ReadingAnswer]:
    rows = []
    for name, conflict in found.readings.items():
        label = name or "as it stands"
        if conflict is None:
            rows.append(ReadingAnswer(label, "yes", "every clause can be performed, without any shortfall fee"))
            continue
        names = listed([c.version.name for c in conflict.clauses], 5)
        together = "cannot be performed" if len(conflict.clauses) == 1 else "cannot all be performed"
        what = f"{names} {together}" if conflict.clauses else "no plan exists, even without any clause"
        rows.append(ReadingAnswer(label, "no", what, conflict, tuple(_ways(conflict))))
    return rows


def _ways(conflict: Conflict) -> list[WayOut]:
    return [WayOut(way, conflict.dearer(way)) for way in conflict.relaxations]


def _planned(plans: Sequence[Plan]) -> list[ReadingAnswer]:
    rows = []
    for plan, label in zip(plans, told.labels(plans), strict=True):
        short = [s for s in plan.standings if s.missed or s.owed]
        if not short and not plan.unserved_cost:
            rows.append(ReadingAnswer(label, "yes", "this plan performs every clause and pays no fee"))
        else:
            sentences = [s for s in [*told.commitments(plan), told.unserved(plan)] if s != "All demand is served."]
            rows.append(ReadingAnswer(label, "fee" if short else "yes", " ".join(sentences).rstrip(".")))
    return rows
