"""A provider's demand curve: what we would buy of it at other prices, planned anew at each.

Owns: the prices that are tried, and the places between them. Not here: the values (``leverage``), and solving
(``planner.study``). Its list prices change uniformly; what clauses state stays as it was signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from detente.case.case import Case
from detente.market.offer import AnyOffer, TokenOffer, TokenPrices
from detente.outcomes.baseline import Baseline, solved
from detente.outcomes.leverage.leverage import DemandCurve, DemandPoint
from detente.planner.answer.spend import spend_with
from detente.planner.solving.search import silent
from detente.planner.solving.solution import Solution
from detente.planner.study import Study
from detente.values.dated import Dated
from detente.values.money import Price, nano

FACTORS = tuple(map(Decimal, ("0.5", "0.75", "0.9", "1", "1.1", "1.25", "1.5", "2", "3")))
"""Of today's prices: what is tried first."""

HALVINGS = 3
"""How often the interval in which the volume passes a mark is halved."""

NONE = Decimal("0.001")
"""A part of today's volume that is as good as nothing."""

MORE = Decimal("1.1")
"""Another tenth."""


def repriced(case: Case, provider: str, factor: Decimal) -> Case:
    """The same case with all list prices of a provider times a factor."""
    offers = tuple(_repriced(offer, factor) if offer.provider == provider else offer for offer in case.offers)
    return replace(case, declared=case.declared.model_copy(update={"offers": offers}))


def _repriced(offer: AnyOffer, factor: Decimal) -> AnyOffer:
    times: Any = _tokens_times if isinstance(offer, TokenOffer) else _times
    steps = tuple((start, times(price, factor)) for start, price in offer.price.steps)
    return offer.model_copy(update={"price": Dated(steps)})


def _times(price: Price, factor: Decimal) -> Price:
    return replace(price, amount=price.amount * factor)


def _tokens_times(prices: TokenPrices, factor: Decimal) -> TokenPrices:
    cached = None if prices.cached_input is None else _times(prices.cached_input, factor)
    changed = {"input": _times(prices.input, factor), "output": _times(prices.output, factor), "cached_input": cached}
    return prices.model_copy(update=changed)


def demand_curve(baseline: Baseline, provider: str) -> DemandCurve:
    """What is bought at each price, and where we leave or come. Raises StoppedError."""
    return _Curve(baseline, provider).curve()


class _Curve:
    """Points as they are asked, each once."""

    def __init__(self, baseline: Baseline, provider: str) -> None:
        self.study, self.provider = replace(baseline.study, progress=silent), provider
        self.points = {Decimal(1): self._point(Decimal(1), self.study, baseline.relaxed)}

    def curve(self) -> DemandCurve:
        """The first points, then those about each mark."""
        for factor in FACTORS:
            self._ask(factor)
        today = self.points[Decimal(1)].volume
        marks = (today / 2, True), (today * NONE, True), (today * MORE, False)
        for mark, above in marks:
            self._closer(mark, above=above)
        half, gone, tenth = (self._passed(mark, above=above) for mark, above in marks)
        return DemandCurve(tuple(self._known()), half, gone, tenth)

    def _known(self) -> Iterator[DemandPoint]:
        return (self.points[factor] for factor in sorted(self.points))

    def _ask(self, factor: Decimal) -> DemandPoint | None:
        """The point at a factor; None where there is no plan."""
        if factor not in self.points:
            near = self.study.under(repriced(self.study.case, self.provider, factor))
            found = solved(near)
            if found is None:
                return None
            self.points[factor] = self._point(factor, near, found)
        return self.points[factor]

    def _point(self, factor: Decimal, study: Study, found: Solution) -> DemandPoint:
        spend = nano(Fraction(spend_with(study.draft, found, self.provider)))
        return DemandPoint(factor, spend, nano(spend / factor))

    def _passed(self, mark: Decimal, *, above: bool) -> tuple[Decimal, Decimal] | None:
        """Factors between which the volume falls to a mark as prices go up, above today's price or below it."""
        side = [p for p in self._known() if (p.factor >= 1 if above else p.factor <= 1)]
        for low, high in pairwise(side) if above else reversed(list(pairwise(side))):
            if low.volume > mark >= high.volume:
                return low.factor, high.factor
        return None

    def _closer(self, mark: Decimal, *, above: bool) -> None:
        """Ask between the factors where the volume passes a mark; what is asked for one mark serves the others."""
        for _ in range(HALVINGS):
            passed = self._passed(mark, above=above)
            if passed is None or self._ask((passed[0] + passed[1]) / 2) is None:
                break
