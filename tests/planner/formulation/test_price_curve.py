"""A list price that changes within a period of the plan, beside clauses that see a part of it: by hand, and the oracle.

10 GPUs at 3 USD, and 4 from 15 February on: January has 744 hours, February 336 and 336, March 744.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.planner.formulation.formulate import formulate
from tests.builders import D, Data, agreement, build, compute, gpus, solved, tokens, work
from tests.planner.oracle.oracle import Oracle

STEPS = {"2026-01-01": "3 USD per GPU-hour", "2026-02-15": "4 USD per GPU-hour"}
LOCK: Data = {"kind": "price-lock", "at": {"north-gpus": "3.5 USD per GPU-hour"}}
FLOOR: Data = {"kind": "minimum-commitment", "amount": "60 k USD"}


def case(clause: Data, every: str = "month", **more: Any) -> Case:
    horizon = {"start": "2026-01", "end": "2026-04", "every": every}
    deal = agreement(clause | {"id": "c"}, ends="2026-04-01")
    return build([gpus("north", STEPS) | more], [compute()], deal, horizon=horizon)


@pytest.mark.parametrize(
    ("term", "cost"),
    [
        (LOCK | {"method": "fixed"}, 10 * 2160 * D("3.5")),
        (LOCK | {"method": "lower-of"}, 10 * ((744 + 336) * 3 + (336 + 744) * D("3.5"))),
        # from 10 February on: nine days at 3, and of five at 3 and of the rest at 4 a tenth less
        ({"kind": "discount", "off": "10%", "from": "2026-02-10"}, 75_600 - 120 * 3 - (336 + 744) * 4),
        # of 1 January to 14 February 30,000 USD are used at 3: the other 30 k are owed
        (FLOOR | {"until": "2026-02-11"}, 75_600 + 60_000 - 10 * (744 + 240) * 3),
        (FLOOR | {"from": "2026-02-11", "amount": "50 k USD"}, 75_600 + 50_000 - 10 * (96 * 3 + (336 + 744) * 4)),
        ({"kind": "credit", "rate": "50%", "from": "2026-02-11"}, 75_600 - 5 * (96 * 3 + (336 + 744) * 4)),
    ],
)
def test_each_part_of_a_period_has_its_own_price(term: Data, cost: D) -> None:
    found = case(term)
    assert (solved(found).cost, notes(found)) == (cost, ())
    assert Oracle(found).solve() == pytest.approx(float(cost))
    assert solved(case(term, every="day")).cost == cost


def test_a_price_is_kept_once_however_many_hours_it_holds() -> None:
    """3 USD for the 1,080 hours before 15 February, and 4 for the other 1,080; before the first day there is none."""
    horizon = {"start": "2025-12-31", "end": "2026-04-01", "every": "hour"}
    prices = formulate(build([gpus("north", STEPS)], [compute()], horizon=horizon)).prices.of_units["north-gpus"]
    assert list(prices.distinct) == [None, 3, 4]
    assert prices.which.tolist() == [0] * 24 + [1] * 1080 + [2] * 1080


def test_idle_units_have_it_too() -> None:
    """One machine of eight for 5 GPUs, of which North takes a tenth off from 10 February on: idle or not."""
    term: Data = {"id": "c", "kind": "discount", "off": "10%", "from": "2026-02-10"}
    offer = gpus("north", STEPS, unit=8)
    found = build([offer], [compute(demand="5 GPU")], agreement(term), months=3, idle="allowed")
    listed = 8 * (744 * 3 + 336 * 3 + 336 * 4 + 744 * 4)
    assert solved(found).cost == listed - D("0.8") * (120 * 3 + (336 + 744) * 4)


def test_tokens_of_two_prices_of_which_one_changes() -> None:
    """Half of each: 1 and 3 until 14 February, 2 and 3 from then on: 2 and 2.5 USD a Mtok, 500 Mtok in each half."""
    steps = {"2026-01": {"input": 1, "output": 3}, "2026-02-15": {"input": 2, "output": 3}}
    price = {on: {key: f"{of} USD per Mtok" for key, of in each.items()} for on, each in steps.items()}
    term: Data = {"id": "c", "kind": "discount", "off": "20%", "until": "2026-02-15"}
    chat = work(mix={"output": "50%"})
    found = build([tokens("north", 1) | {"price": price}], [chat], agreement(term), months=3)
    assert solved(found).cost == D("1.6") * 1500 + D("2.5") * 1500


def test_what_it_is_reserved_at_stays() -> None:
    """Three months from January on, at 3: a list that changes meanwhile is no price of theirs."""
    found = case(FLOOR | {"until": "2026-02-11"}, buy="reserved", term="3 months")
    assert solved(found).cost == 10 * 2160 * 3 + 60_000 - 10 * (744 + 240) * 3
