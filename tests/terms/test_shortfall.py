"""What becomes of a shortfall: a lump sum, a prepayment that later windows draw, deferral in some windows; by hand.

North 1 USD per Mtok; six months from January 2026.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.planner.check import check
from detente.results.plan import Plan
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    compute,
    data_of,
    gpus,
    mistakes,
    settled_of,
    solved,
    tokens,
    work,
)
from tests.planner.oracle.oracle import Oracle
from tests.replayed import replayed

MONTHLY = {"windows": {"every": "month"}}
CHEAPER = [tokens("north", 3), tokens("south", 2)]


def floor(amount: str, **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | more


def used(term: Data, *months: int) -> Case:
    """So much of North in each month, and nobody else sells."""
    rate = {f"2026-{n:02}-01": f"{amount} Mtok per month" for n, amount in enumerate(months, start=1)}
    return build([tokens("north", 1)], [work(demand={"rate": rate})], agreement(term), months=len(months))


def owed(case: Case) -> list[tuple[str, D]]:
    """The postings of the plan, which are those of its use replayed."""
    found = solved(case)
    again = settled_of(case.terms, replayed(case, found)).postings
    assert [(p.part, p.amount) for p in again] == [(p.part, p.amount) for p in found.postings]
    return [(p.part, p.amount) for p in found.postings]


# -- a lump sum --------------------------------------------------------------------------------------------------------
LUMP = {"shortfall": {"lump": "300 USD"}}


def test_a_lump_is_owed_for_each_window_in_which_anything_is_missing() -> None:
    """1,000 a month: by 1 USD or by all of it, 300 are owed; 1,000 and more owe nothing."""
    case = used(floor("1000 USD", **MONTHLY, **LUMP), 999, 0, 1000, 1001)
    assert owed(case) == [("shortfall-fee", D(300))] * 2
    assert [s.short for s in solved(case).standings] == [1, 1000, 0, 0]


def test_a_lump_is_owed_in_full_of_a_window_that_the_horizon_cuts() -> None:
    """Of 900 USD a quarter from December on, 600 are asked of January and February, and 300 of June."""
    quarters = {"windows": {"every": "quarter", "starts": "2025-12-01", "cut": "prorate"}}
    case = used(floor("900 USD", **quarters, **LUMP), 0, 599, 900, 0, 0, 299)
    assert owed(case) == [("shortfall-fee", D(300))] * 2


def test_less_than_a_cent_is_a_rounding() -> None:
    """A third of a month's million in whole tokens."""
    rate = {"2026-01-01": "333.333333 Mtok per month"}
    case = build([tokens("north", 3)], [work(demand={"rate": rate})], agreement(floor("1000 USD", **LUMP)), months=1)
    assert owed(case) == []


@pytest.mark.parametrize(
    ("amount", "lumps"),
    [("1000.009 USD", 0), ("1000.01 USD", 1), ("1000 Mtok", 0), ("1000.000001 Mtok", 1), ("1000.009 Mtok", 1)],
)
def test_a_lump_is_owed_from_a_cent_or_the_least_part_of_work_on(amount: str, lumps: int) -> None:
    """1,000 Mtok, and USD: a plan and the books go by one threshold, and so does what is told of it."""
    case = used(floor(amount, **LUMP), 1000)
    assert owed(case) == [("shortfall-fee", D(300))] * lumps
    assert [s.missed for s in solved(case).standings] == [lumps == 1]


@pytest.mark.parametrize(("missing", "lumps"), [("0.004", 0), ("0.0089", 0), ("0.01", 1), ("-1", 0)])
def test_it_is_so_where_more_could_count_and_nothing_else_fits(missing: str, lumps: int) -> None:
    """8 GPUs of North for January at 3: 17,856 USD. A second unit is 17,856 more, and a lump of 500 is not.

    South has the two that are left, at 4: 5,952.
    """
    amount = floor(f"{17_856 + D(missing)} USD", shortfall={"lump": "500 USD"}, measure="list")
    offers = [gpus("north", 3, unit=8, capacity="16 GPU"), gpus("south", 4)]
    found = solved(build(offers, [compute()], agreement(amount), months=1))
    assert charged(found, "floor") == 500 * lumps
    assert abs(found.cost - (17_856 + 5_952 + 500 * lumps)) < D("0.01")
    assert found.bound <= found.cost


def test_what_costs_no_more_is_met_to_the_last() -> None:
    """Though a cent less would be none: South is dearer here, and North has room."""
    found = solved(
        build([tokens("north", 2), tokens("south", 3)], [work()], agreement(floor("1234.5678 USD", **LUMP)), months=1)
    )
    (row,) = found.standings
    assert (row.short, row.drawn) == (0, 2000)
    dearer = solved(
        build(CHEAPER, [work()], agreement(floor("1234.5678 USD", shortfall={"lump": "9 k USD"})), months=1)
    )
    assert dearer.standings[0].drawn >= D("1234.5678")


def test_a_plan_pays_the_lump_where_that_is_cheaper_than_to_meet_the_amount() -> None:
    """6,000 of North at 3 where South asks 2: to meet 3,000 USD costs 1,000 more than South; a lump of 900 less."""
    for lump, cost in (("900 USD", 12_900), ("1100 USD", 13_000)):
        case = build(CHEAPER, [work()], agreement(floor("3 k USD", shortfall={"lump": lump})))
        found = solved(case)
        assert found.cost == cost
        assert Oracle(case).solve() == pytest.approx(cost)


def test_a_subsidy_that_is_owed_back_unless_enough_is_used() -> None:
    """A credit of 500 USD, and as much again where less than 3,000 USD are used: clawback."""
    given: Data = {"id": "subsidy", "kind": "credit", "amount": "500 USD"}
    back = floor("3 k USD", measure="after-discounts", shortfall={"lump": "500 USD"})
    for last, cost in ((999, 2999), (1000, 2500)):
        rate = {"2026-01-01": "1000 Mtok per month", "2026-03-01": f"{last} Mtok per month"}
        case = build([tokens("north", 1)], [work(demand={"rate": rate})], agreement(given, back), months=3)
        assert solved(case).cost == cost


def test_a_window_that_falls_short_carries_nothing() -> None:
    """2,000 a month, carrying 50%: a plan cannot be short of more to carry more."""
    case = used(floor("2 k USD", **MONTHLY, **LUMP, **{"carry-over": "50%"}), 2500, 1500, 1000, 3500, 900)
    assert owed(case) == [("shortfall-fee", D(300)), ("shortfall-fee", D(300))]  # March, and May with 1,000 carried
    assert [s.carried for s in solved(case).standings] == [500, 0, 0, 1000, 0]


def test_a_lump_is_no_performance() -> None:
    case = used(floor("3 k USD", **LUMP), 1000, 1000)
    answer = check(case)
    (conflict,) = answer.readings.values()
    assert answer.answer == "no"
    assert conflict is not None
    assert [way.sentence for way in conflict.relaxations] == [
        "pay the lump sum of 300.00 USD (Jan 2026 – Feb 2026: 300.00 USD) and accept a shortfall of 1.00 k USD against "
        "this commitment (Jan 2026 – Feb 2026: 1.00 k USD)"
    ]
    assert solved(case).cost == 2300


def test_a_way_out_tells_a_shortfall_once() -> None:
    """2 M of a milestone, 1 M of use: the charge stands in three rows of the plan, and is one."""
    milestone = {"by": "2026-02-01", "reach": "2 k USD", "fee": "100%", "charged-as": "prepayment"}
    (conflict,) = check(used(floor("2 k USD", milestones=[milestone]), 1000, 1000)).readings.values()
    assert conflict is not None
    (way,) = conflict.relaxations
    assert way.sentence.count("accept") == 1
    assert [part.amount for part in way.given] == [1000]


# -- as prepayment, window by window -----------------------------------------------------------------------------------
PREPAID = {"shortfall": {"fee": "100%", "charged-as": "prepayment"}}


def test_what_is_missing_is_drawn_by_later_use_that_does_not_count() -> None:
    """1,000 a month. January uses 600: 400 prepaid. February uses 1,500: 400 drawn, 1,100 count. March 800: 200."""
    case = used(floor("1000 USD", **MONTHLY, **PREPAID), 600, 1500, 800)
    assert owed(case) == [("prepayment", D(400)), ("prepayment-drawn", D(-400)), ("prepayment", D(200))]
    assert [(s.role, s.drawn, s.short) for s in solved(case).standings] == [
        ("floor", D(600), D(400)), ("prepayment", D(400), D(0)), ("floor", D(1100), D(0)), ("floor", D(800), D(200)),
    ]  # fmt: skip


def test_use_that_draws_a_prepayment_leaves_its_own_window_short() -> None:
    """600, then 1,200: 400 of them are drawn, 800 count and 200 are prepaid again, which March's 900 draw."""
    case = used(floor("1000 USD", **MONTHLY, **PREPAID), 600, 1200, 900)
    assert [amount for _, amount in owed(case)] == [400, -400, 200, -200, 300]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=5), st.integers(0, 15))
def test_it_is_what_the_rule_says(months: list[int], amount: int) -> None:
    """Window by window in whole hundreds, by the rule as it is written on the page."""
    case = used(floor(f"{amount * 100} USD", **MONTHLY, **PREPAID), *(m * 100 for m in months))
    balance, expected = 0, []
    for use in (m * 100 for m in months):
        drawn = min(balance, use)
        short = max(amount * 100 - (use - drawn), 0)
        balance += short - drawn
        expected += [("prepayment-drawn", D(-drawn))] * bool(drawn) + [("prepayment", D(short))] * bool(short)
    assert owed(case) == expected


def test_a_plan_chooses_knowing_it() -> None:
    """3,000 each quarter at North for 3, South 2: use of the first quarter may as well be bought, and so is."""
    quarters = {"windows": {"every": "quarter"}}
    case = build(CHEAPER, [work()], agreement(floor("3 k USD", **quarters, **PREPAID)))
    assert solved(case).cost == 2000 * 3 + 4000 * 2
    lost = build(CHEAPER, [work()], agreement(floor("3 k USD", **quarters)))
    assert solved(lost).cost == solved(case).cost


# -- deferral in some windows ------------------------------------------------------------------------------------------
def test_deferral_is_of_the_windows_that_say_so() -> None:
    """1,000 a month: of January's 400 missing 150 go on, of February's 550 nothing, and of March's 100 all."""
    case = used(floor("1000 USD", **MONTHLY, deferral=["15%", "0%", "15%"]), 600, 600, 900, 1100)
    assert owed(case) == [("shortfall-fee", D(250)), ("shortfall-fee", D(550))]
    found = solved(case)
    assert [s.carried for s in found.standings] == [-150, 0, -100, 0]
    assert Plan.from_json(found.to_json()) == found
    assert "15%, 0%, 15% of it may be made good in the next window (of each window in turn)" in (
        found.clauses[0].sentence
    )


# -- what makes no sense -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"shortfall": {"lump": "1 USD", "fee": "50%"}}, "says both `fee` and `lump`; keep one of them"),
        ({**LUMP, "deferral": "10%"}, "keep one of them: `lump` or `deferral`"),
        (
            {**MONTHLY, "deferral": ["15%", "0%"]},
            "2 parts, and there are 6 windows; write the part of each window, 0% where nothing goes on",
        ),
        ({**MONTHLY, "carried": "once"}, "add `carry-over`, or leave out `carried`"),
        ({"shortfall": {"fee": "50%", "charged-as": "prepayment"}}, "say `fee: 100%`, or `charged-as: fee`"),
        ({**PREPAID, "carry-over": "10%"}, "leave out `carry-over`, or say `charged-as: fee`"),
        ({"amount": "50 GPU", "shortfall": {"lump": "1 USD"}}, "say `price: 1.00 USD per GPU-hour`"),
    ],
)
def test_it_is_refused(more: Data, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(floor("1000 USD") | more)))
    assert only.endswith(said)


def test_it_says_so() -> None:
    told = [solved(used(floor("1000 USD", **more), 900)).clauses[0].sentence for more in (LUMP, PREPAID)]
    assert told[0].endswith("over its whole term; where anything is missing, 300.00 USD is owed")
    assert told[1].endswith("what is missing is charged as prepayment, which later use draws without counting")
    assert charged(solved(used(floor("1000 USD", **LUMP), 900)), "floor") == 300
    (term,) = used(floor("6 k USD", **MONTHLY, **{"carry-over": "20%", "carried": "once"}), 900).terms
    assert term.explain().sentence.endswith(
        "is owed; an excess of up to 20% of a window's amount counts in the next alone"
    )
