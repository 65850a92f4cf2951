"""What to write for what a contract says, where there is no kind of that name."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.terms import KINDS
from detente.terms.finding import LIST, WORDS, instead
from tests.builders import agreement, data_of, mistakes, tokens, work

NAMES = list(KINDS)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sla", "write `kind: service-credit`"),
        ("delay-credit", "write `kind: delivery`"),
        ("penalty", "write `kind: liquidated-damages`"),
        ("macc", "write `kind: minimum-commitment`"),
        ("tiers", "write `kind: volume-discount`"),
        ("mfn", "write `kind: most-favoured`"),
        ("escrow", "a person decides"),
        ("exclusive", "did you mean `exclusivity`?"),
        ("force-majeure", f"{LIST}"),
    ],
)
def test_an_unknown_kind_leads_to_what_to_write(kind: str, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement({"id": "t", "kind": kind})))
    assert only.startswith(f"there is no kind `{kind}`")
    assert said in only


CUAD = (
    *(
        "document name",
        "parties",
        "agreement date",
        "effective date",
        "expiration",
        "renewal term",
        "notice to terminate",
    ),
    *("governing law", "most favoured nation", "non-compete", "exclusivity"),
    *("no-solicit", "competitive restriction"),
    *("non-disparagement", "termination for convenience", "first refusal", "first offer", "first negotiation"),
    *("change of control", "anti-assignment", "revenue or profit sharing", "price restriction", "minimum commitment"),
    *("volume restriction", "ip ownership", "joint ownership", "licence", "non-transferable", "affiliate licence"),
    *("unlimited use", "irrevocable", "perpetual", "source code escrow", "post-termination services", "audit rights"),
    *("uncapped liability", "cap on liability", "liquidated damages", "warranty", "insurance", "covenant not to sue"),
    "third-party beneficiary",
)
"""The labels of the Contract Understanding Atticus Dataset (CUAD), in this page's words."""


@pytest.mark.parametrize("label", CUAD)
def test_every_label_of_contracts_is_found(label: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "terms" / "finding.md"
    asked = [row.split("|")[1].lower() for row in page.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    assert any(label in said for said in asked)


def test_every_kind_that_a_word_leads_to_is_there() -> None:
    for word, remedy in WORDS.items():
        assert word not in NAMES
        for kind in (part.split("`")[0] for part in remedy.split("`kind: ")[1:]):
            assert kind in NAMES, word
    assert instead("edp", NAMES).endswith(LIST)
