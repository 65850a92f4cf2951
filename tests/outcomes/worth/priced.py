"""Prices of clauses as tests ask for them: to the last cent, by clause, and stopped on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest import mock

from detente.case.case import Case
from detente.outcomes.baseline import Baseline, StoppedError
from detente.outcomes.worth.prices import ClausePrice, ClausePrices
from detente.outcomes.worth.pricing import price
from tests.builders import EXACT, D, Data

CENT = D("0.01")


def prices(case: Case) -> ClausePrices:
    found = price(case, gap=EXACT)
    assert isinstance(found, ClausePrices), found
    return found


def by_id(found: ClausePrices) -> dict[str, ClausePrice]:
    return {each.term: each for each in found.clauses}


def amounts(found: ClausePrices) -> dict[str, Decimal | None]:
    return {each.term: None if each.price is None else each.price.amount for each in found.clauses}


def floor(name: str = "floor", amount: str = "30 k USD", **more: object) -> Data:
    return {"id": name, "kind": "minimum-commitment", "amount": amount, "windows": {"every": "term"}} | more


def stopping(after: int, how: Any) -> Any:
    """A baseline that is stopped once so many cases near it were asked."""
    real, asked = Baseline.near, []

    def near(self: Baseline, study: Any, *within: Decimal) -> Any:
        asked.append(study)
        if len(asked) > after:
            raise StoppedError(how)
        return real(self, study, *within)

    return mock.patch.object(Baseline, "near", near)
