"""Windows of clauses without end: what a plan can divide, and what it refuses to."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.planner.check import check
from detente.report.plans.explanation import explain
from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, solved, tokens, work

AMOUNTS = [
    {"id": "c", "kind": "minimum-commitment", "amount": "200 k USD"},
    {"id": "c", "kind": "spending-cap", "amount": "950 k USD"},
    {"id": "c", "kind": "credit", "amount": "1 k USD"},
]
NO_END = "the amount is for the whole term, which has no end (it starts on 2026-01-01)"


def world(term: Data, **more: Any) -> Data:
    """1000 Mtok a month at 2 or 3 USD, and 2 GPUs at North at 2 USD per GPU-hour."""
    offers = [tokens("north", 3), tokens("south", 2), gpus("north", 2)]
    each = [work(revenue="1 USD per Mtok"), compute(demand="2 GPU")]
    return data_of(offers, each, agreement(term, **{"ends": None} | more))


@pytest.mark.parametrize("term", AMOUNTS, ids=lambda t: str(t["kind"]))
@pytest.mark.parametrize("windows", [None, {"cut": "prorate"}, {"every": "term"}, {"starts": "2026-02-01"}])
def test_an_amount_over_a_term_without_end_is_refused(term: Data, windows: Data | None) -> None:
    (only,) = mistakes(world(term | ({"windows": windows} if windows else {})))
    assert NO_END in only
    assert "`ends:` for the agreement or `until:` for the clause, or say `windows: { every: year }`" in only


def test_a_cap_in_all_over_a_term_without_end_is_not_told_to_be_divided() -> None:
    capped = {"id": "share", "kind": "revenue-share", "rate": "20%", "cap": "2 k USD", "windows": {"every": "year"}}
    (only,) = mistakes(world(capped))
    assert only.endswith("state `ends:` for the agreement or `until:` for the clause")


@pytest.mark.parametrize("term", AMOUNTS, ids=lambda t: str(t["kind"]))
@pytest.mark.parametrize(
    ("ends", "more"),
    [
        ("2026-07", {}),
        ("2027-01", {"windows": {"cut": "prorate"}}),
        (None, {"until": "2026-07-01"}),
        (None, {"windows": {"every": "quarter"}}),
        (None, {"windows": {"every": "year", "cut": "prorate"}}),
    ],
)
def test_an_amount_with_an_end_is_not(term: Data, ends: str | None, more: Data) -> None:
    Case.of(world(term | more, ends=ends))


@pytest.mark.parametrize(
    "term",
    [
        {"id": "c", "kind": "credit", "rate": "10%"},
        {"id": "c", "kind": "share", "of": {"model": "m"}, "at-least": "50%"},
        {
            "id": "c",
            "kind": "share",
            "of": {"model": "m"},
            "at-least": "50%",
            "windows": {"every": "term", "cut": "prorate"},
        },
        {
            "id": "c",
            "kind": "take-or-pay",
            "offer": "north-gpus",
            "quantity": "2 GPU",
            "price": "1 USD per GPU-hour",
            "windows": {"every": "term", "cut": "prorate"},
        },
        {"id": "c", "kind": "discount", "off": "10%"},
        {"id": "c", "kind": "revenue-share", "rate": "10%"},
        {"id": "c", "kind": "exclusivity", "of": {"model": "m"}},
        {"id": "c", "kind": "redundancy", "survives": "50%", "of": {"model": "m"}},
    ],
    ids=lambda t: str(t["kind"]),
)
def test_what_divides_no_amount_needs_no_end(term: Data) -> None:
    case = Case.of(world(term))
    assert check(case).answer == "yes"
    found = solved(case)
    said = found.to_json() + str(explain(case, found, "c")) + explain(case, found, "c").headline
    assert "2200" not in said
    assert "without end" in said


def test_what_is_taken_or_paid_for_without_end_is_what_the_horizon_sees() -> None:
    term = {"id": "c", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "2 GPU", "price": "1 USD per GPU-hour"}
    found = solved(Case.of(world(term | {"windows": {"every": "term", "cut": "prorate"}})))
    # all of it is taken: 181 days of 24 hours, 2 GPUs at 2 USD, and 6000 Mtok at 2 USD
    assert found.cost == D(17376 + 12000)
    more = solved(Case.of(world(term | {"quantity": "3 GPU", "windows": {"every": "term", "cut": "prorate"}})))
    # a third GPU, paid for at 1 USD per GPU-hour
    assert more.cost == found.cost + D(4344)


def test_an_event_that_is_not_expected_is_no_end() -> None:
    term = AMOUNTS[0] | {"until": {"event": "agi"}, "windows": {"cut": "prorate"}}
    offers = [tokens("north", 3), tokens("south", 2)]
    deal = agreement(term, ends=None)
    (only,) = mistakes(data_of(offers, [work()], deal, events={"agi": "not expected"}))
    assert NO_END in only
    assert "state a `latest:` day beside the event `agi`, or `ends:` for the agreement" in only
    build(offers, [work()], deal, events={"agi": "2027-01-01"})


def test_a_scenario_that_takes_away_the_end_is_refused() -> None:
    term = AMOUNTS[0] | {"until": {"event": "agi"}, "windows": {"cut": "prorate"}}
    head: Data = {"events": {"agi": "2027-01-01"}, "scenarios": [{"id": "never", "events": {"agi": "not expected"}}]}
    offers = [tokens("north", 3), tokens("south", 2)]
    (only,) = mistakes(data_of(offers, [work()], agreement(term, ends=None), **head))
    assert f"in the scenario `never`, {NO_END}" in only
    head["scenarios"][0]["without"] = ["c"]
    build(offers, [work()], agreement(term, ends=None), **head)


def test_a_ramp_that_runs_out_of_the_calendar() -> None:
    ramp = {"every": "year", "ramp": ["0.5%"] * 200, "cut": "prorate"}
    (only,) = mistakes(world(AMOUNTS[0] | {"windows": ramp}))
    assert "the last window of the ramp starts on 2225-01-01, outside the calendar" in only


def test_milestones_name_the_time_in_force() -> None:
    term = AMOUNTS[0] | {"windows": {"every": "quarter"}, "milestones": [{"by": "2025-06-01", "reach": "1 USD"}]}
    (only,) = mistakes(world(term))
    assert "2025-06-01 is not while the clause is in force (from 2026-01-01 without end)" in only
