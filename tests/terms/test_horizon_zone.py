"""Horizons whose days begin in a time zone: they cut no window of agreements there; by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, settled_of, solved, work
from tests.builders import tokens as sold
from tests.replayed import replayed

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD"}
OCTOBER = {"start": "2026-10-20", "end": "2026-11-01", "every": "day", "zone": "Europe/Berlin"}


def year(zone: str, **more: str) -> Data:
    return {"start": "2026-01", "end": "2027-01", "every": "month", "zone": zone} | more


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Tokyo"])
def test_a_year_of_a_zone_is_whole_in_a_horizon_of_that_zone(zone: str) -> None:
    """8,760 GPU-hours at 1 USD, of 9,000; in each month as many as its hours there."""
    deal = agreement(FLOOR, FLOOR | {"id": "monthly", "amount": "800 USD", "windows": {"every": "month"}},
                     ends="2027-01-01", zone=zone)  # fmt: skip
    found = solved(build([gpus("north", 1)], [compute(demand="1 GPU")], deal, horizon=year(zone)))
    drawn = {(s.term, s.start.month): s.drawn for s in found.standings}
    assert (drawn["floor", 1], len(found.standings)) == (8760, 13)
    summer = {} if zone == "Asia/Tokyo" else {3: 743, 10: 745} if zone.startswith("Europe") else {3: 743, 11: 721}
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    assert [drawn["monthly", n] for n in range(1, 13)] == [summer.get(n, 24 * d) for n, d in enumerate(days, start=1)]
    assert found.cost == 8760 + 240 + sum(800 - drawn["monthly", n] for n in range(1, 13))


def test_the_mistake_that_a_window_is_cut_names_the_zone() -> None:
    deal = agreement(FLOOR, ends="2027-01-01", zone="America/New_York")
    for zone in ("UTC", "Europe/Berlin"):
        (only,) = mistakes(data_of([gpus("north", 1)], [compute()], deal, horizon=year(zone)))
        assert "; say `zone: America/New_York` in the `horizon`, say `cut: prorate`" in only
    (utc,) = mistakes(
        data_of([gpus("north", 1)], [compute()], agreement(FLOOR, ends="2027-01-01"), horizon=year("Asia/Tokyo"))
    )
    assert "say `zone: UTC` in the `horizon`" in utc


def test_deadlines_and_reservations_begin_with_its_days() -> None:
    """25 October has 25 hours in Berlin: a job of that day runs for as long, and so does a reservation."""
    job: Data = {"id": "job", "kind": "training", "work": "100 GPU-hour", "runs-on": {"accelerators": {"H100": 1}}}
    job |= {"from": "2026-10-25", "deadline": "2026-10-26"}
    found = solved(build([gpus("north", 1, capacity="4 GPU")], [job], horizon=OCTOBER))
    assert {found.periods[row.period].hours for row in found.allocations} == {Fraction(25)}
    held = gpus("north", "0.5", buy="reserved", term="1 day", starts=["2026-10-25"], unit=1)
    spread = solved(build([held, gpus("north", 1) | {"id": "hourly"}], [compute(demand="1 GPU")], horizon=OCTOBER))
    assert spread.cost == 24 * 11 + D("12.5")


def test_a_month_of_demand_is_one_of_the_zone() -> None:
    case = build([sold("north", 1)], [work(demand="100 Mtok per month")], horizon=year("America/New_York"))
    served = [row.work for row in solved(case).allocations]
    assert served == [D(100)] * 12


@pytest.mark.parametrize("every", ["hour", "day"])
def test_a_saved_plan_is_the_same_and_replays_to_its_bill(every: str, tmp_path: Path) -> None:
    deal = agreement(FLOOR | {"amount": "30 USD", "windows": {"every": "day"}},
                     effective="2026-10-20", ends="2026-11-01", zone="Europe/Berlin")  # fmt: skip
    case = build([gpus("north", 1)], [compute(demand="1 GPU")], deal, horizon=OCTOBER | {"every": every})
    found = solved(case)
    assert found.cost == 24 * 11 + 25 + 6 * 11 + 5
    found.save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json").to_json() == found.to_json()
    metered = replayed(case, found)
    owed = sum((p.amount for p in settled_of(case.terms, metered).postings), D(0))
    assert owed + sum((line.use.listed for line in metered), D(0)) == found.cost


def test_typical_weeks_of_a_zone_stand_for_its_months() -> None:
    horizon = {"start": "2026-10", "end": "2026-12", "every": "hour", "typical": "week", "zone": "America/New_York"}
    found = solved(build([sold("north", 1)], [work(demand="168 Mtok per hour")], horizon=horizon))
    assert sorted({round(period.hours * 168) for period in found.periods}) == [721, 744]
    assert abs(found.cost - 168 * 1465) < D("0.001")


def test_a_zone_that_there_is_not_is_told() -> None:
    (wrong,) = mistakes(data_of([gpus("north", 1)], [compute()], horizon=year("Europe/Belrin")))
    assert wrong == "there is no time zone `Europe/Belrin`; did you mean `Europe/Berlin`?"
    assert Case.of(data_of([gpus("north", 1)], [compute()], horizon=year("UTC"))).periods[0].hours == 744
