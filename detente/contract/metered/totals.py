"""Totals: exact running sums of use, by meter and window, and nothing else.

Sums of whole numbers, so that neither the order nor the grouping of what is added matters, and settling a stream is
settling the batch. What is added costs the same however much was added before. Use of which it is not known whether a
meter covers it is kept apart (``lacking``): it is neither counted nor lost. Not here: what a clause makes of it
(``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from copy import copy
from datetime import datetime, timedelta
from fractions import Fraction
from math import lcm

from detente.contract.metered.counting_moment import BoughtCapacity, CountingMoment, by_invoice
from detente.contract.metered.day_use import Counted, CountedOfDay, MomentUse, UseTogether
from detente.contract.metered.lacking import NOT_BOUGHT, Lacks, mark_of, still_lacking, why_unknown
from detente.contract.metered.meter import PAYMENTS, Measure, Meter, unstated
from detente.contract.metered.paid_use import PaidUse
from detente.contract.metered.sum import Sum
from detente.contract.metered.use import RatedUse, nanos
from detente.contract.reach.window import Calendar, Window
from detente.errors import SettleError
from detente.values.facts import Facts
from detente.values.micros import at_micros, micros
from detente.values.money import NANOS
from detente.values.period import named

Placed = tuple[tuple[int, int, int], ...]
"""Where a line lies: a window's index, and its share of the line as part and whole."""

MAX_REMEMBERED = 50_000
DAY = timedelta(days=1)
WHOLE = Fraction(1)


class MeterPlaces(dict[Meter, int]):
    """The place of each meter. Raises ValueError for one that no clause states."""

    def __missing__(self, meter: Meter) -> int:
        raise ValueError(unstated(meter))


class Totals:
    """Running totals of some meters.

    ``bought``: whether they are told what is reserved (``buy``). Where they are not, a meter that counts that when it
    is bought or invoiced does not know it, though its use comes.
    """

    def __init__(self, meters: Iterable[Meter], *, bought: bool = False) -> None:
        self._bought = bought
        self.meters = tuple(dict.fromkeys(meter for meter in meters if meter.measure not in PAYMENTS))
        self._payments: tuple[PaidUse, ...] = ()
        self._place = MeterPlaces((meter, place) for place, meter in enumerate(self.meters))
        self._known: dict[Counted, Sum] = {}
        self._unknown: dict[Counted, dict[Lacks, Sum]] = {}
        timed = {"buy"} if any(meter.moment != "use" for meter in self.meters) else set()
        self._asked = sorted({key for meter in self.meters for key in meter.selection.keys} | timed)
        self._covering: dict[tuple[str | bool | None, ...], tuple[tuple[int, Lacks | None], ...]] = {}
        ways: dict[tuple[Calendar, CountingMoment], int] = {}
        self._cut = [ways.setdefault((meter.windows, meter.moment), place) for meter, place in self._place.items()]
        """By meter, the first that cuts time as it does: where a line lies is asked once for all of these."""
        self._inside: dict[tuple[int, int], tuple[datetime, datetime, Placed]] = {}
        """By meter and day, the window in which a use of that day lay, from when to when: most of a day lie in one."""
        self._last: dict[int, tuple[datetime, datetime, Placed]] = {}
        """By meter, where its last line lay: many of a bill have one time."""
        self._of_day: dict[tuple[Hashable, int], CountedOfDay] = {}

    def anew(self) -> Totals:
        """Totals of the same meters that have counted nothing; which meters cover what is remembered by both."""
        found = copy(self)
        found._known, found._unknown, found._payments = {}, {}, ()
        return found

    def add(self, rated: RatedUse, until: datetime | None = None) -> None:
        """Count one line: in each meter that covers it, each of its amounts by the time for which it is.

        With ``until``, a moment of UTC, only the part before it: an amount is even over its time.
        """
        use, mark = rated.use, 0
        for place, lacks in self._meters_of(use.demand, use.offer):
            meter = self.meters[place]
            if lacks is not None:
                mark = mark or mark_of(use.demand, use.offer, micros(use.start), micros(use.end))
            for amount, start, end in rated.measured(meter.measure, meter.term):
                if until is None or end <= until:
                    self._count(place, lacks, mark, nanos(amount), start, end)
                elif start < until:
                    share = Fraction(micros(until) - micros(start), micros(end) - micros(start))
                    self._count(place, lacks, mark, nanos(amount), start, until, share)

    def add_of_day(self, demand: Facts | None, offer: Facts, uses: Sequence[MomentUse]) -> None:
        """Count uses that are alike, each at a moment of one day: the same as ``add`` of each, at once."""
        of_day = self._counted_on(demand, offer, at_micros(uses[0].start))
        whole = UseTogether(uses)
        for measure, term, key, rate in of_day.counts:
            if amount := whole.comes_to(measure, term):
                if rate is None:
                    self._sum_of(key, None).whole += amount
                else:
                    self._sum_of(key, None).add(amount, rate.denominator, rate.numerator)
        for place, lacks in of_day.rest:
            measure, term = self.meters[place].measure, self.meters[place].term
            for use in uses:
                at = at_micros(use.start)
                mark = 0 if lacks is None else mark_of(demand, offer, use.start, use.start)
                self._count(place, lacks, mark, UseTogether([use]).comes_to(measure, term), at, at)

    def buy(self, bought: BoughtCapacity) -> None:
        """Count what is reserved, in the meters that count it at this moment."""
        self._buy(bought, enumerate(self.meters))

    def _buy(self, bought: BoughtCapacity, places: Iterable[tuple[int, Meter]]) -> None:
        for place, meter in places:
            if meter.counts_use_of(bought.offer) or meter.moment != bought.moment:
                continue
            if meter.selection.covers(None, bought.offer):
                amount = bought.listed if meter.measure == "listed" else bought.net
                rate = Fraction(1) if meter.money is None else meter.money.rate(bought.at)
                for window in meter.windows.over(bought.at, bought.at):
                    whole = self._known.setdefault((place, window.index), Sum())
                    whole.add(nanos(amount), rate.denominator, rate.numerator)

    def tell(self, bought: Iterable[BoughtCapacity], meters: Iterable[Meter]) -> None:
        """Count all that is reserved in some meters, which did not know when it was bought: its use counts no more."""
        for apart in self._unknown.values():
            for lacks in (NOT_BOUGHT, NOT_BOUGHT.with_marks):
                apart.pop(lacks, None)
        places = [(place, meter) for meter in meters if (place := self._place.get(meter)) is not None]
        for each in bought:
            self._buy(each, places)

    def merge(self, other: Totals) -> None:
        """Count what another has counted. Raises ValueError where its meters are others."""
        if other.meters != self.meters:
            raise ValueError("totals of other meters cannot be merged; add the use itself")
        for told in other.counts():
            self.put(*told)

    def counts(self) -> Iterator[tuple[Meter, int, Lacks | None, Sum]]:
        """All that was counted: meter, window's index, and what is missing to know more (None: it is covered)."""
        for (place, index), found in self._known.items():
            yield self.meters[place], index, None, found
        for (place, index), apart in self._unknown.items():
            for lacks, found in apart.items():
                yield self.meters[place], index, lacks, found

    def put(self, meter: Meter, window: int, lacks: Lacks | None, more: Sum) -> None:
        """Count what ``counts`` has told, of the same meter elsewhere."""
        key = self._place[meter], window
        if lacks is None:
            self._known.setdefault(key, Sum()).merge(more)
        else:
            self._unknown.setdefault(key, {}).setdefault(lacks, Sum()).merge(more)

    def fill(self, told: Iterable[tuple[Meter, int, Lacks | None, Sum]]) -> None:
        """Count what was put by elsewhere, a meter's after another's; its sums are nobody else's."""
        last, place = None, 0
        for meter, window, lacks, more in told:
            if meter is not last:
                last, place = meter, self._place[meter]
            if lacks is not None or (place, window) in self._known:
                self.put(meter, window, lacks, more)
            else:
                self._known[place, window] = more

    def expecting(self, more: Iterable[tuple[Meter, int, Fraction]]) -> Totals:
        """The same totals, with what is expected to come in some windows of some meters."""
        found = copy(self)
        found._known = dict(self._known)
        for meter, window, amount in more:
            key, part = (self._place[meter], window), amount * NANOS
            before = found._known.get(key)
            whole = Sum() if before is None else before.copy()
            whole.parts[part.denominator] = whole.parts.get(part.denominator, 0) + part.numerator
            found._known[key] = whole
        return found

    def paid_by(self, payments: Iterable[PaidUse]) -> Totals:
        """The same totals, with some payments more beside them."""
        found = copy(self)
        found._payments = (*self._payments, *payments)
        return found

    def total(self, meter: Meter, window: Window) -> Fraction:
        """What a meter counted in a window, exact; of a measure of payments, those that were noted so far.

        Raises SettleError where use is in it of which it is not known whether the meter covers it.
        """
        if meter.measure in PAYMENTS:
            by = "paid" if meter.measure == "paid-before" else meter.measure
            noted = [each for each in self._payments if each.by == by]
            paid = ((self._paid(meter, window, each), each.end) for each in noted)
            each = (amount / (1 if meter.money is None else meter.money.at_end(end)) for amount, end in paid if amount)
            return sum(each, Fraction(0))
        found = self._counted_in(self._place[meter], window)
        return found.value if found is not None else Fraction(0)

    def within(self, meter: Meter, time: Window) -> Fraction:
        """The same of a time that is some of the meter's windows."""
        return sum((self.total(meter, window) for window in meter.windows.over(time.start, time.end)), Fraction(0))

    def over_one(self, meter: Meter, windows: Iterable[Window]) -> tuple[list[int], int]:
        """What a meter of use counted in each of some windows, as whole numbers over one denominator.

        Raises SettleError as ``total`` does.
        """
        place = self._place[meter]
        found = [self._counted_in(place, window) for window in windows]
        over = lcm(*{of for each in found if each is not None for of in each.parts})
        return [0 if each is None else each.times(over) for each in found], over * NANOS

    def _counted_in(self, place: int, window: Window) -> Sum | None:
        key = place, window.index
        apart = self._unknown.get(key)
        if apart and (lacking := still_lacking({lacks: found.value for lacks, found in apart.items()})):
            raise SettleError(why_unknown(self.meters[place], window, lacking))
        return self._known.get(key)

    @staticmethod
    def _paid(meter: Meter, window: Window, payment: PaidUse) -> Fraction:
        """A payment, where it is all in a window and for what the meter covers; nothing where none of it is."""
        inside, window = payment.of.inside(meter.selection), meter.use_of(window)
        if meter.measure == "paid-before" and inside is None:  # nothing is in both: the case was checked
            return Fraction(0)
        if inside is False or payment.end <= window.start or window.end <= payment.start or not payment.amount:
            return Fraction(0)
        if inside is None or payment.start < window.start or window.end < payment.end:
            when = named(payment.start, payment.end)
            what = f"`{meter.term}`: how much of what is given back of {when} is for what it counts is not known"
            raise SettleError(f"{what}; let both cover the same, in windows that begin with the same month")
        return payment.amount

    def counted(self, meter: Meter) -> list[Window]:
        """The windows in which a meter counted anything, in order: of many short ones, most are empty.

        Raises SettleError where it is not known whether the meter covers some use.
        """
        place = self._place[meter]
        indices = {index for at, index in (*self._known, *self._unknown) if at == place}
        found = [w for index in sorted(indices) if (w := meter.windows.numbered(index)) is not None]
        for window in found:
            self.total(meter, window)
        return found

    def _count(
        self,
        place: int,
        lacks: Lacks | None,
        mark: int,
        amount: int,
        start: datetime,
        end: datetime,
        share: Fraction = WHOLE,
    ) -> None:
        """Count a share of an amount, which is even over a time; where something is missing, its use has a mark."""
        if not amount:
            return
        own_share, of_share = share.as_integer_ratio()
        money = self.meters[place].money
        for a, b, own, whole in [(start, end, 1, 1)] if money is None else money.pieces(start, end):
            for index, part, of in self._windows_of(place, a, b):
                own_part, of_part = own * part * own_share, whole * of * of_share
                self._sum_of((place, index), lacks).add(amount, own_part, of_part)
                if lacks is not None:
                    self._sum_of((place, index), lacks.with_marks).add(amount * mark, own_part, of_part)

    def _sum_of(self, key: Counted, lacks: Lacks | None) -> Sum:
        """Where a meter counts what lies in a window."""
        if lacks is not None:
            return self._unknown.setdefault(key, {}).setdefault(lacks, Sum())
        into = self._known.get(key)
        if into is None:
            into = self._known[key] = Sum()
        return into

    def _counted_on(self, demand: Facts | None, offer: Facts, at: datetime) -> CountedOfDay:
        """Where use counts that was at a moment: remembered for all of its day that is alike."""
        asked = self._asked_of(demand, offer), at.toordinal()
        found = self._of_day.get(asked)
        if found is None:
            if len(self._of_day) >= MAX_REMEMBERED:
                self._of_day.clear()
            found = self._of_day[asked] = self._counted_all_day(demand, offer, at)
        return found

    def _counted_all_day(self, demand: Facts | None, offer: Facts, at: datetime) -> CountedOfDay:
        start = at.replace(hour=0, minute=0, second=0, microsecond=0)
        counts: list[tuple[Measure, str, Counted, Fraction | None]] = []
        rest: list[tuple[int, Lacks | None]] = []
        for place, lacks in self._meters_of(demand, offer):
            meter = self.meters[place]
            self._windows_of(place, at, at)
            since, until, placed = self._inside.get((self._cut[place], at.toordinal()), (at, at, ()))
            if lacks is None and since <= start and start + DAY <= until:
                rate = None if meter.money is None else meter.money.rate(start)
                counts.append((meter.measure, meter.term, (place, placed[0][0]), rate))
            elif meter.moment == "invoice" or any(meter.windows.over(start, start + DAY)):
                rest.append((place, lacks))
        return CountedOfDay(tuple(counts), tuple(rest))

    def _windows_of(self, place: int, start: datetime, end: datetime) -> Placed:
        """Where a line lies in a meter's windows: the many of a day mostly lie in one."""
        place = self._cut[place]
        key = place, start.toordinal()
        known = self._inside.get(key)
        if known is not None and known[0] <= start < known[1] and end <= known[1]:
            return known[2]
        meter = self.meters[place]
        before = self._last.get(place)
        if before is not None and before[:2] == (start, end):
            return before[2]
        found = tuple((window, part, of) for window, part, of in _parts(meter, start, end))
        if len(found) == 1 and found[0][1] == found[0][2] and meter.moment != "invoice":
            window, (first, last) = found[0][0], meter.windows.counted
            self._inside[key] = max(window.start, first), min(window.end, last), ((window.index, 1, 1),)
        placed = tuple((window.index, part, of) for window, part, of in found)
        self._last[place] = start, end, placed
        return placed

    def _meters_of(self, demand: Facts | None, offer: Facts) -> tuple[tuple[int, Lacks | None], ...]:
        """The meters that cover a use (None), or may, and what it lacks: asked once for all that are alike."""
        key = self._asked_of(demand, offer)
        found = self._covering.get(key)
        if found is None:
            if len(self._covering) >= MAX_REMEMBERED:
                self._covering.clear()
            found = self._covering[key] = tuple(self._lacking(demand, offer))
        return found

    def _asked_of(self, demand: Facts | None, offer: Facts) -> tuple[str | bool | None, ...]:
        """What meters ask of a use."""
        own = demand if demand is not None else {}
        return (demand is None, *map(own.get, self._asked), *map(offer.get, self._asked))

    def _lacking(self, demand: Facts | None, offer: Facts) -> Iterator[tuple[int, Lacks | None]]:
        for place, meter in enumerate(self.meters):
            covered = meter.selection.covers(demand, offer)
            if covered is False or (self._bought and not meter.counts_use_of(offer)):
                continue
            if not meter.counts_use_of(offer):
                yield place, NOT_BOUGHT
            else:
                yield place, None if covered else Lacks(meter.selection.missing(demand))


def _parts(meter: Meter, start: datetime, end: datetime) -> Iterator[tuple[Window, int, int]]:
    """The windows in which a line counts, each with its share of it; months of invoices are those of its clock."""
    if meter.moment != "invoice":
        yield from meter.windows.parts(start, end)
        return
    clock = meter.windows.clock
    for at, part, of in by_invoice(start.astimezone(clock), end.astimezone(clock)):
        yield from ((window, part, of) for window in meter.windows.over(at, at))
