"""Budgets of replayed calls: what was used of each in its windows, and whom none had room for.

Owns: that count. A call ends when it begins, so that nothing is held for calls under way, and calls at a time are never
too many. Not here: which budgets cover a call (``ledger.caps.budgets``), and asking them (``deciding.admit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from detente.gateway.deciding.standings import Shortage
from detente.ledger.caps.budget_stands import BudgetStands
from detente.ledger.caps.cap import Cap, CapLimit, CapRoom, CapTaker
from detente.ledger.caps.leasing import CapWindow
from detente.ledger.journals.record import TokenCounts


@dataclass(slots=True)
class _Counted:
    """A window of a budget: what calls used of it, and how many found no room."""

    cap: Cap
    allows: CapLimit
    used: int = 0
    kept_off: int = 0


class ReplayedBudget(NamedTuple):
    """What became of one amount of a budget: in how many windows calls came, in how many some found no room.

    ``start``, ``end`` and ``used`` are those of its fullest window; ``kept_off`` counts calls over all.
    """

    cap: Cap
    limit: int
    windows: int
    full: int
    start: datetime
    end: datetime
    used: int
    kept_off: int

    @property
    def when(self) -> str:
        """Its fullest window, in a sentence."""
        return self.cap.when(CapLimit(CapWindow(self.cap.name, 0), self.start, self.end, self.limit))


class BudgetCount:
    """What calls used of budgets. Clauses that ask what remains are none of it."""

    def __init__(self) -> None:
        self._windows: dict[CapWindow, _Counted] = {}

    @classmethod
    def of(cls, stood: Iterable[BudgetStands]) -> BudgetCount:
        """What was used of budgets by a ledger, or is leased of them."""
        found = cls()
        for each in stood:
            found._of(each.cap, each.allows).used = each.booked + each.leased
        return found

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """What denies a call that may take so many tokens, as a worker that counts by itself would say."""
        found: list[Shortage] = []
        for call in caps:
            if not call.cap.budget:
                continue
            if call.unknown:
                return Shortage.unpriced(call)
            takes, left = call.about(need), self._left(call)
            said = call.cap.denies(CapRoom(call.allows, left, takes)) if takes > left else None
            if said is not None:
                found.append(Shortage(said, call.cap, call.allows))
        return Shortage.deciding(found) if found else None

    def room(self, caps: Iterable[CapTaker], tokens: TokenCounts, most: int) -> int:
        """How many of so many calls that are alike find room, one after the other."""
        need = TokenCounts(tokens.input, tokens.output)
        for call in caps:
            left, takes = self._left(call) - call.about(need), _takes(call, tokens)
            if left < 0:
                return 0
            most = min(most, left // takes + 1) if takes else most
        return most

    def take(self, caps: Iterable[CapTaker], tokens: TokenCounts, count: int) -> None:
        """So many calls that are alike were served."""
        for call in caps:
            self._of(call.cap, call.allows).used += _takes(call, tokens) * count

    def turned_away(self, shortages: Iterable[Shortage], count: int) -> None:
        """So many calls found no room in budgets."""
        for short in {short.allows.key: short for short in shortages}.values():
            self._of(short.cap, short.allows).kept_off += count

    def replayed(self) -> tuple[ReplayedBudget, ...]:
        """What became of each budget, in the order of their names."""
        by: dict[str, list[_Counted]] = {}
        for each in self._windows.values():
            by.setdefault(each.cap.name, []).append(each)
        return tuple(_replayed(by[name]) for name in sorted(by))

    def _left(self, call: CapTaker) -> int:
        counted = self._windows.get(call.allows.key)
        return call.allows.limit - (counted.used if counted is not None else 0)

    def _of(self, cap: Cap, allows: CapLimit) -> _Counted:
        return self._windows.setdefault(allows.key, _Counted(cap, allows))


def _takes(call: CapTaker, tokens: TokenCounts) -> int:
    """What a call took: where nobody knows, what was held for it."""
    found = call.takes(tokens)
    return call.about(TokenCounts(tokens.input, tokens.output)) if found is None else found


def _replayed(windows: Sequence[_Counted]) -> ReplayedBudget:
    fullest = max(windows, key=lambda each: each.used)
    full, kept_off = sum(each.kept_off > 0 for each in windows), sum(each.kept_off for each in windows)
    allows = fullest.allows
    return ReplayedBudget(
        fullest.cap, allows.limit, len(windows), full, allows.start, allows.end, fullest.used, kept_off
    )
