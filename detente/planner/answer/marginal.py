"""What became of each clause: what it charged, and the marginal prices of what it asks.

Owns: the rows of clauses, and reading their prices off a solution's duals. Not here: a clause's price, which is what
the plan would save without it (§7), and the bill (``bill``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from detente.contract.term import Term
from detente.contract.window import Window
from detente.planner.answer.bill import Bill
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.owner import Owner
from detente.planner.solving.solution import Solution
from detente.results.plan import ClauseRow, MarginalPrice

SMALLEST_PRICE = 1e-9


def clauses(draft: Draft, solution: Solution, exact: Bill) -> Iterable[ClauseRow]:
    """Clause by clause; ``solution`` is the one whose duals are the marginal prices."""
    for term, settlement in zip(draft.case.terms, exact.settlements, strict=True):
        marginal = tuple(_marginal(draft, solution, term))
        owed = sum((p.amount for p in settlement.postings), Decimal(0))
        yield ClauseRow(
            term.id,
            term.kind,
            term.validity.agreement,
            term.validity.counterparty,
            term.text,
            term.source or "",
            term.explain().sentence,
            term.validity.start,
            term.validity.end,
            bool(marginal),
            owed,
            marginal,
        )


def _marginal(draft: Draft, solution: Solution, term: Term) -> Iterable[MarginalPrice]:
    """Duals of the clause's rows by window; of what it denies, the most that one more unit would save."""
    if solution.duals is None or solution.reduced is None:
        return
    owner, currency = Owner.of(term), draft.case.currency
    per_work = f"{currency} per {_unit(draft, term)}"
    for block in draft.program.row_blocks:
        if block.owner != owner:
            continue
        times = block.windows or _times(draft, block.stop - block.start)
        unit = f"{currency} per {block.unit}" if block.unit else per_work
        for index, dual in enumerate(solution.duals[block.slice].tolist()):
            if abs(dual) > SMALLEST_PRICE:
                time = times[index] if times else term.validity.within(draft.horizon)
                yield MarginalPrice(block.part, time.start, time.end, _price(abs(dual)), unit)
    held: dict[tuple[datetime, datetime], float] = {}
    for denial in draft.program.denials:
        if owner not in denial.turns_on:
            continue
        at = denial.numbers - draft.x[0, 0] if draft.x.size else denial.numbers
        inside = (at >= 0) & (at < draft.x.size)
        saved = -solution.reduced[denial.numbers[inside]]
        for t, value in zip((at[inside] % draft.n).tolist(), saved.tolist(), strict=True):
            if value > SMALLEST_PRICE:
                span = (draft.periods[t].span_start, draft.periods[t].span_end)
                held[span] = max(held.get(span, 0.0), value)
    for (start, end), value in sorted(held.items()):
        yield MarginalPrice("denied", start, end, _price(value), per_work)


def _times(draft: Draft, n: int) -> tuple[Window, ...]:
    """Of rows by period, when each holds."""
    return tuple(Window(p.index, p.span_start, p.span_end) for p in draft.periods) if n == draft.n else ()


def _price(value: float) -> Decimal:
    """Nine significant digits: enough to read, and stable from machine to machine."""
    return Decimal(f"{value:.9g}")


def _unit(draft: Draft, term: Term) -> str:
    covered = draft.arcs.covered(term.covered)
    units = {arc.workload.unit for arc in draft.arcs if covered[arc.index]}
    return "/".join(sorted(units)) or "unit"
