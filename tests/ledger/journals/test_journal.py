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
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import JournalError
from detente.ledger.journals.frames import MAGIC, MAX_PAYLOAD, Torn, read
from detente.ledger.journals.journal import Journal, files
from tests.waiting import PATIENCE

HEAD = 12
"""Bytes of a record before its payload."""
PAYLOADS = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


def written(folder: Path, payloads: list[bytes], **settings: int) -> list[Path]:
    journal = Journal(folder, **settings)
    for payload in payloads:
        journal.append(payload)
    journal.close()
    return files(folder)


@given(payloads=PAYLOADS)
def test_what_is_appended_is_read_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes]
) -> None:
    (file,) = written(tmp_path_factory.mktemp("j"), payloads)
    assert list(read(file)) == payloads


@given(payloads=PAYLOADS.filter(bool), data=st.data())
def test_a_file_cut_anywhere_keeps_every_record_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("j")
    (file,) = written(folder, payloads)
    whole = file.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    file.write_bytes(whole[:cut])
    kept, at = [], len(MAGIC)
    for payload in payloads:
        at += HEAD + len(payload)
        if at <= cut:
            kept.append(payload)
    assert [p for p in read(file) if not isinstance(p, Torn)] == kept
    journal = Journal(folder)
    journal.append(b"after")
    journal.close()
    assert list(read(file)) == [*kept, b"after"]
    aside = [f.read_bytes() for f in folder.iterdir() if ".torn-" in f.name]
    assert b"".join(aside) in whole  # what was cut is kept aside


@given(payloads=st.lists(st.binary(min_size=1, max_size=60), min_size=2, max_size=6), data=st.data())
def test_a_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], data: st.DataObject
) -> None:
    (file,) = written(tmp_path_factory.mktemp("j"), payloads)
    whole = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(whole)
    try:
        found = list(read(file))
    except JournalError:
        return
    assert isinstance(found[-1], Torn)
    assert found[:-1] == payloads[: len(found) - 1]


@given(data=st.binary(max_size=200))
def test_no_bytes_are_read_as_something_else(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("j") / "w0-00000001.journal"
    file.write_bytes(data)
    try:
        list(read(file))
    except JournalError:
        assert not data.startswith(MAGIC) or len(data) > len(MAGIC)


def test_damage_before_the_end_is_an_error_and_nothing_is_cut(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [b"first", b"second"])
    data = bytearray(file.read_bytes())
    data[len(MAGIC) + HEAD] ^= 1
    file.write_bytes(data)
    with pytest.raises(JournalError, match="damaged at byte 8, with whole records after it; move it out of") as told:
        Journal(tmp_path)
    assert str(told.value).startswith(f"{file}: ")
    assert file.read_bytes() == data
    (tmp_path / "apart").mkdir()
    file.rename(tmp_path / "apart" / file.name)  # as it says
    Journal(tmp_path).close()


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


def test_what_is_set_aside_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [b"first"])
    whole = file.stat().st_size
    for torn in (b"one", b"other"):
        with file.open("ab") as end:
            end.write(torn)
        Journal(tmp_path).close()
    aside = sorted(f for f in tmp_path.iterdir() if ".torn-" in f.name)
    assert [f.name for f in aside] == [f"w0-00000001.torn-{whole}", f"w0-00000001.torn-{whole}-2"]
    assert [f.read_bytes() for f in aside] == [b"one", b"other"]
    assert {f.stat().st_mode & 0o777 for f in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "garbage",
    [bytes(3 * MAX_PAYLOAD), Random(1).randbytes(3 * MAX_PAYLOAD), b"\x00\x00\x08\x00" * 1000 + bytes(MAX_PAYLOAD)],
    ids=["zeros", "random", "heads"],
)
def test_an_end_without_a_whole_record_is_torn_however_long(tmp_path: Path, garbage: bytes) -> None:
    (file,) = written(tmp_path, [b"first"])
    whole = file.read_bytes()
    file.write_bytes(whole + garbage)
    assert list(read(file)) == [b"first", Torn(len(whole), len(garbage))]
    journal = Journal(tmp_path)
    journal.append(b"after")
    journal.close()
    assert list(read(file)) == [b"first", b"after"]
    (aside,) = (f for f in tmp_path.iterdir() if ".torn-" in f.name)
    assert aside.read_bytes() == garbage


def test_a_whole_record_far_after_the_damage_is_found(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [b"first"])
    (other,) = written(tmp_path / "other", [b"x" * MAX_PAYLOAD])
    file.write_bytes(file.read_bytes() + bytes(3 * MAX_PAYLOAD) + other.read_bytes()[len(MAGIC) :])
    with pytest.raises(JournalError, match="with whole records after it"):
        Journal(tmp_path)


def test_the_search_for_a_whole_record_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detente.ledger.journals.frames.MAX_CHECKED", 10 * MAX_PAYLOAD)
    (file,) = written(tmp_path, [b"first"])
    data = file.read_bytes() + b"\x00\x00\x08\x00" * 1000 + bytes(MAX_PAYLOAD)
    file.write_bytes(data)
    with pytest.raises(JournalError, match=r"too much after it that looks like records .*; move it out of"):
        Journal(tmp_path)
    assert file.read_bytes() == data


def test_a_file_that_is_no_journal_is_not_touched_and_the_remedy_is_said(tmp_path: Path) -> None:
    file = tmp_path / "w0-00000001.journal"
    file.write_bytes(bytes(100))
    with pytest.raises(JournalError, match=r"not a journal of this version; .*; move it out of"):
        Journal(tmp_path)
    assert file.read_bytes() == bytes(100)


def test_a_folder_in_which_no_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(JournalError, match="files cannot be made in it; choose another"):
        Journal(tmp_path)
