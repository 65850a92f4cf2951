"""Use that lies over the first or the last midnight of a statement: booked on one side, and counted on both.

Owns: finding it, and how much of it is on the other side. A use of a day or less is booked on the day in which its
middle lies, and clauses count it evenly over its time: so what a statement says was used and what clauses have drawn in
the same time differ by these. Not here: booking (``entry``), and use that came late, which is told as what it adjusts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from detente.contract.clause_text import SELF
from detente.ledger.store.store import Session
from detente.ledger.use.late import sums_on_time
from detente.values.micros import micros


@dataclass(frozen=True, slots=True)
class OverMidnight:
    """Use of one offer (or product) over one midnight: in whole billionths, at list price and less what is taken off.

    ``inside``: whether it is booked in the statement's time, and so much of it lies outside; else it is booked outside,
    and so much of it lies inside. Amounts are what clauses count in that time more than is booked: below zero where it
    is booked inside.
    """

    what: str
    midnight: datetime
    inside: bool
    listed: int
    net: int


def over_midnight(session: Session, party: str, start: datetime, end: datetime) -> Iterator[OverMidnight]:
    """What a party's statement of a time has on one side of its first and its last midnight, by offer."""
    for edge in (start, end):
        at = micros(edge)
        found: dict[tuple[str, bool], tuple[Fraction, Fraction]] = {}
        for each in sums_on_time(session, edge - timedelta(1), edge + timedelta(1)):
            sold = each.of.offer
            if not each.start < at < each.end or sold.get("provider", SELF) != party:
                continue
            inside = (each.booked_at >= at) is (edge == start)
            outside = Fraction((at - each.start) if edge == start else (each.end - at), each.end - each.start)
            part = -outside if inside else 1 - outside
            listed, net = found.get(key := (sold.get("offer") or sold.get("product") or "unknown", inside), (0, 0))
            found[key] = listed + part * each.listed, net + part * each.net
        for (what, inside), amounts in sorted(found.items()):
            yield OverMidnight(what, edge, inside, *map(round, amounts))
