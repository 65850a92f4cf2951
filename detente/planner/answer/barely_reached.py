"""Amounts that a solution reaches by the solver's tolerance alone, and the least cost without that.

A whole number of a clause says whether an amount is reached, and beside it the solver takes some millionths that are
missing for none: 8 GPUs of January, 5,952 GPU-hours, for 5,952.00001. The bill does not. Where the other whole numbers
are as they are, nothing can be added; so two other programs are searched: in one the amount is missed, and the clause's
whole number says so, in the other more than the amount is asked for. The cheaper one counts.

Owns: which whole numbers are wrong, and these programs. Not here: what is made good with all whole numbers as they are
(``whole_quanta``), and the search (``solving.search``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from detente.planner.answer.whole_quanta import can_be_told, in_quanta, made_of, rows_missed
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.program import Block
from detente.planner.solving.incumbent import Incumbent, Unmet
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.solver_run import TOLERANCE
from detente.planner.solving.whole import clause_counts, whole_columns

MAX_PROGRAMS = 8
"""Programs that are searched: two for each time that a solution reaches something only barely."""

GROWS = 8.0
"""More than an amount is asked for: so many times what is missed, and what was asked for before."""

BEYOND = 1e-7
"""Of a cost: a bound that is above it by more is wrong."""


@dataclass(frozen=True)
class _Barely:
    """Whole numbers of clauses that are wrong, with what each would be, and what more would be asked of which rows."""

    wrong: Mapping[int, float]
    more: Mapping[int, float]


@dataclass(frozen=True)
class _Other:
    """A program beside the one that was asked: whole numbers that are known, and rows that ask for more."""

    known: Mapping[int, float] = field(default_factory=dict)
    more: Mapping[int, float] = field(default_factory=dict)

    def after(self, barely: _Barely) -> Iterator[_Other]:
        """The amount is missed; and more is asked for. What is known stays so."""
        new = {column: value for column, value in barely.wrong.items() if column not in self.known}
        if new:
            yield replace(self, known={**self.known, **new})
        kept = {column: 1.0 - value for column, value in new.items()}
        grown = {row: GROWS * self.more.get(row, 0.0) + by for row, by in barely.more.items()}
        yield _Other({**self.known, **kept}, {**self.more, **grown})

    @contextmanager
    def posed(self, model: Model) -> Iterator[None]:
        """The program is this one, meanwhile."""
        before, rows = model.kept, np.array(list(self.more), dtype=np.int32)
        columns, values = np.array(list(self.known), dtype=np.int32), np.array(list(self.known.values()))
        asked = model.asked(rows)
        model.pin((np.append(before[0], columns), np.append(before[1], values), np.append(before[2], values)))
        model.tighten(rows, np.array(list(self.more.values())))
        try:
            yield
        finally:
            model.ask(rows, *asked)
            model.pin(before)


def surely_reached(
    draft: Draft,
    model: Model,
    found: Incumbent,
    bills: Callable[[Incumbent], Collection[str] | None],
    search: Callable[[], Incumbent | Unmet],
) -> Incumbent:
    """What was found, or the cheapest in which whole quanta reach whatever it says to be reached.

    The bound is the lowest of all these programs: as it was, what is barely reached may stand above what is reached.

    Parameters
    ----------
    bills
        None where the exact bill of a solution is the solver's cost; else the clauses by whom it is not, by id.
    search
        Of the program as it is posed at the moment.
    """
    if found.prices is None:  # the program was not solved
        return found
    barely = _amiss(draft, model, found, bills)
    if barely is None:
        return _proven(found)
    at_once = replace(found, solution=_as_missed(draft, model, found.solution, barely))
    best = at_once if bills(at_once) is None else None
    others, bounds = list(_Other().after(barely)), [found.bound]
    while others and len(bounds) <= MAX_PROGRAMS and model.left > 0 and not model.was_interrupted():
        other = others.pop(0)
        with other.posed(model):
            again = search()
        if isinstance(again, Unmet):
            continue
        bounds.append(again.bound)
        if again.solution is None or (best is not None and again.cost >= best.cost):
            continue
        barely = _amiss(draft, model, again, bills)
        if barely is None:
            best = again
        else:
            others += other.after(barely)
    if best is None:
        return found
    bound = min(bounds) if not others else found.prices.bound
    added = max(0.0, found.rounding + best.cost - found.cost)
    return _proven(replace(found, solution=best.solution, bound=bound, rounding=added))


def _proven(found: Incumbent) -> Incumbent:
    """The same with a bound that no solution refutes: the solver's search may think that an amount cannot be reached.

    That of the relaxed program rests on no tolerance.
    """
    if found.prices is None or found.bound <= found.cost + BEYOND * max(abs(found.cost), 1.0):
        return found
    return replace(found, bound=found.prices.bound)


def _amiss(
    draft: Draft, model: Model, found: Incumbent, bills: Callable[[Incumbent], Collection[str] | None]
) -> _Barely | None:
    """Which whole numbers of clauses are wrong, where the bill is not the cost; None where it is, or none is found.

    Beside large amounts floats cannot tell a millionth that is missing, and the bill does.
    """
    counts = np.concatenate([np.zeros(0, dtype=np.int32), *(block.numbers for block in clause_counts(draft))])
    if found.solution is None or found.solution.values is None or not len(counts):
        return None
    in_whole = in_quanta(draft, model, found.solution, whole_columns(draft))
    barely = _barely(draft, model, found.solution.values, counts, rows_missed(draft, model, *in_whole))
    if barely is None and can_be_told(draft, model, *in_whole):
        return None
    amiss = bills(found)
    if amiss is None:
        return None
    return barely or _barely(draft, model, found.solution.values, counts, rows_missed(draft, model, *in_whole, amiss))


def _barely(draft: Draft, model: Model, values: Floats, counts: Ints, missed: Floats) -> _Barely | None:
    """Which whole numbers of clauses are wrong by what rows miss, with the others as they are; None where none is."""
    wrong, more = dict[int, float](), dict[int, float]()
    for row in np.flatnonzero(missed).tolist():
        beside = list(_of_the_same(draft, row))
        stands = {column: round(values[column]) for column in _in_rows(model, [at for at, _ in beside], counts)}
        ones = [column for column, value in stands.items() if value == 1]
        wrong |= dict.fromkeys(ones, 0.0) or dict.fromkeys(stands, 1.0)
        amounts = [at for at, block in beside if block.own == "some" and _one_sided(draft, block)]
        for other in (at for at in amounts if stands and not _counts_alone(model, at, counts)):
            asked = np.nan_to_num(np.array(model.asked(np.array([other]))), posinf=0.0, neginf=0.0)
            by = GROWS * missed[row] + TOLERANCE * float(np.abs(asked).max())
            more[other] = max(more.get(other, 0.0), by)
    return _Barely(wrong, more) if wrong else None


def _of_the_same(draft: Draft, row: int) -> Iterator[tuple[int, Block]]:
    """Rows of the clause of a row, of the same window, with their blocks."""
    blocks = draft.program.row_blocks
    block = next(block for block in blocks if block.start <= row < block.stop)
    for other in blocks:
        if other.key == block.key:
            alike = other.stop - other.start == block.stop - block.start
            rows = [other.start + row - block.start] if alike else range(other.start, other.stop)
            yield from ((at, other) for at in rows)


def _in_rows(model: Model, rows: Sequence[int], columns: Ints) -> list[int]:
    """Which columns stand in rows, of those that may be more than nothing."""
    some: Ints = np.intersect1d(model.matrix.columns[np.isin(model.matrix.index, rows)], columns)
    return [column for column in some.tolist() if model.most[column] >= 1.0]


def _counts_alone(model: Model, row: int, counts: Ints) -> bool:
    """Whether a row is of whole numbers alone, which reach no more than they do."""
    return bool(np.isin(model.matrix.columns[model.matrix.index == row], counts).all())


def _one_sided(draft: Draft, block: Block) -> bool:
    """Whether rows can be tightened."""
    return draft.program.sides(block) != (True, True)


def _as_missed(draft: Draft, model: Model, solution: Solution | None, barely: _Barely) -> Solution:
    """The same work and units, with the whole numbers of clauses as they are in whole quanta."""
    assert solution is not None
    assert solution.values is not None
    values: Floats = solution.values.copy()
    columns: Ints = np.array(list(barely.wrong), dtype=np.int32)
    values[columns] = list(barely.wrong.values())
    return made_of(draft, model, replace(solution, values=values))
