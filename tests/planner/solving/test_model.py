"""A model's owners: taken out they leave nothing behind, and put back in they are as before."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.roles import PriceChange
from detente.planner.formulation.expression import Expr
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.interrupt import Interrupt
from detente.planner.solving.model import Model
from detente.planner.study import Study
from tests.builders import agreement, build, tokens, two_clouds, work
from tests.drawing import drawing
from tests.drawn_cases import cases
from tests.terms.drawn import SHAPING_KINDS

A, B, C = Owner("a"), Owner("b"), Owner("c")
few = drawing(6)


def cost(model: Model) -> float | None:
    """The linear program's least cost; None where there is none."""
    found = model.solve_linear()
    return found.objective if found.status == "optimal" else None


def costs(case: Case, *terms: str) -> tuple[float | None, float | None, float | None]:
    """With everything, without some clauses, and with them again."""
    model = Model(formulate(case).program)
    owners = [Owner.of(term) for term in case.terms if term.id in terms]
    whole = cost(model)
    model.turn(frozenset(owners))
    relaxed = cost(model)
    model.turn(frozenset())
    return whole, relaxed, cost(model)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        # 6 months of 1000 Mtok at 2 USD at South, of whose revenue of 10 USD per Mtok a fifth is owed
        ("revenue-share", {"rate": "20%"}),
        # 3 USD per Mtok at North where only North is allowed
        ("exclusivity", {}),
    ],
)
def test_a_clause_that_is_out_costs_nothing(kind: str, more: Any) -> None:
    clause = {"id": "it", "kind": kind, **more}
    earning = work(revenue="10 USD per Mtok")
    case = build([tokens("north", 3), tokens("south", 2)], [earning], agreement(clause, party="north"))
    whole, relaxed, again = costs(case, "it")
    assert whole == pytest.approx({"revenue-share": 24_000, "exclusivity": 18_000}[kind])
    assert relaxed == pytest.approx(12_000)
    assert again == pytest.approx(whole)


def test_two_denials_of_one_place_are_lifted_together_only() -> None:
    both = [{"id": name, "kind": "residency", "within": ["IE"]} for name in ("one", "other")]
    case = two_clouds(*both)
    assert costs(case, "one") == pytest.approx((18_000, 18_000, 18_000))
    assert costs(case, "one", "other") == pytest.approx((18_000, 12_000, 18_000))


@pytest.mark.parametrize("kind", [kind for kind in SHAPING_KINDS if kind != "discount"])
@few
@given(data=st.data())
def test_out_is_as_if_it_had_never_been(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=2))
    model = Model(formulate(case).program)
    whole = cost(model)
    for name in dict.fromkeys(t.id for t in case.terms if not isinstance(t, PriceChange)):
        versions = [Owner.of(t) for t in case.terms if t.id == name]
        if any(name in term.depends_on for term in case.terms):
            continue  # another clause is another one without it
        without = case.under(without=[name])
        model.turn(frozenset(versions))
        left = cost(Model(formulate(without).program))
        assert cost(model) == (left if left is None else pytest.approx(left, rel=1e-6, abs=0.01)), name
        model.turn(frozenset())
        assert cost(model) == (whole if whole is None else pytest.approx(whole, rel=1e-6, abs=0.01)), name


def test_a_small_program_is_solved_without_a_thread_and_a_search_can_still_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = LinearProgram()
    units = program.columns(A, "units", 2, cost=3.0, upper=9.0, integer=True)
    program.require(B, "served", Expr.of(units) * 2 >= [5.0, 7.0])
    model, start = Model(program), threading.Thread.start
    threads: list[threading.Thread] = []
    asked: list[object] = []

    def started(thread: threading.Thread) -> None:
        threads.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    model.highs.setOptionValue("presolve", "off")  # which would leave nothing to search
    model.highs.cbMipInterrupt += asked.append  # whether it shall stop
    assert model.solve_linear().objective == pytest.approx(3 * (2.5 + 3.5))
    assert threads == []
    assert model.solve_as(np.array(units), gap=0.0).objective == pytest.approx(3 * (3 + 4))
    assert len(threads) == 1
    assert asked


# -- denials, deployment by deployment ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("out", "most"),
    [
        ([], 0.0),
        ([A], 0.0),  # the first place is still denied by b
        ([A, B], 5.0),
        ([C], 5.0),  # one deployment that nobody denies is enough
        ([B, C], 5.0),
    ],
)
def test_an_offer_is_open_where_one_deployment_is(out: Sequence[Owner], most: float) -> None:
    program = LinearProgram()
    columns = program.columns(Owner("use"), "work", 1, cost=-1.0, upper=5.0)
    program.fix_at_zero(columns, [{A, B}, {C}])
    program.require(Owner("demand"), "served", Expr.of(columns) <= [9.0])
    model = Model(program)
    model.turn(frozenset(out))
    found = model.solve_linear()
    assert found.values is not None
    assert found.values[0] == pytest.approx(most)
    model.turn(frozenset())
    assert cost(model) == pytest.approx(0.0)


def test_columns_with_several_users_are_open_while_one_is_in() -> None:
    program = LinearProgram()
    columns = program.columns(Owner("standby"), "work", 1, cost=-1.0, upper=5.0, users=[A, B])
    program.require(Owner("demand"), "served", Expr.of(columns) <= [9.0])
    model = Model(program)
    for out, least in ([], -5.0), ([A], -5.0), ([A, B], 0.0), ([B], -5.0):
        model.turn(frozenset(out))
        assert cost(model) == pytest.approx(least), out
        model.turn(frozenset())


def test_the_fewest_who_must_give_way() -> None:
    program = LinearProgram()
    program.fix_at_zero(np.zeros(1, dtype=np.int32), [{A, B}, {C}])
    (denial,) = program.denials
    assert denial.lifted_by([A]) == frozenset()
    assert denial.lifted_by([A, B]) == {A, B}
    assert denial.lifted_by([A, B, C]) == {C}


class Pressed(Interrupt):
    """Ctrl-C that is seen while the solver runs: at the second look."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "noted":
            Pressed.looks += 1
            return Pressed.looks > 1
        return super().__getattribute__(name)


def test_a_model_that_was_stopped_solves_again() -> None:
    """Market split: no solver settles forty whole columns over five such rows soon, and a linear program is at once."""
    chance, n, m = np.random.default_rng(3), 40, 5
    weights = chance.integers(1, 100, (m, n)).astype(float)
    program, owner = LinearProgram(), Owner("units", "split")
    columns = program.columns(owner, "steps", n, cost=chance.uniform(1, 2, n), upper=np.ones(n), integer=True)
    rows = np.repeat(np.arange(m, dtype=np.int32), n)
    halves = np.floor(weights.sum(axis=1) / 2).tolist()
    program.require(owner, "halves", Expr(m, [(rows, np.tile(columns, m), weights.ravel())]) == halves)
    model = Model(program)
    model.interrupt = Pressed()
    assert model.solve_as(columns, 1e-9).status == "interrupted"
    with model.uninterrupted():
        assert model.solve_linear().status == "optimal"


def test_where_a_solve_ended_is_gone_back_to_whatever_was_added_since() -> None:
    """8 of work at 1 here and 2 there; each row that is added lets less of it be done here."""
    program, of = LinearProgram(), Owner("t", "work")
    here = program.columns(of, "here", 1, cost=1.0, upper=9.0)
    there = program.columns(of, "there", 1, cost=2.0, upper=9.0)
    at = np.zeros(1, dtype=np.int32)
    program.require(of, "all", Expr(1, [(at, here, 1.0), (at, there, 1.0)]) >= [8.0])
    model = Model(program)
    assert model.solve_linear().objective == pytest.approx(8)
    basis = model.basis
    for rows, (most, least) in enumerate(((4.0, 4 + 2 * 4), (3.0, 3 + 2 * 5)), start=2):
        program.require(Owner("t", f"most-{most}"), "most", Expr(1, [(at, here, 1.0)]) <= [most])
        model.extend()
        model.turn(frozenset())
        assert len(model._extended(basis).given.row_status) == rows
        assert model._extended(basis) is model._extended(basis)
        model.start_at(basis)
        assert model.solve_linear().objective == pytest.approx(least)


def test_a_solver_made_anew_goes_on_where_the_old_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """After interior point; with the bounds that hold at the moment."""
    monkeypatch.setattr("detente.planner.solving.model.SIMPLEX_COLUMNS", 0)
    monkeypatch.setattr("detente.planner.solving.model.RENEWED_COLUMNS", 0)
    case = two_clouds({"id": "part", "kind": "share", "at-least": "30%"})
    study = Study.of(case)
    model = study.turn()
    old = model.highs
    columns = study.draft.x[0].ravel()  # at North, 3 USD per Mtok where South takes 2
    model.confine(columns, np.full(6, 400.0), model.most[columns])
    first = model.solve_linear()
    assert model.highs is not old
    assert first.objective == pytest.approx(6 * (400 * 3 + 600 * 2))
    again = model.solve_linear()
    assert model.highs.getInfo().simplex_iteration_count <= 0, "nothing is left to do"
    assert again.objective == pytest.approx(first.objective)
    model.release(columns)
    assert model.solve_linear().objective == pytest.approx(6 * (300 * 3 + 700 * 2))


@pytest.mark.parametrize("as_scaled", [False, True])
def test_tiny_beside_huge_whether_the_solver_scales_it_once_more_or_not(as_scaled: bool) -> None:
    """A million Mtok a month at 2 USD for six months, and 2 tokens a day for 181 days, which only North may do at 3."""
    tiny = work("tiny", demand="2 tok per day")
    only = agreement({"id": "only", "kind": "exclusivity", "of": {"workload": "tiny"}})
    case = build([tokens("north", 3), tokens("south", 2)], [work(demand="1000000 Mtok per month"), tiny], only)
    model = Model(formulate(case).program)
    model.as_scaled = as_scaled
    found = model.solve_linear()
    assert found.objective - 12_000_000 == pytest.approx(2e-6 * 181 * 3, abs=1e-6)
    assert found.bound == pytest.approx(found.objective, rel=1e-12)
