"""An agreement: parties, terms, readings, amendments, and what is in force when.

Owns: from a list of agreements to the terms in force, each bound to its dates and one reading.
Not here: what a term does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import Field, model_validator

from detente.noun import Id, Label, Noun
from detente.period import LAST, Day, moment
from detente.term import Force, Term, Until
from detente.terms import AnyTerm


class Agreement(Noun):
    """What was signed with one party, clause by clause; or a policy, signed with oneself (``with: self``)."""

    id: Id
    with_: Id = Field(description="the other party: a provider's id, or `self` for a policy of one's own")
    effective: Day
    ends: Day | None = None
    title: Label | None = None
    amends: Id | None = Field(default=None, description="the agreement that this one changes from its effective day")
    removes: tuple[Id, ...] = Field(default=(), description="terms of the amended agreement that end with this one")
    terms: tuple[AnyTerm, ...] = ()

    @model_validator(mode="after")
    def _dates(self) -> Agreement:
        if self.ends and self.ends <= self.effective:
            raise ValueError(f"ends on {self.ends}, not after its effective day {self.effective}")
        if self.removes and not self.amends:
            raise ValueError("`removes` needs `amends`: which agreement do the terms stand in?")
        return self


@dataclass(frozen=True)
class InForce:
    """A term, and the dates between which it is in force."""

    term: Term
    force: Force
    path: tuple[str | int, ...]


def in_force(agreements: Sequence[Agreement], events: Mapping[str, datetime | None]) -> Iterator[InForce]:
    """Every term with its dates, amendments applied.

    A term of an amending agreement that has the id of an earlier one replaces it from that day on. ``events`` gives
    the day of each event, or None for one that is not expected.
    """
    found: list[InForce] = []
    lineage = {a.id: a.amends for a in agreements}
    for index, agreement in sorted(enumerate(agreements), key=lambda pair: (pair[1].effective, pair[0])):
        family = _family(agreement.id, lineage)
        replaced = {t.id for t in agreement.terms} | set(agreement.removes)
        start = moment(agreement.effective)
        for at, earlier in enumerate(found):
            if earlier.term.id in replaced and earlier.force.agreement in family:
                found[at] = replace(earlier, force=replace(earlier.force, end=min(earlier.force.end, start)))
        for place, term in enumerate(agreement.terms):
            begin = max(start, moment(term.from_)) if term.from_ else start
            end = _end(term, agreement, events)
            force = Force(agreement.id, agreement.with_, begin, max(begin, end))
            found.append(InForce(term, force, ("agreements", index, "terms", place)))
    return (standing for standing in found if standing.force.end > standing.force.start)


def _family(agreement: str, amends: Mapping[str, str | None]) -> set[str]:
    """The agreements that one amends, directly or through others."""
    family: set[str] = set()
    at = amends.get(agreement)
    while at is not None and at not in family:
        family.add(at)
        at = amends.get(at)
    return family


def _end(term: Term, agreement: Agreement, events: Mapping[str, datetime | None]) -> datetime:
    ends = [moment(agreement.ends)] if agreement.ends else [moment(LAST)]
    if isinstance(term.until, Until):
        happens = events.get(term.until.event)
        ends += [happens] if happens else []
        ends += [moment(term.until.latest)] if term.until.latest else []
    elif term.until is not None:
        ends.append(moment(term.until))
    return min(ends)


def cycle(agreements: Sequence[Agreement]) -> list[str]:
    """A cycle of amendments, if there is one: the agreements on it, in order."""
    amends = {a.id: a.amends for a in agreements}
    for start in amends:
        path, at = [start], amends.get(start)
        while at is not None and at in amends:
            if at == start:
                return path
            if at in path:
                break
            path.append(at)
            at = amends.get(at)
    return []
