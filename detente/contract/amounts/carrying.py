"""What goes on from one window of an amount to the next: an excess that is carried, a shortfall that is deferred.

Owns: ``Carrying``, in exact numbers and in a plan. Not here: amounts, what counts, and what is owed
(``minimum_commitment``).

Of a balance b = S + c - A of window i, with c brought in, min(max(b, 0), kA) is carried on (carried once: of the lesser
of b and S - A), and min(max(-b, 0), D) is deferred, of at most D. What is brought into the next is the one less the
other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Calendar
from detente.errors import Flaw, FlawError
from detente.values.quantity import in_percent

NOTHING = Fraction(0)

Carried = Literal["chained", "once"]
CARRIED = "whether what was carried in counts towards what is carried on"


def of_nothing(stated: Collection[str]) -> None:
    """Refuse `carried` where no `carry-over` is stated. Raises FlawError."""
    if "carried" in stated and "carry_over" not in stated:
        what = "says how often an excess is carried on, and none is"
        raise FlawError(what, "add `carry-over`, or leave out `carried`", ("carried",), key=True)


def of_each(deferral: Collection[Decimal], windows: Calendar) -> Iterator[Flaw]:
    """A part for each window, where there are more windows, or fewer; of the last, nothing can go on."""
    count = None if windows.endless else sum(1 for _ in windows)
    if count is not None and len(deferral) not in (count - 1, count):
        what = f"{len(deferral)} {'part' if len(deferral) == 1 else 'parts'}, and there are {count} windows"
        yield Flaw(what, "write the part of each window, 0% where nothing goes on", ("deferral",))


@dataclass(frozen=True, eq=False)
class Reached:
    """What counts in each window of a plan, and what of it is deferred, of at most so much."""

    amount: Expression
    deferred: Expression | None = None
    deferrable: Sequence[Fraction] = ()

    def asked(self, amounts: Sequence[Fraction]) -> list[Fraction]:
        """The most that each window can ask for: its amount, and what the one before it may defer."""
        brought = [NOTHING, *self.deferrable] if self.deferrable else [NOTHING] * len(amounts)
        return [amount + more for amount, more in zip(amounts, brought, strict=False)]

    def before(self, program: Program, owner: ClauseOwner, short: Expression, amounts: Sequence[Fraction]) -> None:
        """That all that can be deferred is, before anything is owed of it.

        It is cheapest so where all windows have one rate of exchange; else a whole number for each says whether it is.
        """
        if self.deferred is None or owner.own_money is None:
            return
        nothing = [NOTHING for _ in amounts]
        full = program.slack(owner, "all deferred", most=[Fraction(1) for _ in amounts], whole="nearest")
        program.require(owner, "all-deferred", self.deferred - full * self.deferrable >= nothing)
        program.require(owner, "owed-after-deferral", short - full * self.asked(amounts) <= nothing)


@dataclass(frozen=True)
class Carrying:
    """The part of an amount that an excess may carry, and whether again and again."""

    excess: Fraction
    chained: bool

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        if not self.excess:
            return ""
        on = "counts in the next, and may go on from there" if self.chained else "counts in the next alone"
        return f"; an excess of up to {in_percent(self.excess)} of a window's amount {on}"

    def exact(
        self, drawn: Fraction, brought: Fraction, amount: Fraction, deferrable: Fraction
    ) -> tuple[Fraction, Fraction]:
        """What goes on from a window (less than nothing, where a shortfall is deferred), and what is short in it."""
        balance = drawn + brought - amount
        over = balance if self.chained else min(balance, drawn - amount)  # what was put off is made good first
        carried = min(max(over, NOTHING), amount * self.excess)
        missing = max(-balance, NOTHING)
        deferred = min(missing, deferrable)
        return carried - deferred, missing - deferred

    def shaped(
        self, program: Program, owner: ClauseOwner, counted: Expression, carried: Expression,
        amounts: Sequence[Fraction], deferrable: Sequence[Fraction],
    ) -> Reached:  # fmt: skip
        """What counts, with what is brought in and less what goes on."""
        reached = counted + carried.lag() - carried
        if not self.chained and self.excess:
            self._once(program, owner, counted, carried, amounts)
        if not any(deferrable):
            return Reached(reached)
        deferred = program.slack(owner, "deferred", most=deferrable)
        return Reached(reached + deferred - deferred.lag(), deferred, deferrable)

    def _once(
        self, program: Program, owner: ClauseOwner, counted: Expression, carried: Expression,
        amounts: Sequence[Fraction],
    ) -> None:  # fmt: skip
        """Only what this window itself has beyond its amount goes on: a whole number for each says whether it has."""
        some = program.slack(owner, "excess", most=[Fraction(1)] * len(amounts), whole="nearest")
        nothing = [NOTHING] * len(amounts)
        program.require(owner, "carried-excess", carried - counted + some * amounts <= nothing)
        program.require(owner, "carried-some", carried - some * [a * self.excess for a in amounts] <= nothing)
