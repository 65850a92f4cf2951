"""What to write for what a contract says, where there is no kind of that name."""

from __future__ import annotations

import pytest

from detente.terms import KINDS, kind_of
from detente.terms.finding import LIST, WORDS, instead
from tests.builders import agreement, data_of, mistakes, tokens, work

NAMES = [kind_of(kind) for kind in KINDS]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sla", "write `kind: service-credit`"),
        ("delay-credit", "write `kind: delivery`"),
        ("penalty", "write what was granted as `kind: credit`"),
        ("macc", "write `kind: minimum-commitment`"),
        ("tiers", "write `kind: volume-discount`"),
        ("mfn", "a person decides"),
        ("exclusive", "did you mean `exclusivity`?"),
        ("force-majeure", f"{LIST}"),
    ],
)
def test_an_unknown_kind_leads_to_what_to_write(kind: str, said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement({"id": "t", "kind": kind})))
    assert only.startswith(f"there is no kind `{kind}`")
    assert said in only


def test_every_kind_that_a_word_leads_to_is_there() -> None:
    for word, remedy in WORDS.items():
        assert word not in NAMES
        for kind in (part.split("`")[0] for part in remedy.split("`kind: ")[1:]):
            assert kind in NAMES, word
    assert instead("edp", NAMES).endswith(LIST)
