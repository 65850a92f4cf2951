"""A figure with its address: what it is, how it comes about, and from which numbers.

Owns: addresses, rules (a formula in words), and how a value is written. Not here: which figures
an answer has (a file a kind), and how they are asked for (``asking``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
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


RULES: dict[Rule, str] = {
    "difference": "the first less the second",
    "sum": "all of these added up",
    "product": "the first times the second",
    "ratio": "the first divided by the second",
    "largest": "the largest of these",
    "smallest": "the smallest of these",
    "squares": "the squares of these, in percent, added up",
    "half": "half of what lies between these",
    "crossing": "where two straight lines meet, each from what its choice costs if it never happens to what it costs "
    "if it surely does: (third − first) / ((second − first) − (fourth − third))",
    "mean": "each times its weight, added up, and divided by all weights",
}
"""In words: how a figure is made of its operands."""
