"""What a clause sees of a draft while it shapes a plan (``contract.program``).

Owns: the measures that clauses are written in, their slacks, decisions and charges. Not here: the order of shaping
(``formulate``), denials (``permissions``), prices after discounts (``period_prices``), standby (``standby``), what a
clause says (``terms``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.decisions import Rounding
from detente.contract.metered.meter import PAYMENTS, Measure, Meter, unstated
from detente.contract.metered.paid_use import PaidAs, UsePart
from detente.contract.own_money import OwnMoney
from detente.contract.program import BEYOND, ClauseOwner
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Calendar, Window
from detente.contract.returning import Returning
from detente.contract.roles import OwnRates
from detente.contract.term import Term
from detente.planner.formulation import standby
from detente.planner.formulation.arc import covers
from detente.planner.formulation.draft import DecidedColumns, Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Lines, Part, broadcast
from detente.planner.formulation.grid import in_same_period
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.period_prices import NetPrices
from detente.planner.formulation.price_kept import measured_by_price, use_by_price
from detente.planner.formulation.reserving import bought
from detente.planner.formulation.unit_columns import Units

Ints64 = NDArray[np.int64]
Windows = tuple[Window, ...]

PAID: tuple[Measure, ...] = ("spend", "listed")
"""Measures of what is paid for use, idle capacity and moved data."""

Rates = tuple[Ints64, Floats]
"""Arcs that add to a measure, and what a unit of their work in a period adds to each of its parts (``Grid.shares``)."""


@dataclass(frozen=True, eq=False)
class Paying:
    """What a clause pays of a part of use in each of some times, in its currency, and what makes it exact."""

    of: UsePart
    times: Windows
    money: OwnMoney | None
    given: Expr
    exactly: Callable[[], None] | None
    by: PaidAs


class Shaping:
    """A draft, as clauses may shape it."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._paying: list[Paying] = []
        self._exact: list[Paying] = []
        self._stated: set[Meter] = set()

    def shape(self, term: Term) -> None:
        """Let a clause add what it adds; it may count what its ``meters`` state, as it does when it is settled."""
        self.state(term)
        term.shape(self)

    def state(self, term: Term) -> None:
        """What a clause's meters count may be asked for."""
        self._stated.update(term.meters())

    # -- measures ------------------------------------------------------------------------------------------------
    def even(self, windows: Calendar) -> list[Window]:
        """Calendar times that periods stand for, cut to the time of some windows."""
        start, end = max(windows.begins(0), windows.since), windows.end
        cut = [(max(a, start), min(b, end)) for a, b in self.draft.grid.spans[0]]
        return [Window(at, a, b) for at, (a, b) in enumerate(sorted(cut)) if a < b]

    def total(self, meter: Meter, by: Sequence[Window] | None = None) -> Expr:
        """A measure of the plan over what a meter's selection covers, one row a window."""
        draft, selection, of = self.draft, meter.selection, meter.measure
        if of in PAYMENTS:
            return self._payments_of(meter, tuple(meter.windows if by is None else by))
        if of == "off":
            raise ValueError(
                f"`{meter.term}`: a plan does not count what is taken off prices; `settle` reads that meter"
            )
        if meter not in self._stated:
            raise ValueError(unstated(meter))
        by = tuple(meter.windows if by is None else by)
        used = tuple(map(meter.use_of, by))
        own = self._in_own(meter, used)
        index, rates = self._rates(selection, of, used)
        parts = self._measured(index, rates * own, used)
        if of in PAID:
            net, windows = draft.prices.within(used, discounts=of == "spend"), draft.grid.shares(used)[0]
            parts += measured_by_price(draft, self._part(selection), net, windows, own)
        if of in (*PAID, "taken"):
            for units in draft.units.values():
                facts = draft.case.offer_facts[units.offer.id]
                if covers(selection, None, facts):
                    by_use = meter.counts_use_of(facts)
                    parts.append(
                        self._units_measured(units, of, used, own) if by_use else bought(draft, units, meter, by)
                    )
        return Expr(len(by), parts, windows=by, unit=draft.unit(meter))

    def pays(
        self, owner: ClauseOwner, of: UsePart, times: Sequence[Window], given: Any,
        exactly: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """What a clause pays, for the totals of what is paid, or gives back."""
        by: PaidAs = "returned" if isinstance(owner, Returning) else "saved" if isinstance(owner, OwnRates) else "paid"
        self._paying.append(Paying(of, tuple(times), owner.own_money, given, exactly, by))

    def exactly(self, meter: Meter) -> None:
        """Leave no choice in what is saved of what a meter counts."""
        for paying in self._paying:
            if paying.by == meter.measure and paying not in self._exact and paying.of.inside(meter.selection):
                self._exact.append(paying)
                if paying.exactly is not None:
                    paying.exactly()

    def _payments_of(self, meter: Meter, windows: Windows) -> Expr:
        """Payments of those that were shaped so far, by window; exact ones where they are counted."""
        found, used = (
            Expr(len(windows), windows=windows, unit=self.draft.case.currency),
            tuple(map(meter.use_of, windows)),
        )
        by = "paid" if meter.measure == "paid-before" else meter.measure
        for paying in self._paying:
            if paying.by != by or not paying.of.inside(meter.selection):
                continue
            rows = [_holder(meter, used, atom) for atom in paying.times]
            if max(rows, default=-1) < 0:
                continue
            own = paying.money == meter.money  # else a plan would rather have it at another rate
            free = own and meter.measure in ("paid-before", "saved")  # of a cap, a plan has nothing to gain by less
            if not free and paying not in self._exact:
                self._exact.append(paying)
                if paying.exactly is not None:
                    paying.exactly()
            given = paying.given if own else paying.given * _between(paying, meter)
            found = found + given.gather(rows, len(windows))
        return found

    def _in_own(self, meter: Meter, by: Windows) -> Floats:
        """What one of the case's currency is in that of a meter, in each of the ``shares``: a period has one rate."""
        money, draft = meter.money, self.draft
        if money is None:
            return np.ones(1)
        each = np.array([1 / money.rate(period.span_start) for period in draft.periods], dtype=np.float64)
        found: Floats = each[draft.grid.shares(by)[1]]
        return found

    def _measured(self, index: Ints64, rates: Floats, by: Windows) -> list[Part]:
        """Entries of use, by arc and by period of each window."""
        if not len(index):
            return []
        windows, periods, _ = self.draft.grid.shares(by)
        lines = Lines.of(self.draft.x, index)
        if np.array_equal(periods, np.arange(self.draft.n)):  # each once
            return [(windows, lines, rates)]
        return [(windows, lines.columns[:, periods], rates)]

    def _rates(self, selection: Selection, of: Measure, by: Windows) -> Rates:
        """What use adds.

        Units bought count where idle capacity is covered; the work on them then only moves cost between the covered
        and the rest: used capacity is charged to the work on it, pro rata.
        """
        draft = self.draft
        covered = draft.arcs.covered(selection)
        if of == "work":
            return self._even(covered.astype(np.float64), by)
        if of == "revenue":
            return self._earned(covered, by)
        part = self._part(selection)
        if of == "taken":
            return self._even(part * draft.arcs.per_work, by)
        return self._spend_rates(selection, part, draft.prices.within(by, discounts=of == "spend"))

    def _earned(self, covered: Bools, by: Windows) -> Rates:
        """What each arc earns, in a currency whose rate changes by the rate of each period."""
        _, periods, share = self.draft.grid.shares(by)
        index = np.array([a.index for a in self.draft.arcs if covered[a.index] and a.workload.revenue], dtype=np.int64)
        starts = [period.span_start for period in self.draft.periods]
        earned = np.zeros((len(index), len(starts)))
        for row, workload in enumerate(self.draft.arcs[i].workload for i in index.tolist()):
            earned[row] = [float(workload.earns(at)) for at in (starts[:1] if workload.always("revenue") else starts)]
        return index, earned[:, periods] * share

    def _part(self, selection: Selection) -> Floats:
        """Which part of what use of each arc costs is added to what is bought, of what a selection covers of both."""
        arcs, sold = self.draft.arcs, self.draft.case.offer_facts.values()
        idle = np.array([covers(selection, None, facts) for facts in sold], dtype=np.bool_)
        bought = np.array([not arc.metered for arc in arcs], dtype=np.bool_)
        found: Floats = arcs.covered(selection).astype(np.float64) - (idle[arcs.offer_at] & bought)
        return found

    def _even(self, each: Floats, by: Windows) -> Rates:
        """Of what is even over a period: by the share of it."""
        index = np.flatnonzero(each)
        return index, each[index, np.newaxis] * self.draft.grid.shares(by)[2]

    def _spend_rates(self, selection: Selection, part: Floats, net: NetPrices) -> Rates:
        arcs = self.draft.arcs
        moved = {a.index: a for a in arcs if a.egress and covers(selection, a.demand, a.egress_facts)}
        adds = part != 0
        adds[list(moved)] = True
        index = np.flatnonzero(adds)
        rates = np.zeros((len(index), len(net.share)))
        for row, i in enumerate(index.tolist()):
            if part[i]:
                rates[row] = part[i] * np.nan_to_num(net.use(arcs[i]))
                units = self.draft.units.get(arcs[i].offer.id)
                if units is not None and (found := use_by_price(self.draft, units)) is not None:
                    rates[row, np.isin(net.periods, found.periods)] = 0.0  # by the columns of ``_by_price``
            if i in moved:
                rates[row] += net.egress(moved[i])
        return index, rates

    def _units_measured(self, units: Units, of: Measure, by: Windows, own: Floats) -> Part:
        """What one of each column's units adds to a measure in each window."""
        windows, periods, share = self.draft.grid.shares(by)
        column, period, hours, price = units.each
        each = price if of in PAID else hours * float(units.offer.unit_flow)
        counted = share
        if of in PAID:
            counted = self.draft.prices.within(by, discounts=of == "spend").paid_of_units(units.offer.id)
        counted = counted * own
        order = np.argsort(period, kind="stable")
        piece, paid = in_same_period(periods, period[order])
        at = order[paid]
        n = len(units.columns)
        place, parts = np.unique(windows[piece].astype(np.int64) * n + column[at], return_inverse=True)
        total = np.bincount(parts, weights=each[at] * counted[piece], minlength=len(place))
        return (place // n).astype(np.int32), units.columns[place % n], total.astype(np.float64)

    def in_money(self, of: Any, owner: ClauseOwner, windows: Sequence[Window]) -> Expr:
        """Amounts of money, in the clause's currency."""
        currency = owner.own_money.currency if owner.own_money is not None else self.draft.case.currency
        return Expr(of.n, of.parts, of.constant, tuple(windows), currency)

    def list_price(self, offer: str, at: datetime) -> Fraction:
        """The one price of a unit of what is taken of an offer at a moment; nothing where it is not sold then."""
        sold = next(each for each in self.draft.case.offers if each.id == offer)
        price = sold.one_price(at)
        if price is None and sold.price.on(at) is not None:  # the case was checked
            raise ValueError(f"`{offer}` has no one price")
        return price or Fraction(0)

    # -- what a clause adds --------------------------------------------------------------------------------------
    def slack(
        self,
        owner: ClauseOwner,
        part: str,
        *,
        most: Sequence[Fraction],
        price: Fraction = Fraction(0),
        windows: Sequence[Window] | None = None,
        remedy: bool = False,
        whole: Rounding | None = None,
    ) -> Expr:
        """New amounts of zero or more that a clause owns."""
        most = [each * BEYOND for each in most] if remedy else most
        return Expr.of(self._own(owner, part, most, _owed(owner, price, windows), whole, remedy=remedy))

    def _own(
        self,
        owner: ClauseOwner,
        part: str,
        most: Sequence[Fraction],
        cost: float | list[float],
        whole: Rounding | None,
        *,
        remedy: bool = False,
    ) -> Ints:
        upper = [float(m) for m in most]
        return self.draft.program.columns(
            Owner.of(owner),
            part,
            len(upper),
            cost=cost,
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
        windows: Iterable[Window] | None = None,
        price: Fraction = Fraction(0),
        whole: Rounding | None = None,
    ) -> Expr:
        """New amounts of zero or more that somebody decides: their values reach `settle`."""
        of = None if windows is None else list(windows)
        columns = self._own(owner, name, most, _owed(owner, price, of), whole)
        indexes = (None,) if of is None else tuple(window.index for window in of)
        what = tuple((owner.id, owner.validity.start, name, index) for index in indexes)
        key = self.draft.program.key(Owner.of(owner))
        self.draft.decided.append(DecidedColumns(what, columns, whole is not None, key))
        return Expr.of(columns)

    def most(self, of: Any) -> list[Fraction]:
        """The most that each row of an expression can be: of work, what there is of it, where most is counted of it.

        Every other column at its upper bound. A workload that could run on many offers runs once: what these count of
        it together is at most its demand, at the rate of the dearest.
        """
        self.draft.bounds_read = True
        upper, (group, demand) = self.draft.program.upper(), self._groups
        entries = [broadcast(part) for part in of.parts]
        rows, columns, values = (np.concatenate([np.zeros(0), *(e[k].ravel() for e in entries)]) for k in range(3))
        keys, at = np.unique(rows.astype(np.int64) * len(upper) + columns.astype(np.int64), return_inverse=True)
        row, column = keys // len(upper), keys % len(upper)
        rate = np.bincount(at, weights=np.maximum(values, 0.0), minlength=len(keys))  # a column may be in several parts
        rate[upper[column] == 0] = 0.0
        total: Floats = np.bincount(row, weights=rate * upper[column], minlength=of.n) + of.constant
        work = np.flatnonzero(column < len(group))
        work = work[group[column[work]] >= 0]
        many = max(1, len(demand))
        keys, at = np.unique(row[work] * many + group[column[work]], return_inverse=True)
        dearest = np.zeros(len(keys))
        np.maximum.at(dearest, at, rate[work])
        alone = np.bincount(at, weights=(rate * upper[column])[work], minlength=len(keys))
        np.add.at(total, keys // many, np.minimum(dearest * demand[keys % many], alone) - alone)
        return [Fraction(float(v)) for v in total]

    @cached_property
    def _groups(self) -> tuple[Ints64, Floats]:
        """Of each column of work the group of demand that it is of (-1: of none), and how much there is of each."""
        draft, amounts, first = self.draft, [np.zeros(0)], 0
        found = np.full(int(draft.x.max(initial=-1)) + 1, -1, dtype=np.int64)
        for name, demand in draft.demand.items():
            inside = demand.owner >= 0
            arcs = np.array([arc.index for arc in draft.arcs.of_workload[name]], dtype=np.int64)
            found[draft.x[np.ix_(arcs, np.flatnonzero(inside))]] = first + demand.owner[inside]
            amounts.append(demand.work)
            first += len(demand.work)
        return found, np.concatenate(amounts)

    def require(self, owner: ClauseOwner, part: str, rows: Any) -> None:
        """Rows that a clause owns."""
        self.draft.program.require(Owner.of(owner), part, rows)

    def charge(self, owner: ClauseOwner, meter: Meter, rate: Fraction) -> None:
        """A cost in proportion to a meter, over all its windows."""
        program, counted, windows = self.draft.program, self.total(meter), list(meter.windows)
        owed = np.broadcast_to(_owed(owner, rate, windows), len(windows))
        cost = np.zeros(program.n)
        for rows, columns, values in map(broadcast, counted.parts):
            np.add.at(cost, columns, values * owed[rows])
        charged = np.flatnonzero(cost).astype(np.int32)
        program.charge(Owner.of(owner), charged, cost[charged])

    def survive(self, owner: ClauseOwner, selection: Selection, share: Fraction) -> None:
        """Standby, so that the loss of any one provider leaves a share of each covered workload's demand."""
        standby.survive(self.draft, owner, selection, share)


def _owed(owner: ClauseOwner, price: Fraction, windows: Sequence[Window] | None) -> float | list[float]:
    """A price of amounts in the case's currency: one for all, or of a clause in its own, by the window of each."""
    if owner.own_money is None or not price:
        return float(price)
    if windows is None:
        raise ValueError(f"`{owner.id}` has a price in a currency of its own, and does not say for which windows")
    return [float(price * owner.own_money.at_end(window.end)) for window in windows]


def _between(paying: Paying, counting: Meter) -> list[Fraction]:
    """What one of the currency of what pays is in that of who counts it, in each time of what pays."""
    moneys = (paying.money, counting.money)
    of, into = ([Fraction(1) if m is None else m.at_end(w.end) for w in paying.times] for m in moneys)
    return [a / b for a, b in zip(of, into, strict=True)]


def _holder(meter: Meter, windows: Windows, atom: Window) -> int:
    """The window that holds a time; -1 where none holds any of it. The case was checked: none holds a part of it."""
    held = [place for place, each in enumerate(windows) if each.start < atom.end and atom.start < each.end]
    if held and not (windows[held[0]].start <= atom.start and atom.end <= windows[held[0]].end):
        raise ValueError(f"`{meter.term}` counts a part of what is paid from {atom.start:%Y-%m-%d} on")
    return held[0] if held else -1
