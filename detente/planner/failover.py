"""What could be served at once, in one period, while some offers are out: with all that is held and all that is sold.

Owns: that question, a small program of its own, remembered. Not here: a whole plan (``dispatch``). Work that can wait
gives way: batches and training run later, and count for nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detente.planner.dispatch import Dispatch
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Part
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.model import Model

Lost = tuple[tuple[str, float], ...]
"""Offers that are out, each with the part of it that is."""

FIRST = 1e-4
"""By what part a workload counts more than the next one that is worth the same."""

PLACES = 9
"""Of the part of work that is lost: so it is the same whether a period is asked by itself or with others."""

AGAIN = 2
"""The time at which what is out is asked for all periods."""


@dataclass
class Failover:
    """The work an hour that is lost of each live workload, by period and by what is out."""

    dispatch: Dispatch
    known: dict[tuple[Lost, int], Mapping[str, float]] = field(default_factory=dict)
    asked: Counter[Lost] = field(default_factory=Counter)

    @property
    def every(self) -> Ints:
        """All periods."""
        return np.arange(self.dispatch.draft.n, dtype=np.int32)

    def lost(self, period: int, out: Lost) -> Mapping[str, float]:
        """The least value of work that cannot be served while offers are out; what must be served comes first.

        Of what is out a second time, all periods are asked at once: it comes again.
        """
        if not self.dispatch.live:
            return {}
        if (out, period) not in self.known:
            self.asked[out] += 1
            every = self.every if self.asked[out] == AGAIN else np.array([period], dtype=np.int32)
            self._ask(dict(out), out, every)
        return self.known[out, period]

    def _ask(self, out: Mapping[str, float], key: Lost, every: Ints) -> None:
        """Fill in what is lost in some periods."""
        draft, names, n = self.dispatch.draft, self.dispatch.live, len(every)
        rates = {name: draft.demand[name].work[every] / draft.hours[every] for name in names}
        arcs = [arc for arc in draft.arcs if arc.workload.id in rates and out.get(arc.offer.id, 0.0) < 1.0]
        program = LinearProgram()
        lost, use = {}, {}
        for name, rate in rates.items():
            lost[name] = program.columns(Owner("lost", name), "work", n, cost=self._worth(name), upper=rate)
        for arc in arcs:
            most = np.where(self.open(arc, every), rates[arc.workload.id], 0.0)
            use[arc.index] = program.columns(Owner("use"), str(arc.index), n, upper=most)
        for name, rate in rates.items():
            own = [use[arc.index] for arc in arcs if arc.workload.id == name]
            parts: list[Part] = [(None, columns, 1.0) for columns in (lost[name], *own)]
            program.require(Owner("demand", name), "served", Expr(n, parts) >= rate)
        for offer, some in _by_offer(arcs).items():
            room = self.room(some[0], every) * (1 - out.get(offer, 0.0))
            limited = np.flatnonzero(np.isfinite(room))
            taken: list[Part] = [(None, use[arc.index][limited], float(arc.per_work)) for arc in some]
            if len(limited):
                program.require(Owner("offer", offer), "room", Expr(len(limited), taken) <= room[limited])
        found = Model(program).solve_linear()
        assert found.values is not None, "nothing need be served"
        work = {name: np.round(found.values[lost[name]] / _one(rate), PLACES) * rate for name, rate in rates.items()}
        for at, period in enumerate(every.tolist()):
            self.known[key, period] = {name: float(each[at]) for name, each in work.items()}

    def open(self, arc: Arc, every: Ints) -> Bools:
        """Whether an arc may be used in periods: on sale, and denied by nobody."""
        found: Bools = self.dispatch.model.zeroed[self.dispatch.draft.x[arc.index, every]] == 0
        return found

    def _worth(self, name: str) -> float:
        """Of a unit of work; of what must be served, more than of all other. Of two alike, the one written first.

        No two are alike, so that what is lost is the same in whichever order it is asked.
        """
        worth = {w.id: float(w.value.amount) for w in self.dispatch.draft.case.workloads if w.value is not None}
        first = 1.0 + FIRST * (len(worth) - list(worth).index(name))
        return first * (10.0 * max([1.0, *worth.values()]) if name in self.dispatch.must else max(worth[name], 1e-6))

    def room(self, arc: Arc, every: Ints) -> Floats:
        """What there is of an offer for an hour: what is held of it, or what is sold; infinite where not limited."""
        draft, offer = self.dispatch.draft, arc.offer
        if offer.id in self.dispatch.held_flow:
            return self.dispatch.held_flow[offer.id][every] / draft.hours[every]
        return draft.most(offer)[every] * float(offer.unit_flow)


def _one(rate: Floats) -> Floats:
    """What to divide by: of no work, no part is lost."""
    return np.where(rate > 0, rate, 1.0)


def _by_offer(arcs: Sequence[Arc]) -> Mapping[str, list[Arc]]:
    found: dict[str, list[Arc]] = {}
    for arc in arcs:
        found.setdefault(arc.offer.id, []).append(arc)
    return found
