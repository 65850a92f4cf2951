"""Leases: the protocol by which replicas share a cap, as values and pure functions (§13).

Owns: what a replica may use of a cap (``Slice``), what it claims (``LeaseClaim``), and what the ledger gives it
(``LeaseRow``, ``given``). Not here: the ledger's tables (``leasing``), and which caps there are.

A replica uses no more than it was granted, and what it was granted counts against the cap until the use itself is on
the books:

    limit >= drawn + the sum over replicas of max(0, granted - counted)

``drawn`` is what the books hold of the cap, of everybody's; ``counted`` is the part of it that one replica used. Both
grow in the same transaction, so that no use counts twice, and none not at all.

No clock decides anything. A replica that lives gives back what it does not need. What a dead one was granted counts
until its journal is on the books, since only the journal knows what it used; then the rest comes back, but for what it
held for calls whose use nobody knows (§2). So a clock that steps, or a replica that sleeps and wakes, passes no cap.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class LeaseRow(NamedTuple):
    """What the ledger knows of one replica in one window of a cap.

    ``granted``: all that it was ever granted, less what it gave back. ``counted``: the part of its use that is on the
    books. ``held``: the part of what it was granted that is held for calls whose use is not known yet.
    """

    granted: int = 0
    counted: int = 0
    held: int = 0

    @property
    def outstanding(self) -> int:
        """What counts against the cap beside the books."""
        return max(0, self.granted - self.counted)

    @property
    def closed(self) -> LeaseRow:
        """What stays of it once it is dead and its journal is on the books: its use, and what nobody knows."""
        return LeaseRow(self.counted + min(self.held, self.outstanding), self.counted)

    def plus(self, other: LeaseRow) -> LeaseRow:
        """Those of two replicas that have ended."""
        return LeaseRow(self.granted + other.granted, self.counted + other.counted)


NO_ROW = LeaseRow()


class LeaseClaim(NamedTuple):
    """What a replica says of one window of a cap.

    ``granted`` is what it goes by from now on: less than it was given where it gives back, and where the answer to an
    earlier claim was lost. ``need`` is the least that is of use to a call that waits, ``wanted`` what it would have
    ahead of need, both beside what it has.
    """

    granted: int
    held: int = 0
    need: int = 0
    wanted: int = 0


def remaining(limit: int, drawn: int, rows: Iterable[LeaseRow]) -> int:
    """What is left of a cap for anybody."""
    return limit - drawn - sum(row.outstanding for row in rows)


def given(
    limit: int, drawn: int, others: Iterable[LeaseRow], mine: LeaseRow, claim: LeaseClaim, share: int, free: int = 0
) -> LeaseRow:
    """A replica's row after its claim: as it says, and more as far as the cap goes.

    ``free`` is what it has that no call uses or holds. Ahead of need it has at most half of its part of what remains,
    that included (``share``: how many replicas there are), however often it asks: so nobody holds most of a cap, and
    the last of it is not spread over replicas that do not need it.
    """
    kept = LeaseRow(claim.granted, mine.counted, claim.held)
    left = remaining(limit, drawn, (*others, kept))
    ahead = min(claim.wanted, max(0, (left + free) // (2 * max(1, share)) - free))
    more = claim.need if ahead < claim.need <= left else ahead
    return kept._replace(granted=kept.granted + max(0, more))


class Slice(msgspec.Struct):
    """What a replica has of one window of a cap: changed on its own thread alone.

    ``used``: by calls that have ended. ``held``: for calls that have not, or of which nobody knows what they used.
    """

    granted: int = 0
    used: int = 0
    held: int = 0

    @property
    def free(self) -> int:
        """What a call may still take. Negative where calls used more than was held for them."""
        return self.granted - self.used - self.held

    def take(self, amount: int) -> None:
        """Hold so much for a call."""
        self.held += amount

    def settle(self, held: int, used: int) -> None:
        """A call ended for which so much was held."""
        self.held -= held
        self.used += used

    def claim(self, need: int = 0, keep: int = 0, wanted: int = 0) -> LeaseClaim:
        """What it says next: gives back what is free beyond ``keep``, before anybody is told.

        Use beyond what was granted is claimed as if it had been: it has happened.
        """
        self.granted = max(self.used + self.held, self.granted - max(0, self.free - keep))
        return LeaseClaim(self.granted, self.held, need, wanted)

    def grant(self, granted: int) -> None:
        """The answer to its last claim."""
        self.granted = granted
