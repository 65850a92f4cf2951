"""From a case to its program: a table of contents."""

from __future__ import annotations

from detente.case import Case
from detente.planner.draft import Draft
from detente.term import Term
from detente.terms.redundancy import Redundancy


def formulate(case: Case) -> Draft:
    """The case's program: what there is, what is needed, then each clause in turn.

    Raises CaseError where clauses have readings and none is chosen.
    """
    terms = case.terms
    draft = Draft(case)

    draft.define_use()
    draft.define_availability()
    draft.define_standby([t for t in terms if isinstance(t, Redundancy)])
    draft.define_unserved()
    draft.define_units()
    draft.define_demand()
    draft.define_capacity()

    define_permissions(draft, terms)
    for term in terms:
        if term.prices:
            term.shape(draft)
    draft.define_costs()
    for term in terms:
        if not term.prices:
            term.shape(draft)
    return draft


def define_permissions(draft: Draft, terms: tuple[Term, ...]) -> None:
    """What a clause denies, or cannot decide, is not allocated (§2)."""
    for term in terms:
        if type(term).judge is Term.judge:
            continue
        for arc in draft.arcs:
            if term.judge(arc.demand, arc.sold).decision in ("deny", "undecided"):
                draft.deny(term, arc)
