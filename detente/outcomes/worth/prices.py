"""What each clause of a case costs: the values that say so, as one document and as rows.

Owns: ``ClausePrices`` and its rows, and saving them. Not here: how they are found (``pricing``, ``masking``), the sweep
of one number (``sweep``), and how they are shown (``report/outcomes/prices``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from detente.contract.term import Effect
from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.saved import SavedAnswer
from detente.outcomes.shapley import FairPart
from detente.results.plan_rows import MarginalPrice
from detente.results.rows import must_be_section
from detente.values.quantity import Exact

PriceSection = Literal["clauses", "agreements"]


@dataclass(frozen=True, slots=True)
class WorkMove:
    """How much more of a workload's work runs with a provider once a clause is left out; ``""`` is not served."""

    workload: str
    provider: str
    change: Exact
    unit: str


@dataclass(frozen=True, slots=True)
class ClausePrice:
    """A clause and its price: what the plan would save without it; below 0 is what would be lost.

    ``price`` is None where the case has no plan without it, or where it was not asked before the end (``asked``).
    ``owed`` is what it charges in the plan; ``marginal`` are the prices of one more unit of what it asks, by window.
    ``today`` is the price at present value, where the case states a `discount-rate`.
    """

    term: str
    kind: str
    agreement: str
    counterparty: str
    sentence: str
    effect: Effect
    asked: bool
    price: Estimate | None
    owed: Exact
    marginal: tuple[MarginalPrice, ...]
    moves: tuple[WorkMove, ...]
    today: Exact | None = None


@dataclass(frozen=True, slots=True)
class AgreementPrice:
    """An agreement, with its amendments, and what the plan would save without all of it.

    ``offers`` are those that are sold under it: without it there are none of them.
    """

    agreement: str
    counterparty: str
    terms: tuple[str, ...]
    offers: tuple[str, ...]
    asked: bool
    price: Estimate | None
    today: Exact | None = None


@dataclass(frozen=True, slots=True)
class Masking:
    """Clauses that hide each other's price: what the plan would save without all of them, and a fair split of it.

    Without one of them the others still hold, so each alone has less of a price than its part.
    """

    terms: tuple[str, ...]
    joint: Estimate
    split: tuple[FairPart, ...]

    @property
    def sampled(self) -> bool:
        """Whether the split is an estimate."""
        return any(part.error for part in self.split)


@dataclass(frozen=True, slots=True, repr=False)
class ClausePrices(SavedAnswer):
    """The price of each clause, of each agreement, and of clauses that hide each other's.

    ``pairs_left`` counts pairs that may hide each other's price and were not tried.
    """

    FORMAT = "detente-prices/1"
    FILE = "prices"
    TEXT = ("clause", "agreement", "kind", "effect", "currency")
    FLAGS = ("masked",)

    cost: LeastCost
    clauses: tuple[ClausePrice, ...]
    agreements: tuple[AgreementPrice, ...]
    maskings: tuple[Masking, ...]
    pairs_left: int

    def rows(self, section: PriceSection = "clauses") -> list[dict[str, Any]]:
        """A section as plain dicts, for a data frame: ``price`` lies between ``low`` and ``high``; None is not known.

        ``masked`` says that the clause hides another's price or has its own hidden.

        Raises CaseError for another section.
        """
        must_be_section(section, get_args(PriceSection))
        if section == "agreements":
            return [{"agreement": a.agreement, **_priced(a), "currency": self.currency} for a in self.agreements]
        return list(self._clauses())

    def _clauses(self) -> Iterator[dict[str, Any]]:
        masked = {term for masking in self.maskings for term in masking.terms}
        for each in self.clauses:
            names = {"clause": each.term, "agreement": each.agreement, "kind": each.kind, "effect": each.effect}
            more = {"owed": each.owed, "masked": each.term in masked, "currency": self.currency}
            yield {**names, **_priced(each), **more}


def _priced(each: ClausePrice | AgreementPrice) -> dict[str, Any]:
    found = each.price
    return {
        "price": None if found is None else found.amount,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "at_present_value": each.today,
    }
