"""A missed milestone that is charged as a prepayment: later use draws it, and does not count again.

Owns: the stages between milestones, in a plan and in exact numbers. Not here: what a milestone asks (``milestone``),
and the amount of the whole term (``commitment``).

At the end of stage k, with use U in it, a prepayment B before it, and C counted before it, the draw is g = min(B, U),
the charge m = max(R - (C + U - g), 0), and then B = B - g + m and C = C + U - g + m. See
``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from detente.contract.counting import Counting
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.totals import Totals
from detente.contract.window import Window

ONE, NOTHING = [Fraction(1)], [Fraction(0)]


@dataclass(frozen=True)
class PrepaidStage:
    """The time up to a milestone, what it counts by, and how much is to be reached in all; None after the last."""

    counting: Counting
    window: Window
    reach: Fraction | None


@dataclass(frozen=True)
class Charged:
    """A stage as it went: what use drew of the prepayment, what was charged, and what had counted in all."""

    used: Fraction
    drawn: Fraction
    charged: Fraction
    counted: Fraction


def settled(stages: Sequence[PrepaidStage], totals: Totals) -> list[Charged]:
    """PrepaidStage by stage, exact."""
    found, balance, counted = [], Fraction(0), Fraction(0)
    for stage in stages:
        used = stage.counting.drawn(totals, stage.window, Fraction(0))
        drawn = min(balance, used)
        charged = max((stage.reach or Fraction(0)) - (counted + used - drawn), Fraction(0))
        counted += used - drawn + charged
        balance += charged - drawn
        found.append(Charged(used, drawn, charged, counted))
    return found


def shaped(stages: Sequence[PrepaidStage], program: Program, owner: ClauseOwner) -> Expression:
    """What has counted at the end of the last stage; each charge and draw is exactly what use makes of it.

    A charge costs, and a draw gives back. Both are the lesser or the larger of two amounts, which a plan would rather
    choose otherwise where it is counted: so each has a whole number that says which.
    """
    counted: Expression | None = None
    balance: Expression | None = None
    most_owed = Fraction(0)
    for place, stage in enumerate(stages, start=1):
        used = stage.counting.shaped(program, owner, NOTHING)
        now = used if counted is None else counted + used
        if balance is not None:
            drawn = _drawn(program, owner, place, balance, used, most_owed)
            now, balance = now - drawn, balance - drawn
        if stage.reach is not None:
            charged = _charged(program, owner, place, now, stage.reach)
            now, most_owed = now + charged, most_owed + stage.reach
            balance = charged if balance is None else balance + charged
        counted = now
    assert counted is not None, "there is a last stage"
    return counted


def _drawn(
    program: Program, owner: ClauseOwner, place: int, balance: Expression, used: Expression, most: Fraction
) -> Expression:
    """The lesser of the prepayment that is left and what is used; each unit lowers the cost by one."""
    (most_used,) = program.most(used)
    drawn = program.slack(owner, f"drawn {place}", most=[min(most, most_used)], price=Fraction(-1))
    empty = program.slack(owner, f"empty {place}", most=ONE, whole="nearest")
    program.require(owner, f"draw-{place}-left", drawn - balance <= NOTHING)
    program.require(owner, f"draw-{place}-used", drawn - used <= NOTHING)
    program.require(owner, f"draw-{place}-empty", drawn - balance - empty * most >= [-most])
    program.require(owner, f"draw-{place}-all", drawn - used + empty * most_used >= NOTHING)
    return drawn


def _charged(program: Program, owner: ClauseOwner, place: int, now: Expression, reach: Fraction) -> Expression:
    """What is missing of a milestone, and nothing where none is."""
    (most,) = program.most(now)
    charged = program.slack(owner, f"prepaid {place}", most=[reach], price=Fraction(1), remedy=True)
    missed = program.slack(owner, f"missed {place}", most=ONE, whole="nearest")
    program.require(owner, f"milestone-{place - 1}", charged + now >= [reach])
    program.require(owner, f"charge-{place}-missed", charged - missed * reach <= NOTHING)
    program.require(owner, f"charge-{place}-exact", charged + now + missed * most <= [reach + most])
    return charged
