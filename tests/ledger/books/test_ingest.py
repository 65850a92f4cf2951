"""Journals into the books: each record once, whatever is run, killed, copied or damaged; what is unknown stays so."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import JournalError, LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.entry import LedgerEntry
from detente.ledger.books.ingest import Ingest, journals
from detente.ledger.journals.record import Attempt, TokenCounts
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from detente.ledger.use.metering import CONTRADICTS, NO_END, NOT_SAID, SPILLED
from tests.builders import gpus, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.served import (
    NOW,
    accounts,
    both,
    call,
    contents,
    fresh,
    ingested,
    journal_of,
    served_case,
    spread,
    unknown,
)

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 k USD", "windows": {"every": "month"}}
OFF = {"id": "off", "kind": "discount", "off": "10%"}
BOTH = (FLOOR | {"measure": "after-discounts"}, OFF)
UNKNOWN = Attempt("south-live", "broken", 1.0, used="unknown")


def put(store: Store, tmp_path: Path, *records: bytes, case: Any = None, name: str = "j") -> Any:
    """What became of some records."""
    return ingested(store, case or served_case(*BOTH), journal_of(tmp_path / name, records))


# -- what is counted --------------------------------------------------------------------------------------------------
@both
def test_a_call_is_rated_and_booked_to_the_billionth(store: Store, tmp_path: Path) -> None:
    told = put(store, tmp_path, call(1, used=(1000, 333)))
    assert (told.records, told.calls, told.unknown, told.whole) == (1, 1, 0, True)
    # 1,333 tokens at 3 USD per million: 0.003999; less 10%
    assert accounts(store) == {
        "use/north/north-api": 3_999_000,
        "off/north/north-deal/off": -399_900,
        "owed/north": -3_599_100,
    }


@both
def test_what_earlier_attempts_used_is_booked_where_it_was_used(store: Store, tmp_path: Path) -> None:
    tried = (Attempt("south-live", "broken", 3.0, used=TokenCounts(50, 0)), Attempt("north-live", "served", 9.0, 200))
    put(store, tmp_path, call(1, used=(100, 0), attempts=tried))
    # 50 tokens at 2 USD, 100 at 3 less 10%
    assert accounts(store) == {
        "use/south/south-api": 100_000,
        "owed/south": -100_000,
        "use/north/north-api": 300_000,
        "off/north/north-deal/off": -30_000,
        "owed/north": -270_000,
    }


def test_a_price_holds_from_its_day_on(store: Store, tmp_path: Path) -> None:
    case = served_case(offers=[tokens("north", {"2026-01-01": 3, "2026-02-01": 1}), tokens("south", 2)])
    put(store, tmp_path, call(1, "2026-01-31T23:59:59"), call(2, "2026-02-01T00:00"), case=case)
    assert accounts(store)["use/north/north-api"] == 15 * 3000 + 15 * 1000


def test_capacity_is_listed_by_what_is_taken_of_it(store: Store, tmp_path: Path) -> None:
    """8 Mtok do in an hour of a GPU for 4 USD: a token costs half of a millionth."""
    rated = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "8 Mtok per GPU-hour"}}}
    live = [deployment("gpu-live", "north-gpus", "http://localhost:9", model="m")]
    case = served_case(offers=[gpus("north", 4)], workloads=[rated], deployments=live)
    put(store, tmp_path, call(1, used=(1000, 1000), deployment="gpu-live", offer="north-gpus"), case=case)
    assert accounts(store) == {"use/north/north-gpus": 1_000_000, "owed/north": -1_000_000}
    with store.reading() as session:
        assert session.one("SELECT work, taken FROM sums") == (2_000_000, 250_000)


@both
def test_entries_of_a_batch_add_up_to_nothing_and_name_their_day(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path, *spread(500))
    with store.reading() as session:
        rows = [
            LedgerEntry(*row) for row in session.all("SELECT day, account, unit, amount, subject, adjusts FROM entries")
        ]
    assert {row.day for row in rows} == {"2026-01-15", "2026-01-16", "2026-01-17"}
    assert all(sum(row.amount for row in rows if row.day == day) == 0 for day in {row.day for row in rows})


# -- once -------------------------------------------------------------------------------------------------------------
@both
def test_running_it_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "j", spread(50))
    case = served_case(*BOTH)
    ingested(store, case, folder)
    before = contents(store)
    again = ingested(store, case, folder)
    assert (again.records, again.batches, contents(store)) == (0, 0, before)


@both
def test_what_was_written_since_is_all_that_is_read(store: Store, tmp_path: Path) -> None:
    records, case = spread(60), served_case(*BOTH)
    folder = journal_of(tmp_path / "j", records[:20])
    ingested(store, case, folder)
    journal_of(folder, records[20:])
    assert ingested(store, case, folder).records == 40
    (tmp_path / "all").mkdir()
    with fresh(tmp_path / "all") as other:
        ingested(other, case, journal_of(tmp_path / "k", records))
        assert contents(other) == contents(store)


@both
def test_a_copy_of_a_journal_counts_once_and_its_own_way_from_there_on(store: Store, tmp_path: Path) -> None:
    records, case = spread(40), served_case(*BOTH)
    folder = journal_of(tmp_path / "j", records[:10])
    ingested(store, case, folder)
    shutil.copytree(folder, tmp_path / "copy")
    journal_of(folder, records[10:20])
    journal_of(tmp_path / "copy", records[20:])
    assert ingested(store, case, folder, tmp_path / "copy").calls == 30
    (tmp_path / "all").mkdir()
    with fresh(tmp_path / "all") as other:
        ingested(other, case, journal_of(tmp_path / "k", records))
        assert contents(other) == contents(store)


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_order_batches_and_files_make_no_difference(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    tmp_path, case = tmp_path_factory.mktemp("order"), served_case(*BOTH)
    records = [*spread(12, "2026-01-31T23:20"), call(90, used=None), call(91, outcome="begun"), call(92, spilled=True)]
    records += [call(93, outcome="begun"), call(93)]
    one, many = tmp_path / "one", tmp_path / "many"
    ends = []
    for folder, given_ in ((one, records), (many, data.draw(st.permutations(records)))):
        folder.mkdir()
        cut = data.draw(st.integers(0, len(given_)))
        parts = [journal_of(folder / "a", given_[:cut]), journal_of(folder / "b", given_[cut:], 3, rotate_at=2000)]
        with fresh(folder) as store:
            filled = [part for part in parts if any(p.stat().st_size > 8 for p in part.glob("*.journal"))]
            ingested(store, case, *filled, batch=data.draw(st.integers(1, 9)))
            ingested(store, case, *reversed(filled))
            sums = [row for row in contents(store)["sums"] if row[3] != "0"]
            ends.append((sums, contents(store)["totals"], accounts(store), unknown(store)))
    assert ends[0] == ends[1]


def test_two_at_once_count_each_record_once(tmp_path: Path) -> None:
    folder, case = journal_of(tmp_path / "j", spread(400)), served_case(*BOTH)
    fresh(tmp_path).close()

    def run() -> None:
        with open_store(str(tmp_path / "ledger.db")) as store:
            ingested(store, case, folder, batch=20)

    both = [Thread(target=run) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    with open_store(str(tmp_path / "ledger.db")) as store, store.reading() as session:
        assert session.number("SELECT COUNT(*) FROM calls") == session.number("SELECT SUM(count) FROM sums") == 400
        hashes = list(session.all("SELECT before, hash FROM batches ORDER BY batch"))
        assert [before for before, _ in hashes[1:]] == [told for _, told in hashes[:-1]]


@both
def test_what_fails_leaves_nothing_of_its_batch(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, case = journal_of(tmp_path / "j", spread(40)), served_case(*BOTH)
    books, calls = Books(store, case), iter([True, False])
    monkeypatch.setattr(books.totals, "add", lambda *_: 1 / next(calls))
    with pytest.raises(ZeroDivisionError):
        Ingest(books, 10).run(journals([folder]), NOW)
    with store.reading() as session:
        assert session.number("SELECT COUNT(*) FROM calls") == 10
    assert ingested(store, case, folder).calls == 30


# -- streams ----------------------------------------------------------------------------------------------------------
def test_a_stream_is_one_call_by_its_end(store: Store, tmp_path: Path) -> None:
    told = put(store, tmp_path, call(1, outcome="begun", used=None), call(1))
    assert (told.records, told.calls, told.unknown) == (2, 1, 0)
    assert unknown(store) == {}


@both
def test_a_beginning_without_an_end_is_unknown_until_the_end_comes(store: Store, tmp_path: Path) -> None:
    begun, case = call(1, outcome="begun", used=None), served_case(*BOTH)
    told = ingested(store, case, journal_of(tmp_path / "j", [begun]))
    assert (told.calls, told.unknown, unknown(store), accounts(store)) == (0, 1, {NO_END: 1}, {})
    told = ingested(store, case, journal_of(tmp_path / "j", [call(1)]))
    assert (told.calls, told.unknown, unknown(store)) == (1, -1, {})
    assert accounts(store)["use/north/north-api"] == 45_000
    assert ingested(store, case, journal_of(tmp_path / "k", [begun, call(1)])).calls == 0
    assert unknown(store) == {}


# -- unknown, and never zero ------------------------------------------------------------------------------------------
UNLABELLED = served_case(OFF | {"of": {"team": "sales"}}, workloads=[work(labels={"team": "sales"})])
PRICELESS = served_case(offers=[tokens("north", {"2026-03-01": 3}), tokens("south", 2)])


@both
@pytest.mark.parametrize(
    ("said", "case", "why"),
    [
        ({"used": None}, None, NOT_SAID),
        ({"spilled": True}, None, SPILLED),
        ({"outcome": "begun"}, None, NO_END),
        ({"usage": TokenCounts(5, 5, cached=6)}, None, CONTRADICTS),
        ({"workload": "gone"}, None, "the case has no workload `gone`"),
        ({"offer": "gone"}, None, "the case has no offer `gone`"),
        ({}, PRICELESS, "`north-api` has no price on 2026-01-15; state one"),
        ({}, UNLABELLED, "`off`: whether it lowers the price of `north-api` turns on `team`"),
        ({"used": (0, 0), "attempts": (UNKNOWN,)}, None, NOT_SAID),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_known_is_on_the_books_as_such(
    store: Store, tmp_path: Path, said: dict[str, Any], case: Any, why: str
) -> None:
    told = put(store, tmp_path, call(1, **said), case=case)
    assert told.unknown == 1
    ((found, count),) = unknown(store).items()
    assert (found.startswith(why), count, accounts(store)) == (True, 1, {})


def test_a_call_that_nobody_was_asked_used_nothing(store: Store, tmp_path: Path) -> None:
    told = put(store, tmp_path, call(1, used=(0, 0), outcome="refused", deployment=None, offer=None, attempts=()))
    assert (told.calls, told.unknown, accounts(store)) == (1, 0, {})


# -- bad rows ---------------------------------------------------------------------------------------------------------
def aside(store: Store) -> list[str]:
    with store.reading() as session:
        return sorted(f"{place}: {why}" for place, why in session.all("SELECT place, why FROM asides"))


@both
def test_a_record_that_cannot_be_read_is_set_aside_and_the_others_are_kept(store: Store, tmp_path: Path) -> None:
    late = call(3).replace(b"2026-01-15T12:00:00Z", b"2026-01-15T12:00:00")
    for _ in range(2):
        told = put(store, tmp_path, call(1), b"{", call(2).replace(b'"at"', b'"ta"'), late, call(4))
    assert not told.whole
    found = aside(store)
    assert [text.partition(".journal: ")[2][:40] for text in found] == [
        "record 1: no record of this version: Inp",
        "record 2: no record of this version: Obj",
        "record 3: no record of this version: `20",
        "record 6: no record of this version: Inp",
        "record 7: no record of this version: Obj",
        "record 8: no record of this version: `20",
    ]
    with store.reading() as session:
        assert session.number("SELECT COUNT(*) FROM calls") == 2


@both
def test_another_record_of_one_id_is_set_aside(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path, call(1))
    told = put(store, tmp_path, call(1, used=(11, 5)), name="k")
    assert (told.calls, told.again, told.whole) == (0, 0, False)
    assert aside(store)[0].endswith("another record of `req_1`, which is on the books")
    assert accounts(store)["use/north/north-api"] == 45_000


@both
def test_damage_and_gaps_are_set_aside_once_and_what_is_behind_them_is_kept(store: Store, tmp_path: Path) -> None:
    folder, case = journal_of(tmp_path / "j: of today", spread(9)), served_case(*BOTH)
    (file,) = folder.glob("*.journal")
    whole = file.read_bytes()
    at = whole.index(b'"req_4"')
    file.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    told = ingested(store, case, folder)
    assert (told.calls, told.whole) == (8, False)
    damaged, gap = told.troubles
    assert (damaged.file, damaged.why.startswith("damaged at byte")) == (file, True)
    assert gap.why.startswith("1 record is missing, before byte ")
    moved = file.rename(tmp_path / "elsewhere.journal")
    assert ingested(store, case, moved).calls == 0
    for found, each in zip(aside(store), (gap, damaged), strict=True):
        assert found.endswith(f" {each.why}: {each}")
    file = moved.rename(file)
    file.write_bytes(whole)  # mended from a copy
    assert ingested(store, case, folder).calls == 1


def test_a_torn_end_is_told_and_read_once_it_is_whole(store: Store, tmp_path: Path) -> None:
    folder, case = journal_of(tmp_path / "j", spread(9)), served_case(*BOTH)
    (file,) = folder.glob("*.journal")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    told = ingested(store, case, folder)
    assert (told.calls, told.whole, len(told.troubles)) == (8, True, 1)
    file.write_bytes(whole)
    assert ingested(store, case, folder).calls == 1
    assert aside(store) == []


def test_a_folder_without_a_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="holds no journal"):
        journals([tmp_path])


def test_another_currency_is_refused(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path, call(1))
    price = {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}
    case = served_case(offers=[tokens(party, 1) | {"price": price} for party in ("north", "south")], currency="EUR")
    with pytest.raises(LedgerError, match="the ledger is in USD, and the case in EUR"):
        put(store, tmp_path, call(2), case=case, name="k")
    with pytest.raises(LedgerError, match="the ledger is in USD, and the case in EUR"):
        put(store, tmp_path, case=case)  # though nothing in it is new


def test_another_case_is_refused_and_an_amended_one_is_the_same(store: Store, tmp_path: Path) -> None:
    """A case is known by its name: its prices, clauses and horizon may change, and its ledger goes on."""
    put(store, tmp_path, call(1))
    other = served_case(name="other")
    with pytest.raises(
        LedgerError, match="the ledger is of the case `test`, and this is `other`; keep a ledger for each"
    ):
        put(store, tmp_path, call(2), case=other, name="k")
    amended = served_case(offers=[tokens("north", 4), tokens("south", 2)])
    assert put(store, tmp_path, call(3), case=amended, name="l").calls == 1


def test_a_ledger_that_states_no_case_is_that_of_the_next_that_writes(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path, call(1))
    with store.writing() as session:
        session.run("DELETE FROM facts WHERE name = 'case'")
    put(store, tmp_path, call(2), name="k")
    with pytest.raises(LedgerError, match="of the case `test`"):
        put(store, tmp_path, call(3), case=served_case(name="other"), name="l")


def test_a_price_that_the_journal_states_otherwise_is_told(store: Store, tmp_path: Path) -> None:
    told = put(store, tmp_path, call(1, cost="0.000045000"), call(2, cost="0.000050000"))
    assert told.differing == 1
    assert told.differs == "`req_2`: 0.000050000 in the journal, 0.000045000 by the case"
