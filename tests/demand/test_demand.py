"""Demand over time: dated, growing, shaped; each period gets exactly its part."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from detente.demand.demand import DemandOverTime, OverTime
from detente.values.period import Horizon, moment

READER: TypeAdapter[DemandOverTime] = TypeAdapter(OverTime)
FLAT = ["100%"] * 24


def work(
    demand: Any, start: str = "2026-01-01", end: str = "2027-01-01", every: str = "month", **more: Any
) -> list[Fraction]:
    horizon = Horizon.model_validate({"start": start, "end": end, "every": every, **more})
    return list(READER.validate_python(demand).over(horizon.periods(), moment(horizon.start)))


@pytest.mark.parametrize("every", ["hour", "day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize(
    ("rate", "year"),
    [
        ("5 GPU", 5 * 8760),
        ("100 Mtok per month", 1200),
        ("7 Mtok per year", 7),
        ("1 Mtok per day", 365),
        ("3 Mtok per quarter", 12),
    ],
)
def test_a_year_holds_a_year_of_the_rate_on_any_grid(rate: str, year: int, every: str) -> None:
    assert sum(work(rate, every=every)) == year
    assert sum(work({"rate": rate, "growth": "0% per month"}, every=every)) == year


def test_each_month_holds_a_month() -> None:
    assert work("100 Mtok per month", every="quarter") == [300] * 4
    assert work("100 Mtok per month", "2026-01-15", "2026-02-15") == [Fraction(1700, 31) + 50]
    assert sum(work("100 Mtok per month", every="hour", typical="week")) == 1200


@pytest.mark.parametrize("every", ["day", "month", "quarter", "year"])
def test_growth_counts_whole_spans_on_any_grid(every: str) -> None:
    grown = {"rate": "100 Mtok per month", "growth": "10% per month"}
    assert sum(work(grown, every=every)) == 100 * sum(Fraction(11, 10) ** n for n in range(12))


def test_growth_counts_from_the_start_and_not_by_the_calendar() -> None:
    found = work({"rate": "1 Mtok per day", "growth": "100% per month"}, "2026-01-31", "2026-03-10", "day")
    assert [found[n] for n in (0, 1, 27, 28, 37)] == [1, 1, 1, 2, 2]
    found = work({"rate": "1 Mtok per day", "growth": "-50% per year"}, "2026-01-01", "2028-01-01", "year")
    assert found == [365, Fraction(365, 2)]


def test_dated_rates_take_effect_on_their_day() -> None:
    rates = {"2026-01-11": "10 GPU", "2026-01-21": {"value": "20 GPU", "source": "a page"}}
    assert work(rates, end="2026-02-01") == [10 * 24 * 10 + 11 * 24 * 20]
    assert work({"rate": {"value": rates, "source": "x"}}, end="2026-02-01") == work(rates, end="2026-02-01")
    assert sum(work(rates, end="2026-02-01", every="day")) == work(rates, end="2026-02-01")[0]


def test_a_line_between_dated_rates() -> None:
    line = {"rate": {"2026-01-11": "0 GPU", "2026-01-21": "10 GPU"}, "between": "line"}
    days = work(line, end="2026-02-01", every="day")
    assert days[:10] == [0] * 10
    assert days[10:20] == [24 * (n + Fraction(1, 2)) for n in range(10)]
    assert days[20:] == [240] * 11
    assert work(line, end="2026-02-01") == [sum(days)]
    flat = {"rate": {"2026-01-01": "100 Mtok per month", "2026-12-01": "100 Mtok per month"}, "between": "line"}
    assert work(flat) == [100] * 12


def test_the_shape_of_a_week_keeps_the_mean_of_a_week() -> None:
    hours = ["50%"] * 12 + ["150%"] * 12
    shaped = {"rate": "7 GPU", "profile": {"hours": hours, "weekend": "40%"}}
    week = work(shaped, "2026-01-05", "2026-01-12", "hour")
    assert sum(week) == 7 * 168
    assert week[12] == 3 * week[0]
    assert week[5 * 24] == week[0] * Fraction(2, 5)
    assert sum(work(shaped, "2026-01-05", "2026-01-12", "day")) == 7 * 168
    assert sum(work(shaped, "2026-02-01", "2026-03-01", "hour", typical="week")) == 7 * 672
    assert work({"rate": "7 GPU", "profile": {"hours": FLAT}}) == work("7 GPU")


@given(
    hours=st.lists(st.integers(0, 300), min_size=24, max_size=24).filter(any),
    weekend=st.integers(0, 300),
    start=st.dates(),
)
@settings(derandomize=True, max_examples=20, deadline=None)
def test_the_mean_of_any_shape_is_one(hours: list[int], weekend: int, start: Any) -> None:
    profile = {"hours": [f"{h}%" for h in hours], "weekend": f"{weekend}%"}
    week = READER.validate_python({"rate": "1 GPU", "profile": profile}).profile
    assert week is not None
    assert sum(week.week) == 168


@given(
    hours=st.lists(st.integers(0, 300), min_size=24, max_size=24).filter(any),
    weekend=st.integers(0, 300),
    growth=st.sampled_from(["0% per week", "7% per week", "-3% per month"]),
    step=st.sampled_from(["4 GPU", "90 GPU-hour per week", "100 GPU-hour per month"]),
    start=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
@settings(derandomize=True, max_examples=15, deadline=None)
def test_longer_periods_hold_what_their_hours_hold(
    hours: list[int], weekend: int, growth: str, step: str, start: date
) -> None:
    """Exactly: a profile, growth, dated rates and factors, on grids whose periods they cut."""
    demand = {
        "rate": {str(start): "7 GPU", str(start + timedelta(9)): step},
        "profile": {"hours": [f"{h}%" for h in hours], "weekend": f"{weekend}%"},
        "growth": growth,
        "factor": {str(start + timedelta(16)): "150%"},
    }
    end = str(start + timedelta(35))
    each = work(demand, str(start), end, "hour")
    unshaped = work({key: demand[key] for key in ("rate", "growth", "factor")}, str(start), end, "hour")
    mean = (Fraction(sum(hours), 100) / 24) * (5 + 2 * Fraction(weekend, 100)) / 7
    for at, (shaped, plain) in enumerate(zip(each, unshaped, strict=True)):
        day, hour = (start + timedelta(at // 24)).weekday(), at % 24
        assert shaped * mean == plain * Fraction(hours[hour], 100) * (Fraction(weekend, 100) if day >= 5 else 1)
    for every, size in (("day", 24), ("week", 168)):
        longer = work({key: demand[key] for key in ("rate", "growth", "factor")}, str(start), end, every)
        assert longer == [sum(unshaped[at : at + size]) for at in range(0, len(unshaped), size)]


def test_a_trace_grows_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("hour,tokens\n0,1\n")
    demand = READER.validate_python({"trace": {"file": "t.csv"}, "growth": "100% per month"})
    from detente.demand.trace import TraceSource

    rows = "timestamp,input,output\n" + "".join(f"2026-01-05 {h:02}:00:00,500000,500000\n" for h in range(24))
    (tmp_path / "t.csv").write_text(rows + "2026-01-06 00:00:00,0,0\n")
    assert isinstance(demand.trace, TraceSource)
    read = demand.model_copy(update={"trace": demand.trace.read(tmp_path)})
    horizon = Horizon.model_validate({"start": "2026-01-01", "end": "2026-03-01"})
    first, second = read.over(horizon.periods(), moment(horizon.start))
    assert second / first == 2 * Fraction(28, 31)


@pytest.mark.parametrize(
    "demand",
    [
        {},
        None,
        [],
        "5",
        "-5 GPU",
        "5 GB per day",
        {"rate": "5 GPU", "trace": {"file": "x"}},
        {"rate": "5 GPU", "between": "line"},
        {"rate": {"2026-01-01": "1 Mtok per day", "2026-02-01": "1 Mtok per month"}, "between": "line"},
        {"rate": {"2026-01-01": "1 Mtok per day", "2026-02-01": "1 GPU"}},
        {"trace": {"file": "x"}, "profile": {"hours": FLAT}},
        {"rate": "5 GPU", "profile": {"hours": ["0%"] * 24}},
        {"rate": "5 GPU", "profile": {"hours": ["1%"] * 23}},
        {"rate": "5 GPU", "growth": "3%"},
    ],
)
def test_demands_that_are_refused(demand: Any) -> None:
    with pytest.raises(ValidationError):
        READER.validate_python(demand)
