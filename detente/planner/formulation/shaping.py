"""What a clause sees of a draft while it shapes a plan (``contract.program``).

Owns: the measures that clauses are written in, their slacks, decisions and charges. Not here: the order of shaping
(``formulate``), denials (``permissions``), prices after discounts (``prices``), standby (``standby``), what a clause
says (``terms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.decisions import Rounding
from detente.contract.meter import Measure, Meter
from detente.contract.program import ClauseOwner
from detente.contract.scope import Selection
from detente.planner.formulation import standby
from detente.planner.formulation.arc import covers
from detente.planner.formulation.draft import DecidedColumns, Draft
from detente.planner.formulation.expression import Expr, Floats, Ints, Lines, Part, spelt
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.units import Units

Rates = tuple[NDArray[np.int64], Floats]
"""Arcs that add to a measure, and what a unit of their work adds to it in each period."""


class Shaping:
    """A draft, as clauses may shape it."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    # -- measures ------------------------------------------------------------------------------------------------
    def total(self, meter: Meter) -> Expr:
        """A measure of the plan over what a meter's selection covers, one row a window."""
        draft, selection, of = self.draft, meter.selection, meter.measure
        if of == "off":
            raise ValueError(
                f"`{meter.term}`: a plan does not count what is taken off prices; `settle` reads that meter"
            )
        by = tuple(meter.windows)
        windows, periods, share = draft.grid.shares(by)
        index, rates = self._rates(selection, of)
        parts = self._measured(index, rates, windows, periods, share)
        if of in ("spend", "taken"):
            parts += [
                self._units_measured(units, of, windows, periods, share)
                for units in draft.units.values()
                if covers(selection, None, draft.case.offer_facts[units.offer.id])
            ]
        return Expr(len(by), parts, windows=by, unit=draft.unit(meter))

    def _measured(
        self, index: NDArray[np.int64], rates: Floats, windows: Ints, periods: NDArray[np.int64], share: Floats
    ) -> list[Part]:
        """Entries of use, by arc and by period of each window."""
        if not len(index):
            return []
        lines = Lines.of(self.draft.x, index)
        if np.array_equal(periods, np.arange(self.draft.n)):  # each once
            return [(windows, lines, rates * share)]
        return [(windows, lines.columns[:, periods], rates[:, periods] * share)]

    def _rates(self, selection: Selection, of: Measure) -> Rates:
        """What use adds.

        Units bought count where idle capacity is covered; the work on them then only moves cost between the covered
        and the rest: used capacity is charged to the work on it, pro rata.
        """
        draft = self.draft
        covered = draft.arcs.covered(selection)
        if of == "work":
            index = np.flatnonzero(covered)
            return index, np.ones((len(index), draft.n))
        if of == "revenue":
            revenue = np.array([float(a.workload.revenue.amount) if a.workload.revenue else 0.0 for a in draft.arcs])
            index = np.flatnonzero(covered & (revenue != 0))
            return index, np.repeat(revenue[index, np.newaxis], draft.n, axis=1)
        idle = np.array([covers(selection, None, facts) for facts in draft.case.offer_facts.values()], dtype=np.bool_)
        bought = np.array([not arc.metered for arc in draft.arcs], dtype=np.bool_)
        part = covered.astype(np.float64) - (idle[draft.arcs.offer_at] & bought)
        if of == "taken":
            index = np.flatnonzero(part)
            taken = part[index] * draft.arcs.per_work[index]
            return index, np.repeat(taken[:, np.newaxis], draft.n, axis=1)
        return self._spend_rates(selection, part)

    def _spend_rates(self, selection: Selection, part: Floats) -> Rates:
        arcs, prices = self.draft.arcs, self.draft.prices
        moved = {a.index: prices.egress(a) for a in arcs if a.egress and covers(selection, a.demand, a.egress_facts)}
        adds = part != 0
        adds[list(moved)] = True
        index = np.flatnonzero(adds)
        rates = np.empty((len(index), self.draft.n))
        for row, i in enumerate(index.tolist()):
            rates[row] = part[i] * prices.use(arcs[i])
        np.nan_to_num(rates, copy=False)
        for row, i in enumerate(index.tolist()):
            if i in moved:
                rates[row] += moved[i]
        return index, rates

    def _units_measured(self, units: Units, of: Measure, windows: Ints, periods: Any, share: Floats) -> Part:
        """What one of each column's units adds to a measure in each window."""
        column, period, hours, price = units.each
        off = self.draft.prices.off[units.offer.id]
        each = price * (1 - off[period]) if of == "spend" else hours * float(units.offer.unit_flow)
        order = np.argsort(period, kind="stable")
        first = np.searchsorted(period[order], periods, side="left")
        times = np.searchsorted(period[order], periods, side="right") - first
        paid = np.repeat(first - np.cumsum(times) + times, times) + np.arange(times.sum())  # runs, one after the other
        at = order[paid]
        n = len(units.columns)
        place, parts = np.unique(np.repeat(windows, times).astype(np.int64) * n + column[at], return_inverse=True)
        total = np.bincount(parts, weights=each[at] * np.repeat(share, times), minlength=len(place))
        return (place // n).astype(np.int32), units.columns[place % n], total.astype(np.float64)

    # -- what a clause adds --------------------------------------------------------------------------------------
    def slack(
        self,
        owner: ClauseOwner,
        part: str,
        *,
        most: Sequence[Fraction],
        price: Fraction = Fraction(0),
        remedy: bool = False,
        whole: Rounding | None = None,
    ) -> Expr:
        """New amounts of zero or more that a clause owns."""
        return Expr.of(self._own(owner, part, most, price, whole, remedy=remedy))

    def _own(
        self,
        owner: ClauseOwner,
        part: str,
        most: Sequence[Fraction],
        price: Fraction,
        whole: Rounding | None,
        *,
        remedy: bool = False,
    ) -> Ints:
        upper = [float(m) for m in most]
        return self.draft.program.columns(
            Owner.of(owner),
            part,
            len(upper),
            cost=float(price),
            upper=upper,
            remedy=remedy,
            integer=whole is not None,
            rounding=whole or "nearest",
        )

    def decide(
        self,
        owner: ClauseOwner,
        name: str,
        *,
        most: Sequence[Fraction],
        price: Fraction = Fraction(0),
        whole: Rounding | None = None,
    ) -> Expr:
        """New amounts of zero or more that somebody decides: their values reach `settle`."""
        columns = self._own(owner, name, most, price, whole)
        what = owner.id, owner.validity.start, name
        key = self.draft.program.key(Owner.of(owner))
        self.draft.decided.append(DecidedColumns(what, columns, whole is not None, key))
        return Expr.of(columns)

    def most(self, of: Any) -> list[Fraction]:
        """The most that each row of an expression can be: every column at its upper bound."""
        upper = self.draft.program.upper()
        total = np.zeros(of.n)
        for part in of.parts:
            rows, columns, values = spelt(part)
            np.add.at(total, rows.T.ravel(), (np.maximum(values, 0.0) * upper[columns]).T.ravel())
        return [Fraction(float(v)) for v in total + of.constant]

    def require(self, owner: ClauseOwner, part: str, rows: Any) -> None:
        """Rows that a clause owns."""
        self.draft.program.require(Owner.of(owner), part, rows)

    def charge(self, owner: ClauseOwner, meter: Meter, rate: Fraction) -> None:
        """A cost in proportion to a meter, over all its windows."""
        draft = self.draft
        share = draft.grid.covered(meter.windows)
        index, rates = self._rates(meter.selection, meter.measure)
        draft.program.charge(Owner.of(owner), draft.x[index], rates * share * float(rate))

    def survive(self, owner: ClauseOwner, selection: Selection, share: Fraction) -> None:
        """Standby, so that the loss of any one provider leaves a share of each covered workload's demand."""
        standby.survive(self.draft, owner, selection, share)
