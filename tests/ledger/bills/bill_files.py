"""Bills and mappings as files, and how they are read onto the books."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from detente.case.case import Case
from detente.ledger.bills.bill_files import bills
from detente.ledger.bills.bill_ingest import BillIngest, BillIngested
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.books.books import Books
from detente.ledger.store.store import Store
from tests.builders import Data
from tests.ledger.served import NOW

HEAD = (
    "BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ServiceName,ListCost,BilledCost"
)
HOUR = "2026-01-15T12:00:00Z,2026-01-15T13:00:00Z"
OTHER: Data = {"where": {"ServiceName": "Storage"}, "sold": {"provider": "north", "product": "storage"}}
INPUT: Data = {
    "where": {"ServiceName": "m in"},
    "offer": "north-api",
    "workload": "chat",
    "tokens": "input",
    "per": 1000,
}
OUTPUT: Data = INPUT | {"where": {"ServiceName": "m out"}, "tokens": "output"}
TAX: Data = {"where": {"ChargeCategory": ["Tax", "Credit"]}, "skip": True}
FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "windows": {"every": "month"}}
NANOS = 10**9


def row(service: str, net: object, quantity: object = "", listed: object = "", when: str = HOUR, **more: str) -> str:
    found = {"currency": "USD", "category": "Usage", **more}
    return f"{found['currency']},{found['category']},{when},{quantity},{service},{listed},{net}"


def bill(path: Path, rows: Sequence[str], head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def mapped(folder: Path, *rules: Data, **more: Any) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump({"format": "focus", **more, "rules": list(rules)}), encoding="utf-8")
    return path


def read(store: Store, case: Case, mapping: Path, *files: Path, batch: int = 5000) -> BillIngested:
    return BillIngest(Books(store, case), read_mapping(mapping, case), batch).run(bills(files), NOW)
