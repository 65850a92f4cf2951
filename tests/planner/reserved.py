"""What several tests of plans rent by the month or whole."""

from __future__ import annotations

from typing import Any

from detente.results.plan import Plan
from tests.builders import Data, gpus

JANUARY, FEBRUARY = 744, 672  # hours


def units(found: Plan) -> dict[str, int]:
    return {p.offer: p.units for p in found.purchases}


PROVISIONED: Data = {
    "id": "ptu",
    "kind": "provisioned",
    "provider": "east",
    "region": "frankfurt",
    "model": "m",
    "price": "1 USD per unit-hour",
    "throughput": "1 Mtok per hour",
}


def reserved(price: str, term: str, **more: Any) -> Data:
    return gpus("south", price, id="south-reserved", buy="reserved", term=term) | more


def job(**more: Any) -> Data:
    found: Data = {"id": "run", "kind": "training", "work": "4464 GPU-hour", "deadline": "2026-03"}
    return found | {"gang": "8 GPU", "runs-on": {"accelerators": {"H100": 1}}} | more
