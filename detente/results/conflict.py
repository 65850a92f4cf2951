"""No plan obeys every clause: which clauses collide, and the ways out.

Owns: ``Conflict`` and its rows. Not here: how it is found (``planner``) and how it is shown (``report``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Concession:
    """One way out of a conflict: which clause gives, by how much, and what the plan then costs.

    Where it is none by itself, ``together`` names the other clauses that must give as well, each by its own
    concession; ``cost`` is then that of all together.
    """

    term: str
    amount: Decimal
    unit: str
    sentence: str
    cost: Decimal | None
    together: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clash:
    """A clause in a conflict, with its text."""

    term: str
    agreement: str
    text: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """No plan obeys every clause: a minimal set of clauses that collide, and the cheapest ways out.

    Without any one of ``clauses`` the rest could be met. ``facts`` names what is not a clause and plays a part
    (demand that must be served, capacity that is not there). ``relaxations`` come cheapest first; where no clause
    alone can give enough, they must be made together, and each says so.
    """

    reading: str | None
    clauses: tuple[Clash, ...]
    facts: tuple[str, ...]
    relaxations: tuple[Concession, ...]
