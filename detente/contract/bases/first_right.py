"""A first right: what is covered may run elsewhere only once somebody had the first chance at it.

Owns: ``FreedUse`` (from when, and until when, a part of it is free), and ``FirstRight``, the base of such kinds. Facts
that nobody has stated are unknown, and unknown is not permission (§2). Not here: what opens it (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw
from detente.values.facts import Facts
from detente.values.money import sufficient
from detente.values.noun import Id
from detente.values.period import on_the_clock_of


@dataclass(frozen=True, slots=True)
class FreedUse:
    """For what, from which day on (None: not as far as is known), until which day (None: for good), and why."""

    of: Scope
    since: date | None
    why: str
    until: date | None = None

    def at(self, on: datetime) -> bool:
        """Whether it is free at a moment."""
        begun = self.since is not None and on_the_clock_of(on, self.since) <= on
        return begun and (self.until is None or on < on_the_clock_of(on, self.until))

    def told(self, on: datetime) -> str:
        """Why it is not free at a moment."""
        if self.since is None:
            return self.why
        if self.until is None:
            return f"{self.why}; it is free from {self.since} on"
        last = self.until - timedelta(days=1)
        over = on_the_clock_of(on, self.until) <= on
        return f"{self.why}; it {'was' if over else 'is'} free from {self.since} to {last}"


class FirstRight(Term):
    """What is covered runs at home; elsewhere where an opening says so. It is one text in several times."""

    provider: Id | None = Field(default=None, description="who has the right; default: the other party")

    unstated: ClassVar[str]
    """What is not known where no opening speaks of a use."""

    effect = "restrains"

    @property
    def home(self) -> str:
        """Who has the right."""
        return self.provider or self.validity.counterparty

    @property
    def openings(self) -> tuple[FreedUse, ...]:
        """What the facts open, of a bound clause or of any."""
        raise NotImplementedError

    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The days on which something becomes free, or is no longer."""
        for each in self.openings:
            yield from (self.begin(on) for on in (each.since, each.until) if on is not None)

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """At home anything; elsewhere what is open. The clause is in several versions, and nothing opens within one."""
        if offer["provider"] == self.home:
            return PERMIT
        covered = self.covered.covers(demand, offer)
        if covered is False:
            return PERMIT
        meant = [(each.of.covers(demand, offer), each) for each in self.openings]
        if any(inside and each.at(self.validity.start) for inside, each in meant):
            return PERMIT
        if covered is None or any(inside is None for inside, _ in meant):
            unknown = f"whether this is {self.covered}, and what is stated of it, is not known"
            return Verdict("undecided", self._because(unknown))
        later = next((each for inside, each in meant if inside), None)
        if later is None:
            unstated = f"{self.unstated.format(home=self.home)}; state it in the clause"
            return Verdict("undecided", self._because(unstated))
        return Verdict("deny", self._because(f"{self.home} comes first: {later.told(self.validity.start)}"))

    def _because(self, sentence: str) -> Reason:
        return Reason(self.id, sentence)

    def references(self) -> tuple[Reference, ...]:
        """The provider that it names."""
        return (Reference(("provider",), "providers", self.provider),) if self.provider else ()

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A right of nobody."""
        if self.home == SELF:
            yield Flaw("a first right is a provider's", "add `provider: …`", ("kind",))

    def late(self, answered: date | None, last: date | None, at: tuple[str | int, ...]) -> Iterator[Flaw]:
        """An answer after the last day for it: by then silence had answered."""
        if answered is not None and last is not None and answered > last:
            what = f"`{self.id}`: was answered on {answered}, and the last day for it was {last}: silence had answered"
            yield Flaw(what, "leave the answer out, or correct the days: an answer that is late changes nothing", at)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"let {sufficient(amount, unit)} of {self.covered} run outside {self.home}"
