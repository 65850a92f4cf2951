"""Facts of a conflict are true: each that cures it alone does so in the case, with the clauses that collide."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.planner.check import check
from tests.builders import Data, agreement, compute, data_of, gpus, tokens, work
from tests.drawing import drawing
from tests.terms.drawn import Draw, pick

X_ONLY: Data = {"scope": {"labels": {"a": ["x"]}}}


def _more(draw: Draw, *each: Data) -> Data:
    """Some of these, each in one of three."""
    return {key: value for one in each if pick(draw, True, False, False) for key, value in one.items()}


def _offer(draw: Draw, provider: str, index: int, *, by_token: bool) -> Data:
    ends = {"until": pick(draw, "2026-02-01", "2026-03-01")}
    price, named = pick(draw, 1, 2, 3, 5), {"id": f"{provider}-{index}"}
    if by_token:
        return tokens(provider, price, **named, **_more(draw, {"capacity": f"{pick(draw, 1, 2)} Mtok per hour"}, ends))
    room, month = {"capacity": f"{pick(draw, 2, 4, 8, 16)} GPU"}, {"buy": "reserved", "term": "1 month"}
    return gpus(provider, price, **named, **_more(draw, room, {"unit": 2}, ends, month))


def _workload(draw: Draw, name: str, *, by_token: bool) -> Data:
    more: Data = {"labels": {"a": pick(draw, "x", "y")}} | _more(draw, {"moving": {"stays": "2 months"}})
    more |= _more(
        draw, {"survives": "60%"} | pick(draw, {}, {"value": f"4 USD per {'Mtok' if by_token else 'GPU-hour'}"})
    )
    if by_token:
        return work(name, f"{pick(draw, 500, 1000, 2500)} Mtok per month", **more)
    if pick(draw, True, False, False):
        job = {"id": name, "kind": "training", "work": f"{pick(draw, 1, 3, 9)} k GPU-hour", "labels": more["labels"]}
        job |= {"deadline": pick(draw, "2026-02-01", "2026-03-01"), "runs-on": {"accelerators": {"H100": 1}}}
        return job | _more(draw, {"gang": f"{pick(draw, 4, 8)} GPU"})
    return compute(name, f"{pick(draw, 2, 5, 10)} GPU", **more)


def _clause(draw: Draw, name: str) -> Data:
    amount = f"{pick(draw, 2, 5, 10, 20, 40)} k USD"
    floor: Data = {"id": name, "kind": "minimum-commitment", "amount": amount, "shortfall": "forbidden"}
    milestone = {"by": "2026-02-01", "reach": amount}
    found: Data = pick(
        draw,
        floor | pick(draw, {}, X_ONLY, {"windows": {"every": "month"}}),
        floor | {"windows": {"every": "month"}, "moment": "invoice"},
        floor | {"measure": "after-credits"},
        {"id": name, "kind": "credit", "amount": amount},
        {"id": name, "kind": "minimum-commitment", "amount": "100 k USD", "milestones": [milestone]},
        {"id": name, "kind": "spending-cap", "amount": amount},
        {"id": name, "kind": "exclusivity"} | pick(draw, {}, X_ONLY),
        {"id": name, "kind": "share", "at-least": pick(draw, "30%", "100%")},
    )
    return found


@st.composite
def conflicting(draw: Draw) -> Data:
    """Three months of one to three workloads on a few offers, under one to three clauses, many of which collide."""
    by_token = draw(st.booleans())
    places = [(provider, index) for provider in ("north", "south") for index in range(pick(draw, 1, 1, 2))]
    offers = [_offer(draw, *place, by_token=by_token) for place in places]
    workloads = [_workload(draw, f"w{i}", by_token=by_token) for i in range(pick(draw, 1, 2, 3))]
    clauses = [(pick(draw, "north", "north", "south"), _clause(draw, f"t{i}")) for i in range(pick(draw, 1, 2, 3))]
    by_party = {party: [clause for of, clause in clauses if of == party] for party, _ in clauses}
    agreements = [agreement(*terms, party=party) for party, terms in by_party.items()]
    return data_of(offers, workloads, *agreements, months=3)


def _too_little() -> Data:
    """Two offers for one work: without its demand each was taken to do all of it, and the floor was "cured"."""
    offers = [gpus("north", 3, id="north-0", unit=8), gpus("north", 2, id="north-1", unit=8)]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "40 k USD", "shortfall": "forbidden"}
    return data_of(offers, [compute(demand="5 GPU")], agreement(floor), months=3)


def _priced_where_closed() -> Data:
    """What ends in March was taken to cost nothing then: 6,000 of 8,000 USD in all, and at its price 9,000."""
    offers = [tokens("north", 3, id="north-0", until="2026-03-01"), tokens("north", 9, id="north-1")]
    clauses = agreement(
        {"id": "only", "kind": "exclusivity"}, {"id": "cap", "kind": "spending-cap", "amount": "8 k USD"}
    )
    return data_of([*offers, tokens("south", 2, id="south-0")], [work()], clauses, months=3)


def _value(workload: Data) -> str:
    return "1 USD per Mtok" if "models" in workload["runs-on"] else "1 USD per GPU-hour"


def _written(case: Data, fact: str) -> list[Data]:
    """The case without a fact that is told to cure a conflict, with more and more work of one; none of another kind."""
    case = copy.deepcopy(case)
    named = {each["id"]: each for each in (*case["workloads"], *case["offers"])}
    about = named.get(fact.split("`")[1], {})
    if "there is no more of it" in fact:
        return [_with_more(case, about["id"], times) for times in MORE]
    if "`, so it cannot go unserved" in fact:
        about["value"] = _value(about)
    elif re.search("has no more capacity|is not on offer", fact):
        if "has no more capacity" in fact:
            del about["capacity"]
        if "is not on offer" in fact:
            del about["until"]
    elif "runs as a whole gang" in fact:
        del about["gang"]
    elif "`moving: stays`" in fact:
        del about["moving"]
    elif "with `idle: allowed`" in fact:
        case["idle"] = "allowed"
    elif "with `moment: use`" in fact:
        terms = [term for each in case["agreements"] for term in each["terms"]]
        next(term for term in terms if term["id"] == fact.split("`")[1])["moment"] = "use"
    else:
        return []
    return [case]


MORE = (2, 5, 12, 40, 101)
"""Times the work that there is: which of them is enough is not told, and some may be too much for another clause."""


def _with_more(case: Data, name: str, times: int) -> Data:
    case = copy.deepcopy(case)
    about = next(each for each in case["workloads"] if each["id"] == name)
    key = "work" if "work" in about else "demand"
    amount, _, rest = about[key].partition(" ")
    about[key] = f"{int(amount) * times} {rest}"
    return case


def _together(case: Data, facts: Sequence[str]) -> list[Data]:
    """The case without any of some facts."""
    cases = [case]
    for fact in facts:
        cases = [written for each in cases for written in _written(each, fact)]
    return cases


def _without_others(workload: Data, colliding: Collection[str]) -> Data:
    """Its `survives` is a clause, too."""
    return {k: v for k, v in workload.items() if k != "survives" or f"{workload['id']}.survives" in colliding}


@drawing(50)
@given(conflicting())
@example(_too_little())
@example(_priced_where_closed())
def test_each_fact_that_cures_a_conflict_does_so_in_the_case(data: Data) -> None:
    """Of the clauses that collide alone: others may be in conflicts of their own."""
    try:
        found = check(Case.of(copy.deepcopy(data))).conflict
    except CaseError:
        return  # drawn with a mistake in it: a clause that selects nothing
    if found is None:
        return
    colliding = {clash.term for clash in found.clauses}
    alone = [each | {"terms": [t for t in each["terms"] if t["id"] in colliding]} for each in data["agreements"]]
    data = data | {"agreements": [each for each in alone if each["terms"]]}
    data = data | {"workloads": [_without_others(each, colliding) for each in data["workloads"]]}
    assert check(Case.of(copy.deepcopy(data))).answer == "no"
    sized = [fact for fact in found.facts if "in all)" in fact]  # they may do so only together, or only collide
    for fact in found.facts:
        if "must be served" in fact and fact in sized:
            return
    for fact in found.facts:
        tried = [*_written(data, fact), *(_together(data, sized) if fact in sized else ())]
        assert not tried or any(check(Case.of(each)).answer == "yes" for each in tried), fact
