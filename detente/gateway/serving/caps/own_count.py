"""Budgets without a ledger: one worker's own count, which it begins anew when it starts.

Owns: that the whole of each budget is this worker's, and telling when one is nearly used up. Not here: caps of clauses,
which hold for all use and are kept by a ledger alone (``leaseholder``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from detente.gateway.deciding.standings import Hold, Shortage
from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.kept_cap import KeptCap
from detente.gateway.serving.caps.leaseholder import CapKeeper
from detente.ledger.caps.cap import Cap, CapLimit, CapTaker
from detente.ledger.caps.leasing import is_news, reached
from detente.ledger.journals.record import TokenCounts


class OwnCount(CapKeeper):
    """The budgets of a worker that is alone."""

    def __init__(self, news: CapNews) -> None:
        super().__init__()
        self._news = news

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """What denies a call; caps of clauses are not kept."""
        return super().short([call for call in caps if call.cap.budget], need)

    def hold(self, caps: Sequence[CapTaker], need: TokenCounts) -> Hold:
        """Hold what a call may take of budgets."""
        return super().hold([call for call in caps if call.cap.budget], need)

    def _begun(self, cap: Cap, allows: CapLimit) -> KeptCap:
        kept = super()._begun(cap, allows)
        kept.left = 0
        kept.slice.grant(allows.limit)
        return kept

    def _keeping(self, call: CapTaker) -> KeptCap:
        kept = super()._keeping(call)
        kept.slice.grant(call.allows.limit)
        return kept

    def _lacks(self, call: CapTaker, kept: KeptCap, takes: int) -> Iterable[Shortage]:
        if kept.slice.free >= takes:
            return ()
        kept.found_no_room(takes)
        said = call.cap.denies(kept.room(takes))
        return () if said is None else (Shortage(said, call.cap, call.allows),)

    def caps(self) -> Iterator[tuple[Cap, CapLimit, int]]:
        """Of each budget: what it allows, and what remains."""
        return ((kept.cap, kept.allows, kept.slice.free) for kept in self.kept.values())

    def tick(self, at: datetime) -> None:
        """Time passes: what is nearly used up is told, and windows that are over are forgotten."""
        self._go_on(at)
        for key, kept in list(self.kept.items()):
            found = reached(kept.allows.limit, kept.slice.free, unmet=kept.lacked > 0)
            kept.lacked = 0
            if is_news(kept.told, found):
                kept.told = found
                self._news.tell(kept.cap, kept.allows, found, max(0, kept.slice.free))
            if kept.over(at) and not kept.under_way:
                self._forget(key)
