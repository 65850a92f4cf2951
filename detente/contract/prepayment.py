"""A missed milestone that is charged as a prepayment: later use draws it, and does not count again.

Owns: the stages between milestones, in a plan and in exact numbers. Not here: what a milestone asks (``milestone``),
and the amount of the whole term (``commitment``).

At the end of stage k, with use U in it, a prepayment B before it, and C counted before it, the draw is g = min(B, U),
the charge m = max(R - (C + U - g), 0), and then B = B - g + m and C = C + U - g + m. See
``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction

from detente.contract.counting import Counting, MoneyMeasure
from detente.contract.meter import Meter
from detente.contract.milestone import Milestone
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.settlement import Settlement
from detente.contract.settlement import settled as row
from detente.contract.standing import FLOOR, MILESTONE
from detente.contract.totals import Totals
from detente.contract.window import Calendar, Window
from detente.values.period import moment

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


def stages(
    milestones: Sequence[Milestone], whole: Meter, window: Window, measure: MoneyMeasure | None
) -> Iterator[PrepaidStage]:
    """The time up to each milestone, and after the last, of the one window of a term; ``whole`` is its meter."""
    zone = whole.windows.first.tzinfo or UTC
    since, marks = window.start, [*((m, moment(m.by, zone)) for m in milestones), (None, window.end)]
    for index, (milestone, by) in enumerate(marks):
        part = replace(Calendar("term", since, since, by), sight=whole.windows.sight)
        counting = Counting.of(replace(whole, name=f"stage-{index}", windows=part), measure=measure)
        reach = Fraction(milestone.reach.amount) if milestone else None
        yield from (PrepaidStage(counting, seen, reach) for seen in part)
        since = by


def settled(
    stages: Sequence[PrepaidStage], totals: Totals, as_of: datetime | None, required: Fraction, fee: Fraction
) -> Iterator[Settlement]:
    """Each charge as prepayment, what use draws of it, and the amount of the term."""
    for index, (stage, found) in enumerate(zip(stages, charged(stages, totals), strict=True)):
        window, meter = replace(stage.window, index=index), stage.counting.own
        ended = as_of is None or window.end <= as_of
        if as_of is not None and window.start > as_of:
            return
        if found.drawn:
            yield row(meter, window, "prepayment", "prepayment-drawn", ended=ended, amount=None,
                      drawn=found.drawn, owed=-found.drawn)  # fmt: skip
        if stage.reach is not None:
            yield row(
                meter, window, MILESTONE, "prepayment", ended=ended, amount=stage.reach,
                drawn=found.counted - found.charged, short=found.charged, owed=found.charged,
            )  # fmt: skip
        else:
            short = max(required - found.counted, Fraction(0))
            yield row(
                meter, window, FLOOR, "shortfall-fee", ended=ended, amount=required, drawn=found.counted,
                short=short, owed=short * fee,
            )  # fmt: skip


def charged(stages: Sequence[PrepaidStage], totals: Totals) -> list[Charged]:
    """Stage by stage, exact."""
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
            drawn = _drawn(program, owner, place, stage.window, balance, used, most_owed)
            now, balance = now - drawn, balance - drawn
        if stage.reach is not None:
            charged = _charged(program, owner, place, stage.window, now, stage.reach)
            now, most_owed = now + charged, most_owed + stage.reach
            balance = charged if balance is None else balance + charged
        counted = now
    assert counted is not None, "there is a last stage"
    return counted


def _drawn(
    program: Program, owner: ClauseOwner, place: int, window: Window, balance: Expression, used: Expression,
    most: Fraction,
) -> Expression:  # fmt: skip
    """The lesser of the prepayment that is left and what is used; each unit lowers the cost by one."""
    (most_used,) = program.most(used)
    drawn = program.slack(owner, f"drawn {place}", most=[min(most, most_used)], price=Fraction(-1), windows=[window])
    empty = program.slack(owner, f"empty {place}", most=ONE, whole="nearest")
    program.require(owner, f"draw-{place}-left", drawn - balance <= NOTHING)
    program.require(owner, f"draw-{place}-used", drawn - used <= NOTHING)
    program.require(owner, f"draw-{place}-empty", drawn - balance - empty * most >= [-most])
    program.require(owner, f"draw-{place}-all", drawn - used + empty * most_used >= NOTHING)
    return drawn


def _charged(
    program: Program, owner: ClauseOwner, place: int, window: Window, now: Expression, reach: Fraction
) -> Expression:
    """What is missing of a milestone, and nothing where none is."""
    (most,) = program.most(now)
    charged = program.slack(owner, f"prepaid {place}", most=[reach], price=Fraction(1), windows=[window], remedy=True)
    missed = program.slack(owner, f"missed {place}", most=ONE, whole="nearest")
    program.require(owner, f"milestone-{place - 1}", charged + now >= [reach])
    program.require(owner, f"charge-{place}-missed", charged - missed * reach <= NOTHING)
    program.require(owner, f"charge-{place}-exact", charged + now + missed * most <= [reach + most])
    return charged
