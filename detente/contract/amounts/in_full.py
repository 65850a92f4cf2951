"""What is given in full: all that is earned, until an amount is used up, where a plan would rather give less.

Not here: what is earned, and how large the amount is (``terms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from detente.contract.program import ClauseOwner, Expression, Program

SAID = ("in-full", "at-rate")
"""By which of two bounds it is given in full."""


def in_full(
    program: Program,
    owner: ClauseOwner,
    given: Expression,
    bounds: Sequence[Expression],
    full: Sequence[Fraction] | None,
    at: Sequence[int],
) -> None:
    """Given is the lower of one or two bounds in each time, or what is left of an amount.

    ``at``: which window each time lies in, and ``full`` its amount; None: there is none. A whole number for each time
    says whether the amount is used up by then, and one more, where there are two bounds, which of them is the lower.
    """
    n = len(at)
    one, nothing = [Fraction(1)] * n, [Fraction(0)] * n
    most = [program.most(each) for each in bounds]
    used_up = None if full is None else program.slack(owner, "used-up", most=one, whole="nearest")
    second = None if len(bounds) == 1 else program.slack(owner, "at-rate", most=one, whole="nearest")
    for place, (bound, top) in enumerate(zip(bounds, most, strict=True)):
        rest, least = given - bound, nothing
        if second is not None:  # the first bound holds where this is 0, and the second where it is 1
            rest = rest - second * top if place else rest + second * top
            least = [-each for each in top] if place else nothing
        if used_up is not None:
            rest = rest + used_up * top
        program.require(owner, SAID[place], rest >= least)
    if full is None:
        return
    assert used_up is not None
    until = program.slack(owner, "given by then", most=full)
    after = [place + 1 if place + 1 < n and at[place + 1] == at[place] else -1 for place in range(n)]
    program.require(owner, "given-by-then", until - until.gather(after, n) - given == nothing)
    program.require(owner, "used-up", until - used_up * full >= nothing)
