"""Settling the clauses of a contract together: who pays for use first, then who gives back, each after those before.

Owns: the order, what is not known since one clause is not, and where a clause alone would stand by more use. Not here:
what one clause makes of its totals (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from detente.contract.answer import each_of, misanswered
from detente.contract.decisions import NOTHING_DECIDED, Decisions
from detente.contract.metered.meter import PAYMENTS, Measure
from detente.contract.metered.paid_use import PaidUse, in_the_cases
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer, meet
from detente.contract.returning import Returning, in_turn
from detente.contract.roles import AfterPlans, DatedPayment, OwnRates
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import Standing
from detente.contract.term import Term
from detente.errors import SettleError


def settle(
    terms: Sequence[Term], totals: Totals, decisions: Decisions, as_of: datetime | None
) -> tuple[Settlement, ...]:
    """What each clause makes of the totals of all meters, in the order of the clauses.

    The totals do not change: what pays is noted beside them. Raises SettleError as ``Term.settle`` does.
    """
    found = settle_each(terms, totals, decisions, as_of)
    for each in found:
        if isinstance(each, SettleError):
            raise each
    return tuple(each for each in found if isinstance(each, Settlement))


def settle_each(
    terms: Sequence[Term], totals: Totals, decisions: Decisions, as_of: datetime | None
) -> tuple[Settlement | SettleError, ...]:
    """The same, where what one clause comes to may not be known: then its error, and those of all who count on it."""
    found: dict[int, Settlement | SettleError] = {}
    lost: list[UnknownPayment] = []
    for term in in_turn(terms):
        found[id(term)] = each = _settled(term, totals, decisions, as_of, lost)
        if isinstance(each, SettleError):
            lost += _lost_with(term, each)
        elif isinstance(term, Payer):
            paid = term.payments(totals, as_of)
            totals = totals.paid_by(in_the_cases(paid, term.own_money, "paid"))
        elif isinstance(term, Returning):
            instead = "each `PaidUse` that it gives back"
            back = each_of(term, "returned", term.returned(totals, as_of), PaidUse, instead)
            totals = totals.paid_by(in_the_cases(back, term.own_money, "returned"))
        elif isinstance(term, OwnRates) and any(isinstance(each, AfterPlans) and each.after_plans for each in terms):
            saved = each_of(term, "savings", term.savings(totals, as_of), PaidUse, "each `PaidUse` that it saves")
            totals = totals.paid_by(in_the_cases(saved, term.own_money, "saved"))
    return tuple(found[id(term)] for term in terms)


def settled_with(asking: Sequence[Term], measures: Collection[Measure], every: Iterable[Term]) -> list[Term]:
    """Some clauses, which read some measures, and those who pay or give back what they count, in the order of all."""
    roles: tuple[type, ...] = ()
    if "saved" in measures:
        roles = (OwnRates,)
    elif "returned" in measures:
        roles = (Payer, Returning)
    elif not {*PAYMENTS}.isdisjoint(measures) or any(isinstance(term, Payer) for term in asking):
        roles = (Payer,)
    own = set(map(id, asking))
    return [each for each in every if id(each) in own or isinstance(each, roles)]


class UnknownPayment(NamedTuple):
    """What is not known since it is not known what a clause comes to: how much it pays of use, or gives back."""

    term: Term
    measures: frozenset[Measure]
    words: str
    why: SettleError


def _lost_with(term: Term, why: SettleError) -> Iterator[UnknownPayment]:
    if isinstance(term, Payer):
        yield UnknownPayment(term, frozenset({"paid", "paid-before"}), "credits pay", why)
    elif isinstance(term, Returning):
        yield UnknownPayment(term, frozenset({"returned"}), "others give back", why)
    elif isinstance(term, OwnRates):
        yield UnknownPayment(term, frozenset({"saved"}), "savings plans cover", why)


def _settled(
    term: Term, totals: Totals, decisions: Decisions, as_of: datetime | None, lost: Sequence[UnknownPayment]
) -> Settlement | SettleError:
    """Its error, too, where it counts what is lost with a clause that may speak of the same use."""
    reads: set[Measure] = {meter.measure for meter in term.meters()} if lost else set()
    if isinstance(term, Payer):
        reads.add("paid-before")
    for each in lost:
        if reads & each.measures and meet(term, each.term):
            return SettleError(f"`{term.id}` counts what {each.words}: {each.why}")
    try:
        found = term.settle(totals, decisions, as_of)
        if not isinstance(found, Settlement):
            raise TypeError(misanswered(term, "settle", found, "a `Settlement`: `Settlement.of(…)` of several"))
        if as_of is not None and not isinstance(term, DatedPayment):
            _none_early(term, found, as_of)
        return found if term.own_money is None else found.converted(term.own_money)
    except SettleError as error:
        return error


def _none_early(term: Term, found: Settlement, as_of: datetime) -> None:
    """Raise ValueError where a posting is of a time that has not ended: that only accrues (law 7, design §10)."""
    early = next((each for each in found.postings if each.end > as_of), None)
    if early is not None:
        what = f"`{term.id}` (`{type(term).__name__}`): `settle` as of {as_of:%Y-%m-%d} owes `{early.part}`"
        what += f" of a time that ends on {early.end:%Y-%m-%d}"
        raise ValueError(f"{what}; go through `meter.begun(as_of)`, and give `settled` its `ended`")


def stands_by_use(term: Term, as_of: datetime) -> Iterator[tuple[Standing, ...]]:
    """Where a clause alone stands where nothing is used, then where a half, all and twice of each amount is.

    Raises SettleError where that turns on more than use.
    """
    totals = Totals(term.meters())
    fresh = term.settle(totals, NOTHING_DECIDED, as_of).standings
    yield fresh
    of = {meter.name: meter for meter in totals.meters}
    for part in (Fraction(1, 2), Fraction(1), Fraction(2)):
        used = [
            (of[each.meter], each.window, part * (abs(Fraction(each.amount)) if each.amount else 1))
            for each in fresh
            if each.meter in of
        ]
        yield term.settle(totals.expecting(used), NOTHING_DECIDED, as_of).standings
