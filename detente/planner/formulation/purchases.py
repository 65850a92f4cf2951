"""Which units a case may buy: by the hour in each period, or for a term from a start.

Owns: their columns, and whole counts that hold what a solution uses. Not here: the rows that hold use within them
(``capacity``), and their cost after discounts (``Draft.define_costs``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from detente.contract.reach.window import Window
from detente.market.offer import AnyUnits, GpuOffer, TokenOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.unit_columns import Start, Units
from detente.values.money import Price
from detente.values.period import later

WHOLE_LINE = 100
"""Units of which at most this many can be needed are integers in the program; above, they are rounded up after it,
which costs at most 1% of that purchase and counts in the gap."""

MAX_WHOLE = 400
"""At most so many integer columns of capacity bought by the hour, of all offers together; where there would be more,
all of those are rounded up as well: a search over thousands has no end that anyone could wait for."""

TOLD = 1e-9
"""Of the most work that an arc can do in a period: the solver's tolerance is a hundredth of it."""


def define_units(draft: Draft) -> None:
    """Columns of capacity bought in units, offer by offer."""
    bought = []
    for offer in draft.case.offers:
        if isinstance(offer, TokenOffer) or not _in_units(draft, offer):
            continue
        starts = _terms(draft, offer) if offer.reserved else _hourly(draft, offer)
        if starts:
            useful = _useful(draft, offer)
            bought.append((offer, starts, useful, _most(draft, offer, useful)))
    by_the_hour = sum(len(starts) for offer, starts, _, most in bought if not offer.reserved and _few(offer, most))
    for offer, starts, useful, most in bought:
        whole = _few(offer, most) and (offer.reserved or by_the_hour <= MAX_WHOLE)
        draft.units[offer.id] = _units(draft, offer, starts, useful, most, whole=whole)


def _in_units(draft: Draft, offer: AnyUnits) -> bool:
    """Whether it is bought in units: for work that shares them; or idle, though only gangs run there, each its own."""
    arcs = draft.arcs.of_offer[offer.id]
    return bool(arcs) and (draft.case.may_stand_idle(offer) or not all(arc.own for arc in arcs))


def _few(offer: AnyUnits, most: Floats) -> bool:
    """Whether so few units can be needed that a part of one matters."""
    return float(most.max(initial=0.0)) / offer.sizes[1] <= WHOLE_LINE


def _hourly(draft: Draft, offer: AnyUnits) -> list[Start]:
    prices = draft.prices.of_units[offer.id]
    every = ((t, p, prices[t]) for t, p in enumerate(draft.periods))
    each = np.arange(draft.n)
    return [Start(t, each[t : t + 1], {t: p.hours}, {t: price}) for t, p, price in every if price is not None]


def _terms(draft: Draft, offer: AnyUnits) -> list[Start]:
    """When it may begin, with what each serves and pays."""
    assert offer.term is not None
    end = draft.horizon.closes
    prices = draft.prices.of_units[offer.id]
    found = []
    for start in offer.begins(draft.grid.begins):
        t, over, price = draft.grid.begins[start], later(start, offer.term), offer.price.on(start)
        if (over > end and offer.cut == "refuse") or prices[t] is None or price is None:
            continue
        term = Window(0, start, over, Fraction(1))
        shares = [(t + i, share) for i, share in enumerate(draft.grid.overlaps(term)[t:]) if share]
        serve = np.array([i for i, share in shares if share == 1], dtype=np.int64)
        paid = {i: share * draft.periods[i].hours for i, share in shares}
        found.append(Start(t, serve, paid, _rates(draft, offer, price, term, paid)))
    return found


def _rates(draft: Draft, offer: AnyUnits, price: Price, term: Window, paid: Iterable[int]) -> dict[int, Fraction]:
    """Money per unit and hour in each paid period, at the price of the day on which a reservation starts."""
    if not offer.by_month:  # an hour costs the same at any time
        return dict.fromkeys(paid, offer.hour_price(price, term.start, term.end, since=term.start))
    spans, which = draft.grid.spans
    place = {t: int(which[t]) for t in paid}
    found: dict[int, Fraction] = {}
    for at in set(place.values()):
        start, end = max(spans[at][0], term.start), min(spans[at][1], term.end)
        found[at] = offer.hour_price(price, start, end, since=term.start)
    return {t: found[at] for t, at in place.items()}


def _useful(draft: Draft, offer: AnyUnits, among: Bools | None = None) -> Floats:
    """The whole units that work could use in each period, if there were as many; a gang runs on all of its own.

    ``among``: of which arcs, and when; by default of all.
    """
    need = np.zeros(draft.n)
    for arc in draft.arcs.of_offer[offer.id]:
        if not arc.own:
            use = draft.most_work[arc.workload.id] * float(arc.per_work) - draft.rounded_up([arc])
            use = np.maximum(use, 0.0) / (draft.hours * float(offer.unit_flow))
            use = use if among is None else np.where(among[arc.index], use, 0.0)
            gang = arc.gang / offer.unit if isinstance(offer, GpuOffer) else 0.0
            need += np.ceil(use / gang - 1e-9) * gang if gang else use
    return _at_least(offer, np.ceil(need - 1e-9))


def _at_least(offer: AnyUnits, need: Floats) -> Floats:
    """The fewest units that may be bought of those that are no fewer than needed."""
    minimum, step = offer.sizes
    found: Floats = np.where(need > 0, minimum + np.ceil(np.maximum(0.0, need - minimum) / step) * step, 0.0)
    return found


def useful_units(draft: Draft, offer: AnyUnits, among: Bools) -> Floats:
    """The units that some arcs could use in some periods, as many as there are."""
    return _most(draft, offer, _useful(draft, offer, among))


def _most(draft: Draft, offer: AnyUnits, useful: Floats) -> Floats:
    """As many of them as there are."""
    return np.minimum(useful, np.floor(draft.most(offer)))


def _ceilings(starts: Sequence[Start], most: Floats) -> Floats:
    """The most at any time that each purchase serves."""
    every = [start.serve for start in starts]
    start = np.repeat(np.arange(len(starts)), [len(serve) for serve in every])
    found = np.zeros(len(starts))
    np.maximum.at(found, start, most[np.concatenate(every)])
    return found


def _counts(offer: AnyUnits, starts: Sequence[Start], most: Floats) -> list[Floats]:
    """How often a purchase may be opened at each start, where that is a count of its own; and how many steps."""
    ceiling = _ceilings(starts, most)
    minimum, step = offer.sizes
    if minimum % step == 0 and minimum <= step:
        return [np.floor(ceiling / step)]
    return [np.minimum(1, ceiling), np.maximum(0, np.floor((ceiling - minimum) / step))]


def _wanted(offer: AnyUnits, starts: Sequence[Start], useful: Floats) -> Floats:
    """The same without any limit: what a purchase may hold is that of the offer as it is, so there may be several."""
    counts = _counts(offer, starts, useful)
    return np.concatenate([np.ceil(_ceilings(starts, useful) / offer.sizes[0]), *counts[1:]])


def _units(
    draft: Draft, offer: AnyUnits, starts: Sequence[Start], useful: Floats, most: Floats, *, whole: bool
) -> Units:
    program, owner, n = draft.program, Owner("units", offer.id), len(starts)
    counts = _counts(offer, starts, most)
    minimum, step = offer.sizes
    parts: list[tuple[Ints, float]] = []
    if len(counts) > 1:
        opened = program.columns(owner, "opened", n, upper=counts[0], integer=True)
        parts.append((opened, minimum))
    steps = program.columns(owner, "steps", n, upper=counts[-1], integer=whole, whole=True)
    parts.append((steps, step))
    repeat = len(parts)
    return Units(
        offer,
        np.concatenate([columns for columns, _ in parts]),
        np.concatenate([np.full(n, float(size)) for _, size in parts]),
        [start.period for start in starts] * repeat,
        [start.serve for start in starts] * repeat,
        [start.paid for start in starts] * repeat,
        most,
        [start.rates for start in starts] * repeat,
        np.concatenate(counts),
        np.maximum(np.concatenate(counts), _wanted(offer, starts, useful)),
    )


def with_room(draft: Draft, ceilings: Mapping[str, Floats]) -> Draft:
    """The same with room for as many units as clauses could ask for, though work uses fewer."""
    found = draft.copied()
    for name, upper in ceilings.items():
        units = found.units[name]
        found.units[name] = replace(units, upper=upper, wanted=np.maximum(upper, units.wanted))
        found.program.widen(Owner("units", name), upper)
    return found


def define_openings(draft: Draft) -> None:
    """Rows by which there are steps of a purchase only where it is opened."""
    for name, units in draft.units.items():
        n, one = units.opening, np.arange(units.opening, dtype=np.int32)
        if n:
            opened, steps = units.columns[:n], units.columns[n:]
            rows = Expr(n, [(one, steps, 1.0), (one, opened, -units.upper[n:])]) <= np.zeros(n)
            draft.program.require(Owner("units", name), "opened", rows)


def rounded_units(draft: Draft, values: Floats, spared: float = 0.0) -> dict[str, Floats]:
    """Whole units of each offer that hold what a solution uses: by need, or as bought where they may stand idle.

    Where no more than a part of a unit would be used (``spared``), it is not bought.
    """
    found = {}
    for name, units in draft.units.items():
        if units.offer.reserved or draft.case.may_stand_idle(units.offer):
            found[name] = np.maximum(np.ceil(values[units.columns] - 1e-6 - spared), 0.0)
            continue
        starts = np.array(units.starts, dtype=np.int64)
        flow = draft.hours * float(units.offer.unit_flow)
        shared = [a for a in draft.arcs.of_offer[name] if not a.own]
        use = sum((_used(draft, values, arc) for arc in shared), np.zeros(draft.n))
        more = np.maximum(use - draft.rounded_up(shared), np.minimum(use, TOLD * flow))  # a little work is some work
        need = more[starts] / flow[starts]
        count = np.maximum(np.ceil(need / units.units - 1e-7 - spared), 0.0 if spared else need > 0)
        minimum, step = units.offer.sizes
        if minimum != step:
            half = len(starts) // 2
            count[:half] = need[:half] > 0
            above = np.maximum(0.0, need[half:] - minimum) / units.units[half:]
            count[half:] = np.maximum(np.ceil(above - 1e-7 - spared), 0.0)
        found[name] = count
    return found


def _used(draft: Draft, values: Floats, arc: Arc) -> Floats:
    """What an arc takes of its offer in each period; what is less than the solver can tell from nothing is nothing."""
    work = values[draft.x[arc.index]]
    told: Floats = np.where(work > TOLD * draft.most_work[arc.workload.id], work, 0.0)
    return told * float(arc.per_work)
