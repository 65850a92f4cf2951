"""Decisions: what a clause leaves to somebody to decide, once decided (how large a plan of savings is, say).

In a plan they are columns of the program; of a contract that runs they are facts of the case. Not here: who decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal

from detente.contract.reach.window import Window
from detente.errors import SettleError
from detente.values.period import named

Rounding = Literal["up", "down", "nearest"]
"""How a clause's own whole number is rounded where a plan cannot choose it exactly."""

Decided = tuple[str, datetime, str, int | None]
"""A clause's id, the moment from which it is in force (an amended clause is two), the name of what is decided, and the
index of its window: the contract's own, so that it is the same whatever part of the contract a plan sees. None where
one decision holds for all time."""


@dataclass(frozen=True)
class Decisions:
    """Exact values, each by clause, name and window."""

    values: Mapping[Decided, Fraction] = field(default_factory=dict)

    def of(self, term: str, since: datetime, name: str, window: Window | None = None) -> Fraction:
        """What was decided, for a window or for all time.

        Raises SettleError where nothing was: what is not decided is not zero.
        """
        key = term, since, name, None if window is None else window.index
        if key not in self.values:
            when = f" in {named(window.start, window.end)}" if window else ""
            raise SettleError(f"`{term}` is settled by its `{name}`{when}, which nobody has decided; state it")
        return self.values[key]


NOTHING_DECIDED = Decisions()
