"""Quantities as fields of an entry: of each, how it is read and how it is written, for an editor to check.

Owns: the types of fields and their patterns. Not here: the grammar itself (``quantity``), and money (``money``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from detente.values.noun import read_by, written_as
from detente.values.quantity import (
    ABOUT_HOURS,
    SCALES,
    SECONDS,
    SPANS,
    UNITS,
    WHOLE_NUMBER,
    WORK_UNITS,
    Amount,
    Rate,
    Span,
    amount_in,
    at_least_zero,
    count,
    growth,
    many,
    outage_seconds,
    rate_in,
    rise,
    seconds,
    share,
    tokens,
)

# The same grammar as that of the readers, without what takes arithmetic.
_DIGITS = rf"{WHOLE_NUMBER}(\.[0-9]+)?([eE][+-]?[0-9]{{1,2}})?"
NOT_NEGATIVE = rf"[+]?{_DIGITS}"
PER = r"(\s?/\s?| per )"


def either(names: Iterable[str]) -> str:
    """Any of some words, in a pattern."""
    return f"({'|'.join(re.escape(name) for name in names if name)})"


def units_as_written(*units: str) -> str:
    """Any name of some canonical units, in a pattern."""
    return either(name for name, (unit, _) in UNITS.items() if unit in units)


def amount_as_written(*units: str) -> str:
    """An amount of 0 or more in any of some canonical units, in a pattern."""
    return rf"{NOT_NEGATIVE}\s?({either(SCALES)}\s)?{units_as_written(*units)}"


def _rate_as_written(*units: str) -> str:
    return amount_as_written(*units) + PER + either(SPANS)


_PERCENT = rf"^{NOT_NEGATIVE}\s?%$"
_SPAN = either(name for name, span in SPANS.items() if span in ABOUT_HOURS)

Portion = Annotated[Decimal, read_by(share, written_as(_PERCENT, "20%", "a share from 0% to 100%", name="share"))]
Percent = Annotated[
    Decimal,
    read_by(at_least_zero, written_as(_PERCENT, "20%", "a percentage of 0% or more", name="percentage")),
]
Rise = Annotated[
    Decimal,
    read_by(rise, written_as(rf"^[+-]?{_DIGITS}\s?%$", "3%", "a rise, or with a minus a fall", name="rise")),
]
Count = Annotated[
    int,
    read_by(count, written_as(rf"^{WHOLE_NUMBER}$", "8", "a whole number of 1 or more", number=True, name="count")),
]
_MANY = rf"{WHOLE_NUMBER}(\.[0-9]+)?(\s{either(SCALES)})?"
Many = Annotated[
    int,
    read_by(
        many, written_as(f"^{_MANY}$", "100 k", "a whole number of 1 or more, with a scale", number=True, name="many")
    ),
]
TokenAmount = Annotated[
    int,
    read_by(
        tokens,
        written_as(
            rf"^({_MANY}|{amount_as_written('Mtok')})$", "2 Gtok", "a number of tokens", number=True, name="tokens"
        ),
    ),
]
Growth = Annotated[
    tuple[Decimal, str],
    read_by(
        growth,
        written_as(rf"^[+-]?{_DIGITS}\s?% per (day|week|month|year)$", "3% per month", "a growth", name="growth"),
    ),
]
Length = Annotated[
    Span,
    read_by(
        Span.parse,
        written_as(rf"^([0-9]{{1,5}}\s?)?{_SPAN}$", "3 months", "a length of time", name="length"),
    ),
]
_CLOCK_TIME = rf"^{NOT_NEGATIVE}\s?{either(SECONDS)}$"
Duration = Annotated[float, read_by(seconds, written_as(_CLOCK_TIME, "30 s", "a duration", name="duration"))]
OutageLength = Annotated[
    float, read_by(outage_seconds, written_as(_CLOCK_TIME, "3 hours", "the length of an outage", name="outage"))
]
Accelerators = Annotated[
    Amount,
    read_by(
        amount_in("GPU"),
        written_as(rf"^{amount_as_written('GPU')}$", "350 k GPU", "a number of GPUs", name="accelerators"),
    ),
]
Work = Annotated[
    Amount,
    read_by(
        amount_in(*WORK_UNITS),
        written_as(rf"^{amount_as_written(*WORK_UNITS)}$", "50 M GPU-hour", "an amount of work", name="work"),
    ),
]
Capacity = Annotated[
    Amount,
    read_by(
        amount_in("GPU", "unit"),
        written_as(
            rf"^{amount_as_written('GPU', 'unit')}$", "350 k GPU", "a number of GPUs or of units", name="capacity"
        ),
    ),
]
DEMAND = written_as(
    rf"^({_rate_as_written('GPU-hour', 'Mtok')}|{amount_as_written('GPU')})$",
    "120 Mtok per day",
    "work over time",
    name="demand",
)
Demand = Annotated[Rate, read_by(rate_in("GPU-hour", "Mtok"), DEMAND)]
Throughput = Annotated[
    Rate,
    read_by(
        rate_in("Mtok"),
        written_as(rf"^{_rate_as_written('Mtok')}$", "20 Mtok per minute", "tokens over time", name="throughput"),
    ),
]
