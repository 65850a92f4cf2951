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

from detente.planner.expression import Floats, Ints
from detente.planner.model import Model
from detente.planner.solution import Solution, Stopped

TIE = 1e-6
"""Bounds within this much of each other are equal, and of equals the deepest node goes first: contracts make many."""

MOST_NODES = 12
"""Programs solved before the search rests with the gap it has: a count, so that the same case gives the same plan."""

Complete = Callable[[Solution], Solution | None]


@dataclass(order=True)
class Node:
    """A part of the search: bounds on the whole columns, and the linear program's answer there."""

    rank: tuple[int, int, int]
    bound: float = field(compare=False)
    depth: int = field(compare=False)
    low: Floats = field(compare=False)
    high: Floats = field(compare=False)
    solution: Solution = field(compare=False)


@dataclass
class Branched:
    """The best whole solution found, a proven bound, and whether the search was stopped."""

    best: Solution | None
    bound: float
    stopped: Stopped | None = None


def branch(
    model: Model, whole: Ints, root: Solution, best: Solution | None, gap: float, complete: Complete
) -> Branched:
    """Least cost with whole columns, to a relative gap: the least bound is opened first, of equals the deepest.

    Parameters
    ----------
    root
        The linear program's solution.
    best
        A whole solution that is known, if any.
    complete
        Rounds what else must be whole in a node's solution and solves again; None where that cannot be done.
    """
    low, high = np.zeros(len(whole)), np.floor(model.upper[whole] + 1e-9)
    step = max(abs(root.bound), 1.0) * TIE

    order = 0

    def node(bound: float, depth: int, low: Floats, high: Floats, found: Solution) -> Node:
        nonlocal order
        order += 1
        return Node((math.floor(bound / step), -depth, -order), bound, depth, low, high, found)

    closed = math.inf
    heap = [node(root.bound, 0, low, high, root)]
    stopped: Stopped | None = None
    while heap and stopped is None and order < MOST_NODES:
        at_hand = heapq.heappop(heap)
        if best is not None and best.objective - at_hand.bound <= gap * max(abs(best.objective), 1e-9):
            closed = min(closed, at_hand.bound)
            break
        assert at_hand.solution.values is not None
        values = at_hand.solution.values[whole]
        away = np.abs(values - np.rint(values))
        at = int(np.argmax(away))
        if away[at] < 1e-6:  # whole: what remains of its distance to the bound is rounding of larger counts
            closed = min(closed, at_hand.bound)
            best = _better(best, complete(at_hand.solution))
            continue
        for side in (0, 1):  # up last, so that of two equals the one with more capacity is opened first
            below, above = at_hand.low.copy(), at_hand.high.copy()
            if side:
                below[at] = math.ceil(values[at])
            else:
                above[at] = math.floor(values[at])
            model.confine(whole, below, above)
            found = model.solve_linear()
            if found.status == "infeasible":
                continue
            if found.status in ("time-limit", "interrupted"):
                stopped = found.status
                heapq.heappush(heap, at_hand)  # its bound still counts
                break
            bound = max(found.bound, at_hand.bound)
            heapq.heappush(heap, node(bound, at_hand.depth + 1, below, above, found))
    model.release(whole)
    bound = min([closed, *(n.bound for n in heap)])
    return Branched(best, min(bound, best.objective) if best is not None else bound, stopped)


def _better(best: Solution | None, found: Solution | None) -> Solution | None:
    if found is None or (best is not None and best.objective <= found.objective):
        return best
    return found
