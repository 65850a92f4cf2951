"""What the functions of the Python API are given: texts as the command line takes them, and what is neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detente.case.case import Case
from detente.case.given import part, time_limit_of, whole
from detente.errors import CaseError
from detente.outcomes.choices.comparing import compare
from detente.outcomes.deals.sign import sign
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import NumberSweep, sweep
from detente.planner.check import check
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import Data, two_clouds
from tests.outcomes.choices import court as outcomes
from tests.outcomes.deals import test_sign as deals
from tests.outcomes.draws import worlds as draws

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}


@pytest.fixture(scope="module")
def clouds() -> Case:
    return two_clouds(FLOOR)


@pytest.mark.parametrize("given", ["1%", " 1 %", 0.01, Decimal("0.01"), np.float64(0.01), Fraction(1, 100)])
def test_a_part_is_exactly_what_is_written(given: Any) -> None:
    assert part(given, "gap") == Decimal("0.01")


LIMITS = [(60, 60), ("60", 60), ("2 minutes", 120), ("250 ms", 0.25), (None, None)]


@pytest.mark.parametrize(("given", "seconds"), LIMITS)
def test_a_time_limit_is_seconds(given: Any, seconds: float | None) -> None:
    assert time_limit_of(given) == seconds


@pytest.mark.parametrize("given", [100, "100", 100.0, np.int64(100)])
def test_a_whole_number_may_be_a_text(given: Any) -> None:
    found = whole(given, "draws", 1)
    assert (found, type(found)) == (100, int)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: part("0.01", "gap"), "gap: `0.01` is not a percentage"),
        (lambda: part(-0.01, "gap"), "gap: `-0.01` is not 0 or more"),
        (lambda: part("-1%", "gap"), "gap: `-1%` is not 0 or more"),
        (lambda: part(nan, "gap"), "gap: `nan` is not 0 or more"),
        (lambda: part(inf, "gap"), "gap: `inf` is not 0 or more"),
        (lambda: part(None, "gap"), "gap: `None` is no part of 1"),
        (lambda: part(True, "gap"), "gap: `True` is no part of 1"),
        (lambda: time_limit_of(nan), "time_limit: `nan` is no number of seconds"),
        (lambda: time_limit_of("soon"), "time_limit: `soon` is not a duration"),
        (lambda: time_limit_of(0), "time_limit: `0` is not more than 0"),
        (lambda: time_limit_of("-1"), "time_limit: `-1` is not more than 0"),
        (lambda: plan(two_clouds(FLOOR), time_limit=-1.5), "time_limit: `-1.5` is not more than 0"),
        (lambda: check(two_clouds(FLOOR), time_limit=0), "time_limit: `0` is not more than 0"),
        (lambda: time_limit_of([60]), r"time_limit: `\[60\]` is no number of seconds"),
        (lambda: whole(2.5, "draws", 1), "draws: `2.5` is no whole number"),
        (lambda: whole("ten", "draws", 1), "draws: `ten` is no whole number"),
        (lambda: whole(0, "draws", 1, 9), "draws: 0 is out of range\n.*write 1 to 9"),
    ],
)
def test_what_is_no_such_value_is_told_by_its_name(ask: Callable[[], object], told: str) -> None:
    with pytest.raises(CaseError, match=told):
        ask()


def test_a_gap_and_a_time_limit_may_be_texts(clouds: Case) -> None:
    found = plan(clouds, gap="1%", time_limit="10 minutes")  # no test waits for that: it is planned in a moment
    assert isinstance(found, Plan)
    assert found.cost == _cost(plan(clouds, gap=0.01))
    assert check(clouds, time_limit="600") == check(clouds)


def _cost(found: object) -> Decimal:
    assert isinstance(found, Plan)
    return found.cost


@pytest.mark.parametrize(
    "ask",
    [
        lambda gap: plan(two_clouds(FLOOR), gap=gap),
        lambda gap: price(two_clouds(FLOOR), gap=gap),
        lambda gap: leverage(two_clouds(FLOOR), gap=gap),
        lambda gap: sweep(two_clouds(FLOOR), "floor", "0 USD", "9 k USD", gap=gap),
        lambda gap: sign(Case.of(deals.world()), "deal", gap=gap),
        lambda gap: compare(Case.of(outcomes.world()), gap=gap),
        lambda gap: simulate(draws.world(), gap=gap),
    ],
)
def test_every_function_says_what_a_gap_is(ask: Callable[[object], object]) -> None:
    with pytest.raises(CaseError, match="gap: `tight` is not a percentage"):
        ask("tight")


@pytest.mark.parametrize("ask", [plan, check, price, leverage, compare, simulate])
def test_a_folder_is_no_case_and_what_to_do_is_said(ask: Callable[[Any], object], tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"is no case\n.*`Case.load\(FOLDER\)`"):
        ask(tmp_path)


def test_a_level_and_a_weight_may_be_percentages() -> None:
    case = Case.of(outcomes.world())
    assert compare(case, level="50%", weight="30%").rows() == compare(case, level=Decimal("0.5"), weight=0.3).rows()
    with pytest.raises(CaseError) as caught:
        compare(case, level=95, weight=30)
    assert [each.where.file for each in caught.value.mistakes] == ["level", "weight"]


def test_a_provider_and_a_day_may_be_texts(clouds: Case) -> None:
    found = leverage(clouds, "north", "2026-01-02", curves=False)
    assert isinstance(found, Leverage)
    assert [each.provider for each in found.providers] == ["north"]
    same = leverage(clouds, ["north"], date(2026, 1, 2), curves=False)
    assert isinstance(same, Leverage)
    assert found.rows() == same.rows()
    with pytest.raises(CaseError, match="away: "):
        leverage(clouds, away="soon")


def test_draws_may_be_texts_and_words_are_those_that_there_are() -> None:
    found = simulate(draws.world(), draws="3", seed="1", processes="1")
    assert isinstance(found, Simulation)
    assert (len(found.draws), found.seed) == (3, 1)
    for ask, told in (
        ({"dispatch": "cheap"}, "dispatch: `cheap` is not known\n.*allowed: `cost`, `live`"),
        ({"on": "cluster"}, "on: `cluster` is not known\n.*allowed: `processes`, `ray`"),
        ({"seed": -1}, "seed: -1 is out of range"),
        ({"processes": 0}, "processes: 0 is out of range"),
    ):
        with pytest.raises(CaseError, match=told):
            simulate(draws.world(), **ask)


def test_steps_may_be_a_text(clouds: Case) -> None:
    found = sweep(clouds, "floor", "0 USD", "9 k USD", steps="2")
    assert isinstance(found, NumberSweep)
    with pytest.raises(CaseError, match=r"steps: 0 is out of range\n.*write 1 to 200"):
        sweep(clouds, "floor", "0 USD", "9 k USD", steps=0)


def test_what_is_not_there_is_said_of_the_parameter(clouds: Case) -> None:
    asked: list[tuple[Callable[[], object], str]] = [
        (lambda: leverage(clouds, "west"), "^providers: there is no provider `west`"),
        (lambda: leverage(clouds, away="2031-01-01"), "^away: the loss begins on 2031-01-01"),
        (lambda: sweep(clouds, "flor", "0 USD", "9 USD"), "^of: there is no clause `flor`"),
        (lambda: sweep(clouds, "floor", "0 EUR", "9 USD"), "^start: .* is in EUR"),
        (lambda: sweep(clouds, "floor", "0 USD", "0 USD"), "^end: .* are not two ends"),
        (lambda: simulate(clouds, "nosuch"), "^choice: there is no choice `nosuch`\n.*has no choices: leave it out"),
        (lambda: clouds.under(reading="letter"), "^reading: no clause has .*\n.*has readings: leave it out"),
    ]
    for ask, told in asked:
        with pytest.raises(CaseError, match=told):
            ask()


def test_names_that_are_no_texts_are_told() -> None:
    case = Case.of(deals.world())
    asked: list[tuple[Callable[[], object], str]] = [
        (lambda: case.under(reading=3), "reading: `3` is no reading"),  # type: ignore[arg-type]
        (lambda: case.under(scenario=["deal"]), "scenario: .* is no text"),  # type: ignore[arg-type]
        (lambda: case.under(scenario="nosuch"), "scenario: there is no `nosuch`"),
        (lambda: case.under(scenario="deal,"), "holds an empty name"),
        (lambda: sign(case, "nosuch"), "deal: there is no file"),
        (lambda: sign(case, None), "deal: `None` does not name a scenario or an agreement"),  # type: ignore[arg-type]
    ]
    for ask, told in asked:
        with pytest.raises(CaseError, match=told):
            ask()


def test_one_file_beside_a_case_needs_no_list(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text("")
    with pytest.raises(CaseError, match=r"nosuch\.yaml: cannot be read") as caught:
        Case.load(tmp_path, "nosuch.yaml")
    assert "n: cannot" not in str(caught.value)
