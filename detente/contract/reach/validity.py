"""When a clause is in force, and with whom.

Not here: how amendments and events decide it (``case.agreement``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from detente.contract.combining import Combine
from detente.contract.reach.handover import Handover
from detente.contract.reach.window import Window
from detente.values.period import Horizon, moment


@dataclass(frozen=True, slots=True)
class Validity:
    """Which agreement a term stands in, with whom, and when it is in force (the end is exclusive).

    ``begun`` and ``ended``: where it replaces an earlier text of the clause, and where an amendment replaces it.
    ``parties``: whose use the agreement is about, on our side; none where it does not say.
    ``text_from``: when the text came into force of which this is a later version; None of the first.
    ``combine``: how the agreement has price clauses combine; None where it does not say.
    ``zone``: on whose clock the agreement's days begin. ``amends``: what the agreement amends, and what that does.
    ``stated``: the end that its own paper states, where an amendment or an event ends it before; else None.
    ``replaced``: whether an amendment replaces or removes the text.
    """

    agreement: str
    counterparty: str
    start: datetime
    end: datetime
    begun: Handover | None = None
    ended: Handover | None = None
    combine: Combine | None = None
    text_from: datetime | None = None
    parties: tuple[str, ...] = ()
    zone: tzinfo = UTC
    amends: tuple[str, ...] = ()
    stated: datetime | None = None
    replaced: bool = False

    @property
    def first(self) -> datetime:
        """When its text came into force: this may be one of several versions of it, one after the other."""
        return self.text_from or self.start

    @property
    def of_text(self) -> str:
        """The first agreement of the text, as amended, in which the term stands."""
        return (self.agreement, *self.amends)[-1]

    @property
    def as_signed(self) -> datetime:
        """When it ends as its own paper says, whatever has become of it since."""
        return self.end if self.stated is None else max(self.end, self.stated)

    def overtaken(self, at: datetime) -> bool:
        """Whether a moment is in its time as signed, and comes when it has ended: no mistake, and nothing happens."""
        return self.end <= at < self.as_signed

    def begin(self, on: date) -> datetime:
        """When a day begins that the agreement names."""
        return moment(on, self.zone)

    def over(self, start: datetime, end: datetime) -> bool:
        """Whether any of a time lies in it; of a time without length, whether it does."""
        # Never `==`: a moment that a clock has twice, or skips, equals none on another clock (PEP 495).
        return start < self.end and (self.start < end or self.start <= start)

    def within(self, horizon: Horizon) -> Window:
        """The part of a horizon in which it holds, as one window; of no length where there is none."""
        start = max(self.start, horizon.opens)
        return Window(0, start, max(start, min(self.end, horizon.closes)))
