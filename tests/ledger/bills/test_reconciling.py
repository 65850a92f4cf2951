"""A bill beside the books: each cause alone and all together, worked out by hand; the parts always add up.

North sells tokens at 3 USD per Mtok. Books and bill count thousands of tokens: 3 USD for 1,000 of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from detente.ledger.bills.bill_difference import BilledDay, BookedUse, Difference, differences
from detente.ledger.bills.bill_ingest import BillIngest
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.bills.reconciling import Reconciled, reconcile
from detente.ledger.bills.stretches import days_of
from detente.ledger.books.books import Books
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseLine
from detente.ledger.use.stored_lines import use_lines
from detente.report.ledger.reconciled import reconciled_json, reconciled_view
from detente.values.micros import DAY
from tests.builders import Data, agreement, day, tokens
from tests.gateway.stage import deployment
from tests.ledger.bills.bill_files import INPUT, OTHER, bill, mapped, row
from tests.ledger.served import NOW, call, fresh, ingested, journal_of, served_case

USD = 10**9
Served = Iterable[tuple[str, int]]
"""Calls: when, and thousands of tokens of input."""


def billed(on: str, thousands: object, net: object, service: str = "m in") -> str:
    """A row of a day."""
    end = day(on) + timedelta(days=1)
    return row(service, net, thousands, when=f"{on}T00:00:00Z,{end:%Y-%m-%dT%H:%M:%SZ}")


def held(
    folder: Path,
    served: Served,
    rows: list[str],
    *terms: Data,
    rules: tuple[Data, ...] = (INPUT,),
    rounding: Data | None = None,
    **more: str,
) -> Reconciled:
    folder.mkdir(exist_ok=True)
    case = served_case(*terms, also=[agreement() | {"rounding": rounding}] if rounding else [])
    records = [call(n, datetime.fromisoformat(f"{at}+00:00"), (size * 1000, 0)) for n, (at, size) in enumerate(served)]
    with fresh(folder) as store:
        ingested(store, case, journal_of(folder / "journal", records), at=day("2027-01-01"))
        mapping = read_mapping(mapped(folder, *rules, **more), case)
        return reconcile(Books(store, case), mapping, [bill(folder / "bill.csv", rows)])


def said(found: Reconciled) -> list[tuple[str, str, float]]:
    return [(each.day[5:], each.cause, each.amount / USD) for each in found.differences]


JAN = [("2026-01-15T10:00", 1000), ("2026-01-16T10:00", 2000)]
"""3 USD on the 15th, 6 USD on the 16th."""


def test_a_bill_that_says_the_same_agrees(tmp_path: Path) -> None:
    found = held(tmp_path, JAN, [billed("2026-01-15", 1000, "3.00"), billed("2026-01-16", 2000, "6.00")])
    assert (found.agrees, found.differences, found.billed, found.booked) == (True, [], 9 * USD, 9 * USD)


def test_another_price_is_claimed(tmp_path: Path) -> None:
    """3.50 for what costs 3; and 5 for what costs 6, which is no claim."""
    found = held(tmp_path, JAN, [billed("2026-01-15", 1000, "3.50"), billed("2026-01-16", 2000, "5.00")])
    assert said(found) == [("01-15", "price", 0.5), ("01-16", "price", -1.0)]
    assert [(claim.day, claim.amount) for claim in found.claims] == [("2026-01-15", USD // 2)]


@pytest.mark.parametrize(
    ("rounding", "net", "cause"),
    [
        # 3.30 USD by the books
        (None, "3.00", "price"),
        ({"per": "line", "to": 1}, "3.00", "rounding"),
        ({"per": "invoice", "to": 1}, "3.00", "price"),  # of an invoice only the whole is rounded
        ({"per": "line", "to": 1}, "4.00", "price"),  # to the nearest it is 3
        ({"per": "line", "to": 1, "how": "up"}, "4.00", "rounding"),
        ({"per": "line", "to": 1}, "3.10", "price"),  # not rounded as agreed
    ],
)
def test_what_the_agreement_rounds_to_is_rounding(tmp_path: Path, rounding: Data | None, net: str, cause: str) -> None:
    found = held(tmp_path, [("2026-01-15T10:00", 1100)], [billed("2026-01-15", 1100, net)], rounding=rounding)
    assert [each.cause for each in found.differences] == [cause]


def test_a_discount_that_was_not_given_is_a_price(tmp_path: Path) -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    found = held(tmp_path, JAN[:1], [billed("2026-01-15", 1000, "3.00")], off)
    assert (said(found), found.booked) == ([("01-15", "price", 0.3)], 27 * USD // 10)


def test_another_quantity_is_told_from_another_price(tmp_path: Path) -> None:
    """1,200 thousand at 3.10: 0.60 for 200 thousand more at our price, and 0.12 for the price of all."""
    found = held(tmp_path, JAN[:1], [billed("2026-01-15", 1200, "3.72")])
    assert said(found) == [("01-15", "price", 0.12), ("01-15", "quantity", 0.6)]


def test_no_more_is_claimed_than_is_billed(tmp_path: Path) -> None:
    """2,000 thousand for 4.00, which cost 6 at our price: of nothing on the books all 4; of 1,000 half, and a price."""
    found = held(tmp_path / "a", JAN, [billed("2026-01-15", 1000, "3.00"), billed("2026-01-14", 2000, "4.00")])
    assert ("01-14", "not on the books", 4.0) in said(found)
    assert [(claim.cause, claim.amount) for claim in found.claims] == [("not on the books", 4 * USD)]
    found = held(tmp_path / "b", JAN[:1], [billed("2026-01-15", 2000, "4.00")])
    assert said(found) == [("01-15", "price", -1.0), ("01-15", "quantity", 2.0)]  # 1,000 at 2.00 less than 3; and 2.00


def test_days_that_the_bill_does_not_have_at_its_end_are_told(tmp_path: Path) -> None:
    found = held(tmp_path / "a", JAN, [billed("2026-01-15", 1000, "3.00")])
    assert (found.agrees, found.days, found.beyond) == (True, ("2026-01-15", "2026-01-15"), 6 * USD)
    reconciled_view(found, "USD", Console(file=(shown := StringIO()), width=200), (warned := list[str]()).append)
    what = "6.00 USD on the books of other days of the same months"
    assert warned == [f"not compared: {what}, since the bill has rows of 2026-01-15 alone"]
    assert shown.getvalue().startswith("on 2026-01-15: billed 3.00 USD, on the books 3.00 USD")
    whole = held(tmp_path / "b", JAN, [billed("2026-01-15", 1000, "3.00"), billed("2026-01-16", 2000, "6.00")])
    assert (whole.days, whole.beyond) == (("2026-01-15", "2026-01-16"), 0)
    later = [*JAN, ("2026-02-01T10:00", 1000)]
    assert held(tmp_path / "c", later, [billed("2026-01-15", 1000, "3.00")]).beyond == 6 * USD


def test_what_is_missing_on_either_side(tmp_path: Path) -> None:
    found = held(tmp_path, JAN, [billed("2026-01-15", 1000, "3.00"), billed("2026-01-17", 500, "1.50")])
    assert said(found) == [("01-16", "not on the bill", -6.0), ("01-17", "not on the books", 1.5)]
    assert [claim.day for claim in found.claims] == ["2026-01-17"]


def test_cents_are_rounding_and_billionths_are_not(tmp_path: Path) -> None:
    """1,001 thousand cost 3.003; 3.00 is that in cents. 3.004 is stated in tenths of cents, and is another price."""
    rounded = held(tmp_path / "a", [("2026-01-15T10:00", 1001)], [billed("2026-01-15", 1001, "3.00")])
    assert (said(rounded), rounded.agrees) == ([("01-15", "rounding", -0.003)], True)
    finer = held(tmp_path / "b", [("2026-01-15T10:00", 1001)], [billed("2026-01-15", 1001, "3.004")])
    assert (said(finer), finer.agrees) == ([("01-15", "price", 0.001)], False)


def test_what_each_call_is_rounded_by_is_rounding_where_the_tokens_are_the_same(tmp_path: Path) -> None:
    """12.34568% off 0.003 USD are 370,370.4 billionths: five calls are off 1,851,850, and 5,000 tokens 1,851,852."""
    off: Data = {"id": "off", "kind": "discount", "off": "12.34568%"}
    served = [(f"2026-01-15T{hour}:00", 1) for hour in range(10, 15)]
    found = held(tmp_path / "a", served, [billed("2026-01-15", 5, "0.013148148")], off)
    assert [(each.cause, each.amount) for each in found.differences] == [("rounding", -2)]
    assert (found.agrees, found.claims, found.booked) == (True, [], 13_148_150)
    more = held(tmp_path / "b", served, [billed("2026-01-15", "5.001", "0.013150778")], off)
    assert [(each.cause, each.amount) for each in more.differences] == [("quantity", 2_628)]
    assert not more.agrees


@pytest.mark.parametrize(("net", "said_of"), [("5.40", [("01-16", "price", -0.3)]), ("5.70", [])])
def test_as_many_tokens_cost_what_ours_did_where_a_price_turns_within_the_bill_s_day(
    tmp_path: Path, net: str, said_of: list[Any]
) -> None:
    """10% off begins at midnight by UTC, an hour into Berlin's day: of two calls of 3 USD one is at 3, one at 2.70.

    Of the bill's day an hour in 24 is before it: 2,000 thousand tokens spread over it would cost 5.425.
    """
    off: Data = {"id": "off", "kind": "discount", "off": "10%", "from": "2026-01-16"}
    served = [("2026-01-15T23:30", 1000), ("2026-01-16T10:00", 1000)]
    rows = [row("m in", net, 2000, when="2026-01-16,2026-01-17")]
    found = held(tmp_path, served, rows, off, zone="Europe/Berlin")
    assert (said(found), found.agrees) == (said_of, not said_of)


def test_as_many_tokens_of_other_kinds_are_another_quantity() -> None:
    """Two tokens at 1 and 5 of ours, and two at 1 on the bill, at our prices."""
    theirs, ours = BilledDay(rows=1, end=DAY, billed=2, rated=2, tokens=2), BookedUse(6, 2, output=1)
    assert list(differences("m", {0: theirs}, {0: ours}, (0, DAY), {})) == [
        Difference("m", "1970-01-01", "quantity", -4)
    ]


def test_days_of_another_time_zone_are_told_as_such(tmp_path: Path) -> None:
    """The bill's days begin at 22:00 UTC of the day before: calls of 23:00 are on its next day."""
    served = [("2026-01-15T10:00", 1000), ("2026-01-15T23:00", 500), ("2026-01-16T10:00", 2000)]
    found = held(tmp_path, served, [billed("2026-01-15", 1000, "3.00"), billed("2026-01-16", 2500, "7.50")])
    assert (found.zones, found.agrees) == ({"north-api": 1}, True)
    assert said(found) == [("01-15", "time zone", -1.5), ("01-16", "time zone", 1.5)]


@pytest.mark.parametrize("on", ["2026-01-15", "2026-03-08", "2026-11-01"])
def test_days_are_those_of_the_mapping_s_zone(tmp_path: Path, on: str) -> None:
    """Of New York, where clocks are changed on 8 March and 1 November: calls of 00:30 and 23:30 are of one day."""
    next_day = f"{day(on) + timedelta(days=1):%Y-%m-%d}"
    offset = {"2026-01-15": (5, 5), "2026-03-08": (5, 4), "2026-11-01": (4, 5)}[on]
    served = [(f"{on}T{offset[0]:02d}:30", 1000), (f"{next_day}T{offset[1] - 1:02d}:30", 500)]
    served.append((f"{next_day}T{offset[1]:02d}:30", 2000))
    local = [row("m in", net, size, when=f"{a},{b}") for net, size, a, b in (("4.5", 1500, on, next_day),)]
    found = held(tmp_path, served, local, zone="America/New_York")
    assert (found.agrees, found.differences, found.zones, found.booked) == (True, [], {}, 45 * USD // 10)


@pytest.mark.parametrize(
    ("zone", "midnight"), [("Asia/Kolkata", "18:30"), ("Australia/Adelaide", "13:30"), ("America/St_Johns", "03:30")]
)
def test_days_may_begin_within_an_hour_of_utc(tmp_path: Path, zone: str, midnight: str) -> None:
    """A quarter of an hour before midnight there, and after it: 1,000 and 500 are of two days."""
    hour, on = midnight[:2], {"America/St_Johns": ("14", "15")}.get(zone, ("15", "16"))
    served = [(f"2026-01-15T{hour}:15", 1000), (f"2026-01-15T{hour}:45", 500)]
    rows = [
        row("m in", net, size, when=f"2026-01-{a},2026-01-{int(a) + 1}")
        for net, size, a in (("3.00", 1000, on[0]), ("1.50", 500, on[1]))
    ]
    found = held(tmp_path, served, rows, zone=zone)
    assert (found.agrees, found.differences, found.zones) == (True, [], {})


@pytest.mark.parametrize(("minutes", "hours"), [(330, 5.5), (570, 9.5), (-210, -3.5), (345, 5.75)])
def test_a_zone_that_is_half_an_hour_apart_is_told(tmp_path: Path, minutes: int, hours: float) -> None:
    """Ten minutes before and after the midnight of the bill's clock, and at its noon."""
    midnight = day("2026-01-16") - timedelta(minutes=minutes)
    moments = ((-720, 100), (-10, 1000), (10, 500), (720, 2000))
    served = [(f"{midnight + timedelta(minutes=at):%Y-%m-%dT%H:%M}", size) for at, size in moments]
    found = held(tmp_path, served, [billed("2026-01-15", 1100, "3.30"), billed("2026-01-16", 2500, "7.50")])
    assert (found.zones, found.agrees) == ({"north-api": hours}, True)
    assert {each.cause for each in found.differences} == {"time zone"}
    console = Console(file=StringIO(), width=200)
    reconciled_view(found, "USD", console, list[str]().append)
    assert f"the bill counts days {hours:+g} hours from" in console.file.getvalue()  # type: ignore[attr-defined]


def test_parts_of_hours_are_read_once_however_many_offers_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each of three offers a day has 1,000 thousand more than were served: a million tokens, 3 USD."""
    names = [f"north-{n}" for n in range(3)]
    case = served_case(
        offers=[*(tokens("north", 3, id=name) for name in names), tokens("south", 2)],
        deployments=[deployment(name, name, "http://localhost:9") for name in names],
    )
    records = [
        call(10 * n + on, day(f"2026-01-{on}"), (size * 1000, 0), offer=name, deployment=name)
        for n, name in enumerate(names)
        for on, size in ((15, 1000), (16, 2000))
    ]
    rules = [INPUT | {"where": {"ServiceName": name}, "offer": name} for name in names]
    both = (15, 1000, "3.00"), (16, 3000, "9.00")
    rows = [billed(f"2026-01-{on}", size, net, name) for name in names for on, size, net in both]
    reads: list[str] = []

    def counted(session: Session, where: str) -> Iterable[UseLine]:
        reads.append(where)
        return use_lines(session, where)

    monkeypatch.setattr("detente.ledger.bills.reconciling.use_lines", counted)
    with fresh(tmp_path) as store:
        ingested(store, case, journal_of(tmp_path / "journal", records), at=day("2027-01-01"))
        mapping = read_mapping(mapped(tmp_path, *rules), case)
        found = reconcile(Books(store, case), mapping, [bill(tmp_path / "bill.csv", rows)])
    assert found.differences == [Difference(name, "2026-01-16", "quantity", 3 * USD) for name in names]
    assert len([where for where in reads if "start >=" in where]) == 1


def over(start: str, end: str, thousands: object, net: object) -> str:
    """A row of several days."""
    return row("m in", net, thousands, when=f"{start}T00:00:00Z,{end}T00:00:00Z")


def test_a_row_of_a_month_is_held_against_the_month(tmp_path: Path) -> None:
    """3,000 thousand served on two days of January, and 3,200 billed in one row: 0.60 for 200 thousand, no more."""
    found = held(tmp_path / "a", JAN, [over("2026-01-01", "2026-02-01", 3200, "9.60")])
    assert found.differences == [Difference("north-api", "2026-01-01 to 2026-01-31", "quantity", 6 * USD // 10)]
    assert (found.billed, found.booked) == (96 * USD // 10, 9 * USD)
    same = held(tmp_path / "b", JAN, [over("2026-01-01", "2026-02-01", 3000, "9.00")])
    assert (same.agrees, same.differences, same.booked) == (True, [], 9 * USD)


def test_days_that_rows_tell_together_are_one_and_others_stay(tmp_path: Path) -> None:
    """A row of the 14th to the 15th, one of the 15th, and one of the 16th: two stretches."""
    rows = [over("2026-01-14", "2026-01-16", 400, "1.20"), billed("2026-01-15", 600, "1.80")]
    found = held(tmp_path, JAN, [*rows, billed("2026-01-16", 2000, "7.00")])
    assert said(found) == [("01-16", "price", 1.0)]


def test_a_day_of_twenty_five_hours_is_a_day() -> None:
    hour = 3_600_000_000
    assert [days_of(0, n * hour) for n in (0, 1, 23, 24, 25, 26, 48, 49, 743, 744, 745)] == [
        1, 1, 1, 1, 1, 2, 2, 2, 31, 31, 31,
    ]  # fmt: skip


def test_money_without_quantities_is_not_rated(tmp_path: Path) -> None:
    rows = [billed("2026-01-15", 1000, "3.00"), billed("2026-01-15", "", "8", "Storage")]
    found = held(tmp_path, JAN[:1], rows, rules=(INPUT, OTHER))
    assert found.differences == [Difference("storage", "2026-01-15", "not rated", 8 * USD)]


def test_bad_rows_and_rows_without_a_rule_are_told(tmp_path: Path) -> None:
    rows = [billed("2026-01-15", 1000, "3.00"), billed("2026-01-15", 1, "much"), billed("2026-01-15", 1, "1", "Else")]
    found = held(tmp_path, JAN[:1], rows)
    assert (len(found.aside), found.unmapped, found.differences) == (1, 1, [])
    assert "bill.csv:3:8: `much` is not a number" in found.aside[0]


def test_nothing_does_not_agree_with_the_books(tmp_path: Path) -> None:
    """A bill of which every row is skipped, or wrong, says nothing about 9 USD of served use."""
    skip: Data = {"where": {"ServiceName": "m*"}, "skip": True}
    skipped = held(tmp_path / "a", JAN, [billed("2026-01-15", 1000, "3.00")], rules=(skip,))
    assert (skipped.agrees, skipped.rows, len(skipped.aside)) == (False, 0, 1)
    wrong = held(tmp_path / "b", JAN, [billed("2026-01-15", 1000, "much")])
    assert (wrong.agrees, wrong.rows, len(wrong.aside)) == (False, 0, 1)


def test_a_bill_is_held_against_what_was_served_and_not_against_itself(tmp_path: Path) -> None:
    """The books have a call of 3 USD, the same as a row of a bill, and a row of what nobody served."""
    case = served_case()
    rows = [billed("2026-01-15", 1000, "3.00"), billed("2026-01-16", 500, "1.50")]
    with fresh(tmp_path) as store:
        mapping = read_mapping(mapped(tmp_path, INPUT), case)
        path = bill(tmp_path / "b.csv", rows)
        ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15T12:00", (10**6, 0))]))
        before = reconcile(Books(store, case), mapping, [path])
        BillIngest(Books(store, case), mapping).run([path], NOW)
        after = reconcile(Books(store, case), mapping, [path])
    assert (before.of_bills, after.of_bills) == (0, 2)
    assert replace(after, of_bills=0) == before
    console, shown = Console(file=StringIO(), width=200), list[str]()
    reconciled_view(after, "USD", console, shown.append)
    assert "2 rows on the books came from bills and are left out" in console.file.getvalue()  # type: ignore[attr-defined]
    assert '"of-bills": 2' in reconciled_json(after)
    assert (after.billed, after.booked) == (4_500_000_000, 3_000_000_000)


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 95), st.integers(1, 9999)), max_size=12),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9999), st.integers(0, 9999)), min_size=1, max_size=12),
)
def test_the_parts_add_up_to_the_difference(tmp_path_factory: Any, served: Any, rows: Any) -> None:
    """Whatever is billed and booked: billed less booked on the days of the bill, to the billionth."""
    start = day("2026-01-15")
    calls = [(f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M}", size) for hour, size in served]
    bills = [
        billed(f"{start + timedelta(days=on):%Y-%m-%d}", size, f"{net // 100}.{net % 100:02d}")
        for on, size, net in rows
    ]
    found = held(tmp_path_factory.mktemp("reconcile"), calls, bills)
    days = [on for on, _, _ in rows]
    booked = sum(size * 3_000_000 for hour, size in served if min(days) <= hour // 24 <= max(days))
    assert found.billed == sum(net for _, _, net in rows) * 10_000_000
    assert found.booked == booked
