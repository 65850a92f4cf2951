"""Ctrl-C: what is at hand becomes a plan, and what is not is lost without a word of the solver's."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from detente.case.case import Case
from detente.planner.check import check
from detente.planner.solve import plan
from detente.planner.solving import search
from detente.planner.solving.interrupt import Interrupt, interrupts_noted
from detente.planner.study import STOPPING
from detente.results.plan import Plan
from tests.builders import agreement, build, compute, gpus, tokens, work

EXACT = 1e-9


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def pressing(at: str, told: list[str], times: int = 1) -> Callable[[str], None]:
    """Progress that presses Ctrl-C where a text begins so."""

    def progress(text: str) -> None:
        told.append(text)
        if text.startswith(at):
            for _ in range(times):
                press()

    return progress


@pytest.fixture(autouse=True)
def is_restored() -> Any:
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def in_instances() -> Case:
    """Instances of 8 at 2 or of one at 3, for 10: whole numbers have to be chosen, and none is on the bound."""
    return build([gpus("north", 2, unit=8), gpus("south", 3)], [compute(demand="10 GPU")], months=1)


# -- the handler ----------------------------------------------------------------------------------------
def test_the_first_is_noted_and_answered_and_the_second_raised() -> None:
    said: list[str] = []
    with interrupts_noted(lambda: said.append("stopping")) as interrupt:
        press()
        assert interrupt.noted
        assert said == ["stopping"]
        with pytest.raises(KeyboardInterrupt):
            press()
    assert said == ["stopping"]
    with pytest.raises(KeyboardInterrupt):
        press()


def test_one_that_comes_within_a_part_is_noted_for_the_whole() -> None:
    said: list[str] = []
    with interrupts_noted() as whole:
        with interrupts_noted(lambda: said.append("stopping")) as part:
            press()
            assert (part.noted, whole.noted, said) == (True, False, ["stopping"])
        assert whole.noted
        with interrupts_noted() as later:
            assert later.noted
            with pytest.raises(KeyboardInterrupt):
                press()


def test_an_answer_that_cannot_be_written_is_none() -> None:
    def broken() -> None:
        raise BrokenPipeError

    interrupt = Interrupt(broken)
    interrupt.note(signal.SIGINT, None)
    assert interrupt.noted


def test_a_handler_of_the_program_around_it_stays() -> None:
    pressed: list[int] = []

    def theirs(number: int, frame: object) -> None:
        pressed.append(number)

    signal.signal(signal.SIGINT, theirs)
    try:
        with interrupts_noted() as interrupt:
            press()
        assert (pressed, interrupt.noted) == ([signal.SIGINT], False)
        assert signal.getsignal(signal.SIGINT) is theirs
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_plan_is_made_in_a_thread_too() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(plan(in_instances())))
    thread.start()
    thread.join()
    assert isinstance(found[0], Plan)


# -- plans ----------------------------------------------------------------------------------------------
def test_while_it_is_billed_a_plan_is_finished_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_SEARCHED", 0)
    told: list[str] = []
    case = build([gpus("north", 3)], [compute(demand="1000.5 GPU")], months=1)
    whole = plan(case, gap=EXACT)
    found = plan(case, gap=EXACT, progress=pressing("billing", told))
    assert isinstance(whole, Plan)
    assert isinstance(found, Plan)
    assert (whole.status, found.status, found.cost) == ("feasible", "interrupted", whole.cost)
    assert told[told.index("billing") + 1] == STOPPING


def test_one_that_is_optimal_by_then_stays_so() -> None:
    found = plan(build([tokens("north", 3)], [work()], months=1), progress=pressing("billing", []))
    assert isinstance(found, Plan)
    assert found.status == "optimal"


def test_in_the_search_the_plan_at_hand_is_kept() -> None:
    told: list[str] = []
    found = plan(in_instances(), gap=EXACT, progress=pressing("choosing", told))
    assert isinstance(found, Plan)
    assert found.status == "interrupted"
    assert found.bound < found.cost
    assert told[-2:] == [STOPPING, "billing"]


def test_before_the_first_solve_the_cheapest_offers_serve() -> None:
    found = plan(in_instances(), progress=pressing("solving", []))
    assert isinstance(found, Plan)
    assert (found.status, len(found.allocations) > 0) == ("interrupted", True)


def test_before_the_first_solve_without_a_plan_at_hand_it_is_raised() -> None:

    part = agreement({"id": "part", "kind": "share", "at-least": "25%"}, party="south")
    kept = build([gpus("north", 2), gpus("south", 3)], [compute(demand="10 GPU")], part, months=1)
    assert isinstance(plan(kept), Plan)
    with pytest.raises(KeyboardInterrupt):
        plan(kept, progress=pressing("solving", []))


@pytest.mark.parametrize("at", ["formulating", "assembling"])
def test_before_there_can_be_a_plan_it_is_raised(at: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        plan(in_instances(), progress=pressing(at, []))


@pytest.mark.parametrize("at", ["solving", "billing"])
def test_pressed_twice_it_is_raised(at: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        plan(in_instances(), progress=pressing(at, [], times=2))


def test_of_a_conflict_nothing_is_kept() -> None:
    only = {"id": "only", "kind": "exclusivity"}
    deals = [agreement(only), agreement(only | {"id": "other"}, party="south")]
    case = build([tokens("north", 3), tokens("south", 2)], [work()], *deals, months=1)
    with pytest.raises(KeyboardInterrupt):
        plan(case, progress=pressing("looking", []))


def test_a_check_is_stopped() -> None:
    with pytest.raises(KeyboardInterrupt):
        check(in_instances(), progress=pressing("solving", []))
