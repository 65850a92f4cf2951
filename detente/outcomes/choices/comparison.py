"""What each outcome of a case comes to, and what that says of each choice: the values, as one document and as rows.

Owns: ``Comparison`` and its parts. Not here: how they are found (``comparing``, ``measures``, ``chances``), and how
they are shown (``report/outcomes/outcomes``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from detente.outcomes.choices.chances import Ends, Flip, Regret
from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.saved import SavedAnswer
from detente.results.rows import must_be_section
from detente.values.quantity import Exact

OURS = "self"
"""The party that is us, as an agreement with oneself names it."""


@dataclass(frozen=True, slots=True)
class Short:
    """A commitment that is not met in some windows: by how much in all, and what is owed for it."""

    term: str
    windows: int
    short: Exact
    unit: str
    owed: Exact


@dataclass(frozen=True, slots=True)
class Missed:
    """Work of one workload that is not served, and what that is worth."""

    workload: str
    work: Exact
    unit: str
    part: Exact
    cost: Exact


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """A provider in one outcome: spend, everything that is paid to it, its shares, its price for a unit of work."""

    provider: str
    name: str
    spend: Exact
    paid: Exact
    share_of_spend: Exact
    share_of_work: dict[str, Exact]
    effective_price: dict[str, Exact]


@dataclass(frozen=True, slots=True)
class Dependency:
    """How much hangs on one provider, by unit of work.

    ``concentration`` is the HHI of spend, in points: 10,000 is one provider, 2,500 four alike. ``margin`` is the
    part of all work that goes on at once, elsewhere or on standby, where the provider is lost that takes most.
    """

    concentration: Exact
    margin: dict[str, Exact]
    hardest: dict[str, str]


@dataclass(frozen=True, slots=True)
class Breach:
    """Work of the plan that a clause would forbid if it were read otherwise.

    ``work`` is None where the clause counts use and forbids none: what it then misses takes a plan under that reading.
    """

    term: str
    reading: str
    work: dict[str, Exact] | None


@dataclass(frozen=True, slots=True)
class OneOff:
    """An amount that is due once."""

    term: str
    to: str
    on: datetime
    amount: Exact


@dataclass(frozen=True, slots=True)
class Duty:
    """What must be delivered by a day, by whom, to whom, and what shows that it was; it moves no money."""

    what: str
    by: str
    to: str | None
    due: date
    evidence: str | None


@dataclass(frozen=True, slots=True)
class OutcomeColumn:
    """One outcome: a choice, how the world turns out, and the plan that is best if all of it is known from the start.

    ``cost`` is None, and so are all figures, where no plan obeys every clause: ``collide`` names those that do, or
    where it was not planned before the end (``planned`` is false). ``present_value`` is the
    cost on the first day, where the case states a ``discount-rate``. ``gains`` says how much better off each party is
    than in the case as it is: we by what we save, a provider by what it is paid more.
    """

    name: str
    choice: str | None
    world: dict[str, str]
    probability: Exact
    scenario: str | None
    reading: str | None
    planned: bool
    collide: tuple[str, ...]
    cost: LeastCost | None = None
    bill: Exact | None = None
    unserved: tuple[Missed, ...] = ()
    moving: Exact = Decimal(0)
    met: int = 0
    short: tuple[Short, ...] = ()
    providers: tuple[ProviderFigures, ...] = ()
    dependency: Dependency | None = None
    breaches: tuple[Breach, ...] = ()
    one_off: tuple[OneOff, ...] = ()
    duties: tuple[Duty, ...] = ()
    gains: dict[str, Exact] | None = None
    present_value: Exact | None = None


NewsStatus = Literal["none", "planned", "no-plan", "not-planned", "too-large"]


@dataclass(frozen=True, slots=True)
class BeforeNews:
    """The plan before the news: until an event's day, what is decided is the same in every outcome of it.

    ``cost`` is what such a plan costs on average, ``weighed`` what is least of it (mean and tail by their weights), and
    ``costs`` what it comes to in each outcome. ``information`` is what knowing everything from the first day would
    save. ``likeliest`` is what one would pay more by planning until the news as if the likeliest outcome were sure
    (with units that may be divided), and ``for_mean`` by planning until the first news for the mean of each number: the
    value of the stochastic solution (Birge and Louveaux, 2011, section 4.2). None where that is not known, and
    ``for_mean`` where outcomes differ in more than numbers.
    """

    cost: LeastCost
    weighed: LeastCost
    costs: dict[str, Exact]
    information: Estimate
    likeliest: Exact | None
    for_mean: Exact | None = None


@dataclass(frozen=True, slots=True)
class ChoiceRisk:
    """What a choice costs over all its outcomes; None where one of them has no plan, or was not planned.

    ``expected`` is the mean if all were known from the first day. ``before`` is the plan before the news; ``news`` says
    if any is to come, and if there is a plan that suits all outcomes until then. ``worst``, ``tail`` (the mean
    of the dearest outcomes beyond the level, CVaR) and ``regret`` (against the best choice in each state of the world)
    are of that plan where there is one. Choices are compared by ``weighed``: mean and tail by their weights.
    """

    choice: str
    text: str | None
    expected: LeastCost | None
    worst: Exact | None
    worst_outcome: str | None
    tail: Exact | None
    regret: Regret | None
    news: NewsStatus = "none"
    before: BeforeNews | None = None
    weighed: LeastCost | None = None

    @property
    def mean(self) -> LeastCost | None:
        """What it costs on average: of the plan before the news, where there is news to come; None: not known."""
        if self.news == "none":
            return self.expected
        return None if self.before is None else self.before.cost


@dataclass(frozen=True, slots=True)
class Swing:
    """One outcome of an event, and what its probability does: the others keep their ratio.

    ``ends`` has the expected cost of each choice where it never happens and where it surely does; ``flips`` are the
    probabilities at which another choice becomes the best.
    """

    event: str
    outcome: str
    probability: Exact
    ends: dict[str, Ends]
    flips: tuple[Flip, ...]

    @property
    def width(self) -> Decimal:
        """The most that the expected cost of any choice turns on it."""
        return max((abs(each.surely - each.never) for each in self.ends.values()), default=Decimal(0))


ComparisonSection = Literal["outcomes", "choices", "providers"]


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(SavedAnswer):
    """Every outcome side by side, and each choice over its outcomes.

    ``best`` is the choice that costs least on average, None where that is not known of all; ``sure`` says that no error
    bar of a plan can change it. ``level`` is that of ``tail``, ``weight`` what that counts beside the mean.
    """

    FORMAT = "detente-comparison/2"
    FILE = "comparison"
    TEXT = ("outcome", "choice", "currency")
    WHOLE = ("met", "short")

    level: Exact
    weight: Exact
    baseline: OutcomeColumn
    outcomes: tuple[OutcomeColumn, ...]
    choices: tuple[ChoiceRisk, ...]
    best: str | None
    sure: bool
    swings: tuple[Swing, ...]

    def rows(self, section: ComparisonSection = "outcomes") -> list[dict[str, Any]]:
        """A section as plain dicts, for a data frame. Raises CaseError for another section."""
        must_be_section(section, get_args(ComparisonSection))
        found = {"outcomes": self._outcomes, "choices": self._choices, "providers": self._providers}[section]()
        return [row | {"currency": self.currency} for row in found]

    def _outcomes(self) -> list[dict[str, Any]]:
        return [
            {
                "outcome": o.name,
                "choice": o.choice,
                "probability": o.probability,
                "cost": o.cost and o.cost.amount,
                "bound": o.cost and o.cost.bound,
                "bill": o.bill,
                "present_value": o.present_value,
                "unserved": sum((m.cost for m in o.unserved), Decimal(0)) if o.cost else None,
                "moving": o.moving if o.cost else None,
                "met": o.met if o.cost else None,
                "short": len(o.short) if o.cost else None,
                "concentration": o.dependency and o.dependency.concentration,
                "one_off": sum((each.amount for each in o.one_off), Decimal(0)) if o.cost else None,
                "gain": None if o.gains is None else o.gains[OURS],
            }
            for o in self.outcomes
        ]

    def _choices(self) -> list[dict[str, Any]]:
        return [
            {
                "choice": c.choice,
                "mean": c.mean and c.mean.amount,
                "bound": c.mean and c.mean.bound,
                "expected": c.expected and c.expected.amount,
                "information": c.before and c.before.information.amount,
                "worst": c.worst,
                "tail": c.tail,
                "regret": c.regret and c.regret.most,
                "mean_regret": c.regret and c.regret.mean,
            }
            for c in self.choices
        ]

    def _providers(self) -> list[dict[str, Any]]:
        return [
            {
                "outcome": o.name,
                "provider": p.provider,
                "spend": p.spend,
                "paid": p.paid,
                "share_of_spend": p.share_of_spend,
                "gain": None if o.gains is None else o.gains.get(p.provider),
            }
            for o in self.outcomes
            for p in o.providers
        ]
