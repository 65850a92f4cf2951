"""Price locks, by hand. Ten GPUs through 2026-01 to 2026-06; South costs 2.50 USD per GPU-hour.

North costs 2 USD, from April 3 USD, and from June 1.50 USD. Hours of the months: 744, 672, 744, 720, 744, 720.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
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
    placed,
    postings,
    solved,
    tokens,
    work,
)
from tests.planner.oracle.oracle import Oracle

NORTH = {
    "2026-01-01": "2 USD per GPU-hour", "2026-04-01": "3 USD per GPU-hour", "2026-06-01": "1.50 USD per GPU-hour",
}  # fmt: skip
BEFORE, RISEN, FALLEN = 10 * 2160, 10 * 1464, 10 * 720
"""GPU-hours of January to March, of April and May, of June."""


def lock(**more: Any) -> Data:
    return {"id": "lock", "kind": "price-lock", "method": "lower-of"} | more


def written(*terms: Data, north: Any = NORTH, **more: Any) -> Data:
    return data_of([gpus("north", north), gpus("south", "2.50")], [compute()], agreement(*terms), **more)


def case(*terms: Data, **more: Any) -> Case:
    return Case.of(written(*terms, **more))


@pytest.mark.parametrize(
    ("more", "june"),
    [
        ({"method": "lower-of"}, "1.50"),
        ({"method": "fixed"}, "2"),  # dearer than the list, and still cheaper than South
        ({"method": "lower-of", "at": {"north-gpus": "2 USD per GPU-hour"}}, "1.50"),
    ],
)
def test_a_price_holds_though_the_list_rises(more: Data, june: str) -> None:
    found = solved(case(lock(**more)))
    assert found.cost == 2 * (BEFORE + RISEN) + D(june) * FALLEN
    assert placed(found) == {"north-gpus": D(BEFORE + RISEN + FALLEN)}
    # 1 USD of 3 in April and May; a fixed price adds what the list is lower
    assert postings(found, "lock", "price-lock") == {
        ("price-lock", 3): D(-10 * 720), ("price-lock", 4): D(-10 * 744),
        **({} if june == "1.50" else {("price-lock", 5): D("0.50") * FALLEN}),
    }  # fmt: skip
    assert Plan.from_json(found.to_json()) == found


def test_without_it_work_leaves_while_the_list_is_high() -> None:
    assert solved(case(lock(until="2026-02-01"))).cost == 2 * BEFORE + D("2.50") * RISEN + D("1.50") * FALLEN


def test_another_price_than_that_of_the_list_and_another_day() -> None:
    at = solved(case(lock(at={"north-gpus": "2.20 USD per GPU-hour"})))
    assert at.cost == 2 * BEFORE + D("2.20") * RISEN + D("1.50") * FALLEN
    on = solved(case(lock(on="2026-06-01", method="fixed")))
    assert on.cost == D("1.50") * (BEFORE + RISEN + FALLEN)


@pytest.mark.parametrize(("combine", "risen"), [("best-of", "2"), ("product", "1.80")])
def test_the_lower_of_a_locked_price_and_a_discounted_list(combine: str, risen: str) -> None:
    """By ``best-of`` the price is min(locked, list x 90%): of 3 less 10%, and of 2 in January no more than 1.80."""
    off = {"id": "off", "kind": "discount", "off": "10%"}
    deal = agreement(lock(), off) | {"combine": combine}
    found = solved(build([gpus("north", NORTH), gpus("south", "2.50")], [compute()], deal))
    assert found.cost == D("1.80") * BEFORE + D(risen) * RISEN + D("1.35") * FALLEN


def test_a_lock_at_the_list_price_holds_beside_a_dearer_one() -> None:
    """min(2, list) is 2, 2 and 1.50: where the list is 2, the lock takes nothing off, and is lower than 2.40."""
    other = lock(id="fixed", method="fixed", at={"north-gpus": "2.40 USD per GPU-hour"})
    deal = agreement(lock(), other) | {"combine": "best-of"}
    found = solved(build([gpus("north", NORTH), gpus("south", "2.50")], [compute()], deal))
    assert found.cost == 2 * BEFORE + 2 * RISEN + D("1.50") * FALLEN
    (unsaid,) = mistakes(data_of([gpus("north", NORTH)], [compute()], agreement(lock(), other)))
    assert "of 0% off and 20% up: `product` (20% up), `sum` (20% up), `best-of` (0% off)" in unsaid


RISES: Data = {"id": "rises", "kind": "escalator", "by": "10%", "every": "1 month"}
HELD: Data = {"north-gpus": "2.10 USD per GPU-hour"}


@pytest.mark.parametrize(
    ("at", "way", "paid"),
    [
        # 2.00, 2.20, 2.42: of each and what holds, the lower; by product what holds rises, too
        ({}, "best-of", ["2", "2", "2"]),
        (HELD, "best-of", ["2", "2.10", "2.10"]),
        (HELD, "product", ["2.10", "2.31", "2.541"]),
    ],
)
def test_the_lower_of_a_locked_price_and_a_risen_list(at: Data, way: str, paid: list[str]) -> None:
    deal = agreement(RISES, lock(method="fixed", at=at)) | {"combine": way}
    case = build([gpus("north", 2)], [compute()], deal, months=3)
    found = solved(case)
    assert found.cost == sum(10 * hours * D(each) for hours, each in zip((744, 672, 744), paid, strict=True))
    assert float(found.cost) == pytest.approx(Oracle(case).solve())


@pytest.mark.parametrize(
    ("more", "way", "said"),
    [
        ({"method": "fixed"}, {}, "as the contract says of 10% up and 0% off: `product` (10% up), `best-of` (0% off)"),
        ({}, {}, "as the contract says of 10% up and 0% off: `product` (10% up)"),
        ({}, {"combine": "best-of"}, "say `combine: best-of` with `method: fixed` (the lower of what holds and"),
        ({"method": "fixed"}, {"combine": "sum"}, "`lock` holds a price beside one that rises, and the agreement says"),
    ],
)
def test_how_a_lock_and_a_rise_combine_is_said(more: Data, way: Data, said: str) -> None:
    deal = agreement(RISES, lock(**more)) | way
    found = mistakes(data_of([gpus("north", 2)], [compute()], deal, months=3))
    assert len(found) == 1
    assert said in found[0]


def test_where_every_way_comes_to_the_same_none_is_asked_for() -> None:
    """A lower-of lock that takes nothing off beside a discount: 10% less by each way."""
    off = {"id": "off", "kind": "discount", "off": "10%"}
    found = solved(build([gpus("north", 2)], [compute()], agreement(lock(), off), months=3))
    assert found.cost == D("1.80") * BEFORE


def test_tokens_whose_prices_change_alike() -> None:
    api = tokens("north", {"2026-01-01": 3, "2026-04-01": 4})
    found = solved(build([api], [work()], agreement(lock())))
    assert (found.cost, charged(found, "lock")) == (D(18_000), D(-3_000))
    uneven = api | {
        "price": {
            "2026-01-01": {"input": "1 USD per Mtok", "output": "2 USD per Mtok"},
            "2026-04-01": {"input": "2 USD per Mtok", "output": "3 USD per Mtok"},
        }
    }
    (flaw,) = mistakes(data_of([uneven], [work()], agreement(lock())))
    assert flaw.startswith("the prices of `north-api` of 2026-04-01 are not one part of those that hold; write the")


def test_what_cannot_be_locked_is_a_mistake() -> None:
    reserved = gpus("north", NORTH, buy="reserved", term="1 month")
    assert mistakes(data_of([reserved], [compute()], agreement(lock())))[0].startswith(
        "`north-gpus` is reserved, at the price of the day on which its term begins; leave it out"
    )
    (early,) = mistakes(written(lock(on="2025-12-01")))
    assert early.startswith("`north-gpus` has no list price on 2025-12-01; say the day whose prices hold")
    (silent,) = mistakes(written({"id": "lock", "kind": "price-lock"}))
    assert "`method`" in silent or "method" in silent
    (unknown,) = mistakes(written(lock(at={"nroth-gpus": "2 USD per GPU-hour"})))
    assert "nroth-gpus" in unknown
    (per_unit,) = mistakes(written(lock(at={"north-gpus": "2 USD per unit-hour"})))
    assert per_unit == "`north-gpus` is priced per GPU-hour, and this price is per unit-hour; write it per GPU-hour"


@pytest.mark.parametrize(
    ("more", "offer", "apart"),
    [
        ({}, "south-gpus", "`provider: north`"),
        ({"of": {"offer": "north-two"}}, "north-gpus", "`offer: north-two` and `provider: north`"),
    ],
)
def test_a_price_of_what_it_does_not_cover_is_a_mistake(more: Data, offer: str, apart: str) -> None:
    two = gpus("north", NORTH, id="north-two")
    terms = agreement(lock(at={offer: "1 USD per GPU-hour"}, **more))
    (only,) = mistakes(data_of([gpus("north", NORTH), gpus("south", "2.50"), two], [compute()], terms))
    assert only.startswith(f"`{offer}` is no part of {apart}, so that this price is that of no use; leave it out")


@pytest.mark.parametrize("method", ["fixed", "lower-of"])
def test_the_oracle_finds_the_same(method: str) -> None:
    locked = case(lock(method=method, until="2026-05-15"), months=5)
    assert float(solved(locked).cost) == pytest.approx(Oracle(locked).solve())
