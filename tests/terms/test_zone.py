"""Clauses whose days begin in a time zone: planned, billed and listed; by hand.

In New York clocks are put forward on 8 March 2026: that day has 23 hours, and March 743.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from detente.report.plans.explanation import explain
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, charged, compute, data_of, gpus, mistakes, solved

NEW_YORK = {"zone": "America/New_York"}
SPRING = {"start": "2026-02-28", "end": "2026-05-02", "every": "day"}
HOURS = 63 * 24


def spring(term: Data, start: str = "2026-03-01", end: str = "2026-05-01", **more: Any) -> Case:
    """One GPU at 1 USD from 28 February to 1 May, UTC."""
    deal = agreement({"id": "t"} | term, effective=start, ends=end, **{**NEW_YORK, **more})
    return build([gpus("north", 1)], [compute(demand="1 GPU")], deal, horizon=SPRING, idle="forbidden")


FLOOR = {"kind": "minimum-commitment", "amount": "800 USD", "windows": {"every": "month"}}


@pytest.mark.parametrize(
    ("term", "dates", "cost"),
    [
        # March has 743 hours, April 720: 57 and 80 are missing
        (FLOOR, ("2026-03-01", "2026-05-01"), HOURS + 57 + 80),
        # 6, 7 and 6
        (FLOOR | {"amount": "30 USD", "windows": {"every": "day"}}, ("2026-03-07", "2026-03-10"), HOURS + 6 + 7 + 6),
        # 0.30 is saved in each of 71 hours
        (
            {
                "kind": "savings-plan",
                "commitment": "0.70 USD per hour",
                "rates": {"north-gpus": "0.70 USD per GPU-hour"},
            },
            ("2026-03-07", "2026-03-10"),
            HOURS - D("0.3") * 71,
        ),
        # of 2 GPUs one is taken, and on the day of 23 hours one was not there
        (
            {
                "kind": "take-or-pay",
                "offer": "north-gpus",
                "quantity": "2 GPU",
                "price": "0.50 USD per GPU-hour",
                "undelivered": [{"from": "2026-03-08", "until": "2026-03-09", "quantity": "1 GPU"}],
            },
            ("2026-03-07", "2026-03-10"),
            HOURS + D("0.5") * 48,
        ),
        # by 9 March 47 hours have passed
        (
            {
                "kind": "minimum-commitment",
                "amount": "71 USD",
                "milestones": [{"by": "2026-03-09", "reach": "57 USD", "fee": "50%"}],
            },
            ("2026-03-07", "2026-03-10"),
            HOURS + 5,
        ),
        # 10% of 743 hours, and of April's 720 no more than 50
        (
            {"kind": "credit", "rate": "10%", "amount": "73 USD", "windows": {"every": "month"}},
            ("2026-03-01", "2026-05-01"),
            HOURS - 73 - 72,
        ),
        # what is off begins at midnight in New York: 71 hours
        ({"kind": "discount", "off": "10%"}, ("2026-03-07", "2026-03-10"), HOURS - D("7.1")),
    ],
)
def test_it_is_planned_and_billed_on_its_clock(term: Data, dates: tuple[str, str], cost: D) -> None:
    assert solved(spring(term, *dates)).cost == cost


def test_a_month_of_a_zone_ahead_of_utc() -> None:
    """Japan knows no summer time: 744 and 720 hours."""
    found = solved(spring(FLOOR, zone="Asia/Tokyo"))
    assert [s.drawn for s in found.standings] == [744, 720]
    assert found.cost == HOURS + 56 + 80


def test_a_plan_of_months_counts_the_hours_by_which_its_windows_are_off() -> None:
    """744 hours in UTC's March, 743 in New York's: of both months it is use on average over each."""
    deal = agreement(FLOOR | {"id": "t"}, effective="2026-03-01", ends="2026-05-01", **NEW_YORK)
    found = solved(build([gpus("north", 1)], [compute(demand="1 GPU")], deal, idle="forbidden"))
    assert [s.drawn for s in found.standings] == [743, 720]


def test_an_amendment_in_the_zone_of_what_it_amends_takes_over_at_midnight_there() -> None:
    """800 each for half a March: 16 of 31 days is not by months, but 384 - 1 of 743 hours; April whole."""
    first = agreement(FLOOR | {"id": "t"}, effective="2026-03-01", ends="2026-05-01", **NEW_YORK)
    second: Data = {
        "id": "two",
        "with": "north",
        "effective": "2026-03-17",
        "amends": "north-deal",
        "ends": "2026-05-01",
    }
    second["terms"] = [FLOOR | {"id": "t", "takes-over": "pro-rata"}]
    case = build([gpus("north", 1)], [compute(demand="1 GPU")], first, second, horizon=SPRING, idle="forbidden")
    found = solved(case)
    early = D(800) * 383 / 743 - 383
    late = D(800) * 360 / 743 - 360
    assert float(found.cost) == pytest.approx(float(HOURS + early + late + 80))


def test_the_calendar_names_the_days_of_the_zone() -> None:
    lines = agenda(spring(FLOOR), date(2026, 1, 1), date(2027, 1, 1))
    assert [(str(line.on), line.role) for line in lines] == [
        ("2026-03-01", "start"), ("2026-03-31", "window"), ("2026-04-30", "end"), ("2026-04-30", "window"),
    ]  # fmt: skip
    assert "a window of `t` ends: Mar 2026, of 800.00 USD" in lines[1].what


def test_a_saved_plan_is_the_same_and_says_the_zone(tmp_path: Path) -> None:
    case = spring(FLOOR)
    found = solved(case)
    found.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert again.to_json() == found.to_json()
    assert [(s.start, s.end, s.drawn) for s in again.standings] == [(s.start, s.end, s.drawn) for s in found.standings]
    assert "zone: days begin at midnight in America/New_York (stated in the agreement)" in str(
        explain(case, found, "t")
    )


def test_windows_that_a_horizon_of_utc_cuts_are_told_with_their_zone() -> None:
    deal = agreement({"id": "t", "kind": "minimum-commitment", "amount": "9 k USD"}, ends="2027-01-01", **NEW_YORK)
    (only,) = mistakes(data_of([gpus("north", 1)], [compute()], deal, months=12))
    assert "2026 is cut by the horizon (2026, and the days of `north-deal` begin in America/New_York)" in only
    (wrong,) = mistakes(data_of([gpus("north", 1)], [compute()], deal | {"zone": "America/New_Yrok"}, months=12))
    assert wrong == "there is no time zone `America/New_Yrok`; did you mean `America/New_York`?"


def test_the_day_on_which_a_clock_is_put_back_has_25_hours_for_what_holds_in_each() -> None:
    """The hour from 02:00 comes twice in Berlin on 25 October: 2 GPUs at any time, 1 runs, for 25 hours."""
    floor = {"id": "t", "kind": "minimum-commitment", "amount": "2 GPU", "shortfall": {"price": "1 USD per GPU-hour"}}
    deal = agreement(floor, effective="2026-10-25", ends="2026-10-26", zone="Europe/Berlin")
    days = {"start": "2026-10-24", "end": "2026-10-27", "every": "hour"}
    found = solved(build([gpus("north", 1)], [compute(demand="1 GPU")], deal, horizon=days, idle="forbidden"))
    assert (charged(found, "t"), len(found.standings)) == (25, 25)
