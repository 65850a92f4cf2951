"""A leaseholder: what one worker may use of the caps of its case, and what its calls hold and use of it.

Owns: slices of caps between calls, all in memory, and what to claim next. Not here: the ledger they come from
(``renewing``), and the rules of leases (``ledger/leases``).

A call that finds no room waits for more (``coming``), unless the ledger has just said that there is none, or is away:
then it is denied (§13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime

from detente.contract.verdict import Reason, Verdict
from detente.gateway.deciding.standings import Hold, Standings
from detente.ledger.cap import Cap, CapLimit, CapRoom, CapTaker
from detente.ledger.leases import LeaseClaim, Slice
from detente.ledger.leasing import CapAnswer, CapClaim, CapWindow
from detente.ledger.record import TokenCounts
from detente.providers.wire import Tokens

AHEAD = 10.0
"""Seconds of use, at the pace of the last ones, that are leased ahead of need."""
FEW = 8
"""Calls of the size of late that are leased at least ahead of need."""
FADES, FORGETS = 0.8, 0.98
"""What is left, after a second, of a pace without use, and of the size of a call."""
FRESH = 0.25
"""Seconds for which an answer of the ledger's holds: a call that it leaves no room for is denied at once."""


class KeptCap:
    """A window of a cap, as this worker knows it."""

    __slots__ = (
        "allows",
        "answered_at",
        "cap",
        "dirty",
        "left",
        "need",
        "pace",
        "refused",
        "since",
        "size",
        "slice",
        "under_way",
        "waits",
    )

    def __init__(self, cap: Cap, allows: CapLimit) -> None:
        self.cap, self.allows, self.slice = cap, allows, Slice()
        self.need = 0
        """What a call that found no room takes."""
        self.waits = 0
        """The same, as it was claimed."""
        self.refused = False
        """Whether the ledger could not give that: then what is free here is of use to nobody, and goes back."""
        self.pace = 0.0
        """Use a second, of late."""
        self.since = 0
        """Use since the last claim."""
        self.under_way = 0
        """Calls that hold a part of it and have not ended."""
        self.size = 0.0
        """What a call takes, at most of late."""
        self.left: int | None = None
        """What remained for anybody when the ledger last answered."""
        self.answered_at = float("-inf")
        self.dirty = False
        """Whether anything changed since the last claim."""

    def wanted(self) -> int:
        """What it would have ahead of need."""
        return int(max(self.pace * AHEAD, self.size * FEW))

    def passes(self, seconds: float) -> None:
        """So much time passed since the last claim."""
        self.pace = max(self.pace * FADES**seconds, self.since / max(seconds, 0.1))
        self.size *= FORGETS**seconds
        self.since = 0

    def over(self, at: datetime) -> bool:
        """Whether its window has ended."""
        return self.allows.end <= at

    def claim(self) -> CapClaim:
        """What to say of it: gives back what is far more than it wants."""
        wanted, free = self.wanted(), self.slice.free
        keep = 0 if self.refused and not self.need else 2 * wanted if free > 4 * wanted else max(0, free)
        wanted = 0 if self.refused and not self.need else max(0, wanted - free)
        claim = self.slice.claim(max(0, self.need - free), keep, wanted)
        self.waits, self.need, self.dirty, self.refused = self.need, 0, False, False
        return CapClaim(claim, self.allows.limit, self.cap.drawn_by)

    def answered(self, answer: CapAnswer, now: float) -> None:
        """The ledger's answer."""
        self.slice.grant(answer.granted)
        self.left, self.answered_at = answer.remaining, now
        self.refused = self.waits > self.slice.free
        self.dirty = self.dirty or self.refused

    def may_give(self, takes: int, now: float) -> bool:
        """Whether the ledger may leave room for a call that found none: so it is where nobody asked of late."""
        if self.left is None or now - self.answered_at > FRESH:
            return True
        return self.left + max(0, self.slice.free) >= takes

    def room(self, takes: int) -> CapRoom:
        """What a call finds that has no room in the slice: less than it takes, whatever the ledger may give yet."""
        left = max(0, self.left or 0) + max(0, self.slice.free)
        return CapRoom(self.allows, min(left, takes - 1), takes)


class CapHold(Hold):
    """What one call holds."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[tuple[KeptCap, CapTaker, int]]) -> None:
        self._parts = parts

    def settle(self, tokens: Tokens | None) -> None:
        """It used so much; where nobody knows, all stays held."""
        used = None if tokens is None else TokenCounts(*tokens)
        for kept, call, held in self._parts:
            kept.under_way -= 1
            if used is not None and (took := call.takes(used)) is not None:
                kept.slice.settle(held, took)
                kept.since += took
                kept.dirty = True
        self._parts = []

    def release(self) -> None:
        """It used nothing."""
        for kept, _, held in self._parts:
            kept.under_way -= 1
            kept.slice.settle(held, 0)
            kept.dirty = True
        self._parts = []


class Leaseholder(Standings):
    """The caps of one worker.

    Parameters
    ----------
    kick
        Asks for a claim at once.
    now
        The event loop's clock.
    """

    def __init__(self, kick: Callable[[], None], now: Callable[[], float]) -> None:
        self._kick, self._now = kick, now
        self.kept: dict[CapWindow, KeptCap] = {}
        self.away = ""
        """Why the ledger cannot be asked; empty where it can."""
        self._lacking = False
        self._next: asyncio.Future[None] | None = None

    # -- what calls ask --------------------------------------------------------------------------------------------
    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Verdict | None:
        """What denies a call that may take so many tokens."""
        for call in caps:
            if call.unknown:
                return Verdict("undecided", Reason(call.cap.id, f"what the call costs is not known: {call.unknown}"))
            takes = call.about(need)
            kept = self.kept.get(call.allows.key)
            if (kept is None or kept.slice.free < takes) and (said := self._denies(kept, call, takes)) is not None:
                return said
        return None

    def _denies(self, kept: KeptCap | None, call: CapTaker, takes: int) -> Verdict | None:
        """What a clause says where a slice has no room; more is asked for."""
        if kept is None:
            kept = self.kept[call.allows.key] = KeptCap(call.cap, call.allows)
        kept.need, kept.size, kept.dirty = max(kept.need, takes), max(kept.size, takes), True
        said = call.cap.denies(kept.room(takes))
        if said is None:
            return None
        if self.away:
            return Verdict("deny", Reason(call.cap.id, f"what was leased of {call.cap.id} is used up, {self.away}"))
        self._lacking = self._lacking or kept.may_give(takes, self._now())
        return said

    def hold(self, caps: Sequence[CapTaker], need: TokenCounts) -> Hold:
        """Hold what a call may take."""
        parts = []
        for call in caps:
            takes = call.about(need)
            kept = self.kept.get(call.allows.key)
            if kept is None:
                kept = self.kept[call.allows.key] = KeptCap(call.cap, call.allows)
            kept.slice.take(takes)
            kept.under_way += 1
            kept.allows, kept.size = call.allows, max(kept.size, takes)
            if kept.slice.free < max(kept.pace * AHEAD, kept.size * FEW) / 2:
                kept.dirty = True
                self._kick()
            parts.append((kept, call, takes))
        return CapHold(parts)

    def coming(self) -> Awaitable[object] | None:
        """The next answer of the ledger, where a call was denied that it may leave room for."""
        if not self._lacking or self.away:
            self._lacking = False
            return None
        self._lacking = False
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self._kick()
        return self._next

    def caps(self) -> Iterator[tuple[str, int, int]]:
        """Of each cap: whose it is, what it allows, and what remains. Of several windows, the last comes last."""
        for kept in self.kept.values():
            if kept.left is not None:
                yield kept.cap.id, kept.allows.limit, kept.left

    # -- what the ledger is told, and says -------------------------------------------------------------------------
    def claims(self, seconds: float, at: datetime) -> dict[CapWindow, CapClaim]:
        """What to claim at a moment, so many seconds after the last time."""
        found = {}
        for key, kept in self.kept.items():
            kept.passes(seconds)
            if kept.over(at):
                kept.pace = kept.size = 0.0
                kept.dirty = kept.dirty or kept.slice.free > 0 or not kept.under_way
            if kept.dirty or kept.slice.free > 4 * kept.wanted():
                found[key] = kept.claim()
        return found

    def answered(self, answers: Mapping[CapWindow, CapAnswer], at: datetime) -> None:
        """The ledger has answered. Windows that are over are forgotten once all their calls have ended."""
        self.away, self._lacking, now = "", False, self._now()
        for key, answer in answers.items():
            kept = self.kept[key]
            kept.answered(answer, now)
            if kept.over(at) and not kept.under_way:
                del self.kept[key]
        self._told()

    def failed(self, why: str) -> None:
        """The ledger could not be asked: what was claimed is claimed again."""
        self.away = why
        for kept in self.kept.values():
            kept.dirty = True
        self._told()

    def lost(self) -> None:
        """The ledger holds that this worker is dead: it has nothing any more."""
        for kept in self.kept.values():
            kept.slice.granted = 0
            kept.dirty = True

    def ending(self) -> Mapping[CapWindow, LeaseClaim]:
        """What was used and held of all, at the end."""
        return {key: kept.slice.claim() for key, kept in self.kept.items()}

    def _told(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None
