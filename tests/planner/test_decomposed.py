"""Trees that are solved future by future: their bound and their plan, held against the whole tree in one program."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detente.errors import TooLargeError
from detente.planner import hedging
from detente.planner.hedged import HedgedPlan
from detente.planner.hedging import CaseInFuture, hedge
from tests.builders import D, day
from tests.planner import test_hedging as whole

CENT = D("0.01")


@pytest.fixture
def apart() -> Iterator[None]:
    """No tree is small enough for one program."""
    kept, hedging.MAX_JOINED = hedging.MAX_JOINED, 0
    yield
    hedging.MAX_JOINED = kept


def solved_apart(futures: tuple[CaseInFuture, ...], until: str = "2026-02-01") -> HedgedPlan | None:
    kept, hedging.MAX_JOINED = hedging.MAX_JOINED, 0
    try:
        return hedge(futures, day(until), gap=1e-9)
    finally:
        hedging.MAX_JOINED = kept


@pytest.mark.parametrize("high", ["0.1", "0.6", "0.7", "0.8", "0.95"])
def test_futures_agree_on_what_costs_least_on_average(high: str) -> None:
    found = solved_apart(whole.two(high))
    assert found is not None
    assert found.cost == min(whole.by_hand(Fraction(high)).values())
    assert 0 <= found.cost - found.bound <= CENT


@settings(deadline=None, derandomize=True, max_examples=8, phases=[Phase.generate])
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(6, 30)), min_size=2, max_size=4),
    st.integers(0, 1),
)
def test_the_least_cost_of_the_tree_lies_between_the_bound_and_the_plan(
    outcomes: list[tuple[int, int]], months: int
) -> None:
    """However many futures, and however likely each is."""
    total = sum(part for part, _ in outcomes)
    chances = [D(part) / total for part, _ in outcomes[:-1]]
    chances.append(1 - sum(chances, D(0)))
    futures = tuple(
        whole.future(str(chance), (10, size, *([size] * months)), ("2026-02-01", f"{at}"))
        for at, (chance, (_, size)) in enumerate(zip(chances, outcomes, strict=True))
    )
    tree, found = hedge(futures, day("2026-02-01"), gap=1e-9), solved_apart(futures)
    assert tree is not None
    assert found is not None
    assert found.bound <= tree.cost + CENT
    assert tree.cost <= found.cost + CENT
    assert found.cost - found.bound <= D("0.02") * found.cost, "the gap is small, and told"
    assert found.shared == tree.shared


def test_news_in_two_steps_is_bounded_from_both_sides() -> None:
    futures = tuple(
        CaseInFuture(whole.case((4, second, third), "2026-01-01", "2026-02-01"), p * q, news)
        for (second, p), (third, q) in product([(4, D("0.3")), (8, D("0.7"))], [(2, D("0.4")), (9, D("0.6"))])
        for news in [
            whole.future("1", (4, second, third), ("2026-02-01", f"{second}"), ("2026-03-01", f"{third}")).news
        ]
    )
    found = solved_apart(futures, "2026-03-01")
    assert found is not None
    best = whole._enumerated()
    assert found.bound <= best + CENT
    assert best <= found.cost
    assert found.cost <= best * D("1.05")


def test_no_plan_suits_all_futures(apart: None) -> None:
    whole.test_no_plan_suits_all_futures()


def test_one_future_costs_what_its_plan_costs(apart: None) -> None:
    whole.test_one_future_costs_what_its_plan_costs()


def test_news_on_the_first_day_leaves_nothing_to_agree_on(apart: None) -> None:
    whole.test_news_on_the_first_day_leaves_nothing_to_share()


def test_a_weight_on_the_tail_is_told_and_not_bounded(apart: None) -> None:
    found = hedge(whole.two("0.3"), day("2026-02-01"), weight=D("0.5"), level=D("0.7"), gap=1e-9)
    assert found is not None
    assert found.bound < 0 < found.weighed


def test_a_tree_that_no_memory_holds_is_refused_before_it_is_formulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hedging, "SMALL", 0)
    monkeypatch.setattr(hedging, "memory", lambda: 1000)
    monkeypatch.setattr(hedging, "formulate_alike", lambda cases: pytest.fail("it was formulated"))
    said = r"2 futures would have about \d+ columns, and take \d+ GB of 0 GB; leave out events, or plan in longer"
    with pytest.raises(TooLargeError, match=said):
        hedge(whole.two("0.3"), day("2026-02-01"))
