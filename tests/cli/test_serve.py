"""``detente serve`` as a shell sees it: starting, stopping, reloading, workers that die, and what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.builders import agreement
from tests.cli.asking import written
from tests.cli.served import Provider, case_at, children_of, gateway, refused
from tests.gateway.caller import HELLO, KEY
from tests.gateway.stage import SECRET, case_data
from tests.waiting import PATIENCE

ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}


# -- serving ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_records_and_stops(tmp_path: Path, provider: Provider, workers: int, how: signal.Signals) -> None:
    with gateway(case_at(tmp_path, provider), "--workers", workers, "--at", "2026-03-10T12:00Z") as live:
        live.until(lambda: live.get("/readyz")[0] == 200)
        for _ in range(4):
            status, body, headers = live.ask()
            assert status == 200, body
            assert headers["x-detente-deployment"] == "south-m"
        assert len(live.records()) == 4
        assert live.records()[0].at.startswith("2026-03-10T12:0")
        counted = b'detente_requests_total{deployment="south-m",outcome="complete",workload="chat"} 4.0'
        live.until(lambda: counted in live.get("/metrics")[1])  # of all workers, each within a second
        assert live.stop(how) == 0
        assert SECRET not in live.text
        assert KEY not in live.text
        assert "Traceback" not in live.text


def test_it_takes_as_many_connections_as_the_system_allows(tmp_path: Path, provider: Provider) -> None:
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with gateway(case_at(tmp_path, provider), first=few) as live, contextlib.ExitStack() as callers:
        for _ in range(100):
            callers.enter_context(socket.create_connection(("127.0.0.1", live.port), PATIENCE))
        assert live.get("/readyz")[0] == 200
        assert live.ask()[0] == 200


def test_a_stop_lets_a_stream_end(tmp_path: Path, provider: Provider) -> None:
    provider.gate.clear()
    with gateway(case_at(tmp_path, provider)) as live:
        connection = HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE)
        connection.request("POST", "/v1/chat/completions", json.dumps({**HELLO, "stream": True}), {"api-key": KEY})
        answer = connection.getresponse()
        live.tell(signal.SIGTERM)
        live.until(lambda: not _listens(live.port))
        assert live.runs
        provider.gate.set()
        assert answer.read().endswith(b"data: [DONE]\n\n")
        connection.close()
        assert live.ended() == 0
        assert [r.outcome for r in live.records()] == ["complete"]


def test_a_stop_does_not_wait_for_ever_and_what_it_cuts_is_recorded(tmp_path: Path, provider: Provider) -> None:
    provider.gate.clear()
    case = case_at(tmp_path, provider, serving={"drain": "1 s"})
    with gateway(case) as live:
        connection = HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE)
        connection.request("POST", "/v1/chat/completions", json.dumps({**HELLO, "stream": True}), {"api-key": KEY})
        answer = connection.getresponse()
        live.tell(signal.SIGTERM)
        with contextlib.suppress(HTTPException, OSError):
            assert b"[DONE]" not in answer.read()
        connection.close()
        assert live.ended() == 0
        assert "Traceback" not in live.text
        (record,) = live.records()
        assert record.outcome in ("cut", "abandoned")
        assert record.usage is None


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


# -- a changed case ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [1, 2])
def test_a_changed_case_is_taken_over_and_a_bad_one_is_not(tmp_path: Path, provider: Provider, workers: int) -> None:
    case = case_at(tmp_path, provider)
    with gateway(case, "--workers", workers, "--at", "2026-03-10T12:00Z") as live:
        assert live.ask()[2]["x-detente-deployment"] == "south-m"
        good = json.dumps(case_data({"south": provider.base, "north": provider.base}, agreement(ONLY)))
        (case / "case.yaml").write_text(good)  # noticed by itself
        live.until(lambda: live.text.count("the case was read again") == workers)
        assert live.ask()[2]["x-detente-deployment"] == "north-m"
        (case / "case.yaml").write_text(good.replace('"only"', '"O n l y"'))
        live.tell(signal.SIGHUP)
        live.until(lambda: live.text.count("the previous one stays in force") == workers)
        assert re.search(r"case\.yaml:\d+:\d+: ", live.text)
        assert live.ask()[2]["x-detente-deployment"] == "north-m"
        (case / "case.yaml").write_text("name: [")
        live.until(lambda: live.text.count("the previous one stays in force") == 2 * workers)
        assert live.ask()[0] == 200
        (case / "case.yaml").write_text(json.dumps(case_data({"south": provider.base, "north": provider.base})))
        live.until(lambda: live.ask()[2]["x-detente-deployment"] == "south-m")
        assert live.stop() == 0
        assert "Traceback" not in live.text


# -- workers ----------------------------------------------------------------------------------------------------------
def test_a_journal_that_is_removed_under_it_is_begun_again(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    with gateway(case, "--workers", 2) as live:
        assert live.ask()[0] == 200
        live.until(lambda: len(list(live.journal.glob("*.journal"))) == 2)  # a worker that comes later begins its own
        shutil.rmtree(live.journal)
        for worker in (0, 1):
            live.wait(f"worker {worker} now records in {live.journal}/w{worker}-00000002.journal")
        assert live.ask()[0] == 200
        assert [r.outcome for r in live.records()] == ["complete"]
        assert "another gateway writes" in refused(case, "--journal", live.journal)
        assert live.stop() == 0


def test_a_worker_that_is_killed_is_followed_by_another(tmp_path: Path, provider: Provider) -> None:
    with gateway(case_at(tmp_path, provider), "--workers", 2) as live:
        live.until(lambda: live.get("/readyz")[0] == 200)
        live.ask()
        children = children_of(live.pid)
        assert len(children) == 2
        for child in children:
            os.kill(child, signal.SIGKILL)
        live.until(lambda: live.text.count("by SIGKILL); another one is started") == 2)
        live.until(lambda: len(children_of(live.pid)) == 2)
        assert not set(children_of(live.pid)) & set(children)
        live.until(lambda: live.get("/readyz")[0] == 200)
        assert live.ask()[0] == 200
        assert len(live.records()) == 2
        assert live.stop() == 0


def test_a_worker_that_comes_later_serves_by_the_case_as_it_is_now(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    with gateway(case, "--workers", 2, "--at", "2026-03-10T12:00Z") as live:
        live.until(lambda: live.get("/readyz")[0] == 200)
        data = case_data({"south": provider.base, "north": provider.base}, agreement(ONLY))
        (case / "case.yaml").write_text(json.dumps(data))
        live.until(lambda: live.text.count("the case was read again") == 2)
        for child in children_of(live.pid):
            os.kill(child, signal.SIGKILL)
        live.until(lambda: live.text.count("another one is started") == 2)
        for _ in range(6):
            assert live.ask()[2]["x-detente-deployment"] == "north-m"
        assert live.stop() == 0


# -- what is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("first", "workers"), [(1, 1), (1, 2), (2, 2)])
def test_two_gateways_do_not_write_one_journal(tmp_path: Path, provider: Provider, first: int, workers: int) -> None:
    case = case_at(tmp_path, provider)
    with gateway(case, "--workers", first) as live:
        live.until(lambda: live.get("/readyz")[0] == 200)
        told = refused(case, "--journal", live.journal, "--workers", workers)
        assert re.search("another gateway writes the journal of worker [01]", told)
        assert "choose another folder" in told
        assert live.ask()[0] == 200


def test_a_port_in_use(tmp_path: Path, provider: Provider) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        told = refused(case_at(tmp_path, provider), "--port", port)
        assert re.search(rf"cannot listen on 127\.0\.0\.1:{port}: .*in use.*; choose another port", told, re.IGNORECASE)


def test_a_host_that_is_not_here(tmp_path: Path, provider: Provider) -> None:
    case = case_at(tmp_path, provider)
    for host in ("203.0.113.1", "no.such.host.example", "é..x", "x" * 300):
        assert re.search(rf"cannot listen on {host}:0: .+; choose another host", refused(case, "--host", host))


def test_a_case_without_deployments(tmp_path: Path, provider: Provider) -> None:
    data = case_data({"south": provider.base}) | {"deployments": []}
    told = refused(written(tmp_path / "case", data))
    assert "the case has no deployments, so that nothing can be served" in told
    assert "add them under `deployments:`" in told


@pytest.mark.parametrize("workers", [1, 2])
def test_a_journal_that_cannot_be_made(tmp_path: Path, provider: Provider, workers: int) -> None:
    (tmp_path / "file").write_text("")
    told = refused(case_at(tmp_path, provider), "--journal", tmp_path / "file" / "inside", "--workers", workers)
    (line,) = (line for line in told.splitlines() if "inside" in line)
    assert "inside: no journal can be written there, for the folder cannot be made (Not a directory)" in line
    assert line.endswith("; choose another folder")
    assert "a worker could not start" not in told


def test_a_journal_that_is_no_folder(tmp_path: Path, provider: Provider) -> None:
    told = refused(case_at(tmp_path, provider), "--journal", "/dev/null")
    assert "/dev/null: no journal can be written there, for it is not a folder; choose another folder" in told


def test_a_reading_that_must_be_chosen(tmp_path: Path, provider: Provider) -> None:
    disputed = ONLY | {"readings": {"letter": {"of": {"team": "sales"}}, "spirit": {}}}
    case = case_at(tmp_path, provider, agreement(disputed))
    assert "has several readings and none is chosen" in refused(case)
    assert "no clause has a reading `leter`" in refused(case, "--reading", "leter")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "noon"], "`noon` is not a time; write for example 2026-06-15T09:00Z"),
        (["--workers", "0"], "--workers"),
        (["--port", "70000"], "--port"),
        (["--plan", "nowhere"], "nowhere: does not exist; save a plan"),
        (["--certificate", "case/case.yaml"], "give both or neither"),
        (["--certificate", "case/case.yaml", "--private-key", "case/case.yaml"], "case.yaml: cannot be used"),
    ],
)
def test_misuse(tmp_path: Path, provider: Provider, arguments: list[str], message: str) -> None:
    assert message in refused(case_at(tmp_path, provider), *arguments)


def test_a_secret_that_is_not_there_is_said_and_others_serve(tmp_path: Path, provider: Provider) -> None:
    data = case_data({"south": provider.base, "north": provider.base})
    data["deployments"][0]["credential"] = {"env": "NOT_SET_ANYWHERE"}
    with gateway(written(tmp_path / "case", data)) as live:
        assert (
            "south-m: environment variable NOT_SET_ANYWHERE is not set; calls go to other permitted deployments"
            in live.text
        )
        status, _, headers = live.ask()
        assert (status, headers["x-detente-deployment"]) == (200, "north-m")
        assert [(a.deployment, a.outcome) for a in live.records()[0].attempts] == [
            ("south-m", "credential"), ("north-m", "served")
        ]  # fmt: skip
        assert live.stop() == 0


def test_a_secret_that_never_comes_holds_up_neither_a_reload_nor_the_end(tmp_path: Path, provider: Provider) -> None:
    secret, endless = tmp_path / "secret", tmp_path / "endless"
    secret.write_text(SECRET)
    os.mkfifo(endless)
    data = case_data({"south": provider.base, "north": provider.base})
    data["deployments"][0]["credential"] = {"file": str(secret)}
    case = written(tmp_path / "case", data)
    with gateway(case) as live:
        assert live.ask()[0] == 200
        endless.replace(secret)
        writer = -1

        def is_read() -> bool:
            nonlocal writer
            with contextlib.suppress(OSError):  # nobody has it open to read
                writer = os.open(secret, os.O_WRONLY | os.O_NONBLOCK)
            return writer >= 0

        live.until(is_read)  # from now on the thread that reads it waits for ever
        (case / "case.yaml").write_text(json.dumps(data | {"keys": []}))
        live.until(lambda: "the case was read again" in live.text)
        assert live.ask()[0] == 401
        assert live.stop() == 0
        assert "Traceback" not in live.text
        os.close(writer)


def test_a_case_without_keys_says_so(tmp_path: Path, provider: Provider) -> None:
    with gateway(written(tmp_path / "case", case_data({"south": provider.base}) | {"keys": []})) as live:
        assert "the case has no keys, so every call is refused; make one: detente keys new" in live.text
        assert live.ask()[0] == 401
        assert live.stop() == 0
