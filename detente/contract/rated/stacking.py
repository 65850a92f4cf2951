"""Clauses that stack: whether together they give more than there is.

Owns: that check, whether it is said that clauses which give back add up, how it is told that nobody says so, and that
what they give back is of what prices leave. Prices are held to the first for every kind at once
(``case.checks.clauses``); another kind whose parts add up calls it from its ``check``. Not here: what a part is of (the
kind).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar, get_args

from detente.contract.amounts.counting import APART
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.combining import Combine, parts_of
from detente.contract.reach.validity import Validity
from detente.contract.roles import PriceChange, off_price
from detente.errors import Flaw
from detente.values.facts import Facts
from detente.values.quantity import in_percent

Ways = Mapping[str, Combine | None]
"""By agreement: how it says that clauses combine."""

ALIKE = "clauses of one agreement with the same `of`, `windows` and `method`, that lower all that they count"
"""What gives back parts of what use costs that combine as prices do."""

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
    beside = [other for other in others if own.counted_time.meets(other.counted_time)]
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
    time = own.counted_time.seen_by(case.horizon)
    for other in others:
        ways = {each.validity.agreement: each.validity.combine for each in (other, own)}
        if other.id >= own.id or set(ways.values()) == {"sum"} or not time.meets(other.counted_time):
            continue
        for demand, offer in case.uses(own.covered, *other.covered.keys):
            rates = [Fraction(gives(clause, demand, offer) or 0) for clause in (other, own)]
            if all(rates):
                what = f"`{other.id}` and `{own.id}` both give back a part of what `{offer['offer']}` costs"
                yield _told(what, rates, ways)
                break


def _told(meeting: str, rates: Sequence[Fraction], ways: Ways) -> Flaw:
    said = set(ways.values())
    way = said.pop() if len(said) == 1 else None
    if way is not None:
        one, two, come = *map(in_percent, rates), in_percent(_together(rates, way))
        what = f"{meeting}, and `combine: {way}` of what is given back is computed of {ALIKE} alone"
        return Flaw(what, f"write them so, or as one clause, of {come} where they give {one} and {two}, or {APART}")
    offered = get_args(Combine)
    if sum(rates) > 1:  # nobody gives back more than all
        offered = tuple(way for way in offered if way != "sum")
    what = f"{meeting}, and {unsaid(ways)}"
    remedy = f"write `combine:` in {_named(ways)} (`product` and `best-of` are of {ALIKE}), or one clause"
    return Flaw(what, f"as the contract says {choices(rates, offered)}; {remedy} with what both come to")


def unsaid(ways: Ways) -> str:
    """Why it is not known how clauses of some agreements combine: one says no way, or they say different ones."""
    silent = [name for name, way in ways.items() if way is None]
    if not silent:
        return " while ".join(f"`{name}` says `combine: {way}`" for name, way in ways.items())
    return f"{_named(silent)} {'does' if len(silent) == 1 else 'do'} not say how they combine"


def choices(rates: Sequence[Fraction], ways: Iterable[Combine], told: Callable[[Fraction], str] = in_percent) -> str:
    """The ways there are to combine two parts, each with what it comes to."""
    come = ", ".join(f"`{way}` ({told(_together(rates, way))})" for way in ways)
    return f"of {' and '.join(map(told, rates))}: {come}"


def _together(rates: Sequence[Fraction], way: Combine) -> Fraction:
    return sum(parts_of(rates, way), Fraction(0))


def _named(agreements: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in agreements)


def combined_with_prices(
    own: AnyOther,
    mates: Sequence[AnyOther],
    case: CaseView,
    gives: Callable[[AnyOther, Facts, Facts], Fraction | Decimal | None],
) -> Iterator[Flaw]:
    """A way of combining that clauses which lower the price state with one that gives back a part.

    What is given back is of what discounts leave, however these combine: that is the product. Of two of one text, the
    way is that of the later paper. ``mates``: others of its kind.
    """
    others = [(other, way) for other in case.lowering if (way := _way_between(own, other)) in ("sum", "best-of")]
    for demand, offer in case.uses(own.covered, *(key for other, _ in others for key in other.covered.keys)):
        found = [(other, way) for other, way in others if (off_price(other, demand, offer) or 0) > 0]
        if found and gives(own, demand, offer):
            parts = {other.id: off_price(other, demand, offer) or Fraction(0) for other, _ in found}
            names = _named(parts)
            leave = f"{names} {'leaves' if len(parts) == 1 else 'leave'}"
            paper = max((own.validity, *(other.validity for other, _ in found)), key=_age).agreement
            says = f"`{paper}` says `combine: {found[0][1]}`"
            several = (
                len({other.id for other, _ in others if isinstance(other, PriceChange)}) > 1
            )  # `way` is theirs, too
            if several:
                ways = [f"give `{own.id}` an agreement of its own"]
            elif paper == own.validity.agreement and any(mate.validity.agreement == paper for mate in mates):
                ways = [f"give {names} an agreement of its own"]  # `way` is that of several that give back, too
            else:
                ways = [f"write `combine: product` in `{paper}`"]
            rates = " and ".join(map(in_percent, parts.values()))
            ways.append(f"{'write ' if several else ''}{names} as tiers too, from 0 on {rates} off")
            what = f"`{own.id}` is of what {leave} of the price of `{offer['offer']}`, and {says}"
            yield Flaw(what, ", or ".join(ways))
            return


def _way_between(one: ClauseView, other: ClauseView) -> Combine | None:
    """How two clauses of one text, as amended, are said to combine; None where they are of two, or it is not said."""
    if one.validity.of_text != other.validity.of_text:
        return None
    return max((one.validity, other.validity), key=_age).combine


def _age(validity: Validity) -> tuple[int, datetime]:
    """How late the paper is in which a clause stands."""
    return len(validity.amends), validity.first
