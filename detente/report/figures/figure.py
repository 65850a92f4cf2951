"""A figure with its address: what it is, how it comes about, and from which numbers.

Owns: addresses, rules (a formula in words, and what it comes to), and how a value is written. Not here: which figures
an answer has (a file a kind), and how they are asked for (``asking``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from detente.report.numerals import exact, percent, plural, price, quantity
from detente.values.money import shown

PART = "of 1"
"""The unit of a share or a probability."""

MONEY = re.compile(r"(?!GPU$)[A-Z]{3}")
"""A unit that is a currency."""

Rule = Literal["difference", "sum", "product", "ratio", "mean", "largest", "smallest", "squares", "half", "crossing"]


@dataclass(frozen=True, slots=True)
class Operand:
    """A number that goes into a figure: what it is, in which unit, and where it stands or comes from.

    ``address`` is that of a figure of the same answer; ``weight`` what it counts in a mean.
    """

    name: str
    value: Decimal
    unit: str
    address: str = ""
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NamedFigure:
    """A figure of an answer. ``value`` is a text where it is no number: a date, or an amount as the case writes it.

    ``says`` is a sentence without its full stop, and so is ``origin``: where it comes from, or where its operands do.
    ``ask`` is a subject of ``detente explain CASE`` that says why it is so.
    """

    address: str
    value: Decimal | str
    unit: str
    says: str
    origin: str = ""
    rule: Rule | None = None
    operands: tuple[Operand, ...] = ()
    ask: str = ""

    @property
    def written(self) -> str:
        """Every digit, with its unit."""
        return self.value if isinstance(self.value, str) else written(self.value, self.unit)

    @property
    def rounded(self) -> str:
        """As people read it."""
        return self.value if isinstance(self.value, str) else rounded(self.value, self.unit)


def at(*parts: object) -> str:
    """An address: names one inside of another, without blanks: ``outcomes/stand-firm,lost/cost``."""
    return "/".join(_one(str(part)) for part in parts)


def _one(name: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"\s*,\s*", ",", name.strip()))


def written(value: Decimal, unit: str) -> str:
    """Every digit, with the unit; a part as a percentage."""
    return f"{exact(value * 100)}%" if unit == PART else exact(value, plural(unit))


def rounded(value: Decimal, unit: str) -> str:
    """About three digits."""
    if unit == PART:
        return percent(value)
    if MONEY.fullmatch(unit):
        return shown(value, unit)
    return f"{price(value)} {unit}".rstrip() if " per " in unit or not unit else quantity(value, unit)


# -- rules -----------------------------------------------------------------------------------------------------------
def _crossing(values: Sequence[Fraction]) -> Fraction:
    """Where two straight lines from 0 to 1 meet: the first at both ends, then the other."""
    never, surely, other_never, other_surely = values
    return (other_never - never) / ((surely - never) - (other_surely - other_never))


RULES: dict[Rule, tuple[str, Callable[[Sequence[Fraction]], Fraction]]] = {
    "difference": ("the first less the second", lambda v: v[0] - v[1]),
    "sum": ("all of these added up", lambda v: sum(v, Fraction(0))),
    "product": ("the first times the second", lambda v: v[0] * v[1]),
    "ratio": ("the first divided by the second", lambda v: v[0] / v[1]),
    "largest": ("the largest of these", max),
    "smallest": ("the smallest of these", min),
    "squares": ("the squares of these, in percent, added up", lambda v: sum(((100 * x) ** 2 for x in v), Fraction(0))),
    "half": ("half of what lies between these", lambda v: (v[0] - v[1]) / 2),
    "crossing": (
        "where two straight lines meet, each from what its choice costs if it never happens to what it costs if it "
        "surely does: (third − first) / ((second − first) − (fourth − third))",
        _crossing,
    ),
    "mean": ("each times its weight, added up, and divided by all weights", lambda v: sum(v, Fraction(0))),
}
"""In words, and what it comes to."""


def worked_out(figure: NamedFigure) -> Fraction | None:
    """What its rule makes of its operands; None where it has no rule."""
    if figure.rule is None:
        return None
    values = [Fraction(each.value) for each in figure.operands]
    if figure.rule == "mean":
        weights = [Fraction(each.weight or 0) for each in figure.operands]
        return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0)) / sum(weights)
    return RULES[figure.rule][1](values)
