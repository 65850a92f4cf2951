"""A journal's file, damaged in any way: whole records are shown whatever lies before them, and what is lost is told."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import JournalError
from detente.ledger.journals.frames import MAGIC, MAX_PAYLOAD, NUMBERS, Damage, JournalFrame, Torn, frame, frames, whole
from detente.ledger.journals.journal import Journal, files
from detente.report.ledger.journal import records_view
from tests.cli.test_keys_and_journal import record

HEAD = 12


def journal(folder: Path, first: int, last: int, **settings: int) -> Path:
    """A folder with records of these numbers, each with its number as its id."""
    written = Journal(folder, **settings)
    for number in range(first, last):
        written.append(msgspec.json.encode(record(number)))
    written.close()
    return folder


def pieces(file: Path) -> list[bytes]:
    """The frames of a file, each as it stands."""
    data, ends = file.read_bytes(), [item.end for item in frames(file) if isinstance(item, JournalFrame)]
    return [data[a:b] for a, b in zip([len(MAGIC), *ends], ends, strict=False)]


def view(folder: Path, last: int | None = None) -> tuple[int, list[int], list[str]]:
    """The exit code, the numbers of the records that are printed, and what is told."""
    out: list[str] = []
    told: list[str] = []
    code = records_view(folder, last, True, out.append, told.append)
    return code, [int(msgspec.json.decode(line)["id"].removeprefix("req_")) for line in out], told


def test_a_worker_numbers_its_records_through_all_of_its_files(tmp_path: Path) -> None:
    journal(tmp_path, 0, 7, rotate_at=400)
    assert len(files(tmp_path)) > 2
    journal(tmp_path, 7, 9)  # begun again
    found = [item.number for file in files(tmp_path) for item in frames(file) if isinstance(item, JournalFrame)]
    assert found == list(range(9))
    assert view(tmp_path) == (0, list(range(9)), [])


def test_a_new_file_without_a_record_goes_on_from_the_one_before(tmp_path: Path) -> None:
    journal(tmp_path, 0, 3)
    (tmp_path / "w0-00000002.journal").write_bytes(MAGIC)
    journal(tmp_path, 3, 4)
    assert view(tmp_path) == (0, [0, 1, 2, 3], [])


def test_records_behind_damage_are_shown(tmp_path: Path) -> None:
    (file,) = files(journal(tmp_path, 0, 5))
    data = bytearray(file.read_bytes())
    at = len(MAGIC) + len(pieces(file)[0])
    data[at + HEAD + 3] ^= 1
    file.write_bytes(data)
    code, shown, told = view(tmp_path)
    assert (code, shown) == (2, [0, 2, 3, 4])
    assert told[0].startswith(f"{file}: damaged at byte {at}, for ")
    assert "1 record is missing" in told[1]


def test_what_is_taken_out_or_put_in_again_is_told(tmp_path: Path) -> None:
    (file,) = files(journal(tmp_path, 0, 5))
    whole = pieces(file)
    file.write_bytes(MAGIC + b"".join([whole[0], *whole[3:]]))
    assert view(tmp_path)[:2] == (2, [0, 3, 4])
    assert "2 records are missing" in view(tmp_path)[2][0]
    file.write_bytes(MAGIC + b"".join([*whole, whole[4]]))
    assert view(tmp_path)[:2] == (2, [0, 1, 2, 3, 4, 4])
    assert "record 4 comes again" in view(tmp_path)[2][0]
    file.write_bytes(MAGIC + b"".join([*whole, *whole[1:]]))
    assert "records 1 to 4 come again" in view(tmp_path)[2][0]


def test_a_file_that_is_missing_is_told_and_one_before_all_others_is_not(tmp_path: Path) -> None:
    journal(tmp_path, 0, 9, rotate_at=400)
    first, second, *_ = files(tmp_path)
    first.unlink()  # put away: old files may be
    assert view(tmp_path)[0] == 0
    third = files(tmp_path)[1]
    lost = len(pieces(third))
    third.unlink()
    code, _, told = view(tmp_path)
    assert code == 2
    assert f"{lost} record" in told[0]
    assert second.exists()


def test_a_file_that_was_cut_to_nothing_and_written_on_is_read(tmp_path: Path) -> None:
    (file,) = files(journal(tmp_path, 0, 4))
    last = pieces(file)[-1]
    file.write_bytes(last)  # as a writer leaves it that appends to a file that was truncated
    code, shown, told = view(tmp_path)
    assert (code, shown) == (2, [3])
    assert "damaged at byte 0" in told[0]


def test_a_torn_end_alone_is_no_damage(tmp_path: Path) -> None:
    (file,) = files(journal(tmp_path, 0, 3))
    os.truncate(file, file.stat().st_size - 1)
    code, shown, told = view(tmp_path)
    assert (code, shown) == (0, [0, 1])
    assert "are a record that was not finished" in told[0]
    assert view(tmp_path, last=1)[:2] == (0, [1])


def test_a_sparse_file_takes_neither_time_nor_memory(tmp_path: Path) -> None:
    (file,) = files(journal(tmp_path, 0, 2))
    last, size = pieces(file)[1], file.stat().st_size
    later = frame(2, msgspec.json.encode(record(2)))
    with file.open("r+b") as opened:
        opened.seek(2**40)  # a terabyte of nothing
        opened.write(later)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, shown, told = view(tmp_path)
    assert (code, shown) == (2, [0, 1, 2])
    assert f"damaged at byte {size}, for {2**40 - size} bytes" in told[0]
    os.truncate(file, 2**40)
    assert view(tmp_path)[:2] == (0, [0, 1])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert last


def test_numbers_begin_again_at_their_end(tmp_path: Path) -> None:
    payload = msgspec.json.encode(record(1))
    file = tmp_path / "w0-00000001.journal"
    file.write_bytes(MAGIC + frame(NUMBERS - 1, payload) + frame(0, payload))
    assert view(tmp_path)[0] == 0
    assert whole(file)[1] == 0


def test_a_record_of_another_version_hides_no_other(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    for payload in (msgspec.json.encode(record(0)), b"[]", msgspec.json.encode(record(2))):
        written.append(payload)
    written.close()
    code, shown, told = view(tmp_path)
    assert (code, shown) == (2, [0, 2])
    assert "record 1 is not one of this version" in told[0]


def test_what_is_no_journal_says_so_and_hides_no_other(tmp_path: Path) -> None:
    journal(tmp_path, 0, 1)
    (tmp_path / "w0-00000002.journal").write_bytes(b"something else")
    code, shown, told = view(tmp_path)
    assert (code, shown) == (2, [0])
    assert "not a journal of this version" in told[0]
    assert "or give the `mapping` of a bill" in told[0]
    os.mkfifo(tmp_path / "w0-00000003.journal")
    with pytest.raises(OSError, match="it is a pipe"):
        view(tmp_path)


@settings(deadline=None)
@given(
    payloads=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8),
    at=st.integers(0, 600),
    junk=st.binary(max_size=40),
    cut=st.integers(0, 40),
)
def test_whatever_happens_to_a_file_no_record_is_made_up(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], at: int, junk: bytes, cut: int
) -> None:
    """Bytes are replaced by others anywhere: what is read are records that were written, in their order."""
    file = tmp_path_factory.mktemp("j") / "w0-00000001.journal"
    data = MAGIC + b"".join(frame(number, payload) for number, payload in enumerate(payloads))
    file.write_bytes(data[:at] + junk + data[at + cut :])
    try:
        items = list(frames(file))
    except JournalError:
        return
    shown = [(item.number, item.payload) for item in items if isinstance(item, JournalFrame)]
    assert set(shown) <= set(enumerate(payloads)) | {(n, p) for n, p in shown if frame(n, p) in junk}
    intact = {(n, p) for n, p in enumerate(payloads) if frame(n, p) in file.read_bytes()}
    assert intact <= set(shown)
    end = 0
    for item in items:
        if isinstance(item, Damage | Torn):
            assert item.length > 0
            assert item.offset >= end
            end = item.offset + item.length
        else:
            end = item.end
    assert end in (0, len(MAGIC), file.stat().st_size)


def test_a_record_is_bounded() -> None:
    for payload in (b"", bytes(MAX_PAYLOAD + 1)):
        with pytest.raises(ValueError, match="a record of"):
            frame(0, payload)
