"""What an amendment makes of the window that runs on its day: one amount of it, never two in full.

Owns: the ways to say it, and the windows that each leaves to the earlier text and to the new one. Not here: which text
an amendment replaces (``case.agreement``), and whether a clause must say it (``case.checks.windows``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self

from detente.contract.reach.window import Calendar, Every, Window

TakesOver = Literal["whole-window", "pro-rata", "new-window"]
"""``whole-window``: the new text counts all of the window that runs, with its use to date, and the earlier text asks
nothing of it. ``pro-rata``: each text asks for its part of the window's time. ``new-window``: the earlier text asks for
its part, and a whole window of the new text begins on the day."""


@dataclass(frozen=True, slots=True)
class Handover:
    """From one text of a clause to the next: how, and the earlier text's window that runs on the day.

    ``running`` ends where it would have ended without the amendment; it is None where no window of an amount has begun
    before the day. ``windows`` are those that it is one of. ``how`` is None where the new text does not say.
    ``counting`` are those in which the earlier text counts what goes on under the new one, though it divides no amount.
    ``parties`` are those whose use the earlier text covers; none where it does not say.
    ``unasked`` is the window that runs of a text that asks for no amount of any, so that there is nothing to take over.
    """

    how: TakesOver | None
    running: Window | None = None
    windows: Calendar | None = None
    counting: Calendar | None = None
    parties: tuple[str, ...] = ()
    unasked: Window | None = None

    @classmethod
    def on(
        cls,
        at: datetime,
        how: TakesOver | None,
        windows: Calendar | None,
        counting: Calendar | None = None,
        parties: tuple[str, ...] = (),
        undivided: Calendar | None = None,
    ) -> Self:
        """At a moment, from a text with such windows; None: it divides no amount, or nothing goes on."""
        return cls(how, _running(windows, at), windows, counting, parties, _running(undivided, at))


def _running(windows: Calendar | None, at: datetime) -> Window | None:
    """The window that has begun before a moment and runs on it."""
    found = (window for window in windows.over(at, at) if window.start < at) if windows is not None else iter(())
    return next(found, None)


def gone_on(calendar: Calendar, every: Every, handover: Handover | None) -> Calendar:
    """The windows of a new text that divide no amount: where both have such, they go on from those of the earlier."""
    earlier = None if handover is None else handover.counting
    if earlier is None or every.starts or every.every != earlier.every:
        return calendar
    running = next(iter(earlier.over(calendar.since, calendar.since)), None)
    return (
        calendar if running is None else replace(calendar, first=earlier.first, before=earlier.before + running.index)
    )


def begun(calendar: Calendar, every: Every, handover: Handover | None) -> Calendar:
    """The windows of a new text: unless it states others, they go on from the one that it takes over."""
    if handover is None or handover.running is None or handover.how in (None, "new-window"):
        return calendar
    assert handover.windows is not None
    running, earlier = handover.running, handover.windows
    since = running.start if handover.how == "whole-window" else calendar.since
    calendar = replace(calendar, since=since, divided_from=earlier.whole_from(running.index))
    if every.starts:
        return calendar
    if every.every != earlier.every:
        return replace(calendar, first=earlier.begins(running.index))
    return replace(calendar, first=earlier.first, before=earlier.before + running.index)


def ended(calendar: Calendar, handover: Handover | None) -> Calendar:
    """The windows of an earlier text: without the one that was taken over whole, or with a part of it."""
    if handover is None or handover.running is None or handover.how is None:
        return calendar
    if handover.how == "whole-window":
        return replace(calendar, end=handover.running.start)
    return replace(calendar, cut_from=handover.running.end)
