"""A missed milestone that is charged as a prepayment: later use draws it, and does not count again.

Owns: the stages between milestones, in a plan and in exact numbers. Not here: what a milestone asks (``milestone``),
and the amount of the whole term (``commitment``).

At the end of stage k, with use U in it, a prepayment B before it, C counted before it, and K of the classes that count
up to a part, the draw is g = min(B, U), the charge m = max(R - (C + U - g + K), 0), and then B = B - g + m and
C = C + U - g + m. Use of a class draws nothing: K is all of it to date, up to its part of R. See
``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate

from detente.contract.counting import CountedClass, Counting, MoneyMeasure
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
    """The time up to a milestone, what it counts by, and how much is to be reached in all; None after the last.

    ``to_date`` counts all from the first day on: of it, the classes are read.
    """

    counting: Counting
    to_date: Counting
    window: Window
    reach: Fraction | None

    @property
    def since_first(self) -> Window:
        """All of the time up to its end."""
        return next(iter(self.to_date.own.windows))

    def meters(self) -> tuple[Meter, ...]:
        """What it reads."""
        return *self.counting.meters(), *(meter for meter, _ in self.to_date.classes)


@dataclass(frozen=True)
class Charged:
    """A stage as it went: what use drew of the prepayment, what was charged, and what had counted in all.

    What had counted of classes, up to their part of the milestone, is apart: at the next, all of it is counted anew.
    """

    drawn: Fraction
    charged: Fraction
    counted: Fraction
    of_classes: Fraction


def stages(
    milestones: Sequence[Milestone],
    whole: Meter,
    window: Window,
    classes: Sequence[CountedClass],
    measure: MoneyMeasure | None,
) -> Iterator[PrepaidStage]:
    """The time up to each milestone, and after the last, of the one window of a term; ``whole`` is its meter."""
    zone = whole.windows.first.tzinfo or UTC
    since, marks = window.start, [*((m, moment(m.by, zone)) for m in milestones), (None, window.end)]
    for index, (milestone, by) in enumerate(marks):
        part, all_ = (
            replace(Calendar("term", first, first, by), sight=whole.windows.sight) for first in (since, window.start)
        )
        counting = Counting.of(replace(whole, name=f"stage-{index}", windows=part), classes, measure)
        to_date = Counting.of(replace(whole, name=f"to-stage-{index}", windows=all_), classes)
        reach = Fraction(milestone.reach.amount) if milestone else None
        yield from (PrepaidStage(replace(counting, classes=()), to_date, seen, reach) for seen in part)
        since = by


def settled(
    stages: Sequence[PrepaidStage], totals: Totals, as_of: datetime | None, required: Fraction, fee: Fraction
) -> Iterator[Settlement]:
    """Each charge as prepayment, what use draws of it, and, of all the time, the amount of the term."""
    counted, since = Fraction(0), stages[0].window.start
    for index, (stage, found) in enumerate(zip(stages, charged(stages, totals), strict=True)):
        window, meter = replace(stage.window, index=index), stage.counting.own
        ended = as_of is None or window.end <= as_of
        if as_of is not None and window.start > as_of:
            break
        counted = found.counted - (Fraction(0) if ended else found.charged)
        if found.drawn:
            yield row(meter, window, "prepayment", "prepayment-drawn", ended=ended, amount=None,
                      drawn=found.drawn, owed=-found.drawn)  # fmt: skip
        if stage.reach is not None:
            yield row(
                meter, window, MILESTONE, "prepayment", ended=ended, amount=stage.reach,
                drawn=found.counted - found.charged + found.of_classes, short=found.charged, owed=found.charged,
            )  # fmt: skip
    last, ended = stages[-1].window, as_of is None or stages[-1].window.end <= as_of
    if as_of is None or since <= as_of:
        meter, term = stages[-1].counting.own, replace(last, start=since, index=len(stages) - 1)
        counted += stages[-1].to_date.of_classes(totals, stages[-1].since_first, required)
        short = max(required - counted, Fraction(0))
        yield row(meter, term, FLOOR, "shortfall-fee", ended=ended, amount=required, drawn=counted,
                  short=short, owed=short * fee)  # fmt: skip


def charged(stages: Sequence[PrepaidStage], totals: Totals) -> list[Charged]:
    """Stage by stage, exact."""
    found, balance, counted = [], Fraction(0), Fraction(0)
    for stage in stages:
        used = stage.counting.drawn(totals, stage.window, Fraction(0))
        drawn = min(balance, used)
        reach = stage.reach or Fraction(0)
        of_classes = stage.to_date.of_classes(totals, stage.since_first, reach)
        charged = max(reach - (counted + used - drawn + of_classes), Fraction(0))
        counted += used - drawn + charged
        balance += charged - drawn
        found.append(Charged(drawn, charged, counted, of_classes))
    return found


def shaped(stages: Sequence[PrepaidStage], program: Program, owner: ClauseOwner, required: Fraction) -> Expression:
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
            of_classes = stage.to_date.of_classes_shaped(program, owner, [stage.reach], exactly=True)
            charged = _charged(program, owner, place, stage.window, used, sum(of_classes, now), stage.reach)
            now, most_owed = now + charged, most_owed + stage.reach
            balance = charged if balance is None else balance + charged
        counted = now
    assert counted is not None, "there is a last stage"
    return sum(stages[-1].to_date.of_classes_shaped(program, owner, [required]), counted)


def settled_by_window(
    counting: Counting, totals: Totals, as_of: datetime | None, required: Callable[[Window], Fraction]
) -> Iterator[Settlement]:
    """What is missing of each window's amount, charged as it ends, and what use after it draws; each counts anew."""
    meter, balance = counting.own, Fraction(0)
    for window, ended in meter.begun(as_of):
        amount = required(window)
        used = counting.drawn(totals, window, amount)
        drawn = min(balance, used)
        short = max(amount - (used - drawn), Fraction(0))
        balance += short - drawn
        if drawn:
            yield row(meter, window, "prepayment", "prepayment-drawn", ended=ended, amount=None,
                      drawn=drawn, owed=-drawn)  # fmt: skip
        yield row(meter, window, FLOOR, "prepayment", ended=ended, amount=amount, drawn=used - drawn,
                  short=short, owed=short)  # fmt: skip


def shaped_by_window(
    program: Program, owner: ClauseOwner, windows: Sequence[Window], used: Expression, amounts: Sequence[Fraction]
) -> None:
    """The same in a plan: all windows at once, each with what is left of the charges before it."""
    most_used, none = program.most(used), [Fraction(0) for _ in amounts]
    owed_before = [Fraction(0), *accumulate(amounts)][:-1]
    most = [min(owed, use) for owed, use in zip(owed_before, most_used, strict=True)]
    balance = program.slack(owner, "prepaid left", most=list(accumulate(amounts)))
    before = balance.lag()
    drawn = program.slack(owner, "drawn", most=most, price=Fraction(-1), windows=windows)
    charged = program.slack(owner, "shortfall", most=amounts, price=Fraction(1), windows=windows, remedy=True)
    program.require(owner, "prepaid-left", balance - before + drawn - charged == none)
    _is_the_lesser(program, owner, "draw", drawn, (before, owed_before), (used, most_used))
    missed = program.slack(owner, "missed", most=[Fraction(1) for _ in amounts], whole="nearest")
    now = used - drawn
    program.require(owner, "floor", charged.like(used) + now >= amounts)
    program.require(owner, "missed", charged - missed * amounts <= none)
    above = [amount + use for amount, use in zip(amounts, most_used, strict=True)]
    program.require(owner, "charge-exact", charged + now + missed * most_used <= above)


Bounded = tuple[Expression, Sequence[Fraction]]
"""Amounts, and the most that each can be."""


def _is_the_lesser(
    program: Program, owner: ClauseOwner, part: str, of: Expression, left: Bounded, used: Bounded
) -> None:
    """That amounts are the lesser of two: a whole number for each says whether what is left is all drawn."""
    (balance, most), (use, most_used) = left, used
    none = [Fraction(0) for _ in most]
    empty = program.slack(owner, f"{part} empty", most=[Fraction(1) for _ in most], whole="nearest")
    program.require(owner, f"{part}-left", of - balance <= none)
    program.require(owner, f"{part}-used", of - use <= none)
    program.require(owner, f"{part}-empty", of - balance - empty * most >= [-m for m in most])
    program.require(owner, f"{part}-all", of - use + empty * most_used >= none)


def _drawn(
    program: Program, owner: ClauseOwner, place: int, window: Window, balance: Expression, used: Expression,
    most: Fraction,
) -> Expression:  # fmt: skip
    """The lesser of the prepayment that is left and what is used; each unit lowers the cost by one."""
    (most_used,) = program.most(used)
    drawn = program.slack(owner, f"drawn {place}", most=[min(most, most_used)], price=Fraction(-1), windows=[window])
    _is_the_lesser(program, owner, f"draw-{place}", drawn, (balance, [most]), (used, [most_used]))
    return drawn


def _charged(
    program: Program, owner: ClauseOwner, place: int, window: Window, used: Expression, now: Expression,
    reach: Fraction,
) -> Expression:  # fmt: skip
    """What is missing of a milestone, and nothing where none is."""
    (most,) = program.most(now)
    charged = program.slack(owner, f"prepaid {place}", most=[reach], price=Fraction(1), windows=[window], remedy=True)
    missed = program.slack(owner, f"missed {place}", most=ONE, whole="nearest")
    reached = (charged + now).like(used)
    program.require(owner, f"milestone-{place - 1}", reached >= [reach])
    program.require(owner, f"charge-{place}-missed", charged - missed * reach <= NOTHING)
    program.require(owner, f"charge-{place}-exact", charged + now + missed * most <= [reach + most])
    return charged
