"""A cap on claims: a clause that says how much one party can claim of the other in all.

Owns: ``ClaimsCap``, the base of such kinds: clauses that ask for damages are bounded by one. Not here: any of them
(``terms``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Self

from pydantic import PrivateAttr

from detente.contract.bases.position import Position
from detente.contract.reach.verdict import Reason
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.offer import AnyOffer
from detente.values.money import Money
from detente.values.period import Horizon


class ClaimsCap(Position):
    """A clause that bounds claims under its agreement: damages that go by it are less, so that it is no restraint."""

    effect = "both"

    _bounds: tuple[str, ...] = PrivateAttr(default=())

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing which clauses go by it."""
        found = self.model_copy()
        found._bounds = tuple(dict.fromkeys(each.id for each in clauses if self.id in each.depends_on))
        return found

    @property
    def in_all(self) -> Money | None:
        """The most that can be claimed in all; None where it is no one amount."""
        return None

    def of_theirs(self, called: Collection[str]) -> bool:
        """Whether it bounds what the other party owes, which is ``called`` so, and not what we owe."""
        return False

    @property
    def bounds(self) -> tuple[str, ...]:
        """The clauses that go by it."""
        return self._bounds

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """A cap of nothing: what it bounds asks for nothing."""
        if self._bounds and self.in_all is not None and not self.in_all.amount:
            named = " and ".join(f"`{name}`" for name in self._bounds)
            what = f"`{self.id}` is {self.in_all.told}, so that {named} {'asks' if len(self._bounds) == 1 else 'ask'}"
            yield Flaw(f"{what} for nothing", "write the amount that was agreed on, or leave the damages out")

    def says(self, sentence: str) -> Reason:
        """A sentence of this clause, and which clauses it bounds."""
        if not self._bounds:
            return super().says(sentence)
        return Reason(self.id, f"{sentence}; it bounds what {' and '.join(f'`{name}`' for name in self._bounds)} asks")
