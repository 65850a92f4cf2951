"""The cheap way to a yes: a steady point where there is one, and the same answers where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detente.case.case import Case
from detente.planner import check as checking
from detente.planner.check import check
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.formulate import formulate
from detente.planner.kept_whole import kept_whole, searched_whole
from detente.planner.solving import steady
from detente.planner.solving.model import Model
from detente.planner.solving.solver_run import TOLERANCE
from detente.planner.solving.whole import whole_columns
from tests.builders import agreement, build, compute, gpus, tokens, work
from tests.conftest import EXAMPLES
from tests.drawing import drawing
from tests.drawn_cases import cases

HOURLY = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
DAILY = {"start": "2026-01-01", "end": "2026-01-31", "every": "day"}


@pytest.fixture
def at_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried on programs of every size."""
    monkeypatch.setattr(steady, "SMALLER", 0)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[bool | None]:
    """What is said of the whole program, which is asked where there is no steady point."""
    found: list[bool | None] = []
    search = kept_whole

    def watched(*given: Any) -> bool | None:
        found.append(search(*given))
        return found[-1]

    monkeypatch.setattr(checking, "kept_whole", watched)
    return found


def point(case: Case) -> tuple[Model, Floats | None, Floats]:
    """The model, its steady point and what counts whole there."""
    draft = formulate(case)
    model = Model(draft.program)
    model.perform()
    whole = whole_columns(draft)
    found = steady.steady_point(draft, model, whole)
    return model, found, np.zeros(0) if found is None else found[whole]


def reserved(provider: str = "north") -> dict[str, Any]:
    return gpus(provider, 2, buy="reserved", term="1 month")


def kept(model: Model, values: Floats) -> None:
    """Every bound and row, worked out in natural units."""
    matrix = model.matrix
    entries = matrix.value / matrix.row_scale[matrix.index] / matrix.column_scale[matrix.columns]
    total = np.bincount(matrix.index, weights=entries * values[matrix.columns], minlength=model.program.m)
    slack = 1e-6 * np.maximum(1.0, np.abs(total))
    assert (total >= model.lower - slack).all()
    assert (total <= model.higher + slack).all()
    assert (values >= -1e-6).all()
    assert (values[model.zeroed > 0] <= 1e-6).all()
    assert (values <= model.upper * (1 + 1e-9) + 1e-6).all()


def test_a_steady_point_keeps_every_row_and_counts_whole(searched: list[bool | None]) -> None:
    profile = {"hours": ["50%"] * 12 + ["150%"] * 12, "weekend": "80%"}
    floor = {"id": "floor", "kind": "share", "at-least": "20%"}
    night = compute("night", "3 GPU", kind="batch", within="1 day")
    workloads = [compute(demand={"rate": "5.5 GPU", "profile": profile}), night]
    case = build([reserved(), reserved("south")], workloads, agreement(floor), months=2, horizon=HOURLY)
    model, values, whole = point(case)
    assert values is not None
    kept(model, values)
    assert (whole == np.rint(whole)).all()
    assert check(case).answer == "yes"
    assert searched == [], "nothing else was searched"


def test_a_trace_in_a_large_amount_breaks_no_row(searched: list[bool | None]) -> None:
    """The solver leaves shares of 1e-11, which of a thousand GPU-hours are more than a row may be off."""
    assert check(Case.load(EXAMPLES / "enterprise")).answer == "yes"
    assert searched == []


def test_a_point_that_is_not_steady_is_found_by_the_search(at_any_size: None, searched: list[bool | None]) -> None:
    """300 Mtok may wait all month; the last days hold 250 of them."""
    job = work("job", "10 Mtok per day", kind="batch", within="30 days")
    offer = tokens("north", 1, capacity={"2026-01-01": "2 Mtok per day", "2026-01-26": "50 Mtok per day"})
    case = build([offer], [job], months=1, horizon=DAILY)
    assert point(case)[1] is None
    assert check(case).answer == "yes"
    assert searched == [True]


def test_whole_units_that_rounding_up_does_not_find(at_any_size: None, searched: list[bool | None]) -> None:
    """5 GPUs under a cap of 16 USD an hour: part of an instance of 8 would do, a whole one and singles do not."""
    hours = 31 * 24
    cap = {"id": "cap", "kind": "spending-cap", "amount": f"{15 * hours + 1} USD"}
    offers = [gpus("north", 2, unit=8), gpus("north", 3, id="north-singles")]
    demand = compute(demand="5 GPU")
    assert check(build(offers, [demand], agreement(cap), months=1)).answer == "yes"
    cap["amount"] = f"{15 * hours - 1} USD"  # 5 GPUs of an instance of 8 cost 10
    assert check(build(offers, [demand], agreement(cap), months=1)).answer == "no"
    assert searched[-1] is None  # only where units may be divided


@pytest.mark.parametrize(("amount", "answer"), [("1500 USD", "yes"), ("1000 USD", "no")])
def test_no_whole_unit_though_half_of_one_would_do(amount: str, answer: str) -> None:
    """Many periods: the steady program is tried, and a no is not its to say."""
    cap = {"id": "cap", "kind": "spending-cap", "amount": amount, "windows": {"every": "month"}}
    case = build([reserved()], [compute(demand="0.5 GPU")], agreement(cap), months=2, horizon=HOURLY)
    found = check(case)
    assert found.answer == answer
    if answer == "no":
        assert found.conflict is not None
        assert [clash.term for clash in found.conflict.clauses] == ["cap"]


@drawing(26)
@given(case=cases(most=2))
def test_a_steady_yes_is_the_searchs_too(at_any_size: None, case: Case) -> None:
    model, values, whole = point(case)
    if values is None:
        return
    kept(model, values)
    assert (whole == np.rint(whole)).all()
    model.objective(np.zeros(model.program.n))
    columns = whole_columns(formulate(case))
    assert searched_whole(model, columns) if len(columns) else model.feasible().status == "optimal"


def test_what_the_small_program_misses_within_its_tolerance_the_whole_one_may_miss() -> None:
    """A hundred-millionth of a share was far more of a large amount, and then there was no plan at a time limit."""
    draft = formulate(build([tokens("north", 3), tokens("south", 2)], [work(demand="70000 Mtok per month")], months=3))
    model = Model(draft.program)
    program = steady.SteadyProgram.of(draft, model, np.inf, cheap=True)
    assert program is not None
    found = program.small.solve_linear().values
    assert found is not None
    assert (found == 0).any()  # all of it runs in the south
    assert program.written_out(found - TOLERANCE / 2 * (found == 0)) is not None
