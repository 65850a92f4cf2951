"""The allocations of a plan as columns: a million of them are a few arrays. A row is made when somebody asks for it.

Owns: the columns, and how they are read and written as rows. Not here: what a row says (``plan_rows``).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, overload

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from detente.results.large_table import Columns, each_in_json
from detente.results.plan_rows import Allocation
from detente.values.money import in_decimals, of_nanos, whole_nanos

AMOUNTS = ("work", "taken", "cost")

Nanos = Sequence[int]
"""Exact amounts as whole billionths: 64 bits each, or Python's own numbers where one needs more."""


class AllocationPlace(NamedTuple):
    """A workload on an offer."""

    workload: str
    offer: str
    provider: str
    region: str


class Allocations(Sequence[Allocation]):
    """Work by place and period; ``at`` is the place of each allocation."""

    __slots__ = ("_by_place", "at", "cost", "period", "places", "taken", "work")

    def __init__(
        self,
        places: Sequence[AllocationPlace],
        at: Iterable[int],
        period: Iterable[int],
        work: Iterable[int],
        taken: Iterable[int],
        cost: Iterable[int],
    ) -> None:
        self.places = tuple(places)
        self.at, self.period = array("i", at), array("i", period)
        self.work, self.taken, self.cost = _column(work), _column(taken), _column(cost)
        self._by_place: tuple[tuple[AllocationPlace, Decimal, Decimal], ...] | None = None

    @classmethod
    def of(cls, rows: Iterable[Allocation]) -> Allocations:
        """From rows. Raises ValueError where an amount is no whole number of billionths, or a period no period's."""
        if isinstance(rows, Allocations):
            return rows
        each = list(rows)
        places: dict[AllocationPlace, int] = {}
        at = [places.setdefault(AllocationPlace(a.workload, a.offer, a.provider, a.region), len(places)) for a in each]
        amounts = ([whole_nanos(getattr(a, name)) for a in each] for name in AMOUNTS)
        try:
            return cls(tuple(places), at, (a.period for a in each), *amounts)
        except OverflowError:
            raise ValueError("a row has a period that no plan has") from None

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, index: int) -> Allocation: ...

    @overload
    def __getitem__(self, index: slice) -> Allocations: ...

    def __getitem__(self, index: int | slice) -> Allocation | Allocations:
        if isinstance(index, slice):
            columns = (self.at, self.period, self.work, self.taken, self.cost)
            return Allocations(self.places, *(column[index] for column in columns))
        amounts = (of_nanos(column[index]) for column in (self.work, self.taken, self.cost))
        return Allocation(*self.places[self.at[index]], self.period[index], *amounts)

    def __iter__(self) -> Iterator[Allocation]:
        columns = (self.at, self.period, self.work, self.taken, self.cost)
        for at, period, work, taken, cost in zip(*columns, strict=True):
            yield Allocation(*self.places[at], period, of_nanos(work), of_nanos(taken), of_nanos(cost))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def by_place(self) -> Sequence[tuple[AllocationPlace, Decimal, Decimal]]:
        """Each place with any, in order, with its work and its cost in all periods: added up once."""
        if self._by_place is None:
            self._by_place = tuple(self._added_up())
        return self._by_place

    def _added_up(self) -> Iterator[tuple[AllocationPlace, Decimal, Decimal]]:
        work, cost = dict.fromkeys(self.at, 0), dict.fromkeys(self.at, 0)
        for at, done, paid in zip(self.at, self.work, self.cost, strict=True):
            work[at] += done
            cost[at] += paid
        return ((self.places[at], of_nanos(done), of_nanos(cost[at])) for at, done in work.items())

    def columns(self) -> dict[str, Sequence[Any]]:
        """As a table's, by name; amounts as whole billionths."""
        named = {name: [getattr(self.places[at], name) for at in self.at] for name in AllocationPlace._fields}
        return {**named, "period": self.period, **{name: getattr(self, name) for name in AMOUNTS}}

    def in_json(self) -> Columns:
        """The same, each value as JSON."""
        found = {name: each_in_json(values) for name, values in self.columns().items() if name not in AMOUNTS}
        for name in AMOUNTS:
            amounts = getattr(self, name)
            known = {each: f'"{in_decimals(each)}"' for each in set(amounts)}
            found[name] = [known[each] for each in amounts]
        return found

    def __repr__(self) -> str:
        return f"Allocations({len(self)} rows)"


class AsColumns:
    """Of a field of rows in a saved plan: read into columns, written row by row."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        rows = core_schema.list_schema(handler(Allocation))
        return core_schema.no_info_after_validator_function(
            Allocations.of,
            rows,
            serialization=core_schema.plain_serializer_function_ser_schema(list, return_schema=rows),
        )


def _column(values: Iterable[int]) -> Nanos:
    each = values if isinstance(values, array) else list(values)
    try:
        return array("q", each)
    except OverflowError:
        return list(each)
