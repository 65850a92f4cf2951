"""A cap on claims: a clause that says how much one party can claim of the other in all.

Owns: ``ClaimsCap``, the base of such kinds: clauses that ask for damages are bounded by one. Not here: any of them
(``terms``).
"""

from __future__ import annotations

from detente.contract.bases.position import Position
from detente.values.money import Money


class ClaimsCap(Position):
    """A clause that bounds claims under its agreement: damages that go by it are less, so that it is no restraint."""

    effect = "both"

    @property
    def in_all(self) -> Money | None:
        """The most that can be claimed in all; None where it is no one amount."""
        return None
