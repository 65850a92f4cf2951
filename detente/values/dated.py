"""A value that may change on dates: ``2.30 USD per GPU-hour``, or ``{2026-01-01: …, 2026-07-01: …}``.

Owns: reading such values, and their mean over a period. Not here: what the values are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any, Generic, TypeVar, get_args

from pydantic_core import core_schema

from detente.errors import FlawError
from detente.values.noun import SOURCE, value_of
from detente.values.period import DATE, day, hours_between, moment

T = TypeVar("T")

ALWAYS = datetime.min.replace(tzinfo=UTC)


class Dated(Generic[T]):
    """Steps in date order; before the first there is no value. A single undated value holds always.

    What is read is a schedule, so its dates stand in order; one that does not is more likely mistyped than
    moved.
    """

    __slots__ = ("_starts", "steps")  # not a dataclass: pydantic would read one field by field

    def __init__(self, steps: tuple[tuple[date | None, T], ...]) -> None:
        self.steps = steps
        self._starts = [ALWAYS if start is None else moment(start) for start, _ in steps]  # a plan asks many times

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dated) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return "; ".join(f"{value}" if start is None else f"{start}: {value}" for start, value in self.steps)

    @property
    def always(self) -> bool:
        """Whether it never changes, and was never without a value."""
        return len(self.steps) == 1 and self.steps[0][0] is None

    def on(self, at: datetime) -> T | None:
        """The value at a moment."""
        begun = bisect_right(self._starts, at)
        return self.steps[begun - 1][1] if begun else None

    def pieces(self, start: datetime, end: datetime) -> Iterator[tuple[Fraction, T | None]]:
        """The values in force between two moments, each with its share of that time."""
        whole = hours_between(start, end)
        for a, b in pairwise(self._edges(start, end)):
            yield hours_between(a, b) / whole, self.on(a)

    def times(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, T | None]]:
        """The values in force between two moments, each with the time in which it is."""
        return ((a, b, self.on(a)) for a, b in pairwise(self._edges(start, end)))

    def changes_within(self, start: datetime, end: datetime) -> bool:
        """Whether another value begins after one moment and before another."""
        return len(self._edges(start, end)) > 2

    def over(self, start: datetime, end: datetime) -> Iterator[T | None]:
        """The same values, whatever their shares."""
        return (self.on(at) for at in self._edges(start, end)[:-1])

    def mean(self, start: datetime, end: datetime, of: Callable[[T], Fraction]) -> Fraction | None:
        """The time-weighted mean of a number over a time; None where any part of it has no value."""
        return self.mean_over(start, end, lambda value, _start, _end: of(value))

    def mean_over(
        self, start: datetime, end: datetime, of: Callable[[T, datetime, datetime], Fraction]
    ) -> Fraction | None:
        """The same of a number that depends on the time, too, over which a value holds."""
        if not self.changes_within(start, end):  # most times by far, of a plan by the hour
            value = self.on(start)
            return None if value is None else of(value, start, end)
        total, whole = Fraction(0), hours_between(start, end)
        for a, b, value in self.times(start, end):
            if value is None:
                return None
            total += hours_between(a, b) / whole * of(value, a, b)
        return total

    def _edges(self, start: datetime, end: datetime) -> list[datetime]:
        first, last = bisect_right(self._starts, start), bisect_left(self._starts, end)
        return [start, *self._starts[first:last], end]

    def values(self) -> Iterator[T]:
        """Every value, in date order."""
        return (value for _, value in self.steps)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        inner = handler.generate_schema(get_args(source)[0])
        dates = core_schema.no_info_plain_validator_function(day)
        dated = core_schema.dict_schema(dates, inner, min_length=1)
        return core_schema.no_info_before_validator_function(
            _unsourced,
            core_schema.tagged_union_schema(
                choices={
                    "one": core_schema.no_info_after_validator_function(lambda v: Dated(((None, v),)), inner),
                    "dated": core_schema.no_info_after_validator_function(
                        lambda v: Dated(tuple(v.items())),
                        core_schema.no_info_before_validator_function(_in_order, dated),
                    ),
                },
                discriminator=lambda given: "dated" if _is_dated(given) else "one",
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        inner: Any = core
        while inner["type"] != "tagged-union":
            inner = inner["schema"]
        return dated_schema(handler(inner["choices"]["one"]["schema"]))


def dated_schema(one: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of a value that may change on dates, from that of the value."""
    dated = {
        "type": "object",
        "description": "the value from each date on, in order of date",
        "patternProperties": {DATE: one},
        "additionalProperties": False,
        "minProperties": 1,
    }
    sourced = {
        "type": "object",
        "description": "values by date, and where they come from",
        "properties": {"value": dated, "source": {"type": "string", "description": SOURCE}},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {"anyOf": [one, dated, sourced]}


def _is_dated(given: Any) -> bool:
    """Whether the keys are dates, or were meant to be."""
    return isinstance(given, dict) and any(re.match("[0-9]", str(key)) for key in given)


def _unsourced(given: Any) -> Any:
    """Dated values, without the source that stands beside all of them."""
    return value_of(given) if isinstance(given, dict) and _is_dated(given.get("value")) else given


def _in_order(given: dict[Any, Any]) -> dict[Any, Any]:
    before: tuple[date, Any] | None = None
    for key in given:
        try:
            on = day(key)
        except ValueError:
            continue  # reported at its own place
        if before and on == before[0]:
            what = f"two values for one day, {on}: `{before[1]}` and `{key}`"
            raise FlawError(what, "keep one of them", (key,), key=True)
        if before and on < before[0]:
            what = f"dates out of order: {before[0]} stands before {on}"
            raise FlawError(what, "write the earlier first", (key,), key=True)
        before = on, key
    return given
