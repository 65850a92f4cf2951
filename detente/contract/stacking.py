"""Clauses of one kind that stack: whether together they give more than there is.

Owns: that check, which a kind whose parts add up calls from its ``check``. Not here: what a part is of (the kind).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from detente.contract.case_view import CaseView, OtherClause
from detente.errors import Flaw

Stacked = tuple[OtherClause, Decimal]
"""A clause, and the part that it gives."""


def more_than_all(own: Stacked, others: Sequence[Stacked], case: CaseView) -> Iterator[Flaw]:
    """Uses of which a clause and the others that cover them, at one time, give more than 100%."""
    alike = [own, *others]
    if sum(part for _, part in alike) <= 1:
        return
    clause, _ = own
    for demand, offer in case.uses(clause.covered, *(key for other, _ in others for key in other.covered.keys)):
        over = {
            other.id: part
            for other, part in alike
            if other.validity.over(clause.validity.start, clause.validity.end) and other.covered.covers(demand, offer)
        }
        if len(over) > 1 and sum(over.values()) > 1:
            names = " and ".join(f"`{name}`" for name in sorted(over))
            what = f"{names} together give more than 100% of what `{offer['offer']}` costs"
            yield Flaw(what, "narrow one with `of` or `except`")
