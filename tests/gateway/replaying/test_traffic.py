"""Traffic from a file: which columns are what, when calls are, and every mistake with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from detente.errors import CaseError
from detente.gateway.replaying.traffic import ReplayedCall, TraceTraffic
from detente.values.micros import HOUR, at_micros, micros

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def traffic(folder: Path, text: str, **more: Any) -> TraceTraffic:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    more = {"workload": "chat", **more}
    return TraceTraffic(folder / "t.csv", ("chat", "code"), **more)


def read(folder: Path, text: str, **more: Any) -> list[ReplayedCall]:
    return list(traffic(folder, text, **more).calls())


def wrong(folder: Path, text: str, **more: Any) -> list[str]:
    with pytest.raises(CaseError) as error:
        read(folder, text, **more)
    return [str(m).replace(f"{folder}/", "").replace("\n   ", "") for m in error.value.mistakes]


def test_columns_are_known_by_their_names_and_by_ours(tmp_path: Path) -> None:
    azure = "timestamp,context_tokens,generated_tokens\n2026-01-05 10:00:00.5,374,44\n"
    assert read(tmp_path, azure) == [ReplayedCall(micros(DAY) + 10 * HOUR + 500_000, "chat", 374, 0, 44, 1)]
    own = "when,workload,in,out,cached_tokens,calls\n2026-01-05T10:00+01:00,code,10,2,4,3\n"
    named = {"timestamp": "when", "input": "in", "output": "out"}
    assert read(tmp_path, own, columns=named) == [ReplayedCall(micros(DAY) + 9 * HOUR, "code", 10, 4, 2, 3)]


@pytest.mark.parametrize("name", ["cached", "cached_tokens", "cache_read_input_tokens", "input_cached_tokens"])
def test_cached_tokens_are_known_by_the_name_of_their_role_too(tmp_path: Path, name: str) -> None:
    text = f"timestamp,input,output,{name}\n2026-01-05,10,2,4\n"
    assert [call.cached for call in read(tmp_path, text)] == [4]


def test_the_first_call_is_moved_to_where_it_starts_and_all_others_with_it(tmp_path: Path) -> None:
    text = "timestamp,input,output\n1500,1,1\n4500,2,2\n"
    assert [call.at - micros(DAY) for call in read(tmp_path, text, unit="ms", starts=DAY)] == [0, 3_000_000]
    (said,) = wrong(tmp_path, text, unit="ms")
    assert said == "t.csv:2:1: its times count from zero say by `starts` when its first call is: `2026-01-05`"


def test_it_is_repeated_after_its_own_length_until_the_end(tmp_path: Path) -> None:
    """Four rows of six hours are a day; two of half an hour are an hour."""
    rows = "\n".join(f"2026-01-05T{hour:02d}:00,1,1" for hour in (0, 6, 12, 18))
    until = DAY.replace(day=8, hour=7)
    found = read(tmp_path, f"timestamp,input,output\n{rows}\n", until=until)
    assert len(found) == 3 * 4 + 2
    assert {b.at - a.at for a, b in pairwise(found)} == {6 * HOUR}
    assert at_micros(found[-1].at) == DAY.replace(day=8, hour=6)
    halves = read(
        tmp_path, "timestamp,input,output\n2026-01-05T00:00,1,1\n2026-01-05T00:30,1,1\n", until=DAY.replace(hour=2)
    )
    assert [call.at - micros(DAY) for call in halves] == [0, HOUR // 2, HOUR, HOUR + HOUR // 2]
    assert read(tmp_path, "timestamp,input,output\n2026-01-05T00:00,1,1\n", until=DAY.replace(hour=3))[-1].at == micros(
        DAY.replace(hour=2)
    )


def test_all_mistakes_are_told_at_once_with_file_row_and_column(tmp_path: Path) -> None:
    text = (
        "timestamp,workload,input,output,cached_tokens,calls\n"
        "2026-01-05,chat,1,1,0,1\n"
        "soon,chat,1,1,0,1\n"
        "2026-01-05,chat,-1,1,0,1\n"
        "2026-01-05,chats,1,1,0,1\n"
        "2026-01-05,chat,1,1,2,1\n"
        "2026-01-04,chat,1,1,0,1\n"
        "2026-01-05,chat,1,1,0,0\n"
    )
    assert wrong(tmp_path, text) == [
        "t.csv:3:1: `soon` in `timestamp` is not a time from 1970 to 2200 correct it, or leave the row out",
        "t.csv:4:3: `-1` in `input` is not tokens, 0 to 1e9 correct it, or leave the row out",
        "t.csv:5:2: `chats` is no workload that can be called did you mean `chat`?",
        "t.csv:6:5: `2` tokens came from a cache, of `1` of input cached tokens are a part of the input; correct it",
        "t.csv:7:1: `2026-01-04` is before the row above sort the file by time",
        "t.csv:8:6: `0` in `calls` is not calls, 1 to 1e9 correct it, or leave the row out",
    ]


def test_whose_calls_they_are_must_be_said(tmp_path: Path) -> None:
    text = "timestamp,input,output\n2026-01-05,1,1\n"
    (said,) = wrong(tmp_path, text, workload=None)
    assert said == ("t.csv:1:1: has no column `workload` say by `workload` whose calls they are: `chat` or `code`")
    (said,) = wrong(tmp_path, text, columns={"tokens": "input"})
    assert said.startswith("t.csv: a column is named for `tokens`")
    assert wrong(tmp_path, "timestamp,input\n2026-01-05,1\n")[0].startswith(
        "t.csv:1:1: has no column known as `output`"
    )


# -- keys --------------------------------------------------------------------------------------------------------------
KEYS = {"a": "chat", "b": "code"}


def test_calls_by_a_key_are_those_of_its_workload(tmp_path: Path) -> None:
    text = "timestamp,key,input,output\n2026-01-05,a,1,1\n2026-01-05,b,1,1\n"
    assert [(c.workload, c.key) for c in read(tmp_path, text, workload=None, keys=KEYS)] == [
        ("chat", "a"),
        ("code", "b"),
    ]
    text = "timestamp,workload,key,input,output\n2026-01-05,chat,,1,1\n2026-01-05,,b,1,1\n"
    found = read(tmp_path, text, keys=KEYS)
    assert [(c.workload, c.key) for c in found] == [("chat", ""), ("code", "b")]
    again = read(tmp_path, text, keys=KEYS, until=DAY.replace(hour=2))
    assert [(c.workload, c.key, c.at - micros(DAY)) for c in again] == [
        *(("chat", "", 0), ("code", "b", 0), ("chat", "", HOUR), ("code", "b", HOUR))
    ]  # fmt: skip


def test_a_key_that_there_is_none_of_is_told_and_a_secret_is_never_shown(tmp_path: Path) -> None:
    secret = "dtk_a_" + "s" * 43
    rows = "".join(f"2026-01-05,chat,{key},1,1\n" for key in ("aa", secret, "b"))
    text = f"timestamp,workload,key,input,output\n{rows}"
    told = wrong(tmp_path, text, keys=KEYS)
    assert told == [
        "t.csv:2:3: there is no key `aa` did you mean `a`?",
        "t.csv:3:3: a key itself is in the file, and not its name write the name alone",
        "t.csv:4:2: the key `b` stands for `code`, not for `chat` correct either",
    ]
    (said,) = wrong(tmp_path, "timestamp,key,input,output\n2026-01-05,a,1,1\n")
    assert said.endswith("those that were made at run time are in a ledger: give it as `ledger`")
    (said,) = wrong(tmp_path, "timestamp,key,input,output\n2026-01-05,,1,1\n", workload=None, keys=KEYS)
    assert said == "t.csv:2:2: nothing is no workload that can be called allowed: `chat`, `code`"
