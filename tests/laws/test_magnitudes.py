"""Numbers tiny beside huge: whatever the magnitudes, bill and plan agree and the bound is at most the cost.

A plan is billed outside the solver, and held against the solver's cost and bound as it is made: a difference beyond
rounding raises. So the law is that a case of any magnitudes has a plan.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, placed, solved, tokens, work

HOURS = 744
"""Of January."""


def magnitudes(low: int, high: int) -> st.SearchStrategy[str]:
    """Numbers of any magnitude between two powers of ten."""
    parts = st.tuples(st.integers(100, 999), st.integers(low, high - 1))
    return parts.map(lambda part: f"{Decimal(part[0]).scaleb(part[1] - 2):f}")


@st.composite
def worlds(draw: Any) -> Data:
    """Works from a token a day to 1e12, prices from 1e-6 to 1e6, on tokens and on GPUs."""
    prices = magnitudes(-6, 6)
    offers = [tokens("north", draw(prices)), gpus("south", draw(prices), unit=draw(st.sampled_from([1, 8])))]
    chats = [work(f"w{i}", f"{draw(st.integers(0, 11).map(lambda e: 10**e))} tok per day") for i in range(2)]
    for chat in chats:
        rate = draw(st.none() | magnitudes(-3, 4))
        chat["runs-on"] = {"models": ["m"], **({"accelerators": {"H100": f"{rate} Mtok per GPU-hour"}} if rate else {})}
        chat |= draw(st.sampled_from([{}, {}, {"value": f"{draw(magnitudes(-6, 8))} USD per Mtok"}]))
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": f"{draw(magnitudes(-3, 8))} USD"}
    deals = draw(st.sampled_from([[], [agreement(floor)]]))
    return data_of(offers, [*chats, compute(demand=f"{draw(magnitudes(-4, 6))} GPU")], *deals, months=2)


@settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_bill_and_plan_agree_and_the_bound_is_below(data: Data) -> None:
    too_much = mistakes(data)
    assert all("more than a plan can" in message for message in too_much)
    assume(not too_much)
    found = solved(Case.of(data), gap=0.01)
    assert isinstance(found, Plan)
    assert found.bound <= found.cost


@pytest.mark.parametrize("tokens_a_day", [1, 2, 50, 200, 10**6])
def test_a_little_work_has_a_unit(tokens_a_day: int) -> None:
    chat = work(demand=f"{tokens_a_day} tok per day")
    chat["runs-on"] = {"accelerators": {"H100": "9.5 Mtok per GPU-hour"}}
    found = solved(build([gpus("north", 2)], [chat], months=1))
    assert (found.cost, placed(found)) == (D(2 * HOURS), {"north-gpus": D(31 * tokens_a_day) / 10**6})


def test_a_little_work_beside_a_million_gpus() -> None:
    chat = work(demand="1 tok per day")
    chat["runs-on"] = {"accelerators": {"H100": "9.5 Mtok per GPU-hour"}}
    found = solved(build([gpus("north", 2), gpus("south", 3)], [chat, compute(demand="1000000 GPU")], months=1))
    # one more unit for the token, or room for it in the million: it is a part in 10^14 of them
    assert found.cost in {D(2 * HOURS) * 1_000_000, D(2 * HOURS) * 1_000_001}
    assert placed(found, "chat") == {"north-gpus": D("0.000031")}


def test_a_token_of_a_price_of_its_own() -> None:
    # a token costs 0.50 at North, and a floor of 16.30 asks for 32.6 of them: 32 or 33 are whole
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "16.30 USD"}
    offers = [tokens("north", 500_000), tokens("south", 1000)]
    found = solved(build(offers, [work(demand="40 tok per day")], agreement(floor), months=1))
    assert placed(found)["north-api"] in {D("0.000032"), D("0.000033")}
    assert found.bound <= found.cost <= found.bound + D("0.5")


MANY = "1" + "0" * 12


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"value": f"{MANY} USD per Mtok"}, "the value of `chat` comes to 6e+15 USD in all"),
        ({"revenue": f"{MANY} USD per Mtok"}, "the revenue of `chat` comes to 6e+15 USD in all"),
        ({"data": {"at": "south/texas", "moves": f"{MANY} GB per Mtok"}}, "`chat` moves 6e+15 GB in all"),
        (
            {"data": {"at": "south/texas", "moves": "1000000000 GB per Mtok"}},
            "`chat` moves 6e+12 GB in all, for 6e+15 USD",
        ),
    ],
)
def test_too_much_is_said_at_its_place(more: Data, message: str) -> None:
    networks = [{"from": "*", "to": "*", "price": "1000 USD per GB"}]
    (only,) = mistakes(data_of([tokens("north", 3)], [work(**more)], networks=networks))
    assert only.startswith(message)
    assert "more than a plan can add up (1e+15); check the number" in only


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ({"add": {"offers": [tokens("south", 10**12)]}}, "`chat` would cost 6e+15 USD on `south-api`"),
        ({"change": [{"offer": "north-api", "price.input": f"{MANY} USD per Mtok"}]}, "`chat` would cost 6e+15 USD on"),
        ({"change": [{"workload": "chat", "value": f"{MANY} USD per Mtok"}]}, "the value of `chat` comes to 6e+15 USD"),
        (
            {"add": {"networks": [{"from": "south/texas", "to": "north/dublin", "price": f"{MANY} USD per GB"}]}},
            "`chat` moves 6e+03 GB in all, for 6e+15 USD",
        ),
    ],
)
def test_what_a_scenario_adds_or_changes_is_held_against_the_same_limit(scenario: Data, message: str) -> None:
    chat = work(data={"at": "south/texas", "moves": "1 GB per Mtok"})
    network = {"from": "*", "to": "*", "price": "0.01 USD per GB"}
    data = data_of([tokens("north", 3)], [chat], networks=[network], scenarios=[{"id": "s", **scenario}])
    (only,) = mistakes(data)
    assert only.startswith("in the scenario `s`, " + message)
