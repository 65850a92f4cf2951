"""What every kind of clause states for the case to check: nothing that it declares is left out."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import detente
from detente.contract.reach.scope import Scope
from detente.contract.reach.window import Every
from detente.contract.term import Term
from detente.values.held import held_in
from detente.values.money import Money
from detente.values.quantity import Amount
from tests.drawn_cases import cases
from tests.terms.drawn import ALL_KINDS, EACH_KIND

CHECKS = Path(detente.__file__).parent / "case" / "checks"

few = settings(
    deadline=None,
    derandomize=True,
    max_examples=5,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def paths(term: Term, kind: Any) -> set[tuple[str | int, ...]]:
    return {path for path, _ in held_in(term, kind)}


@pytest.mark.parametrize("kind", EACH_KIND)
@few
@given(data=st.data())
def test_a_clause_states_every_scope_window_and_amount_that_it_declares(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, kinds=[kind], most=1))
    for agreement in case.declared.agreements:
        for term in agreement.terms:
            assert {path for path, _ in term.scopes()} >= paths(term, Scope)
            assert {stated.path for stated in term.stated_windows()} == paths(term, Every)
            assert {found.path for found in term.magnitudes(Fraction(1))} == paths(term, Money | Amount)


@pytest.mark.parametrize("file", sorted(CHECKS.glob("*.py")), ids=lambda file: file.stem)
def test_the_checks_of_a_case_know_no_kind_of_clause(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [module for module in froms if module.startswith("detente.terms")] == []
    text = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert text & set(ALL_KINDS) == set()
