"""What dead workers leased and did not use is free once their journals are on the books, whoever puts them there.

A worker leases 24 USD of a cap of 100, and serves two calls of 3 USD each: with what it leased 76 are left, without 94.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from threading import Event

import pytest
from click.testing import CliRunner

from detente.cli.command import cli
from detente.ledger.books.books import Books
from detente.ledger.books.following import Following
from detente.ledger.books.giving_back import give_back, given_back
from detente.ledger.books.ingest import Ingest, Ingested, journals
from detente.ledger.caps.clause_caps import of_terms
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapClaim, Leasing
from detente.ledger.journals import journal_lock
from detente.ledger.journals.journal import Journal, files, replica_of
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.builders import agreement, data_of, day, tokens, work
from tests.cli.asking import written
from tests.gateway.stage import deployment
from tests.ledger.served import NOW, both, call, served_case

CAP = {"id": "cap", "kind": "spending-cap", "amount": "100 USD", "windows": {"every": "month"}}
CASE = served_case(CAP, signed={"with": "self"})
(CAP_LIVE,) = of_terms(CASE.signed)
KEY = CAP_LIVE.at(day("2026-01-15")).key  # type: ignore[union-attr]  # its months go on
USD = 10**9


def life(store: Store, folder: Path, name: str = "life", calls: int = 2) -> Journal:
    """A worker that leased 24 USD, recorded some calls and is alive: its journal is open."""
    journal, leasing = Journal(folder), Leasing(store)
    leasing.open(name, replica_of(folder), 0)
    leasing.renew(name, 1, {KEY: CapClaim(LeaseClaim(0, 0, 24 * USD), 100 * USD, KEY.cap)})
    for n in range(calls):
        journal.append(call(n, used=(1_000_000, 0), id=f"req_{name}{n:08x}"))
    return journal


def left(store: Store) -> int:
    """What remains of the cap in USD, for a newcomer that wants nothing."""
    leasing = Leasing(store)
    with store.reading() as session:
        name = f"looks-{session.number('SELECT COUNT(*) FROM holders')}"
    leasing.open(name, "", 0)
    remains = leasing.renew(name, 1, {KEY: CapClaim(LeaseClaim(0), 100 * USD, KEY.cap)})[KEY].remaining
    leasing.close(name, 2, {})
    return remains // USD


def freed(store: Store, folder: Path) -> int:
    """Put a folder on the books as `detente ingest` does; how many writers were closed."""
    reads, there = Ingest(Books(store, CASE)), journals([folder])
    reads.run(there, NOW)
    return give_back(reads, there, NOW)


@both
def test_it_is_free_once_the_writer_is_dead_and_its_journal_on_the_books(store: Store, tmp_path: Path) -> None:
    journal = life(store, tmp_path / "j")
    assert freed(store, tmp_path / "j") == 0
    assert left(store) == 76, "it lives, and its calls are on the books"
    journal.close()
    assert freed(store, tmp_path / "j") == 1, "nothing is new on the books"
    assert left(store) == 94
    assert freed(store, tmp_path / "j") == 0


def test_a_copy_does_not_say_that_its_writer_is_dead(store: Store, tmp_path: Path) -> None:
    journal = life(store, tmp_path / "j")
    shutil.copytree(tmp_path / "j", tmp_path / "copy")
    assert freed(store, tmp_path / "copy") == 0
    journal.append(call(2, used=(1_000_000, 0), id="req_life00000002"))
    assert left(store) == 76
    journal.close()
    assert freed(store, tmp_path / "copy") == 0
    assert freed(store, tmp_path / "j") == 1
    assert left(store) == 91


def test_so_does_no_lock_of_another_run_of_the_machine(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life(store, tmp_path / "j").close()
    for boot in ("another", ""):
        (tmp_path / "boot").write_text(boot)
        monkeypatch.setattr(journal_lock, "BOOT", tmp_path / "boot")
        assert freed(store, tmp_path / "j") == 0
    assert left(store) == 76


def test_a_journal_that_goes_on_in_another_folder_does_not_end_in_the_first(store: Store, tmp_path: Path) -> None:
    journal = life(store, tmp_path / "j")
    (tmp_path / "j").rename(tmp_path / "moved")
    journal.again()
    journal.append(call(2, used=(1_000_000, 0), id="req_life00000002"))
    journal.close()
    assert freed(store, tmp_path / "moved") == 0
    assert left(store) == 76, "the third call is on no books"


@pytest.mark.parametrize("how", ["damaged", "first gone", "not all given"])
def test_where_a_part_is_missing_it_stays_reserved(store: Store, tmp_path: Path, how: str) -> None:
    journal = life(store, tmp_path / "j", calls=0)
    for n in range(3):
        journal.append(call(n, used=(1_000_000, 0), id=f"req_life{n:08x}"))
        journal.rotate_at = 1  # a file for each call
    journal.close()
    first, second, _ = files(tmp_path / "j")
    given = tmp_path / "j"
    if how == "damaged":
        content = bytearray(second.read_bytes())
        content[-40] ^= 1
        second.write_bytes(content)
    elif how == "first gone":
        first.unlink()
    else:
        given = second
    assert freed(store, given) == 0
    assert left(store) == 76


def test_a_full_file_that_was_moved_away_after_it_was_read_is_not_missing(store: Store, tmp_path: Path) -> None:
    journal = life(store, tmp_path / "j", calls=1)
    journal.rotate_at = 1
    journal.append(call(1, used=(1_000_000, 0), id="req_life00000001"))
    assert freed(store, tmp_path / "j") == 0
    journal.close()
    files(tmp_path / "j")[0].rename(tmp_path / "archived")
    assert freed(store, tmp_path / "j") == 1
    assert left(store) == 94


def test_who_begins_to_write_meanwhile_is_not_taken_for_dead(store: Store, tmp_path: Path) -> None:
    life(store, tmp_path / "j").close()
    begun: list[Journal] = []

    def ended(folder: Path, worker: int) -> bool:
        begun.append(life(store, folder, "next", calls=0))
        return True

    assert given_back(Ingest(Books(store, CASE)), tmp_path / "j", 0, NOW, ended) == 1
    assert Leasing(store).living(replica_of(tmp_path / "j"), 0) == {"next"}
    assert left(store) == 70
    begun[0].close()


def test_whoever_follows_a_folder_frees_what_a_worker_left_that_is_not_started_again(
    store: Store, tmp_path: Path
) -> None:
    life(store, tmp_path / "j").close()
    stop, told = Event(), list[Ingested]()
    stop.set()
    Following(store.url, [tmp_path / "j"], print).run(lambda: CASE, lambda: NOW, stop, told.append)
    assert [each.freed for each in told] == [1]
    assert left(store) == 94


# -- by hand ----------------------------------------------------------------------------------------------------------
def ran(*words: str | Path) -> tuple[int, str, str]:
    """The exit code, and what is on each stream."""
    done = CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)
    return done.return_value, done.stdout, done.stderr


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger, with a worker that is dead and its journal in ``j``; and the case in ``case``."""
    live = [deployment("north-live", "north-api", "http://localhost:9")]
    written(tmp_path / "case", data_of([tokens("north", 3)], [work()], agreement(CAP, party="self"), deployments=live))
    with open_store(str(tmp_path / "ledger.db"), make=True) as made:
        life(made, tmp_path / "j").close()
    return tmp_path / "ledger.db"


def test_ingest_says_that_it_is_free(ledger: Path, tmp_path: Path) -> None:
    code, out, _ = ran("ingest", tmp_path / "case", tmp_path / "j", "--ledger", ledger)
    assert (code, out.splitlines()[-1]) == (0, "what 1 worker that ended had leased of caps and not used is free")
    assert json.loads(ran("ingest", tmp_path / "case", tmp_path / "j", "--ledger", ledger, "--json")[1])["freed"] == 0


def test_a_person_says_that_a_machine_is_gone_with_its_journal(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detente.cli.leases.datetime", At)
    shown = ("leases", tmp_path / "case", "--ledger", ledger)
    (found,) = json.loads(ran(*shown, "--json")[1])["leases"]
    assert found == {"holder": "life", "worker": 0, "last_call": None, "leased": [{"id": "cap", "leased": "24"}]}
    code, _, err = ran(*shown, "--ended", "lief")
    assert (code, err) == (1, "`lief` holds no leases: nothing is changed; `detente leases` shows who does\n")
    code, out, _ = ran(*shown, "--ended", "life")
    assert (code, out) == (0, "ended: life; what was leased and is not used, by the books, is free\n")
    assert ran(*shown)[1].strip() == "nobody holds leases"
    with open_store(str(ledger)) as store:
        assert left(store) == 100


class At:
    """A clock in January."""

    @staticmethod
    def now(zone: object) -> object:
        """Its moment."""
        return day("2026-01-15")
