"""Risks: what may be said of them, and files of incidents."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detente.case.case import Case
from detente.case.price_history import PriceFile
from detente.case.risk import LevelRisk, OutageRisk
from detente.errors import CaseError, FlawError
from detente.market.incidents import IncidentFile
from tests.builders import D, Data, data_of, mistakes, tokens, work
from tests.real_data import DATA, needs

OUTAGE: Data = {
    "id": "out",
    "kind": "outage",
    "of": {"provider": "south"},
    "per-year": 6,
    "lasting": ["30 minutes", "2 hours"],
}
LEVEL: Data = {"id": "level", "kind": "demand", "least": "-20%", "most": "50%"}
COLUMNS = {"start": "began", "minutes": "took"}


def data(*risks: Data) -> Data:
    return data_of([tokens("north", 3), tokens("south", 2)], [work(labels={"api": "stateless"})], risks=list(risks))


def test_an_outage_as_stated() -> None:
    risk = Case.of(data(OUTAGE)).declared.risks[0]
    assert isinstance(risk, OutageRisk)
    assert (risk.history.hours, risk.history.a_year, risk.part) == ((0.5, 2.0), pytest.approx(6.0), 1)


def test_an_outage_may_last_for_days() -> None:
    risk = Case.of(data(OUTAGE | {"lasting": ["10 days", "240 hours", "2 weeks", "90 minutes"]})).declared.risks[0]
    assert isinstance(risk, OutageRisk)
    assert risk.history.hours == (240.0, 240.0, 336.0, 1.5)


def test_a_level_is_a_triangle_over_three_values() -> None:
    risk = Case.of(data(LEVEL)).declared.risks[0]
    assert isinstance(risk, LevelRisk)
    # density rises over 0.2 of 0.7 and falls over 0.5 of it: two sevenths lie below the likeliest
    assert [risk.quantile(part) for part in (0.0, 2 / 7, 1.0)] == [D("-0.2"), D(0), D("0.5")]
    assert risk.quantile(0.5) == D("0.08")  # 0.5 - sqrt(0.7 * 0.5 * 0.5)


@pytest.mark.parametrize(
    ("risk", "said"),
    [
        (OUTAGE | {"of": {"provider": "west"}}, "nothing in the case is `provider: west`"),
        (LEVEL | {"of": {"api": "stateful"}}, "nothing in the case is `api: stateful`"),
        (OUTAGE | {"of": {"api": "stateless"}}, "`api` is no fact of an offer"),
        (LEVEL | {"of": {"provider": "south"}}, "demand has no provider"),
        (OUTAGE | {"lasting": []}, "states neither `per-year` and `lasting` nor `incidents`, or both"),
        (OUTAGE | {"incidents": {"file": "x.csv", "columns": COLUMNS}}, "or both; write one of the two"),
        (OUTAGE | {"lasting": ["3653 days"]}, "is not between nothing and ten years (3652 days)"),
        (OUTAGE | {"lasting": ["2 months"]}, "`2 months` is not a duration"),
        (OUTAGE | {"part": "0%"}, "an outage of 0% is none"),
        (LEVEL | {"most": "-30%"}, "are not in this order"),
        (LEVEL | {"least": "-100%"}, "is not between -99% and 1000%"),
        (OUTAGE | {"per-year": 0}, "is not a factor above zero"),
    ],
)
def test_mistakes_of_a_risk(risk: Data, said: str) -> None:
    (found,) = mistakes(data(risk))
    assert said in found


def read(tmp_path: Path, text: str, **more: Any) -> Any:
    (tmp_path / "file.csv").write_text(text)
    return IncidentFile.model_validate({"file": "file.csv", "columns": COLUMNS} | more).read(tmp_path)


def test_incidents_by_hand(tmp_path: Path) -> None:
    text = "began,took,where\n2026-01-01T06:00:00Z,30,a\n2026-03-01 00:00:00,90,a\n2026-02-01T00:00:00+00:00,7,b\n"
    found = read(tmp_path, text, where={"where": "a"})
    assert found.hours == (0.5, 1.5)
    assert found.years == pytest.approx(60 / 365.25)  # from the first row's day to the end of the last one's
    dated = read(tmp_path, text, **{"from": "2025-01-01", "until": "2026-02-15"})
    assert (len(dated.hours), dated.years) == (2, pytest.approx((365 + 45) / 365.25))


def test_an_end_in_place_of_minutes_and_rows_without_one(tmp_path: Path) -> None:
    text = "began,took\n2026-01-01,2026-01-01T12:00:00\n2026-02-09,\n2026-02-08,2026-02-08T01:00:00\n"
    given = {"columns": {"start": "began", "end": "took"}}
    assert read(tmp_path, text, **given, missing="skip").hours == (12.0, 1.0)
    with pytest.raises(FlawError, match=r"file\.csv:3:2: it is not known when it ended"):
        read(tmp_path, text, **given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("began,took\nsoon,30\n", "file.csv:2:1: `soon` and `30` are no time and length of an outage"),
        ("began,took\n2026-01-01,-5\n", "are no time and length of an outage"),
        ("began,took\n2026-01-01,5\n", "is too short"),
        ("began,lasted\n2026-01-01,5\n", "no column named `took`"),
    ],
)
def test_what_is_wrong_in_a_file_has_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FlawError) as error:
        read(tmp_path, text)
    assert said in str(error.value)


def test_a_file_that_a_case_names_is_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "i.csv.gz").write_bytes(gzip.compress(b"began,took\n2026-01-01,60\n2026-12-31,30\n"))
    named = {k: v for k, v in OUTAGE.items() if k not in ("per-year", "lasting")}
    incidents = {"file": "i.csv.gz", "columns": COLUMNS}
    (risk,) = Case.of(data(named | {"incidents": incidents}), tmp_path).declared.risks
    assert isinstance(risk, OutageRisk)
    assert risk.history.a_year == pytest.approx(2 * 365.25 / 365)
    with pytest.raises(CaseError, match="there is no such file"):
        Case.of(data(named | {"incidents": incidents | {"file": "j.csv"}}), tmp_path)


@pytest.mark.parametrize(
    ("file", "columns", "where"),
    [
        ("llm_provider_incidents.csv.gz", {"start": "start", "minutes": "duration_min"}, {"provider": "openai"}),
        ("aws_incidents.csv.gz", {"start": "first_post_utc", "minutes": "stated_impact_min"}, {"region": "us-east-1"}),
        (
            "cloud_uptime_archive_2018_2020.csv.gz",
            {"start": "event_start_time", "end": "event_end_time"},
            {"vendor": "GCP"},
        ),
    ],
)
def test_real_files_of_incidents(file: str, columns: Data, where: Data) -> None:
    folder = DATA / "incidents"
    if not (folder / file).exists():
        pytest.skip("the real data are not here; set DETENTE_DATA to their folder")
    found = IncidentFile.model_validate({"file": file, "columns": columns, "where": where, "missing": "skip"}).read(
        folder
    )
    assert 10 < found.a_year < 500
    assert 0.2 < sum(found.hours) / len(found.hours) < 24


# -- observed prices ---------------------------------------------------------------------------------------------------
PRICED = {"start": "day", "price": "usd"}


def history(tmp_path: Path, text: str, **more: Any) -> Any:
    (tmp_path / "prices.csv").write_text(text)
    return PriceFile.model_validate({"file": "prices.csv", "columns": PRICED} | more).read(tmp_path)


class Dealt:
    """Random numbers that are none: the days on which stretches begin, and how long they are."""

    def __init__(self, *dealt: tuple[int, int]) -> None:
        self.begins, self.lengths = iter(begin for begin, _ in dealt), iter(length for _, length in dealt)

    def integers(self, below: int) -> int:
        begin = next(self.begins)
        assert begin < below
        return begin

    def geometric(self, _chance: float) -> int:
        return next(self.lengths)


def test_observed_prices_by_hand(tmp_path: Path) -> None:
    # two days at 8, five at 12, three at 10, which is today's; half of the third day is at 16
    text = "day,usd\n2026-01-03,12\n2026-01-01,8\n2026-01-03T12:00:00,16\n2026-01-04,12\n2026-01-08,10\n"
    found = history(tmp_path, text, until="2026-01-11", stretch="2 weeks")
    (series,) = found.series
    assert [series.on(day) for day in series.days] == pytest.approx([-0.2] * 2 + [0.4] + [0.2] * 4 + [0.0] * 3)
    assert found.stretch == 14
    # today; from its second day for three days; from its last one, after which its first comes, until it is long enough
    assert found.path(Dealt((1, 3), (9, 99)), 7) == pytest.approx([0.0, -0.2, 0.4, 0.2, 0.0, -0.2, -0.2])
    assert len(history(tmp_path, text).series[0].days) == 8, "it is observed until the end of the last row's day"


def test_each_series_is_held_against_its_own_last_price(tmp_path: Path) -> None:
    text = "day,usd,at,kind\n2026-01-01,100,a,spot\n2026-01-01,4,b,spot\n2026-01-02,1,b,list\n2026-01-02,5,b,spot\n"
    found = history(tmp_path, text, each=["at"], where={"kind": "spot"})
    assert [[each.on(day) for day in each.days] for each in found.series] == [[0, 0], pytest.approx([-0.2, 0])]
    assert found.path(Dealt((2, 1), (1, 1), (3, 1)), 4) == pytest.approx([0, -0.2, 0, 0])


def test_over_many_paths_a_price_holds_for_as_much_of_the_time_as_it_was_observed(tmp_path: Path) -> None:
    rows = "".join(f"2026-0{month}-01,{price}\n" for month, price in ((1, 8), (2, 12), (4, 10)))
    found = history(tmp_path, "day,usd\n" + rows, until="2026-05-01", stretch="5 days")
    days = found.path(np.random.default_rng(7), 40_000)
    for change, part in ((-0.2, 31 / 120), (0.2, 59 / 120), (0.0, 30 / 120)):
        assert sum(abs(day - change) < 1e-9 for day in days) / len(days) == pytest.approx(part, abs=0.03)
    kept = sum(one == other for one, other in pairwise(days)) / len(days)
    assert kept == pytest.approx(1 - 0.8 * 3 / 120 - 0.2 * (1 - (31**2 + 59**2 + 30**2) / 120**2), abs=0.03)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,usd\n2026-01-01,5\n2026-01-02,\n", "the price is not known; add it, or write `missing: skip`"),
        ("day,usd\n2026-01-01,0\n", "`2026-01-01` and `0` are no time and price"),
        ("day,usd\n2026-01-01,5\n2026-02-01,5\n", "has no price that changes"),
        ("day,usd\n2026-01-01,500\n2026-02-01,5\n", "name under `each` the columns that tell series apart"),
        ("day,cost\n2026-01-01,5\n", "no column named `usd`"),
    ],
)
def test_what_is_wrong_in_a_file_of_prices(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FlawError) as error:
        history(tmp_path, text)
    assert said in "; ".join(f"{each.what}; {each.remedy}" for each in error.value.flaws)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "states neither `least` and `most` nor `prices`, or both"),
        ({"least": "-5%"}, "states neither `least` and `most` nor `prices`, or both"),
        (
            {"kind": "demand", "of": {}, "prices": {"file": "x.csv", "columns": PRICED}},
            "demand is not drawn from prices",
        ),
    ],
)
def test_a_price_is_stated_in_one_way(more: Data, said: str) -> None:
    (found,) = mistakes(data({"id": "level", "kind": "price", "of": {"provider": "south"}} | more))
    assert said in found


def test_a_file_of_prices_is_read_with_its_case(tmp_path: Path) -> None:
    prices = {"file": "prices.csv", "columns": PRICED}
    (tmp_path / "prices.csv").write_text("day,usd\n2026-01-01,5\n2026-01-05,10\n")
    (tmp_path / "case.yaml").write_text(json.dumps(data({"id": "level", "kind": "price", "prices": prices})))
    (risk,) = Case.load(tmp_path).declared.risks
    assert isinstance(risk, LevelRisk)
    assert risk.history is not None
    assert risk.history.series[0].changes == (-0.5, 0.0)
    (tmp_path / "prices.csv").unlink()
    with pytest.raises(CaseError, match=r"prices\.csv"):
        Case.load(tmp_path)


@needs(DATA / "prices" / "gpu_price_events_azure.parquet")
def test_real_spot_prices() -> None:
    told = {"file": "gpu_price_events_azure.parquet", "columns": {"start": "date", "price": "SpotPrice"}}
    more = {"each": ["InstanceType", "Region"], "missing": "skip"}
    found = PriceFile.model_validate(told | more).read(DATA / "prices")
    path = found.path(np.random.default_rng(1), 365)
    assert len(path) == 365
    assert min(path) < 0 < max(path)
    assert sum(one == other for one, other in pairwise(path)) > 300, "most prices do not move on most days"
