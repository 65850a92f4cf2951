"""Commitments as FOCUS has them: a row a window by the model of 1.4, and what charges are applied to, to the billionth.

``focus-toolkit`` (of ``focus-data-toolkit``, which has the official JSON schemas) runs where ``DETENTE_FOCUS_TOOLKIT``
names it; the model of 1.4 is checked where the real data are; the rest, always.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import subprocess
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detente.ledger.bills.focus_commitments import COMMITMENT_COLUMNS, FocusCommitments
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands
from tests.builders import Data, agreement, day, work
from tests.ledger.bills.test_focus_export import PATTERNS, UNTIL, books
from tests.ledger.served import fresh, ingested, journal_of, served_case, spread
from tests.real_data import DATA, needs

__all__ = ["books"]
MODEL = DATA / "finops" / "focus_1_4_model.json.gz"
TOOLKIT = os.environ.get("DETENTE_FOCUS_TOOLKIT", "")
MID = day("2026-02-10")
FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "500 USD", "windows": {"every": "month"}}


def commitments(books: Books, as_of: datetime = MID) -> list[dict[str, str]]:
    return list(FocusCommitments(books, as_of).rows())


def of_terms(folder: Path, *terms: Data, **more: Any) -> list[dict[str, str]]:
    """The commitments of some clauses, over ten calls."""
    with fresh(folder) as store:
        case = served_case(*terms, **more)
        records = [record.replace(b'"labels":{}', b'"labels":{"team":"sales"}') for record in spread(10)]
        ingested(store, case, journal_of(folder / "j", records))
        return commitments(Books(store, case))


def test_each_window_is_a_row_with_where_it_stands(books: Books) -> None:
    found = {row["ContractCommitmentPeriodStart"][:7]: row for row in commitments(books)}
    assert list(found) == [f"2026-0{month}" for month in range(1, 7)]
    said = {month: row["ContractCommitmentLifecycleStatus"] for month, row in found.items()}
    assert said == {"2026-01": "Expired", "2026-02": "Active", **dict.fromkeys(list(found)[2:], "Pending")}
    february = found["2026-02"]
    assert february | {"ContractCommitmentDescription": "", "x_Drawn": ""} == {
        "BillingCurrency": "USD", "ServiceProviderName": "North", "InvoiceIssuerName": "North",
        "ContractId": "north-deal", "ContractCommitmentId": "north-deal/floor/2026-02-01",
        "ContractCommitmentType": "minimum-commitment", "ContractCommitmentDescription": "",
        "ContractCommitmentBenefitCategory": "Other", "ContractCommitmentOfferCategory": "Negotiated",
        "ContractCommitmentModel": "Discontinuous", "ContractCommitmentFulfillmentInterval": "Full Period",
        "ContractCommitmentPaymentModel": "No Upfront", "ContractCommitmentPaymentInterval": "Monthly",
        "ContractCommitmentApplicability": '{"InclusionOperator": "And", "Inclusions": [{"Dimension": '
        '"ServiceProviderName", "Operator": "In", "Values": ["North"]}]}',
        "ContractCommitmentLifecycleStatus": "Active", "ContractCommitmentCreated": "2026-01-01T00:00:00Z",
        "ContractCommitmentLastUpdated": "2026-02-10T00:00:00Z",
        "ContractCommitmentPeriodStart": "2026-02-01T00:00:00Z", "ContractCommitmentPeriodEnd": "2026-03-01T00:00:00Z",
        "ContractCommitmentDurationType": "1 Month",
        "ContractPeriodStart": "2026-01-01T00:00:00Z", "ContractPeriodEnd": "2026-07-01T00:00:00Z",
        "ContractCommitmentCategory": "Spend", "ContractCommitmentCost": "500.0", "ContractCommitmentUnit": "",
        "x_Drawn": "", "x_Applied": "0.0", "x_Brought": "0.0", "x_Short": "0.0",
    }  # fmt: skip
    assert Decimal(found["2026-01"]["x_Short"]) == 500 - Decimal(found["2026-01"]["x_Drawn"]) > 0


def test_what_charges_are_applied_to_comes_to_what_is_drawn(books: Books) -> None:
    """Over all charges of the books, by commitment: the standing of each window, and nothing else."""
    applied: Counter[str] = Counter()
    for row in FocusExport(books, day("2025-01-01"), UNTIL).rows():
        for each in _elements(row):
            assert each["ContractId"] == "north-deal"
            applied[each["ContractCommitmentId"]] += each["ContractCommitmentAppliedCost"]
    drawn = {
        f"north-deal/floor/{each.standing.start:%Y-%m-%d}": each.standing.drawn
        for each in stands(books, UNTIL, all_windows=True).clauses
        if each.standing is not None and each.standing.role == "floor" and each.standing.drawn
    }
    assert dict(applied) == drawn
    assert len(drawn) >= 1


def _elements(row: dict[str, str]) -> list[Any]:
    text = row.get("x_ContractApplied", "")
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)["Elements"] if text else []


def test_a_commitment_of_work_is_in_tokens(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        case = served_case(FLOOR | {"amount": "2 Mtok", "shortfall": {"price": "3 USD per Mtok"}})
        ingested(store, case, journal_of(tmp_path / "j", spread(10)))
        kept = Books(store, case)
        january = commitments(kept)[0]
        charges = list(FocusExport(kept, day("2026-01-01"), UNTIL).rows())
    assert (january["ContractCommitmentCategory"], january["ContractCommitmentUnit"]) == ("Usage", "Tokens")
    assert (january["ContractCommitmentQuantity"], january.get("ContractCommitmentCost", "")) == ("2000000.0", "")
    # ten calls of 1000 + n tokens in and 7n out: 10,045 and 315
    assert january["x_Drawn"] == "10360.0"
    found = [each for row in charges for each in _elements(row)]
    assert {each["ContractCommitmentAppliedUnit"] for each in found} == {"Tokens"}
    assert sum(each["ContractCommitmentAppliedQuantity"] for each in found) == 10360


CREDIT: Data = {"id": "credit", "kind": "credit", "amount": "0.01 USD"}
CLASS: Data = {"counts": [{"of": {"model": "m"}, "at-most": "1%"}]}
STAGED: Data = {"amount": "1 USD", "windows": {"every": "term"}}
FEE: Data = {"reach": "0.02 USD", "fee": "10%"}
PREPAID: Data = {"by": "2026-01-16", "reach": "0.05 USD", "fee": "100%", "charged-as": "prepayment"}
RATES = {"2026-01-01": "1.1 USD per EUR", "2026-02-01": "1.25 USD per EUR"}
IN_EUR: Data = {"exchange": [{"rate": RATES, "day": "use"}]}


@pytest.mark.parametrize(
    ("floor", "others", "more", "drawn", "applied"),
    [
        pytest.param(
            STAGED | {"milestones": [FEE | {"by": "2026-01-10"}, FEE | {"by": "2026-02-01"}]},
            [], {}, {"2026-01-01": "0.03108", "by-2026-01-10": "0", "by-2026-02-01": "0.03108"}, {},
            id="each milestone has a name of its own",
        ),
        pytest.param(
            STAGED | {"milestones": [PREPAID]}, [], {},
            {"2026-01-01": "0.05", "by-2026-01-16": "0.03108"}, {"2026-01-01": "0"},
            id="after one that is charged as prepayment, what came since",
        ),
        pytest.param(
            FLOOR | {"measure": "after-credits"}, [CREDIT], {}, {"2026-01-01": "0.02108"}, {"2026-01-01": "0.03108"},
            id="what a credit pays does not count",
        ),
        pytest.param(
            FLOOR | CLASS | {"amount": "1 USD"}, [], {}, {"2026-01-01": "0.01"}, {"2026-01-01": "0.03108"},
            id="a class up to a part",
        ),
        pytest.param(
            FLOOR | {"amount": "1 EUR", "windows": {"every": "quarter"}}, [], IN_EUR, {"2026-01-01": "0.035318181"}, {},
            id="a currency of its own: by the rate of the day of use, and told at that of the window's end",
        ),
    ],
)  # fmt: skip
def test_what_is_applied_is_told_beside_what_is_drawn(
    floor: Data, others: list[Data], more: Data, drawn: dict[str, str], applied: dict[str, str], tmp_path: Path
) -> None:
    """Ten calls of 10,360 tokens in all at 3 USD per Mtok: 0.03108 USD; in EUR 0.028254545 at 1.10, told at 1.25."""
    with fresh(tmp_path) as store:
        case = served_case(FLOOR | floor, *others, **more)
        ingested(store, case, journal_of(tmp_path / "j", spread(10)))
        kept = Books(store, case)
        rows = commitments(kept)
        charges: Counter[str] = Counter()
        for row in FocusExport(kept, day("2026-01-01"), UNTIL).rows():
            for each in _elements(row):
                charges[each["ContractCommitmentId"]] += each["ContractCommitmentAppliedCost"]
    found = {row["ContractCommitmentId"]: row for row in rows}
    assert len(found) == len(rows)
    assert {name.removeprefix("north-deal/floor/"): found[name] for name in charges}.keys() <= drawn.keys()
    for name, amount in drawn.items():
        row, charged = found[f"north-deal/floor/{name}"], charges[f"north-deal/floor/{name}"]
        assert round(Decimal(row["x_Drawn"]), 9) == Decimal(amount)
        assert round(Decimal(row["x_Applied"]), 9) == Decimal(applied.get(name, amount))
        assert abs(charged - Decimal(row["x_Applied"])) <= Decimal("1e-8"), "each charge to the billionth"
        assert "Exclusions" not in row["ContractCommitmentApplicability"]


def test_what_is_drawn_in_windows_that_start_later_and_elsewhere_is_applied_to_them(tmp_path: Path) -> None:
    """Months from the 6th of New York, whose midnight is 05:00 UTC; the calls are of 15 January."""
    windows = FLOOR | {"windows": {"every": "month", "starts": "2026-01-06", "cut": "prorate"}}
    with fresh(tmp_path) as store:
        case = served_case(windows, signed={"zone": "America/New_York"})
        ingested(store, case, journal_of(tmp_path / "j", spread(10)))
        kept = Books(store, case)
        january = commitments(kept)[0]
        charges = list(FocusExport(kept, day("2026-01-01"), UNTIL).rows())
    assert january["ContractCommitmentPeriodStart"] == "2026-01-06T05:00:00Z"
    assert january["ContractCommitmentPeriodEnd"] == "2026-02-06T05:00:00Z"
    assert january["ContractCommitmentId"].endswith("floor/2026-01-06")
    found = [each for row in charges for each in _elements(row)]
    assert {each["ContractCommitmentId"] for each in found} == {january["ContractCommitmentId"]}
    applied = sum(each["ContractCommitmentAppliedCost"] for each in found)
    assert applied == Decimal(january["x_Drawn"]) > 0


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({"region": ["dublin", "texas"]}, {"RegionId": ["dublin", "texas"], "ServiceProviderName": ["North"]}),
        ({"workload": "chat"}, {"x_Workload": ["chat"], "ServiceProviderName": ["North"]}),
        ({"team": "sales"}, None),
    ],
)
def test_what_it_covers_is_said_by_columns_or_said_to_be_more_than_they_can(
    tmp_path: Path, of: Data, said: dict[str, list[str]] | None
) -> None:
    row = of_terms(tmp_path, FLOOR | {"of": of}, workloads=[work(labels={"team": "sales"})])[0]
    told = json.loads(row["ContractCommitmentApplicability"])
    if said is None:
        assert (told["IsComplexScope"], "sales" in told["x_Scope"]) == (True, True)
    else:
        assert {rule["Dimension"]: rule["Values"] for rule in told["Inclusions"]} == said


def test_a_clause_that_cannot_be_settled_has_no_row_and_is_told(tmp_path: Path) -> None:
    """The calls state no team, so that nobody knows whether they count."""
    with fresh(tmp_path) as store:
        case = served_case(FLOOR | {"of": {"team": "sales"}}, workloads=[work(labels={"team": "sales"})])
        ingested(store, case, journal_of(tmp_path / "j", spread(3)))
        export = FocusCommitments(Books(store, case), MID)
        assert list(export.rows()) == []
        ((clause, why),) = export.unknown
    assert (clause, "team" in why) == ("floor", True)


def test_windows_of_any_length_are_named_by_it(tmp_path: Path) -> None:
    year = FLOOR | {"id": "long", "windows": {"every": "year", "cut": "prorate"}}
    signed = agreement(year, party="south", id="long-deal", effective="2026-01-01", ends="2029-01-01")
    rows = of_terms(tmp_path, FLOOR | {"windows": {"every": "quarter"}}, also=[signed])
    assert {row["ContractCommitmentDurationType"] for row in rows} == {"3 Months", "1 Year"}
    ids = [row["ContractCommitmentId"] for row in rows]
    assert len(set(ids)) == len(ids)


@pytest.fixture
def file(books: Books, tmp_path: Path) -> Path:
    path = tmp_path / "commitments.csv"
    assert FocusCommitments(books, MID).save(path) == 6
    return path


@needs(MODEL)
def test_every_column_is_as_the_model_says(file: Path) -> None:
    """Its name, type, allowed values, range, and whether it may be null; none that is mandatory is missing."""
    known = json.loads(gzip.decompress(MODEL.read_bytes()))["datasets"]["Contract Commitment"]["columns"]
    with file.open(encoding="utf-8", newline="") as out:
        found = list(csv.DictReader(out))
    assert [c for c in COMMITMENT_COLUMNS if c not in known and not c.startswith("x_")] == []
    assert [c for c, each in known.items() if each["feature_level"] == "Mandatory" and c not in found[0]] == []
    for column, rule in known.items():
        for row in found if column in found[0] else []:
            value = row[column]
            assert value or rule["allows_nulls"], column
            assert not value or re.fullmatch(PATTERNS[rule["data_type"]], value, re.DOTALL), (column, value)
            assert not (value and rule["allowed_values"]) or value in rule["allowed_values"], (column, value)


@pytest.mark.skipif(not TOOLKIT, reason="DETENTE_FOCUS_TOOLKIT names no focus-toolkit")
def test_the_toolkit_finds_no_fault(file: Path) -> None:
    asked = [TOOLKIT, "validate", str(file), "--dataset", "contract-commitment"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
