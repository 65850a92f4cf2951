"""Rows of a bill in another currency than the case's: at which of the rates that the paper states each is converted.

Owns: that rate, of the agreement under which what was used is sold, else of the case; and the rates at which a provider
may have converted in its place. A row is converted once, as it is read. Not here: how rates are stated
(``values.exchange_rate``), reading rows (``bill_rows``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property

from detente.case.case import Case
from detente.case.exchanging import StatedRates, stated_rates
from detente.errors import FlawError
from detente.ledger.bills.bill_mapping import BillMapping
from detente.market.stated_price import priced_in
from detente.values.micros import at_micros

BY_DAY = "give rows of a day each, or fix the rate where it is stated"


class BillCurrencies:
    """The rates of a case, as the rules of a mapping ask for them."""

    def __init__(self, case: Case, mapping: BillMapping) -> None:
        self.own = case.currency
        self._case, self._rules = case, mapping.rules

    def rate(self, currency: str, rule: int | None, start: int, end: int) -> Fraction:
        """What one of a currency is in the case's in the time of a row. Raises FlawError."""
        stated = self.must_know(currency, rule)
        if stated is None:
            return Fraction(1)
        try:
            return Fraction(stated.one(at_micros(start), at_micros(max(end - 1, start)), BY_DAY))
        except FlawError as error:
            (flaw,) = error.flaws
            raise FlawError(f"{self._other}: {flaw.what}", flaw.remedy) from None

    def must_know(self, currency: str, rule: int | None) -> StatedRates | None:
        """The rates of a currency; None of the case's own. Raises FlawError where none are stated."""
        stated = self._rates(rule).get(currency)
        if stated is None and currency != self.own:
            remedy = (
                f"state its rate (`exchange:` of the case), give the bill in {self.own}, or skip such rows by a rule"
            )
            raise FlawError(self._other, remedy)
        return stated

    @property
    def _other(self) -> str:
        return f"is not the currency of the books, {self.own}"

    def others(self, currency: str, rule: int, start: int) -> Iterator[Fraction]:
        """How much more or less is billed where a row was converted at another of the rates that are stated.

        So it may be of a row in the case's currency whose offer is priced in another, and the other way round.
        """
        offer = next((each for each in self._case.offers if each.id == self._rules[rule].offer), None)
        priced = None if offer is None else priced_in(offer) or self.own
        foreign = priced if currency == self.own else None if currency == priced else currency
        stated = self._rates(rule).get(foreign or "")
        ours = None if stated is None else stated.by_use.on(at_micros(start))
        if stated is not None and ours is not None:
            for other in {*stated.stated.values(), *stated.by_use.values()} - {ours}:
                yield Fraction(other) / Fraction(ours) if currency == self.own else Fraction(ours) / Fraction(other)

    def _rates(self, rule: int | None) -> Mapping[str, StatedRates]:
        """Those of what a rule is for."""
        name = None if rule is None else self._rules[rule].offer
        under = next((each.under for each in self._case.offers if each.id == name), None)
        return self._by_agreement[under if under in self._by_agreement else None]

    @cached_property
    def _by_agreement(self) -> Mapping[str | None, Mapping[str, StatedRates]]:
        """By the agreement, and those without one. A case that was read has rates of its own currency alone."""
        known = {each.id: each for each in self._case.declared.agreements}
        exchange = self._case.declared.exchange
        return {
            id: stated_rates(exchange, None if id is None else known[id], known, self.own) or {}
            for id in (None, *known)
        }
