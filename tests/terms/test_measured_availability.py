"""Service credits by outages that were observed, in a file: worked out by hand. North 3000 USD a month."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from detente.case.notes import notes
from detente.market.incidents import part_available
from tests.builders import D, Data, agreement, data_of, mistakes, postings, solved, tokens, work
from tests.real_data import DATA
from tests.terms.test_service_credit import EC2

OBSERVED = {"from": "2026-01-01", "until": "2026-03-01"}
WITHIN: Any = {"claim-within": "2 months"}
COLUMNS = {"start": "began", "minutes": "took"}
OUT = """began,took,where
2026-01-05T00:00:00Z,90,api
2026-01-05T01:00:00Z,60,api
2026-01-31T23:00:00Z,120,api
2026-02-03T00:00:00Z,5000,console
2026-03-03T00:00:00Z,5000,api
"""


def sla(**more: Any) -> Data:
    incidents = {"file": "out.csv", "columns": COLUMNS, "where": {"where": "api"}} | OBSERVED
    return {"id": "sla", "kind": "service-credit", "bands": EC2, "incidents": incidents} | more


def case(folder: Path, text: str = OUT, **more: Any) -> Case:
    (folder / "out.csv").write_text(text)
    return Case.of(data_of([tokens("north", 3)], [work()], agreement(sla(**more))), folder)


def test_outages_of_a_window_are_added_up_once_and_what_was_not_observed_is_not_known(tmp_path: Path) -> None:
    """January: 120 minutes of the two that overlap and 60 of the last, of 44,640: 99.59%. February: 60 of 40,320."""
    found = case(tmp_path)
    (term,) = found.terms
    january, february, march, *_ = term.calendar(term.windows)  # type: ignore[attr-defined]
    known = [term.availability(window) for window in (january, february, march)]  # type: ignore[attr-defined]
    assert known == [D("0.995967"), D("0.998511"), None]
    plan = solved(found)
    assert postings(plan, "sla") == {("service-credit", 0): D(-300), ("service-credit", 1): D(-300)}
    assert plan.cost == 18_000 - 600
    assert "measured from out.csv, 2026-01-01 to 2026-03-01" in plan.clauses[0].sentence


def test_days_that_were_observed_are_days_of_its_agreement(tmp_path: Path) -> None:
    """In New York a month begins at 05:00 UTC: January has 120 minutes and, from the 31st at 18:00, 120 more."""
    (tmp_path / "out.csv").write_text(OUT)
    deal = agreement(sla()) | {"zone": "America/New_York"}
    found = Case.of(data_of([tokens("north", 3)], [work()], deal), tmp_path)
    (term,) = found.terms
    january, february, march, *_ = term.calendar(term.windows)  # type: ignore[attr-defined]
    known = [term.availability(window) for window in (january, february, march)]  # type: ignore[attr-defined]
    assert known == [D("0.994623"), 1, None]
    assert notes(found) == ()


@pytest.mark.parametrize(
    ("observed", "noted"),
    [
        (
            {"from": "2026-01-01", "until": "2026-02-28"},
            "of Feb 2026 not every day was observed by `sla` (2026-01-01 to 2026-02-27)",
        ),
        (
            {"from": "2026-01-15", "until": "2026-03-01"},
            "of Jan 2026 not every day was observed by `sla` (2026-01-15 to 2026-02-28)",
        ),
        ({"from": "2025-12-15", "until": "2026-03-01"}, None),
    ],
)
def test_a_month_that_was_observed_in_part_is_told(tmp_path: Path, observed: Data, noted: str | None) -> None:
    incidents = {"file": "out.csv", "columns": COLUMNS} | observed
    found = [note.what for note in notes(case(tmp_path, incidents=incidents))]
    assert found == ([f"{noted}, so that nothing is given back"] if noted else [])


def test_what_is_stated_holds_before_what_was_observed(tmp_path: Path) -> None:
    found = solved(case(tmp_path, measured=[{"on": "2026-01-31", "availability": "98%"}]))
    assert postings(found, "sla")["service-credit", 0] == -900


def test_what_was_observed_must_be_claimed_too(tmp_path: Path) -> None:
    claimed = case(tmp_path, measured=[{"on": "2026-01-15", "claimed": "2026-02-20"}], **WITHIN)
    assert postings(solved(claimed), "sla") == {("service-credit", 0): D(-300)}
    days = agenda(claimed, date(2026, 1, 1), date(2027, 1, 1))
    said = [(str(entry.on), entry.what) for entry in days if "claim" in entry.what]
    assert said == [
        ("2026-03-31", "the last day to claim for Jan 2026"),
        ("2026-04-30", "the last day to claim for Feb 2026"),
    ]


def test_another_file_is_another_case(tmp_path: Path) -> None:
    one, two = case(tmp_path), case(tmp_path, OUT.replace(",90,", ",91,"))
    assert one.hash != two.hash


def test_mistakes_have_a_place_and_a_remedy(tmp_path: Path) -> None:
    def said(term: Data) -> list[str]:
        return mistakes(data_of([tokens("north", 3)], [work()], agreement(term)))

    unobserved = {"file": "out.csv", "columns": COLUMNS}
    assert "look alike in a file of incidents; say which days were observed" in said(sla(incidents=unobserved))[0]
    assert any("there is no such file" in each for each in said(sla()))
    early = {"file": "out.csv", "columns": COLUMNS, "from": "2026-03-01", "until": "2026-01-01"}
    assert "end (2026-01-01) before they begin (2026-03-01)" in said(sla(incidents=early))[0]
    bare = {"id": "sla", "kind": "service-credit", "bands": EC2, "measured": [{"on": "2026-01-31"}]}
    assert "says no `availability`, and no file of `incidents` does" in said(bare)[0]


def test_a_part_is_rounded_down() -> None:
    assert part_available(3, 1) == D("0.666666")
    assert part_available(10**9, 1) == D("0.999999")


@pytest.mark.parametrize(
    ("file", "columns", "where", "observed"),
    [
        (
            "llm_provider_incidents.csv.gz",
            {"start": "start", "minutes": "duration_min"},
            {"provider": "openai"},
            {"from": "2023-01-01", "until": "2024-01-01"},
        ),
        (
            "cloud_uptime_archive_2018_2020.csv.gz",
            {"start": "event_start_time", "end": "event_end_time"},
            {"vendor": "GCP", "service_name": "Cloud Spanner"},
            {"from": "2018-01-01", "until": "2019-01-01"},
        ),
    ],
)
def test_real_files(file: str, columns: Data, where: Data, observed: Data) -> None:
    folder = DATA / "incidents"
    if not (folder / file).exists():
        pytest.skip("the real data are not here; set DETENTE_DATA to their folder")
    year = int(observed["from"][:4])
    term = sla(incidents={"file": file, "columns": columns, "where": where, "missing": "skip"} | observed)
    data = data_of(
        [tokens("north", 3)], [work()], agreement(term, effective=f"{year}-01-01", ends=f"{year + 1}-01-01"),
        horizon={"start": f"{year}-01", "end": f"{year + 1}-01", "every": "month"},
    )  # fmt: skip
    (clause,) = Case.of(data, folder).terms
    known = [clause.availability(window) for window in clause.calendar(clause.windows)]  # type: ignore[attr-defined]
    assert len(known) == 12
    assert all(0.5 < float(each) <= 1 for each in known)
    assert any(each < 1 for each in known)
