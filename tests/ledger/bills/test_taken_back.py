"""Corrections of rated use take back what is on the books as it was rated there, whatever the case says since.

A thousand thousand tokens of input at North are 3 USD: less 10% before an amendment, less 20% after it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.case.case import Case
from detente.ledger.bills.bill_ingest import BillIngested
from detente.ledger.books.books import Books
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.running_totals import all_sums
from detente.report.ledger.ingested import billed_json, billed_view
from tests.builders import Data, tokens, work
from tests.ledger.bills.bill_files import HOUR, INPUT, NANOS, OUTPUT, bill, mapped, read, row
from tests.ledger.served import accounts, both, fresh, served_case, unknown

LATER = "2026-01-15T13:00:00Z,2026-01-15T14:00:00Z"
TURNS = "2026-03-31T00:00:00Z,2026-04-02T00:00:00Z"
AT_ONCE = "2026-01-15T13:00:00Z,2026-01-15T13:00:00Z"
"""A row that ends as it begins."""
BARE: Data = {key: value for key, value in INPUT.items() if key != "workload"}


def less(off: str, price: object = 3, **more: object) -> Case:
    offers = [tokens("north", price), tokens("south", 2)]
    term: Data = {"id": "less", "kind": "discount", "off": off, **more}
    return served_case(term, offers=offers, workloads=[work(labels={"team": "sales"})])


BEFORE, SINCE = less("10%"), less("20%")


class Ledger:
    """Bills onto a ledger, each a file of its own."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder, self._files = store, folder, 0

    def read(self, case: Case, *rows: str, rule: Data = INPUT, batch: int = 5000) -> BillIngested:
        self._files += 1
        file = bill(self._folder / f"{self._files}.csv", rows)
        return read(self._store, case, mapped(self._folder, rule, OUTPUT), file, batch=batch)

    @property
    def tenths(self) -> list[float]:
        """Use at list price, what is taken off it, and what is owed, in USD."""
        found = accounts(self._store)
        names = ("use/north/north-api", "off/north/north-deal/less", "owed/north")
        return [found.get(name, 0) / NANOS for name in names]


@pytest.fixture
def ledger(store: Store, tmp_path: Path) -> Ledger:
    return Ledger(store, tmp_path)


def said(quantity: int, when: str = HOUR, service: str = "m in") -> str:
    return row(service, "0", quantity, when=when)


@both
@pytest.mark.parametrize("when", [HOUR, AT_ONCE])
def test_what_was_rated_before_an_amendment_is_taken_back_as_it_was_rated(
    store: Store, ledger: Ledger, when: str
) -> None:
    """3 USD less 0.3, and back: nothing is left of either (by the case of since 0.3 USD would be owed)."""
    ledger.read(BEFORE, said(1000, when))
    assert ledger.tenths == [3, -0.3, -2.7]
    told = ledger.read(SINCE, said(-1000, when))
    assert (told.added, told.untaken, ledger.tenths) == (1, 0, [0, 0, 0])
    assert audit(Books(store, SINCE)).faults == ()
    with store.reading() as session:
        assert [(each.net, each.listed, each.tokens, {*each.off.values()}) for each in all_sums(session)] == [
            (0, 0, [0] * 5, {0})
        ]


@both
def test_a_part_is_taken_back_in_proportion(store: Store, ledger: Ledger) -> None:
    """A quarter of 3 USD less 0.3; then the rest of it, whatever its third is rounded to."""
    ledger.read(BEFORE, said(1000))
    ledger.read(SINCE, said(-250))
    assert ledger.tenths == [2.25, -0.225, -2.025]
    ledger.read(SINCE, said(-333))
    told = ledger.read(SINCE, said(-417))
    assert (told.untaken, ledger.tenths) == (0, [0, 0, 0])


@both
def test_of_several_lines_each_is_taken_back(store: Store, ledger: Ledger) -> None:
    """100 Mtok at 3 USD and 100 at 2, on both sides of April; half of each, and the rest."""
    ledger.read(less("10%", {"2026-01-01": 3, "2026-04-01": 2}), said(200_000, TURNS))
    assert ledger.tenths == [500, -50, -450]
    ledger.read(SINCE, said(-100_000, TURNS))
    assert ledger.tenths == [250, -25, -225]
    ledger.read(SINCE, said(-100_000, TURNS).replace("Usage", "Rest"))
    with store.reading() as session:
        assert {(each.net, each.work) for each in all_sums(session)} == {(0, 0)}


def test_a_correction_of_its_last_day_takes_no_part_of_a_longer_row(store: Store, ledger: Ledger) -> None:
    """The price turns between its two days, so that the second is a line by itself; but no row."""
    ledger.read(less("10%", {"2026-01-01": 3, "2026-04-01": 2}), said(200_000, TURNS))
    assert ledger.read(SINCE, said(-1, "2026-04-01T00:00:00Z,2026-04-02T00:00:00Z")).untaken == 1


@pytest.mark.parametrize(
    ("back", "left"),
    [
        (said(-400), [3, -0.3, -2.7]),  # the one of as many tokens
        (said(-700), [2.1, -0.33, -1.77]),  # 0.7 of the first one: 0.9 less 0.09, and 1.2 less 0.24, are left
        (said(-1200), [0.6, -0.12, -0.48]),  # the first one, and half of the other
    ],
)
def test_of_several_rows_one_of_as_many_tokens_goes_first(
    back: str, left: list[float], store: Store, ledger: Ledger
) -> None:
    ledger.read(BEFORE, said(1000))
    ledger.read(SINCE, said(400))
    assert (ledger.read(SINCE, back).untaken, ledger.tenths) == (0, left)


@pytest.mark.parametrize(
    "back", [said(-1500), said(-1000, LATER), said(-1000, service="m out")], ids=["more", "another hour", "output"]
)
def test_what_is_not_on_the_books_is_set_aside_and_told(back: str, store: Store, ledger: Ledger) -> None:
    """By the prices of now it would be a credit for use that nobody was charged for: of 500, 1.5 less 0.3."""
    ledger.read(BEFORE, said(1000))
    told = ledger.read(SINCE, back)
    assert (told.untaken, told.bad, told.added, ledger.tenths) == (1, 1, 0, [3, -0.3, -2.7])
    lines: list[str] = []
    billed_view(told, "USD", lambda text: None, lines.append)
    tokens = "1,500,000" if "-1500" in back else "1,000,000"
    what = f"it takes back {tokens} tokens, and the books hold less of that use in its time"
    assert lines[0].endswith(f"2.csv:2: {what}; give it again once the use is there, or with its time")
    assert lines[1] == (
        "1 row below zero, of which less is on the books under the same use in its time: give the files again once the"
        " use is there"
    )
    assert '"untaken": 1' in billed_json(told)
    assert ledger.read(SINCE, back).untaken == 1  # and it counts once the use is there
    ledger.read(SINCE, *[said(1500, when, each) for when in (HOUR, LATER) for each in ("m in", "m out")])
    assert (ledger.read(SINCE, back).untaken, audit(Books(store, SINCE)).faults) == (0, ())


DAY_LONG, MONTH = "2026-01-15T00:00:00Z,2026-01-16T00:00:00Z", "2026-01-01T00:00:00Z,2026-02-01T00:00:00Z"


@both
@pytest.mark.parametrize("batch", [1, 5000])
def test_a_correction_of_a_longer_time_takes_back_what_lies_in_it(batch: int, store: Store, ledger: Ledger) -> None:
    """3 USD less 0.3 of one hour, 1.2 less 0.12 of the next: what a day or a month takes back, as each was rated."""
    ledger.read(BEFORE, said(1000), said(400, LATER))
    assert ledger.tenths == [4.2, -0.42, -3.78]
    assert (ledger.read(SINCE, said(-400, DAY_LONG), batch=batch).added, ledger.tenths) == (1, [3, -0.3, -2.7])
    told = ledger.read(SINCE, said(700, LATER), said(-1350, MONTH), batch=batch)  # 1,000, and 350 of 700 less 20%
    assert (told.added, told.untaken, ledger.tenths) == (2, 0, [1.05, -0.21, -0.84])
    assert ledger.read(SINCE, said(-1350, MONTH), batch=batch).again == 1
    assert ledger.read(SINCE, said(-351, DAY_LONG), batch=batch).untaken == 1
    assert (ledger.read(SINCE, said(-350, LATER), batch=batch).added, ledger.tenths) == (1, [0, 0, 0])
    assert audit(Books(store, SINCE)).faults == ()


@pytest.mark.parametrize("apart", [False, True], ids=["one file", "two files"])
def test_what_begins_as_a_correction_ends_is_not_in_its_time(apart: bool, store: Store, ledger: Ledger) -> None:
    """A row at one, and a correction of the hour before: 3 USD less 0.3 stay; one of the hour after takes it."""
    files = [[said(1000, AT_ONCE)], [said(-1000, HOUR)]] if apart else [[said(1000, AT_ONCE), said(-1000, HOUR)]]
    assert sum(ledger.read(BEFORE, *rows).untaken for rows in files) == 1
    assert ledger.tenths == [3, -0.3, -2.7]
    assert (ledger.read(SINCE, said(-1000, LATER)).untaken, ledger.tenths) == (0, [0, 0, 0])
    assert audit(Books(store, SINCE)).faults == ()


def test_what_was_taken_back_is_not_taken_again(store: Store, ledger: Ledger) -> None:
    """Back and anew, as labels are mended, and back: the second time what was given anew, 3 USD less 0.6."""
    ledger.read(BEFORE, said(1000))
    ledger.read(SINCE, said(-1000), said(1000, service="m in").replace("Usage", "Anew"))
    assert ledger.tenths == [3, -0.6, -2.4]
    ledger.read(SINCE, said(-1000).replace("Usage", "Again"))
    assert ledger.tenths == [0, 0, 0]


@pytest.mark.parametrize("batch", [1, 5000])
def test_a_correction_may_stand_beside_what_it_takes_back(batch: int, store: Store, ledger: Ledger) -> None:
    """Before it, it is not found where another batch has it: it counts as the file is given again."""
    some = said(-1000), said(1000), said(500), said(-500)
    assert ledger.read(SINCE, *some, batch=batch).untaken == int(batch == 1)
    assert ledger.read(SINCE, *some, batch=batch).untaken == 0
    assert ledger.tenths == [0, 0, 0]


SALES = less("20%", of={"team": "sales"})
"""Who has which team, bare rows do not say."""


@pytest.mark.parametrize(("first", "then"), [(BEFORE, SALES), (SALES, BEFORE)], ids=["known", "unknown"])
def test_what_only_one_case_knows_is_taken_back(first: Case, then: Case, tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        ledger = Ledger(store, tmp_path)
        for case, quantity in ((first, 1000), (then, -1000)):
            ledger.read(case, said(quantity), rule=BARE)
        assert (ledger.tenths, unknown(store)) == ([0, 0, 0], {})
