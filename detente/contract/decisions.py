"""Decisions: what a clause leaves to somebody to decide, once decided (how large a plan of savings is, say).

In a plan they are columns of the program; of a contract that runs they are facts of the case. Not here: who decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal

from detente.errors import SettleError

Rounding = Literal["up", "down", "nearest"]
"""How a clause's own whole number is rounded where a plan cannot choose it exactly."""

Decided = tuple[str, datetime, str]
"""A clause's id, the moment from which it is in force (an amended clause is two), and the name of what is decided."""


@dataclass(frozen=True)
class Decisions:
    """Exact values, by clause and name: one a window, or one in all."""

    values: Mapping[Decided, tuple[Fraction, ...]] = field(default_factory=dict)

    def of(self, term: str, since: datetime, name: str) -> tuple[Fraction, ...]:
        """What was decided. Raises SettleError where nothing was: what is not decided is not zero."""
        if (term, since, name) not in self.values:
            raise SettleError(f"`{term}` is settled by its `{name}`, which nobody has decided; state it")
        return self.values[term, since, name]


NOTHING_DECIDED = Decisions()
