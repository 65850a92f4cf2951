"""Where clauses stand while calls are decided: asked at each call, and never remembered.

Owns: what the gateway asks of whoever keeps standings. Not here: keeping them (``serving/caps/leaseholder``), and what
a clause makes of its standing (``CallLimit.permits``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from detente.contract.reach.verdict import Reason, Verdict
from detente.contract.settled.standing import Standing
from detente.ledger.caps.cap import Cap, CapLimit, CapTaker
from detente.ledger.journals.record import TokenCounts
from detente.providers.wire import Tokens
from detente.values.period import endless

if TYPE_CHECKING:
    from detente.ledger.books.at_risk import AtRisk
    from detente.ledger.books.stands import BooksStand
    from detente.ledger.caps.budget_stands import BudgetStands
    from detente.ledger.journals.lag import JournalLag

SOON = 1.0
"""Seconds after which a call may find room that found none of calls at a time."""


class Shortage(NamedTuple):
    """A cap that has no room for a call: what it says, and what it allows.

    ``soon``: the ledger is away, or gave others more first, and may say otherwise in a moment. ``known``: what the
    call takes is known; else nothing helps. ``sure``: there is no room; else the ledger may give more yet.
    """

    verdict: Verdict
    cap: Cap
    allows: CapLimit
    soon: bool = False
    known: bool = True
    sure: bool = True

    @classmethod
    def unpriced(cls, call: CapTaker) -> Shortage:
        """Of a call of which it is not known what it takes of a cap (§2)."""
        why = Reason(call.cap.id, f"what the call costs is not known: {call.unknown}")
        return cls(Verdict("undecided", why), call.cap, call.allows, known=False)

    @staticmethod
    def deciding(found: Iterable[Shortage]) -> Shortage | None:
        """Which of several is told: one that surely has no room, of a clause, and then what lasts longest."""

        def weight(each: Shortage) -> tuple[bool, bool, bool, datetime]:
            return each.sure, not each.cap.budget, not each.cap.comes_back, each.allows.end

        return max(found, key=weight, default=None)

    def seconds(self, at: datetime) -> float | None:
        """How long to wait from a moment on; None where waiting does not help."""
        if self.soon or self.cap.comes_back:
            return SOON
        return None if endless(self.allows.end) else max(0.0, (self.allows.end - at).total_seconds())


class Hold:
    """What is held of caps for a call under way, until it ends in one of the ways below. Neutral: nothing."""

    def settle(self, tokens: Tokens | None) -> None:
        """It ended, and used so much; None: nobody knows, so that all stays held."""

    def release(self) -> None:
        """It ended, and used nothing."""


NOTHING_HELD = Hold()


class Standings:
    """Whoever knows where clauses stand. This one knows nothing: clauses are asked of facts alone."""

    seen: BooksStand | None = None
    """Where clauses stood on the books when they were last looked at."""
    at_risk: tuple[AtRisk, ...] = ()
    """The floors that will fall short at the present pace."""
    budgets: tuple[BudgetStands, ...] = ()
    """Where budgets stood in the ledger when they were last looked at."""
    lags: tuple[JournalLag, ...] = ()
    """How far the books lagged behind the journals of this machine when that was last looked at."""
    epoch: int | None = None
    """Another number once clauses may stand elsewhere; None: that may be at any call."""
    away: str = ""
    """Why the ledger cannot be asked; empty where it can, or there is none."""

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """A clause's standing in each window that runs now. None where nobody keeps it: then it denies nothing.

        ``since`` is the moment from which it is in force: an amended clause is several, as in ``Decisions``.
        """
        return ()

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """What denies a call that may take so many tokens: a cap of those that cover it, without room for it."""
        return None

    def left(self, caps: Sequence[CapTaker]) -> Iterable[tuple[CapTaker, int]]:
        """What is left of caps, as far as it is known and kept."""
        return ()

    def hold(self, caps: Sequence[CapTaker], need: TokenCounts) -> Hold:
        """Hold what a call may take, which ``short`` did not deny."""
        return NOTHING_HELD

    def caps(self) -> Iterable[tuple[Cap, CapLimit, int]]:
        """Of each cap that is kept, in the window that runs: whose it is, what it allows, and what remains."""
        return ()

    def coming(self) -> Awaitable[object] | None:
        """Where ``short`` denied since this was last asked, and more may be had at once: what to wait for."""
        return None


NOT_KEPT = Standings()
"""Nobody keeps standings."""
