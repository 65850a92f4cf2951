"""Returning: a clause that gives back a part of what use cost, after those that pay for use.

Owns: ``Returning``, the role of such clauses beside ``Term``, and in which order all that pay and give back are asked.
Not here: those that pay (``payer``), and what is left for one of them (``amounts.left_over``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar

from detente.contract.metered.paid_use import PaidUse
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer, in_order
from detente.contract.roles import AfterPlans, GivingBack


class Returning(GivingBack):
    """What a clause is besides, that gives back a part of what use cost (``class ServiceCredit(Term, Returning)``).

    Credits pay first, then each of these in turn, and none of them more than the ones before it have left: so what was
    given back once is not given twice.
    """

    comes_last: ClassVar[bool] = False
    """Whether it comes after those that do not: of what is known month by month a longer window can tell."""

    @abstractmethod
    def returned(self, totals: Totals, as_of: datetime | None) -> Iterable[PaidUse]:
        """What it gives back in each window; ``as_of`` as in ``Term.settle``."""


InTurn = TypeVar("InTurn")


def in_turn(terms: Iterable[InTurn]) -> list[InTurn]:
    """Clauses as they are shaped and settled: who pays for use, who gives back, and all that count what is left.

    Last of these are those who count what savings plans leave.
    """
    every = list(terms)
    first: Sequence[InTurn] = in_order(each for each in every if isinstance(each, Payer))
    then = sorted((each for each in every if isinstance(each, Returning)), key=lambda each: each.comes_last)
    rest = sorted(
        (each for each in every if not isinstance(each, Payer | Returning)),
        key=lambda each: isinstance(each, AfterPlans) and each.after_plans,
    )
    return [*first, *then, *rest]
