"""The prices of clauses by which others go: each by plans made anew with and without it."""

from __future__ import annotations

import pytest

from detente.contract.term import Term
from detente.outcomes.estimate import NOTHING
from detente.terms import KINDS, kind_named
from tests.builders import Data, agreement, build, compute, gpus, solved
from tests.outcomes.worth.priced import CENT, amounts, prices

PAIRS: dict[str, tuple[Data, ...]] = {
    "take-or-pay": (
        {"id": "a", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "100 GPU", "take": "80%",
         "price": "1 USD per GPU-hour"},
        {"id": "b", "kind": "delivery", "offer": "north-gpus",
         "credit": {"per-day": "0.5%", "at-most": "10%", "after": "7 days"},
         "tranches": [
             {"name": "one", "quantity": "60 GPU", "due": "2026-01-01", "accepted": "2026-01-01", "worth": "100 k USD"},
             {"name": "two", "quantity": "40 GPU", "due": "2026-02-01", "accepted": "2026-02-22", "worth": "100 k USD"},
         ]},
    ),
    "liquidated-damages": (
        {"id": "a", "kind": "liability-cap", "amount": "500 USD"},
        {"id": "b", "kind": "liquidated-damages", "price": "1 USD per GPU-hour", "within": "a"},
    ),
    "credit": (
        {"id": "a", "kind": "credit", "amount": "30 k USD", "rate": "60%", "windows": {"every": "term"}},
        {"id": "b", "kind": "credit", "amount": "40 k USD", "rate": "60%", "windows": {"every": "term"}},
    ),
    "minimum-commitment": (
        {"id": "a", "kind": "payment", "amount": "5 k USD", "on": "2026-01-15"},
        {"id": "b", "kind": "minimum-commitment", "amount": "300 k USD", "windows": {"every": "term"},
         "prepayments": ["a"]},
    ),
    "service-credit": (
        {"id": "a", "kind": "credit", "amount": "60 k USD", "windows": {"every": "term"}},
        {"id": "b", "kind": "service-credit", "windows": {"every": "month"},
         "bands": [{"below": "99%", "credit": "30%"}], "measured": [{"on": "2026-01-31", "availability": "98%"}]},
    ),
    "volume-discount": (
        {"id": "a", "kind": "credit", "amount": "60 k USD", "windows": {"every": "term"}},
        {"id": "b", "kind": "volume-discount", "method": "all-units", "windows": {"every": "month"},
         "tiers": [{"from": "10 k USD", "off": "40%"}]},
    ),
    "savings-plan": (
        {"id": "a", "kind": "savings-plan", "commitment": "20 USD per hour",
         "rates": {"north-gpus": "1 USD per GPU-hour"}},
        {"id": "b", "kind": "savings-plan", "commitment": "10 USD per hour",
         "rates": {"north-gpus": "1 USD per GPU-hour"}, "after": ["a"]},
    ),
}  # fmt: skip
"""By kind: a clause of it, and another of which it turns on whether it is there."""


@pytest.mark.parametrize("kind", PAIRS)
def test_a_clause_that_goes_by_another_is_priced_and_so_is_the_other(kind: str) -> None:
    """Without one the other is another clause, shaped once more in the program that is open."""
    case = build([gpus("north", 2, capacity="100 GPU")], [compute(demand="50 GPU")], agreement(*PAIRS[kind]), months=3)
    assert kind in {term.kind for term in case.terms if term.depends_on}
    found, whole = prices(case), solved(case).cost
    for name in ("a", "b"):
        saved = whole - solved(case.under(without=[name])).cost
        assert abs((amounts(found)[name] or NOTHING) - saved) <= CENT, name


def test_every_kind_that_goes_by_others_is_priced_above() -> None:
    kinds = {name for name in KINDS if kind_named(name).depends_on is not Term.depends_on}
    assert kinds == set(PAIRS)
