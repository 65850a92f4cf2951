"""Times: dates, numbers with and without their unit, and time zero."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.demand.demand_files import hourly, parquet, periods, read, refused


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


def test_time_zero_is_a_monday_unless_said(tmp_path: Path) -> None:
    content = "ts,input,output\n" + "".join(f"{h * 3600},{h},0\n{h * 3600 + 3599},0,0\n" for h in range(168))
    monday = read(tmp_path, content, unit="s", as_="week")
    assert monday.pattern.rates[5] == Fraction(5, 10**6)
    tuesday = read(tmp_path, content, unit="s", as_="week", starts="2026-01-06")
    assert tuesday.pattern.rates[5 + 24] == Fraction(5, 10**6)
    assert "needs dates; add `starts: 2026-01-05`" in refused(tmp_path, content, unit="s", as_="dated")
    assert "leave out `starts`" in refused(tmp_path, hourly(2), starts="2026-01-05")


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
