"""Whole units: nobody rents a part of one, workloads share them, and provisioned throughput has a least and a step."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.planner.solving import search
from tests.builders import D, agreement, build, compute, data_of, gpus, solved, tokens, work
from tests.planner.reserved import FEBRUARY, JANUARY, PROVISIONED, units

NEAR = D("0.00001")


def test_nobody_rents_a_part_of_an_instance() -> None:
    found = solved(build([gpus("north", 3)], [compute(demand="2.3 GPU")], months=1))
    # 3 GPUs for 2.3 GPUs' work: 3 x 3 x 744
    assert (units(found), found.cost) == ({"north-gpus": 3}, D(9 * JANUARY))
    assert found.bound == found.cost  # a proven bound for whole units, not for 2.3 of them
    idle = next(p for p in found.providers if p.provider == "north").idle
    assert idle == D("0.7") * 3 * JANUARY


def test_an_instance_of_eight_against_single_gpus() -> None:
    offers = [gpus("north", 2, unit=8), gpus("south", 3)]
    # 5 GPUs: five singles at 3 are 15 an hour, an instance of 8 at 2 is 16
    assert solved(build(offers, [compute(demand="5 GPU")], months=1)).cost == D(15 * JANUARY)
    # 6 GPUs: 16 < 18
    assert solved(build(offers, [compute(demand="6 GPU")], months=1)).cost == D(16 * JANUARY)
    # 10 GPUs: one instance and two singles: 16 + 6
    found = solved(build(offers, [compute(demand="10 GPU")], months=1))
    assert (units(found), found.cost) == ({"north-gpus": 1, "south-gpus": 2}, D(22 * JANUARY))


def test_workloads_share_an_instance() -> None:
    each = [compute("a", "3 GPU"), compute("b", "4.5 GPU")]
    found = solved(build([gpus("north", 2, unit=8)], each, months=1))
    assert (units(found), found.cost) == ({"north-gpus": 1}, D(16 * JANUARY))


def test_units_are_held_for_a_period_and_may_change_with_it() -> None:
    rate = {"rate": {"2026-01": "2.5 GPU", "2026-02": "4 GPU"}}
    found = solved(build([gpus("north", 3)], [compute(demand=rate)], months=2))
    assert [(p.units, p.start.month, p.hours) for p in found.purchases] == [(3, 1, JANUARY), (4, 2, FEBRUARY)]
    assert found.cost == D(3 * 3 * JANUARY + 4 * 3 * FEBRUARY)


@pytest.mark.parametrize(("offers", "searched"), [(2, True), (3, True), (30, False)])
def test_some_thousands_of_whole_numbers_are_searched_and_more_are_not(offers: int, searched: bool) -> None:
    """A week of hours: 168 counts of machines an offer, 5,000 in all at most."""
    sold = [gpus("north", 3 + n, id=f"g{n}", unit=8) for n in range(offers)]
    week = {"horizon": {"start": "2026-01-05", "end": "2026-01-12", "every": "hour"}}
    case = Case.of(data_of(sold, [compute(demand="2.3 GPU")]) | week)
    found = solved(case)
    assert found.cost == D(8 * 3 * 168)  # either way one machine of the cheapest, as it must be
    assert (found.gap == 0) is searched  # and only where whole numbers are searched is that proven


def test_many_units_are_rounded_up_and_few_counts_of_many_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    case = build([gpus("north", 3)], [compute(demand="1000.5 GPU")], months=1)
    found = solved(case, gap=1e-4)
    assert (units(found), found.cost, found.status) == ({"north-gpus": 1001}, D(3 * 1001 * JANUARY), "optimal")
    assert found.rounding == 0
    monkeypatch.setattr(search, "MAX_SEARCHED", 0)
    found = solved(case, gap=1e-4)
    assert (units(found), found.cost, found.status) == ({"north-gpus": 1001}, D(3 * 1001 * JANUARY), "feasible")
    # 0.5 GPU of 1001 is what rounding added
    assert abs(found.rounding - D("1.5") * JANUARY) < D("0.01")


def test_many_units_under_a_cap_stay_whole() -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1499.5 k USD"}
    offers = [gpus("north", 1, unit=2), gpus("south", 3)]
    found = solved(build(offers, [compute(demand="3001 GPU", value="2.5 USD per GPU-hour")], agreement(cap), months=1))
    # an instance of 2 costs 1488: at most 1007 of them; the other 987 GPUs go unserved at 2.50
    assert (units(found), found.cost) == ({"north-gpus": 1007}, D(1007 * 2 * JANUARY) + D("2.5") * 987 * JANUARY)


@pytest.mark.parametrize(
    ("minimum", "increment", "hourly", "bought"),
    [
        # 744 Mtok in 744 hours are one an hour: times what one unit gives
        (1, 1, "2.5", 3),
        (5, 1, "2.5", 5),  # the minimum of a purchase
        (5, 5, "5.5", 10),  # then steps
        (2, 3, "2.5", 5),  # 2, 5, 8, …
        (4, 2, "4.5", 6),
        (1, 3, "1.0", 1),  # the minimum alone is enough, although a step is larger
        (2, 5, "1.5", 2),
    ],
)
def test_provisioned_minimum_and_increment(minimum: int, increment: int, hourly: str, bought: int) -> None:
    offer = PROVISIONED | {"minimum": minimum, "increment": increment}
    chat = work(demand=f"{D(hourly) * JANUARY} Mtok per month")
    found = solved(build([offer], [chat], months=1))
    assert (units(found), found.cost) == ({"ptu": bought}, D(bought * JANUARY))


def test_provisioned_minimum_where_it_is_not_always_on_offer() -> None:
    offer = PROVISIONED | {"minimum": 5, "increment": 1, "until": "2026-02-01"}
    found = solved(build([offer, tokens("south", 99)], [work(demand="744 Mtok per month")], months=2))
    # January: five units for the work of one; February: 744 Mtok at 99
    assert found.cost == D(5 * JANUARY + 99 * 744)


def test_provisioned_against_tokens() -> None:
    offer = PROVISIONED | {"minimum": 10, "increment": 5, "output-ratio": 4}
    # half of the tokens are output and weigh 4: a Mtok takes 2.5 units' hour; 10 units give 4 Mtok an hour
    for hourly, cost in ((1, 3), (3, 9), (4, 10), (5, 13), (6, 15)):
        # at 3 USD per Mtok: 1 and 3 cost less than ten units (10 USD); 4 fills them; 5: 10 + 3; 6: fifteen units
        chat = work(demand=f"{hourly * JANUARY} Mtok per month")
        assert solved(build([offer, tokens("north", 3)], [chat], months=1)).cost == D(cost * JANUARY), hourly
