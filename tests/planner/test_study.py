"""A study: what it says of a case near its own is what a fresh plan of that case says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.decisions import Rounding
from detente.contract.roles import PriceChange
from detente.errors import CaseError
from detente.planner import open_program as module
from detente.planner.check import check
from detente.planner.conflict import find_conflict
from detente.planner.formulation.expression import Expr
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.owner import Owner
from detente.planner.open_program import Absence
from detente.planner.solve import plan
from detente.planner.solving import search as searching
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.model import Model
from detente.planner.solving.search import search
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import EXACT, D, Data, agreement, build, compute, day, gpus, tokens, two_clouds, work
from tests.drawing import drawing
from tests.drawn_cases import cases, worlds
from tests.terms.drawn import SHAPING_KINDS

OWN = Owner("term", "own", day("2026-01-01"))
"""Of what no clause of the case adds."""

few = drawing(3)
every_kind = pytest.mark.parametrize("kind", SHAPING_KINDS)
CENT = Decimal("0.01")
NORTH_ONLY = [tokens("north", 2)]


def planned(study: Study) -> Plan | None:
    """The plan of a study; None where there is none."""
    found = study.solve(EXACT)
    return study.plan(found, EXACT) if isinstance(found, Incumbent) else None


def agree(one: Plan | None, other: Plan | Conflict) -> bool:
    """Whether both cost the same within what either may be off, neither bound lies above the other's cost."""
    if one is None or isinstance(other, Conflict):
        return one is None and isinstance(other, Conflict)
    room = CENT + abs(other.cost) * Decimal("1e-6")
    near = abs(one.cost - other.cost) <= room + max(one.cost - one.bound, other.cost - other.bound)
    return near and one.bound <= other.cost + room and other.bound <= one.cost + room


# -- without a clause ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("clause", "whole", "left"),
    [
        # 12 months of 1000 Mtok at 2 USD; a fifth of 0.50 USD of revenue per Mtok
        ({"kind": "revenue-share", "rate": "20%"}, 25_200, 24_000),
        ({"kind": "discount", "off": "25%"}, 18_000, 24_000),
        # 30,000 USD of spend, or the missing 6,000 as a fee
        ({"kind": "minimum-commitment", "amount": "30000 USD", "windows": {"every": "term"}}, 30_000, 24_000),
        ({"kind": "credit", "amount": "100 USD", "windows": {"every": "month"}}, 22_800, 24_000),
    ],
)
def test_without_a_clause_its_money_is_gone(clause: Data, whole: int, left: int) -> None:
    earning = work(revenue="0.50 USD per Mtok")
    study = Study.of(build(NORTH_ONLY, [earning], agreement({"id": "it", **clause}), months=12))
    before, after, again = planned(study), planned(study.without(["it"])), planned(study)
    assert before is not None
    assert after is not None
    assert again is not None
    assert (before.cost, after.cost, again.cost) == (D(whole), D(left), D(whole))
    assert not after.postings
    assert not after.clauses


@every_kind
@few
@given(data=st.data())
def test_only_what_changes_prices_is_formulated_anew(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=2))
    study = Study.of(case)
    with mock.patch.object(module, "formulate", side_effect=AssertionError) as formulated:
        for term in case.terms:
            if not isinstance(term, PriceChange):
                study.without([term.id])
        formulated.assert_not_called()


def test_a_program_that_was_formulated_anew_is_kept() -> None:
    discount: Data = {"id": "off", "kind": "discount", "off": "25%"}
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 bn USD"}
    study = Study.of(two_clouds(discount, cap))
    study.without(["off"])
    with mock.patch.object(module, "formulate", side_effect=AssertionError):
        assert planned(study.without(["off", "cap"])) is not None
        assert planned(study.without(["off"])) is not None


def test_a_start_makes_answers_the_same_in_any_order() -> None:
    offers = [gpus("north", 2, unit=8), gpus("south", 3), gpus("east", 4, unit=2)]
    terms: list[Data] = [
        {"id": "cap", "kind": "spending-cap", "amount": "4000 USD", "windows": {"every": "month"}},
        {"id": "spread", "kind": "share", "at-most": "60%", "on": {"provider": "south"}},
    ]
    case = build(offers, [compute(demand="5.5 GPU")], agreement(*terms, party="south"), months=3)
    study = Study.of(case)
    first = study.solve(EXACT)
    assert isinstance(first, Incumbent)
    near = study.starting(first)
    names = [["cap"], ["spread"], ["cap", "spread"], []]
    forward = [planned(near.without(each)) for each in names]
    backward = [planned(near.without(each)) for each in reversed(names)]
    assert forward == backward[::-1]
    for each, found in zip(names, forward, strict=True):
        assert found is not None
        assert agree(found, plan(case.under(without=each), gap=EXACT))
        relaxed = near.without(each).bound()
        assert relaxed.bound <= float(found.cost) + 0.01


@pytest.mark.parametrize("ask", [plan, check])
def test_a_conflict_is_found_over_one_program(ask: Callable[[Case], object]) -> None:
    """Two that exclude each other, and a cap that is not part of it: the ways out are asked, and not formulated."""
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 bn USD"}
    north = agreement({"id": "to-north", "kind": "exclusivity"}, cap)
    south = agreement({"id": "to-south", "kind": "exclusivity"}, party="south")
    case = build([tokens("north", 3), tokens("south", 2)], [work()], north, south)
    with mock.patch.object(module, "formulate", wraps=formulate) as formulated:
        found = ask(case)
        conflict = found if isinstance(found, Conflict) else getattr(found, "conflict", None)
        assert isinstance(conflict, Conflict)
        assert {clash.term for clash in conflict.clauses} == {"to-north", "to-south"}
        assert len(conflict.relaxations) == 2
        formulated.assert_called_once()


# -- other numbers -----------------------------------------------------------------------------------------------
def varied(amount: object, **more: Any) -> Case:
    """A floor of spend at North, which is dearer by 1 USD per Mtok; half of what is missing is owed."""
    floor = {
        "id": "floor", "kind": "minimum-commitment", "amount": f"{amount} USD", "windows": {"every": "term"},
        "shortfall": {"fee": "50%"}, **more,
    }  # fmt: skip
    return two_clouds(floor)


def test_a_clause_with_other_numbers_is_shaped_beside_itself() -> None:
    study = Study.of(varied(6_000))
    with mock.patch.object(module, "formulate", side_effect=AssertionError):
        costs = [study.under(varied(amount)) for amount in (0.01, 9_000, 6_000, 18_000, 9_000)]
        found = [planned(each) for each in costs]
    # 6000 Mtok: of each 3 USD spent at North 1 is lost, and a missing 3 USD would cost 1.50
    assert [each and each.cost for each in found] == [
        pytest.approx(D(cost), abs=CENT) for cost in (12_000, 15_000, 14_000, 18_000, 15_000)
    ]
    assert all(each and not each.postings for each in found)
    assert len(study.program.shaped[Owner("term", "floor", day("2026-01-01"))]) == 3


def test_a_clause_that_comes_in_is_shaped_too() -> None:
    study = Study.of(two_clouds())
    with mock.patch.object(module, "formulate", side_effect=AssertionError):
        found = planned(study.under(varied(6_000)))
    assert found is not None
    assert found.cost == pytest.approx(D(14_000), abs=CENT)
    assert planned(study) is not None
    assert planned(study).cost == D(12_000)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "other",
    [
        two_clouds({"id": "stays", "kind": "residency", "within": ["US"]}),
        build([tokens("north", 1), tokens("south", 2)], [work()]),
        build([tokens("north", 3), tokens("south", 2)], [work(demand="2000 Mtok per month")]),
        build([tokens("north", 3), tokens("south", 2)], [work()], months=3),
    ],
)
def test_what_lies_further_off_is_formulated_anew(other: Case) -> None:
    study = Study.of(two_clouds({"id": "stays", "kind": "residency", "within": ["IE"]}))
    moved = study.under(other)
    assert moved.program is not study.program
    assert agree(planned(moved), plan(other, gap=EXACT))


def lowered(given: Any) -> Any:
    """The same with lower numbers: percentages and amounts of money."""
    if isinstance(given, dict):
        return {key: lowered(value) for key, value in given.items()}
    if isinstance(given, list):
        return [lowered(value) for value in given]
    number = re.fullmatch(r"([0-9.]+)(%| USD)", given) if isinstance(given, str) else None
    return f"{D(number[1]) * D('0.75')}{number[2]}" if number else given


@every_kind
@few
@given(data=st.data())
def test_what_lies_near_is_a_fresh_plan(kind: str, data: st.DataObject) -> None:
    """Without each clause, with other numbers, and as it was, asked of one study after the other."""
    world = data.draw(worlds(need=kind, most=2))
    one, other = read(world), read(world | {"agreements": lowered(world["agreements"])})
    assume(one is not None)
    assert one is not None
    study = Study.of(one)
    for term in one.terms:
        fresh = plan(one.under(without=[term.id]), gap=EXACT)
        assert agree(planned(study.without([term.id])), fresh), term.id
    if other is not None:
        assert agree(planned(study.under(other)), plan(other, gap=EXACT))
    assert agree(planned(study), plan(one, gap=EXACT))


def read(world: Data) -> Case | None:
    """A case; None where something is wrong with it."""
    try:
        return Case.of(world)
    except CaseError:
        return None


# -- a clause's own whole numbers --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rounding", "integer", "count", "cost"),
    [
        # 6 x 1000 Mtok at 2 USD; a lot is 2500 Mtok that cost 1 USD less each, for 1000 USD: 2.4 lots are useful
        ("up", False, 3, 12_000 - 6_000 + 3_000),
        ("down", False, 2, 12_000 - 5_000 + 2_000),
        ("nearest", False, 2, 12_000 - 5_000 + 2_000),
        ("down", True, 3, 12_000 - 6_000 + 3_000),  # found by search: no whole number is better, 9,000 to 9,000
    ],
)
def test_whole_numbers_of_a_clause(rounding: Rounding, integer: bool, count: int, cost: int) -> None:
    draft = formulate(build(NORTH_ONLY, [work()], agreement({"id": "lots", "kind": "discount", "off": "0.0001%"})))
    program = draft.program
    lots = program.columns(OWN, "lots", 1, cost=1000.0, upper=10.0, integer=integer, whole=True, rounding=rounding)
    cheap = program.columns(OWN, "cheap", 1, cost=-1.0, upper=6000.0)
    program.require(OWN, "within", Expr.of(cheap) - Expr.of(lots) * Fraction(2500) <= [0.0])
    model = Model(program)
    found = search(draft, model, EXACT, lambda text: None)
    assert isinstance(found, Incumbent)
    assert found.solution is not None
    assert found.solution.values is not None
    assert found.cost == pytest.approx(cost, abs=1)
    bought = float(found.solution.values[lots[0]])
    assert bought == pytest.approx(round(bought) if integer else count, abs=1e-6)
    model.turn(frozenset([OWN]))
    left = search(draft, model, EXACT, lambda text: None)
    assert isinstance(left, Incumbent)
    assert left.cost == pytest.approx(12_000, abs=1)


# -- the solver's doubts -----------------------------------------------------------------------------------------
def test_that_nothing_is_possible_is_proved() -> None:
    draft = formulate(two_clouds())
    program = draft.program
    program.require(OWN, "less", Expr.of(draft.x[0]) + Expr.of(draft.x[1]) <= np.full(draft.n, 900.0))
    model = Model(program)
    assert model.solve_linear().status == "infeasible"
    with mock.patch.object(model, "_proved", return_value=False):  # nor when it is looked at again
        model.objective(np.zeros(program.n))
        assert model.solve_linear().status == "infeasible"
    model.turn(frozenset([OWN]))
    model.objective(None)
    assert model.solve_linear().objective == pytest.approx(12_000)


CAP = Owner("term", "cap", day("2026-01-01"))


def _capped(amount: str) -> Case:
    """1000 Mtok a month, all of it North's for 3 USD, under a cap of North's."""
    cap = {"id": "cap", "kind": "spending-cap", "amount": amount, "windows": {"every": "month"}}
    deals = agreement(cap), agreement({"id": "only", "kind": "exclusivity"}, id="b")
    return build([tokens("north", 3), tokens("south", 2)], [work()], *deals)


def test_a_clause_of_other_numbers_is_left_out_and_gives_like_any_other() -> None:
    study = Study.of(_capped("100 k USD"))
    tight = study.under(_capped("500 USD"))
    assert not tight.possible()
    assert tight.relaxed([CAP]).possible()
    assert {clash.term for clash in find_conflict(tight).clauses} == {"cap", "only"}
    eased = Study.of(_capped("100 USD"))
    assert eased.softened([CAP]).possible()  # and what is shaped afterwards gives as well
    assert eased.under(_capped("500 USD")).softened([CAP]).possible()


def test_what_is_left_out_stays_out_of_each_variation() -> None:
    study = Study.of(_capped("500 USD")).relaxed([Owner("demand", "chat")])
    assert study.possible()
    assert study.without([]).possible()


# -- near ------------------------------------------------------------------------------------------------------------
def test_near_a_large_program_is_bounded_as_surely_as_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SMALL", 0)  # every program is large
    offers = [gpus("north", 3, unit=8), gpus("south", 2, unit=8, capacity="2 unit")]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "90 k USD", "windows": {"every": "term"}}
    case = build(offers, [compute(demand="21 GPU")], agreement(floor))
    study = Study.of(case)
    first = study.solve(EXACT)
    assert isinstance(first, Incumbent)
    for near in (study, study.without(["floor"])):
        quick, whole = near.starting(first).near(EXACT), near.solve(EXACT)
        assert isinstance(quick, Incumbent)
        assert isinstance(whole, Incumbent)
        assert quick.bound <= whole.cost + 1e-6
        assert whole.bound <= quick.cost + 1e-6
        assert near.plan(quick).cost >= near.plan(whole).cost


def test_near_what_has_no_plan_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SMALL", 0)
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "windows": {"every": "term"}}
    study = Study.of(two_clouds(floor))
    first = study.solve(EXACT)
    assert isinstance(first, Incumbent)
    impossible = two_clouds(floor | {"amount": "90 k USD", "shortfall": "forbidden"})
    assert not isinstance(study.starting(first).under(impossible).near(EXACT), Incumbent)


# -- without a provider ----------------------------------------------------------------------------------------------
@few
@given(data=st.data())
def test_without_a_provider_is_a_fresh_plan_without_its_offers(data: st.DataObject) -> None:
    case = data.draw(cases(most=2))
    study = Study.of(case)
    for provider in dict.fromkeys(offer.provider for offer in case.offers):
        offers = tuple(offer for offer in case.offers if offer.provider != provider)
        left = replace(case, declared=case.declared.model_copy(update={"offers": offers}))
        if any(getattr(term, "offer", None) not in (None, *(o.id for o in offers)) for term in case.terms):
            continue  # a clause on an offer that is not there makes no sense in a case
        gone = study.losing([Absence(frozenset(o.id for o in case.offers if o.provider == provider), 0, study.draft.n)])
        assert agree(planned(gone), plan(left, gap=EXACT)), provider
    assert agree(planned(study), plan(case, gap=EXACT))


def test_a_provider_is_gone_for_as_long_as_it_says_and_then_back() -> None:
    study = Study.of(two_clouds())
    months = {
        (first, last): planned(study.losing([Absence(frozenset(["south-api"]), first, last)]))
        for first, last in ((0, 6), (2, 4))
    }
    assert {when: found and found.cost for when, found in months.items()} == {(0, 6): 18_000, (2, 4): 14_000}
    back = planned(study)
    assert back is not None
    assert back.cost == 12_000


def test_what_must_be_served_is_and_what_cannot_be_is_as_little_as_can_be() -> None:
    free = work(value="0 USD per Mtok")
    study = Study.of(build([tokens("north", 3, capacity="400 Mtok per month")], [free], months=1))
    whole = planned(study)
    assert whole is not None
    assert whole.cost == 0, "what has no worth is not served"
    must = study.serving(["chat"])
    assert planned(must) is None
    least = must.least_unserved()
    assert least is not None
    assert 590 < least["chat"] < 600  # 400 Mtok a month of 730 hours; January has 744
    served = planned(must.serving(["chat"], least))
    assert served is not None
    assert abs(float(served.unserved[0].work) - least["chat"]) < 1e-3
    again = planned(study)
    assert again is not None
    assert again.cost == 0
