"""Which clauses bind: leaving out one that does not changes nothing, by every draw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detente.contract.roles import PriceChange
from detente.planner.answer.binding import binding
from detente.planner.study import Study
from tests.builders import Data, two_clouds
from tests.drawing import drawing
from tests.drawn_cases import cases

few = drawing(10)
CHARGES = {"revenue-share"}
"""Kinds that charge without a row, of which rows say nothing, as of those that change prices."""


def floor(name: str, amount: str) -> Data:
    return {"id": name, "kind": "minimum-commitment", "amount": amount, "windows": {"every": "term"}}


def test_of_two_floors_the_higher_binds() -> None:
    study = Study.of(two_clouds(floor("low", "3000 USD"), floor("high", "9000 USD")))
    assert binding(study.draft.program, study.bound(), study.owners_out) == {"high"}
    without = study.without(["high"])
    assert binding(without.draft.program, without.bound(), without.owners_out) == {"low"}


def test_what_is_denied_twice_binds_by_both() -> None:
    only = [{"id": name, "kind": "exclusivity", "of": {"workload": "chat"}} for name in ("one", "two")]
    study = Study.of(two_clouds(*only))
    assert binding(study.draft.program, study.bound(), study.owners_out) == {"one", "two"}


@few
@given(data=st.data())
def test_leaving_out_what_does_not_bind_changes_nothing(data: st.DataObject) -> None:
    study = Study.of(data.draw(cases(most=3)))
    whole = study.bound()
    if whole.status != "optimal":
        return
    binds = binding(study.draft.program, whole, study.owners_out)
    gone_by = frozenset[str]().union(*(term.depends_on for term in study.case.terms))
    for term in study.case.terms:
        says_in_rows = not isinstance(term, PriceChange) and term.kind not in CHARGES
        if says_in_rows and term.id not in binds | gone_by:
            left = study.without([term.id]).bound()
            assert left.objective >= whole.objective - 1e-6 * max(1.0, abs(whole.objective)), term.id
