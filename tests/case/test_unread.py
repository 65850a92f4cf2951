"""A mistake hides no other, and none is told that only follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from tests.builders import PROVIDERS, Data, agreement, data_of, tokens, work
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


EVERYTHING = (Path(__file__).parents[1] / "everything.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "slip", "told"),
    [
        # what an offer is of, and where: clauses of it select nothing, deployments lie elsewhere, parties differ
        ("kind: gpu, provider: south,", "kind: gpu, provider: south-x,", "there is no provider `south-x`"),
        ("region: texas, acc", "region: texas-x, acc", "`south` has no region `texas-x`"),
        ("accelerator: H100, buy: spot", "accelerator: H100x, buy: spot", "no workload can use `south-spot` (H100x)"),
        ("model: small\n    price: {", "model: small-x\n    price: {", "no workload can use `south-small` (small-x)"),
        ("with: south\n    eff", "with: south-x\n    eff", "there is no provider `south-x`"),
        # labels: clauses that turn on one, and on its value
        ("{ api: stateless, data: eu, party: lab }", "{ api: stateless, date: eu, party: lab }", "has no label `data`"),
        # what is amended: texts that replace others, and dates that come from them
        ("amends: base", "amends: base-x", "there is no agreement `base-x`"),
        ("kind: minimum-commitment, amount: 200 k USD,", "kind: minimum-commitment, amount: 200 kx USD,", "`kx`"),
        ("combine: product", "combine: products", "`products` is not allowed here"),
        # clauses of the same agreement
        ("kind: liability-cap, amount: 5 M USD", "kind: liability-cap, amount: 5 Mx USD", "`Mx` is not a scale"),
        # a key that is missing, since it stands there mistyped; and what is declared under it
        ("accelerator: H100\n", "acelerator: H100\n", "unknown key `acelerator`"),
        ("until: { event: merger,", "until: { evnt: merger,", "unknown key `evnt`"),
        ("events: {", "event: {", "unknown key `event`"),
    ],
)
def test_of_one_slip_one_mistake_is_told(written: str, slip: str, told: str, tmp_path: Path) -> None:
    assert written in EVERYTHING
    path = tmp_path / "case.yaml"
    path.write_text(EVERYTHING.replace(written, slip, 1), encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        Case.load(path)
    (mistake,) = caught.value.mistakes
    assert told in mistake.what


def test_what_does_not_follow_from_a_mistake_is_told_beside_it(tmp_path: Path) -> None:
    text = EVERYTHING.replace("region: texas, acc", "region: texas-x, acc", 1)
    text = text.replace("amount: 5 M USD", "amount: 5 Mx USD", 1).replace("with: north\n", "with: nort\n", 1)
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        Case.load(path)
    found = [mistake.what for mistake in caught.value.mistakes]
    assert any("`texas-x`" in what for what in found)
    assert any("`nort`" in what for what in found)
    assert any("`Mx`" in what for what in found)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("my north", "does not have the right form"),
        ("North", "does not have the right form"),
        ("self", "a provider cannot be called `self`"),
        ("n" * 121, "has 121 characters"),
    ],
)
def test_an_id_that_cannot_be_one_makes_no_second_mistake(name: str, what: str) -> None:
    """What names the provider by another word may mean it."""
    providers = [PROVIDERS[0] | {"id": name}, *PROVIDERS[1:]]
    found = said(providers=providers)
    assert len(found) == 1
    assert what in next(iter(found))
