"""Whether the windows that a clause states ever come, and whether a plan can count in them.

Not here: the windows (``contract.window``), and what a clause counts in them (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from detente.contract.term import Term, Until
from detente.contract.window import Every
from detente.errors import Flaw
from detente.values.period import Horizon, endless, later, moment, named
from detente.values.quantity import Span


def never(term: Term, signed_until: datetime) -> Iterator[Flaw]:
    """Windows that a clause does not live to see, whatever becomes of events and amendments.

    ``signed_until`` is when it ends by its own dates and its agreement's.
    """
    for stated in term.stated_windows():
        flaw = _never(stated.every, term.validity.start, signed_until)
        if flaw is not None:
            yield replace(flaw, path=(*stated.path, *flaw.path))


def _never(every: Every, start: datetime, end: datetime) -> Flaw | None:
    first = moment(every.starts) if every.starts else start
    ended = f"when the clause has ended ({end:%Y-%m-%d})"
    if first >= end:
        return Flaw(f"the windows start on {first:%Y-%m-%d}, {ended}", "check the dates", ("starts",))
    if every.ramp and every.every != "term":
        last = later(first, Span(1, every.every), len(every.ramp) - 1)
        if last >= end:
            when = "outside the calendar" if endless(end) else ended
            what = f"the last window of the ramp starts on {last:%Y-%m-%d}, {when}"
            return Flaw(what, "shorten the ramp, or check the dates", ("ramp",))
        over = later(first, Span(1, every.every), len(every.ramp))
        if over <= start:
            before = f"before the clause is in force ({start:%Y-%m-%d})"
            what = f"the last window of the ramp ends on {over:%Y-%m-%d}, {before}"
            return Flaw(what, "lengthen the ramp, or check the dates", ("ramp",))
    return None


def cut(term: Term, horizon: Horizon) -> Iterator[Flaw]:
    """Windows that the horizon cuts in two, where the clause does not say what then becomes of its amount."""
    for stated in term.stated_windows():
        if stated.divides == "amount" and stated.every.every == "term" and endless(term.validity.end):
            yield Flaw(*_endless(term), stated.path)
        elif stated.divides != "nothing" and stated.every.cut == "refuse":
            what = _cut(term, stated.every, horizon)
            if what is not None:
                yield Flaw(what, "say `cut: prorate`, or move the horizon (its `end` is exclusive)", stated.path)


def _endless(term: Term) -> tuple[str, str]:
    """Of a window without end no part falls to the horizon."""
    end = "`ends:` for the agreement or `until:` for the clause"
    if isinstance(term.until, Until):
        end = f"a `latest:` day beside the event `{term.until.event}`, or `ends:` for the agreement"
    what = f"the amount is for the whole term, which has no end (it starts on {term.validity.start:%Y-%m-%d})"
    return what, f"state {end}, or say `windows: {{ every: year }}`"


def _cut(term: Term, every: Every, horizon: Horizon) -> str | None:
    for window in every.calendar(term.validity.start, term.validity.end).seen_by(horizon):
        if window.part != 1:
            seen = named(moment(horizon.start), moment(horizon.end))
            return f"the window {named(window.start, window.end)} is cut by the horizon ({seen})"
    return None
