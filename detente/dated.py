"""A value that may change on dates: ``2.30 USD per GPU-hour``, or ``{2026-01-01: …, 2026-07-01: …}``.

Owns: reading such values, and their mean over a period. Not here: what the values are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Generic, TypeVar, get_args

from pydantic_core import core_schema

from detente.period import day, hours_between, moment

T = TypeVar("T")


class Dated(Generic[T]):
    """Steps in date order; before the first there is no value. A single undated value holds always."""

    __slots__ = ("steps",)  # not a dataclass: pydantic would read one field by field

    def __init__(self, steps: tuple[tuple[date | None, T], ...]) -> None:
        self.steps = steps

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dated) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return "; ".join(f"{value}" if start is None else f"{start}: {value}" for start, value in self.steps)

    def on(self, at: datetime) -> T | None:
        """The value at a moment."""
        found = None
        for start, value in self.steps:
            if start is None or moment(start) <= at:
                found = value
        return found

    def pieces(self, start: datetime, end: datetime) -> Iterator[tuple[Fraction, T | None]]:
        """The values in force between two moments, each with its share of that time."""
        cuts = [moment(s) for s, _ in self.steps if s is not None and start < moment(s) < end]
        edges = [start, *cuts, end]
        whole = hours_between(start, end)
        for a, b in zip(edges, edges[1:], strict=False):
            yield hours_between(a, b) / whole, self.on(a)

    def mean(self, start: datetime, end: datetime, of: Callable[[T], Fraction]) -> Fraction | None:
        """The time-weighted mean of a number over a time; None where any part of it has no value."""
        total = Fraction(0)
        for share, value in self.pieces(start, end):
            if value is None:
                return None
            total += share * of(value)
        return total

    def values(self) -> Iterator[T]:
        """Every value, in date order."""
        return (value for _, value in self.steps)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        inner = handler.generate_schema(get_args(source)[0])
        dated = core_schema.dict_schema(core_schema.any_schema(), inner, min_length=1)
        return core_schema.no_info_after_validator_function(
            cls._from,
            core_schema.tagged_union_schema(
                choices={
                    "one": core_schema.no_info_after_validator_function(lambda v: Dated(((None, v),)), inner),
                    "dated": core_schema.no_info_after_validator_function(
                        lambda v: v, core_schema.no_info_before_validator_function(_distinct_days, dated)
                    ),
                },
                discriminator=lambda given: "dated" if _is_dated(given) else "one",
            ),
        )

    @classmethod
    def _from(cls, given: Any) -> Dated[T]:
        if isinstance(given, Dated):
            return given
        return cls(tuple(sorted(((day(key), value) for key, value in given.items()), key=lambda s: s[0])))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        inner: Any = core
        while inner["type"] != "tagged-union":
            inner = inner["schema"]
        one = handler(inner["choices"]["one"]["schema"])
        return {
            "anyOf": [
                one,
                {
                    "type": "object",
                    "description": "the value from each date on",
                    "patternProperties": {r"^\d{4}-\d{2}(-\d{2})?$": one},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }


def _is_dated(given: Any) -> bool:
    return isinstance(given, dict) and bool(given) and all(re.match(r"\d", str(key)) for key in given)


def _distinct_days(given: dict[Any, Any]) -> dict[Any, Any]:
    seen: dict[date, str] = {}
    for key in given:
        on = day(key)
        if on in seen:
            raise ValueError(f"two values for one day, {on}: under `{seen[on]}` and under `{key}`")
        seen[on] = str(key)
    return given
