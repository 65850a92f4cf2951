"""A window of a cap as one worker knows it, and what its calls hold of it.

Owns: what is leased, used and held (``KeptCap``), and giving back as calls end (``CapHold``). All in memory, on the
worker's own thread. Not here: asking whether there is room (``leaseholder``, ``own_count``), and the rules of leases
(``ledger/caps/leases``).
"""

from __future__ import annotations

from datetime import datetime
from math import ceil, log

import msgspec

from detente.gateway.deciding.standings import Hold
from detente.ledger.caps.cap import Cap, CapLimit, CapRoom, CapTaker
from detente.ledger.caps.leases import LeaseClaim, Slice
from detente.ledger.caps.leasing import CapAnswer, CapClaim
from detente.ledger.journals.record import TokenCounts
from detente.providers.wire import Tokens

AHEAD = 10.0
"""Seconds of use, at the pace of the last ones, that are leased ahead of need."""
FEW = 8
"""Calls of the size of late that are leased at least ahead of need."""
FADES, FORGETS, CALMS = 0.8, 0.98, 0.5
"""What is left, after a second, of a pace without use, of the size of a call, and of the most calls at a time.

So the pace is a mean over some five seconds, and not what a few calls come to that end at one moment.
"""
FRESH = 0.25
"""Seconds for which an answer of the ledger's holds: a call that it leaves no room for is denied at once."""
PATIENCE = 1.0
"""Seconds for which a call waits for what others have to spare, and do not give back: they may have been killed."""


class KeptCap:
    """A window of a cap, as this worker knows it."""

    __slots__ = (
        "allows",
        "answered_at",
        "asked",
        "cap",
        "comes_back",
        "dirty",
        "lacked",
        "left",
        "lent",
        "need",
        "next",
        "pace",
        "patient",
        "peak",
        "refused",
        "since",
        "size",
        "slice",
        "told",
        "under_way",
        "waits",
    )

    def __init__(self, cap: Cap, allows: CapLimit) -> None:
        self.cap, self.allows, self.slice = cap, allows, Slice()
        self.comes_back = cap.comes_back
        self.need = 0
        """What a call that found no room takes, where it takes the least: a dearer deployment may have none."""
        self.waits = 0
        """The same, as it was claimed."""
        self.lacked = 0
        """How many calls found no room since the last claim."""
        self.refused = False
        """Whether the ledger could not give that: then what is free here is of use to nobody, and goes back."""
        self.pace = 0.0
        """Use a second, of late."""
        self.since = 0
        """Use since the last claim."""
        self.under_way = 0
        """Calls that hold a part of it and have not ended."""
        self.peak = 0.0
        """The most of them at a time, of late."""
        self.size = 0.0
        """What a call takes, at most of late."""
        self.left: int | None = None
        """What remained for anybody when the ledger last answered."""
        self.answered_at = float("-inf")
        self.lent = 0
        """What others had to spare of it then, where that was too little for a call."""
        self.patient = 0.0
        """Until when a call waits for that."""
        self.asked = False
        """Whether a call elsewhere found no room: then nothing is kept here that no call needs."""
        self.dirty = False
        """Whether anything changed since the last claim."""
        self.told = 0
        """The percent of it that the operator was told of."""
        self.next: KeptCap | None = None
        """The window after it, of a cap that comes back: what is held here is held there, too."""

    # -- calls -------------------------------------------------------------------------------------------------
    def take(self, takes: int) -> None:
        """A call holds so much."""
        self.slice.held += takes
        self.under_way += 1
        if takes > self.size:
            self.size = takes
        if self.under_way > self.peak:
            self.peak = self.under_way

    def settle(self, held: int, took: int) -> None:
        """It ended, and used so much."""
        self.under_way -= 1
        self.slice.held -= held
        self.slice.used += took
        self.since += took
        self.dirty = True
        if self.next is not None:
            self.next.settle(held, took)

    def go_on_in(self, later: KeptCap) -> None:
        """Calls at a time that are under way are under way in the next window, too."""
        self.next = later
        later.slice.take(self.slice.held)
        later.under_way += self.under_way
        later.peak, later.dirty = self.peak, True

    def found_no_room(self, takes: int) -> None:
        """A call found no room for so much."""
        self.need, self.size, self.dirty = min(self.need or takes, takes), max(self.size, takes), True
        self.lacked += 1

    def room(self, takes: int) -> CapRoom:
        """What a call finds that has no room in the slice: less than it takes, whatever the ledger may give yet.

        So a cap can be asked whether it denies anything; where more is ``known`` to be left, its words are not for
        callers.
        """
        return CapRoom(self.allows, min(self.known, takes - 1), takes)

    @property
    def known(self) -> int:
        """What is left of it, as far as this worker knows."""
        return max(0, self.left or 0) + max(0, self.slice.free)

    @property
    def runs_short(self) -> bool:
        """Whether half of what is wanted ahead of need is gone."""
        free = self.slice.free
        return not self.comes_back and (free < self.pace * AHEAD / 2 or free < self.size * FEW / 2)

    # -- leases ------------------------------------------------------------------------------------------------
    def wanted(self) -> int:
        """What it would have ahead of need."""
        if self.comes_back:
            return max(0, ceil(self.peak) - self.under_way) + self.lacked
        return int(max(self.pace * AHEAD, self.size * FEW))

    def passes(self, seconds: float) -> None:
        """So much time passed since the last claim."""
        fades = FADES**seconds
        self.pace = self.pace * fades + self.since * ((1 - fades) / seconds if seconds else -log(FADES))
        self.peak = max(self.peak * CALMS**seconds, self.under_way)
        self.peak = self.peak if self.peak >= 0.5 else 0.0
        self.size *= FORGETS**seconds
        self.since = 0

    def over(self, at: datetime) -> bool:
        """Whether its window has ended."""
        return self.allows.end <= at

    @property
    def in_use(self) -> bool:
        """Whether calls came in the last seconds; what comes back goes on by itself."""
        return not self.comes_back and self.pace * AHEAD >= self.size > 0

    @property
    def has_spare(self) -> bool:
        """Whether it has far more than it wants; of what comes back, or is asked for, more at all."""
        if self.asked:
            return self.slice.free > self.need
        return self.slice.free > (1 if self.comes_back else 4) * self.wanted()

    def claim(self) -> CapClaim:
        """What to say of it: gives back what is far more than it wants; where asked to, all that no call needs."""
        wanted, free = self.wanted(), self.slice.free
        if self.asked or (self.refused and not self.need):
            keep, wanted = self.need, 0
        else:
            keep = (1 if self.comes_back else 2) * wanted if self.has_spare else max(0, free)
            wanted = max(0, wanted - free)
        claim = self.said(max(0, self.need - free), keep, wanted)
        self.waits, self.need, self.lacked, self.dirty, self.refused = self.need, 0, 0, False, False
        return CapClaim(claim, self.allows.limit, self.cap.drawn_by, max(0, self.slice.free))

    def said(self, need: int = 0, keep: int = 0, wanted: int = 0) -> LeaseClaim:
        """A claim. What comes back is held by calls alone, which end with their worker: nothing stays of them."""
        claim = self.slice.claim(need, keep, wanted)
        return claim._replace(held=0) if self.comes_back else claim

    def answered(self, answer: CapAnswer, now: float) -> None:
        """The ledger's answer."""
        self.slice.grant(answer.granted)
        self.left, self.answered_at = answer.remaining, now
        self.refused = self.waits > self.slice.free
        if self.refused and answer.lent != self.lent:  # they do give it back, or it is first seen
            self.patient = now + PATIENCE
        self.lent = answer.lent if self.refused else 0
        self.dirty = self.dirty or self.refused

    def may_give(self, takes: int, now: float) -> bool:
        """Whether the ledger may leave room for a call that found none: so it is where nobody asked of late."""
        if self.left is None or now - self.answered_at > FRESH or self.known >= takes:
            return True
        if not self.refused:  # nobody was asked yet for what they have to spare
            return True
        return self.known + self.lent >= takes and now < self.patient


class CapHold(Hold):
    """What one call holds."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[tuple[KeptCap, CapTaker, int]]) -> None:
        self._parts = parts

    def settle(self, tokens: Tokens | None) -> None:
        """It used so much; where nobody knows, all stays held, but for what comes back as it ends."""
        used = None if tokens is None else TokenCounts(*msgspec.structs.astuple(tokens))
        for kept, call, held in self._parts:
            took = 0 if kept.comes_back else None if used is None else call.takes(used)
            if took is not None:
                kept.settle(held, took)
            else:
                kept.under_way -= 1
        self._parts = []

    def release(self) -> None:
        """It used nothing."""
        for kept, _, held in self._parts:
            kept.settle(held, 0)
        self._parts = []
