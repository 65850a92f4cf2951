"""What is charged as prepayment pays what use costs, once, and is not lost in silence. By hand.

North alone, 1 USD per Mtok, 1000 Mtok a month from January to June 2026: 6000 USD.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, solved, tokens, work

MONTHLY: Data = {"every": "month"}
PREPAID: Data = {"charged-as": "prepayment"}
HALF: Data = {"id": "half", "kind": "discount", "off": "50%"}
GIFT: Data = {"id": "gift", "kind": "credit", "amount": "3000 USD"}
STEP: Data = {"by": "2026-04-01", "reach": "5 k USD", "fee": "100%", **PREPAID}
PAID: list[Data] = [
    {"id": "paid", "kind": "payment", "amount": "2 k USD", "on": "2026-04-01"},
    {"id": "back", "kind": "credit", "amount": "2 k USD", "from": "2026-04-01"},
]


def floor(amount: str = "5 k USD", **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | more


def wrong(*agreements: Data) -> list[str]:
    return mistakes(data_of([tokens("north", 1)], [work()], *agreements))


def cost(*agreements: Data) -> D:
    return solved(build([tokens("north", 1)], [work()], *agreements)).cost


LATE: Data = {"from": "2026-04-01"}
EARLY: Data = {"until": "2026-04-01"}


# -- what counts, and what it pays ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("measure", "other", "what", "remedy"),
    [
        ("list", HALF, "`half` changes what it costs", "`measure: after-discounts`"),
        ("list", GIFT | LATE, "`gift` pays for some of it", "`measure: after-credits`"),
        ("after-discounts", GIFT | LATE, "`gift` pays for some of it", "`measure: after-credits`"),
    ],
)
def test_what_is_drawn_is_what_is_left_to_pay(measure: str, other: Data, what: str, remedy: str) -> None:
    (only,) = wrong(agreement(floor(measure=measure, milestones=[STEP]), other))
    assert what in only
    assert remedy in only


@pytest.mark.parametrize(
    ("terms", "right"),
    [
        # 1500, 3500 charged; 1500 after April are drawn
        ([floor(measure="after-discounts", milestones=[STEP]), HALF], 5000),
        # 3000, 2000 charged; the credit pays the 3000 after April, and nothing is left to draw
        ([floor(measure="after-credits", milestones=[STEP]), GIFT | LATE], 5000),
        # list prices count: 2000 are charged beside 1500, and pay the 1500 after April
        ([*PAID, HALF], 3500),
        # the discount, and the credit, end before anything is drawn: 1500 + 2000 + 3000 - 2000, 0 + 2000 + 3000 - 2000
        ([floor(measure="list", milestones=[STEP]), HALF | EARLY], 4500),
        ([floor(measure="after-discounts", milestones=[STEP]), GIFT | EARLY], 3000),
    ],
)
def test_what_stands_beside_a_prepayment(terms: list[Data], right: int) -> None:
    assert cost(agreement(*terms)) == D(right)


def test_a_use_draws_one_prepayment() -> None:
    """Each charges 2000, and 3000 are used after: 3000 + 4000 + 3000 - 3000. Together they would give back 4000."""
    (only,) = wrong(agreement(floor(milestones=[STEP]), floor(milestones=[STEP]) | {"id": "other"}))
    assert "what `other` and `floor` charge as prepayment is drawn by the same use, which is paid once" in only
    one = floor(milestones=[STEP], measure="after-credits")
    assert cost(agreement(one, *PAID)) == D(7000)


def test_two_prepayments_one_after_the_other() -> None:
    """One ends where the other begins: no use draws both."""
    first = floor("1500 USD", windows=MONTHLY, shortfall=PREPAID, until="2026-03-01")
    then = floor("1500 USD", windows=MONTHLY, shortfall=PREPAID) | {"id": "then", "from": "2026-03-01"}
    assert not wrong(agreement(first, then))


# -- an amendment -----------------------------------------------------------------------------------------------------
def amended(first: Data, then: Data, on: str = "2026-04-01") -> list[Data]:
    return [agreement(first, id="a"), agreement(then, id="b", effective=on, amends="a")]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"windows": MONTHLY, "shortfall": PREPAID}, "what was charged as prepayment before 2026-04-01"),
        ({"windows": MONTHLY, "carry-over": "50%"}, "what was carried on (`carry-over`) before 2026-04-01"),
        ({"windows": MONTHLY, "deferral": "10%"}, "what was carried on (`deferral`) before 2026-04-01"),
    ],
)
def test_what_goes_on_is_not_lost_at_an_amendment(more: Data, what: str) -> None:
    earlier = {key: value for key, value in more.items() if key != "takes-over"}
    (only,) = wrong(*amended(floor(**earlier), floor("6 k USD", **more)))
    assert only.startswith(f"{what} is not brought into the text of `floor` that replaces this one; ")


def test_what_a_milestone_charged_before_an_amendment_is_asked_for() -> None:
    step = STEP | {"by": "2026-03-01", "reach": "2500 USD"}
    (only,) = wrong(*amended(floor(milestones=[step]), floor("6 k USD", **{"takes-over": "pro-rata"})))
    assert "write both texts as one clause, with one `amount` and all of the `milestones`; where it is lost" in only


@pytest.mark.parametrize(("amount", "owed"), [("6 k USD", 6000), ("6500 USD", 6500)])
def test_both_texts_as_one_clause_draw_what_a_milestone_charged_before_the_amendment(amount: str, owed: int) -> None:
    """2000 of 3000 by March, so that 1000 are charged; 4000 after draw them, and 6000 count in the end."""
    step = STEP | {"by": "2026-03-01", "reach": "3 k USD"}
    (only,) = wrong(*amended(floor(milestones=[step]), floor(amount, **{"takes-over": "whole-window"})))
    assert "write the amount and the milestones of both texts, as amended, in the earlier one" in only
    assert cost(agreement(floor(amount, milestones=[step]))) == D(owed)


@pytest.mark.parametrize(
    ("more", "on"),
    [
        # the first window is taken over whole; nothing is deferred of these windows
        ({"windows": {"every": "quarter"}, "shortfall": PREPAID, "takes-over": "whole-window"}, "2026-02-01"),
        ({"windows": {"every": "quarter"}, "carry-over": "50%", "takes-over": "whole-window"}, "2026-02-01"),
        ({"windows": MONTHLY, "deferral": ["0%", "0%", "0%", "10%"]}, "2026-04-01"),
    ],
)
def test_where_nothing_would_go_on_nothing_is_asked(more: Data, on: str) -> None:
    earlier = {key: value for key, value in more.items() if key != "takes-over"}
    assert not wrong(*amended(floor(**earlier), floor("6 k USD", **more), on))


def test_both_texts_as_one_clause_or_as_two() -> None:
    """4200 of the first quarter and 2800 of the second, of 3000 used in each: 1200 are missing in the first.

    In one clause, the second draws them, counts 1800 and misses 1000. In two, they are lost, and 3000 are enough.
    """
    by_quarter = {"every": "quarter"}
    one = floor("7 k USD", windows=by_quarter | {"ramp": ["60%", "40%"]}, shortfall=PREPAID)
    assert cost(agreement(one)) == D(6000 + 1200 - 1200 + 1000)
    first = floor("4200 USD", windows=by_quarter, shortfall=PREPAID, until="2026-04-01")
    then = floor("2800 USD", windows=by_quarter, shortfall=PREPAID) | {"id": "then", "from": "2026-04-01"}
    assert cost(agreement(first, then)) == D(6000 + 1200)


def test_what_was_taken_early_is_not_lost_at_an_amendment() -> None:
    """100 GPUs in each of two months: of 80 to be taken in January, 16 more would count in February."""
    take: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "80 GPU"}
    take |= {"price": "1 USD per GPU-hour", "carry-over": "20%", "windows": MONTHLY}
    for more, said in ({"carry-over": "20%"}, 1), ({"carry-over": "0%"}, 0):
        deals = amended(take | more, take | more | {"quantity": "90 GPU"}, "2026-02-01")
        data = data_of([gpus("north", 1)], [compute(demand="100 GPU")], *deals, months=2)
        assert len(mistakes(data)) == said
