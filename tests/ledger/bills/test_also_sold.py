"""What a provider sells beside its offers: only bills bring it, and clauses may ask for it. Sums by hand."""

from __future__ import annotations

from pathlib import Path

from detente.errors import CaseError
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands
from tests.builders import PROVIDERS, Data, day
from tests.ledger.bills.bill_files import bill, mapped, read, row
from tests.ledger.served import fresh, served_case

MONTHLY: Data = {"kind": "minimum-commitment", "windows": {"every": "month"}}
MARKET: Data = {"product": "market"}


def test_it_draws_a_floor_on_it_and_a_class_of_another_up_to_its_part(tmp_path: Path) -> None:
    """7 USD of the marketplace: of a floor on it all, of one of 20 USD with `at-most: 25%` five."""
    floors = [
        MONTHLY | {"id": "own", "amount": "9 USD", "of": MARKET},
        MONTHLY | {"id": "all", "amount": "20 USD", "counts": [{"of": MARKET, "at-most": "25%"}]},
        MONTHLY | {"id": "none", "amount": "9 USD", "except": [MARKET]},
        MONTHLY | {"id": "here", "amount": "9 USD", "of": MARKET | {"country": "IE"}},
    ]
    providers = [each | ({"also-sells": ["market"]} if each["id"] == "north" else {}) for each in PROVIDERS]
    case = served_case(*floors, providers=providers)
    rule: Data = {"where": {}, "sold": {"provider": "north", "region": "dublin"} | MARKET}
    with fresh(tmp_path) as store:
        told = read(store, case, mapped(tmp_path, rule), bill(tmp_path / "b.csv", [row("Add-on", "7")]))
        assert (told.added, told.unknown) == (1, 0)
        found = stands(Books(store, case), day("2026-01-20")).clauses
    assert {each.term: each.standing.drawn for each in found if each.standing} == {
        "own": 7, "all": 5, "none": 0, "here": 7,
    }  # fmt: skip


def test_what_the_case_knows_nothing_of_is_told_at_its_place(tmp_path: Path) -> None:
    providers = [each | ({"also-sells": ["market"]} if each["id"] == "north" else {}) for each in PROVIDERS]
    asking = MONTHLY | {"id": "here", "amount": "9 USD", "of": MARKET | {"region": "dublin"}}

    def told(sold: Data, *clauses: Data) -> list[str]:
        case = served_case(*clauses, providers=providers)
        try:
            read_mapping(mapped(tmp_path, {"where": {}, "sold": sold}), case)
        except CaseError as error:
            return [f"{each.what}; {each.remedy}" for each in error.mistakes]
        return []

    north = {"provider": "north"}
    add = "or correct it: did you mean"
    assert told(north | {"product": "markt"}) == [
        f"`north` sells no `markt`; add it to its `also-sells`, {add} `market`?"
    ]
    assert told({"provider": "south", "product": "markt"}) == []  # what South sells so is not said
    assert told(north | {"region": "dublim"}) == []  # no clause asks
    what = "`north` has no region `dublim`, and clauses ask for regions or countries"
    assert told(north | {"region": "dublim"}, asking) == [f"{what}; add it to its `regions`, {add} `dublin`?"]
