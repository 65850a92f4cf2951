"""No plan obeys every clause: which clauses collide, and the ways out.

Owns: ``Conflict`` and its rows. Not here: how it is found (``planner``) and how it is shown (``report``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.values.period import End, named


@dataclass(frozen=True, slots=True)
class Version:
    """A clause from one amendment to the next: an amended clause has several, with one id."""

    term: str
    start: datetime
    end: End
    amended: bool  # whether it has others

    @property
    def name(self) -> str:
        """Its id, with its dates where the id alone does not say which version is meant."""
        return f"`{self.term}` ({named(self.start, self.end)})" if self.amended else f"`{self.term}`"


@dataclass(frozen=True, slots=True)
class Given:
    """What a part of a clause gives, in one unit: in all, and by window (start, end, amount) where it counts by window.

    ``part`` is that of a marginal price: `floor`, `milestone-0`, `denied`. A `share` is a part of 1, without a unit.
    """

    part: str
    amount: Decimal
    unit: str
    windows: tuple[tuple[datetime, End, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Concession:
    """One way out of a conflict: which clause gives, by how much, and what the plan then costs.

    Where it is none by itself, ``together`` names what else must give, other versions of the same clause too, each by
    its own concession; ``cost`` is then that of all together. Of one that costs so much ``at_most``, the search for
    less ended before it was through. ``owed`` is what of the cost the clause charges for what it gives.
    """

    version: Version
    given: tuple[Given, ...]
    sentence: str
    cost: Decimal | None
    together: tuple[Version, ...] = ()
    at_most: bool = False
    owed: Decimal = Decimal(0)

    @property
    def term(self) -> str:
        """The id of the clause."""
        return self.version.term


@dataclass(frozen=True, slots=True)
class Clash:
    """A clause in a conflict, with its text; of one that was amended, a version."""

    version: Version
    agreement: str
    text: str
    sentence: str

    @property
    def term(self) -> str:
        """The id of the clause."""
        return self.version.term


@dataclass(frozen=True, slots=True)
class Conflict:
    """No plan obeys every clause: a minimal set of clauses that collide, and the cheapest ways out.

    Without any one of ``clauses`` the rest could be met. ``facts`` names what is not a clause and plays a part
    (demand that must be served, capacity that is not there). ``relaxations`` come cheapest first; where no clause
    alone can give enough, they must be made together, and each says so. Where time ended before all were ``sought``,
    there may be others. Where it ended before it was known which clauses collide, ``clauses`` are all that the case
    has, and no ``minimal`` set of them.
    """

    reading: str | None
    clauses: tuple[Clash, ...]
    facts: tuple[str, ...]
    relaxations: tuple[Concession, ...]
    sought: bool = True
    minimal: bool = True

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(clash.term for clash in self.clauses))
        ways = len(self.relaxations)
        return f"Conflict({names}: {ways} {'way' if ways == 1 else 'ways'} out)"

    def dearer(self, way: Concession) -> Decimal | None:
        """How much more than the cheapest way out one costs; None where a cost is not known."""
        costs = [other.cost for other in self.relaxations if other.cost is not None]
        return None if way.cost is None else way.cost - min(costs)

    @property
    def joint(self) -> bool:
        """Whether there is one way out, made of all concessions together."""
        return bool(self.relaxations) and all(
            len(w.together) == len(self.relaxations) - 1 > 0 for w in self.relaxations
        )
