"""The figures inside of a way out: how much gives way of what, in all and in each window.

Owns: those. Not here: what a way out costs (``check``, ``deal``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detente.report.figures.figure import PART, NamedFigure, Operand, Rule, at
from detente.results.conflict import Given
from detente.values.period import named

GIVING = "the least that cures the conflict, by a plan made anew"


def given_figures(given: Sequence[Given], base: str, sentence: str) -> Iterator[NamedFigure]:
    """How much gives way by a way out whose address is ``base``."""
    for each in given:
        yield from _given(each, at(base, "given", each.part, *([each.unit] if each.unit else [])), sentence)


def _given(given: Given, base: str, sentence: str) -> Iterator[NamedFigure]:
    """How much gives way of one thing, in all and window by window."""
    unit, own = given.unit or PART, []
    for index, (start, end, amount) in enumerate(given.windows, 1):
        place, when = at(base, "windows", index), named(start, end)
        own.append(Operand(when, amount, unit, place))
        yield NamedFigure(place, amount, unit, f"How much gives way, {when}: {sentence}", GIVING)
    rule: Rule | None = "sum" if own and sum(each.value for each in own) == given.amount else None
    says = f"How much gives way by this way out: {sentence}"
    yield NamedFigure(base, given.amount, unit, says, "" if rule else GIVING, rule, tuple(own) if rule else ())
