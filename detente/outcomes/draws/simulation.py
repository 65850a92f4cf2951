"""What a simulation found: each draw, and what they say together, as one document and as rows.

Owns: ``Simulation`` and its figures, each with its interval. Not here: how a draw is made (``draws``) and costed
(``simulating``), and how it is shown (``report/outcomes/simulation``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor, sqrt
from typing import Any, Literal

from detente.outcomes.saved import SavedAnswer
from detente.values.quantity import Exact

NORMAL = 1.959964
"""Standard errors on either side of a mean: with so many the interval holds the truth in 95% of cases."""

MAX_BYTES = 1024 * 2**20
"""Of a saved one."""

PLACES = Decimal("1e-9")


DispatchBy = Literal["cost", "live"]
"""Work that cannot wait is dispatched at the least cost, or goes where the gateway's own order sends it."""

WorkSender = Literal["gateway", "no-deployment", "no-calls", "waits"]
"""Who says where a workload goes, dispatched live: the gateway's order; or the least cost, since no deployment serves
it, since it is counted in GPU-hours, which are no calls, or since it can wait."""


@dataclass(frozen=True, slots=True)
class BestDispatch:
    """What a draw comes to where all of it is dispatched at the least cost."""

    cost: Exact
    availability: dict[str, Exact]


@dataclass(frozen=True, slots=True)
class SimulatedDraw:
    """One draw: what came true, and what that came to. ``cost`` is None where the clauses could not all be met.

    ``availability`` is, by workload, the part of its work that was served; ``own`` by provider the part of time, and of
    it, that was not out. ``levels`` are changes of demand and prices by risk; of prices that move, the mean over the
    horizon's days. Where work goes as the gateway sends it,
    ``missed`` are clauses that this does not keep, and no fee is stated for; and ``best`` is the same draw dispatched
    at the least cost.
    """

    index: int
    world: str
    levels: dict[str, Exact]
    outages: int
    cost: Exact | None
    fees: Exact | None
    unserved_value: Exact | None
    availability: dict[str, Exact]
    own: dict[str, Exact]
    missed: tuple[str, ...] = ()
    best: BestDispatch | None = None


@dataclass(frozen=True, slots=True)
class SampledFigure:
    """A figure over all draws, and the interval in which the truth lies in 95% of cases; None: too few are known."""

    value: Exact
    low: Exact | None
    high: Exact | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """How something is distributed: mean, median, and what one draw in twenty, or in a hundred, passes."""

    mean: SampledFigure
    median: SampledFigure
    twentieth: SampledFigure
    hundredth: SampledFigure
    worst: Exact


@dataclass(frozen=True, slots=True, repr=False)
class Simulation(SavedAnswer):
    """Draws of a case under what its plan holds; reproducible: a draw turns on the seed and its number alone.

    ``calm`` is what the plan's purchases come to where nothing happens, counted as the draws are. ``unmet`` are draws
    in which the clauses could not all be met: no figure counts them. ``senders`` say of each workload who says where it
    goes, where that is not the least cost alone.
    """

    FORMAT = "detente-simulation/1"
    FILE = "simulation"
    TEXT = ("world", "currency")
    WHOLE = ("draw", "outages")

    choice: str | None
    seed: int
    wanted: int
    planned: Exact
    calm: Exact | None
    risks: dict[str, str]
    draws: tuple[SimulatedDraw, ...]
    dispatch: DispatchBy = "cost"
    senders: dict[str, WorkSender] = field(default_factory=dict)

    def of_the_same(self, case: str, seed: int, choice: str | None, dispatch: DispatchBy) -> bool:
        """Whether its draws are those of a case (by its hash), a seed, a choice and a way to dispatch."""
        return (self.hash, self.seed, self.choice, self.dispatch) == (case, seed, choice, dispatch)

    @property
    def known(self) -> list[SimulatedDraw]:
        """The draws that have a cost."""
        return [each for each in self.draws if each.cost is not None]

    @property
    def unmet(self) -> int:
        """Draws in which the clauses could not all be met."""
        return len(self.draws) - len(self.known)

    def spread(self, of: Callable[[SimulatedDraw], Decimal | None]) -> Distribution | None:
        """How a figure of a draw is distributed; None where no draw has it."""
        values = [value for each in self.known if (value := of(each)) is not None]
        return distribution(values) if values else None

    def short(self, workload: str) -> SampledFigure:
        """The probability that some work of a workload is not served."""
        missed = sum(each.availability.get(workload, Decimal(1)) < 1 for each in self.known)
        return probability(missed, len(self.known))

    def rows(self) -> list[dict[str, Any]]:
        """One plain dict a draw, for a data frame."""
        return [_row(each, self.currency) for each in self.draws]


def distribution(values: Sequence[Decimal]) -> Distribution:
    """Of draws that are alike likely: dearer is worse."""
    some = sorted(values)
    median, twentieth, hundredth = (quantile(some, part) for part in (0.5, 0.95, 0.99))
    return Distribution(mean(some), median, twentieth, hundredth, some[-1])


def mean(values: Sequence[Decimal]) -> SampledFigure:
    """The mean, by the central limit; None for the interval of fewer than two."""
    n = len(values)
    middle = (sum(values, Decimal(0)) / n).quantize(PLACES)
    if n < 2:
        return SampledFigure(middle, None, None)
    variance = sum(((value - middle) ** 2 for value in values), Decimal(0)) / (n - 1)
    by = (Decimal(NORMAL) * (variance / n).sqrt()).quantize(PLACES)
    return SampledFigure(middle, middle - by, middle + by)


def quantile(ordered: Sequence[Decimal], part: float) -> SampledFigure:
    """The value that a part of the draws does not pass; its interval is between two of the draws, whatever they follow.

    None on a side on which so few draws lie that none bounds it.
    """
    n = len(ordered)
    by = NORMAL * sqrt(n * part * (1 - part))
    low, high = floor(n * part - by), ceil(n * part + by)
    at = min(n - 1, ceil(n * part) - 1)
    return SampledFigure(ordered[at], ordered[low - 1] if low >= 1 else None, ordered[high] if high < n else None)


def probability(times: int, n: int) -> SampledFigure:
    """How likely it is, of so many draws (E. B. Wilson, 1927)."""
    if not n:
        return SampledFigure(Decimal(0), None, None)
    part, z = times / n, NORMAL**2
    middle, by = part + z / (2 * n), NORMAL * sqrt(part * (1 - part) / n + z / (4 * n * n))
    low, high = (Decimal((middle + sign * by) / (1 + z / n)).quantize(PLACES) for sign in (-1, 1))
    return SampledFigure(Decimal(part).quantize(PLACES), max(low, Decimal(0)), min(high, Decimal(1)))


def _row(each: SimulatedDraw, currency: str) -> dict[str, Any]:
    return {
        "draw": each.index,
        "world": each.world,
        **{f"level_{name}": value for name, value in each.levels.items()},
        "outages": each.outages,
        "cost": each.cost,
        "fees": each.fees,
        "unserved_value": each.unserved_value,
        **{f"available_{name}": value for name, value in each.availability.items()},
        **{f"own_{name}": value for name, value in each.own.items()},
        **({} if each.best is None else {"best_cost": each.best.cost}),
        "currency": currency,
    }
