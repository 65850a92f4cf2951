"""What a worker does once a second about its journal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

from detente.gateway.settings import Settings
from detente.gateway.worker import Worker
from tests.gateway.http.peer import run
from tests.gateway.stage import Stage, case_data, completion, http, play


class Hired(Worker):
    """A worker of a stage's app, whose seconds a test counts."""

    def __init__(self, stage: Stage) -> None:
        self.said: list[str] = []
        super().__init__(cast(Settings, None), 0, self.said.append)
        self._app, self._journal = stage.app, stage.journal

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
            assert f"{stage.folder}/w0-00000001.journal was moved or removed under the gateway" in said
            assert f"{stage.folder}/w0-00000002.journal" in said
            assert (await stage.ask()).status == 200
            await worker.second()
            assert len(worker.said) == 1
            assert len(stage.records) == 1

    run(main())


def test_a_journal_that_cannot_be_begun_again_is_one_that_cannot_be_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, case_data({"south": south.base})) as stage:
            worker = Hired(stage)
            shutil.rmtree(stage.folder)
            stage.folder.write_text("in the way")
            await worker.second()
            assert stage.app.unrecorded == "File exists"
            stage.folder.unlink()
            await worker.second()
            assert stage.app.unrecorded == ""
            assert (await stage.ask()).status == 200
            assert len(stage.records) == 1

    run(main())
