"""A world that is simulated: an hourly stream of work, and South, which is at times out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from detente.case.case import Case
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from tests.builders import D, Data, agreement, build, data_of, tokens, work

SOUTH_OUT = {
    "id": "south",
    "kind": "outage",
    "of": {"provider": "south"},
    "per-year": 30,
    "lasting": ["2 hours", "10 hours"],
}
HOURS = 59 * 24
STEADY = work(demand="1 Mtok per hour", value="10 USD per Mtok")


def world(*offers: Data, risks: list[Data] | None = None, terms: tuple[Data, ...] = (), **head: Any) -> Case:
    """1 Mtok an hour for two months, worth 10 each; South takes 2 and is at times out."""
    agreements = [agreement(*terms, party="south")] if terms else []
    some = [tokens("south", 2), *offers]
    return build(some, [STEADY], *agreements, months=2, risks=[SOUTH_OUT] if risks is None else risks, **head)


def found(case: Case, choice: str | None = None, **more: Any) -> Simulation:
    answer = simulate(case, choice, **({"draws": 6, "processes": 1, "gap": 1e-9} | more))
    assert isinstance(answer, Simulation)
    return answer


def near(one: Decimal | None, other: Decimal) -> bool:
    return one is not None and abs(one - other) < D("0.001")


def priced(tmp_path: Path, head: Data, *offers: Data, days: int = 12, **more: Any) -> Case:
    """1 Mtok an hour for days; South takes 2, and at times 3 or 1: its prices move as they did on ten days."""
    (tmp_path / "spot.csv").write_text("day,usd\n2025-01-01,3\n2025-01-04,1\n2025-01-08,2\n")
    prices = {
        "file": "spot.csv",
        "columns": {"start": "day", "price": "usd"},
        "until": "2025-01-11",
        "stretch": "3 days",
    }
    spot = {"id": "spot", "kind": "price", "of": {"provider": "south"}, "prices": prices}
    horizon = {"start": "2026-01-01", "end": f"2026-01-{1 + days:02}", "every": "day"}
    data = data_of([tokens("south", 2), *offers], [STEADY], horizon=horizon | head) | {"risks": [spot]} | more
    return Case.of(data, tmp_path)
