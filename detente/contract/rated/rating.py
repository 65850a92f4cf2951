"""Rating: what use costs. List price, then what each price clause takes off it, combined as the contract says.

The one place that prices use: the bill of a plan, what is metered, and the order in which the gateway asks. Not here:
list prices (``market``), and what a clause takes off (``PriceChange.takes_off``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from detente.contract.answer import misanswered
from detente.contract.combining import parts
from detente.contract.metered.use import RatedUse, Reduction, Use, nanos
from detente.contract.roles import PriceChange
from detente.errors import SettleError
from detente.values.facts import Facts
from detente.values.money import NANO, of_nanos
from detente.values.period import hours_between
from detente.values.quantity import plain
from detente.values.rounding import half_even


class Rating:
    """The price clauses of a contract, in its order."""

    def __init__(self, terms: Iterable[object]) -> None:
        self._terms = tuple(term for term in terms if isinstance(term, PriceChange))
        self._rates: dict[tuple[int, FactsKey], Fraction | None] = {}
        self._timed: dict[tuple[datetime, datetime, PlacedRates], tuple[TimedPart, ...]] = {}

    def rate(self, use: Use) -> RatedUse:
        """What a line of use costs after discounts.

        Raises SettleError where it is not known whether a price clause covers it: an unknown price is never the list
        price, and never zero. So it does where they take off more than the price.
        """
        found = tuple(self._reductions(use))
        off = sum((r.amount for r in found), Decimal(0))
        if use.listed >= 0 and off - use.listed > NANO * len(found):  # each is rounded by itself
            raise _more_than_all((r.term for r in found), off, use.listed)
        return RatedUse(use, use.listed - off, found)

    def _reductions(self, use: Use) -> Iterator[Reduction]:
        """What each clause takes off, pro rata of the line's time for which it does; a moment is in force or not."""
        rates = tuple(self._taken_off(use)) if self._terms else ()
        if not rates:
            return
        key = use.start, use.end, rates
        timed = self._timed.get(key)
        if timed is None:
            timed = _kept(self._timed, key, tuple(_timed_parts(self._terms, *key)))
        listed = nanos(use.listed)
        for at, start, end, part in timed:
            amount = half_even(listed * part.numerator, part.denominator)
            yield Reduction(self._terms[at].id, start, end, of_nanos(amount))

    def _taken_off(self, use: Use) -> Iterator[PlacedRate]:
        """The parts that clauses in force take off, each while it is: asked once for all use that is alike."""
        facts = None if use.demand is None else tuple(use.demand.items()), tuple(use.offer.items())
        for at, term in enumerate(self._terms):
            if term.validity.over(use.start, use.end):
                if (at, facts) in self._rates:
                    rate = self._rates[at, facts]
                else:
                    rate = _kept(self._rates, (at, facts), counted_off(term, use.demand, use.offer))
                if rate is not None:
                    yield at, rate

    def at(self, demand: Facts | None, offer: Facts, at: datetime) -> PartsOff:
        """What a moment's use costs after discounts, for many uses that are alike: see ``rate``."""
        return self.part_of(self.in_force(at), demand, offer)

    def in_force(self, at: datetime) -> tuple[PriceChange, ...]:
        """The price clauses that are in force at a moment."""
        return tuple(term for term in self._terms if term.validity.over(at, at))

    @staticmethod
    def part_of(meeting: Iterable[PriceChange], demand: Facts | None, offer: Facts) -> PartsOff:
        """What some of them take off together. Raises SettleError."""
        rates = _counting(meeting, demand, offer)
        each = zip(rates, _combined(rates), strict=True)
        return PartsOff(tuple((term.id, part.numerator, part.denominator) for (term, _), part in each if part))


@dataclass(frozen=True, slots=True)
class PartsOff:
    """The part of a list price that each price clause takes off at a moment: its id, numerator and denominator."""

    parts: tuple[tuple[str, int, int], ...] = ()

    def of(self, listed: int) -> list[int]:
        """What each takes off a list price, in whole nano-units, rounded as ``nano`` does. Raises SettleError."""
        off = [half_even(listed * of, whole) for _, of, whole in self.parts]
        if listed >= 0 and sum(off) - listed > len(off):
            raise _more_than_all((term for term, _, _ in self.parts), sum(off) * NANO, listed * NANO)
        return off

    def taken_off(self, listed: int, at: int) -> tuple[int, tuple[tuple[str, int, int, int], ...]]:
        """What is left of a list price of a moment, and what each took off it then. Raises SettleError."""
        off = self.of(listed)
        return listed - sum(off), tuple([(part[0], at, at, less) for part, less in zip(self.parts, off, strict=True)])


def _more_than_all(terms: Iterable[str], off: Decimal, listed: Decimal) -> SettleError:
    names = " and ".join(f"`{term}`" for term in dict.fromkeys(terms))
    what = f"{names} take {plain(off)} off a list price of {plain(listed)}"
    return SettleError(f"{what}: more than all of it; narrow one with `of` or `except`")


FactsKey = tuple[tuple[tuple[str, str], ...] | None, tuple[tuple[str, str], ...]]
"""The facts of a demand and of an offer."""

PlacedRate = tuple[int, Fraction]
"""The place of a price clause, and the part of the list price that it takes off."""

PlacedRates = tuple[PlacedRate, ...]

TimedPart = tuple[int, datetime, datetime, Fraction]
"""The place of a price clause, a time for which it takes something off a line, and the part of the whole line's list
price that this is."""

MAX_KNOWN = 10_000
"""So many answers are kept at most."""

KnownKey = TypeVar("KnownKey")
KnownAnswer = TypeVar("KnownAnswer")


def _kept(known: dict[KnownKey, KnownAnswer], key: KnownKey, answer: KnownAnswer) -> KnownAnswer:
    """An answer, from now on known."""
    if len(known) >= MAX_KNOWN:
        known.clear()
    known[key] = answer
    return answer


def _timed_parts(
    terms: Sequence[PriceChange], start: datetime, end: datetime, rates: PlacedRates
) -> Iterator[TimedPart]:
    """What each clause takes off a line, each of its times by itself."""
    taken: dict[int, list[tuple[datetime, datetime, Fraction]]] = {at: [] for at, _ in rates}
    for since, until in _pieces(start, end, [terms[at] for at, _ in rates]):
        meeting = [(at, rate) for at, rate in rates if terms[at].validity.over(since, until)]
        each = _combined([(terms[at], rate) for at, rate in meeting])
        for (at, _), part in zip(meeting, each, strict=True):
            _note(taken[at], (since, until, part))
    whole = hours_between(start, end)
    for at, found in taken.items():
        for since, until, part in found:
            yield at, since, until, part * (hours_between(since, until) / whole if whole else 1)


def _note(taken: list[tuple[datetime, datetime, Fraction]], more: tuple[datetime, datetime, Fraction]) -> None:
    """Add a part to those of a clause: what goes on as before is one reduction, rounded once."""
    if taken and taken[-1][1:] == (more[0], more[2]):
        taken[-1] = (taken[-1][0], *more[1:])
    elif more[2]:
        taken.append(more)


def _pieces(start: datetime, end: datetime, terms: Iterable[PriceChange]) -> list[tuple[datetime, datetime]]:
    """The times of a line in which the same clauses are in force; of a moment, that moment."""
    if start == end:
        return [(start, end)]
    inside = {at for term in terms for at in (term.validity.start, term.validity.end) if start < at < end}
    return list(pairwise(sorted({start, end, *inside})))


def _combined(rates: Sequence[tuple[PriceChange, Fraction]]) -> list[Fraction]:
    """What clauses that meet each take off, as parts of the list price."""
    ways = [term.validity.combine for term, _ in rates]
    return parts([rate for _, rate in rates], ways, [term.id for term, _ in rates])


def together(terms: Iterable[PriceChange], demand: Facts | None, offer: Facts) -> Fraction:
    """The part of the list price that price clauses in force at one time take off together.

    Raises SettleError where it is not known, or nobody says how they combine.
    """
    return combined(_counting(terms, demand, offer))


def _counting(terms: Iterable[PriceChange], demand: Facts | None, offer: Facts) -> list[tuple[PriceChange, Fraction]]:
    each = ((term, counted_off(term, demand, offer)) for term in terms)
    return [(term, rate) for term, rate in each if rate is not None]


def combined(rates: Sequence[tuple[PriceChange, Fraction]]) -> Fraction:
    """The part that clauses take off together, of what each takes off alone. Raises SettleError where not said how."""
    return sum(_combined(rates), Fraction(0))


def part_paid(terms: Iterable[object], demand: Facts, offer: Facts, at: datetime) -> Fraction:
    """The part of the list price that use costs at a moment. Raises SettleError where it is not known."""
    return 1 - together(
        (term for term in terms if isinstance(term, PriceChange) and term.validity.over(at, at)), demand, offer
    )


def counted_off(term: PriceChange, demand: Facts | None, offer: Facts) -> Fraction | None:
    """The part of the list price that a clause takes off while it is in force; None where it says nothing of the price.

    Raises SettleError where it is not known.
    """
    rate = term.takes_off(demand, offer)
    if rate is None:
        labels = ", ".join(f"`{key}`" for key in term.covered.missing(demand))
        what = (
            f"`{term.id}`: whether it lowers the price of `{offer.get('offer')}` turns on {labels}, which the use lacks"
        )
        raise SettleError(f"{what}; label the use")
    if not isinstance(rate, Fraction | int):
        raise TypeError(misanswered(term, "takes_off", rate, "a `Fraction`, which is exact: `Fraction(self.rate)`"))
    return rate if rate or term.sets_price(demand, offer) else None
