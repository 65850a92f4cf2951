"""A study without some facts: demand that need not be served, or an offer that is never full, and never closed.

What an offer costs while it is closed nobody says. Where clauses count money it matters: then the case is formulated
with closed offers open, at their own prices, all at once; which of them are open is asked in that one program.

Owns: what is lifted, and whether that cures a conflict. Not here: which facts are tried, and their words
(``conflict_facts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detente.contract.metered.meter import MONEY
from detente.contract.term import Term
from detente.errors import UnsettledError
from detente.market.offer import AnyOffer
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.kept_whole import kept_within_nodes
from detente.planner.open_program import Absence
from detente.planner.study import Study


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


def fewest(owners: Sequence[Owner], cures: Callable[[Sequence[Owner]], bool]) -> list[Owner]:
    """Drop each owner in turn; one whose absence cures nothing stays out. What is left is minimal.

    Of an amended clause each version by itself, so that the one is named which collides. It is known that the absence
    of all of them cures the conflict.
    """
    needed: list[Owner] = []
    dropped: list[Owner] = []

    def drop(some: Sequence[Owner], *, known: bool = False) -> None:
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
    """A study of a case that has no plan, and one in which closed offers are open, where clauses count money.

    ``shut``: when each of these is not there. They are tried in ``opened``, unless they have no price then; where all
    of them together cure nothing, there is none, and none of them does alone.
    """

    study: Study
    whole: Ints | None
    shut: dict[str, tuple[Absence, ...]]
    opened: Study | None
    unpriced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, study: Study, clauses: Iterable[Term], whole: Ints | None) -> Lifting:
        """Offers stay closed where all of them, open and never full, cure nothing.

        ``whole``: columns that must be integer for the conflict to show.
        """
        by_money = any(meter.measure in MONEY for clause in clauses for meter in clause.meters())
        shut = {each.id: tuple(_closings(study.draft, each)) for each in study.case.offers} if by_money else {}
        shut = {name: times for name, times in shut.items() if times}
        if not shut or study.past is not None:  # what is known of the past is kept by column
            return cls(study, whole, shut, None)
        opened = _opened(study, shut)
        still = {each.id for each in opened.case.offers if closed_in(opened.draft, each).any()}  # they have no price
        every = [Owner("offer", name) for name in shut if name not in still]
        cures = bool(every) and lifted(opened, every).possible()
        return cls(study, whole, shut, opened if cures else None, frozenset(still))

    def cures(self, owners: Sequence[Owner]) -> bool:
        """Whether there is a plan in whole units without some facts; a search that is not through says no."""
        closed = {owner.name for owner in owners if owner.kind == "offer" and owner.name in self.shut}
        if closed:
            return self.opened is not None and not closed & self.unpriced and in_whole(self._with_open(owners))
        found = lifted(self.study, owners)
        return found.possible(self.whole) and (self.whole is not None or in_whole(found))

    def together(self) -> list[Owner]:
        """The fewest closed offers that cure it together; none where they do not, open all at once."""
        every = [Owner("offer", name) for name in self.shut if name not in self.unpriced]
        if not every or not self.cures(every):
            return []
        return fewest(every, lambda shut: not self.cures([owner for owner in every if owner not in shut]))

    def _with_open(self, owners: Sequence[Owner]) -> Study:
        """Without some facts, and with all other closed offers as closed as they are."""
        assert self.opened is not None
        names = {owner.name for owner in owners if owner.kind == "offer"}
        gone = [each for name, times in self.shut.items() if name not in names for each in times]
        return lifted(self.opened.losing(gone), owners)


def _opened(study: Study, offers: Iterable[str]) -> Study:
    """The study of a case in which some offers are always there."""
    always, names = {"from_": None, "until": None, "closed": ()}, set(offers)
    each = tuple(o.model_copy(update=always) if o.id in names else o for o in study.case.offers)
    declared = study.case.declared.model_copy(update={"offers": each})
    return study.under(replace(study.case, declared=declared))


def _closings(draft: Draft, offer: AnyOffer) -> Iterator[Absence]:
    """When an offer is closed, run by run of periods."""
    at = np.flatnonzero(np.diff(closed_in(draft, offer).astype(np.int8), prepend=0, append=0))
    for first, last in at.reshape(-1, 2).tolist():
        yield Absence(frozenset([offer.id]), first, last)
