"""Where budgets stand in a ledger: what was used of each in the window that runs, and what is leased.

Owns: reading them, of a case and of the keys that were made at run time. Not here: what budgets cover (``budgets``),
leasing them (``leasing``), and how they are shown (``report``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from detente.case.case import Case
from detente.ledger.caps.budgets import BudgetCap, CaseBudgets
from detente.ledger.caps.cap import CapLimit
from detente.ledger.caps.leases import LeaseRow
from detente.ledger.caps.leasing import leased
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.store import Store
from detente.live.budget_name import WORD, BudgetName
from detente.live.key import Key


class BudgetStands(NamedTuple):
    """A budget in the window that runs. ``booked``: used by calls on the books; ``leased``: to workers, used or not."""

    cap: BudgetCap
    allows: CapLimit
    booked: int
    leased: int

    @property
    def remaining(self) -> int:
        """What is left for anybody."""
        return self.allows.limit - self.booked - self.leased


def budgets_stand(store: Store, case: Case, at: datetime) -> tuple[BudgetStands, ...]:
    """Where the budgets of a case and of its keys stand at a moment, in the order declared.

    One that is kept for each key or label (``per``) is there once for each that used it.
    """
    keys = *case.declared.keys, *KeyStore(store).unrevoked().keys
    with store.reading() as session:
        names = [
            str(name) for (name,) in session.all("SELECT DISTINCT cap FROM leases WHERE cap LIKE ?", (f"{WORD} %",))
        ]
        caps = [(cap, allows) for cap in _caps(CaseBudgets(case), keys, names) if (allows := cap.at(at)) is not None]
        rows = leased(session, [allows.key for _, allows in caps])
    return tuple(_stands(cap, allows, rows.get(allows.key, ())) for cap, allows in caps)


def _stands(cap: BudgetCap, allows: CapLimit, rows: Iterable[LeaseRow]) -> BudgetStands:
    found = tuple(rows)
    return BudgetStands(cap, allows, sum(row.counted for row in found), sum(row.outstanding for row in found))


def _caps(budgets: CaseBudgets, keys: Iterable[Key], stored: Iterable[str]) -> Iterator[BudgetCap]:
    """Each budget as it is declared now, and those of whom the store knows."""
    whose: dict[BudgetName, list[str]] = {}
    for text in sorted(stored):
        if (name := BudgetName.read(text)) is not None and name.whose:
            whose.setdefault(name._replace(whose=""), []).append(name.whose)
    for cap, per in budgets.declared(keys):
        if per:
            yield from (cap.of_one(each) for each in whose.get(cap.of, ()))
        else:
            yield cap
