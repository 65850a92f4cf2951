"""A solution in whole quanta of work that still obeys every clause.

The solver meets a clause's row to its tolerance, and rounding to whole quanta adds as much again: a floor that the plan
just reaches would be missed by a part of a millionth, and the exact bill would say so. Such rows are tightened by what
was missed, and the rest is solved again.

Owns: which clauses' rows rounding misses, the way back, and what rounding may cost. Not here: the rounding itself
(``bill``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from detente.contract.settled.threshold import ROUNDING
from detente.demand.quantum import QUANTUM
from detente.planner.answer.bill import Quantities, quantities
from detente.planner.answer.moved import uncertain
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.program import Block
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import whole_columns

NANO = 1e-9
"""Beyond what was missed: charges are rounded to a billionth, too."""
TOLD = 1e-6
"""Natural units: what floats can tell is more than that of amounts below some hundred millions."""
TRIES = 6
"""Times that rows are tightened. A clause that can only just be performed has no room: a rounding misses it still."""


Prefer = Callable[[Solution], Solution]
"""Of solutions of the same cost, one that is preferred."""


def as_found(solution: Solution) -> Solution:
    """None is preferred."""
    return solution


def in_quanta(
    draft: Draft, model: Model, found: Solution, columns: Ints, prefer: Prefer = as_found
) -> tuple[Solution, Quantities]:
    """A solution of which the whole quanta obey every clause, where there is one; else the one that was found.

    Parameters
    ----------
    columns
        Those that count whole things: they stay as they are.
    prefer
        Asked of a solution that takes the place of the one found.
    """
    assert found.values is not None
    best = found, quantities(draft, model, found.values)
    rows = _clauses(draft)
    asked = model.asked(rows)
    missed = _missed(draft, model, *best, rows, asked)
    if not missed.any():
        return best
    model.fix(columns, np.rint(found.values[columns]))
    with model.uninterrupted(settled=True):  # few and warm, where the program was solved: a plan is made good
        for again in range(TRIES):  # by more each time: what is less than the solver's tolerance changes nothing
            more = np.where(missed > 0, 2 * 4**again * missed + NANO, 0.0)
            alike = _in_all_windows(draft, more)  # the next solution misses another window by as much
            model.tighten(rows, alike)
            solution = model.solve_linear()
            if solution.status == "infeasible":
                model.tighten(rows, more - alike)
                solution = model.solve_linear()
            if solution.status == "time-limit":
                model.ask(rows, *asked)
                best = _in_place(draft, model, *best)
                break
            if solution.status != "optimal" or solution.values is None:
                break
            whole = quantities(draft, model, solution.values)
            missed = _missed(draft, model, solution, whole, rows, asked)
            if missed.any():
                continue
            best = solution, whole
            liked = prefer(solution)
            if liked is solution:
                break
            assert liked.values is not None
            whole = quantities(draft, model, liked.values)
            missed = _missed(draft, model, liked, whole, rows, asked)
            if not missed.any():
                best = liked, whole
                break
    model.ask(rows, *asked)
    model.release(columns)
    return best


def in_quanta_in_place(draft: Draft, model: Model, found: Solution) -> tuple[Solution, Quantities]:
    """The whole quanta of a solution that is not the program's own best: the program was not solved, nor is it now."""
    assert found.values is not None
    best = found, quantities(draft, model, found.values)
    rows = _clauses(draft)
    missed = _missed(draft, model, *best, rows, model.asked(rows))
    return _in_place(draft, model, *best) if missed.any() else best


def made_of(draft: Draft, model: Model, solution: Solution) -> Solution:
    """The same work and whole numbers as they are here, and what clauses make of both at least cost."""
    assert solution.values is not None
    return _in_place(draft, model, solution, quantities(draft, model, solution.values))[0]


def rows_missed(
    draft: Draft, model: Model, solution: Solution, whole: Quantities, amiss: Collection[str] = ()
) -> Floats:
    """By how much whole quanta miss what is asked of each row of a clause (natural units); nothing of others.

    Of clauses that are known to be amiss, what floats cannot tell is missed, too.
    """
    found, rows = np.zeros(model.program.m), _clauses(draft)
    asked = model.asked(rows)
    found[rows] = _missed(draft, model, solution, whole, rows, asked)
    if amiss:
        beyond, noise = _beyond(draft, model, solution, whole, rows, asked)
        known = np.concatenate(
            [np.full(block.stop - block.start, block.owner.name in amiss) for block in _blocks(draft)]
        )
        near = known & (asked[0] < asked[1]) & (np.abs(beyond) <= noise) & (noise > 0)
        found[rows] = np.where(near, beyond + noise, found[rows])
    return found


def can_be_told(draft: Draft, model: Model, solution: Solution, whole: Quantities) -> bool:
    """Whether floats tell of every row of a clause whether whole quanta miss it, to the least part of work or money."""
    rows = _clauses(draft)
    asked = model.asked(rows)
    beyond, noise = _beyond(draft, model, solution, whole, rows, asked)
    return not ((asked[0] < asked[1]) & (np.abs(beyond) <= noise) & (noise > TOLD)).any()


def _in_place(draft: Draft, model: Model, solution: Solution, whole: Quantities) -> tuple[Solution, Quantities]:
    """The same work and whole numbers, and what clauses make of it at least cost: soon there, whatever the program.

    Rows give by what rounding misses of them, so that there is such a point.
    """
    every = np.arange(model.program.m, dtype=np.int32)
    low, high = model.asked(every)
    missed, noise = _beyond(draft, model, solution, whole, every, (low, high))
    room = np.where(missed > 0, missed + noise + NANO, 0.0)
    assert solution.values is not None
    counts = whole_columns(draft)
    columns, values = _planned(draft, whole)
    model.ask(every, low - room, high + room)
    model.fix(columns, values)
    model.fix(counts, np.rint(solution.values[counts]))
    with model.uninterrupted():
        model.forget()
        found = model.solve_linear()
    model.release(np.concatenate([columns, counts]))
    model.ask(every, low, high)
    return (found if found.status == "optimal" else solution), whole


def with_quanta(draft: Draft, solution: Solution, whole: Quantities) -> Floats:
    """The values of a solution, with use, what is not served and whole numbers in whole quanta and units."""
    assert solution.values is not None
    values = solution.values.copy()
    whole_ones = whole_columns(draft)
    values[whole_ones] = np.rint(values[whole_ones])  # a billionth of one would make up for a part of a large amount
    columns, planned = _planned(draft, whole)
    values[columns] = planned
    for name, counts in whole.units.items():
        values[draft.units[name].columns] = counts
    return values


def _planned(draft: Draft, whole: Quantities) -> tuple[Ints, Floats]:
    """The columns of use and of what is not served, in whole quanta."""
    parts = [(draft.x.ravel(), whole.work.ravel())]
    parts += [(draft.unserved[name], left) for name, left in whole.unserved.items() if name in draft.unserved]
    columns, quanta = zip(*parts, strict=True)
    return np.concatenate(columns), np.concatenate(quanta) * float(QUANTUM)


def at_stake(draft: Draft, model: Model, whole: Quantities, solution: Solution) -> float:
    """What rounding to whole quanta may change in a plan's cost, in money, and what its program pays for a rounding.

    Where a million tokens cost a million, one token costs 1. Counted is twice the price of each quantum, or part of
    one, that was moved: clauses may count it once more.
    """
    assert solution.values is not None
    moved = np.minimum(np.abs(whole.work - solution.values[draft.x] / float(QUANTUM)), 1.0)
    work = 2.0 * float(QUANTUM) * float((moved * np.abs(model.cost[draft.x])).sum())
    some = [block.slice for block in draft.program.column_blocks if block.part == ROUNDING]
    left = sum(float(model.cost[each] @ solution.values[each]) for each in some)
    return work + left + uncertain(draft, whole.work, whole.waiting, solution.values)


def _clauses(draft: Draft) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int32), *(block.numbers for block in _blocks(draft))])


def _blocks(draft: Draft) -> list[Block]:
    return [block for block in draft.program.row_blocks if block.owner.kind == "term" and block.stop > block.start]


def _in_all_windows(draft: Draft, by: Floats) -> Floats:
    """Of clauses' rows: the most of any row of the same part of a clause."""
    sizes = [block.stop - block.start for block in _blocks(draft)]
    starts = np.cumsum([0, *sizes[:-1]])
    return np.repeat(np.maximum.reduceat(by, starts), sizes)


def _missed(
    draft: Draft, model: Model, solution: Solution, whole: Quantities, rows: Ints, asked: tuple[Floats, Floats]
) -> Floats:
    """By how much rounding misses what is asked of rows (natural units); nothing where floats cannot tell."""
    missed, noise = _beyond(draft, model, solution, whole, rows, asked)
    loose = asked[0] < asked[1]  # what must be equal cannot be tightened
    return np.where(loose & (missed > noise), missed, 0.0)


def _beyond(
    draft: Draft, model: Model, solution: Solution, whole: Quantities, rows: Ints, asked: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """By how much whole quanta are beyond what is asked of rows (natural units), and how far floats may be off."""
    values = with_quanta(draft, solution, whole)
    reached, noise = model.reached(values)
    low, high = asked
    return np.maximum(low - reached[rows], reached[rows] - high), noise[rows]
