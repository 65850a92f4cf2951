"""Whether the exact bill of a plan and the solver's cost agree (§4), and the clause by which they do not.

Not here: either of them (``bill``, ``solving``), and what rounding to whole quanta may come to (``whole_quanta``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.contract.roles import PriceChange
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term
from detente.errors import BillError
from detente.planner.answer.bill import Bill
from detente.planner.answer.whole_quanta import at_stake
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, dot
from detente.planner.formulation.owner import Owner
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution


def check(draft: Draft, exact: Bill, solution: Solution, model: Model) -> None:
    """Raise BillError where the exact bill differs from the solver's cost by more than rounding."""
    difference = float(exact.total) - solution.objective
    scale = max(abs(solution.objective), float(abs(exact.listed)), 1.0)
    rounding = 1e-6 * scale + at_stake(draft, model, exact.quantities, solution)
    if abs(difference) > rounding:
        apart = _apart(draft, exact, solution, model, rounding)
        raise BillError(
            f"the plan's exact bill is {exact.total} and the solver's cost {solution.objective:.6f}: they differ by "
            f"{difference:.6f}, beyond rounding{_by_whom(apart, draft.case.currency)}",
            tuple(dict.fromkeys(term.id for term, _, _ in apart)),
        )


def _apart(
    draft: Draft, exact: Bill, solution: Solution, model: Model, rounding: float
) -> list[tuple[Term, float, float]]:
    """The clauses of which what they settle differs from what they shape by more than rounding, and both."""
    if solution.values is None:
        return []
    both = (
        (term, _owed(settled), _planned(model, term, solution.values))
        for term, settled in zip(draft.case.terms, exact.settlements, strict=True)
        if not isinstance(term, PriceChange)  # what it takes off is in the cost of use
    )
    return [(term, owed, planned) for term, owed, planned in both if abs(owed - planned) > rounding]


def _by_whom(apart: list[tuple[Term, float, float]], currency: str) -> str:
    """The clause that is furthest apart; empty where none is by itself."""
    if not apart:
        return ""
    term, owed, planned = max(apart, key=lambda each: abs(each[1] - each[2]))
    return (
        f": `{term.id}` (`kind: {term.kind}`) comes to {owed:,.2f} {currency} by its `settle`, and to {planned:,.2f} "
        f"{currency} by its `shape`, which must add to a plan's cost what `settle` owes"
    )


def _owed(settled: Settlement) -> float:
    """What a clause owes beside what use costs; below zero: gives."""
    return float(sum((posting.amount for posting in settled.postings if not posting.in_spend), Decimal(0)))


def _planned(model: Model, term: Term, values: Floats) -> float:
    """What the columns and charges of a clause come to in a plan."""
    program, owner = model.program, Owner.of(term)
    listed = program.cost(lambda key: False)
    cost = program.cost(lambda key: key.original == owner and key not in model.out) - listed
    for block in program.column_blocks:
        if block.owner.original == owner:
            cost[block.slice] += listed[block.slice]
    return dot(cost, values)
