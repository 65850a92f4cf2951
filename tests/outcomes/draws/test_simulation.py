"""Simulations: draws by hand, held against plans made anew, and the figures over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.draws.draws import draw
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation, distribution, mean, probability, quantile
from detente.planner.dispatch import Dispatch, Holdings
from detente.planner.failover import Failover
from detente.planner.study import Study
from detente.results.conflict import Conflict
from tests.builders import D, Data, agreement, build, compute, data_of, gpus, solved, tokens, work
from tests.outcomes.draws.worlds import HOURS, SOUTH_OUT, STEADY, found, near, world


# -- what a draw comes to ----------------------------------------------------------------------------------------------
def test_with_one_provider_customers_see_its_own_availability() -> None:
    answer = found(world())
    assert answer.planned == answer.calm == 2 * HOURS
    for each in answer.draws:
        assert each.outages > 0
        assert abs(each.availability["chat"] - each.own["south"]) < D("1e-8")
        lost = HOURS * (1 - each.own["south"])
        assert near(each.cost, 2 * (HOURS - lost) + 10 * lost)
        assert near(each.unserved_value, 10 * lost)


def test_with_another_that_has_room_nothing_is_lost_and_the_hours_cost_more() -> None:
    for each in found(world(tokens("north", 3))).draws:
        assert each.availability["chat"] == 1
        assert near(each.cost, 2 * HOURS + HOURS * (1 - each.own["south"]))
        assert each.own["north"] == 1


def test_with_room_for_a_part_of_it_the_rest_is_lost_at_once() -> None:
    # North has room for 0.4 Mtok an hour at any time: spare hours before and after do not help
    for each in found(world(tokens("north", 3, capacity="0.4 Mtok per hour"))).draws:
        out = HOURS * (1 - each.own["south"])
        assert abs(each.availability["chat"] - (1 - D("0.6") * out / HOURS)) < D("1e-8")
        assert near(each.cost, 2 * (HOURS - out) + 3 * D("0.4") * out + 10 * D("0.6") * out)


def test_outages_of_days_are_out_for_all_of_them_until_the_horizon_ends() -> None:
    case = world(risks=[SOUTH_OUT | {"per-year": 30, "lasting": ["10 days"]}])
    outages = 0
    for each in found(case).draws:
        out = until = 0.0
        for outage in sorted(draw(case, [D(1)], 0, each.index).outages, key=lambda outage: outage.start):
            end = min(outage.start + 240, HOURS)  # what two take at once is out once
            out, until, outages = out + max(0.0, end - max(until, outage.start)), max(until, end), outages + 1
        assert abs(float(each.own["south"]) - (1 - out / HOURS)) < 1e-6
    assert outages > 6


def test_what_a_clause_denies_is_no_way_to_go_on() -> None:
    only = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
    for each in found(world(tokens("north", 3), terms=(only,))).draws:
        assert abs(each.availability["chat"] - each.own["south"]) < D("1e-8")


def test_standby_is_used_and_asked_for_no_more_while_something_is_out() -> None:
    # half of the work survives the loss of either: while South is out, North has nobody who could stand by for it
    policy = {"id": "survive", "kind": "redundancy", "survives": "50%"}
    offers = [tokens("south", 2), tokens("north", 3)]
    case = build(offers, [STEADY], agreement(policy, party="self"), months=2, risks=[SOUTH_OUT])
    answer = found(case)
    assert answer.unmet == 0
    assert all(each.availability["chat"] == 1 for each in answer.draws)


def test_a_part_of_an_outage_takes_a_part_of_the_work() -> None:
    for each in found(world(risks=[SOUTH_OUT | {"part": "25%"}])).draws:
        assert abs(each.availability["chat"] - each.own["south"]) < D("1e-8")
        assert each.own["south"] > D("0.8")


def test_work_that_can_wait_runs_later() -> None:
    batch = {
        "id": "night",
        "kind": "batch",
        "demand": "1 Mtok per hour",
        "within": "2 months",
        "runs-on": {"models": ["m"]},
    }
    case = build(
        [tokens("south", 2, capacity="2 Mtok per hour")],
        [batch | {"mix": {"output": "50%"}}],
        months=2,
        risks=[SOUTH_OUT],
    )
    answer = found(case)
    assert all(each.availability["night"] == 1 and near(each.cost, D(2 * HOURS)) for each in answer.draws)


def test_a_floor_that_falls_short_costs_its_fee() -> None:
    # all 2,832 USD of a floor of 2,832 are drawn where nothing happens
    floor = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": "2832 USD",
        "windows": {"every": "term"},
        "shortfall": {"fee": "50%"},
    }
    for each in found(world(tokens("north", 3), terms=(floor,))).draws:
        out = HOURS * (1 - each.own["south"])
        assert near(each.fees, out)  # 2 USD an hour are short, half of it is owed
        assert near(each.cost, 2 * HOURS + out + out)


def test_draws_in_which_the_clauses_cannot_be_met_are_counted_and_stand_in_no_figure() -> None:
    floor = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": "2832 USD",
        "windows": {"every": "term"},
        "shortfall": "forbidden",
    }
    answer = found(world(terms=(floor,)))
    assert (answer.unmet, answer.known, answer.spread(lambda each: each.cost)) == (6, [], None)


def test_what_is_reserved_stays_as_it_was_bought() -> None:
    # ten GPUs are reserved for the month; demand of half of that, or of half as much again, buys no other
    offer = gpus("north", 2, buy="reserved", term="1 month")
    spread = {"id": "level", "kind": "demand", "least": "-50%", "likeliest": "0%", "most": "50%"}
    case = build([offer], [compute(value="9 USD per GPU-hour")], months=1, risks=[spread])
    answer = found(case, draws=20)
    paid = 10 * 744 * 2
    assert answer.planned == paid
    for each in answer.draws:
        missing = 10 * 744 * max(D(0), each.levels["level"])
        assert near(each.cost, paid + 9 * missing)
    assert len({each.levels["level"] for each in answer.draws}) > 3


def test_the_work_of_a_training_is_demand_too() -> None:
    job = {
        "id": "tune",
        "kind": "training",
        "work": "100 GPU-hour",
        "deadline": "2026-02-01",
        "runs-on": {"accelerators": {"H100": 1}},
    }
    level = {"id": "level", "kind": "demand", "least": "-50%", "most": "50%"}
    for each in found(build([gpus("north", 2)], [job], months=1, risks=[level])).draws:
        assert near(each.cost, 200 * (1 + each.levels["level"]))


def test_prices_are_drawn_and_events_by_their_probabilities() -> None:
    dearer = {"id": "price", "kind": "price", "of": {"provider": "south"}, "least": "0%", "most": "50%"}
    ruling = {
        "id": "ruling",
        "known": "2026-01-01",
        "outcomes": {"lost": {"probability": "40%", "scenario": "dear"}, "won": {"probability": "60%"}},
    }
    dear = {"id": "dear", "change": [{"offer": "south-api", "price": "+100%"}]}
    case = world(risks=[dearer], scenarios=[dear], choices=[{"id": "sue"}], uncertain=[ruling])
    answer = found(case, "sue", draws=40)
    for each in answer.draws:
        assert near(each.cost, 2 * HOURS * (1 + each.levels["price"]) * (2 if each.world == "lost" else 1))
    assert 5 < sum(each.world == "lost" for each in answer.draws) < 30


def test_an_outage_of_a_day_is_a_plan_without_that_day() -> None:
    """The same as a plan made anew of the case in which the offer is lost on that day, by days."""
    share = {
        "id": "share",
        "kind": "share",
        "of": {"workload": "chat"},
        "at-least": "30%",
        "windows": {"every": "term"},
    }
    offers = [tokens("south", 2), tokens("north", 3, capacity="0.7 Mtok per hour")]
    horizon = {"start": "2026-01-01", "end": "2026-01-11", "every": "day"}
    data = data_of(offers, [STEADY], agreement(share, party="south", ends="2026-01-11"), horizon=horizon)
    case = Case.of(data | {"risks": [SOUTH_OUT]})
    study = Study.of(case)
    incumbent: Any = study.solve(1e-9)
    dispatch = Dispatch(case, Holdings.of(study, incumbent))
    lost = Failover(dispatch).lost(3, (("south-api", 1.0),))
    out = np.zeros(10)
    out[3] = 1.0
    forced = np.zeros(10)
    forced[3] = lost["chat"] * 24
    ended = dispatch.with_outages({"south-api": out}, {"chat": forced})
    gone = {"id": "gone", "lose": [{"provider": "south", "from": "2026-01-04", "until": "2026-01-05"}]}
    assert ended is not None
    assert ended.cost == pytest.approx(float(solved(case.with_changes(gone)).cost))
    again = dispatch.with_outages({}, {})
    assert again is not None
    assert again.cost == pytest.approx(float(solved(case).cost)), "nothing of an outage is left behind"


# -- figures -----------------------------------------------------------------------------------------------------------
def test_figures_by_hand() -> None:
    values = [D(n) for n in range(1, 101)]
    figure = mean(values)
    assert figure.value == D("50.5")  # deviation 29.0115 over 10, times 1.96
    assert figure.low is not None
    assert abs(figure.low - D("44.8138")) < D("0.001")
    assert [quantile(values, part).value for part in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert (quantile(values, 0.5).low, quantile(values, 0.5).high) == (D(40), D(61))
    assert quantile(values, 0.99).high is None, "one draw in a hundred bounds nothing above it"
    assert distribution(values).worst == 100
    assert mean([D(3)]).low is None
    wilson = probability(5, 10)
    assert (round(wilson.low or 0, 3), round(wilson.high or 0, 3)) == (D("0.237"), D("0.763"))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=80))
def test_every_figure_lies_in_its_interval(values: list[int]) -> None:
    spread = distribution([D(value) for value in values])
    for figure in (spread.mean, spread.median, spread.twentieth, spread.hundredth):
        assert figure.low is None or figure.low <= figure.value
        assert figure.high is None or figure.value <= figure.high
    assert spread.median.value <= spread.twentieth.value <= spread.hundredth.value <= spread.worst


def test_a_saved_simulation_is_read_back_and_its_rows_are_a_frame() -> None:
    answer = found(world(), draws=2)
    assert Simulation.from_json(answer.to_json()) == answer
    first = answer.rows()[0]
    assert (first["draw"], first["cost"], first["own_south"]) == (0, answer.draws[0].cost, answer.draws[0].own["south"])
    assert replace(answer, draws=()).rows() == []


# -- mistakes ----------------------------------------------------------------------------------------------------------
def test_a_case_without_a_plan_is_a_conflict() -> None:
    floor = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": "9 M USD",
        "windows": {"every": "term"},
        "shortfall": "forbidden",
    }
    assert isinstance(simulate(world(terms=(floor,)), processes=1), Conflict)


def test_without_risks_the_choices_that_events_follow_are_named() -> None:
    """The events of a case are drawn after a choice alone."""
    ruling = {"id": "ruling", "applies-to": ["stay"], "known": "2026-01-01"}
    ends = {"win": {"probability": "50%", "scenario": "won"}, "lose": {"probability": "50%"}}
    more = {
        "scenarios": [{"id": "won", "change": [{"workload": "chat", "demand": "+1%"}]}],
        "choices": [{"id": "stay"}, {"id": "go", "scenario": "won"}],
        "uncertain": [ruling | {"outcomes": ends}],
    }
    case = Case.of(data_of([tokens("south", 2)], [work()], months=1, **more))
    with pytest.raises(CaseError, match=r"events follow \(`stay`\)"):
        simulate(case)


@pytest.mark.parametrize(
    ("choice", "risks", "said"),
    [
        ("sue", [SOUTH_OUT], "there is no choice `sue`"),
        (None, [], "has no `risks:`, so there is nothing to draw"),
    ],
)
def test_what_cannot_be_simulated_is_said(choice: str | None, risks: list[Data], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        simulate(world(risks=risks), choice)
