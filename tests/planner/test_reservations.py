"""Reservations: what they cost, when they start and end, and whether they stand idle."""

from __future__ import annotations

import pytest

from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, solved, work
from tests.planner.reserved import FEBRUARY, JANUARY, PROVISIONED, reserved
from tests.planner.test_oracle import agree


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


DATED = {"price": {"2026-01-01": "2 USD per GPU-hour", "2026-01-15": "4 USD per GPU-hour"}}


@pytest.mark.parametrize(
    ("clause", "cost"),
    [
        ({"kind": "minimum-commitment", "amount": "3000 USD"}, "3000"),  # 2,832 of 3,000, whatever the day's price
        ({"kind": "spending-cap", "amount": "2900 USD"}, "2832"),
        ({"kind": "credit", "rate": "10%"}, "2548.80"),  # 283.20 back
        ({"kind": "volume-discount", "method": "all-units", "tiers": [{"from": "3000 USD", "off": "50%"}]}, "2832"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"cut": "prorate"}])
def test_what_was_paid_is_what_use_of_a_reservation_counts(clause: Data, cost: str, more: Data) -> None:
    """Reserved at 2 for 1,416 hours, of which most are on days at 4; prorated, others at 4 could serve beside it."""
    own = agreement({"id": "c", "of": {"data": "x"}} | clause, party="south")
    case = build(
        [reserved("2", "2 months") | DATED | more], [compute(demand="1 GPU", labels={"data": "x"})], own, months=2
    )
    found = solved(case)
    assert found.cost == D(cost)
    assert agree(case)


def test_what_stands_idle_of_a_dated_reservation_is_no_use() -> None:
    """A unit at 100 a month, of 744 and 672 Mtok, for 300 in each: of 200 paid, 40.32 + 44.64 are for use."""
    price = {"2026-01-01": "100 USD per unit-month", "2026-02-01": "300 USD per unit-month"}
    offer = PROVISIONED | {"price": price, "term": "2 months"}
    chat = work(demand="300 Mtok per month", labels={"data": "x"}, mix={"output": "50%", "cached": "0%"})
    floor = {"id": "c", "kind": "minimum-commitment", "amount": "190 USD", "of": {"data": "x"}}
    case = build([offer], [chat], agreement(floor, party="east"), months=2)
    used = D(300) / 744 * 100 + D(300) / 672 * 100
    assert abs(solved(case).cost - (200 + 190 - used)) < D("0.000001")
    assert agree(case)


def test_clauses_on_work_count_no_more_than_all_that_is_paid() -> None:
    """One GPU at 2 from January and one at 4 from February: 2,832 and 2,688, of which two floors ask for 6,000."""
    price = {"2026-01-01": "2 USD per GPU-hour", "2026-02-01": "4 USD per GPU-hour"}
    room = {"2026-01": "1 GPU", "2026-02": "2 GPU"}
    offer = reserved("2", "2 months", capacity=room, cut="prorate") | {"price": price}
    days = {"x": "2026-01", "y": "2026-02"}
    works = [compute(name, {"rate": {day: "1 GPU"}}, labels={"data": name}) for name, day in days.items()]
    floors = [
        {"id": f"of-{name}", "kind": "minimum-commitment", "amount": f"{amount} USD", "of": {"data": name}}
        for name, amount in (("x", 4_000), ("y", 2_000))
    ]
    case = build([offer], works, agreement(*floors, party="south"), months=2)
    assert solved(case).cost == D(6_000)
    assert agree(case)


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


@pytest.mark.parametrize(("scope", "told"), [({"data": "x"}, 1), ({"product": "gpu"}, 0)])
def test_a_clause_for_which_the_books_share_out_what_a_plan_assigns_is_told(scope: Data, told: int) -> None:
    """Two GPUs in February, one at 2 USD since January and one at 4: 672 hours of `x` count 2,688, or half of 4,032."""
    price = {"2026-01-01": "2 USD per GPU-hour", "2026-02-01": "4 USD per GPU-hour"}
    room = {"2026-01": "1 GPU", "2026-02": "2 GPU"}
    offer = reserved("2", "2 months", capacity=room, cut="prorate") | {"price": price}
    works = [
        compute("y", {"rate": {"2026-01": "1 GPU", "2026-02": "1 GPU"}}, labels={"data": "y"}),
        compute("x", {"rate": {"2026-02": "1 GPU"}}, labels={"data": "x"}),
    ]
    floor: Data = {"id": "f", "kind": "minimum-commitment", "amount": "2688 USD", "of": scope}
    found = solved(build([offer], works, agreement(floor, party="south"), months=2))
    assert [note.what.partition(", ")[0] for note in found.notes] == [
        "`f` asks what work on `south-reserved` cost"
    ] * told
