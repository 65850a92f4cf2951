"""Which draws are made next, and by whom: who has a program open goes on with it.

Owns: dealing draws to whoever is free, and what is found as it comes. Not here: who makes them (``crew``), and when
that is stopped (``simulating``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from detente.outcomes.draws.crew import Crew
from detente.outcomes.draws.draws import Draw
from detente.outcomes.draws.simulation import SimulatedDraw

ProgramState = tuple[int, tuple[int, ...]]


class DrawsLeft:
    """Draws that nobody makes yet, by what decides on their program; and which program each worker has open."""

    def __init__(self, todo: Iterable[Draw]) -> None:
        self.of: dict[ProgramState, deque[Draw]] = {}
        for each in sorted(todo, key=lambda each: (each.state, each.index)):
            self.of.setdefault(each.state, deque()).append(each)
        self.open: dict[int, ProgramState] = {}

    def next(self, worker: int, most: int) -> list[Draw]:
        """Some draws of one program for a worker: of the one it has open, else where most are left for each."""
        if not self.of:
            return []
        if self.open.get(worker) not in self.of:
            self.open.pop(worker, None)
            self.open[worker] = max(self.of, key=self._for_each)
        state = self.open[worker]
        left = self.of[state]
        found = [left.popleft() for _ in range(min(most, len(left)))]
        if not left:
            del self.of[state]
        return found

    def _for_each(self, state: ProgramState) -> float:
        """How many draws of a program are left for each of those who would make them."""
        return len(self.of[state]) / (1 + sum(each == state for each in self.open.values()))


def made_by(crew: Crew, todo: Iterable[Draw]) -> Iterator[list[SimulatedDraw]]:
    """What draws come to, as each worker says so. It has been given more by then."""
    left, busy = DrawsLeft(todo), 0

    def give(worker: int) -> int:
        some = left.next(worker, crew.at_once)
        if some:
            crew.give(worker, some)
        return bool(some)

    for worker in range(crew.size):
        busy += give(worker)
    while busy:
        worker, found = crew.next()
        busy += give(worker) - 1
        yield found
