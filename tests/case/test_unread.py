"""A mistake in one key of an entry hides no name that nothing has in another key of it."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from tests.builders import Data, agreement, data_of, tokens, work
from tests.gateway.stage import deployment

CAP = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "term"}}
WRONG = {"odd": "1"}  # a key that no entry has


def said(**sections: list[Data]) -> set[str]:
    """What is wrong with two clouds and one workload, some sections of which are given."""
    data = data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(CAP))
    with pytest.raises(CaseError) as caught:
        Case.of(data | sections)
    return {mistake.what for mistake in caught.value.mistakes}


def test_the_provider_and_the_agreement_of_an_offer() -> None:
    found = said(offers=[tokens("north", 3), tokens("south", 2) | WRONG | {"provider": "sout", "under": "deel"}])
    assert {"unknown key `odd`", "there is no provider `sout`", "there is no agreement `deel`"} <= found


def test_the_party_of_an_agreement_and_what_it_amends() -> None:
    found = said(agreements=[agreement(CAP) | WRONG | {"with": "nort", "amends": "first"}])
    assert {"unknown key `odd`", "there is no provider `nort`", "there is no agreement `first`"} <= found


def test_an_agreement_with_oneself_names_nobody() -> None:
    assert said(agreements=[agreement(CAP, party="self") | WRONG]) == {"unknown key `odd`"}


def test_the_offer_of_a_deployment_and_the_workload_of_a_key() -> None:
    found = said(
        deployments=[deployment("d", "north-ap", "http://a.example") | WRONG],
        keys=[{"id": "k", "workload": "chatt", "secret": "env:KEY"} | WRONG],
    )
    assert {"there is no offer `north-ap`", "there is no workload `chatt`"} <= found


def test_a_name_that_is_no_text_is_only_told_as_such() -> None:
    assert not any(what.startswith("there is no") for what in said(offers=[tokens("north", 3) | {"provider": ["x"]}]))
