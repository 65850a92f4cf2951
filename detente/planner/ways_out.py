"""The ways out of a conflict: each clause giving by as little as it can, and what the plan then costs.

Owns: who gives, alone or together, and who is done without. Not here: which clauses collide (``conflict``), how little
is enough (``least_given``), and what it is in words (``concession``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from detente.contract.roles import GivingBack, PriceChange
from detente.contract.term import Term
from detente.planner.concession import as_a_whole, concession, versions
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.least_given import LeastGiven, cheapest, least_given
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.planner.told_amount import LITTLE
from detente.results.conflict import Concession

DROPPED_WHOLE = (PriceChange, GivingBack)
"""Roles of clauses that set what use costs: one of them has nothing to give, and is done without (``_left_out``)."""


def ways_out(
    study: Study, minimal: Sequence[Owner], priced: Sequence[Sequence[Term]], whole: Ints | None
) -> Iterator[Concession]:
    """Each clause of the conflict giving way alone, by as little as it can; all together where none suffices.

    A clause gives in all its versions: one that was amended may collide in more than one. One that sets what use costs
    (``priced``, or one of the minimal set that has nothing to give) gives way as a whole; where none of these suffices
    alone, the fewest that do.
    """
    terms = by_owner(study.case.terms)
    enough, dropped = False, [each[0].id for each in priced]
    for name in dict.fromkeys(o.name for o in minimal):
        owners = [owner for owner in terms if owner.name == name]
        found = _together(_give(study, owners, whole))
        yield from found
        enough = enough or bool(found)
        if not found and all(isinstance(terms[owner], DROPPED_WHOLE) for owner in owners):
            dropped.append(name)
    without = [way for name in dropped for way in _left_out(study, [name], whole)]
    without = without or (_fewest_left_out(study, whole) if dropped else [])
    yield from without
    if not enough and not without:
        yield from _together(_give(study, list(terms), whole))


def _together(ways: Sequence[Concession]) -> list[Concession]:
    """Concessions of which none is enough without the others: each says so."""
    found = []
    for way in ways:
        others = tuple(other.version for other in ways if other is not way)
        names = " and ".join(", ".join(other.name for other in others).rsplit(", ", 1))
        words = f"{way.sentence}; only together with {names}" if others else way.sentence
        found.append(replace(way, sentence=words, together=others))
    return found


def _left_out(study: Study, names: Sequence[str], whole: Ints | None) -> list[Concession]:
    """Clauses that are done without, in all their versions, and the least cost then; none where the others collide."""
    bare = study.without(names)
    with bare.program.as_asked():
        found = cheapest(bare, None if whole is None else whole_columns(bare.draft))
    if found is None:
        return []
    cost, at_most = found
    every = [as_a_whole(versions(study, name)) for name in names]
    return _together([Concession(each, (), "do without it", cost, at_most=at_most) for each in every])


def possible(bare: Study, whole: Ints | None) -> bool:
    """Whether what is left of a case has a plan; ``whole``: whether columns are integer, in its own program."""
    with bare.program.as_asked():
        return bare.possible(None if whole is None else whole_columns(bare.draft))


def _fewest_left_out(study: Study, whole: Ints | None) -> list[Concession]:
    """Clauses that set what use costs, of which none can stay; none where the others collide without all of them."""
    out = list(dict.fromkeys(term.id for term in study.case.terms if isinstance(term, DROPPED_WHOLE)))
    if not possible(study.without(out), whole):
        return []
    for name in tuple(out):
        fewer = [other for other in out if other != name]
        if possible(study.without(fewer), whole):
            out = fewer
    return _left_out(study, out, whole)


def _give(study: Study, owners: Sequence[Owner], whole: Ints | None) -> list[Concession]:
    """What some clauses give together where they give as little as they can; none where all of it is too little."""
    found = least_given(study, owners, whole)
    if found is None:
        return []
    giving = [owner for owner, amount in found.in_all.items() if amount > LITTLE]
    return [concession(found, owner) for owner in giving or _only(found)]


def _only(found: LeastGiven) -> list[Owner]:
    """The clause that gives where that is less than the solver can tell: its version that gives most."""
    names = {owner.name for owner in found.in_all}
    return [max(found.in_all, key=found.in_all.__getitem__)] if len(names) == 1 else []
