"""The rows of a plan: what runs where, what is bought, what moves, what became of each clause. Results only: frozen.

Not here: the plan that holds them (``plan``), and the same for a table, with dates and units (``rows``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from detente.values.period import End
from detente.values.quantity import Exact


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A period of the grid; see ``period.Period``."""

    index: int
    start: datetime
    end: datetime
    span_start: datetime
    span_end: datetime
    hours: Exact


@dataclass(frozen=True, slots=True)
class Allocation:
    """Work of one workload on one offer in one period."""

    workload: str
    offer: str
    provider: str
    region: str
    period: int
    work: Exact
    taken: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class Standby:
    """Work that an offer could take over at once if another provider were lost."""

    workload: str
    offer: str
    provider: str
    period: int
    work: Exact


@dataclass(frozen=True, slots=True)
class Purchase:
    """Whole units of an offer, held from start to end; for an hour-priced offer, the periods it is rented."""

    offer: str
    provider: str
    start: datetime
    end: datetime
    units: int
    hours: Exact
    cost: Exact
    reserved: bool


@dataclass(frozen=True, slots=True)
class ProviderCharge:
    """What a provider charges for use, for capacity that stands idle, or for data moved: at list price, and ``net``.

    Use is listed at the price of its day, of what is reserved at what was paid for it.
    The difference is the discounts among the postings (those ``in_spend``); the ``net`` of all is the provider's spend.
    """

    what: Literal["use", "idle", "egress"]
    provider: str
    listed: Exact
    net: Exact


@dataclass(frozen=True, slots=True)
class StatedCharge:
    """What an offer that is priced in another currency comes to: ``stated`` in that currency, ``listed`` in the plan's.

    Both at list price; the second is what was converted, once, and what the bill adds up.
    """

    offer: str
    provider: str
    in_currency: str
    listed: Exact
    stated: Exact


@dataclass(frozen=True, slots=True)
class RoundedInvoices:
    """What a provider's invoices come to in all, before and after rounding, where an agreement says how it rounds.

    What rounding ``adds`` is in no cost: a plan's money is exact. ``how``: in words, as ``per line,
    half-up to 2 decimals``.
    """

    provider: str
    agreement: str
    how: str
    invoices: int
    exact: Exact
    adds: Exact


@dataclass(frozen=True, slots=True)
class Unserved:
    """Demand that is not served in a period, and what that costs."""

    workload: str
    period: int
    work: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class ProviderMove:
    """A share (a part of 1) of a workload's demand that comes to a provider from others, and what that costs.

    ``period`` is the first in which it is there. Of workloads that state what moving takes.
    """

    workload: str
    provider: str
    period: int
    share: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class MarginalPrice:
    """Price of one more unit of what a clause asks or denies, in one window: money per unit of its right-hand side.

    Of denied work, ``price`` is what one more unit of it would save, wherever it goes, and ``saves`` is money: what is
    saved in that time by a plan without the denial, with whole units. All together they are no more than it saves. None
    of what is asked, and where it was not found.

    It is the dual of the program in which whole units may be divided: with them fixed, the spare part of one unit
    hides what every clause is worth.

    Not the clause's price: that is a re-solve without it (§7).
    """

    part: str
    start: datetime
    end: End
    price: Exact
    unit: str
    saves: Exact | None = None


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """A clause in force, in its own words, and where it binds."""

    term: str
    kind: str
    agreement: str
    counterparty: str
    text: str
    source: str
    sentence: str
    start: datetime
    end: End
    binds: bool
    owed: Exact
    marginal: tuple[MarginalPrice, ...]


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """A workload: its demand over the horizon, what is served, and how much of it moves from provider to provider.

    ``moves`` counts the periods at which another provider becomes its main one: the one that does most. ``moved`` is
    the part of its work that moves: what a provider does more of than its share of the period before, summed, beside
    all work but the first period's. Periods without work are passed over.
    """

    workload: str
    kind: str
    unit: str
    labels: dict[str, str]
    demand: Exact
    served: Exact
    moves: int
    moved: Exact


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider: what it is after (given), and what the plan makes of it (computed).

    ``work`` and ``share_of_work`` are by unit of work. ``effective_price`` is spend after discounts per unit of work,
    by unit (of the part of spend that serves it). ``deployments`` counts the workload-offer pairs that run there.
    """

    provider: str
    name: str
    interest: str
    spend: Exact
    share_of_spend: Exact
    work: dict[str, Exact]
    share_of_work: dict[str, Exact]
    effective_price: dict[str, Exact]
    deployments: int
    workloads: tuple[str, ...]
    idle: Exact


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """An offer in a period, in its own unit: the limit (None: no limit), what is bought, used and on standby."""

    offer: str
    provider: str
    period: int
    limit: Exact | None
    bought: Exact
    used: Exact
    standby: Exact


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """One of the reasons of a decision, and the clause that it cites, if any."""

    sentence: str
    term: str | None = None


NOT_WORKED_OUT = DecisionReason("why could not be worked out")


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a workload runs (or does not run) on an offer, reason by reason (§1).

    ``denied`` says that the clause of the one reason forbids it there; else it could run, and does not for its price
    or room.
    """

    workload: str
    offer: str
    work: Exact
    reasons: tuple[DecisionReason, ...]
    denied: bool = False

    @property
    def why(self) -> str:
        """The reasons in one line."""
        return "; ".join(reason.sentence for reason in self.reasons)

    @property
    def sentence(self) -> str:
        """The same, for a reader who is not told yet whether it runs there."""
        return self.why if self.work else f"not here: {self.why}"

    @property
    def terms(self) -> tuple[str, ...]:
        """The clauses that it cites, each once."""
        return tuple(dict.fromkeys(reason.term for reason in self.reasons if reason.term is not None))


@dataclass(frozen=True, slots=True)
class Note:
    """What is no mistake of a case but may be one, and what to ask: of a clause that no plan sees, or not well."""

    term: str
    agreement: str
    what: str
    remedy: str
