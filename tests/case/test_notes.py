"""Notes: what is no mistake of a case, and may be one."""

from __future__ import annotations

import pytest

from detente.case.notes import notes
from tests.builders import Data, agreement, build, solved, tokens, work

FLOOR: Data = {"kind": "minimum-commitment", "amount": "1 k USD"}


@pytest.mark.parametrize(("deployed", "noted"), [("south-api", True), ("north-api", False)])
def test_work_that_is_called_for_and_that_no_deployment_may_serve_is_noted(deployed: str, noted: bool) -> None:
    only = {"id": "only", "kind": "exclusivity"}
    live: Data = {
        "deployments": [
            {
                "id": "d",
                "kind": "openai-compatible",
                "offer": deployed,
                "endpoint": "http://127.0.0.1:9/v1",
                "model": "m",
                "credential": {"env": "KEY"},
            }
        ],
        "keys": [{"id": "k", "workload": "chat", "hash": f"sha256:{0:064x}"}],
    }
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(only), **live)
    said = "has a key, and no call of it can be served: it may run on `north-api`, without a deployment for it"
    assert [note.what for note in notes(case)] == [said] * noted


@pytest.mark.parametrize(
    ("term", "key"),
    [
        ({"kind": "revenue-share", "rate": "0%"}, "rate"),
        ({"kind": "revenue-share", "rate": "1%", "cap-each": "0 USD"}, "cap-each"),
        ({"kind": "liquidated-damages", "price": "0 USD per Mtok"}, "price"),
        ({"kind": "discount", "off": "0%"}, "off"),
        ({"kind": "credit", "amount": "10 USD", "rate": "0%"}, "rate"),
        ({"kind": "redundancy", "survives": "0%"}, "survives"),
        (FLOOR | {"amount": "0 USD"}, "amount"),
        ({"kind": "revenue-share", "rate": "1%"}, None),
    ],
)
def test_a_clause_of_nothing_is_noted(term: Data, key: str | None) -> None:
    case = build([tokens("north", 3)], [work(revenue="10 USD per Mtok")], agreement(term | {"id": "c"}))
    said = [f"`c` does nothing: its `{key}` is nothing"] if key else []
    assert [note.what for note in notes(case)] == said


def test_a_clause_of_nothing_is_told_by_a_plan() -> None:
    nothing: Data = FLOOR | {"id": "c", "amount": "0 USD", "windows": {"every": "month"}}
    found = solved(build([tokens("north", 3)], [work()], agreement(nothing)))
    assert [(note.term, note.agreement) for note in found.notes] == [("c", "north-deal")]


def test_a_text_that_waives_an_earlier_one_is_not_noted() -> None:
    share: Data = {"id": "c", "kind": "revenue-share", "rate": "1%", "windows": {"every": "month"}}
    later: Data = {"id": "waiver", "with": "north", "effective": "2026-03-01", "amends": "north-deal"}
    later["terms"] = [share | {"rate": "0%"}]
    case = build([tokens("north", 3)], [work(revenue="10 USD per Mtok")], agreement(share), later)
    assert notes(case) == ()
