"""Notices: posted beside calls, a few times, never shown where they hold a secret, and never in anybody's way."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from detente.gateway.serving.beside.notifier import MAX_WAITING, Notifier
from detente.gateway.serving.caps.cap_news import CapNews
from detente.live.notice import Notify
from tests.builders import Data
from tests.ledger.caps.test_budgets import taken
from tests.waiting import PATIENCE

DOCUMENT: Data = {"id": "b", "text": "hello"}


class Heard:
    """Says what was sent, and what the operator was told; each can be waited for."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sent: list[tuple[str, Data]] = []
        self.said: list[str] = []
        self._any = threading.Semaphore(0)

    def post(self, address: str, body: bytes) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((address, json.loads(body)))
        self._any.release()

    def say(self, text: str) -> None:
        self.said.append(text)
        self._any.release()

    def wait(self) -> None:
        assert self._any.acquire(timeout=PATIENCE)


def notifier(heard: Heard) -> Notifier:
    return Notifier(heard.say, heard.post, (0.0,) * 4)


def test_a_notice_is_sent_again_until_it_is_taken() -> None:
    heard = Heard(OSError("refused"), ValueError("no"), OSError("again"))
    sends = notifier(heard)
    sends.send(Notify(url="http://hook.example/x"), DOCUMENT)
    heard.wait()
    assert heard.sent == [("http://hook.example/x", DOCUMENT)]
    sends.close()
    assert heard.said == []


def test_one_that_is_never_taken_is_said_without_its_address() -> None:
    heard = Heard(*[OSError("cannot reach http://hook.example/secret-part")] * 4)
    sends = notifier(heard)
    sends.send(Notify(url="http://hook.example/secret-part"), DOCUMENT)
    heard.wait()
    sends.close()
    assert heard.said == ["a notice of b could not be sent to hook.example in 4 tries: OSError"]


@pytest.mark.parametrize("how", ["env", "file"])
def test_an_address_may_be_a_reference(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hook").write_text("http://hook.example/s\n")
    monkeypatch.setitem(os.environ, "HOOK", "http://hook.example/s")
    heard = Heard()
    sends = notifier(heard)
    sends.send(Notify(env="HOOK") if how == "env" else Notify(file=str(tmp_path / "hook")), DOCUMENT)
    heard.wait()
    sends.close()
    assert heard.sent == [("http://hook.example/s", DOCUMENT)]


def test_a_reference_that_leads_nowhere_is_told() -> None:
    heard = Heard()
    sends = notifier(heard)
    sends.send(Notify(env="NO_SUCH_HOOK"), DOCUMENT)
    heard.wait()
    sends.close()
    told = "a notice of b could not be sent to its address in 4 tries: environment variable NO_SUCH_HOOK is empty"
    assert heard.said == [told]


def test_more_than_can_wait_are_dropped_and_said() -> None:
    gate = threading.Event()
    heard = Heard()

    def post(address: str, body: bytes) -> None:
        assert gate.wait(PATIENCE)

    sends = Notifier(heard.say, post, (0.0,))
    for _ in range(MAX_WAITING + 2):
        sends.send(Notify(url="http://hook.example"), DOCUMENT)
    heard.wait()
    gate.set()
    sends.close()
    assert heard.said[0] == f"a notice of b was not sent: {MAX_WAITING} others wait to be"


def test_a_real_server_gets_the_document() -> None:
    got: list[tuple[str, Data]] = []
    there = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # (the name is the base's)
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.headers["content-type"], json.loads(body)))
            self.send_response(204)
            self.end_headers()
            there.set()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        sends = Notifier(got.append)  # type: ignore[arg-type]  # it says nothing
        sends.send(Notify(url=f"http://127.0.0.1:{server.server_port}/hook"), DOCUMENT)
        assert there.wait(PATIENCE)
        thread.join()
        sends.close()
    assert got == [("application/json", DOCUMENT)]


def test_what_is_told_of_a_budget_and_to_whom() -> None:
    said: list[str] = []
    sent: list[tuple[Notify, Data]] = []
    counts: list[tuple[str, int]] = []
    news = CapNews(said.append, lambda name, percent: counts.append((name, percent)), lambda *s: sent.append(s))
    own = {
        "id": "own",
        "of": {},
        "per": "group",
        "every": "day",
        "money": "5 USD",
        "notify": {"url": "http://own.example"},
    }
    minute = {"id": "rate", "of": {}, "every": "minute", "requests": 1, "concurrency": 1}
    usual = {"id": "usual", "of": {}, "every": "month", "zone": "Europe/Berlin", "requests": 10}
    calls = taken([own, minute, usual], {"group": "a"})
    for call in calls:
        news.tell(call.cap, call.allows, 80, call.allows.limit // 5)
    assert said == [
        "budget `own` of `group=a`: 80% of its amount in 2026-01-15 is used or held by calls (1 of 5 left)",
        "budget `usual`: 80% of its amount in Jan 2026 is used or held by calls (2 of 10 left)",
    ]
    assert counts == [("own", 80), ("usual", 80)]
    ((address, document),) = sent
    assert address.url == "http://own.example"
    assert document == {
        "text": said[0],
        "event": "budget",
        "id": "own",
        "measure": "money",
        "of": "group=a",
        "percent": 80,
        "allows": "5",
        "remaining": "1",
        "from": "2026-01-15T00:00:00+00:00",
        "until": "2026-01-16T00:00:00+00:00",
    }
    news.usual = Notify(url="http://usual.example")
    news.tell(calls[-1].cap, calls[-1].allows, 100, 0)
    assert sent[-1][0].url == "http://usual.example"
