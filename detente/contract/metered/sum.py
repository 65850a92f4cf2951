"""An exact sum: whole billionths, and parts of lines that a window's edge cuts.

Not here: of what it is the sum, and in which window (``totals``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from detente.values.money import NANOS


@dataclass(slots=True)
class Sum:
    """Whole billionths, and parts of lines that a window's edge cuts: numerators by their denominator.

    Parts with one denominator are added up, so that no fraction grows with what came before.
    """

    whole: int = 0
    parts: dict[int, int] = field(default_factory=dict)

    def add(self, amount: int, part: int, of: int) -> None:
        """A share of an amount."""
        if part == of:
            self.whole += amount
        else:
            self.parts[of] = self.parts.get(of, 0) + amount * part

    def copy(self) -> Sum:
        """The same, to be added to."""
        return Sum(self.whole, dict(self.parts))

    def merge(self, other: Sum) -> None:
        """What another has counted."""
        self.whole += other.whole
        for of, part in other.parts.items():
            self.parts[of] = self.parts.get(of, 0) + part

    @property
    def value(self) -> Fraction:
        """In natural units."""
        over = lcm(*self.parts)
        return Fraction(self.times(over), over * NANOS)

    def times(self, over: int) -> int:
        """So many times as many billionths; ``over`` is a multiple of what the parts are of."""
        return self.whole * over + sum(part * (over // of) for of, part in self.parts.items())
