"""Served calls for the tests of the ledger: a small case with a deployment, records of calls, journals of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.case.case import Case
from detente.ledger.books.books import Books
from detente.ledger.books.ingest import Ingest, Ingested, journals
from detente.ledger.journals.journal import Journal
from detente.ledger.journals.record import Attempt, CallEnd, CallRoute, TokenCounts, joined, route
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.builders import Data, agreement, build, tokens, work
from tests.gateway.stage import deployment

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SERVED = (Attempt("north-live", "served", 12.0, 200),)


def served_case(*terms: Data, **more: Any) -> Case:
    """North sells tokens at 3 USD per Mtok, and South at 2; both are live."""
    live = more.pop("deployments", [])
    if not live:
        live = [deployment(f"{p}-live", f"{p}-api", "http://localhost:9") for p in ("north", "south")]
    offers = more.pop("offers", [tokens("north", 3), tokens("south", 2)])
    signed = [agreement(*terms, **more.pop("signed", {}))] if terms else []
    signed += more.pop("also", [])
    return build(offers, more.pop("workloads", [work()]), *signed, deployments=live, **more)


def call(n: int, at: str | datetime = "2026-01-15T12:00", used: tuple[int, int] | None = (10, 5), **more: Any) -> bytes:
    """The bytes of a record: the call ``req_n`` of ``chat`` on North, as the gateway writes it."""
    when = at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)
    names = {f.name for f in msgspec.structs.fields(CallRoute)}
    where = CallRoute(
        "/v1/chat/completions", "k", "chat", {}, "m", "hash", deployment="north-live", offer="north-api",
        provider="north", region="eu-1",
    )  # fmt: skip
    usage = None if used is None else TokenCounts(*used)
    end = CallEnd(f"req_{n}", when, "complete", 200, usage, attempts=SERVED)
    where = msgspec.structs.replace(where, **{k: v for k, v in more.items() if k in names})
    return joined(route(where), msgspec.structs.replace(end, **{k: v for k, v in more.items() if k not in names}))


def spread(count: int, start: str = "2026-01-15T00:00", every: timedelta = timedelta(minutes=7)) -> list[bytes]:
    """So many calls, some time apart, each with other tokens."""
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [call(n, first + n * every, (1000 + n, 7 * n)) for n in range(count)]


def journal_of(folder: Path, records: Iterable[bytes], worker: int = 0, **more: Any) -> Path:
    """A journal's folder that holds some records."""
    journal = Journal(folder, worker, **more)
    for record in records:
        journal.append(record)
    journal.close()
    return folder


def ingested(store: Store, case: Case, *folders: Path, batch: int = 5000, at: datetime = NOW) -> Ingested:
    """What became of the records of some folders."""
    return Ingest(Books(store, case), batch).run(journals(folders), at)


def fresh(folder: Path) -> Store:
    """A new ledger in a file."""
    return open_store(str(folder / "ledger.db"), make=True)


def contents(store: Store) -> dict[str, Any]:
    """What the books come to: sums by class, totals by meter, and accounts; whatever the order in which it came."""
    with store.reading() as session:
        sums = session.all(
            'SELECT body, start, "end", count, unknown, tokens, work, taken, listed, net, revenue, off'
            " FROM sums JOIN classes ON sums.class = classes.class"
        )
        totals = session.all('SELECT meter, "window", lacks, amount, parts FROM totals')
        accounts: dict[tuple[str, str], int] = {}
        for account, unit, amount in session.all("SELECT account, unit, amount FROM entries"):
            accounts[account, unit] = accounts.get((account, unit), 0) + int(amount)
        return {
            "sums": sorted(map(plain, sums)),
            "totals": sorted(map(plain, totals)),
            "accounts": {k: v for k, v in accounts.items() if v},
        }


def plain(row: Iterable[Any]) -> tuple[str, ...]:
    """A row as text, the same from any database."""
    return tuple(str(value) for value in row)


def accounts(store: Store) -> dict[str, int]:
    """What stands on each account, in billionths."""
    return {account: amount for (account, _), amount in contents(store)["accounts"].items()}


def unknown(store: Store) -> dict[str, int]:
    """How many uses are unknown, by the reason."""
    found: dict[str, int] = {}
    with store.reading() as session:
        for why, count in session.all("SELECT unknown, SUM(count) FROM lines WHERE unknown <> '' GROUP BY unknown"):
            found[why] = int(count)
    return {why: count for why, count in found.items() if count}


both = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
"""A test that runs on each kind of database."""
