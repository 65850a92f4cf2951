"""Dossiers: the evidence for a workload, a clause, a time; all of it, nothing else, and that it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.caps.budgets import CaseBudgets
from detente.ledger.journals.record import DeniedDeployment
from detente.ledger.proof.dossier import Dossier, DossierScope
from detente.ledger.proof.evidence import of_call
from detente.ledger.store.store import Store
from detente.report.ledger.dossier import write_dossier
from tests.builders import Data, day, work
from tests.cli.asking import written
from tests.cli.shell import detente
from tests.ledger.served import NOW, both, call, fresh, ingested, journal_of, served_case

ALL = (day("2025-01-01"), day("2026-07-01"))
FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
FLOOR |= {
    "measure": "after-discounts",
    "of": {"workload": "chat"},
    "text": "One dollar a month.",
    "source": "agreement, page 3",
}
OFF = {"id": "off", "kind": "discount", "off": "10%"}
DENIED = (DeniedDeployment("south-live", "residency"),)
MILLION = (10**6, 0)


def case_of() -> Case:
    return served_case(FLOOR, OFF, workloads=[work(), work("sales")])


@pytest.fixture
def booked(store: Store, tmp_path: Path) -> Store:
    """Three calls of chat at 3 USD each before 10% off, one of sales, one of unknown amount; in batches of two."""
    records = [
        call(1, "2026-01-10", MILLION),
        call(2, "2026-01-20", MILLION, denied=DENIED),
        call(3, "2026-02-10", MILLION),
        call(4, "2026-01-15", MILLION, workload="sales"),
        call(5, "2026-01-16", None),
    ]
    ingested(store, case_of(), journal_of(tmp_path / "j", records), batch=2)
    close(Books(store, case_of()), day("2026-02-01"), NOW)
    return store


def dossier(store: Store, since: Any = ALL[0], until: Any = ALL[1], **of: str) -> dict[str, Any]:
    pieces: list[str] = []
    with store.reading() as session:
        write_dossier(Dossier(Books(store, case_of()), session, DossierScope(since, until, **of)), pieces.append)
    found: dict[str, Any] = json.loads("".join(pieces))
    return found


def calls(found: dict[str, Any]) -> list[str]:
    return [each["id"] for batch in found["batches"] for each in batch["calls"]]


@both
def test_of_a_workload_it_holds_its_calls_and_what_they_come_to(booked: Store) -> None:
    found = dossier(booked, workload="chat")
    assert calls(found) == ["req_1", "req_2", "req_3", "req_5"]
    assert found["comes-to"] == {
        "calls": 4, "lines": 4, "unknown": 1,
        "listed": {"north-api": "9"}, "net": {"north-api": "8.1"}, "off": {"off": "0.9"},
    }  # fmt: skip
    assert [clause["clause"] for clause in found["clauses"]] == ["floor", "off"]
    assert found["prices"] == [
        {
            "offer": "north-api", "source": None,
            "prices": [{"from": None, "input": "3 USD per Mtok", "output": "3 USD per Mtok"}],
        }
    ]  # fmt: skip
    assert found["holds"] is True
    assert dossier(booked, workload="sales")["comes-to"]["net"] == {"north-api": "2.7"}


@both
def test_a_call_whose_end_came_in_a_later_batch_is_one_call(store: Store, tmp_path: Path) -> None:
    """Its begin is a record, and its end another: with a whole call of 3 USD they are two calls."""
    begins = call(1, "2026-01-10", None, outcome="begun")
    ingested(store, case_of(), journal_of(tmp_path / "a", [begins]))
    ends = [call(1, "2026-01-10", MILLION), call(2, "2026-01-11", MILLION)]
    ingested(store, case_of(), journal_of(tmp_path / "a", ends))
    found = dossier(store)
    assert calls(found) == ["req_1", "req_1", "req_2"]
    assert (found["comes-to"]["calls"], found["comes-to"]["net"]) == (2, {"north-api": "5.4"})


@both
def test_of_a_clause_it_holds_what_it_counts_with_its_text_its_postings_and_where_it_stood(booked: Store) -> None:
    found = dossier(booked, clause="floor")
    assert calls(found) == ["req_1", "req_2", "req_3", "req_5"], "sales is not of it"
    (clause,) = found["clauses"]
    assert (clause["text"], clause["source"], clause["roles"]) == (
        "One dollar a month.",
        "agreement, page 3",
        ["counts"],
    )
    entries = [entry for batch in found["batches"] for entry in batch["entries"]]
    assert {entry["account"].split("/")[0] for entry in entries} == {"drawn", "counted"}
    drawn = {entry["day"]: int(entry["amount"]) for entry in entries if entry["account"].startswith("drawn/")}
    assert drawn == {"2026-01-31": 5_400_000_000}, "two calls at 2.70 USD"
    january = next(each for each in found["standings"] if each["standing"]["start"].startswith("2026-01-01"))
    assert (january["standing"]["drawn"], january["standing"]["ended"], january["uncounted"]) == ("5.4", True, 1)


def test_prices_and_clauses_are_of_what_was_used_in_its_time(booked: Store) -> None:
    """The books keep what was used once, for all time: of a time in which nothing was, all prices were told."""
    found = dossier(booked, day("2026-02-05"), day("2026-02-20"))
    assert [each["offer"] for each in found["prices"]] == ["north-api"]
    none = dossier(booked, day("2026-02-11"), day("2026-02-20"))
    assert (none["prices"], none["clauses"], none["comes-to"]["lines"]) == ([], [], 0)
    (floor,) = dossier(booked, day("2026-02-11"), day("2026-02-20"), clause="floor")["clauses"]
    assert (floor["clause"], floor["roles"]) == ("floor", [])
    assert dossier(booked, day("2026-02-11"), day("2026-02-20"), workload="sales")["prices"] == []


@both
def test_of_a_clause_that_denies_it_holds_the_decisions_in_which_it_did(booked: Store) -> None:
    """The case has no such clause by now; the books know it."""
    found = dossier(booked, clause="residency")
    assert calls(found) == ["req_2"]
    (route,) = [route for batch in found["batches"] for route in batch["routes"].values()]
    assert route["denied"] == [{"deployment": "south-live", "clause": "residency"}]


@both
def test_times_that_follow_each_other_add_up_to_the_whole(booked: Store) -> None:
    cut = day("2026-01-16")
    whole, before, after = dossier(booked), dossier(booked, until=cut), dossier(booked, since=cut)
    assert sorted(calls(before) + calls(after)) == sorted(calls(whole)) == [f"req_{n}" for n in range(1, 6)]
    for name in ("calls", "lines", "unknown"):
        assert before["comes-to"][name] + after["comes-to"][name] == whole["comes-to"][name]
    rows = {(b["batch"], e["row"]) for found in (before, after) for b in found["batches"] for e in b["entries"]}
    with booked.reading() as session:
        assert rows == {(int(b), int(n)) for b, n in session.all("SELECT batch, n FROM entries")}


def test_each_batch_has_its_proof_and_one_that_was_changed_does_not_hold(booked: Store) -> None:
    found = dossier(booked, workload="chat")
    assert found["chain"]["batches"] == 4
    assert [batch["batch"] for batch in found["batches"]] == [1, 2, 3]
    assert found["batches"][1]["before"] == found["batches"][0]["hash"]
    with booked.writing() as session:
        session.run("UPDATE lines SET net = 1 WHERE batch = 2 AND n = 0")
    found = dossier(booked, workload="chat")
    assert [batch["holds"] for batch in found["batches"]] == [True, False, True]
    assert found["holds"] is False


@both
@pytest.mark.parametrize("table", ["routes", "classes"])
def test_what_rows_refer_to_is_proven_where_it_was_written(booked: Store, table: str) -> None:
    """The third call came in the second batch; its route and class were written with the first."""
    since = day("2026-02-01")
    assert [each["batch"] for each in of_call(Books(booked, case_of()), "req_3").batches] == [1, 2]
    assert [(each["batch"], len(each["calls"])) for each in dossier(booked, since)["batches"]] == [(2, 1), (1, 0)]
    assert dossier(booked, since)["holds"]
    with booked.writing() as session:
        session.run(f"UPDATE {table} SET body = REPLACE(body, 'north', 'south') WHERE batch = 1")
    assert not of_call(Books(booked, case_of()), "req_3").holds
    assert not dossier(booked, since)["holds"]


def test_a_batch_that_was_made_anew_does_not_hold_to_the_one_behind_it(booked: Store) -> None:
    """Whoever changes a batch and its hash would have to change all that follow."""
    with booked.writing() as session:
        session.run("UPDATE batches SET before = 'other' WHERE batch = 3")
    assert [batch["holds"] for batch in dossier(booked, workload="chat")["batches"]] == [True, False, False]


@pytest.mark.parametrize(
    ("of", "what"),
    [
        ({"workload": "chta"}, "neither the case nor the books know `chta`\n    did you mean `chat`?"),
        ({"clause": "flor"}, "neither the case nor the books know `flor`\n    did you mean `floor`?"),
    ],
)
def test_what_nobody_knows_is_told(booked: Store, of: dict[str, str], what: str) -> None:
    with pytest.raises(CaseError) as told:
        dossier(booked, **of)
    assert what in str(told.value)


def test_from_a_shell(tmp_path: Path) -> None:
    from tests.builders import agreement, data_of, tokens

    case = written(tmp_path / "case", data_of([tokens("north", 3)], [work()], agreement(FLOOR)))
    with fresh(tmp_path) as store:
        ingested(store, Case.load(case), journal_of(tmp_path / "j", [call(1, used=MILLION), call(2, "2026-03-01")]))
    given = ("audit", case, "--ledger", tmp_path / "ledger.db")
    done = detente(*given, "--clause", "floor", "--until", "2026-02-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(json.loads(done.stdout)) == ["req_1"]
    out = tmp_path / "evidence.json"
    done = detente(*given, "--from", "2026-02-01", "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"wrote {out}\n")
    assert calls(json.loads(out.read_text(encoding="utf-8"))) == ["req_2"]
    for words, what in (
        (("--workload", "chat", "--request", "req_1"), "--request is of one call"),
        (("--workload", "chat", "--sign", tmp_path / "s", "--key", "env:K"), "are of the whole ledger"),
        (("--out", out), "--out saves evidence; say of what"),
        (("--from", "2026-02-01", "--until", "2026-01-01"), "--from: 2026-02-01 is not before 2026-01-01"),
        (("--clause", "nothing"), "neither the case nor the books know `nothing`"),
    ):
        done = detente(*given, *words)
        assert (done.returncode, what in done.stderr) == (2, True), done.stderr
    assert detente(*given, "--request", "req_1", "--out", out).returncode == 0


def test_the_evidence_for_a_call_names_the_budgets_that_denied_or_count_it(tmp_path: Path) -> None:
    """One whose money had no room at South, and the one of all that it counts towards; another is none of it."""
    budgets: list[Data] = [
        {
            "id": "south",
            "of": {"provider": "south"},
            "every": "day",
            "money": "0.5 USD",
            "requests": 9,
            "text": "Trials only.",
        },
        {"id": "all", "of": {}, "every": "month", "zone": "Europe/Berlin", "requests": 10, "per": "workload"},
        {"id": "other", "of": {"provider": "south"}, "every": "day", "requests": 1},
    ]
    case = served_case(budgets=budgets)
    (counted,) = (cap.of_one("workload=chat") for cap, _ in CaseBudgets(case).declared(()) if cap.id == "all")
    record = call(1, denied=(DeniedDeployment("south-live", "south", "money"),), budgets=(counted.name,))
    with fresh(tmp_path) as store:
        ingested(store, case, journal_of(tmp_path / "journal", [record]))
        found = of_call(Books(store, case), "req_1")
    assert found.budgets == [
        {
            "budget": "south", "roles": ["denied"], "text": "Trials only.",
            "allows": [
                {"measure": "money", "amount": "0.5", "every": "day", "zone": "UTC", "denied": True},
                {"measure": "requests", "amount": "9", "every": "day", "zone": "UTC"},
            ],
        },
        {
            "budget": "all", "roles": ["counts"], "text": "",
            "allows": [
                {"measure": "requests", "amount": "10", "every": "month", "zone": "Europe/Berlin", "per": "workload"}
            ],
        },
    ]  # fmt: skip
