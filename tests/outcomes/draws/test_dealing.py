"""Dealing draws: each is made once, by workers who go on with the program that they have open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.outcomes.draws.dealing import DrawsLeft, made_by
from detente.outcomes.draws.draws import Draw


def draws(*states: int) -> list[Draw]:
    return [Draw(index, state, (), ()) for index, state in enumerate(states)]


class Ledgered:
    """A crew that says of each draw its number, and notes which programs each of them opened."""

    at_once = 3

    def __init__(self, size: int, order: Sequence[int]) -> None:
        self.size, self.order = size, list(order)
        self.busy: dict[int, list[Draw]] = {}
        self.opened: list[tuple[int, int]] = []

    def give(self, worker: int, some: Sequence[Draw]) -> None:
        assert worker not in self.busy, "who is at work is given nothing"
        assert len({each.state for each in some}) == 1
        self.busy[worker] = list(some)
        if (worker, some[0].world) not in self.opened:
            self.opened.append((worker, some[0].world))

    def next(self) -> Any:
        ready = sorted(self.busy)
        worker = ready[self.order.pop() % len(ready)] if self.order else ready[0]
        return worker, [each.index for each in self.busy.pop(worker)]

    def close(self) -> None:
        """Nothing to end."""


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 4), st.lists(st.integers(0, 100), max_size=60))
def test_each_draw_is_made_once_whoever_is_done_first(states: list[int], size: int, order: list[int]) -> None:
    crew: Any = Ledgered(size, order)
    found: list[Any] = [index for some in made_by(crew, draws(*states)) for index in some]
    assert sorted(found) == list(range(len(states)))


def test_two_workers_who_are_alike_quick_open_each_program_once() -> None:
    crew: Any = Ledgered(2, [])
    crew.next = lambda: _oldest(crew)
    list(made_by(crew, draws(*[0] * 12, *[1] * 12, *[2] * 6, *[3] * 6)))
    assert sorted(program for _, program in crew.opened) == [0, 1, 2, 3]


def _oldest(crew: Ledgered) -> Any:
    worker = next(iter(crew.busy))
    return worker, [each.index for each in crew.busy.pop(worker)]


def test_whoever_is_free_helps_where_most_are_left() -> None:
    left = DrawsLeft(draws(*[0] * 9, *[1] * 4))
    assert [each.world for each in left.next(0, 3)] == [0, 0, 0]
    assert [each.world for each in left.next(1, 4)] == [1, 1, 1, 1]
    assert [each.world for each in left.next(1, 3)] == [0, 0, 0], "its own program has none left"
    assert [each.world for each in left.next(0, 9)] == [0, 0, 0]
    assert left.next(1, 3) == []
