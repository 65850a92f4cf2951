"""How invoices are rounded, by hand, in billionths; and what a plan tells of it."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.settled.invoice_rounding import InvoiceRounding
from detente.report.pages.plans_page import render
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, compute, data_of, gpus, mistakes, solved, tokens, two_clouds, work

CENT = 10_000_000


def rounding(**how: Any) -> InvoiceRounding:
    return InvoiceRounding.model_validate({"per": "line"} | how)


@pytest.mark.parametrize(
    ("how", "amount", "expected"),
    [
        ("half-up", CENT // 2, CENT),
        ("half-up", -CENT // 2, -CENT),
        ("half-up", CENT // 2 - 1, 0),
        ("half-even", CENT // 2, 0),
        ("half-even", 3 * CENT // 2, 2 * CENT),
        ("half-even", -CENT // 2, 0),
        ("half-even", CENT // 2 + 1, CENT),
        ("up", 1, CENT),
        ("up", CENT, CENT),
        ("up", 1 - CENT, 0),  # a credit of nearly a cent: the next higher amount is none
    ],
)
def test_a_half_and_what_is_beside_it(how: str, amount: int, expected: int) -> None:
    assert rounding(how=how).rounded(Fraction(amount)) == expected


@given(st.integers(-(10**15), 10**15), st.sampled_from([1, 5, 50]), st.sampled_from(["half-up", "half-even", "up"]))
def test_it_is_what_decimal_arithmetic_says(amount: int, steps: int, how: str) -> None:
    ways = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "up": ROUND_CEILING}
    step = steps * CENT
    expected = int((Decimal(amount) / step).quantize(Decimal(1), ways[how])) * step
    assert rounding(how=how, to=f"{steps / 100}").rounded(Fraction(amount)) == expected


def test_lines_or_the_whole() -> None:
    """Three lines of 0.334: as one 1.002, which is 1.00; each by itself 0.33, 0.99 in all."""
    lines = [334_000_000] * 3
    assert rounding(per="invoice").adds(lines) == -2_000_000
    assert rounding(per="line").adds(lines) == -12_000_000
    assert rounding(per="line").adds([]) == 0


FEE = {"id": "fee", "kind": "payment", "amount": "0.004 USD", "on": "2026-01-10"}


def written(*deals: Data) -> Data:
    return data_of([tokens("north", "3.000007")], [work()], *deals, months=2)


@pytest.mark.parametrize(
    ("how", "adds"),
    [
        # 3,000.007 in each month, and a fee of 0.004 in January: 3,000.011 and 3,000.007
        ({"per": "invoice"}, "0.002"),  # 3,000.01 and 3,000.01
        ({"per": "line"}, "0.002"),  # 3,000.01 + 0.00, and 3,000.01
        ({"per": "line", "how": "up"}, "0.012"),  # 3,000.01 + 0.01, and 3,000.01
        ({"per": "invoice", "how": "up", "to": "0.05"}, "0.082"),  # 3,000.05 and 3,000.05
        ({"per": "invoice", "to": 1}, "-0.018"),
    ],
)
def test_a_plan_tells_what_rounding_adds_beside_its_cost(how: Data, adds: str) -> None:
    found = solved(Case.of(written(agreement(FEE) | {"rounding": how})))
    (row,) = found.rounded
    assert (row.provider, row.agreement, row.invoices) == ("north", "north-deal", 2)
    assert (row.exact, row.adds) == (D("6000.018"), D(adds))
    assert found.cost == row.exact  # what rounding adds is in no cost: the bound stays a bound of it
    assert found.bound <= found.cost
    assert Plan.from_json(found.to_json()) == found
    assert row.how in render([found])
    assert adds in render([found])


def test_nothing_is_told_where_nobody_says_it() -> None:
    assert solved(two_clouds()).rounded == ()


def test_an_amendment_rounds_another_way_from_its_day() -> None:
    first = agreement(FEE) | {"rounding": {"per": "invoice"}}
    second = agreement() | {
        "id": "later",
        "amends": "north-deal",
        "effective": "2026-02-01",
        "rounding": {"per": "line", "how": "up"},
    }
    found = solved(Case.of(written(first, second)))
    assert [(row.agreement, row.invoices, row.adds) for row in found.rounded] == [
        ("north-deal", 1, D("-0.001")),
        ("later", 1, D("0.003")),
    ]


def test_a_reservation_is_rounded_as_it_is_invoiced() -> None:
    """Ten GPUs for a year at 1.0000001: 87,600.00876 in twelve instalments of 7,300.00073."""
    offer = gpus("north", "1.0000001", buy="reserved", term="12 months", invoiced="monthly")
    deal = agreement() | {"rounding": {"per": "invoice", "how": "up"}}
    (row,) = solved(Case.of(data_of([offer], [compute()], deal, months=12))).rounded
    assert (row.invoices, row.exact, row.adds) == (12, D("87600.00876"), D("0.11124"))


def test_what_is_owed_for_a_month_is_on_the_invoice_of_that_month() -> None:
    """Each month is 0.005 short, and 80% of that is owed: twice 3,000.007 + 0.004, each 3,000.02."""
    short = {"id": "floor", "kind": "minimum-commitment", "amount": "3000.012 USD", "shortfall": {"fee": "80%"}}
    deal = agreement(short | {"windows": {"every": "month"}}) | {"rounding": {"per": "invoice", "how": "up"}}
    (row,) = solved(Case.of(written(deal))).rounded
    assert (row.invoices, row.exact, row.adds) == (2, D("6000.022"), D("0.018"))


def test_what_is_refused() -> None:
    deal = agreement()
    for to in ("0", "-1", "0.0000000001", "1e-10"):
        (finer,) = mistakes(written(deal | {"rounding": {"per": "line", "to": to}}))
        assert "write for example `0.01`" in finer
    other = deal | {"id": "other", "rounding": {"per": "line"}}
    (found,) = mistakes(written(deal | {"rounding": {"per": "invoice"}}, other))
    assert "rounded per line, half-up to 0.01 here, and per invoice, half-up to 0.01 by `north-deal`" in found
    own = {"id": "own", "with": "self", "effective": "2026-01-01", "rounding": {"per": "line"}, "terms": []}
    (policy,) = mistakes(written(own))
    assert "a policy of one's own has no invoices" in policy


@pytest.mark.parametrize(
    "change", [{"amends": "north-deal", "effective": "2026-02-01"}, {"rounding": {"per": "invoice"}}]
)
def test_what_is_one_way_to_round(change: Data) -> None:
    other = agreement() | {"id": "other", "rounding": {"per": "line"}} | change
    assert mistakes(written(agreement() | {"rounding": {"per": "invoice"}}, other)) == []
