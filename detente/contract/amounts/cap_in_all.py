"""A cap on what several windows come to in all: where each of them has a rate of exchange of its own, and amended.

Owns: the rows of a plan, and why no amendment takes such a cap over whole. Not here: the cap of one time, or of windows
at one rate (``capped_charge``), and what is capped (``terms``).

With e earned in all up to the end of window i, min(e, C) is due in all by then. Where windows have one rate it makes no
difference in which of them it is due, and one row for all of them does.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

from detente.contract.case_view import ClauseView
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Window
from detente.errors import Flaw


def shaped(
    program: Program, owner: ClauseOwner, share: Expression, cap: Fraction, windows: Sequence[Window], price: Fraction,
    *, remedy: bool = False,
) -> None:  # fmt: skip
    """What is due of each window's ``share``: all of it until the cap is reached, whatever a plan would rather have.

    A whole number for each window says whether it is reached by its end.
    """
    each, nothing = program.most(share), [Fraction(0) for _ in windows]
    in_all = list(accumulate(each))
    due = program.slack(
        owner, "due", most=[min(most, cap) for most in each], price=price, windows=windows, remedy=remedy
    )
    paid = program.slack(owner, "due to date", most=[min(most, cap) for most in in_all])
    earned = program.slack(owner, "earned to date", most=in_all)
    reached = program.slack(owner, "reached", most=[Fraction(most > cap) for most in in_all], whole="nearest")
    program.require(owner, "due-to-date", paid - paid.lag() - due == nothing)
    program.require(owner, "earned-to-date", earned - earned.lag() - share == nothing)
    above = [max(most - cap, Fraction(0)) for most in in_all]
    program.require(owner, "due", paid - earned <= nothing)
    program.require(owner, "rate", earned - paid - reached * above <= nothing)
    program.require(owner, "cap", paid - reached * [cap for _ in windows] >= nothing)
    program.require(owner, "reached", earned - reached * [cap for _ in windows] >= nothing)


def not_whole(term: ClauseView, was: str) -> Flaw:
    """Of a text whose cap is taken over whole: what ``was`` done under the earlier text stays so."""
    what = f"a `cap` in all is not taken over whole: what was {was} under the earlier text is {was}"
    remedy = f"say `removes: [{term.id}]`, and write this text with an `id` of its own and the cap that is left"
    return Flaw(what, f"{remedy}; or say `takes-over: pro-rata` or `new-window`", ("takes-over",))
