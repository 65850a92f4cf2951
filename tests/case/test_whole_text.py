"""An amendment that states something of the whole agreement: what goes by it, and what goes on as the text before it.

100 Mtok a day at 1 USD: 36,500 USD in 2026, 18,100 of it until the first of July and 18,400 after it.
"""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import Data, data_of, mistakes, solved, tokens, work

FLOOR: Data = {"id": "fl", "kind": "minimum-commitment", "amount": "40 k USD", "measure": "list"}
OFF: Data = {"id": "di", "kind": "discount", "off": "10%"}
MORE: Data = {"id": "mo", "kind": "discount", "off": "20%"}
BACK: Data = {"id": "ba", "kind": "volume-discount", "tiers": [{"from": "0 USD", "off": "10%"}], "method": "all-units"}
TWICE = BACK | {"id": "tw"}
PAID: Data = {"id": "pa", "kind": "payment", "amount": "1000 EUR", "on": "2026-09-01"}
RATES = [{"rate": {"2026-01-01": "1.10 USD per EUR", "2026-07-01": "1.20 USD per EUR"}, "day": "use"}]
FIXED = [{"rate": "1.50 USD per EUR"}]


def facts(before: Data, *terms: Data, after: tuple[Data, ...] = (), **stated: object) -> Data:
    first = {"id": "a", "with": "north", "effective": "2026-01-01", "terms": list(terms), "ends": "2027-01-01"}
    amended = {"id": "b", "with": "north", "effective": "2026-07-01", "amends": "a", "terms": list(after)}
    used = work(demand="100 Mtok per day") | {"labels": {"party": "lab"}}
    made = data_of([tokens("north", 1)], [used], months=12) | {"agreements": [first | before, amended | stated]}
    return made | ({"exchange": RATES} if PAID in terms else {})


@pytest.mark.parametrize(
    ("key", "before", "stated", "terms"),
    [
        ("parties", {}, ["lab"], [FLOOR]),
        ("combine", {"combine": "product"}, "sum", [OFF, MORE]),
        ("combine", {"combine": "sum"}, "product", [BACK, TWICE]),
        ("zone", {}, "America/New_York", [FLOOR]),
        ("exchange", {}, FIXED, [PAID]),
    ],
)
def test_where_nothing_goes_by_it_it_is_refused_at_its_key(
    key: str, before: Data, stated: object, terms: list[Data]
) -> None:
    given = facts(before, *terms)
    given["agreements"][1][key] = stated
    (found,) = mistakes(given)
    names = " and ".join(f"`{term['id']}`" for term in terms)
    assert f"`b` states `{key}`: no clause of it goes by that" in found
    assert f"write {names} again in it" in found


def test_what_is_written_again_in_it_goes_by_it() -> None:
    """10% and 20% off: 28% until July by the product, 30% after it by the sum; 1,000 EUR at 1.50."""
    sums = facts({"combine": "product"}, OFF, MORE, after=(OFF, MORE), combine="sum")
    assert solved(Case.of(sums)).cost == 18_100 * 72 // 100 + 18_400 * 70 // 100
    assert solved(Case.of(facts({}, PAID, after=(PAID,), exchange=FIXED))).cost == 36_500 + 1_500


def test_what_goes_on_beside_its_own_clauses_is_told() -> None:
    told = [note.what for note in notes(Case.of(facts({}, FLOOR, after=(OFF,), parties=["lab"])))]
    assert told == ["`b` states `parties`: its own clauses go by that, and `fl` of the earlier text goes on as before"]


def test_what_says_the_same_stops_nobody() -> None:
    assert notes(Case.of(facts({"parties": ["lab"]}, FLOOR, after=(OFF,), parties=["lab"]))) == ()
    assert not mistakes(facts({"combine": "sum"}, FLOOR, combine="product"))  # no discount goes on


def test_one_that_states_nothing_is_told() -> None:
    assert [note.what for note in notes(Case.of(facts({}, FLOOR)))] == ["`b` amends `a`, and changes nothing of it"]
