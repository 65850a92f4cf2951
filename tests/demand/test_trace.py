"""Traces: which columns they have, and what their requests add up to."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from detente.demand.trace import TraceSource
from tests.demand.demand_files import START, csv_of, load, periods, read, real, refused


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
    ],
)
def test_columns_in_doubt(tmp_path: Path, header: str, columns: dict[str, str], said: str) -> None:
    found = refused(tmp_path, f"{header}\n", columns=columns)
    assert found.startswith("t.csv:1:1: has ")
    assert said in found
    assert "name yours under `columns:`" in found


def test_mooncake_counts_milliseconds_from_zero(tmp_path: Path) -> None:
    head = "timestamp,input_length,output_length"
    found = read(tmp_path, head + ",hash_ids\n0,30,10,[0]\n3600000,0,0,[0]\n")
    assert found.pattern.rates == (Fraction(40, 10**6),)
    assert refused(tmp_path, head + "\n0,30,10\n3600000,0,0\n") == (
        "t.csv:2:1: `0` is a time without its unit; add `unit: s`, `ms`, `us` or `ns`"
    )


def test_an_hour_without_requests_is_an_hour_without_demand(tmp_path: Path) -> None:
    found = read(tmp_path, csv_of([(START, 5, 0), (START + timedelta(hours=24), 5, 0)]), as_="day")
    assert found.pattern.rates[1:] == (Fraction(0),) * 23


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
        "t.csv:3:4: `-1` in `output` is not a whole number of tokens, from 0 to 1e9; correct it, or leave the row out",
        "t.csv:4:3: `nan` in `input` is not a whole number of tokens, from 0 to 1e9; correct it, or leave the row out",
        "t.csv:4:4: `1e40` in `output` is not a whole number of tokens, from 0 to 1e9; "
        "correct it, or leave the row out",
        "t.csv:5:1: has 2 values where the header has 4; check its commas and quotes",
        "t.csv:6:2: `1965-01-05T02:00Z` in `timestamp` is not a time from 1970 to 2200; "
        "write for example `2026-01-31T13:45:00Z`",
        "t.csv:6:3: `1.5` in `input` is not a whole number of tokens, from 0 to 1e9; correct it, or leave the row out",
        "t.csv:6:4: nothing in `output` is not a whole number of tokens, from 0 to 1e9; "
        "correct it, or leave the row out",
    ]


def test_digits_of_another_script_are_told_and_not_read(tmp_path: Path) -> None:
    content = "timestamp,input,output\n2026-01-05T00:00Z,\u0663,1_0\n2026-01-05T01:00Z,5\u00a0,1__0\n"
    assert refused(tmp_path, content).split("\n") == [
        "t.csv:2:2: `\u0663` in `input` is not a whole number of tokens, from 0 to 1e9; write digits from 0 to 9",
        "t.csv:3:3: `1__0` in `output` is not a whole number of tokens, from 0 to 1e9; "
        "write an underscore only between two digits, such as `1_000`",
    ]


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
