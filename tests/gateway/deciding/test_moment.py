"""What holds of a policy until the next turn, remembered. When it ends, and its prices: ``test_policy``."""

from __future__ import annotations

from detente.case.case import Case
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.live.request import Request
from tests.builders import agreement, day, solved
from tests.gateway.stage import case_data

BASES = dict.fromkeys(("south", "north"), "http://a.example")
QUARTER = {"id": "part", "kind": "share", "at-least": "25%", "from": "2026-02-01"}
JANUARY, FEBRUARY = day("2026-01-31").replace(hour=23, minute=59), day("2026-02-01")


def test_shares_are_those_of_its_own_period_of_the_plan() -> None:
    case = Case.of(case_data(BASES, agreement(QUARTER)))
    policy = Policy.of(case, solved(case))
    before, after = Moment(policy, JANUARY), Moment(policy, FEBRUARY)
    assert before.until == FEBRUARY
    assert before.period != after.period
    assert before.shares("chat") == {"south-api": 1.0}
    assert after.shares("chat") == {"south-api": 0.75, "north-api": 0.25}
    assert after.shares("nobody") == {}
    unplanned = Moment(Policy.of(case), FEBRUARY)
    assert (unplanned.period, unplanned.shares("chat")) == (None, {})


def test_requests_that_differ_in_anything_are_judged_each_for_itself() -> None:
    only = {"id": "only", "kind": "exclusivity", "of": {"team": "sales"}}
    moment = Moment(Policy.of(Case.of(case_data(BASES, agreement(only)))), FEBRUARY)
    sales = Request("chat", "inference", (("team", "sales"),), "m")
    others = [
        sales._replace(labels=(("team", "support"),)),
        sales._replace(needs=frozenset({"tools"})),
        sales._replace(operation="embeddings"),
        sales._replace(pinned="south-m"),
        sales._replace(model="n"),
    ]
    first = moment.admission(sales)
    assert [c.deployed.id for c in first.permitted] == ["north-m"]
    assert moment.admission(sales._replace()) is first
    found = [moment.admission(other) for other in others]
    assert len({id(f) for f in (first, *found)}) == 1 + len(others)
    permitted = [[c.deployed.id for c in f.permitted] for f in found]
    assert permitted == [["south-m", "north-m"], ["north-m"], [], [], []]


def test_the_order_is_of_prices_after_the_discounts_of_the_moment() -> None:
    # North costs 3 USD per Mtok and South 2; from February on a discount makes North's 1.80
    off = {"id": "off", "kind": "discount", "off": "40%", "from": "2026-02-01"}
    policy = Policy.of(Case.of(case_data(BASES, agreement(off))))
    chat = policy.workloads["chat"]
    before, after = Moment(policy, JANUARY).prices(chat), Moment(policy, FEBRUARY).prices(chat)
    assert before["south-m"] < before["north-m"]
    assert after["north-m"] < after["south-m"] == before["south-m"]
    assert after["north-m"] * 10 == before["north-m"] * 6
