"""What goes on from one window of an amount to the next: an excess that is carried, a shortfall that is deferred.

Owns: ``Carrying``, in exact numbers and in a plan. Not here: amounts, what counts, and what is owed (``commitment``).

Of a balance b = S + c - A of window i, with c brought in, min(max(b, 0), kA) is carried on (of S - A alone, where it is
carried once), and min(max(-b, 0), D) is deferred, of at most D. What is brought into the next is the one less the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from detente.contract.program import ClauseOwner, Expression, Program

NOTHING = Fraction(0)


@dataclass(frozen=True)
class Carrying:
    """The part of an amount that an excess may carry, and whether again and again."""

    excess: Fraction
    chained: bool

    def exact(
        self, drawn: Fraction, brought: Fraction, amount: Fraction, deferrable: Fraction
    ) -> tuple[Fraction, Fraction]:
        """What goes on from a window (less than nothing, where a shortfall is deferred), and what is short in it."""
        balance = drawn + brought - amount
        over = balance if self.chained else drawn - amount
        carried = min(max(over, NOTHING), amount * self.excess)
        missing = max(-balance, NOTHING)
        deferred = min(missing, deferrable)
        return carried - deferred, missing - deferred

    def shaped(
        self, program: Program, owner: ClauseOwner, counted: Expression, carried: Expression,
        amounts: Sequence[Fraction], deferrable: Sequence[Fraction],
    ) -> Expression:  # fmt: skip
        """What counts, with what is brought in and less what goes on."""
        reached = counted + carried.lag() - carried
        if not self.chained and self.excess:
            self._once(program, owner, counted, carried, amounts)
        if not any(deferrable):
            return reached
        deferred = program.slack(owner, "deferred", most=deferrable)
        return reached + deferred - deferred.lag()

    def _once(
        self, program: Program, owner: ClauseOwner, counted: Expression, carried: Expression,
        amounts: Sequence[Fraction],
    ) -> None:  # fmt: skip
        """Only what this window itself has beyond its amount goes on: a whole number for each says whether it has."""
        some = program.slack(owner, "excess", most=[Fraction(1)] * len(amounts), whole="nearest")
        nothing = [NOTHING] * len(amounts)
        program.require(owner, "carried-excess", carried - counted + some * amounts <= nothing)
        program.require(owner, "carried-some", carried - some * [a * self.excess for a in amounts] <= nothing)
