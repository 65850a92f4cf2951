"""A verdict: may this run there, by every clause in force and in every place where it may run (§2).

Owns: ``Verdict`` and its ``Reason``, which permission wins over which, and from the clauses to one verdict. The plan,
the gateway, the explanations and the checks ask nothing else. Not here: what one clause says of one place
(``Term.judge``), which places an offer has (``Case.places``), and what follows from a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Any, Literal, Protocol, TypeVar

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

    Raises ValueError where a clause does not permit it and gives no reason, or one that cites no clause of these (§1).
    """
    clauses = tuple(terms)
    try:
        found = worst(clause.judge(demand, place).at(place) for place in places for clause in clauses)
    except AttributeError:
        _no_verdict(clauses, demand, places)
        raise
    if found.reason is None and not found.permitted:
        said = replace(found, place=None)
        clause = next(each for each in clauses if each.judge(demand, found.place or {}) == said)
        what = f"`{clause.id}` (`{type(clause).__name__}`) says `{found.permission}` without a reason"
        raise ValueError(f'{what}; write `Verdict("{found.permission}", Reason(self.id, "why, in one sentence"))`')
    if found.reason is not None and all(each.id != found.reason.term for each in clauses):
        citing = next(each for each in clauses if each.judge(demand, found.place or {}).reason == found.reason)
        _cites_itself(citing, found)
    return found


def _cites_itself(clause: Clause, said: Verdict) -> None:
    """Raise ValueError where the reason of a clause cites another one (§1)."""
    if said.reason is not None and said.reason.term != clause.id:
        what = f"`{clause.id}` (`{type(clause).__name__}`): `judge` cites `{said.reason.term}`"
        raise ValueError(f"{what}; cite the clause itself: `Reason(self.id, …)`")


def _no_verdict(clauses: Iterable[Clause], demand: Facts, places: Sequence[Facts]) -> None:
    """Raise TypeError where a clause answers with no verdict."""
    for clause, place in product(clauses, places):
        said: Any = clause.judge(demand, place)
        if not isinstance(said, Verdict):
            what = f"`{clause.id}` (`{type(clause).__name__}`): `judge` returns {type(said).__name__}"
            raise TypeError(f"{what}; return `PERMIT`, or a `Verdict` with its `Reason`") from None


def permitted(clause: Clause, demand: Facts, places: Sequence[Facts]) -> bool:
    """Whether the verdict of a clause alone permits it: it does in every place. Raises ValueError as ``verdict``."""
    try:
        for place in places:
            said = clause.judge(demand, place)
            _cites_itself(clause, said)
            if not said.permitted:
                return False
        return True
    except AttributeError:
        _no_verdict([clause], demand, places)
        raise


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
