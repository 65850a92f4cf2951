"""Clauses that stack: whether together they give more than there is.

Owns: that check, and whether it is said that clauses which give back add up. Prices are held to the first for every
kind at once (``case.checks.clauses``); another kind whose parts add up calls it from its ``check``. Not here: what a
part is of (the kind).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar, get_args

from detente.contract.amounts.counting import APART
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.combining import Combine, parts_of
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


def not_added(
    own: AnyOther,
    others: Sequence[AnyOther],
    case: CaseView,
    gives: Callable[[AnyOther, Facts, Facts], Fraction | Decimal | None],
) -> Iterator[Flaw]:
    """Of a clause that gives back a part of spend: another on the same use, where it is not said that they add up.

    Each pair is told once. Added up is all that is computed: another way is written as one clause.
    """
    for other in others:
        ways = {each.validity.agreement: each.validity.combine for each in (other, own)}
        if other.id >= own.id or set(ways.values()) == {"sum"} or not _meet(own, other, case):
            continue
        for demand, offer in case.uses(own.covered, *other.covered.keys):
            rates = [Fraction(gives(clause, demand, offer) or 0) for clause in (other, own)]
            if all(rates):
                what = f"`{other.id}` and `{own.id}` both give back a part of what `{offer['offer']}` costs, and "
                yield _told(what, rates, ways)
                break


def _meet(own: ClauseView, other: ClauseView, case: CaseView) -> bool:
    """Whether two are in force together at any time of the horizon."""
    start, end = own.validity.start, own.validity.end
    if case.horizon is not None:
        start, end = max(start, case.horizon.opens), min(end, case.horizon.closes)
    return start < end and other.validity.over(start, end)


def _told(meeting: str, rates: Sequence[Fraction], ways: dict[str, Combine | None]) -> Flaw:
    come = {way: f"{float(sum(parts_of(rates, way))) * 100:g}%" for way in get_args(Combine)}
    where = " and ".join(f"`{name}`" for name in ways)
    one, two = (f"{float(rate) * 100:g}%" for rate in rates)
    said = set(ways.values())
    way = said.pop() if len(said) == 1 else None
    if way is not None:
        what = f"{meeting}`combine: {way}` of what is given back is not computed, but in one clause"
        return Flaw(what, f"write them as one clause, of {come[way]} where they give {one} and {two}, or {APART}")
    if all(ways.values()):
        what = meeting + " while ".join(f"`{name}` says `combine: {each}`" for name, each in ways.items())
    else:
        what = f"{meeting}{where} {'does not' if len(ways) == 1 else 'do not both'} say how they combine"
    if sum(rates) > 1:  # nobody gives back more than all
        del come["sum"]
    named = ", ".join(f"`{each}` ({part})" for each, part in come.items())
    remedy = "" if "sum" not in come else f"write `combine: sum` in {where}, or of the other two one clause"
    remedy = remedy or "write them as one clause"
    return Flaw(what, f"as the contract says of {one} and {two}: {named}; {remedy}, with what both come to")
