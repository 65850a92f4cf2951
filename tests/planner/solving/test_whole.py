"""Whole numbers that a solution is rounded to."""

from __future__ import annotations

from typing import cast
from unittest import mock

import pytest

from detente.contract.decisions import Rounding
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.model import Model
from detente.planner.solving.whole import round_up, whole_columns


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
