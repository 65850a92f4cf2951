"""The journal: what is appended is read back, whatever happens to its writer."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from hypothesis import given

from detente.errors import JournalError
from detente.ledger.journals.frames import MAGIC, MAX_PAYLOAD, Torn, read
from detente.ledger.journals.journal import Journal, files
from tests.ledger.journals.written import PAYLOADS, written
from tests.waiting import PATIENCE


@given(payloads=PAYLOADS)
def test_what_is_appended_is_read_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes]
) -> None:
    (file,) = written(tmp_path_factory.mktemp("j"), payloads)
    assert list(read(file)) == payloads


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="another gateway writes the journal of worker 0"):
        Journal(tmp_path)
    other = Journal(tmp_path, worker=1)
    other.close()
    journal.close()
    Journal(tmp_path).close()


def test_files_rotate_and_are_read_in_order(tmp_path: Path) -> None:
    found = written(tmp_path, [b"x" * 50] * 10, rotate_at=120)
    assert len(found) == 5
    assert [p for f in found for p in read(f)] == [b"x" * 50] * 10


def test_a_record_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for bad in (b"", b"x" * (MAX_PAYLOAD + 1)):
        with pytest.raises(ValueError, match="a record of"):
            journal.append(bad)
    journal.close()
    assert list(read(files(tmp_path)[0])) == []


def test_a_full_disk_loses_no_earlier_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append(b"kept")
    true_write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: true_write(fd, data[: len(data) // 2]))
    with pytest.raises(OSError, match="of a record could be written"):
        journal.append(b"lost")
    monkeypatch.undo()
    journal.append(b"next")
    journal.close()
    assert list(read(files(tmp_path)[0])) == [b"kept", b"next"]


class Disk:
    """A disk that a test holds up, or breaks: which records of which file are on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.begun = threading.Event(), threading.Event()
        self.free.set()
        self.broken = False
        self.held: dict[str, int] = {}
        self.times = 0
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, fd: int) -> None:
        size = os.fstat(fd).st_size  # what is written later may, or may not, be taken along
        self.begun.set()
        assert self.free.wait(PATIENCE)
        if self.broken:
            raise OSError(errno.EIO, "broken")
        self.times += 1
        self.held[os.readlink(f"/proc/self/fd/{fd}")] = size

    def holds(self, folder: Path) -> bool:
        """Whether all that was appended is on it."""
        return all(f.stat().st_size <= self.held.get(str(f), len(MAGIC)) for f in files(folder))


def test_a_sync_beside_another_returns_when_its_records_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path)
    journal.append(b"first")
    disk.free.clear()
    with ThreadPoolExecutor(3) as threads:
        timer = threads.submit(journal.sync)
        assert disk.begun.wait(PATIENCE)
        early = threads.submit(journal.sync)  # of the same record: not there before it is
        assert wait([early], 0.05).not_done
        journal.append(b"second")  # the sync under way began before it
        mine = threads.submit(journal.sync)
        assert wait([mine], 0.05).not_done
        disk.free.set()
        mine.result(PATIENCE)
        assert disk.holds(tmp_path)
        timer.result(PATIENCE)
    journal.close()


def test_a_sync_that_failed_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path)
    journal.append(b"first")
    disk.broken = True
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            journal.sync()
    disk.broken = False
    journal.sync()
    assert disk.holds(tmp_path)
    journal.close()


def test_full_files_are_synced_too_and_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path, rotate_at=60)
    for _ in range(10):
        journal.append(b"x" * 50)
    disk.broken = True
    with pytest.raises(OSError, match="broken"):
        journal.sync()
    disk.broken = False
    journal.sync()
    assert disk.holds(tmp_path)
    assert len(files(tmp_path)) == 10
    assert len(journal._fds) == 1
    journal.close()


def test_calls_that_wait_at_the_same_time_wait_for_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path)
    for _ in range(5):
        journal.append(b"x")
    mark = journal.appended
    journal.sync(mark)
    journal.append(b"later")
    for _ in range(5):
        journal.sync(mark)
    assert disk.times == 1
    journal.close()
    assert disk.holds(tmp_path)


def test_a_journal_that_cannot_be_synced_lets_go_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path)
    journal.append(b"first")
    disk.broken = True
    with pytest.raises(OSError, match="broken"):
        journal.close()
    journal.close()
    Journal(tmp_path).close()


def test_what_was_appended_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from detente.ledger.journals.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]))\n"
        "for n in range(1000):\n"
        "    j.append(str(n).encode()); print(n, flush=True)\n"
        "sys.stdin.read()\n"  # until it is killed
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    said = -1
    for line in child.stdout:
        said = int(line)
        if said == 500:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    child.stdin.close()
    kept = [p for p in read(files(tmp_path)[0]) if not isinstance(p, Torn)]
    assert len(kept) > said
    assert kept == [str(n).encode() for n in range(len(kept))]


def test_a_folder_that_is_removed_is_noticed_and_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder)
    journal.append(b"gone")
    assert journal.astray() is None
    shutil.rmtree(folder)
    assert journal.astray() == folder / "w0-00000001.journal"
    assert journal.again() == folder / "w0-00000002.journal"
    assert journal.astray() is None
    journal.append(b"kept")
    journal.sync()
    assert [list(read(f)) for f in files(folder)] == [[b"kept"]]
    with pytest.raises(JournalError, match="another gateway writes"):
        Journal(folder)
    journal.close()
    Journal(folder).close()


def test_a_folder_that_is_moved_keeps_what_it_holds(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(b"before")
    (tmp_path / "journal").rename(tmp_path / "moved")
    journal.append(b"between")
    journal.again()
    journal.append(b"after")
    journal.close()
    assert list(read(tmp_path / "moved" / "w0-00000001.journal")) == [b"before", b"between"]
    assert list(read(tmp_path / "journal" / "w0-00000002.journal")) == [b"after"]


def test_a_file_or_a_lock_that_is_removed_is_noticed_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for name in ("w0-00000001.journal", "w0.lock"):
        (tmp_path / name).unlink()
        assert journal.astray() == tmp_path / name
        journal.again()
        assert journal.astray() is None
    assert [f.name for f in files(tmp_path)] == ["w0-00000002.journal", "w0-00000003.journal"]
    with pytest.raises(JournalError, match="another gateway writes"):
        Journal(tmp_path)
    journal.close()


def test_what_another_gateway_took_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder)
    shutil.rmtree(folder)
    other = Journal(folder)
    for _ in range(2):
        with pytest.raises(JournalError, match="another gateway writes"):
            journal.again()
    other.append(b"other")
    other.close()
    journal.again()
    journal.append(b"mine")
    journal.close()
    assert [list(read(f)) for f in files(folder)] == [[b"other"], [b"mine"]]


def test_a_file_that_cannot_be_begun_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, rotate_at=20)
    journal.append(b"x" * 20)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: 0)
        for _ in range(2):
            with pytest.raises(OSError, match="could not be begun"):
                journal.append(b"lost")
    assert len(files(tmp_path)) == 1
    journal.append(b"next")
    journal.close()
    assert [list(read(f)) for f in files(tmp_path)] == [[b"x" * 20], [b"next"]]


def test_a_probe_leaves_nothing_and_may_meet_an_append(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    before = {f.name for f in tmp_path.iterdir()}
    with ThreadPoolExecutor(1) as threads:
        probes = [threads.submit(journal.probe) for _ in range(5)]
        for _ in range(100):
            journal.append(b"x")
        for probe in probes:
            probe.result(PATIENCE)
    assert {f.name for f in tmp_path.iterdir()} == before
    journal.close()
    assert list(read(files(tmp_path)[0])) == [b"x"] * 100


def test_a_probe_meets_a_limit_on_the_size_of_files_and_a_disk_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, journal = Disk(monkeypatch), Journal(tmp_path)
    journal.append(b"x" * 100_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_PAYLOAD + 50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.probe()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.probe()
    disk.broken = True
    with pytest.raises(OSError, match="broken"):
        journal.probe()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["w0-00000001.journal", "w0.lock"]
    disk.broken = False
    journal.close()


def test_a_folder_in_which_no_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(JournalError, match="files cannot be made in it; choose another"):
        Journal(tmp_path)
