"""Who needs whom more, provider by provider: the values that say so.

Owns: ``Leverage`` and its rows, and saving it. Not here: how it is found (``leveraging``, ``loss``, ``demand_curve``),
and how it is shown (``report/outcomes/leverage``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.saved import SavedAnswer
from detente.outcomes.shapley import FairPart
from detente.values.quantity import Exact


@dataclass(frozen=True, slots=True)
class NotServed:
    """Work of a workload that is not served, of all its demand (``part`` of 1), from its first time to its last."""

    workload: str
    unit: str
    work: Exact
    part: Exact
    start: datetime
    end: datetime
    valued: bool  # whether the case states what it is worth


@dataclass(frozen=True, slots=True)
class ProviderLoss:
    """What becomes of the case without a provider from ``start`` until ``end`` (None: for ever).

    ``cost`` is how much dearer the plan is, unserved work at its value; None where the other clauses cannot all be met,
    or it was not asked. Work without a value is in ``unserved`` and costs nothing: no plan serves more of it.
    ``breaks`` are clauses that cannot be met then, or fall short and did not before; ``ends`` those that end with it.
    ``loses`` is how much less the provider receives, ``profit`` the part of that which is its margin. ``today`` is the
    cost at present value, where the case states a `discount-rate`. ``counted`` is the time of the periods that are
    lost: whole ones, those that begin between ``start`` and ``end`` (None: not asked).
    """

    start: datetime
    end: datetime | None
    asked: bool
    cost: Estimate | None
    unserved: tuple[NotServed, ...]
    breaks: tuple[str, ...]
    ends: tuple[str, ...]
    loses: Exact | None
    profit: Exact | None
    today: Exact | None = None
    counted: tuple[datetime, datetime] | None = None

    @property
    def stranded(self) -> bool:
        """Whether work goes unserved that the case states no value for."""
        return any(not each.valued for each in self.unserved)


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """All of a provider's list prices times ``factor``: what it is then paid for capacity, and at today's prices."""

    factor: Exact
    spend: Exact
    volume: Exact


@dataclass(frozen=True, slots=True)
class DemandCurve:
    """What a provider sells us over its prices, which change uniformly; units may be divided.

    ``half`` and ``gone`` are the factors between which we leave half of it, and all; ``tenth`` those between which a
    discount wins another tenth. None: not within the factors that were tried.
    """

    points: tuple[DemandPoint, ...]
    half: tuple[Exact, Exact] | None
    gone: tuple[Exact, Exact] | None
    tenth: tuple[Exact, Exact] | None


@dataclass(frozen=True, slots=True)
class ProviderLeverage:
    """Both sides of the table with one provider.

    ``receives`` is what the plan pays it. ``zone`` is what both could agree on in place of that: from what leaves it no
    worse off than lost (where the case states its ``margin``) to what losing it would cost us more. ``part`` is its
    fair part of what all providers save us against serving nothing.
    """

    provider: str
    name: str
    receives: Exact
    margin: Exact | None
    loss: ProviderLoss
    zone: tuple[Exact, Exact] | None
    curve: DemandCurve | None
    part: FairPart | None


@dataclass(frozen=True, slots=True, repr=False)
class Leverage(SavedAnswer):
    """Every provider's leverage. ``in_core``: no group of providers brings more by itself than its parts.

    ``no_split`` says why there is no fair split, where there is none.
    """

    FORMAT = "detente-leverage/1"
    FILE = "leverage"
    TEXT = ("provider", "lost_from", "lost_until", "currency")
    FLAGS = ("stranded",)

    cost: LeastCost
    providers: tuple[ProviderLeverage, ...]
    in_core: bool | None
    no_split: str

    def rows(self) -> list[dict[str, Any]]:
        """One plain dict a provider, for a data frame. None is not known."""
        return [_row(each, self.currency) for each in self.providers]


def _row(each: ProviderLeverage, currency: str) -> dict[str, Any]:
    cost = each.loss.cost
    first, last = each.loss.counted or (None, None)
    return {
        "provider": each.provider,
        "lost_from": None if first is None else first.isoformat(),
        "lost_until": None if last is None else last.isoformat(),
        "receives": each.receives,
        "loss": None if cost is None else cost.amount,
        "low": None if cost is None else cost.low,
        "high": None if cost is None else cost.high,
        "at_present_value": each.loss.today,
        "loses": each.loss.loses,
        "profit": each.loss.profit,
        "stranded": each.loss.stranded,
        "fair_part": None if each.part is None else each.part.amount,
        "adds_last": None if each.part is None else each.part.last,
        "currency": currency,
    }
