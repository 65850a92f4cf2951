"""What may be bought of an offer in units: whole columns, and how each reads as capacity and money.

Not here: which units a case may buy (``purchases``), and the rows that hold use within them (``capacity``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detente.market.offer import AnyUnits
from detente.planner.formulation.expression import Expr, Floats, Ints


@dataclass(frozen=True)
class Start:
    """When units may be bought: the period, the periods they serve, and in each the hours paid and an hour's price."""

    period: int
    serve: NDArray[np.int64]
    paid: dict[int, Fraction]
    rates: dict[int, Fraction]


@dataclass(frozen=True)
class Paid:
    """What one unit of each column pays in each period: whole numbers of ``1 / whole``, so that sums stay exact."""

    whole: int
    each: Sequence[Sequence[tuple[int, int]]]  # by column: period and number

    @classmethod
    def of(cls, amounts: Iterable[Iterable[tuple[int, Fraction]]]) -> Paid:
        """From amounts by column and period."""
        found = [list(column) for column in amounts]
        whole = math.lcm(*(amount.denominator for column in found for _, amount in column))
        parts = [[(t, amount.numerator * (whole // amount.denominator)) for t, amount in column] for column in found]
        return cls(whole, parts)

    def together(self, units: Iterable[int], n: int) -> list[int]:
        """What so many units of each column pay in each of n periods, in the same parts."""
        total = [0] * n
        for count, column in zip(units, self.each, strict=True):
            for t, part in column if count else ():
                total[t] += count * part
        return total


@dataclass(frozen=True)
class UseByPrice:
    """How much work the reservations of an offer serve that were bought at each price, where several serve at once.

    A place is a price in a period: ``periods`` and ``prices`` are of places, ``columns`` by arc and place.
    """

    arcs: tuple[int, ...]
    periods: NDArray[np.int64]
    prices: tuple[Fraction, ...]
    columns: Ints


@dataclass
class Units:
    """What may be bought of one offer: columns of whole steps, and how each column reads as units in each period.

    A column stands for ``step`` units from its ``start`` period on; ``opening`` columns stand for the minimum of a
    purchase. ``serve[i]`` are the periods that column i's units serve, ``paid[i]`` the hours paid in each, and
    ``rates[i]`` the money per unit and hour in each: by the hour at its period's price, reserved at the first day's.
    ``upper`` are the columns' upper bounds, ``wanted`` those if there were as many units as work could use.
    """

    offer: AnyUnits
    columns: Ints
    units: Floats
    starts: list[int]
    serve: list[NDArray[np.int64]]
    paid: list[dict[int, Fraction]]
    most: Floats
    rates: list[dict[int, Fraction]]
    upper: Floats
    wanted: Floats

    @cached_property
    def each(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
        """(which column, period, hours paid, list price) for one of every column's units in every paid period."""
        column = np.repeat(np.arange(len(self.paid)), [len(paid) for paid in self.paid])
        period = np.array([t for paid in self.paid for t in paid], dtype=np.int64)
        hours = np.array([float(h) for paid in self.paid for h in paid.values()], dtype=np.float64)
        rate = np.array([float(rates[t]) for rates, paid in zip(self.rates, self.paid, strict=True) for t in paid])
        hours *= self.units[column]
        return column, period, hours, hours * rate

    @cached_property
    def hours(self) -> Paid:
        """Hours paid."""
        return Paid.of(paid.items() for paid in self.paid)

    @cached_property
    def money(self) -> Paid:
        """What they cost at list price."""
        known: dict[tuple[int, int, int], Fraction] = {}  # mostly as many hours at the same price

        def cost(hours: Fraction, rate: Fraction) -> Fraction:
            key = *hours.as_integer_ratio(), id(rate)
            if key not in known:
                known[key] = hours * rate
            return known[key]

        each = zip(self.paid, self.rates, strict=True)
        return Paid.of([(t, cost(hours, rates[t])) for t, hours in paid.items()] for paid, rates in each)

    @cached_property
    def prices(self) -> dict[int, dict[Fraction, list[int]]]:
        """Of a reservation whose price changes: the columns that serve in each period, by an hour's price there."""
        found: dict[int, dict[Fraction, list[int]]] = {}
        if self.offer.reserved and (len(self.offer.price.steps) > 1 or self.offer.by_month):
            for column, (serve, rates) in enumerate(zip(self.serve, self.rates, strict=True)):
                for t in serve.tolist():
                    found.setdefault(t, {}).setdefault(rates[t], []).append(column)
        return found

    @property
    def opening(self) -> int:
        """How many of its columns open a purchase: the first half, or none."""
        return len(self.columns) // 2 if len(self.columns) > len(set(self.starts)) else 0

    def held(self, n: int) -> Expr:
        """Units that serve in each of n periods."""
        if not self.serve:
            return Expr(n)
        if not self.offer.reserved:  # each by itself
            return Expr(n, [(np.array(self.starts, dtype=np.int32), self.columns, self.units)])
        times = [len(serve) for serve in self.serve]
        rows = np.concatenate(self.serve).astype(np.int32)
        return Expr(n, [(rows, np.repeat(self.columns, times), np.repeat(self.units, times))])

    def serving_alike(self, n: int) -> list[NDArray[np.int64]]:
        """Runs of periods in which the same columns serve, and some do: of n, cut where one comes or goes.

        What is reserved is the same in all of a run, as purchases and their ends are the only changes.
        """
        serving, cuts = np.zeros(n, dtype=np.bool_), {0, n}
        for serve in self.serve:
            inside = np.zeros(n + 2, dtype=np.int8)
            inside[serve + 1] = 1
            cuts.update(np.flatnonzero(np.diff(inside)).tolist())
            serving[serve] = True
        return [np.arange(a, b) for a, b in pairwise(sorted(cuts)) if serving[a]]

    def holding(self, counts: Floats, n: int) -> Floats:
        """Units that serve in each of n periods where there are so many of each column."""
        times = [len(serve) for serve in self.serve]
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *self.serve])
        sizes = np.repeat(counts * self.units, times)
        found: Floats = np.bincount(rows, sizes, n).astype(np.float64)
        return found
