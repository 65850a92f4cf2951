"""What became of each clause: what it charged, and the marginal prices of what it asks.

Owns: the rows of clauses, and reading their prices off a solution's duals. Not here: what denied work would save
(``denied``), a clause's price, which is what the plan would save without it (§7), and the bill (``bill``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import numpy as np

from detente.contract.term import Term
from detente.planner.answer.bill import Bill
from detente.planner.answer.denied import NO_PRICE, Denied, DeniedWork
from detente.planner.answer.easing import Easing
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.owner import Owner
from detente.planner.solving.solution import Solution
from detente.results.plan_rows import ClauseRow, MarginalPrice


def clauses(
    draft: Draft, solution: Solution, exact: Bill, easing: Easing, out: Collection[Owner] = ()
) -> Iterable[ClauseRow]:
    """Clause by clause; ``solution`` is the one without whole units, ``out`` are who is out of it."""
    solution = easing.at_plan(solution)
    priced = solution.duals is not None and solution.reduced is not None
    denied = Denied(draft, solution, easing, out) if priced else None

    def prices(term: Term) -> Iterable[MarginalPrice]:
        return (*_of_rows(draft, solution, term, easing, out), *_of_denied(draft, denied, term)) if denied else ()

    yield from _rows(draft, exact, prices)


def without_prices(draft: Draft, exact: Bill) -> Iterable[ClauseRow]:
    """Clause by clause, with no marginal prices."""
    yield from _rows(draft, exact, lambda term: ())


def _rows(draft: Draft, exact: Bill, prices: Callable[[Term], Iterable[MarginalPrice]]) -> Iterable[ClauseRow]:
    for term, settlement in zip(draft.case.terms, exact.settlements, strict=True):
        marginal = tuple(prices(term))
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


def _of_rows(
    draft: Draft, solution: Solution, term: Term, easing: Easing, out: Collection[Owner]
) -> Iterable[MarginalPrice]:
    """Duals of a clause's rows, by window: of those that are in, and ask for something.

    Rows that only say what a clause's own columns are have duals as well, and these are no price of anything: they ask
    for no amount, or for one in no unit. Rows of a clause that was shaped once more for another question are out, and
    the solution, where it is older, knows nothing of them.
    """
    assert solution.duals is not None
    asks = draft.program.asking()
    currency = draft.case.currency
    covered = draft.arcs.covered(term.covered)
    dearest = float(np.nan_to_num(draft.prices.listed[covered]).max(initial=0.0))
    for block in draft.program.row_blocks:
        if block.owner != Owner.of(term) or block.key in out or (block.own != "none" and not block.unit):
            continue
        unit = f"{currency} per {block.unit or 'unit'}"
        least = NO_PRICE * (1.0 if block.unit == currency else dearest)
        duals = solution.duals[block.slice].copy()
        some = np.flatnonzero((np.abs(duals) > least) & asks[block.slice])
        eased = easing.of_rows(block.numbers[some], duals[some]) if len(some) else duals[some]
        if eased is None:
            continue
        duals[some] = eased
        for index in some.tolist():
            dual = float(duals[index])
            if abs(dual) > least:
                time = block.windows[index] if block.windows else term.validity.within(draft.horizon)
                yield MarginalPrice(block.part, time.start, time.end, _price(abs(dual)), unit)


def _of_denied(draft: Draft, denied: Denied, term: Term) -> Iterable[MarginalPrice]:
    """Of what a clause denies, by time and unit of work: the most that one more unit would save, and all of it."""
    found: dict[tuple[datetime, datetime, str], list[DeniedWork]] = {}
    for each in denied.of(Owner.of(term)):
        period = draft.periods[each.period]
        found.setdefault((period.span_start, period.span_end, each.unit), []).append(each)
    for (start, end, unit), works in found.items():
        price, saves = max(each.price for each in works), [each.saves for each in works if each.saves is not None]
        per_work = f"{draft.case.currency} per {unit}"
        yield MarginalPrice("denied", start, end, _price(price), per_work, _saved(saves))


def _saved(parts: Sequence[float]) -> Decimal | None:
    """Six significant digits of a difference of costs."""
    return Decimal(f"{sum(parts):.6g}") if parts else None


def _price(value: float) -> Decimal:
    """Nine significant digits: enough to read, and stable from machine to machine."""
    return Decimal(f"{value:.9g}")
