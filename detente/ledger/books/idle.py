"""Capacity that is held for a term, used or not: what of it nobody used, hour by hour, at the price it was reserved at.

Owns: the use of nobody that this comes to, and the lines that book it, so that both together are what is paid, before
discounts and after. What was booked before is not booked again, and where use came late, the difference is. Not here:
what use of capacity is listed at (``metering``), and when this is booked (``closing``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from detente.contract.metered.use import Use, nanos
from detente.contract.rated.rating import Rating
from detente.ledger.books.books import Books
from detente.ledger.store.store import Session
from detente.ledger.use.line import LineSum, UseLine
from detente.ledger.use.running_totals import all_sums
from detente.ledger.use.sum_step import sum_step
from detente.market.offer import AnyUnits, TokenOffer
from detente.results.plan_rows import Purchase
from detente.values.facts import Facts
from detente.values.micros import HOUR, at_micros, micros
from detente.values.money import nano, of_nanos
from detente.values.period import hours_between


def idle_use(
    offer: AnyUnits, facts: Facts, held: Iterable[Purchase], start: datetime, end: datetime, used: tuple[int, int]
) -> Use | None:
    """What is held of an offer in a time and not charged to use; None where nothing is held.

    ``used`` is what was taken of it, and what it is charged, in billionths. Where use was charged more than the units
    cost (a bill states another price), the line is a difference, and negative.
    """
    hour = _held(offer, held, start, end)
    if hour is None:
        return None
    taken, charged = (Fraction(of_nanos(amount)) for amount in used)
    rest = nano(hour.cost - charged)
    kind: Literal["idle", "reserved"] = "idle" if rest >= 0 else "reserved"
    free = nano(max(hour.flow - taken, Fraction(0))) if rest >= 0 else Decimal(0)
    return Use(kind, None, facts, start, end, Decimal(0), free, rest)


class _HeldHour(NamedTuple):
    """What is held of an offer in an hour: what it costs, and how much there is to take."""

    cost: Fraction
    flow: Fraction

    def paid_for(self, taken: int, all_taken: int) -> int:
        """What was paid for what was taken, of all that was, in billionths: the same for each unit."""
        there = max(self.flow, Fraction(of_nanos(all_taken)))
        return nanos(nano(self.cost * Fraction(of_nanos(taken)) / there))


def _held(offer: AnyUnits, held: Iterable[Purchase], start: datetime, end: datetime) -> _HeldHour | None:
    running = [p for p in held if p.reserved and p.hours and p.start <= start < p.end]
    if not running:
        return None
    cost = sum((_paid(offer, p, start, end) for p in running), Fraction(0))
    return _HeldHour(cost, sum(p.units for p in running) * offer.unit_flow * hours_between(start, end))


def _paid(offer: AnyUnits, held: Purchase, start: datetime, end: datetime) -> Fraction:
    """What a purchase costs in a time: its part by the hour; of a flat price a month, its part of that month."""
    hours, price = hours_between(start, end), offer.price.on(held.start)
    if price is not None and price.unit == "unit-month":
        return held.units * offer.hour_price(price, start, end, since=held.start) * hours
    return Fraction(held.cost) / Fraction(held.hours) * hours


def idle_lines(session: Session, books: Books, held: Sequence[Purchase], as_of: datetime) -> Iterator[UseLine]:
    """The lines that book what stood idle before a day, less what is booked of it."""
    rating = Rating(books.case.signed)
    step = sum_step(session)
    there = _booked(session, step)
    for offer in books.case.offers:
        own = [p for p in held if p.offer == offer.id and p.reserved]
        if isinstance(offer, TokenOffer) or not own:
            continue
        facts = books.case.offer_facts[offer.id]
        for start, end in _steps(min(p.start for p in own), min(as_of, max(p.end for p in own)), step):
            at = micros(start)
            uses = there.used.get((offer.id, at - at % step), [])
            wanted = _hour_lines(rating, offer, facts, own, (start, end), uses)
            yield from _differences(wanted, there.idle.get((offer.id, at), []))


def _hour_lines(
    rating: Rating,
    offer: AnyUnits,
    facts: Facts,
    own: Sequence[Purchase],
    time: tuple[datetime, datetime],
    uses: Sequence[_HourUse],
) -> list[UseLine]:
    """What use of an hour was charged beside what was paid for it, of each who used it; and what stood idle.

    So that a clause that asks who used it counts what was paid, as a plan does (decision 0083).
    """
    hour = _held(offer, own, *time)
    if hour is None:
        return []
    taken, lines, left, charged = sum(u.taken for u in uses), [], [], 0
    for use in _by_class(uses):
        paid = hour.paid_for(use.taken, taken) if use.taken else use.listed
        if abs(paid - use.listed) <= use.uses:  # each was rounded
            left.append(use)
            charged += use.listed
            continue
        charged += paid
        more = Use("reserved", use.demand, facts, *time, Decimal(0), Decimal(0), of_nanos(paid - use.listed))
        lines.append(_as_paid(rating, more, [use]))
    idle = idle_use(offer, facts, own, *time, (taken, charged))
    return lines if idle is None else [*lines, _as_paid(rating, idle, left)]


def _by_class(uses: Iterable[_HourUse]) -> Iterator[_HourUse]:
    """What each used, in one."""
    found: dict[str, _HourUse] = {}
    for use in uses:
        key = json.dumps(use.demand, sort_keys=True)
        found[key] = found[key].plus(use) if key in found else use
    yield from found.values()


class _HourUse(NamedTuple):
    """Use in an hour, as it is booked: amounts in billionths, and what was taken off it, by clause."""

    demand: Facts | None
    uses: int
    taken: int
    listed: int
    off: tuple[tuple[str, int], ...]

    def plus(self, more: _HourUse) -> _HourUse:
        """Both together."""
        return _HourUse(
            self.demand,
            self.uses + more.uses,
            self.taken + more.taken,
            self.listed + more.listed,
            (*self.off, *more.off),
        )


def _as_paid(rating: Rating, idle: Use, uses: Sequence[_HourUse]) -> UseLine:
    """The line of what stood idle, or of a difference, by which it and the use come to what is paid after discounts.

    Clauses take off the whole of what was reserved, whoever used it (no price of shared units turns on a workload). Of
    that, what was taken off the use is booked: a bill may have stated it net, or at another price.
    """
    whole = replace(idle, listed=idle.listed + of_nanos(sum(u.listed for u in uses)))
    line = UseLine.rated(rating.rate(whole))
    off = {(term, start, end): amount for term, start, end, amount in line.off}
    for term, amount in (each for u in uses for each in u.off):
        key = next((key for key in off if key[0] == term), (term, line.start, line.end))
        off[key] = off.get(key, 0) - amount
    listed, left = nanos(idle.listed), tuple((*key, amount) for key, amount in off.items() if amount)
    return msgspec.structs.replace(line, listed=listed, net=listed - sum(off.values()), off=left)


@dataclass(slots=True)
class _BookedHours:
    """Of each offer and hour: what was used, and what is booked as idle."""

    used: dict[tuple[str, int], list[_HourUse]] = field(default_factory=dict)
    idle: dict[tuple[str, int], list[LineSum]] = field(default_factory=dict)


def _booked(session: Session, step: int) -> _BookedHours:
    found = _BookedHours()
    for each in all_sums(session):
        offer = each.of.offer.get("offer", "")
        if each.of.kind == "use":
            for hour, use in _by_step(each, step):
                found.used.setdefault((offer, hour), []).append(use)
        elif each.of.kind in ("idle", "reserved") and each.end - each.start <= HOUR:
            found.idle.setdefault((offer, each.start), []).append(each)
    return found


def _by_step(used: LineSum, step: int) -> Iterator[tuple[int, _HourUse]]:
    """Each hour (or step) of its time, and what was used in it: a row of a bill for a day is as even over it."""
    at, length = used.start, used.end - used.start
    while at < used.end:
        hour = at - at % step
        end = min(hour + step, used.end)
        taken, listed = (_between(n, used.start, used.end, at, end) for n in (used.taken, used.listed))
        off = [(term, _between(n, since, until, at, end)) for (term, since, until), n in used.off.items()]
        yield hour, _HourUse(used.of.demand, max(used.count, 1), taken, listed, tuple(off))
        at = end
    if not length:
        off = [(term, n) for (term, _, _), n in used.off.items()]
        yield at - at % step, _HourUse(used.of.demand, max(used.count, 1), used.taken, used.listed, tuple(off))


def _between(amount: int, since: int, until: int, start: int, end: int) -> int:
    """What of an amount that is even over a time is in another; parts that join come to all of it."""
    before, after = (min(max(at, since), until) - since for at in (start, end))
    return amount * after // (until - since) - amount * before // (until - since)


def _steps(start: datetime, end: datetime, step: int) -> Iterator[tuple[datetime, datetime]]:
    """The hours (or steps) of a time, cut where one of UTC begins: what is reserved may begin at half past."""
    at = start.astimezone(UTC)
    while at < end:
        until = min(at_micros(micros(at) // step * step + step), end)
        yield at, until
        at = until


def _differences(wanted: Sequence[UseLine], booked: Sequence[LineSum]) -> Iterator[UseLine]:
    """What must be added to lines of an hour so that they come to what is wanted."""
    for line in wanted:
        same = next((each for each in booked if each.of == line.of), None)
        more = line if same is None else _less(line, same)
        if same is None or more.listed or more.taken or more.net:
            yield more
    for each in booked:
        if each.of not in [line.of for line in wanted] and (each.listed or each.taken):
            yield _less(UseLine(each.of, each.start, each.end), each)


def _less(line: UseLine, booked: LineSum) -> UseLine:
    off = {(term, start, end): amount for term, start, end, amount in line.off}
    for key, amount in booked.off.items():
        off[key] = off.get(key, 0) - amount
    return UseLine(
        line.of, line.start, line.end, count=1 if not booked.count else 0, taken=line.taken - booked.taken,
        listed=line.listed - booked.listed, net=line.net - booked.net,
        off=tuple((*key, amount) for key, amount in sorted(off.items()) if amount),
    )  # fmt: skip
