"""Floors at risk: the commitments that will fall short at the present pace, and what each missing unit costs then.

Owns: which they are, of where the clauses stand on the books. Not here: the standings (``stands``), and which calls
draw on them (the gateway).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from detente.contract.meter import Meter
from detente.contract.standing import FLOOR, MILESTONE
from detente.contract.term import Term
from detente.ledger.metering import ClauseMeasure
from detente.ledger.stands import BooksStand, ClauseStands


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A floor of a clause in the window that runs.

    ``short`` is what will be missing at its end, in the meter's unit, and ``owed`` what that costs: money.
    """

    term: str
    meter: Meter
    measure: ClauseMeasure
    end: datetime
    short: Decimal
    owed: Decimal

    @property
    def each(self) -> Fraction:
        """What one unit more that counts saves: money."""
        return Fraction(self.owed) / Fraction(self.short)


def at_risk(found: BooksStand, terms: Iterable[Term]) -> tuple[AtRisk, ...]:
    """The floors that are expected to fall short, and to cost something by that, in the order of the clauses."""
    by = {(term.id, term.validity.start): term for term in terms}
    return tuple(floor for each in found.clauses for floor in _of_one(each, by[each.term, each.since]))


def _of_one(stands: ClauseStands, term: Term) -> Iterator[AtRisk]:
    standing, heading = stands.standing, stands.heading
    if standing is None or heading is None or standing.role not in (FLOOR, MILESTONE):
        return
    meter = next((meter for meter in term.meters() if meter.name == standing.meter), None)
    short = standing.required - standing.brought - heading.drawn
    if meter is None or short <= 0 or heading.owed <= 0:
        return
    measure = meter.measure
    if measure == "spend" or measure == "listed" or measure == "work" or measure == "taken":
        yield AtRisk(term.id, meter, measure, standing.end, short, heading.owed)
