"""Where clauses stand, as Prometheus reads it: what each asks, has drawn and has left, and where it is heading.

Owns: the names and labels of these gauges. They are made of what was last seen as they are read, by whichever worker is
asked: a window that has ended is in none of them any more. Not here: the standings (``ledger/books/stands``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from detente.contract.settled.standing import CREDIT, FLOOR, MILESTONE, Standing
from detente.gateway.deciding.standings import NOT_KEPT, Standings
from detente.values.period import endless
from detente.values.quantity import Exact

WINDOW = ("clause", "agreement", "role", "meter", "from", "until")
COUNTED = {
    "detente_clause_required": "What a clause asks or allows in the window that runs, in its own unit.",
    "detente_clause_drawn": "What counted towards it, of what is on the books.",
    "detente_clause_remaining": "What is left of it, after what was carried in.",
    "detente_clause_carried_in": "What came over from the window before; below 0: so much more is asked.",
    "detente_clause_expected": "What will be drawn by its end at the present pace.",
    "detente_clause_expected_low": "The same at the lower end of the range that holds nine in ten.",
    "detente_clause_expected_high": "The same at the upper end.",
}
"""Each with the unit as a label."""
MONEY = {
    "detente_clause_accruing": "What a clause would owe if its window ended now, in the currency of the case.",
    "detente_floor_short": "What will be missing of a floor by its end at the present pace; 0: nothing.",
    "detente_floor_owed": "What that will cost, in the currency of the case.",
}


class StandingGauges(Collector):
    """Gauges by clause and window of what ``standings`` has seen; none where nobody keeps them."""

    def __init__(self) -> None:
        self.standings: Standings = NOT_KEPT

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All of them, each with the clauses of which it is known."""
        families = {name: GaugeMetricFamily(name, told, labels=(*WINDOW, "unit")) for name, told in COUNTED.items()}
        families |= {name: GaugeMetricFamily(name, told, labels=WINDOW) for name, told in MONEY.items()}
        seen = self.standings.seen
        risks = {(each.term, each.meter.name, each.end): each for each in self.standings.at_risk}
        for stands in seen.clauses if seen is not None else ():
            standing, heading = stands.standing, stands.heading
            if standing is None:
                continue
            labels = _labels(stands.agreement, standing)
            values: dict[str, Exact | None] = {
                "detente_clause_required": standing.amount,
                "detente_clause_drawn": standing.drawn,
                "detente_clause_remaining": standing.remaining,
                "detente_clause_carried_in": standing.brought,
                "detente_clause_accruing": standing.accruing,
            }
            if heading is not None:
                values["detente_clause_expected"] = heading.drawn
                values["detente_clause_expected_low"] = heading.low
                values["detente_clause_expected_high"] = heading.high
                if standing.role in (FLOOR, MILESTONE, CREDIT):
                    risk = risks.get((standing.term, standing.meter, standing.end))
                    values["detente_floor_short"] = risk.short if risk is not None else Decimal(0)
                    values["detente_floor_owed"] = risk.owed if risk is not None else Decimal(0)
            for name, value in values.items():
                if value is not None:
                    families[name].add_metric([*labels, standing.unit] if name in COUNTED else labels, float(value))
        yield from (family for family in families.values() if family.samples)


def _labels(agreement: str, standing: Standing) -> list[str]:
    return [standing.term, agreement, standing.role, standing.meter, _moment(standing.start), _moment(standing.end)]


def _moment(at: datetime) -> str:
    return "" if endless(at) else at.isoformat()
