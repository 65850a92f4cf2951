"""A plan sends no crumbs of a workload elsewhere where that saves next to nothing."""

from __future__ import annotations

import pytest
from hypothesis import given

from detente.case.case import Case
from detente.planner import carried_out
from detente.planner.solve import plan
from detente.planner.solving.crumbs import CRUMBS
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, gpus, placed, solved, tokens, work
from tests.drawing import drawing
from tests.drawn_cases import cases

SOUTH = tokens("south", 3)
PART = {"id": "part", "kind": "share", "at-least": "0.05%"}


def found(case: Case) -> Plan:
    """To the default gap: a plan to no gap at all is as cheap as can be."""
    planned = plan(case)
    assert isinstance(planned, Plan)
    return planned


HOURS = 744  # of January


def north(price: str, **more: object) -> Data:
    """An offer with room for 0.05% of a thousand Mtok an hour: 372 Mtok in January."""
    return tokens("north", price, capacity="0.5 Mtok per hour", **more)


def hourly(name: str = "chat") -> Data:
    return work(name, demand="1000 Mtok per hour")


def test_a_crumb_that_saves_next_to_nothing_stays_with_the_rest() -> None:
    """At 2.999 in place of 3 USD it saves 0.372 of 2.232 M USD."""
    case = build([SOUTH, north("2.999")], [hourly()], months=1)
    whole = found(case)
    assert placed(whole) == {"south-api": D(1000 * HOURS)}
    assert (whole.cost, whole.status) == (3000 * HOURS, "optimal")
    exact = solved(case)
    assert placed(exact) == {"south-api": D("999.5") * HOURS, "north-api": D(372)}
    assert exact.cost == 3000 * HOURS - D("0.372")
    assert whole.bound <= exact.cost


def test_a_crumb_that_saves_more_is_sent() -> None:
    """At 2 USD it saves 372 USD."""
    assert placed(found(build([SOUTH, north("2")], [hourly()], months=1)))["north-api"] == D(372)


def test_a_crumb_that_a_clause_asks_for_is_sent() -> None:
    case = build([SOUTH, tokens("north", "3.001")], [hourly()], agreement(PART), months=1)
    assert placed(found(case))["north-api"] == pytest.approx(D(372), rel=D("1e-6"))


def test_a_crumb_for_which_there_is_no_room_elsewhere_is_sent() -> None:
    offers = [tokens("south", 3, capacity="999.5 Mtok per hour"), tokens("north", "3.001")]
    assert placed(found(build(offers, [hourly()], months=1)))["north-api"] == D(372)


def test_the_small_ones_go_where_all_cannot() -> None:
    """Two workloads: a crumb of a few millionths that saves nothing, and one of 0.05% for which there is no room."""
    offers = [
        tokens("south", 3, capacity="1999.5 Mtok per hour"),
        tokens("north", "3.001"),
        tokens("north", "2.999", id="tiny", capacity="0.005 Mtok per hour"),
    ]
    assert CRUMBS[1] > 0.005 / 1000
    on = placed(found(build(offers, [hourly(), hourly("other")], months=1)))
    assert "tiny" not in on
    assert on["north-api"] == D(372)


def test_no_unit_is_bought_for_a_crumb_alone() -> None:
    """Ten GPUs for 730 hours; what a single spot unit would take of them for less is not worth a place of its own."""
    spot = gpus("north", "1.999", capacity="1 GPU", **{"from": "2026-01-01", "until": "2026-01-02"})
    case = build([gpus("south", 2), spot], [compute(demand="10 GPU")], months=12)
    assert placed(found(case)) == {"south-gpus": D(10 * 8760)}


@drawing(25)
@given(case=cases())
def test_without_crumbs_a_plan_costs_about_as_much_and_has_as_good_a_bound(case: Case) -> None:
    swept = plan(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carried_out, "CRUMBS", ())
        plain = plan(case)
    if not isinstance(swept, Plan) or not isinstance(plain, Plan):
        assert type(swept) is type(plain)
        return
    assert float(swept.cost - plain.cost) <= 2 * carried_out.LITTLE_COST * abs(float(plain.cost)) + 1e-4
    assert swept.bound <= swept.cost
    assert swept.status == plain.status or swept.status == "optimal"
    assert len(placed(swept)) <= len(placed(plain))
