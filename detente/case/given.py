"""What the functions of the Python API are given: numbers, or the texts that the command line takes for them.

Owns: reading both alike, and what is said of what is neither, by the name of the parameter. Not here: the grammar of
texts (``values.quantity``, ``values.period``), and names inside of a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isnan
from numbers import Real
from operator import index
from typing import Any, TypeVar

from detente.case.case import Case
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.values.likeness import did_you_mean
from detente.values.quantity import percent
from detente.values.quantity import seconds as read_seconds

ReadText = TypeVar("ReadText")

GivenPart = float | Decimal | str
"""A part of 1, or a percentage: ``0.01``, ``1%``."""
GivenSeconds = float | str | None
"""A time limit: ``60``, ``10 minutes``; None: no limit."""


def must_be_case(given: object) -> None:
    """Raise CaseError for what is no case: a folder's name, say."""
    if not isinstance(given, Case):
        raise _wrong("case", f"{_shown(given)} is no case", "read one: `Case.load(FOLDER)`")


def part(given: object, name: str) -> Decimal:
    """A part of 1, at least 0, exactly as it is written. Raises CaseError."""
    if isinstance(given, str):
        value = _read(percent, given, name)
    elif isinstance(given, bool) or not isinstance(given, Real | Decimal):
        raise _wrong(name, f"{_shown(given)} is no part of 1", "write for example `0.01`, or `1%` as text")
    else:
        value = given if isinstance(given, Decimal) else Decimal(repr(float(given)))
    if not value.is_finite() or value < 0:
        raise _wrong(name, f"{_shown(given)} is not 0 or more", "write for example `0.01`, or `1%` as text")
    return value


def time_limit_of(given: object, name: str = "time_limit") -> float | None:
    """Seconds, more than none; None where there is no limit. Raises CaseError."""
    if given is None:
        return None
    if isinstance(given, str) and not re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?\s*", given):
        return _read(read_seconds, given, name)
    remedy = "write for example `60`, or `10 minutes` as text"
    if isinstance(given, bool) or not isinstance(given, Real | Decimal | str) or isnan(float(given)):
        raise _wrong(name, f"{_shown(given)} is no number of seconds", remedy)
    if float(given) <= 0:
        raise _wrong(name, f"{_shown(given)} is not more than 0", remedy)
    return float(given)


def limits(gap: object, time_limit: object) -> tuple[float, float | None]:
    """How near to its bound a plan is to be, and how many seconds that may take. Raises CaseError."""
    return float(part(gap, "gap")), time_limit_of(time_limit)


def whole(given: object, name: str, least: int, most: int | None = None) -> int:
    """A whole number within bounds. Raises CaseError."""
    bounds = f"{least:,} or more" if most is None else f"{least:,} to {most:,}"
    try:
        plain = isinstance(given, str) or (isinstance(given, float) and given.is_integer())
        value = int(given) if plain else index(given)  # type: ignore[call-overload, arg-type]
    except (TypeError, ValueError):
        raise _wrong(name, f"{_shown(given)} is no whole number", f"write {bounds}") from None
    if value < least or (most is not None and value > most):
        raise _wrong(name, f"{value:,} is out of range", f"write {bounds}")
    return value


def must_be_one_of(given: object, name: str, allowed: Iterable[str]) -> None:
    """Raise CaseError for a word that is none of those allowed."""
    known = tuple(allowed)
    if given not in known:
        raise _wrong(name, f"{_shown(given)} is not known", did_you_mean(str(given), known))


def must_be_text(given: object, name: str, what: str) -> None:
    """Raise CaseError for what is no text; ``what`` it names: ``a scenario``."""
    if not isinstance(given, str):
        raise _wrong(name, f"{_shown(given)} does not name {what}", f"name {what}, as a text")


def _read(reader: Callable[[Any], ReadText], given: str, name: str) -> ReadText:
    try:
        return reader(given)
    except FlawError as error:
        raise CaseError([Mistake(Where.of_parameter(name), flaw.what, flaw.remedy) for flaw in error.flaws]) from None


def _wrong(name: str, what: str, remedy: str) -> CaseError:
    return CaseError.of_parameter(name, what, remedy)


def _shown(given: object) -> str:
    """A value, as it was written, on one line and not for ever."""
    text = " ".join((given if isinstance(given, str) else repr(given)).split())
    return f"`{text if len(text) <= 60 else f'{text[:59]}…'}`"
