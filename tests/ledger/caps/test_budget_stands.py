"""Where budgets stand in a ledger: used, leased and left, of each whom a budget is kept for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from detente.ledger.books.stands import BooksStand
from detente.ledger.caps.budget_stands import BudgetStands, budgets_stand
from detente.ledger.caps.budgets import CaseBudgets
from detente.ledger.caps.cap import CapTaker
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapClaim, Leasing, count
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.store import Store
from detente.live.presented import Presented
from detente.report.ledger.budgets import budgets_view
from detente.report.ledger.standing import standing_json
from detente.report.screen import Screen
from tests.builders import Data
from tests.ledger.caps.test_clause_caps import AT, tariff
from tests.ledger.served import served_case
from tests.ledger.store.test_key_store import WRITTEN

BOTH = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
BUDGETS: list[Data] = [
    {"id": "all", "of": {}, "every": "month", "zone": "Europe/Berlin", "money": "5 USD", "concurrency": 3},
    {"id": "each", "of": {}, "per": "key", "every": "day", "requests": 10},
]


@BOTH
def test_where_budgets_stand(store: Store) -> None:
    """Keys k and nb were leased 4 requests each; one call with k is on the books, and one goes on now."""
    case = served_case(budgets=BUDGETS)
    KeyStore(store).create({**WRITTEN, "within": None}, AT)
    with store.writing() as session:  # nor does one that cannot be read keep budgets from being seen
        session.run("INSERT INTO keys VALUES ('newer', '{}', 0, 0, 0, 2)")
    leasing, here = Leasing(store), tariff(case)
    leasing.open("aa", "here", 0)
    for beat, name in enumerate(("k", "nb"), start=1):
        caps = CaseBudgets(case).covering(here.of.demand or {}, Presented(name), [here.of.offer], here, AT)
        claims = {call.allows.key: CapClaim(LeaseClaim(0, need=_least(call)), call.allows.limit) for call in caps}
        leasing.renew("aa", beat, claims)
        (key,) = (key for key in claims if "each" in key.cap)
        with store.writing() as session:
            count(session, {(key, "aa"): 1} if name == "k" else {})
    found = [(s.cap.id, s.cap.of.measure, s.cap.of.whose, s.booked, s.leased, s.remaining) for s in _stands(store)]
    assert found == [
        ("all", "money", "", 0, 10**9, 4 * 10**9),
        ("all", "concurrency", "", 0, 1, 2),
        ("each", "requests", "key=k", 1, 3, 6),
        ("each", "requests", "key=nb", 0, 4, 6),
        ("key/nb", "money", "", 0, 0, 5 * 10**9),
    ]
    console = Screen(width=120)
    with console.capture() as shown:
        budgets_view(console, _stands(store))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert "all Jan 2026 5 USD 0 1 4" in lines
    assert "all now 3 calls at a time 0 1 2" in lines
    assert "each (key=k) 2026-01-15 10 requests 1 3 6" in lines
    document = json.loads(standing_json("c", BooksStand(AT, (), 0), "USD", _stands(store), ()))
    assert document["budgets"][2] == {
        "budget": "each",
        "measure": "requests",
        "of": "key=k",
        "from": "2026-01-15T00:00:00+00:00",
        "until": "2026-01-16T00:00:00+00:00",
        "allows": "10",
        "used": "1",
        "leased": "3",
        "remaining": "6",
    }


def _stands(store: Store) -> Sequence[BudgetStands]:
    return budgets_stand(store, served_case(budgets=BUDGETS), AT)


def _least(call: CapTaker) -> int:
    return 4 if call.cap.id == "each" else call.cap.unit


def test_windows_that_changed_begin_anew(store: Store) -> None:
    case = served_case(budgets=BUDGETS)
    leasing, here = Leasing(store), tariff(case)
    leasing.open("aa", "here", 0)
    caps = CaseBudgets(case).covering(here.of.demand or {}, Presented("k"), [here.of.offer], here, AT)
    leasing.renew("aa", 1, {call.allows.key: CapClaim(LeaseClaim(0, need=1), call.allows.limit) for call in caps})
    changed = served_case(budgets=[BUDGETS[0] | {"money": "9 USD"}, BUDGETS[1] | {"every": "week"}])
    found = [(stands.cap.id, stands.leased, stands.allows.limit) for stands in budgets_stand(store, changed, AT)]
    assert found == [("all", 1, 9 * 10**9), ("all", 1, 3)], "another amount goes on, and other windows begin anew"
