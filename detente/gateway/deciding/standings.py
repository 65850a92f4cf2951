"""Where clauses stand while calls are decided: asked at each call, and never remembered.

Owns: what the gateway asks of whoever keeps standings. Not here: keeping them (the ledger, planned), and what a clause
makes of its standing (``Term.permits``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from detente.contract.standing import Standing


class Standings(Protocol):
    """Whoever knows where clauses stand."""

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """A clause's standing in each window that runs now. None where nobody keeps it: then it denies nothing.

        ``since`` is the moment from which it is in force: an amended clause is several, as in ``Decisions``.
        """


class NotKept:
    """Nobody keeps standings: clauses are asked of facts alone."""

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """None."""
        return ()


NOT_KEPT = NotKept()
