"""The books as a FOCUS file: every column and what stands in it, sums that are those of the books, the official rules.

The official validator (``focus-validator``, Python 3.12) runs where ``DETENTE_FOCUS_VALIDATOR`` names the Python of its
own environment; the columns, types and nulls of the specification are checked where the real data are; ours, always.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.contract.metered.use import Use
from detente.contract.rated.rating import Rating
from detente.ledger.bills.bill_ingest import BillIngest
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.bills.focus_export import COLUMNS, FocusExport, FocusRow
from detente.ledger.bills.focus_file import save_rows
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseLine
from tests.builders import Data, day, gpus, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.bills.bill_files import mapped
from tests.ledger.served import NOW, accounts, both, call, fresh, ingested, journal_of, served_case, spread
from tests.real_data import DATA, needs

SPEC = DATA / "finops" / "focus_spec_columns_1.0-1.2.csv"
VALIDATOR = os.environ.get("DETENTE_FOCUS_VALIDATOR", "")
CLAIMS = (
    "ACCOUNT_NAMING_SUPPORTED,COMMITMENT_DISCOUNT_SUPPORTED,MULTIPLE_PRICING_CATEGORIES_SUPPORTED,REGION_SUPPORTED,"
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED,TAGGING_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED"
)
"""What the export says of itself: it names accounts, reservations, regions, kinds of resources, tags and quantities. It
claims neither unit prices (a row is of several kinds of tokens) nor invoices."""
UNITS: Data = {
    "id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m",
    "throughput": "1 Mtok per minute", "price": "73 USD per unit per 730 hours", "term": "1 month", "cut": "prorate",
}  # fmt: skip
DEAL: tuple[Data, ...] = (
    {"id": "off", "kind": "discount", "off": "7%", "of": {"product": "tokens"}},
    {"id": "floor", "kind": "minimum-commitment", "amount": "500 USD", "measure": "after-discounts",
     "windows": {"every": "month"}},
    {"id": "welcome", "kind": "credit", "amount": "1 USD", "windows": {"every": "month"}},
)  # fmt: skip
RUNS: Data = {"models": ["m"], "accelerators": {"H100": "1 Mtok per GPU-hour"}}
UNTIL = day("2026-03-01")
NANOS = 10**9


def case() -> Case:
    live = [deployment(f"{name}-live", name, "http://localhost:9") for name in ("north-api", "south-api", "units")]
    either = work(labels={"team": "sales"}) | {"runs-on": RUNS}
    offers = [tokens("north", 3), tokens("south", 2), UNITS, gpus("north", 4)]
    return served_case(*DEAL, offers=offers, workloads=[either], deployments=live)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Use of each kind, some of it unknown, and what clauses came to by March."""
    folder, found = tmp_path_factory.mktemp("focus"), case()
    labels = {"team": "sales"}
    reserved = call(2000, deployment="units-live", offer="units", attempts=(), labels=labels)
    records = [*(record.replace(b'"labels":{}', b'"labels":{"team":"sales"}') for record in spread(60)), reserved]
    with fresh(folder) as store:
        ingested(store, found, journal_of(folder / "journal", [*records, call(1000, used=None)]))
        kept = Books(store, found)
        kept.post(map(_posted(found), _uses(found)), NOW)
        close(kept, UNTIL, NOW)
        yield kept


def _uses(found: Case) -> list[Use]:
    noon, hour, zero = day("2026-01-15").replace(hour=12), day("2026-01-15").replace(hour=13), Decimal(0)
    who, next_day = found.workloads[0].facts, day("2026-01-16")
    moved = {"provider": "north", "region": "dublin", "country": "IE"}
    return [
        Use("idle", None, found.offer_facts["units"], noon, hour, zero, Decimal(60), Decimal("0.1")),
        Use("reserved", None, found.offer_facts["units"], noon, hour, zero, zero, Decimal("-0.02")),
        Use("reserved", who, found.offer_facts["units"], noon, hour, zero, zero, Decimal("-0.03")),
        Use("idle", None, found.offer_facts["units"], hour, hour + (hour - noon), zero, zero, zero),  # all was used
        Use("use", who, found.offer_facts["north-gpus"], noon, next_day, zero, Decimal(60), Decimal(240)),
        Use("egress", who, moved, noon, hour, zero, zero, Decimal(5)),
    ]  # fmt: skip


def _posted(found: Case) -> Callable[[Use], UseLine]:
    rating = Rating(found.signed)
    return lambda use: UseLine.rated(rating.rate(use))


def rows(books: Books, start: str = "2026-01-01", end: datetime = UNTIL) -> list[FocusRow]:
    return list(FocusExport(books, day(start), end).rows())


@pytest.fixture
def file(books: Books, tmp_path: Path) -> Path:
    path = tmp_path / "focus.csv"
    assert FocusExport(books, day("2026-01-01"), UNTIL).save(path) == len(rows(books))
    return path


# -- what it says ------------------------------------------------------------------------------------------------------
def test_it_comes_to_what_the_books_say_is_owed(books: Books) -> None:
    """Use at its net price, and what clauses charged or gave: all that is owed, to the billionth, by provider."""
    owed = {name: amount for name, amount in accounts(books.store).items() if name.startswith("owed/")}
    found = rows(books)
    by_north = sum(Decimal(row["BilledCost"]) for row in found if row["ProviderName"] == "North")
    assert owed == {"owed/north": -int(by_north * NANOS)}
    assert (
        sum(Decimal(row["ListCost"]) - Decimal(row["ContractedCost"]) for row in found) * NANOS
        == -accounts(books.store)["off/north/north-deal/off"]
    )


def test_a_row_of_tokens(books: Books) -> None:
    """The nine calls of the first hour: 1000 to 1008 tokens in, 0 to 56 out, at 3 USD per Mtok less 7%."""
    first = min((row for row in rows(books) if row["SkuId"] == "north-api"), key=lambda row: row["ChargePeriodStart"])
    assert first == {
        "BilledCost": "0.02591352", "EffectiveCost": "0.02591352", "ContractedCost": "0.02591352",
        "ListCost": "0.027864", "BillingCurrency": "USD", "BillingAccountId": "test", "BillingAccountName": "test",
        "BillingPeriodStart": "2026-01-01T00:00:00Z", "BillingPeriodEnd": "2026-02-01T00:00:00Z",
        "ChargePeriodStart": "2026-01-15T00:00:00Z", "ChargePeriodEnd": "2026-01-15T01:00:00Z",
        "InvoiceIssuerName": "North", "ProviderName": "North", "PublisherName": "North",
        "ConsumedQuantity": "9288.0", "ConsumedUnit": "Tokens", "PricingQuantity": "9288.0", "PricingUnit": "Tokens",
        "SkuMeter": "Tokens", "ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Generative AI",
        "ServiceName": "m", "RegionId": "dublin", "RegionName": "dublin", "ResourceId": "north-api",
        "ResourceName": "north-api", "ResourceType": "tokens", "ChargeCategory": "Usage",
        "ChargeDescription": "north-api, used by chat", "ChargeFrequency": "Usage-Based",
        "PricingCurrency": "USD", "PricingCurrencyEffectiveCost": "0.02591352",
        "PricingCategory": "Standard", "SkuId": "north-api", "SkuPriceId": "north-api", "Tags": '{"team": "sales"}',
        "x_Calls": "9", "x_InputTokens": "9036", "x_CachedTokens": "0", "x_OutputTokens": "252",
        "x_TakenOff": '{"off": "0.00195048"}', "x_Workload": "chat",
        "x_ContractApplied": '{"Elements": [{"ContractId": "north-deal", '
        '"ContractCommitmentId": "north-deal/floor/2026-01-01", "ContractCommitmentAppliedCost": 0.02591352}]}',
    }  # fmt: skip


def test_capacity_that_was_reserved_is_used_or_unused(books: Books) -> None:
    """What was paid for use, where that is not its price of the day, is used with it, and is no use of its own."""
    reserved = [row for row in rows(books) if row["SkuId"] == "units"]
    said = [(r["CommitmentDiscountStatus"], r["CommitmentDiscountQuantity"], r["ConsumedQuantity"]) for r in reserved]
    assert sorted(said) == [
        ("Unused", "0.0", ""), ("Unused", "60000000.0", ""), ("Used", "0.0", "0.0"), ("Used", "15.0", "15.0"),
    ]  # fmt: skip
    assert {(r["x_Calls"], r["EffectiveCost"]) for r in reserved if r["CommitmentDiscountQuantity"] == "0.0"} == {
        ("0", "-0.02"),
        ("0", "-0.03"),
    }
    assert [r["x_Calls"] for r in reserved if r["x_Calls"] != "0"] == ["1"]
    assert {row["PricingCategory"] for row in reserved} == {"Committed"}
    assert {row["CommitmentDiscountType"] for row in reserved} == {"Reservation"}


def test_what_clauses_charge_and_give_is_a_row_each(books: Books) -> None:
    """February has no use: all of its 500 USD is missing; January's credit of 1 USD is drawn."""
    of_clauses = [row for row in rows(books) if row["ChargeCategory"] in ("Credit", "Adjustment")]
    said = {(r["x_Clause"], r["x_Part"], r["BillingPeriodStart"][:7], r["ChargeCategory"]) for r in of_clauses}
    assert ("floor", "shortfall-fee", "2026-02", "Adjustment") in said
    assert any(clause == "welcome" and category == "Credit" for clause, _, _, category in said)
    february = next(r for r in of_clauses if r["x_Clause"] == "floor" and r["BillingPeriodStart"][:7] == "2026-02")
    assert (february["BilledCost"], february["x_Agreement"]) == ("500.0", "north-deal")


def test_use_that_is_not_known_has_no_row_and_is_counted(books: Books) -> None:
    export = FocusExport(books, day("2026-01-01"), UNTIL)
    assert export.unknown == 1
    assert sum(int(row.get("x_Calls", "0")) for row in export.rows() if row["SkuId"] == "north-api") == 60


def test_a_month_has_its_own_rows_and_no_others(books: Books) -> None:
    whole, january = rows(books), rows(books, end=day("2026-02-01"))
    february = rows(books, "2026-02-01")
    assert [*january, *february] == sorted(whole, key=lambda row: row not in january)
    assert all(row["BillingPeriodStart"].startswith("2026-02") for row in february)


@both
def test_what_comes_late_is_a_correction_where_it_is_booked(store: Store, tmp_path: Path) -> None:
    """January is closed: its file stays as it was, and the late call of its hour is in that of February, by name.

    Each month's file comes to what was booked in it: a tenth of a Mtok at 3 USD is 0.3 in each.
    """
    served = served_case()
    kept = Books(store, served)
    ingested(store, served, journal_of(tmp_path / "j", [call(1, "2026-01-15", (100_000, 0))]))
    close(kept, day("2026-02-01"), NOW)
    january = rows(kept, end=day("2026-02-01"))
    ingested(store, served, journal_of(tmp_path / "k", [call(2, "2026-01-15", (100_000, 0))]))
    assert rows(kept, end=day("2026-02-01")) == january
    (late,) = rows(kept, "2026-02-01")
    (on_time,) = january
    changed = {"BillingPeriodStart": "2026-02-01T00:00:00Z", "BillingPeriodEnd": "2026-03-01T00:00:00Z"}
    unsaid = {"CommitmentDiscountQuantity": "", "CommitmentDiscountUnit": ""}
    assert late == on_time | changed | unsaid | {"ChargeClass": "Correction", "x_Adjusts": "Jan 2026"}
    assert late["EffectiveCost"] == "0.3"


# -- the specification -------------------------------------------------------------------------------------------------
PATTERNS = {
    "Date/Time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "Decimal": r"-?\d+\.\d+",
    "JSON": r"\{.*\}",
    "String": r".*",
}


def test_our_own_rules_of_columns_hold(books: Books) -> None:
    """Never null: what is billed, by whom, for when. Numbers are decimals, and times end after they begin."""
    whole = {
        c
        for c in COLUMNS
        if re.match("Bill|ChargeP|ChargeC(?!lass)|ChargeD|Provider|Publisher|Invoice(?!Id)|Service", c)
    }
    for row in rows(books):
        assert set(row) <= set(COLUMNS)
        assert all(row.get(column) for column in whole), row
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["BillingPeriodEnd"]
        for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
            assert re.fullmatch(PATTERNS["Decimal"], row[column])
        json.loads(row.get("Tags") or "{}")


@needs(SPEC)
def test_every_column_is_as_the_specification_says(file: Path) -> None:
    """Its name, type, allowed values, and whether it may be null; none that is mandatory is missing."""
    with SPEC.open(encoding="utf-8", newline="") as spec:
        known = {each["column_id"]: each for each in csv.DictReader(spec) if each["focus_version"] == "v1.2"}
    with file.open(encoding="utf-8", newline="") as out:
        found = list(csv.DictReader(out))
    ours = list(found[0])
    assert [c for c in ours if c not in known and not c.startswith("x_")] == []
    assert [c for c, each in known.items() if each["feature_level"] == "Mandatory" and c not in ours] == []
    for column in set(ours) & set(known):
        rule = known[column]
        allowed = set(filter(None, rule["allowed_values"].split(";")))
        if column == "ServiceSubcategory":  # the table names its categories here
            allowed = set()
        for row in found:
            value = row[column]
            assert value or rule["allows_nulls"] == "True", column
            assert not value or re.fullmatch(PATTERNS[rule["data_type"]], value, re.DOTALL), (column, value)
            assert not (value and allowed) or value in allowed, (column, value)


validates = pytest.mark.skipif(not VALIDATOR, reason="DETENTE_FOCUS_VALIDATOR names no Python with focus-validator")


@validates
def test_the_official_validator_finds_no_fault(file: Path) -> None:
    assert found_by_validator(file) == set()


def found_by_validator(file: Path) -> set[str]:
    """The rules that a file fails, by its report: it exits 0 whatever it finds, and must be kept from the network."""
    home = subprocess.run(
        [VALIDATOR, "-c", "import focus_validator, pathlib; print(pathlib.Path(focus_validator.__file__).parents[1])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    command = [str(Path(VALIDATOR).with_name("focus-validator")), "--data-file", str(file), "--validate-version", "1.2"]
    command += ["--block-download", "--applicability-criteria", CLAIMS, "--output-type", "console"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home, check=True)
    total = re.search(r"Pass: (\d+) \| Fail: (\d+)", done.stdout + done.stderr)
    assert total is not None, done.stdout[-2000:]
    assert int(total[1]) > 150
    return set(re.findall(r"^❌ ([\w-]+): FAIL", done.stdout + done.stderr, re.MULTILINE)) - WRONG_THEMSELVES


WRONG_THEMSELVES = {f"CommitmentDiscountStatus-C-00{n}-C" for n in (0, 2, 4)} | {"InvoiceId-C-005-C"}
"""Rules of the validator's model 1.2.0.1 that nothing can meet. A status must not be null where there is no commitment
discount, and must be null there (the condition of -004 is not that of its sentence; -002 and -000 hold it). An invoice
must not be null: one of two rules of which one must hold, and the other does."""


def test_what_rows_are_read_from_is_let_go_of_where_they_cannot_be_written(tmp_path: Path) -> None:
    """A disk that is full, say: it would be closed under whoever still reads."""
    ended = []

    def made() -> Generator[FocusRow, None, None]:
        try:
            yield {"BilledCost": "1.0"}
            yield {"no column": "1.0"}
        finally:
            ended.append(True)

    rows = made()
    with pytest.raises(ValueError, match="no column"):
        save_rows(tmp_path / "focus.csv", COLUMNS, rows)
    assert (ended, list(tmp_path.iterdir())) == ([True], [])


# -- and back ----------------------------------------------------------------------------------------------------------
BACK: tuple[Data, ...] = (
    {"where": {"ProviderName": "North"}, "sold": {"provider": "north", "product": "any"}},
    {"where": {"ProviderName": "South"}, "sold": {"provider": "south", "product": "any"}},
)


@both
def test_what_was_exported_and_is_ingested_as_a_bill_comes_to_the_same(
    file: Path, tmp_path: Path, books: Books, store: Store
) -> None:
    """Another ledger, made of the file alone, owes what the books owe; and its own export has the same billed costs."""
    plain = served_case()
    mapping = read_mapping(mapped(tmp_path, *BACK), plain)
    told = BillIngest(Books(store, plain), mapping).run([file], NOW)
    assert (told.added, told.whole) == (len(rows(books)), True)
    owed = {name: amount for name, amount in accounts(books.store).items() if name.startswith("owed/")}
    assert {name: amount for name, amount in accounts(store).items() if name.startswith("owed/")} == owed
    again = list(FocusExport(Books(store, plain), day("2026-01-01"), UNTIL).rows())
    assert sum(Decimal(row["BilledCost"]) for row in again) == sum(Decimal(row["BilledCost"]) for row in rows(books))
