"""A prepayment that lapses: what is drawn by its day, and what is lost; and classes beside one of each window. By hand.

North 1 USD per Mtok; months from January 2026.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.agenda import agenda
from tests.builders import D, Data, agreement, build, data_of, mistakes, solved, tokens, work
from tests.planner.oracle.oracle import Oracle
from tests.terms.test_shortfall import CHEAPER, MONTHLY, floor, owed, used


def milestone(valid: str | None = None, by: str = "2026-02-01", reach: str = "1000 USD") -> Data:
    charge = {"by": by, "reach": reach, "fee": "100%", "charged-as": "prepayment"}
    return charge if valid is None else charge | {"valid-for": valid}


def by_month(amount: str = "1000 USD", valid: str | None = None, **more: Any) -> Data:
    lapses = {} if valid is None else {"valid-for": valid}
    return floor(amount, **MONTHLY, shortfall={"charged-as": "prepayment"} | lapses, **more)


# -- of a milestone ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("valid", "drawn"),
    # 600 are missing in January; February uses 200, March 310, so 10 a day, and April 500
    [("1 month", 200), ("28 days", 200), ("29 days", 210), ("45 days", 370), ("2 months", 510), ("70 days", 600),
     ("12 months", 600), (None, 600)],
)  # fmt: skip
def test_what_is_drawn_by_the_day_on_which_it_lapses(valid: str | None, drawn: int) -> None:
    """The day on which it lapses is the first on which nothing is drawn. What counts is 1,000 + 1,010 - drawn."""
    case = used(floor("5000 USD", milestones=[milestone(valid)]), 400, 200, 310, 500)
    assert owed(case) == [
        ("prepayment", D(600)), ("prepayment-drawn", D(-drawn)), ("shortfall-fee", D(5000 - 2010 + drawn)),
    ]  # fmt: skip


def test_what_lapses_first_is_drawn_first() -> None:
    """600 of January last to May, 500 of February to April: March's 700 draw these 500 first, and April 400 of 400."""
    steps = [milestone("3 months"), milestone("1 month", "2026-03-01", "1500 USD")]
    case = used(floor("9000 USD", milestones=steps), 400, 0, 700, 900)
    assert [(part, amount) for part, amount in owed(case) if part != "shortfall-fee"] == [
        ("prepayment", 600), ("prepayment", 500), ("prepayment-drawn", -700), ("prepayment-drawn", -400),
    ]  # fmt: skip


@settings(deadline=None, max_examples=4)
@given(st.sampled_from(["20 days", "1 month", "2 months"]), st.sampled_from(["1 month", None]), st.integers(4, 9))
def test_a_plan_chooses_as_the_oracle_does(first: str, then: str | None, amount: int) -> None:
    """1,000 a month at North for 3, or at South for 2."""
    steps = [milestone(first, reach="2 k USD"), milestone(then, "2026-03-01", "4 k USD")]
    case = build(CHEAPER, [work()], agreement(floor(f"{amount} k USD", milestones=steps)), months=4)
    assert float(solved(case).cost) == pytest.approx(Oracle(case).solve(), abs=0.01)


# -- of each window ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("valid", "charges"), [("1 month", [600, 1000, -1000, 700]), (None, [600, 1000, -1300, 1000])])
def test_a_charge_of_a_window_lapses_with_a_later_one(valid: str | None, charges: list[int]) -> None:
    """600 of January lapse with February, in which nothing is used: March's 1,300 draw the 1,000 of February alone."""
    assert [amount for _, amount in owed(used(by_month(valid=valid), 400, 0, 1300))] == charges


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=2, max_size=5), st.integers(1, 9),
       st.integers(1, 4), st.booleans())  # fmt: skip
def test_it_is_what_the_rule_says(uses: list[tuple[int, int]], amount: int, valid: int, classes: bool) -> None:
    """In hundreds, window by window; of a marketplace half of the amount counts at most, and draws nothing."""
    more = {"counts": [{"of": {"workload": "market"}, "at-most": "50%"}]} if classes else {}
    rates = [
        {f"2026-{n:02}-01": f"{each[k] * 100} Mtok per month" for n, each in enumerate(uses, start=1)} for k in (0, 1)
    ]
    jobs = [work(demand={"rate": rates[0]}), work("market", demand={"rate": rates[1]})]
    deal = agreement(by_month(f"{amount * 200} USD", f"{valid} months", **more))
    left: list[int] = []
    expected = []
    for own, market in uses:
        rest = own = own if classes else own + market
        for place in range(max(len(left) - valid, 0), len(left)):
            rest, left[place] = max(rest - left[place], 0), max(left[place] - rest, 0)
        counted = rest + (min(market, amount) if classes else 0)
        left.append(max(2 * amount - counted, 0))
        expected += [("prepayment-drawn", D(-100 * (own - rest)))] * (own > rest)
        expected += [("prepayment", D(100 * left[-1]))] * (left[-1] > 0)
    assert owed(build([tokens("north", 1)], jobs, deal, months=len(uses))) == expected


def test_classes_count_beside_what_is_charged_as_prepayment() -> None:
    """1,000 a month, the marketplace up to 250. January 500 + 250 of 400: 250 charged. February's own 600 draw them.

    So 350 + 100 count, and 550 are charged; were the marketplace's use to draw, none of it would count.
    """
    own, market_ = (
        {"rate": {"2026-01-01": f"{one} Mtok per month", "2026-02-01": f"{two} Mtok per month"}}
        for one, two in ((500, 600), (400, 100))
    )
    jobs = [work(demand=own), work("market", demand=market_)]
    market: Data = {"counts": [{"of": {"workload": "market"}, "at-most": "25%"}]}
    assert owed(build([tokens("north", 1)], jobs, agreement(by_month(**market)), months=2)) == [
        ("prepayment", D(250)), ("prepayment-drawn", D(-250)), ("prepayment", D(550)),
    ]  # fmt: skip


# -- for people --------------------------------------------------------------------------------------------------------
def test_it_says_so_and_the_calendar_names_the_last_day() -> None:
    case = used(floor("5000 USD", milestones=[milestone("45 days")]), 400, 200)
    assert "owed, as prepayment that use within 45 days draws" in solved(case).clauses[0].sentence
    (line,) = [each for each in agenda(case, date(2026, 1, 1), date(2026, 12, 31)) if "lapses" in each.what]
    assert (line.on, line.what) == (date(2026, 3, 17), "what is prepaid on 2026-02-01 lapses")
    (told,) = solved(used(by_month(valid="1 month"), 400)).clauses
    by_window = agenda(used(by_month(valid="1 month"), 400, 0, 300), date(2026, 1, 1), date(2026, 12, 31))
    lapses = [(each.on, each.what) for each in by_window if "lapses" in each.what]
    assert lapses == [(date(2026, 2, 28), "what is prepaid for Jan 2026 lapses")]
    assert told.sentence.endswith("charged as prepayment, which use within 1 month draws without counting")


FEE: Data = {"by": "2026-04-01", "reach": "1200 USD", "fee": "50%"}


def test_milestones_of_both_sorts_are_two_commitments() -> None:
    """200 are missing of 600 in January; February's 150 draw, 50 are lost. Of 1,200, 400 + 150 + 310 leave 340."""
    prepaid = floor("600 USD", milestones=[milestone("1 month", reach="600 USD")])
    fee = floor("1200 USD", until=FEE["by"], shortfall={"fee": FEE["fee"]}) | {"id": "fee"}
    rate = {f"2026-0{n}-01": f"{amount} Mtok per month" for n, amount in ((1, 400), (2, 150), (3, 310), (4, 0))}
    case = build([tokens("north", 1)], [work(demand={"rate": rate})], agreement(prepaid, fee), months=4)
    assert sorted(owed(case)) == [("prepayment", 200), ("prepayment-drawn", -150), ("shortfall-fee", 170)]


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (by_month(valid="45 days"), "what is charged lapses on 2026-03-18, inside of a window (Mar 2026)"),
        (floor("1 USD", shortfall={"valid-for": "1 month"}), "only a prepayment lapses; say `charged-as: prepayment`"),
        (floor("1 USD", milestones=[{"by": "2026-02-01", "reach": "1 USD", "valid-for": "1 day"}]),
         "only a prepayment lapses; say `charged-as: prepayment`"),
        (floor("2 k USD", milestones=[milestone(), FEE]),
         "stand beside others that are not; write the others as a commitment of their own"),
        (floor("2 k USD", **MONTHLY, milestones=[milestone()]),
         "beside an amount of each window; write the `milestones` as a commitment of its own, over `every: term`"),
    ],
)  # fmt: skip
def test_it_is_refused(clause: Data, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(clause)))
    assert said in only
