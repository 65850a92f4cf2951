"""Differences between a bill and the books: of one offer, day by day, each part with its cause.

Owns: which part of a difference has which cause. What the bill's quantity would cost at our prices stands between the
two: what is billed above it is a matter of price (of exchange, where it fits at another of the rates that are stated),
and what it is above the books one of quantity. Hours cost what ours cost on those days, reserved or not, and so do as
many tokens of each kind where prices turn within a day: a bill does not say how many were used before. Of hours on days
of which the books have none, the list price counts. Where all of a bill's days fit the books once our hours are counted
in another time zone, that is why they differ day by day. Not here: reading bill and books (``reconciling``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

from detente.ledger.bills.stretches import Stretches
from detente.ledger.use.line import LineSum
from detente.values.micros import DAY, HOUR
from detente.values.rounding import half_even

Cause = Literal[
    "price", "exchange", "quantity", "not on the books", "not on the bill", "rounding", "time zone", "not rated"
]
PART = HOUR // 4
"""The shortest time by which clocks of two zones are apart."""
ZONES = tuple(n * HOUR for n in (*range(1, 15), *range(-1, -13, -1)))
"""How far a time zone may be ahead of the mapping's, in whole hours: in microseconds."""
WITHIN_HOURS = tuple(
    sign * n * PART for by in (2, 1) for sign, most in ((1, 56), (-1, 48)) for n in range(by, most, by) if n % (2 * by)
)
"""The same within an hour: half of one (India's from UTC, Adelaide's, Newfoundland's) before a quarter (Nepal's)."""
ByTime = Mapping[int, "BookedUse"]
"""What the books hold, by the local time in which it begins, in microseconds."""


@dataclass
class BilledDay:
    """An offer on a day: what is billed, what its quantity would cost at our prices; billionths."""

    rows: int = 0
    end: int = 0
    """The day after the last that its rows are for."""
    billed: int = 0
    rated: int = 0
    tokens: int = 0
    cached: int = 0
    output: int = 0
    taken: int = 0
    """What its hours take of the offer, in billionths of the offer's unit."""
    unrated: int = 0
    slack: int = 0
    """What its rounding may come to: half of the last digit of each of its rows."""
    own: int = 0
    """The same of ours, where its quantity is rated."""
    rates: set[Fraction] = field(default_factory=set)
    """By how much it would be dearer at other rates of exchange that are stated."""

    def add(self, other: BilledDay) -> None:
        """With the rows of another day."""
        self.rows, self.end = self.rows + other.rows, max(self.end, other.end)
        for name in ("billed", "rated", "tokens", "cached", "output", "taken", "unrated", "slack", "own"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rates |= other.rates

    def at_another_rate(self, rated: int) -> bool:
        """Whether what is billed is what was rated, at another rate of exchange that is stated."""
        money, slack = self.billed - self.unrated, self.slack + self.own
        return any(abs(money - rated * rate) <= slack for rate in self.rates)

    def counts_as(self, ours: BookedUse) -> bool:
        """Whether its quantity is ours: of hours, what they take."""
        return self.taken == ours.taken if self.taken else self.tokens == ours.tokens

    def is_of(self, ours: BookedUse) -> bool:
        """Whether its quantity is ours, and as much of it of each kind that has a price of its own."""
        return self.counts_as(ours) and (self.cached, self.output) == (ours.cached, ours.output)


class BookedUse(NamedTuple):
    """What the books say of an offer in a time: money, tokens in all and of two kinds, what was taken of it.

    ``slack`` is what our own rounding of each use may come to.
    """

    money: int = 0
    tokens: int = 0
    taken: int = 0
    slack: int = 0
    cached: int = 0
    output: int = 0

    def plus(self, other: BookedUse) -> BookedUse:
        """With that of another time."""
        return BookedUse(*(a + b for a, b in zip(self, other, strict=True)))

    @classmethod
    def of(cls, each: LineSum) -> BookedUse:
        """List price and what is taken off are rounded for each use, by half a billionth at most."""
        _, cached, _, output, _ = each.tokens
        return cls(each.net, each.work, each.taken, max(each.count, 1) * (1 + len(each.off)), cached, output)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more is billed than is on the books, of one offer on one day, for one cause; in billionths.

    Days for which the bill has rows of more than one day are one: ``2026-01-01 to 2026-01-31``.
    """

    offer: str
    day: str
    cause: Cause
    amount: int


def differences(
    offer: str,
    bill: Mapping[int, BilledDay],
    hours: ByTime,
    span: tuple[int, int],
    zones: dict[str, float],
    parts: Callable[[], ByTime] = dict,
) -> Iterator[Difference]:
    """The differences of one offer, day by day, in a span of days.

    ``zones`` is told how many hours ahead of ours its days are billed, if they are. ``parts`` gives what the books hold
    by the quarter of an hour: it is asked where no zone fits that is whole hours ahead.
    """
    stretches = Stretches((day, each.end) for day, each in bill.items())
    bill = _together(bill, stretches)
    ahead, fitting = _zone(bill, hours, parts, stretches) if bill else (0, hours)
    if ahead:
        zones[offer] = ahead / HOUR if ahead % HOUR else ahead // HOUR
    plain, shifted = _by_day(hours, 0, stretches), _by_day(fitting, ahead, stretches)
    for day in sorted({*bill, *plain, *shifted}):
        if not span[0] <= day < span[1]:
            continue
        theirs, ours = bill.get(day, BilledDay()), shifted.get(day, BookedUse())
        named = stretches.name(day)
        for cause, amount in _causes(theirs, ours, booked=day in shifted):
            if amount:
                yield Difference(offer, named, cause, amount)
        if moved := ours.money - plain.get(day, BookedUse()).money:
            yield Difference(offer, named, "time zone", moved)


def _together(bill: Mapping[int, BilledDay], stretches: Stretches) -> dict[int, BilledDay]:
    """What is billed, by the first day of each stretch."""
    found: dict[int, BilledDay] = {}
    for day, each in bill.items():
        found.setdefault(stretches.first(day), BilledDay()).add(each)
    return found


def _causes(theirs: BilledDay, ours: BookedUse, *, booked: bool) -> Iterator[tuple[Cause, int]]:
    """What is billed above the books, in parts that add up to it.

    As many tokens come to the same but for rounding: each call's amounts are rounded, and each row's. What is billed
    and not booked is told at what is billed for it, where that is below our price: no more can be claimed.
    """
    if not theirs.rows:
        yield "not on the bill", -ours.money
        return
    rated = half_even(theirs.taken * ours.money, ours.taken) if theirs.taken and ours.taken else theirs.rated
    slack, rounding = theirs.slack, 0
    if theirs.is_of(ours) and abs(rated - ours.money) > theirs.own + ours.slack:
        rated, slack = ours.money, slack + ours.slack
    price, quantity = theirs.billed - theirs.unrated - rated, rated - ours.money
    if abs(price) <= slack:
        price, rounding = 0, price
    if theirs.counts_as(ours) and abs(quantity) <= theirs.own + ours.slack:
        quantity, rounding = 0, rounding + quantity
    exchange = price if price and theirs.at_another_rate(rated) else 0
    price -= exchange
    if price < 0 < quantity:
        both = price + quantity
        quantity = half_even(quantity * (rated + price), rated) if booked else both
        price = both - quantity
    yield "not rated", theirs.unrated
    yield "price", price
    yield "exchange", exchange
    yield "rounding", rounding
    yield "quantity" if booked else "not on the books", quantity


def _zone(
    bill: Mapping[int, BilledDay], hours: ByTime, parts: Callable[[], ByTime], stretches: Stretches
) -> tuple[int, ByTime]:
    """How far ahead of ours the bill counts its days, in microseconds, and our use by which they fit there.

    0 where days fit as they are, or in no zone.
    """

    def fits(ahead: int, booked: ByTime) -> bool:
        ours = _by_day(booked, ahead, stretches)
        return all(theirs.counts_as(ours.get(day, BookedUse())) for day, theirs in bill.items())

    held = any(each.taken for each in bill.values()) and len({each.taken for each in hours.values()}) == 1
    if fits(0, hours) or len(bill) < 2 or held:  # one day fits by chance, and so does what is held at all hours
        return 0, hours
    if ahead := next((each for each in ZONES if fits(each, hours)), 0):
        return ahead, hours
    finer = parts()
    ahead = next((each for each in WITHIN_HOURS if fits(each, finer)), 0)
    return ahead, finer if ahead else hours


def _by_day(booked: ByTime, ahead: int, stretches: Stretches) -> dict[int, BookedUse]:
    """Our use by the day (the first of its stretch) in which it lies where clocks are so far ahead of ours."""
    found: dict[int, BookedUse] = {}
    for at, each in booked.items():
        local = at + ahead
        day = stretches.first(local - local % DAY)
        found[day] = found.get(day, BookedUse()).plus(each)
    return found
