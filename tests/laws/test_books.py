"""Laws of the books, for every kind of clause: a plan replayed settles to its bill, and a ledger is the batch.

What a ledger keeps goes through a database, in batches of any size and any order; what clauses make of it is what they
make of the same use in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle
from detente.contract.term import Term
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseLine, summed
from detente.ledger.use.running_totals import kept
from detente.planner.solve import plan
from detente.results.conflict import Conflict
from detente.terms import KINDS, kind_named
from detente.values.micros import HOUR
from tests.builders import day, settled_of
from tests.drawing import drawing
from tests.drawn_cases import cases
from tests.laws.test_settling import LATE, START, lines_of, rated
from tests.ledger.served import NOW, fresh
from tests.replayed import replayed
from tests.terms.drawn import ALL_KINDS

counting = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind_named(kind).settle is not Term.settle and kind in ALL_KINDS]
)
SMALL = Decimal("0.000001")


@contextmanager
def a_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, fresh(Path(folder)) as store:
        yield store


def settled(books: Books, as_of: Any) -> Settlement:
    with books.store.reading() as session:
        totals = books.totals.read(session)
    return Settlement.of(settle(books.terms, totals, NOTHING_DECIDED, as_of))


def balance(store: Store, account: str) -> int:
    """What stands on the accounts that begin so."""
    with store.reading() as session:
        rows = session.all("SELECT amount FROM entries WHERE account LIKE ?", (f"{account}%",))
        return sum(int(amount) for (amount,) in rows)


@counting
@drawing(2)
@given(data=st.data())
def test_a_plan_on_the_books_settles_to_its_own_bill(kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(need=kind))
    found = plan(case)
    if isinstance(found, Conflict):
        return
    lines = [UseLine.rated(line) for line in replayed(case, found)]
    with a_store() as store:
        books = Books(store, case, case.terms)
        cut = data.draw(st.integers(0, len(lines)))
        for part in (lines[cut:], lines[:cut]):
            books.post(part, NOW)
        posted = settled(books, None).postings
        owed = -balance(store, "owed/") + sum(int(p.amount * 10**9) for p in posted if not p.in_spend)
    assert abs(Decimal(owed) / 10**9 - found.bill) <= SMALL * max(1, len(lines)), (owed, found.bill)
    for term in {p.term for p in found.postings}:
        mine, said = (sum((p.amount for p in each if p.term == term), Decimal(0)) for each in (posted, found.postings))
        assert abs(mine - said) <= SMALL * max(1, len(lines))


@counting
@drawing(3)
@given(data=st.data())
def test_every_prefix_of_batches_in_any_order_is_the_batch(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=2))
    lines = rated(case, data.draw(lines_of(case)))
    order = data.draw(st.permutations(lines))
    with a_store() as store:
        books, done = Books(store, case), 0
        while done < len(order):
            some = order[done : done + data.draw(st.integers(1, 3))]
            books.post(map(UseLine.rated, some), NOW)
            done += len(some)
            assert settled(books, LATE) == settled_of(case.signed, order[:done], LATE)


@counting
@drawing(3)
@given(data=st.data())
def test_what_was_used_at_a_moment_counts_as_a_line_of_it_does(kind: str, data: st.DataObject) -> None:
    """By the hour, as sums of the books do it: what is remembered of a day holds for all of it, and for no other."""
    case = data.draw(cases(need=kind, most=2))
    of_hours = [replace(line, end=line.start) for line in data.draw(lines_of(case)) for _ in range(2)]
    days = data.draw(st.lists(st.integers(0, 130), min_size=1, max_size=3))
    moments = [START + timedelta(days=days[n % len(days)], hours=5 * n % 24) for n in range(len(of_hours))]
    lines = rated(case, [replace(line, start=at, end=at) for line, at in zip(of_hours, moments, strict=True)])
    totals = Totals(kept(case.signed))
    for some in (lines, lines[::2], lines[1::2]):
        one, other = totals.anew(), Totals(totals.meters)
        for line in some:
            other.add(line)
        for each in summed(map(UseLine.rated, some), HOUR).values():
            each.count_in(one)
        assert told(one) == told(other)


def told(totals: Totals) -> dict[Any, Any]:
    return {(meter, window, lacks): found.value for meter, window, lacks, found in totals.counts() if found.value}


@counting
@drawing(2)
@given(data=st.data())
def test_closing_early_late_and_again_comes_to_the_same(kind: str, data: st.DataObject) -> None:
    """However often, and whatever came between: what clauses owe is on the books once, and the books balance."""
    case = data.draw(cases(need=kind, most=2))
    lines = [UseLine.rated(line) for line in rated(case, data.draw(lines_of(case)))]
    with a_store() as store:
        books = Books(store, case)
        for on in sorted(data.draw(st.lists(st.sampled_from(["2026-01-01", "2026-02-11", "2026-05-01"]), max_size=2))):
            books.post([lines.pop()] if lines else [], NOW)
            close(books, day(on), LATE)
        books.post(lines, NOW)
        close(books, LATE, LATE)
        assert close(books, LATE, LATE).entries == ()
        owed = sum(int(p.amount * 10**9) for p in settled(books, LATE).postings if not p.in_spend)
        assert balance(store, "clause/") == owed
        assert balance(store, "") == 0
