"""A verdict: may this run there, by every clause in force and in every place where it may run (§2).

Owns: ``Verdict`` and its ``Reason``, which permission wins over which, and from the clauses to one verdict. The plan,
the gateway, the explanations and the checks ask nothing else. Not here: what one clause says of one place
(``Term.judge``), which places an offer has (``Case.places``), and what follows from a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from detente.contract.answer import cites_itself, misanswered
from detente.contract.reach.validity import Validity
from detente.values.facts import Facts

Permission = Literal["permit", "prefer", "undecided", "deny"]
_RANK: dict[Permission, int] = {"permit": 0, "prefer": 1, "undecided": 2, "deny": 3}
"""Of several, the highest wins."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in one sentence that cites the clause (§1)."""

    term: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.sentence} [{self.term}]"


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this run there? ``reason`` cites the clause that decided; ``place`` is where it did, of several."""

    permission: Permission
    reason: Reason | None = None
    place: Facts | None = None

    @property
    def permitted(self) -> bool:
        """Undecided is not permitted (§2)."""
        return self.permission in ("permit", "prefer")

    def at(self, place: Facts) -> Verdict:
        """The same, and where it was said; a permission needs no place."""
        return self if self.permission == "permit" else replace(self, place=place)

    @property
    def clause(self) -> str:
        """The id of the clause that decided; empty where there was nothing to decide."""
        return self.reason.term if self.reason else ""


PERMIT = Verdict("permit")


class Clause(Protocol):
    """What a verdict asks of a clause: a bound ``Term`` has all of it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def validity(self) -> Validity:
        """When it is in force."""

    def judge(self, demand: Facts, place: Facts, /) -> Verdict:
        """What it says of one place."""


AnyClause = TypeVar("AnyClause", bound=Clause)


def applicable(terms: Iterable[AnyClause], start: datetime, end: datetime | None = None) -> tuple[AnyClause, ...]:
    """The clauses in force at some time from ``start`` to ``end`` (exclusive); without an end, at that moment."""
    return tuple(term for term in terms if term.validity.over(start, end or start))


def verdict(terms: Iterable[Clause], demand: Facts, places: Sequence[Facts]) -> Verdict:
    """What clauses in force say of work that may run in any of some places, and that nobody can keep to one of them.

    Deny wins, then undecided, then prefer. Of equals the first place counts, and in it the first clause.

    Raises ValueError where a clause does not permit it and gives no reason, or one that cites another (§1); TypeError
    where it answers with no verdict.
    """
    clauses = tuple(terms)
    said = [(clause, clause.judge(demand, place), place) for place in places for clause in clauses]
    if not said:
        return PERMIT
    try:
        clause, found, place = max(said, key=lambda each: _RANK[each[1].permission])
    except (AttributeError, KeyError, TypeError):
        for clause, given, _ in said:
            _is_verdict(clause, given)
        raise
    _holds(clause, found)
    return found.at(place)


def _holds(clause: Clause, said: Verdict) -> None:
    """Raise ValueError where a clause does not permit and gives no reason, or one that cites another clause (§1)."""
    if said.reason is None and not said.permitted:
        what = f"`{clause.id}` (`{type(clause).__name__}`) says `{said.permission}` without a reason"
        raise ValueError(f'{what}; write `Verdict("{said.permission}", Reason(self.id, "why, in one sentence"))`')
    if said.reason is not None:
        cites_itself(clause, "judge", said.reason.term)


def _is_verdict(clause: Clause, said: Any) -> None:
    """Raise TypeError where a clause answers with no verdict."""
    if not isinstance(said, Verdict) or said.permission not in (*_RANK,):
        instead = "`PERMIT`, or a `Verdict` (`prefer`, `undecided`, `deny`) with its `Reason`"
        raise TypeError(misanswered(clause, "judge", said, instead)) from None


def permitted(clause: Clause, demand: Facts, places: Sequence[Facts]) -> bool:
    """Whether the verdict of a clause alone permits it: it does in every place. Raises ValueError as ``verdict``."""
    for place in places:
        said = clause.judge(demand, place)
        if said is not PERMIT:
            _is_verdict(clause, said)
            _holds(clause, said)
            if not said.permitted:
                return False
    return True


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """What several say together: deny wins, then undecided, then prefer; of equals, the first."""
    return max(verdicts, key=lambda each: _RANK[each.permission], default=PERMIT)


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Of one verdict a deployment, that of the work: it runs where it is permitted, and rather where it is preferred.

    Where no deployment is permitted, the mildest verdict: one that is undecided may yet be permitted.
    """
    found = list(verdicts)
    permitted = [each for each in found if each.permitted]
    if permitted:
        return max(permitted, key=lambda each: _RANK[each.permission])
    return min(found, key=lambda each: _RANK[each.permission])
