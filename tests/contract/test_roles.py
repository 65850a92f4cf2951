"""Roles: what only some kinds are asked stands beside ``Term``, and no kind answers it without being asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.contract.roles import ClauseRole, Hedge, OwnRule, PriceChange, StandbyHedge, off_price
from detente.contract.term import ROLES, Term
from detente.terms import kind_named, kind_of, kinds
from tests.builders import agreement, build, tokens, work

DERIVED = {"judges", "counted_time", "between_parties"}
"""What ``Term`` says of itself by what a kind overrides."""


def test_what_every_clause_is_asked_is_answered_by_two_kinds_at_least() -> None:
    asked = {name for name in vars(Term) if not name.startswith(("_", "model_"))} - DERIVED
    assert {"judge", "settle", "going_on", "depends_on"} <= asked
    answering = {cls for kind in kinds() for cls in kind.__mro__ if issubclass(cls, Term) and cls is not Term}
    alone = {name: [cls.__name__ for cls in answering if name in vars(cls)] for name in asked}
    assert {name: found for name, found in alone.items() if len(found) < 2} == {}


def test_each_role_is_that_of_some_kind_and_asks_what_no_other_clause_is_asked() -> None:
    assert {role for role in ROLES if not any(issubclass(kind, role) for kind in kinds())} == set()
    questions = [name for role in ROLES for name in role.questions()]
    assert len(questions) == len({*questions} - {*dir(Term)})
    assert (StandbyHedge.questions(), Hedge.questions()) == ({"standby"}, {"hedges"})


@pytest.mark.parametrize(("role", "question"), [(role, name) for role in ROLES for name in sorted(role.questions())])
def test_a_kind_that_answers_without_the_role_is_refused(role: type[ClauseRole], question: str) -> None:
    answers: dict[str, Any] = {"__module__": __name__, question: lambda self, *given: None}
    with pytest.raises(TypeError, match=rf"`Mine` defines `{question}`, .*\.{role.__name__}` is asked"):
        type("Mine", (Term,), answers)
    with pytest.raises(TypeError, match=r"write `class Mine\(Term, "):
        type("Mine", (Term, type("Beside", (), answers)), {"__module__": __name__})
    assert issubclass(type("Mine", (Term, role), answers), role)


def test_what_each_kind_means_with_oneself_is_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/terms/README.md").read_text(encoding="utf-8")
    rows = page.partition("| kinds | agreed with `self` |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [row.split("|")[1:3] for row in rows]
    told = {name.strip(): means.strip() for names, means in cells for name in names.split(",")}
    assert set(told) == {kind_of(kind) for kind in kinds()}
    moving = {name for name in told if _between_parties(kind_named(name))}
    assert {name for name, means in told.items() if means.startswith("refused")} == moving
    assert {name for name in told if issubclass(kind_named(name), OwnRule)} == {
        *("minimum-commitment", "payment", "share", "spending-cap")
    }


def test_a_new_kind_that_settles_is_between_parties_unless_it_names_the_role() -> None:
    settling: dict[str, Any] = {"__module__": __name__, "settle": lambda self, *given: None}
    assert _between_parties(type("Fee", (Term,), settling))
    assert not _between_parties(type("Own", (Term, OwnRule), settling))
    assert not _between_parties(type("Facts", (Term,), {"__module__": __name__}))


def _between_parties(kind: type[Any]) -> bool:
    moves: bool = kind.model_construct().between_parties
    return moves


def test_a_clause_that_changes_no_price_takes_nothing_off() -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1 M USD"}
    tenth = {"id": "tenth", "kind": "discount", "off": "10%"}
    case = build([tokens("north", 3)], [work()], agreement(cap, tenth))
    (facts,), (offer,) = [w.facts for w in case.workloads], case.offer_facts.values()
    off = {term.id: off_price(term, facts, offer) for term in case.signed}
    assert {name: float(part or 0) for name, part in off.items()} == {"cap": 0, "tenth": 0.1}
    assert [term.id for term in case.signed if isinstance(term, PriceChange)] == ["tenth"]
