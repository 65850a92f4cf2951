"""Tiers that some use fills, and that lower a part of it alone, by hand.

North alone, from January to June 2026: 6,000 USD of tokens, and 43,440 of GPUs: 49,440.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from tests.builders import D, Data, agreement, compute, data_of, gpus, mistakes, solved, standing, tokens, use, work
from tests.planner.oracle.oracle import Oracle

GPUS: Data = {"product": "gpu"}


def written(*tiers: tuple[str, str], others: tuple[Data, ...] = (), **more: Any) -> Data:
    steps = [{"from": start, "off": off} for start, off in tiers or [("45 k USD", "20%")]]
    clause = {"id": "back", "kind": "volume-discount", "method": "all-units", "tiers": steps} | more
    offers = [tokens("north", 1), gpus("north", 1), gpus("south", "1.1")]
    return data_of(offers, [work(), compute()], agreement(clause, *others))


@pytest.mark.parametrize(
    ("tiers", "lowers", "back"),
    [
        ([("45 k USD", "20%")], GPUS, 8_688),  # which the GPUs alone would not reach
        ([("45 k USD", "20%")], {"product": "tokens"}, 1_200),
        ([("45 k USD", "20%")], None, 9_888),
        ([("50 k USD", "20%")], GPUS, 0),
        ([("1 k USD", "5%"), ("49 k USD", "10%"), ("60 k USD", "50%")], GPUS, 4_344),
    ],
)
def test_all_that_counts_reaches_a_tier_and_a_part_of_it_is_lowered(tiers: Any, lowers: Any, back: int) -> None:
    case = Case.of(written(*tiers, **({"lowers": lowers} if lowers else {})))
    found = solved(case)
    assert found.cost == 49_440 - back
    assert Oracle(case).solve() == pytest.approx(49_440 - back)


@pytest.mark.parametrize(
    ("measure", "lowers", "back"),
    [("list", None, D("8899.2")), ("list", GPUS, D("7819.2")), ("after-discounts", None, 0)],
)
def test_tiers_filled_at_list_prices_lower_what_discounts_leave(measure: str, lowers: Any, back: D) -> None:
    """49,440 at list prices, 44,496 after a tenth off; 39,096 of them of GPUs."""
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    more = {"lowers": lowers} if lowers else {}
    data = written(measure=measure, others=(off,), **more)
    data["offers"].pop()
    case = Case.of(data)
    assert solved(case).cost == 44_496 - back
    assert Oracle(case).solve() == pytest.approx(44_496 - float(back))
    assert ("spend at list prices fills them" in case.terms[0].explain().sentence) == (measure == "list")


def test_what_is_only_counted_is_bought_for_the_tier() -> None:
    """Tokens cost 0.90 at South: 1,560 of them at North reach the tier, for 156 more; 0.3% of the GPUs are less."""
    data = written(lowers=GPUS)
    data["offers"].append(tokens("south", D("0.9")))
    assert solved(Case.of(data)).cost == 43_440 + 1_560 + 3_996 - 8_688
    data["agreements"][0]["terms"][0]["tiers"][0]["off"] = "0.3%"
    assert solved(Case.of(data)).cost == 43_440 + 5_400


def test_it_says_what_is_lowered_and_gives_it_for_metered_use() -> None:
    case = Case.of(written(("900 USD", "20%"), lowers=GPUS))
    assert "of what counts, `product: gpu` is lowered" in case.terms[0].explain().sentence
    lines = [
        use(case, "chat", "north-api", "2026-01-01", "2026-01-02", 500, 500),
        use(case, "research", "north-gpus", "2026-01-01", "2026-01-02", 450, 450),
    ]
    assert [p.amount for p in standing(case, "back", *lines).postings] == [D(-90)]
    assert standing(case, "back", *lines[:1]).postings == ()


def test_what_lies_in_a_graduated_tier_is_what_is_lowered() -> None:
    for more in ({"lowers": GPUS}, {"measure": "list"}):
        (said,) = mistakes(written(method="graduated", **more))
        assert "say `method: all-units` with tiers of money, or leave it out" in said


@pytest.mark.parametrize(
    ("of", "pays", "left"),
    [
        ({"product": "tokens"}, 4_000, 43_440),
        (GPUS, 42_000, 1_440),
        ({}, 42_000, 6_440),  # all until May, 36,240 of it of GPUs, and of June 760 of the larger charge
    ],
)
def test_no_more_is_given_back_than_credits_leave_of_what_is_lowered(of: Data, pays: int, left: int) -> None:
    """Half of 43,440, or what is left of that."""
    gift: Data = {"id": "gift", "kind": "credit", "amount": f"{pays} USD", "of": of}
    case = Case.of(written(("45 k USD", "50%"), lowers=GPUS, others=(gift,)))
    expected = 49_440 - pays - min(21_720, left)
    assert solved(case).cost == expected
    assert Oracle(case).solve() == pytest.approx(expected)


def test_two_of_them_combine_as_one_only_where_they_lower_all() -> None:
    other: Data = {"id": "more", "kind": "volume-discount", "method": "all-units", "lowers": GPUS}
    other |= {"tiers": [{"from": "1 k USD", "off": "10%"}]}
    data = written(lowers=GPUS, others=(other,))
    data["agreements"][0]["combine"] = "sum"
    assert solved(Case.of(data)).cost == 49_440 - 8_688 - 4_344
    data["agreements"][0]["combine"] = "product"
    (said,) = mistakes(data)
    assert "both give back a part of what `north-gpus` costs" in said
