"""Prices that are stopped while they are sought: by Ctrl-C, a time limit, and within a solve."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from detente.case.case import Case
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import sweep
from detente.planner.study import Study
from tests.builders import EXACT, two_clouds
from tests.outcomes.worth.priced import floor, prices, stopping


@pytest.mark.parametrize("how", ["interrupted", "time-limit"])
def test_what_is_found_before_a_stop_is_kept_and_marked(how: str) -> None:
    with stopping(0, how):  # the first does not bind, and takes no other solve
        found = prices(two_clouds(floor("one", "3000 USD"), floor("two", "9000 USD")))
    assert found.status == how
    assert [(each.term, each.asked) for each in found.clauses] == [("one", True), ("two", False)]
    assert found.clauses[1].price is None
    assert [a.asked for a in found.agreements] == [False]


def test_ctrl_c_while_prices_are_sought_keeps_those_that_are_found() -> None:
    said: list[str] = []

    def press(text: str) -> None:
        said.append(text)
        if text.startswith("without `two`"):
            signal.raise_signal(signal.SIGINT)

    case = two_clouds(floor("one", "9000 USD"), floor("two", "3000 USD"))
    with mock.patch.object(signal, "getsignal", return_value=signal.default_int_handler):
        found = price(case, gap=EXACT, progress=press)
    assert isinstance(found, ClausePrices)
    assert found.status == "interrupted"
    assert [each.asked for each in found.clauses] == [True, False]


def test_without_time_nothing_is_priced() -> None:
    found = price(two_clouds(floor(amount="9000 USD")), time_limit=1e-9)
    assert isinstance(found, ClausePrices)
    assert (found.status, [each.asked for each in found.clauses]) == ("time-limit", [False])


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        (lambda case: price(case, gap=EXACT), 1),
        (lambda case: leverage(case, gap=EXACT), 1),
        (lambda case: sweep(case, "one.amount", "0 USD", "9000 USD", gap=EXACT), 3),  # without it, and unsigned, first
    ],
    ids=["price", "leverage", "sweep"],
)
def test_ctrl_c_inside_of_a_solve_keeps_what_is_found_and_marks_it(asked: Callable[[Case], Any], first: int) -> None:
    """As where somebody else handles the signal, in a notebook say: then it is raised where the solver is."""
    case, real, solved = two_clouds(floor("one", "9000 USD"), floor("two", "3000 USD")), Study.near, []

    def near(self: Study, gap: float) -> Any:
        solved.append(self)
        if len(solved) > first:
            raise KeyboardInterrupt
        return real(self, gap)

    with mock.patch.object(Study, "near", near):
        found = asked(case)
    assert found.status == "interrupted"
    assert found.rows(), "what was found before is kept"
