"""Whole cases with everything that the plan says about them.

``tests/cases/<name>/case.yaml`` is a case, ``expected.txt`` beside it the full explanation. To add one, start with an
empty ``expected.txt``. ``DETENTE_REGENERATE=1 pytest tests/test_cases.py`` writes what the program says now: check each
changed figure by hand before you commit it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.planner.check import check
from detente.planner.solve import plan
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.values.period import named
from detente.values.quantity import plain

FOLDER = Path(__file__).parent / "cases"
NAMES = sorted(p.parent.name for p in FOLDER.glob("*/expected.txt"))


def lines(case: Case) -> Iterator[str]:
    """What a plan, or a conflict, says of a case."""
    answers = {name or "the text": "yes" if found is None else "no" for name, found in check(case).readings.items()}
    yield f"check: {', '.join(f'{name}: {answer}' for name, answer in answers.items())}"
    found = plan(case, gap=1e-9)
    yield from of_plan(found) if isinstance(found, Plan) else of_conflict(found)


def of_plan(found: Plan) -> Iterator[str]:
    """Every figure that a person would be shown."""
    cost, bound, gap = map(plain, (found.cost, found.bound, found.gap))
    yield f"{found.status}: cost {cost} {found.currency}, bound {bound}, gap {gap}"
    yield f"bill {plain(found.bill)}, unserved {plain(found.unserved_cost)}"
    for row in found.purchases:
        how = "reserved" if row.reserved else "rented"
        span = named(row.start, row.end)
        yield f"purchase: {row.units} x {row.offer} {how} {span}, {plain(row.hours)} hours each: {plain(row.cost)}"
    for item in found.allocations:
        month = f"{found.periods[item.period].start:%Y-%m}"
        yield f"work: {month} {item.workload} on {item.offer}: {plain(item.work)}, at list price {plain(item.cost)}"
    for idle in found.standby:
        yield f"standby: {found.periods[idle.period].start:%Y-%m} {idle.workload} on {idle.offer}: {plain(idle.work)}"
    for window in found.commitments:
        yield (
            f"commitment: {window.term} {named(window.start, window.end)}: "
            f"required {plain(window.required)}, spent {plain(window.drawn)}, brought {plain(window.brought)}, "
            f"carried {plain(window.carried)}, short {plain(window.short)}, fee {plain(window.owed)}"
        )
    for short in found.unserved:
        month = f"{found.periods[short.period].start:%Y-%m}"
        yield f"unserved: {month} {short.workload}: {plain(short.work)}, worth {plain(short.cost)}"
    for posting in found.postings:
        yield f"posting: {posting.term} {posting.part} {posting.start:%Y-%m-%d}: {plain(posting.amount)}"
    for clause in found.clauses:
        yield f"clause: {clause.term}: {clause.sentence}; {'binds' if clause.binds else 'does not bind'}"
        for price in clause.marginal:
            yield f"  {price.part} {named(price.start, price.end)}: {plain(price.price)} {price.unit}"
    for decision in found.decisions:
        cites = f" [{', '.join(decision.terms)}]" if decision.terms else ""
        yield f"decision: {decision.workload} on {decision.offer}: {decision.sentence}{cites}"


def of_conflict(found: Conflict) -> Iterator[str]:
    """The clauses, the facts and the ways out."""
    yield "conflict"
    for clash in found.clauses:
        yield f"clause: {clash.term} ({clash.agreement}): {clash.sentence}; in its words: {clash.text}"
    for fact in found.facts:
        yield f"fact: {fact}"
    for way in found.relaxations:
        cost = "no plan" if way.cost is None else f"{way.cost:.2f}"
        yield f"way out: {way.term}: {way.sentence}; cost then {cost}"


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    said = "\n".join(lines(Case.load(FOLDER / name))) + "\n"
    expected = FOLDER / name / "expected.txt"
    if os.environ.get("DETENTE_REGENERATE"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_saved_it_holds_plain_numbers_that_add_up(name: str) -> None:
    found = plan(Case.load(FOLDER / name), gap=1e-9)
    if isinstance(found, Plan):
        text = found.to_json()
        assert re.findall(r'"-?[0-9.]+E[^"]*"|"-?[0-9]+\.[0-9]*0"', text) == []
        assert Plan.from_json(text) == found
