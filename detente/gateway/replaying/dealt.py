"""Calls that are dealt: to whom those of a workload go for the time being, and those that are still to be metered.

Owns: what is known of them between two decisions. Not here: when it is decided, and by what (``replay``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.standings import Shortage
from detente.gateway.replaying.replayed import RoutedWork
from detente.gateway.replaying.traffic import ReplayedCall
from detente.ledger.caps.cap import CapTaker
from detente.ledger.journals.record import CallRoute


@dataclass
class PendingCalls:
    """Calls of a route that are still to be metered."""

    number: int
    route: CallRoute
    sold: tuple[str, str]
    """The offer, and the model by which it serves them."""
    routed: RoutedWork
    tokens: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Of input, those of them from a cache, of output; and for how many calls these stand."""


@dataclass(slots=True)
class DealtCalls:
    """To whom calls of a workload go until a moment, and what came since it was decided."""

    until: int
    candidate: Candidate | None = None
    pending: PendingCalls | None = None
    denied: tuple[str, ...] = ()
    forbidding: tuple[str, ...] = ()
    why: str = ""
    budgets: tuple[CapTaker, ...] = ()
    """The budgets that they draw on."""
    short: tuple[Shortage, ...] = ()
    """The budgets that had no room at some deployment, for the call for which it was decided and all that take more."""
    first: ReplayedCall | None = None
    """That call."""
    calls: int = 0
    asks: bool = False
    """Whether it turns on what is left of budgets."""
    lasts: float = 0.0
    """How many tokens may be given to the candidate, and to nobody else of its workload, before another is first."""
    given: int = 0
    """Tokens of the workload when it was decided."""
    own: int = 0
    """Those that the candidate was given since."""
    permitted: Sequence[Candidate] = ()
    ends: float = inf
    """When the key expires."""
    draws: bool = False
    """Whether clauses count its calls that ask what remains of something."""
    input: int = 0
    cached: int = 0
    output: int = 0
