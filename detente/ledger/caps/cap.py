"""A cap: what may be used of something in a window, by all who use it together.

Owns: what is asked of any cap while calls are served (``Cap``), and of a call that takes of one (``CapTaker``). Not
here: which caps there are (``clause_caps``, ``budgets``), and sharing them (``leases``, ``leasing``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from detente.contract.reach.verdict import Verdict
from detente.ledger.caps.leasing import CapWindow
from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.line import UseLine
from detente.live.notice import Notify
from detente.values.period import named
from detente.values.quantity import WIDE, plain


class CapLimit(NamedTuple):
    """What a cap allows in the window that a moment lies in."""

    key: CapWindow
    start: datetime
    end: datetime
    limit: int


class CapRoom(NamedTuple):
    """What a call finds of a cap: what it allows, what is left that the call could have, and what it may take."""

    allows: CapLimit
    left: int
    needs: int


class Cap(ABC):
    """A cap, in all its windows. Amounts are whole numbers of a ``unit``-th: billionths of money, single tokens."""

    id: str
    """Of the clause or the budget that it is of."""
    name: str
    """In a ledger: the same for all replicas."""

    @property
    def unit(self) -> int:
        """How many of its whole numbers make one. Neutral: each is one."""
        return 1

    @property
    def drawn_by(self) -> str:
        """The meter whose total on the books is what is drawn of it; empty: what its holders used. Neutral: those."""
        return ""

    @property
    def comes_back(self) -> bool:
        """Whether what a call holds is free again as it ends. Neutral: no, what was used is used up."""
        return False

    @property
    def budget(self) -> bool:
        """Whether it is a budget, which a caller may wait for. Neutral: no."""
        return False

    @property
    def notice(self) -> Notify | None:
        """Where it is told that it is nearly used up. Neutral: where all are."""
        return None

    @property
    def counts(self) -> str:
        """What of use it counts, of a budget. Neutral: empty."""
        return ""

    @property
    def called(self) -> str:
        """Which it is, in a sentence."""
        return self.id

    @property
    def details(self) -> Mapping[str, str]:
        """What a document says of it beside. Neutral: nothing."""
        return {}

    def when(self, allows: CapLimit) -> str:
        """A window of it, in a sentence."""
        return f"in {named(allows.start, allows.end)}"

    def exact(self, amount: int) -> str:
        """An amount of it as a number."""
        return plain(WIDE.divide(Decimal(amount), Decimal(self.unit)))

    @property
    def brief(self) -> bool:
        """Whether it fills up and empties many times a day, so that nobody wants to be told. Neutral: no."""
        return False

    @abstractmethod
    def at(self, moment: datetime) -> CapLimit | None:
        """What it allows at a moment; None where no window is then, or no amount is set."""

    @abstractmethod
    def denies(self, room: CapRoom) -> Verdict | None:
        """What it says to a call; None where there is room for it."""


class CapTaker(ABC):
    """A cap, as calls of a kind meet it at a deployment."""

    __slots__ = ("allows", "cap", "unknown")

    cap: Cap
    allows: CapLimit
    unknown: str
    """Why it is not known what calls take; empty where it is."""

    @abstractmethod
    def takes(self, tokens: TokenCounts) -> int | None:
        """What a call that used so many tokens takes of the cap, exact; None where that is not known."""

    @abstractmethod
    def about(self, tokens: TokenCounts) -> int:
        """What a call may take that may use so many, where it is known."""


class BookedCall(NamedTuple):
    """A call as it goes on the books: its id, its lines, when it was (as it is stored), and the budgets it drew on.

    ``first``: nothing of it was on the books before, not even that it began.
    """

    id: str
    lines: tuple[UseLine, ...]
    at: int = 0
    budgets: Sequence[str] = ()
    first: bool = True


def holder_of(call: str) -> str:
    """The replica that served a call, by the call's id: ``req_``, the replica, and eight hexadecimal digits."""
    return call.removeprefix("req_")[:-8]
