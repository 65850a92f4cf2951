"""A reservation's price, spread over the work that fills its term.

A term is paid for by all of that work together, and the solver may lay its price on any part of it: all on one month,
and nothing on the next. So it is spread evenly, as a buyer would: each hour of it costs the same. Work that would save
less than that pays what it saves, and the rest pays the more; work that others would pay more for pays as much.

Owns: that spread, of one term and of all that a solution buys. Not here: which work is let through (``let_through``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detente.planner.answer.units_held import UnitsHeld
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.capacity import taken
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.solution import Solution

SOME = 1e-3
"""Of a little work: less of it is none."""

FILLED = 1e-6
"""Of what is held: less is not left over."""

CLOSE = 1e-7
"""Of what a term costs: a sum that differs by less is it."""

SWEEPS = 200
"""So often each term's level is found beside those of the others."""

MANY = 100
"""Terms of an offer: beside more of them no levels are sought."""


def spread_over(terms: Sequence[Ints], prices: Floats, least: Floats, most: Floats, hours: Floats) -> Floats:
    """Prices of hours that come to as much over each of some terms, and are alike in all of them, within bounds.

    Each term adds a level of its own to its hours: so an hour of one term alone costs the same as the others, and of
    terms that overlap the squares of the prices, times their hours, come to the least. The prices are left as they are
    where no such levels are found.
    """
    sums, levels, together = [float(prices[at] @ hours[at]) for at in terms], [0.0] * len(terms), np.zeros(len(prices))
    for _ in range(SWEEPS if len(terms) <= MANY else 0):
        for term, (total, at) in enumerate(zip(sums, terms, strict=True)):
            others = together[at] - levels[term]
            left = total - float(others @ hours[at])
            levels[term] = _level(left, least[at] - others, most[at] - others, hours[at])
            together[at] = others + levels[term]
        found: Floats = np.clip(together, least, most)
        if all(abs(found[at] @ hours[at] - total) <= CLOSE * total for total, at in zip(sums, terms, strict=True)):
            return found
    return prices


def _level(total: float, least: Floats, most: Floats, hours: Floats) -> float:
    """The price that comes to a total over some hours, where each pays what it may of it."""
    levels = np.unique(np.concatenate([least, most]))
    sums = (np.clip(levels[:, np.newaxis], least, most) * hours).sum(axis=1)
    return float(np.interp(total, sums, levels))


@dataclass(frozen=True)
class _Filled:
    """A period in which let-through work fills what is held of a reservation: an hour's price, and its bounds."""

    period: int
    price: float
    least: float
    most: float
    hours: float


class FilledTerms:
    """The terms that a solution buys for groups of work that is let through.

    ``columns`` are the groups' columns of use, ``of`` the group of each, and ``little`` the work of a group.
    """

    def __init__(self, draft: Draft, solution: Solution, columns: Ints, of: Ints, little: Floats) -> None:
        assert solution.values is not None
        assert solution.duals is not None
        assert solution.reduced is not None
        self._draft, self._values, self._reduced = draft, solution.values, solution.reduced
        self._held = UnitsHeld(draft, solution.values, solution.duals)
        self._columns, self._of, self._little = columns, of, little
        self._group_of = dict(zip(columns.tolist(), of.tolist(), strict=True))

    def evened(self, prices: Floats) -> Floats | None:
        """Prices of a unit of each group's work that come to as much, with the price of each term spread over it.

        None where nothing is bought for them that serves several periods.
        """
        found, some = prices.copy(), False
        for name, units in self._draft.units.items():
            arcs = [arc for arc in self._draft.arcs.of_offer[name] if not arc.own]
            if not units.offer.reserved or not np.isin(self._columns, self._draft.x[[a.index for a in arcs]]).any():
                continue
            filled = list(self._filled(name, arcs, prices))
            terms = self._bought(name, [each.period for each in filled])
            if all(len(places) < 2 for places in terms):
                continue
            some = True
            before, least, most, hours = np.array([(f.price, f.least, f.most, f.hours) for f in filled]).T
            of_a_term = np.unique(np.concatenate(terms))
            after = spread_over(terms, before, least, most, hours)
            for place in of_a_term.tolist():
                for arc, group in self._users(arcs, filled[place].period):
                    found[group] += (before[place] - after[place]) * float(arc.per_work)
        return found if some else None

    def _filled(self, name: str, arcs: Sequence[Arc], prices: Floats) -> Iterator[_Filled]:
        """The periods whose price may be another: let-through work alone fills all that is held."""
        draft, rows = self._draft, self._held.rows(name)
        flow = draft.hours * float(draft.units[name].offer.unit_flow)
        held = self._held.by_offer[name] * flow
        use = taken(draft, arcs, standby=True).at(self._values)
        for t in np.flatnonzero((held > 0) & (use >= held * (1 - FILLED)) & (rows["little"] == 0)).tolist():
            users = list(self._users(arcs, t))
            ours = sum(self._values[draft.x[arc.index, t]] * float(arc.per_work) for arc, _ in users)
            if not users or ours < use[t] * (1 - FILLED):
                continue
            price, gain = float(rows["use"][t]), [self._gives(arc, group, t, prices) for arc, group in users]
            others = [arc for arc in arcs if arc not in [user for user, _ in users]]
            wants = [float(self._reduced[draft.x[arc.index, t]]) / float(arc.per_work) for arc in others]
            least = max(0.0, price - max(min(wants, default=np.inf), 0.0))
            yield _Filled(t, price, least, price + max(min(gain), 0.0), float(flow[t]))

    def _users(self, arcs: Sequence[Arc], t: int) -> Iterator[tuple[Arc, int]]:
        """Arcs of let-through work that use an offer in a period, and their groups."""
        for arc in arcs:
            column = int(self._draft.x[arc.index, t])
            group = self._group_of.get(column)
            if group is not None and self._values[column] > SOME * self._little[group]:
                yield arc, group

    def _gives(self, arc: Arc, group: int, t: int, prices: Floats) -> float:
        """How much more for an hour a group's work pays before it saves nothing, or goes to another place."""
        lost = [float(prices[group])]
        for other in self._draft.arcs.of_workload[arc.workload.id]:
            column = int(self._draft.x[other.index, t])
            if other is not arc and self._group_of.get(column) == group:
                lost.append(float(self._reduced[column]) + float(other.per_work) * self._unit_costs(other, t))
        return min(lost) / float(arc.per_work)

    def _unit_costs(self, arc: Arc, t: int) -> float:
        """What an hour of units that are not bought costs beyond what the solution gives for it; inf of longer terms.

        A term of several periods is no other place for the work of one.
        """
        units = self._draft.units.get(arc.offer.id)
        if units is None or self._held.by_offer[arc.offer.id][t] > 0:
            return 0.0
        flow, least = self._draft.hours[t] * float(arc.offer.unit_flow), np.inf
        for column, serve in enumerate(units.serve):
            if serve.tolist() == [t]:
                each = float(units.units[column]) * flow
                least = min(least, max(float(self._reduced[units.columns[column]]), 0.0) / each)
        return least

    def _bought(self, name: str, periods: Sequence[int]) -> list[Ints]:
        """Of each column of units that is bought, the places of the periods that they serve, among some."""
        units = self._draft.units[name]
        counts = self._values[units.columns] * units.units
        enough = SOME * float(counts.max(initial=0.0))
        serving = [serve for serve, count in zip(units.serve, counts, strict=True) if count > enough]
        found = [np.flatnonzero(np.isin(periods, serve)).astype(np.int32) for serve in serving]
        return [places for places in found if len(places)]
