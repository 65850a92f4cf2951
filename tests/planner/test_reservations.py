"""Reservations: what they cost, when they start and end, and whether they stand idle."""

from __future__ import annotations

import pytest

from tests.builders import D, Data, build, compute, data_of, gpus, mistakes, solved
from tests.planner.reserved import FEBRUARY, JANUARY, reserved


def test_a_reservation_against_on_demand() -> None:
    rate = {"rate": {"2026-01": "4 GPU", "2026-03": "1 GPU"}}
    offers = [gpus("north", 3), reserved("2", "3 months")]
    found = solved(build(offers, [compute(demand=rate)], months=3))
    # January and February 1416 hours, March 744: a GPU reserved for 2160 hours at 2 is 4320; on demand for two months
    # it is 4248, for three 6480. So one is reserved, three are rented for two months: 4320 + 3 x 4248
    assert found.cost == D(4320 + 3 * 4248)
    held = next(p for p in found.purchases if p.reserved)
    assert (held.units, held.hours, held.start.month, held.end.month) == (1, 2160, 1, 4)


def test_a_reservation_is_paid_though_it_stands_idle() -> None:
    rate = {"rate": {"2026-01": "4 GPU", "2026-03": "1 GPU"}}
    offers = [gpus("north", 3), reserved("1.9", "3 months")]
    found = solved(build(offers, [compute(demand=rate)], months=3))
    # reserved for 2160 hours at 1.90: 4104 < 4248: all four are reserved; three stand idle in March
    assert found.cost == D(4 * 4104)
    idle = next(p for p in found.providers if p.provider == "south").idle
    assert idle == 3 * JANUARY * D("1.9")


@pytest.mark.parametrize(
    ("cut", "cost"),
    [
        # prorate: January to March is a reservation's time; from April two of its three months count: 1 x all hours
        ("prorate", (2160 + 720 + 744) * 1),
        # refuse: from April no term ends within the horizon, so it is on demand for 3
        ("refuse", 2160 * 1 + (720 + 744) * 3),
    ],
)
def test_a_term_that_runs_past_the_horizon(cut: str, cost: int) -> None:
    starts = ["2026-01-01", "2026-04-01"]
    offers = [gpus("north", 3), reserved("1", "3 months", cut=cut, starts=starts)]
    found = solved(build(offers, [compute(demand="1 GPU")], months=5))
    assert found.cost == D(cost)


def test_a_term_longer_than_the_horizon_can_never_be_bought() -> None:
    data = data_of([reserved("1", "1 year")], [compute()], months=3)
    assert any("it can never be bought" in m for m in mistakes(data)), mistakes(data)
    found = solved(build([reserved("1", "1 year", cut="prorate")], [compute(demand="1 GPU")], months=3))
    assert found.cost == D(2160)


def test_reservations_start_on_their_days() -> None:
    offers = [gpus("north", 3), reserved("1", "1 month", starts=["2026-02-01"])]
    found = solved(build(offers, [compute(demand="1 GPU")], months=3))
    assert found.cost == D(3 * JANUARY + 1 * FEBRUARY + 3 * JANUARY)


def test_a_reservation_keeps_the_price_of_its_first_day() -> None:
    price = {"2026-01": "1 USD per GPU-hour", "2026-02": "9 USD per GPU-hour"}
    offers = [reserved("1", "2 months", starts=["2026-01-01"]) | {"price": price}]
    found = solved(build(offers, [compute(demand="2 GPU")], months=2))
    assert found.cost == D(2 * (JANUARY + FEBRUARY))


@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_a_reservation_costs_what_it_does_on_the_day_it_starts_on_any_grid(every: str) -> None:
    price = {"2026-01-01": "2 USD per GPU-hour", "2026-01-15": "4 USD per GPU-hour"}
    offers = [reserved("2", "2 months", starts=["2026-01-01"]) | {"price": price}]
    horizon = {"start": "2026-01-01", "end": "2026-03-01", "every": every}
    found = solved(build(offers, [compute(demand="1 GPU")], months=2, horizon=horizon))
    # bought on 1 January: 2 an hour for 1416 hours, and not the mean of 2 and 4
    assert found.cost == D(2 * (JANUARY + FEBRUARY))
    assert [p.cost for p in found.purchases] == [found.cost]


@pytest.mark.parametrize("more", [{}, {"starts": ["2026-01-01", "2026-02-01"]}])
def test_a_reservation_is_paid_for_every_hour_of_a_typical_week(more: Data) -> None:
    evenings = {"rate": "10 GPU", "profile": {"hours": ["0%"] * 18 + ["100%"] * 6, "weekend": "0%"}}
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    offers = [gpus("north", 90), reserved("2", "1 month", **more)]
    found = solved(build(offers, [compute(demand=evenings)], months=2, horizon=horizon))
    # 10 GPUs on the mean are 56 in each of 30 hours of 168: held, and paid, in all of them
    assert {p.units for p in found.purchases} == {56}
    assert found.cost == D(2 * 56 * (JANUARY + FEBRUARY))


def test_overlapping_reservations_stay_within_capacity() -> None:
    offers = [reserved("1", "2 months", capacity="3 GPU"), gpus("north", 5)]
    found = solved(build(offers, [compute(demand="4 GPU")], months=4))
    # three reserved all the time, the fourth on demand: (3 x 1 + 5) x 2880 hours
    assert found.cost == D(8 * 2880)
    for period in found.periods:
        held = [p for p in found.purchases if p.reserved and p.start < period.end and p.end > period.start]
        assert sum(p.units for p in held) == 3
