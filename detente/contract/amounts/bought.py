"""What is bought ahead and counts towards an amount on the day on which it is paid: a prepayment, once.

Owns: which payments count, when, and what makes no sense of that. Not here: what else counts (``counting``), the
payment itself (a kind that is a ``DatedPayment``), and what is charged as prepayment for want of use (``prepayment``).

The use that a prepayment pays for is paid by a credit. It counts not again where the amount is of what no credit pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from detente.contract.amounts.counting import Counting, MoneyMeasure
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.payer import Payer
from detente.contract.roles import DatedPayment
from detente.errors import Flaw
from detente.values.period import Horizon

PaidAhead = tuple[tuple[datetime, Fraction], ...]
"""What counts of payments, and from when on."""


def bought(payments: Sequence[DatedPayment], seen: Horizon | None, as_of: datetime | None) -> PaidAhead:
    """What has been paid by a moment, as far as a horizon sees; a payment that ended before its day is nothing."""
    found = ((each.validity.begin(each.paid_on), each.amount_paid) for each in payments)
    return tuple(
        (day, amount)
        for day, amount in found
        if amount > 0 and (seen is None or seen.opens <= day < seen.closes) and (as_of is None or day <= as_of)
    )


def flaws(
    term: ClauseView,
    names: Sequence[str],
    payments: Sequence[DatedPayment],
    counting: Counting,
    measure: MoneyMeasure | None,
    case: CaseView,
) -> Iterator[Flaw]:
    """Payments that there are not, or to somebody else, or outside its time; use that would count again."""
    for place, name in enumerate(names):
        path, texts = ("prepayments", place), [each for each in payments if each.id == name]
        party = term.validity.counterparty
        if not texts:
            if name not in case.unread:
                what = f"there is no payment `{name}` with `{party}`"
                yield Flaw(what, "name a clause of `kind: payment` of an agreement with that party", path)
        elif any(each.payee != party or each.amount_paid < 0 for each in texts):
            yield Flaw(f"`{name}` is not paid to `{party}`, and buys nothing there", "leave it out", path)
        elif not any(_inside(term, each) for each in texts):
            what = f"`{name}` is due on {texts[0].paid_on}, and `{term.id}` is not in force then"
            yield Flaw(what, "leave it out: what is paid then counts for nothing", path)
    if names and counting.own.money is not None:
        what = f"`{term.id}` is in a currency whose rate changes, and what is bought is converted once"
        yield Flaw(what, "state the amount in the case's currency", ("prepayments",))
    for other in case.lowering if names and measure != "after-credits" else ():
        own = counting.own.selection
        if isinstance(other, Payer) and any(other.covered.covers(*use) for use in case.uses(own, *other.covered.keys)):
            what = f"what is bought counts on its day, and what `{other.id}` pays for would count again"
            yield Flaw(what, "say `measure: after-credits`", ("measure",))
            return


def _inside(term: ClauseView, payment: DatedPayment) -> bool:
    day = payment.validity.begin(payment.paid_on)
    begun = term.validity.begun
    taken = begun is not None and begun.how == "whole-window" and begun.running is not None
    start = begun.running.start if taken and begun and begun.running else term.validity.start
    return start <= day < term.validity.end
