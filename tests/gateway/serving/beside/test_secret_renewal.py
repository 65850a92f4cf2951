"""Secrets fetched in threads: when, and that one which never comes holds up nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from detente.errors import CredentialError
from detente.gateway.serving.beside import secret_renewal as renewal
from detente.gateway.serving.beside.secret_renewal import RETRY, Renewals
from detente.providers.authority import Authority
from tests.gateway.http.peer import run
from tests.waiting import AGES, PATIENCE, Ahead, so, turns


class Source(Authority):
    """Gives a secret each time, or raises, or blocks until it may go on."""

    def __init__(self, *failures: Exception | None, gate: threading.Event | None = None) -> None:
        self.failures, self.gate = list(failures), gate
        self.begun = self.ended = 0
        self.thread: threading.Thread | None = None

    def due(self, at: float) -> bool:
        return True

    def renew(self) -> None:
        self.begun, self.thread = self.begun + 1, threading.current_thread()
        if self.gate is not None:
            assert self.gate.wait(PATIENCE)
        failed = self.failures.pop(0) if self.failures else None
        if failed is not None:
            raise failed
        self.ended += 1


def test_one_that_blocks_delays_no_other_and_is_not_asked_twice() -> None:
    async def main() -> None:
        said: list[str] = []
        renewals, gate = Renewals(said.append), threading.Event()
        blocked, other = Source(gate=gate), Source()
        both = {"blocked": blocked, "other": other}
        for time in range(4):
            renewals.begin(both, (), now=time * RETRY, wall=0.0)
            await so(lambda: other.ended == time + 1)  # noqa: B023 (awaited here)
            await so(lambda: len(renewals._under_way) == 1)
        assert blocked.begun == 1
        gate.set()
        await so(lambda: blocked.ended == 1)
        await so(lambda: not renewals._tasks)
        renewals.begin(both, (), now=4 * RETRY, wall=0.0)
        await so(lambda: blocked.ended == 2)
        await so(lambda: not renewals._tasks)
        assert said == []

    run(main())


def test_the_start_does_not_wait_for_ever_and_takes_what_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "PATIENCE", AGES)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Ahead)
        said: list[str] = []
        renewals, gate = Renewals(said.append), threading.Event()
        blocked, well = Source(gate=gate), Source()
        first = asyncio.create_task(renewals.first({"blocked": blocked, "well": well}))
        await so(lambda: well.thread is not None and not well.thread.is_alive())  # it has told the loop
        await turns()  # which has heard it
        loop.ahead += AGES
        await first
        assert said == ["blocked: its secret was not received within 1000 s; calls go to other permitted deployments"]
        gate.set()
        await so(lambda: blocked.ended == 1)

    run(main(), plain=True)


def test_what_fails_is_said_and_asked_again_later() -> None:
    async def main() -> None:
        said: list[str] = []
        renewals, now = Renewals(said.append), asyncio.get_running_loop().time()
        source = Source(CredentialError("gone"), CredentialError("still gone"))
        await renewals.first({"a": source})
        assert said == ["a: gone; calls go to other permitted deployments"]
        renewals.begin({"a": source}, (), now=now, wall=0.0)
        assert source.begun == 1, "not without a pause"
        renewals.begin({"a": source}, (), now=now + RETRY + 1, wall=0.0)
        await so(lambda: len(said) == 2)
        assert said[1] == "a: still gone"
        renewals.begin({"a": source}, (), now=now + 2 * RETRY + 1, wall=0.0)
        await so(lambda: source.ended == 1)
        await so(lambda: not renewals._tasks)
        assert len(said) == 2

    run(main())


class Lasting(Source):
    def due(self, at: float) -> bool:
        return False


def test_only_what_is_due_or_rejected_is_fetched() -> None:
    async def main() -> None:
        renewals, source = Renewals(lambda text: None), Lasting()
        renewals.begin({"a": source}, ("b",), now=0.0, wall=0.0)
        assert source.begun == 0
        renewals.begin({"a": source}, ("a",), now=0.0, wall=0.0)
        await so(lambda: source.ended == 1)
        await so(lambda: not renewals._tasks)

    run(main())


def test_a_defect_is_told_and_ends_nothing() -> None:
    async def main() -> None:
        told: list[dict[str, Any]] = []
        said: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        await Renewals(said.append).first({"a": Source(ZeroDivisionError())})
        assert said == [
            "a: its secret could not be fetched, because of an internal error; calls go to other permitted deployments"
        ]
        assert isinstance(told[0]["exception"], ZeroDivisionError)

    run(main())
