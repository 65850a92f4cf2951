"""A study without some facts: demand that need not be served, or an offer that is never full, and never closed.

What an offer costs while it is closed nobody says. Where clauses count money it matters: then the case is formulated
with closed offers open, at their own prices, all at once; which of them are open is asked in that one program.

Owns: what is lifted, and whether that cures a conflict. Not here: which facts are tried, and their words
(``conflict_facts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from detente.contract.metered.meter import MONEY
from detente.contract.roles import StandbyHedge
from detente.contract.term import Term
from detente.errors import UnsettledError
from detente.market.offer import AnyOffer
from detente.planner.conflict_changes import opened, valued
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.kept_whole import kept_within_nodes
from detente.planner.open_program import Absence
from detente.planner.study import Study

T = TypeVar("T")
"""Owners, or facts."""


def lifted(study: Study, owners: Sequence[Owner]) -> Study:
    """The study without some facts: of an offer that is bought in units there are then as many as are wanted."""
    return study.relaxed(owners).with_plenty(owner.name for owner in owners if owner.kind == "offer")


def in_whole(study: Study) -> bool:
    """Whether every clause can be kept with whole units; a search that is not through says no, but for time."""
    with study.program.as_asked():
        model = study.turn()
        try:
            return kept_within_nodes(study.draft, model) is True
        except UnsettledError:
            if model.left <= 0:  # of what is told then nothing is sure
                raise
            return False


def closed_in(draft: Draft, offer: AnyOffer) -> Bools:
    """The periods in which an offer has no price."""
    lines = [arc.index for arc in draft.arcs.of_offer[offer.id]]
    found: Bools = np.isnan(draft.prices.listed[lines]).sum(axis=0) == len(lines)
    return found


def fewest(owners: Sequence[T], cures: Callable[[Sequence[T]], bool]) -> list[T]:
    """Drop each owner in turn; one whose absence cures nothing stays out. What is left is minimal.

    Of an amended clause each version by itself, so that the one is named which collides. It is known that the absence
    of all of them cures the conflict.
    """
    needed: list[T] = []
    dropped: list[T] = []

    def drop(some: Sequence[T], *, known: bool = False) -> None:
        """By halves, since few collide: where the absence of several cures nothing, nor does that of each in turn."""
        if not known and not cures([*dropped, *some]):
            dropped.extend(some)
        elif len(some) == 1:
            needed.extend(some)
        else:
            first, second, before = some[: len(some) // 2], some[len(some) // 2 :], len(needed)
            drop(first)
            drop(second, known=len(needed) == before)

    if owners:
        drop(owners, known=True)
    return needed


@dataclass(frozen=True)
class Lifting:
    """A study of a case that has no plan, and one in which what may be lifted only by another program is lifted.

    ``shut``: when each closed offer is not there, where clauses count money; they are tried in ``freed``, unless they
    have no price then, or all of them together cure nothing (``opens``). ``owed``: work that must be served, where it
    matters to others whether a part is left: standby counts it as lost, and a move as waiting. It has a value in
    ``freed``. With neither, or where what was decided before some news is kept by column, there is no ``freed``.
    """

    study: Study
    whole: Ints | None
    shut: dict[str, tuple[Absence, ...]]
    owed: frozenset[str]
    freed: Study | None
    opens: bool = False
    unpriced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, study: Study, clauses: Iterable[Term], whole: Ints | None) -> Lifting:
        """Offers stay closed where all of them, open and never full, cure nothing.

        ``whole``: columns that must be integer for the conflict to show.
        """
        case = study.case
        by_money = any(meter.measure in MONEY for clause in clauses for meter in clause.meters())
        shut = {each.id: tuple(_closings(study.draft, each)) for each in case.offers} if by_money else {}
        shut = {name: times for name, times in shut.items() if times}
        counted = any(isinstance(clause, StandbyHedge) for clause in clauses)
        owed = frozenset(w.id for w in case.workloads if w.value is None and (counted or w.moving))
        if study.past is not None or not (shut or owed):
            return cls(study, whole, shut, owed, None)
        freed = study.under(valued(opened(case, shut.keys()), owed)).serving(owed)
        still = {each.id for each in freed.case.offers if closed_in(freed.draft, each).any()}  # they have no price
        every = [Owner("offer", name) for name in shut if name not in still]
        opens = bool(every) and lifted(freed, every).possible()
        return cls(study, whole, shut, owed, freed, opens, frozenset(still))

    def cures(self, owners: Sequence[Owner]) -> bool:
        """Whether there is a plan in whole units without some facts; a search that is not through says no."""
        closed = {owner.name for owner in owners if owner.kind == "offer" and owner.name in self.shut}
        if closed and (not self.opens or closed & self.unpriced):
            return False
        found = lifted(self.study, owners)
        if not closed and not found.possible(self.whole):
            return False
        if closed or any(owner.kind == "demand" and owner.name in self.owed for owner in owners):
            return self.freed is not None and in_whole(self._in_freed(self.freed, owners))
        return self.whole is not None or in_whole(found)

    def together(self) -> list[Owner]:
        """The fewest closed offers that cure it together; none where they do not, open all at once."""
        every = [Owner("offer", name) for name in self.shut if name not in self.unpriced]
        if not every or not self.cures(every):
            return []
        return fewest(every, lambda shut: not self.cures([owner for owner in every if owner not in shut]))

    def _in_freed(self, freed: Study, owners: Sequence[Owner]) -> Study:
        """Without some facts, with all other closed offers as closed as they are, and all other work served."""
        names = {owner.name for owner in owners if owner.kind == "offer"}
        gone = [each for name, times in self.shut.items() if name not in names for each in times]
        left = {owner for owner in owners if owner.kind == "demand" and owner.name in self.owed}
        must = self.owed - {owner.name for owner in left}
        return lifted(freed.losing(gone).serving(must), [owner for owner in owners if owner not in left])


def _closings(draft: Draft, offer: AnyOffer) -> Iterator[Absence]:
    """When an offer is closed, run by run of periods."""
    at = np.flatnonzero(np.diff(closed_in(draft, offer).astype(np.int8), prepend=0, append=0))
    for first, last in at.reshape(-1, 2).tolist():
        yield Absence(frozenset([offer.id]), first, last)
