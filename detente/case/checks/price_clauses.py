"""Price clauses, of whatever kinds, that meet on one price: whether it is said how they combine, and what is left.

Not here: what a clause takes off (``PriceChange.takes_off``), and how parts combine (``contract.combining``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import takewhile
from typing import get_args

from detente.case.checks.view import View
from detente.contract.combining import Combine, undisputed
from detente.contract.rated.stacking import choices, more_than_all, unsaid
from detente.contract.roles import known_part_off, off_price
from detente.contract.term import Term
from detente.errors import Flaw
from detente.values.quantity import in_percent


def flaws(term: Term, view: View) -> Iterator[Flaw]:
    """Of one price clause beside the others: each pair that meets is said once, and sums above the price."""
    earlier = takewhile(lambda other: other is not term, view.alike)
    for other in earlier:
        if view.meets(other):
            yield from _unsaid(other, term, view)
    if term.validity.combine == "sum":
        yield from more_than_all(term, view.beside, view, off_price)


def _unsaid(one: Term, two: Term, view: View) -> Iterator[Flaw]:
    """Two clauses that meet, where their agreements say no way to combine them, or not the same one."""
    ways = {clause.validity.agreement: clause.validity.combine for clause in (one, two)}
    if len(set(ways.values())) == 1 and None not in ways.values():
        return
    for demand, offer in view.uses(two.covered, *one.covered.keys):
        parts = [known_part_off(clause, demand, offer) for clause in (one, two)]
        rates = [part for part in parts if part is not None]
        if len(rates) == 2 and undisputed(rates) is None:
            what = f"`{one.id}` and `{two.id}` both change the price of `{offer['offer']}`, and {unsaid(ways)}"
            where, allowed = " and ".join(f"`{name}`" for name in ways), _allowed((one, two), view)
            yield Flaw(what, f"write `combine:` in {where}, as the contract says {choices(rates, allowed, _told)}")
            return


def _told(part: Fraction) -> str:
    """A change of a price."""
    return f"{in_percent(abs(part))} {'off' if part >= 0 else 'up'}"


def _allowed(clauses: Sequence[Term], view: View) -> list[Combine]:
    """The ways that neither of two clauses then finds wrong."""
    found: list[Combine] = []
    for way in get_args(Combine):
        said = [clause.in_force(replace(clause.validity, combine=way)) for clause in clauses]
        more = [[*new.check(view)] != [*old.check(view)] for new, old in zip(said, clauses, strict=True)]
        found += [] if any(more) else [way]
    return found
