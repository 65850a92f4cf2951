"""A leaseholder: what one worker may use of the caps of its case, by leases, and what to claim next.

Owns: which windows of caps it keeps, whether a call finds room in them, and claims. Not here: one window
(``kept_cap``), the ledger that leases come from (``renewing``), and the rules of leases (``ledger/caps/leases``).

A call that finds no room waits for more (``coming``), unless the ledger has just said that there is none, or is away:
then it is denied (§13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from detente.contract.reach.verdict import Reason, Verdict
from detente.gateway.deciding.standings import Hold, Shortage, Standings
from detente.gateway.serving.caps.kept_cap import PATIENCE, CapHold, KeptCap
from detente.ledger.caps.cap import Cap, CapLimit, CapTaker
from detente.ledger.caps.leases import LeaseClaim, Slice
from detente.ledger.caps.leasing import KEPT, CapAnswer, CapClaim, CapWindow, UnmetClaim
from detente.ledger.journals.record import TokenCounts

NEXT = timedelta(seconds=2)
"""How long before a window begins it is leased, where the one before it is in use."""


class CapKeeper(Standings):
    """The caps of one worker, whatever it knows of them."""

    def __init__(self) -> None:
        self.kept: dict[CapWindow, KeptCap] = {}
        self._newest: dict[str, KeptCap] = {}
        """Of caps that come back, the window that was begun last."""
        self._over: dict[str, dict[int, Slice]] = {}
        """By cap and window, what was used of windows that are over: a clock that steps back begins them again."""

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """What denies a call that may take so many tokens: of several, as ``Shortage.deciding`` says."""
        found: list[Shortage] = []
        for call in caps:
            if call.unknown:
                return Shortage.unpriced(call)
            takes = call.about(need)
            kept = self.kept.get(call.allows.key)
            if kept is None or kept.slice.free < takes:
                found += self._lacks(call, self._keeping(call), takes)
        return Shortage.deciding(found) if found else None

    def _keeping(self, call: CapTaker) -> KeptCap:
        """The window that a call draws on, from now on kept; its limit may have changed."""
        kept = self.kept.get(call.allows.key)
        if kept is None:
            kept = self.kept[call.allows.key] = self._begun(call.cap, call.allows)
        elif kept.allows is not call.allows:
            kept.cap, kept.allows = call.cap, call.allows
        return kept

    def _begun(self, cap: Cap, allows: CapLimit) -> KeptCap:
        """A window that is kept from now on."""
        kept = KeptCap(cap, allows)
        before = self._over.get(allows.key.cap, {}).pop(allows.key.window, None)
        if before is not None:
            kept.slice = before
        if cap.comes_back:
            newest = self._newest.get(cap.name)
            if newest is not None and newest.under_way:
                newest.go_on_in(kept)
            self._newest[cap.name] = kept
        return kept

    def _forget(self, key: CapWindow) -> None:
        """A window is over; of the last ones it is remembered what was used, so that none is begun with nothing used.

        Older ones are leased no more.
        """
        gone = self.kept.pop(key).slice
        used = gone.used + gone.held
        if used:
            over = self._over.setdefault(key.cap, {})
            over[key.window] = Slice(used, gone.used, gone.held)
            if len(over) > KEPT:
                del over[min(over)]

    def _lacks(self, call: CapTaker, kept: KeptCap, takes: int) -> Iterable[Shortage]:
        """What is said to a call that finds no room."""
        raise NotImplementedError

    def hold(self, caps: Sequence[CapTaker], need: TokenCounts) -> Hold:
        """Hold what a call may take."""
        parts = []
        for call in caps:
            takes, kept = call.about(need), self.kept.get(call.allows.key)
            if kept is None or kept.allows is not call.allows:
                kept = self._keeping(call)
            kept.take(takes)
            self._held(kept)
            parts.append((kept, call, takes))
        return CapHold(parts)

    def _held(self, kept: KeptCap) -> None:
        """More is held of a window. Neutral: nothing is to be done."""

    def left(self, caps: Sequence[CapTaker]) -> Iterator[tuple[CapTaker, int]]:
        """What is left of caps, as far as this worker knows."""
        for call in caps:
            if (kept := self.kept.get(call.allows.key)) is not None:
                yield call, kept.known

    def caps(self) -> Iterator[tuple[Cap, CapLimit, int]]:
        """Of each cap: whose it is, what it allows, and what remains. Of several windows, the last comes last."""
        for kept in self.kept.values():
            if kept.left is not None:
                yield kept.cap, kept.allows, kept.left

    def _go_on(self, at: datetime) -> None:
        """Calls at a time go on in the window that runs."""
        for kept in list(self._newest.values()):
            if kept.over(at):
                allows = kept.cap.at(at)
                if kept.under_way and allows is not None:
                    self.kept[allows.key] = self._begun(kept.cap, allows)
                else:
                    del self._newest[kept.cap.name]


class Leaseholder(CapKeeper):
    """The caps of one worker that has leases of them.

    Parameters
    ----------
    kick
        Asks for a claim at once.
    now
        The event loop's clock.
    """

    def __init__(self, kick: Callable[[], None], now: Callable[[], float]) -> None:
        super().__init__()
        self._kick, self._now = kick, now
        self.away = ""
        """Why the ledger cannot be asked; empty where it can."""
        self._lacking = False
        self._next: asyncio.Future[None] | None = None
        self._unmet: dict[UnmetClaim, float] = {}
        """When each claim of others was first seen of which a call lacks something."""

    # -- what calls ask --------------------------------------------------------------------------------------------
    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """What denies a call; more is asked for, where all that denies it may have more."""
        self._hopeless = False
        found = super().short(caps, need)
        self._lacking = self._lacking or (found is not None and found.known and not self._hopeless)
        return found

    def _lacks(self, call: CapTaker, kept: KeptCap, takes: int) -> Iterable[Shortage]:
        kept.found_no_room(takes)
        said = call.cap.denies(kept.room(takes))
        if said is None:
            return ()
        if self.away:
            self._hopeless = True
            why = f"what was leased of {call.cap.id} is used up, and {self.away}"
            return (Shortage(Verdict("deny", Reason(call.cap.id, why)), call.cap, call.allows, soon=True),)
        sure = not kept.may_give(takes, self._now())
        self._hopeless = self._hopeless or sure
        if kept.known >= takes:  # what the cap says would count what is left of it as gone
            why = f"what was leased of {call.cap.id} is used up, and more of it is asked for"
            return (Shortage(Verdict("deny", Reason(call.cap.id, why)), call.cap, call.allows, soon=True, sure=False),)
        return (Shortage(said, call.cap, call.allows, sure=sure),)

    def _held(self, kept: KeptCap) -> None:
        if kept.runs_short:
            kept.dirty = True
            self._kick()

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

    # -- what the ledger is told, and says -------------------------------------------------------------------------
    def claims(self, seconds: float, at: datetime) -> dict[CapWindow, CapClaim]:
        """What to claim at a moment, so many seconds after the last time."""
        found = {}
        self._go_on(at)
        self._look_ahead(at)
        for key, kept in self.kept.items():
            kept.passes(seconds)
            if kept.over(at):
                kept.pace = kept.size = kept.peak = 0.0
                kept.dirty = kept.dirty or kept.slice.free > 0 or not kept.under_way
            if kept.dirty or kept.has_spare:
                found[key] = kept.claim()
        return found

    def _look_ahead(self, at: datetime) -> None:
        """Keep the next window of what is in use and nearly over: its first call need not wait for a lease."""
        for kept in list(self.kept.values()):
            ends = kept.allows.end
            allows = kept.cap.at(ends) if kept.in_use and at < ends <= at + NEXT else None
            if allows is not None and allows.key not in self.kept:
                later = self.kept[allows.key] = self._begun(kept.cap, allows)
                later.pace, later.size, later.dirty = kept.pace, kept.size, True

    def answered(self, answers: Mapping[CapWindow, CapAnswer], at: datetime) -> None:
        """The ledger has answered. Windows that are over are forgotten once all their calls have ended."""
        self.away, self._lacking, now = "", False, self._now()
        for key, answer in answers.items():
            kept = self.kept[key]
            kept.answered(answer, now)
            if kept.over(at) and not kept.under_way:
                self._forget(key)
        self._told()

    @property
    def spares(self) -> bool:
        """Whether it has anything that another may ask for."""
        return any(kept.slice.free > 0 for kept in self.kept.values())

    def lacked(self, unmet: Collection[UnmetClaim]) -> None:
        """Calls of others found no room: what is to spare of these windows is given back at once.

        For as long as such a call waits: whose claim stays the same for longer may have been killed.
        """
        now = self._now()
        self._unmet = {claim: self._unmet.get(claim, now) for claim in unmet}
        keys = {claim.key for claim, since in self._unmet.items() if now - since < PATIENCE}
        for key, kept in self.kept.items():
            kept.asked = key in keys
            if kept.asked and kept.has_spare:
                self._kick()

    def failed(self, why: str) -> None:
        """The ledger could not be asked: what was claimed is claimed again."""
        self.away = why
        for kept in self.kept.values():
            kept.dirty = True
        self._told()

    def lost(self) -> None:
        """The ledger holds that this worker is dead: it has nothing any more."""
        self._over.clear()
        for kept in self.kept.values():
            kept.slice.granted = 0
            kept.dirty = True

    def ending(self) -> Mapping[CapWindow, LeaseClaim]:
        """What was used and held of all, at the end."""
        return {key: kept.said() for key, kept in self.kept.items()}

    def _told(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None
