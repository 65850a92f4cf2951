"""What a worker does once a second about its journal."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
from pathlib import Path
from typing import cast

import pytest

from detente.gateway.serving.processes.worker import Worker
from detente.gateway.serving.settings import Settings
from detente.ledger.journals.frames import JournalFrame, frames
from tests.gateway.caller import request
from tests.gateway.http.peer import run
from tests.gateway.script import completion, http, play
from tests.gateway.stage import Stage, case_data
from tests.waiting import AGES, so


class Hired(Worker):
    """A worker of a stage's app, whose seconds a test counts."""

    def __init__(self, stage: Stage) -> None:
        self.said: list[str] = []
        super().__init__(cast(Settings, None), 0, self.said.append)
        self._app, self._journal = stage.app, stage.journal

    async def tick(self, now: float) -> None:
        """A second passes, for those who are connected."""
        await self._tick(now)

    async def second(self) -> None:
        """A second passes."""
        await self._sync(0.0)


def test_a_journal_that_is_removed_is_begun_again_and_that_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            await stage.ask()
            await worker.second()
            assert worker.said == []
            shutil.rmtree(stage.folder)
            await worker.second()
            (said,) = worker.said
            assert f"{stage.folder}/w0-00000001.journal was moved or deleted while in use" in said
            assert f"{stage.folder}/w0-00000002.journal" in said
            assert (await stage.ask()).status == 200
            await worker.second()
            assert len(worker.said) == 1
            assert len(stage.records) == 1

    run(main())


def test_a_journal_that_is_cut_short_is_followed_by_the_next_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            for _ in range(3):
                assert (await stage.ask()).status == 200
            file = stage.folder / "w0-00000001.journal"
            whole = file.read_bytes()
            os.truncate(file, len(whole) // 2)
            await worker.second()
            (said,) = worker.said
            assert f"{file} was cut short while in use" in said
            assert (await stage.ask()).status == 200
            await worker.second()
            assert len(worker.said) == 1
            kept = [item.number for item in frames(file) if isinstance(item, JournalFrame)]
            (after,) = frames(stage.folder / "w0-00000002.journal")
            assert isinstance(after, JournalFrame)
            assert (kept, after.number) == ([0], 3)

    run(main())


def test_a_journal_that_cannot_be_begun_again_is_one_that_cannot_be_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            shutil.rmtree(stage.folder)
            stage.folder.write_text("in the way")
            await worker.second()
            assert stage.app.unrecorded == "File exists"
            await worker.second()
            assert len(worker.said) == 1
            stage.folder.unlink()
            await worker.second()
            assert worker.said[0].endswith("cannot be written: File exists; calls get a 503 until it can be written")
            assert "was moved or deleted while in use" in worker.said[1]
            assert worker.said[2].endswith("can be written again; calls are served")
            assert stage.app.unrecorded == ""
            assert (await stage.ask()).status == 200
            assert len(stage.records) == 1

    run(main())


def test_a_journal_that_cannot_be_written_is_said_once_and_its_recovery_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            with monkeypatch.context() as patch:
                patch.setattr("detente.ledger.journals.journal.os.write", full)
                patch.setattr("detente.ledger.journals.journal.os.pwrite", full)
                assert (await stage.ask()).status == 503
                for _ in range(3):  # though there is room, by what the system says
                    await worker.second()
                    assert (await stage.ask()).status == 503
                assert len(south.requests) == 1
                (said,) = worker.said
                assert f"worker 0 in {stage.folder} cannot be written: No space left on device" in said
            for _ in range(2):
                await worker.second()
            assert len(worker.said) == 2
            assert "can be written again" in worker.said[1]
            assert (await stage.ask()).status == 200

    run(main())


def test_what_failed_and_is_well_again_at_the_next_look_is_said_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            stage.app.unrecorded = "Input/output error"
            await worker.second()
            assert ["cannot be written: Input/output error" in worker.said[0], len(worker.said)] == [True, 2]

    run(main())


def test_a_call_that_came_while_we_did_not_run_is_answered(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            loop, asked = asyncio.get_running_loop(), request()
            with (
                socket.create_connection(("127.0.0.1", stage.port)) as caller,
                socket.create_connection(("127.0.0.1", stage.port)) as silent,
            ):
                await so(lambda: len(stage.app.connections) == 2)
                caller.sendall(asked)  # and it is not read before the second is over
                await Hired(stage).tick(loop.time() + AGES)
                silent.setblocking(False)
                assert await loop.sock_recv(silent, 1) == b"", "who said nothing for so long is cut off"
                caller.setblocking(False)
                assert (await loop.sock_recv(caller, 100)).startswith(b"HTTP/1.1 200 OK")

    run(main())
