"""Bills onto the books: each row once, rated by the case or as stated, what is wrong set aside; sums by hand.

The case is that of ``served``: North sells tokens at 3 USD per Mtok, South at 2.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from detente.case.case import Case
from detente.errors import CaseError
from detente.ledger.bills.bill_ingest import BillIngest, BillIngested, bills
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands as where_they_stand
from detente.ledger.store.store import Store
from detente.ledger.use.running_totals import all_sums
from detente.values.parquet import as_parquet
from tests.builders import REGIONS, Data, compute, day, gpus, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.served import NOW, accounts, contents, fresh, served_case, unknown
from tests.real_data import DATA, needs

HEAD = (
    "BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ServiceName,ListCost,BilledCost"
)
HOUR = "2026-01-15T12:00:00Z,2026-01-15T13:00:00Z"
OTHER: Data = {"where": {"ServiceName": "Storage"}, "sold": {"provider": "north", "product": "storage"}}
INPUT: Data = {
    "where": {"ServiceName": "m in"},
    "offer": "north-api",
    "workload": "chat",
    "tokens": "input",
    "per": 1000,
}
OUTPUT: Data = INPUT | {"where": {"ServiceName": "m out"}, "tokens": "output"}
TAX: Data = {"where": {"ChargeCategory": ["Tax", "Credit"]}, "skip": True}
FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "windows": {"every": "month"}}
NANOS = 10**9


def row(service: str, net: object, quantity: object = "", listed: object = "", when: str = HOUR, **more: str) -> str:
    found = {"currency": "USD", "category": "Usage", **more}
    return f"{found['currency']},{found['category']},{when},{quantity},{service},{listed},{net}"


def bill(path: Path, rows: Sequence[str], head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def mapped(folder: Path, *rules: Data, **more: Any) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump({"format": "focus", **more, "rules": list(rules)}), encoding="utf-8")
    return path


def read(store: Store, case: Case, mapping: Path, *files: Path, batch: int = 5000) -> BillIngested:
    return BillIngest(Books(store, case), read_mapping(mapping, case), batch).run(bills(files), NOW)


# -- what rows come to -------------------------------------------------------------------------------------------------
def test_money_that_is_stated_is_drawn_down(tmp_path: Path) -> None:
    """1,200.5 and 0.25 USD of storage count towards North's floor; tax does not."""
    case = served_case(FLOOR)
    some = [row("Storage", "1200.5"), row("Storage", "0.25"), row("", "228", category="Tax")]
    with fresh(tmp_path) as store:
        told = read(store, case, mapped(tmp_path, TAX, OTHER), bill(tmp_path / "b.csv", some))
        assert (told.rows, told.added, told.skipped, told.whole) == (3, 2, 1, True)
        assert accounts(store) == {"use/north/storage": 1_200_750_000_000, "owed/north": -1_200_750_000_000}
        with store.reading() as session:
            totals = Books(store, case).totals.read(session)
        (floor,) = case.signed
        meter = floor.meters()[0]
        assert totals.total(meter, next(iter(meter.windows))) == Decimal("1200.75")


def test_tokens_are_rated_at_the_case_s_prices_and_the_bill_s_money_is_kept_apart(tmp_path: Path) -> None:
    """1,000 thousand tokens in and 500 out at 3 USD per Mtok are 4.5 USD, whatever the bill says (3.9 and 2)."""
    some = [row("m in", "3.9", "1000"), row("m out", "2", "500")]
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, INPUT, OUTPUT), bill(tmp_path / "b.csv", some))
        assert (told.added, told.net) == (2, 5_900_000_000)
        assert accounts(store)["use/north/north-api"] == 4_500_000_000
        with store.reading() as session:
            bodies = [json.loads(body) for (body,) in session.all("SELECT body FROM calls ORDER BY n")]
        assert [each["stated"] for each in bodies] == [
            {"net": "3.9", "quantity": "1000"}, {"net": "2", "quantity": "500"},
        ]  # fmt: skip
        assert [(each["outcome"], each["row"]) for each in bodies] == [("billed", "b.csv:2"), ("billed", "b.csv:3")]


CHEAPER: Data = {"2026-01-01": 3, "2026-04-01": 2}
LESS: Data = {"id": "less", "kind": "discount", "off": "10%", "from": "2026-04-01"}


@pytest.mark.parametrize(
    ("price", "terms", "quantity", "when", "sums"),
    [
        (CHEAPER, [], 200_000, "2026-03-31,2026-04-02", [(100, 300), (100, 200)]),
        (CHEAPER, [], -200_000, "2026-03-31,2026-04-02", [(-100, -300), (-100, -200)]),
        (CHEAPER, [], 96_000, "2026-03-31T22:00:00Z,2026-04-01T22:00:00Z", [(8, 24), (88, 176)]),  # a day of Berlin
        (CHEAPER, [], 200_000, "2026-03-30,2026-04-01", [(200, 600)]),
        (CHEAPER, [], 0, "2026-03-31,2026-04-02", [(0, 0)]),
        ({None: 3}, [LESS], 200_000, "2026-03-31,2026-04-02", [(100, 300), (100, 270)]),
    ],
)
def test_tokens_of_a_row_in_which_a_price_turns_are_even_over_its_time(
    price: Data, terms: list[Data], quantity: int, when: str, sums: list[tuple[int, int]], tmp_path: Path
) -> None:
    """Mtok and USD before and after the first of April."""
    case = served_case(*terms, offers=[tokens("north", price), tokens("south", 2)])
    when = ",".join(each if "T" in each else f"{each}T00:00:00Z" for each in when.split(","))
    some = [row("m in", "500", quantity, when=when)]
    with fresh(tmp_path) as store:
        told = read(store, case, mapped(tmp_path, INPUT), bill(tmp_path / "b.csv", some))
        assert (told.added, told.unknown) == (1, 0)
        with store.reading() as session:
            found = sorted((each.start, each.work, each.net) for each in all_sums(session))
    assert [(work // NANOS, net // NANOS) for _, work, net in found] == sums


def test_a_correction_takes_use_back(tmp_path: Path) -> None:
    some = [row("m in", "3", "1000"), row("m in", "-0.75", "-250"), row("Storage", "-10")]
    with fresh(tmp_path) as store:
        read(store, served_case(), mapped(tmp_path, INPUT, OTHER), bill(tmp_path / "b.csv", some))
        found = accounts(store)
    assert (found["use/north/north-api"], found["use/north/storage"]) == (2_250_000_000, -10 * NANOS)


def test_what_is_below_the_list_price_is_of_the_clause_that_the_rule_names(tmp_path: Path) -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    some = [row("Storage", "90", listed="100")]
    with fresh(tmp_path) as store:
        rule = OTHER | {"discount": "off"}
        read(store, served_case(off), mapped(tmp_path, rule), bill(tmp_path / "b.csv", some))
        assert accounts(store) == {
            "use/north/storage": 100 * NANOS, "off/north/north-deal/off": -10 * NANOS, "owed/north": -90 * NANOS
        }  # fmt: skip


@pytest.mark.parametrize(("listed", "net"), [("10", "12"), ("0", "12"), ("-10", "-12")])
def test_what_is_above_the_list_price_is_no_discount(tmp_path: Path, listed: str, net: str) -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    case, rule = served_case(off), OTHER | {"discount": "off"}
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, rule), bill(tmp_path / "b.csv", [row("Storage", net, listed=listed)]))
        assert accounts(store) == {"use/north/storage": int(net) * NANOS, "owed/north": -int(net) * NANOS}


def test_tokens_without_a_quantity_are_unknown_and_never_zero(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, INPUT), bill(tmp_path / "b.csv", [row("m in", "3")]))
        assert (told.added, told.unknown) == (1, 1)
        assert (unknown(store), accounts(store)) == ({"the row states no quantity": 1}, {})


def test_who_used_it_is_unknown_and_not_nobody(tmp_path: Path) -> None:
    """A floor of one team: rows that do not say whose they are may be its own."""
    mine = FLOOR | {"of": {"team": "sales"}}
    case = served_case(mine, workloads=[work(labels={"team": "sales"})])
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", [row("Storage", "5")]))
        with store.reading() as session:
            counted = {lacks for _, _, lacks, _ in Books(store, case).totals.read(session).counts()}
    assert counted == {(("team",), ("north", None))}


# -- times and formats ------------------------------------------------------------------------------------------------
def test_times_without_a_zone_are_of_the_mapping_s(tmp_path: Path) -> None:
    """Ten in the evening of January 31 in New York is February in UTC."""
    case = served_case(FLOOR)
    some = [row("Storage", "1", when="2026-01-31 22:00:00,2026-01-31 23:00:00")]
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, OTHER, zone="America/New_York"), bill(tmp_path / "b.csv", some))
        assert [key[1] for key in contents(store)["sums"]] == [
            str(int(day("2026-02-01").timestamp() + 3 * 3600) * 10**6)
        ]


def test_an_aws_report_and_azure_s_details_are_known_by_their_columns(tmp_path: Path) -> None:
    aws = (
        "identity/LineItemId,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/UsageAmount,lineItem/UnblendedCost,"
        "lineItem/CurrencyCode,lineItem/ProductCode"
    )
    azure = "Date,Quantity,CostInBillingCurrency,BillingCurrencyCode,MeterCategory"
    rules = [{"sold": {"provider": "north", "product": "any"}}]
    with fresh(tmp_path) as store:
        first = bill(tmp_path / "cur.csv", ["id1,2026-01-15T00:00:00Z,2026-01-15T01:00:00Z,2,0.5,USD,EC2"], aws)
        assert read(store, served_case(), mapped(tmp_path, *rules, format="aws-cur"), first).added == 1
        second = bill(tmp_path / "azure.csv", ["01/16/2026,3,0.25,USD,AI"], azure)
        assert read(store, served_case(), mapped(tmp_path, *rules, format="azure-usage"), second).added == 1
        times = [(int(start) // 10**6, int(end) // 10**6) for _, start, end, *_ in contents(store)["sums"]]
    a, b = int(day("2026-01-15").timestamp()), int(day("2026-01-16").timestamp())
    assert times == [(a, a + 3600), (b, b + 86400)]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    columns = HEAD.split(",")
    values = row("Storage", "1.5").split(",")
    (tmp_path / "b.parquet").write_bytes(
        as_parquet([dict(zip(columns, values, strict=True))], columns=columns, exact=(), whole=()) or b""
    )
    with fresh(tmp_path) as store:
        mapping = mapped(tmp_path, OTHER)
        assert read(store, served_case(), mapping, tmp_path / "b.parquet").added == 1
        assert read(store, served_case(), mapping, bill(tmp_path / "b.csv", [row("Storage", "1.5")])).again == 1


def test_clocks_of_parquet_that_name_no_zone_are_in_the_mapping_s(tmp_path: Path) -> None:
    """20:00 of 31 January in New York is 01:00 UTC of 1 February; a column that names its zone means what it says."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    at = datetime(2026, 1, 31, 20)
    for zone, meant in ((None, "2026-02-01T01:00:00Z"), ("UTC", "2026-01-31T20:00:00Z")):
        table = {"Start": pa.array([at], pa.timestamp("us", zone)), "ServiceName": ["Storage"], "Net": ["1"]}
        pq.write_table(pa.table(table), tmp_path / f"{zone}.parquet")
        mapping = mapped(
            tmp_path, OTHER, format=None, zone="America/New_York", columns={"start": "Start", "net": "Net"}
        )
        (tmp_path / f"{zone}").mkdir()
        with fresh(tmp_path / f"{zone}") as store:
            assert read(store, served_case(), mapping, tmp_path / f"{zone}.parquet").added == 1
            with store.reading() as session:
                assert [json.loads(body)["at"] for (body,) in session.all("SELECT body FROM calls")] == [meant]


# -- what is wrong ---------------------------------------------------------------------------------------------------
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
        "b.csv:6:1: `EUR` is not the currency of the books, USD",
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
    assert (told.bad, len(told.broken)) == (1, 1)


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


# -- hours ----------------------------------------------------------------------------------------------------------
AT_ANY_TIME: Data = {
    "id": "at-any-time", "kind": "minimum-commitment", "amount": "100 GPU-hour", "windows": {"every": "month"},
    "shortfall": {"price": "1 USD per GPU-hour"}, "of": {"product": "gpu"},
}  # fmt: skip
UNITS: Data = {
    "id": "units", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m",
    "price": "1 USD per unit-hour", "throughput": "2 Mtok per minute",
}  # fmt: skip
EIGHT: Data = {"where": {"ServiceName": "p5"}, "offer": "north-gpus", "workload": "research", "hours": True, "per": 8}


LIVE = [deployment("units-live", "units", "http://localhost:9")]


def with_gpus(*terms: Data) -> Case:
    return served_case(*terms, offers=[gpus("north", 2), UNITS], workloads=[compute(), work()], deployments=LIVE)


def test_hours_of_a_bill_count_towards_commitments_in_units_and_its_money_as_stated(tmp_path: Path) -> None:
    """Machines of eight: 10 hours less 2 that were taken back are 64 GPU-hours; 36 of 100 are missing."""
    case = with_gpus(AT_ANY_TIME)
    rows = [row("p5", "170.5", 10), row("p5", "-34.1", -2)]
    with fresh(tmp_path) as store:
        told = read(store, case, mapped(tmp_path, EIGHT), bill(tmp_path / "b.csv", rows))
        assert (told.whole, told.added, told.net) == (True, 2, 136_400_000_000)
        (stands,) = where_they_stand(Books(store, case), day("2026-02-01"), all_windows=True).clauses[:1]
        assert stands.standing is not None
        assert (stands.standing.drawn, stands.standing.owed) == (64, 36)
        assert accounts(store)["use/north/north-gpus"] == 136_400_000_000
        with store.reading() as session:
            assert {(int(w), int(t)) for w, t in session.all("SELECT work, taken FROM lines")} == {
                (80 * NANOS, 80 * NANOS), (-16 * NANOS, -16 * NANOS),
            }  # fmt: skip


def test_hours_of_a_provisioned_unit_are_what_it_takes(tmp_path: Path) -> None:
    """Three hours of 120 Mtok each; what work that was, nobody says."""
    with fresh(tmp_path) as store:
        mapping = mapped(tmp_path, {"where": {"ServiceName": "ptu"}, "offer": "units", "hours": True})
        read(store, with_gpus(), mapping, bill(tmp_path / "b.csv", [row("ptu", "3", 3), row("ptu", "1")]))
        with store.reading() as session:
            found = {tuple(map(int, each)) for each in session.all("SELECT work, taken, listed FROM lines")}
        assert unknown(store) == {"the row states no quantity": 1}
    assert found == {(0, 360 * NANOS, 3 * NANOS), (0, 0, 0)}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (EIGHT | {"hours": False}, "counts taken of these rows, which their money does not say.*`hours: true`"),
        (EIGHT | {"tokens": "input"}, "`hours` are of an offer, and no tokens"),
        ({"sold": {"provider": "north"}, "hours": True}, "`hours` are of an offer, and no tokens"),
        ({"skip": True, "hours": True}, "the rule skips its rows, and says what they are"),
    ],
)
def test_hours_that_make_no_sense(tmp_path: Path, rule: Data, said: str) -> None:
    with pytest.raises(CaseError) as raised:
        read_mapping(mapped(tmp_path, rule), with_gpus(AT_ANY_TIME))
    assert re.search(said, " ".join(str(raised.value).split()))


def test_what_is_paid_by_the_token_has_no_hours(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="`north-api` is paid by the token, and has no hours"):
        read_mapping(mapped(tmp_path, {"offer": "north-api", "hours": True}), served_case())


# -- real files ------------------------------------------------------------------------------------------------------
SAMPLES = [DATA / "finops" / "focus_1.0_sample.csv.gz", DATA / "finops" / "focus_toolkit_synthetic_1.2_aws.csv.gz"]


@pytest.mark.parametrize("sample", SAMPLES, ids=["1.0", "1.2"])
@needs(DATA / "finops")
def test_a_real_focus_file_comes_to_the_sum_of_its_billed_costs(tmp_path: Path, sample: Path) -> None:
    with gzip.open(sample, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    due = sum(
        (Decimal(each["BilledCost"]) for each in rows if each["ChargeCategory"] not in ("Tax", "Credit")), Decimal(0)
    )
    with fresh(tmp_path) as store:
        every = {"sold": {"provider": "north", "product": "any"}}
        told = read(store, served_case(), mapped(tmp_path, TAX, every), sample)
        booked = Decimal(accounts(store)["use/north/any"]) / NANOS
    assert told.whole
    assert told.added + told.skipped == len(rows)
    assert abs(booked - due) <= len(rows) * Decimal("0.0000000005")  # each row is rounded once, to a billionth
