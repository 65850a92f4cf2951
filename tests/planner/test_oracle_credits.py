"""Credits that meet, and commitments that count what they leave, against the independent formulation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import EXACT, Data, agreement, data_of, tokens, work
from tests.drawing import drawing
from tests.planner.oracle.oracle import Oracle
from tests.terms.drawn import Draw, pick

SCOPES: tuple[Data, ...] = ({}, {}, {"offer": "north-api"}, {"workload": "chat"}, {"tier": "gold"})


def credit(draw: Draw, name: str) -> Data:
    """A pool or a rate, in windows of any kind, for some of the time."""
    of = pick(draw, *SCOPES)
    found: Data = {"id": name, "kind": "credit"} | ({"of": of} if of else {})
    rate, amounts = pick(draw, "100%", "100%", "60%"), ("290 USD", "700 USD", "1900 USD")
    found |= (
        {"rate": rate, "amount": pick(draw, *amounts)} if rate == "100%" or pick(draw, True, False) else {"rate": rate}
    )
    every = pick(draw, "term", "term", "month", "week", "quarter")
    found["windows"] = {"every": every, "cut": "prorate"}
    when: Data = pick(draw, {}, {"from": "2026-01-11"}, {"until": "2026-02-01"}, {"until": "2026-02-10"})
    return found | when


@st.composite
def worlds(draw: Draw) -> Data:
    """Two offers of North's and one of South's, three workloads, of which one has a choice, and clauses with North."""
    offers = [
        tokens("north", "1.01"),
        tokens("north", "1.13", id="other", model="n"),
        tokens("south", "0.4", model="s"),
    ]
    on = [{"runs-on": {"models": each}} for each in (["m"], ["n"], pick(draw, ["m", "s"], ["n", "s"], ["m", "n", "s"]))]
    loads = [
        work(f"own-{k}", f"{pick(draw, 230, 410, 620)} Mtok per month", labels={"tier": pick(draw, "gold", "basic")})
        for k in range(2)
    ]
    loads.append(work("chat", f"{pick(draw, 310, 550)} Mtok per month", labels={"tier": "gold"}))
    terms = [credit(draw, f"credit-{n}") for n in range(pick(draw, 1, 2, 2, 3))]
    if len(terms) == 1 or pick(draw, False, False, True):
        of = pick(draw, *SCOPES)
        windows = {"every": pick(draw, "month", "term"), "cut": "prorate"}
        windows |= pick(draw, {}, {"starts": "2026-01-10"})
        floor = {"id": "floor", "kind": "minimum-commitment", "amount": pick(draw, "600 USD", "1500 USD")}
        terms.append(floor | {"measure": "after-credits", "windows": windows} | ({"of": of} if of else {}))
    loads = [load | where for load, where in zip(loads, on, strict=True)]
    return data_of(offers, loads, agreement(*terms), months=2)


@drawing(20)
@given(data=worlds())
def test_credits_that_meet(data: Any) -> None:
    try:
        case = Case.of(data)
    except CaseError:
        assume(False)
        raise
    expected, found = Oracle(case).solve(), plan(case, gap=EXACT)
    assert isinstance(found, Plan)
    assert expected is not None
    assert float(found.cost) == pytest.approx(expected, rel=2e-5, abs=1e-3)
