"""Whether what a clause counts was converted at the rate of its own amounts, at each moment.

Not here: converting (``case.exchanging``), and which clauses there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice

from detente.case.checks.view import View
from detente.contract.metered.meter import PAYMENTS
from detente.contract.own_money import OwnMoney
from detente.contract.payer import Payer
from detente.contract.term import Term
from detente.errors import Flaw, KeyPath
from detente.market.offer import AnyOffer, TokenPrices
from detente.values.held import held_in
from detente.values.money import Money, Price, StatedAs
from detente.values.period import moment, named
from detente.values.quantity import plain


def flaws(term: Term, view: View) -> Iterator[Flaw]:
    """An amount at one rate, and use that it is held against at another of the same currency."""
    if term.own_money is not None:
        yield from _kept(term, term.own_money, view)
        return
    stated = next(((path, held.stated) for path, held in held_in(term, Money) if held.stated is not None), None)
    if stated is None:
        return
    for offer in _counted(term, view):
        other = _otherwise(offer, term, stated[1])
        if other is not None:
            yield _unlike(term, stated, offer, other)
            return


def _counted(term: Term, view: View) -> list[AnyOffer]:
    """The offers of which a clause counts what they cost."""
    counted = [meter for meter in term.meters() if meter.of_money]
    names = {offer["offer"] for meter in counted for _, offer in view.uses(meter.selection, "offer")}
    return [each for each in view.offers if each.id in names]


def _kept(term: Term, own: OwnMoney, view: View) -> Iterator[Flaw]:
    """Of a clause in a currency of its own: credits that are applied at two rates, and prices that go by others."""
    yield from islice(_paid_at_two(term, own, view), 1)
    assert all(meter.money == own for meter in term.meters() if meter.of_money), f"`{term.kind}` makes its own meters"
    for offer in _counted(term, view):
        other = _at_another(offer, term, own)
        if other is not None:
            what = f"`{offer.id}` is converted at {other.told_rate}, and `{term.id}`, which counts it, otherwise"
            remedy = f"let both go by one `exchange` and the day of use, or write the case in {own.currency}"
            yield Flaw(f"{what} ({own.told}): which rate holds for its {own.currency} is not known", remedy, ("kind",))
            return


def _paid_at_two(term: Term, own: OwnMoney, view: View) -> Iterator[Flaw]:
    """Of what it pays itself, or counts as paid: a time in which a credit is applied, and its rate changes."""
    if view.horizon is None:
        return
    counts = any(meter.measure in PAYMENTS for meter in term.meters())
    others = [o for o in view.lowering if isinstance(o, Payer) and o.sold.inside(term.covered) is not False]
    for each in (*((term,) if isinstance(term, Payer) else ()), *(others if counts else ())):
        for window in each.paying.seen_by(view.horizon):
            for at in (at for at in own.changes(window.start, window.end) if not each.applied_until(at)):
                when = named(window.start, window.end)
                what = (
                    f"the rate of {own.currency} changes on {at:%Y-%m-%d}, and `{each.id}` is applied once for {when}"
                )
                remedy = f"let it change where that begins, or fix it (`exchange:` of the agreement of `{term.id}`, "
                yield Flaw(what, f"{remedy}`day: signing`)", ("kind",))


def _at_another(offer: AnyOffer, term: Term, own: OwnMoney) -> StatedAs | None:
    """A price at another rate than a clause's own when it counts; of a reservation that counts bit by bit, any."""
    for start, end, price in _prices(offer, term):
        for _, held in held_in(price, Price):
            stated: StatedAs | None = held.stated
            if stated is None or stated.currency != own.currency:
                continue
            if offer.reserved and _by_instalment(offer, term, own):
                continue
            spread = offer.reserved and not _paid_when_bought(offer, term)
            if spread or any(own.rates.on(at) != stated.rate for at, *_ in own.pieces(start, end)):
                return stated
    return None


def _by_instalment(offer: AnyOffer, term: Term, own: OwnMoney) -> bool:
    """Whether each instalment counts on the day on which it is invoiced, at the rate of which it is converted."""
    counted = [meter for meter in term.meters() if meter.of_money]
    return offer.instalment_rates == own.rates and all(meter.moment == "invoice" for meter in counted)


def _paid_when_bought(offer: AnyOffer, term: Term) -> bool:
    """Whether all of what it costs counts on the day on which it is bought, at whose rate it is converted."""
    counted = [meter for meter in term.meters() if meter.of_money]
    return offer.reserved and offer.invoicing == "upfront" and all(meter.moment != "use" for meter in counted)


def _prices(offer: AnyOffer, term: Term) -> Iterator[tuple[datetime, datetime, Price | TokenPrices]]:
    """Its prices in the time that a clause counts, each with the part of that time for which it holds."""
    counted = term.counted_time
    steps: tuple[tuple[date | None, Price | TokenPrices], ...] = offer.price.steps
    ends = [*(moment(day) for day, _ in steps[1:] if day is not None), counted.end]
    for (day, price), end in zip(steps, ends, strict=True):
        start = max(counted.start, moment(day)) if day is not None else counted.start
        if start < (until := min(end, counted.end)):
            yield start, until, price


def _otherwise(offer: AnyOffer, term: Term, stated: StatedAs) -> StatedAs | None:
    """A price of an offer in the same currency at another rate, when a clause counts it."""
    for _, _, price in _prices(offer, term):
        for _, held in held_in(price, Price):
            other: StatedAs | None = held.stated
            if other is not None and other.currency == stated.currency and other.rate != stated.rate:
                return other
    return None


def _unlike(term: Term, stated: tuple[KeyPath, StatedAs], offer: AnyOffer, other: StatedAs) -> Flaw:
    (path, own), where = stated, term.validity.agreement
    other_money = next(held.currency for _, held in held_in(term, Money) if held.stated is own)
    what = f"`{term.id}` is converted at {own.told_rate}, and `{offer.id}`, which it counts, at {other.told_rate}"
    what += f": which rate holds for its {own.currency} is not known"
    remedy = f"sell it `under:` an agreement at the same rate, or state its rate in `exchange` of `{where}`"
    rate = f"rate: {plain(other.rate)} {other_money} per {own.currency}"
    return Flaw(what, f"{remedy} (`[{{ {rate} }}]`); or write the case in {own.currency}", path)
