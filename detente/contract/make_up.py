"""Make-up rights: what was paid for and not taken may be taken later, for what it has cost already.

Owns: how long the right lasts, and what is made up in each window, in exact numbers and in a plan. Not here: what is to
be taken, and at which price (``take_or_pay``).

What window i leaves untaken can be made up in later windows that begin before the right is over, the oldest first, by
what is taken there beyond the agreed quantity. At one price the oldest first makes up as much as can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from pydantic import Field

from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.window import Window
from detente.values.noun import Noun
from detente.values.period import later
from detente.values.quantity_field import Length

NOTHING = Fraction(0)


class MakeUp(Noun):
    """The right to take later what was paid for."""

    within: Length = Field(description="how long after the end of the window in which it was not taken")

    def open(self, untaken: Window, now: Window) -> bool:
        """Whether what one window left can be made up in another."""
        return untaken.end <= now.start < later(untaken.end, self.within)

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
