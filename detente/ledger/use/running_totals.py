"""Running totals in a store: exact sums by meter and window, added to with each batch.

Owns: which meters a case keeps, under which name a meter's totals stand, reading and adding them. A meter that is new
(a clause was signed, or amended) is counted from all lines that there are. Each states the last batch that it counted:
who writes by a case without its clause (of before, or on another machine) does not count for it, and what it has not
counted is counted as it is next read or written. Not here: the sums (``contract/metered/totals``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

import msgspec

from detente.contract.metered.lacking import Lacks
from detente.contract.metered.meter import PAYMENTS, Meter
from detente.contract.metered.sum import Sum
from detente.contract.metered.totals import Totals
from detente.contract.term import Term
from detente.ledger.store.store import Session, big
from detente.ledger.use.line import LineSum, UseClass, count_all, summed
from detente.ledger.use.stored_lines import use_lines
from detente.ledger.use.sum_step import sum_step
from detente.values.micros import micros

_READ = msgspec.json.Decoder().decode
SUM_KEY = ("class", "start", '"end"')
SUM_COLUMNS = ("count", "unknown", "tokens", "work", "taken", "listed", "net", "revenue", "off")
"""The columns of sums."""


def name_of(meter: Meter) -> str:
    """The name of a meter in a store: the same for the same count, whatever else the case or a later version says.

    By another name a ledger counts all that it holds anew, and replicas of two versions would share no lease of a cap.
    """
    within, outside = (
        [sorted((k, sorted(v)) for k, v in scope.wanted.items()) for scope in scopes]
        for scopes in (meter.selection.within, meter.selection.outside)
    )
    w = meter.windows
    windows = [w.every, str(w.first), str(w.first.tzinfo), str(w.since), str(w.end), w.count]
    told = [meter.term, meter.name, meter.measure, within, outside, windows]
    told += [] if meter.moment == "use" else [meter.moment]
    if meter.money is not None:
        told += [meter.money.currency, [(str(day), str(rate)) for day, rate in meter.money.rates.steps]]
    return sha256(json.dumps(told).encode()).hexdigest()[:32]


def by_day(meter: Meter) -> Meter:
    """The same count day by day: how fast it goes."""
    days = replace(meter.windows, every="day", count=None, divided_from=None, cut_from=None, before=0)
    return replace(meter, name=f"{meter.name} by day", windows=days)


def kept(terms: Iterable[Term]) -> tuple[Meter, ...]:
    """The meters whose totals are kept: those of clauses, and of what they measure over more than a day, by the day."""
    found = own(terms)
    paced = [by_day(meter) for meter in found if meter.windows.every not in ("hour", "day")]
    return tuple(dict.fromkeys([*found, *paced]))


def own(terms: Iterable[Term]) -> tuple[Meter, ...]:
    """The meters of clauses."""
    return tuple(meter for term in terms for meter in term.meters() if meter.measure not in PAYMENTS)


class RunningTotals:
    """The totals of some meters, in a store."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self.meters = meters
        self._names = {meter: name_of(meter) for meter in meters}
        self._of = {name: meter for meter, name in self._names.items()}
        self._nothing = Totals(meters)

    def read(self, session: Session, wanted: Mapping[Meter, int] | None = None) -> Totals:
        """All that was counted; of some meters, each at least from a window on, where they are given.

        Meters that were never counted in this store are, from its sums.
        """
        found = Totals(self.meters)
        known, missing = self._known(session)
        if wanted is not None:
            known = {meter: last for meter, last in known.items() if meter in wanted}
            missing = [meter for meter in missing if meter in wanted]
        columns, since = 'meter, "window", lacks, amount, parts', wanted or {}
        keys = [(self._names[meter], since.get(meter, 0)) for meter in known]
        rows = session.keyed(columns, "totals", ("meter", '"window"'), keys, onwards=True)
        found.fill(
            (self._of[name], window, _lacks(lacks) if lacks else None, _sum(amount, parts))
            for name, window, lacks, amount, parts in rows
        )
        behind = _counted_behind(session, known, session.number("SELECT MAX(batch) FROM batches"))
        for totals in (_counted_anew(session, missing), *behind):
            for told in totals.counts():
                found.put(*told)
        return found

    def asked(self, own: Iterable[Meter], paced_since: datetime | None) -> dict[Meter, int]:
        """Some meters, and the others (by the day) from a day on, each with the first of its windows that is asked."""
        found = dict.fromkeys(own, 0)
        if paced_since is None:
            return found
        for meter in self.meters:
            if meter not in found:
                first = next(meter.windows.over(paced_since, meter.windows.end), None)
                found[meter] = first.index if first is not None else 0
        return found

    def catch_up(self, session: Session, last: int) -> None:
        """Let all meters count what there is up to a batch, of which the sums are the last that are written."""
        known, missing = self._known(session)
        if missing:
            session.run("DELETE FROM totals WHERE meter NOT IN (SELECT meter FROM meters)")
            self._write(session, _counted_anew(session, missing))
        for totals in _counted_behind(session, known, last):
            self._write(session, totals)
        if missing or any(batch < last for batch in known.values()):
            self._mark(session, last)

    def add(self, session: Session, sums: Iterable[LineSum], batch: int) -> None:
        """Count a batch."""
        more = self._nothing.anew()
        count_all(sums, more)
        self._write(session, more)
        self._mark(session, batch)

    def _mark(self, session: Session, batch: int) -> None:
        """Note that all meters have counted all that there is up to a batch."""
        told = [(name, f"{meter.term} {meter.name}", batch) for name, meter in self._of.items()]
        session.put("meters", ("meter",), ("meter", "told", "batch"), told)

    def differing(self, session: Session) -> Iterator[Meter]:
        """The meters whose totals are not those of all lines: somebody changed them."""
        known = list(self._known(session)[0])
        there, anew = (_told(found) for found in (self.read(session), _counted_anew(session, known)))
        yield from (meter for meter in known if there.get(meter, {}) != anew.get(meter, {}))

    def _known(self, session: Session) -> tuple[dict[Meter, int], list[Meter]]:
        """The meters that are counted here, each with the last batch that it counted, and those that are not."""
        there = {str(name): int(batch) for name, batch in session.all("SELECT meter, batch FROM meters")}
        known = {meter: there[self._names[meter]] for meter in self.meters if self._names[meter] in there}
        return known, [meter for meter in self.meters if meter not in known]

    def _write(self, session: Session, more: Totals) -> None:
        counts = {
            (self._names[meter], window, "" if lacks is None else json.dumps(lacks)): found
            for meter, window, lacks, found in more.counts()
        }
        columns, key = 'meter, "window", lacks, amount, parts', ("meter", '"window"', "lacks")
        wholes = {
            (meter, window, lacks): _sum(amount, parts)
            for meter, window, lacks, amount, parts in session.keyed(columns, "totals", key, list(counts))
        }
        rows = []
        for at, found in counts.items():
            whole = wholes.get(at) or Sum()
            whole.merge(found)
            parts = {str(of): str(part) for of, part in sorted(whole.parts.items()) if part}
            rows.append((*at, big(whole.whole), json.dumps(parts) if parts else "{}"))
        session.put("totals", key, (*key, "amount", "parts"), rows)


def all_sums(session: Session) -> Iterator[LineSum]:
    """Every sum of lines in a store."""
    return _sums(session, "")


def unknown_sums(session: Session) -> Iterator[LineSum]:
    """Those that hold use of which it is not known how much it was."""
    return _sums(session, " WHERE unknown <> 0")


def _sums(session: Session, which: str) -> Iterator[LineSum]:
    classes = {number: UseClass.read(body) for number, body in session.all("SELECT class, body FROM classes")}
    for number, *row in session.all(f"SELECT {', '.join((*SUM_KEY, *SUM_COLUMNS))} FROM sums{which}"):
        yield sum_of(classes[number], row)


def sums_between(session: Session, start: datetime, end: datetime) -> Iterator[LineSum]:
    """The sums of use that begin in a time, but for those in which nothing is known."""
    rows = session.all(
        'SELECT body, start, "end", count, unknown, tokens, work, taken, listed, net, revenue, off FROM sums'
        " JOIN classes ON sums.class = classes.class WHERE start >= ? AND start < ? AND count <> 0"
        ' ORDER BY start, "end", sums.class',
        (micros(start), micros(end)),
    )
    for body, *row in rows:
        yield sum_of(UseClass.read(body), row)


def sum_of(of: UseClass, row: Sequence[object]) -> LineSum:
    """A row of sums, read."""
    start, end, count, unknown, tokens, *amounts, off = row
    work, taken, listed, net, revenue = (int(str(amount)) for amount in amounts)
    each = {(term, a, b): int(amount) for term, a, b, amount in _READ(str(off))} if off != "[]" else {}
    begin, until, known, not_known = (int(str(n)) for n in (start, end, count, unknown))
    counted = _READ(str(tokens))
    return LineSum(of, begin, until, known, not_known, counted, work, taken, listed, net, revenue, each)


def _counted_anew(session: Session, meters: Sequence[Meter]) -> Totals:
    found = Totals(meters)
    if meters:
        for each in all_sums(session):
            each.count_in(found)
    return found


def _counted_behind(session: Session, known: Mapping[Meter, int], last: int) -> Iterator[Totals]:
    """What meters have not counted of the batches up to one."""
    for counted in sorted({batch for batch in known.values() if batch < last}):
        found = Totals(meter for meter, batch in known.items() if batch == counted)
        lines = use_lines(session, f" WHERE batch > {counted} AND batch <= {last}")
        count_all((each for each in summed(lines, sum_step(session)).values() if each.known), found)
        yield found


def _told(totals: Totals) -> dict[Meter, dict[tuple[object, ...], Fraction]]:
    """What each meter counted."""
    found: dict[Meter, dict[tuple[object, ...], Fraction]] = {}
    for meter, window, lacks, each in totals.counts():
        if each.value:
            found.setdefault(meter, {})[window, lacks] = each.value
    return found


def _sum(amount: int | str | Decimal, parts: object) -> Sum:
    if parts == "{}":
        return Sum(int(amount))
    return Sum(int(amount), {int(of): int(part) for of, part in json.loads(str(parts)).items()})


def _lacks(stored: str) -> Lacks:
    labels, marked = json.loads(stored)
    return Lacks(tuple(labels), marked)
