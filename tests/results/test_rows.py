"""Rows of a plan for a data frame: nothing lost, with dates and units."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import get_args

import pytest

from detente.errors import CaseError
from detente.results.rows import Section
from tests.builders import agreement, build, compute, gpus, solved, tokens, work
from tests.report.frontier import frontier

SPIRIT = frontier("spirit")
EURO = tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}}


@pytest.mark.parametrize("section", get_args(Section))
def test_every_section_is_there_with_dates_in_place_of_numbers(section: Section) -> None:
    plan = SPIRIT
    if section in ("stated", "rounded"):
        deal = agreement() | {"rounding": {"per": "invoice"}}
        plan = solved(build([EURO], [work()], deal, months=1, exchange=[{"rate": "1.1 USD per EUR"}]))
    found = plan.rows(section)
    assert len(found) == len(getattr(plan, section)) > 0
    for row, stated in zip(found, getattr(plan, section), strict=True):
        assert "period" not in row
        if hasattr(stated, "period"):
            period = plan.periods[stated.period]
            assert (row["start"], row["end"], row["hours"]) == (period.span_start, period.span_end, period.hours)
            assert row["start"].utcoffset() == timedelta(0)
        assert all(row[field.name] == getattr(stated, field.name) for field in fields(stated) if field.name in row)


def test_work_has_a_unit_and_money_a_currency() -> None:
    case = build([tokens("north", 3), gpus("south", 2)], [work(), compute()], agreement(), months=1)
    found = solved(case)
    assert {(row["workload"], row["unit"]) for row in found.rows()} == {("chat", "Mtok"), ("research", "GPU-hour")}
    assert {row["currency"] for row in found.rows()} == {"USD"}
    assert sum(row["cost"] for row in found.rows()) == found.bill
    assert "currency" not in found.rows("decisions")[0]


def test_the_reasons_of_a_decision_are_one_sentence_of_a_row() -> None:
    only = {"id": "only", "kind": "exclusivity"}
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work()], agreement(only), months=1))
    assert [(row["offer"], row["terms"], row["denied"]) for row in found.rows("decisions")] == [
        ("north-api", ("only",), False),
        ("south-api", ("only",), True),
    ]
    assert [row["sentence"] for row in found.rows("decisions")] == [
        "100% of `chat` runs here at 3 USD per Mtok; the lowest price that is permitted; "
        "`only` keeps it off `south-api`, which costs less",
        "not here: everything runs only on north, so not on south",
    ]
    assert json.loads(found.to_json())["decisions"][1]["reasons"] == [
        {"sentence": "everything runs only on north, so not on south", "term": "only"}
    ]


def test_a_section_that_is_not_there() -> None:
    with pytest.raises(CaseError, match="section: there are no rows of `nodes`\n    choose from: `allocations`, `st"):
        SPIRIT.rows("nodes")  # type: ignore[arg-type]
    assert replace(SPIRIT, allocations=()).rows() == []
