"""Marginal prices of what clauses deny: what one more unit of the denied work would save, at the plan's own optimum.

A reduced cost alone does not say it. Where nobody else uses the denied offer, nothing is bought of it, and the duals of
its units are free to be anything between a price and nothing. So there its units are priced in: work pays for the part
of a unit that it takes. Of an offer that is reserved a little work in every period of the term pays for it together;
what is reserved already costs nothing more while it stands idle.

Owns: those prices, by arc and period, and the money that they come to. Not here: rows that clauses own (``marginal``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detente.market.offer import AnyOffer, TokenOffer
from detente.planner.answer.easing import LITTLE, Easing
from detente.planner.answer.kept_off import LittleWork, UnitsKeptOff, takes
from detente.planner.answer.let_through import ClosedWork, LetThrough
from detente.planner.answer.units_held import NOTHING, UnitsHeld
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.capacity import little_work, most_taken
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.purchases import TOLD
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.solution import Solution

NO_PRICE = 1e-5
"""Of a list price: what is less is the solver's tolerance, and no price."""

FULL = 1e-9
"""Of what there is of an offer: less than this is no room."""


@dataclass(frozen=True)
class DeniedWork:
    """A workload's work that may not run on some offers in a period.

    ``price`` is what one more unit of it would save; ``saves`` is money: the part of its period in what a plan without
    the denial saves, with what clauses count as it is. None where that was not settled.
    """

    period: int
    workload: str
    unit: str
    price: float
    saves: float | None


class Denied:
    """What clauses deny in a solution with duals and reduced costs, and the price of it; ``out`` are who is out."""

    def __init__(self, draft: Draft, solution: Solution, easing: Easing, out: Collection[Owner] = ()) -> None:
        assert solution.values is not None
        assert solution.duals is not None
        assert solution.reduced is not None
        self._draft, self._values, self._out, self._easing = draft, solution.values, out, easing
        self._solution = solution
        self._held, self._reduced = UnitsHeld(draft, solution.values, solution.duals), solution.reduced
        self._leaving: dict[str, Floats] = {}
        self._making_room: dict[str, Floats] = {}
        self._places: dict[str, Floats] = {}

    def of(self, owner: Owner) -> Iterator[DeniedWork]:
        """What would run elsewhere without one clause, by period and workload."""
        draft, groups, at_hand = self._draft, list[ClosedWork](), list[float]()
        closed, beside = list(self.closed(owner)), self._opened_beside(owner)
        kept_off, works = UnitsKeptOff(draft, beside), list[LittleWork]()
        saved = {arc.index: self._saved(arc, periods, kept_off) for arc, periods in closed}
        listed = {workload.id: NO_PRICE * self._listed[workload.id] for workload in draft.case.workloads}
        for workload in draft.case.workloads:
            arcs = [(arc, periods) for arc, periods in closed if arc.workload is workload]
            some = [saved[arc.index] > listed[workload.id] for arc, _ in arcs]
            for t in np.flatnonzero(np.any(some, axis=0)).tolist() if some else ():
                there = [arc for arc, periods in arcs if periods[t]]
                columns = draft.x[[arc.index for arc in there], t].astype(np.int32)
                in_units = [arc for arc in there if not isinstance(arc.offer, TokenOffer)]
                little = min(self._little_work(arc, t) for arc in in_units or there)
                works += [LittleWork(len(groups), arc, t, little) for arc in there]
                groups.append(ClosedWork(workload.id, t, columns, little))
                at_hand.append(max(float(saved[arc.index][t]) for arc in there))
        if not groups:
            return
        through = LetThrough(draft, self._easing, groups, beside, kept_off.beside(works))
        prices = through.prices(np.array(at_hand))
        if prices is None:
            return
        prices = np.where(prices > [listed[group.workload] for group in groups], prices, 0.0)
        all_saved = through.saved(self._solution, prices) if prices.any() else None
        unit = {workload.id: workload.unit for workload in draft.case.workloads}
        for place in sorted(np.flatnonzero(prices).tolist(), key=lambda each: groups[each].period):
            group, saves = groups[place], None if all_saved is None else float(all_saved[place])
            yield DeniedWork(group.period, group.workload, unit[group.workload], float(prices[place]), saves)

    def _little_work(self, arc: Arc, t: int) -> float:
        """Of units the same part of one in each period, as of a reservation; of tokens of all that a workload asks."""
        if isinstance(arc.offer, TokenOffer):
            return LITTLE * float(self._draft.most_work[arc.workload.id][t])
        return LITTLE / float(takes(self._draft, arc)[t])

    def closed(self, owner: Owner) -> Iterator[tuple[Arc, Bools]]:
        """Arcs, and when this clause alone closes them: lifting one of two saves nothing."""
        alone = self._closed_by(owner) & ~self._closed_by(None, but=owner)
        yield from ((self._draft.arcs[index], alone[index]) for index in np.flatnonzero(alone.any(axis=1)).tolist())

    def _closed_by(self, owner: Owner | None, but: Owner | None = None) -> Bools:
        """Use that is fixed at zero, by arc and period: by denials that an owner can lift, or all that one cannot."""
        x = self._draft.x
        at = self._numbers(owner, but) - (x[0, 0] if x.size else 0)
        found = np.zeros(x.size, dtype=np.bool_)
        found[at[(at >= 0) & (at < x.size)]] = True
        return found.reshape(x.shape)

    def _opened_beside(self, owner: Owner) -> Ints:
        """What this clause alone closes that is no use: room for standby and units."""
        found = np.setdiff1d(self._numbers(owner), self._numbers(None, but=owner))
        return np.setdiff1d(found, self._draft.x.ravel()).astype(np.int32)

    def _numbers(self, owner: Owner | None, but: Owner | None = None) -> Ints:
        """Columns that are fixed at zero: by denials that an owner can lift, or all that one cannot."""
        found = [np.zeros(0, dtype=np.int32)]
        for denial in self._draft.program.denials:
            if not denial.fixed(self._out):
                continue
            if owner is not None and not denial.lifted_by([owner], self._out):
                continue
            if but is None or not denial.lifted_by([but], self._out):
                found.append(denial.numbers)
        return np.concatenate(found)

    @cached_property
    def _fixed(self) -> Bools:
        return self._closed_by(None)

    # -- what a unit of work saves ---------------------------------------------------------------------------------
    def _saved(self, arc: Arc, periods: Bools, kept_off: UnitsKeptOff) -> Floats:
        """What one more unit of an arc's work saves in each period; nothing where it has no price."""
        leaves = self._leaves(arc.workload.id)
        periods = periods & np.isfinite(leaves)
        saved: Floats = np.where(periods, np.nan_to_num(leaves) - self._reduced[self._draft.x[arc.index]], 0.0)
        saved += float(arc.per_work) * np.where(periods, self._pushed_out(arc.offer), 0.0)
        if arc.metered:
            return saved
        name = arc.offer.id
        if name not in self._draft.units:
            return np.zeros(self._draft.n)
        there, worth = self._held.by_offer[name] > NOTHING, kept_off.worth(arc, self._reduced)
        brought = saved + np.where(periods, takes(self._draft, arc) * worth, 0.0)
        found: Floats = np.where(there & self._gang_runs(arc), brought, 0.0)
        if there.all() or arc in self._little[name] or self._is_gang(arc):  # a small part of a unit or gang is no unit
            return found
        free = np.where(periods & ~there, saved + float(arc.per_work) * self._held.rows(name)["use"], 0.0)
        priced = self._reserved if self._draft.units[name].offer.reserved else self._rented
        return np.where(there, found, priced(arc, free, worth))

    def _leaves(self, name: str) -> Floats:
        """The reduced cost of the work that would leave its place for another, by period: at most 0, -inf without any.

        Work that stands at its bound, all of it in one place, has one of its own; of several places the one counts that
        it saves most to leave.
        """
        if name not in self._leaving:
            draft, demand = self._draft, self._draft.demand[name]
            best = np.full(len(demand.work) + 1, -np.inf)
            for arc in draft.arcs.of_workload[name]:
                columns = draft.x[arc.index]
                runs = self._runs(columns, demand.most) & (demand.owner >= 0)
                np.maximum.at(best, demand.owner[runs], self._reduced[columns[runs]])
            if name in draft.unserved:
                columns = draft.unserved[name]
                some = np.flatnonzero(self._runs(columns, demand.work))
                np.maximum.at(best, some, self._reduced[columns[some]])
            self._leaving[name] = np.minimum(best, 0.0)[demand.owner]
        return self._leaving[name]

    def _pushed_out(self, offer: AnyOffer) -> Floats:
        """Where an offer is full, what it costs (below 0) to make room for one of its units; -inf: nothing can."""
        if offer.id not in self._making_room:
            draft, n = self._draft, self._draft.n
            goes = [(arc, draft.x[arc.index], False) for arc in draft.arcs.of_offer[offer.id]]
            goes += [
                (arc, draft.standby[arc.workload.id][draft.arcs.place[arc.index]], True)
                for arc, _, _ in goes
                if arc.workload.id in draft.standby
            ]
            taken = sum((self._values[columns] * float(arc.per_work) for arc, columns, _ in goes), np.zeros(n))
            full = taken >= draft.most(offer) * float(offer.unit_flow) * draft.hours * (1 - FULL)
            best = np.full(n, -np.inf)
            for arc, columns, waits in goes if full.any() else ():
                cost = 0.0 if waits else self._elsewhere(arc)
                each = (np.minimum(self._reduced[columns], 0.0) - cost) / float(arc.per_work)
                runs = self._runs(columns, draft.most_work[arc.workload.id])
                best = np.maximum(best, np.where(runs, each, -np.inf))
            self._making_room[offer.id] = np.where(full, best, 0.0)
        return self._making_room[offer.id]

    def _elsewhere(self, arc: Arc) -> Floats:
        """The reduced cost of the next best place for an arc's work, by period; infinite without any."""
        name = arc.workload.id
        if name not in self._places:
            self._places[name] = self._by_place(name)
        others = np.delete(self._places[name], self._draft.arcs.place[arc.index], axis=0)
        found: Floats = np.maximum(others.min(axis=0), 0.0)[self._draft.demand[name].owner]
        return found

    def _by_place(self, name: str) -> Floats:
        """The reduced costs of a workload's places, a row each, and of what is not served, by the time of its demand.

        Infinite where it may not run, and in the last column, which stands for no demand.
        """
        draft, owner = self._draft, self._draft.demand[name].owner
        arcs = draft.arcs.of_workload[name]
        found = np.full((len(arcs) + 1, len(draft.demand[name].work) + 1), np.inf)
        for row, arc in enumerate(arcs):
            free = np.flatnonzero(~self._fixed[arc.index] & (owner >= 0))
            np.minimum.at(found[row], owner[free], self._reduced[draft.x[arc.index, free]])
        if name in draft.unserved:
            found[-1, :-1] = self._reduced[draft.unserved[name]]
        return found

    def _runs(self, columns: Ints, most: Floats) -> Bools:
        """Where columns have work, of so much at most, that the solver can tell from nothing."""
        found: Bools = self._values[columns] > TOLD * np.maximum(most, TOLD)
        return found

    def _rented(self, arc: Arc, saved: Floats, worth: Floats) -> Floats:
        """Less the price of the part of a unit, by the hour, that a unit of work takes."""
        units, cost = self._draft.units[arc.offer.id], np.full(self._draft.n, np.inf)
        for column, each in self._cost_of_units(units, worth):
            cost[units.starts[column]] = each / units.units[column]
        some = saved > 0
        left = np.zeros(self._draft.n)
        left[some] = saved[some] - cost[some] * takes(self._draft, arc)[some]
        return left

    def _reserved(self, arc: Arc, saved: Floats, worth: Floats) -> Floats:
        """What a term saves, over all the work that fills it; of several starts the best."""
        units, part = self._draft.units[arc.offer.id], takes(self._draft, arc)
        best = np.zeros(self._draft.n)
        for column, cost in self._cost_of_units(units, worth):
            at = units.serve[column]
            at = at[saved[at] > 0]
            work = units.units[column] / part[at]
            gain = float((saved[at] * work).sum()) - cost
            if len(at) and gain > 0:  # what costs nothing has a cost of a rounding below it, too
                best[at] = np.maximum(best[at], gain / float(work.sum()))
        return best

    def _cost_of_units(self, units: Units, worth: Floats) -> Iterator[tuple[int, float]]:
        """Columns that buy the first units of an offer, and what each costs with the clauses and limits it touches.

        Left out are the rows that hold work within units, wherever nothing is bought: there their duals say nothing;
        and those by which a unit is kept off that comes with the work, at what it is ``worth``.
        """
        draft, name = self._draft, units.offer.id
        rows, absent = self._held.rows(name), self._held.by_offer[name] <= NOTHING
        flow = draft.hours * float(units.offer.unit_flow)
        credit = np.where(absent, flow * rows["use"] + most_taken(draft, self._little[name]) * rows["little"], 0.0)
        for column in range(units.opening or len(units.starts)):
            at, number = units.serve[column], units.columns[column]
            if self._upper[number] and absent[at].any():
                cost = float(self._reduced[number] + (credit[at] - worth[at]).sum() * units.units[column])
                if units.opening:
                    cost += float(rows["opened"][column] * self._upper[units.columns[column + units.opening]])
                yield column, cost

    # -- read off the solution -------------------------------------------------------------------------------------
    @cached_property
    def _upper(self) -> Floats:
        return self._draft.program.upper()

    @cached_property
    def _little(self) -> dict[str, list[Arc]]:
        """Arcs whose work takes no more than a little of one unit, by offer."""
        return {name: little_work(self._draft, units.offer) for name, units in self._draft.units.items()}

    @cached_property
    def _listed(self) -> dict[str, float]:
        """The dearest list price of a unit of each workload's work."""
        every, at = np.nan_to_num(self._draft.prices.listed), self._draft.arcs.of_workload
        return {name: float(max((every[a.index].max() for a in arcs), default=0.0)) for name, arcs in at.items()}

    def _is_gang(self, arc: Arc) -> bool:
        return any(gang is arc for gang, _, _ in self._draft.gangs)

    def _gang_runs(self, arc: Arc) -> Bools:
        """When more work may run on an offer for no more than its price: any time, save of a gang that is not there."""
        runs = np.ones(self._draft.n, dtype=np.bool_)
        for gang, columns, spans in self._draft.gangs:
            if gang is arc:
                for number, span in zip(columns.tolist(), spans, strict=True):
                    runs[span] = self._values[number] > NOTHING
        return runs
