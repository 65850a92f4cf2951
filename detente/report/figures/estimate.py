"""The figures of costs and of amounts with an error bar, alike in every answer.

Owns: the least cost of a case, and an amount that lies between two. Not here: whose cost it is (a file an answer).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.outcomes.estimate import Estimate, LeastCost
from detente.report.figures.figure import PART, NamedFigure, Operand, at

BILLED = "the exact bill of the plan, settled clause by clause outside of the solver, with unserved work at its value"
BOUND = "proven from the solver's duals: no plan that obeys the clauses costs less"


def cost_figures(base: str, cost: LeastCost, currency: str, whose: str) -> Iterator[NamedFigure]:
    """What a case costs at least, its bound, and what lies between."""
    yield NamedFigure(base, cost.amount, currency, f"What the least-cost plan {whose} costs over the horizon", BILLED)
    bound = at(base, "bound")
    yield NamedFigure(bound, cost.bound, currency, f"What every plan {whose} costs at least", BOUND)
    both = (
        Operand("what the plan costs", cost.amount, currency, base),
        Operand("what every plan costs at least", cost.bound, currency, bound),
    )
    gap = at(base, "gap")
    yield NamedFigure(gap, cost.gap, currency, f"By how much a plan {whose} could be cheaper", "", "difference", both)
    if cost.amount:
        size = abs(cost.amount)
        within = (Operand("the gap", cost.gap, currency, gap), Operand("what the plan costs", size, currency, base))
        yield NamedFigure(at(base, "within"), cost.gap / size, PART, f"The gap of a plan {whose}", "", "ratio", within)


def estimate_figures(
    main: NamedFigure, found: Estimate, low: tuple[Operand, ...] = (), high: tuple[Operand, ...] = ()
) -> Iterator[NamedFigure]:
    """A figure that lies between two others, and its error bar.

    ``low`` and ``high`` are what these are the differences of; without them they are told in words.
    """
    yield main
    base, unit = main.address, main.unit
    proven = "the gaps of both plans that it is the difference of are its error bar"
    least, most = at(base, "low"), at(base, "high")
    about = f"{main.says[0].lower()}{main.says[1:]}"
    yield NamedFigure(
        least, found.low, unit, f"The least it can be, proven: {about}", proven, "difference" if low else None, low
    )
    yield NamedFigure(
        most, found.high, unit, f"The most it can be, proven: {about}", proven, "difference" if high else None, high
    )
    ends = (
        Operand("the most, less the figure", found.high - found.amount, unit),
        Operand("the figure, less the least", found.amount - found.low, unit),
    )
    yield NamedFigure(at(base, "bar"), found.bar, unit, f"How far off it can be: {about}", "", "largest", ends)
    sizes = (
        Operand("the least, without its sign", abs(found.low), unit),
        Operand("the most, without its sign", abs(found.high), unit),
    )
    says = f"The most it can be whatever its sign, told as “under” where it is smaller than its error bar: {about}"
    yield NamedFigure(at(base, "limit"), found.limit, unit, says, "", "largest", sizes)
