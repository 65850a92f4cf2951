"""A switch that a kind of clause cannot turn: which money counts, when, or what of it, where that is one thing.

Owns: the keys of the switches that clauses share, and why a kind has none of one. Not here: what their values mean
(``amounts.counting``, ``metered.counting_moment``), and the switches of a clause in force (``case.switches``).
"""

from __future__ import annotations

from detente.contract.roles import PriceChange
from detente.contract.term import Term

SWITCHES = ("measure", "moment", "counts")
"""The keys by which a clause says which money or use counts, when it does, and what of it."""


def counts_something(kind: type[Term]) -> bool:
    """Whether clauses of a kind count money or use, or change what use costs."""
    return issubclass(kind, PriceChange) or kind.meters is not Term.meters


def why_fixed(kind: type[Term], key: str) -> str | None:
    """Why a kind has no such switch, in words; None where it has it, where it is no switch, or where nobody says."""
    if key not in SWITCHES or key in kind.model_fields:
        return None
    return kind.fixed.get(key) if counts_something(kind) else "it counts neither money nor use"
