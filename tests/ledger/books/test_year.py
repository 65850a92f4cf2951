"""Calls that are a plan's own close at its bill, to the cent: of a small case here, of a year by ``make proof``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.ledger.store.store import Store
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import agreement, build, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.served import both
from tests.ledger.year import CENT, YearOfCalls, year

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "15 k USD", "windows": {"every": "quarter"}}
FLOOR |= {"measure": "after-discounts", "of": {"workload": "sales"}}
OFF = {"id": "off", "kind": "discount", "off": "7%"}
CREDIT = {"id": "credit", "kind": "credit", "amount": "300 USD"}


@pytest.fixture(scope="module")
def case() -> Case:
    """Two offers of tokens under a floor that is missed, a discount and a credit; half a year."""
    offers = [tokens("north", 3), tokens("south", 2)]
    live = [deployment(f"{p}-live", f"{p}-api", "http://localhost:9") for p in ("north", "south")]
    deals = [agreement(FLOOR, OFF, party="north"), agreement(CREDIT, party="south", id="welcome")]
    chat = work(mix={"cached": "28%", "output": "13%"})
    return build(offers, [chat, work("sales")], *deals, deployments=live)


@pytest.fixture(scope="module")
def planned(case: Case) -> Plan:
    found = plan(case)
    assert isinstance(found, Plan), found
    return found


@both
def test_it_closes_at_the_plan_s_bill(case: Case, planned: Plan, store: Store, tmp_path: Path) -> None:
    came = year(YearOfCalls(case, planned, 2), store, tmp_path / "journal")
    assert came.records == 2 * 2 * 181, "two workloads, two calls a day of half a year"
    assert came.off < CENT, came
    assert came.holds
    assert {"floor", "off", "credit"} <= {posting.term for posting in planned.postings}, "each has a part in it"


class Short(YearOfCalls):
    """One call less than planned, which no floor pays for."""

    def calls(self) -> Iterator[bytes]:
        missing = False
        for record in super().calls():
            if missing or b'"workload":"chat"' not in record:
                yield record
            missing = missing or b'"workload":"chat"' in record


def test_a_call_less_is_noticed(case: Case, planned: Plan, store: Store, tmp_path: Path) -> None:
    assert year(Short(case, planned, 1), store, tmp_path / "journal").off > CENT
