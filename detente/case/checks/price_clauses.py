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
from detente.contract.combining import Combine, parts_of
from detente.contract.rated.stacking import more_than_all
from detente.contract.roles import off_price
from detente.contract.term import Term
from detente.errors import Flaw


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
        rates = [off_price(clause, demand, offer) or Fraction(0) for clause in (one, two)]
        if all(rates):
            what = f"`{one.id}` and `{two.id}` both take off the price of `{offer['offer']}`, and {_said(ways)}"
            yield Flaw(what, _choices(rates, ways, _allowed((one, two), view)))
            return


def _said(ways: dict[str, Combine | None]) -> str:
    if len(ways) > 1 and all(ways.values()):
        return " while ".join(f"`{name}` says `combine: {way}`" for name, way in ways.items())
    return f"{' and '.join(f'`{name}`' for name, way in ways.items() if way is None)} does not say how they combine"


def _allowed(clauses: Sequence[Term], view: View) -> list[Combine]:
    """The ways that neither of two clauses then finds wrong."""
    found: list[Combine] = []
    for way in get_args(Combine):
        said = [clause.held(replace(clause.validity, combine=way)) for clause in clauses]
        more = [[*new.check(view)] != [*old.check(view)] for new, old in zip(said, clauses, strict=True)]
        found += [] if any(more) else [way]
    return found


def _choices(rates: list[Fraction], ways: dict[str, Combine | None], allowed: Sequence[Combine]) -> str:
    """The ways there are, each with what it comes to."""
    come = {way: _percent(sum(parts_of(rates, way), Fraction(0))) for way in allowed}
    named = ", ".join(f"`{way}` ({part} off)" for way, part in come.items())
    where = " and ".join(f"`{name}`" for name in ways)
    one, two = map(_percent, rates)
    return f"write `combine:` in {where}, as the contract says of {one} and {two}: {named}"


def _percent(rate: Fraction) -> str:
    return f"{float(rate) * 100:g}%"
