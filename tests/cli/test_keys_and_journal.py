"""``detente keys new`` and ``detente journal`` as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from detente.case.case import Case
from detente.ledger.journals.journal import Journal
from detente.ledger.journals.record import Attempt, DeniedDeployment, Record, TokenCounts
from detente.live.key import hash_of, opens
from tests.cli.asking import document, written
from tests.cli.shell import detente
from tests.gateway.stage import case_data


# -- keys -------------------------------------------------------------------------------------------------------------
def test_a_new_key_is_printed_once_and_its_lines_open_it(tmp_path: Path) -> None:
    case = written(tmp_path / "case", case_data({"south": "http://a.example"}) | {"keys": []})
    done = detente("keys", "new", "--workload", "chat", "--case", case)
    assert done.returncode == 0
    secret = done.stdout.strip()
    assert secret.startswith("dtk_chat-")
    assert secret not in done.stderr
    assert hash_of(secret) in done.stderr
    lines = done.stderr[done.stderr.index("keys:\n") :]
    (case / "keys").mkdir()
    (case / "keys" / "new.yaml").write_text(lines)
    (key,) = Case.load(case).declared.keys
    assert opens({key.id: key}, secret) is key


def test_a_new_key_as_json() -> None:
    done = detente("keys", "new", "--workload", "chat", "--id", "ops.a_b", "--json")
    said = document(done)
    assert (done.returncode, done.stderr) == (0, "")
    assert said["entry"] == {"id": "ops.a_b", "workload": "chat", "hash": hash_of(said["key"])}
    assert document(detente("keys", "new", "--workload", "chat", "--json"))["key"] != said["key"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workload", "chot"], "--workload: there is no `chot`"),
        (["--workload", "chat", "--id", "No Name"], "--id: `No Name` is not a valid name; write lower-case letters"),
        ([], "Missing option '--workload'"),
    ],
)
def test_a_key_that_cannot_be_made(tmp_path: Path, arguments: list[str], message: str) -> None:
    case = written(tmp_path / "case", case_data({"south": "http://a.example"}))
    done = detente("keys", "new", "--case", case, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_workload_that_is_no_name_is_said_as_it_was_typed() -> None:
    for more in ((), ("--id", "ops")):
        done = detente("keys", "new", "--workload", "CHAT!", *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: --workload: `CHAT!` is not a valid name")
    assert "--id: `` is not a valid name" in detente("keys", "new", "--workload", "chat", "--id", "").stderr
    done = detente("keys", "new", "--workload", "w" * 120, "--json")
    assert len(document(done)["entry"]["id"]) == 120


# -- journal ----------------------------------------------------------------------------------------------------------
def record(number: int, **more: object) -> Record:
    base = {
        "id": f"req_{number}",
        "at": f"2026-03-10T12:00:{number:02}.000000+00:00",
        "path": "/v1/chat/completions",
        "key": "k",
        "workload": "chat",
        "labels": {},
        "model": "m",
        "outcome": "complete",
        "status": 200,
        "case": "0" * 64,
    }
    return Record(**(base | more))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for worker in (0, 1):
        journal = Journal(tmp_path / "journal", worker)
        for number in range(3):
            journal.append(msgspec.json.encode(record(number + 10 * worker)))
        journal.close()
    return tmp_path / "journal"


def test_records_are_printed_a_line_each(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    served = record(1, deployment="d", region="oslo", why="share", usage=TokenCounts(1200, 5), cost="0.000030000")
    kept = record(2, outcome="refused", status=403, usage=TokenCounts(0, 0), denied=(DeniedDeployment("d", "only"),))
    cut = record(
        3,
        outcome="cut",
        status=502,
        deployment="d",
        regions=("oslo", "york"),
        stream=True,
        pieces=1200,
        attempts=(Attempt("c", "timeout", 5.0),),
    )
    left = record(4, outcome="abandoned", status=499, deployment="d", stream=True, pieces=1)
    early = record(5, outcome="abandoned", status=499, deployment="d", stream=True)
    for one in (served, kept, cut, left, early):
        journal.append(msgspec.json.encode(one))
    journal.close()
    done = detente("journal", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "2026-03-10T12:00:01Z  chat  m → d in oslo  complete  1,200 + 5 tok  0.000030000",
        "    share",
        "2026-03-10T12:00:02Z  chat  m → nobody  refused 403  0 + 0 tok",
        "    not d [only]",
        "2026-03-10T12:00:03Z  chat  m → d in oslo or york  cut 502 after 1,200 pieces  use unknown",
        "    c: timeout",
        "2026-03-10T12:00:04Z  chat  m → d  abandoned 499 after 1 piece  use unknown",
        "2026-03-10T12:00:05Z  chat  m → d  abandoned 499 after 0 pieces  use unknown",
    ]


def test_the_last_of_each_worker(folder: Path) -> None:
    done = detente("journal", folder, "--last", 1, "--json")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["req_2", "req_12"]
    done = detente("journal", folder, "--json")
    assert len(done.stdout.splitlines()) == 6


def test_a_beginning_without_an_end_is_among_the_last_only_if_it_was_written_so_late(tmp_path: Path) -> None:
    """The second was cut by a kill; the first and the fourth came to their ends."""
    journal = Journal(tmp_path)
    begun = [record(number, outcome="begun", stream=True) for number in (1, 2)]
    ends = [record(number, outcome="complete", stream=True) for number in (1, 3)]
    more = [record(4, outcome="begun", stream=True), record(5), record(4, outcome="complete", stream=True)]
    for one in (*begun, *ends, *more):
        journal.append(msgspec.json.encode(one))
    journal.close()
    for last, ids in ((2, ["req_5", "req_4"]), (9, ["req_2", "req_1", "req_3", "req_5", "req_4"])):
        done = detente("journal", tmp_path, "--last", last, "--json")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert [said["id"] for said in told] == ids
        assert [said["outcome"] for said in told if said["id"] == "req_2"] == (["begun"] if last == 9 else [])


def test_use_that_is_not_known_is_not_in_json(folder: Path) -> None:
    done = detente("journal", folder, "--last", 1, "--json")
    assert "usage" not in json.loads(done.stdout.splitlines()[0])


def test_a_torn_end_is_said_and_the_rest_is_printed(folder: Path) -> None:
    file = folder / "w0-00000001.journal"
    file.write_bytes(file.read_bytes()[:-5])
    done = detente("journal", folder)
    assert done.returncode == 0
    assert "are a record that was not finished" in done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert detente("journal", folder, "--last", 2).returncode == 0


def test_damage_is_refused(folder: Path) -> None:
    file = folder / "w1-00000001.journal"
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(bytes(data))
    done = detente("journal", folder)
    assert done.returncode == 2
    assert f"{file}: damaged at byte" in done.stderr


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    done = detente("journal", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no journal" in done.stderr
    assert detente("journal", tmp_path / "nowhere").returncode == 2


def test_a_record_that_holds_control_signs_is_shown_without_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(msgspec.json.encode(record(1, model="\x1b[2Jm\n2026")))
    journal.close()
    done = detente("journal", tmp_path)
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 1
