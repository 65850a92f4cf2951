"""What became of traffic that was replayed: where it went, what it cost, what was denied, where clauses stand.

Values only. Not here: replaying (``replay``), and how it is told (``report/live/replayed``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from detente.contract.settled.posting import Posting
from detente.contract.settled.standing import Standing
from detente.gateway.replaying.budget_count import ReplayedBudget
from detente.values.money import NANOS, nano
from detente.values.quantity import Exact


@dataclass
class RoutedWork:
    """Calls of one workload at one deployment; money in whole nano-units. ``why`` counts the reasons of its place."""

    workload: str
    deployment: str
    offer: str
    provider: str
    calls: int = 0
    tokens: int = 0
    listed: int = 0
    net: int = 0
    why: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ClauseEnd:
    """What a clause came to by the end of a replay.

    ``owed`` is of windows that have ended, ``accruing`` what would be owed of those that run if they ended now; what is
    off the price of use is in neither. ``units``: by meter, the name of that in which it counts. Where it cannot be
    said, ``unknown`` says why.
    """

    term: str
    counterparty: str
    owed: Exact = Decimal(0)
    accruing: Exact = Decimal(0)
    postings: tuple[Posting, ...] = ()
    standings: tuple[Standing, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""


@dataclass(frozen=True)
class Replayed:
    """A replay, whole.

    ``refused`` counts calls that nobody could serve, by workload and by what forbade it; ``kept_off`` calls that a
    clause kept from some deployment, whoever served them; ``planned`` is what the plan's shares would have given to
    each offer, in tokens of a workload; ``unplanned`` counts calls of which the plan says nothing, ``idle`` is capacity
    that was bought for a term and not used, in nano-units; ``budgets`` are those that calls counted towards.
    """

    start: datetime
    end: datetime
    calls: int
    tokens: int
    decisions: int
    routed: tuple[RoutedWork, ...]
    refused: dict[tuple[str, str], int]
    kept_off: dict[str, int]
    planned: dict[tuple[str, str], float]
    unplanned: int
    unknown: dict[str, int]
    idle: int
    clauses: tuple[ClauseEnd, ...]
    budgets: tuple[ReplayedBudget, ...] = ()

    @property
    def spent(self) -> Exact:
        """Use at its net price, and capacity that stood idle."""
        return nano(Fraction(sum(each.net for each in self.routed) + self.idle, NANOS))

    @property
    def owed(self) -> Exact:
        """What clauses charge, less what they give back, of windows that have ended."""
        return _sum([each.owed for each in self.clauses])

    @property
    def accruing(self) -> Exact:
        """The same of windows that still run, as if they ended now."""
        return _sum([each.accruing for each in self.clauses])

    @property
    def total(self) -> Exact:
        """What is spent and owed: windows that still run are in neither."""
        return self.spent + self.owed

    @property
    def cut(self) -> tuple[str, ...]:
        """Clauses with windows that had begun before the first call: what was used of them before is not replayed."""
        asking = (each for each in self.clauses if any(s.amount and s.start < self.start for s in each.standings))
        return tuple(dict.fromkeys(each.term for each in asking))

    def share(self, routed: RoutedWork) -> float:
        """The part of a workload's tokens that a deployment was given."""
        whole = sum(each.tokens for each in self.routed if each.workload == routed.workload)
        return routed.tokens / whole if whole else 0.0

    def planned_share(self, workload: str, offer: str) -> float | None:
        """The part of a workload that the plan gives to an offer, over the calls replayed; None where it says none."""
        whole = sum(tokens for (name, _), tokens in self.planned.items() if name == workload)
        return self.planned.get((workload, offer), 0.0) / whole if whole else None


def _sum(amounts: Sequence[Exact]) -> Exact:
    return sum(amounts, Decimal(0))
