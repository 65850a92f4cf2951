"""From a case to its program: a table of contents."""

from __future__ import annotations

from collections.abc import Sequence

from detente.case.case import Case
from detente.contract.paid_use import in_order
from detente.planner.formulation.capacity import define_capacity
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.grid import Grid
from detente.planner.formulation.idle import idle_ceilings, raised_alike
from detente.planner.formulation.moving import define_moving
from detente.planner.formulation.permissions import define_permissions
from detente.planner.formulation.purchases import define_units
from detente.planner.formulation.shaping import Shaping
from detente.planner.formulation.standby import define_standby


def formulate(case: Case, grid: Grid | None = None) -> Draft:
    """The case's program over a grid, by default its own periods.

    Where clauses could ask for more units than work uses, it is formulated once more, with room for them.
    Raises CaseError where clauses have readings and none is chosen.
    """
    grid = Grid(case.periods) if grid is None else grid
    draft = _formulated(Draft(case, grid))
    more = idle_ceilings(draft)
    return _formulated(draft.emptied(more)) if more else draft


def formulate_alike(cases: Sequence[Case]) -> list[Draft]:
    """The programs of several futures, each with room for the units that any of them needs."""
    drafts = [formulate(case) for case in cases]
    return [
        _formulated(draft.emptied({**draft.idle_ceilings, **more})) if more else draft
        for draft, more in zip(drafts, raised_alike(drafts), strict=True)
    ]


def _formulated(draft: Draft) -> Draft:
    """What there is, what is needed, each clause in turn."""
    terms = draft.case.terms
    draft.define_use()
    draft.define_availability()
    define_standby(draft, terms)
    draft.define_unserved()
    define_units(draft)
    draft.define_demand()
    define_moving(draft)
    define_capacity(draft)

    shaping = Shaping(draft)
    define_permissions(draft, terms)
    draft.define_costs()
    paying = in_order(terms)
    for term in (*paying, *(each for each in terms if not each.pays)):
        term.shape(shaping)
    return draft
