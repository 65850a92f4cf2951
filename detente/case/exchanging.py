"""Amounts in another currency, converted once, before anything else looks at them: at the rates that the paper states.

Owns: which rate an amount has. An offer's price has one each day; a price without dates needs one for all of its time.
So does a clause, or, where the rate changes in its time, it is kept in its currency (``contract.own_money``) if its
amounts are of windows, and stated once for each rate if they hold at each moment. Not here: how a rate is stated
(``values.exchange_rate``), and what is made of amounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from detente.case.agreement import Agreement, InForce, dates, endings, lineage, root, texts_in_force
from detente.case.declared import CaseHead
from detente.case.entries import Entries, Entry
from detente.contract.own_money import OwnMoney
from detente.contract.reach.counted_time import CountedTime
from detente.contract.roles import DatedPayment, OwnRates, PriceChange
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath, Mistake
from detente.market.invoicing import instalments
from detente.market.offer import AnyOffer, AnyUnits, TokenOffer
from detente.values.dated import Dated
from detente.values.exchange_rate import CurrencyExchange, RateDay, RatesByDay, as_invoiced, exchange_flaws, product
from detente.values.held import held_in, with_held
from detente.values.money import Money, Price
from detente.values.period import later, moment
from detente.values.quantity import WIDE

ONE_RATE = "write it in the case's currency, or the case in that one; or plan for a time with one rate"
TOGETHER = (
    "write all amounts of the clause in one currency, or fix the rate (`exchange:` of its agreement, `day: signing`)"
)
OF_EACH_DAY = {"workloads": ("value", "revenue"), "networks": ("price",)}
"""By section, the prices that have the rate of the day of use."""
Time = tuple[datetime, datetime]


@dataclass(frozen=True)
class StatedRates:
    """The rates of one currency, as a paper states them, and which day's counts; ``signed``: when it took effect."""

    currency: str
    stated: RatesByDay
    day: RateDay | None
    signed: datetime | None

    @property
    def by_use(self) -> RatesByDay:
        """By the day of use."""
        if self.day == "signing" and self.signed is not None:
            fixed = self.stated.on(self.signed)
            return Dated(() if fixed is None else ((None, fixed),))
        return as_invoiced(self.stated) if self.day == "invoice" else self.stated

    @property
    def of_day(self) -> StatedRates:
        """Of what is due on a day, which is the day of its invoice, too."""
        return replace(self, day="use") if self.day == "invoice" else self

    def one(self, start: datetime, end: datetime, remedy: str) -> Decimal:
        """The one rate of a time. Raises FlawError where there is none, or several, with what then is to be done."""
        found = {rate: at for at, rate in _within(self.by_use, start, end)}
        if None in found:
            raise FlawError.of(no_rate(self.currency, found[None]))
        if len(found) > 1:
            first, second, *_ = found
            what = f"the rate of {self.currency} is {first}, and {second} from {found[second]:%Y-%m-%d} on: no one rate"
            raise FlawError(what, remedy)
        return next(iter(found))  # type: ignore[return-value]


def no_rate(currency: str, at: datetime) -> Flaw:
    """What is said where none is stated for a day."""
    return Flaw(f"there is no rate of {currency} for {at:%Y-%m-%d}", "state one from that day on, or an earlier one")


def _within(rates: RatesByDay, start: datetime, end: datetime) -> Iterator[tuple[datetime, Decimal | None]]:
    """The rates of a time, each with the moment from which it holds in it."""
    yield start, rates.on(start)
    for day, rate in rates.steps:
        if day is not None and start < moment(day) < end:
            yield moment(day), rate


def stated_rates(
    exchange: Sequence[CurrencyExchange], agreement: Agreement | None, known: Mapping[str, Agreement], currency: str
) -> dict[str, StatedRates] | None:
    """Rates of exchange by currency: those of a case; under an agreement, its own before them, or those it amends.

    None where one is of other currencies: that is noted where it stands.
    """
    signed = None if agreement is None else moment(agreement.effective)
    own = () if agreement is None else next((a.exchange for a in lineage(agreement, known) if a.exchange), ())
    if any(True for stated in (exchange, own) for _ in exchange_flaws(stated, currency)):
        return None
    found = {}
    for each in (*exchange, *own):
        other, rates = each.into(currency)
        found[other] = StatedRates(other, rates, each.day, signed)
    return found


def exchanged(head: CaseHead, sections: Mapping[str, Sequence[Entry]]) -> tuple[dict[str, list[Entry]], list[Mistake]]:
    """The entries with all amounts in the case's currency, and a mistake for each that has no rate."""
    if {"currency", "exchange"} & head.unread:
        return {name: list(entries) for name, entries in sections.items()}, []
    found = _Exchanging(head, sections)
    return {name: [found.entry(name, each) for each in entries] for name, entries in sections.items()}, found.mistakes


class _Exchanging:
    def __init__(self, head: CaseHead, sections: Mapping[str, Sequence[Entry]]) -> None:
        self.head, self.currency = head.declared, head.declared.currency
        self.known = {e.value.id: e.value for e in sections["agreements"] if e.value is not None}
        self.agreements = [*self.known.values()]
        self.ends = endings(self.agreements)
        self.events = {name: moment(on) if on else None for name, on in self.head.events.items()}
        horizon = self.head.horizon
        self.horizon = None if "horizon" in head.unread else (horizon.opens, horizon.closes)
        self.mistakes: list[Mistake] = []

    def entry(self, section: str, entry: Entry) -> Entry:
        """An entry in the case's currency."""
        if entry.value is None or not self._foreign(entry.value):
            return entry
        if section == "agreements":
            return replace(entry, value=self._agreement(entry))
        rates = self._rates(self.known.get(entry.value.under or "") if section == "offers" else None)
        if rates is None:
            return entry
        if section == "offers":
            return replace(entry, value=self._offer(entry, rates))
        value = entry.value
        for key in OF_EACH_DAY.get(section, ()):
            value = self._of_each_day(entry, value, key, rates)
        return replace(entry, value=self._at_one(entry, value, (), rates, self.horizon))

    def _of_each_day(self, entry: Entry, value: Any, key: str, rates: Mapping[str, StatedRates]) -> Any:
        """A value with a price in a currency whose rate changes: it has that of the day of use."""
        price: Price | None = getattr(value, key)
        stated = rates.get(price.currency) if price is not None else None
        if price is None or stated is None or self.horizon is None:
            return value
        found = [rate for _, rate in _within(stated.by_use, *self.horizon)]
        if None in found or len(set(found)) == 1:
            return value
        own = OwnMoney(price.currency, stated.by_use, self.currency)
        self._must_turn_with_periods(entry, (key,), own, self.horizon)
        at_each = product(Dated(((None, price),)), stated.by_use, lambda price, rate: price.at(rate, self.currency))
        return value.at_rates(key, Dated(tuple(at_each)))

    def _foreign(self, value: Any) -> set[str]:
        return {held.currency for _, held in held_in(value, Money | Price)} - {self.currency}

    def _rates(self, agreement: Agreement | None) -> dict[str, StatedRates] | None:
        """The case's, and under an agreement its own before them; None where one is of other currencies."""
        return stated_rates(self.head.exchange, agreement, self.known, self.currency)

    # -- amounts with one rate -----------------------------------------------------------------------------------
    def _agreement(self, entry: Entry) -> Agreement:
        agreement: Agreement = entry.value
        rates, terms = self._rates(agreement), []
        if rates is None:
            return agreement
        for at, term in enumerate(agreement.terms):
            used = rates
            time = self._seen(self._converting.get((agreement.id, at)) or self._dates(term, agreement))
            if isinstance(term, DatedPayment):
                time = moment(term.paid_on), moment(term.paid_on)
                used = {currency: each.of_day for currency, each in rates.items()}
            own = self._own_money(term, used, time)
            if own is None:
                terms.append(self._at_one(entry, term, ("terms", at), used, time, TOGETHER))
            elif isinstance(term, PriceChange | OwnRates):
                terms.append(self._at_each(term, own, time))
            else:
                terms.append(term.kept_in(own))
                self._must_turn_with_periods(entry, ("terms", at), own, time)
        return agreement.model_copy(update={"terms": tuple(terms)})

    @cached_property
    def _converting(self) -> dict[tuple[str, int], CountedTime]:
        """By agreement and place, the time in which amounts of a clause are converted: its own, and that of its use.

        One for all texts of a clause that take over each other's windows whole, as they count one window together.
        """
        runs: dict[tuple[str, str], list[list[InForce]]] = {}
        for text in texts_in_force(self.agreements, self.events):  # as they take effect
            agreement = self.agreements[text.agreement]
            of_clause = runs.setdefault((root(agreement, self.known), text.term.id), [])
            begun = text.validity.begun
            if of_clause and begun is not None and begun.how == "whole-window":
                of_clause[-1].append(text)
            else:
                of_clause.append([text])
        found: dict[tuple[str, int], CountedTime] = {}
        for run in (run for of_clause in runs.values() for run in of_clause):
            places = [(self.agreements[text.agreement], text.place) for text in run]
            own = (self._dates(agreement.terms[at], agreement) for agreement, at in places)
            counted = (text.term.in_force(text.validity).counted_time for text in run)
            if (time := CountedTime.of([*own, *counted])) is not None:
                found |= {(agreement.id, at): time for agreement, at in places}
        return found

    def _dates(self, term: Term, agreement: Agreement) -> CountedTime:
        """When a clause is in force by its own dates, and as long as no amendment replaces it."""
        held = dates(term, agreement, self.known, self.events, self.ends)
        return CountedTime(held.start, held.end)

    def _own_money(self, term: Term, rates: Mapping[str, StatedRates], time: Time) -> OwnMoney | None:
        """The currency of all amounts of a clause, where its rate changes in its time."""
        currencies = {held.currency for _, held in held_in(term, Money | Price)}
        if len(currencies) != 1 or not (foreign := currencies - {self.currency}):
            return None
        (currency,) = foreign
        by_use = rates[currency].by_use if currency in rates else Dated(())
        found = [rate for _, rate in _within(by_use, *time)]
        return OwnMoney(currency, by_use, self.currency) if len(set(found)) > 1 and None not in found else None

    def _at_each(self, term: Term, own: OwnMoney, time: Time) -> Term:
        """A clause whose amounts hold at each moment: once for each rate of its time."""
        return term.kept_at([(at, self._converted(term, rate)) for at, rate in _within(own.rates, *time) if rate])

    def _converted(self, term: Term, rate: Decimal) -> Term:
        found: Term = with_held(term, Money | Price, lambda _, held: held.at(rate, self.currency))
        return found

    def _must_turn_with_periods(self, entry: Entry, path: KeyPath, own: OwnMoney, time: Time) -> None:
        """Note a rate that changes within a period of the plan: what is used in it is even, and has no one rate."""
        begins = {period.span_start for period in self.head.horizon.periods()}
        within = (at for at, _ in _within(own.rates, *time) if at != time[0] and at not in begins)
        if (at := next(within, None)) is not None:
            what = f"the rate of {own.currency} changes on {at:%Y-%m-%d}, within a period of the plan"
            shorter = "day" if self.head.horizon.zone == "UTC" else "hour"
            remedy = f"plan by shorter periods (`every: {shorter}`), or fix the rate (`exchange:` of its agreement)"
            self._note(entry, path, FlawError(f"{what}: what counts of that has no one rate", remedy))

    def _seen(self, time: CountedTime) -> Time:
        """A time as far as the horizon sees it; its first moment where it sees none of it."""
        first, last = self.horizon or (time.start, time.end)
        seen = max(time.start, first), min(time.end, last)
        return seen if seen[0] < seen[1] else (time.start, time.start)

    def _at_one(
        self, entry: Entry, value: Any, path: KeyPath, rates: Mapping[str, StatedRates], time: Time | None,
        remedy: str = ONE_RATE,
    ) -> Any:  # fmt: skip
        """A value with every amount at its one rate."""

        def convert(at: KeyPath, held: Money | Price) -> Money | Price:
            if held.currency == self.currency:
                return held
            try:
                return held.at(self._rate(rates, held.currency).one(*time, remedy), self.currency) if time else held
            except FlawError as error:
                self._note(entry, at, error)
                return held

        return with_held(value, Money | Price, convert, path)

    def _rate(self, rates: Mapping[str, StatedRates], currency: str) -> StatedRates:
        if currency not in rates:
            what = f"the amount is in {currency}, and the case is in {self.currency}"
            example = f"`exchange: [ {{ rate: 1.08 {self.currency} per {currency} }} ]`"
            raise FlawError(what, f"state what one {currency} costs ({example}), or convert it")
        return rates[currency]

    def _note(self, entry: Entry, path: KeyPath, error: FlawError) -> None:
        where = entry.where(Entries.written(entry, path))
        self.mistakes += [Mistake(where, flaw.what, flaw.remedy) for flaw in error.flaws]

    # -- prices of offers ----------------------------------------------------------------------------------------
    def _offer(self, entry: Entry, rates: Mapping[str, StatedRates]) -> AnyOffer:
        """An offer whose price changes with its own steps and with the rate."""
        offer: AnyOffer = entry.value
        for path, held in held_in(offer.price, Price, ("price",)):
            if held.currency == self.currency:
                continue
            try:
                stated = self._rate(rates, held.currency)
                self._must_fit(offer, stated)
            except FlawError as error:
                self._note(entry, path, error)
                return offer
        for currency in sorted(self._foreign(offer.price)):
            if not isinstance(offer, TokenOffer) and self._in_instalments(offer, rates[currency]):
                offer = self._by_instalment(offer, rates[currency])
                continue
            price = Dated(tuple(product(offer.price, _of(rates[currency], offer), self._times(currency))))
            offer = offer.model_copy(update={"price": price})
        return offer

    def _times(self, currency: str) -> Any:
        def times(value: Any, rate: Decimal) -> Any:
            return with_held(value, Price, lambda _, p: p.at(rate, self.currency) if p.currency == currency else p)

        return times

    def _must_fit(self, offer: AnyOffer, rates: StatedRates) -> None:
        """Raise FlawError where there is no rate while it is sold, or not one by which it can be billed."""
        if rates.day == "signing" and rates.signed is None:
            what = f"the rate of {rates.currency} is that of signing, and `{offer.id}` is sold under no agreement"
            raise FlawError(what, "say `under:` which agreement it is sold, or another `day`")
        time = self._sold(offer)
        if time is None:
            return
        by_use = list(_within(_of(rates, offer), *time))
        if by_use[0][1] is None:
            raise FlawError.of(no_rate(rates.currency, time[0]))
        if offer.reserved and offer.invoicing is None and len({rate for _, rate in by_use}) > 1:
            what = f"`{offer.id}` is reserved for a term, and the rate of {rates.currency} changes meanwhile"
            remedy = (
                "say when it is `invoiced` (`upfront`, at the rate of that day, or `monthly` or `in-arrears`, each "
            )
            remedy += "instalment at the rate of its own), fix the rate (`exchange:` of the agreement that it is sold "
            raise FlawError(what, f"{remedy}`under`), or write the case in {rates.currency}")

    def _in_instalments(self, offer: AnyUnits, rates: StatedRates) -> bool:
        """Whether it is paid in instalments, at rates that change."""
        stated = (rate for _, rate in _within(_of(rates, offer), *self.horizon)) if self.horizon is not None else ()
        return offer.reserved and offer.invoicing in ("monthly", "in-arrears") and len(set(stated)) > 1

    def _by_instalment(self, offer: AnyUnits, rates: StatedRates) -> AnyUnits:
        """An offer with the price of each day on which a reservation of it may begin.

        Each of equal instalments has the rate of the day on which it is invoiced. So what a plan pays of all of them
        goes by the mean of those rates.
        """
        assert self.horizon is not None
        assert offer.term is not None
        assert offer.invoicing is not None
        steps: list[tuple[date | None, Price]] = []
        for start in offer.begins(sorted({period.span_start for period in self.head.horizon.periods()})):
            price = offer.price.on(start)
            end = min(later(start, offer.term), self.horizon[1])
            each = [rates.stated.on(at) for at in instalments(offer.invoicing, start, end)]
            known = [rate for rate in each if rate is not None]
            if price is not None and len(known) == len(each):
                mean = WIDE.divide(sum(known, Decimal(0)), Decimal(len(known)))
                steps.append((start.astimezone(UTC).date(), price.at(mean, self.currency)))
        return offer.in_instalments_at(rates.stated, Dated(tuple(steps))) if steps else offer

    def _sold(self, offer: AnyOffer) -> Time | None:
        """When it is sold at a price, as far as the horizon sees it."""
        if self.horizon is None:
            return None
        starts: list[date | None] = [offer.from_, offer.price.steps[0][0]]
        start = max([self.horizon[0], *(moment(day) for day in starts if day is not None)])
        end = min(self.horizon[1], moment(offer.until)) if offer.until else self.horizon[1]
        return (start, end) if start < end else None


def _of(rates: StatedRates, offer: AnyOffer) -> RatesByDay:
    """The rates by the day of use; of what is paid at once, by that on which it is bought, which is its invoice's."""
    return rates.stated if offer.reserved and rates.day == "invoice" else rates.by_use
