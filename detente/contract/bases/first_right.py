"""A first right: what is covered may run elsewhere only once somebody had the first chance at it.

Owns: ``FreedUse`` (from when, and until when, a part of it is free), and ``FirstRight``, the base of such kinds. Facts
that nobody has stated are unknown, and unknown is not permission (§2). Not here: what opens it (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from pydantic import Field

from detente.contract.bases.kept_within import AtHome
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import PERMIT, Verdict
from detente.errors import Flaw
from detente.values.facts import Facts
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


class FirstRight(AtHome):
    """What is covered runs at home; elsewhere where an opening says so. It is one text in several times."""

    provider: Id | None = Field(default=None, description="who has the right; default: the other party")

    unstated: ClassVar[str]
    """What is not known where no opening speaks of a use."""

    of_nobody: ClassVar[str] = "a first right is a provider's"

    @property
    def openings(self) -> tuple[FreedUse, ...]:
        """What the facts open, of a bound clause or of any."""
        raise NotImplementedError

    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The days on which something becomes free, or is no longer."""
        for each in self.openings:
            yield from (self.begin(on) for on in (each.since, each.until) if on is not None)

    def judge_covered(self, demand: Facts, offer: Facts, *, known: bool) -> Verdict:
        """Elsewhere what is open. The clause is in several versions, and nothing opens within one."""
        meant = [(each.of.covers(demand, offer), each) for each in self.openings]
        if any(inside and each.at(self.validity.start) for inside, each in meant):
            return PERMIT
        if not known or any(inside is None for inside, _ in meant):
            unknown = f"whether this is {self.covered}, and what is stated of it, is not known"
            return Verdict("undecided", self.because(unknown))
        later = next((each for inside, each in meant if inside), None)
        if later is None:
            unstated = f"{self.unstated.format(home=self.home)}; state it in the clause"
            return Verdict("undecided", self.because(unstated))
        return Verdict("deny", self.because(f"{self.home} comes first: {later.told(self.validity.start)}"))

    def late(self, answered: date | None, last: date | None, at: tuple[str | int, ...]) -> Iterator[Flaw]:
        """An answer after the last day for it: by then silence had answered."""
        if answered is not None and last is not None and answered > last:
            what = f"`{self.id}`: was answered on {answered}, and the last day for it was {last}: silence had answered"
            yield Flaw(what, "leave the answer out, or correct the days: an answer that is late changes nothing", at)
