"""Credits that meet, in the oracle: which pays first in each piece of time, and onto which charge, by whole numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.planner.oracle.sheet import at_midnight

if TYPE_CHECKING:
    from tests.planner.oracle.oracle import Oracle
    from tests.planner.oracle.sheet import Sum

MUCH = 1e6
AS_LARGE = 1 - 1e-5
"""Of a charge: another of this part of it is as large."""

LONG = ("quarter", "half-year", "year", "term")
"""Windows of several months."""

Mark = tuple[bool, ...]
"""Which clauses cover a use."""


@dataclass(frozen=True)
class Paid:
    """So much of some marks was paid in a piece of time."""

    start: datetime
    end: datetime
    marks: frozenset[Mark]
    amount: Sum


@dataclass(frozen=True)
class Marked:
    """The use that some clauses cover, each or not, as a scope is asked."""

    clauses: Sequence[Any]
    mark: Mark

    def covers(self, demand: Any, offer: Any) -> bool:
        return tuple(bool(c.covered.covers(demand, offer)) for c in self.clauses) == self.mark


class Credits:
    """The credits of a case, those that meet together."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.paid: list[Paid] = []
        terms: list[Any] = list(oracle.case.terms)
        self.giving = [t for t in terms if t.kind in ("credit", "service-credit", "volume-discount")]
        self.reading = [t for t in terms if t.kind == "minimum-commitment" and t.measure == "after-credits"]
        self.reading += [t for t in self.giving if t.kind != "credit" and self.exceeds(t)]
        self.clauses = [t for t in terms if t.kind == "credit"] + self.reading
        facts = list(self._facts())
        self.marks = {tuple(bool(c.covered.covers(*each)) for c in self.clauses) for each in facts}
        self.windows = {id(t): oracle.windows(t) for t in self.clauses}
        for group in self._groups([t for t in terms if t.kind == "credit"]):
            rates = {t.id: max(float(o.rate) for o in group if o.id == t.id) for t in group}
            partly = any(t.covered.inside(r.covered) is None for t in group for r in self.reading)
            read = any(t.covered.inside(r.covered) is not False for t in group for r in self.reading)
            if sum(rates.values()) > 1 + 1e-9 or partly:
                self._together(group)
            elif read:
                for term in group:
                    self._together([term])
            else:
                for term in group:
                    oracle.credit_alone(term)

    def exceeds(self, term: Any) -> bool:
        """Whether a clause that gives back, and those that meet any text of it, may give back more than all."""
        texts = [t for t in self.giving if t.id == term.id]
        parts = {term.id: _part(term)}
        for other in self.giving:
            if other.id != term.id and any(_overlap(t, other) and _meet(t, other) for t in texts):
                parts[other.id] = max(_part(other), parts.get(other.id, 0.0))
        return sum(parts.values()) > 1 + 1e-9

    def of(self, term: Any, start: datetime, end: datetime) -> Iterator[Sum]:
        """What credits pay in a time of what a clause covers."""
        place = self.clauses.index(term)
        start, end = self.oracle.used(term, start, end)
        for each in self.paid:
            if start <= each.start and each.end <= end and each.marks:
                (covered,) = {mark[place] for mark in each.marks}
                if covered:
                    yield each.amount

    def _facts(self) -> Iterator[tuple[Any, Any]]:
        for way in self.oracle.ways:
            yield way.workload.facts, self.oracle.facts(way.offer)
            if self.oracle._egress(way)[1]:
                yield way.workload.facts, self.oracle._egress(way)[1]
        for offer in self.oracle.case.offers:
            yield None, self.oracle.facts(offer)

    @staticmethod
    def _groups(credits: list[Any]) -> Iterator[list[Any]]:
        while credits:
            group, rest = [credits[0]], credits[1:]
            for one in group:
                met = [o for o in rest if one.covered.inside(o.covered) is not False and _overlap(one, o)]
                group += met
                rest = [o for o in rest if o not in met]
            credits = rest
            yield group

    # -- one group -------------------------------------------------------------------------------------------------
    def _together(self, group: list[Any]) -> None:
        edges = sorted(set(self._edges(group)))
        wider = {id(t): sum(t.covered.inside(o.covered) is True for o in group) for t in group}
        left = {(id(t), w): self._amount(t, w) for t in group for w in range(len(self.windows[id(t)]))}
        for start, end in itertools.pairwise(edges):
            atoms = {m: self.oracle.measure(Marked(self.clauses, m), "spend", start, end) for m in self.marks}
            present = []
            for term in group:
                for w, (a, b, *_) in enumerate(self.windows[id(term)]):
                    if a <= start and end <= b:
                        present.append(((b, term.lapses, -wider[id(term)], term.validity.first), term, w))
            for _, term, w in sorted(present, key=lambda each: each[0]):
                rest = left[id(term), w]
                given = self._given(term, group, (start, end), atoms, rest)
                left[id(term), w] = None if rest is None else _less(rest, given)

    def _edges(self, group: list[Any]) -> Iterator[datetime]:
        o = self.oracle
        read = [r for r in self.reading if any(t.covered.inside(r.covered) is not False for t in group)]
        yield from (o.start, o.end)
        for term in [*group, *read]:
            found = [at for a, b, *_ in self.windows[id(term)] for at in o.used(term, a, b)]
            if term in read:
                days = (at_midnight(m.by, o.start) for m in getattr(term, "milestones", ()))
                found += [o.used(term, by, by)[0] for by in days]
            elif term.windows.every in LONG and (term.amount is not None or len(group) > 1):
                begin = o.begin(term)
                months = (o._nth(begin, "month", k) for k in range(600))
                found += [m for m in months if found and min(found) < m < max(found)]
            yield from (at for at in found if o.start < at < o.end)

    def _amount(self, term: Any, w: int) -> Sum | None:
        if term.amount is None:
            return None
        *_, part, inside = self.windows[id(term)][w]
        return self.oracle._fixed(float(term.amount.amount) * part * inside)

    def _given(
        self, term: Any, group: list[Any], when: tuple[datetime, datetime], atoms: dict[Mark, Sum], rest: Sum | None
    ) -> Sum:
        """What is paid in a piece, noted by what it falls to."""
        o, place = self.oracle, self.clauses.index(term)
        mine = [m for m in atoms if m[place]]
        spend = _sum(atoms[m] for m in mine)
        given = _times(spend, float(term.rate))
        if len(group) > 1:
            given = o._minimum(given, self._open(mine, atoms, when), cost=0.0)
        if rest is not None:
            given = o._minimum(given, rest, cost=0.0)
        for column, value in given.items():
            o.cost[column] -= value
        by = [self.clauses.index(c) for c in self._dividing(term, group)]
        parts: dict[Mark, list[Mark]] = {}
        for m in mine:
            parts.setdefault(tuple(m[k] for k in by), []).append(m)
        if len(parts) < 2:
            self.paid.append(Paid(*when, frozenset(mine), given))
            return given
        ordered = [parts[key] for key in sorted(parts, key=lambda key: (sum(key), [-k for k in key]))]
        stacked = len(group) > 1
        charges = [self._open(p, atoms, when) if stacked else _sum(atoms[m] for m in p) for p in ordered]
        for part, paid in zip(ordered, self._fall(given, charges), strict=True):
            self.paid.append(Paid(*when, frozenset(part), paid))
        return given

    def _open(self, marks: list[Mark], atoms: dict[Mark, Sum], when: tuple[datetime, datetime]) -> Sum:
        total = _sum(atoms[m] for m in marks)
        for each in self.paid:
            if (each.start, each.end) == when and each.marks & {*marks}:
                assert each.marks <= {*marks}, "what is paid is known for each part"
                total = _less(total, each.amount)
        return total

    def _fall(self, given: Sum, charges: list[Sum]) -> list[Sum]:
        o = self.oracle
        paid = [{o.column(): 1.0} for _ in charges]
        whole = [o.column(1.0, whole=True) for _ in charges]
        o.row(_less(_sum(paid), given), "=", 0.0)
        for part, charge, full in zip(paid, charges, whole, strict=True):
            o.row(_less(part, charge), "<=", 0.0)
            o.row(_less(charge, _sum([part, {full: -MUCH}])), "<=", MUCH)
        for a, b in itertools.combinations(range(len(charges)), 2):
            first = o.column(1.0, whole=True)
            larger = _less(_times(charges[b], AS_LARGE), charges[a])
            o.row(_sum([larger, {first: MUCH}]), "<=", MUCH)
            o.row(_less(_times(larger, -1.0), {first: MUCH}), "<=", 0.0)
            o.row(_sum([paid[b], {whole[a]: -MUCH, first: MUCH}]), "<=", MUCH)
            o.row(_sum([paid[a], {whole[b]: -MUCH, first: -MUCH}]), "<=", 0.0)
        return paid

    def _dividing(self, term: Any, group: list[Any]) -> list[Any]:
        """The clauses that cover some of it, where one that pays after it or counts what it leaves does."""
        partly = {id(t): any(t.covered.inside(r.covered) is None for r in self.reading) for t in group}
        asking, asked = [o for o in group if o.id == term.id], partly[id(term)]
        for each in asking:
            for other in group:
                if other.id == each.id or other in asking or not _overlap(each, other):
                    continue
                if not self._only_before(other, each, group):
                    asked |= each.covered.inside(other.covered) is None or partly[id(other)]
                    asking += [o for o in group if o.id == other.id]
        found: list[Any] = []
        for each in [*(o for o in group if o.id != term.id), *self.reading] if asked else []:
            alike = any(each.covered.inside(f.covered) and f.covered.inside(each.covered) for f in found)
            if term.covered.inside(each.covered) is None and not alike:
                found.append(each)
        return found

    def _only_before(self, other: Any, term: Any, group: list[Any]) -> bool:
        """Of all versions of two: whether what the one has lapses first, or with the other, and is for less use."""
        ends: set[bool | None] = set()
        for version in (o for o in group if o.id == other.id):
            for a, b, *_ in self.windows[id(term)]:
                ends |= {None if b == d else b < d for c, d, *_ in self.windows[id(version)] if c < b and a < d}
        narrower = other.covered.inside(term.covered) is True and term.covered.inside(other.covered) is not True
        return ends <= ({False, None} if narrower else {False})


def _meet(one: Any, other: Any) -> bool:
    return one.covered.inside(other.covered) is not False


def _part(term: Any) -> float:
    """The most of what a use costs that a clause gives back."""
    if term.kind == "credit":
        return float(term.rate)
    if term.kind == "service-credit":
        return float(term.bands[-1].credit) if term.measured else 0.0
    listed = float(term.listed.amount) if term.listed else 1.0
    return max(float(t.off) if t.off else 1 - float(t.price.amount) / listed for t in term.tiers)


def _overlap(one: Any, other: Any) -> bool:
    (a, b), (c, d) = map(_counted, (one, other))
    return max(a, c) < min(b, d)


def _counted(term: Any) -> tuple[datetime, datetime]:
    """The time of which a clause gives back: in force, and as windows that are taken over whole have it."""
    begun, ended = term.validity.begun, term.validity.ended
    taken = [each and each.running and each.how == "whole-window" for each in (begun, ended)]
    start = begun.running.start if taken[0] else term.validity.start
    return start, min(ended.running.start, term.validity.end) if taken[1] else term.validity.end


def _sum(of: Any) -> Sum:
    total: Sum = {}
    for each in of:
        for column, value in each.items():
            total[column] = total.get(column, 0.0) + value
    return total


def _times(of: Sum, by: float) -> Sum:
    return {column: value * by for column, value in of.items()}


def _less(one: Sum, other: Sum) -> Sum:
    return _sum([one, _times(other, -1.0)])
