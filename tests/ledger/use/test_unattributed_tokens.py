"""Tokens of a bill of which nobody knows who used them: rated where that changes no price; by hand.

North sells tokens at 3 USD per Mtok: 1,000 thousand are 3 USD.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.errors import CaseError
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.bills.reconciling import reconcile
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands
from detente.ledger.store.store import Store
from tests.builders import Data, day, gpus, tokens, work
from tests.ledger.bills.bill_files import FLOOR, bill, mapped, read, row
from tests.ledger.served import accounts, call, ingested, journal_of, served_case, unknown
from tests.ledger.use.test_metering import MOVED

ANYBODY_S: Data = {"where": {"ServiceName": "m in"}, "offer": "north-api", "tokens": "input", "per": 1000}
M = 1_000_000


def test_they_are_rated_and_drawn_down_as_anybody_s(store: Store, tmp_path: Path) -> None:
    """A floor of all of North counts them; one of a team may, and says that it is not known."""
    floor = FLOOR | {"measure": "list"}
    mine = floor | {"id": "mine", "of": {"team": "sales"}}
    off: Data = {"id": "off", "kind": "discount", "off": "10%"}
    case = served_case(floor, mine, off, workloads=[work(labels={"team": "sales"})])
    read(store, case, mapped(tmp_path, ANYBODY_S), bill(tmp_path / "b.csv", [row("m in", "99", 1000)]))
    assert accounts(store)["use/north/north-api"] == 3000 * M
    assert accounts(store)["owed/north"] == -2700 * M
    found = {each.term: each for each in stands(Books(store, case), day("2026-01-20")).clauses}
    first = found["floor"].standing
    assert first is not None
    assert first.drawn == 3
    assert found["mine"].standing is None
    assert "team" in found["mine"].unknown


def test_a_discount_of_some_leaves_them_unknown(store: Store, tmp_path: Path) -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "10%", "of": {"team": "sales"}}
    case = served_case(off, workloads=[work(labels={"team": "sales"})])
    told = read(store, case, mapped(tmp_path, ANYBODY_S), bill(tmp_path / "b.csv", [row("m in", "99", 1000)]))
    assert told.unknown == 1
    ((why, count),) = unknown(store).items()
    assert ("team" in why, count) == (True, 1)


def test_a_bill_of_them_is_held_against_what_all_used(store: Store, tmp_path: Path) -> None:
    case = served_case(workloads=[work(), work("other")])
    calls = [call(1, used=(600_000, 0)), call(2, used=(400_000, 0), workload="other")]
    ingested(store, case, journal_of(tmp_path / "j", calls))
    when = "2026-01-15T00:00:00Z,2026-01-16T00:00:00Z"
    path = bill(tmp_path / "b.csv", [row("m in", "3.10", 1000, when=when)])
    found = reconcile(Books(store, case), read_mapping(mapped(tmp_path, ANYBODY_S), case), [path])
    assert [(each.cause, each.amount) for each in found.differences] == [("price", 100 * M)]


BATCHES = {"input": "3 USD per Mtok", "output": "3 USD per Mtok", "batch": "50%"}


BOTH = [tokens("north", 3) | {"price": BATCHES}, tokens("south", 2)]
RATED = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "8 Mtok per GPU-hour"}}}


@pytest.mark.parametrize(
    ("case", "rule", "said"),
    [
        (
            {"offers": [*BOTH, gpus("north", 2)], "workloads": [RATED]},
            {"offer": "north-gpus"},
            "what tokens take of `north-gpus` turns on the workload",
        ),
        (
            {"offers": BOTH, "workloads": [work(), work("nightly", kind="batch")]},
            {},
            "`north-api` sells batches at another price, and which work these tokens are of is not said",
        ),
        (MOVED, {}, "moving the data of `chat` to `north-api` costs something, and whose these tokens are is not said"),
    ],
)
def test_where_the_price_turns_on_who_used_them_the_workload_is_asked_for(
    tmp_path: Path, case: Any, rule: Data, said: str
) -> None:
    with pytest.raises(CaseError) as error:
        read_mapping(mapped(tmp_path, ANYBODY_S | rule), served_case(**case))
    assert f"{said}\n    name the `workload`" in str(error.value)


def test_clauses_of_revenue_ask_whose_they_are(tmp_path: Path) -> None:
    case = served_case(
        {"id": "cut", "kind": "revenue-share", "rate": "20%"}, workloads=[work(revenue="7 USD per Mtok")]
    )
    with pytest.raises(CaseError, match="`cut` counts revenue of these rows, which their tokens do not say"):
        read_mapping(mapped(tmp_path, ANYBODY_S), case)


def test_batches_that_nobody_runs_change_no_price(store: Store, tmp_path: Path) -> None:
    case = served_case(offers=BOTH)
    read(store, case, mapped(tmp_path, ANYBODY_S), bill(tmp_path / "b.csv", [row("m in", "99", 1000)]))
    assert accounts(store)["use/north/north-api"] == 3000 * M
