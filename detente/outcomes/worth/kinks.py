"""Where a cost over a number turns: straight lines between points, and where two of them meet.

Owns: points, kinks, and this piece of geometry. Not here: what a point costs (``sweep``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from detente.outcomes.estimate import LeastCost
from detente.values.quantity import Exact

ON_THE_LINE = Decimal("1e-7")
"""A part of a cost by which it may lie off a straight line and be on it."""


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of the case at one value of the number: as it is written, and as a plain number. None: no plan."""

    value: str
    number: Exact
    cost: LeastCost | None


@dataclass(frozen=True, slots=True)
class Kink:
    """Where one more unit begins to cost more, or less: money a unit before and after."""

    value: str
    number: Exact
    before: Exact
    after: Exact
    exact: bool


Segment = tuple[Point, Point]
"""Two points that have a cost, the lower number first."""


def turns(points: Sequence[Point]) -> Iterator[tuple[Segment, Segment]]:
    """The lines before and after each change of slope: they share a point, or leave one step between them."""
    lines = list(pairwise(points))
    at = 0
    while at + 1 < len(lines):
        if not differ(*lines[at], lines[at + 1][1]):
            at += 1
        elif at + 2 < len(lines) and differ(*lines[at + 1], lines[at + 2][1]):
            yield lines[at], lines[at + 2]
            at += 2
        else:
            yield lines[at], lines[at + 1]
            at += 1


def differ(a: Point, b: Point, c: Point) -> bool:
    """Whether the lines from one point to the next two have slopes that differ by more than what is known of them."""
    assert a.cost is not None
    assert b.cost is not None
    assert c.cost is not None
    expected = a.cost.amount + (c.cost.amount - a.cost.amount) * (b.number - a.number) / (c.number - a.number)
    sure = max(p.gap for p in (a.cost, b.cost, c.cost)) + abs(b.cost.amount) * ON_THE_LINE
    return abs(expected - b.cost.amount) > sure


def slope(a: Point, b: Point) -> Decimal:
    """Money a unit from one point to another."""
    assert a.cost is not None
    assert b.cost is not None
    return (b.cost.amount - a.cost.amount) / (b.number - a.number)


def meeting(left: Segment, right: Segment) -> Decimal | None:
    """Where two lines meet, from the end of the one to the start of the other."""
    one, other = slope(*left), slope(*right)
    (_, b), (c, _) = left, right
    assert b.cost is not None
    assert c.cost is not None
    if one == other:
        return None
    at = (c.cost.amount - b.cost.amount + one * b.number - other * c.number) / (one - other)
    at = min(max(at, b.number), c.number)
    return rounded(at, (c.number - b.number) or abs(b.number) or Decimal(1))


def rounded(at: Decimal, span: Decimal) -> Decimal:
    """To a millionth of a span: what follows is the solver's tolerance."""
    return at.quantize(Decimal(1).scaleb(min(0, span.adjusted() - 6))) if span else at


def on(line: Segment, point: Point) -> bool:
    """Whether a point lies on a line, but for what is not known of it."""
    a, _ = line
    assert a.cost is not None
    assert point.cost is not None
    expected = a.cost.amount + slope(*line) * (point.number - a.number)
    return abs(expected - point.cost.amount) <= point.cost.gap + abs(point.cost.amount) * ON_THE_LINE
