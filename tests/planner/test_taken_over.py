"""Take-over, kind by kind: a window that runs on the day of an amendment, each of three ways, and never in silence.

The clauses are planned, and stated a second time by the oracle. All use is even by months, so that an amendment that
says the same again, in mid-window, must change nothing where the window is taken over whole or pro rata.
"""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.terms import KINDS
from detente.terms.minimum_commitment import MinimumCommitment
from tests.builders import D, Data, agreement, data_of, mistakes, solved, tokens, work
from tests.planner.oracle.oracle import Oracle

EVERYTHING = Path(__file__).parents[1] / "everything.yaml"
WAYS = ("whole-window", "pro-rata", "new-window")
OPEN = {"api": "open"}

AMOUNTS: dict[str, tuple[Data, Data]] = {
    "minimum-commitment": ({"amount": "10 k USD"}, {"amount": "14 k USD"}),
    "spending-cap": ({"amount": "7 k USD"}, {"amount": "8 k USD"}),
    "credit": ({"amount": "2 k USD"}, {"amount": "2600 USD"}),
    "volume-discount": (
        {"method": "graduated", "tiers": [{"from": "2 k USD", "off": "10%"}, {"from": "5 k USD", "off": "30%"}]},
        {"method": "graduated", "tiers": [{"from": "1 k USD", "off": "20%"}]},
    ),
    "revenue-share": ({"rate": "20%", "cap-each": "1200 USD"}, {"rate": "30%", "cap-each": "1800 USD"}),
    "liquidated-damages": ({"rate": "20%", "cap-each": "900 USD"}, {"rate": "30%", "cap-each": "1 k USD"}),
}
"""A text of each kind whose windows divide an amount, and what an amendment makes of it."""


def signed(kind: str, *texts: Data, ends: str = "2026-07-01") -> Data:
    """North alone, at 1 USD per Mtok: 1000 USD a month for half a year; one text, or one more from 1 April on."""
    deals = []
    for at, text in enumerate(texts):
        more: Data = {"amends": "deal", "effective": "2026-04-01"} if at else {}
        clause = {"id": "c", "kind": kind, "windows": {"every": "term"}} | text
        deals.append(agreement(clause, id="later" if at else "deal", ends=ends, **more))
    return data_of([tokens("north", 1)], [work(revenue="2 USD per Mtok")], *deals)


def cost(data: Data) -> D:
    return solved(Case.of(data)).cost


def test_no_other_kind_has_windows_that_divide_an_amount() -> None:
    """By a case that has something of every kind: a new kind with such windows must be here."""
    terms = [term for deal in Case.load(EVERYTHING).declared.agreements for term in deal.terms]
    assert {term.kind for term in terms} == set(KINDS)
    divided = {term.kind for term in terms for stated in term.stated_windows() if stated.divides == "amount"}
    assert divided <= set(AMOUNTS)


@pytest.mark.parametrize("kind", AMOUNTS)
def test_what_becomes_of_the_window_must_be_said(kind: str) -> None:
    (said,) = mistakes(signed(kind, *AMOUNTS[kind]))
    assert said.startswith("the window Jan 2026 – Jun 2026 of the text that `c` replaces runs on 2026-04-01, and what")
    assert all(way in said for way in WAYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", AMOUNTS)
def test_each_way_costs_what_the_oracle_says(kind: str, way: str) -> None:
    before, after = AMOUNTS[kind]
    data = signed(kind, before, after | {"takes-over": way})
    assert float(cost(data)) == pytest.approx(Oracle(Case.of(data)).solve(), abs=0.01)


@pytest.mark.parametrize("way", ["whole-window", "pro-rata"])
@pytest.mark.parametrize("kind", AMOUNTS)
def test_the_same_text_again_changes_nothing(kind: str, way: str) -> None:
    text, _ = AMOUNTS[kind]
    assert cost(signed(kind, text, text | {"takes-over": way})) == pytest.approx(
        cost(signed(kind, text)), abs=D("0.01")
    )


@pytest.mark.parametrize("ways", ["whole", "parts", "whole parts whole", "parts whole parts"])
@pytest.mark.parametrize("kind", ["minimum-commitment", "credit", "volume-discount", "revenue-share"])
def test_the_same_text_again_and_again_changes_nothing(kind: str, ways: str) -> None:
    """Years from July on, of which the clause sees the last half of the first: amended in each, and twice in one."""
    text, _ = AMOUNTS[kind]
    clause = {"id": "c", "kind": kind, "windows": {"every": "year", "starts": "2025-07-01"}} | text
    deals = [agreement(clause, id="deal", ends="2027-07-01")]
    taken = cycle({"whole": "whole-window", "parts": "pro-rata"}[way] for way in ways.split())
    for before, name, day in (("deal", "one", "2026-03"), ("one", "two", "2026-05"), ("two", "three", "2026-10")):
        again = clause | {"takes-over": next(taken), "windows": {"every": "year"}}
        deals.append(agreement(again, id=name, amends=before, effective=day, ends="2027-07-01"))
    offers, works = [tokens("north", 1)], [work(revenue="2 USD per Mtok")]
    one, several = (data_of(offers, works, *some, months=18) for some in (deals[:1], deals))
    assert cost(several) == pytest.approx(cost(one), abs=D("0.01"))
    assert float(cost(several)) == pytest.approx(Oracle(Case.of(several)).solve(), abs=0.01)


@pytest.mark.parametrize("way", ["whole-window", "pro-rata"])
def test_windows_from_the_last_day_of_a_month_keep_it(way: str) -> None:
    """From 31 January by the month, amended on 15 March: that window ends on the 31st, and not on the 28th."""
    clause: Data = {"id": "c", "kind": "minimum-commitment", "amount": "1 k USD", "windows": {"every": "month"}}
    first, later = agreement(clause, effective="2026-01-31"), clause | {"takes-over": way}
    second = agreement(later, id="later", amends="north-deal", effective="2026-03-15")
    data = data_of([tokens("north", 1)], [work()], first, second)
    (_, term) = Case.of(data).signed
    assert isinstance(term, MinimumCommitment)
    assert [f"{w.start:%m-%d}" for w in term.calendar(term.windows)][1:3] == ["03-31", "04-30"]


def test_a_part_of_a_window_is_divided_as_that_window() -> None:
    """Of 2026 the first text asks 4/12 of 12 k USD, the second 4/12 of 18 k, the third 4/12 of 24 k; then 24 k."""
    texts = [("12 k USD", "2026-01"), ("18 k USD", "2026-05"), ("24 k USD", "2026-09")]
    deals = []
    for at, (amount, day) in enumerate(texts):
        more: Data = {"amends": f"deal-{at - 1}"} if at else {}
        clause = {"id": "c", "kind": "minimum-commitment", "amount": amount, "windows": {"every": "year"}}
        clause |= {"takes-over": "pro-rata"} if at else {}
        deals.append(agreement(clause, id=f"deal-{at}", effective=day, ends="2028-01-01", **more))
    found = solved(Case.of(data_of([tokens("north", 1)], [work()], *deals, months=24)))
    assert [s.amount for s in found.standings] == [4000, 6000, 8000, 24_000]
    assert found.cost == 4000 + 6000 + 8000 + 24_000


@pytest.mark.parametrize(
    ("kind", "whole", "pro_rata", "new"),
    [
        # 6000 are spent, 3000 before April and 3000 after; the window's part of each is one half
        ("minimum-commitment", 14_000, 5000 + 7000, 5000 + 14_000),
        ("spending-cap", 6000, 6000, 6000),
        ("credit", 6000 - 2600, 6000 - 1000 - 1300, 6000 - 1000 - 2600),
        # all 6000: 20% of 5000; in halves: 10% of 1500 and 30% of 500, then 20% of 2500; last: bounds as they are
        ("volume-discount", 6000 - 1000, 6000 - 150 - 150 - 500, 6000 - 150 - 150 - 400),
        # earned 12,000: 30% is 3600, and 1800 at most; in halves 600 and 900; last 600 and 1800
        ("revenue-share", 6000 + 1800, 6000 + 600 + 900, 6000 + 600 + 1800),
        # 30% of 6000 is 1800, 1000 at most; in halves 450 and 500; last 450 and 900
        ("liquidated-damages", 7000, 6000 + 450 + 500, 6000 + 450 + 900),
    ],
)
def test_each_way_by_hand(kind: str, whole: int, pro_rata: int, new: int) -> None:
    before, after = AMOUNTS[kind]
    assert [cost(signed(kind, before, after | {"takes-over": way})) for way in WAYS] == [whole, pro_rata, new]


def test_what_goes_by_its_time_takes_nothing_over() -> None:
    """A share of each half, where a window of a year is amended: nothing is asked twice, and nothing need be said."""
    data: Any = signed("share", {"at-most": "100%"}, {"at-most": "90%"})
    data["offers"].append(tokens("south", 2))
    assert cost(data) == 3000 + 2700 + 600


@pytest.mark.parametrize("kind", AMOUNTS)
@pytest.mark.parametrize("way", ["pro-rata", "new-window"])
def test_no_part_of_a_window_without_end_falls_to_the_earlier_text(kind: str, way: str) -> None:
    """It would be one of 174 years: next to nothing."""
    first, second = AMOUNTS[kind]
    data = signed(kind, first, second | {"takes-over": way})
    del data["agreements"][0]["ends"]
    found = mistakes(data)
    assert any("the window of the earlier `c` has no end" in said and "2026-04-01" in said for said in found), found


@pytest.mark.parametrize("way", ["whole-window", "pro-rata"])
def test_a_cap_has_nothing_to_take_over_of_a_text_without_one(way: str) -> None:
    """By 10% and no cap 300 of 6,000 are owed until April; then 20%, at most 80: 380 in a new window, or 80 in all."""

    def share(rate: str, cap: str | None, how: str | None = None) -> Data:
        more = {"cap-each": cap} if cap else {}
        return {"rate": rate} | more | ({"takes-over": how} if how else {})

    (said,) = mistakes(signed("liquidated-damages", share("10%", None), share("20%", "80 USD", way)))
    assert said.startswith("the text that `c` replaces has no amount of the window Jan 2026 – Jun 2026, which runs on")
    assert mistakes(signed("revenue-share", {"rate": "10%"}, {"rate": "20%", "cap": "80 USD", "takes-over": way})) == [
        said
    ]
    anew = signed("liquidated-damages", share("10%", None), share("20%", "80 USD", "new-window"))
    stated = signed("liquidated-damages", share("10%", "9 k USD"), share("20%", "80 USD", "whole-window"))
    assert (cost(anew), cost(stated)) == (6000 + 300 + 80, 6000 + 80)
