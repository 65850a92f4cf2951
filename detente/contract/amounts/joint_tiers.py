"""Tiers of several clauses of one agreement that combine: each settles what it adds to those before it.

Owns: which clauses are joined, their tiers as one, and what each adds. Not here: the tiers of one (``tier_steps``), and
when two are alike (``terms``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol, TypeVar

from detente.contract.amounts.tier_steps import TierSteps
from detente.contract.case_view import ClauseView
from detente.contract.combining import Combine


class TieredClause(ClauseView, Protocol):
    """A clause with tiers, as others see it."""

    @property
    def disputed(self) -> bool:
        """Whether its text has several readings."""

    @property
    def steps(self) -> TierSteps:
        """Its tiers, by themselves."""

    @property
    def each(self) -> Fraction:
        """What a unit of what is counted costs without tiers."""


AnyTiered = TypeVar("AnyTiered", bound=TieredClause)


@dataclass(frozen=True)
class JointTiers:
    """The tiers of some clauses in their order, and which of them is the clause's own.

    ``each``: what a unit of what is counted costs without tiers.
    """

    names: tuple[str, ...]
    tiers: tuple[TierSteps, ...]
    own: int
    each: Fraction
    way: Combine

    @classmethod
    def of(
        cls, own: str, clauses: Sequence[AnyTiered], alike: Callable[[AnyTiered, AnyTiered], bool]
    ) -> JointTiers | None:
        """Of those that are alike but for their tiers, where their agreement combines them; None: it is alone.

        By product, or the best of them; and none of them is amended, or has several readings.
        """
        texts = [each for each in clauses if each.id == own]
        way = texts[0].validity.combine if len(texts) == 1 else None
        if way is None or way == "sum":
            return None
        joined = [each for each in clauses if alike(texts[0], each)]
        names = tuple(each.id for each in joined)
        if not len(set(names)) == len(names) > 1 or any(each.disputed for each in joined):
            return None
        return cls(names, tuple(each.steps for each in joined), names.index(own), texts[0].each or Fraction(1), way)

    @property
    def others(self) -> tuple[str, ...]:
        """The clauses with which it is joined."""
        return (*self.names[: self.own], *self.names[self.own + 1 :])

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        way = "of what the one leaves" if self.way == "product" else "the best of them"
        return f"{' and '.join(f'`{name}`' for name in self.others)}, {way}"

    @property
    def whole(self) -> TierSteps:
        """All as one."""
        return self._first(len(self.tiers))

    def off(self, counted: Fraction, share: Fraction) -> Fraction:
        """What the clause's own tiers add to those before it, of what counted in a part of the time."""
        earlier, with_own = self._around_own
        before = earlier.of(share).off(counted) if earlier is not None else Fraction(0)
        return with_own.of(share).off(counted) - before

    @cached_property
    def _around_own(self) -> tuple[TierSteps | None, TierSteps]:
        """Those before its own as one, if there are any, and those with its own: found once for all windows."""
        return self._first(self.own) if self.own else None, self._first(self.own + 1)

    def _first(self, n: int) -> TierSteps:
        return TierSteps.together(self.tiers[:n], self.each, self.way)
