"""Plans as a whole: whole units, reservations, gangs, prices and times, saving, stopping, and odd cases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import PlanError, UnsettledError
from detente.planner.solve import plan
from detente.planner.solving import search
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import (
    EXACT,
    D,
    Data,
    agreement,
    build,
    by_period,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    solved,
    tokens,
    two_clouds,
    work,
)
from tests.planner.oracle import Oracle

JANUARY, FEBRUARY = 744, 672  # hours
NEAR = D("0.00001")
ROOT = Path(__file__).parents[2]


def units(found: Plan) -> dict[str, int]:
    return {p.offer: p.units for p in found.purchases}


# -- whole units -----------------------------------------------------------------------------------------
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


PROVISIONED: Data = {
    "id": "ptu",
    "kind": "provisioned",
    "provider": "east",
    "region": "frankfurt",
    "model": "m",
    "price": "1 USD per unit-hour",
    "throughput": "1 Mtok per hour",
}


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


# -- reservations ----------------------------------------------------------------------------------------
def reserved(price: str, term: str, **more: Any) -> Data:
    return gpus("south", price, id="south-reserved", buy="reserved", term=term) | more


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


# -- gangs -----------------------------------------------------------------------------------------------
def job(**more: Any) -> Data:
    found: Data = {"id": "run", "kind": "training", "work": "4464 GPU-hour", "deadline": "2026-03"}
    return found | {"gang": "8 GPU", "runs-on": {"accelerators": {"H100": 1}}} | more


def test_a_gang_on_demand_is_paid_for_its_run() -> None:
    found = solved(build([gpus("north", 3, unit=4)], [job()], months=2))
    # 8 GPUs for 558 hours: 4464 GPU-hours x 3
    assert found.cost == D(4464 * 3)


def test_a_gang_runs_whole_or_not_at_all() -> None:
    # at most 12 GPUs: one gang of eight, for 744 hours at most in January: 5952 GPU-hours
    tight = [gpus("north", 3, unit=4, capacity="12 GPU")]
    found = solved(build(tight, [job(work="11000 GPU-hour", value="9 USD per GPU-hour")], months=2))
    assert placed(found) == {"north-gpus": D(11000)}
    assert max(by_period(found, "north-gpus")) <= 8 * JANUARY
    # one gang in all of both months does 8 x 1416 = 11,328; the rest is not done
    found = solved(build(tight, [job(work="11400 GPU-hour", value="9 USD per GPU-hour")], months=2))
    assert placed(found) == {"north-gpus": D(11328)}
    small = [gpus("north", 3, unit=4, capacity="4 GPU")]
    found = solved(build(small, [job(value="9 USD per GPU-hour")], months=2))
    assert (placed(found), found.cost) == ({}, D(4464 * 9))


def test_a_gang_on_reserved_capacity() -> None:
    offers = [gpus("north", 9, unit=4), reserved("1", "1 month", unit=4)]
    found = solved(build(offers, [job()], months=2))
    # the cheapest whole gang reserved for a month: 8 GPUs in February (672 hours), 4464 <= 5376
    assert (units(found), found.cost) == ({"south-reserved": 2}, D(8 * FEBRUARY))


def test_a_capacity_block_starts_on_any_stated_day() -> None:
    """16 GPUs for 14 days from 3 February at 3 USD, as two machines of 8: 16 x 336 hours, of which 5000 are used."""
    block = reserved("3", "14 days", unit=8, starts=["2026-02-03"])
    job = {"id": "job", "kind": "training", "work": "5000 GPU-hour", "from": "2026-02-03", "deadline": "2026-02-17"}
    days = {"start": "2026-02-01", "end": "2026-03-01", "every": "day"}
    found = solved(build([block], [job | {"runs-on": {"accelerators": {"H100": 1}}}], horizon=days))
    assert found.cost == D(16 * 336 * 3)
    assert [(p.start, p.end, p.units) for p in found.purchases] == [(day("2026-02-03"), day("2026-02-17"), 2)]


@pytest.mark.parametrize("every", ["month", "day"])
def test_a_month_costs_one_instalment_on_any_grid(every: str) -> None:
    """25 units at 260 USD in each of three months of 31, 28 and 31 days."""
    units = {"throughput": "1 ktok per minute", "minimum": 25, "increment": 25, "term": "1 month"}
    ptu = {"id": "ptu", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m"} | units
    months = {"start": "2026-01-01", "end": "2026-04-01", "every": every}
    chat = work(demand="25 ktok per minute", mix={"output": "0%"})
    found = solved(build([ptu | {"price": "260 USD per unit-month"}], [chat], horizon=months))
    assert found.cost.quantize(D("0.000001")) == D(3 * 25 * 260)  # each day's part is rounded to a billionth


def ptu(name: str, model: str, **more: Any) -> Data:
    """Units of 1 ktok a minute in steps of 25, reserved for a month at 0.40 USD an hour."""
    units = {"throughput": "1 ktok per minute", "minimum": 25, "increment": 25, "term": "1 month"}
    sold = {"id": name, "kind": "provisioned", "provider": "north", "region": "dublin", "model": model}
    return sold | units | {"price": "0.40 USD per unit-hour"} | more


def by_turns(*models: list[str]) -> list[Data]:
    """100 ktok a minute by day of the one, and by night of the other."""
    halves = [["200%"] * 12 + ["0%"] * 12, ["0%"] * 12 + ["200%"] * 12]
    return [
        work(f"w{at}", {"rate": "50 ktok per minute", "profile": {"weekend": "100%", "hours": hours}})
        | {"mix": {"output": "0%"}, "runs-on": {"models": names}}
        for at, (hours, names) in enumerate(zip(halves, models, strict=True))
    ]


HOURS = {"start": "2026-02-01", "end": "2026-02-03", "every": "hour"}


def test_one_reservation_serves_two_models_by_turns() -> None:
    """100 units at 0.40 USD in each of 48 hours; and twice as many, where each is bound to its model."""
    one = build([ptu("any", "any", cut="prorate")], by_turns(["a", "any"], ["b", "any"]), horizon=HOURS)
    assert solved(one).cost.quantize(D("0.01")) == D(100 * 48) * D("0.4")
    bound: Data = {"cut": "prorate", "bound-to": "model"}
    two = build([ptu("ptu-a", "a", **bound), ptu("ptu-b", "b", **bound)], by_turns(["a"], ["b"]), horizon=HOURS)
    assert solved(two).cost.quantize(D("0.01")) == D(200 * 48) * D("0.4")


@pytest.mark.parametrize(
    ("gives", "output", "units"),
    [
        ({"throughput": "1 ktok per minute"}, "0%", 100),  # 100 ktok a minute of either
        ({"throughput": "2 ktok per minute"}, "0%", 100),  # of the other, 50 units by night
        ({"throughput": "500 tok per minute"}, "0%", 200),
        ({"throughput": "0.5 tok per second"}, "0%", 3350),  # 30 a minute: 3,333.3, in steps of 25
        # a token of output weighs 3: 100 ktok, half of them output, are 200 of input, and half as much to a unit
        ({"throughput": "2 ktok per minute", "output-ratio": 3}, "50%", 100),
        ({"throughput": "1 ktok per minute", "output-ratio": 3}, "50%", 200),
    ],
)
def test_one_reservation_serves_models_that_it_covers(gives: Data, output: str, units: int) -> None:
    one = ptu("ptu-a", "a", covers={"b": gives}, cut="prorate")
    works = [w | {"mix": {"output": output}} for w in by_turns(["a"], ["b"])]
    case = build([one], works, horizon=HOURS)
    found = solved(case)
    assert found.cost.quantize(D("0.01")) == D(units * 48) * D("0.4")


def test_units_that_cover_models_are_planned_as_the_oracle_says() -> None:
    """100 Mtok a month of `b` and of `m`, half of each output, and a dearer endpoint for what no unit holds."""
    gives = {"throughput": "20 ktok per minute", "output-ratio": 3}
    units = {
        "throughput": "3 ktok per minute",
        "output-ratio": 4,
        "price": "0.50 USD per unit-hour",
        "covers": {"b": gives},
    }
    one = {"id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m"} | units
    works = [
        work(name, "100 Mtok per month") | {"runs-on": {"models": models}}
        for name, models in (("one", ["b"]), ("other", ["m"]))
    ]
    case = build([one, tokens("south", 9), tokens("east", 9, id="b-api", model="b")], works, months=2)
    found = solved(case)
    assert set(placed(found)) >= {"units"}
    assert Oracle(case).solve() == pytest.approx(float(found.cost), abs=0.01)


def test_what_covers_a_model_says_so_once() -> None:
    twice = ptu("ptu-a", "a", covers={"a": {"throughput": "1 ktok per minute"}})
    assert "covers `a`, and is of that model" in mistakes(data_of([twice], by_turns(["a"], ["a"])))[0]
    bound = ptu("ptu-a", "a", covers={"b": {"throughput": "1 ktok per minute"}}, **{"bound-to": "model"})
    assert "is bound to `a`" in mistakes(data_of([bound], by_turns(["a"], ["b"])))[0]


def test_whether_one_reservation_serves_two_models_is_said() -> None:
    (only,) = mistakes(data_of([ptu("ptu-a", "a"), ptu("ptu-b", "b")], by_turns(["a"], ["b"])))
    assert only.startswith(
        "`ptu-a` and `ptu-b` are reserved in one region for `a` and `b`, and whether one serves both"
    )
    assert "`bound-to: model`" in only
    assert "write one offer that `covers: { b: { throughput: 0.001 Mtok per minute } }`" in only


def test_a_gang_before_any_reservation_starts() -> None:
    offers = [gpus("north", 9, unit=4), reserved("1", "1 month", unit=4, starts=["2026-02-01"])]
    chat = compute("first", "1 GPU")  # has the first column of the program, which once took the gang's place
    found = solved(build(offers, [chat, job(work="5376 GPU-hour")], months=2))
    assert by_period(found, "south-reserved")[0] == 0
    # run fills two reserved units in February; first pays 4 GPUs at 9 in January, and in February too
    assert found.cost == D(8 * FEBRUARY) + D(36 * JANUARY) + D(min(36, 4 * 1) * FEBRUARY)


def test_a_gang_that_does_not_fit_the_unit_is_refused() -> None:
    found = mistakes(data_of([gpus("north", 3, unit=3)], [job()], months=2))
    assert any("no offer can serve `run`" in m for m in found), found


def test_a_job_keeps_its_dates() -> None:
    dated = {"2026-01": "1 USD per GPU-hour", "2026-02": "2 USD per GPU-hour", "2026-04": "1 USD per GPU-hour"}
    offer = gpus("north", 1) | {"price": dated}
    early = job(gang="8 GPU", work="5000 GPU-hour", deadline="2026-04") | {"from": "2026-02-01"}
    found = solved(build([offer], [early], months=5))
    assert [a.period for a in found.allocations if a.work] in ([1], [2], [1, 2])
    assert found.cost == D(10000)


# -- prices and times ------------------------------------------------------------------------------------
def test_a_price_that_changes_within_a_period() -> None:
    offer = tokens("north", {"2026-01-01": 2, "2026-01-21": 5})
    found = solved(build([offer], [work(demand="310 Mtok per month")], months=1))
    # 20 days at 2, 11 at 5: (40 + 55) / 31 x 310
    assert found.cost == D(950)


def test_demand_that_changes_within_a_period() -> None:
    rate = {"rate": {"2026-01-01": "1 Mtok per day", "2026-01-11": "2 Mtok per day"}}
    # 10 days of 1 and 21 of 2
    assert solved(build([tokens("north", 1)], [work(demand=rate)], months=1)).cost == D(52)


def test_an_offer_that_opens_in_the_middle_of_a_month() -> None:
    late = tokens("south", 1) | {"from": "2026-01-10"}
    found = solved(build([tokens("north", 3), late], [work()], months=2))
    # open for all of February only
    assert by_period(found, "south-api") == [D(0), D(1000)]
    assert found.cost == D(4000)
    sentence = next(d.sentence for d in found.decisions if d.offer == "north-api")
    assert "`chat`" in sentence


def test_a_price_that_is_missing_is_never_zero() -> None:
    dated = tokens("south", {"2026-02-01": 1})
    found = solved(build([tokens("north", 3), dated], [work()], months=2))
    assert by_period(found, "south-api") == [D(0), D(1000)]


def test_growth() -> None:
    rate = {"rate": "100 Mtok per month", "growth": "10% per month"}
    # 100 + 110 + 121
    assert solved(build([tokens("north", 1)], [work(demand=rate)], months=3)).cost == D(331)


def test_a_typical_week_stands_for_its_month() -> None:
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    profile = {"hours": ["0%"] * 12 + ["200%"] * 12, "weekend": "100%"}
    chat = work(demand={"rate": "744 Mtok per month", "profile": profile})
    # half of the day there is nothing; South takes 1.5 Mtok in each of the other hours, 372 in January, 336 in
    # February: 558 and 504 Mtok of 744, and North the rest
    offers = [tokens("north", 3), tokens("south", 2, capacity="1.5 Mtok per hour")]
    found = solved(build(offers, [chat], months=2, horizon=horizon), gap=1e-4)
    assert len(found.periods) == 336
    assert abs(found.cost - (558 * 2 + 186 * 3 + 504 * 2 + 240 * 3)) < D("0.001")
    assert {(p.span_start.month, p.span_end.month) for p in found.periods} == {(1, 2), (2, 3)}


def test_batch_work_waits_for_the_cheap_day() -> None:
    horizon = {"start": "2026-01-01", "end": "2026-01-05", "every": "day"}
    night = work("night", "10 Mtok per day", kind="batch", within="2 days")
    offer = tokens("north", {"2026-01-01": 5, "2026-01-02": 1, "2026-01-03": 2, "2026-01-04": 7})
    found = solved(build([offer], [night], months=1, horizon=horizon))
    # the 1st and 2nd run on the 2nd (1), the 3rd and 4th on the 3rd (2): 20 x 1 + 20 x 2
    assert (found.cost, by_period(found, "north-api")) == (D(60), [D(0), D(20), D(20), D(0)])


# -- scale -----------------------------------------------------------------------------------------------
def test_billions() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "300 bn USD"}
    offers = [gpus("north", 3, capacity="40 M GPU"), gpus("south", 2, capacity="40 M GPU")]
    case = build(offers, [compute(demand="20 M GPU")], agreement(floor), months=12)
    found = solved(case, gap=1e-4)
    # 20 M GPUs x 8760 hours = 175.2 bn GPU-hours; 100 bn of them at North for 3, the rest at South for 2
    assert abs(found.cost - D("450.4e9")) < D("1e6")
    assert abs(found.commitments[0].drawn - D(300_000_000_000)) < D("1e6")


def test_fractions_of_a_cent() -> None:
    offers = [tokens("north", "0.0003"), tokens("south", "0.0002")]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "0.003 USD", "shortfall": "forbidden"}
    found = solved(build(offers, [work(demand="20 Mtok per month")], agreement(floor), months=1))
    # 10 Mtok at North for 0.003, 10 at South for 0.002
    assert (found.cost, placed(found)) == (D("0.005"), {"north-api": D(10), "south-api": D(10)})


def test_billions_beside_cents() -> None:
    """A workload of a cent must not vanish beside one of a billion."""
    large = work("large", "1 bn Mtok per month")
    offers = [tokens("north", 3), tokens("south", 2)]
    for small in ("0.1", "0.001", "0.000001"):  # down to a single token
        found = solved(build(offers, [work("small", f"{small} Mtok per month"), large], months=1))
        assert placed(found, "small") == {"south-api": D(small)}
        assert found.cost == D("2000000000") + 2 * D(small)


# -- odd cases -------------------------------------------------------------------------------------------
def test_no_demand() -> None:
    found = solved(
        build([tokens("north", 3), gpus("north", 3)], [work(demand="0 Mtok per month"), compute(demand="0 GPU")])
    )
    assert (found.cost, found.bound, found.gap, found.status) == (D(0), D(0), D(0), "optimal")
    assert (found.allocations, found.purchases, found.unserved) == ((), (), ())


def test_no_capacity() -> None:
    none = tokens("north", 3, capacity="0 Mtok per hour")
    found = solved(build([none], [work(value="9 USD per Mtok")], months=1))
    assert (found.cost, found.unserved_cost, found.bill) == (D(9000), D(9000), D(0))
    conflict = plan(build([none], [work()], months=1))
    assert isinstance(conflict, Conflict)
    assert conflict.clauses == ()
    assert set(conflict.facts) == {
        "`chat` must be served: it has no `value`, so it cannot go unserved",
        "`north-api` has no more capacity (0 Mtok per hour)",
    }


def test_work_that_is_not_worth_its_price() -> None:
    found = solved(build([tokens("north", 3)], [work(value="2 USD per Mtok")], months=1))
    assert (found.cost, [u.work for u in found.unserved]) == (D(2000), [D(1000)])


def test_a_free_offer() -> None:
    found = solved(build([tokens("north", 0), tokens("south", 2)], [work()], months=1))
    assert (found.cost, found.gap, placed(found)) == (D(0), D(0), {"north-api": D(1000)})


def test_data_that_moves() -> None:
    chat = work(data={"at": "north/dublin", "moves": "2 GB per Mtok"})
    networks = [
        {"from": "*", "to": "*", "price": "0.80 USD per GB"},
        {"from": "north", "to": "south", "price": "0.20 USD per GB"},
    ]
    found = solved(build([tokens("north", 3), tokens("south", 2)], [chat], months=1, networks=networks))
    # South 2 + 2 x 0.20 = 2.40
    assert (found.cost, placed(found)) == (D(2400), {"south-api": D(1000)})
    spend = {p.provider: p.spend for p in found.providers}
    assert (spend["north"], spend["south"]) == (D(400), D(2000))  # the place that data leaves is paid for moving it


def test_rows_add_up() -> None:
    case = two_clouds({"id": "part", "kind": "share", "at-least": "25%"})
    found = solved(case)
    assert sum(a.cost for a in found.allocations) == found.bill
    assert found.cost == found.bill + found.unserved_cost
    assert [(w.demand, w.served) for w in found.workloads] == [(D(6000), D(6000))]
    assert {p.provider: (p.spend, p.work) for p in found.providers if p.spend} == {
        "north": (D(4500), {"Mtok": D(1500)}),
        "south": (D(9000), {"Mtok": D(4500)}),
    }
    assert sum(p.share_of_spend for p in found.providers) == 1
    (clause,) = found.clauses
    assert clause.binds
    # each further Mtok owed to North costs 1 USD more
    assert {m.price for m in clause.marginal} == {D(1)}


# -- the same plan, always -------------------------------------------------------------------------------
SCRIPT = """
import json, sys
from detente.case.case import Case
from detente.planner.solve import plan
sys.stdout.write(plan(Case.of(json.loads(sys.stdin.read()))).to_json())
"""


def mixed() -> Data:
    """Ties, whole units, standby and clauses."""
    offers = [
        tokens("north", 2), tokens("south", 2), gpus("north", 2, unit=4), gpus("south", 2, unit=4),
        PROVISIONED | {"minimum": 2, "increment": 3},
        gpus("east", "1.5", id="east-reserved", buy="reserved", term="1 month"),
    ]  # fmt: skip
    each = [
        work("chat", survives="50%"),
        compute("agents", "7.5 GPU"),
        work("night", kind="batch", within="1 month"),
        job(),
    ]
    deal = agreement(
        {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD"},
        {"id": "part", "kind": "share", "at-least": "20%", "measure": "spend"},
    )
    return data_of(offers, each, deal, months=3)


def test_two_processes_write_the_same_plan() -> None:
    written = []
    for seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(mixed()),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        written.append(run.stdout)
    assert written[0] == written[1] == written[2]


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    from pyarrow import parquet

    found = solved(Case.of(mixed()), gap=1e-4)
    files = found.save(tmp_path / "out")
    assert [f.name for f in files] == ["plan.json", "allocations.parquet"]
    for path in (tmp_path / "out", tmp_path / "out" / "plan.json", str(tmp_path / "out")):
        assert Plan.load(path, Case.of(mixed()).hash) == found
    rows = parquet.read_table(files[1]).to_pylist()
    assert len(rows) == len(found.allocations) > 0
    for row, allocation in zip(rows, found.allocations, strict=True):
        assert row == {name: getattr(allocation, name) for name in row}
        assert isinstance(row["cost"], Decimal)


def test_a_plan_of_another_case_is_refused(tmp_path: Path) -> None:
    found = solved(two_clouds())
    found.save(tmp_path)
    other = build([tokens("north", 3), tokens("south", "2.01")], [work()])
    with pytest.raises(PlanError, match="made of another case"):
        Plan.load(tmp_path, other.hash)
    assert Plan.load(tmp_path, two_clouds().hash) == found


def test_the_hash_knows_reading_and_clauses() -> None:
    term = {"id": "only", "kind": "exclusivity", "readings": {"a": {"of": {"kind": "inference"}}, "b": {}}}
    case = two_clouds(term)
    hashes = [
        case.under(reading="a").hash,
        case.under(reading="b").hash,
        case.under(reading="a", without=["only"]).hash,
    ]
    assert len(set(hashes)) == 3
    assert two_clouds(term).under(reading="a").hash == hashes[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"cost":"12000', '"cost":"twelve'),
        lambda text: text.replace('"status":"optimal"', '"status":"perfect"'),
        lambda text: text.replace("detente-plan/7", "detente-plan/6"),
        lambda text: text.replace("detente-plan/7", "detente-plan/99"),
        lambda text: "\x00" + text,
    ],
)
def test_a_damaged_plan_says_so(tmp_path: Path, damage: Any) -> None:
    found = solved(two_clouds())
    found.save(tmp_path)
    file = tmp_path / "plan.json"
    text = file.read_text(encoding="utf-8")
    assert damage(text) != text
    file.write_text(damage(text), encoding="utf-8")
    with pytest.raises(PlanError) as error:
        Plan.load(tmp_path)
    assert "plan.json" in str(error.value)


def test_a_folder_may_be_named_by_its_text(tmp_path: Path) -> None:
    found = solved(two_clouds())
    assert found.save(str(tmp_path / "out")) == found.save(tmp_path / "out")
    assert Plan.load(str(tmp_path / "out")) == found


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        ("cost", "bill, unserved_cost and moving_cost"),
        ("bill", "the spend of `providers` and the `postings` other than discounts"),
        ("unserved_cost", "the costs of `unserved`"),
    ],
)
def test_a_total_that_was_edited_is_refused(tmp_path: Path, total: str, parts: str) -> None:
    found = solved(build([tokens("north", 3)], [work(value="2 USD per Mtok")], months=1))
    assert (found.bill, found.unserved_cost) == (0, 2000)  # to serve costs more than it is worth
    found.save(tmp_path)
    saved = json.loads((tmp_path / "plan.json").read_text())
    held, saved[total] = saved[total], "17"
    if total != "cost":  # the cost follows, so that this one alone is wrong
        saved["cost"] = "17" if total == "unserved_cost" else "2017"
    (tmp_path / "plan.json").write_text(json.dumps(saved))
    with pytest.raises(PlanError) as error:
        Plan.load(tmp_path)
    assert f"plan.json: its {total} is 17, and {parts} come to {held}: it was changed" in str(error.value)


def test_bytes_that_are_no_text_and_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError):
        Plan.load(tmp_path)
    with pytest.raises(PlanError, match="does not exist"):
        Plan.load(tmp_path / "nothing")


# -- stopping --------------------------------------------------------------------------------------------
def hard(offers: int = 6, months: int = 12) -> Data:
    """Whole units that take a while to choose: many sizes, many months, amounts of spend to hit."""
    sizes = (8, 5, 7, 3, 11, 13, 6, 9)
    sold = [
        gpus("north" if i % 2 else "south", f"{2 + i / 10}", id=f"o{i}", unit=sizes[i], capacity=f"{sizes[i] * 9} GPU")
        for i in range(offers)
    ]
    each = [
        compute(f"w{i}", {"rate": f"{17.3 + i} GPU", "growth": f"{3 + i}% per month"}, value="60 USD per GPU-hour")
        for i in range(3)
    ]
    deals = [
        agreement(
            {"id": f"{p}-part", "kind": "share", "at-least": "37%", "at-most": "59%", "measure": "spend"},
            party=p,
        )
        for p in ("north", "south")
    ]
    return data_of(sold, each, *deals, months=months)


@pytest.mark.parametrize("limit", [1e-6, 0.01, 0.3, 1.0])
def test_a_time_limit_never_leaves_a_plan_unmarked(limit: float) -> None:
    case = Case.of(hard())
    try:
        found = plan(case, gap=1e-9, time_limit=limit)
    except UnsettledError:
        return
    assert isinstance(found, Plan)
    assert found.bound <= found.cost
    if found.status == "optimal":
        assert found.gap <= D("1e-9")
    else:
        assert found.status in ("time-limit", "feasible")
        assert found.gap > D("1e-9")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program counts as one that takes its time."""
    monkeypatch.setattr(search, "LARGE", 0)


def test_a_program_that_is_not_large_is_solved_though_no_time_is_left() -> None:
    """It takes less than what a plan without it would cost."""
    part = agreement({"id": "part", "kind": "share", "at-least": "25%"}, party="north")
    found = plan(build([tokens("north", 3), tokens("south", 2)], [work()], part, months=1), time_limit=1e-9)
    assert isinstance(found, Plan)
    assert (found.status, found.cost) == ("optimal", D(3 * 250 + 2 * 750))


@pytest.mark.parametrize("more", [{}, {"value": "9 USD per Mtok"}])
def test_where_no_time_is_left_the_cheapest_offers_serve(large: None, more: Data) -> None:
    offers = [tokens("north", 3), tokens("south", 2, capacity="400 Mtok per month")]
    found = plan(build(offers, [work(**more)], months=1), time_limit=1e-9)
    assert isinstance(found, Plan)
    assert (found.status, found.bound < found.cost) == ("time-limit", True)
    # 400 a month of 730 hours are 400 x 744 / 730 in January; what fits in South is there, but for a billionth
    assert abs(found.cost - (D(3000) - D(400) * JANUARY / 730)) < D("0.001")


def test_where_no_time_is_left_and_no_plan_at_hand_none_is_claimed(large: None) -> None:
    part = agreement({"id": "part", "kind": "share", "at-least": "25%"}, party="north")
    offers = [tokens("north", 3), tokens("south", 2)]
    found = plan(build(offers, [work(value="9 USD per Mtok")], part, months=1), time_limit=1e-9)
    assert isinstance(found, Plan)
    # the cheapest offers do not keep the share; no use keeps every clause
    assert (found.status, found.cost, placed(found)) == ("time-limit", D(9000), {})
    with pytest.raises(UnsettledError, match="give it more time"):
        plan(build(offers, [work()], part, months=1), time_limit=1e-9)


def test_a_gap_that_is_reached_is_optimal_and_one_that_is_not_is_not() -> None:
    case = build([gpus("north", 3)], [compute(demand="1000.5 GPU")], months=1)
    loose, tight = solved(case, gap=0.01), solved(case, gap=EXACT)
    assert loose.status == "optimal"
    assert loose.gap <= D("0.01")
    assert tight.status == ("optimal" if tight.gap <= D("1e-9") else "feasible")


def test_what_a_stop_would_leave_is_said_before_the_search() -> None:
    told: list[str] = []
    offers = [gpus("north", 2, unit=8), gpus("south", 3)]
    plan(build(offers, [compute(demand="10 GPU")], months=1), gap=EXACT, progress=told.append)
    # rounded up: two instances of 8 at 2 are 32 an hour, where no plan costs less than 20
    (said,) = [text for text in told if text.startswith("choosing")]
    assert said == "choosing 2 whole numbers; a plan within 37.500% of the bound is at hand"


def test_units_of_a_job_that_may_wait_are_counted_over_all_its_time() -> None:
    """42,604 GPU-hours in machines of 8 by the day: 221.9 of their days, so 222, and none is lost to rounding."""
    offers = [gpus("north", 2, unit=8)]
    waits = {"id": "t", "kind": "training", "work": "40 k GPU-hour", "deadline": "2026-02"}
    job = waits | {"runs-on": {"accelerators": {"H100": 1}}}
    days = {"horizon": {"start": "2026-01", "end": "2026-02", "every": "day"}}
    found = solved(Case.of(data_of(offers, [compute(demand="3.5 GPU"), job]) | days))
    assert (found.cost, found.gap) == (D(222 * 8 * 24 * 2), D(0))
