"""A journal that is damaged: what is torn off is set aside, and what may be more than that is not touched."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import JournalError
from detente.ledger.journals.frames import MAGIC, MAX_PAYLOAD, Torn, read
from detente.ledger.journals.journal import Journal
from tests.ledger.journals.written import HEAD, PAYLOADS, written


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
