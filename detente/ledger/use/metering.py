"""Metering: from a record of a call to lines of use, at the prices and under the clauses of the moment of its use.

Owns: whose use it is, what it took, what it cost. The rates are those of plans and of the gateway (``token_price``,
``taking``, ``rating``). Use that cannot be attributed or priced is a line that says why, never zero (§2). Not here:
reading journals (``ingest``), and counting lines (``books``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from heapq import merge
from math import lcm
from typing import Literal

from detente.case.case import Case
from detente.contract.metered.meter import UseMeasure
from detente.contract.rated.rating import PartsOff, Rating
from detente.contract.roles import PriceChange
from detente.demand.taking import taken_by_tokens
from detente.demand.workload import AnyWorkload
from detente.errors import FlawError, SettleError
from detente.ledger.journals.record import CallRoute, EndAsRead, TokenCounts
from detente.ledger.use.line import UseClass, UseLine
from detente.market.offer import AnyOffer, TokenOffer, TokenPrices
from detente.market.token_price import MTOK, WholePrices, charge, whole_prices
from detente.values.micros import DAY, at_micros, micros
from detente.values.money import NANOS, Price
from detente.values.period import moment
from detente.values.rounding import half_even

TOKEN = NANOS // MTOK
"""A token of work, in billionths of an Mtok."""
MAX_TARIFFS = 20_000

BILLED = "bill"
"""The path of use that no call of the gateway made: a provider's bill tells of it."""

TakenOfTokens = tuple[tuple[int, int, int], int]
"""What a token of input, of cached input and of output takes of an offer, in billionths: numerators, denominator."""

SPILLED = "it ran on other capacity than its offer's, at a price that is not known"
NOT_SAID = "the provider did not say what it used"
CONTRADICTS = "the provider says that more was read from a cache than there was of input"
NOT_DEPLOYED = "", ""
"""The offer and the model of a deployment that the case does not have."""
NO_END = "it began, and no record says how it ended"


@dataclass(frozen=True, slots=True)
class Tariff:
    """What use of one class costs while nothing turns: prices turn with a day (UTC), clauses with their agreement's.

    ``taken`` and ``earned`` are billionths a token (of input, of cached input, of output). A token has a price
    (``prices``), or what is taken has: ``price``, in billionths of the currency for a billionth of the offer's unit.
    All three are numerators and a denominator: whole numbers, since use is worked out call by call.
    """

    of: UseClass
    taken: TakenOfTokens
    prices: WholePrices | None
    price: tuple[int, int]
    earned: tuple[int, int]
    off: PartsOff
    moved: MovedData | None

    def lines(self, at: int, tokens: TokenCounts, part: int) -> list[UseLine]:
        """The lines of so many tokens. Raises SettleError where clauses take off more than the price."""
        each, (taken, listed) = tokens.input + tokens.output, self._listed(tokens)
        net, off = self.off.taken_off(listed, at) if self.off.parts else (listed, ())
        earned = half_even(each * self.earned[0], self.earned[1]) if self.earned[0] else 0
        line = UseLine(self.of, at, at, part, 1, "", tokens, each * TOKEN, taken, listed, net, earned, off)
        return [line] if self.moved is None else [line, self.moved.line(at, each, part)]

    def _listed(self, tokens: TokenCounts) -> tuple[int, int]:
        """What so many tokens take of the offer, and what they cost at list price."""
        fresh = tokens.input - tokens.cached
        if self.prices is not None:
            listed = charge(self.prices, fresh, tokens.cached, tokens.output)
            return (tokens.input + tokens.output) * TOKEN, listed
        (of_input, of_cached, of_output), per = self.taken
        exact = fresh * of_input + tokens.cached * of_cached + tokens.output * of_output
        return half_even(exact, per), half_even(exact * self.price[0], per * self.price[1])

    def comes_to(self, measure: UseMeasure, term: str, tokens: TokenCounts, *, main: bool, moved: bool) -> int:
        """What a clause's meter counts of so many tokens: of the use itself, of the data that moves for it, or of both.

        Raises SettleError as ``lines`` does.
        """
        if measure == "work" or measure == "taken" or measure == "revenue":
            return self._physical(measure, tokens) if main else 0
        found = _costs(measure, term, self._listed(tokens)[1], self.off) if main else 0
        if moved and self.moved is not None:
            found += _costs(measure, term, self.moved.listed(tokens.input + tokens.output), self.moved.off)
        return found

    def _physical(self, measure: Literal["work", "taken", "revenue"], tokens: TokenCounts) -> int:
        each = tokens.input + tokens.output
        if measure == "revenue":
            return half_even(each * self.earned[0], self.earned[1])
        return each * TOKEN if measure == "work" else self._listed(tokens)[0]


@dataclass(frozen=True, slots=True)
class MovedData:
    """What moving the data of a token costs, in billionths of the currency."""

    of: UseClass
    price: tuple[int, int]
    off: PartsOff

    def listed(self, tokens: int) -> int:
        """What it costs for so many tokens, before discounts."""
        return half_even(tokens * self.price[0], self.price[1])

    def line(self, at: int, tokens: int, part: int) -> UseLine:
        """The line of so many tokens. Raises SettleError."""
        listed = self.listed(tokens)
        net, off = self.off.taken_off(listed, at)
        return UseLine(self.of, at, at, part, listed=listed, net=net, off=off)


def _costs(measure: Literal["spend", "listed", "off"], term: str, listed: int, off: PartsOff) -> int:
    """What use costs before or after discounts, or what one clause takes off."""
    if measure == "listed":
        return listed
    amounts = off.of(listed)
    if measure == "off":
        return sum(amount for (of, _, _), amount in zip(off.parts, amounts, strict=True) if of == term)
    return listed - sum(amounts)


class Metering:
    """A case, ready to meter calls."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rating = Rating(case.signed)
        self._workloads = {workload.id: workload for workload in case.workloads}
        self._offers = {offer.id: offer for offer in case.offers}
        self._deployed = {
            each.id: (each.offer, each.serves_model(self._offers[each.offer]) or "")
            for each in case.declared.deployments
        }
        self._tariffs: dict[tuple[int, str, str, int], Tariff | UseLine] = {}
        self._holding: dict[int, tuple[int, int, Tariff | UseLine]] = {}
        """Of each route, from when to when the tariff of its last call holds, and that: mostly it is the next one's."""
        validities = [term.validity for term in case.signed if isinstance(term, PriceChange)]
        edges = {micros(at) for validity in validities for at in (validity.start, validity.end)}
        self._within_days = sorted(at for at in edges if at % DAY)
        """When price clauses begin or end that do not turn at midnight UTC: those of agreements with a `zone`."""
        self._alike: dict[tuple[Hashable, ...], Tariff | UseLine] = {}
        """Those of times by what they turn on: route, offer, model, price and the price clauses in force."""
        self._listed: dict[tuple[str, datetime], TokenPrices | Fraction | None] = {}
        self._prices: dict[tuple[int, bool], WholePrices] = {}
        self._taken: dict[tuple[str, str, str], TakenOfTokens] = {}
        self._meeting: dict[datetime, tuple[PriceChange, ...]] = {}
        self._parts_off: dict[tuple[str, tuple[int, ...]], PartsOff] = {}
        """What mostly is the same from day to day: prices, what tokens take, and what clauses in force take off use."""

    def lines(self, number: int, route: CallRoute, end: EndAsRead, at: int) -> list[UseLine]:
        """What a call used; ``number`` is its route's, so that what is the same for many calls is worked out once."""
        found: list[UseLine] = []
        if route.deployment is not None and route.offer is not None:
            used, why = end.usage, _why(end)
            if why or used is None or used.input or used.output:
                holding = self._holding.get(number)
                if holding is None or not holding[0] <= at < holding[1]:
                    model = self._deployed.get(route.deployment, NOT_DEPLOYED)[1]
                    known = self.known(number, route, route.offer, model, at)
                    holding = self._holding[number] = *self._around(at), known
                found = _metered(holding[2], at, used, why, 0)
        for part, attempt in enumerate(end.attempts, start=1):
            if attempt.used is not None:
                used = attempt.used if isinstance(attempt.used, TokenCounts) else None
                if used is None or used.input or used.output:
                    sold = self._deployed.get(attempt.deployment, NOT_DEPLOYED)
                    found += _metered(self.known(number, route, *sold, at), at, used, "", part)
        return found

    def known(self, number: int, route: CallRoute, offer: str, model: str, at: int) -> Tariff | UseLine:
        """The tariff of a stored moment, remembered; ``number`` is the route's, ``model`` the one served."""
        since = self._since(at)
        key = number, offer, model, since
        found = self._tariffs.get(key)
        if found is None:
            if len(self._tariffs) >= MAX_TARIFFS:
                for kept in (self._tariffs, self._alike, self._parts_off, self._meeting, self._listed, self._holding):
                    kept.clear()
            found = self._tariffs[key] = self._as_before(number, route, offer, model, at_micros(since))
        return found

    def turns(self, start: int, end: int) -> list[int]:
        """The moments within a time at which a price or a clause may turn, in order."""
        within = self._within_days[bisect_right(self._within_days, start) : bisect_left(self._within_days, end)]
        return list(merge(range(start - start % DAY + DAY, end, DAY), within))

    def _since(self, at: int) -> int:
        """The last moment, up to one, at which a price or a clause may have turned: what holds there still holds."""
        return self._around(at)[0]

    def _around(self, at: int) -> tuple[int, int]:
        """That moment, and the first after it at which one may turn."""
        since, begun = at - at % DAY, bisect_right(self._within_days, at)
        until = since + DAY
        if begun:
            since = max(since, self._within_days[begun - 1])
        if begun < len(self._within_days):
            until = min(until, self._within_days[begun])
        return since, until

    def _as_before(self, number: int, route: CallRoute, name: str, model: str, since: datetime) -> Tariff | UseLine:
        """The tariff from a moment on: that of another with the same price, and the same price clauses in force."""
        offer = self._offers.get(name)
        price = None if offer is None else self._price(offer, since)
        if price is None:
            return self.tariff(route, name, since, model)
        said = id(price) if isinstance(price, TokenPrices) else price
        workload = self._workloads.get(route.workload)
        earned = None if workload is None or workload.always("revenue") else workload.earns(since)
        key = number, name, model, said, earned, self._moving(since), tuple(map(id, self._in_force(since)))
        found = self._alike.get(key)
        if found is None:
            found = self._alike[key] = self.tariff(route, name, since, model)
        return found

    def _moving(self, at: datetime) -> tuple[Price | None, ...]:
        """The prices of moved data at a moment, of networks that have another on other days."""
        networks = self._case.declared.networks
        return tuple(network.prices.on(at) for network in networks if not network.prices.always)

    def _price(self, offer: AnyOffer, at: datetime) -> TokenPrices | Fraction | None:
        """What an offer lists on the day of a moment; None where it has no price."""
        day = moment(at.date())
        key = offer.id, day
        if key not in self._listed:
            stated = offer.price.on(day) if isinstance(offer, TokenOffer) else None
            self._listed[key] = stated if isinstance(offer, TokenOffer) else offer.unit_price(day, day + timedelta(1))
        return self._listed[key]

    def tariff(self, route: CallRoute, name: str, at: datetime, model: str = "") -> Tariff | UseLine:
        """What use of a kind costs at a moment, by a model of the offer's; a line that says why not.

        A call is none of a batch: only what a bill tells of work that goes in batches is sold at the batch price.
        """
        since = at_micros(self._since(micros(at)))
        workload, offer = self._workloads.get(route.workload), self._offers.get(name)
        demand = {**route.labels, "workload": route.workload}
        sold = _stated(route, name) if offer is None else self._case.offer_facts[name]
        if workload is not None:
            demand["kind"] = workload.kind
        of = UseClass("use", demand, sold)
        if route.path == BILLED and not route.workload and isinstance(offer, TokenOffer):
            of = UseClass("use", {**route.labels}, sold)  # somebody's, and not nobody's: what is not known is unknown
            try:
                return self._priced(of, None, offer, since, ((TOKEN,) * 3, 1), batch=False)
            except (SettleError, FlawError) as error:
                return UseLine(of, 0, 0, unknown=str(error))
        if workload is None or offer is None:
            missing = f"workload `{route.workload}`" if workload is None else f"offer `{name or '(not recorded)'}`"
            return UseLine(of, 0, 0, unknown=f"the case has no {missing}")
        try:
            taken = self._taken_by(workload, offer, model)
            return self._priced(of, workload, offer, since, taken, batch=route.path == BILLED and workload.in_batches)
        except (SettleError, FlawError) as error:
            return UseLine(of, 0, 0, unknown=str(error))

    def _priced(
        self,
        of: UseClass,
        workload: AnyWorkload | None,
        offer: AnyOffer,
        since: datetime,
        taken: TakenOfTokens,
        *,
        batch: bool,
    ) -> Tariff:
        """Raises SettleError where a discount is not known, and FlawError where a price is not."""
        prices, price, stated = None, Fraction(0), self._price(offer, since)
        if stated is None:
            raise FlawError(f"`{offer.id}` has no price on {since:%Y-%m-%d}", "state one")
        if isinstance(stated, TokenPrices):
            prices = self._whole(stated, batch=batch)
        elif not isinstance(offer, TokenOffer):
            price = stated / offer.unit_flow
        earned = workload.earns(since) * TOKEN if workload else Fraction(0)
        off = self._off(of, since)
        return Tariff(
            of, taken, prices, price.as_integer_ratio(), earned.as_integer_ratio(), off,
            self._moved(of, workload, offer, since) if workload else None,
        )  # fmt: skip

    def _moved(self, of: UseClass, workload: AnyWorkload, offer: AnyOffer, since: datetime) -> MovedData | None:
        prices, place = self._case.egress(workload, offer)
        price = prices.on(since) if prices is not None else None
        if not price:
            return None
        sold = self._case.moved_facts(place)
        moved = UseClass("egress", of.demand, sold)
        return MovedData(moved, (price * TOKEN).as_integer_ratio(), self._off(moved, since))

    def _off(self, of: UseClass, since: datetime) -> PartsOff:
        """What price clauses take off use from a moment on. Raises SettleError."""
        meeting = self._in_force(since)
        key = of.body, tuple(map(id, meeting))
        found = self._parts_off.get(key)
        if found is None:
            found = self._parts_off[key] = self._rating.part_of(meeting, of.demand, of.offer)
        return found

    def _in_force(self, since: datetime) -> tuple[PriceChange, ...]:
        """The price clauses that are in force from a moment on."""
        found = self._meeting.get(since)
        if found is None:
            found = self._meeting[since] = self._rating.in_force(since)
        return found

    def _taken_by(self, workload: AnyWorkload, offer: AnyOffer, model: str) -> TakenOfTokens:
        """Raises FlawError."""
        if workload.unit != "Mtok":
            raise FlawError(f"work of `{workload.id}` is in {workload.unit}", "tokens are none of it")
        key = workload.id, offer.id, model
        found = self._taken.get(key)
        if found is None:
            found = self._taken[key] = _over_one(taken_by_tokens(workload, offer, model))
        return found

    def _whole(self, stated: TokenPrices, *, batch: bool) -> WholePrices:
        """Raises FlawError."""
        found = self._prices.get((id(stated), batch))
        if found is None:
            found = self._prices[id(stated), batch] = whole_prices(stated, batch=batch)
        return found


def _stated(route: CallRoute, name: str) -> dict[str, str]:
    """What a record states of an offer that the case does not have."""
    said = {"provider": route.provider, "region": route.region} if name == route.offer else {}
    return {"offer": name or "unknown", **{key: value for key, value in said.items() if value}}


def _over_one(taken: tuple[Fraction, Fraction, Fraction]) -> TakenOfTokens:
    """What tokens take, for a token and in billionths, over one denominator."""
    per = lcm(*(each.denominator for each in taken))
    of_input, of_cached, of_output = (each.numerator * (per // each.denominator) * TOKEN for each in taken)
    return (of_input, of_cached, of_output), per


def _metered(tariff: Tariff | UseLine, at: int, used: TokenCounts | None, why: str, part: int) -> list[UseLine]:
    """What one deployment used of a call; ``why`` it is not known, where it is not."""
    if used is not None and not why and not 0 <= used.cached <= used.input:
        why = CONTRADICTS
    if isinstance(tariff, UseLine) or used is None or why:
        told = why or (tariff.unknown if isinstance(tariff, UseLine) and used is not None else NOT_SAID)
        return [UseLine(tariff.of, at, at, part, unknown=told, tokens=used or TokenCounts(0, 0))]
    try:
        return tariff.lines(at, used, part)
    except SettleError as error:
        return [UseLine(tariff.of, at, at, part, unknown=str(error), tokens=used)]


def _why(end: EndAsRead) -> str:
    """Why what a call used is not known; nothing where it is."""
    if end.outcome == "begun":
        return NO_END
    if end.usage is None:
        return NOT_SAID
    return SPILLED if end.spilled else ""
