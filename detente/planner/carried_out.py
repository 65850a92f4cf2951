"""A plan that can be carried out: of plans of about the same cost, one without crumbs, in which little moves.

Owns: the order of these steps, what a plan may cost more for them, and that where there is no time, or no such plan,
the one that was found is billed. Not here: what crumbs are and how they are swept (``solving/crumbs``), what moves
least (``solving/steadier``), and the bill (``Study.bill``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, Self

from detente.errors import BillError
from detente.planner.answer.bill import Bill
from detente.planner.answer.whole_quanta import Prefer
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.kept_time import billed
from detente.planner.solving.crumbs import CRUMBS, ROUNDS, crumbs, with_counts_of
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.model import Model
from detente.planner.solving.no_room import without_room
from detente.planner.solving.search import Progress
from detente.planner.solving.solution import Solution
from detente.planner.solving.steadier import moving_least, moving_less
from detente.planner.solving.whole import whole_columns
from detente.values.money import CENT

AT_NO_COST = 1e-11
"""By what part a bill may be higher for less to be moved: what the rounding of many quanta comes to, and no more."""

OF_THE_GAP = 1e-4
"""The same of a bill that is small, beside which a quantum is not: by this part of the gap, and by a cent at most."""

MAX_STEADIED = 500_000
"""Columns of a program of whose plans one that moves less is sought: above, its whole quanta take half as much memory
again, and half of the time."""

LITTLE_COST = 1e-6
"""By what part a plan may be dearer for no workload to have crumbs of it elsewhere, and for less to move."""


class Billing(Protocol):
    """A study, as far as these steps ask it."""

    @property
    def draft(self) -> Draft:
        """What its program is made of."""

    def turn(self) -> Model:
        """Bring the program inside the solver to it."""

    @property
    def progress(self) -> Progress:
        """Told which step is taken."""

    def bill(self, found: Incumbent, prefer: Prefer = ...) -> tuple[Bill, Solution]:
        """The exact bill of a solution, and the solution in whole quanta. Raises BillError."""

    def sweeping(self, places: Ints) -> Self:
        """The same without some places more."""


def carried_out(study: Billing, found: Incumbent, gap: float) -> tuple[Bill, Solution]:
    """The bill of a plan that can be carried out, of about the same cost, where there is time to look for one."""
    model = study.turn()
    in_time = found.stopped is None and model.left > billed(model)
    if not in_time or found.prices is None or model.program.n > MAX_STEADIED:
        return study.bill(found)
    tidy, swept = _without_crumbs(study, found, gap)
    try:
        return _moving_least(tidy, swept, gap) or tidy.bill(swept)
    except BillError:  # what was found reaches an amount; what moves less does so by the solver's tolerance alone
        return study.bill(found)


def _without_crumbs(study: Billing, found: Incumbent, gap: float) -> tuple[Billing, Incumbent]:
    """The study without places that the solution hardly uses, and its solution, where that costs next to nothing.

    What was found to be within the wanted gap stays so.
    """
    best = found.solution
    if best is None or best.values is None:
        return study, found
    most = _most(found, gap)
    each = (_swept(study, best, part, most) for part in CRUMBS)
    tidy, without = next((found for found in each if found is not None), (study, best))
    return tidy, replace(found, solution=without)


def _swept(study: Billing, best: Solution, part: float, most: float) -> tuple[Billing, Solution] | None:
    """The study without places that do less than a part of a workload, and its solution; None: that costs more."""
    found, draft = best, study.draft
    for _ in range(ROUNDS):
        assert found.values is not None
        more = crumbs(draft, found.values, part)
        if not len(more):
            return study, found
        study = study.sweeping(more)
        without = with_counts_of(draft, study.turn(), found, whole_columns(draft))
        if without is None or without.objective > most:
            return None
        found = without
    return study, found


def _moving_least(study: Billing, found: Incumbent, gap: float) -> tuple[Bill, Solution] | None:
    """The bill of a solution of the same cost in which less moves, and that solution; None where there is none.

    Whole quanta may make a little more of the same cost: where they do, what moves more is billed as well, and
    taken if its bill is lower.
    """
    draft, model, best = study.draft, study.turn(), found.solution
    if best is None or best.values is None:
        return None
    study.progress("moving less")
    columns = whole_columns(draft)
    least = moving_least(draft, model, best, columns, _most(found, gap))
    over = 0 if least is best else len(without_room(draft, least))  # mostly none: then `best` is not asked
    if least is best or (over and over > len(without_room(draft, best))):
        return None
    steady = study.bill(replace(found, solution=least), lambda solved: moving_less(draft, model, solved, columns))
    if float(steady[0].total) <= least.objective + _at_no_cost(least.objective, gap):
        return steady
    plain = study.bill(found)
    more = max(0.0, least.objective - best.objective)
    return steady if _no_dearer(steady[0], plain[0], gap, more) else plain


def _most(found: Incumbent, gap: float) -> float:
    """What a plan that can be carried out may cost: little more; and what was found to be within the gap stays so."""
    assert found.solution is not None
    cost = found.solution.objective
    most = cost + LITTLE_COST * abs(cost)
    return min(most, found.bound + gap * abs(cost)) if found.gap <= gap else most


def _no_dearer(bill: Bill, other: Bill, gap: float, more: float) -> bool:
    """Whether a bill is higher than another by no more than is known, but for the rounding of many quanta."""
    return float(bill.total - other.total) <= more + _at_no_cost(float(other.total), gap)


def _at_no_cost(total: float, gap: float) -> float:
    """By how much more than a bill another is the same, but for the rounding of quanta."""
    return max(abs(total) * AT_NO_COST, min(abs(total) * gap * OF_THE_GAP, float(CENT)))
