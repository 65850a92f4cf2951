"""A number as people read it: work, shares, prices and lists of names.

Owns: rounding for the eye and the words around a number. Not here: money, which is ``money.shown``. A rounded number
never stands alone: both views keep the exact one beside it (a tooltip, a table, ``--json``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from detente.values.money import shown
from detente.values.quantity import plain


def compact(value: Decimal | float) -> str:
    """About three digits: ``1.24 M``, ``350``, ``0.4``."""
    if abs(float(value)) >= 1000:
        return shown(value)
    return plain(Decimal(f"{float(value):.3g}"))


def tick(value: float) -> str:
    """A round number beside an axis: ``50 k``, ``2.5 M``."""
    digits, space, scale = compact(value).partition(" ")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + space + scale


def plural(unit: str) -> str:
    """``GPU-hours`` of ``GPU-hour``; a unit without a word for many (``Mtok``) stays."""
    return f"{unit}s" if unit.endswith(("-hour", "-month", "unit", "GPU")) else unit


def quantity(value: Decimal, unit: str) -> str:
    """Work with its unit: ``1.24 bn GPU-hours``."""
    return f"{compact(value)} {unit if value == 1 else plural(unit)}"


def exact(value: Decimal, unit: str = "") -> str:
    """Every digit, with thousands separators: ``812,345,678.9 USD``."""
    text = f"{value:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".rstrip()


def rate(unit: str) -> tuple[Decimal, str]:
    """How work over time is shown: a factor on work per hour, and its unit.

    A GPU-hour an hour is a GPU; tokens are read by the day.
    """
    if unit == "GPU-hour":
        return Decimal(1), "GPUs on average"
    if unit == "Mtok":
        return Decimal(24), "Mtok per day"
    return Decimal(1), f"{plural(unit)} per hour"


def percent(part: Decimal | float) -> str:
    """A share: ``31%``, ``4.2%``, ``0.0071%``; never 0% or 100% of what is only close to it."""
    value = float(part) * 100
    size = abs(value)
    if size == 0:
        return "0%"
    if size < 0.0001:
        return "<0.0001%" if value > 0 else ">-0.0001%"
    if size < 0.095:
        return f"{plain(Decimal(f'{value:.2g}'))}%"
    if size < 9.95 or 99 < size < 99.95:
        return f"{value:.1f}%"
    if 99.95 <= size < 100:
        return ">99.9%" if value > 0 else "<-99.9%"
    return f"{value:,.0f}%"


def price(value: Decimal) -> str:
    """A price to four digits, never in powers of ten: ``2.412``, ``0.00031``."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return plain(Decimal(f"{float(value):.4g}"))


def signed(amount: Decimal, currency: str) -> str:
    """A difference of money: ``+3.1 bn USD``, ``−40 M USD``."""
    if not amount:
        return "no difference"
    return f"{'+' if amount > 0 else '−'}{shown(abs(amount), currency)}"


def count(number: int, noun: str) -> str:
    """``1 window``, ``3 windows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b, c and 5 more``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def ticked(names: Sequence[str], most: int = 4) -> str:
    """``listed``, each name in backticks."""
    return listed([f"`{name}`" for name in names], most)
