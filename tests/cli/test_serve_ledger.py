"""``detente serve --ledger``: workers share a cap, one is killed, and the cap holds; what is no ledger is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from detente.ledger.journals.journal import Journal
from detente.ledger.store.opening import open_store
from tests.builders import agreement
from tests.cli.served import Provider, case_at, children_of, gateway, refused
from tests.cli.shell import detente, environment
from tests.ledger.books.test_stands import FLOOR, every_day
from tests.ledger.served import call, journal_of
from tests.waiting import PATIENCE, until

CAP = {"id": "cap", "kind": "spending-cap", "amount": "0.0003 USD", "windows": {"every": "month"}}
"""Ten calls of 0.00003 USD."""


def number(ledger: Path, sql: str) -> int:
    """What a query of the ledger comes to."""
    with open_store(str(ledger)) as store, store.reading() as session:
        return session.number(sql)


def freed(text: str) -> int:
    """Of how many workers that were killed it was told that what they leased is free, by whoever was first."""
    told = r"what (\d+) (?:earlier held|workers? that ended had leased of caps and not used) is free"
    return sum(int(count) for count in re.findall(told, text))


def test_workers_share_a_cap_and_one_is_killed(tmp_path: Path, provider: Provider) -> None:
    case, ledger = case_at(tmp_path, provider, agreement(CAP, party="self")), tmp_path / "ledger.db"
    with gateway(case, "--workers", 2, "--at", "2026-03-10T12:00Z", "--ledger", ledger) as live:
        live.until(lambda: number(ledger, "SELECT COUNT(*) FROM holders") == 2)
        assert [live.ask(max_tokens=5)[0] for _ in range(3)] == [200] * 3
        live.until(lambda: number(ledger, "SELECT SUM(counted) = 90000 AND SUM(held) = 0 FROM leases") == 1)
        for child in children_of(live.pid):
            os.kill(child, signal.SIGKILL)
        live.until(lambda: live.text.count("another one is started") == 3)
        assert "the bookkeeper ended (by SIGKILL)" in live.text
        live.until(lambda: freed(live.text) == 2)
        served = 3
        while live.ask(max_tokens=5)[0] == 200:
            served += 1
        assert 6 <= served <= 10, live.text  # the other worker may hold a part of the last calls
        assert live.stop() == 0
    with gateway(case, "--at", "2026-03-10T12:00Z", "--ledger", ledger) as live:
        rest = [live.ask(max_tokens=5)[0] for _ in range(5)]
        assert rest == [200] * (10 - served) + [403] * (5 - (10 - served)), "what was given back is there"
        assert live.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_served_is_on_the_books_at_once_and_at_the_end(
    tmp_path: Path, provider: Provider, workers: int
) -> None:
    """Whoever is killed meanwhile, each call is on the books once; nobody runs `detente ingest`."""
    case, ledger = case_at(tmp_path, provider), tmp_path / "ledger.db"
    booked = "SELECT COUNT(*) FROM calls WHERE outcome = 'complete'"
    with gateway(case, "--workers", workers, "--at", "2026-03-10T12:00Z", "--ledger", ledger) as live:
        assert [live.ask()[0] for _ in range(3)] == [200] * 3
        live.until(lambda: number(ledger, booked) == 3)
        for child in children_of(live.pid):
            os.kill(child, signal.SIGKILL)
        live.until(lambda: live.text.count("another one is started") == workers + 1)
        live.until(lambda: live.get("/readyz")[0] == 200)
        assert live.ask()[0] == 200
        live.until(lambda: number(ledger, booked) == 4)
        assert live.ask()[0] == 200
        assert live.stop() == 0
        assert number(ledger, booked) == 5, "the last is on the books before the gateway has ended"
        assert number(ledger, "SELECT COUNT(DISTINCT id) FROM calls") == 5


def test_floors_steer_by_journals_that_nobody_has_ingested(tmp_path: Path, provider: Provider) -> None:
    """Twenty days of calls are in the journal's folder when the gateway begins, and none of them on the books."""
    case, ledger = case_at(tmp_path, provider, agreement(FLOOR, party="north")), tmp_path / "ledger.db"
    journal_of(tmp_path / "journal", every_day(20), 7)
    with gateway(case, "--at", "2026-01-21T00:00Z", "--ledger", ledger) as live:
        live.until(lambda: "floor is expected to fall short by 2026-02-01; calls that count" in live.text)
        assert live.ask()[2]["x-detente-deployment"] == "north-m", "South is cheaper, and North's floor is owed anyway"
        assert live.stop() == 0


def holds(ledger: Path, calls: int) -> bool:
    return number(ledger, "SELECT COUNT(*) FROM calls") == calls


def test_journals_are_followed_until_told_to_stop(tmp_path: Path, provider: Provider) -> None:
    case, ledger, folder = case_at(tmp_path, provider), tmp_path / "ledger.db", tmp_path / "journal"
    journal = Journal(folder)
    open_store(str(ledger), make=True).close()
    words = ("ingest", case, folder, "--ledger", ledger, "--follow", "--json")
    asked = [sys.executable, "-m", "detente", *map(str, words)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, env=environment(), text=True) as following:
        for n in range(2):
            journal.append(call(n))
            until(partial(holds, ledger, n + 1))
        journal.append(call(2))
        following.terminate()
        out, _ = following.communicate(timeout=PATIENCE)
    journal.close()
    assert following.returncode == 0
    assert number(ledger, "SELECT COUNT(*) FROM calls") == 3
    assert sum(json.loads(line)["calls"] for line in out.splitlines()) == 3


def test_bills_are_not_followed(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    done = detente("ingest", case, case, "--mapping", case / "case.yaml", "--follow")
    assert (done.returncode, "--follow is for journals, which grow" in done.stderr) == (2, True)


def test_what_is_no_ledger_is_refused(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    assert "not the address of a ledger" in refused(case, "--ledger", "mysql://host/name")
