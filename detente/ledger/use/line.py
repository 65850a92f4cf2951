"""A line of the ledger: use of one class, rated, or use of which it is known that there was some and not how much.

Owns: ``UseClass`` (what clauses may ask of a use), ``UseLine``, and lines summed up (``LineSum``). Not here: where
lines come from (``metering``), and what is made of them (``books``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import msgspec

from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Reduction, Use, nanos
from detente.ledger.journals.record import TokenCounts
from detente.values.facts import Facts
from detente.values.micros import DAY, at_micros, micros
from detente.values.money import of_nanos
from detente.values.rounding import half_even

UseKind = Literal["use", "idle", "reserved", "egress"]


@dataclass(frozen=True)
class UseClass:
    """What clauses may ask of a use: its kind, the facts of who used it (None: nobody), and of what was used."""

    kind: UseKind
    demand: Facts | None
    offer: Facts

    @cached_property
    def body(self) -> str:
        """As it is stored: one text for one class."""
        return msgspec.json.encode([self.kind, self.demand, self.offer], order="sorted").decode()

    @classmethod
    def read(cls, body: str) -> UseClass:
        """From its text."""
        return cls(*msgspec.json.decode(body))


Off = tuple[str, int, int, int]
"""What a clause takes off: its id, from when to when (equal: a moment's), and how much, in whole nano-units."""

NO_TOKENS = TokenCounts(0, 0)
AMOUNTS = ("work", "taken", "listed", "net", "revenue")


class UseLine(msgspec.Struct, frozen=True, gc=False):
    """Use of one class over a time or at a moment, in microseconds; amounts in whole billionths.

    ``unknown`` says why it is not known how much was used, or what it costs; nothing where it is. ``count`` is how many
    uses it stands for: 1, and -1 of a line that takes an earlier one of unknown use back.
    """

    of: UseClass
    start: int
    end: int
    part: int = 0
    count: int = 1
    unknown: str = ""
    tokens: TokenCounts = NO_TOKENS
    work: int = 0
    taken: int = 0
    listed: int = 0
    net: int = 0
    revenue: int = 0
    off: tuple[Off, ...] = ()

    @classmethod
    def rated(cls, rated: RatedUse) -> UseLine:
        """Of use that was metered elsewhere: of a plan, a bill."""
        use = rated.use
        off = tuple((r.term, micros(r.start), micros(r.end), nanos(r.amount)) for r in rated.reductions)
        amounts = map(nanos, (use.work, use.taken, use.listed, rated.net, use.revenue))
        work, taken, listed, net, revenue = amounts
        return cls(
            UseClass(use.kind, use.demand, use.offer), micros(use.start), micros(use.end),
            work=work, taken=taken, listed=listed, net=net, revenue=revenue, off=off,
        )  # fmt: skip

    def times(self, count: int) -> UseLine:
        """So many uses that are alike; fewer than none take some back."""
        used = self.tokens
        tokens = TokenCounts(*(n * count for n in (used.input, used.output, used.cached, used.written, used.reasoning)))
        off = tuple((term, start, end, amount * count) for term, start, end, amount in self.off)
        amounts = {name: getattr(self, name) * count for name in ("count", *AMOUNTS)}
        return msgspec.structs.replace(self, tokens=tokens, off=off, **amounts)

    def over(self, start: int, end: int) -> UseLine:
        """The same over another time."""
        off = tuple((term, start, end, amount) for term, _, _, amount in self.off)
        return msgspec.structs.replace(self, start=start, end=end, off=off)

    def cut(self, moments: Iterable[int]) -> list[UseLine]:
        """In parts, at some moments within its time, in order: amounts are even over it, and come to the same in all.

        Each part stands for as many uses as the line.
        """
        edges = [self.start, *moments, self.end]
        return [self] if len(edges) == 2 else [self._part(start, end) for start, end in pairwise(edges)]

    def _part(self, start: int, end: int) -> UseLine:
        def share(amount: int, since: int = self.start, until: int = self.end) -> int:
            """What was up to its end, of what is even over a time, less what was up to its start."""
            before, upto = (
                half_even(amount * (min(max(at, since), until) - since), until - since) for at in (start, end)
            )
            return upto - before

        off = tuple(
            (term, max(since, start), min(until, end), share(amount, since, until))
            for term, since, until, amount in self.off
            if since < end and start < until
        )
        amounts = {name: share(getattr(self, name)) for name in AMOUNTS}
        amounts["net"] = amounts["listed"] - sum(each[3] for each in off)
        tokens = TokenCounts(*map(share, msgspec.structs.astuple(self.tokens)))
        return msgspec.structs.replace(self, start=start, end=end, tokens=tokens, off=off, **amounts)

    def where(self, step: int) -> tuple[int, int]:
        """The time under which it is summed up, of a moment its step: no clause tells two moments of one apart."""
        if self.start != self.end:
            return self.start, self.end
        begin = self.start - self.start % step
        return begin, begin


class LineSum(msgspec.Struct, gc=False):
    """Lines of one class and time, summed up."""

    of: UseClass
    start: int
    end: int
    count: int = 0
    unknown: int = 0
    tokens: list[int] = msgspec.field(default_factory=lambda: [0] * 5)
    work: int = 0
    taken: int = 0
    listed: int = 0
    net: int = 0
    revenue: int = 0
    off: dict[tuple[str, int, int], int] = msgspec.field(default_factory=dict)

    @classmethod
    def of_line(cls, line: UseLine, start: int, end: int) -> LineSum:
        """A line by itself, under some time: what ``add`` to an empty one comes to."""
        if line.unknown:
            return cls(line.of, start, end, unknown=line.count)
        used = line.tokens
        off: dict[tuple[str, int, int], int] = {}
        for term, since, until, amount in line.off:
            key = (term, start, end) if since == until or start == end else (term, since, until)
            off[key] = off.get(key, 0) + amount
        return cls(
            line.of, start, end, line.count, 0, [used.input, used.cached, used.written, used.output, used.reasoning],
            line.work, line.taken, line.listed, line.net, line.revenue, off,
        )  # fmt: skip

    def add(self, line: UseLine) -> None:
        """Count one line."""
        if line.unknown:
            self.unknown += line.count
            return
        self.count += line.count
        counted, tokens = line.tokens, self.tokens
        tokens[0] += counted.input
        tokens[1] += counted.cached
        tokens[2] += counted.written
        tokens[3] += counted.output
        tokens[4] += counted.reasoning
        self.work += line.work
        self.taken += line.taken
        self.listed += line.listed
        self.net += line.net
        self.revenue += line.revenue
        for term, start, end, amount in line.off:
            key = (term, self.start, self.end) if start == end or self.start == self.end else (term, start, end)
            self.off[key] = self.off.get(key, 0) + amount

    def merge(self, other: LineSum) -> LineSum:
        """Count what another has counted, of the same class and time."""
        self.count += other.count
        self.unknown += other.unknown
        self.tokens = [a + b for a, b in zip(self.tokens, other.tokens, strict=True)]
        for name in AMOUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, amount in other.off.items():
            self.off[key] = self.off.get(key, 0) + amount
        return self

    @property
    def known(self) -> bool:
        """Whether anything of it is known: uses, or a correction of their amounts."""
        return bool(self.count or self.work or self.taken or self.listed or self.net or self.revenue)

    @property
    def booked_at(self) -> int:
        """The moment on whose day it is booked: the middle of what is of a day at most, by whatever clock."""
        length = self.end - self.start
        return self.start + length // 2 if length <= DAY else self.start

    def count_in(self, totals: Totals, until: int | None = None) -> None:
        """Let totals count it: as they count its lines one by one; with ``until``, the part before that moment."""
        if until is not None and self.start >= until:
            return
        if self.start != self.end:
            totals.add(self.rated, None if until is None or self.end <= until else at_micros(until))
        else:
            totals.add_of_day(self.of.demand, self.of.offer, [self])

    @property
    def rated(self) -> RatedUse:
        """As one line of rated use."""
        use = Use(
            self.of.kind, self.of.demand, self.of.offer, at_micros(self.start), at_micros(self.end),
            *map(of_nanos, (self.work, self.taken, self.listed, self.revenue)),
        )  # fmt: skip
        off = (Reduction(t, at_micros(a), at_micros(b), of_nanos(n)) for (t, a, b), n in self.off.items())
        return RatedUse(use, of_nanos(self.net), tuple(off))


def count_all(sums: Iterable[LineSum], totals: Totals) -> None:
    """Let totals count sums: the same as each by itself, a day's of one class at once."""
    of_days: dict[tuple[str, int], list[LineSum]] = {}
    for each in sums:
        if each.start == each.end:
            of_days.setdefault((each.of.body, each.start // DAY), []).append(each)
        else:
            each.count_in(totals)
    for found in of_days.values():
        of = found[0].of
        totals.add_of_day(of.demand, of.offer, found)


def summed(lines: Iterable[UseLine], step: int) -> dict[tuple[str, int, int], LineSum]:
    """Lines by class and time; ``step``: how finely moments are told apart, in microseconds (``sum_step``)."""
    found: dict[tuple[str, int, int], LineSum] = {}
    for line in lines:
        start, end = line.where(step)
        key = line.of.body, start, end
        into = found.get(key)
        if into is None:
            found[key] = LineSum.of_line(line, start, end)
        else:
            into.add(line)
    return found
