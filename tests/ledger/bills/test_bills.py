"""Bills onto the books: each row once, rated by the case or as stated, what is wrong set aside; sums by hand.

The case is that of ``served``: North sells tokens at 3 USD per Mtok, South at 2.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands as where_they_stand
from detente.ledger.store.store import Store
from detente.ledger.use.line import LineSum
from detente.ledger.use.running_totals import all_sums
from detente.values.micros import micros
from detente.values.parquet import as_parquet
from tests.builders import REGIONS, Data, agreement, compute, day, gpus, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.bills.bill_files import FLOOR, HEAD, INPUT, NANOS, OTHER, OUTPUT, TAX, bill, mapped, read, row
from tests.ledger.served import accounts, contents, fresh, served_case, unknown
from tests.real_data import DATA, needs


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
        (CHEAPER, [], 96_000, "2026-03-31T22:00:00Z,2026-04-01T22:00:00Z", [(8, 24), (88, 176)]),  # a day of Berlin
        (CHEAPER, [], 200_000, "2026-03-30,2026-04-01", [(200, 600)]),
        (CHEAPER, [], 0, "2026-03-31,2026-04-02", [(0, 0), (0, 0)]),
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


@pytest.mark.parametrize(
    ("zone", "when", "sums"),
    [
        ("America/New_York", "2026-05-16T04:00:00Z,2026-05-17T04:00:00Z", [(24, 36)]),  # its 16th
        ("America/New_York", "2026-05-15T04:00:00Z,2026-05-16T04:00:00Z", [(24, 54)]),
        ("America/New_York", "2026-05-16T00:00:00Z,2026-05-17T00:00:00Z", [(4, 9), (20, 30)]),
        ("Asia/Tokyo", "2026-05-15T15:00:00Z,2026-05-16T15:00:00Z", [(24, 36)]),
    ],
)
def test_a_clause_turns_within_a_row_at_midnight_of_its_agreement(
    zone: str, when: str, sums: list[tuple[int, int]], tmp_path: Path
) -> None:
    """Mtok and USD, at 3 USD per Mtok: 25% off, and 50% from 16 May on, on the clock of the agreement."""
    off: list[Data] = [
        {"id": "less", "kind": "discount", "off": "25%"},
        {"id": "less", "kind": "discount", "off": "50%"},
    ]
    more = agreement(off[1], id="later", amends="north-deal", effective="2026-05-16")
    case = served_case(off[0], signed={"zone": zone}, also=[more])
    with fresh(tmp_path) as store:
        assert read(
            store, case, mapped(tmp_path, INPUT), bill(tmp_path / "b.csv", [row("m in", "1", 24000, when=when)])
        ).added
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
    assert counted == {(("team",), False), (("team",), True)}


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


@pytest.mark.parametrize("second", ["", ".250", ".250000"])
def test_times_are_read_as_bigquery_writes_them(tmp_path: Path, second: str) -> None:
    """In UTC, whatever the zone of the mapping: the same rows as in RFC 3339."""
    when = f"2026-01-15 12:00:00{second} UTC,2026-01-15 13:00:00 UTC"
    mapping = mapped(tmp_path, OTHER, zone="America/New_York")
    with fresh(tmp_path) as store:
        read(store, served_case(), mapping, bill(tmp_path / "b.csv", [row("Storage", "1", when=when)]))
        (found,) = sums_of(store)
        assert found.start == micros(day("2026-01-15")) + 43_200_000_000 + int(float(second or 0) * 1_000_000)
        same = bill(tmp_path / "c.csv", [row("Storage", "1", when=when.replace(" UTC", "Z").replace(" ", "T"))])
        assert read(store, served_case(), mapping, same).again == 1


def sums_of(store: Store) -> list[LineSum]:
    with store.reading() as session:
        return list(all_sums(session))


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


def test_typed_parquet_and_other_spellings_are_the_same_rows(tmp_path: Path) -> None:
    """Two rows are alike but for how they are written; what says something else is another row."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    at = [datetime(2026, 2, 10), datetime(2026, 2, 10)]
    values = {"Start": pa.array(at, pa.timestamp("us", "UTC")), "End": pa.array(at, pa.date32())}
    values |= {"Q": pa.array([1.0, 1.0]), "ServiceName": ["Storage"] * 2, "Net": pa.array([90.5, 90.5])}
    pq.write_table(pa.table(values), tmp_path / "b.parquet")
    mapping = mapped(
        tmp_path, OTHER, format=None, columns={"start": "Start", "end": "End", "quantity": "Q", "net": "Net"}
    )
    with fresh(tmp_path) as store:
        for n, (again, rows) in enumerate([
            (0, ["2026-02-10T00:00:00Z,2026-02-10T00:00:00Z,1,Storage,90.50"]),
            (2, ["2026-02-10T01:00:00+01:00,2026-02-10,1.0,Storage,90.5", "2026-02-10,02/10/2026,1e0,Storage,+90.500"]),
            (0, ["2026-02-10T00:00:00Z,2026-02-10T00:00:00Z,,Storage,90.50"]),
            (0, ["2026-02-10T00:00:00Z,2026-02-10T00:00:00Z,0,Storage,90.50"]),
            (0, ["2026-02-10T00:00:00Z,2026-02-10T00:00:00Z,1,Storage,90.5000000000000000000000000000001"]),
            (0, ["2026-02-10T00:00:00.0000001Z,2026-02-10T00:00:00Z,1,Storage,90.50"]),
            (1, ["2026-02-10T00:00:00Z,2026-02-10T00:00:00Z,1,Storage,90.50"]),
        ]):  # fmt: skip
            file = bill(tmp_path / f"{n}.csv", rows, "Start,End,Q,ServiceName,Net")
            assert read(store, served_case(), mapping, file).again == min(again, 1)
        told = read(store, served_case(), mapping, tmp_path / "b.parquet")
        assert (told.again, told.added) == (2, 0)


def test_rows_are_found_again_once_the_zone_of_a_mapping_is_corrected_and_the_next_day_s_are_new(
    tmp_path: Path,
) -> None:
    """What was 19:00 in New York has the moment of 00:00 UTC of the next day, and is another row."""
    hours = [[f"2026-01-{day_}T{hour:02}:00:00,Storage,1" for hour in range(24)] for day_ in (15, 16)]
    first, then = (bill(tmp_path / f"{n}.csv", some, "Start,ServiceName,Net") for n, some in enumerate(hours))
    more: Data = {"format": None, "columns": {"start": "Start", "net": "Net"}}
    with fresh(tmp_path) as store:
        assert read(store, served_case(), mapped(tmp_path, OTHER, zone="America/New_York", **more), first).added == 24
        mapping = mapped(tmp_path, OTHER, **more)
        assert read(store, served_case(), mapping, first).again == 24
        assert read(store, served_case(), mapping, then).added == 24
        assert read(store, served_case(), mapping, first, then).again == 48


def test_a_column_that_is_no_longer_read_as_a_number_is_known_as_one(tmp_path: Path) -> None:
    """A mapping that named the quantity, and one that does not: the same rows."""
    file = bill(tmp_path / "b.csv", ["2026-01-15,1.0,Storage,1"], "Start,Q,ServiceName,Net")
    columns = {"start": "Start", "net": "Net"}
    with fresh(tmp_path) as store:
        mapping = mapped(tmp_path, OTHER, format=None, columns=columns | {"quantity": "Q"})
        assert read(store, served_case(), mapping, file).added == 1
        mapping = mapped(tmp_path, OTHER, format=None, columns=columns)
        assert read(store, served_case(), mapping, file).again == 1


def test_rows_of_ledgers_of_before_are_found_by_their_text(tmp_path: Path) -> None:
    said = [["Net", "1.50"], ["ServiceName", "Storage"], ["Start", "2026-01-15"]]
    mark = blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()
    file = bill(tmp_path / "b.csv", ["2026-01-15,Storage,1.50", "2026-01-16,Storage,1.50"], "Start,ServiceName,Net")
    mapping = mapped(tmp_path, OTHER, format=None, columns={"start": "Start", "net": "Net"})
    with fresh(tmp_path) as store:
        read(
            store,
            served_case(),
            mapping,
            bill(tmp_path / "old.csv", ["2026-01-15,Storage,1.50"], "Start,ServiceName,Net"),
        )
        with store.writing() as session:  # as it was written before
            ((body,),) = session.all("SELECT body FROM routes")
            session.run("UPDATE routes SET body = ?", (re.sub(',"known_as":.*?}', "", str(body)),))
            session.run("UPDATE calls SET id = ?", (f"bill-{mark}-1",))
        told = read(store, served_case(), mapping, file)
        assert (told.again, told.added) == (1, 1)
        told = read(store, served_case(), mapping, file)
        assert (told.again, told.added) == (2, 0)


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


CUT: Data = {"id": "cut", "kind": "revenue-share", "rate": "20%", "of": {"product": "gpu"}}


@pytest.mark.parametrize(("earns", "owed"), [({"revenue": "5 USD per GPU-hour"}, 64), ({}, 0)])
def test_hours_of_work_that_earns_are_shared(tmp_path: Path, earns: Data, owed: int) -> None:
    """Machines of eight: 10 hours less 2 that were taken back are 64 GPU-hours, which earn 320 USD: a fifth is owed."""
    works = [compute(**earns), compute("other", revenue="9 USD per GPU-hour")]
    case = served_case(CUT, offers=[gpus("north", 2), UNITS], workloads=[*works, work()], deployments=LIVE)
    rows = [row("p5", "170.5", 10), row("p5", "-34.1", -2)]
    with fresh(tmp_path) as store:
        assert read(store, case, mapped(tmp_path, EIGHT), bill(tmp_path / "b.csv", rows)).whole
        (stands,) = where_they_stand(Books(store, case), day("2026-02-01"), all_windows=True).clauses[:1]
        assert stands.standing is not None
        assert stands.standing.owed == owed


@pytest.mark.parametrize(
    "rule",
    [
        {"where": {"ServiceName": "p5"}, "offer": "north-gpus", "hours": True},  # whose?
        EIGHT | {"hours": False, "per": 1},  # how much work?
    ],
)
def test_rows_of_which_nobody_knows_what_they_earn_are_refused(tmp_path: Path, rule: Data) -> None:
    works = [compute(revenue="5 USD per GPU-hour"), work()]
    case = served_case(CUT, offers=[gpus("north", 2), UNITS], workloads=works, deployments=LIVE)
    with pytest.raises(CaseError) as raised:
        read_mapping(mapped(tmp_path, rule), case)
    said = " ".join(str(raised.value).split())
    assert re.search("`cut` counts revenue of these rows, which their (hours|money) do(es)? not say", said), said
    assert "name the `workload`, with `hours` where it earns anything" in said


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
