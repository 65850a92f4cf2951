"""Leasing: the leases of replicas, in a ledger's store.

Owns: who holds leases (``holders``), what each was granted, and closing those that ended, each in one transaction. Not
here: the rules (``leases``), which caps there are, and when a replica asks (the gateway).

Replicas that have ended are one row together, under no name, so that a cap has as many rows as replicas live.
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

    ``unused``, where they were: what remains, and what is leased of it that no call uses or holds.
    """

    granted: int
    remaining: int
    reached: int = 0
    unused: int = 0


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
                row = given(asked.limit, drawn, others.values(), mine, asked.claim, share)
                _write(session, key, holder, row)
                more = row.granted - asked.claim.granted
                _note_free(session, key, holder, asked.free + more)
                left, unmet = remaining(asked.limit, drawn, (*others.values(), row)), more < asked.claim.need
                found[key] = CapAnswer(row.granted, left, *_reached(session, key, asked.limit, left, unmet=unmet))
            return found

    def close(self, holder: str, beat: int, claims: Mapping[CapWindow, LeaseClaim]) -> None:
        """A holder ends, and says of all that it holds what it used of it. Raises HolderEndedError as ``renew``."""
        with self.store.writing() as session:
            self._beat(session, holder, beat)
            for key, claim in claims.items():
                mine = _rows(session, [key]).get(key, {}).get(holder, NO_ROW)
                _write(session, key, holder, LeaseRow(claim.granted, mine.counted, claim.held))
            self._end(session, holder, known=True)

    def bury(self, place: str, worker: int, but: str) -> int:
        """Close what others held who wrote the journal of a worker; how many there were.

        Only for who has the lock of that journal, so that they are dead, and has put all of it on the books.
        """
        with self.store.writing() as session:
            dead = session.all(
                "SELECT holder FROM holders WHERE place = ? AND worker = ? AND alive = 1 AND holder <> ?",
                (place, worker, but),
            )
            names = [str(name) for (name,) in dead]
            for name in names:
                self._end(session, name, known=False)
            return len(names)

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
            key, row = CapWindow(cap, int(window)), _row(amounts)
            before = _rows(session, [key]).get(key, {}).get(ENDED, NO_ROW)
            _write(session, key, ENDED, before.plus(row if known else row.closed))
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
        name = holder if alive.get(holder) else ENDED
        row = rows.get(key, {}).get(name)
        if holder in alive and row is not None:
            more = rows[key][name] = row._replace(counted=row.counted + amount)
            _write(session, key, name, more)


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


def _note_free(session: Session, key: CapWindow, holder: str, free: int) -> None:
    """Note what of a lease no call uses or holds: it is nobody else's, and not used up either."""
    session.run(
        'UPDATE leases SET free = ? WHERE cap = ? AND "window" = ? AND holder = ?', (big(max(0, free)), *key, holder)
    )


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


def _reached(session: Session, key: CapWindow, limit: int, left: int, *, unmet: bool) -> tuple[int, int]:
    """The most of a cap that was reached, where nobody was told so before, and what is unused of it; else 0 of both.

    What is leased ahead of need is as good as left, unless a call finds no room for it.
    """
    if not reached(limit, left, unmet=unmet):
        return 0, 0
    rows = session.all('SELECT free FROM leases WHERE cap = ? AND "window" = ?', key)
    unused = left + sum(int(str(free)) for (free,) in rows)
    passed = reached(limit, left if unmet else unused, unmet=unmet)
    told = session.number('SELECT MAX(percent) FROM warnings WHERE cap = ? AND "window" = ?', key)
    if not passed or told >= passed:
        return 0, 0
    session.run("INSERT INTO warnings VALUES (?, ?, ?)", (*key, passed))
    return passed, unused


def reached(limit: int, left: int, *, unmet: bool) -> int:
    """The most percent of a cap that is told and was reached; a call that finds no room reaches 100 where 80 are used.

    What is left then is too little for the calls that come, and nobody would be told that they are refused.
    """
    passed = [percent for percent in WARNED if (limit - left) * 100 >= limit * percent]
    return WARNED[-1] if passed and unmet else passed[-1] if passed else 0
