"""Tables: rates over time, requests by their mean tokens, and ServeGen's pair of files."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from detente.demand.table import Table
from tests.demand.demand_files import START, csv_of, load, parquet, periods, read, real, refused

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
        "t.csv:4:2: `-1` in `rate` is not a number from 0 to 1e24; correct it, or leave the row out",
        "t.csv:5:2: `inf` in `rate` is not a number from 0 to 1e24; correct it, or leave the row out",
    ]
    assert "has one time only" in refused(tmp_path, "when,rate\n2026-01-05,1\n", Table, columns=columns, per="hour")
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
        ({"columns": {"timestamp": "t", "rate": "r", "requests": "q"}, "per": "hour"}, "name `input` and `output`"),
        ({"format": "servegen"}, "`format: servegen` needs `tokens`"),
        ({"format": "servegen", "tokens": "x", "per": "hour"}, "has no `per`"),
        ({"format": "servegen", "tokens": "x", "scale": "0"}, "not a factor above zero"),
    ],
)
def test_tables_that_do_not_say_enough(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        Table.model_validate({"file": "t.csv", **keys})
    assert said in str(error.value)


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
