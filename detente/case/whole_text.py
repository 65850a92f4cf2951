"""What an amendment states of its agreement as a whole, and which clauses go on as the text before it said.

`ends` and `rounding` hold for all of an agreement as amended. Owns: which clauses and offers do not go by what else an
amendment states: `parties`, `combine`, `zone`, `exchange`. Not here: what is in force when (``agreement``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detente.case.agreement import Agreement, InForce, changes_text, lineage, root
from detente.contract.bases.position import Position
from detente.contract.roles import DatedPayment, GivingBack, PriceChange
from detente.errors import Flaw
from detente.market.offer import AnyOffer
from detente.values.exchange_rate import CurrencyExchange
from detente.values.held import held_in
from detente.values.money import Money, Price

STATED = ("parties", "combine", "zone", "exchange")
"""What a clause takes from the text in which it stands, and from no later one."""


@dataclass(frozen=True)
class GoingOn:
    """What goes on by an earlier text, though an amendment states another ``key``.

    ``alone``: nothing goes by what the amendment states, so that it does nothing.
    """

    key: str
    clauses: tuple[str, ...]
    offers: tuple[str, ...]
    alone: bool

    def flaw(self, by: Agreement) -> Flaw:
        """What is then said of the amendment, at its key."""
        named = [f"`{name}`" for name in (*self.clauses, *self.offers)]
        goes = f"{', '.join(named)} of the earlier text {'goes' if len(named) == 1 else 'go'} on as before"
        own = "no clause of it goes by that, and" if self.alone else "its own clauses go by that, and"
        again = " and ".join(f"`{name}`" for name in self.clauses)
        ways = [f"write {again} again in it"] if again else []
        if self.key == "exchange":
            ways.append(f"state the rate from {by.effective} on in `exchange` of the earlier text")
        remedy = ", or ".join(ways)
        remedy = remedy if self.alone else f"if that is not meant, {remedy}"
        return Flaw(f"`{by.id}` states `{self.key}`: {own} {goes}", remedy, (self.key,), key=True)


def going_on(
    agreement: Agreement,
    known: Mapping[str, Agreement],
    standing: Sequence[InForce],
    offers: Sequence[AnyOffer],
    exchange: Sequence[CurrencyExchange],
) -> Iterator[GoingOn]:
    """Of each thing that an amendment states otherwise than the text before it, what does not go by it.

    ``exchange``: that of the case.
    """
    earlier = lineage(agreement, known)[1:]
    if not earlier:
        return
    family = {name for name, each in known.items() if root(each, known) == earlier[-1].id} - {agreement.id}
    kept = [each for each in standing if each.validity.agreement in family]
    kept = [each for each in kept if each.validity.end > each.validity.begin(agreement.effective)]
    own = bool(agreement.terms) or any(offer.under == agreement.id for offer in offers)
    for key in STATED:
        given = getattr(agreement, key)
        before = next((found for each in earlier if (found := getattr(each, key))), None)
        before = before or (tuple(exchange) if key == "exchange" else None)
        if not given or given == before or (own and key == "combine" and before is None):
            continue
        clauses = tuple(dict.fromkeys(each.term.id for each in kept if _goes_by(key, each, agreement)))
        sold = tuple(o.id for o in offers if key == "exchange" and o.under in family and _converted(o.price))
        if clauses or sold:
            yield GoingOn(key, clauses, sold, not own)


def says_nothing(agreement: Agreement, offers: Sequence[AnyOffer]) -> bool:
    """Whether an amendment changes nothing: it has no clause, removes none, states nothing, and nothing is under it."""
    stated = any(getattr(agreement, key) for key in (*STATED, "ends", "rounding"))
    under = any(offer.under == agreement.id for offer in offers)
    return agreement.amends is not None and not (stated or under or changes_text(agreement))


def _goes_by(key: str, found: InForce, by: Agreement) -> bool:
    """Whether a clause turns on what is stated."""
    term = found.term.in_force(found.validity)
    if key == "exchange":
        late = not isinstance(term, DatedPayment) or term.paid_on >= by.effective
        return late and (term.own_money is not None or _converted(term))
    if isinstance(term, Position | DatedPayment):
        return False
    if key == "parties":
        return not term.parties
    if key == "combine":
        return isinstance(term, PriceChange) or (isinstance(term, GivingBack) and term.combines)
    return bool(term.meters())


def _converted(value: object) -> bool:
    """Whether any of its amounts is in another currency."""
    return any(held.stated is not None for _, held in held_in(value, Money | Price))
