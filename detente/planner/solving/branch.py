"""Branch and bound over few whole columns of a large program.

Owns: the search. It exists beside the solver's own because of size: with tens of thousands of columns and a dozen
whole ones, HiGHS spends minutes on cuts where a handful of warm linear programs settle the question; and each node's
bound is the safe one, computed from its duals. Not here: when to use it (``solve``).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Basis, Model
from detente.planner.solving.solution import Solution, Stopped

TIE = 1e-6
"""Bounds within this much of each other are equal, and of equals the deepest node goes first: contracts make many."""

MAX_PROGRAMS = 40
"""Programs solved before the search rests with the gap it has, where no time limit was given: a count, so that the same
case gives the same plan."""

UNSURE, PROBED = 0.3, 3
"""Of a column that is farther than this from whole, both sides are solved in so many columns of a dive: what is first
chosen there decides most."""

LITTLE = 0.1
"""Without a time limit the search rests where branching can win no more than this part of what rounding costs."""

Complete = Callable[[Solution], Solution | None]


@dataclass(order=True)
class Node:
    """A part of the search: bounds on the whole columns, and what is known there: at first its parent's bound.

    ``basis`` is where its own solve ended, before that its parent's: from there its own is near.
    """

    rank: tuple[int, int, int]
    bound: float = field(compare=False)
    depth: int = field(compare=False)
    low: Floats = field(compare=False)
    high: Floats = field(compare=False)
    basis: Basis = field(compare=False)
    solution: Solution | None = field(default=None, compare=False)


@dataclass
class Branched:
    """The best whole solution found, a proven bound, and whether the search was stopped."""

    best: Solution | None
    bound: float
    stopped: Stopped | None = None


class Search:
    """Dives: from the open node of the least bound to the nearest whole numbers, what it passes by stays open."""

    def __init__(
        self,
        model: Model,
        whole: Ints,
        root: Solution,
        basis: Basis,
        best: Solution | None,
        gap: float,
        most: int | None,
        tight: bool,
        probed: int,
    ) -> None:
        self.model, self.whole, self.best, self.gap, self.tight = model, whole, best, gap, tight
        self.most, self.probed = math.inf if most is None else most, probed
        self.step = max(abs(root.bound), 1.0) * TIE
        self.programs, self._order = 0, 0
        self._at: Basis | None = None  # where the last solve ended
        self._last: Node | None = None  # the last node that was solved
        self._home: Node | None = None  # the node of which the best solution is
        self.stopped: Stopped | None = None
        self.closed = math.inf  # the least bound of what is settled
        self.open: list[Node] = []
        low, high = np.zeros(len(whole)), np.floor(model.most[whole] + 1e-9)
        self._add(Node((0, 0, 0), root.bound, 0, low, high, basis, root))

    @property
    def bound(self) -> float:
        """What no whole solution costs less than."""
        return min([self.closed, *(node.bound for node in self.open)])

    def run(self, complete: Complete) -> None:
        """Dive until nothing is open that could be cheaper by more than the gap, or enough was tried.

        A node that only has its parent's bound is solved all the same, while its own could raise the bound of all: that
        is what ``tight`` wants.
        Where the least bound is that of a whole solution, the rest of its distance is rounding of larger counts.
        """
        while self.open and self.stopped is None and self.programs < self.most:
            least = self.open[0]
            settled = least.solution is not None or not self.tight
            if self.closed <= least.bound or (self._close(least.bound) and settled):
                return
            if self._little_left(least.bound):
                return
            self._dive(heapq.heappop(self.open), complete)

    def go_home(self) -> None:
        """Let what is solved next begin at the best solution's node: other nodes may be far from it."""
        if self._home is not None and self._home is not self._last:
            self.model.start_at(self._home.basis)

    def _add(self, node: Node) -> None:
        self._order += 1
        node.rank = (math.floor(node.bound / self.step), -node.depth, -self._order)
        heapq.heappush(self.open, node)

    def _close(self, bound: float) -> bool:
        """Whether what is known is near enough to a bound."""
        best = self.best
        return best is not None and best.objective - bound <= self.gap * max(abs(best.objective), 1e-9)

    def _little_left(self, bound: float) -> bool:
        """Whether nearly all of what is known lies above a bound is rounding of larger counts, and no search's."""
        best = self.best
        if best is None or math.isinf(self.most):  # there is a time limit, and it is used
            return False
        return self.closed - bound <= LITTLE * (best.objective - self.closed)

    def _dive(self, node: Node, complete: Complete) -> None:
        below: Node | None = node
        while below is not None and self._solve(below):
            node = below
            assert node.solution is not None
            assert node.solution.values is not None
            values = node.solution.values[self.whole]
            away = np.abs(values - np.rint(values))
            if self._close(node.bound):
                self.closed = min(self.closed, node.bound)
                return
            if away.max() < 1e-6:  # whole: what remains of its distance to the bound is rounding of larger counts
                self.closed = min(self.closed, node.bound)
                self.programs += 1
                known, self.best = self.best, better(self.best, complete(node.solution))
                self._home = self._home if self.best is known else node
                self._at = None
                return
            below = self._side(node, int(np.argmax(away)), values)

    def _side(self, node: Node, at: int, values: Floats) -> Node | None:
        """Where a dive goes on below a node: on the nearer side of a column, or, where neither is near, the cheaper.

        The other stays open. None: neither side can be.
        """
        high, low = node.high.copy(), node.low.copy()
        high[at], low[at] = math.floor(values[at]), math.ceil(values[at])
        down = Node(node.rank, node.bound, node.depth + 1, node.low, high, node.basis)
        up = Node(node.rank, node.bound, node.depth + 1, low, node.high, node.basis)
        near, far = (up, down) if values[at] - high[at] >= 0.5 else (down, up)
        if node.depth >= self.probed or abs(values[at] - np.rint(values[at])) < UNSURE:
            self._add(far)
            return near
        sides = [side for side in (near, far) if self._solve(side)]
        if not sides:
            return None
        best = min(sides, key=lambda side: side.bound)
        for other in sides:
            if other is not best:
                self._add(other)
        return best

    def _solve(self, node: Node) -> bool:
        """Solve a node's program, if it is not yet; a node that cannot be now stays open. False where a dive ends."""
        if node.solution is not None:
            return True
        if self.programs < self.most:
            if node.basis is not self._at:
                self.model.start_at(node.basis)
            self.model.confine(self.whole, node.low, node.high)
            found = self.model.solve_linear()
            self._at, self._last = None, node
            self.programs += 1
            if found.status == "optimal":
                node.bound, node.solution = max(found.bound, node.bound), found
                node.basis = self._at = self.model.basis
                return True
            if found.status == "infeasible":
                return False
            self.stopped = found.status
        self._add(node)
        return False


def branch(
    model: Model,
    whole: Ints,
    root: Solution,
    basis: Basis,
    best: Solution | None,
    gap: float,
    complete: Complete,
    most: int | None,
    *,
    tight: bool = True,
    probed: int = PROBED,
) -> Branched:
    """Least cost with whole columns, to a relative gap.

    Parameters
    ----------
    root, basis
        The linear program's solution, and where its solve ended.
    best
        A whole solution that is known, if any.
    complete
        Rounds what else must be whole in a node's solution and solves again; None where that cannot be done.
    most
        Programs to be solved at most; None: until the model's deadline.
    tight
        Whether a bound that is near enough is raised where another program may do that.
    probed
        In so many columns of a dive both sides are solved where neither is near.
    """
    search = Search(model, whole, root, basis, best, gap, most, tight, probed)
    search.run(complete)
    model.release(whole)
    search.go_home()
    found = search.best
    return Branched(found, min(search.bound, found.objective) if found else search.bound, search.stopped)


def better(best: Solution | None, found: Solution | None) -> Solution | None:
    """The cheaper of two; the first of equals."""
    if found is None or (best is not None and best.objective <= found.objective):
        return best
    return found
