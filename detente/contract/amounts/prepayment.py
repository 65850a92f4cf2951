"""A missed milestone that is charged as a prepayment: later use draws it, and does not count again.

Owns: the stages between milestones, in a plan and in exact numbers. Not here: what a milestone asks (``milestone``),
and the amount of the whole term (``minimum_commitment``).

At the end of stage k, with use U in it, a prepayment B before it, C counted before it, and K of the classes that count
up to a part (with what is bought), the draw is g = min(B, U), the charge m = max(R - (C + U - g + K), 0), and then
B = B - g + m and C = C + U - g + m. Use of a class draws nothing: K is all of it to date, up to its part of R. Where a
charge lapses, a stage ends on that day, too, and what lapses first is drawn first. See
``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate

from detente.contract.amounts.counting import CountedClass, Counting, MoneyMeasure
from detente.contract.amounts.milestone import Milestone
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Calendar, Window
from detente.contract.reminder import Reminder, last_day
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.settlement import settled as row
from detente.contract.settled.standing import FLOOR, MILESTONE
from detente.values.committed import number
from detente.values.period import LAST, endless, later, moment, named
from detente.values.quantity import Span

ONE, NOTHING = [Fraction(1)], [Fraction(0)]
NEVER = moment(LAST)
"""When a prepayment lapses that lasts as long as its clause."""


@dataclass(frozen=True)
class PrepaidStage:
    """The time up to a milestone, or to the day on which a charge lapses, and what it counts by.

    ``to_date`` counts all from the first day on: of it, the classes are read. ``reach``: how much is to be reached in
    all; None where it ends with no milestone. ``lapses``: when what is charged then does.
    """

    counting: Counting
    to_date: Counting
    window: Window
    reach: Fraction | None
    lapses: datetime = NEVER

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
    bought: Sequence[tuple[datetime, Fraction]] = (),
) -> Iterator[PrepaidStage]:
    """The time up to each milestone and lapse, and after the last, of the one window of a term, by its meter."""
    zone = whole.windows.first.tzinfo or UTC
    ends = {moment(m.by, zone): m for m in milestones}
    lapses = {by: later(by, m.valid_for) for by, m in ends.items() if m.valid_for is not None}
    edges = {*ends, *(at for at in lapses.values() if at < window.end)}
    since = window.start
    for index, by in enumerate([*sorted(edges), window.end]):
        milestone = ends.get(by) if index < len(edges) else None
        part, all_ = (
            replace(Calendar("term", first, first, by), sight=whole.windows.sight) for first in (since, window.start)
        )
        counting = Counting.of(replace(whole, name=f"stage-{index}", windows=part), classes, measure)
        to_date = Counting.of(replace(whole, name=f"to-stage-{index}", windows=all_), classes, bought=bought)
        reach = number(milestone.reach) if milestone else None
        own, gone = replace(counting, classes=()), lapses.get(by, NEVER)
        yield from (PrepaidStage(own, to_date, seen, reach, gone) for seen in part)
        since = by


def settled(
    stages: Sequence[PrepaidStage], totals: Totals, as_of: datetime | None, required: Fraction,
    owed: Callable[[Fraction], Fraction],
) -> Iterator[Settlement]:  # fmt: skip
    """Each charge as prepayment, what use draws of it, and, of all the time, the amount and what is owed of it."""
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
                  short=short, owed=owed(short))  # fmt: skip


class Prepaid:
    """What is left of charges, by the moment at which it lapses: what does so first is drawn first."""

    def __init__(self) -> None:
        self._left: dict[datetime, Fraction] = {}

    def charge(self, amount: Fraction, lapses: datetime) -> None:
        """One more."""
        self._left[lapses] = self._left.get(lapses, Fraction(0)) + amount

    def draw(self, used: Fraction, window: Window) -> Fraction:
        """What use of a window draws of it: of what lapses within the window, nothing."""
        rest = used
        for lapses in sorted(at for at in self._left if window.end <= at):
            part = min(self._left[lapses], rest)
            self._left[lapses] -= part
            rest -= part
        return used - rest


def charged(stages: Sequence[PrepaidStage], totals: Totals) -> list[Charged]:
    """Stage by stage, exact."""
    found, left, counted = [], Prepaid(), Fraction(0)
    for stage in stages:
        used = stage.counting.drawn(totals, stage.window, Fraction(0))
        drawn = left.draw(used, stage.window)
        reach = stage.reach or Fraction(0)
        of_classes = stage.to_date.of_classes(totals, stage.since_first, reach)
        charged = max(reach - (counted + used - drawn + of_classes), Fraction(0))
        counted += used - drawn + charged
        left.charge(charged, stage.lapses)
        found.append(Charged(drawn, charged, counted, of_classes))
    return found


def shaped(stages: Sequence[PrepaidStage], program: Program, owner: ClauseOwner, required: Fraction) -> Expression:
    """What has counted at the end of the last stage; each charge and draw is exactly what use makes of it.

    A charge costs, and a draw gives back. Both are the lesser or the larger of two amounts, which a plan would rather
    choose otherwise where it is counted: so each has a whole number that says which.
    """
    counted: Expression | None = None
    left: dict[datetime, tuple[Expression, Fraction]] = {}
    for place, stage in enumerate(stages, start=1):
        used = rest = stage.counting.shaped(program, owner, NOTHING)
        now = used if counted is None else counted + used
        for lapses in sorted(at for at in left if stage.window.end <= at):
            balance, most = left[lapses]
            part = f"{place}" if lapses == NEVER else f"{place} by {lapses:%Y-%m-%d}"
            drawn = _drawn(program, owner, part, stage.window, balance, rest, most)
            now, rest, left[lapses] = now - drawn, rest - drawn, (balance - drawn, most)
        if stage.reach is not None:
            to_date = stage.to_date.beside_shaped(now, program, owner, [stage.reach], exactly=True)
            charged = _charged(program, owner, place, stage.window, used, to_date, stage.reach)
            now, before = now + charged, left.get(stage.lapses)
            charge = (charged, stage.reach)
            left[stage.lapses] = charge if before is None else (before[0] + charge[0], before[1] + charge[1])
        counted = now
    assert counted is not None, "there is a last stage"
    return stages[-1].to_date.beside_shaped(counted, program, owner, [required])


def settled_by_window(
    counting: Counting, totals: Totals, as_of: datetime | None, required: Callable[[Window], Fraction],
    valid_for: Span | None,
) -> Iterator[Settlement]:  # fmt: skip
    """What is missing of each window's amount, charged as it ends, and what use after it draws; each counts anew."""
    meter, left = counting.own, Prepaid()
    for window, ended in meter.begun(as_of):
        amount, of_own = required(window), replace(counting, classes=(), bought=())
        drawn = left.draw(used := of_own.drawn(totals, window, amount), window)
        used += counting.of_classes(totals, window, amount)
        short = max(amount - (used - drawn), Fraction(0))
        left.charge(short, _lapses(window, valid_for))
        if drawn:
            yield row(meter, window, "prepayment", "prepayment-drawn", ended=ended, amount=None,
                      drawn=drawn, owed=-drawn)  # fmt: skip
        yield row(meter, window, FLOOR, "prepayment", ended=ended, amount=amount, drawn=used - drawn,
                  short=short, owed=short)  # fmt: skip


def _lapses(window: Window, valid_for: Span | None) -> datetime:
    """When what is charged as a window ends lapses."""
    return NEVER if valid_for is None or endless(window.end) else later(window.end, valid_for)


def lapse_days(windows: Iterable[Window], valid_for: Span | None, end: datetime) -> Iterator[Reminder]:
    """The last day on which what is charged for each window may be drawn, where that lapses before its clause ends."""
    for window in windows if valid_for is not None else ():
        if (lapses := _lapses(window, valid_for)) < end:
            what = f"what is prepaid for {named(window.start, window.end)} lapses"
            yield Reminder(last_day(lapses), "milestone", what)


def lapses_within(windows: Iterable[Window], valid_for: Span | None) -> Iterator[tuple[datetime, Window]]:
    """When charges of windows lapse inside of a later one: how much of it is used by then, the windows do not tell."""
    every = list(windows) if valid_for is not None else []
    for lapses in (_lapses(each, valid_for) for each in every):
        yield from ((lapses, each) for each in every if each.start < lapses < each.end)


def shaped_by_window(
    program: Program, owner: ClauseOwner, counting: Counting, windows: Sequence[Window],
    amounts: Sequence[Fraction], valid_for: Span | None,
) -> None:  # fmt: skip
    """The same in a plan: all windows at once, each with what is left of the charges before it."""
    used = replace(counting, classes=(), bought=()).shaped(program, owner, amounts, windows)
    most_used, none = program.most(used), [Fraction(0) for _ in amounts]
    charged = program.slack(owner, "shortfall", most=amounts, price=Fraction(1), windows=windows, remedy=True)
    if valid_for is None:
        balance = program.slack(owner, "prepaid left", most=list(accumulate(amounts)))
        owed_before = [Fraction(0), *accumulate(amounts)][:-1]
        most = [min(owed, use) for owed, use in zip(owed_before, most_used, strict=True)]
        drawn, before = program.slack(owner, "drawn", most=most, price=Fraction(-1), windows=windows), balance.lag()
        program.require(owner, "prepaid-left", balance - before + drawn - charged == none)
    else:
        drawn, before, owed_before = _drawn_in_time(program, owner, charged, windows, amounts, valid_for)
    _is_the_lesser(program, owner, "draw", drawn, (before, owed_before), (used, most_used))
    missed = program.slack(owner, "missed", most=[Fraction(1) for _ in amounts], whole="nearest")
    now = counting.beside_shaped(used - drawn, program, owner, amounts, windows, exactly=True)
    most_now = program.most(now)
    program.require(owner, "floor", charged.like(used) + now >= amounts)
    program.require(owner, "missed", charged - missed * amounts <= none)
    above = [amount + most for amount, most in zip(amounts, most_now, strict=True)]
    program.require(owner, "charge-exact", (charged + now + missed * most_now).like(missed) <= above)


def _drawn_in_time(
    program: Program, owner: ClauseOwner, charged: Expression, windows: Sequence[Window],
    amounts: Sequence[Fraction], valid_for: Span,
) -> tuple[Expression, Expression, list[Fraction]]:  # fmt: skip
    """What each window draws, what was left for it of charges that have not lapsed, and the most that can be.

    A plan says of which charge; what lapses first is drawn first, since what lapses undrawn gives nothing back.
    """
    n = len(windows)
    pairs = [(i, j) for j in range(n) for i in range(j) if windows[j].end <= _lapses(windows[i], valid_for)]
    open_ = set(pairs)
    each = program.slack(
        owner,
        "drawn of",
        most=[amounts[i] for i, _ in pairs],
        price=Fraction(-1),
        windows=[windows[j] for _, j in pairs],
    )
    program.require(owner, "drawn-of", each.gather([i for i, _ in pairs], n) - charged <= [Fraction(0)] * n)
    before = charged.gather([-1] * n, n)
    for back in range(1, n):
        before = before + charged.gather([i + back if (i, i + back) in open_ else -1 for i in range(n)], n)
    for i, j in pairs:
        before = before - each.gather([j if of == i and at < j else -1 for of, at in pairs], n)
    most = [sum((amounts[i] for i, j in pairs if j == at), Fraction(0)) for at in range(n)]
    return each.gather([j for _, j in pairs], n), before, most


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
    program: Program, owner: ClauseOwner, part: str, window: Window, balance: Expression, used: Expression,
    most: Fraction,
) -> Expression:  # fmt: skip
    """The lesser of the prepayment that is left and what is used; each unit lowers the cost by one."""
    (most_used,) = program.most(used)
    drawn = program.slack(owner, f"drawn {part}", most=[min(most, most_used)], price=Fraction(-1), windows=[window])
    _is_the_lesser(program, owner, f"draw-{part}", drawn, (balance, [most]), (used, [most_used]))
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
    program.require(owner, f"charge-{place}-exact", (charged + now + missed * most).like(missed) <= [reach + most])
    return charged
