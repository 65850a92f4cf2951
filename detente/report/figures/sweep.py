"""The figures of a sweep of one number of a clause.

Owns: the cost at each value, where it turns, and the costs it is held against. Not here: costs (``estimate``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from detente.outcomes.worth.sweep import NumberSweep
from detente.report.figures.estimate import cost_figures
from detente.report.figures.figure import NamedFigure, Operand, at


def sweep_figures(found: NumberSweep) -> Iterator[NamedFigure]:
    """All, in the order of the page."""
    name, unit = f"{found.term}.{found.field}", found.currency
    if found.stated is not None:
        yield NamedFigure("stated", found.stated, "", f"What the case states of `{name}`", "the case")
    for base, cost, whose in (
        ("without", found.without, f"without `{found.term}`"),
        ("unsigned", found.unsigned, f"without all of `{found.agreement}`"),
    ):
        if cost is not None:
            yield from cost_figures(base, cost, unit, whose)
    meets = "where the cost, a straight line between two values that were planned, meets it"
    if found.begins is not None:
        says = f"The value of `{name}` from which on the plan costs something else than without the clause"
        yield NamedFigure("begins", found.begins, "", says, f"{meets} (`without`)")
    if found.even is not None:
        says = f"The value of `{name}` at which the agreement costs as much as it saves"
        yield NamedFigure("even", found.even, "", says, f"{meets} (`unsigned`)")
    for point in found.points:
        if point.cost is not None:
            yield from cost_figures(at("points", point.value, "cost"), point.cost, unit, f"at {point.value}")
    known = [(point, point.cost) for point in found.points if point.cost is not None]
    for (one, before), (two, after) in pairwise(known):
        both = (
            Operand(f"at {two.value}", after.amount, unit, at("points", two.value, "cost")),
            Operand(f"at {one.value}", before.amount, unit, at("points", one.value, "cost")),
        )
        says = f"How much more the plan costs at {two.value} than at {one.value}"
        yield NamedFigure(
            at("points", two.value, "more"), after.amount - before.amount, unit, says, "", "difference", both
        )
    for kink in found.kinks:
        per = f"{unit} per {found.unit or 'unit'}"
        origin = "the slope of the straight line between the two values that were planned next to it"
        if not kink.exact:
            origin += "; where the lines meet lies between them, so the value is about right"
        for side, slope in (("before", kink.before), ("after", kink.after)):
            says = f"What one more unit of `{name}` costs just {side} {kink.value}"
            yield NamedFigure(at("kinks", kink.value, side), slope, per, says, origin)
