"""Where time ends: what a plan claims then, and which is at hand."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.errors import UnsettledError
from detente.planner import kept_time
from detente.planner.solve import plan
from detente.planner.solving import search
from detente.planner.solving.cheapest import at_cheapest
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.solver_run import Running
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.builders import EXACT, D, Data, agreement, build, compute, data_of, gpus, placed, solved, tokens, work
from tests.planner.reserved import JANUARY


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


def test_where_a_plan_is_at_hand_the_program_has_all_the_time_but_its_bill(
    large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten seconds the bill of a plan at hand takes 0.2, and half is kept to make a better one good."""
    now, until = [100.0], list[float | None]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(kept_time, "BILLED", 1.0)  # a column: more than there is
    solve = Model.solve_reduced

    def slow(model: Model) -> Solution:
        until.append(model.deadline)
        now[0] = 109.7  # the small plan was made, and this takes until shortly before the bill
        return solve(model)

    monkeypatch.setattr(Model, "solve_reduced", slow)
    part = agreement({"id": "part", "kind": "share", "at-least": "25%"}, party="north")
    week = {"horizon": {"start": "2026-01-05", "end": "2026-01-12", "every": "hour"}}
    found = plan(Case.of(data_of([tokens("north", 3), tokens("south", 2)], [work()], part) | week), time_limit=10)
    assert isinstance(found, Plan)
    assert until == [pytest.approx(109.8, abs=0.01)]
    assert (found.status, found.bounded_by) == ("optimal", "program")
    (done,) = found.workloads
    assert float(found.cost) == pytest.approx(2.25 * float(done.demand), rel=1e-6)  # a quarter at 3, the rest at 2


def test_a_program_that_is_stopped_has_the_bound_of_its_prices_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of simplex before its end: no more than the least cost, and more than all at its cheapest."""
    study = Study.of(Case.of(hard()))
    model = study.turn()
    reduced = model.reduced()
    assert reduced is not None
    reduced.run()
    steps = reduced.highs.getInfo().simplex_iteration_count
    least = model.solve_linear().objective
    model.forget()
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    model.deadline = 200.0

    def run(small: Running) -> None:
        small.highs.setOptionValue("simplex_iteration_limit", steps - 1)
        small.highs.run()
        now[0] = 200.0

    monkeypatch.setattr(Running, "run", run)
    stopped = model.solve_reduced()
    assert (stopped.status, stopped.values) == ("time-limit", None)
    assert at_cheapest(study.draft, model) < stopped.bound <= least


def test_a_program_that_is_solved_reduced_is_solved_as_itself() -> None:
    model = Study.of(Case.of(hard())).turn()
    found = model.solve_reduced()
    again = Study.of(Case.of(hard())).turn().solve_linear()
    assert (found.status, found.bound) == ("optimal", pytest.approx(again.bound, rel=1e-9))


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
