"""Conflicts that only the plan's periods make: finer periods are named where a solve has shown that they resolve it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detente.case.case import Case
from detente.planner import conflict_grid
from detente.planner.check import check
from detente.planner.conflict_grid import last_moment
from detente.planner.study import Study
from detente.values.period import Horizon
from tests.builders import Data, agreement, build, compute, gpus, refused, solved

ONLY: Data = {"kind": "exclusivity"}
TRANCHES = [
    {"name": "first", "quantity": "5 GPU", "due": "2026-01-01"},
    {"name": "second", "quantity": "5 GPU", "due": "2026-02-15"},
]
GROWS = {"2026-01-01": "5 GPU", "2026-02-15": "10 GPU"}


def _year(every: str, **more: str) -> Data:
    return {"start": "2026-01", "end": "2026-05", "every": every, **more}


def _handed_over(horizon: Data, since: str = "2026-02-15", **more: str) -> Case:
    """All runs in the north until 15 February, and in the south from a day on."""
    until = agreement({"id": "first", **ONLY}, party="north", ends="2026-02-15", **more)
    then = agreement({"id": "then", **ONLY}, party="south", effective=since, **more)
    return build([gpus("north", 3), gpus("south", 2)], [compute()], until, then, horizon=horizon)


def _delivered(horizon: Data) -> Case:
    """5 GPUs, and 5 more from 15 February on, when they are needed."""
    clause = {"id": "arrives", "kind": "delivery", "offer": "north-gpus", "tranches": TRANCHES}
    return build([gpus("north", 3)], [compute(demand=GROWS)], agreement(clause), horizon=horizon)


def _sold(horizon: Data) -> Case:
    """The north sells until 15 February, the south from then on, and no clause has a say."""
    offers = [gpus("north", 3, until="2026-02-15"), gpus("south", 2, **{"from": "2026-02-15"})]
    return build(offers, [compute()], horizon=horizon)


@pytest.mark.parametrize(
    ("made", "names", "cost"),
    [
        (_handed_over, "`first`, `then`", 45 * 24 * 10 * 3 + 75 * 24 * 10 * 2),
        (_delivered, "`arrives`", 45 * 24 * 5 * 3 + 75 * 24 * 10 * 3),
        (_sold, "`north-gpus`, `south-gpus`", 45 * 24 * 10 * 3 + 75 * 24 * 10 * 2),
    ],
)
def test_finer_periods_are_told_where_they_resolve_it(made: object, names: str, cost: int) -> None:
    """45 days until 15 February, and 75 after it: what changes on that day changes within February."""
    assert callable(made)
    case = made(_year("month"))
    found = refused(case)
    said = f"the plan takes each month as a whole, and 2026-02-15 ({names}) lies within one; with `every: day`"
    assert found.facts[0] == f"{said} in `horizon` nothing collides"
    assert check(case).conflict == found
    assert solved(made(_year("day"))).cost == cost


def test_of_a_typical_week_the_days_are_told_instead() -> None:
    found = refused(_handed_over(_year("hour", typical="week")))
    assert found.facts[0].endswith("with `every: day` and without `typical` in `horizon` nothing collides")


@pytest.mark.parametrize(("every", "instead"), [("day", "`zone: {}`"), ("month", "`every: day` and `zone: {}`")])
def test_midnight_elsewhere_takes_its_clock(every: str, instead: str) -> None:
    """15 February begins at 05:00 UTC in New York, within a day of the plan, and so does the first of January.

    By its clock days are as long, but for the one of 23 hours in March: 45 are north's, and the rest south's.
    """
    there = "America/New_York"
    found = refused(_handed_over(_year(every), zone=there))
    days = "2026-01-01 (`first`), 2026-02-15 (`first`, `then`)"
    said = f"the plan takes each {every} as a whole, and {days} lie within one; with {instead.format(there)}"
    assert found.facts[0] == f"{said} in `horizon` nothing collides"
    told = solved(_handed_over(_year("day", zone=there), zone=there))
    assert told.cost == 45 * 24 * 10 * 3 + (75 * 24 - 1) * 10 * 2


def test_two_clocks_take_hours() -> None:
    """North hands over to south at midnight in New York, 05:00 UTC, and again in Tokyo, 15:00 UTC: no day has both."""
    deals = [
        agreement({"id": f"only-{n}", **ONLY}, party=party, **stated) | {"id": f"deal-{n}", "zone": zone}
        for n, (party, zone, stated) in enumerate(
            (
                ("north", "America/New_York", {"ends": "2026-01-05"}),
                ("south", "America/New_York", {"effective": "2026-01-05", "ends": "2026-01-08"}),
                ("north", "Asia/Tokyo", {"effective": "2026-01-09", "ends": "2026-01-12"}),
                ("south", "Asia/Tokyo", {"effective": "2026-01-12"}),
            )
        )
    ]
    horizon = {"start": "2026-01-01", "end": "2026-01-15", "every": "day"}
    case = build([gpus("north", 3), gpus("south", 2)], [compute()], *deals, horizon=horizon)
    assert refused(case).facts[0].endswith("with `every: hour` in `horizon` nothing collides")


def test_what_collides_on_any_day_is_told_nothing_of_the_kind() -> None:
    """From 10 February on both ask for all of it: days are no help."""
    found = refused(_handed_over(_year("month"), since="2026-02-10"))
    assert not any("nothing collides" in fact for fact in found.facts)
    assert check(_handed_over(_year("day"), since="2026-02-10")).answer == "no"


@pytest.mark.parametrize(
    ("more", "tried"),
    [
        ({}, ["day"]),
        ({"within": "2 days"}, ["day"]),
        ({"within": "36 hours"}, ["day", "hour"]),  # by the day it waits for one
    ],
)
def test_hours_are_tried_only_where_something_takes_a_part_of_a_day(
    monkeypatch: pytest.MonkeyPatch, more: Data, tried: list[str]
) -> None:
    """Both ask for all from 10 to 15 February. Days begin as all that changes does: no hour is unlike its day."""
    until = agreement({"id": "first", **ONLY}, party="north", ends="2026-02-15")
    then = agreement({"id": "then", **ONLY}, party="south", effective="2026-02-10")
    work = compute(**({"kind": "batch", **more} if more else {}))
    case = build([gpus("north", 3), gpus("south", 2)], [work], until, then, horizon=_year("month"))
    seen = list[str]()
    resolves = conflict_grid._resolves

    def noted(study: Study, horizon: Horizon, last: float) -> bool | None:
        seen.append(horizon.every)
        return resolves(study, horizon, last)

    monkeypatch.setattr(conflict_grid, "_resolves", noted)
    assert not any("nothing collides" in fact for fact in refused(case).facts)
    assert seen == tried


def test_finer_periods_take_a_part_of_the_time_and_leave_the_rest() -> None:
    """Half of what it took so far, or 10 seconds; and a quarter of what is left."""
    assert last_moment(began=100.0, now=104.0, deadline=None) == 114.0  # 10 are more than half of 4
    assert last_moment(began=100.0, now=160.0, deadline=None) == 190.0  # half of 60
    assert last_moment(began=100.0, now=160.0, deadline=200.0) == 170.0  # a quarter of 40
    assert last_moment(began=100.0, now=160.0, deadline=150.0) == 160.0  # none is left


def test_a_conflict_is_told_without_what_there_is_no_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _handed_over(_year("month"))
    told = refused(case)
    monkeypatch.setattr(conflict_grid, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(conflict_grid, "MAX_USED", 0.0)
    assert refused(case) == replace(told, facts=told.facts[1:])
