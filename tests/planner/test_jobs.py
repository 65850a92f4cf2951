"""Jobs: a gang runs whole or not at all, on demand, on reserved capacity and in blocks, and a job keeps its dates."""

from __future__ import annotations

import pytest

from tests.builders import D, build, by_period, compute, data_of, day, gpus, mistakes, placed, solved, work
from tests.planner.reserved import FEBRUARY, JANUARY, job, reserved, units


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
