"""Make-up rights: what was paid for and not taken may be taken later, for what it has cost already.

Owns: how long the right lasts, and what is made up in each window, in exact numbers and in a plan. Not here: what is to
be taken, and at which price (``take_or_pay``).

What window i leaves untaken can be made up in later windows that begin before the right is over, the oldest first, by
what is taken there beyond the agreed quantity. At one price the oldest first makes up as much as can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from pydantic import Field

from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Window
from detente.values.noun import Noun
from detente.values.period import later
from detente.values.quantity_field import Length

NOTHING = Fraction(0)


class MakeUp(Noun):
    """The right to take later what was paid for."""

    within: Length = Field(description="how long after the end of the window in which it was not taken")

    def open(self, untaken: Window, now: Window) -> bool:
        """Whether what one window left can be made up in another."""
        return untaken.end <= now.start < self.lapses(untaken)

    def lapses(self, untaken: Window) -> datetime:
        """When the right is over for what a window left: no window that begins then or later makes it up."""
        return later(untaken.end, self.within)

    def exact(self, windows: Sequence[Window], agreed: Sequence[Fraction], taken: Sequence[Fraction]) -> list[Fraction]:
        """What is made up in each window."""
        banked: list[list[Fraction]] = []
        made = []
        for place, now in enumerate(windows):
            room, here = max(taken[place] - agreed[place], NOTHING), NOTHING
            for before, left in zip(windows, banked, strict=False):
                part = min(left[0], room - here) if self.open(before, now) else NOTHING
                left[0] -= part
                here += part
            made.append(here)
            banked.append([max(agreed[place] - taken[place], NOTHING)])
        return made

    def shaped(
        self, program: Program, owner: ClauseOwner, windows: Sequence[Window], agreed: Sequence[Fraction],
        taken: Expression, untaken: Expression, price: Fraction,
    ) -> None:  # fmt: skip
        """What is made up gives its price back; a whole number for each window says whether it is one of too little."""
        n = len(windows)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if self.open(windows[i], windows[j])]
        if not pairs:
            return
        most, none = program.most(taken), [NOTHING] * n
        above = [max(m - a, NOTHING) for m, a in zip(most, agreed, strict=True)]
        extra = program.slack(owner, "beyond", most=above)
        short = program.slack(owner, "short", most=[Fraction(1)] * n, whole="nearest")
        program.require(owner, "beyond", extra.like(taken) - taken - untaken <= [-a for a in agreed])
        program.require(owner, "short", untaken - short * agreed <= none)
        program.require(owner, "not-short", extra + short * above <= above)
        made = program.slack(
            owner, "made up", most=[agreed[i] for i, _ in pairs], price=-price, windows=[windows[j] for _, j in pairs]
        )
        program.require(owner, "bank", made.gather([i for i, _ in pairs], n) - untaken <= none)
        program.require(owner, "made-up", made.gather([j for _, j in pairs], n) - extra <= none)
        if owner.own_money is None:
            return
        self._at_once(program, owner, pairs, agreed, above, taken=taken, untaken=untaken, extra=extra,
                      short=short, made=made)  # fmt: skip

    def _at_once(
        self, program: Program, owner: ClauseOwner, pairs: Sequence[tuple[int, int]], agreed: Sequence[Fraction],
        above: Sequence[Fraction], *, taken: Expression, untaken: Expression, extra: Expression, short: Expression,
        made: Expression,
    ) -> None:  # fmt: skip
        """That no more is left untaken than is, and that it is made up as soon as it can be.

        Where each window has its own rate of exchange, a plan would rather pay at a low one and be given back at a
        high one: a whole number for each says whether nothing is left to be made up.
        """
        n = len(agreed)
        none = [NOTHING] * n
        program.require(owner, "untaken", (untaken + short * above).like(taken) + taken
                        <= [a + b for a, b in zip(agreed, above, strict=True)])  # fmt: skip
        program.require(owner, "all-beyond", extra.like(taken) - taken >= [-a for a in agreed])
        empty = program.slack(owner, "made up all", most=[Fraction(1)] * n, whole="nearest")
        here = made.gather([j for _, j in pairs], n)
        program.require(owner, "made-up-at-once", here - extra + empty * above >= none)
        most = [sum((agreed[i] for i, j in pairs if j == now), NOTHING) for now in range(n)]
        program.require(owner, "none-left", self._left(pairs, untaken, made, n) + empty * most <= most)

    def _left(self, pairs: Sequence[tuple[int, int]], untaken: Expression, made: Expression, n: int) -> Expression:
        """What is still to be made up after each window, of what can be in it."""
        open_, found = set(pairs), untaken.gather([-1] * n, n)
        for back in range(1, n):
            found = found + untaken.gather([i + back if (i, i + back) in open_ else -1 for i in range(n)], n)
        for i, now in pairs:
            found = found - made.gather([now if j == i and k <= now else -1 for j, k in pairs], n)
        return found
