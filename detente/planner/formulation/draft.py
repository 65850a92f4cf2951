"""A draft: a case's arcs and periods laid over a program.

Owns: the columns of use and of unserved demand, what they cost, and the rows of demand; and it keeps what the others
add: units (``purchases``), capacity (``capacity``), standby (``standby``), placements (``moving``). Not here: the order
in which things are defined (``formulate``), and what a clause sees of it (``shaping``).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from detente.case.case import Case
from detente.case.counted_unit import unit_over
from detente.contract.decisions import Decided
from detente.contract.metered.meter import Meter
from detente.contract.roles import PriceChange
from detente.demand.workload import AnyWorkload
from detente.market.offer import AnyOffer, GpuOffer, TokenOffer
from detente.planner.formulation.arc import Arc, Arcs
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Lines
from detente.planner.formulation.grid import Grid
from detente.planner.formulation.groups import grouping
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.period_prices import PriceList
from detente.planner.formulation.placement import PlacedDemand
from detente.planner.formulation.program import LinearProgram
from detente.planner.formulation.unit_columns import Units, UseByPrice


@dataclass(frozen=True)
class DecidedColumns:
    """What a clause leaves to be decided, a column each that says it, and the key of those who use them."""

    what: tuple[Decided, ...]
    columns: Ints
    whole: bool
    key: Owner


class Draft:
    """The program of a case, as far as it is shaped."""

    def __init__(self, case: Case, grid: Grid) -> None:
        self.case = case
        self.horizon = case.declared.horizon
        self.grid = grid
        self.periods, self.n, self.hours = grid.periods, self.grid.n, self.grid.hours
        self.arcs = Arcs(case)
        self.prices = PriceList(self.arcs, self.grid)
        self.prices.take_off(term for term in case.terms if isinstance(term, PriceChange))
        self.demand = {w.id: grouping(case, w, grid.periods) for w in case.workloads}
        self.most_work = {name: found.most for name, found in self.demand.items()}
        self._limits: dict[str, Sequence[int | Fraction | None]] = {}
        self.program = LinearProgram()
        self.x: Ints = np.zeros((0, self.n), dtype=np.int32)
        self.unserved: dict[str, Ints] = {}
        self.units: dict[str, Units] = {}
        self.kept_off: dict[str, Ints] = {}  # by offer: of units that a denial keeps off, by denial and period; else -1
        self.by_price: dict[str, UseByPrice] = {}  # of offers of which a clause asks what use of them was bought at
        self.decided: list[DecidedColumns] = []
        self.standby: dict[str, Ints] = {}
        self.standby_from = np.full(len(self.arcs), -1, dtype=np.int64)  # of each arc, the first column of its standby
        self.placements: dict[str, PlacedDemand] = {}  # of workloads that state what a move takes
        self.gangs: list[tuple[Arc, Ints, list[NDArray[np.int64]]]] = []
        self.bounds_read = False  # whether a clause asked what expressions can be at most: bounds then may not change

    def copied(self) -> Draft:
        """The same, to be shaped further while this one stays as it is."""
        found = copy(self)
        found.program, found.units, found.decided = self.program.copied(), dict(self.units), list(self.decided)
        found.by_price = dict(self.by_price)
        return found

    def at_most(self, offer: AnyOffer) -> Sequence[int | Fraction | None]:
        """Units (of tokens: Mtok an hour) there are of an offer in each period; None where not limited."""
        if offer.id not in self._limits:
            of = offer.flow_at_most if isinstance(offer, TokenOffer) else offer.units_at_most
            if (offer.capacity is None or offer.capacity.always) and not offer.turns:
                self._limits[offer.id] = [of(self.periods[0])] * self.n
            else:
                self._limits[offer.id] = [of(period) for period in self.periods]
        return self._limits[offer.id]

    def most(self, offer: AnyOffer) -> Floats:
        """The same, as floats; infinite where not limited."""
        limits = self.at_most(offer)
        if len(set(limits)) == 1:
            return np.full(self.n, np.inf if limits[0] is None else float(limits[0]))
        return np.array([np.inf if m is None else float(m) for m in limits])

    def rounded_up(self, arcs: Sequence[Arc]) -> Floats:
        """What rounding demand to quanta may have added to what some arcs take in each period, in the offer's unit.

        Demand of exactly what there is of an offer has room there all the same.
        """
        each = (self.demand[arc.workload.id].rounded_up(self.hours) * float(arc.per_work) for arc in arcs)
        found: Floats = sum(each, np.zeros(self.n))
        return found

    def unit(self, meter: Meter) -> str:
        """In what a meter counts: the currency, the unit of the work it covers, or that of the offers it covers."""
        arcs = [self.arcs[i] for i in np.flatnonzero(self.arcs.covered(meter.selection)).tolist()]
        found = unit_over(self.case, meter, ((arc.workload, arc.offer) for arc in arcs))
        if found is None and arcs:  # the case was checked
            raise ValueError(f"`{meter.term}` counts in different units")
        return found or "unit"

    # -- define: each called once by ``formulate`` ---------------------------------------------------------------
    def define_use(self) -> None:
        """A column for each arc and period: work done; at most the work there is."""
        most = np.zeros((len(self.arcs), self.n))
        for arc in self.arcs:
            most[arc.index] = self.demand[arc.workload.id].most_asked
        self.x = self.program.columns(Owner("use"), "work", most.shape, upper=most)

    def define_availability(self) -> None:
        """No use where an offer has no price, is not on offer or too small for a gang."""
        without_price = np.isnan(self.prices.listed)
        for arc in self.arcs:
            self._close(arc, without_price[arc.index], Owner("offer", arc.offer.id))
            if arc.gang and isinstance(arc.offer, GpuOffer):
                small = self._too_small(arc.offer, arc.gang)
                self._close(arc, small, Owner("gang", arc.workload.id))

    def _close(self, arc: Arc, periods: Bools, owner: Owner) -> None:
        if periods.any():
            self.program.fix_at_zero(self.x[arc.index, periods], [{owner}])

    def _too_small(self, offer: GpuOffer, gang: int) -> Bools:
        return np.array([m is not None and m * offer.unit < gang for m in self.at_most(offer)], dtype=np.bool_)

    def define_unserved(self) -> None:
        """Demand that is not served, at its value; none where it must be served."""
        for workload in self.case.workloads:
            if workload.value is None:
                continue
            most = np.maximum(self.demand[workload.id].work, self.demand[workload.id].asked)
            self.unserved[workload.id] = self.program.columns(
                Owner("unserved"), workload.id, len(most), cost=[*map(float, self.worth(workload))], upper=most
            )

    def worth(self, workload: AnyWorkload) -> list[Fraction]:
        """What a unit of each group's demand is worth that goes unserved: by the rate of the last day to serve it."""
        demand, first = self.demand[workload.id], self.periods[0].span_start
        if workload.always("value"):
            return [workload.worth(first)] * len(demand.work)
        after = demand.spans[1].tolist()
        return [workload.worth(self.periods[max(last - 1, 0)].span_start) for last in after]

    def define_demand(self) -> None:
        """Work done and unserved demand make up demand, in each group of periods; more than that there is not to do."""
        for workload in self.case.workloads:
            demand = self.demand[workload.id]
            rows = self.grouped(self.use_of(self.arcs.of_workload[workload.id]), demand.owner, len(demand.work))
            if workload.id in self.unserved:
                rows = rows + Expr.of(self.unserved[workload.id])
            self.program.require(Owner("demand", workload.id), "served", rows == demand.work, ceiling=True)

    def define_costs(self) -> None:
        """Use at its price after discounts, moving data, and units at theirs."""
        cost, after = np.zeros(self.x.shape), self.prices.after_discounts()
        for arc in self.arcs:
            cost[arc.index] = after.egress(arc)
            if arc.metered:
                cost[arc.index] += np.nan_to_num(after.use(arc))
        self.program.charge(Owner("use"), self.x, cost)
        for name, units in self.units.items():
            column, period, _, price = units.each
            net = price * after.paid_of_units(units.offer.id)[period]
            paid: Floats = np.bincount(column, weights=net, minlength=len(units.columns)).astype(np.float64)
            self.program.charge(Owner("units", name), units.columns, paid)

    # -- expressions ---------------------------------------------------------------------------------------------
    def use_of(self, arcs: Sequence[Arc]) -> Lines:
        """Columns of use, by arc and period."""
        return Lines.of(self.x, [arc.index for arc in arcs])

    def standby_of(self, arcs: Sequence[Arc]) -> Lines:
        """Columns of standby, by arc and period; the blocks of all workloads stand one after the other."""
        first = next((int(columns[0, 0]) for columns in self.standby.values()), 0)
        starts = self.standby_from[np.array([arc.index for arc in arcs], dtype=np.int64)]
        return Lines(first, self.n, (starts - first) // self.n)

    def grouped(self, lines: Lines, owner: Ints, n: int) -> Expr:
        """Work of some arcs in each of n groups of periods."""
        inside = owner >= 0
        if n == self.n and inside.all():  # each period by itself
            return Expr(n, [(None, lines, 1.0)])
        if inside.all():
            return Expr(n, [(owner, lines, 1.0)])
        return Expr(n, [(owner[inside], lines.columns[:, inside], 1.0)])
