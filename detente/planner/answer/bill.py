"""A plan's exact bill, outside the solver (§4).

Owns: rounding the solver's numbers to whole quanta of work and whole units, and the use that they come to, metered at
exact prices. Not here: what use costs after discounts (``contract/rated/rating``), and what it means to a clause
(``Term.settle``). No float reaches an amount.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.decisions import NOTHING_DECIDED, Decisions
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.rated.rating import Rating
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle
from detente.demand.quanta import Quanta, nanos_each
from detente.demand.quantum import PER_QUANTUM, QUANTUM, nanos
from detente.demand.workload import AnyWorkload
from detente.errors import SolverError
from detente.planner.answer.decided import decided
from detente.planner.answer.moved import Moved, moved, waiting
from detente.planner.answer.reservations import reservations
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.groups import Grouping
from detente.planner.formulation.price_curve import PriceCurve
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.model import Model
from detente.values.money import NANOS, nano, of_nanos
from detente.values.period import hours_between
from detente.values.rounding import half_even

NONE = Decimal(0)

NO_QUANTUM = 1e-3
"""Of a quantum: less than this is none, in however many places."""


@dataclass(frozen=True)
class Quantities:
    """Whole quanta of work by arc and period and of unserved demand by group; whole units by column; decisions.

    ``waiting`` is unserved demand by provider and time, where moves are counted.
    """

    work: Quanta
    unserved: dict[str, Quanta]
    units: dict[str, NDArray[np.int64]]
    decided: Decisions = NOTHING_DECIDED
    waiting: Mapping[str, Quanta] = field(default_factory=dict)
    by_price: Mapping[str, Quanta] = field(default_factory=dict)  # of offers, as the program's columns (UseByPrice)


@dataclass(frozen=True)
class ListCharges:
    """What the work of each arc costs at list price in each period in which it has any, in whole billionths."""

    arc: NDArray[np.int64]
    period: NDArray[np.int64]
    cost: list[int]


@dataclass(frozen=True)
class Bill:
    """What a plan costs: use at its net price, what clauses owe and give, unserved demand at its value, moves."""

    quantities: Quantities
    rated: tuple[RatedUse, ...]
    settlements: tuple[Settlement, ...]  # by clause, in the case's order
    listed: Decimal
    owed: Decimal
    unserved: Decimal
    moved: tuple[Moved, ...]
    charges: ListCharges
    bought: dict[str, list[int]]  # what units cost, by offer and period, in whole billionths

    @property
    def postings(self) -> tuple[Posting, ...]:
        """Every line, clause by clause."""
        return tuple(p for settlement in self.settlements for p in settlement.postings)

    @property
    def total(self) -> Decimal:
        """What is owed, the value of what is not served, and what moves cost."""
        return self.owed + self.unserved + self.moving

    @property
    def moving(self) -> Decimal:
        """What moves cost."""
        return sum((each.cost for each in self.moved), Decimal(0))


def quantities(draft: Draft, model: Model, values: Floats) -> Quantities:
    """Whole quanta and units of a solution; each group's work and unserved demand add up to its demand exactly."""
    work = np.rint(values[draft.x] / float(QUANTUM)).astype(np.int64)
    work[(model.zeroed[draft.x] > 0) | (work < 0)] = 0
    unserved = {}
    for workload in draft.case.workloads:
        rows = [a.index for a in draft.arcs.of_workload[workload.id]]
        demand = draft.demand[workload.id]
        columns = draft.unserved.get(workload.id)
        left = np.zeros(len(demand.quanta), dtype=np.int64)
        if columns is not None:
            left = np.maximum(np.rint(values[columns] / float(QUANTUM)).astype(np.int64), 0)
        missed, (first, last) = demand.quanta - _done(demand, work[rows]) - left, demand.spans
        for g in np.flatnonzero(missed).tolist():
            part, missing = work[rows, first[g] : last[g]], int(missed[g])
            at = np.unravel_index(int(np.argmax(part)), part.shape) if part.size else None
            if at is not None and part[at] + missing >= 0 and part[at] > 0:
                work[rows[at[0]], first[g] + at[1]] += missing
            else:
                spread = values[draft.x[rows, first[g] : last[g]]] / float(QUANTUM)
                some = np.argsort(-spread, axis=None, kind="stable")[: max(missing, 0)]  # each too little for a quantum
                some = some[spread.flat[some] > NO_QUANTUM]
                part.flat[some] += 1
                work[rows, first[g] : last[g]] = part
                left[g] = max(0, left[g] + missing - len(some))
                if columns is None and left[g] > 0:
                    short = f"{float(left[g] * QUANTUM):g} {workload.unit}"
                    raise SolverError(f"`{workload.id}` must be served, and the solver lost {short} of it in rounding")
        unserved[workload.id] = left
    units = {name: np.rint(values[u.columns]).astype(np.int64) for name, u in draft.units.items()}
    there = decided(draft, model, values), waiting(draft, unserved, values), _by_price(draft, work, values)
    return Quantities(work, unserved, units, *there)


def _done(demand: Grouping, work: Quanta) -> Quanta:
    """The work of each group, of all arcs together."""
    inside = demand.owner >= 0
    done = np.zeros(len(demand.quanta), dtype=np.int64)
    np.add.at(done, demand.owner[inside], work[:, inside].sum(axis=0))
    return done


def bill_of(draft: Draft, found: Quantities) -> Bill:
    """The exact bill of whole quantities: metered, rated and settled, as use would be."""
    terms = draft.case.terms
    charges = _charged(draft, found)
    bought = {name: list(_bought(draft, name, found)) for name in draft.units}
    rating, totals = Rating(terms), Totals((meter for term in terms for meter in term.meters()), bought=True)
    rated = tuple(map(rating.rate, _uses(draft, found, charges, bought)))
    for line in rated:
        totals.add(line)
    for reserved in reservations(draft, found.units, rating):
        totals.buy(reserved)
    settlements = settle(terms, totals, found.decided, None)
    listed = sum((line.use.listed for line in rated), Decimal(0))
    net = sum((line.net for line in rated), Decimal(0))
    posted = [p for settlement in settlements for p in settlement.postings]
    owed = net + sum((p.amount for p in posted if not p.in_spend), Decimal(0))
    moves = tuple(moved(draft, found.work, found.waiting))
    return Bill(found, rated, settlements, listed, owed, _unserved(draft, found), moves, charges, bought)


def _unserved(draft: Draft, found: Quantities) -> Decimal:
    """The value of what is not served."""
    valued = [(w, found.unserved[w.id]) for w in draft.case.workloads if w.value is not None]
    return sum((nano(_worth(draft, w, left) * QUANTUM) for w, left in valued), Decimal(0))


def _worth(draft: Draft, workload: AnyWorkload, left: Quanta) -> Fraction:
    """What some quanta of each group of a workload's demand are worth together, but for their size."""
    each = draft.worth(workload)
    if workload.always("value"):
        return int(left.sum()) * each[0] if each else Fraction(0)
    return sum((int(left[g]) * each[g] for g in np.flatnonzero(left).tolist()), Fraction(0))


def _charged(draft: Draft, found: Quantities) -> ListCharges:
    arcs, periods = np.nonzero(found.work)
    cost: list[int] = []
    for index in np.unique(arcs).tolist():
        at = periods[arcs == index].tolist()
        prices = prices_of_use(draft, found, draft.arcs[index], at)
        quanta = found.work[index, at]
        changes = (i for i in range(1, len(at)) if prices[i] is not prices[i - 1] and prices[i] != prices[i - 1])
        cuts = [0, *changes, len(at)]
        for first, after in itertools.pairwise(cuts):  # a price that stays: all at once
            price = prices[first]
            assert price is not None
            cost += nanos_each(quanta[first:after], price)
    return ListCharges(arcs, periods, cost)


def prices_of_use(draft: Draft, found: Quantities, arc: Arc, at: Iterable[int]) -> list[Fraction | None]:
    """List price per unit of work in some periods; None where none."""
    usual, units = draft.prices.of_use[arc.index], draft.units.get(arc.offer.id)
    if units is None or not units.prices:
        return [usual[t] for t in at]
    several = {t for t, prices in units.prices.items() if len(prices) > 1}
    return [_price_of_several(draft, found, arc, t) if t in several else usual[t] for t in at]


def _price_of_several(draft: Draft, found: Quantities, arc: Arc, t: int) -> Fraction | None:
    """The same of what is reserved at several prices: what was paid for that which serves it."""
    units = draft.units[arc.offer.id]
    prices = units.prices[t]
    by_price = draft.by_price.get(arc.offer.id)
    if by_price is not None:
        places = np.flatnonzero(by_price.periods == t)
        parts = found.by_price[arc.offer.id][by_price.arcs.index(arc.index), places].tolist()
        weights: dict[Fraction, int] = {
            by_price.prices[place]: part for place, part in zip(places.tolist(), parts, strict=True)
        }
    else:  # what each is of all that serves
        held = found.units[arc.offer.id]
        weights = {
            price: sum(int(held[column]) * int(units.units[column]) for column in columns)
            for price, columns in prices.items()
        }
    served = sum(weights.values())
    if not served:
        return draft.prices.of_use[arc.index][t]
    mean = sum((price * weight for price, weight in weights.items()), Fraction(0)) / served
    return mean * arc.per_work / units.offer.unit_flow


def _by_price(draft: Draft, work: Quanta, values: Floats) -> dict[str, Quanta]:
    """Whole quanta of work by the price of what serves it, which make up the work of each arc and period exactly."""
    found = {}
    for name, use in draft.by_price.items():
        parts = np.maximum(np.rint(values[use.columns] / float(QUANTUM)).astype(np.int64), 0)
        for t in np.unique(use.periods).tolist():
            places = np.flatnonzero(use.periods == t)
            for row, index in enumerate(use.arcs):
                missing = int(work[index, t] - parts[row, places].sum())
                largest = places[int(np.argmax(parts[row, places]))]
                parts[row, largest] = max(0, parts[row, largest] + missing)
        found[name] = parts
    return found


def _bought(draft: Draft, name: str, found: Quantities) -> Iterable[int]:
    """What the units of an offer cost in each period, in whole billionths."""
    units = draft.units[name]
    total = units.money.together(_in_units(units, found.units[name]), draft.n)
    return (half_even(parts * NANOS, units.money.whole) for parts in total)


def _in_units(units: Units, counts: NDArray[np.int64]) -> list[int]:
    """Counts of columns as units: a column may count steps of several."""
    found: list[int] = (counts * units.units.astype(np.int64)).tolist()
    return found


def units_paid(draft: Draft, name: str, found: Quantities) -> list[Fraction]:
    """What the units of an offer could give in each period, in the offer's unit."""
    units = draft.units[name]
    total = units.hours.together(_in_units(units, found.units[name]), draft.n)
    each = {parts: Fraction(parts, units.hours.whole) * units.offer.unit_flow for parts in set(total)}
    return [each[parts] for parts in total]


def work_by_provider(draft: Draft, found: Quantities) -> dict[tuple[str, str], Decimal]:
    """Work of each workload with each provider, where there is any; not served is with the provider ``""``."""
    total: dict[tuple[str, str], Fraction] = {}
    for arc in draft.arcs:
        key = arc.workload.id, arc.offer.provider
        total[key] = total.get(key, Fraction(0)) + int(found.work[arc.index].sum()) * QUANTUM
    for name, left in found.unserved.items():
        total[name, ""] = int(left.sum()) * QUANTUM
    return {key: nano(work) for key, work in total.items() if work}


def paid_to(draft: Draft, bill: Bill) -> dict[str, Decimal]:
    """What each provider receives: use, idle capacity and data at their net prices, and what its clauses are owed."""
    paid = dict.fromkeys(draft.case.providers, Decimal(0))
    for line in bill.rated:
        paid[line.use.offer["provider"]] += line.net
    for term, settlement in zip(draft.case.terms, bill.settlements, strict=True):
        owed = sum((p.amount for p in settlement.postings if not p.in_spend), Decimal(0))
        if term.validity.counterparty in paid:
            paid[term.validity.counterparty] += owed
    return paid


SpanWork = tuple[datetime, datetime, list[int], Quanta, list[int]]
"""A calendar time that periods stand for: those periods; of each arc, its work in all of them and what that costs."""


def _by_span(draft: Draft, found: Quantities, charges: ListCharges) -> Iterable[SpanWork]:
    spans, which = draft.grid.spans
    listed = [[0] * len(draft.arcs) for _ in spans]
    for at, arc, cost in zip(which[charges.period].tolist(), charges.arc.tolist(), charges.cost, strict=True):
        listed[at][arc] += cost
    work = np.zeros((len(spans), len(draft.arcs)), dtype=np.int64)
    np.add.at(work, which, found.work.T)
    cuts = np.cumsum(np.bincount(which, minlength=len(spans)))[:-1]
    periods = np.split(np.argsort(which, kind="stable"), cuts)
    for (start, end), some, quanta, costs in zip(spans, periods, work, listed, strict=True):
        yield start, end, some.tolist(), quanta, costs


def _uses(draft: Draft, found: Quantities, charges: ListCharges, bought: dict[str, list[int]]) -> Iterable[Use]:
    """Use by arc and span, what else is bought by offer and span, and data moved."""
    paid = {name: units_paid(draft, name, found) for name in bought}
    whole = {name: math.lcm(*(arc.per_work.denominator for arc in draft.arcs.of_offer[name])) for name in bought}
    for start, end, periods, work, listed in _by_span(draft, found, charges):
        used: dict[str, tuple[int, int]] = {}
        for index in np.flatnonzero(work).tolist():
            arc, quanta, cost = draft.arcs[index], int(work[index]), listed[index]
            yield from _priced(_use(arc, start, end, quanta, cost), draft.prices.curves.get(index))
            if arc.egress is not None and (price := arc.egress.on(start)):
                moved = of_nanos(nanos(quanta, price))
                assert arc.egress_facts is not None
                yield Use("egress", arc.demand, arc.egress_facts, start, end, NONE, NONE, moved)
            if not arc.metered:
                name, each = arc.offer.id, arc.per_work
                before = used.get(name, (0, 0))
                taken = quanta * each.numerator * (whole[name] // each.denominator)
                used[name] = before[0] + cost, before[1] + taken
        for name, costs in bought.items():
            cost = sum(costs[t] for t in periods)
            flow = sum((paid[name][t] for t in periods[1:]), paid[name][periods[0]])
            by_work, parts = used.get(name, (0, 0))
            if not (cost or flow or by_work or parts):
                continue
            free = flow - Fraction(parts * QUANTUM.numerator, whole[name] * QUANTUM.denominator)
            if cost != by_work or free:
                idle = of_nanos(cost - by_work)
                use = Use("idle", None, draft.case.offer_facts[name], start, end, NONE, nano(free), idle)
                yield from _priced(use, draft.prices.curves.get(name))


def _priced(use: Use, curve: PriceCurve | None) -> Iterator[Use]:
    """A line for each time in which its list price stays, where that changes within it; they add up to the line."""
    span = use.start, use.end
    if curve is None or span not in curve:
        yield use
        return
    hours, done, paid = hours_between(*span), Fraction(0), Fraction(0)
    given = [Decimal(0)] * 4
    for start, end, part in curve.times(span):
        done, paid = done + hours_between(start, end) / hours, paid + part
        shares = ((use.work, done), (use.taken, done), (use.listed, paid), (use.revenue, done))
        upto = [nano(Fraction(amount) * share) for amount, share in shares]
        work, taken, listed, revenue = (now - before for now, before in zip(upto, given, strict=True))
        yield replace(use, start=start, end=end, work=work, taken=taken, listed=listed, revenue=revenue)
        given = upto


def _use(arc: Arc, start: Any, end: Any, quanta: int, cost: int) -> Use:
    """Use of an arc; ``cost`` is its list price in whole billionths."""
    earned = of_nanos(nanos(quanta, arc.workload.earns(start))) if arc.workload.revenue else NONE
    work, taken = of_nanos(quanta * PER_QUANTUM), of_nanos(nanos(quanta, arc.per_work))
    return Use("use", arc.demand, arc.sold, start, end, work, taken, of_nanos(cost), earned)
