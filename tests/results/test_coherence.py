"""Rows of a saved plan against each other: what cannot be true together is refused, whoever made the checksum anew."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.planned import must_hold
from detente.errors import PlanError
from detente.results.checksum import checksum
from detente.results.coherence import contradictions
from detente.results.plan import Plan
from tests.builders import agreement, build, compute, gpus, solved

Steps = tuple[str | int, ...]


@cache
def case() -> Case:
    """Units by the hour and reserved, standby, a floor by quarter, a cap by month, and a rate of interest."""
    deal = agreement(
        {
            "id": "floor",
            "kind": "minimum-commitment",
            "amount": "9 k USD",
            "measure": "list",
            "windows": {"every": "quarter"},
        },
        {"id": "off", "kind": "discount", "off": "10%"},
    )
    limit = {"id": "cap", "kind": "spending-cap", "amount": "30 k USD", "windows": {"every": "month"}}
    kept = gpus("south", "1.5", capacity="4 GPU") | {
        "id": "kept",
        "buy": "reserved",
        "term": "3 months",
    }
    return build(
        [
            gpus("north", 3, unit=4, capacity="24 GPU"),
            gpus("south", 2, capacity="8 GPU"),
            kept,
        ],
        [compute(demand="7 GPU", survives="40%")],
        deal,
        agreement(limit, party="south"),
        months=3,
        **{"discount-rate": "8% per year"},
    )


@cache
def saved() -> str:
    return solved(case()).to_json()


def edited(path: Steps, value: Any) -> dict[str, Any]:
    """With one value changed, and the checksum made anew."""
    found: dict[str, Any] = json.loads(saved())
    holder: Any = found
    for step in path[:-1]:
        holder = holder[step]
    assert holder[path[-1]] != value
    holder[path[-1]] = value
    return found | {"checksum": checksum(found)}


@pytest.mark.parametrize(
    ("status", "rounding", "said"),
    [
        ("time-limit", "0", []),
        ("feasible", "0", ["its bound is that of `prices`, as where time ended, and its status is feasible"]),
        ("optimal", "2.5", ["its bound is that of `prices`, and its `rounding` from a solved program is 2.5"]),
    ],
)
def test_a_bound_of_prices_is_of_a_program_that_was_not_solved(status: str, rounding: str, said: list[str]) -> None:
    """None of it was rounded or priced, and what was stopped says so; where prices reach the cost, it is optimal."""
    given = json.loads(saved()) | {"gap": "0.01", "status": status, "rounding": rounding, "bounded_by": "prices"}
    priced = next(row["term"] for row in given["clauses"] if row["marginal"])
    has = f"its bound is that of `prices`, and `{priced}` has marginal prices from a solved program"
    assert list(contradictions(given)) == [*said, has]
    for row in given["clauses"]:
        row |= {"marginal": [], "binds": False}
    assert list(contradictions(given)) == said


def test_a_plan_as_it_was_saved_holds() -> None:
    assert not list(contradictions(json.loads(saved())))
    must_hold(Plan.from_json(saved()), case(), "plan")


@pytest.mark.parametrize("every", ["week", "day"])
def test_a_term_may_end_within_a_period(every: str) -> None:
    """A month from 1 January, by weeks: the last is paid for the days that are left of the term."""
    kept = gpus("south", "1.5", unit=4) | {"id": "kept", "buy": "reserved", "term": "1 month"}
    horizon = {"start": "2026-01", "end": "2026-03", "every": every}
    found = solved(build([gpus("south", 3), kept], [compute()], horizon=horizon))
    assert any(row.reserved for row in found.purchases)
    assert Plan.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("status",), "feasible", "its gap is 0, and its status is feasible"),
        (("currency",), "EUR", "in `USD per USD`, and prices are money of something"),
        (("providers", 1, "workloads"), ["research"] * 2, "south has 2 deployments of research, research"),
        (("clauses", 0, "marginal", 0, "end"), "2020-01-01T00:00:00Z", "is of no time of it"),
        (("clauses", 0, "marginal", 0, "part"), "", "is of `` in `USD per USD`"),
        (("decisions", 0, "reasons", 0, "term"), "nobody", "cites nobody, which is no clause of the plan"),
        (("periods", 0, "start"), "0001-01-01T00:00:00Z", "period 0 lies outside of the time that it stands for"),
        (("present_value",), "12", "its present_value is 12 at 8% a year, and its rows come to"),
        (("discount_rate",), "0.5", "at 50% a year"),
        (("providers", 0, "share_of_spend"), "0.5", "the share of north in spend is 0.5"),
        (("providers", 1, "effective_price", "GPU-hour"), "1", "the effective prices of south come to"),
        (("providers", 1, "deployments"), 9, "south has 9 deployments of"),
        (("providers", 1, "workloads"), [], "deployments of nothing, and its allocations have"),
        (("allocations", -1, "region"), "zz", "the offer kept is said to be in texas and in zz"),
        (("decisions", 0, "reasons"), [], "has no reason"),
        (("standby",), [], "on standby, and 0 of work stands by there"),
        (("standby", 0, "work"), "0", "with nothing"),
        (("purchases", 2, "hours"), "1", "has 1 hours, and its periods 2160"),
        (("purchases", 2, "end"), "2026-02-11T00:00:00Z", "is for no periods of the plan"),
        (("capacity", 6, "bought"), "9000", "and its purchases say"),
        (("clauses", 2, "binds"), True, "cap binds, and has 0 prices"),
        (("clauses", 2, "end"), "2020-01-01T00:00:00Z", "cap is in force for no time"),
        (("standings", -1, "start"), "2026-02-15T00:00:00Z", "begins before the window before it has ended"),
        (("standings", -1, "drawn"), "99999", "cap from 2026-03-01T00:00:00Z is a cap of 30000, and 99999 is drawn"),
        (("standings", -1, "ended"), False, "is said to go on, and ends within the plan"),
        (("standings", -1, "accruing"), "5", "is said to have ended, and to accrue 5"),
        (("standings", -1, "reserved"), "5", "has 5 promised to calls"),
        (("standings", -1, "of_money"), False, "counts no money, and its unit is USD"),
        (("postings", -1, "window"), 7, "is window 0 and window 7"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(path: Steps, value: Any, what: str) -> None:
    with pytest.raises(PlanError) as refused:
        Plan.from_json(json.dumps(edited(path, value)))
    assert what in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("title",), "other", "its title is 'other'"),
        (("reading",), "letter", "its reading is 'letter', and in the case None"),
        (("providers", 0, "name"), "Evil", "what `providers` says of north is 'Evil'"),
        (("workloads", 0, "labels"), {"data": "eu"}, "what `workloads` says of research is {'data': 'eu'}"),
        (("workloads", 0, "kind"), "batch", "is 'batch', and in the case 'inference'"),
        (("clauses", 2, "text"), "forged", "what `clauses` says of cap is 'forged'"),
        (("clauses", 2, "sentence"), "forged", "what `clauses` says of cap is 'forged'"),
        (("clauses", 0, "kind"), "credit", "is 'credit', and in the case 'minimum-commitment'"),
        (("clauses", 0, "counterparty"), "south", "is 'south', and in the case 'north'"),
        (("standings", -1, "meter"), "taken", "a meter of cap is 'taken'"),
        (("standings", -1, "unit"), "EUR", "a currency of cap is 'EUR'"),
    ],
)
def test_what_a_plan_repeats_of_its_case_is_what_the_case_says(path: Steps, value: Any, what: str) -> None:
    found = Plan.from_json(json.dumps(edited(path, copy.deepcopy(value))))  # which holds against itself
    with pytest.raises(PlanError) as refused:
        must_hold(found, case(), "plan")
    assert what in str(refused.value)
