"""What a prepayment may not pay: more than use costs, use that something else pays, and nothing after an amendment.

Owns: what of an amount is refused for that. Not here: what is charged and drawn (``prepayment``), and what an amendment
makes of windows (``reach.handover``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from detente.contract.amounts import prepayment
from detente.contract.amounts.counting import APART, Counting, MoneyMeasure
from detente.contract.amounts.milestone import Milestone
from detente.contract.amounts.shortfall import Remedy, Shortfall
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.payer import Payer
from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.window import Calendar, Window
from detente.contract.roles import OwnRates, off_price
from detente.errors import Flaw
from detente.values.facts import Facts
from detente.values.period import Horizon, later, named

KNOWN = "write the charge as a `payment` on its day and a `credit` of the same amount from then on"
"""What pays for use once, whatever counts, where it is known how much is charged."""


class Prepaying(ClauseView, Protocol):
    """A clause of an amount, as far as what it charges goes."""

    @property
    def counting(self) -> Counting:
        """What counts."""

    @property
    def measure(self) -> MoneyMeasure | None:
        """Which money."""

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        """So much by a day."""

    @property
    def shortfall(self) -> Remedy:
        """What becomes of what is missing."""

    @property
    def carry_over(self) -> Decimal:
        """The part that goes on of an excess."""

    @property
    def deferral(self) -> Decimal | tuple[Decimal, ...]:
        """The part that goes on of what is missing."""


def flaws(term: Prepaying, beside: Sequence[Prepaying], case: CaseView) -> Iterator[Flaw]:
    """Of a commitment beside others: what pays for one use twice, or is charged and lost."""
    if case.horizon is None:
        return
    yield from _lapsing(term, case.horizon)
    yield from _lost(term, case.horizon)
    drawing = _drawing(term, case.horizon)
    if drawing is not None:
        yield from _lowered(term, drawing, case)
        yield from _drawn_twice(term, drawing, beside, case)


def _path(term: Prepaying) -> tuple[str | int, ...] | None:
    """Where it says that something is charged as prepayment."""
    if isinstance(term.shortfall, Shortfall) and term.shortfall.prepaid:
        return "shortfall", "charged-as"
    return next((("milestones", i, "charged-as") for i, each in enumerate(term.milestones) if each.prepaid), None)


def _drawing(term: Prepaying, horizon: Horizon) -> tuple[datetime, datetime] | None:
    """The time in which use may draw what was charged before it; None where there is none."""
    path, validity = _path(term), term.validity
    if path is None:
        return None
    if path[0] == "milestones":
        first = min(validity.begin(each.by) for each in term.milestones)
    else:
        window = next(iter(term.counting.own.windows.seen_by(horizon)), None)
        first = window.end if window is not None else validity.end
    end = min(validity.end, horizon.closes)
    return (first, end) if first < end else None


def _lowered(term: Prepaying, drawing: tuple[datetime, datetime], case: CaseView) -> Iterator[Flaw]:
    """What makes what counts another amount than what is left to pay, where one draws the other."""
    own = term.counting.own.selection
    for other in case.lowering:
        if term.measure in (None, "after-credits") or not other.counted_time.meets(CountedTime(*drawing)):
            continue
        met = [use for use in case.uses(own, *other.covered.keys) if other.covered.covers(*use)]
        how = next((how for use in met if (how := _how(other, term.measure, *use)) is not None), None)
        if how is not None:
            does, remedy = how
            what = f"what `{term.id}` charges as prepayment pays for use as it counts it, and `{other.id}` {does}"
            yield Flaw(what, remedy, ("measure",))
            return


def _how(other: ClauseView, measure: MoneyMeasure | None, demand: Facts, offer: Facts) -> tuple[str, str] | None:
    """How it makes a difference for a use, and what to say."""
    if isinstance(other, Payer):
        return "pays for some of it", "say `measure: after-credits`: what a credit pays draws nothing, and counts not"
    if measure != "list":
        return None
    if isinstance(other, OwnRates):
        return "charges for it in another way", APART
    if off_price(other, demand, offer):
        return "changes what it costs", f"say `measure: after-discounts` (use draws what it costs), or {KNOWN}"
    return None


def _drawn_twice(
    term: Prepaying, drawing: tuple[datetime, datetime], beside: Sequence[Prepaying], case: CaseView
) -> Iterator[Flaw]:
    """Two that are drawn by one use: told of the later one by name."""
    assert case.horizon is not None
    own = term.counting.own.selection
    for other in beside:
        its, theirs = other.counting.own.selection, _drawing(other, case.horizon)
        if other.id >= term.id or theirs is None or max(drawing[0], theirs[0]) >= min(drawing[1], theirs[1]):
            continue
        if any(its.covers(demand, offer) for demand, offer in case.uses(own, *its.keys)):
            what = (
                f"what `{term.id}` and `{other.id}` charge as prepayment is drawn by the same use, which is paid once"
            )
            yield Flaw(what, f"{APART}, or {KNOWN}", _path(term) or ())


def _lapsing(term: Prepaying, horizon: Horizon) -> Iterator[Flaw]:
    """A prepayment that lapses inside of a window: how much of it was drawn by then is not counted."""
    if not isinstance(term.shortfall, Shortfall):
        return
    windows = term.counting.own.windows.seen_by(horizon)
    for lapses, window in prepayment.lapses_within(windows, term.shortfall.valid_for):
        what = f"what is charged lapses on {lapses:%Y-%m-%d}, inside of a window ({named(window.start, window.end)})"
        remedy = (
            "write a length that ends where a window does, or milestones over `every: term`, which lapse on any day"
        )
        yield Flaw(what, remedy, ("shortfall", "valid-for"))
        return


def _lost(term: Prepaying, horizon: Horizon) -> Iterator[Flaw]:
    """What an earlier text would bring into the time after it was replaced: the next one does not know it."""
    at, ended = term.validity.end, term.validity.ended
    if ended is None or at >= horizon.closes:
        return
    path = _path(term)
    over = [window for window in term.counting.own.windows.seen_by(horizon) if window.start < at]
    if path is not None and path[0] == "milestones":
        before = any(horizon.opens < term.validity.begin(each.by) <= at for each in term.milestones)
        some = before and ended.how != "whole-window"  # of that, the milestone tells
        what, remedy = "charged as prepayment", "with one `amount` and all of the `milestones`"
    else:
        if path is not None:
            what, some = "charged as prepayment", any(_lasts(term.shortfall, each, at) for each in over)
        else:
            key = "carry-over" if term.carry_over else "deferral"
            what, some = (
                f"carried on (`{key}`)",
                any(_goes_on(term, each) for each in over if term.counting.own.windows.every != "term"),
            )
            path = (key,)
        remedy = "with a `ramp` that has the part of each window in all of their amounts"
    if some:
        yield _not_brought(term, what, f"where it goes on, write both texts as one clause, {remedy}; ", path)


def taken_early(term: ClauseView, windows: Calendar, horizon: Horizon | None) -> Iterator[Flaw]:
    """What was taken beyond a quantity before its text was replaced, and is not carried into the next."""
    at = term.validity.end
    if horizon is None or term.validity.ended is None or at >= horizon.closes or windows.every == "term":
        return
    if any(window.start < at for window in windows.seen_by(horizon)):
        yield _not_brought(term, "carried on (`carry-over`)", "", ("carry-over",))


def _not_brought(term: ClauseView, what: str, one: str, path: tuple[str | int, ...]) -> Flaw:
    """Of what goes on, in ``one`` clause, or is lost."""
    at = f"{term.validity.end:%Y-%m-%d}"
    two = (
        f"where it is lost, end this clause (`until: {at}`, or where a window ends before), with what it asks for "
        "until then, and write the other in the same agreement, `from` that day, with another id"
    )
    told = f"what was {what} before {at} is not brought into the text of `{term.id}` that replaces this one"
    return Flaw(told, f"{one}{two}", path)


def _goes_on(term: Prepaying, window: Window) -> bool:
    """Whether a window may bring anything into the next."""
    parts = term.deferral
    some = parts if not isinstance(parts, tuple) else parts[window.index] if window.index < len(parts) else 0
    return bool(term.carry_over or some)


def _lasts(shortfall: Remedy, window: Window, at: datetime) -> bool:
    """Whether what is charged of a window may be drawn after a moment."""
    valid_for = shortfall.valid_for if isinstance(shortfall, Shortfall) else None
    return valid_for is None or later(window.end, valid_for) > at
