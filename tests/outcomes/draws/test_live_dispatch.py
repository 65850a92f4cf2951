"""Simulations in which work goes where the gateway sends it: draws by hand, beside the least cost of the same draw."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying.replay import Replay
from detente.gateway.replaying.traffic import ReplayedCall
from detente.outcomes.baseline import Baseline
from detente.outcomes.draws.drawn import Drawn, SimulatedWorld
from detente.outcomes.draws.draws import Draw, Outage
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import SimulatedDraw, Simulation
from detente.planner.dispatch import Holdings
from detente.planner.study import Study
from detente.report.outcomes.simulation import how, opening
from detente.report.pages.simulation_page import render_simulation
from detente.values.micros import HOUR, micros
from detente.values.money import shown
from tests.builders import D, Data, agreement, build, compute, day, gpus, tokens, work
from tests.gateway.stage import deployment as deployed

STEADY = work(demand="1 Mtok per hour", value="10 USD per Mtok")
HOURS = 744
NEAR_SHARES = "8"
"""USD: shares of the plan are kept to 2% of what was served, here 7.44 of 372 Mtok, at 1 USD more or less each."""
SOUTH_OUT: Data = {
    "id": "south", "kind": "outage", "of": {"provider": "south"}, "per-year": 60, "lasting": ["3 hours", "9 hours"]
}  # fmt: skip
HALF = Outage("south", 100.0, 372.0)
"""South is out for half of January."""
FLOOR: Data = {
    "id": "floor", "kind": "minimum-commitment", "amount": "558 USD", "windows": {"every": "term"},
    "shortfall": {"fee": "50%"},
}  # fmt: skip
"""A quarter of the month's work at North: 186 Mtok at 3 USD."""


def deployment(name: str, offer: str) -> Data:
    return deployed(name, offer, "https://models.example")


BOTH = [deployment("south-live", "south-api"), deployment("north-live", "north-api")]


def world(*offers: Data, terms: tuple[Data, ...] = (), works: tuple[Data, ...] = (STEADY,), **head: Any) -> Case:
    """January: 1 Mtok an hour, worth 10 each; South takes 2, and both are deployed."""
    agreements = [agreement(*terms, party="north", ends="2026-02-01")] if terms else []
    some = [tokens("south", 2), *offers]
    served = [deployment(f"{offer['id']}-live", offer["id"]) for offer in some if offer["kind"] == "tokens"]
    return build(some, list(works), *agreements, months=1, **({"risks": [SOUTH_OUT], "deployments": served} | head))


def drawn(case: Case) -> Drawn:
    """What makes draws of a case."""
    study = Study.of(case)
    baseline = Baseline.of(study, 1e-9)
    assert isinstance(baseline, Baseline)
    return Drawn([SimulatedWorld("", D(1), case)], Holdings.of(study, baseline.found), baseline.plan)


def with_half_out(case: Case) -> SimulatedDraw:
    """The draw in which South is out for half of the time."""
    return drawn(case).made(Draw(0, 0, tuple(0 for r in case.declared.risks if r.kind != "outage"), (HALF,)))


def near(one: Decimal | None, other: Decimal, within: str = "0.001") -> bool:
    return one is not None and abs(one - other) < D(within)


# -- by hand -----------------------------------------------------------------------------------------------------------
def test_calls_go_on_elsewhere_while_one_of_two_providers_is_out_half_of_the_time() -> None:
    found = with_half_out(world(tokens("north", 3)))
    assert found.availability == {"chat": 1}
    assert near(found.cost, D(372 * 2 + 372 * 3))
    assert found.best is not None
    assert near(found.best.cost, D(372 * 2 + 372 * 3)), "nothing is left for a perfect dispatch to do better"


def test_a_floor_that_an_outage_fills_is_filled_once_more_by_who_does_not_know_of_it() -> None:
    """The plan keeps a quarter at North, by the floor. While South is out, North has all: twice what the floor asks.

    Who knows that puts nothing there in the other half: 372 x 3 + 372 x 2 = 1,860 USD. The gateway keeps the plan's
    quarter until then: 93 Mtok of the 372 cost 1 USD more.
    """
    found = with_half_out(world(tokens("north", 3), terms=(FLOOR,)))
    assert found.best is not None
    assert near(found.best.cost, D(1860))
    assert near(found.cost, D(1860 + 93), NEAR_SHARES)
    assert (found.fees, found.missed, found.availability) == (0, (), {"chat": 1})


def test_what_perfect_dispatch_hides_is_told() -> None:
    answer = simulate(world(tokens("north", 3), terms=(FLOOR,)), draws=3, processes=1, dispatch="live")
    assert isinstance(answer, Simulation)
    said = " ".join(opening(answer))
    assert "Dispatched by somebody who knows each draw, it would cost" in said
    assert "less on average" in said
    best = [each.best.cost for each in answer.draws if each.best is not None]
    more = sum((each.cost or D(0)) - cost for each, cost in zip(answer.draws, best, strict=True)) / 3
    assert f"would cost {shown(more, 'USD', 4)}" in said


def test_what_finds_no_room_where_calls_are_sent_is_lost() -> None:
    """North has room for 0.4 Mtok an hour: 0.6 of each hour in which South is out are lost, 10 USD each."""
    found = with_half_out(world(tokens("north", 3, capacity="0.4 Mtok per hour")))
    assert near(found.availability["chat"], 1 - D("0.6") / 2)
    assert near(found.cost, D(372) * 2 + D("0.4") * 372 * 3 + D("0.6") * 372 * 10)


def test_units_by_the_hour_are_those_that_the_plan_rents() -> None:
    """The gateway has no more of them than were planned: none here. A perfect dispatch rents them on the day."""
    spare = {
        "id": "north-ptu", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m",
        "throughput": "1 Mtok per hour", "output-ratio": 1, "price": "3 USD per unit-hour",
    }  # fmt: skip
    case = world(spare, deployments=[deployment("south-live", "south-api"), deployment("north-live", "north-ptu")])
    found = with_half_out(case)
    assert near(found.availability["chat"], D("0.5"))
    assert near(found.cost, D(372 * 2 + 372 * 10))
    assert found.best is not None
    assert (found.best.availability, near(found.best.cost, D(372 * 5))) == ({"chat": 1}, True)


def test_what_a_clause_denies_is_no_way_to_go_on() -> None:
    only = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
    deal = agreement(only, party="south", ends="2026-02-01")
    case = build(
        [tokens("south", 2), tokens("north", 3)], [STEADY], deal, months=1, risks=[SOUTH_OUT],
        deployments=[deployment("south-live", "south-api"), deployment("north-live", "north-api")],
    )  # fmt: skip
    found = with_half_out(case)
    assert near(found.availability["chat"], D("0.5"))


def test_a_part_of_calls_that_fail_is_asked_elsewhere() -> None:
    """A quarter of South is out: so much of its calls is answered by North, and with none to ask it is lost."""
    partly = SOUTH_OUT | {"part": "25%"}
    found = with_half_out(world(tokens("north", 3), risks=[partly]))
    assert found.availability == {"chat": 1}
    assert near(found.cost, D(744 * 2 + 93))
    assert near(with_half_out(world(risks=[partly])).availability["chat"], 1 - D("0.25") / 2)


def test_a_share_that_calls_cannot_keep_while_a_provider_is_out_is_named() -> None:
    """South must have 60% of the month, and is out for half of it: at most 50% can be there, whoever dispatches."""
    share = {"id": "most", "kind": "share", "of": {"workload": "chat"}, "at-least": "60%", "windows": {"every": "term"}}
    deal = agreement(share, party="south", ends="2026-02-01")
    case = build(
        [tokens("south", 2), tokens("north", 3)], [STEADY], deal, months=1, risks=[SOUTH_OUT],
        deployments=[deployment("south-live", "south-api"), deployment("north-live", "north-api")],
    )  # fmt: skip
    found = with_half_out(case)
    assert found.missed == ("most",)
    assert near(found.cost, D(372 * 5))
    assert found.best is not None
    assert near(found.best.cost, D(372 * 2 + 248 * 3 + 124 * 10)), "it can be kept by serving less"


def test_what_can_wait_is_dispatched_around_the_calls() -> None:
    """A batch runs where there is room left: half of it at South, which is there for half of the month."""
    batch = work("night", demand="1 Mtok per hour", kind="batch", within="1 months", value="9 USD per Mtok")
    case = world(tokens("north", 3), works=(STEADY, batch), deployments=[
        deployment("south-live", "south-api"), deployment("north-live", "north-api")
    ])  # fmt: skip
    found = with_half_out(case)
    assert found.availability == {"chat": 1, "night": 1}
    assert near(found.cost, D(372 * 5 * 2))


# -- against other ways to the same ------------------------------------------------------------------------------------
def test_in_calm_it_costs_what_replayed_calls_cost() -> None:
    """The program, with the work where calls went, comes to what the replay's own books say of such calls."""
    case = world(tokens("north", 3), terms=(FLOOR,))
    maker = drawn(case)
    calm = maker.made(Draw(0, 0, (), ()))
    assert maker.followed is not None
    start = micros(day("2026-01-01"))
    calls = [ReplayedCall(start + n * HOUR, "chat", 500, 0, 500, 6000) for n in range(0, HOURS, 6)]
    replayed = Replay(Policy.of(case, maker.followed)).run(calls, day("2026-02-01"))
    assert calm.cost is not None
    assert calm.best is not None
    assert calm.best.cost == 558 + 558 * 2
    assert near(calm.cost, replayed.total, "15")
    assert near(calm.cost, calm.best.cost, "15"), "2% of 744 Mtok"


def test_no_order_costs_less_than_the_least_cost() -> None:
    limited = tokens("north", 3, capacity="0.7 Mtok per hour")
    level = {"id": "level", "kind": "demand", "least": "-40%", "likeliest": "0%", "most": "60%"}
    case = world(limited, tokens("east", 4, capacity="0.2 Mtok per hour"), terms=(FLOOR,), risks=[SOUTH_OUT, level])
    answer = simulate(case, draws=12, processes=1, gap=1e-9, dispatch="live")
    assert isinstance(answer, Simulation)
    assert answer.dispatch == "live"
    for each in answer.draws:
        assert each.cost is not None
        assert each.best is not None
        assert each.cost >= each.best.cost - D("0.01")
        assert each.availability["chat"] <= each.best.availability["chat"] + D("1e-6")
    plain = simulate(case, draws=12, processes=1, gap=1e-9)
    assert isinstance(plain, Simulation)
    best = [each.best.cost for each in answer.draws if each.best is not None]
    assert best == pytest.approx([each.cost for each in plain.draws], abs=D("0.001"))


def test_processes_find_the_same_and_a_run_goes_on() -> None:
    case = world(tokens("north", 3, capacity="0.4 Mtok per hour"))
    here = simulate(case, draws=12, processes=1, dispatch="live")
    assert isinstance(here, Simulation)
    assert simulate(case, draws=12, processes=2, dispatch="live") == here
    fewer = simulate(case, draws=3, processes=1, dispatch="live")
    assert isinstance(fewer, Simulation)
    assert simulate(case, draws=12, processes=1, dispatch="live", before=fewer) == here
    other = simulate(case, draws=3, processes=1)
    assert isinstance(other, Simulation)
    assert simulate(case, draws=12, processes=1, dispatch="live", before=other) == here, "draws of another dispatch"


# -- mistakes ----------------------------------------------------------------------------------------------------------
def test_a_case_without_deployments_has_nobody_to_choose_from() -> None:
    case = world(tokens("north", 3), deployments=[])
    with pytest.raises(CaseError, match="no deployment serves an inference workload of the case"):
        simulate(case, dispatch="live")
    training = build([gpus("south", 2)], [compute()], months=1, risks=[SOUTH_OUT])
    with pytest.raises(CaseError, match="no deployment serves"):
        simulate(training, dispatch="live")
    hours = build([gpus("south", 2)], [compute(kind="inference")], months=1, risks=[SOUTH_OUT])
    with pytest.raises(CaseError, match=r"work in GPU-hours is no calls, and reaches no gateway \(`research`\)"):
        simulate(hours, dispatch="live")


# -- who sends it ------------------------------------------------------------------------------------------------------
def test_work_that_no_gateway_sends_is_dispatched_at_the_least_cost_and_named() -> None:
    """Beside the calls: 2 GPU of inference on East, which is out half of the time; the gateway knows nothing of it."""
    hours = compute("research", demand="2 GPU", value="50 USD per GPU-hour", kind="inference")
    other = work("other", demand="1 Mtok per hour", value="10 USD per Mtok", **{"runs-on": {"models": ["else"]}})
    sold = tokens("north", 3, model="else") | {"id": "north-else"}
    case = world(tokens("north", 3), sold, gpus("east", 2), works=(STEADY, other, hours), deployments=BOTH)
    found = with_half_out(case)
    assert (found.availability, found.missed) == ({"chat": 1, "other": 1, "research": 1}, ())
    assert near(found.cost, D(372 * 2 + 372 * 3 + HOURS * 3 + HOURS * 2 * 2))
    answer = simulate(case, draws=2, processes=1, dispatch="live")
    assert isinstance(answer, Simulation)
    assert answer.senders == {"chat": "gateway", "other": "no-deployment", "research": "no-calls"}
    assert how(answer).endswith(
        "Sent so: `chat`. Dispatched around that at the least cost, since no deployment serves it: `other`. "
        "Dispatched so too, since GPU-hours are no calls: `research`."
    )
    assert "<code" in render_simulation(answer).partition("Sent so: ")[2][:10]
