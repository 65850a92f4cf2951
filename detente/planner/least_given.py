"""How little is enough: the least that clauses give together, and the cheapest plan in which they give no more.

What is told of it is whole cents, or whole quanta of work, rounded up: the plan gives as much as is told, and its cost
is its exact bill.

Owns: these searches. Not here: what is told of an amount (``told_amount``), which clauses give (``ways_out``), and what
that is in words (``concession``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.contract.settled.threshold import ROUNDING
from detente.demand.quantum import QUANTUM
from detente.errors import BillError, SolverError, UnsettledError
from detente.planner.answer.balance import check
from detente.planner.answer.bill import Bill, bill_of
from detente.planner.answer.whole_quanta import in_quanta, with_quanta
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import whole_columns, with_counts
from detente.planner.study import Study
from detente.planner.told_amount import LITTLE, as_told
from detente.values.money import CENT, nano

LARGE = 20_000
"""Columns above which the ways out of a conflict are sought without whole units, unless it turns on them."""

ACCURATE = 1e-6
"""The relative gap to which whole numbers are sought for a way out."""

SLIGHT = 1e-9
"""Of a number, and of one: a solution that is held to be that near may be solved again."""

NEAR = 1e-5
"""Of a unit of work: a search for whole numbers finds what is held that near, and may miss what is held nearer."""

MAX_NODES = 100
"""Nodes that a search for a way out may take; what is best by then is told as such (``Concession.at_most``)."""


@dataclass(frozen=True)
class LeastGiven:
    """A plan in which clauses give as little as they can, and of such the cheapest.

    ``values`` are its columns, use in whole quanta; ``in_all`` is what each owner gives at least. ``cost`` is None
    where none was found in time; where it is so much ``at_most``, the search for less ended before it was through.
    """

    soft: Study
    values: Floats
    in_all: dict[Owner, float]
    cost: Decimal | None
    at_most: bool
    exact: Bill | None

    def owed(self, owner: Owner) -> Decimal:
        """What a clause charges for what it gives: nothing, unless its remedies are what gives."""
        draft, model = self.soft.draft, self.soft.turn()
        blocks = [block for block in draft.program.column_blocks if block.owner == owner]
        if not self.soft.performs or not any(block.remedy for block in blocks):
            return Decimal(0)
        own = np.concatenate([block.numbers for block in blocks if block.part != ROUNDING])
        planned = model.cost[own] @ self.values[own]
        if self.exact is not None:
            settled = self.exact.settlements[list(by_owner(draft.case.terms)).index(owner)]
            charged = sum((posting.amount for posting in settled.postings if not posting.in_spend), Decimal(0))
            if abs(float(charged) - planned) <= ACCURATE * max(1.0, abs(planned)):
                return charged
        return _to_the_cent(planned)


def least_given(study: Study, owners: Sequence[Owner], whole: Ints | None) -> LeastGiven | None:
    """The least that some clauses must give together, then the least cost at that; None where all of it is too little.

    Where they count in several units, it is the least as parts of all there is of each: they have no other sum.

    Parameters
    ----------
    whole
        Columns that must be integer for the conflict to show.
    """
    soft = study.softened(owners)
    giving = soft.giving
    assert giving is not None
    columns = np.concatenate(list(giving.totals.values()))
    counts = counted(soft, whole)
    terms = by_owner(study.case.terms)
    by_work = all(meter.measure == "work" for owner in owners for meter in terms[owner].meters())
    found = (by_work and _least_used(soft, columns, counts)) or _least_then_cheapest(soft, columns, counts)
    if found is None:
        return None
    least, best = found
    final = best if best.values is not None else least
    at_most = final is best and "time-limit" in (least.status, best.status)
    amounts = least if len(owners) == 1 else final  # of several the least sum may be split more cheaply than at first
    assert amounts.values is not None
    assert final.values is not None
    in_all = {owner: float(amounts.values[total[0]]) for owner, total in giving.totals.items()}
    told_of, most = as_told(soft, final.values)
    most = np.maximum(most, final.values[told_of])
    with _within(soft.turn(), told_of, most):
        values, exact = _in_exact(soft, final)
    values[told_of] = np.minimum(values[told_of], most)
    cost = None if final is not best else _to_the_cent(best.objective) if exact is None else exact.total
    return LeastGiven(soft, values, in_all, cost, at_most, exact)


def cheapest(study: Study, whole: Ints | None) -> tuple[Decimal, bool] | None:
    """The least cost of a study that has a plan, and whether it costs so much at most; None where it has none."""
    found = _going_on(_searched(study.turn(), counted(study, whole)))
    _settled(found)
    if found.values is None:
        return None
    _, exact = _in_exact(study, found)
    cost = _to_the_cent(found.objective) if exact is None else exact.total
    return cost, found.status == "time-limit"


def _to_the_cent(amount: float) -> Decimal:
    """What the solver's cost is, and not its tolerance."""
    return nano(Fraction(amount)).quantize(CENT)


def _in_exact(study: Study, found: Solution) -> tuple[Floats, Bill | None]:
    """A solution in whole quanta, and its exact bill; no bill of one in divided units, or in a large program."""
    assert found.values is not None
    draft, model = study.draft, study.turn()
    if model.program.n > LARGE:
        return found.values, None
    try:
        solution, whole = in_quanta(draft, model, found, whole_columns(draft))
        exact = bill_of(draft, whole)
        check(draft, exact, solution, model)
    except (BillError, SolverError):
        return found.values, None
    return with_quanta(draft, solution, whole), exact


# -- searches --------------------------------------------------------------------------------------------------------
def counted(study: Study, whole: Ints | None) -> Ints:
    """The columns that are to be whole: where a conflict turns on them, and in every program that is not large."""
    model, none = study.turn(), np.zeros(0, dtype=np.int32)
    counts = np.flatnonzero(model.integer).astype(np.int32) if model.program.n <= LARGE else none
    return counts if whole is None else np.union1d(counts, whole).astype(np.int32)


def _cheaper_paid(soft: Study, columns: Ints, counts: Ints, best: Solution) -> Solution | None:
    """The cheapest plan that pays for what it misses, where that is cheaper than to miss the least.

    What is paid for has its price: nobody fills a floor to the last while a lump sum is owed for it anyway. What is
    not paid for gives no more.
    """
    model, giving = soft.turn(), soft.giving
    assert giving is not None
    blocks = soft.draft.program.column_blocks
    priced = [block.numbers for block in blocks if block.remedy and block.owner in giving.gives]
    if best.values is None or not soft.performs or not priced:
        return None
    every = np.concatenate([part.columns for parts in giving.gives.values() for part in parts])
    with _no_more(model, np.setdiff1d(every, np.concatenate(priced)).astype(np.int32), best.values):
        model.forget()  # HiGHS was seen to report another cost from where the last search ended
        paid = _going_on(_searched(model, counts))
        if paid.values is None or not _is_cheaper(paid, best):
            return None
        just = _given_by(soft, columns, counts, paid.values)
    return None if just.values is None else replace(paid, values=just.values)


def _least_then_cheapest(soft: Study, columns: Ints, counts: Ints) -> tuple[Solution, Solution] | None:
    """The least sum of what gives, and the cheapest plan that gives no more; None where there is none."""
    least = _least(soft.turn(), columns, counts)
    _settled(least)
    if least.values is None:
        return None
    best = _cheapest_of(soft, columns, counts, least.values)
    paid = _cheaper_paid(soft, columns, counts, best)
    return (least, best) if paid is None else (paid, paid)


def _cheapest_of(soft: Study, columns: Ints, counts: Ints, least: Floats) -> Solution:
    """The cheapest plan that gives no more than is told of the least; than the least itself, where that is no more."""
    model = soft.turn()
    told_of, most = as_told(soft, least)
    if len(told_of) > len(columns):  # in which windows it gives turns on the cost, before any is rounded up
        with _within(model, columns, least[columns]):
            split = _going_on(_searched(model, counts))
        told_of, most = as_told(soft, least if split.values is None else split.values)
    with _within(model, told_of, most):
        best = _going_on(_searched(model, counts))
    if best.status != "infeasible":
        if best.values is not None:  # what is beyond its bounds is the solver's tolerance, and no cent more
            best.values[told_of] = np.minimum(best.values[told_of], most)
        return best
    with _no_more(model, columns, least):
        return _going_on(_searched(model, counts))


def _least_used(soft: Study, columns: Ints, counts: Ints) -> tuple[Solution, Solution] | None:
    """The same of what gives by work, as if capacity by the hour were paid for by its use; None where that is no way.

    A moment's work would let a whole unit be bought that stands idle, and meet by it what it was let through for. So
    what gives is sought without, and the plan with whole units gives as much: at whatever time that is cheapest, unless
    it gave less in truth; then just when it was found.
    """
    model, giving = soft.turn(), soft.giving
    assert giving is not None
    rows, units = _by_the_hour(soft.draft)
    divided = np.setdiff1d(counts, units).astype(np.int32)
    model.forget()  # of times that cost the same, what was asked before must not decide
    low, high = model.asked(rows)
    model.ask(rows, low, np.zeros(len(rows)))
    least = _least(model, columns, divided)
    given = least
    if least.values is not None:
        given = _cheapest_of(soft, columns, divided, least.values)
        paid = _cheaper_paid(soft, columns, divided, given)
        least, given = (least, given) if paid is None else (paid, paid)
    model.ask(rows, low, high)
    _going_on(given)
    if given.values is None:
        return None
    best = _giving_as_much(soft, columns, counts, given.values)
    true = best.values is not None and _gives(soft, columns, best.values)
    if not true or best.status != "optimal":
        each = np.unique(np.concatenate([part.columns for parts in giving.gives.values() for part in parts]))
        then = _giving_as_much(soft, each, counts, given.values)
        if not true or then.objective < best.objective:
            best = replace(then, status=best.status) if true else then
    return None if best.values is None else (least, best)


def _gives(soft: Study, columns: Ints, values: Floats) -> bool:
    """Whether a plan's use and units take all that it says to give: a sum of what gives may be more than is taken."""
    found = _given_by(soft, columns, np.zeros(0, dtype=np.int32), values)
    return found.status == "optimal" and found.objective >= float(values[columns].sum()) * (1 - ACCURATE) - LITTLE


def _given_by(soft: Study, columns: Ints, counts: Ints, values: Floats) -> Solution:
    """The least sum of what gives in a plan of this use and these units."""
    model, draft = soft.turn(), soft.draft
    held = np.union1d(draft.x.ravel(), whole_columns(draft)).astype(np.int32)
    with _held(model, held, values, values[held] * SLIGHT + SLIGHT):
        return _going_on(_least(model, columns, counts))


def _is_cheaper(found: Solution, best: Solution) -> bool:
    """Whether a plan costs less than the best by more than the solver can tell; any does, where there is none yet."""
    return best.values is None or best.objective - found.objective > ACCURATE * abs(best.objective)


@contextmanager
def _within(model: Model, columns: Ints, high: Floats) -> Iterator[None]:
    """Keep columns within amounts."""
    model.confine(columns, np.zeros(len(columns)), high)
    try:
        yield
    finally:
        model.release(columns)


@contextmanager
def _no_more(model: Model, columns: Ints, high: Floats) -> Iterator[None]:
    """Keep columns within what was found, but for the solver's tolerance."""
    with _within(model, columns, high[columns] * (1 + SLIGHT) + SLIGHT):
        yield


def _giving_as_much(soft: Study, columns: Ints, counts: Ints, values: Floats) -> Solution:
    """The cheapest plan that gives as much work as was found in some columns.

    A search for whole numbers may miss those that give exactly as much: it is tried again with a little room, and what
    it finds is taken where it gives exactly as much, too.
    """
    model = soft.turn()
    exactly = np.minimum(values[columns] * SLIGHT + SLIGHT, float(QUANTUM) / 2)
    with _held(model, columns, values, exactly):
        best = _going_on(_searched(model, counts))
    if not len(counts):
        return best
    with _held(model, columns, values, np.maximum(values[columns] * SLIGHT, NEAR)):
        near = _going_on(_searched(model, counts))
    if near.values is None or not _is_cheaper(near, best):
        return best
    with _held(model, columns, values, exactly):
        again = with_counts(model, counts, np.rint(near.values[counts]))
    if again is None or again.values is None or not _gives(soft, columns, again.values):
        return best
    return replace(near, values=again.values, objective=again.objective)


@contextmanager
def _held(model: Model, columns: Ints, values: Floats, off: Floats) -> Iterator[None]:
    """Keep columns that near to some values."""
    model.confine(columns, np.maximum(0.0, values[columns] - off), values[columns] + off)
    try:
        yield
    finally:
        model.release(columns)


def _by_the_hour(draft: Draft) -> tuple[Ints, Ints]:
    """The rows that say how much may stand idle of what is rented by the hour, and the columns of its units."""
    rows, units = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
    for block in draft.program.row_blocks:
        held = draft.units.get(block.owner.name) if block.owner.kind == "units" and block.part == "idle" else None
        if held is not None and not held.offer.reserved:
            rows.append(block.numbers)
            units.append(held.columns)
    return np.concatenate(rows), np.concatenate(units)


def _searched(model: Model, counts: Ints) -> Solution:
    """The least of a model's objective with whole counts, or what is best after ``MAX_NODES`` or at the time limit."""
    if not len(counts):
        return model.solve_linear()
    with model.within(MAX_NODES):
        found = model.solve_as(counts, ACCURATE)
    if found.status == "time-limit" and found.values is None:
        found = model.solve_as(counts, ACCURATE)
    return _at_a_corner(model, counts, found)


def _at_a_corner(model: Model, counts: Ints, found: Solution) -> Solution:
    """The same whole numbers, and all else exact: the search takes as much less as its tolerance lets it."""
    if found.values is None:
        return found
    again = with_counts(model, counts, np.rint(found.values[counts]))
    return found if again is None else replace(found, values=again.values, objective=again.objective)


def _going_on(found: Solution) -> Solution:
    """What was found, unless Ctrl-C ended it."""
    if found.status == "interrupted":
        raise KeyboardInterrupt
    return found


def _settled(found: Solution) -> None:
    """Stopped is no answer: a way out that was not found in time is not none."""
    if _going_on(found).status == "time-limit" and found.values is None:
        raise UnsettledError("the ways out were not all found in time")


def _least(model: Model, columns: Ints, counts: Ints) -> Solution:
    """The least sum of some columns."""
    cost = np.zeros(model.program.n)
    cost[columns] = 1.0
    model.objective(cost)
    found = _searched(model, counts)
    model.objective(None)
    return found
