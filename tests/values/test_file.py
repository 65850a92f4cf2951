"""Files: what may be read, and that whoever looks sees the old one or the new one."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from detente.values.file import leads_out, opened, read, whole_file, write, write_with
from tests.waiting import PATIENCE


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs, so that not even a ``finally`` counts."""


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x.json"
    write(path, b"one")
    path.chmod(0o640)
    write(path, b"two")
    assert read(path, 10) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == ["x.json"]


def test_a_new_file_is_as_open_as_others(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    write(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_too_large(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(11))
    assert len(read(tmp_path / "x", 11)) == 11
    with pytest.raises(OSError, match="it is larger than 0 MiB"):
        read(tmp_path / "x", 10)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "what"), [(a_pipe, "it is a pipe"), (a_folder, "Is a directory"), (a_device, "it is a device")]
)
def test_what_is_no_file_is_not_read(tmp_path: Path, make: Callable[[Path], None], what: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError, match=what) as raised:
        opened(tmp_path / "x")
    assert raised.value.filename == str(tmp_path / "x")


@pytest.mark.parametrize("make", [a_pipe, a_folder])
def test_what_is_no_file_is_not_written_over(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError, match=r"and not a file|Is a directory"):
        write(tmp_path / "x", b"new")
    assert os.listdir(tmp_path) == ["x"]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    for target in ("theirs", "nowhere"):
        (tmp_path / "x").symlink_to(target)
        with pytest.raises(OSError, match="symbolic link"):
            write(tmp_path / "x", b"new")
        (tmp_path / "x").unlink()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["theirs"]


def test_a_path_that_leads_out(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "in").symlink_to(folder / "a.csv")
    assert not leads_out(folder, folder / "in")
    assert not leads_out(folder, folder / "sub" / ".." / "a.csv")
    assert leads_out(folder, folder / "out" / "b.csv")
    assert leads_out(folder, folder / ".." / "b.csv")


@pytest.mark.parametrize("how", ["killed", "full"])
@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("made", [b"new table", None])
def test_stopped_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, old: bool, made: bytes | None
) -> None:
    """Stopped before the nth step: the old plan or the new one; a table only beside its own plan."""
    at = 0
    while True:
        folder = tmp_path / f"{at}"
        folder.mkdir()
        plan, table = folder / "plan.json", folder / "table"
        if old:
            plan.write_bytes(b"old plan")
            table.write_bytes(b"old table")
        with monkeypatch.context() as patched:
            left = stopping(patched, at, how)
            with suppress(Killed, OSError):
                write_with(plan, b"new plan", {table: made})
        found = plan.read_bytes() if plan.exists() else None, table.read_bytes() if table.exists() else None
        assert found[0] in (b"new plan", b"old plan" if old else None)
        assert found[1] in (None, made if found[0] == b"new plan" else b"old table" if old else None)
        if left() > 0:
            assert found == (b"new plan", made)
            return
        at += 1


def stopping(patched: pytest.MonkeyPatch, at: int, how: str) -> Callable[[], int]:
    """Let so many steps happen on a disk, then no more; how many were left at the end."""
    left = [at + 1]
    clean = Path.unlink

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **more: Any) -> Any:
            if left[0] <= 0 and how == "killed":
                raise Killed
            left[0] -= 1
            if left[0] == 0:
                if how == "killed":
                    patched.setattr(Path, "unlink", lambda *_, **__: None)
                    raise Killed
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))
            return real(*args, **more)

        return step

    for name in ("open", "fsync", "replace"):
        patched.setattr(os, name, before(getattr(os, name)))
    if how == "killed":
        patched.setattr(Path, "unlink", before(clean))
    return lambda: left[0]


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    """As the system says it: the file may not grow so large."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from detente.values.file import write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write(Path(sys.argv[1]), bytes(5000))\n"
        "except OSError as error: print(error.filename, error.strerror)"
    )
    (tmp_path / "x").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == f"{tmp_path / 'x'} File too large\n"
    assert (tmp_path / "x").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    """And another's, who is still at work, stays: its file is written whole in the end."""
    code = (
        "import sys; from pathlib import Path; from detente.values.file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file: print('begun', flush=True); input()"
    )
    (tmp_path / ".ours.0123abcd.tmp").write_bytes(b"nobody's business")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "plan.json")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        writer.kill()
    assert len(os.listdir(tmp_path)) == 2
    with whole_file(tmp_path / "living") as file:
        file.write("all of it")
        assert len(os.listdir(tmp_path)) == 2  # the one that was left is gone, and the one that is written is there
        write(tmp_path / "x", b"new")
    assert sorted(os.listdir(tmp_path)) == [".ours.0123abcd.tmp", "living", "x"]
    assert (tmp_path / "living").read_bytes() == b"all of it"


def test_one_that_is_taken_for_left_before_it_is_locked_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = fcntl.flock, list[Path]()

    def late(fd: int, how: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write(tmp_path / "x", b"new")
    assert taken
    assert os.listdir(tmp_path) == ["x"]


def test_a_file_with_the_longest_name_is_written(tmp_path: Path) -> None:
    write(tmp_path / ("ü" * 127), b"new")
    assert os.listdir(tmp_path) == ["ü" * 127]
