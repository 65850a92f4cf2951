"""Whether a kind of clause answers with what it is asked for: asked of one clause of each kind, before all else.

Not here: what clauses say (``clauses``), and kinds that answer what only a role is asked (``contract.term``).
"""

from __future__ import annotations

from typing import Any

from detente.contract.metered.meter import Meter
from detente.contract.reach.verdict import Reason
from detente.contract.term import Term, misanswered


def answers_of(term: Term) -> None:
    """Raise TypeError where a bound clause answers with something else; ValueError where it cites another clause."""
    meters: Any = term.meters()
    reason: Any = term.explain()
    if not isinstance(meters, tuple) or not all(isinstance(meter, Meter) for meter in meters):
        raise TypeError(misanswered(term, "meters", meters, "a tuple of `Meter`"))
    if not isinstance(reason, Reason):
        raise TypeError(misanswered(term, "explain", reason, '`Reason(self.id, "what it does, in one sentence")`'))
    if reason.term != term.id:
        what = f"`{term.id}` (`{type(term).__name__}`): `explain` cites `{reason.term}`"
        raise ValueError(f"{what}; cite the clause itself: `Reason(self.id, …)`")
