"""By what a row of a bill is known: each once, however often and by whichever mapping it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.ledger.store.store import Store
from detente.values.micros import at_micros
from tests.builders import Data
from tests.ledger.bills.bill_files import FLOOR, HOUR, NANOS, OTHER, bill, mapped, read, row
from tests.ledger.served import accounts, both, contents, fresh, served_case


def test_rows_that_are_alike_all_count_and_none_counts_twice(tmp_path: Path) -> None:
    same = [row("Storage", "1")] * 3
    mapping, case = mapped(tmp_path, OTHER), served_case()
    with fresh(tmp_path) as store:
        assert read(store, case, mapping, bill(tmp_path / "a.csv", same)).added == 3
        assert read(store, case, mapping, tmp_path / "a.csv").again == 3
        copy = bill(tmp_path / "copy.csv", [*same, row("Storage", "2")])
        told = read(store, case, mapping, copy)
        assert (told.added, told.again) == (1, 3)
        assert accounts(store)["use/north/storage"] == 5 * NANOS


@settings(max_examples=15)
@given(st.lists(st.integers(1, 3), max_size=30), st.integers(0, 30), st.integers(1, 7), st.randoms())
def test_an_export_in_parts_and_in_any_order_comes_to_the_same(
    tmp_path_factory: Any, amounts: list[int], cut: int, batch: int, shuffle: Any
) -> None:
    folder = tmp_path_factory.mktemp("bills")
    rows, case, mapping = [row("Storage", n) for n in amounts], served_case(FLOOR), mapped(folder, OTHER)
    mixed = [*rows]
    shuffle.shuffle(mixed)
    parts = [bill(folder / f"{n}.csv", part) for n, part in enumerate((mixed[:cut], mixed[cut:])) if part]
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    with fresh(folder / "one") as one, fresh(folder / "two") as two:
        if rows:
            read(one, case, mapping, bill(folder / "whole.csv", rows))
        read(two, case, mapping, *parts, batch=batch)
        read(two, case, mapping, *parts)
        assert contents(one) == contents(two)


# -- by another mapping ------------------------------------------------------------------------------------------------
HEAD = "BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ListCost,BilledCost,EffectiveCost,ServiceName,SkuMeter"
BY_METER: Data = {"where": {"SkuMeter": "*"}, "sold": {"provider": "north", "product": "meters"}}
NETWORK = OTHER | {"where": {"ServiceName": "Network"}}


@both
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([OTHER], [OTHER, BY_METER]),  # a rule more, which asks for another column
        ([OTHER, BY_METER | {"where": {"SkuMeter": "c"}}], [OTHER, NETWORK]),  # and one less
        ([OTHER], [OTHER, NETWORK]),
    ],
)
def test_a_corrected_mapping_adds_what_was_left_out_and_nothing_twice(
    store: Store, tmp_path: Path, before: list[Data], after: list[Data]
) -> None:
    """Two rows that are alike but for a column which only one of the mappings asks for, and one that had no rule."""
    rows = [f"USD,{HOUR},5,5,5,Storage,a", f"USD,{HOUR},5,5,5,Storage,b", f"USD,{HOUR},7,7,7,Network,d"]
    case, file = served_case(), bill(tmp_path / "b.csv", rows, HEAD)
    first = read(store, case, mapped(tmp_path, *before), file)
    assert (first.added, first.unmapped) == (2, 1)
    corrected = mapped(tmp_path, *after)
    told = read(store, case, corrected, bill(tmp_path / "again.csv", [*rows, f"USD,{HOUR},1,1,1,Storage,a"], HEAD))
    assert (told.added, told.again, told.unmapped) == (2, 2, 0)
    assert accounts(store)["owed/north"] == -18 * NANOS
    assert read(store, case, corrected, file).added == 0
    assert read(store, case, mapped(tmp_path, OTHER, columns={"net": "EffectiveCost"}), file).added == 0


def test_a_column_that_another_export_lacks_tells_none_of_its_rows(tmp_path: Path) -> None:
    """Rows of another provider's file are no rows of this one, though both have a price for an hour in common."""
    with fresh(tmp_path) as store:
        read(
            store, served_case(), mapped(tmp_path, BY_METER), bill(tmp_path / "a.csv", [f"USD,{HOUR},5,5,5,x,a"], HEAD)
        )
        told = read(store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", [row("Storage", "5")]))
        assert (told.added, told.again) == (1, 0)


def test_a_number_and_a_time_may_be_long_and_say_the_same(tmp_path: Path) -> None:
    """Such texts are read anew each time: what is remembered of others is bounded in length."""
    mapping, zeros = mapped(tmp_path, OTHER), "0" * 200
    with fresh(tmp_path) as store:
        for number, text in enumerate(
            (row("Storage", "1.5"), row("Storage", f"{zeros}1.5").replace(":00Z,", f":00.{zeros}Z,"))
        ):
            told = read(store, served_case(FLOOR), mapping, bill(tmp_path / f"{number}.csv", [text]))
            assert (told.added, told.again, told.whole) == (1 - number, number, True)


def test_all_that_is_wrong_with_a_row_is_told_at_once(tmp_path: Path) -> None:
    wrong = "EUR,31.01.2026,2026-01-15T13:00:00Z,5,many,5,Storage,a"
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", [wrong], HEAD))
    assert (told.bad, told.rows) == (1, 1)
    (said,) = told.aside
    assert said == (
        f"{tmp_path}/b.csv:2:1: `EUR` is not the currency of the books, USD; state its rate (`exchange:` of the"
        " case), give the bill in USD, or skip such rows by a rule; column 2: `31.01.2026` is not a time from"
        " 1970 to 2200, such as 2026-01-31T13:00:00Z; column 5: `many` is not a number, of at most 1e15 and 60 decimal"
        " places"
    )


@pytest.mark.parametrize(
    ("day", "until", "zone"),
    [
        ("2025-03-30", "2025-03-30T22:00:00", "Europe/Berlin"),  # clocks go forward: 23 hours, from 23:00 UTC
        ("2025-10-26", "2025-10-26T23:00:00", "Europe/Berlin"),  # and back: 25
        ("2025-12-31", "2025-12-31T23:00:00", "Europe/Berlin"),
        ("2025-09-07", "2025-09-08T03:00:00", "America/Santiago"),  # its midnight is skipped: 23 hours, from 04:00 UTC
        ("2025-04-05", "2025-04-06T04:00:00", "America/Santiago"),  # 23:00 comes twice: 25
        ("2025-11-02", "2025-11-03T05:00:00", "America/Havana"),  # midnight comes twice: 25, from 04:00 UTC
    ],
)
def test_a_row_without_an_end_lasts_for_its_local_day(tmp_path: Path, day: str, until: str, zone: str) -> None:
    more: Any = {"format": None, "zone": zone, "columns": {"start": "Start", "net": "Net"}}
    mapping = mapped(tmp_path, OTHER, **more)
    with fresh(tmp_path) as store:
        table = bill(tmp_path / "b.csv", [f"{day},Storage,1"], "Start,ServiceName,Net")
        assert read(store, served_case(), mapping, table).added == 1
        with store.reading() as session:
            end = session.number('SELECT MAX("end") FROM lines')
    assert f"{at_micros(end):%Y-%m-%dT%H:%M:%S}" == until
