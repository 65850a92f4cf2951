"""A price that changes within a period of the plan: what each part of the period costs of the whole, use being even.

Not here: the price of a period (``period_prices``), and which parts windows and price clauses ask about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from detente.values.dated import Dated
from detente.values.period import hours_between

PricedSpan = tuple[datetime, datetime]
PricedTime = tuple[datetime, datetime, Fraction]
"""From when to when a price holds, and its part of what the whole span costs."""


class PriceCurve:
    """Of each span of the calendar in which a price changes, the times in which it does not, in order."""

    def __init__(self, spans: Mapping[PricedSpan, tuple[PricedTime, ...]]) -> None:
        self._spans = spans
        self._parts: dict[tuple[PricedSpan, datetime, datetime], float] = {}

    @classmethod
    def of(
        cls, spans: Iterable[PricedSpan], price: Dated[Any], each: Callable[[Any, datetime, datetime], Fraction]
    ) -> PriceCurve | None:
        """Of a list price, of which ``each`` is what an hour costs; None where it changes in no span."""
        found = {span: times for span in spans if (times := tuple(_times(price, span, each)))}
        return cls(found) if found else None

    def __contains__(self, span: PricedSpan) -> bool:
        return span in self._spans

    def times(self, span: PricedSpan) -> tuple[PricedTime, ...]:
        """Those of a span, each with its part of the cost; of one in which the price stays, all of it."""
        return self._spans.get(span, ((*span, Fraction(1)),))

    def part(self, span: PricedSpan, start: datetime, end: datetime) -> float:
        """The part of the cost of a span that falls to some time of it."""
        key = span, start, end
        if key not in self._parts:
            inside = ((max(a, start), min(b, end), a, b, part) for a, b, part in self.times(span))
            cut = (part * hours_between(x, y) / hours_between(a, b) for x, y, a, b, part in inside if x < y)
            self._parts[key] = float(sum(cut, Fraction(0)))
        return self._parts[key]


def _times(
    price: Dated[Any], span: PricedSpan, each: Callable[[Any, datetime, datetime], Fraction]
) -> Iterator[PricedTime]:
    """The times of a span, where its price changes, and costs anything, in all of it."""
    if not price.changes_within(*span):
        return
    pieces = list(price.times(*span))
    if any(value is None for _, _, value in pieces):
        return
    costs = [each(value, a, b) * hours_between(a, b) for a, b, value in pieces]
    whole = sum(costs, Fraction(0))
    if whole:
        yield from ((a, b, cost / whole) for (a, b, _), cost in zip(pieces, costs, strict=True))
