"""What is wrong in a bill is set aside with its place, and what is good is kept; no rule, no mapping, no file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from detente.errors import CaseError
from detente.ledger.bills.bill_ingest import BillIngest
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.books.books import Books
from tests.builders import Data, day
from tests.ledger.bills.bill_files import HEAD, HOUR, INPUT, NANOS, OTHER, TAX, bill, mapped, read, row
from tests.ledger.served import fresh, served_case


def test_bad_rows_are_set_aside_with_their_place_and_good_ones_kept(tmp_path: Path) -> None:
    some = [
        row("Storage", "1"),
        row("Storage", "much"),
        row("Storage", "1", when="soon,2026-01-15T13:00:00Z"),
        "too,few",
        row("Storage", "1", currency="EUR"),
        row("Storage", "", when="2026-01-15T12:00:00Z,2026-01-15T11:00:00Z"),
        row("Storage", "2"),
    ]
    path = bill(tmp_path / "b.csv", some)
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), path)
        again = read(store, served_case(), mapped(tmp_path, OTHER), path)
        with store.reading() as session:
            kept = session.number("SELECT COUNT(*) FROM asides")
    assert (told.added, told.bad, told.whole, again.again, again.bad, kept) == (2, 5, False, 2, 5, 5)
    assert [said.replace(f"{tmp_path}/", "") for said in told.aside] == [
        "b.csv:3:8: `much` is not a number, of at most 1e15 and 60 decimal places",
        "b.csv:4:3: `soon` is not a time from 1970 to 2200, such as 2026-01-31T13:00:00Z",
        "b.csv:5:1: has 2 values where the header has 8; check its commas and quotes",
        "b.csv:6:1: `EUR` is not the currency of the books, USD; state its rate (`exchange:` of the case), give the"
        " bill in USD, or skip such rows by a rule",
        "b.csv:7:4: `2026-01-15T11:00:00Z` is before its start; column 8: states no amount of money; write 0 where it"
        " is free, or skip such rows by a rule",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row("Storage", "1", when="0001-01-01T00:00:00+02:00,2026-01-01"), "is not a time from 1970 to 2200"),
        (row("Storage", "1", when="2026-01-01,9999-12-31"), "is not a time from 1970 to 2200"),
        (row("Storage", "1e-99999999"), "is not a number, of at most 1e15 and 60 decimal places"),
        (row("Storage", "1_000"), "`1_000` is not a number"),
        (row("Storage", '"1,5"'), "`1,5` is not a number, of at most 1e15 and 60 decimal places; write no thousands"),
        (row("Storage", "1", when="2026-01-15 12:00:00 CET,2026-01-16"), "`2026-01-15 12:00:00 CET` is not a time"),
        (row("Storage", "\u0663"), "is not a number, of at most 1e15 and 60 decimal places"),
        (row("Storage", ""), "states no amount of money; write 0 where it is free"),
        (row("m in", "1", "1e13"), "`1e13` times 1,000 is more than 1e15 tokens; correct `per:`"),
    ],
)
def test_what_no_bill_can_mean_is_set_aside(tmp_path: Path, wrong: str, said: str) -> None:
    """Days at the ends of the calendar, numbers of any length: no traceback, and no hour of work."""
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, INPUT, OTHER), bill(tmp_path / "b.csv", [wrong]))
    assert (told.added, told.bad, said in told.aside[0]) == (0, 1, True)


def test_a_row_that_is_no_text_is_set_aside_and_those_behind_it_are_read(tmp_path: Path) -> None:
    """Latin-1 among UTF-8, in a value and in one of two lines; a byte order mark is no mistake."""
    rows = [
        row("Storage", "1"),
        row("Caf\xe9", "2"),
        row("Storage", "4"),
        row('"Caf\xe9\nbar"', "8"),
        row("Storage", "16"),
    ]
    file = tmp_path / "b.csv"
    file.write_bytes(b"\xef\xbb\xbf" + "\n".join([HEAD, *rows]).encode("latin-1"))
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), file)
    assert told.aside == [f"{file}:{n}:6: byte 0xe9 is not UTF-8 text; save the file as UTF-8" for n in (3, 6)]
    assert (told.added, told.bad, told.net) == (3, 2, 21 * NANOS)


@pytest.mark.parametrize(
    ("wrong", "said", "place", "lost"),
    [
        (["Storage" + "x" * 3 * 2**20], "is a line of more than 1 MiB", 3, 0),
        (['"Storage' + "x" * 3 * 2**20, 'more"'], "is a line of more than 1 MiB", 4, 0),  # its last line, as of any row
        (['"Stor"age"'], "is not CSV: ',' expected after '\"'", 3, 0),
        (['"Storage'], "is not CSV: unexpected end of data (lines 3 to 5 cannot be told apart)", 3, 2),
        (['"Storage', 'and"so'], "is not CSV: ',' expected after '\"' (lines 3 to 4 cannot be told apart)", 3, 0),
        (["S" * 140_000], "is not CSV: field larger than field limit (131072)", 3, 0),
    ],
)
def test_a_row_that_is_no_csv_is_set_aside_and_those_behind_it_are_read(
    wrong: list[str], said: str, place: int, lost: int, tmp_path: Path
) -> None:
    """Of 1, 2 and 4 USD; those behind a quote that nothing closes are not told apart from it."""
    some = [row("Storage", "1"), f"USD,Usage,{HOUR},,{wrong[0]}", *wrong[1:], row("Storage", "2"), row("Storage", "4")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", some))
    assert (told.net, told.added, told.bad, told.broken) == ((7, 1)[lost > 0] * NANOS, 3 - lost, 1, [])
    assert told.aside[0].removeprefix(f"{tmp_path}/").startswith(f"b.csv:{place}:1: {said}")


def test_a_quote_that_nothing_closes_takes_no_more_than_128_kib_with_it(tmp_path: Path) -> None:
    """Of 9,000 rows of 1 USD behind it, 70 bytes or so each, those of 128 KiB are set aside, and it is said which."""
    rows = [row('"Storage', "1"), *[row("Storage", "1")] * 9_000]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", rows))
    (said,) = told.aside
    last = int(said.partition("(lines 2 to ")[2].partition(" ")[0])
    assert told.added == 9_002 - last
    assert 131_072 <= (last - 1) * (len(rows[1]) + 1) <= 131_072 + 3 * len(rows[1])


def test_a_row_of_a_time_to_come_waits_until_it_has(tmp_path: Path) -> None:
    some = [row("Storage", "1"), row("Storage", "2", when="2026-07-02T00:00:01Z,2026-07-03T00:00:00Z")]
    with fresh(tmp_path) as store:
        mapping, file = mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", some)
        told = read(store, served_case(), mapping, file)
        (said,) = told.aside
        assert said == (
            f"{file}:3:3: `2026-07-02T00:00:01Z` is more than a day from now; give the file again once it has come,"
            " or skip such rows by a rule"
        )
        assert (told.added, told.bad, told.whole) == (1, 1, False)
        later = BillIngest(Books(store, served_case()), read_mapping(mapping, served_case())).run(
            [file], day("2026-07-02")
        )
        assert (later.added, later.again, later.whole) == (1, 1, True)


def test_a_file_of_wrong_rows_alone_says_which(tmp_path: Path) -> None:
    path = bill(tmp_path / "b.csv", ["too,few", "fewer"])
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), path)
    assert (told.rows, told.bad, told.broken) == (2, 2, [])
    cut = bill(tmp_path / "c.csv", ["too,few", '"open'])
    (tmp_path / "other").mkdir()
    with fresh(tmp_path / "other") as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), cut)
    assert (told.bad, told.broken) == (2, [])


def test_of_a_row_that_is_skipped_nothing_else_is_read(tmp_path: Path) -> None:
    """Tax in another currency, without an amount: no use of this case, and nothing wrong with it."""
    some = [row("", "", category="Tax", currency="EUR", when=","), row("Storage", "1")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, TAX, OTHER), bill(tmp_path / "b.csv", some))
    assert (told.skipped, told.added, told.whole) == (1, 1, True)


def test_only_a_star_stands_for_anything(tmp_path: Path) -> None:
    rule: Data = OTHER | {"where": {"ServiceName": "Store [std]?*"}}
    some = [row("Store [std]? A", "1"), row("Store s", "2"), row("Store d! A", "4")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, rule), bill(tmp_path / "b.csv", some))
    assert (told.added, told.net, told.unmapped_net) == (1, NANOS, 6 * NANOS)


def test_an_empty_column_can_be_asked_for(tmp_path: Path) -> None:
    rules = [OTHER | {"where": {"ServiceName": ""}}, TAX | {"where": {"ServiceName": ["Tax", "m*"]}}]
    some = [row("", "1"), row("Tax", "2"), row("Storage", "4")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, *rules), bill(tmp_path / "b.csv", some))
    assert (told.added, told.net, told.skipped, told.unmapped) == (1, NANOS, 1, 1)


def test_rows_without_a_rule_are_told_with_their_money(tmp_path: Path) -> None:
    some = [row("Storage", "1"), row("Compute", "7.5"), row("Network", "0.5")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", some))
    assert (told.added, told.unmapped, told.unmapped_net, told.whole) == (1, 2, 8 * NANOS, False)
    assert told.first_unmapped == f"{tmp_path}/b.csv:3"


def test_a_file_that_breaks_off_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([HEAD, *(row("Storage", n) for n in range(300))]).encode())
    (tmp_path / "b.csv.gz").write_bytes(whole[:-9])
    one = bill(tmp_path / "a.csv", [row("Storage", "1")])
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), tmp_path / "b.csv.gz", one)
    assert (told.added, told.whole) == (1, False)
    (said,) = told.broken
    assert said.startswith(f"{tmp_path}/b.csv.gz: cannot be read")


def test_every_mistake_of_a_mapping_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "format: focus\n"
        "zone: Mars/Olympus\n"
        "rules:\n"
        "  - { offer: north-apis }\n"
        "  - { offer: north-api, sold: { provider: north } }\n"
        "  - { skip: true, tokens: input }\n"
        "  - { offer: north-api, token: input }\n",
        encoding="utf-8",
    )
    with pytest.raises(CaseError) as error:
        read_mapping(path, served_case())
    said = [f"{m.where.line}:{m.where.column} {m.what}" for m in error.value.mistakes]
    assert said == [
        "2:7 there is no time zone `Mars/Olympus`",
        "5:5 a rule names an `offer`, or what was `sold`",
        "6:13 the rule skips its rows, and says what they are",
        "7:25 unknown key `token`",
    ]
    path.write_text("format: focus\nrules: [{ offer: north-apis }, { sold: { provider: west, colour: red } }]\n")
    with pytest.raises(CaseError) as error:
        read_mapping(path, served_case())
    assert [(m.where.column, m.what) for m in error.value.mistakes] == [
        (18, "the case has no offer `north-apis`"),
        (40, "`sold` names no provider of the case"),
        (66, "`colour` is no fact of what is sold"),
    ]


def test_clauses_that_count_work_are_not_told_that_there_was_none(tmp_path: Path) -> None:
    """A row of money does not say how much was taken, and a floor of work must not read it as nothing."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "10 Mtok", "windows": {"every": "month"}}
    floor["shortfall"] = {"price": "1 USD per Mtok"}
    with pytest.raises(CaseError, match="`floor` counts taken of these rows, which their money does not say"):
        read_mapping(mapped(tmp_path, OTHER), served_case(floor))
