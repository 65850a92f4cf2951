"""The commands of the ledger as a shell sees them."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click import ClickException

from detente.cli.statement import _days, _days_begun, _must_be_some_time
from detente.values.zone import zone_of
from tests.builders import agreement, data_of, day, tokens, work
from tests.cli.asking import document, written
from tests.cli.shell import detente
from tests.ledger.served import call, journal_of

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "windows": {"every": "month"}}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return written(tmp_path / "case", data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(FLOOR)))


def told(*arguments: Any) -> Any:
    done = detente(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return document(done)


def test_records_are_put_on_the_books_once(tmp_path: Path, case: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(1), call(2, used=None)])
    ledger = tmp_path / "ledger.db"
    done = detente("ingest", case, folder, "--ledger", ledger)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "2 records of 1 file: 2 calls new on the books",
        "1 use whose amount or price is unknown: on the books as unknown, and never zero",
    ]
    found = told("ingest", case, folder, "--ledger", f"sqlite:///{ledger}")
    assert (found["status"], found["records"], found["calls"]) == ("whole", 0, 0)


def test_what_cannot_be_read_is_named_and_the_code_is_2(tmp_path: Path, case: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(1), b"\x1b[2Jnothing", call(2)])
    done = detente("ingest", case, folder, "--ledger", tmp_path / "ledger.db")
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "3 records of 1 file: 2 calls new on the books")
    assert "w0-00000001.journal: record 1: no record of this version" in done.stderr
    found = json.loads(detente("ingest", case, folder, "--ledger", tmp_path / "other.db", "--json").stdout)
    assert (found["status"], len(found["aside"]), found["calls"]) == ("incomplete", 1, 2)


def test_what_a_gateway_of_another_time_wrote_is_ingested_at_that_time(case: Path, tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "j", [call(1, "2199-05-01T12:00")])
    done = detente("ingest", case, folder, "--ledger", tmp_path / "ledger.db")
    assert done.returncode == 2
    assert "it is of 2199-05-01T12:00:00Z, more than a day from now" in done.stderr
    found = told("ingest", case, folder, "--ledger", tmp_path / "ledger.db", "--at", "2199-05-01T00:00Z")
    assert (found["status"], found["calls"]) == ("whole", 1)


def test_books_are_closed_and_clauses_stand(tmp_path: Path, case: Path) -> None:
    folder, ledger = journal_of(tmp_path / "journal", [call(1, used=(10**6, 0))]), tmp_path / "ledger.db"
    told("ingest", case, folder, "--ledger", ledger)
    done = detente("standing", case, "--ledger", ledger, "--as-of", "2026-01-20")
    assert done.returncode == 0
    assert re.search(r"floor \(floor\) +Jan 2026 +3\.00 k USD +3\.00 USD +3\.00 k USD", done.stdout)
    found = told("standing", case, "--ledger", ledger, "--as-of", "2026-01-20")
    (clause,) = found["clauses"]
    assert (clause["standing"]["drawn"], clause["standing"]["remaining"], clause["heading"]) == ("3", "2997", None)
    closed = told("close", case, "--ledger", ledger, "--as-of", "2026-02-01")
    amounts = {entry["account"]: int(entry["amount"]) for entry in closed["entries"]}
    assert amounts["clause/north/north-deal/floor/shortfall-fee"] == 2997 * 10**9
    shown = detente("close", case, "--ledger", ledger, "--as-of", "2026-02-01")
    assert shown.stdout == "closed as of 2026-02-01: 0 entries booked\n"


def test_closing_shows_each_window_on_a_day_of_its_own_and_what_is_in_none(tmp_path: Path, case: Path) -> None:
    folder, ledger = journal_of(tmp_path / "journal", [call(1, used=None)]), tmp_path / "ledger.db"
    told("ingest", case, folder, "--ledger", ledger)
    shown = detente("close", case, "--ledger", ledger, "--as-of", "2026-03-01")
    assert shown.returncode == 0
    assert re.findall(r"shortfall-fee +(\S+) +(.+?) *\n", shown.stdout) == [
        ("2026-01-31", "3.00 k USD"),
        ("2026-02-28", "3.00 k USD"),
    ]
    assert shown.stdout.endswith("in none of this: 1 use of unknown amount or price\n")


def test_books_are_not_closed_for_days_that_are_to_come(tmp_path: Path, case: Path) -> None:
    folder, ledger = journal_of(tmp_path / "journal", [call(1)]), tmp_path / "ledger.db"
    told("ingest", case, folder, "--ledger", ledger)
    done = detente("close", case, "--ledger", ledger, "--as-of", "2200-01-01")
    assert done.returncode == 2
    assert "2200-01-01 is still to come, and what is closed is not opened again; close the books for 2" in done.stderr


@pytest.mark.parametrize("command", ["standing", "close --as-of 2026-02-01"])
def test_a_ledger_that_is_not_there_is_named(tmp_path: Path, case: Path, command: str) -> None:
    name, *more = command.split()
    done = detente(name, case, "--ledger", tmp_path / "gone.db", *more)
    assert done.returncode == 2
    assert "there is no such ledger; `detente ingest CASE JOURNAL --ledger" in done.stderr
    assert not (tmp_path / "gone.db").exists()


def test_what_is_no_day_is_told(case: Path) -> None:
    done = detente("close", case, "--as-of", "2026-13-01")
    assert (done.returncode, "--as-of: `2026-13-01` is not a date" in done.stderr) == (2, True)


def test_a_statement_an_audit_and_the_evidence_for_a_call(
    tmp_path: Path, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ledger = journal_of(tmp_path / "journal", [call(1, used=(10**6, 0))]), tmp_path / "ledger.db"
    told("ingest", case, folder, "--ledger", ledger)
    given = (case, "--ledger", ledger)
    (found,) = told("statement", *given, "--window", "2026-01")["statements"]
    assert (found["party"], found["opening"], found["closing"]) == ("north", "0", "3")
    printed = detente("statement", *given, "--window", "2026-01", "--agreement", "north-deal", "--csv").stdout
    assert printed.splitlines()[2] == "north,2026-01-01,2026-02-01,use,north-api,,3,USD"
    page, paper = tmp_path / "statement.html", tmp_path / "statement.pdf"
    saved = detente("statement", *given, "--window", "2026-01", "--out", page, "--pdf", paper).stderr
    assert saved == f"wrote {page}\nwrote {paper}\n"
    assert "north" in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF-")
    key = tmp_path / "key"
    key.write_text("a key that nobody can guess", encoding="utf-8")
    signing = ("--key", f"file:{key}")
    assert detente("audit", *given, "--sign", tmp_path / "signed", *signing).stdout.startswith("all holds: 1 batch, ")
    assert told("audit", *given, "--against", tmp_path / "signed", *signing)["holds"] is True
    other, rewritten = journal_of(tmp_path / "other", [call(1, used=(1, 0))]), tmp_path / "rewritten.db"
    told("ingest", case, other, "--ledger", rewritten)
    signed_once = (tmp_path / "signed").read_bytes()
    done = detente("audit", case, "--ledger", rewritten, "--sign", tmp_path / "signed", *signing)
    assert (done.returncode, "batch 1, as it was on" in done.stdout) == (1, True), "a chain that holds, and not against"
    assert (tmp_path / "signed").read_bytes() == signed_once
    assert detente("audit", *given, "--sign", tmp_path / "signed", *signing).returncode == 0
    evidence = told("audit", *given, "--request", "req_1")
    assert (evidence["holds"], evidence["lines"][0]["listed"]) == (True, 3 * 10**9)
    assert [(clause["clause"], clause["roles"]) for clause in evidence["clauses"]] == [("floor", ["counts"])]
    changed = sqlite3.connect(ledger)
    changed.execute("UPDATE lines SET listed = 1")
    changed.commit()
    changed.close()
    done = detente("audit", *given, "--against", tmp_path / "signed", *signing)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == "  batch 1, lines, row 0: altered: it does not have its mark"
    assert detente("audit", *given, "--request", "req_1", "--json").returncode == 1


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("audit CASE --sign x", "--key goes with --sign or --against"),
        ("audit CASE --sign x --key secret", "where the key is: write `env:NAME` or `file:PATH`"),
        ("statement CASE --agreement nrth-deal", "did you mean `north-deal`?"),
        ("statement CASE --window June", "--window: `June` is not a date; write for example `2026`, `2026-Q1`"),
        (
            "statement CASE --window 2026 --as-of 2025-06-01",
            "--as-of: 2025-06-01 is before all of `--window 2026`; say `--window 2025-05`",
        ),
        ("statement CASE --json --csv", "--csv and --json are two forms; give one of them"),
    ],
)
def test_what_makes_no_sense(case: Path, command: str, what: str) -> None:
    done = detente(*command.replace("CASE", str(case)).split(), cwd=case)
    assert (done.returncode, what in done.stderr) == (2, True), done.stderr


def test_rows_of_a_bill_are_put_on_the_books_by_a_mapping(tmp_path: Path, case: Path) -> None:
    head = "ChargePeriodStart,ChargePeriodEnd,BilledCost,ServiceName\n"
    rows = "2026-01-05T00:00Z,2026-01-05T01:00Z,12.5,Storage\n2026-01-05T00:00Z,2026-01-05T01:00Z,much,Storage\n"
    (tmp_path / "bill.csv").write_text(head + rows, encoding="utf-8")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("format: focus\nrules: [{ sold: { provider: north, product: storage } }]\n", encoding="utf-8")
    stated = (case, tmp_path / "bill.csv", "--mapping", mapping, "--ledger", tmp_path / "ledger.db")
    done = detente("ingest", *stated)
    assert (done.returncode, done.stdout) == (2, "2 rows of 1 file: 1 new on the books, stated at 12.50 USD\n")
    assert done.stderr.endswith("bill.csv:3:3: `much` is not a number, of at most 1e15 and 60 decimal places\n")
    found = json.loads(detente("ingest", *stated, "--json").stdout)
    assert (found["status"], found["again"], found["bad"], found["net"]) == ("incomplete", 1, 1, "0")


def test_the_books_are_exported_and_what_is_not_known_is_told(tmp_path: Path, case: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(1), call(2, used=None)])
    assert detente("ingest", case, folder, "--ledger", tmp_path / "ledger.db").returncode == 0
    out = tmp_path / "focus.csv"
    done = detente("export", case, "--ledger", tmp_path / "ledger.db", "--out", out)
    assert (done.returncode, done.stdout) == (2, f"wrote {out}: 1 row\n")
    remedy = "`detente audit --from DAY --until DAY` has each, with the reason"
    assert done.stderr == f"left out: 1 use whose amount or price is not known; {remedy}\n"
    assert out.read_text(encoding="utf-8").splitlines()[1].startswith("0.000045,")
    stated = ("--from", "2026-02-01", "--until", "2026-03-01", "--out", out, "--json")
    assert told("export", case, "--ledger", tmp_path / "ledger.db", *stated) == {
        "status": "whole",
        "rows": 0,
        "unknown": 0,
    }
    turned = detente(
        "export", case, "--ledger", tmp_path / "ledger.db", "--until", "2026-02-01", *stated[:2], "--out", out
    )
    assert turned.returncode == 2
    assert "--until: 2026-02-01 is not after 2026-02-01, the first day; write a later day" in turned.stderr


@pytest.mark.parametrize(
    ("now", "end"),
    [("2026-06-15T09:00", "2026-06-15"), ("2027-01-01T00:00", "2027-01-01"), ("2026-01-01T09:00", "2026-01-02")],
)
def test_a_statement_of_a_time_that_runs_ends_before_today(now: str, end: str) -> None:
    when = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert _days("2026", None, when) == (date(2026, 1, 1), day(end).date())


def test_a_month_that_has_begun_for_the_party_has_begun() -> None:
    """At 23:00 UTC on 30 June it is 1 July in Tokyo; at 02:00 UTC on 1 July it is 30 June in New York."""
    tokyo = datetime(2026, 6, 30, 23, tzinfo=UTC).astimezone(zone_of("Asia/Tokyo"))
    new_york = datetime(2026, 7, 1, 2, tzinfo=UTC).astimezone(zone_of("America/New_York"))
    assert _days_begun("2026-07", None, tokyo) == (date(2026, 7, 1), date(2026, 7, 2))
    with pytest.raises(ClickException, match=r"still to come.*`--window 2026-06`"):
        _days_begun("2026-07", None, new_york)


def test_the_month_before_this_one_is_that_of_the_party() -> None:
    """At 02:00 UTC on 1 July it is still June in New York: the month before is May there, and June by UTC."""
    now, new_york = datetime(2026, 7, 1, 2, tzinfo=UTC), zone_of("America/New_York")
    upto = date(2026, 6, 1)
    _must_be_some_time(None, upto, now, [UTC, new_york])
    assert _days_begun(None, upto, now.astimezone(new_york)) == (date(2026, 5, 1), upto)
    with pytest.raises(ClickException, match=r"2026-06-01 is before all of the month shown \(2026-06, "):
        _must_be_some_time(None, upto, now, [UTC])


def test_a_statement_of_a_time_that_is_to_come_is_refused(tmp_path: Path, case: Path) -> None:
    """It told its fees as owed."""
    ledger = tmp_path / "l.db"
    assert detente("ingest", case, journal_of(tmp_path / "j", [call(1)]), "--ledger", ledger).returncode == 0
    done = detente("statement", case, "--ledger", ledger, "--window", "2199-12")
    assert (done.returncode, done.stdout) == (2, "")
    told = "`--window 2199-12` is still to come, and a statement tells what was; write a time that has begun (`--window"
    assert told in done.stderr


@pytest.mark.parametrize(
    ("window", "upto", "said"),
    [
        (
            None,
            "2026-03-01",
            "before all of the month shown (2026-10, the month before this one); say `--window 2026-02`",
        ),
        (None, "2026-03-15", "say `--window 2026-03`"),
        ("2026-Q2", "2026-03-01", "before all of `--window 2026-Q2`; say `--window 2026-02`"),
    ],
)
def test_a_statement_that_ends_before_its_time_leads_to_the_month_before(
    window: str | None, upto: str, said: str
) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    with pytest.raises(ClickException, match=re.escape(said)):
        _days(window, day(upto).date(), now)
    month = said.rpartition("--window ")[2].strip("`")
    assert _days(month, day(upto).date(), now) == (date.fromisoformat(f"{month}-01"), day(upto).date())


def test_a_bill_beside_the_books_and_what_to_claim(tmp_path: Path, case: Path) -> None:
    """The books say 10 tokens in and 5 out of North, 45 millionths of a dollar; the bill says 10 cents for nothing."""
    assert detente("ingest", case, journal_of(tmp_path / "j", [call(1)]), "--ledger", tmp_path / "l.db").returncode == 0
    head = "ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,BilledCost\n"
    (tmp_path / "bill.csv").write_text(f"{head}2026-01-15T00:00Z,2026-01-16T00:00Z,15,0.10\n", encoding="utf-8")
    mapping = tmp_path / "mapping.yaml"
    rule = "{ offer: north-api, workload: chat, tokens: input }"
    mapping.write_text(f"format: focus\nrules: [{rule}]\n", encoding="utf-8")
    stated = (case, tmp_path / "bill.csv", "--mapping", mapping, "--ledger", tmp_path / "l.db")
    done = detente("reconcile", *stated)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"north-api +price +2026-01-15 +\+0\.10 USD", done.stdout)
    found = document(detente("reconcile", *stated, "--json"))
    assert (found["agrees"], found["claim"], found["billed"], found["booked"]) == (False, "0.099955", "0.1", "0.000045")
