"""The ledger's speed and size: journals ingested, against the same rows inserted bare, and where clauses stand.

    python bench/ledger.py [--records 1000000] [--postgres] [--parts 4]

Calls of `examples/enterprise` over half a year, forged without a network. Ingested in as many parts as asked, each
timed by itself, so that a rate that falls as the ledger grows is seen. Then the very rows that it holds are inserted
once more: all of them into the same tables of an empty ledger (of a sum that was written again as it grew, the last),
and those of calls and lines alone into tables without keys and indexes. CPU seconds of this process where it is one
that works (SQLite), wall-clock where the server works, too.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from detente.case.case import Case  # noqa: E402
from detente.ledger.books.books import Books  # noqa: E402
from detente.ledger.books.ingest import BATCH, Ingest, journals  # noqa: E402
from detente.ledger.books.stands import stands  # noqa: E402
from detente.ledger.journals.journal import Journal  # noqa: E402
from detente.ledger.journals.record import Attempt, CallEnd, CallRoute, TokenCounts, joined, route  # noqa: E402
from detente.ledger.store.opening import open_store  # noqa: E402
from detente.ledger.store.store import Session, Store  # noqa: E402
from detente.ledger.store.tables import CHAINED  # noqa: E402
from detente.ledger.use.metering import Metering, Tariff  # noqa: E402
from detente.ledger.use.running_totals import SUM_COLUMNS, SUM_KEY  # noqa: E402

START, DAYS, NOW = datetime(2026, 1, 1, tzinfo=UTC), 180, datetime(2026, 7, 1, tzinfo=UTC)
BARE = ("calls", "lines")
WRITTEN = {table: ("batch", "n", *columns, "mark") for table, columns in CHAINED.items()} | {
    "sums": (*SUM_KEY, *SUM_COLUMNS), "totals": ("meter", '"window"', "lacks", "amount", "parts"),
}  # fmt: skip
TIMES = 20


def routes(case: Case) -> list[tuple[bytes, str]]:
    """Every workload on every deployment where its calls have a price."""
    metering, found = Metering(case), []
    offers = {offer.id: offer for offer in case.offers}
    for workload in case.workloads:
        for deployment in case.declared.deployments:
            offer = offers[deployment.offer]
            told = CallRoute(
                "/v1/chat/completions", workload.id, workload.id, workload.labels, deployment.id, case.hash,
                deployment=deployment.id, offer=offer.id, provider=offer.provider, region="somewhere", why="price",
            )  # fmt: skip
            if isinstance(metering.tariff(told, offer.id, START), Tariff):
                found.append((route(told), deployment.id))
    return found


def records(case: Case, count: int) -> Iterator[bytes]:
    """So many calls, in the order of time."""
    chance, known = random.Random(1), routes(case)
    every = timedelta(days=DAYS) / count
    for n in range(count):
        body, name = known[chance.randrange(len(known))]
        given = chance.randint(50, 4000)
        used = TokenCounts(given, chance.randint(1, 900), chance.randint(0, given) if n % 3 == 0 else 0)
        end = CallEnd(
            f"req_{n:012x}", START + n * every, "complete", 200, used, "0.0012", "stop",
            ms=900.5, attempts=(Attempt(name, "served", 900.5, 200),),
        )  # fmt: skip
        yield joined(body, end)


def written(folder: Path, found: Iterator[bytes], part: int) -> float:
    """A journal of some records; the seconds that the appends took."""
    took = 0.0
    journal = Journal(folder, part)
    for some in batched(found, 10_000):
        began = time.process_time()
        for record in some:
            journal.append(record)
        took += time.process_time() - began
    journal.close()
    return took


def batched(found: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """So many at a time: in memory there are no more."""
    while some := list(islice(found, size)):
        yield some


def clock(*, server: bool) -> float:
    """Seconds: of this process's work, or of the wall."""
    return time.perf_counter() if server else time.process_time()


def bare(store: Store, other: Store, *, server: bool) -> float:
    """Seconds that it takes to insert the rows of calls and lines into tables without indexes."""
    took = 0.0
    for table in BARE:
        names = ("batch", "n", *CHAINED[table], "mark")
        with other.writing() as session:
            session.run(f"CREATE TABLE bare_{table} AS SELECT {', '.join(names)} FROM {table} LIMIT 0")
        took += copied(store, other, table, f"bare_{table}", names, server=server)
    return took


def whole(store: Store, other: Store, *, server: bool) -> float:
    """Seconds that it takes to insert all rows that ingest wrote into the same tables of an empty ledger."""
    return sum(copied(store, other, table, table, names, server=server) for table, names in WRITTEN.items())


def copied(source: Store, into: Store, table: str, name: str, names: tuple[str, ...], *, server: bool) -> float:
    """Seconds that it takes to insert a table's rows, as many in a transaction as ingest writes."""
    took, columns = 0.0, ", ".join(names)
    with source.reading() as session:
        found = session.all(f"SELECT {columns} FROM {table}")
        for rows in batched(found, BATCH):
            began = clock(server=server)
            with into.writing() as writing:
                writing.add(name, names, rows)
            took += clock(server=server) - began
    return took


def standing(books: Books) -> None:
    """How long it takes to read where clauses stand, with where they are heading and without."""
    for name, headings in (("standing", False), ("and its headings", True)):
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            stands(books, NOW, headings=headings)
            took.append(time.perf_counter() - began)
        print(f"  {name:<16}{sorted(took)[TIMES // 2] * 1e3:10.1f} ms")


def size(session: Session) -> int:
    """How many records there are."""
    return session.number("SELECT COUNT(*) FROM calls")


def measured(url: str, other: str, case: Case, folder: Path, count: int, parts: int, *, server: bool) -> None:
    """Ingest part by part, and everything that is timed; on the disk there is one part's journal at a time."""
    found = records(case, count)
    with open_store(url, make=True) as store:
        books, ingested, appended = Books(store, case), 0.0, 0.0
        for part in range(parts):
            appended += written(folder / "journal", islice(found, count // parts), part)
            began = clock(server=server)
            told = Ingest(books).run(journals([folder / "journal"]), NOW)
            took = clock(server=server) - began
            ingested += took
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"  ingest            {told.calls / took:8,.0f} records/s, {memory:,.0f} MB at most", flush=True)
            rmtree(folder / "journal")
        print(f"  append            {appended / count * 1e6:8.1f} µs of CPU a record")
        standing(books)
        with store.reading() as session:
            count = size(session)
        with open_store(other, make=True) as empty:
            for name, took in (
                ("all rows", whole(store, empty, server=server)),
                ("bare", bare(store, empty, server=server)),
            ):
                print(f"  {name:<16}  {count / took:8,.0f} records/s: ingest takes {ingested / took:.1f} times as long")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--records", type=int, default=200_000)
    given.add_argument("--parts", type=int, default=4)
    given.add_argument("--postgres", action="store_true", help="on a server that is started for it")
    asked = given.parse_args()
    case = Case.load(ROOT / "examples" / "enterprise").under(None)
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        url, other = f"{folder}/ledger.db", f"{folder}/other.db"
        if asked.postgres:
            from tests.ledger.postgres_server import a_server, schema_of

            url = closing.enter_context(a_server()).url
            other = schema_of(url, "other")
        print(f"{'PostgreSQL' if asked.postgres else 'SQLite'}, {asked.records:,} records")
        measured(url, other, case, folder, asked.records, asked.parts, server=asked.postgres)


if __name__ == "__main__":
    main()
