"""Clauses that stack: whether together they give more than there is.

Owns: that check. Prices are held to it for every kind at once (``case.checks.clauses``); another kind whose parts add
up calls it from its ``check``. Not here: what a part is of (the kind).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from detente.contract.case_view import CaseView, ClauseView
from detente.errors import Flaw
from detente.values.facts import Facts

AnyOther = TypeVar("AnyOther", bound=ClauseView)


def more_than_all(
    own: AnyOther,
    others: Sequence[AnyOther],
    case: CaseView,
    gives: Callable[[AnyOther, Facts, Facts], Fraction | Decimal | None],
    remedy: str = "narrow one with `of` or `except`",
) -> Iterator[Flaw]:
    """Uses of which a clause and others, at one time, give more than 100%.

    ``gives`` is the part that a clause gives of a use: None where that is not known, which is said elsewhere.
    """
    beside = [other for other in others if other.validity.over(own.validity.start, own.validity.end)]
    if not beside:
        return
    for demand, offer in case.uses(own.covered, *(key for other in beside for key in other.covered.keys)):
        parts = {clause.id: Fraction(gives(clause, demand, offer) or 0) for clause in (own, *beside)}
        over = {name: part for name, part in parts.items() if part}
        if len(over) > 1 and sum(over.values()) > 1:
            names = " and ".join(f"`{name}`" for name in sorted(over))
            what = f"{names} together give more than 100% of what `{offer['offer']}` costs"
            yield Flaw(what, remedy)
