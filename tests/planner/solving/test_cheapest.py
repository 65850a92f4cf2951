"""A bound that needs no solving: all demand at its cheapest permitted prices."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from detente.case.case import Case
from detente.planner.solve import plan
from detente.planner.solving import search
from detente.planner.solving.cheapest import at_cheapest
from detente.planner.solving.solution import Solution
from detente.planner.study import Study
from detente.report.plans import answer
from detente.results.plan import Plan
from tests.builders import Data, agreement, build, compute, gpus, tokens, work
from tests.drawn_cases import cases

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "6 k USD", "windows": {"every": "term"}}
APART = {"id": "apart", "kind": "exclusivity"}


def cheapest(case: Case) -> float:
    study = Study.of(case)
    return at_cheapest(study.draft, study.turn())


@pytest.mark.parametrize(
    ("offers", "workload", "terms", "least"),
    [
        # 1,000 Mtok in each of 12 months at 2 USD per Mtok
        ([tokens("north", 3), tokens("south", 2)], work(), [], 24_000),
        # permitted at north alone: at 3
        ([tokens("north", 3), tokens("south", 2)], work(), [APART], 36_000),
        # not worth more than 1.5 USD per Mtok to us
        ([tokens("north", 3), tokens("south", 2)], work(value="1.5 USD per Mtok"), [], 18_000),
        # 10 GPUs in 8,760 hours at 2 USD, in units of eight
        ([gpus("north", 3), gpus("south", 2, unit=8)], compute(), [], 175_200),
        # reserved for three months at a time, at 1 USD in each hour of them
        ([gpus("north", 3), gpus("south", 1, buy="reserved", term="3 months")], compute(), [], 87_600),
    ],
)
def test_by_hand(offers: list[Data], workload: Data, terms: list[Data], least: float) -> None:
    deals = [agreement(*terms)] if terms else []
    assert cheapest(build(offers, [workload], *deals, months=12)) == pytest.approx(least, rel=1e-9)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(case=cases())
def test_no_point_of_the_program_costs_less(case: Case) -> None:
    study = Study.of(case)
    bound = at_cheapest(study.draft, study.turn())
    relaxed = study.turn().solve_linear()
    if relaxed.status == "optimal":
        assert bound <= relaxed.objective + 1e-6 * max(1.0, abs(relaxed.objective))


def test_a_plan_whose_program_was_not_solved_says_what_its_bound_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both offers are open, and time ended at once: 24,000 is what all work costs at the cheaper one."""
    stopped = Solution("time-limit", None, float("inf"), float("-inf"))
    monkeypatch.setattr(search, "_relaxed", lambda *given: stopped)  # so all runs on the cheaper offer
    found = plan(build([tokens("north", 3), tokens("south", 2)], [work()], months=12))
    assert isinstance(found, Plan)
    assert (found.bounded_by, found.status) == ("prices", "optimal")  # no plan costs less, and none was sought
    dearer = plan(build([tokens("north", 3), tokens("south", 2)], [work()], agreement(FLOOR), months=12))
    assert isinstance(dearer, Plan)
    assert (dearer.cost, dearer.bound, dearer.status) == (24_000 + 6_000, 24_000, "time-limit")
    assert answer.proof(dearer) == (
        "Under these assumptions, no plan costs less than 24.0 k USD; "
        "the search stopped at its time limit before a closer bound was proven."
    )
