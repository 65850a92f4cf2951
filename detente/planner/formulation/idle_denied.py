"""Units that may not stand idle are bought for work that may run on them, and for no other.

Owns: rows that hold them within what the work could use that no clause denies, with a column for what each denial keeps
off, which is zero while that holds. Not here: what clauses deny (``permissions``), and rows that turn on no clause
(``capacity``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.planner.formulation.capacity import busiest
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.purchases import useful_units
from detente.planner.formulation.unit_columns import Units

ALLOWED, NEVER = -1, -2
"""Use that nobody denies, and use that is not there whatever clauses say."""


def define_idle_denied(draft: Draft) -> None:
    """Of reservations no more than the work could use that may run there, and no minimum that it could not."""
    by = _denied_by(draft)
    for name, units in draft.units.items():
        rows = [arc.index for arc in draft.arcs.of_offer[name]]
        denials = [at for at in np.unique(by[rows]).tolist() if at >= 0]
        if denials and not draft.case.may_stand_idle(units.offer) and (units.offer.reserved or units.opening):
            _within(draft, units, by, denials)


def _denied_by(draft: Draft) -> NDArray[np.int64]:
    """By arc and period, the place of the denial by which there is no use; what is not there no clause lets through."""
    found = np.full(draft.x.size, ALLOWED, dtype=np.int64)
    first = int(draft.x.min(initial=0))
    for at, denial in enumerate(draft.program.denials):
        places = denial.numbers[denial.numbers < first + draft.x.size] - first
        ours = all(owner.kind == "term" for owner in denial.turns_on)
        found[places] = np.where(found[places] == NEVER, NEVER, at) if ours else NEVER
    return found.reshape(draft.x.shape)


def _within(draft: Draft, units: Units, by: NDArray[np.int64], denials: list[int]) -> None:
    """Units within what is allowed and what each denial leaves, once it is lifted."""
    program, owner = draft.program, Owner("units", units.offer.id)
    if units.offer.reserved:
        bought = units.held(draft.n)
    else:
        starts = np.array(units.starts[: units.opening], dtype=np.int32)
        bought = Expr(draft.n, [(starts, units.columns[: units.opening], 1.0)])
    kept_off = np.full((len(denials), draft.n), -1, dtype=np.int32)
    for row, at in enumerate(denials):
        most = _most(draft, units, by == at)
        some = np.flatnonzero(most).astype(np.int32)
        if len(some):
            more = program.columns(owner, "denied", len(some), upper=most[some])
            program.fix_at_zero(more, program.denials[at].deniers, of_work=False)
            kept_off[row, some] = more
            bought = bought - Expr(draft.n, [(some, more, 1.0)])
    draft.kept_off[units.offer.id] = kept_off
    program.require(owner, "allowed", bought <= _most(draft, units, by == ALLOWED))


def _most(draft: Draft, units: Units, among: Bools) -> Floats:
    """The units that some use could need; of the minimum of a purchase by the hour, whether it could need any."""
    useful = useful_units(draft, units.offer, among)
    return busiest(units, useful) if units.offer.reserved else np.minimum(useful, 1.0)
