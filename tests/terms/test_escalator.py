"""Escalators, by hand: prices that rise on anniversaries. North 2 USD per Mtok; 1000 Mtok a month: 2000 USD a month."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from detente.terms.escalator import Escalator
from tests.builders import D, Data, agreement, build, by_period, data_of, day, mistakes, postings, solved, tokens, work

MONTHLY = {"every": "1 month"}
CENT = Fraction("1.01")
INDEX = {"2025-10-01": "100", "2025-11-01": "102", "2025-12-01": "101", "2026-01-01": "110"}
"""Read three months before: of January 100, of February 102, of March 101, of April 110."""


def clause(**more: Any) -> Data:
    return {"id": "rise", "kind": "escalator"} | MONTHLY | more


def case(*others: Data, months: int = 4, south: object = None, **more: Any) -> Case:
    offers = [tokens("north", 2), *([tokens("south", south)] if south else [])]
    deal = agreement(clause(**more), *others, **({"combine": "product"} if others else {}))
    return build(offers, [work()], deal, months=months)


def factors(found: Case) -> list[Fraction]:
    return [term.factor for term in found.signed if isinstance(term, Escalator)]


def test_each_anniversary_raises_the_price() -> None:
    found = case(by="10%", months=3)
    assert factors(found) == [1, Fraction(11, 10), Fraction(121, 100)]
    assert solved(found).cost == D(2000 + 2200 + 2420)
    assert [v.validity.start for v in found.signed] == [day(f"2026-0{m}-01") for m in (1, 2, 3)]
    assert sum(postings(solved(found), "rise").values()) == D(620)


def test_the_last_day_for_notice_of_each_anniversary_is_told() -> None:
    """Thirty days before 1 February: 2 to 31 January lie between; before 1 March 30 January to 28 February."""
    found = agenda(case(by="10%", months=3, notice="30 days"), date(2026, 1, 1), date(2026, 4, 1))
    told = [(str(each.on), each.by, each.what) for each in found if each.role == "notice"]
    assert told == [
        ("2026-01-01", "north", "the last day to tell of prices from 2026-02-01 on"),
        ("2026-01-29", "north", "the last day to tell of prices from 2026-03-01 on"),
    ]


def test_anniversaries_count_from_a_day_before_the_clause() -> None:
    # the first of each month since November: at the start of January two have passed
    assert factors(case(by="10%", months=2, starts="2025-11-01")) == [Fraction(121, 100), Fraction(1331, 1000)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # 102/100, then 101/102 would fall, then 110/101
        ({}, [1, Fraction(102, 100), Fraction(102, 100), Fraction(102, 100) * Fraction(110, 101)]),
        ({"cap": "1%"}, [1, CENT, CENT, CENT**2]),
        ({"cap": "1%", "floor": "0.5%"}, [1, CENT, CENT * Fraction("1.005"), CENT**2 * Fraction("1.005")]),
        # a floor below zero: 101/102 falls by 0.98%
        ({"floor": "-100%"}, [1, Fraction(102, 100), Fraction(101, 100), Fraction(110, 100)]),
        (
            {"floor": "-0.5%"},
            [1, Fraction("1.02"), Fraction("1.02") * Fraction("0.995"), Fraction("1.0149") * Fraction(110, 101)],
        ),
        ({"method": "base", "floor": "-100%", "cap": "1%"}, [1, CENT, Fraction("1.01"), CENT**3]),
        # by all that it has risen since the first: 1.02, 1.01, 1.10, within 1.01, 1.0201, 1.030301
        ({"method": "base"}, [1, Fraction("1.02"), Fraction("1.01"), Fraction("1.1")]),
        ({"method": "base", "cap": "1%"}, [1, CENT, CENT, CENT**3]),
    ],
)
def test_an_index_with_a_lag_a_cap_and_a_floor(more: Data, expected: list[Fraction]) -> None:
    assert factors(case(index=INDEX, lag="3 months", **more)) == expected


def test_what_is_not_published_is_not_guessed() -> None:
    known = {on: value for on, value in INDEX.items() if on != "2026-01-01"}
    data = data_of([tokens("north", 2)], [work()], agreement(clause(index=known, lag="3 months")), months=4)
    assert mistakes(data) == [
        "the index of 2026-01 is not stated; state it under `index`, or say what to `assume`: `2%`"
    ]
    assumed = case(index=known, lag="3 months", assume="2%")
    assert factors(assumed)[-1] == Fraction("1.02") * Fraction("1.02")


def test_only_what_is_not_published_is_assumed() -> None:
    """The index of the first day is left out, or of another month: the assumption does not hide it."""
    known = {on: value for on, value in INDEX.items() if on != "2025-10-01"}
    more = {"index": known, "lag": "3 months", "assume": "2%"}
    data = data_of([tokens("north", 2)], [work()], agreement(clause(**more)), months=4)
    assert mistakes(data) == [
        "the index of 2025-10 is not stated, and a later one is, so that it is published; "
        "state it: only what is not published yet is assumed"
    ]


def test_an_index_has_one_value_a_month() -> None:
    more = {"index": {"2025-10-01": "100", "2025-10-15": "101"}, "lag": "3 months", "assume": "2%"}
    (only,) = mistakes(data_of([tokens("north", 2)], [work()], agreement(clause(**more)), months=4))
    assert only == "the index of 2025-10 is stated twice; keep one of them"


def test_a_price_that_rises_moves_work_away() -> None:
    # 2, 2.20, 2.42, 2.662 at North against 2.30 at South
    found = solved(case(by="10%", south="2.3"))
    assert by_period(found, "north-api") == [1000, 1000, 0, 0]


def test_a_discount_is_a_part_of_the_risen_price() -> None:
    off = {"id": "off", "kind": "discount", "off": "50%"}
    assert solved(case(off, by="10%", months=2)).cost == D(1000 + 1100)
    added = data_of([tokens("north", 2)], [work()], agreement(clause(by="10%"), off, combine="sum"), months=2)
    (only,) = mistakes(added)
    assert only.startswith("`off` takes off a price that rises, and the agreement says `combine: sum`")


def test_prices_that_fall_each_month() -> None:
    """2000, 1800, 1620: 200 and 380 less than the list; a discount of half is taken off the fallen price."""
    found = case(by="-10%", months=3)
    assert factors(found) == [1, Fraction(9, 10), Fraction(81, 100)]
    assert solved(found).cost == D(2000 + 1800 + 1620)
    assert sum(postings(solved(found), "rise").values()) == D(-580)
    off = {"id": "off", "kind": "discount", "off": "50%"}
    assert solved(case(off, by="-10%", months=2)).cost == D(1000 + 900)


def test_prices_that_follow_an_index_down() -> None:
    """100, then 90, then 99: at the floor of 0% they stay, and rise with the second; below it, they go down and up."""
    falls = {"index": {"2026-01-01": "100", "2026-02-01": "90", "2026-03-01": "99"}}
    assert solved(case(**falls, months=3)).cost == D(2000 + 2000 + 2200)
    assert solved(case(**falls, floor="-100%", months=3)).cost == D(2000 + 1800 + 1980)
    assert solved(case(**falls, floor="-5%", months=3)).cost == D(2000 + 1900 + 2090)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "-100%"}, "prices that fall by 100% are none"),
        ({"index": INDEX, "lag": "3 months", "floor": "-101%"}, "`-101%` is below -100%"),
        ({}, "says neither or both of `by` and `index`"),
        ({"by": "3%", "index": INDEX}, "says neither or both of `by` and `index`"),
        ({"by": "3%", "lag": "1 month"}, "`lag` is of an index, and there is none"),
        ({"by": "3%", "cap": "1%", "floor": "2%"}, "the cap lies below the floor"),
        ({"index": {"2026-01-01": "0"}}, "an index is above zero"),
    ],
)
def test_mistakes(more: Data, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 2)], [work()], agreement(clause(**more))))
    assert only.startswith(said)


def test_prices_do_not_rise_without_end() -> None:
    endless = agreement(clause(by="3%"), ends=None)
    (only,) = mistakes(data_of([tokens("north", 2)], [work()], endless))
    assert only.startswith("prices rise without end")


@pytest.mark.parametrize("more", [{"from": "2026-02-01"}, {"from": "2026-02-01", "every": "1 month"}])
def test_a_first_day_of_its_own_is_that_of_all_its_versions(more: Data) -> None:
    """1000 a month; from February on 10% more with each anniversary: 1000, then 1000, 1100, 1210, 1331, 1464.1."""
    rise = {"id": "rise", "kind": "escalator", "by": "10%", "every": "1 year"} | more
    found = solved(build([tokens("north", 1)], [work()], agreement(rise)))
    assert found.cost == (D("7105.1") if "every" in more else 6000)


def test_a_price_lock_and_first_rights_with_a_first_day_of_their_own() -> None:
    """1.00, from April on 1.50: locked from February on at 1.00."""
    dated = tokens("north", {"2026-01": 1, "2026-04": "1.5"})
    lock = {"id": "lock", "kind": "price-lock", "method": "fixed", "from": "2026-02-01"}
    assert solved(build([dated], [work()], agreement(lock))).cost == 6000
    ship: Data = {"id": "ship", "kind": "first-ship", "from": "2026-02-01", "ahead": "1 month"}
    ship["releases"] = [{"of": {"workload": "chat"}, "shipped": "2026-02-15"}]
    assert mistakes(data_of([dated, tokens("south", 2)], [work()], agreement(ship))) == []


def test_no_way_to_combine_is_offered_that_is_then_refused() -> None:
    rises = {"id": "e", "kind": "escalator", "by": "5%", "starts": "2025-07-01"}
    off = {"id": "d", "kind": "discount", "off": "10%"}
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(rises, off), months=12))
    assert only.endswith("as the contract says of 5% up and 10% off: `product` (5.5% off)")
    assert mistakes(data_of([tokens("north", 1)], [work()], agreement(rises, off, combine="product"), months=12)) == []
