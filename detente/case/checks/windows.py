"""Whether the windows that a clause states ever come, whether a plan can count in them, and who has them when amended.

Not here: the windows (``contract.reach.window``), and what a clause counts in them (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from detente.contract.reach.ending import Until
from detente.contract.reach.handover import Handover
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.term import Term
from detente.errors import Flaw
from detente.values.period import Horizon, endless, later, named
from detente.values.quantity import Span


def never(term: Term, signed_until: datetime) -> Iterator[Flaw]:
    """Windows that a clause does not live to see, whatever becomes of events and amendments.

    ``signed_until`` is when it ends by its own dates and its agreement's.
    """
    for stated in term.found_windows:
        flaw = _never(stated.every, term.calendar(stated.every).begins(0), term.validity.start, signed_until)
        if flaw is not None:
            yield replace(flaw, path=(*stated.path, *flaw.path))


def _never(every: Every, first: datetime, start: datetime, end: datetime) -> Flaw | None:
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
    found = term.found_windows
    for stated in found:
        if stated.divides == "amount" and stated.every.every == "term" and endless(term.validity.end):
            others = [other for other in found if other.path == stated.path and other.every != stated.every]
            yield Flaw(*_endless(term, divided=bool(others)), stated.path)
        elif stated.divides != "nothing" and not stated.whole and stated.every.cut == "refuse":
            what = _cut(term, stated.every, horizon)
            if what is not None:
                yield Flaw(what, _remedy(term, horizon), stated.path)


def handed_over(term: Term) -> Iterator[Flaw]:
    """Of a text that replaces an earlier one: what becomes of the window that runs on that day."""
    begun, path = term.validity.begun, ("takes-over",)
    if term.validity.text_from is not None:
        return  # a later version of one text: the first has told
    if begun is None:
        if term.takes_over:
            remedy = "leave out `takes-over`, or write the clause in an agreement that `amends` that of the other"
            yield Flaw(f"`{term.id}` replaces no earlier text that is in force, so it takes nothing over", remedy, path)
    elif begun.running is not None and begun.how is None:
        yield Flaw(_not_said(term, begun.running), WAYS)
    elif begun.running is not None and begun.how != "whole-window" and endless(begun.running.end):
        what = (
            f"the window of the earlier `{term.id}` has no end, so that no part of its amount falls to the time before"
        )
        remedy = (
            "state `ends:` for the agreement that is amended or `until:` for the clause, or take over the whole window"
        )
        yield Flaw(f"{what} {term.validity.start:%Y-%m-%d}", remedy, path)
    elif begun.running is not None:
        yield from _out_of_step(term, begun.running)
    elif begun.unasked is not None and begun.how in ("whole-window", "pro-rata") and term.divided(term.validity):
        yield _nothing_asked(term, begun.unasked)
    yield from _from_before(term)
    yield from _of_other_parties(term)


EACH = (
    "(each text asks for its part of it) or `new-window` (the earlier text asks for its part, and a new window begins)"
)
WAYS = (
    f"say `takes-over: whole-window` (the new text counts all of that window, with its use to date), `pro-rata` {EACH}"
)
PARTS = f"`takes-over: pro-rata` {EACH}"


def _not_said(term: Term, running: Window) -> str:
    there = f"the window {named(running.start, running.end)} of the text that `{term.id}` replaces"
    return f"{there} runs on {term.validity.start:%Y-%m-%d}, and what becomes of its amount is not said"


def _nothing_asked(term: Term, running: Window) -> Flaw:
    """An amount of a window that an earlier text has none of."""
    on = f"{term.validity.start:%Y-%m-%d}"
    what = f"the text that `{term.id}` replaces has no amount of the window {named(running.start, running.end)}"
    remedy = f"say `takes-over: new-window` (that of this text is for what comes from {on} on), or state one there, too"
    return Flaw(f"{what}, which runs on {on}: there is nothing of it to take over", remedy, ("takes-over",))


def _out_of_step(term: Term, running: Window) -> Iterator[Flaw]:
    """Stated windows that do not go on from the one that runs, or, where a new one is to begin, go on from before."""
    for stated in term.found_windows if term.takes_over != "pro-rata" else ():
        if stated.divides != "amount":
            continue
        calendar, on = term.calendar(stated.every), term.validity.start
        inside = next(iter(calendar.over(on, on)), next(iter(calendar), None))
        if term.takes_over == "whole-window" and inside is not None:
            yield from _unlike(calendar, inside, term.validity.begun, stated.path)
        if term.takes_over == "new-window" and stated.every.starts and term.begin(stated.every.starts) < on:
            what = f"a new window is to begin on {on:%Y-%m-%d}, and the windows start on {stated.every.starts}"
            yield Flaw(what, "leave out `starts`, or say `takes-over: pro-rata`", (*stated.path, "starts"))


def _unlike(calendar: Calendar, inside: Window, begun: Handover | None, path: tuple[str | int, ...]) -> Iterator[Flaw]:
    """Of the window of a new text that is to take over another: it begins later, or is stated to begin earlier."""
    assert begun is not None
    assert begun.running is not None
    assert begun.windows is not None
    running, stated = begun.running, calendar.begins(inside.index)
    what = f"is to take over the window {named(running.start, running.end)}, and its own begins on"
    if inside.start != running.start:
        remedy = f"let that in which {inside.start:%Y-%m-%d} lies begin on {running.start:%Y-%m-%d} (`windows`)"
        yield Flaw(f"{what} {inside.start:%Y-%m-%d}", f"{remedy}, or say {PARTS}", ("takes-over",))
    elif stated < begun.windows.begins(running.index):
        remedy = f"leave out `starts` (its windows then begin with that one), or say {PARTS}"
        what = f"{what} {stated:%Y-%m-%d}: of the time until that one the earlier text has asked its amount"
        yield Flaw(what, remedy, (*path, "starts"))


def _of_other_parties(term: Term) -> Iterator[Flaw]:
    """A window that is taken over whole, where whose use counts is another now: of use from before it is not said."""
    begun, own = term.validity.begun, term.validity.parties
    counts = begun is not None and (begun.running is not None or begun.counting is not None)
    if begun is None or not counts or begun.how != "whole-window" or term.parties or {*own} == {*begun.parties}:
        return
    was, are = (" and ".join(f"`{name}`" for name in names) or "everybody" for names in (begun.parties, own))
    on = f"{term.validity.start:%Y-%m-%d}"
    what = (
        f"`{term.id}` takes over a window that began when it was about the use of {was}, and it is about that of {are}"
    )
    whose = ", ".join(own or begun.parties)
    remedy = f"say `parties: [{whose}]` in the clause (then all of the window is about theirs), or say {PARTS}"
    if begun.parties and own:
        remedy += f"; {_before_and_after(begun.parties, own, on)}"
    yield Flaw(f"{what} from {on} on: whose use from before counts is not said", remedy, ("takes-over",))


def _before_and_after(was: Sequence[str], own: Sequence[str], on: str) -> str:
    """What to write where the use of each party counts only while the text of its time names it."""
    changed = [
        (" and ".join(f"`{name}`" for name in names), when)
        for names, when in (([n for n in own if n not in was], "until"), ([n for n in was if n not in own], "from"))
        if names
    ]
    work = " and ".join(f"the work of {names} {when} then" for names, when in changed)
    both = ", ".join(dict.fromkeys((*was, *own)))
    return (
        f"where use counts before {on} by the earlier parties and from then on by these, say `parties: [{both}]` in "
        f"the clause, and write {work} as workloads of their own, each with another label `party`"
    )


def _from_before(term: Term) -> Iterator[Flaw]:
    """A first day from before the agreement takes effect, unless it is that of the window that is taken over."""
    start, begun = term.validity.start, term.validity.begun
    if term.from_ is None or term.begin(term.from_) >= start:
        return
    whole = begun is not None and begun.how == "whole-window" and begun.running is not None
    if whole and begun is not None and begun.running is not None and term.begin(term.from_) == begun.running.start:
        return
    what = f"`from` is {term.from_}, before the agreement takes effect ({start:%Y-%m-%d})"
    remedy = "leave it out; what an amendment makes of a window that runs, `takes-over` says"
    yield Flaw(what, remedy, ("from",))


def _endless(term: Term, *, divided: bool) -> tuple[str, str]:
    """Of a window without end no part falls to the horizon; also where its windows divide another amount already."""
    end = "`ends:` for the agreement or `until:` for the clause"
    if isinstance(term.until, Until):
        end = f"a `latest:` day beside the event `{term.until.event}`, or `ends:` for the agreement"
    what = f"the amount is for the whole term, which has no end (it starts on {term.validity.start:%Y-%m-%d})"
    return what, f"state {end}" if divided else f"state {end}, or say `windows: {{ every: year }}`"


def _remedy(term: Term, horizon: Horizon) -> str:
    """What the days of a horizon on another clock cut is not cut where it has the same."""
    zone = str(term.validity.zone)
    there = "" if zone == horizon.zone else f"say `zone: {zone}` in the `horizon`, "
    return f"{there}say `cut: prorate`, or move the horizon (its `end` is exclusive)"


def _cut(term: Term, every: Every, horizon: Horizon) -> str | None:
    for window in term.calendar(every).seen_by(horizon):
        if window.part != 1:
            seen = named(horizon.opens, horizon.closes)
            if str(term.validity.zone) != horizon.zone:
                seen += f", and the days of `{term.validity.agreement}` begin in {term.validity.zone}"
            return f"the window {named(window.start, window.end)} is cut by the horizon ({seen})"
    return None
