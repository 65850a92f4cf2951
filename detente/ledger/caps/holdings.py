"""Holdings: who holds leases of the caps and budgets of a case, and what of each in the window that runs.

Owns: reading them. Not here: leasing (``leasing``), and how they are shown (``report``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from detente.case.case import Case
from detente.ledger.caps.budgets import BudgetCap
from detente.ledger.caps.cap import Cap
from detente.ledger.caps.clause_caps import of_terms
from detente.ledger.caps.leasing import CapWindow
from detente.ledger.store.store import Session, Store
from detente.live.budget_name import BudgetName
from detente.values.micros import EPOCH


class Holding(NamedTuple):
    """A worker that holds leases. ``last``: of its last call on the books; ``leased``: what no call on them used."""

    holder: str
    worker: int
    last: datetime | None
    leased: tuple[tuple[Cap, int], ...]


def holdings(store: Store, case: Case, at: datetime) -> tuple[Holding, ...]:
    """All that hold leases at a moment, or did and were not closed, in the order of their names."""
    caps = {cap.name: cap for cap in of_terms(case.signed)}
    with store.reading() as session:
        rows: dict[str, list[tuple[Cap, int]]] = {}
        found = session.all('SELECT cap, "window", holder, granted, counted FROM leases ORDER BY holder, cap')
        for name, window, holder, granted, counted in found:
            cap = caps.get(str(name)) or _budget(str(name), case.currency)
            allows = None if cap is None else cap.at(at)
            more = int(str(granted)) - int(str(counted))
            if cap is not None and allows is not None and more > 0 and allows.key == CapWindow(name, int(window)):
                rows.setdefault(str(holder), []).append((cap, more))
        living = list(session.all("SELECT holder, worker FROM holders WHERE alive = 1 ORDER BY holder"))
        return tuple(
            Holding(str(name), int(worker), _last(session, str(name)), tuple(rows.get(str(name), ())))
            for name, worker in living
        )


def _budget(text: str, currency: str) -> Cap | None:
    name = BudgetName.read(text)
    return None if name is None else BudgetCap(name.budget, name, text, 0, currency)


def _last(session: Session, holder: str) -> datetime | None:
    """When the last of its calls was that is on the books: of ids that begin with its name."""
    begins = f"req_{holder}"
    row = session.one("SELECT MAX(at) FROM calls WHERE id >= ? AND id < ?", (begins, f"{begins}g"))
    return None if row is None or row[0] is None else EPOCH + timedelta(microseconds=int(row[0]))
