"""An amount of money with its error bar: what was found, and between which two amounts the truth is proven to lie.

Owns: costs, their differences, and what a bound on the sign tells. Not here: solving, and words
(``report/outcomes/prices``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from detente.values.quantity import Exact

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class LeastCost:
    """What a case costs at least: ``amount`` is that of a plan, exact; no plan can cost less than ``bound``."""

    amount: Exact
    bound: Exact

    @property
    def gap(self) -> Decimal:
        """In money."""
        return self.amount - self.bound


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount of money that is known to lie between ``low`` and ``high``."""

    amount: Exact
    low: Exact
    high: Exact

    @classmethod
    def difference(cls, one: LeastCost, other: LeastCost) -> Estimate:
        """How much more one case costs than another: the gaps of both are its error bar."""
        return cls(one.amount - other.amount, one.bound - other.amount, one.amount - other.bound)

    @property
    def bar(self) -> Decimal:
        """How far the truth may be from the amount."""
        return max(self.high - self.amount, self.amount - self.low)

    @property
    def negative(self) -> Estimate:
        """The same amount with the other sign."""
        return Estimate(-self.amount, -self.high, -self.low)

    @property
    def vague(self) -> bool:
        """Whether the amount is smaller than its error bar, so that only a limit can be told."""
        return abs(self.amount) < self.bar

    @property
    def limit(self) -> Decimal:
        """The most that it can be, whatever its sign."""
        return max(abs(self.low), abs(self.high))

    def at_least(self, least: Decimal) -> Estimate:
        """The same where it is known to be no less."""
        return Estimate(max(self.amount, least), max(self.low, least), max(self.high, least))
