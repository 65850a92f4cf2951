"""A prepayment that counts towards a commitment as it is bought, by hand: 1000 Mtok a month at 3 USD, for six months.

Of 18,000 USD of use a prepayment of 5,000 pays what it can, as a credit: 3,000 of January, 2,000 of February.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches
from detente.outcomes.worth.prices import ClausePrice
from detente.outcomes.worth.pricing import price
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    data_of,
    day,
    mistakes,
    rated,
    settled_of,
    solved,
    tokens,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle

PAID = {"id": "prepaid", "kind": "payment", "amount": "5 k USD", "on": "2026-01-01"}
DRAWN = {"id": "drawn", "kind": "credit", "amount": "5 k USD"}
COUNTED: Data = {"measure": "after-credits", "prepayments": ["prepaid"]}


def floor(amount: str = "18 k USD", **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | COUNTED | more


def case_of(*terms: Data) -> Case:
    return build([tokens("north", 3)], [work()], agreement(*terms))


QUARTERS = {"windows": {"every": "quarter"}}
IN_APRIL = [PAID | {"on": "2026-04-01"}, DRAWN | {"from": "2026-04-01"}]
PREPAID: Data = {"milestones": [{"by": "2026-02-01", "reach": "6 k USD", "fee": "100%", "charged-as": "prepayment"}]}


@pytest.mark.parametrize(
    ("terms", "missing"),
    [
        ([floor(), PAID, DRAWN], 0),  # 13,000 that it does not pay, and 5,000
        ([floor(prepayments=[]), PAID, DRAWN], 5_000),
        ([floor("20 k USD"), PAID, DRAWN], 2_000),
        ([floor("9 k USD", **QUARTERS), PAID, DRAWN], 0),
        # bought and drawn in the second quarter: 9,000, and 9,000 - 5,000 + 5,000
        ([floor("9 k USD", **QUARTERS), *IN_APRIL], 0),
        # bought then, while the first quarter's use is paid of another credit: 4,000 of 9,000, and 14,000
        ([floor("9 k USD", **QUARTERS), IN_APRIL[0], DRAWN], 5_000),
        # by February nothing but what is bought, so that 4 of 9 thousand are missing
        ([floor(milestones=[{"by": "2026-02-01", "reach": "9 k USD", "fee": "50%"}]), PAID, DRAWN], 2_000),
        # a milestone's 1,000 are charged as prepayment, and February draws them: 0 + 1,000 + 12,000 + 5,000
        ([floor(**PREPAID), PAID, DRAWN], 0),
        ([floor("9 k USD", shortfall={"charged-as": "prepayment"}, **QUARTERS), PAID, DRAWN], 0),
        # it is no class, and counts in full beside one: 10% of 18,000, and 5,000
        ([floor(counts=[{"of": {"product": "tokens"}, "at-most": "10%"}]), PAID], 18_000 - 1_800 - 5_000),
    ],
)
def test_what_is_bought_counts_on_its_day_and_not_again(terms: list[Data], missing: int) -> None:
    case = case_of(*terms)
    found = solved(case)
    assert charged(found, "floor") == missing
    paid = 18_000 + sum(charged(found, each["id"]) for each in terms)
    assert found.cost == paid
    if "charged-as" not in str(terms[0].get("shortfall", "")):
        assert Oracle(case).solve() == pytest.approx(float(found.cost))


def test_on_the_books_it_counts_from_its_day_on() -> None:
    case = case_of(floor(), PAID | {"on": "2026-02-01"}, DRAWN | {"from": "2026-02-01"})
    lines = rated(case, [use(case, "chat", "north-api", "2026-01-05", "2026-01-06", 1000, 3000)])
    standing = {
        on: next(s.drawn for s in settled_of(case.terms, lines, day(on)).standings if s.role == "floor")
        for on in ("2026-01-31", "2026-02-01", "2026-03-01")
    }
    assert standing == {"2026-01-31": D(3000), "2026-02-01": D(8000), "2026-03-01": D(8000)}


def test_its_price_is_asked_of_a_plan_without_it() -> None:
    """It costs 5,000, and without it as much is missing of the commitment, at 100%: nothing in the end."""
    found = {each.term: each for each in price(case_of(floor(), PAID, DRAWN)).clauses if isinstance(each, ClausePrice)}
    assert found["prepaid"].price is not None
    assert found["prepaid"].price.amount == 0


def test_a_clause_says_so() -> None:
    floor_ = case_of(floor(), PAID, DRAWN).term("floor")
    assert floor_ is not None
    assert "; `prepaid` counts on the day on which it is paid" in str(floor_.explain())
    told = {s.name: s.value for s in switches(case_of(floor(), PAID, DRAWN), floor_)}
    assert told["credits"] == "what credits pay does not count; what prepayment pays does not, and its purchase does"


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ([floor(), DRAWN], "there is no payment `prepaid` with `north`"),
        ([floor(), PAID | {"to": "the court"}], "`prepaid` is not paid to `north`, and buys nothing there"),
        ([floor(), PAID | {"to": "self"}], "`prepaid` is not paid to `north`"),
        (
            [floor(until="2026-03-01"), PAID | {"on": "2026-04-01"}],
            "`prepaid` is due on 2026-04-01, and `floor` is not",
        ),
        ([floor(measure="after-discounts"), PAID, DRAWN], "what `drawn` pays for would count again"),
        ([floor("5 Gtok", shortfall="forbidden", measure=None), PAID], "`prepayments` is of money, and the amount is"),
    ],
)
def test_what_cannot_count_is_refused(terms: list[Data], told: str) -> None:
    terms = [{key: value for key, value in term.items() if value is not None} for term in terms]
    found = mistakes(data_of([tokens("north", 3)], [work()], agreement(*terms)))
    assert any(told in each for each in found), found
