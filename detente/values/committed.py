"""An amount that is committed: of money, of work (GPU-hours, tokens), or of GPUs at any time.

Owns: how it is read, and what it comes to in a time. Not here: money (``money``), and units (``quantity``).
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

from detente.values.money import MONEY_AS_WRITTEN, Money, not_negative, shown
from detente.values.noun import read_by, written_as
from detente.values.period import hours_between
from detente.values.quantity import UNITS, WORK_UNITS, Amount, amount_in, text_of
from detente.values.quantity_field import amount_as_written

_UNITS = (*WORK_UNITS, "GPU")
_as_amount = amount_in(*_UNITS)


def _parse(given: Any) -> Money | Amount:
    text = text_of(given, "an amount of money", "250 bn USD")
    words = text.split()
    return _as_amount(given) if words and words[-1] in UNITS else not_negative(given)


Committed = Annotated[
    Money | Amount,
    read_by(
        _parse,
        written_as(
            rf"^({MONEY_AS_WRITTEN}|{amount_as_written(*_UNITS)})$",
            "250 bn USD",
            "an amount of money, of work, or of GPUs at any time",
            name="committed",
        ),
    ),
]


def is_flow(amount: Money | Amount) -> bool:
    """Whether it is GPUs, each an hour of one every hour."""
    return isinstance(amount, Amount) and amount.unit == "GPU"


def number(amount: Money | Amount) -> Fraction:
    """Its number, in its own unit."""
    return Fraction(amount.amount if isinstance(amount, Money) else amount.value)


def unit_of(amount: Money | Amount) -> str:
    """In what it counts: the currency, or the unit of work."""
    if isinstance(amount, Money):
        return amount.currency
    return "GPU-hour" if amount.unit == "GPU" else amount.unit


def over(amount: Money | Amount, start: datetime, end: datetime) -> Fraction:
    """What GPUs at any time come to in a time, in GPU-hours."""
    return number(amount) * hours_between(start, end)


def told(amount: Money | Amount) -> str:
    """In a clause's sentence."""
    if isinstance(amount, Money):
        return amount.told
    return f"{shown(number(amount), 'GPU' if is_flow(amount) else unit_of(amount))}"
