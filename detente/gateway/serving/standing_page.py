"""The page `/standing`: where the clauses of the case stand, as the gateway last saw it.

Owns: its document. Amounts are exact, as text. Not here: the standings (``ledger/books/stands``), and the caps
(``leaseholder``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detente.gateway.deciding.standings import Standings
from detente.ledger.caps.cap import Cap, CapLimit
from detente.values.period import endless
from detente.values.quantity import plain

if TYPE_CHECKING:
    from detente.ledger.books.stands import ClauseStands


def standing_page(standings: Standings) -> dict[str, Any]:
    """Where clauses stand on the books, which floors steer calls, and what remains of caps at this moment."""
    seen = standings.seen
    return {
        "as-of": seen.as_of.isoformat() if seen is not None else None,
        "ledger": standings.away or None,
        "clauses": [_clause(each) for each in seen.clauses] if seen is not None else [],
        "unknown": seen.unknown if seen is not None else None,
        "at-risk": [
            {
                "clause": floor.term,
                "until": floor.end.isoformat(),
                "short": plain(floor.short),
                "owed": plain(floor.owed),
            }
            for floor in standings.at_risk
        ],
        "caps": [
            {"clause": cap.id, "allows": cap.exact(allows.limit), "remaining": cap.exact(remaining)}
            for cap, allows, remaining in standings.caps()
            if not cap.budget
        ],
        "budgets": _budgets(standings),
        "journals": [
            {"journal": lag.journal, "records": lag.records, "since": lag.since.isoformat() if lag.since else None}
            for lag in standings.lags
        ],
    }


def _budgets(standings: Standings) -> list[dict[str, Any]]:
    """As the ledger knows them, of all workers; without one, as this worker does."""
    if standings.seen is None:
        return [_budget(*kept) for kept in standings.caps() if kept[0].budget]
    return [
        _budget(cap, allows, stands.remaining) | {"used": cap.exact(stands.booked), "leased": cap.exact(stands.leased)}
        for stands in standings.budgets
        for cap, allows in (stands[:2],)
    ]


def _budget(cap: Cap, allows: CapLimit, remaining: int) -> dict[str, Any]:
    until = None if endless(allows.end) or cap.comes_back else allows.end.isoformat()
    found = {"budget": cap.id, **cap.details, "from": allows.start.isoformat(), "until": until}
    return found | {"allows": cap.exact(allows.limit), "remaining": cap.exact(remaining)}


def _clause(stands: ClauseStands) -> dict[str, Any]:
    found: dict[str, Any] = {"clause": stands.term, "agreement": stands.agreement}
    standing, heading = stands.standing, stands.heading
    if standing is None:
        return found | {"unknown": stands.unknown}
    remaining = standing.remaining
    found |= {
        "role": standing.role,
        "unit": standing.unit,
        "from": standing.start.isoformat(),
        "until": None if endless(standing.end) else standing.end.isoformat(),
        "asks": None if standing.amount is None else plain(standing.amount),
        "drawn": plain(standing.drawn),
        "carried-in": plain(standing.brought),
        "remaining": None if remaining is None else plain(remaining),
        "accruing": plain(standing.accruing),
        "unknown-uses": stands.uncounted,
    }
    if heading is not None:
        found["expected"] = {name: plain(getattr(heading, name)) for name in ("drawn", "low", "high", "owed", "worst")}
    return found
