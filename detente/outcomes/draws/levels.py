"""Levels of demand and of prices as they are drawn, and prices that move from day to day: a case under them.

Owns: what a step of each such risk stands for. Not here: which steps a draw has (``draws``), and files of prices that
were observed (``case.price_history``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from detente.case.case import Case
from detente.case.risk import LevelRisk, OutageRisk
from detente.demand.workload import Training
from detente.market.offer import AnyOffer
from detente.values.dated import Dated
from detente.values.held import with_held
from detente.values.money import Price
from detente.values.quantity import in_percent

LEVELS = 5
"""A level takes one of so many values, each as likely as the others: programs are kept open for them."""

PATHS = 2**63 - 1
"""Prices that move take one of so many paths: of each, its number is the seed."""

PLACES = 3
"""Of a change of price on a day: a tenth of a percent."""

Changes = Sequence[Decimal]
"""Of a price on each day of the horizon: the part by which it lies above that of the case."""


def levels(case: Case) -> tuple[LevelRisk, ...]:
    """Risks of levels and of prices that move, in the order written."""
    return tuple(risk for risk in case.declared.risks if isinstance(risk, LevelRisk))


def offers_of(case: Case, risk: LevelRisk | OutageRisk) -> list[str]:
    """The offers that a risk is of."""
    return [name for name, facts in case.offer_facts.items() if risk.of.covers(None, facts)]


def steps_of(risk: LevelRisk) -> int:
    """How many steps there are, each as likely as the others."""
    return LEVELS if risk.history is None else PATHS


def level(case: Case, risk: LevelRisk, step: int) -> Decimal:
    """The change that a step of a risk stands for: the middle of the step; of prices that move, the mean over time."""
    if risk.history is None:
        return risk.quantile((step + 0.5) / LEVELS)
    return (sum(changes := path(case, risk, step), Decimal(0)) / len(changes)).quantize(Decimal("1e-9"))


def path(case: Case, risk: LevelRisk, step: int) -> Changes:
    """How prices lie on each day of the horizon; the same wherever it is asked for."""
    assert risk.history is not None
    horizon = case.declared.horizon
    days = (horizon.closes - horizon.opens) / timedelta(days=1)
    drawn = risk.history.path(np.random.default_rng(step), int(-(-days // 1)))
    return [Decimal(round(change * 10**PLACES)).scaleb(-PLACES) for change in drawn]


def under_levels(case: Case, steps: Sequence[int]) -> Case:
    """A case as it is at these steps: levels as changes of a scenario, then prices on the days on which they move."""
    drawn = list(zip(levels(case), steps, strict=True))
    changes = [each for risk, step in drawn if risk.history is None for each in _changes(case, risk, step)]
    found = case.with_changes({"id": "drawn", "change": changes}) if changes else case
    for risk, step in drawn:
        if risk.history is not None:
            found = _moving(found, offers_of(case, risk), path(case, risk, step))
    return found


def _changes(case: Case, risk: LevelRisk, step: int) -> Iterator[Mapping[str, str]]:
    """What a level changes, and by how much."""
    change = level(case, risk, step)
    by = f"{'+' if change > 0 else ''}{in_percent(change)}"
    if not change:
        return
    if risk.kind == "price":
        yield from ({"offer": name, "price": by} for name in offers_of(case, risk))
    else:
        for work in case.workloads:
            if risk.of.covers(work.facts, None):
                yield {"workload": work.id, "work" if isinstance(work, Training) else "demand": by}


def _moving(case: Case, names: Sequence[str], changes: Changes) -> Case:
    """The case with prices of offers that move from day to day."""
    start = case.declared.horizon.opens.date()
    turns = [(start + timedelta(days=at), by) for at, by in enumerate(changes) if not at or by != changes[at - 1]]
    offers = tuple(_priced(offer, turns) if offer.id in names else offer for offer in case.offers)
    return replace(case, declared=case.declared.model_copy(update={"offers": offers}))


def _priced(offer: AnyOffer, turns: Sequence[tuple[date, Decimal]]) -> AnyOffer:
    """An offer whose prices lie elsewhere from some days on, each until the next; before the first as on the first."""
    days = [on for on, _ in turns]
    steps = offer.price.steps
    begun = [on or date.min for on, _ in steps]
    found = []
    for on in sorted({*begun, *days}):
        at = bisect_right(begun, on) - 1
        if at >= 0:
            by = 1 + turns[max(0, bisect_right(days, on) - 1)][1]
            found.append((None if on == date.min else on, _times(steps[at][1], by)))
    return offer.model_copy(update={"price": Dated(tuple(found))})


def _times(prices: Any, by: Decimal) -> Any:
    """A price, or those of tokens, multiplied."""
    return with_held(prices, Price, lambda _, held: held.times(by))
