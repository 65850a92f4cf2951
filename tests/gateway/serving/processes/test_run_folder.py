"""The folder of one run: gone with the gateway, and where that was killed, as the next one starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from detente.gateway.serving.processes.run_folder import run_folder
from tests.waiting import until

HOLDS = """
import os, sys
from detente.gateway.serving.processes.run_folder import run_folder
with run_folder() as folder:
    (folder / "turns").write_text("said")
    child = os.fork()
    if child == 0:  # a worker: it outlives its gateway for a moment
        os.read(0, 1)
        os._exit(0)
    print(folder, flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_its_users_alone_and_goes_with_its_gateway(temporary: Path) -> None:
    with run_folder() as folder, run_folder() as other:
        assert {folder.parent, other.parent} == {temporary}
        assert folder != other
        assert folder.stat().st_mode & 0o077 == 0
    assert list(temporary.iterdir()) == []


def test_what_a_killed_gateway_left_goes_once_none_of_its_processes_lives(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as gateway:
        assert gateway.stdout is not None
        assert gateway.stdin is not None
        left = Path(gateway.stdout.readline().strip())
        with run_folder():
            assert (left / "turns").read_text() == "said"  # it lives
        gateway.send_signal(signal.SIGKILL)
        gateway.wait()
        with run_folder():
            assert left.exists()  # its worker does
        gateway.stdin.close()

    def alone() -> bool:
        with run_folder() as own:
            return list(temporary.iterdir()) == [own]

    until(alone)  # the worker ends


def test_what_is_nobodys_folder_of_a_run_is_left_alone(temporary: Path) -> None:
    (temporary / "detente-notes").mkdir()
    (temporary / "detente-file").write_text("a")
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / "in-use").write_text("")
    (temporary / "detente-link").symlink_to(temporary / "elsewhere")
    before = sorted(temporary.iterdir())
    with run_folder():
        pass
    assert sorted(temporary.iterdir()) == before
