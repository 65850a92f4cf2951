"""``detente keys create``, ``list``, ``change`` and ``revoke`` as a shell sees them, and a gateway that follows."""

from __future__ import annotations

import json
import os
import signal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from detente.ledger.store.opening import open_store
from detente.live.key import hash_of
from tests.builders import Data
from tests.cli.asking import document, written
from tests.cli.served import Gateway, Provider, case_at, children_of, gateway, refused
from tests.cli.shell import detente
from tests.gateway.caller import HELLO
from tests.gateway.stage import case_data

BRIEFLY = 5.0
"""Seconds for which the other workers are stopped, at most."""
TEAM: Data = {"id": "team", "of": {"group": ["a", "b"]}, "every": "month", "requests": 5}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return written(tmp_path / "case", case_data({"south": "http://a.example"}, budgets=[TEAM]))


def made(case: Path, *arguments: object) -> str:
    """A key that was made just now."""
    done = detente("keys", "create", case, "--workload", "chat", *arguments, cwd=case.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def listed(case: Path, *arguments: object) -> dict[str, Any]:
    found = document(detente("keys", "list", case, "--json", *arguments, cwd=case.parent))
    return {key["id"]: key for key in found["keys"]}


def test_a_key_is_made_listed_changed_and_revoked(case: Path) -> None:
    secret = made(
        case, "--id", "nb", "--label", "group=a", "--expires", "2199-01-01", "--budget", "every: day, tokens: 9"
    )
    assert secret.startswith("dtk_nb_")
    (case_key, key) = listed(case).values()
    assert (case_key["id"], case_key["in"], case_key["state"]) == ("chat-key", "case", "in the case")
    assert (key["labels"], key["state"], key["in"]) == ({"group": "a"}, "active", "ledger")
    assert (key["expires"], key["budget"]) == ("2199-01-01T00:00:00+00:00", "9 tokens each day")
    shown = detente("keys", "list", case, cwd=case.parent)
    for text in (shown.stdout, json.dumps(key)):
        assert secret.rpartition("_")[2] not in text
        assert hash_of(secret) not in text
    assert "group=a" in shown.stdout
    changed = document(
        detente("keys", "change", case, "nb", "--budget", "none", "--within", "team", "--json", cwd=case.parent)
    )
    assert changed["entry"]["within"] == "team"
    assert "budget" not in changed["entry"]
    anew = document(detente("keys", "change", case, "nb", "--new-secret", "--json", cwd=case.parent))
    assert anew["entry"]["hash"] == hash_of(anew["key"]) != hash_of(secret)
    done = document(detente("keys", "revoke", case, "nb", "--json", cwd=case.parent))
    assert done["id"] == "nb"
    assert list(listed(case)) == ["chat-key"]
    assert listed(case, "--all")["nb"]["state"] == "revoked"


def test_a_key_that_cannot_be_read_is_listed_as_such_beside_the_others(case: Path) -> None:
    made(case, "--id", "nb")
    with open_store(str(case.parent / "ledger.db")) as store, store.writing() as session:
        session.run("INSERT INTO keys VALUES ('newer', '{\"colour\": 1}', 0, 0, 0, 2)")
    found = listed(case)
    assert {name: key["state"] for name, key in found.items()} == {
        "chat-key": "in the case", "nb": "active", "newer": "cannot be read"
    }  # fmt: skip
    assert found["newer"].keys() == found["nb"].keys()
    shown = detente("keys", "list", case, cwd=case.parent)
    assert shown.returncode == 0
    assert "cannot be read" in shown.stdout
    assert shown.stderr == (
        "key `newer` opens nothing: it cannot be read by this program; revoke it, and make a new one\n"
    )
    assert detente("keys", "revoke", case, "newer", cwd=case.parent).returncode == 0
    assert list(listed(case, "--all")) == ["chat-key", "nb"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "--workload", "chot"], ["--workload: the case has no workload `chot`", "did you mean `chat`?"]),
        (["create", "--workload", "chat", "--id", "No"], ["--id: `No` does not have the right form"]),
        (["create", "--workload", "chat", "--id", "chat-key"], ["--id: the case has a key `chat-key` of its own"]),
        (["create", "--workload", "chat", "--label", "grop=a"], ["--label grop: no workload and no budget", "`group`"]),
        (["create", "--workload", "chat", "--label", "team=b"], ["--label team: it says `team: b`"]),
        (["create", "--workload", "chat", "--label", "x"], ["--label: `x` is not a label"]),
        (
            ["create", "--workload", "chat", "--label", "a=1", "--label", "a=2"],
            ["--label: `a` is stated twice, as `1`"],
        ),
        (["create", "--workload", "chat", "--model", "x", "--within", "tem"], ["--model: ", "did you mean `team`?"]),
        (["create", "--workload", "chat", "--budget", "money: 5 EUR, every: day"], ["--budget: the amount is in EUR"]),
        (
            ["create", "--workload", "chat", "--budget", "money: 5 EUR"],
            ["--budget: states `money`", "--budget: the amount"],
        ),
        (["create", "--workload", "chat", "--budget", "money"], ["--budget: `money` is no amount"]),
        (["create", "--workload", "chat", "--expires", "soon"], ["--expires: `soon` is not a date"]),
        (["create", "--workload", "chat", "--expires", "2026-01-01"], ["--expires: 2026-01-01 00:00 UTC has passed"]),
        (["change", "nb"], ["nothing is changed; say what"]),
        (["change", "nb", "--within", "none"], ["there is no key `nb`"]),
        (["revoke", "nb"], ["there is no key `nb`"]),
        (["revoke", "chat-key"], ["`chat-key` stands in the case; take it out there"]),
    ],
)
def test_what_is_wrong_is_told(case: Path, arguments: list[str], told: list[str]) -> None:
    open_store(str(case.parent / "ledger.db"), make=True).close()
    words = ["keys", arguments[0], str(case), *arguments[1:]]
    done = detente(*words, cwd=case.parent)
    assert (done.returncode, done.stdout) == (2, "")
    for text in told:
        assert text in done.stderr


def test_all_that_is_wrong_is_told_at_once(case: Path) -> None:
    """What cannot be read, what has the wrong form, and what does not fit the case; of a budget, what could be read."""
    options = ["--workload", "chot", "--id", "No", "--label", "x", "--expires", "soon", "--within", "tem"]
    budget = ["--budget", "money, every: fortnight, tokens: 5"]
    done = detente("keys", "create", case, *options, *budget, cwd=case.parent)
    told = sorted(line.split("`")[0] for line in done.stderr.splitlines() if line.startswith("--"))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "7 mistakes")
    assert told == [
        "--budget every: ", "--budget: ", "--expires: ", "--id: ", "--label: ", "--within: the case has no budget ",
        "--workload: the case has no workload ",
    ]  # fmt: skip


def test_a_ledger_of_another_case_holds_no_keys_of_this(case: Path) -> None:
    with open_store(str(case.parent / "ledger.db"), make=True) as store, store.writing() as session:
        session.run("INSERT INTO facts VALUES ('case', 'another')")
    for words in (["create", case, "--workload", "chat"], ["list", case], ["revoke", case, "nb"]):
        done = detente("keys", *words, cwd=case.parent)
        assert (done.returncode, done.stdout) == (2, "")
        assert "the ledger is of the case `another`" in done.stderr


def status(live: Gateway, key: str, *, calls: bool = True) -> int:
    """How a call with a key is answered, or what takes nothing."""
    connection = HTTPConnection("127.0.0.1", live.port, timeout=60 if calls else BRIEFLY)
    try:
        body = json.dumps({**HELLO, "max_tokens": 5}) if calls else None
        method, path = ("POST", "/v1/chat/completions") if calls else ("GET", "/v1/models")
        connection.request(method, path, body, {"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def by_each_worker(live: Gateway, key: str) -> list[int]:
    """How each worker answers with a key what takes nothing: the others are stopped, so that they accept no call.

    Briefly, and to be asked again: one that is just starting may wait for the ledger, of which another held the lock as
    it was stopped.
    """
    workers = [child for child in children_of(live.pid) if _listens(child, live.port)]
    answers = []
    for worker in workers:
        others = [other for other in workers if other != worker]
        try:
            for other in others:
                os.kill(other, signal.SIGSTOP)
            answers.append(status(live, key, calls=False))
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)
    return answers


def _listens(process: int, port: int) -> bool:
    """Whether a process accepts calls at a port: a worker does, the bookkeeper does not."""
    listened = {
        f"socket:[{fields[9]}]"
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines())
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"
    }
    return any(os.readlink(file) in listened for file in Path(f"/proc/{process}/fd").iterdir())


def test_workers_follow_keys_share_budgets_and_one_is_killed(tmp_path: Path, provider: Provider) -> None:
    """Two keys of a team share five requests, at two workers, before and after both are killed."""
    case, ledger = case_at(tmp_path, provider, budgets=[TEAM]), tmp_path / "ledger.db"
    with gateway(case, "--workers", 2, "--ledger", ledger) as live:
        one, two = made(case, "--label", "group=a", "--id", "one"), made(case, "--label", "group=b", "--id", "two")
        live.until(lambda: all(by_each_worker(live, key) == [200, 200] for key in (one, two)))
        live.until(lambda: [status(live, key) for key in (one, two)] == [200, 200])
        served = sum(record.status == 200 and record.path.endswith("completions") for record in live.records())
        assert 2 <= served <= 4
        for child in children_of(live.pid):
            os.kill(child, signal.SIGKILL)
        live.until(lambda: all(f"worker {n} ended (by SIGKILL); another one is started" in live.text for n in (0, 1)))
        while served < 5:
            live.until(lambda: status(live, two) == 200)
            served += 1
        assert [status(live, key) for key in (one, two)] == [429, 429]
        assert detente("keys", "revoke", case, "one", cwd=case.parent).returncode == 0
        live.until(lambda: by_each_worker(live, one) == [401, 401])
        assert status(live, one) == 401
        assert status(live, two) == 429
        assert live.stop() == 0
    assert sum(record.status == 200 for record in live.records()) == 5


def test_several_workers_do_not_count_budgets_each_for_itself(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider, budgets=[TEAM])
    told = refused(case, "--workers", 2)
    assert "`team` is a budget, and 2 workers would each count for themselves" in told
    assert "give them a ledger, by which" in told
