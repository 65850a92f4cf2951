"""Plans side by side: one line a measure, one cell a plan.

Owns: which measures are compared, and their cells, for the page and the terminal. Not here: sentences (``answer``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from detente.report.numerals import exact, listed, percent, plural, quantity, signed
from detente.report.plans import digest
from detente.report.plans.answer import moves
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow
from detente.values.money import shown

MAX_WORKLOADS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """What one plan has: for the eye, and exactly."""

    text: str
    exact: str = ""
    state: Literal["", "good", "bad"] = ""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A line of the comparison."""

    group: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A clause that does not mean the same in all plans: its text, and what it says in each."""

    clause: ClauseRow
    sentences: tuple[str, ...]


def measures(plans: Sequence[Plan]) -> list[ComparisonRow]:
    """Cost and proof, commitments, unserved demand, shares of spend and of work, and the workloads that move."""
    return [*_cost(plans), *_commitments(plans), *_unserved(plans), *_spend(plans), *_work(plans), *_moved(plans)]


def disputes(plans: Sequence[Plan]) -> list[Dispute]:
    """Clauses of one case whose sentence differs from plan to plan."""
    if len({p.case for p in plans}) > 1:
        return []
    found = []
    each = [{(c.term, c.start): c for c in plan.clauses} for plan in plans]  # of an amended clause every version
    for version in dict.fromkeys(version for clauses in each for version in clauses):
        rows = [clauses.get(version) for clauses in each]
        says = tuple(row.sentence if row else "not in force" for row in rows)
        if len(set(says)) > 1:
            found.append(Dispute(next(row for row in rows if row), says))
    return found


def _money(amount: Decimal, currency: str, digits: int = 3) -> Cell:
    return Cell(shown(amount, currency, digits), exact(amount, currency))


def _cost(plans: Sequence[Plan]) -> list[ComparisonRow]:
    first = plans[0]
    found = [ComparisonRow("Cost", "Cost", tuple(_money(p.cost, p.currency, 5) for p in plans))]
    if all(p.currency == first.currency for p in plans):
        against = [
            Cell(signed(p.cost - first.cost, p.currency), exact(p.cost - first.cost, p.currency)) for p in plans[1:]
        ]
        found.append(ComparisonRow("Cost", "Against the first", (Cell("–"), *against)))
    gaps = [Cell(percent(p.gap), exact(p.gap)) if p.has_bound else Cell("not known") for p in plans]
    found.append(ComparisonRow("Cost", "Cheaper at most by", tuple(gaps)))
    if any(p.unserved_cost or p.moving_cost for p in plans):
        found.append(ComparisonRow("Cost", "Owed in money", tuple(_money(p.bill, p.currency, 5) for p in plans)))
    if any(p.unserved_cost for p in plans):
        found.append(
            ComparisonRow(
                "Cost",
                "Value not served",
                tuple(_money(p.unserved_cost, p.currency) if p.unserved_cost else Cell("none") for p in plans),
            )
        )
    if any(p.moving_cost for p in plans):
        moves = tuple(_money(p.moving_cost, p.currency) if p.moving_cost else Cell("none") for p in plans)
        found.append(ComparisonRow("Cost", "Moving", moves))
    return found


def _commitments(plans: Sequence[Plan]) -> list[ComparisonRow]:
    rows = [{c.term: c for c in digest.commitments(p)} for p in plans]
    found = []
    for term in dict.fromkeys(t for row in rows for t in row):
        cells = [_commitment(row.get(term), p.currency) for row, p in zip(rows, plans, strict=True)]
        found.append(ComparisonRow("Commitments", f"`{term}`", tuple(cells)))
    return found or [ComparisonRow("Commitments", "Commitments", tuple(Cell("none") for _ in plans))]


def _commitment(found: digest.Commitment | None, currency: str) -> Cell:
    if found is None:
        return Cell("not in force")
    if not found.short:
        return Cell("met", f"{exact(found.drawn, found.unit)} of {exact(found.required, found.unit)}", "good")
    fee = f"; fee {shown(found.owed, currency)}" if found.owed else ""
    text = f"{shown(found.short, found.unit)} short: {listed(found.when)}{fee}"
    return Cell(text, exact(found.short, found.unit), "bad")


def _unserved(plans: Sequence[Plan]) -> list[ComparisonRow]:
    rows = [{m.workload.workload: m for m in digest.unserved(p)} for p in plans]
    names = list(dict.fromkeys(w for row in rows for w in row))
    if not names:
        return [ComparisonRow("Unserved", "Demand not served", tuple(Cell("none", state="good") for _ in plans))]
    found = []
    for name in names[:MAX_WORKLOADS]:
        cells = []
        for row in rows:
            m = row.get(name)
            text = f"{percent(m.share)}: {quantity(m.work, m.workload.unit)}" if m else "none"
            cells.append(Cell(text, exact(m.work, m.workload.unit), "bad") if m else Cell(text, state="good"))
        found.append(ComparisonRow("Unserved", f"`{name}`", tuple(cells)))
    return found


def _spend(plans: Sequence[Plan]) -> list[ComparisonRow]:
    found = []
    for provider, name in _providers(plans):
        rows = [next((p for p in plan.providers if p.provider == provider), None) for plan in plans]
        if any(row and row.spend for row in rows):
            cells = [
                Cell(percent(r.share_of_spend), exact(r.spend, plan.currency)) if r else Cell("–")
                for r, plan in zip(rows, plans, strict=True)
            ]
            found.append(ComparisonRow("Share of spend", name, tuple(cells)))
    return found


def _work(plans: Sequence[Plan]) -> list[ComparisonRow]:
    units = dict.fromkeys(u for plan in plans for p in plan.providers for u in p.work)
    found = []
    for unit in units:
        for provider, name in _providers(plans):
            rows = [next((p for p in plan.providers if p.provider == provider), None) for plan in plans]
            if any(row and row.work.get(unit) for row in rows):
                cells = [
                    Cell(percent(r.share_of_work.get(unit, 0)), exact(r.work.get(unit, Decimal(0)), plural(unit)))
                    if r
                    else Cell("–")
                    for r in rows
                ]
                found.append(ComparisonRow(f"Share of work, in {plural(unit)}", name, tuple(cells)))
    return found


def _moved(plans: Sequence[Plan]) -> list[ComparisonRow]:
    """Where each workload runs that does not run alike in all plans."""
    moved = dict.fromkeys(m.workload for plan in plans[1:] for m in moves(plans[0], plan))
    names = digest.names(plans)
    places = [digest.placements(plan) for plan in plans]
    found = []
    for workload in list(moved)[:MAX_WORKLOADS]:
        cells = []
        for rows in places:
            parts = digest.by_provider(rows.get(workload, ()))
            text = listed([f"{names[p]} {percent(share)}" for p, share in parts.items()], 5) or "nowhere"
            cells.append(Cell(text))
        found.append(ComparisonRow("Workloads that move", f"`{workload}`", tuple(cells)))
    return found


def _providers(plans: Sequence[Plan]) -> list[tuple[str, str]]:
    names = digest.names(plans)
    return [(p, names[p]) for p in dict.fromkeys(r.provider for plan in plans for r in plan.providers)]
