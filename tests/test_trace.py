"""Demand from files: what is read, how it is folded, and that no bytes end in a traceback."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from detente import trace
from detente.errors import MissingExtraError
from detente.period import Horizon, Period
from detente.trace import Table, TraceSource

DATA = Path(os.environ.get("DETENTE_DATA") or Path(__file__).parents[2] / "shared" / "data") / "workload"
real = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real data are not here; set DETENTE_DATA to their folder"
)

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def spelled(keys: dict[str, Any]) -> dict[str, Any]:
    return {key.rstrip("_").replace("_", "-"): value for key, value in keys.items()}


def read(
    folder: Path, content: str | bytes, kind: Any = TraceSource, name: str = "t.csv", **keys: Any
) -> Any:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return kind.model_validate({"file": name, **spelled(keys)}).read(folder)


def refused(folder: Path, content: str | bytes, kind: Any = TraceSource, **keys: Any) -> str:
    with pytest.raises(ValueError, match=r"^t\.csv") as error:
        read(folder, content, kind, **keys)
    return str(error.value)


def csv_of(rows: list[tuple[datetime, int, int]]) -> str:
    return "timestamp,input_tokens,output_tokens\n" + "".join(f"{t:%FT%T.%fZ},{i},{o}\n" for t, i, o in rows)


def hourly(hours: int, start: datetime = START, size: Any = lambda h: 1000 + h) -> str:
    """A request at the start and the end of each hour; the last one closes the trace."""
    rows = []
    for h in range(hours):
        at = start + timedelta(hours=h)
        rows += [(at, size(h), 0), (at + timedelta(minutes=59, seconds=59, microseconds=999_999), 0, size(h))]
    return csv_of(rows)


def periods(
    every: str, start: str = "2026-01-05", end: str = "2026-02-02", **more: str
) -> tuple[Period, ...]:
    return Horizon.model_validate({"start": start, "end": end, "every": every, **more}).periods()


def parquet(columns: dict[str, Any]) -> bytes:
    pyarrow, written = pytest.importorskip("pyarrow"), io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), written)
    return written.getvalue()


# ---- a trace -----------------------------------------------------------------------------------------------


def test_mean_is_all_tokens_over_the_time_from_first_to_last(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:00.0000000,300,100\n"
        "2023-11-16 20:15:00,500,100\n"
        "2023-11-16 18:45:00,0,0\n",
    )
    month = periods("month")[0]
    assert found.hourly(month) == Fraction(1000, 2 * 10**6)
    assert found.mix == (Fraction(1, 5), None)
    # printf 'mean\n0\n1/5\n0\n1/2000' | sha256sum
    assert found.digest == "699f64b1b8c76537815d6c5bc4746e4cc1a45f8806ded9d04fc570809d1d74f5"


def test_scale_is_exact_and_outside_the_digest(tmp_path: Path) -> None:
    plain, scaled = (read(tmp_path, hourly(2), scale=s) for s in ("1", "0.1"))
    month = periods("month")[0]
    assert scaled.hourly(month) * 10 == plain.hourly(month)
    assert scaled.digest == plain.digest


def test_nothing_is_read_before_read() -> None:
    with pytest.raises(ValueError, match="was not read"):
        _ = TraceSource(file="t.csv").digest


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,context_tokens,generated_tokens",
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "Timestamp,Request tokens,Response tokens",
        "arrived_at,num_prefill_tokens,num_decode_tokens",
        "created_at,prompt_tokens,completion_tokens",
        "time, Input , Output ",
        "\ufefftimestamp,input_length,output_length",
    ],
)
def test_well_known_columns(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, header + "\n2026-01-05T00:00Z,30,10\n2026-01-05 01:00+00:00,0,0\n")
    assert found.pattern.rates == (Fraction(40, 10**6),)


def test_columns_by_name_in_any_order(tmp_path: Path) -> None:
    content = "who,out,in,in2,when\nx,10,30,7,2026-01-05T00:00Z\n\ny,0,0,7,2026-01-05T02:00+01:00\n"
    found = read(tmp_path, content, columns={"timestamp": "when", "input": "IN", "output": "out"})
    assert found.pattern.rates == (Fraction(40, 10**6),)


@pytest.mark.parametrize(
    ("header", "columns", "said"),
    [
        (
            "when,in,out",
            {},
            "no column known as `timestamp`, no column known as `input`, no column known as `output`",
        ),
        ("time,ts,input,output", {}, "2 columns known as `timestamp`"),
        ("time,input,output", {"input": "inputs"}, "no column named `inputs`"),
        ("time,input,output", {"input": "output"}, "one column, `output`, for two things"),
        ("time;input;output", {}, "its columns are `time;input;output`"),
    ],
)
def test_columns_in_doubt(tmp_path: Path, header: str, columns: dict[str, str], said: str) -> None:
    found = refused(tmp_path, f"{header}\n", columns=columns)
    assert found.startswith("t.csv:1:1: has ")
    assert said in found
    assert "name yours under `columns:`" in found


@pytest.mark.parametrize(
    ("first", "unit"),
    [("1767571200", None), ("1767571200000", None), ("1767571200000000000", None), ("0", "s")],
)
def test_numbers_are_times(tmp_path: Path, first: str, unit: str | None) -> None:
    hour = 3600 * 10 ** max(0, len(first) - 10)
    content = f"ts,input,output\n{first},30,10\n{int(first) + hour},0,0\n"
    found = read(tmp_path, content, unit=unit, as_="dated", **({"starts": "2026-01-05"} if unit else {}))
    assert found.pattern.rates[0] == Fraction(40, 10**6)
    assert found.hourly(periods("hour", end="2026-01-06")[0]) == Fraction(40, 10**6)


def test_mooncake_counts_milliseconds_from_zero(tmp_path: Path) -> None:
    head = "timestamp,input_length,output_length"
    found = read(tmp_path, head + ",hash_ids\n0,30,10,[0]\n3600000,0,0,[0]\n")
    assert found.pattern.rates == (Fraction(40, 10**6),)
    assert refused(tmp_path, head + "\n0,30,10\n3600000,0,0\n") == (
        "t.csv:2:1: `0` is a time without its unit; add `unit: s`, `ms`, `us` or `ns`"
    )


def test_time_zero_is_a_monday_unless_said(tmp_path: Path) -> None:
    content = "ts,input,output\n" + "".join(f"{h * 3600},{h},0\n{h * 3600 + 3599},0,0\n" for h in range(168))
    monday = read(tmp_path, content, unit="s", as_="week")
    assert monday.pattern.rates[5] == Fraction(5, 10**6)
    tuesday = read(tmp_path, content, unit="s", as_="week", starts="2026-01-06")
    assert tuesday.pattern.rates[5 + 24] == Fraction(5, 10**6)
    assert "needs dates; add `starts: 2026-01-05`" in refused(tmp_path, content, unit="s", as_="dated")
    assert "leave out `starts`" in refused(tmp_path, hourly(2), starts="2026-01-05")


# ---- folding -----------------------------------------------------------------------------------------------


def test_day_and_week(tmp_path: Path) -> None:
    week = read(tmp_path, hourly(2 * 168), as_="week")
    assert [round(r * 10**6) for r in week.pattern.rates[:3]] == [2168, 2170, 2172]
    hours = periods("hour")
    assert week.hourly(hours[0]) == week.pattern.rates[0]
    assert week.hourly(hours[168 + 30]) == week.pattern.rates[30]
    day = read(tmp_path, hourly(48), as_="day")
    assert [round(r * 10**6) for r in day.pattern.rates[:3]] == [2024, 2026, 2028]
    assert len(day.pattern.rates) == 24
    typical = periods("hour", "2026-01-01", "2026-03-01", typical="week")
    assert week.hourly(typical[30]) == week.pattern.rates[30]


def test_an_hour_without_requests_is_an_hour_without_demand(tmp_path: Path) -> None:
    found = read(tmp_path, csv_of([(START, 5, 0), (START + timedelta(hours=24), 5, 0)]), as_="day")
    assert found.pattern.rates[1:] == (Fraction(0),) * 23


def test_partial_hours_count_by_the_time_that_is_covered(tmp_path: Path) -> None:
    begin = START + timedelta(minutes=45)
    rows = [
        (begin + timedelta(minutes=15 * q), 100, 0) for q in range(4 * 24 + 3)
    ]  # to 01:15 on the next day
    found = read(tmp_path, csv_of(rows), as_="day")
    assert found.pattern.rates[0] == Fraction(5 * 100, 10**6) / Fraction(75, 60)
    assert found.pattern.rates[12] == Fraction(4 * 100, 10**6)


def test_too_short_for_its_pattern(tmp_path: Path) -> None:
    assert refused(tmp_path, hourly(3), as_="day") == (
        "t.csv: covers 3.0 hours, and `as: day` needs half an hour of each of its 24 hours: "
        "21 lack (03:00, 04:00, 05:00, …); write `as: mean`"
    )
    assert "covers 6.0 days, and `as: week`" in refused(tmp_path, hourly(144), as_="week")
    assert "24 lack (Sun 00:00, Sun 01:00" in refused(tmp_path, hourly(144), as_="week")
    # 23 hours and 25 minutes: the hour that is cut in two has 25 minutes in all, and five of them say little.
    rows = [(START + timedelta(minutes=40), 1, 1), (START + timedelta(hours=24, minutes=5), 1, 1)]
    assert "1 lack (00:00)" in refused(tmp_path, csv_of(rows), as_="day")


def test_dated_hours_must_cover_the_plan(tmp_path: Path) -> None:
    found = read(tmp_path, hourly(28 * 24), as_="dated")
    each = [found.hourly(p) for p in periods("hour")]
    assert each[100] == Fraction(2 * 1100, 10**6)
    assert [found.hourly(p) for p in periods("week")][1] == sum(each[168:336]) / 168
    assert found.uncovered(START, START + timedelta(days=28)) == ""
    with pytest.raises(
        ValueError, match=r"no data for the hour of 2026-02-02 00:00, only from 2026-01-05 00:00"
    ):
        found.hourly(periods("day", end="2026-02-04")[28])
    assert "`as: week`" in found.uncovered(START, START + timedelta(days=29))


def test_dated_hours_in_a_typical_week_are_the_like_hours_of_the_month(tmp_path: Path) -> None:
    found = read(tmp_path, hourly(31 * 24, datetime(2026, 1, 1, tzinfo=UTC)), as_="dated")
    typical = periods("hour", "2026-01-01", "2026-02-01", typical="week")
    thursdays = [h for h in range(31 * 24) if h % 168 == 5]  # the month begins on a Thursday
    friday_hours = found.hourly(typical[3 * 24 + 5])
    assert friday_hours == Fraction(sum(2 * (1000 + h) for h in thursdays), len(thursdays) * 10**6)
    assert sum(found.hourly(p) * p.hours for p in typical) > 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kind=st.sampled_from(["mean", "day", "week"]),
    every=st.sampled_from(["day", "week", "month"]),
    minutes=st.integers(10_080, 15_000),
    seed=st.integers(0, 2**32),
)
def test_a_longer_period_is_the_mean_of_its_hours(
    tmp_path: Path, kind: str, every: str, minutes: int, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [
        (START + timedelta(minutes=chance.randrange(minutes)), chance.randrange(900), 5) for _ in range(300)
    ]
    rows += [(START, 1, 0), (START + timedelta(minutes=minutes), 1, 0)]
    found = read(tmp_path, csv_of(rows), as_=kind)
    hours = [found.hourly(p) for p in periods("hour", "2026-01-01", "2026-03-20")]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for period in periods(every, "2026-01-01", "2026-03-20"):
        a, b = ((at - begin) // timedelta(hours=1) for at in (period.start, period.end))
        assert found.hourly(period) == sum(hours[a:b]) / (b - a)
    # Nothing is lost: the rates by the time they stand for are the tokens of the file.
    if kind == "mean":
        assert found.pattern.rates[0] * minutes / 60 == Fraction(sum(i + o for _, i, o in rows), 10**6)


# ---- formats -----------------------------------------------------------------------------------------------


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
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


def test_nanoseconds_and_days_of_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    at = [1767571200 * 10**9 + 1, 1767571200 * 10**9 + 3600 * 10**9 + 1]
    for zone in (None, "Europe/Zurich"):
        times = pyarrow.array(at, pyarrow.timestamp("ns", zone))
        found = read(tmp_path, parquet({"time": times, "input": [30, 0], "output": [10, 0]}), as_="dated")
        assert found.pattern.rates[0] == Fraction(40, 10**6)
    days = pyarrow.array([20458, 20459], pyarrow.date32())
    found = read(tmp_path, parquet({"time": days, "input": [30, 0], "output": [10, 0]}))
    assert found.pattern.rates == (Fraction(40, 24 * 10**6),)


# ---- mistakes ----------------------------------------------------------------------------------------------


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    content = (
        "id,timestamp,input,output\n"
        "a,2026-01-05T00:00Z,30,10\n"
        "b,05/01/2026,30,-1\n"
        "c,2026-01-05T01:00Z,nan,1e40\n"
        "d,2026-01-05T02:00Z\n"
        "e,1965-01-05T02:00Z,1.5,\n"
    )
    columns = {"input": "input", "output": "output"}
    assert refused(tmp_path, content, columns=columns).split("\n") == [
        "t.csv:3:2: `05/01/2026` in `timestamp` is not a time from 1970 to 2200; "
        "write for example `2026-01-31T13:45:00Z`",
        "t.csv:3:4: `-1` in `output` is not a whole number of tokens, from 0 to 1e9",
        "t.csv:4:3: `nan` in `input` is not a whole number of tokens, from 0 to 1e9",
        "t.csv:4:4: `1e40` in `output` is not a whole number of tokens, from 0 to 1e9",
        "t.csv:5:1: has 2 values where the header has 4",
        "t.csv:6:2: `1965-01-05T02:00Z` in `timestamp` is not a time from 1970 to 2200; "
        "write for example `2026-01-31T13:45:00Z`",
        "t.csv:6:3: `1.5` in `input` is not a whole number of tokens, from 0 to 1e9",
        "t.csv:6:4: nothing in `output` is not a whole number of tokens, from 0 to 1e9",
    ]


def test_ten_mistakes_are_enough(tmp_path: Path) -> None:
    found = refused(tmp_path, "time,input,output\n" + "x\n" * 50).split("\n")
    assert len(found) == 10
    assert found[-1] == "t.csv:11:1: has 1 values where the header has 3 (no more is shown)"


PACKED = gzip.compress(b"time,input,output\n" + b"2026-01-05,1,1\n" * 500, mtime=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (gzip.compress(b""), "is empty"),
        (b"time,input,output\n", "has no rows below its header"),
        (b"time,input,output\n2026-01-05,1,1\n", "all rows are at one moment"),
        (b"time,input,output\n2026-01-05,0,0\n2026-01-06,0,0\n", "no row has any tokens"),
        (b"time,input,output\n2026-01-05,1,1\n2126-01-06,0,0\n", "covers 36525.0 days; check the times"),
        (b"time,input,output\n2026-01-05,\xff,1\n", "t.csv:2:1: byte 0xff is not UTF-8 text"),
        ("time,input,output\n".encode("utf-16"), "byte 0xff is not UTF-8 text"),
        (b'time,input,output\n"2026-01-05,1,1\n', "is not CSV: unexpected end of data"),
        (b"time,input,output\r2026-01-05,1,1\r", "is not CSV"),
        (b"a" * 2**20, "a line is longer than 1 MiB"),
        (PACKED[:60], "cannot be read"),
        (PACKED[:-8] + bytes(8), "cannot be read: CRC check failed"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "cannot be read"),
        (b"PAR1", "cannot be read"),
        (gzip.compress(b"PAR1nothing"), "cannot be read"),
        (b"PK\x03\x04" + bytes(range(256)), r"its columns are `PK\x03\x04"),
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
    monkeypatch.setattr(trace, "MOST_ROWS", 1)
    assert "has 2 rows, more than 1" in refused(tmp_path, flat)
    monkeypatch.setattr(trace, "MOST_UNPACKED", 50)
    assert "unpacks to more than" in refused(tmp_path, gzip.compress(content.encode()))
    monkeypatch.setattr(trace, "MOST_LINE", 64)
    assert "unpacks to more than" in refused(tmp_path, gzip.compress(flat))
    monkeypatch.setattr(trace, "MOST_BYTES", 50)
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


WHOLE = hourly(3).encode()
TWO = {"time": [START, START + timedelta(1)], "input": [1, 1], "output": [1, 1]}
FLAT = parquet(TWO) if find_spec("pyarrow") else b"PAR1"


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


FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
KEYS: dict[str, Any] = {"columns": {"timestamp": "time", "input": "input", "output": "output"}, "as": "mean"}


@FUZZ
@given(
    head=st.sampled_from(
        [b"", b"time,input,output\n", b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbftime,input,output\n1,"]
    ),
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
    st.sampled_from(
        ["0", "-0", "1e3", "1e-30", "inf", "NaN", "1_0", "٣", "2026-01-05", "0001-01-01T00:00+14:00"]
    ),
    st.sampled_from(
        ["9999-12-31T23:59:59-12:00", "1767571200", "1e400", "true", "", " 7 ", "24:00", "2026-W01-1"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@FUZZ
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), unit=st.sampled_from([None, "s", "ns"]))
def test_no_cell_ends_in_a_traceback(
    tmp_path: Path, rows: list[tuple[str, str, str]], unit: str | None
) -> None:
    content = "time,input,output\n" + "".join(",".join(row) + "\n" for row in rows)
    survives(tmp_path, content.encode(errors="surrogatepass"), unit=unit, **KEYS)


@FUZZ
@given(
    whole=st.sampled_from([WHOLE, FLAT, gzip.compress(WHOLE), gzip.compress(FLAT)]),
    where=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 20),
    put=st.binary(max_size=20),
)
def test_no_damage_ends_in_a_traceback(
    tmp_path: Path, whole: bytes, where: float, cut: int, put: bytes
) -> None:
    at = int(where * len(whole))
    survives(tmp_path, whole[:at] + put + whole[at + cut :])


# ---- a table -----------------------------------------------------------------------------------------------

RATES = "when,rate\n2026-01-05T00:00Z,100\n2026-01-05T00:30Z,0.1\n2026-01-05T01:00Z,200\n"


def test_a_row_lasts_until_the_next_and_the_last_as_long_as_the_one_before(tmp_path: Path) -> None:
    columns = {"timestamp": "when", "rate": "rate"}
    found = read(tmp_path, RATES, Table, columns=columns, per="hour", as_="dated")
    assert found.pattern.rates == (Fraction("50.05") / 10**6, Fraction(200, 10**6))
    second = read(tmp_path, RATES, Table, columns=columns, per="second")
    assert second.hourly(periods("month")[0]) == Fraction("300.1") * 3600 / 3 / 10**6
    with pytest.raises(ValueError, match=r"does not tell output from input; state `mix:`"):
        _ = found.mix


def test_requests_by_their_mean_tokens(tmp_path: Path) -> None:
    content = "t,rps,in,out\n0,2,100,50\n86400,4,100.5,0.25\n"
    columns = {"timestamp": "t", "requests": "rps", "input": "in", "output": "out"}
    found = read(tmp_path, content, Table, columns=columns, per="minute", unit="s", as_="day")
    tokens = Fraction(2 * 150 + 4 * Fraction("100.75"), 2)
    assert set(found.pattern.rates) == {tokens * 60 / 10**6}
    assert found.mix == (Fraction(101, 2 * 150 + 403), None)
    apart = {"timestamp": "t", "input": "in", "output": "out"}
    same = read(
        tmp_path,
        "t,in,out\n0,200,100\n86400,402,1\n",
        Table,
        columns=apart,
        per="minute",
        unit="s",
        as_="day",
    )
    assert (same.digest, same.mix) == (found.digest, found.mix)


def test_a_table_equals_the_trace_it_counts(tmp_path: Path) -> None:
    rows = [(START + timedelta(minutes=m), 7 * m % 900, m % 40) for m in range(60 * 24)]
    whole = read(tmp_path, csv_of([*rows, (START + timedelta(1), 0, 0)]), as_="day")
    columns = {"timestamp": "timestamp", "input": "input_tokens", "output": "output_tokens"}
    table = read(tmp_path, csv_of(rows), Table, columns=columns, per="minute", as_="day")
    assert table.pattern == whole.pattern


def test_rates_in_parquet_are_those_of_csv(tmp_path: Path) -> None:
    columns = {"timestamp": "when", "rate": "rate"}
    found = read(tmp_path, RATES, Table, columns=columns, per="hour")
    times = [START, START + timedelta(minutes=30), START + timedelta(hours=1)]
    flat = parquet({"when": times, "rate": [100.0, 0.1, 200.0]})
    assert read(tmp_path, flat, Table, columns=columns, per="hour").digest == found.digest


def test_mistakes_of_a_table(tmp_path: Path) -> None:
    columns = {"timestamp": "when", "rate": "rate"}
    content = "when,rate\n2026-01-05,1\n2026-01-05T00:00Z,2\n2026-01-06,-1\n2026-01-07,inf\n"
    assert refused(tmp_path, content, Table, columns=columns, per="hour").split("\n") == [
        "t.csv:3:1: `2026-01-05T00:00Z` has a row already; keep one, or add them up",
        "t.csv:4:2: `-1` in `rate` is not a number from 0 to 1e24",
        "t.csv:5:2: `inf` in `rate` is not a number from 0 to 1e24",
    ]
    assert "has one time only" in refused(
        tmp_path, "when,rate\n2026-01-05,1\n", Table, columns=columns, per="hour"
    )
    assert "no row has any tokens" in refused(
        tmp_path, "when,rate\n2026-01-05,0\n2026-01-06,0\n", Table, columns=columns, per="hour"
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "`format: rates` needs `columns`"),
        ({"columns": {"timestamp": "t", "rate": "r"}}, "needs `per`"),
        ({"columns": {"timestamp": "t", "rate": "r"}, "per": "hour", "tokens": "x"}, "has no `tokens`"),
        ({"columns": {"timestamp": "t"}, "per": "hour"}, "name one of the two"),
        (
            {"columns": {"timestamp": "t", "rate": "r", "input": "i", "output": "o"}, "per": "hour"},
            "name one",
        ),
        ({"columns": {"timestamp": "t", "input": "i"}, "per": "hour"}, "name one of the two"),
        ({"columns": {"timestamp": "t", "rate": "r", "requests": "q"}, "per": "hour"}, "instead of `rate`"),
        ({"format": "servegen"}, "`format: servegen` needs `tokens`"),
        ({"format": "servegen", "tokens": "x", "per": "hour"}, "has no `per`"),
        ({"format": "servegen", "tokens": "x", "scale": "0"}, "not a factor above zero"),
    ],
)
def test_tables_that_do_not_say_enough(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        Table.model_validate({"file": "t.csv", **keys})
    assert said in str(error.value)


# ---- ServeGen ----------------------------------------------------------------------------------------------

TOKENS = "model,client,window_start_s,field,mean\n" + "".join(
    f"m,{client},{window},{field},{mean}\n"
    for client, window, given_, made in [(0, 0, 100, 10), (0, 21600, 200, 20), (1, 0, 1000, 0.5)]
    for field, mean in [("input_tokens", given_), ("output_tokens", made), ("image_count", 3)]
)
REQUESTS = "model,client,t_s,rate_rps,cv\n" + "".join(
    f"{model},{client},{t},{rate},1\n"
    for model, client, rates in [("m", 0, (1, 2)), ("m", 1, (3, 0)), ("m", 10, (0.5, 0)), ("n", 0, (9, 9))]
    for t, rate in zip((0, 21600), rates, strict=True)
)


def servegen(folder: Path, requests: str = REQUESTS, tokens: str = TOKENS, **keys: Any) -> Any:
    (folder / "tokens.csv").write_text(tokens)
    return read(folder, requests, Table, format="servegen", tokens="tokens.csv", **keys)


def test_servegen_multiplies_requests_by_their_tokens(tmp_path: Path) -> None:
    found = servegen(tmp_path, model="m", tenants=["0", "1"], as_="dated", starts="2026-01-05")
    assert found.pattern.rates[0] == Fraction(1 * 110 + 3 * Fraction("1000.5")) * 3600 / 10**6
    assert found.pattern.rates[6] == Fraction(2 * 220 * 3600, 10**6)
    assert found.mix[0] == Fraction(10 + Fraction("1.5") + 40, 110 + Fraction("3001.5") + 440)
    assert (found.left_out, found.left_out_share) == ((), 0)


def test_servegen_without_tokens_is_refused_or_left_out_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"t\.csv") as error:
        servegen(tmp_path, model="m")
    assert str(error.value) == (
        "t.csv: `tokens.csv` lacks tokens of tenants 10 (1 in all, with 7.7% of the requests); "
        "write `missing-tokens: skip` to leave these out"
    )
    found = servegen(tmp_path, model="m", missing_tokens="skip")
    assert (found.left_out, found.left_out_share) == (("10",), Fraction(1, 13))
    assert found.pattern.rates == servegen(tmp_path, model="m", tenants=["0", "1"]).pattern.rates
    assert found.digest != servegen(tmp_path, model="m", tenants=["0", "1"]).digest


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "t.csv: has requests of 2 models; add `model:`, one of m, n"),
        ({"model": "o"}, "t.csv: has no model `o`; allowed: `m`, `n`"),
        ({"model": "m", "tenants": ["0", "11"]}, "t.csv: has no tenant `11`; did you mean `1`?"),
        (
            {"model": "m", "requests": REQUESTS + "m,0,0,1,1\n"},
            "t.csv:10:3: `0` has a row of `0` already; keep one",
        ),
        (
            {"model": "m", "tokens": TOKENS + "m,0,0,input_tokens,x\n"},
            "tokens.csv:11:5: `x` in `mean` is not a number",
        ),
        (
            {"model": "m", "tokens": TOKENS + "m,0,0,input_tokens,7\n"},
            "tokens.csv:11:5: `input_tokens` of `0` has a",
        ),
        ({"model": "m", "tokens": "a,b\n1,2\n"}, "tokens.csv:1:1: has no column named `window_start_s`"),
        ({"model": "n", "missing_tokens": "skip"}, "no row has any tokens"),
        ({"model": "m", "missing_tokens": "skip", "as_": "dated"}, "add `starts: 2026-01-05`"),
    ],
)
def test_mistakes_of_servegen(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="csv") as error:
        servegen(tmp_path, **keys)
    assert said in str(error.value)


# ---- real data ---------------------------------------------------------------------------------------------


def load(kind: Any, **keys: Any) -> Any:
    return kind.model_validate(spelled(keys)).read(DATA)


@real
def test_azure_2023() -> None:
    found = load(TraceSource, file="azure_llm_2023_conv.csv.gz")
    # awk on the file: 22,361,870 and 4,088,665 tokens, 18:15:46.680590 to 19:14:08.402527
    assert found.mix[0] == Fraction(4_088_665, 22_361_870 + 4_088_665)
    assert found.pattern.rates[0] == Fraction(26_450_535, 10**6) / Fraction(3_501_721_937, 3_600_000_000)
    with pytest.raises(ValueError, match=r"covers 58.4 minutes, and `as: day`"):
        load(TraceSource, file="azure_llm_2023_conv.csv.gz", as_="day")


@real
def test_mooncake() -> None:
    pytest.importorskip("pyarrow")
    found = load(TraceSource, file="mooncake_conversation.parquet")
    assert 150 < found.pattern.rates[0] < 152
    assert 0.027 < found.mix[0] < 0.028


@real
def test_servegen() -> None:
    pytest.importorskip("pyarrow")
    keys = {"file": "servegen_rates.parquet", "tokens": "servegen_tokens.parquet", "format": "servegen"}
    with pytest.raises(ValueError, match=r"\(15 in all, with 39.4% of the requests\)"):
        load(Table, **keys, model="m-large")
    found = load(Table, **keys, model="m-large", missing_tokens="skip", as_="week")
    assert len(found.pattern.rates) == 168
    assert len(found.left_out) == 15
    # By a join in polars: rate x (mean input + mean output) x 600 s, summed by hour of the week.
    assert float(found.pattern.rates[0]) == pytest.approx(796.6782081955682, rel=1e-12)
    assert float(found.pattern.rates[100]) == pytest.approx(426.67264713186535, rel=1e-12)
    mean = load(Table, **keys, model="m-large", missing_tokens="skip")
    assert float(mean.hourly(periods("month")[0])) == pytest.approx(493.89054443116373, rel=1e-12)
