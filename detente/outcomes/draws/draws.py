"""What may happen, drawn at random: how events turn out, levels of demand and prices, and when something is out.

Owns: one draw, which turns on its seed and number alone, and the time for which offers are out by period. Not here:
which risks there are (``case.risk``), what levels make of a case (``levels``), and what a draw costs (``simulating``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from detente.case.case import Case
from detente.case.risk import OutageRisk
from detente.outcomes.draws.levels import levels, offers_of, steps_of
from detente.values.period import Period, hours_between

HOURS_A_YEAR = 8766.0


@dataclass(frozen=True)
class Outage:
    """A risk that comes true: from so many hours after the horizon's start, for so many hours."""

    risk: str
    start: float
    hours: float


@dataclass(frozen=True)
class Draw:
    """One way in which all may go: which way events turn out, a step of each level (both by number), and outages."""

    index: int
    world: int
    steps: tuple[int, ...]
    outages: tuple[Outage, ...]

    @property
    def state(self) -> tuple[int, tuple[int, ...]]:
        """What decides on its program: all but its outages."""
        return self.world, self.steps


def draw(case: Case, chances: Sequence[Decimal], seed: int, index: int) -> Draw:
    """The draw of a number; the same whichever others are drawn, and in whichever process.

    Parameters
    ----------
    chances
        Of the ways in which events may turn out; they add up to 1.
    """
    random = np.random.default_rng([seed, index])
    ends = np.cumsum([float(chance) for chance in chances])
    world = min(int(np.searchsorted(ends, random.random(), side="right")), len(chances) - 1)
    steps = tuple(int(random.integers(steps_of(risk))) for risk in levels(case))
    horizon = case.declared.horizon
    long = float(hours_between(horizon.opens, horizon.closes))
    found: list[Outage] = []
    for risk in case.declared.risks:
        if isinstance(risk, OutageRisk):
            history = risk.history
            times = int(random.poisson(history.a_year * long / HOURS_A_YEAR))
            starts = np.sort(random.uniform(0.0, long, times))
            lasting = random.choice(np.array(history.hours), times)
            found += [Outage(risk.id, *each) for each in zip(starts.tolist(), lasting.tolist(), strict=True)]
    return Draw(index, world, steps, tuple(found))


# -- when something is out ---------------------------------------------------------------------------------------------
def failing(case: Case) -> dict[str, dict[str, float]]:
    """Of each risk of an outage, the offers that it takes, and the part of them."""
    found = [risk for risk in case.declared.risks if isinstance(risk, OutageRisk)]
    return {risk.id: dict.fromkeys(offers_of(case, risk), float(risk.part)) for risk in found}


def spells(outages: Sequence[Outage], clock: GridClock) -> Iterator[tuple[int, float, frozenset[str]]]:
    """Times in which some are out: the period, the hours in it, and the risks that have come true."""
    ends = [(o.start, 1, o.risk) for o in outages] + [(o.start + o.hours, -1, o.risk) for o in outages]
    active: dict[str, int] = {}
    before = 0.0
    for at, by, risk in sorted(ends):
        if active and at > before:
            out = frozenset(active)
            yield from ((period, hours, out) for period, hours in clock.pieces(before, at))
        before = at
        active[risk] = active.get(risk, 0) + by
        if not active[risk]:
            del active[risk]


def parts_out(out: frozenset[str], fails: Mapping[str, Mapping[str, float]]) -> tuple[tuple[str, float], ...]:
    """The part of each offer that is out while some risks have come true: what one leaves, the next takes a part of."""
    left: dict[str, float] = {}
    for risk in sorted(out):
        for offer, part in fails[risk].items():
            left[offer] = left.get(offer, 1.0) * (1.0 - part)
    return tuple(sorted((offer, 1.0 - rest) for offer, rest in left.items()))


class GridClock:
    """Which periods of a plan a time lies in, in hours from the horizon's start."""

    def __init__(self, case: Case) -> None:
        self.start, self.typical = case.declared.horizon.opens, case.declared.horizon.typical is not None
        self.periods: tuple[Period, ...] = case.periods
        self.edges = [float(hours_between(self.start, p.span_start)) for p in self.periods]
        self.edges.append(float(hours_between(self.start, self.periods[-1].span_end)))
        self.of_hour = {_hour_of(p.span_start, p.start): p.index for p in self.periods} if self.typical else {}

    def pieces(self, start: float, end: float) -> Iterator[tuple[int, float]]:
        """The parts of a time by period; what lies after the horizon is nobody's."""
        if self.typical:
            yield from self._by_hour(start, end)
            return
        at = bisect_right(self.edges, start) - 1
        while start < end and at < len(self.periods):
            until = min(end, self.edges[at + 1])
            yield at, until - start
            start, at = until, at + 1

    def _by_hour(self, start: float, end: float) -> Iterator[tuple[int, float]]:
        """Of typical weeks: an hour of the calendar is the same hour of its month's week."""
        while start < min(end, self.edges[-1]):
            until = min(end, float(int(start) + 1))
            when = self.start + timedelta(hours=int(start))
            yield self.of_hour[_hour_of(when.replace(day=1, hour=0), when)], until - start
            start = until


def _hour_of(month: datetime, when: datetime) -> tuple[int, int, int, int]:
    return month.year, month.month, when.weekday(), when.hour
