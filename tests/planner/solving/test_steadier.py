"""Of plans that cost the same, the one in which least moves from provider to provider: at no cost, and counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.planner import carried_out
from detente.planner.formulation import purchases
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.program import LinearProgram
from detente.planner.past import Past
from detente.planner.solve import plan
from detente.planner.solving import steadier, steadier_program
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.model import NO_SCALING, Model
from detente.planner.solving.moves import MoveCount, moves
from detente.planner.solving.no_room import without_room
from detente.planner.solving.solution import Solution
from detente.planner.solving.steadier import moving_least
from detente.planner.solving.whole import whole_columns, with_counts
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.builders import (
    EXACT,
    D,
    Data,
    after,
    agreement,
    build,
    by_period,
    compute,
    day,
    gpus,
    placed,
    solved,
    tokens,
    work,
)
from tests.drawing import drawing
from tests.drawn_cases import cases


def floor(name: str, amount: int) -> Data:
    return {"id": name, "kind": "minimum-commitment", "amount": f"{amount} USD"}


def counted(found: Plan, workload: str) -> tuple[int, Decimal]:
    row = next(w for w in found.workloads if w.workload == workload)
    return row.moves, row.moved


# -- what counts ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("by_provider", "expected"),
    [
        ([[3, 6, 1], [0, 0, 0]], MoveCount(0, 0.0)),  # demand that rises and falls moves nothing
        ([[5, 0, 5], [0, 5, 0]], MoveCount(2, 1.0)),
        ([[6, 4, 4], [2, 4, 4]], MoveCount(0, 2 / 16)),  # of equals the main one stays; a quarter of 8 moves, of 16
        ([[8, 2, 8], [0, 6, 0]], MoveCount(2, 12 / 16)),
        ([[5, 0, 0, 5], [0, 0, 5, 0]], MoveCount(2, 1.0)),  # a time without work is passed over
        ([[0, 0], [0, 0]], MoveCount(0, 0.0)),
        ([[4], [4]], MoveCount(0, 0.0)),
    ],
)
def test_moves_are_counted_in_shares(by_provider: list[list[float]], expected: MoveCount) -> None:
    found = moves(np.array(by_provider, dtype=np.float64))
    assert found.changes == expected.changes
    assert found.share == pytest.approx(expected.share)


# -- by hand ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("price", [2, "2.5"])
@pytest.mark.parametrize("floors", [0, 80_000])
def test_of_two_equal_providers_work_stays_where_it_is(price: Any, floors: int) -> None:
    """A year of 10 GPUs at 2 USD an hour is 175,200 USD: both floors of 80,000 can be met by half of it each."""
    deals = [agreement(floor(f"{p}-floor", floors), party=p) for p in ("north", "south")] if floors else []
    found = solved(build([gpus("north", price), gpus("south", price)], [compute()], *deals, months=12))
    assert found.cost == 10 * 8760 * D(price)
    assert counted(found, "research") == (0, 0)


@pytest.mark.parametrize("sold", ["by use", "in units"])
def test_demand_that_varies_moves_nothing(sold: str) -> None:
    rate = "Mtok per month" if sold == "by use" else "GPU"
    demand = {after: f"{n} {rate}" for after, n in zip(DATES, ("1000", "1700", "400", "1234.5"), strict=True)}
    if sold == "by use":
        case = build([tokens("north", 3), tokens("south", 3)], [work(demand=demand)])
    else:
        demand = {after: f"{n} GPU" for after, n in zip(DATES, ("7.3", "8.1", "4.2", "9.9"), strict=True)}
        case = build([gpus("north", 3), gpus("south", 3)], [compute(demand=demand)])
    assert counted(solved(case), case.workloads[0].id) == (0, 0)


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("reserved", [{"north"}, {"north", "south"}])
def test_units_that_are_reserved_are_swapped_too(size: int, reserved: set[str]) -> None:
    """South's single GPUs leave nothing idle, at 2 USD an hour; in units of 8 there 24 more are paid for, as at North.

    8, 16, 5, 24, 8 and 13 GPUs in months of 744, 672, 744, 720, 744 and 720 hours are 53,016 GPU-hours; in units of 8
    the third month has 3 more, and the last one too: 57,408.
    """
    terms: dict[str, Data] = {name: {"buy": "reserved", "term": "1 month"} for name in reserved}
    demand = {after(month): f"{n} GPU" for month, n in enumerate((8, 16, 5, 24, 8, 13))}
    offers = [gpus("north", 2, unit=8, **terms["north"]), gpus("south", 2, unit=size, **terms.get("south", {}))]
    found = solved(build(offers, [compute("a", demand), compute("b", demand)]))
    assert found.cost == 2 * (2 * 53_016 if size == 1 else 2 * 57_408)
    assert [counted(found, name) for name in "ab"] == [(0, 0)] * 2


DATES = ("2026-01", "2026-02", "2026-04", "2026-05")


def test_capacity_that_falls_moves_a_part_once() -> None:
    """South has room for 100 of 1,000 Mtok a month of 730 hours, then north for 400.

    So at most 92.055 run south in February (672 hours), and at least 605.479 in April (720): 513.425 move, of 5,000.
    """
    north = tokens("north", 3, capacity={"2026-01": "2000 Mtok per month", "2026-04": "400 Mtok per month"})
    south = tokens("south", 3, capacity={"2026-01": "100 Mtok per month", "2026-04": "700 Mtok per month"})
    found = solved(build([north, south], [work()]))
    assert found.cost == 18_000
    assert counted(found, "chat") == (1, D("0.102685"))


def test_a_tie_under_a_commitment_is_split_alike() -> None:
    """6,000 Mtok at 3 USD: 4,500 USD must go to each; a half each month does it, and nothing moves."""
    deals = [agreement(floor(f"{p}-floor", 4_500), party=p) for p in ("north", "south")]
    found = solved(build([tokens("north", 3), tokens("south", 3)], [work()], *deals))
    assert found.cost == 18_000
    assert min(placed(found).values()) >= 1_500
    assert counted(found, "chat") == (0, 0)


def test_a_part_that_is_no_round_figure_is_split_alike_too() -> None:
    """North's floor takes 1000 of 3650 Mtok: in each month the same part, dearer by the rounding of quanta."""
    offers, works = [tokens("north", 3), tokens("south", 2)], [work(demand="10 Mtok per day")]
    case = build(offers, works, agreement(floor("f", 3000)), months=12)
    found = solved(case, gap=1e-4)
    assert counted(found, "chat") == (0, pytest.approx(D(0), abs=D("0.00001")))
    assert 0 <= found.cost - 8300 < D("0.001")


def test_a_move_that_saves_money_is_made() -> None:
    found = solved(build([tokens("north", {"2026-01": 3, "2026-03": 5}), tokens("south", 4)], [work()]))
    assert found.cost == 2 * 3_000 + 4 * 4_000
    assert counted(found, "chat") == (1, D("0.2"))


def test_work_that_may_wait_is_done_as_it_comes() -> None:
    """A quarter's work may be done in any month of it, at one price: none of it waits."""
    comes = [1_000, 1_700, 400, 1_234, 1_234, 600]
    demand = {after(month): f"{each} Mtok per month" for month, each in enumerate(comes)}
    found = solved(
        build([tokens("north", 3), tokens("south", 3)], [work("chat", demand, kind="batch", within="3 months")])
    )
    assert found.cost == 3 * sum(comes)
    done = [D(0)] * 6
    for row in found.allocations:
        done[row.period] += row.work
    assert done == [pytest.approx(D(each), abs=D("0.001")) for each in comes]
    assert counted(found, "chat") == (0, 0)


def test_work_waits_where_that_saves_money() -> None:
    """All of a quarter in its cheapest month; in the next, whose months cost the same, what comes in each."""
    prices = {"2026-01": 3, "2026-02": 2, "2026-03": 3, "2026-04": 3}
    found = solved(build([tokens("north", prices)], [work(kind="batch", within="3 months")]))
    done = by_period(found, "north-api")
    assert done == [0, 3_000, 0, *[pytest.approx(D(1_000), abs=D("0.001"))] * 3]


def at_counts(case: Case, counts: dict[str, list[int]]) -> tuple[Study, Solution, Solution]:
    """A study, its least cost with as many units of each offer, and what moves least at no more, rounded anew."""
    found = Study.of(case)
    columns = whole_columns(found.draft)
    best = with_counts(found.turn(), columns, np.array([n for name in found.draft.units for n in counts[name]], float))
    assert best is not None
    with mock.patch.object(steadier, "MAX_WHOLE", 0):
        return found, best, moving_least(found.draft, found.turn(), best, columns, best.objective)


def test_many_units_are_swapped_by_rounding_them_anew() -> None:
    """Of 800 GPUs for two workloads, 600 at North and 600 at South in turns: no work moves where each keeps its own.

    With what is bought as it was found, 400 of the 800 must move each month.
    """
    offers = [gpus(name, 2, capacity="600 GPU") for name in ("north", "south")]
    case = build(offers, [compute("a", "400 GPU"), compute("b", "400 GPU")], months=4)
    turns = {"north-gpus": [600, 200, 600, 200], "south-gpus": [200, 600, 200, 600]}
    found, best, least = at_counts(case, turns)
    assert best.values is not None
    assert least.values is not None
    assert totals(found, best.values)[1] > 0.99  # 400 of 800 GPUs, as a part of each of two workloads
    assert totals(found, least.values) == (0, pytest.approx(0, abs=1e-6))
    hours = (31 + 28 + 31 + 30) * 24
    assert least.objective == pytest.approx(2 * 800 * hours) == best.objective


def test_where_no_less_moves_with_divided_units_nothing_is_rounded_for_it() -> None:
    """All of 800 GPUs follow a price that crosses another each month: by no rounding would less move at that cost."""
    prices = [{after(month): 2 + (month + by) % 2 for month in range(4)} for by in (0, 1)]
    offers = [
        gpus(name, {day: f"{price} USD per GPU-hour" for day, price in each.items()})
        for name, each in zip(("north", "south"), prices, strict=True)
    ]
    case = build(offers, [compute(demand="800 GPU")], months=4)
    with mock.patch.object(steadier, "Roundings") as rounded:
        found, best, least = at_counts(case, {"north-gpus": [800, 0] * 2, "south-gpus": [0, 800] * 2})
    assert least.values is not None
    assert totals(found, least.values) == (3, pytest.approx(1))
    assert least.objective == best.objective
    assert not rounded.called


def test_three_workloads_that_share_a_reservation_stay_where_they_are() -> None:
    """1,000 GPUs reserved at North for a year at 1 USD, and any number at South at 2: 1,050 to 1,500 are needed.

    Each month 50 to 500 GPUs of the three run at South, whosever they are: they come and go with what is needed of one
    alone, and the others never move.
    """
    north = gpus("north", 1, buy="reserved", term="12 months", starts=["2026-01-01"], capacity="1000 GPU")
    steps = [50, 500, 120, 450, 80, 300, 490, 60, 210, 330, 50, 400]
    growing = {after(month): f"{350 + more} GPU" for month, more in enumerate(steps)}
    needs = [compute("a", growing), compute("b", "350 GPU"), compute("c", "300 GPU")]
    found = solved(build([north, gpus("south", 2)], needs, months=12))
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    rented = sum(24 * each * more for each, more in zip(days, steps, strict=True))
    assert found.cost == 1_000 * 8_760 + 2 * rented
    assert [counted(found, name) for name in "bc"] == [(0, 0)] * 2


@pytest.mark.parametrize(("moving", "changes"), [({}, 11), ({"moving": {"cost": "10 k USD"}}, 0)])
def test_prices_that_cross_by_a_thousandth_move_all_of_it_unless_a_move_costs(moving: Data, changes: int) -> None:
    """Each month the other of two is cheaper by 0.002 of 2 USD: it saves some 1,460 USD a month of 1.46 M.

    What saves money is done, however little it is; a case that states what a move costs has it weighed.
    """
    turns = {after(month): 2 if month % 2 else "2.002" for month in range(12)}
    other = {after(month): "2.002" if month % 2 else 2 for month in range(12)}
    offers = [
        gpus(name, {day: f"{price} USD per GPU-hour" for day, price in each.items()})
        for name, each in (("north", turns), ("south", other))
    ]
    found = solved(build(offers, [compute(demand="1000 GPU", **moving)], months=12))
    assert counted(found, "research") == (changes, 1 if changes else 0)


def test_what_was_decided_before_some_news_stays() -> None:
    """North and South cost the same until March, and South less from then on: what ran at North ran there.

    Without news it would have been at South from the start, and nothing would have moved.
    """
    south = {"2026-01": 3, "2026-03": 2}
    case = build([tokens("north", 3), tokens("south", south)], [work()])
    found = Study.of(case)
    north, other = (found.draft.x[arc.index] for arc in found.draft.arcs.of_workload["chat"])
    values = np.zeros(found.program.model.program.n)
    values[north], values[other[2:]] = found.draft.demand["chat"].work, found.draft.demand["chat"].work[2:]
    values[north[2:]] = 0.0
    kept = found.keeping(Past.of(found.draft, values, day("2026-03-01")))
    best = kept.solve(EXACT)
    assert isinstance(best, Incumbent)
    plan = kept.plan(best, EXACT)
    assert [row.period for row in plan.allocations if row.offer == "north-api"] == [0, 1]
    assert counted(plan, "chat")[0] == 1


# -- laws -----------------------------------------------------------------------------------------------------------
def totals(found: Study, values: Floats) -> tuple[int, float]:
    """Changes and shares that move, over all workloads that run."""
    draft = found.draft
    changes, share = 0, 0.0
    for arcs in draft.arcs.of_workload.values():
        by: dict[str, Floats] = {}
        for arc in arcs:
            by[arc.offer.provider] = by.get(arc.offer.provider, 0.0) + values[draft.x[arc.index]]
        if by:
            each = moves(np.array(list(by.values())))
            changes, share = changes + each.changes, share + each.share
    return changes, share


def idle(found: Study, values: Floats) -> float:
    """Hours of units that are held and that nothing uses."""
    draft, hours = found.draft, 0.0
    for name, units in draft.units.items():
        flow = draft.hours * float(units.offer.unit_flow)
        hours += float((units.holding(values[units.columns], draft.n) * flow).sum())
        for arc in draft.arcs.of_offer[name]:
            hours -= 0.0 if arc.own else float(arc.per_work) * float(values[draft.x[arc.index]].sum())
    return hours


@drawing(26)
@given(case=cases(), data=st.data())
def test_what_moves_less_costs_the_same_and_obeys_every_row(case: Case, data: st.DataObject) -> None:
    line = data.draw(st.sampled_from([0, purchases.WHOLE_LINE]))  # above it, counts are rounded
    with mock.patch.object(purchases, "WHOLE_LINE", line):
        near = Study.of(case)
    found = near.solve(EXACT)
    if not isinstance(found, Incumbent) or found.solution is None:
        return
    few = data.draw(st.sampled_from([0, steadier.MAX_WHOLE]))  # with none, whole numbers are rounded anew
    model, columns, best = near.turn(), whole_columns(near.draft), found.solution
    with mock.patch.object(steadier, "MAX_WHOLE", few):
        least = moving_least(near.draft, model, best, columns, best.objective)
    assert best.values is not None
    assert least.values is not None
    assert least.objective <= best.objective + 1e-9 * max(1.0, abs(best.objective))
    before, after = totals(near, best.values), totals(near, least.values)
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 1e-9
    counts = least.values[columns]
    assert np.allclose(counts, np.rint(counts), atol=1e-6)
    reached, _ = model.reached(least.values)
    low, high = model.asked(np.arange(model.program.m, dtype=np.int32))
    off = np.maximum(low - reached, reached - high) * model.row_scale
    assert off.max(initial=0.0) <= 1e-6
    assert (least.values <= model.most + 1e-6 * model.column_scale).all()
    assert idle(near, least.values) <= idle(near, best.values) * (1 + 1e-6) + 1e-3


@drawing(16)
@given(case=cases(most=2))
def test_a_plan_that_moves_less_is_no_dearer(case: Case) -> None:
    """Beside the plan that is made without it, whatever is settled and rounded after it."""
    found = Study.of(case)
    best = found.solve(EXACT)
    if not isinstance(best, Incumbent) or best.solution is None:
        return
    steadier = found.plan(best, EXACT)
    with (
        mock.patch.object(carried_out, "moving_least", lambda draft, model, solution, columns, most: solution),
        mock.patch.object(carried_out, "moving_less", lambda draft, model, solution, columns: solution),
    ):
        plain = Study.of(case).plan(best, EXACT)
    assert float(steadier.cost) == pytest.approx(float(plain.cost), rel=1e-7, abs=1e-4)
    assert sum(w.moved for w in steadier.workloads) <= sum(w.moved for w in plain.workloads) + D("0.0001")


@pytest.mark.parametrize(("months", "hours", "gpus_", "credit"), [(4, 2880, 100, 20_007), (6, 4344, 14, 7_123)])
def test_what_moves_less_is_given_back_in_full(months: int, hours: int, gpus_: int, credit: int) -> None:
    """Within a gap there are plans that cost a little less: there a credit gives more than in the plan they replace.

    By hand, of divisible GPUs: all runs at 2.20, but what earns the credit at 2.80, which is 30% of it.
    """
    pays = {"id": "pool", "kind": "credit", "rate": "30%", "amount": f"{credit} USD"}
    needs = [compute("chat", f"{gpus_} GPU"), compute("agents", f"{gpus_ // 2} GPU")]
    found = plan(build([gpus("north", "2.80"), gpus("south", "2.20")], needs, agreement(pays), months=months))
    assert isinstance(found, Plan)
    earning = D(credit) / D("0.30") / D("2.80")
    least = hours * (gpus_ + gpus_ // 2) * D("2.20") + D("0.60") * earning - credit
    assert least <= found.cost <= least * D("1.0001")


def turned() -> tuple[Study, Incumbent]:
    """Of equal providers by the month, 400 of 800 GPUs move each month as found; none need to."""
    offers = [gpus(name, 2, capacity="600 GPU") for name in ("north", "south")]
    case = build(offers, [compute("a", "400 GPU"), compute("b", "400 GPU")], months=4)
    found, best, _ = at_counts(case, {"north-gpus": [600, 200, 600, 200], "south-gpus": [200, 600, 200, 600]})
    return found, Incumbent(best, best.bound, prices=best, basis=found.turn().basis)


def test_what_moves_less_is_sought_in_the_scale_of_the_program() -> None:
    """Scaled once more by the solver it takes longer. A search over whole numbers scales as the solver chooses."""
    found, best = turned()
    of: list[Model] = []

    def made(program: LinearProgram) -> Model:
        of.append(Model(program))
        return of[-1]

    with mock.patch.object(steadier_program, "Model", made):
        carried_out.carried_out(found, best, EXACT)
    linear = [small.highs for small in of if small.highs.getOptionValue("solver")[1] == "simplex"]
    assert linear
    assert {highs.getOptionValue("simplex_scale_strategy")[1] for highs in linear} == {NO_SCALING}


def test_work_that_has_room_is_not_looked_for_again() -> None:
    """In what moves less all has room: what moved more has no less, whatever it has."""
    found, best = turned()
    with mock.patch.object(carried_out, "without_room", wraps=without_room) as asked:
        carried_out.carried_out(found, best, EXACT)
    assert asked.call_count == 1


def test_large_programs_stay_as_they_were_found() -> None:
    """The plan costs the same, and moves: what moves less is not sought."""
    offers = [gpus("north", 2), gpus("south", 2)]
    deals = [agreement(floor(f"{p}-floor", 60_000), party=p) for p in ("north", "south")]
    case = build(offers, [compute()], *deals, months=12)
    with mock.patch.object(carried_out, "MAX_STEADIED", 0), mock.patch.object(carried_out, "_moving_least") as sought:
        found = solved(case)
    assert not sought.called
    assert found.cost == solved(case).cost
