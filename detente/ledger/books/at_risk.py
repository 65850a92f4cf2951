"""What is at risk: commitments that will fall short at the present pace, and credits that will lapse unused.

Owns: which they are, of where the clauses stand on the books, and what each unit more that counts saves. Not here: the
standings (``stands``), and which calls draw on them (the gateway).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from detente.contract.metered.meter import Meter, UseMeasure
from detente.contract.settled.standing import CREDIT, FLOOR, MILESTONE
from detente.contract.term import Term
from detente.ledger.books.stands import BooksStand, ClauseStands
from detente.values.money import nano


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A floor or a credit of a clause in the window that runs.

    ``short`` is what will be missing at its end, in the meter's unit, and ``owed`` what that costs: money. Of a credit,
    what more must be used for all of it to be given, and what would lapse.
    """

    term: str
    meter: Meter
    measure: UseMeasure
    end: datetime
    short: Decimal
    owed: Decimal
    lapses: bool = False
    """Whether it is a credit."""

    @property
    def each(self) -> Fraction:
        """What one unit more that counts saves: money."""
        return Fraction(self.owed) / Fraction(self.short)


def at_risk(found: BooksStand, terms: Iterable[Term]) -> tuple[AtRisk, ...]:
    """Floors that are expected to fall short, and cost something by that, and credits to lapse; as clauses are."""
    by = {(term.id, term.validity.start): term for term in terms}
    return tuple(floor for each in found.clauses for floor in _of_one(each, by[each.term, each.since]))


def _of_one(stands: ClauseStands, term: Term) -> Iterator[AtRisk]:
    standing, heading = stands.standing, stands.heading
    meter = next((meter for meter in term.meters() if standing is not None and meter.name == standing.meter), None)
    if standing is None or heading is None or meter is None:
        return
    short, lapses = standing.required - standing.brought - heading.drawn, standing.role == CREDIT
    owed = short if lapses else heading.owed
    if lapses:  # of what is left, each unit more that is used is given so much
        short = short / heading.saves if heading.saves > 0 else Decimal(0)
    if not (lapses or standing.role in (FLOOR, MILESTONE)) or short <= 0 or owed <= 0:
        return
    if meter.money is not None:  # what calls cost is in the case's currency
        rate = meter.money.at_end(standing.end)
        short, owed = nano(Fraction(short) * rate), nano(Fraction(owed) * rate) if lapses else owed
    if (measure := meter.of_use) is not None:
        yield AtRisk(term.id, meter, measure, standing.end, short, owed, lapses)
