"""What is at hand when time ends before the program is solved."""

from __future__ import annotations

import numpy as np
import pytest

from detente.case.case import Case
from detente.planner.solve import plan
from detente.planner.solving import fallback
from detente.planner.solving.fallback import unsolved
from detente.planner.solving.greedy import greedy_work
from detente.planner.solving.solution import Solution
from detente.planner.solving.solver_run import TOLERANCE
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.builders import Data, agreement, build, compute, data_of, gpus, tokens, work

PART = agreement({"id": "part", "kind": "share", "at-least": "25%"}, party="north")
JOB: Data = {
    "id": "job",
    "kind": "training",
    "work": "3000 GPU-hour",
    "deadline": "2026-03",
    "runs-on": {"accelerators": {"H100": 1}},
}
WEEK = {"horizon": {"start": "2026-01-05", "end": "2026-01-12", "every": "hour"}}


def at_hand(case: Case) -> tuple[Study, Solution | None]:
    study = Study.of(case)
    return study, unsolved(study.draft, study.turn())


def kept(study: Study, found: Solution) -> None:
    """Every row and bound of the program."""
    assert found.values is not None
    reached, _ = study.turn().reached(found.values)
    program = study.program.model.program
    low, high = program.bounds()
    slack = TOLERANCE * np.maximum(1.0, np.abs(reached))
    assert (reached >= low - slack).all()
    assert (reached <= high + slack).all()
    assert (found.values >= -TOLERANCE).all()


def test_work_split_alike_over_time_keeps_a_share_at_least_cost() -> None:
    """A week of hours at 2 and 3, a quarter of it where it is dearer: alike at all hours is as cheap as it gets."""
    case = Case.of(data_of([tokens("north", 3), tokens("south", 2)], [work()], PART) | WEEK)
    study, found = at_hand(case)
    assert found is not None
    kept(study, found)
    best = plan(case)
    assert isinstance(best, Plan)
    assert found.objective == pytest.approx(float(best.cost), rel=fallback.NEAR)


DAY = {"hours": ["20%"] * 8 + ["180%"] * 10 + ["100%"] * 6}


@pytest.mark.parametrize("rented", [False, True])
def test_split_alike_at_like_hours_is_a_few_per_cent_from_the_best(rented: bool) -> None:
    """By day south is full and north serves the rest: alike at all hours there would be little of south by night too.

    Units that are rented by the hour are counted as the work asks; few that are held for a term are searched.
    """
    south = gpus("south", 1) | {"capacity": "60 GPU"}
    north = gpus("north", 5) if rented else gpus("north", 5, buy="reserved", term="1 month")
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    each = [compute(name, {"rate": "50 GPU", "profile": DAY}) for name in ("chat", "search")]
    case = build([south, north], each, months=2, horizon=horizon)
    study = Study.of(case)
    found = fallback.quick(study.draft, study.turn())
    assert found is not None
    kept(study, found)
    counts = found.values[whole_columns(study.draft)] if found.values is not None else np.array([0.5])
    assert np.array_equal(counts, np.rint(counts))
    best = plan(case)
    assert isinstance(best, Plan)
    assert 1 - 1e-9 <= found.objective / float(best.cost) < 1.05


def test_nothing_is_claimed_that_breaks_a_clause() -> None:
    """By months it is too small for work split alike; the cheapest offers do not keep the share."""
    case = build([tokens("north", 3), tokens("south", 2)], [work()], PART, months=1)
    assert at_hand(case)[1] is None


def test_how_much_works_on_the_cheapest_offers_with_room_is_left_open() -> None:
    """South has room for 744 of 1,000 Mtok, and north for the rest: too little of a share. So 400 at 3, 600 at 2."""
    share = agreement({"id": "part", "kind": "share", "at-least": "40%"}, party="north")
    full = tokens("south", 2) | {"capacity": "1 Mtok per hour"}
    study, found = at_hand(build([tokens("north", 3), full], [work()], share, months=1))
    assert found is not None
    kept(study, found)
    assert found.objective == pytest.approx(2400)


def test_whole_units_that_leave_no_room_follow_the_work() -> None:
    """Of three units that a point counted, work for four has no room."""
    study = Study.of(build([gpus("south", 2)], [compute(demand="4 GPU")], months=1))
    draft, model = study.draft, study.turn()
    point = np.zeros(draft.program.n)
    point[draft.x] = 4 * 744
    point[whole_columns(draft)] = 3
    found = fallback._in_its_places(draft, model, point, counted=True)
    assert found is not None
    kept(study, found)
    assert found.objective == pytest.approx(4 * 2 * 744)


# -- all on the cheapest offers with room ----------------------------------------------------------------------------
def worked(offers: list[Data], workloads: list[Data], months: int = 1) -> dict[str, list[float]]:
    study = Study.of(build(offers, workloads, months=months))
    placed = greedy_work(study.draft, study.turn())
    return {f"{arc.workload.id}@{arc.offer.id}": placed[arc.index].round(3).tolist() for arc in study.draft.arcs}


def test_the_cheapest_offer_first_and_only_what_fits() -> None:
    offers = [
        tokens("north", 3),
        tokens("south", 2) | {"capacity": {"2026-01": "0 Mtok per hour", "2026-02": "1 Mtok per hour"}},
    ]
    found = worked(offers, [work()], months=2)
    assert found == {"chat@north-api": [1000.0, 328.0], "chat@south-api": [0.0, 672.0]}  # 28 days of 24 hours


def test_what_must_be_served_comes_before_what_may_wait_unserved() -> None:
    offers = [tokens("south", 2) | {"capacity": "1 Mtok per hour"}]
    found = worked(offers, [work("may", value="9 USD per Mtok"), work("must")])
    assert found == {"may@south-api": [0.0], "must@south-api": [pytest.approx(744.0)]}


def test_a_job_is_spread_over_its_time_and_over_again_where_there_is_no_room() -> None:
    offers = [gpus("south", 2) | {"capacity": {"2026-01": "1 GPU", "2026-02": "10 GPU"}}]
    found = worked(offers, [JOB], months=2)
    (each,) = found.values()
    assert each == [pytest.approx(744.0, abs=0.01), pytest.approx(2256.0, abs=0.01)]


def test_units_bought_by_the_hour_hold_what_they_serve() -> None:
    case = build([gpus("south", 2, unit=8)], [compute(demand="10 GPU")], months=1)
    study, found = at_hand(case)
    assert found is not None
    kept(study, found)
    assert found.objective == pytest.approx(2 * 8 * 2 * 744)
