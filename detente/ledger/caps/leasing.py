"""Leasing: the leases of replicas, in a ledger's store.

Owns: who holds leases (``holders``), what each was granted, and closing those that ended, each in one transaction. Not
here: the rules (``leases``), which caps there are, and when a replica asks (the gateway).

Replicas that have ended are one row together, under no name, so that a cap has as many rows as replicas live. What
one of them had for calls that are not on the books yet stays apart: a late record of another does not use it up.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from math import ceil
from typing import NamedTuple

from detente.contract.metered.sum import Sum
from detente.errors import LedgerError
from detente.ledger.caps.leases import NO_ROW, LeaseClaim, LeaseRow, given, remaining
from detente.ledger.store.store import Session, Store, big
from detente.values.money import NANOS

ENDED = ""
"""The name of all holders that have ended."""
OPEN = "ended "
"""What the name of an ended holder begins with where calls of it are not on the books yet."""
ANEW = "+"
"""What the name of a holder ends with that was closed and goes on: its calls are still known by its first name."""
WARNED = (80, 100)
"""Percent of a cap at which it is told."""
KEPT = 100
"""Of a cap, so many windows, the newest of which anything was leased, whose leases are kept."""


class CapWindow(NamedTuple):
    """One window of a cap: what leases are of. ``cap`` is the same for all replicas."""

    cap: str
    window: int


class CapClaim(NamedTuple):
    """A claim, and what the cap allows. ``meter``: whose total on the books is what is drawn; empty: of its holders.

    ``free``: the part of what it goes by that no call uses or holds.
    """

    claim: LeaseClaim
    limit: int
    meter: str = ""
    free: int = 0


class CapAnswer(NamedTuple):
    """What a holder goes by from now on; what remains for anybody; and the percent that were reached just now.

    ``unused``, where they were: what remains, and what is leased of it that no call uses or holds. ``lent``, where
    there was too little: what others have of that, who give it back once they see that it is asked for.
    """

    granted: int
    remaining: int
    reached: int = 0
    unused: int = 0
    lent: int = 0


class UnmetClaim(NamedTuple):
    """The last claim of a holder on a window, after which a call still lacked room. One that lives soon claims anew."""

    key: CapWindow
    holder: str
    beat: int


class HolderEndedError(LedgerError):
    """A holder that was closed asks again: it holds nothing any more."""


class Leasing:
    """The leases in a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def open(self, holder: str, place: str, worker: int) -> None:
        """Let a new replica hold leases. ``place`` and ``worker`` say whose journal holds its records."""
        with self.store.writing() as session:
            session.run("INSERT INTO holders VALUES (?, ?, ?, 0, 1)", (holder, place, worker))

    def renew(self, holder: str, beat: int, claims: Mapping[CapWindow, CapClaim]) -> dict[CapWindow, CapAnswer]:
        """Take over what a holder says, and give it more as far as each cap goes.

        ``beat`` grows with each claim, so that one that comes late (its sender has given it up) changes nothing. Raises
        HolderEndedError where the holder was closed, or the claim came late.
        """
        with self.store.writing() as session:
            self._beat(session, holder, beat)
            share = session.number("SELECT COUNT(*) FROM holders WHERE alive = 1")
            rows = _rows(session, claims)
            found = {}
            for key, asked in claims.items():
                others = dict(rows.get(key, {}))
                mine = others.pop(holder, NO_ROW)
                drawn = _drawn(session, asked.meter, key.window, (mine, *others.values()))
                if not _may_lease(session, key):
                    found[key] = CapAnswer(asked.claim.granted, 0)
                    continue
                row = given(asked.limit, drawn, others.values(), mine, asked.claim, share, asked.free)
                _write(session, key, holder, row)
                left = remaining(asked.limit, drawn, (*others.values(), row))
                found[key] = _answer(session, key, holder, asked, row.granted, left)
            return found

    def lacked(self, but: str) -> set[UnmetClaim]:
        """Where a call of another holder found no room: who has some to spare gives it back.

        Also where that holder is dead, and says so no more: who asks tells that by a claim that stays the same.
        """
        with self.store.reading() as session:
            rows = session.all(
                'SELECT cap, "window", holder, beat FROM leases JOIN holders USING (holder)'
                " WHERE lacks > 0 AND holder <> ?",
                (but,),
            )
            return {UnmetClaim(CapWindow(str(cap), int(at)), str(who), int(beat)) for cap, at, who, beat in rows}

    def close(self, holder: str, beat: int, claims: Mapping[CapWindow, LeaseClaim]) -> None:
        """A holder ends, and says of all that it holds what it used of it. Raises HolderEndedError as ``renew``."""
        with self.store.writing() as session:
            self._beat(session, holder, beat)
            for key, claim in claims.items():
                mine = _rows(session, [key]).get(key, {}).get(holder, NO_ROW)
                _write(session, key, holder, LeaseRow(claim.granted, mine.counted, claim.held))
            self._end(session, holder, known=True)

    def living(self, place: str, worker: int) -> set[str]:
        """Who holds leases and writes a worker's journal, or did and was not closed."""
        with self.store.reading() as session:
            sql = "SELECT holder FROM holders WHERE place = ? AND worker = ? AND alive = 1"
            return {str(name) for (name,) in session.all(sql, (place, worker))}

    def bury(self, names: Iterable[str]) -> int:
        """Close what some held; how many they were.

        Only for who knows that they are dead, and that all that they recorded is on the books.
        """
        with self.store.writing() as session:
            sql = "SELECT holder FROM holders WHERE holder IN {these} AND alive = 1"
            dead = [str(name) for (name,) in session.among(sql, sorted(names))]
            for name in dead:
                self._end(session, name, known=False)
            return len(dead)

    @staticmethod
    def _beat(session: Session, holder: str, beat: int) -> None:
        found = session.one("SELECT beat, alive FROM holders WHERE holder = ?", (holder,))
        if found is None or not found[1]:
            raise HolderEndedError(f"`{holder}` holds no leases any more")
        if beat <= int(found[0]):
            raise HolderEndedError(f"`{holder}`: a claim came too late")
        session.run("UPDATE holders SET beat = ? WHERE holder = ?", (beat, holder))

    @staticmethod
    def _end(session: Session, holder: str, *, known: bool) -> None:
        """Add what stays of a holder to those that have ended. ``known``: it has said what it used."""
        session.run("UPDATE holders SET alive = 0 WHERE holder = ?", (holder,))
        mine = session.all('SELECT cap, "window", granted, counted, held FROM leases WHERE holder = ?', (holder,))
        for cap, window, *amounts in list(mine):
            row = _row(amounts)
            _leave(session, CapWindow(cap, int(window)), holder, row if known else row.closed)
        session.run("DELETE FROM leases WHERE holder = ?", (holder,))


def count(session: Session, used: Mapping[tuple[CapWindow, str], int]) -> None:
    """Note, beside a batch of the books, what of it each holder used of caps, by window and holder.

    Use by who never held leases is on the books alone.
    """
    if not used:
        return
    names = sorted({holder for _, holder in used})
    alive = {
        str(name): bool(alive)
        for name, alive in session.among("SELECT holder, alive FROM holders WHERE holder IN {these}", names)
    }
    rows = _rows(session, {key for key, _ in used})
    for (key, holder), amount in used.items():
        name = holder if alive.get(holder) else f"{OPEN}{holder}"
        row = rows.get(key, {}).get(name)
        if holder in alive and row is not None:
            more = rows[key][name] = row._replace(counted=row.counted + amount)
            if alive[holder]:
                _write(session, key, holder, more)
            elif not _leave(session, key, holder, more):
                del rows[key][name]
        elif holder in alive and not alive[holder] and rows.get(key):
            _leave(session, key, holder, LeaseRow(amount, amount))


def _leave(session: Session, key: CapWindow, holder: str, row: LeaseRow) -> bool:
    """What stays of a holder that has ended: whether it is a row of its own, since calls of it are to come.

    What it used beyond that is no less for others.
    """
    name = f"{OPEN}{holder}"
    if row.outstanding:
        _write(session, key, name, row)
        return True
    session.run('DELETE FROM leases WHERE cap = ? AND "window" = ? AND holder = ?', (*key, name))
    before = _rows(session, [key]).get(key, {}).get(ENDED, NO_ROW)
    _write(session, key, ENDED, before.plus(LeaseRow(row.counted, row.counted)))
    return False


def leased(session: Session, keys: Collection[CapWindow]) -> dict[CapWindow, tuple[LeaseRow, ...]]:
    """What was leased of some windows, and what of it is on the books, by all who hold or held a lease."""
    return {key: tuple(rows.values()) for key, rows in _rows(session, keys).items()}


def any_holder(session: Session) -> bool:
    """Whether anybody ever leased anything."""
    return session.one("SELECT 1 FROM holders LIMIT 1") is not None


def holders(session: Session, names: Iterable[str]) -> set[str]:
    """Those of some names that hold leases, or did."""
    found = session.among("SELECT holder FROM holders WHERE holder IN {these}", sorted(set(names)))
    return {str(name) for (name,) in found}


def _rows(session: Session, keys: Collection[CapWindow]) -> dict[CapWindow, dict[str, LeaseRow]]:
    """What the holders of some windows have."""
    found: dict[CapWindow, dict[str, LeaseRow]] = {}
    for number in {key.window for key in keys}:
        rows = session.among(
            'SELECT cap, holder, granted, counted, held FROM leases WHERE cap IN {these} AND "window" = ?',
            sorted(key.cap for key in keys if key.window == number),
            (number,),
        )
        for cap, holder, *amounts in rows:
            found.setdefault(CapWindow(cap, number), {})[holder] = _row(amounts)
    return found


def _may_lease(session: Session, key: CapWindow) -> bool:
    """Whether leases of a window are still given; those of windows that are long over are forgotten.

    Budgets have many short windows. Nothing is given any more of one whose leases may be forgotten, whatever the clock
    of a replica says. They are counted and not measured from the newest: one whose clock is ahead takes their place
    with those of which it leases, and not with all between.
    """
    if session.one('SELECT 1 FROM leases WHERE cap = ? AND "window" = ? LIMIT 1', key) is not None:
        return True
    newest = 'SELECT DISTINCT "window" FROM leases WHERE cap = ? ORDER BY "window" DESC'
    last = session.one(f"{newest} LIMIT 1 OFFSET {KEPT - 1}", (key.cap,))
    if last is None:
        return True
    if key.window < int(last[0]):
        return False
    for table in ("leases", "warnings"):
        session.run(f'DELETE FROM {table} WHERE cap = ? AND "window" <= ?', (key.cap, int(last[0])))
    return True


def _row(amounts: Iterable[object]) -> LeaseRow:
    granted, counted, held = (int(str(amount)) for amount in amounts)
    return LeaseRow(granted, counted, held)


def _write(session: Session, key: CapWindow, holder: str, row: LeaseRow) -> None:
    session.run(
        'INSERT INTO leases (cap, "window", holder, granted, counted, held) VALUES (?, ?, ?, ?, ?, ?)'
        ' ON CONFLICT (cap, "window", holder) DO UPDATE SET granted = excluded.granted, counted = excluded.counted,'
        " held = excluded.held",
        (*key, holder, big(row.granted), big(row.counted), big(row.held)),
    )


def _answer(session: Session, key: CapWindow, holder: str, asked: CapClaim, granted: int, left: int) -> CapAnswer:
    """What a claim is answered. Noted with it: what of the lease no call uses or holds, and what a call still lacks."""
    more = granted - asked.claim.granted
    lacks = asked.claim.need if more < asked.claim.need else 0
    session.run(
        'UPDATE leases SET free = ?, lacks = ? WHERE cap = ? AND "window" = ? AND holder = ?',
        (big(max(0, asked.free + more)), big(lacks), *key, holder),
    )
    if not (lacks or reached(asked.limit, left)):
        return CapAnswer(granted, left)
    rows = session.all('SELECT holder, free FROM leases WHERE cap = ? AND "window" = ?', key)
    spare = {name: int(str(free)) for name, free in rows}
    lent = sum(free for name, free in spare.items() if name != holder)
    unused = left + sum(spare.values())
    percent = _told(session, key, reached(asked.limit, unused, unmet=lacks > left + lent))
    return CapAnswer(granted, left, percent, unused if percent else 0, lent if lacks else 0)


def _drawn(session: Session, meter: str, window: int, rows: Iterable[LeaseRow]) -> int:
    """What is drawn of a window: by the meter on the books, where use that may be covered counts (§2).

    Of what no meter counts, it is what all holders used that is on the books.
    """
    if not meter:
        return sum(row.counted for row in rows)
    totals = session.all('SELECT amount, parts FROM totals WHERE meter = ? AND "window" = ?', (meter, window))
    found = Sum()
    for amount, parts in totals:
        found.merge(Sum(int(str(amount)), {int(of): int(part) for of, part in json.loads(parts).items()}))
    return whole_up(found)


def whole_up(found: Sum) -> int:
    """A total in whole billionths, rounded up."""
    return ceil(found.value * NANOS)


def _told(session: Session, key: CapWindow, percent: int) -> int:
    """So many percent were reached: the same, and it is noted, where that is to be told; else 0."""
    before = session.number('SELECT MAX(percent) FROM warnings WHERE cap = ? AND "window" = ?', key)
    if not is_news(before, percent):
        return 0
    session.run("INSERT INTO warnings VALUES (?, ?, ?)", (*key, percent))
    return percent


def reached(limit: int, left: int, *, unmet: bool = False) -> int:
    """The most percent of a cap that is told and was reached.

    A call that found no room anywhere is told of once 80 are, with the percent that are: what is left is too little
    for the calls that come, and nobody would be told that they are refused.
    """
    passed = max((percent for percent in WARNED if (limit - left) * 100 >= limit * percent), default=0)
    return (limit - left) * 100 // limit if unmet and 0 < passed < WARNED[-1] else passed


def is_news(told: int, percent: int) -> bool:
    """Whether so many percent are told where so many were: each of ``WARNED`` once, and once that calls are refused."""
    return percent > told and (percent in WARNED or told in (0, *WARNED))
