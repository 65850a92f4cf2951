"""Sheets: every format reads the same, mistakes are placed, and no bytes end in a traceback."""

from __future__ import annotations

import gzip
import os
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from detente.demand.table import Table
from detente.demand.trace import TraceSource
from detente.errors import MissingExtraError
from detente.values import sheet
from tests.demand.demand_files import START, csv_of, hourly, parquet, periods, read, refused

PACKED = gzip.compress(b"time,input,output\n" + b"2026-01-05,1,1\n" * 500, mtime=0)
TWO = {"time": [START, START + timedelta(1)], "input": [1, 1], "output": [1, 1]}
WHOLE = hourly(3).encode()


@cache
def columns() -> bytes:
    """A Parquet file, or what looks like one where none can be written."""
    return parquet(TWO) if find_spec("pyarrow") else b"PAR1"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(
            st.datetimes(datetime(2026, 1, 5), datetime(2026, 1, 25), timezones=st.just(UTC)),
            st.integers(0, 100_000),
            st.integers(0, 5_000),
        ),
        min_size=2,
        max_size=30,
    ),
    kind=st.sampled_from(["mean", "dated"]),
    seed=st.randoms(use_true_random=False),
)
def test_every_format_and_order_reads_the_same(tmp_path: Path, rows: Any, kind: str, seed: Any) -> None:
    text = csv_of(rows)
    assume(len({t for t, _, _ in rows}) > 1)
    assume(any(i + o for _, i, o in rows))
    found = read(tmp_path, text, as_=kind)
    shuffled = list(rows)
    seed.shuffle(shuffled)
    times, given_, made = (list(column) for column in zip(*rows, strict=True))
    names = ("ts", "prompt_tokens", "completion_tokens")
    flat = parquet(dict(zip(names, (times, given_, made), strict=True)))
    as_numbers = [(t - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for t in times]
    forms: list[tuple[str | bytes, dict[str, str]]] = [
        (gzip.compress(text.encode()), {}),
        (csv_of(shuffled), {}),
        (flat, {}),
        (gzip.compress(flat), {}),
        (parquet(dict(zip(names, ([f"{t:%FT%T.%f}" for t in times], given_, made), strict=True))), {}),
        (
            parquet(dict(zip(names, (as_numbers, [float(i) for i in given_], made), strict=True))),
            {"unit": "us"},
        ),
        ("ts,input,output\n" + "".join(f"{t},{i}.0,{o}\n" for t, i, o in rows), {}),
    ]
    for content, keys in forms:
        other = read(tmp_path, content, as_=kind, **keys)
        assert (other.digest, other.mix) == (found.digest, found.mix)


def test_ten_mistakes_are_enough(tmp_path: Path) -> None:
    found = refused(tmp_path, "time,input,output\n" + "x\n" * 50).split("\n")
    assert len(found) == 10
    what = "t.csv:11:1: has 1 values where the header has 3"
    assert found[-1] == f"{what}; check its commas and quotes (no more is shown)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"time,input,output\n", "has no rows below its header"),
        (b"time,input,output\n2026-01-05,1,1\n", "all rows are at one moment"),
        (b"time,input,output\n2026-01-05,0,0\n2026-01-06,0,0\n", "no row has any tokens"),
        (b"time,input,output\n2026-01-05,1,1\n2126-01-06,0,0\n", "covers 36525.0 days; check the times"),
        (b"time,input,output\n2026-01-05,\xff,1\n", "t.csv:2:2: byte 0xff is not UTF-8 text"),
        ("time,input,output\n".encode("utf-16"), "byte 0xff is not UTF-8 text"),
        (b'time,input,output\n"2026-01-05,1,1\n', "is not CSV: unexpected end of data"),
        (b"time,input,output\r2026-01-05,1,1\r", "is not CSV"),
        (b"a" * 2**20, "t.csv:1:1: is a line of more than 1 MiB"),
        (
            b'time,input,output\n2026-01-05,"1,1\n2026-01-06,1,1\n',
            "t.csv:2:1: is not CSV: unexpected end of data (lines 2",
        ),
        (PACKED[:60], "cannot be read"),
        (PACKED[:-8] + bytes(8), "cannot be read: CRC check failed"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "cannot be read"),
        (b"PAR1", "cannot be read"),
        (gzip.compress(b"PAR1nothing", mtime=0), "cannot be read"),
        (b"PK\x03\x04" + bytes(range(256)), r"its columns are `PK\x03\x04"),
        (b"time;input;output\n2026-01-05;1;1\n", "stand apart by semicolons: save it with commas"),
        (b"time\tinput\toutput\n2026-01-05\t1\t1\n", "stand apart by tabs: save it with commas"),
        (b"time,input,output,input\n2026-01-05,1,1,1\n", "`input` is the name of two columns: rename one"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, said: str) -> None:
    columns = {"input": "input", "output": "output"}
    assert said in refused(tmp_path, content, columns=columns)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("none.csv", "folder", "x" * 200, "folder/../none"):
        with pytest.raises(ValueError, match="there is no such file"):
            TraceSource(file=name).read(tmp_path)
    for name in ("/etc/passwd", "https://example.com/t.csv", "a\0b", ""):
        with pytest.raises(ValidationError):
            TraceSource(file=name)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = hourly(2)
    flat = parquet(TWO)
    monkeypatch.setattr(sheet, "MAX_ROWS", 1)
    assert "has 2 rows, more than 1" in refused(tmp_path, flat)
    monkeypatch.setattr(sheet, "MAX_UNPACKED", 50)
    assert "unpacks to more than" in refused(tmp_path, gzip.compress(content.encode()))
    monkeypatch.setattr(sheet, "MAX_LINE", 64)
    assert "unpacks to more than" in refused(tmp_path, gzip.compress(flat))
    monkeypatch.setattr(sheet, "MAX_BYTES", 50)
    assert "is larger than" in refused(tmp_path, content)


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"Parquet file `t.csv` .*detente\[parquet\]"):
        read(tmp_path, b"PAR1")


def test_values_of_a_wrong_kind_in_parquet(tmp_path: Path) -> None:
    for column in (
        [None, 1],
        [True, False],
        [[1], [2]],
        [START, START],
        [-1, 2],
        [1.5, 2.0],
        [2**62, 1],
        [b"\xff", b""],
    ):
        content = parquet({**TWO, "input": column})
        assert "in `input` is not a whole number of tokens" in refused(tmp_path, content)


def survives(folder: Path, content: bytes, kind: Any = TraceSource, **keys: Any) -> None:
    """It reads, or says why not in lines that begin with the file's name."""
    said = ""
    try:
        found = read(folder, content, kind, **keys)
    except ValueError as error:
        said = str(error)
    else:
        assert found.hourly(periods("month")[0]) >= 0
    assert all(line.startswith("t.csv:") and line.isprintable() for line in said.split("\n") if said)


FUZZ = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
KEYS: dict[str, Any] = {"columns": {"timestamp": "time", "input": "input", "output": "output"}, "as": "mean"}


@FUZZ
@given(
    head=st.sampled_from([b"", b"time,input,output\n", b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbftime,input,output\n1,"]),
    body=st.binary(max_size=300),
    packed=st.booleans(),
)
@example(b"time,input,output\n", b'1,1,"' + b"1" * 200_000, False)
@example(b"time,input,output\n", b"1e999999999999999999,1,1\n", False)
@example(b"time,input,output\n", b"2026-01-05T00:00:00+23:59,9" + b"9" * 5000 + b",1\n", False)
def test_no_bytes_end_in_a_traceback(tmp_path: Path, head: bytes, body: bytes, packed: bool) -> None:
    content = gzip.compress(head + body) if packed else head + body
    survives(tmp_path, content, **KEYS)
    rates = {"columns": {"timestamp": "time", "input": "input", "output": "output"}, "per": "hour"}
    survives(tmp_path, content, Table, **rates)


CELL = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["0", "-0", "1e3", "1e-30", "inf", "NaN", "1_0", "٣", "2026-01-05", "0001-01-01T00:00+14:00"]),
    st.sampled_from(["9999-12-31T23:59:59-12:00", "1767571200", "1e400", "true", "", " 7 ", "24:00", "2026-W01-1"]),
    st.integers().map(str),
    st.floats().map(str),
)


@FUZZ
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), unit=st.sampled_from([None, "s", "ns"]))
def test_no_cell_ends_in_a_traceback(tmp_path: Path, rows: list[tuple[str, str, str]], unit: str | None) -> None:
    content = "time,input,output\n" + "".join(",".join(row) + "\n" for row in rows)
    survives(tmp_path, content.encode(errors="surrogatepass"), unit=unit, **KEYS)


@FUZZ
@given(
    flat=st.booleans(),
    packed=st.booleans(),
    where=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 20),
    put=st.binary(max_size=20),
)
def test_no_damage_ends_in_a_traceback(
    tmp_path: Path, flat: bool, packed: bool, where: float, cut: int, put: bytes
) -> None:
    whole = columns() if flat else WHOLE
    whole = gzip.compress(whole, mtime=0) if packed else whole
    at = int(where * len(whole))
    survives(tmp_path, whole[:at] + put + whole[at + cut :])


def test_a_small_file_that_swells(tmp_path: Path) -> None:
    """One long text for 60,000 rows: 1.5 kB that took gigabytes."""
    resource = pytest.importorskip("resource")
    n = 60_000
    pyarrow = pytest.importorskip("pyarrow")
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * n, pyarrow.int32()), ["x" * 2**20])
    bomb = parquet({"time": text, "input": [1] * n, "output": [1] * n}, compression="zstd")
    assert len(bomb) < 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "has a text of 1,048,576 bytes in `time`, more than 1,024" in refused(tmp_path, bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_parquet_that_holds_no_plain_values(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for time in ([["a"], ["b"]], [{"a": "x"}, {"a": "y"}]):
        found = parquet({"time": time, "input": [1, 1], "output": [1, 1]})
        assert "give numbers, times or text" in refused(tmp_path, found)


def test_empty_lines_are_lines_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAX_LINES", 1000)
    bomb = gzip.compress(b"time,input,output\n" + b"\n" * 100_000)
    assert "has more than 10,000,000 rows" in refused(tmp_path, bomb)


def test_too_many_lines_are_refused_before_any_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAX_LINES", 1000)
    for packed in (bytes, gzip.compress):
        found = refused(tmp_path, packed(b"time,input,output\n" + b"not,a,number\n" * 2000))
        assert "has more than 10,000,000 rows" in found
        assert "number" not in found


def test_what_is_no_file_or_not_beside_the_case(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (tmp_path / "t.csv").write_text("secret,columns\n")
    os.mkfifo(case / "pipe")
    (case / "zero").symlink_to("/dev/zero")
    (case / "link").symlink_to(tmp_path / "t.csv")
    for name, what in (
        ("pipe", "it is a pipe, and not a file"),
        ("zero", "leads out of the case's folder"),
        ("link", "leads out of the case's folder"),
        ("../t.csv", "leads out of the case's folder"),
    ):
        with pytest.raises(ValueError, match=what) as raised:
            TraceSource(file=name).read(case)
        assert "secret" not in str(raised.value)
