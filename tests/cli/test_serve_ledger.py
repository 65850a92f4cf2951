"""``detente serve --ledger``: workers share a cap, one is killed, and the cap holds; what is no ledger is refused."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from detente.ledger.opening import open_store
from tests.builders import agreement
from tests.cli.test_serve import Provider, _children, case_at, gateway, provider, refused

__all__ = ["provider"]
CAP = {"id": "cap", "kind": "spending-cap", "amount": "0.0003 USD", "windows": {"every": "month"}}
"""Ten calls of 0.00003 USD."""


def number(ledger: Path, sql: str) -> int:
    """What a query of the ledger comes to."""
    with open_store(str(ledger)) as store, store.reading() as session:
        return session.number(sql)


def test_workers_share_a_cap_and_one_is_killed(tmp_path: Path, provider: Provider) -> None:
    case, ledger = case_at(tmp_path, provider, agreement(CAP, party="self")), tmp_path / "ledger.db"
    with gateway(case, "--workers", 2, "--at", "2026-03-10T12:00Z", "--ledger", ledger) as live:
        live.until(lambda: number(ledger, "SELECT COUNT(*) FROM holders") == 2)
        assert [live.ask(max_tokens=5)[0] for _ in range(3)] == [200] * 3
        live.until(lambda: number(ledger, "SELECT SUM(granted) > 0 AND SUM(held) = 0 FROM leases") == 1)
        for child in _children(live.process.pid):
            os.kill(child, signal.SIGKILL)
        live.until(lambda: live.text.count("another one is started") == 2)
        live.until(lambda: live.text.count("its journal is on the books, and what 1 earlier held is free") == 2)
        served = 3
        while live.ask(max_tokens=5)[0] == 200:
            served += 1
        assert 6 <= served <= 10, live.text  # the other worker may hold a part of the last calls
        assert live.stop() == 0
    with gateway(case, "--at", "2026-03-10T12:00Z", "--ledger", ledger) as live:
        rest = [live.ask(max_tokens=5)[0] for _ in range(5)]
        assert rest == [200] * (10 - served) + [403] * (5 - (10 - served)), "what was given back is there"
        assert live.stop() == 0


def test_what_is_no_ledger_is_refused(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    assert "not the address of a ledger" in refused(case, "--ledger", "mysql://host/name")
