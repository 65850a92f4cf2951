"""Where clauses stand by the books: as settling the same use says, with what is unknown and where it is heading."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.stands import BooksStand, ClauseStands, paced_since, stands, stands_by
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.running_totals import by_day
from tests.builders import D, day, tokens, work
from tests.ledger.served import both, call, ingested, journal_of, served_case

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "20 USD", "windows": {"every": "month"}}
CAP = {"id": "cap", "kind": "spending-cap", "amount": "30 USD", "windows": {"every": "month"}}


SIXTY = [day("2026-04-11") + n * timedelta(1) for n in range(60)]


def every_day(count: int, start: str = "2026-01-01", used: tuple[int, int] = (100_000, 0)) -> list[bytes]:
    """A call a day at noon, of 0.30 USD."""
    first = datetime.fromisoformat(f"{start}T12:00").replace(tzinfo=UTC)
    return [call(n, first + n * timedelta(1), used) for n in range(count)]


def standing(store: Store, case: Case, on: str, **more: Any) -> BooksStand:
    return stands(Books(store, case), day(on), **more)


def only(found: BooksStand, term: str) -> ClauseStands:
    (each,) = (each for each in found.clauses if each.term == term)
    return each


@both
def test_what_is_drawn_what_remains_and_where_it_is_heading(store: Store, tmp_path: Path) -> None:
    case = served_case(FLOOR, CAP)
    ingested(store, case, journal_of(tmp_path / "j", every_day(20)))
    floor = only(found := standing(store, case, "2026-01-21"), "floor")
    assert floor.standing is not None
    # 20 days at 0.30; 11 days are to come at the same: 9.30 of 20, so that 10.70 are owed
    assert (floor.standing.drawn, floor.standing.remaining, floor.standing.accruing) == (6, 14, 14)
    assert floor.heading is not None
    assert (floor.heading.drawn, floor.heading.owed, floor.heading.worst) == (D("9.3"), D("10.7"), D("10.7"))
    cap = only(found, "cap")
    assert cap.standing is not None
    assert (cap.standing.role, cap.standing.drawn, cap.standing.remaining) == ("cap", 6, 24)
    assert cap.heading is not None
    assert (cap.heading.drawn, cap.heading.owed) == (D("9.3"), 0)


WEEKLY = {"id": "weekly", "kind": "credit", "amount": "1 USD", "windows": {"every": "week"}, "until": "2026-01-29"}


@pytest.mark.parametrize(("amount", "more", "drawn"), [("7 USD", [], "2.3"), ("4 USD", [WEEKLY], "1.3")])
def test_what_credits_will_pay_is_expected_too(
    amount: str, more: list[dict[str, Any]], drawn: str, store: Store, tmp_path: Path
) -> None:
    """9.30 by the end of January, of which a credit pays 7, and not only the 6 of its first 20 days.

    Or 4, and another 1 in each of four weeks: their days are counted then.
    """
    gift = {"id": "gift", "kind": "credit", "amount": amount, "windows": {"every": "month"}}
    case = served_case(gift, *more, FLOOR | {"measure": "after-credits"})
    ingested(store, case, journal_of(tmp_path / "j", every_day(20)))
    heading = only(standing(store, case, "2026-01-21"), "floor").heading
    assert heading is not None
    assert (heading.drawn, heading.owed) == (D(drawn), 20 - D(drawn))


@both
def test_headings_go_by_the_last_weeks_alone_and_read_no_more_of_them(store: Store, tmp_path: Path) -> None:
    """A hundred days of 0.60 USD and then sixty of 0.30: June is expected to draw 9 USD, as if all of it were read."""
    case = served_case(FLOOR, CAP)
    calls = [*every_day(100, used=(200_000, 0)), *(call(100 + n, at, (100_000, 0)) for n, at in enumerate(SIXTY))]
    ingested(store, case, journal_of(tmp_path / "j", calls))
    books, as_of = Books(store, case), day("2026-06-10")
    found = stands(books, as_of)
    heading = only(found, "floor").heading
    assert heading is not None
    assert (heading.drawn, heading.low, heading.high) == (9, 9, 9)
    with store.reading() as session:
        totals, first = books.totals.read(session), books.first(session)
        asked = books.as_of(session, as_of, paced_since=paced_since(as_of))
    assert first is not None
    assert stands_by(books.terms, totals, as_of, since=first.date()) == replace(
        found, clauses=tuple(replace(each, unit="") for each in found.clauses)
    ), "the name of the unit is of the case"
    days = by_day(case.signed[0].meters()[0])
    assert (len(totals.counted(days)), len(asked.counted(days))) == (160, 57)


@both
def test_a_day_in_the_past_counts_what_was_used_before_it(store: Store, tmp_path: Path) -> None:
    case = served_case(FLOOR)
    ingested(store, case, journal_of(tmp_path / "j", every_day(45)))
    for on, drawn in (("2026-01-01", "0"), ("2026-01-11", "3"), ("2026-02-02", "0.3")):
        floor = only(standing(store, case, on), "floor")
        assert floor.standing is not None
        assert floor.standing.drawn == D(drawn)
    ended = [each.standing for each in standing(store, case, "2026-02-02", all_windows=True).clauses]
    assert [(s.ended, s.drawn, s.owed) for s in ended if s] == [(True, D("9.3"), D("10.7")), (False, D("0.3"), 0)]


def test_a_credit_is_heading_for_what_it_will_give(store: Store, tmp_path: Path) -> None:
    """What pays month by month, within an amount of the term, grows by what is to come."""
    case = served_case({"id": "gift", "kind": "credit", "amount": "40 USD"})
    ingested(store, case, journal_of(tmp_path / "j", every_day(20)))
    gift = only(standing(store, case, "2026-01-21"), "gift")
    assert gift.heading is not None
    # 181 days at 0.30 are more than its 40
    assert gift.heading.drawn == 40


@both
def test_what_is_unknown_is_told_beside_what_it_may_count_for(store: Store, tmp_path: Path) -> None:
    case = served_case(FLOOR)
    elsewhere = {"deployment": "south-live", "offer": "south-api", "provider": "south"}
    lost = [call(90, "2026-01-03", None), call(91, "2026-01-04", None, **elsewhere), call(92, "2026-02-03", None)]
    ingested(store, case, journal_of(tmp_path / "j", [*every_day(3), *lost]))
    found = standing(store, case, "2026-01-21")
    assert (only(found, "floor").uncounted, found.unknown) == (1, 2)
    assert (only(standing(store, case, "2026-02-21"), "floor").uncounted, found.unknown) == (1, 2)


def test_use_of_an_offer_that_the_case_lacks_may_count_for_whoever_sold_it(store: Store, tmp_path: Path) -> None:
    case = served_case(FLOOR, FLOOR | {"id": "ours", "of": {"product": "tokens"}}, CAP | {"of": {"workload": "other"}},
                       workloads=[work(), work("other")])  # fmt: skip
    lost = [call(1, offer="gone"), call(2, offer="gone", provider="south"), call(3, offer="gone", provider=None)]
    ingested(store, case, journal_of(tmp_path / "j", lost))
    found = standing(store, case, "2026-01-21")
    # north's, and that of whoever it was, may count for north's clauses; the cap speaks of another workload
    assert [(each.term, each.uncounted) for each in found.clauses] == [("floor", 2), ("ours", 2), ("cap", 0)]
    assert found.unknown == 3


def test_a_clause_that_cannot_be_told_says_why_and_others_stand(store: Store, tmp_path: Path) -> None:
    cap = CAP | {"of": {"team": "sales"}}
    case = served_case(FLOOR, cap, workloads=[work(labels={"team": "sales"})])
    ingested(store, case, journal_of(tmp_path / "j", every_day(20)))
    found = standing(store, case, "2026-01-21")
    assert only(found, "cap").standing is None
    assert "lacks the label `team`" in only(found, "cap").unknown
    assert only(found, "floor").heading is not None


@both
def test_a_clause_signed_later_counts_what_was_there(store: Store, tmp_path: Path) -> None:
    before, after = served_case(CAP), served_case(CAP, FLOOR)
    ingested(store, before, journal_of(tmp_path / "j", every_day(20)))
    first = only(standing(store, after, "2026-01-21"), "floor")  # read before anything is written
    ingested(store, after, journal_of(tmp_path / "k", [call(99, "2026-01-21", (10**6, 0))]))
    second = only(standing(store, after, "2026-01-22"), "floor")
    assert first.standing is not None
    assert second.standing is not None
    assert (first.standing.drawn, second.standing.drawn) == (6, 9)


def test_credits_that_are_not_known_take_those_with_them_who_count_what_they_leave(
    store: Store, tmp_path: Path
) -> None:
    gift = {"id": "gift", "kind": "credit", "amount": "4 USD", "of": {"team": "sales"}, "windows": {"every": "month"}}
    net = FLOOR | {"id": "net", "of": {"team": "sales"}, "measure": "after-credits"}
    case = served_case(FLOOR | {"measure": "after-discounts"}, gift, net, workloads=[work(labels={"team": "sales"})])
    ingested(store, case, journal_of(tmp_path / "j", every_day(2)))
    found = standing(store, case, "2026-01-21")
    assert [each.term for each in found.clauses if each.standing is None] == ["gift", "net"]
    assert only(found, "net").unknown.startswith("`net` counts what credits pay: `gift`")
    assert only(found, "floor").standing is not None


def test_books_of_another_currency_are_refused(store: Store, tmp_path: Path) -> None:
    ingested(store, served_case(FLOOR), journal_of(tmp_path / "j", [call(1)]))
    price = {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}
    euros = served_case(offers=[tokens(p, 1) | {"price": price} for p in ("north", "south")], currency="EUR")
    with pytest.raises(LedgerError, match="in USD, and the case in EUR"):
        standing(store, euros, "2026-02-01")


def test_an_empty_ledger_stands_at_nothing(store: Store) -> None:
    floor = only(standing(store, served_case(FLOOR), "2026-01-21"), "floor")
    assert floor.standing is not None
    assert (floor.standing.drawn, floor.heading, floor.uncounted) == (Decimal(0), None, 0)


def test_standings_are_the_same_without_where_they_are_heading(store: Store, tmp_path: Path) -> None:
    case = served_case(FLOOR, CAP)
    ingested(store, case, journal_of(tmp_path / "j", every_day(20)))
    whole, quick = (standing(store, case, "2026-01-21", headings=each) for each in (True, False))
    assert [each.standing for each in whole.clauses] == [each.standing for each in quick.clauses]
    assert [each.heading for each in quick.clauses] == [None, None]


# -- cases that change -------------------------------------------------------------------------------------------------
OTHER = {"id": "other", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}


@both
@pytest.mark.parametrize("then", ["read", "written"])
def test_use_that_a_case_without_a_clause_put_on_the_books_counts_towards_it(
    store: Store, tmp_path: Path, then: str
) -> None:
    """Two machines, of which one has not the amended case yet: days 1 to 5 and 9 to 12 by one, 6 to 8 by the other."""
    case, before = served_case(FLOOR), served_case(OTHER)
    days = every_day(12)
    for worker, (by, some) in enumerate(((case, days[:5]), (before, days[5:8]), (case, days[8:]))):
        ingested(store, by, journal_of(tmp_path / str(worker), some, worker))
        if then == "read" and by is before:
            stood = only(standing(store, case, "2026-01-09"), "floor").standing
            assert stood is not None
            assert stood.drawn == D("2.4")
    for case_, term in ((case, "floor"), (before, "other")):
        stood = only(standing(store, case_, "2026-01-13"), term).standing
        assert stood is not None
        assert stood.drawn == D("3.6")
        assert audit(Books(store, case_)).faults == ()


def test_a_clause_that_was_forgotten_is_counted_anew_and_not_twice(tmp_path: Path, store: Store) -> None:
    """A ledger of the version before, whose totals nobody can vouch for; and a table that somebody emptied."""
    case = served_case(FLOOR)
    ingested(store, case, journal_of(tmp_path / "a", every_day(5)))
    with store.writing() as session:
        session.run("DELETE FROM meters")
    ingested(store, case, journal_of(tmp_path / "b", every_day(8)[5:], 1))
    stood = only(standing(store, case, "2026-01-13"), "floor").standing
    assert stood is not None
    assert stood.drawn == D("2.4")
    assert audit(Books(store, case)).faults == ()
