"""From a case to its program: a table of contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detente.case.case import Case
from detente.contract.returning import in_turn
from detente.planner.formulation.capacity import define_capacity
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.grid import Grid
from detente.planner.formulation.idle_denied import define_idle_denied
from detente.planner.formulation.idle_units import idle_ceilings, raised_alike
from detente.planner.formulation.moving import define_moving
from detente.planner.formulation.permissions import define_permissions
from detente.planner.formulation.price_kept import keep_prices
from detente.planner.formulation.purchases import define_openings, define_units, with_room
from detente.planner.formulation.shaping import Shaping
from detente.planner.formulation.standby import define_standby


def formulate(case: Case, grid: Grid | None = None) -> Draft:
    """The case's program over a grid, by default its own periods.

    Raises CaseError where clauses have readings and none is chosen.
    """
    _, draft = _formulated(case, grid)
    define_openings(draft)
    return draft


def formulate_alike(cases: Sequence[Case]) -> list[Draft]:
    """The programs of several futures, each with room for the units that any of them needs."""
    found = [_formulated(case) for case in cases]
    ceilings = raised_alike([draft for _, draft in found])
    drafts = [_given_room(*both, more)[1] for both, more in zip(found, ceilings, strict=True)]
    for draft in drafts:
        define_openings(draft)
    return drafts


def _formulated(case: Case, grid: Grid | None = None) -> tuple[Draft, Draft]:
    """A case before its clauses shape it, and after; with room for the units that clauses could ask for."""
    unshaped = _laid_out(Draft(case, Grid(case.periods) if grid is None else grid))
    draft = _shaped(unshaped)
    return _given_room(unshaped, draft, idle_ceilings(draft))


def _given_room(unshaped: Draft, draft: Draft, more: Mapping[str, Floats]) -> tuple[Draft, Draft]:
    """A draft before and after, with room for more units: shaped once more only where a clause read what there was."""
    if not more:
        return unshaped, draft
    unshaped = with_room(unshaped, more)
    return unshaped, _shaped(unshaped) if draft.bounds_read else with_room(draft, more)


def _laid_out(draft: Draft) -> Draft:
    """What there is, what is needed, what it costs."""
    terms = draft.case.terms
    draft.define_use()
    draft.define_availability()
    define_standby(draft, terms)
    draft.define_unserved()
    define_units(draft)
    keep_prices(draft)
    draft.define_demand()
    define_moving(draft)
    define_capacity(draft)
    define_permissions(draft, terms)
    define_idle_denied(draft)
    draft.define_costs()
    return draft


def _shaped(unshaped: Draft) -> Draft:
    """The same with each clause in turn; what was laid out may be shaped again."""
    draft, terms = unshaped.copied(), unshaped.case.terms
    shaping = Shaping(draft)
    for term in in_turn(terms):
        shaping.shape(term)
    return draft
