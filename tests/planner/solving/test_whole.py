"""Whole numbers that a solution is rounded to."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import cast
from unittest import mock

import numpy as np
import pytest

from detente.contract.decisions import Rounding
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.formulation.shaping import Shaping
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import Roundings, round_off, round_up, whole_columns, whole_counts
from detente.planner.study import Study
from tests.builders import agreement, build, gpus, tokens, work


@pytest.mark.parametrize(
    ("rule", "found"),
    [("up", [3, 3, 2]), ("down", [2, 2, 2]), ("nearest", [2, 3, 2])],
)
def test_what_a_clause_decides_is_rounded_as_it_says(rule: Rounding, found: list[int]) -> None:
    case = build([tokens("north", 3)], [work()], agreement({"id": "off", "kind": "discount", "off": "10%"}))
    draft, (term,) = formulate(case), case.terms
    Shaping(draft).slack(term, "lots", most=[Fraction(9)] * 3, whole=rule)
    model = Model(draft.program)
    model.objective(np.zeros(draft.program.n))
    values = np.zeros(draft.program.n)
    values[draft.program.column_blocks[-1].slice] = [2.4, 2.6, 2.0]
    relaxed = replace(model.solve_linear(), values=values)
    assert whole_counts(draft, model, relaxed, whole_columns(draft)).tolist() == found


@pytest.mark.parametrize(
    ("rule", "least", "most", "found"),
    [
        ("nearest", 0.1, 1.0, 1.0),  # nearest is 0, which is too little
        ("down", 0.1, 1.0, 1.0),
        ("nearest", 0.6, 0.6, None),  # neither
        ("up", 0.0, 0.4, 0.0),
        ("nearest", 0.0, 1.0, 0.0),
    ],
)
def test_a_clause_s_own_count_is_rounded_the_other_way_where_its_rule_is_not_allowed(
    rule: Rounding, least: float, most: float, found: float | None
) -> None:
    """It costs 1, so that it is the least of what is allowed before it is whole."""
    program = LinearProgram()
    reached = program.columns(Owner("term", "milestone"), "reached", 1, cost=1.0, upper=1.0, whole=True, rounding=rule)
    program.require(Owner("term", "milestone"), "least", Expr.of(reached) >= [least])
    program.require(Owner("term", "milestone"), "most", Expr.of(reached) <= [most])
    draft = cast(Draft, mock.Mock(program=program, units={}, gangs=[]))
    model = Model(program)
    relaxed = model.solve_linear()
    assert relaxed.objective == pytest.approx(least)
    rounded = round_up(draft, model, relaxed, whole_columns(draft))
    assert (None if rounded is None else rounded.objective) == (None if found is None else pytest.approx(found))
    assert model.solve_linear().objective == pytest.approx(least), "and it is free again"


HOURS = 744  # of January


def machines(*needed: str) -> Study:
    """Mtok a month, by workload: machines at 1 USD do 1 Mtok an hour, an endpoint at 1.5 USD per Mtok does any part."""
    runs = {"runs-on": {"models": ["m"], "accelerators": {"H100": "1 Mtok per GPU-hour"}}}
    each = [work(f"w{i}", f"{mtok} Mtok per month", **runs) for i, mtok in enumerate(needed)]
    return Study.of(build([gpus("north", 1), tokens("south", "1.5")], each, months=1))


@pytest.mark.parametrize(
    ("spared", "cost"),
    [
        (0.0, 11 * HOURS),  # all up
        (0.2, 11 * HOURS),  # a quarter is more than what may be spared
        (0.3, 10 * HOURS + 1.5 * HOURS / 4),  # a quarter of a machine's work goes to the endpoint
    ],
)
def test_a_little_of_a_unit_is_done_elsewhere(spared: float, cost: float) -> None:
    study = machines(str(10.25 * HOURS))
    draft, model = study.draft, study.turn()
    relaxed = model.solve_linear()
    assert relaxed.objective == pytest.approx(10.25 * HOURS)
    found = round_off(draft, model, relaxed, whole_columns(draft), spared)
    assert found is not None
    assert found.objective == pytest.approx(cost)


def test_of_several_roundings_the_cheapest_is_taken_and_the_first_that_is_near_enough() -> None:
    study = machines(str(10.25 * HOURS))
    draft, model = study.draft, study.turn()
    relaxed = model.solve_linear()
    for enough, cost in ((0.0, 10.375 * HOURS), (11 * HOURS + 1.0, 11 * HOURS)):
        found = Roundings(draft, model, whole_columns(draft), partial(within, enough)).of(relaxed)
        assert found is not None
        assert found.objective == pytest.approx(cost)


def within(most: float, found: Solution) -> bool:
    return found.objective <= most


def test_counts_rounded_in_steps_are_whole_and_no_dearer() -> None:
    study = machines(str(10.25 * HOURS))
    draft, model, columns = study.draft, study.turn(), whole_columns(study.draft)
    relaxed, none = model.solve_linear(), np.zeros(0, dtype=np.int32)
    whole = Roundings(draft, model, columns, lambda s: False).of(relaxed, none)
    roundings = Roundings(draft, model, columns, lambda s: False)
    found = roundings.in_steps(relaxed, none)
    assert whole is not None
    assert found is not None
    assert found.objective <= whole.objective + 1e-6
    assert found.values is not None
    counts = found.values[columns]
    assert counts == pytest.approx(counts.round())
    assert model.solve_linear().objective == pytest.approx(10.25 * HOURS), "and all is free again"
