"""The figures of whether a case can be signed: what each way out of a conflict gives, and what the plan then costs.

Owns: those, of an answer or of its document. Not here: which clauses collide (``results.conflict``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, Field

from detente.planner.check import Answer
from detente.report.figures.figure import NamedFigure, Operand, at
from detente.report.figures.given import given_figures
from detente.results.conflict import Given
from detente.values.json_text import parsed
from detente.values.period import End
from detente.values.quantity import Exact


class WayFigures(NamedTuple):
    """What has figures of a way out."""

    sentence: str
    given: tuple[Given, ...]
    cost: Exact | None
    at_most: bool
    with_others: bool


@dataclass(frozen=True, slots=True)
class CheckedWays:
    """What has figures of an answer to ``check``: the ways out under each reading that has a conflict."""

    currency: str
    readings: tuple[tuple[str | None, tuple[WayFigures, ...]], ...]

    @classmethod
    def of(cls, found: Answer, currency: str) -> CheckedWays:
        """Of the answer."""
        return cls(
            currency,
            tuple(
                (
                    name,
                    tuple(
                        WayFigures(way.sentence, way.given, way.cost, way.at_most, bool(way.together))
                        for way in conflict.relaxations
                    ),
                )
                for name, conflict in found.readings.items()
                if conflict is not None
            ),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> CheckedWays:
        """Of the answer's document, the rest of which is left unread. Raises ValueError."""
        parsed(text)  # nothing in it is said twice
        found = _Document.model_validate_json(text)
        return cls(
            found.currency,
            tuple((each.reading, tuple(way.figures for way in each.relaxation)) for each in found.readings),
        )


class _Window(BaseModel):
    start: datetime
    end: End
    amount: Exact


class _Given(BaseModel):
    part: str
    amount: Exact
    unit: str
    windows: list[_Window]

    @property
    def given(self) -> Given:
        windows = tuple((each.start, each.end, each.amount) for each in self.windows)
        return Given(self.part, self.amount, self.unit, windows)


class _Way(BaseModel):
    sentence: str
    given: list[_Given]
    cost: Exact | None
    at_most: bool = Field(alias="at-most")
    together: list[str]

    @property
    def figures(self) -> WayFigures:
        given = tuple(each.given for each in self.given)
        return WayFigures(self.sentence, given, self.cost, self.at_most, bool(self.together))


class _Reading(BaseModel):
    reading: str | None
    relaxation: list[_Way]


class _Document(BaseModel):
    currency: str
    readings: list[_Reading]


def check_figures(found: CheckedWays) -> Iterator[NamedFigure]:
    """All, reading by reading."""
    for name, ways in found.readings:
        base = at("readings", name or "any", "ways")
        for index, way in enumerate(ways, 1):
            yield from given_figures(way.given, at(base, index), way.sentence)
        yield from _costs(ways, base, found.currency)


def _costs(ways: Sequence[WayFigures], base: str, unit: str) -> Iterator[NamedFigure]:
    """What the plan costs by each way out, and how much more than by the cheapest."""
    known = [
        (Operand(f"what the plan costs by way {index}", way.cost, unit, at(base, index, "cost")), way)
        for index, way in enumerate(ways, 1)
        if way.cost is not None
    ]
    cheapest = min((operand for operand, _ in known), key=lambda operand: operand.value, default=None)
    for cost, way in known:
        assert cheapest is not None
        together = "with all of these changes together" if way.with_others else f"by this way out: {way.sentence}"
        says = f"What the plan costs at {'most' if way.at_most else 'least'} {together}"
        more = "; the search for less ended before it was through" if way.at_most else ""
        yield NamedFigure(cost.address, cost.value, unit, says, f"the case with that change, planned anew{more}")
        address = at(cost.address.removesuffix("/cost"), "more")
        says = f"How much more that is than by the cheapest way out: {way.sentence}"
        yield NamedFigure(address, cost.value - cheapest.value, unit, says, "", "difference", (cost, cheapest))
