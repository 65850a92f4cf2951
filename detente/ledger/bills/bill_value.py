"""A value of a bill's row, as it is read: a time, a number, a text; or why it cannot be read.

Not here: which column has what role (``bill_rows``), and files (``values.sheet``).
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from detente.values.micros import at_micros, micros
from detente.values.quantity import LARGEST, respelt
from detente.values.sheet import UNREADABLE, Sheet, shown

MAX_PLACES = 60
MAX_KNOWN, MAX_LENGTH = 1_024, 100
"""So many texts of at most such a length are remembered with what they say: one may be as long as a line."""
LATEST = 7_258_118_400_000_000  # 2200-01-01


class UnreadError(Exception):
    """A value that cannot be read: in which column, and why."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column, self.what = column, what


def time_of(name: str, value: Any, sheet: Sheet, zone: ZoneInfo) -> int:
    """A value of a column of times, as a moment. Raises ``UNREADABLE``."""
    column = sheet.columns.index(name)
    if column in sheet.moments and isinstance(value, int):
        return in_zone(_within(value), zone) if column in sheet.zoneless else _within(value)
    text = str(value).strip()
    return (_moment if len(text) <= MAX_LENGTH else _moment.__wrapped__)(text, zone)


def in_zone(clock: int, zone: ZoneInfo) -> int:
    """What a clock showed that names no zone, as a moment."""
    return micros(at_micros(clock).replace(tzinfo=zone))


@lru_cache(MAX_KNOWN)
def _moment(text: str, zone: ZoneInfo) -> int:
    """A text once for what a row says and what it is known by, and for others of its hour. Raises ``UNREADABLE``.

    RFC 3339, the day first by month as Azure writes it (``01/31/2026``), or with the zone by name as BigQuery writes it
    (``2026-01-31 00:00:00 UTC``).
    """
    american = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text)
    plain = f"{american[3]}-{american[1]}-{american[2]}" if american else text.removesuffix(" UTC")
    at = datetime.fromisoformat(plain if plain == text or american else f"{plain}Z")
    return _within(micros(at.replace(tzinfo=zone) if at.tzinfo is None else at))


def _within(at: int) -> int:
    if not 0 <= at < LATEST:
        raise ValueError(at)
    return at


def number_of(name: str, values: dict[str, Any]) -> Fraction | None:
    """A number, exact; None where there is none."""
    value = values[name]
    text = text_in(value).strip()
    try:
        read = _exact if len(text) <= MAX_LENGTH else _exact.__wrapped__
        return read(text) if text else None
    except UNREADABLE:
        what, remedy = f"{shown(value)} is not a number, of at most 1e15 and {MAX_PLACES} decimal places", respelt(text)
        raise UnreadError(name, f"{what}; {remedy}" if remedy else what) from None


@lru_cache(MAX_KNOWN)
def _exact(text: str) -> Fraction:
    """A number, read once for what a row says and what it is known by. Raises ``UNREADABLE``."""
    found = Decimal(text)
    if "_" in text or not text.isascii():  # what Python reads as a number, and nobody writes so
        raise ValueError(text)
    if not found.is_finite() or abs(found) > LARGEST or int(found.as_tuple().exponent) < -MAX_PLACES:
        raise ValueError(text)
    return Fraction(found)


def text_in(value: Any) -> str:
    """Its text; of none, an empty one."""
    return "" if value is None else str(value)
