"""What providers sell beside their offers, which only bills bring: which of it a clause counts, and that no plan does.

A row of it states money, and no tokens, hours or revenue. Not here: rows of bills (``ledger.bills``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detente.contract.metered.meter import Measure
from detente.contract.roles import PriceChange
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.provider import Provider
from detente.values.facts import Facts
from detente.values.held import held_in
from detente.values.money import Money
from detente.values.quantity import Amount

STATED: tuple[Measure, ...] = ("spend", "listed", "off")
"""What a row of money says."""
ANYBODY: Facts = {}
"""Who used it, as far as a row says."""


def billed(term: Term, providers: Iterable[Provider]) -> tuple[str, ...]:
    """The products that only bills bring, and that may count in a bound clause."""
    covering = [meter.selection.covers for meter in term.meters() if meter.measure in STATED]
    return tuple(
        product
        for each in providers
        for product, places in each.beside_offers.items()
        if any(covers(ANYBODY, facts) is not False for covers in covering for facts in places)
    )


def beside_a_plan(texts: Sequence[Term], providers: Sequence[Provider], *, planned: bool) -> Flaw | None:
    """That the texts of a clause count what a plan knows nothing of; ``planned``: they count anything that it knows."""
    found = dict.fromkeys(product for term in texts for product in billed(term, providers))
    name, names = texts[0].id, " and ".join(f"`{product}`" for product in found)
    if not found or (planned and isinstance(texts[0], PriceChange)):
        return None
    if isinstance(texts[0], PriceChange):
        what = f"`{name}` lowers no price in a plan; of what bills bring of {names} it takes off what their rows say"
        return Flaw(what, "name it as the `discount` of their rule in the mapping of the bill")
    what = f"`{name}` counts what bills bring of {names}, and a plan counts none of it"
    if not any(held_in(term, Money | Amount) for term in texts):
        return Flaw(what, "expect more of it on the books, which count it")
    return Flaw(
        what, "to plan with it, let a scenario `change` the clause's amounts to what is left; the books count it"
    )
