"""Every leaf of a saved plan, edited in one plausible way, with the checksum made anew: what passes has its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.planned import must_hold
from detente.errors import PlanError
from detente.results.checksum import checksum
from detente.results.plan import Plan
from tests.builders import agreement, build, compute, gpus, solved, tokens, work
from tests.planner.test_saved_plans import mixed
from tests.results.test_coherence import case as bought

Steps = tuple[str | int, ...]

PERMITTED = {
    "bounded_by": "whence a bound is takes the search again, where nothing was rounded; it is no higher than the cost",
    "clauses.*.marginal.*.part": "marginal prices are read off the solved program: they take solving it again",
    "clauses.*.marginal.*.start": "as the price",
    "clauses.*.marginal.*.end": "as the price",
    "clauses.*.marginal.*.price": "as the part",
    "clauses.*.marginal.*.unit": "as the price",
    "clauses.*.marginal.*.saves": "as the part",
    "decisions.*.reasons.*.sentence": "why work is where it is turns on all prices and rows of the solved program",
    "decisions.*.reasons.*.term": "as the sentence; of what is denied a clause is named",
}
"""Leaves of which an edit passes, each with why. All else that a plan says is held against itself or its case."""

NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOMENT = re.compile(r"(\d{4})(-\d\d-\d\dT.*)")
WORDS = {
    "status": ("optimal", "feasible"),
    "bounded_by": ("program", "prices"),
    "what": ("use", "idle", "egress"),
}
FILLED = {"term": "floor", "price": "1", "saves": "5"}
"""What stands for nothing where nothing is: else a number."""


def _leaves(value: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path, value
    else:
        for key, each in inside:
            yield from _leaves(each, (*path, key))


def _edits(path: Steps, value: Any) -> Iterator[Any]:
    """A little more, and a little less; another day, word or text."""
    name = str(path[-1])
    if isinstance(value, bool):
        yield not value
    elif value is None:
        yield FILLED.get(name, "5")
    elif isinstance(value, int):
        yield from (value + 1, *([value - 1] if value else []))
    elif NUMBER.fullmatch(value):
        yield from (str(Decimal(value) * Decimal(times)) if Decimal(value) else "1" for times in ("1.1", "0.9"))
    elif moment := MOMENT.fullmatch(value):
        yield f"{int(moment[1]) + 1}{moment[2]}"
    elif name in WORDS and len(path) in (1, 3):
        yield from (word for word in WORDS[name] if word != value)
    else:
        yield f"{value}x"


def _edited(text: str, path: Steps, value: Any) -> str:
    found = json.loads(text)
    holder = found
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return json.dumps(found | {"checksum": checksum(found)})


def tokens_and_credit() -> Case:
    """A credit, a floor by month after it, a share, and work that goes unserved."""
    floor = {"kind": "minimum-commitment", "amount": "2 k USD", "windows": {"every": "month"}}
    return build(
        [tokens("north", 3), tokens("south", 2)],
        [work(), work("mail", "300 Mtok per month", value="1 USD per Mtok")],
        agreement(
            {"id": "credit", "kind": "credit", "amount": "300 USD"},
            {"id": "floor", **floor, "shortfall": {"fee": "50%"}, "measure": "after-credits"},
        ),
        agreement({"id": "part", "kind": "share", "at-most": "60%"}, party="south"),
        months=2,
    )


@pytest.mark.parametrize("case", [bought(), Case.of(mixed()), tokens_and_credit()], ids=["units", "mixed", "tokens"])
def test_an_edit_of_any_leaf_is_refused_but_for_a_few(case: Case) -> None:
    text = solved(case).to_json()
    must_hold(Plan.from_json(text), case, "plan")
    passed, tried = set[str](), set[str]()
    for path, value in _leaves({key: each for key, each in json.loads(text).items() if key != "checksum"}):
        shape = ".".join("*" if isinstance(step, int) else step for step in path)
        if shape in tried and isinstance(path[1], int) and path[1] % 5:
            continue  # of many rows alike some are enough
        tried.add(shape)
        for edit in _edits(path, value):
            try:
                must_hold(Plan.from_json(_edited(text, path, edit)), case, "plan")
            except PlanError:
                continue
            passed.add(shape)
    assert passed <= PERMITTED.keys()
    assert len(tried) > 100


def test_work_of_a_millionth_may_stand_where_no_unit_is_bought() -> None:
    """Of 336 typical hours some have a millionth of work on an offer of which nothing is bought then."""
    held = {"buy": "reserved", "term": "1 month", "unit": 1}
    case = build(
        [
            gpus("north", "3.92", id="node", unit=2),
            gpus("north", "1.27", id="upfront", **held, capacity="2 GPU", invoiced="upfront"),
            gpus(
                "north",
                "2.65",
                id="monthly",
                **held | {"unit": 4},
                capacity="24 GPU",
                invoiced="monthly",
            ),
            gpus("south", "0.95", id="older", accelerator="A", unit=8),
            gpus("north", "2.37", id="old", accelerator="A", unit=2),
        ],
        [
            compute(
                "talk",
                "5.1 GPU",
                value="1.56 USD per GPU-hour",
                **{"runs-on": {"accelerators": {"H100": 1, "A": "0.5"}}},
            ),
            compute(
                "act",
                "6.1 GPU",
                value="4.22 USD per GPU-hour",
                **{"runs-on": {"accelerators": {"H100": 1, "A": "0.4"}}},
            ),
        ],
        agreement({"id": "alone", "kind": "exclusivity"}),
        months=2,
        horizon={"start": "2026-01-01", "end": "2026-03-01", "every": "hour", "typical": "week"},
        idle="allowed",
    )
    found = solved(case)
    bought = {(row.offer, row.period) for row in found.capacity if row.bought}
    assert any((run.offer, run.period) not in bought for run in found.allocations)
    must_hold(found, case, "plan")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1:], "whether a decision is made of"),
        (lambda rows: [row | {"denied": False} for row in rows], "is denied is False, and in the case True"),
        (lambda rows: [row | {"reasons": [r | {"sentence": "no"} for r in row["reasons"]]} for row in rows], "'no'"),
    ],
)
def test_what_is_denied_is_what_the_case_denies(change: Callable[[Any], Any], said: str) -> None:
    """South is in the US and the work may run in the EU alone: of its two decisions one is that, and runs nowhere."""
    stays = {"id": "stays", "kind": "residency", "within": ["EU"]}
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(stays, party="self"))
    found = json.loads(solved(case).to_json())
    (denied,) = (row for row in found["decisions"] if row["denied"])
    assert denied["offer"] == "south-api"
    edited = [row for row in found["decisions"] if row is not denied] + change([denied])
    found["decisions"] = sorted(edited, key=lambda row: str(row["offer"]))
    with pytest.raises(PlanError, match=said):
        must_hold(Plan.from_json(json.dumps(found | {"checksum": checksum(found)})), case, "plan")


def test_work_is_added_up_exactly() -> None:
    """A millionth of a Mtok, which is what work is planned in, of 180,000."""
    case = build([tokens("north", 3)], [work()])
    found = json.loads(solved(case).to_json())
    row = found["workloads"][0]
    row["served"] = str(Decimal(row["served"]) + Decimal("0.000001"))
    with pytest.raises(PlanError, match=r"the work served of chat is .*, and its allocations come to"):
        Plan.from_json(json.dumps(found | {"checksum": checksum(found)}))
