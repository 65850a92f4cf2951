"""Dispatch: the least cost at which work runs when what was bought stands, and some of what there is fails.

Owns: what a plan holds, carried into the program of a case like its own; and that program solved again and again, warm,
with offers out for parts of the time, and with work where somebody else put it. Not here: what can be served at once
while they are out (``failover``), what fails and when (``outcomes.draws.draws``), and where a gateway puts work
(``outcomes.draws.routed``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from detente.case.case import Case
from detente.contract.roles import StandbyHedge
from detente.demand.workload import Inference
from detente.planner.formulation.expression import Floats, Ints, dot
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.past import WITHIN
from detente.planner.solving.incumbent import Incumbent
from detente.planner.study import Study
from detente.values.money import Price

PENALTY = 10.0
"""Times the dearest work: so much counts what is not served and must be, in the search. It costs nothing. Times all
that there is to pay: so much counts what clauses give."""

LITTLE = 1e-6
"""Of what a clause may give: less is the solver's tolerance."""

UnitsKey = tuple[str, datetime, int]
"""Units of an offer that begin at a moment, by their number among those that do."""

Out = Mapping[str, Floats]
"""Of each offer that fails at all, the part of each period's time for which it is out."""

Forced = Mapping[str, Floats]
"""Of workloads, the work of each period that cannot be served at once while something is out."""

PlacedWork = Mapping[int, Floats]
"""Of arcs, the work of each period that somebody else put there."""


NOWHERE: PlacedWork = {}


@dataclass(frozen=True)
class Holdings:
    """What a plan has bought for some time and decided under its clauses, by keys that other programs share."""

    units: Mapping[UnitsKey, float]
    decided: Mapping[Hashable, float]

    @classmethod
    def of(cls, study: Study, found: Incumbent) -> Holdings:
        """Of a solution of a study, in whole units."""
        _, solution = study.bill(found)
        assert solution.values is not None
        values = solution.values
        units = {key: float(np.rint(values[column])) for key, column in _units(study)}
        return cls(units, {key: float(values[column]) for key, column in _decided(study)})


@dataclass(frozen=True)
class Dispatched:
    """What a dispatch comes to: its cost, fees for what falls short among it, and by workload what is not served.

    ``missed`` are clauses that work put elsewhere does not keep, and that no fee is stated for.
    """

    cost: float
    fees: float
    unserved_value: float
    unserved: Mapping[str, float]
    missed: tuple[str, ...] = ()


def valued(case: Case) -> Case:
    """The same case in which all work may go unserved, where it must be served at no value."""
    free = [
        w if w.value is not None else w.model_copy(update={"value": _nothing(case, w.unit)}) for w in case.workloads
    ]
    return replace(case, declared=case.declared.model_copy(update={"workloads": tuple(free)}))


def _nothing(case: Case, unit: str) -> Price:
    return Price(Decimal(0), case.currency, unit)


class Dispatch:
    """The program of a case under what a plan holds: solved once in calm, and then with outages."""

    def __init__(self, case: Case, held: Holdings, deadline: float | None = None, *, lenient: bool = False) -> None:
        """``lenient``: where work was put elsewhere, clauses that it cannot keep give as little as they can."""
        self.must = frozenset(w.id for w in case.workloads if w.value is None)
        ready = [term.id for term in case.terms if isinstance(term, StandbyHedge)]  # for what is drawn here: it is used
        self.study = Study.of(valued(case)).without(ready)
        self.gives: dict[Owner, int] = {}
        if lenient:
            self._let_clauses_give()
        self.draft, self.model = self.study.draft, self.study.turn()
        self.model.deadline = deadline
        self.held_flow: dict[str, Floats] = {}
        self._hold(held)
        self._weigh_what_must_not_be()
        self._give(nothing=True)
        self.calm = self._solved()
        self.basis = self.model.basis

    # -- what is held ------------------------------------------------------------------------------------------------
    def _hold(self, held: Holdings) -> None:
        """Fix what was bought and decided; none of what the plan did not know of. It may stand idle now."""
        pairs = [(column, held.units.get(key, 0.0)) for key, column in _units(self.study)]
        pairs += [(column, held.decided.get(choice, 0.0)) for choice, column in _decided(self.study)]
        columns = np.array([column for column, _ in pairs], dtype=np.int32)
        self.model.fix(columns, np.array([value for _, value in pairs], dtype=np.float64))
        for block in self.draft.program.row_blocks:
            units = self.draft.units.get(block.owner.name) if block.owner.kind == "units" else None
            if units is not None and units.offer.reserved and block.part == "idle":
                free = np.full(block.stop - block.start, np.inf)
                self.model.ask(block.numbers, -free, free)
        for name, units in self.draft.units.items():
            if units.offer.reserved:
                self.held_flow[name] = self._flow(name, held)

    def _flow(self, name: str, held: Holdings) -> Floats:
        """What the units that are held of an offer give in each period, in the offer's unit."""
        units, found = self.draft.units[name], np.zeros(self.draft.n)
        counts = {column: held.units.get(key, 0.0) for key, column in _units(self.study) if key[0] == name}
        for column, size, serve in zip(units.columns, units.units, units.serve, strict=True):
            found[serve] += counts.get(int(column), 0.0) * size
        return found * self.draft.hours * float(units.offer.unit_flow)

    def _let_clauses_give(self) -> None:
        """Those with rows that no fee makes good, each by one column."""
        program = self.study.draft.program
        hard = {block.owner for block in program.row_blocks if block.start not in program.remedies}
        owners = [owner for owner in by_owner(self.study.case.terms) if owner in hard]
        soft = self.study.softened(owners)
        assert soft.giving is not None
        self.study = replace(soft, giving=replace(soft.giving, lenient=frozenset()))  # what is denied stays denied
        self.gives = {owner: int(total[0]) for owner, total in soft.giving.totals.items()}

    def _give(self, *, nothing: bool) -> None:
        """Let clauses give, or not."""
        columns = np.array(list(self.gives.values()), dtype=np.int32)
        self.model.confine(columns, np.zeros(len(columns)), np.where(nothing, 0.0, self.model.most[columns]))

    def _weigh_what_must_not_be(self) -> None:
        """Work that is not served and must be, and what clauses give."""
        if not self.must and not self.gives:
            return
        cost = self.model.cost.copy()
        worst = PENALTY * max(1e-6, float(np.nanmax(self.draft.prices.listed, initial=0.0)))
        for name in self.must:
            cost[self.draft.unserved[name]] += worst
        if self.study.giving is not None:  # in one unit, or as parts of all there is
            whole = sum(float(each.work.sum()) for each in self.draft.demand.values())
            cost[list(self.gives.values())] += worst * whole if self.study.giving.mixed else max(worst, PENALTY)
        self.model.objective(cost)

    # -- solved again ------------------------------------------------------------------------------------------------
    def with_placed(self, out: Out, placed: PlacedWork) -> Dispatched | None:
        """The least cost where offers are out, and some work runs where it was put; None where there is no dispatch.

        What is not put anywhere of a workload that is, is lost.
        """
        self._give(nothing=False)
        found = self.with_outages(out, {}, placed)
        self._give(nothing=True)
        return found

    def with_outages(self, out: Out, forced: Forced, placed: PlacedWork = NOWHERE) -> Dispatched | None:
        """The least cost where offers are out, and work is lost meanwhile; None where the clauses cannot all be met."""
        columns, low, high = _joined(self._confined(out, forced, placed))
        less = list(self._less(out))
        rows = [(numbers, *self.model.asked(numbers)) for numbers, _ in less]
        for numbers, most in less:
            self.model.ask(numbers, np.full(len(numbers), -np.inf), most)
        self.model.confine(columns, low, high)
        self.model.start_at(self.basis)
        found = self._solved()
        self.model.release(columns)
        for numbers, low, high in rows:
            self.model.ask(numbers, low, high)
        return found

    def _confined(self, out: Out, forced: Forced, placed: PlacedWork) -> Iterator[tuple[Ints, Floats, Floats]]:
        """Columns between other bounds: no use of what is out, no units of it by the hour; what is lost is lost."""
        draft, most = self.draft, self.model.most
        for arc in draft.arcs:
            if arc.index in placed:
                work, by = placed[arc.index], WITHIN * np.maximum(placed[arc.index], 1e-3)
                yield draft.x[arc.index], np.maximum(work - by, 0.0), work
            elif arc.offer.id in out:
                columns = draft.x[arc.index]
                yield columns, np.zeros(draft.n), most[columns] * (1 - out[arc.offer.id])
        for name, units in draft.units.items():
            if name in out and not units.offer.reserved:
                left = 1 - out[name][np.array(units.starts, dtype=np.int64)]
                yield units.columns, np.zeros(len(left)), most[units.columns] * left
        for name, work in forced.items():
            columns = draft.unserved[name]
            yield columns, np.minimum(work, most[columns]), most[columns]

    def _less(self, out: Out) -> Iterator[tuple[Ints, Floats]]:
        """Rows of what there is of an offer, or of what is held of it, and what they then allow."""
        for block in self.draft.program.row_blocks:
            name = block.owner.name
            if name not in out:
                continue
            if block.owner == Owner("offer", name) and name not in self.held_flow:
                limited = np.isfinite(self.draft.most(next(o for o in self.draft.case.offers if o.id == name)))
                _, high = self.model.asked(block.numbers)
                yield block.numbers, high * (1 - (out[name][limited] if block.part == "limit" else out[name]))
            elif block.owner == Owner("units", name) and block.part == "use" and name in self.held_flow:
                yield block.numbers, -self.held_flow[name] * out[name]

    def _solved(self) -> Dispatched | None:
        found = self.model.solve_linear()
        if found.status == "interrupted":
            raise KeyboardInterrupt
        if found.values is None:
            return None
        values, cost = found.values, self.model.cost
        unserved = {name: float(values[columns].sum()) for name, columns in self.draft.unserved.items()}
        remedies = [block.slice for block in self.draft.program.column_blocks if block.remedy]
        fees = sum(dot(cost[each], values[each]) for each in remedies)
        worth = sum(dot(cost[each], values[each]) for each in self.draft.unserved.values())
        missed = dict.fromkeys(owner.name for owner, column in self.gives.items() if values[column] > LITTLE)
        return Dispatched(dot(cost, values), fees, worth, unserved, tuple(missed))

    @property
    def live(self) -> list[str]:
        """Workloads whose work is lost if it is not served at once."""
        return [w.id for w in self.draft.case.workloads if isinstance(w, Inference)]


def _joined(parts: Iterable[tuple[Ints, Floats, Floats]]) -> tuple[Ints, Floats, Floats]:
    """Columns and their bounds, one after the other: a change of each by itself would take longer than a solve."""
    none = np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0)
    columns, low, high = zip(none, *parts, strict=True)
    return np.concatenate(columns), np.concatenate(low), np.concatenate(high)


def _units(study: Study) -> Iterator[tuple[UnitsKey, int]]:
    """The columns of units that are bought for some time: by offer, start, and number among those of that start."""
    draft = study.draft
    for name, units in draft.units.items():
        seen: dict[int, int] = {}
        for column, start in zip(units.columns, units.starts, strict=True):
            if units.offer.reserved:
                yield (name, draft.periods[start].span_start, seen.get(start, 0)), int(column)
                seen[start] = seen.get(start, 0) + 1


def _decided(study: Study) -> Iterator[tuple[Hashable, int]]:
    """The columns that clauses leave to be decided."""
    for block in study.draft.decided:
        for index, column in enumerate(block.columns.ravel()):
            yield (block.key.original, index), int(column)
