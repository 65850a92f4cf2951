"""The side of an edge to which clauses give: asked of the open program, which is then as it was."""

from __future__ import annotations

import numpy as np
import pytest

from detente.planner.answer.easing import Easing
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.solving.model import Model
from detente.planner.study import Study
from tests.builders import Data, agreement, build, tokens, work


def eased(amount: str) -> tuple[Easing, Ints, Floats]:
    """A floor at North (3 USD; South: 2) of what 1000 Mtok cost there at most, its rows, and the duals of these."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": amount, "shortfall": "forbidden"}
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(floor, party="north"), months=1)
    study = Study.of(case)
    base = study.bound()
    assert base.duals is not None
    blocks = [b.numbers for b in study.draft.program.row_blocks if b.owner == Owner.of(case.terms[0])]
    rows = np.concatenate(blocks).astype(np.int32)
    return Easing.of(study.draft, study.turn(), base), rows, base.duals[rows]


@pytest.mark.parametrize("amount", ["1500 USD", "3000 USD"])
def test_a_floor_that_asks_a_little_less_saves_a_third_of_it(amount: str) -> None:
    """Also where all work is at North, though the program has higher prices that prove it best: of more at the edge."""
    easing, rows, _ = eased(amount)
    for at_hand in (1 / 3, 5.0):
        told = easing.of_rows(rows, np.full(len(rows), at_hand))
        assert told is not None
        assert float(told.sum()) == pytest.approx(1 / 3)


def test_what_was_asked_is_asked_again_though_the_solve_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    easing, rows, duals = eased("1500 USD")
    model, before = easing.model, easing.model.asked(rows)

    def fails(self: Model) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Model, "solve_linear", fails)
        with pytest.raises(KeyboardInterrupt):
            easing.of_rows(rows, duals)
    assert all(np.array_equal(one, other) for one, other in zip(model.asked(rows), before, strict=True))
    assert model.solve_linear().objective == pytest.approx(2500)  # 500 Mtok at 3, and 500 at 2
