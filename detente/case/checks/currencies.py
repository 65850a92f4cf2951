"""Whether what a clause counts was converted at the rate of its own amounts.

Not here: converting (``case.exchanging``), and which clauses there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from detente.case.checks.view import View
from detente.contract.term import Term
from detente.errors import Flaw, Path
from detente.market.offer import AnyOffer, TokenPrices
from detente.values.held import held_in
from detente.values.money import Money, Price, StatedAs
from detente.values.period import moment
from detente.values.quantity import plain


def flaws(term: Term, view: View) -> Iterator[Flaw]:
    """An amount at one rate, and use that it is held against at another of the same currency."""
    stated = next(((path, held.stated) for path, held in held_in(term, Money) if held.stated is not None), None)
    counted = [meter for meter in term.meters() if meter.unit == "money"]
    if stated is None or not counted:
        return
    names = {offer["offer"] for meter in counted for _, offer in view.uses(meter.selection, "offer")}
    for offer in (each for each in view.offers if each.id in names):
        other = _otherwise(offer, term, stated[1])
        if other is not None:
            yield _unlike(term, stated, offer, other)
            return


def _otherwise(offer: AnyOffer, term: Term, stated: StatedAs) -> StatedAs | None:
    """A price of an offer in the same currency at another rate, while a clause is in force."""
    steps: tuple[tuple[date | None, Price | TokenPrices], ...] = offer.price.steps
    ends = [*(moment(day) for day, _ in steps[1:] if day is not None), term.validity.end]
    for (day, price), end in zip(steps, ends, strict=True):
        if end <= term.validity.start or (day is not None and moment(day) >= term.validity.end):
            continue
        for _, held in held_in(price, Price):
            other: StatedAs | None = held.stated
            if other is not None and other.currency == stated.currency and other.rate != stated.rate:
                return other
    return None


def _unlike(term: Term, stated: tuple[Path, StatedAs], offer: AnyOffer, other: StatedAs) -> Flaw:
    path, own = stated
    what = f"`{term.id}` is converted at {plain(own.rate)}, and `{offer.id}`, which it counts, at {plain(other.rate)}"
    what += f": what counts of its {own.currency} is not known"
    remedy = f"sell it `under:` an agreement with the same `exchange`, or write the case in {own.currency}"
    return Flaw(what, f"{remedy}, so that neither is converted", path)
