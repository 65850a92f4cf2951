"""Which reading each disputed clause is held under (§3): named for all clauses that have it, or clause by clause.

Owns: how a choice is written (``letter``, or ``{clause: spirit}``, or ``clause=spirit`` in one line), what it means for
the clauses of a case, and the combinations that are left. Not here: what a reading changes (``Term.bound``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Annotated

from pydantic import Discriminator, Tag

from detente.errors import FlawError, Mistake, Where
from detente.values.likeness import did_you_mean
from detente.values.noun import Id

Disputed = Mapping[str, tuple[str, ...]]
"""Clauses that have readings, and the names of these."""
Chosen = Mapping[str, str]
"""The reading of each clause for which one was chosen."""

WrittenReading = Annotated[
    Annotated[Id, Tag("name")] | Annotated[dict[Id, Id], Tag("clauses")],
    Discriminator(lambda given: "clauses" if isinstance(given, dict) else "name"),
]
"""A reading for every clause that has it, or one for each of some clauses."""

MAX_COMBINATIONS = 1024
NO_READINGS = "no clause of this case has readings: leave it out"


def choice_of(disputed: Disputed, written: str | Chosen) -> dict[str, str]:
    """The reading of each clause that a choice speaks of. Raises FlawError for what no clause has.

    In one line, what is said of a clause by its id holds over a name that is said of all.
    """
    if not isinstance(written, str | Mapping):
        raise FlawError(f"`{written!r}` is no reading", "name one as a text, or clause by clause as a mapping")
    if not isinstance(written, str):
        return _by_clause(disputed, written)
    named: dict[str, str] = {}
    by_id: dict[str, str] = {}
    for part in written.split(","):
        clause, equals, name = part.strip().partition("=")
        _add(by_id, {clause: name}) if equals else _add(named, _by_name(disputed, clause))
    return {**named, **_by_clause(disputed, by_id)}


def _add(found: dict[str, str], more: Chosen) -> None:
    for clause, name in more.items():
        if found.setdefault(clause, name) != name:
            raise FlawError(f"`{clause}` is given two readings, `{found[clause]}` and `{name}`", "keep one of them")


def _by_name(disputed: Disputed, name: str) -> Chosen:
    """A name, of every clause that has it."""
    found = {clause: name for clause, names in disputed.items() if name in names}
    if not found:
        known = dict.fromkeys(each for names in disputed.values() for each in names)
        raise FlawError(f"no clause has a reading `{name}`", did_you_mean(name, known, NO_READINGS))
    return found


def _by_clause(disputed: Disputed, written: Chosen) -> dict[str, str]:
    for clause, name in written.items():
        if clause not in disputed:
            what = f"there is no clause `{clause}` that has readings"
            raise FlawError(what, did_you_mean(clause, disputed, NO_READINGS), (clause,), key=True)
        if name not in disputed[clause]:
            raise FlawError(f"`{clause}` has no reading `{name}`", did_you_mean(name, disputed[clause]), (clause,))
    return dict(written)


def in_words(disputed: Disputed, choice: Chosen) -> str | None:
    """A choice as it is written: the name alone where it is that of every clause; None where nothing is chosen."""
    of = {clause: choice[clause] for clause in disputed if clause in choice}
    names = set(of.values())
    if len(of) == len(disputed) and len(names) == 1:
        return names.pop()
    return ",".join(f"{clause}={name}" for clause, name in of.items()) or None


def combinations(disputed: Disputed, fixed: Chosen) -> Iterator[dict[str, str]]:
    """Every choice for every clause, with some of them fixed. Raises FlawError where there are too many to look at."""
    ways = [(fixed[clause],) if clause in fixed else names for clause, names in disputed.items()]
    if (n := prod(map(len, ways))) > MAX_COMBINATIONS:
        what = f"the readings of {len(ways)} disputed clauses combine in {n:,} ways, more than {MAX_COMBINATIONS:,}"
        raise FlawError(what, "choose some of them: `CLAUSE=READING`")
    return (dict(zip(disputed, names, strict=True)) for names in product(*ways))


def unread(clause: str, disputed: Disputed) -> Mistake:
    """That a clause has readings and none was chosen, and what to do."""
    names = ", ".join(f"`{name}`" for name in disputed[clause])
    alone = f"; of this clause alone: `{clause}=…`" if len(disputed) > 1 else ""
    remedy = f"choose one, here or by `reading:` in case.yaml: {names}{alone}"
    return Mistake(Where.of_parameter("reading"), f"`{clause}` has several readings and none is chosen", remedy)
